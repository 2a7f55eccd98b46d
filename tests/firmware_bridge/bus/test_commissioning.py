"""Commissioning: what differs from board to board is found by looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.bus import commission
from firmware_bridge.bus.commissioning import Commissioned, Commissioning, LockFinding, find_board
from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings
from firmware_bridge.errors import BoardSettingsError
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard, SimWinnsen
from firmware_bridge.simulator.line import FaultsState, SimLine
from kernel.clock import ManualClock

GUESS = BoardSettings(1, 2, reply_s=0.05, unlock_reply_s=0.05, pulse_ms=100, experimental=True)


@pytest.fixture
def learn() -> Iterator[Callable[..., Commissioned]]:
    """Commission a simulated board; a person shuts the doors that are named."""
    with ExitStack() as stack:

        def run(family: str, prepare: Callable[[Any], None] = lambda _: None, **faults: Any) -> Commissioned:
            sim: SimBoard = SIM_BOARDS[family](1, 2)
            prepare(sim)
            line = stack.enter_context(SimLine([sim], FaultsState(**faults)))
            port = TtyPort(line.path, CODECS[family].line)
            stack.callback(port.close)
            shut = lambda lock: sim.doors[lock].move(closed=True)  # noqa: E731
            seen = lambda lock: not sim.doors[lock].closed  # noqa: E731
            guess = replace(GUESS, locks=len(sim.doors))
            return Commissioning(port, CODECS[family], shut, seen).learn(guess)

        yield run


@pytest.mark.parametrize("one_is_open", [True, False])
@pytest.mark.parametrize("family", ["8a", "cu16", "wkly", "winnsen", "cu48", "cu48-modbus"])
def test_polarity_is_learned(learn: Callable[..., Commissioned], family: str, one_is_open: bool) -> None:
    """Whichever way round a board reports its doors, opening one shows it."""

    def wire(sim: Any) -> None:
        sim.one_is_open = one_is_open

    found = learn(family, wire)
    assert found.answered
    assert found.settings.one_is_open is one_is_open
    assert found.faulty == ()


@pytest.mark.parametrize("lock_first", [True, False])
def test_the_order_of_fields_is_learned(learn: Callable[..., Commissioned], lock_first: bool) -> None:
    """Winnsen boards of both revisions are told apart."""

    def revise(sim: Any) -> None:
        assert isinstance(sim, SimWinnsen)
        sim.lock_before_status = lock_first

    assert learn("winnsen", revise).settings.lock_before_status is lock_first


def test_an_echoing_adapter_is_noticed(learn: Callable[..., Commissioned]) -> None:
    """An adapter that returns what is sent is found, and the board behind it is learned all the same."""
    found = learn("8a", always_echo=True)
    assert (found.strips_echo, found.answered, found.faulty) == (True, True, ())
    assert not learn("8a").strips_echo


def test_a_lock_whose_sensor_does_not_follow_is_named(learn: Callable[..., Commissioned]) -> None:
    """A jammed lock is named; its neighbours' polarity counts."""

    def jam(sim: Any) -> None:
        sim.doors[2].jammed = True

    found = learn("8a", jam)
    assert found.faulty == (2,)
    assert found.settings.one_is_open is False


def test_a_silent_board_is_not_opened(learn: Callable[..., Commissioned]) -> None:
    """Where nobody answers nothing is pulsed, and the guess is returned as such."""
    sims: list[Any] = []

    def move_away(sim: Any) -> None:
        sim.address = 9
        sims.append(sim)

    found = learn("8a", move_away)
    assert (found.answered, found.settings) == (False, GUESS)
    assert sum(door.pulses for door in sims[0].doors.values()) == 0


def test_crossed_wires_are_found(learn: Callable[..., Commissioned]) -> None:
    """When opening one lock moves the other's sensor, that other one is named."""

    def cross(sim: Any) -> None:
        one, two = sim.doors[1], sim.doors[2]
        one.pulse, two.pulse = two.pulse, one.pulse

    found = learn("8a", cross)
    assert [(finding.lock, finding.instead) for finding in found.locks] == [(1, 2), (2, 1)]


@pytest.mark.parametrize("family", ["xunming-modbus", "relay-modbus", "scu"])
def test_a_board_without_sensors_is_commissioned_by_eye(learn: Callable[..., Commissioned], family: str) -> None:
    """Where a board reports no doors, the person says whether each opened."""

    def jam(sim: Any) -> None:
        sim.doors[1].jammed = True

    assert learn(family).faulty == ()
    assert learn(family, jam).faulty == (1,)


@pytest.mark.parametrize(("family", "address"), [("8a", 5), ("winnsen", 3), ("cu16", 0)])
def test_a_board_is_found_by_reading(family: str, address: int) -> None:
    """Speed and address are found without opening anything; where nobody is, nothing is found."""
    sim = SIM_BOARDS[family](address, 2)
    guess = BoardSettings(1, 2, reply_s=0.2, one_is_open=True)
    with SimLine([sim]) as line:
        found = find_board(lambda settings: TtyPort(line.path, settings), CODECS[family], guess, (9600,), (address,))
        assert found is not None
        assert found.address == address
        assert sum(door.pulses for door in sim.doors.values()) == 0
        line.unanswered = True
        assert find_board(lambda settings: TtyPort(line.path, settings), CODECS[family], guess, (), (1,)) is None


def test_a_technician_commissions_a_board(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: ManualClock
) -> None:
    """The command finds the board, has each door shut, prints the lines for agent.toml and keeps who did it."""
    sim = SIM_BOARDS["8a"](2, 2)
    record = tmp_path / "commissioned.jsonl"

    def person(question: str) -> str:
        sim.doors[int(question.split()[2].rstrip(","))].move(closed=True)
        return ""

    with SimLine([sim]) as line:
        arguments = ["--port", line.path, "--protocol", "8a", "--locks", "2", "--reply-s", "0.2", "--by", "Li"]
        assert commission.main([*arguments, "--record", str(record)], person, clock) == 0
        said = capsys.readouterr().out
        assert "address = 2" in said
        assert "one_is_open = false" in said
        assert '"by": "Li", "at": "2026-03-0' in record.read_text(encoding="utf-8")
        sim.doors[2].jammed = True
        assert commission.main(arguments, person, clock) == 1
        assert "lock 2 is not sound" in capsys.readouterr().err
    assert commission.main(["--port", "/dev/nowhere", "--protocol", "scu", "--locks", "1"], person, clock) == 2


def test_experimental_families_are_refused_unless_allowed() -> None:
    """A family whose frames are doubtful opens nothing on a board whose settings do not allow it."""
    for family in ("cu48", "scu", "cu48-modbus"):
        codec = CODECS[family]
        assert codec.capabilities.experimental
        with pytest.raises(BoardSettingsError, match="experimental"):
            codec.unlock(BoardSettings(1, 1), 1)
        if codec.capabilities.sensor:
            with pytest.raises(BoardSettingsError, match="experimental"):
                codec.reads(BoardSettings(1, 1))
        assert codec.unlock(BoardSettings(1, 1, experimental=True), 1).lock == 1
    assert not any(CODECS[family].capabilities.experimental for family in ("8a", "cu16", "wkly", "winnsen"))


def test_a_lock_is_sound_when_it_opens_and_shuts() -> None:
    """Half of it is not enough."""
    assert LockFinding(1, True, True).sound
    assert not LockFinding(1, True, False).sound
