"""Lines and doors: B1 spoils answers, B2 fuzzes codecs, B3 tries golden frames, A6 lets doors misbehave."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks import fuzz, golden
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_least, at_most, exactly, noted, percentile
from firmware_bridge.bus.cabinet import LATCH_S, POLL_BUSY_S, POLL_IDLE_S, Board, BoxMoved, Cabinet
from firmware_bridge.bus.master import BusMaster
from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs import CODECS
from firmware_bridge.codecs.board import BoardSettings, Door, States
from firmware_bridge.device.actuator import Actuator
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.gate import Gate
from firmware_bridge.device.store import DeviceStore
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.endpoint import BrokerAddress, Login
from firmware_bridge.signing import DeviceKey
from firmware_bridge.simulator.boards import SIM_BOARDS, SimBoard, SimDoorState
from firmware_bridge.simulator.line import Fault, FaultsState, SimLine
from firmware_bridge.topics import Address
from kernel.clock import SystemClock
from kernel.ids import SystemIds

_USABLE_MS: Final = 200
_TOLD_S: Final = 5
_LOCKS: Final = 4
_LATE_S: Final = 0.4  # later than any answer is waited for
_GIVE_UP_S: Final = 30.0
_CALM_S: Final = 0.5
_WITH_SENSOR: Final = tuple(family for family, codec in CODECS.items() if codec.capabilities.sensor)


@dataclass
class _SpoiltState:
    """What came of spoilt answers."""

    recovery_ms: list[float] = field(default_factory=list)
    lost_ms: list[float] = field(default_factory=list)
    tried: int = 0
    raised: int = 0
    false_states: int = 0
    never_again: int = 0


def spoilt_answers(settings: TrialSettings) -> TrialResult:
    """Spoil one answer in every way in every family, and time how long until the line is of use again."""
    spoilt = _SpoiltState()
    for family in _WITH_SENSOR:
        for fault in Fault:
            _spoil_family(family, fault, settings.size(20, 1), settings.seed, spoilt)
    return TrialResult(
        (
            at_least("spoilt answers", spoilt.tried, settings.size(20, 1) * len(_WITH_SENSOR) * len(Fault)),
            exactly("exceptions", spoilt.raised, 0),
            exactly("doors believed to be what they are not", spoilt.false_states, 0),
            exactly("lines that did not recover", spoilt.never_again, 0),
            at_most(
                "99 of 100 usable after the last bad byte within",
                percentile(spoilt.recovery_ms, 0.99),
                settings.size(_USABLE_MS, 60_000),
                "ms",
            ),
            noted("median", percentile(spoilt.recovery_ms, 0.5), "ms"),
            noted("longest", max(spoilt.recovery_ms, default=0.0), "ms"),
            noted("answers never sent: right reading after, at most", max(spoilt.lost_ms, default=0.0), "ms"),
        )
    )


def _spoil_family(family: str, fault: Fault, times: int, seed: int, spoilt: _SpoiltState) -> None:
    faults = FaultsState(seed=seed, late_s=_LATE_S)
    with _wired(family, faults) as (master, board, line, sim):
        request = master.codec.reads(board)[-1]
        for turn in range(times):
            sim.doors[_LOCKS].move(closed=turn % 2 == 0)
            faults.script.append(fault)
            spoilt.tried += 1
            started_s = time.monotonic()
            truth = Door.CLOSED if turn % 2 == 0 else Door.OPEN
            try:
                right_s = _first_right(master, request, truth, spoilt)
            except Exception:  # the very thing this looks for
                spoilt.raised += 1
                continue
            if fault is Fault.LATE and right_s is not None:
                # It arrives between two requests, where it must do no harm either.
                time.sleep(max(0.0, started_s + 2 * _LATE_S - time.monotonic()))
                asked_s = time.monotonic()
                right_s = _first_right(master, request, truth, spoilt)
                if right_s is not None:
                    spoilt.recovery_ms.append((right_s - asked_s) * 1000)
            if right_s is None:
                spoilt.never_again += 1
            elif line.spoilt_s < started_s:  # nothing was sent at all
                spoilt.lost_ms.append((right_s - started_s) * 1000)
            elif fault is not Fault.LATE:
                spoilt.recovery_ms.append(max(0.0, right_s - line.spoilt_s) * 1000)


def _first_right(master: BusMaster, request: Any, truth: Door, spoilt: _SpoiltState) -> float | None:
    until_s = time.monotonic() + _GIVE_UP_S
    while time.monotonic() < until_s:
        reading = master.ask(request)
        if isinstance(reading, States):
            if reading.doors.get(_LOCKS) is truth:
                return time.monotonic()
            spoilt.false_states += 1
    return None


@contextmanager
def _wired(family: str, faults: FaultsState) -> Iterator[tuple[BusMaster, BoardSettings, SimLine, SimBoard]]:
    board = BoardSettings(1, _LOCKS, one_is_open=family == "winnsen", experimental=True)
    sim = SIM_BOARDS[family](1, _LOCKS)
    with SimLine([sim], faults) as line, closing(TtyPort(line.path, CODECS[family].line)) as port:
        yield BusMaster(port, CODECS[family]), board, line, sim


def corrupt_frames(settings: TrialSettings) -> TrialResult:
    """Send corrupt frames through every codec."""
    frames = settings.size(1_000_000, 600)
    tallies = [fuzz.fuzz(family, frames, settings.seed) for family in fuzz.SUBJECTS]
    sealed = next(tally for tally in tallies if tally.family == "osdp-secure")
    return TrialResult(
        (
            at_least("frames for each family", min(tally.frames for tally in tallies), frames),
            noted("families", len(tallies)),
            exactly("exceptions", sum(tally.raised for tally in tallies), 0),
            exactly("frames accepted with a wrong check", sum(tally.wrong_check_accepted for tally in tallies), 0),
            exactly("corrupt frames opened in a secure channel", sealed.also_answered, 0),
            noted("corrupt frames whose check fitted", sum(tally.check_fitted for tally in tallies)),
            noted("seed", settings.seed),
        )
    )


def golden_frames(_settings: TrialSettings) -> TrialResult:
    """Try every golden frame."""
    tried = list(golden.verdicts())
    return TrialResult(
        (
            noted("frames and what they mean", len(tried)),
            exactly("of them right", sum(not verdict.wrong for verdict in tried), len(tried)),
        )
    )


class _Scene:
    """A cabinet with its actuator and store on a simulated board, polled as the device program polls it."""

    def __init__(self, folder: Path, sim: SimBoard, cabinet: Cabinet) -> None:
        clock, ids = SystemClock(), SystemIds()
        self.sim = sim
        self.cabinet = cabinet
        self.moves: list[tuple[float, BoxMoved]] = []
        self.store = DeviceStore(folder / "device.db", clock, ids)
        server_time = ServerTime(self.store, clock)
        server_time.hear(clock.now(), fresh=True)
        config = AgentConfig(
            Address("trial", "a6-kiosk"), BrokerAddress.parse("mqtt://127.0.0.1:1883"), Login("a6-kiosk", "none"),
            DeviceKey("a6", bytes(range(32))), folder / "device.db",
        )  # fmt: skip
        Gate(config, self.store, server_time, cabinet.targets)  # keeps the table of commands
        self.actuator = Actuator(cabinet, self.store, server_time, ids, lambda _: None)

    def moved(self, move: BoxMoved) -> None:
        """Take what the cabinet saw, as the device program does."""
        self.moves.append((time.monotonic(), move))
        self.actuator.moved(move)

    def door(self, lock: int) -> SimDoorState:
        """Return a simulated door."""
        return self.sim.doors[lock]

    def open(self, target: str) -> str:
        """Let a right of the device's own open a box, and return how it ended."""
        id_ = self.actuator.open_locally(target)
        until_s = time.monotonic() + _GIVE_UP_S
        state = ""
        while time.monotonic() < until_s and state not in ("confirmed", "failed", "refused", "unknown"):
            self._poll()
            state = str(self.store.query("SELECT state FROM command WHERE id = ?", (id_,))[0][0])
        return state

    def until(self, what: Callable[[BoxMoved], bool]) -> float:
        """Poll as often as is due until a movement is seen, and return how long it took, in seconds."""
        started_s = time.monotonic()
        while time.monotonic() < started_s + _GIVE_UP_S:
            self._poll()
            if any(what(move) for at_s, move in self.moves if at_s >= started_s):
                return time.monotonic() - started_s
        return float("inf")

    def idle(self) -> None:
        """Poll until nothing is watched closely any more and the doors were just read: the worst moment to move one."""
        until_s = time.monotonic() + LATCH_S + _CALM_S
        rhythm_s = POLL_BUSY_S if self.cabinet.busy else POLL_IDLE_S
        while time.monotonic() < until_s or self.cabinet.due_in_s() < rhythm_s - _CALM_S:
            self._poll()

    def close(self) -> None:
        """Stop the actuator and close the store."""
        self.actuator.stop()
        self.store.close()

    def _poll(self) -> None:
        time.sleep(min(self.cabinet.due_in_s(), 0.1))
        self.cabinet.poll()

    def facts(self) -> list[tuple[str, dict[str, Any]]]:
        """Return all recorded events."""
        rows = self.store.query("SELECT type, body FROM event ORDER BY seq")
        return [(str(kind), json.loads(body)) for kind, body in rows]


def misbehaving_doors(settings: TrialSettings) -> TrialResult:
    """Let doors jam, stay open, not latch and be opened by hand, and see that each is told, apart and in time."""
    sim = SIM_BOARDS["8a"](1, _LOCKS)
    scenes: list[_Scene] = []
    with SimLine([sim]) as line, closing(TtyPort(line.path, CODECS["8a"].line)) as port:
        board = BoardSettings(1, _LOCKS, pulse_ms=200)
        boxes = {lock: f"c1-{lock}" for lock in range(1, _LOCKS + 1)}
        cabinet = Cabinet([Board(BusMaster(port, CODECS["8a"]), board, boxes)], lambda move: scenes[0].moved(move))
        cabinet.busy = settings.scale == "small"  # the quick rhythm; the slow one is what the full trial measures
        scene = _Scene(settings.folder, sim, cabinet)
        scenes.append(scene)
        scene.until(lambda _: True)
        scene.actuator.start()
        scene.door(1).jammed = True
        jammed = scene.open("c1-1")
        opened = scene.open("c1-2")
        scene.idle()
        stands_open = cabinet.door("c1-2")
        line.move_by_hand(sim, 2, closed=True)
        shut_s = scene.until(lambda move: move.target == "c1-2" and move.now is Door.CLOSED)
        line.move_by_hand(sim, 2, closed=False)
        sprang_s = scene.until(lambda move: move.target == "c1-2" and move.unlatched)
        scene.idle()
        line.move_by_hand(sim, 3, closed=False)
        by_hand_s = scene.until(lambda move: move.target == "c1-3" and move.now is Door.OPEN and not move.unlatched)
        facts = scene.facts()
        scene.close()
    opened_facts = {body["target"] for kind, body in facts if kind == "door.opened"}
    confirmed = [body for kind, body in facts if kind == "command.finished" and body["state"] == "confirmed"]
    limit_s = settings.size(_TOLD_S, 30)
    return TrialResult(
        (
            exactly("a jammed lock ends as", jammed, "failed"),
            exactly("a lock that opened ends as", opened, "confirmed"),
            exactly("a door nobody shut is known as", stands_open.value, "open"),
            at_most("shut door told within", shut_s, limit_s, "s"),
            at_most("door that did not latch told within", sprang_s, limit_s, "s"),
            at_most("door opened by hand told within", by_hand_s, limit_s, "s"),
            exactly("openings by hand recorded", sum(bool(body.get("by_hand")) for _, body in facts), 2),
            exactly("confirmed without a door event", sum(b["target"] not in opened_facts for b in confirmed), 0),
            exactly("events of the jammed door beside its pulse and end",
                    sum(kind == "door.opened" and body["target"] == "c1-1" for kind, body in facts), 0),
        )
    )  # fmt: skip


TRIALS: tuple[Trial, ...] = (
    Trial("A6", "a jam, a door left open, one not latched, one opened by hand: told apart, none confirmed unseen",
          misbehaving_doors),
    Trial("B1", "an answer spoilt in every way, in every family: no false door, the line of use again", spoilt_answers),
    Trial("B2", "a million corrupt frames through every codec", corrupt_frames),
    Trial("B3", "every golden frame", golden_frames),
)  # fmt: skip
