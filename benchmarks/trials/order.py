"""Late, doubled, disordered: R6 drains a day's backlog beside live traffic, R7 compares a wild run with a clean one."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, select

from benchmarks.trials.stage import COMPANIES, Stage, configs_of, score, until
from benchmarks.trials.swarm import Orders
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted, percentile
from dispatch.custody.model import CustodyEvent, CustodyStanding
from dispatch.parcels.model import Parcel
from firmware_bridge.server.model import DeviceProgress, InboundEvent
from firmware_bridge.simulator.kiosks import KioskFleet
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.ids import SystemIds

_PARTITION = timedelta(hours=24)
_LIVE_PER_S = 5.0
_LIVE_WAIT_S = 5.0  # a customer's receipt does not wait longer
_DRAIN_S = 180.0


class _EarlierClock(SystemClock):
    """The clock as it stood so long ago, running all the same."""

    def now(self) -> datetime:
        return super().now() - _PARTITION


def partition(settings: TrialSettings) -> TrialResult:
    """Let kiosks collect a backlog for a day without network, then drain it while customers keep coming."""
    backlog, kiosks = settings.size(10_000, 200), settings.size(20, 4)
    with Stage(settings, kiosks) as stage:
        server = stage.server()
        early = _recorded_offline(stage, backlog, settings)
        fleet = KioskFleet(
            configs_of(stage.folder), SystemClock(), SystemIds(), companies=COMPANIES, seed=settings.seed
        )
        fleet.start()
        drained_s, live = _drain(fleet, settings, backlog)
        report = fleet.stop()
        server.stop()
        found = score(stage.database, [*early, *live])
        marked, waits_s = _seen(stage.database, live)
        return TrialResult(
            (
                at_most("backlog drained within", drained_s, 60, "s"),
                exactly("still waiting", report.waiting, 0, "events"),
                *found.figures,
                exactly("backlog events marked historical", marked, backlog, "events"),
                at_most("p99 from a live drop-off to its receipt", percentile(waits_s, 0.99), _LIVE_WAIT_S, "s"),
                noted("live drop-offs meanwhile", len(live), "events"),
                noted("backlog drained at", backlog / drained_s, "events/s"),
            )
        )


def _recorded_offline(stage: Stage, backlog: int, settings: TrialSettings) -> list[str]:
    """Record a backlog at kiosks whose clocks stand at yesterday and whose network is away."""
    clock = _EarlierClock()
    fleet = KioskFleet(configs_of(stage.folder), clock, SystemIds(), companies=COMPANIES, seed=settings.seed)
    share = backlog // len(fleet.agents)
    for number, agent in enumerate(fleet.agents):
        settings.progress("recorded without network", number * share, backlog)
        with agent.store.transaction():
            for _ in range(share):
                fleet.drop(agent)
    return list(fleet.stop().events)


def _drain(fleet: KioskFleet, settings: TrialSettings, backlog: int) -> tuple[float, list[str]]:
    # What a customer leaves before the network is back is backlog too; live ones come from then on.
    started_s = time.perf_counter()
    until(lambda: fleet.connected() == len(fleet.agents), _DRAIN_S, 0.01)
    waiting, live = backlog, 0
    while waiting and time.perf_counter() - started_s < _DRAIN_S:
        if live / _LIVE_PER_S <= time.perf_counter() - started_s:
            fleet.drop()
            live += 1
        time.sleep(0.02)
        waiting = fleet.waiting()
        settings.progress("backlog drained", backlog - min(waiting, backlog), backlog)
    return time.perf_counter() - started_s, list(fleet.events)


def _seen(database: Database, live: list[str]) -> tuple[int, list[float]]:
    """Count the historical events and say how long each live one took to be received."""
    with database.read() as session:
        query = select(InboundEvent.id, InboundEvent.historical, InboundEvent.received_at, InboundEvent.device_at)
        rows = session.execute(query.where(InboundEvent.type == "parcel.dropped")).all()
    known = set(live)
    waits_s = [(received - at).total_seconds() for ident, _, received, at in rows if ident in known]
    return sum(historical for ident, historical, _, _ in rows if ident not in known), waits_s


def disorder(settings: TrialSettings) -> TrialResult:
    """Send everything three times, in any order, hear only nine acknowledgements of ten; compare with a clean run."""
    orders = Orders(
        events=settings.size(3000, 150), per_s=settings.size(150, 100), seed=settings.seed,
        epoch=(SystemClock().now() - timedelta(days=1)).timestamp(),
    )  # fmt: skip
    wild = replace(orders, copies=3, shuffled=True, deaf=0.1)
    digests: list[str] = []
    reports: list[dict[str, Any]] = []
    for name, chosen in (("clean", orders), ("wild", wild)):
        settings.progress("runs", len(digests), 2, name)
        (settings.folder / name).mkdir()
        with Stage(replace(settings, folder=settings.folder / name), settings.size(50, 8)) as stage:
            server = stage.server()
            report: dict[str, Any] = json.loads(stage.run("swarm", json.dumps(asdict(chosen))).line())
            report["stats"] = json.loads(server.stop())
            reports.append(report)
            digests.append(state_digest(stage.database))
    return TrialResult(
        (
            exactly("state after the wild run", digests[1], digests[0]),
            exactly("acknowledged", reports[1]["acked"], orders.events, "events"),
            exactly("put aside", reports[1]["dead"] + reports[1]["stats"]["put_aside"], 0, "events"),
            noted("duplicates absorbed", reports[1]["stats"]["duplicates"], "events"),
        )
    )


_STATE: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (Parcel, ("id", "imported_at")),
    (CustodyEvent, ("parcel_id", "received_at", "digest")),
    (CustodyStanding, ("parcel_id",)),
    (InboundEvent, ("subject", "received_at")),
    (DeviceProgress, ("updated_at",)),
)
"""Tables that make up the state, and columns of each that differ by nature: server's ids and times of receipt."""


def state_digest(database: Database) -> str:
    """Return the first characters of the SHA-256 of everything events have changed."""
    whole = hashlib.sha256()
    with database.read() as session:
        for model, own in _STATE:
            table: Table = model.__table__
            columns = [column for column in table.columns if column.name not in own]
            rows = sorted(
                json.dumps([_plain(value) for value in row], sort_keys=True, default=str)
                for row in session.execute(select(*columns))
            )
            whole.update(f"{table.name} {len(rows)}\n".encode() + "\n".join(rows).encode())
    return whole.hexdigest()[:16]


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


TRIALS: tuple[Trial, ...] = (
    Trial("R6", "a backlog of 10,000 from 24 hours without network drains beside live traffic", partition),
    Trial("R7", "everything three times, in any order, one ack in ten lost: the same state", disorder),
)
