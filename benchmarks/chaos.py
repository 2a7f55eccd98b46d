"""Chaos: what is lost or doubled while programs are killed.

``python -m benchmarks.chaos`` lets simulated kiosks publish drop-offs while the broker is killed with -9 and
restarted without any memory. Scoring follows VerneMQ's kill tests: *missing* was recorded at a kiosk and is
not in the ledger, *duplicate* is there more than once, *stowaway* is there and no kiosk recorded it.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

import api.tables  # noqa: F401 - all tables
from dispatch.custody.model import CustodyEvent
from dispatch.parcels.model import COLLECT, Parcel
from dispatch.parcels.service import ParcelService
from dispatch.products.service import seed_products
from firmware_bridge.broker.launcher import RunningBroker, launch
from firmware_bridge.server.bridge import Bridge, BridgeOptions
from firmware_bridge.server.enrolment import DeviceRegistry, broker_accounts
from firmware_bridge.server.model import InboundEvent
from firmware_bridge.simulator.kiosks import KioskFleet, enrol_kiosks
from kernel.clock import SystemClock
from kernel.db import Base, Database
from kernel.ids import SystemIds
from kernel.log import set_up_logging
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import Scene

COMPANIES = ("zto", "yto", "sto", "yunda", "jt")
_MASTER = bytes(range(32))  # a benchmark's own secret
_PASSWORD = "chaos-server"  # noqa: S105 - lives as long as this run's own broker


@dataclass(frozen=True)
class Trial:
    """What to do to the wire."""

    kiosks: int = 40
    events: int = 2000
    per_s: float = 150.0
    kills: int = 3
    outage_s: float = 1.0
    broker: Literal["auto", "mosquitto", "amqtt"] = "auto"
    drain_s: float = 60.0
    seed: int = 1
    database_url: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it; the first four decide."""

    missing: int
    duplicate: int
    stowaway: int
    waiting: int
    recorded: int
    stored: int
    parcels: int
    resent_and_absorbed: int
    put_aside: int
    kills: int
    hook_calls: int
    broker: str
    broker_drops: int
    reconnects: int
    publish_s: float
    drain_s: float
    events_per_s: float

    @property
    def held(self) -> bool:
        """Tell whether nothing was lost and nothing counted twice."""
        wrong = (self.missing, self.duplicate, self.stowaway, self.waiting, self.put_aside, self.broker_drops)
        return not any(wrong) and self.parcels == self.recorded == self.hook_calls


def run_trial(trial: Trial, folder: Path) -> Outcome:
    """Run one trial with real processes and return what was measured."""
    clock, ids = SystemClock(), SystemIds()
    database = Database(trial.database_url or f"sqlite:///{folder / 'server.db'}")
    Base.metadata.create_all(database.engine)
    broker = _start_broker(trial, folder, database, port=0)
    with database.begin() as session:
        names = register_sites(session, trial.kiosks)
        configs = enrol_kiosks(
            session, DeviceRegistry(_MASTER, clock), names, broker.address, folder / "kiosks", broker.profile
        )
    with database.read() as session:
        broker.set_accounts(broker_accounts(session, _PASSWORD))
    hooked: list[str] = []
    bridge = Bridge(
        broker.address,
        BridgeOptions(_PASSWORD, "Asia/Shanghai", profile=broker.profile),
        database,
        clock,
        ids,
        _MASTER,
        on_dropoff=hooked.append,
    )
    fleet = KioskFleet(configs, clock, ids, companies=COMPANIES, seed=trial.seed)
    bridge.start()
    fleet.start()
    killer = _Killer(trial, folder, database, broker)
    try:
        publish_s, drain_s = _publish(trial, fleet, killer)
    finally:
        report = fleet.stop()
        bridge.stop()
        drops = killer.finish()
    recorded, count = Counter(report.events), Counter(_stored_ids(database))
    with database.read() as session:
        parcels = len(session.scalars(select(Parcel.id).where(Parcel.direction == COLLECT)).all())
        inbox = len(session.scalars(select(InboundEvent.id)).all())
    database.close()
    return Outcome(
        missing=len(recorded.keys() - count.keys()),
        duplicate=sum(number - 1 for number in count.values()) + abs(inbox - len(count)),
        stowaway=len(count.keys() - recorded.keys()),
        waiting=report.waiting,
        recorded=len(recorded),
        stored=len(count),
        parcels=parcels,
        resent_and_absorbed=bridge.stats.duplicates,
        put_aside=bridge.stats.put_aside,
        kills=killer.done,
        hook_calls=len(hooked),
        broker=broker.kind,
        broker_drops=drops,
        reconnects=report.reconnects,
        publish_s=round(publish_s, 2),
        drain_s=round(drain_s, 2),
        events_per_s=round(len(recorded) / (publish_s + drain_s), 1),
    )


class _Killer:
    """Kills the broker when told and starts it again without memory, on the same port."""

    def __init__(self, trial: Trial, folder: Path, database: Database, broker: RunningBroker) -> None:
        self._trial, self._folder, self._database, self._broker = trial, folder, database, broker
        self._threads: list[threading.Thread] = []
        self._drops = 0
        self.done = 0

    def strike(self) -> None:
        """Kill now; the restart follows in the background, so that customers keep coming meanwhile."""
        for thread in self._threads:
            thread.join()
        thread = threading.Thread(target=self._kill_and_restart, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _kill_and_restart(self) -> None:
        port = self._broker.address.port
        self._broker.kill()
        self._drops += len(self._broker.dropped_lines())
        self.done += 1
        time.sleep(self._trial.outage_s)
        self._broker = _start_broker(self._trial, self._folder, self._database, port)

    def finish(self) -> int:
        """Stop the broker; return how many drop lines its logs showed."""
        for thread in self._threads:
            thread.join()
        self._drops += len(self._broker.dropped_lines())
        self._broker.stop()
        return self._drops


def _publish(trial: Trial, fleet: KioskFleet, killer: _Killer) -> tuple[float, float]:
    rng = Random(trial.seed)
    strikes = {trial.events * (number + 1) // (trial.kills + 1) + rng.randrange(-5, 6) for number in range(trial.kills)}
    started_s = time.perf_counter()
    for number in range(trial.events):
        ahead_s = number / trial.per_s - (time.perf_counter() - started_s)
        if ahead_s > 0:
            time.sleep(ahead_s)
        if number in strikes:
            killer.strike()
        fleet.drop()
    published_s = time.perf_counter()
    while fleet.waiting() and time.perf_counter() - published_s < trial.drain_s:
        time.sleep(0.05)
    return published_s - started_s, time.perf_counter() - published_s


def _start_broker(trial: Trial, folder: Path, database: Database, port: int) -> RunningBroker:
    with database.read() as session:
        accounts = broker_accounts(session, _PASSWORD)
    return launch(folder / "broker", accounts, port=port, kind=trial.broker, persistence=False)


def register_sites(session: Session, count: int) -> list[tuple[str, str]]:
    """Register companies, service products and so many kiosks; return region and id of each."""
    clock = SystemClock()
    service = ParcelService(SystemIds(), clock)
    for company in COMPANIES:
        service.register_company(session, company, company)
    seed_products(session)
    sites = SiteRepository(session)
    scenes = list(Scene)
    for number in range(count):
        sites.add(
            Site(
                id=f"kiosk-{number:03d}", region="chaos", kind="kiosk", scene=scenes[number % 10].value,
                name=f"kiosk {number}", place_id=f"village-{number}", lon=112.0 + number / 100, lat=30.0,
                compartments={"S": 8, "M": 6, "L": 4}, opening=[], status="active",
                registered_at=clock.now(), commissioned_on=date(2026, 1, 1),
            )
        )  # fmt: skip
    return [("chaos", f"kiosk-{number:03d}") for number in range(count)]


def _stored_ids(database: Database) -> list[str]:
    with database.read() as session:
        query = select(CustodyEvent.event_id).where(CustodyEvent.type == "accepted_from_sender")
        return list(session.scalars(query))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; exit code 0 only when nothing was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kiosks", type=int, default=40)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--per-second", type=float, default=150.0)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--broker", choices=("auto", "mosquitto", "amqtt"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database-url", default=None)
    parser.add_argument("--json", type=Path, default=None, help="write the result there too")
    chosen = parser.parse_args(arguments)
    set_up_logging("error", "text")
    trial = Trial(
        kiosks=chosen.kiosks, events=chosen.events, per_s=chosen.per_second, kills=chosen.kills,
        broker=chosen.broker, seed=chosen.seed, database_url=chosen.database_url,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="cunda-chaos-") as folder:
        outcome = run_trial(trial, Path(folder))
    print(f"{outcome.recorded} drop-offs, {chosen.kiosks} kiosks, {outcome.broker} killed {outcome.kills} times")
    for name in ("missing", "duplicate", "stowaway", "waiting", "put_aside", "broker_drops"):
        print(f"  {name:<22}{getattr(outcome, name):>8}   required 0")
    for name in ("resent_and_absorbed", "reconnects", "publish_s", "drain_s", "events_per_s"):
        print(f"  {name:<22}{getattr(outcome, name):>8}")
    result = asdict(outcome) | {"held": outcome.held, "seed": chosen.seed, "python": platform.python_version()}
    result |= {"machine": platform.machine(), "kiosks": chosen.kiosks}
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result))
    return 0 if outcome.held else 1


if __name__ == "__main__":
    sys.exit(main())
