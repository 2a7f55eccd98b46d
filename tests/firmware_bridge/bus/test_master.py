"""The bus master on a pseudo-terminal with boards that answer well, badly, late or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from firmware_bridge.bus.master import BusMaster
from firmware_bridge.bus.port import TcpPort, TtyPort
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import Answered, BoardSettings, Changed, Door, States
from firmware_bridge.errors import BusError
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard
from firmware_bridge.simulator.line import Fault, FaultsState, SimLine

FAMILIES = sorted(set(SIM_BOARDS) - {"scu"})  # has one lock only
WITH_SENSOR = [family for family in FAMILIES if CODECS[family].capabilities.sensor]
Wired = tuple[BusMaster, SimLine, SimBoard, BoardSettings]


@pytest.fixture
def wire() -> Iterator[Callable[..., Wired]]:
    """Put a simulated board of a family on a line with a master."""
    with ExitStack() as stack:

        def make(family: str, faults: FaultsState | None = None, **options: object) -> Wired:
            board = BoardSettings(
                1,
                4,
                one_is_open=family == "winnsen",
                reply_s=0.12,
                unlock_reply_s=0.12,
                turnaround_s=0.002,
                experimental=True,
            )
            sim = SIM_BOARDS[family](1, 4)
            line = stack.enter_context(SimLine([sim], faults))
            master = BusMaster(TtyPort(line.path, CODECS[family].line), CODECS[family], **options)  # type: ignore[arg-type]
            stack.callback(master.close)
            return master, line, sim, board

        yield make


def read(wired: Wired) -> dict[int, Door] | None:
    """Read all doors of the board; None when it stays silent."""
    master, _, _, board = wired
    doors: dict[int, Door] = {}
    for request in master.codec.reads(board):
        reading = master.ask(request)
        if not isinstance(reading, States):
            return None
        doors |= reading.doors
    return doors


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_opens_the_lock_that_was_meant(wire: Callable[..., Wired], family: str) -> None:
    """One request pulses one coil once; with a sensor the board then tells that this door is open."""
    wired = master, _, sim, board = wire(family)
    answer = master.ask(master.codec.unlock(board, 3))
    assert answer is None or answer == Answered(3, refused=False)
    time.sleep(0.02)
    assert [door.pulses for door in sim.doors.values()] == [0, 0, 1, 0]
    if master.codec.capabilities.sensor:
        assert read(wired) == {1: Door.CLOSED, 2: Door.CLOSED, 3: Door.OPEN, 4: Door.CLOSED}


@pytest.mark.parametrize("family", WITH_SENSOR)
@pytest.mark.parametrize("fault", list(Fault))
def test_dev_210_simulator_faults_available(wire: Callable[..., Wired], family: str, fault: Fault) -> None:
    """Whatever spoils one answer, no door is believed to be in another state, and the next reads are right."""
    faults = FaultsState(script=[fault], late_s=0.16)
    wired = wire(family, faults)
    truth = dict.fromkeys(range(1, 5), Door.CLOSED)
    assert read(wired) in (truth, None)
    assert faults.done[fault] == 1
    started_s = time.monotonic()
    assert read(wired) == truth
    assert time.monotonic() - started_s < 0.8 * len(wired[0].codec.reads(wired[3]))


def test_dev_202_late_reply_of_previous_ignored(wire: Callable[..., Wired]) -> None:
    """An answer that comes after its time is not taken for the answer to the next question."""
    faults = FaultsState(script=[Fault.LATE], late_s=0.18)
    master, _, sim, board = wire("winnsen", faults)
    sim.doors[1].move(closed=False)
    codec = master.codec
    assert master.ask(codec.read_one(board, 2)) == States({2: Door.CLOSED})  # type: ignore[attr-defined]
    faults.script = [Fault.LATE, None]
    assert master.ask(codec.unlock(board, 1)) is None
    time.sleep(0.05)
    assert master.ask(codec.read_one(board, 2)) == States({2: Door.CLOSED})  # type: ignore[attr-defined]
    assert master.stats.foreign + master.stats.stale_bytes > 0


def test_dev_203_echo_is_not_success(wire: Callable[..., Wired]) -> None:
    """An adapter that returns what was sent never makes an opening look done, nor hides the real answer."""
    for family in ("8a", "xunming-modbus"):
        master, _, sim, board = wire(family, FaultsState(always_echo=True))
        sim.doors[2].jammed = True
        answer = master.ask(master.codec.unlock(board, 2))
        assert answer in (None, Answered(2, refused=False))
        assert not isinstance(answer, States)
        assert sim.doors[2].closed
    wired = wire("8a", FaultsState(always_echo=True), strips_echo=True)
    wired[2].doors[1].move(closed=False)
    doors = read(wired)
    assert doors is not None
    assert doors[1] is Door.OPEN


def test_dev_204_no_reply_is_unknown(wire: Callable[..., Wired]) -> None:
    """A silent board is asked three times and then unknown; an unlock goes out once, answered or not."""
    wired = master, line, sim, board = wire("8a")
    line.unanswered = True
    assert read(wired) is None
    assert len(line.requests) == 3
    assert master.ask(master.codec.unlock(board, 1)) is None
    time.sleep(0.02)
    assert len(line.requests) == 4
    assert sim.doors[1].pulses == 1  # no reply does not mean that it did not open


def test_dev_059_no_unlock_frame_retry(wire: Callable[..., Wired]) -> None:
    """One opening is one frame on the line, whatever spoils its answer."""
    for fault in Fault:
        master, line, sim, board = wire("wkly", FaultsState(script=[fault], late_s=0.16))
        master.ask(master.codec.unlock(board, 4))
        time.sleep(0.05)
        assert len(line.requests) == sim.doors[4].pulses == 1, fault


def test_dev_201_stale_bytes_flushed(wire: Callable[..., Wired]) -> None:
    """Bytes that came unasked are dropped and counted, except a board's own report."""
    reports: list[Changed] = []
    wired = master, line, sim, _ = wire("wkly", on_change=reports.append)
    line.shout(b"\x57\x4b\x00rubbish")
    line.move_by_hand(sim, 2, closed=False)
    time.sleep(0.05)
    doors = read(wired)
    assert doors is not None
    assert doors[2] is Door.OPEN
    assert master.stats.stale_bytes > 0
    assert reports == [Changed(1, 2, Door.OPEN)]
    line.move_by_hand(sim, 2, closed=True)
    master.listen(0.1)
    assert reports[1:] == [Changed(1, 2, Door.CLOSED)]


def test_dev_206_interframe_gap_kept(wire: Callable[..., Wired]) -> None:
    """Between an answer and the next request the line rests at least as long as the board needs."""
    master, line, _, _ = wire("8a")
    board = BoardSettings(1, 4, reply_s=0.05, turnaround_s=0.04)
    seen: list[float] = []
    original = line._handle

    def note(request: bytes) -> None:
        seen.append(time.monotonic())
        original(request)

    line._handle = note  # type: ignore[method-assign]
    for _ in range(4):
        master.ask(master.codec.reads(board)[0])
    pauses = [later - earlier for earlier, later in pairwise(seen)]
    assert min(pauses) >= 0.04


def test_dev_200_single_bus_owner(wire: Callable[..., Wired]) -> None:
    """A second program cannot open the line, and threads of one program never talk at once."""
    wired = master, line, _, board = wire("cu16")
    with pytest.raises(BusError, match="owned"):
        TtyPort(line.path, master.codec.line)
    wrong: list[object] = []

    def ask_often() -> None:
        for _ in range(10):
            if not isinstance(master.ask(master.codec.reads(board)[0]), States):
                wrong.append(1)

    threads = [threading.Thread(target=ask_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    # What arrived on the line are whole frames, one after the other: nobody spoke in between.
    assert set(line.requests) == {master.codec.reads(board)[0].frame}
    assert read(wired) is not None


def test_a_missing_line_is_named() -> None:
    """A device file that is not there, or a converter that does not answer, is named in the error."""
    with pytest.raises(BusError, match="ttyNONE"):
        TtyPort("/dev/ttyNONE", CODECS["8a"].line)
    with pytest.raises(BusError, match=r"127\.0\.0\.1"):
        TcpPort("127.0.0.1", 9, 0.2)


@pytest.mark.parametrize("family", WITH_SENSOR)
def test_a_bad_day_on_the_line(wire: Callable[..., Wired], family: str) -> None:
    """With a third of all answers spoilt at random nothing raises, and no closed door is ever seen open."""
    kinds = tuple(fault for fault in Fault if fault is not Fault.LATE)
    wired = wire(family, FaultsState(seed=11, share=0.33, kinds=kinds))
    answers = [read(wired) for _ in range(15)]
    assert sum(answer is not None for answer in answers) >= 8
    assert all(set(answer.values()) == {Door.CLOSED} for answer in answers if answer is not None)


@pytest.mark.parametrize("fault", [Fault.TRUNCATION, Fault.BAD_CHECK, Fault.WRONG_ADDRESS])
def test_a_broken_answer_is_asked_again_soon(fault: Fault) -> None:
    """An answer that broke off is not waited for: with a patience of ten minutes the right one comes at once."""
    patient = BoardSettings(1, 4, reply_s=600.0)
    sim = SIM_BOARDS["8a"](1, 4)
    with SimLine([sim], FaultsState(script=[fault], seed=3)) as line:
        master = BusMaster(TtyPort(line.path, CODECS["8a"].line), CODECS["8a"])
        assert isinstance(master.ask(CODECS["8a"].reads(patient)[0]), States)
        master.close()
