"""Commissioning: what differs from board to board is found by looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from firmware_bridge.bus.commissioning import Commissioned, Commissioning
from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard, SimWinnsen
from firmware_bridge.simulator.line import FaultsState, SimLine

GUESS = BoardSettings(1, 2, reply_s=0.05, unlock_reply_s=0.05)


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
            return Commissioning(port, CODECS[family], shut).learn(GUESS)

        yield run


@pytest.mark.parametrize("one_is_open", [True, False])
@pytest.mark.parametrize("family", ["8a", "cu16", "wkly", "winnsen"])
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
