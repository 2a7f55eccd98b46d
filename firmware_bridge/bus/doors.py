"""Doors as they are known: debounced, doubted when a board is silent, never assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from firmware_bridge.codecs.board import Door

DEBOUNCE_S: Final = 0.05


@dataclass
class _WatchState:
    known: Door = Door.UNKNOWN
    candidate: Door | None = None
    candidate_s: float = 0.0


@dataclass(frozen=True)
class DoorMoved:
    """A door is known to be in another state than before."""

    lock: int
    before: Door
    now: Door


class DoorsState:
    """What is known of one board's doors.

    A new state counts after two equal reads at least 50 ms apart: contacts bounce, and families with a weak
    check let a corrupt frame through now and then. Silence makes every door unknown at once.
    """

    def __init__(self, locks: int) -> None:
        self._doors = {lock: _WatchState() for lock in range(1, locks + 1)}

    def door(self, lock: int) -> Door:
        """Return what is known of a door."""
        return self._doors[lock].known

    def all(self) -> Mapping[int, Door]:
        """Return what is known of every door."""
        return {lock: watch.known for lock, watch in self._doors.items()}

    def read(self, doors: Mapping[int, Door], now_s: float) -> list[DoorMoved]:
        """Take one reading of some or all doors and return what it made certain."""
        moved = []
        for lock, seen in doors.items():
            watch = self._doors.get(lock)
            if watch is None:
                continue
            if seen is watch.known:
                watch.candidate = None
            elif watch.candidate is not seen:
                watch.candidate, watch.candidate_s = seen, now_s
            elif now_s - watch.candidate_s >= DEBOUNCE_S:
                moved.append(DoorMoved(lock, watch.known, seen))
                watch.known, watch.candidate = seen, None
        return moved

    def lost(self) -> list[DoorMoved]:
        """Doubt every door, because its board does not answer."""
        moved = [
            DoorMoved(lock, watch.known, Door.UNKNOWN)
            for lock, watch in self._doors.items()
            if watch.known is not Door.UNKNOWN
        ]
        for watch in self._doors.values():
            watch.known, watch.candidate = Door.UNKNOWN, None
        return moved

    def unsettled(self) -> bool:
        """Tell whether a door waits for its second reading."""
        return any(watch.candidate is not None for watch in self._doors.values())
