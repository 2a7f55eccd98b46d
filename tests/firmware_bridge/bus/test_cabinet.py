"""A cabinet: boxes by name, opened one at a time, watched all the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from firmware_bridge.bus.cabinet import Board, BoxMoved, Cabinet, Pulse
from firmware_bridge.bus.master import BusMaster
from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings, Door
from firmware_bridge.errors import BoardSettingsError
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard, SimWinnsen
from firmware_bridge.simulator.line import FaultsState, SimLine

Built = tuple[Cabinet, list[SimBoard], SimLine, list[BoxMoved]]


@pytest.fixture
def build() -> Iterator[Callable[..., Built]]:
    """Build a cabinet of boards on one simulated line."""
    with ExitStack() as stack:

        def make(family: str = "8a", boards: int = 1, faults: FaultsState | None = None) -> Built:
            sims = [SIM_BOARDS[family](address, 4) for address in range(1, boards + 1)]
            line = stack.enter_context(SimLine(sims, faults))
            codec = CODECS[family]
            master = BusMaster(TtyPort(line.path, codec.line), codec)
            stack.callback(master.close)
            units = [
                Board(
                    master,
                    BoardSettings(
                        sim.address, 4, one_is_open=family == "winnsen", pulse_ms=200, reply_s=0.05, unlock_reply_s=0.05
                    ),
                    {lock: f"c{sim.address}-{lock}" for lock in range(1, 5)},
                )
                for sim in sims
            ]
            moves: list[BoxMoved] = []
            return Cabinet(units, moves.append), sims, line, moves

        yield make


def settle(cabinet: Cabinet, seconds: float = 4.0) -> None:
    """Poll as often as is due until nothing is due soon."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s and cabinet.due_in_s() < 0.5:
        time.sleep(cabinet.due_in_s())
        cabinet.poll()


def test_boxes_are_known_by_name(build: Callable[..., Built]) -> None:
    """Boxes of two boards have names of their own, and the one named is the one that opens."""
    cabinet, sims, _, moves = build(boards=2)
    settle(cabinet)
    assert {cabinet.door(target) for target in cabinet.targets} == {Door.CLOSED}
    moves.clear()
    assert cabinet.pulse("c2-3") == Pulse("c2-3")
    settle(cabinet)
    assert (sims[0].doors[3].pulses, sims[1].doors[3].pulses) == (0, 1)
    assert cabinet.door("c2-3") is Door.OPEN
    assert moves == [BoxMoved("c2-3", Door.CLOSED, Door.OPEN)]
    with pytest.raises(BoardSettingsError, match="c9-1"):
        cabinet.pulse("c9-1")


def test_coils_are_pulsed_one_at_a_time(build: Callable[..., Built]) -> None:
    """The next coil waits until the last pulse is over, and the same coil rests for a second."""
    cabinet, _, _, _ = build()
    started_s = time.monotonic()
    for target in ("c1-1", "c1-2", "c1-3"):
        cabinet.pulse(target)
    assert time.monotonic() - started_s >= 0.4
    assert cabinet.cooling_s("c1-3") > 0.7
    cabinet.pulse("c1-3")
    assert time.monotonic() - started_s >= 1.4


def test_a_board_that_refuses_is_believed(build: Callable[..., Built]) -> None:
    """A coil that cools down refuses, and that is told with its reason."""
    cabinet, sims, _, _ = build("winnsen")
    board = sims[0]
    assert isinstance(board, SimWinnsen)
    board.cooling.add(2)
    assert cabinet.pulse("c1-2") == Pulse("c1-2", refused=True, reason="coil cooling down")
    assert board.doors[2].pulses == 0


def test_dev_207_poll_finds_manual_opening(build: Callable[..., Built]) -> None:
    """A door opened by hand is found by the poll: within five seconds, within one while somebody is there."""
    cabinet, sims, _, moves = build()
    settle(cabinet)
    moves.clear()
    assert 4.5 < cabinet.due_in_s() <= 5.0
    cabinet.busy = True
    assert cabinet.due_in_s() <= 1.0
    sims[0].doors[4].move(closed=False)
    started_s = time.monotonic()
    while not moves:
        time.sleep(min(cabinet.due_in_s(), 0.05))
        cabinet.poll()
        assert time.monotonic() - started_s < 2
    assert moves == [BoxMoved("c1-4", Door.CLOSED, Door.OPEN)]


def test_a_jammed_door_stays_closed(build: Callable[..., Built]) -> None:
    """A pulse that moves nothing changes nothing: the door is closed and no event says otherwise."""
    cabinet, sims, _, moves = build()
    settle(cabinet)
    moves.clear()
    sims[0].doors[1].jammed = True
    cabinet.pulse("c1-1")
    settle(cabinet)
    assert (sims[0].doors[1].pulses, cabinet.door("c1-1"), moves) == (1, Door.CLOSED, [])


def test_a_bouncing_contact_is_one_movement(build: Callable[..., Built]) -> None:
    """A door whose contact bounces opens once."""
    cabinet, sims, _, moves = build()
    settle(cabinet)
    moves.clear()
    sims[0].doors[1].bounces = True
    cabinet.pulse("c1-1")
    settle(cabinet)
    assert moves == [BoxMoved("c1-1", Door.CLOSED, Door.OPEN)]


def test_a_silent_board_leaves_its_doors_unknown(build: Callable[..., Built]) -> None:
    """When a board stops answering its doors become unknown, and known again when it is back."""
    cabinet, _, line, moves = build()
    settle(cabinet)
    moves.clear()
    line.unanswered = True
    assert cabinet.look("c1-2") is Door.UNKNOWN
    assert {move.now for move in moves} == {Door.UNKNOWN}
    line.unanswered = False
    assert cabinet.look("c1-2") is Door.CLOSED


def test_a_box_without_sensor_is_never_known(build: Callable[..., Built]) -> None:
    """Without a sensor a door stays unknown, whatever was pulsed."""
    cabinet, sims, _, moves = build("xunming-modbus")
    settle(cabinet)
    cabinet.pulse("c1-1")
    assert sims[0].doors[1].pulses == 1
    assert (cabinet.has_sensor("c1-1"), cabinet.door("c1-1"), cabinet.look("c1-1"), moves) == (
        False, Door.UNKNOWN, Door.UNKNOWN, [],
    )  # fmt: skip


def test_items_are_seen_where_the_board_can(build: Callable[..., Built]) -> None:
    """A board with item sensors tells what lies in a box; others do not know."""
    cabinet, sims, _, _ = build("cu16")
    sims[0].doors[2].occupied = True
    settle(cabinet)
    assert (cabinet.item("c1-2"), cabinet.item("c1-3")) == (True, False)
    other, _, _, _ = build("8a")
    settle(other)
    assert other.item("c1-2") is None


def test_two_locks_cannot_bear_one_name(build: Callable[..., Built]) -> None:
    """A box name that stands twice is refused when the cabinet is built."""
    cabinet, _, _, _ = build()
    board = cabinet._units[0].board
    with pytest.raises(BoardSettingsError, match="two locks"):
        Cabinet([board, board])


def test_a_door_that_springs_open_again_was_not_latched(build: Callable[..., Built]) -> None:
    """A door that opens right after it was shut is told apart from one opened by hand and from one opened by us."""
    cabinet, sims, line, moves = build()
    settle(cabinet)
    moves.clear()
    cabinet.pulse("c1-1")
    settle(cabinet)
    for closed in (True, False):
        line.move_by_hand(sims[0], 1, closed=closed)
        cabinet.look("c1-1")
    line.move_by_hand(sims[0], 2, closed=False)
    cabinet.look("c1-2")
    assert [(move.target, move.now, move.unlatched) for move in moves] == [
        ("c1-1", Door.OPEN, False), ("c1-1", Door.CLOSED, False), ("c1-1", Door.OPEN, True), ("c1-2", Door.OPEN, False),
    ]  # fmt: skip


def test_a_cabinet_that_cannot_be_is_refused_when_it_is_built() -> None:
    """A lock too many, and a doubtful family nobody allowed, are refused before the first customer comes."""
    with SimLine([SIM_BOARDS["cu48"](1, 4)]) as line:
        for family, settings in (("8a", BoardSettings(1, 2)), ("cu48", BoardSettings(1, 4))):
            master = BusMaster(TtyPort(line.path, CODECS[family].line), CODECS[family])
            with pytest.raises(BoardSettingsError):
                Cabinet([Board(master, settings, {lock: f"c1-{lock}" for lock in range(1, 5)})])
            master.close()
        allowed = BusMaster(TtyPort(line.path, CODECS["cu48"].line), CODECS["cu48"])
        assert Cabinet([Board(allowed, BoardSettings(1, 4, experimental=True), {1: "c1-1"})]).targets == ("c1-1",)
        allowed.close()
