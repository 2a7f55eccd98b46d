"""Device programs that are killed, whose clocks lie, and whose server does not listen: R5, R8, R11."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sqlalchemy import select

from benchmarks.trials.bench import Bench, Run
from benchmarks.trials.kills import KIOSKS, Storm, run_storm
from benchmarks.trials.stage import COMPANIES, Stage, configs_of, score, until
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted
from firmware_bridge.server.model import DeviceAlarm, InboundEvent
from firmware_bridge.simulator.kiosks import KioskFleet
from kernel.clock import SystemClock
from kernel.ids import SystemIds

_DRAIN_S = 120.0
_WATCHDOG_S = 30.0
_SECOND = timedelta(seconds=1)


def device_killed(settings: TrialSettings) -> TrialResult:
    """Kill the kiosks' program again and again while it records, sends and settles drop-offs."""
    size = settings.size
    storm = Storm(size(2000, 120), size(100, 30), size(10, 4), {KIOSKS: size(20, 3)}, groups=1)
    return run_storm(settings, storm)


class _LyingClock(SystemClock):
    """A device's clock that is off, and can jump; the monotonic counter runs on."""

    def __init__(self, skew: timedelta) -> None:
        self.skew = skew

    def now(self) -> datetime:
        return super().now() + self.skew


def _skews() -> dict[str, timedelta]:
    year_1970 = datetime(1970, 1, 2, tzinfo=UTC) - SystemClock().now()
    return {"+1 day": timedelta(days=1), "-1 day": timedelta(days=-1), "1970": year_1970, "jumps": timedelta(0)}


def lying_clocks(settings: TrialSettings) -> TrialResult:
    """Let devices' clocks be a day early, a day late, in 1970, and jump in the middle of a session."""
    drops, skews = settings.size(40, 8), _skews()
    with Stage(settings, len(skews)) as stage:
        stage.server()
        clocks = {name: _LyingClock(skew) for name, skew in skews.items()}
        fleets = {
            name: KioskFleet([config], clocks[name], SystemIds(), companies=COMPANIES, seed=settings.seed)
            for name, config in zip(skews, configs_of(stage.folder), strict=True)
        }
        devices = {name: fleet.agents[0].config.address.device for name, fleet in fleets.items()}
        for fleet in fleets.values():
            fleet.start()
        until(lambda: all(fleet.agents[0].born for fleet in fleets.values()), 60)
        truth: dict[str, datetime] = {}
        for number in range(drops):
            if number == drops // 2:
                clocks["jumps"].skew = timedelta(hours=-7)
            for fleet in fleets.values():
                truth[fleet.drop()] = SystemClock().now()
            time.sleep(0.05)
        until(lambda: not any(fleet.waiting() for fleet in fleets.values()), _DRAIN_S)
        events = [one for fleet in fleets.values() for one in fleet.stop().events]
        counted = score(stage.database, events)
        with stage.database.read() as session:
            rows = session.execute(
                select(InboundEvent.device_id, InboundEvent.id, InboundEvent.corrected_at)
                .where(InboundEvent.type == "parcel.dropped").order_by(InboundEvent.device_id, InboundEvent.seq)
            ).all()  # fmt: skip
            alarms = list(session.scalars(select(DeviceAlarm.device_id).where(DeviceAlarm.kind == "clock_skew")))
        off_s = max(abs((corrected - truth[id_]).total_seconds()) for _, id_, corrected in rows)
        disorder = sum(one[0] == other[0] and one[2] > other[2] + _SECOND for one, other in pairwise(rows))
    expired, unsynced = _expired_with_a_late_clock(settings)
    return TrialResult(
        (
            *counted.figures,
            at_most("corrected time off by", off_s, 2, "s"),
            exactly("events out of order", disorder, 0),
            exactly("devices with a wrong clock and no alarm", len(devices) - len(set(alarms)), 0),
            exactly("alarms for one cause", max(alarms.count(device) for device in devices.values()), 1),
            exactly("expired commands obeyed by a clock that is a day late", expired, 0),
            exactly("commands obeyed before the server's time was heard", unsynced, 0),
        )
    )


def _expired_with_a_late_clock(settings: TrialSettings) -> tuple[int, int]:
    folder = settings.folder / "bench"
    folder.mkdir()
    with Bench(folder) as bench:
        bench.live(Run())
        now = SystemClock().now()
        for skew_s in (-86_400.0, 86_400.0, -(now.timestamp() - 86_400)):
            _, late = bench.command(1, issued_at=now - timedelta(seconds=70), exp=now - timedelta(seconds=10))
            bench.live(Run((late,), skew_s=skew_s))
        after_expiry = bench.pulses()
        _, early = bench.command(2)
        bench.live(Run((early,), answered=False))
        return after_expiry, bench.pulses() - after_expiry


def slow_consumer(settings: TrialSettings) -> TrialResult:
    """Let the server be silent, then let its database stand still while drop-offs keep coming."""
    kiosks, drops, stall_s = settings.size(40, 4), settings.size(3000, 120), settings.size(20, 4)
    with ExitStack() as ends:
        stage = ends.enter_context(Stage(settings, kiosks))
        fleet = KioskFleet(
            configs_of(stage.folder), SystemClock(), SystemIds(), companies=COMPANIES, seed=settings.seed
        )
        fleet.start()
        agent = fleet.agents[0]
        until(lambda: fleet.connected() == kiosks, 60)
        before = agent.link.connection
        fleet.drop(agent)
        noticed_s = until(lambda: agent.link.connection > before, 60, 0.05)
        stage.server()
        until(lambda: all(one.born for one in fleet.agents) and fleet.waiting() == 0, 90)
        with _locked(settings, stage):
            locked_s = time.perf_counter()
            for number in range(drops):
                fleet.drop()
                _keep_pace(locked_s, number, drops, stall_s)
        drained_s = until(lambda: fleet.waiting() == 0, _DRAIN_S)
        report = fleet.stop()
        counted = score(stage.database, report.events)
        return TrialResult(
            (
                at_most("silence noticed and connection renewed", noticed_s, _WATCHDOG_S, "s"),
                *counted.figures,
                exactly("still waiting", report.waiting, 0, "events"),
                exactly("lines of the broker about dropped messages", stage.count_dropped_lines(), 0),
                at_most("drained after the stall", drained_s, _WATCHDOG_S, "s"),
                noted("drop-offs during the stall", drops, "events"),
                noted("length of the stall", stall_s, "s"),
            )
        )


def _keep_pace(started_s: float, number: int, drops: int, seconds: float) -> None:
    ahead_s = number / drops * seconds - (time.perf_counter() - started_s)
    if ahead_s > 0:
        time.sleep(ahead_s)


@contextmanager
def _locked(settings: TrialSettings, stage: Stage) -> Iterator[None]:
    """Let nobody else write to the server's database for the length of a block."""
    if settings.database_url is not None:
        with stage.database.engine.connect() as connection:
            connection.exec_driver_sql("LOCK TABLE device_progress IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()
        return
    lock = sqlite3.connect(stage.folder / "server.db", timeout=30, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    yield
    lock.execute("ROLLBACK")
    lock.close()


TRIALS: tuple[Trial, ...] = (
    Trial("R5", "the kiosks' program is killed 20 times at random points", device_killed),
    Trial("R8", "clocks a day early, a day late, in 1970, jumping: nothing depends on them", lying_clocks),
    Trial("R11", "a silent server, then one whose database stands still: noticed, nothing lost", slow_consumer),
)
