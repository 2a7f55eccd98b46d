"""The actuator: at most one pulse for each command, and no word more than was seen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.bus.cabinet import BoxMoved, Pulse
from firmware_bridge.codecs.board import Door
from firmware_bridge.device.actuator import POINTS, Actuator, Opening, Told
from firmware_bridge.device.gate import Gate
from firmware_bridge.device.store import DeviceStore
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.errors import BusError
from firmware_bridge.schemas import CommandState, RefusalCode
from kernel.clock import ManualClock
from kernel.ids import SeededIds


class PowerCut(BaseException):
    """The power is gone: nothing of this process runs any more."""


@dataclass
class FakeDoors:
    """Doors that obey, jam, are blind, or whose line is gone."""

    state: dict[str, Door] = field(default_factory=lambda: {"c1-1": Door.CLOSED, "c1-2": Door.CLOSED})
    pulses: list[str] = field(default_factory=list)
    jammed: bool = False
    blind: bool = False
    refuses: bool = False
    line_gone: bool = False

    def has_sensor(self, target: str) -> bool:
        """Tell whether the doors can be seen."""
        return not self.blind

    def door(self, target: str) -> Door:
        """Return what is known."""
        return self.look(target)

    def look(self, target: str) -> Door:
        """Read a door."""
        return Door.UNKNOWN if self.blind else self.state[target]

    def pulse(self, target: str) -> Pulse:
        """Pulse a coil."""
        self.pulses.append(target)
        if self.line_gone:
            raise BusError("the line is gone")
        if self.refuses:
            return Pulse(target, refused=True, reason="coil cooling down")
        if not self.jammed:
            self.state[target] = Door.OPEN
        return Pulse(target)


@dataclass
class Bench:
    """An actuator on a store that survives power cuts."""

    path: Path
    clock: ManualClock
    ids: SeededIds
    config: Any
    doors: FakeDoors = field(default_factory=FakeDoors)
    told: list[Told] = field(default_factory=list)
    cut_at: str = ""
    store: Any = None
    actuator: Any = None

    def start(self) -> Actuator:
        """Start the program, as after power has come back."""
        if self.store is not None:
            self.store.close()
        self.store = DeviceStore(self.path, self.clock, self.ids)
        time = ServerTime(self.store, self.clock)
        time.hear(self.clock.now(), fresh=True)
        Gate(self.config, self.store, time, list(self.doors.state))
        self.actuator = Actuator(self.doors, self.store, time, self.ids, self.told.append, at=self._at, confirm_s=0.2)
        return self.actuator

    def accept(self, target: str = "c1-1", **more: Any) -> Opening:
        """Put an accepted command into the store, as the gate does."""
        opening = Opening(self.ids.new(), target, **more)
        with self.store.transaction() as cursor:
            cursor.execute(
                "INSERT INTO command (id, op, target, expect, exp, local, state) "
                "VALUES (?, 'open', ?, ?, '9999', 0, 'accepted')",
                (opening.id, target, "closed" if opening.expect_closed else "any"),
            )
        return opening

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return type and body of all recorded events."""
        rows = self.store.query("SELECT type, body FROM event ORDER BY seq")
        return [(kind, json.loads(body)) for kind, body in rows]

    def outcomes(self) -> list[str]:
        """Return the last words on all commands."""
        return [body["state"] for kind, body in self.events() if kind == "command.finished"]

    def _at(self, point: str) -> None:
        if point == self.cut_at:
            raise PowerCut


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock, ids: SeededIds, kiosk: Any) -> Iterator[Bench]:
    """Give a bench with a running program; confirming takes a fifth of a second instead of two."""
    bench = Bench(tmp_path / "bench.db", clock, ids, kiosk.agent.config)
    bench.start()
    yield bench
    bench.store.close()


def test_dev_061_pulse_open_taken_are_distinct(bench: Bench) -> None:
    """Pulsed, opened and closed are events of their own, each from evidence of its own; none says "taken"."""
    opening = bench.accept()
    bench.actuator.carry_out(opening)
    bench.actuator.moved(BoxMoved("c1-1", Door.OPEN, Door.CLOSED))
    assert [kind for kind, _ in bench.events()] == ["door.pulsed", "door.opened", "command.finished", "door.closed"]
    assert [told.state for told in bench.told] == [CommandState.ACTUATED, CommandState.CONFIRMED]


def test_dev_060_confirmed_only_by_sensor(bench: Bench) -> None:
    """A pulse counts as an opening only when the door is seen opening; else it failed, or nobody knows."""
    bench.doors.jammed = True
    bench.actuator.carry_out(bench.accept())
    assert bench.outcomes() == ["failed"]
    bench.doors.jammed, bench.doors.blind = False, True
    bench.actuator.carry_out(bench.accept("c1-2"))
    assert bench.outcomes() == ["failed", "unknown"]
    bench.doors.blind = False
    bench.doors.state["c1-2"] = Door.OPEN
    bench.actuator.carry_out(bench.accept("c1-2", expect_closed=False))
    assert bench.outcomes()[2] == "unknown"  # it was open before: nothing was seen to open


def test_a_board_that_refuses_ends_the_command(bench: Bench) -> None:
    """When the board says that it did not pulse, the command has failed with the board's reason."""
    bench.doors.refuses = True
    bench.actuator.carry_out(bench.accept())
    assert bench.events()[-1][1] == {
        "cmd_id": bench.told[-1].cmd_id, "target": "c1-1", "state": "failed", "detail": "coil cooling down",
    }  # fmt: skip


def test_a_broken_line_is_not_an_answer(bench: Bench) -> None:
    """When the line breaks at the pulse nobody knows whether the door opened."""
    bench.doors.line_gone = True
    bench.actuator.carry_out(bench.accept())
    assert bench.outcomes() == ["unknown"]


def test_dev_070_already_open_no_pulse(bench: Bench) -> None:
    """A door that stands open is not pulsed; one whose state is not known is not either."""
    bench.doors.state["c1-1"] = Door.OPEN
    bench.actuator.carry_out(bench.accept())
    bench.doors.state["c1-1"] = Door.UNKNOWN
    bench.actuator.carry_out(bench.accept())
    assert bench.doors.pulses == []
    assert [told.code for told in bench.told] == [RefusalCode.ALREADY_OPEN, RefusalCode.INTERLOCK]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("opens", [True, False])
def test_dev_058_at_most_one_pulse_per_id(bench: Bench, point: str, opens: bool) -> None:
    """Wherever the power is cut, a command pulses its coil once at most, and is never told wrongly."""
    bench.doors.jammed = not opens
    opening = bench.accept()
    bench.cut_at = point
    with pytest.raises(PowerCut):
        bench.actuator.carry_out(opening)
    bench.cut_at = ""
    for _ in range(3):  # power comes back, and the very same command comes again and again
        bench.start().settle_leftovers()
        bench.actuator.carry_out(opening)
    assert bench.doors.pulses == (["c1-1"] if point != "after_intent" else [])
    outcomes = bench.outcomes()
    assert len(outcomes) == 1
    really_open = bench.doors.state["c1-1"] is Door.OPEN
    assert outcomes[0] in ({"confirmed"} if really_open else {"unknown", "failed"})
    if point == "before_intent":
        assert outcomes == ["confirmed" if opens else "failed"]  # nothing had happened: it was carried out


def test_the_same_command_a_hundred_times_is_one_pulse(bench: Bench) -> None:
    """Doubled subscriptions, repeats and impatience together move the coil once."""
    opening = bench.accept()
    threads = [threading.Thread(target=bench.actuator.carry_out, args=(opening,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(96):
        bench.actuator.carry_out(opening)
    assert bench.doors.pulses == ["c1-1"]


def test_dev_069_local_open_same_path(bench: Bench) -> None:
    """An opening allowed at the device itself is written down first, watched and reported like any other."""
    bench.actuator.start()
    opened = bench.actuator.open_locally("c1-2")
    bench.actuator.stop()
    assert bench.doors.pulses == ["c1-2"]
    finished = bench.events()[-1][1]
    assert (finished["cmd_id"], finished["state"], finished["local"]) == (opened, "confirmed", True)
    assert [told.state for told in bench.told] == [CommandState.ACTUATED]


def test_a_command_that_waited_too_long_is_refused(bench: Bench, clock: ManualClock) -> None:
    """A command that expired while others were carried out is not carried out."""
    opening = bench.accept(exp=clock.now() + timedelta(seconds=30))
    clock.advance(31)
    bench.actuator.carry_out(opening)
    assert (bench.doors.pulses, bench.told[-1].code) == ([], RefusalCode.EXPIRED)


def test_maintenance_and_overload_refuse(bench: Bench) -> None:
    """In maintenance nothing opens from afar, and more than 32 waiting openings are refused as busy."""
    bench.actuator.maintenance = True
    assert bench.actuator.submit(bench.accept()) is RefusalCode.MAINTENANCE
    bench.actuator.maintenance = False
    answers = [bench.actuator.submit(bench.accept()) for _ in range(33)]
    assert answers == [None] * 32 + [RefusalCode.BUSY]


def test_a_door_opened_by_hand_is_told_as_such(bench: Bench) -> None:
    """A door that opens without a pulse of ours is reported as opened by hand; a found state is not a movement."""
    bench.actuator.moved(BoxMoved("c1-1", Door.CLOSED, Door.OPEN))
    bench.actuator.moved(BoxMoved("c1-2", Door.UNKNOWN, Door.CLOSED))
    assert bench.events() == [("door.opened", {"target": "c1-1", "by_hand": True})]


def test_a_door_that_does_not_latch_says_so(bench: Bench) -> None:
    """A door that springs open right after it was shut is told apart from one that somebody opened."""
    bench.actuator.moved(BoxMoved("c1-1", Door.CLOSED, Door.OPEN, unlatched=True))
    assert bench.events() == [("door.opened", {"target": "c1-1", "by_hand": True, "not_latched": True})]


def test_the_actuator_outlives_a_broken_opening(bench: Bench) -> None:
    """An opening that breaks the program half-way does not keep the next one from being carried out."""
    bench.actuator.start()
    broken = bench.accept("c1-1")
    del bench.doors.state["c1-1"]
    assert bench.actuator.submit(broken) is None
    assert bench.actuator.submit(bench.accept("c1-2")) is None
    bench.actuator.stop()
    assert bench.doors.pulses == ["c1-2"]
