"""The actuator: carries out each opening at most once, and says only what was seen.

The intent is written down and durable before the coil is energised; an id with an intent is never pulsed again, not
after a power cut either. What came of it is told by the door's sensor; without its word the outcome is "unknown" and
a person decides.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from firmware_bridge.bus.cabinet import BoxMoved, Pulse
from firmware_bridge.codecs.board import Door
from firmware_bridge.device.store import DeviceStore, Fact
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.errors import BusError, OutboxFullError
from firmware_bridge.schemas import CommandState, RefusalCode
from kernel.ids import Ids
from kernel.log import get_logger

log = get_logger("firmware_bridge.device")

CONFIRM_S: Final = 2.0
_LOOK_S: Final = 0.06
_QUEUE: Final = 32
#: Where a trial may cut the power.
POINTS: Final = ("before_intent", "after_intent", "during_pulse", "before_report")


class Doors(Protocol):
    """The cabinet as the actuator needs it."""

    def has_sensor(self, target: str) -> bool:
        """Tell whether a door can be seen."""
        ...

    def door(self, target: str) -> Door:
        """Return what is known of a door without reading it."""
        ...

    def look(self, target: str) -> Door:
        """Read a door now."""
        ...

    def pulse(self, target: str) -> Pulse:
        """Pulse a coil once."""
        ...


@dataclass(frozen=True)
class Opening:
    """One opening to be carried out: by the server's command, or allowed here."""

    id: str
    target: str
    expect_closed: bool = True
    exp: datetime | None = None
    local: bool = False


@dataclass(frozen=True)
class Told:
    """Something to tell the server at once."""

    cmd_id: str
    state: CommandState
    code: RefusalCode | None = None
    detail: str = ""


class Actuator:
    """Works through openings in a thread of its own: one power supply, one coil at a time.

    Parameters
    ----------
    tell
        Called from the actuator's thread with every step of every command; it must return at once.
    at
        Called at each of :data:`POINTS`; trials cut the power there.
    confirm_s
        How long after a pulse an opening counts as caused by it.
    """

    def __init__(
        self,
        doors: Doors,
        store: DeviceStore,
        server_time: ServerTime,
        ids: Ids,
        tell: Callable[[Told], None],
        *,
        record: Callable[[Fact], object] | None = None,
        at: Callable[[str], None] = lambda point: None,
        confirm_s: float = CONFIRM_S,
    ) -> None:
        self._doors = doors
        self.confirm_s = confirm_s
        self._store = store
        self._time = server_time
        self._ids = ids
        self._tell = tell
        self._record = record or store.record
        self._at = at
        self._work: queue.Queue[Opening | None] = queue.Queue(maxsize=_QUEUE)
        self._thread = threading.Thread(target=self._run, name="actuator", daemon=True)
        self._working_on: str | None = None
        self.maintenance = False

    def start(self) -> None:
        """Settle what an earlier process left undecided, then begin to work."""
        self.settle_leftovers()
        self._thread.start()

    @property
    def running(self) -> bool:
        """Tell whether the actuator works."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is in hand and end."""
        self._work.put(None)
        self._thread.join(10)

    def submit(self, opening: Opening) -> RefusalCode | None:
        """Queue an opening whose row is in the store; return why not, if not."""
        if self.maintenance:
            return RefusalCode.MAINTENANCE
        try:
            self._work.put_nowait(opening)
        except queue.Full:
            return RefusalCode.BUSY
        return None

    def open_locally(self, target: str, *, expect_closed: bool = True) -> str:
        """Open by a local right (code, button, key): the same path with an id of the device's own."""
        opening = Opening(self._ids.new(), target, expect_closed, local=True)
        with self._store.transaction() as cursor:
            cursor.execute(
                "INSERT INTO command (id, op, target, expect, exp, local, state) "
                "VALUES (?, 'open', ?, ?, '9999', 1, 'accepted')",
                (opening.id, target, "closed" if expect_closed else "any"),
            )
        refused = self.submit(opening)
        if refused is not None:
            self._finish(opening, CommandState.REFUSED, refused)
        return opening.id

    def moved(self, move: BoxMoved) -> None:
        """Record a door that moved, unless an opening in hand is about to say so itself."""
        if move.before is Door.UNKNOWN:
            return  # found, not seen moving
        if move.now is Door.OPEN and move.target != self._working_on:
            latch = {"not_latched": True} if move.unlatched else {}
            self._record(Fact("door", "door.opened", {"target": move.target, "by_hand": True, **latch}))
        elif move.now is Door.CLOSED:
            inside = {} if move.occupied is None else {"inside": "occupied" if move.occupied else "empty"}
            self._record(Fact("door", "door.closed", {"target": move.target, **inside}))

    def settle_leftovers(self) -> None:
        """Decide about intents without outcome, left by a power cut: look, never pulse."""
        rows = self._store.query("SELECT id, target, local FROM command WHERE state IN ('intent', 'actuated')")
        for id_, target, local in rows:
            seen = self._doors.look(target)
            state = CommandState.CONFIRMED if seen is Door.OPEN else CommandState.UNKNOWN
            self._finish(Opening(id_, target, local=bool(local)), state, detail=f"after a restart, door {seen.value}")

    def carry_out(self, opening: Opening) -> None:
        """Carry out one opening from check to report."""
        refusal = self._hindrance(opening)
        if refusal is not None:
            self._finish(opening, CommandState.REFUSED, refusal)
            return
        self._at("before_intent")
        if not self._write_intent(opening):
            log.warning("opening_skipped", command=opening.id)  # somebody was quicker: it is on record already
            return
        self._at("after_intent")
        try:
            pulse = self._doors.pulse(opening.target)
        except BusError as problem:
            self._finish(opening, CommandState.UNKNOWN, detail=problem.message[:80])
            return
        self._at("during_pulse")
        if pulse.refused:
            self._finish(opening, CommandState.FAILED, detail=pulse.reason[:80])
            return
        self._note(opening, CommandState.ACTUATED, [Fact("door", "door.pulsed", self._door_body(opening))])
        self._tell(Told(opening.id, CommandState.ACTUATED))
        state, detail = self._watch(opening)
        self._at("before_report")
        self._finish(opening, state, detail=detail)

    def _run(self) -> None:
        while (opening := self._work.get()) is not None:
            self._working_on = opening.target
            try:
                self.carry_out(opening)
            except Exception as problem:  # the thread must outlive any one opening; its intent is on record
                log.exception("opening_broke", command=opening.id, why=str(problem))
            finally:
                self._working_on = None

    def _hindrance(self, opening: Opening) -> RefusalCode | None:
        now = self._time.now()
        if opening.exp is not None and (now is None or now > opening.exp):
            return RefusalCode.EXPIRED  # it waited too long behind others
        if self.maintenance:
            return RefusalCode.MAINTENANCE
        if not opening.expect_closed or not self._doors.has_sensor(opening.target):
            return None
        seen = self._doors.look(opening.target)
        return {Door.OPEN: RefusalCode.ALREADY_OPEN, Door.UNKNOWN: RefusalCode.INTERLOCK}.get(seen)

    def _write_intent(self, opening: Opening) -> bool:
        return self._durably(lambda: self._try_intent(opening))

    @staticmethod
    def _durably(write: Callable[[], bool]) -> bool:
        """Write, and once more when a full disk gave its reserve away for it: collections go on."""
        try:
            return write()
        except OutboxFullError:
            return write()

    def _try_intent(self, opening: Opening) -> bool:
        with self._store.transaction() as cursor:
            cursor.execute("UPDATE command SET state = 'intent' WHERE id = ? AND state = 'accepted'", (opening.id,))
            return cursor.rowcount == 1

    def _watch(self, opening: Opening) -> tuple[CommandState, str]:
        if not self._doors.has_sensor(opening.target):
            return CommandState.UNKNOWN, "no door sensor"
        seen, until_s = Door.UNKNOWN, time.monotonic() + self.confirm_s
        while time.monotonic() < until_s:
            seen = self._doors.look(opening.target)
            if seen is Door.OPEN:
                confirmed = opening.expect_closed  # without "closed before" there was no edge to see
                return (CommandState.CONFIRMED, "") if confirmed else (CommandState.UNKNOWN, "open, but was it before?")
            time.sleep(_LOOK_S)
        return (CommandState.FAILED, "door stayed closed") if seen is Door.CLOSED else (
            CommandState.UNKNOWN, "door sensor silent",
        )  # fmt: skip

    def _finish(self, opening: Opening, state: CommandState, code: RefusalCode | None = None, detail: str = "") -> None:
        """Write down a command's end, unless it has one already, and tell it."""
        body: dict[str, Any] = {"cmd_id": opening.id, "target": opening.target, "state": state.value, "detail": detail}
        if code is not None:
            body["reason_code"] = code.value
        if opening.local:
            body["local"] = True
        facts = [Fact("command", "command.finished", body)]
        if state is CommandState.CONFIRMED:
            facts.insert(0, Fact("door", "door.opened", self._door_body(opening)))
        if self._note(opening, state, facts, code, detail) and not opening.local:
            self._tell(Told(opening.id, state, code, detail))

    def _note(
        self,
        opening: Opening,
        state: CommandState,
        facts: list[Fact],
        code: RefusalCode | None = None,
        detail: str = "",
    ) -> bool:
        """Write events and the command's new state in one transaction; False when it was not in a state before."""
        return self._durably(lambda: self._try_note(opening, state, facts, code, detail))

    def _try_note(
        self, opening: Opening, state: CommandState, facts: list[Fact], code: RefusalCode | None, detail: str
    ) -> bool:
        before = "('accepted')" if state is CommandState.REFUSED else "('intent', 'actuated')"
        with self._store.transaction() as cursor:
            cursor.execute(
                f"UPDATE command SET state = ?, code = ?, detail = ? WHERE id = ? AND state IN {before}",  # noqa: S608
                (state.value, code.value if code else None, detail, opening.id),
            )
            if cursor.rowcount != 1:
                return False
            for fact in facts:
                self._record(fact)
            return True

    @staticmethod
    def _door_body(opening: Opening) -> dict[str, Any]:
        return {"target": opening.target, "cmd_id": opening.id}
