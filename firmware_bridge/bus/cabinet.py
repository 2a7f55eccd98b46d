"""A cabinet: boxes by name on one or more boards, opened one at a time and watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from firmware_bridge.bus.doors import DEBOUNCE_S, DoorMoved, DoorsState
from firmware_bridge.bus.master import BusMaster
from firmware_bridge.codecs.board import Answered, BoardSettings, Changed, Door, States
from firmware_bridge.errors import BoardSettingsError, BusError
from kernel.log import get_logger

log = get_logger("firmware_bridge.bus")

#: With the second look that follows it, a movement is known within 5 s.
POLL_IDLE_S: Final = 4.8
POLL_BUSY_S: Final = 1.0
COOL_S: Final = 1.0
#: So long after a pulse its board is read as often as it can: an opening counts as caused by it.
WATCH_S: Final = 2.0
#: A door that opens again so soon after it was shut was not latched.
LATCH_S: Final = 3.0
_REPORT_WATCH_S: Final = 0.3
_SECOND_LOOK_S: Final = DEBOUNCE_S * 1.2


@dataclass(frozen=True)
class BoxMoved:
    """A box's door is known to be in another state.

    ``unlatched`` is set when it sprang open again right after it was shut, without a pulse: the latch did not catch.
    ``occupied`` is what the sensor inside says of a shut box, None where there is none.
    """

    target: str
    before: Door
    now: Door
    unlatched: bool = False
    occupied: bool | None = None


@dataclass(frozen=True)
class Pulse:
    """One pulse that was sent.

    ``refused`` is set only when the board said so; otherwise nothing is known until a sensor speaks.
    """

    target: str
    refused: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Board:
    """A board, the line it hangs on, and what its boxes are called."""

    bus: BusMaster
    settings: BoardSettings
    boxes: Mapping[int, str]


@dataclass
class _UnitState:
    board: Board
    doors: DoorsState
    items: dict[int, bool] = field(default_factory=dict)
    read_s: float = float("-inf")
    watched_until_s: float = float("-inf")
    busy_until_s: float = float("-inf")


class Cabinet:
    """Boxes of one power supply.

    Raises
    ------
    BoardSettingsError
        If two boxes share a lock or a name, or a board's settings cannot be: a bad address, a lock too many, a family
        that is experimental and not allowed.

    Notes
    -----
    One coil at a time: the next pulse waits until the one before is over, and the same coil rests a second.
    :meth:`pulse` belongs to the actuator that has written its intent down; nobody else calls it.
    """

    def __init__(self, boards: Sequence[Board], on_move: Callable[[BoxMoved], None] | None = None) -> None:
        self._units = [_UnitState(board, DoorsState(board.settings.locks)) for board in boards]
        self._places: dict[str, tuple[_UnitState, int]] = {}
        for unit in self._units:
            for lock, target in unit.board.boxes.items():
                unit.board.bus.codec.unlock(unit.board.settings, lock)  # refused now rather than at the first customer
                if target in self._places:
                    raise BoardSettingsError(f"box {target} is on two locks", field="boxes")
                self._places[target] = (unit, lock)
        self._on_move = on_move
        self._power = threading.Lock()
        self._pulse_over_s = float("-inf")
        self._pulsed_s: dict[str, float] = {}
        self._shut_s: dict[str, float] = {}
        self.busy = False

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the names of all boxes."""
        return tuple(self._places)

    def has_sensor(self, target: str) -> bool:
        """Tell whether a box's door can be seen."""
        return self._place(target)[0].board.bus.codec.capabilities.sensor

    def door(self, target: str) -> Door:
        """Return what is known of a box's door."""
        unit, lock = self._place(target)
        return unit.doors.door(lock)

    def item(self, target: str) -> bool | None:
        """Return whether something lies in a box, None where that cannot be seen."""
        unit, lock = self._place(target)
        return unit.items.get(lock)

    def cooling_s(self, target: str) -> float:
        """Return how long a coil must still rest."""
        return max(0.0, self._pulsed_s.get(target, float("-inf")) + COOL_S - time.monotonic())

    def pulse(self, target: str) -> Pulse:
        """Send the one frame that pulses a box's coil; it is never repeated here.

        Raises
        ------
        BoardSettingsError
            If there is no such box.
        BusError
            If the line is gone; whether anything opened is not known then.
        """
        unit, lock = self._place(target)
        with self._power:
            wait_s = max(self._pulse_over_s - time.monotonic(), self.cooling_s(target))
            if wait_s > 0:
                time.sleep(wait_s)
            request = unit.board.bus.codec.unlock(unit.board.settings, lock)
            self._pulsed_s[target] = time.monotonic()
            self._pulse_over_s = time.monotonic() + unit.board.settings.pulse_ms / 1000
            answer = unit.board.bus.ask(request)
        unit.watched_until_s = time.monotonic() + WATCH_S
        if isinstance(answer, Answered) and answer.refused:
            return Pulse(target, refused=True, reason=answer.reason)
        return Pulse(target)

    def changed(self, report: Changed) -> None:
        """Take a board's own report: a reason to look at once, not evidence."""
        for unit in self._units:
            if unit.board.settings.address == report.address:
                unit.watched_until_s = max(unit.watched_until_s, time.monotonic() + _REPORT_WATCH_S)

    def due_in_s(self) -> float:
        """Return how long until a door is to be read again."""
        return max(0.0, min((self._due_s(unit) for unit in self._units), default=POLL_IDLE_S) - time.monotonic())

    def poll(self) -> list[BoxMoved]:
        """Read the boards that are due and return what is now known to have moved."""
        moved: list[BoxMoved] = []
        for unit in self._units:
            if self._due_s(unit) <= time.monotonic():
                moved += self._read(unit)
        return moved

    def look(self, target: str) -> Door:
        """Read a box's door now, twice if it seems to have moved, and return what is known."""
        unit, lock = self._place(target)
        self._read(unit)
        if unit.doors.unsettled():
            time.sleep(_SECOND_LOOK_S)
            self._read(unit)
        return unit.doors.door(lock)

    def _read(self, unit: _UnitState) -> list[BoxMoved]:
        unit.read_s = time.monotonic()
        board = unit.board
        found = []
        for request in board.bus.codec.reads(board.settings):
            try:
                reading = board.bus.ask(request)
            except BusError as problem:
                log.error("bus_gone", why=problem.message)
                reading = None
            if isinstance(reading, States):
                unit.items.update(reading.items)
                found += unit.doors.read(reading.doors, time.monotonic())
            else:
                unit.items.clear()
                found += unit.doors.lost()
                break
        moved = [self._moved(unit, move) for move in found if move.lock in board.boxes]
        if any(move.before is Door.OPEN and move.now is Door.CLOSED for move in moved):
            unit.busy_until_s = time.monotonic() + LATCH_S
        for move in moved:
            if self._on_move is not None:
                self._on_move(move)
        return moved

    def _moved(self, unit: _UnitState, move: DoorMoved) -> BoxMoved:
        target = unit.board.boxes[move.lock]
        now_s = time.monotonic()
        shut_s = self._shut_s.pop(target, float("-inf"))
        if move.now is Door.CLOSED and move.before is Door.OPEN:
            self._shut_s[target] = now_s
        pulsed = self._pulsed_s.get(target, float("-inf")) > shut_s
        unlatched = move.now is Door.OPEN and now_s - shut_s <= LATCH_S and not pulsed
        occupied = unit.items.get(move.lock) if move.now is Door.CLOSED else None  # an open box has hands in it
        return BoxMoved(target, move.before, move.now, unlatched, occupied)

    def _due_s(self, unit: _UnitState) -> float:
        if unit.doors.unsettled() or time.monotonic() < unit.watched_until_s:
            return unit.read_s + _SECOND_LOOK_S
        busy = self.busy or time.monotonic() < unit.busy_until_s
        return unit.read_s + (POLL_BUSY_S if busy else POLL_IDLE_S)

    def _place(self, target: str) -> tuple[_UnitState, int]:
        place = self._places.get(target)
        if place is None:
            raise BoardSettingsError(f"there is no box {target}", field="target")
        return place
