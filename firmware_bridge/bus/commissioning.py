"""Commissioning: find out what vendors do not agree about, by opening each door once and looking.

Polarity, an echoing adapter and the order of Winnsen's fields are learned; a door whose sensor does not follow is
named. One board is connected, a person stands in front of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from firmware_bridge.bus.master import BusMaster
from firmware_bridge.bus.port import Port
from firmware_bridge.codecs.board import BoardSettings, Codec, Door, States

_OPENING_S: Final = 2.0
_STEP_S: Final = 0.06
_EQUAL_READS: Final = 2


@dataclass(frozen=True)
class LockFinding:
    """What one lock did: whether its sensor followed when it opened and when it was shut again."""

    lock: int
    opened: bool
    shut: bool

    @property
    def sound(self) -> bool:
        """Tell whether lock and sensor belong together."""
        return self.opened and self.shut


@dataclass(frozen=True)
class Commissioned:
    """The result: settings to be kept, findings to be signed by whoever did it.

    ``answered`` is False when the board never spoke; then the settings are those it was asked with.
    """

    settings: BoardSettings
    strips_echo: bool
    answered: bool
    locks: tuple[LockFinding, ...]

    @property
    def faulty(self) -> tuple[int, ...]:
        """Return the locks whose sensor did not follow."""
        return tuple(finding.lock for finding in self.locks if not finding.sound)


class Commissioning:
    """Learns one board.

    Parameters
    ----------
    ask_to_shut
        Tells the person which door to shut; returns when that is done.
    """

    def __init__(self, port: Port, codec: Codec, ask_to_shut: Callable[[int], None]) -> None:
        self._port = port
        self._codec = codec
        self._ask_to_shut = ask_to_shut

    def learn(self, guess: BoardSettings) -> Commissioned:
        """Open every door once and return what was learned.

        Parameters
        ----------
        guess
            Address, number of locks and time-outs; polarity and order are found out.

        Raises
        ------
        BusError
            If the line is gone.
        """
        # As long as polarity is unknown, "open" only means "the bit is set".
        bits = replace(guess, one_is_open=True)
        echo = self._echoes(bits)
        master = BusMaster(self._port, self._codec, strips_echo=echo)
        ordered = self._with_order(master, bits)
        if ordered is None:
            return Commissioned(guess, echo, False, ())
        findings, votes = [], []
        for lock in range(1, guess.locks + 1):
            self._ask_to_shut(lock)
            shut = self._settled(master, ordered, lock, None)
            master.ask(self._codec.unlock(ordered, lock))
            opened = self._settled(master, ordered, lock, shut)
            followed = Door.UNKNOWN not in (shut, opened) and shut is not opened
            if followed:
                votes.append(opened is Door.OPEN)
            self._ask_to_shut(lock)
            again = self._settled(master, ordered, lock, opened) if followed else Door.UNKNOWN
            findings.append(LockFinding(lock, followed, again is shut and followed))
        one_is_open = sum(votes) * 2 > len(votes) if votes else guess.one_is_open
        # A sensor wired the other way round than its neighbours would call an open door closed.
        agreeing = iter(votes)
        checked = tuple(
            replace(finding, opened=next(agreeing) == one_is_open) if finding.opened else finding
            for finding in findings
        )
        return Commissioned(replace(ordered, one_is_open=one_is_open), echo, True, checked)

    def _echoes(self, settings: BoardSettings) -> bool:
        """Tell whether the adapter returns what is sent."""
        requests = self._codec.reads(settings)
        if not requests:
            return False
        self._port.flush_input()
        self._port.write(requests[0].frame)
        heard, until_s = b"", time.monotonic() + settings.reply_s
        while (left_s := until_s - time.monotonic()) > 0:
            heard += self._port.read(left_s)
        return heard.startswith(requests[0].frame)

    def _with_order(self, master: BusMaster, settings: BoardSettings) -> BoardSettings | None:
        """Find the order of the status fields the board uses; None when it never answers."""
        for lock_first in (True, False):
            candidate = replace(settings, lock_before_status=lock_first)
            requests = self._codec.reads(candidate)
            # The last lock: its number cannot be mistaken for a status.
            if requests and isinstance(master.ask(requests[-1]), States):
                return candidate
        return None

    def _settled(self, master: BusMaster, settings: BoardSettings, lock: int, other_than: Door | None) -> Door:
        """Return the door's state after two equal reads, waiting for one other than a given state."""
        until_s, last, equal = time.monotonic() + _OPENING_S, Door.UNKNOWN, 0
        while time.monotonic() < until_s:
            seen = self._door(master, settings, lock)
            equal = equal + 1 if seen is last else 1
            last = seen
            if equal >= _EQUAL_READS and seen not in (Door.UNKNOWN, other_than):
                return seen
            time.sleep(_STEP_S)
        return last

    def _door(self, master: BusMaster, settings: BoardSettings, lock: int) -> Door:
        for request in self._codec.reads(settings):
            if request.lock in (None, lock):
                reading = master.ask(request)
                return reading.doors.get(lock, Door.UNKNOWN) if isinstance(reading, States) else Door.UNKNOWN
        return Door.UNKNOWN
