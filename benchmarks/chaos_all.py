"""Chaos in all three places: broker, server and kiosks are killed with -9 while drop-offs are made.

``python -m benchmarks.chaos_all`` runs broker, server and kiosks as processes of their own and kills them at random
moments. What a kiosk recorded is read from its own database afterwards: each drop-off notes its id there in the very
transaction that records it, so a kill cannot hide one.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from sqlalchemy import func, select

import api.tables  # noqa: F401 - all tables
from benchmarks.chaos import COMPANIES, register_sites
from dispatch.custody.model import CustodyEvent
from dispatch.parcels.model import Parcel
from firmware_bridge.broker.accounts import Account
from firmware_bridge.broker.launcher import RunningBroker, launch
from firmware_bridge.device.config import read_config
from firmware_bridge.device.store import DeviceStore
from firmware_bridge.endpoint import BrokerAddress
from firmware_bridge.server.bridge import Bridge, BridgeOptions
from firmware_bridge.server.enrolment import DeviceRegistry, broker_accounts
from firmware_bridge.server.model import DeviceProgress, InboundEvent
from firmware_bridge.simulator.kiosks import KioskFleet, enrol_kiosks
from kernel.clock import SystemClock
from kernel.db import Base, Database
from kernel.ids import SystemIds
from kernel.log import set_up_logging

_MASTER = bytes(range(32))  # a benchmark's own secret
_PASSWORD = "chaos-server"  # noqa: S105 - lives as long as this run's own broker


@dataclass(frozen=True)
class Storm:
    """What to do to everything."""

    kiosks: int = 40
    groups: int = 4
    events: int = 5000
    per_s: float = 100.0
    broker_kills: int = 5
    server_kills: int = 5
    kiosk_kills: int = 20
    drain_s: float = 90.0
    seed: int = 1


@dataclass(frozen=True)
class Damage:
    """What came of it; the first five must be nothing."""

    missing: int
    duplicate: int
    stowaway: int
    waiting: int
    gaps: int
    recorded: int
    stored: int
    parcels: int
    broker_kills: int
    server_kills: int
    kiosk_kills: int
    publish_s: float
    drain_s: float

    @property
    def held(self) -> bool:
        """Tell whether nothing was lost and nothing counted twice."""
        wrong = (self.missing, self.duplicate, self.stowaway, self.waiting, self.gaps)
        return not any(wrong) and self.parcels == self.recorded == self.stored


class _Weather:
    """The three kinds of processes, and their deaths."""

    def __init__(self, storm: Storm, folder: Path) -> None:
        self.storm, self.folder = storm, folder
        self.database = Database(f"sqlite:///{folder / 'server.db'}")
        Base.metadata.create_all(self.database.engine)
        self.broker = self._launch(0)
        with self.database.begin() as session:
            names = register_sites(session, storm.kiosks)
            registry = DeviceRegistry(_MASTER, SystemClock())
            enrol_kiosks(session, registry, names, self.broker.address, folder / "kiosks", self.broker.profile)
        self.broker.set_accounts(self._accounts())
        self.url = self.broker.address.url
        self.server = self._server()
        self.kiosks = [self._kiosks(group) for group in range(storm.groups)]

    def strike(self, what: str, rng: Random) -> None:
        """Kill one process and start it again a moment later."""
        if what == "broker":
            port = self.broker.address.port
            self.broker.kill()
            time.sleep(0.5)
            self.broker = self._launch(port)
        elif what == "server":
            self.server.kill()
            self.server.wait()
            self.server = self._server()
        else:
            group = rng.randrange(self.storm.groups)
            self.kiosks[group].kill()
            self.kiosks[group].wait()
            self.kiosks[group] = self._kiosks(group)

    def calm(self) -> None:
        """End everything in order."""
        for process in (*self.kiosks, self.server):
            process.send_signal(signal.SIGTERM)
        for process in (*self.kiosks, self.server):
            process.wait(20)
        self.broker.stop()

    def _accounts(self) -> list[Account]:
        with self.database.read() as session:
            return broker_accounts(session, _PASSWORD)

    def _launch(self, port: int) -> RunningBroker:
        return launch(self.folder / "broker", self._accounts(), port=port, persistence=False)

    def _server(self) -> subprocess.Popen[bytes]:
        return _spawn("server", self.folder, self.url)

    def _kiosks(self, group: int) -> subprocess.Popen[bytes]:
        storm = self.storm
        quota, per_s = storm.events // storm.kiosks, storm.per_s / storm.groups
        return _spawn("kiosks", self.folder, str(group), str(storm.groups), str(quota), str(per_s), str(storm.seed))


def _spawn(role: str, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.chaos_all", f"--role={role}", str(folder), *arguments]
    return subprocess.Popen(command, cwd=Path(__file__).resolve().parent.parent)


def run_storm(storm: Storm, folder: Path) -> Damage:
    """Run one storm and return the damage."""
    weather, rng = _Weather(storm, folder), Random(storm.seed)
    deaths = ["broker"] * storm.broker_kills + ["server"] * storm.server_kills + ["kiosks"] * storm.kiosk_kills
    rng.shuffle(deaths)
    pause_s = storm.events / storm.per_s / (len(deaths) + 1)
    started_s = time.perf_counter()
    for what in deaths:
        time.sleep(pause_s * rng.uniform(0.5, 1.5))
        weather.strike(what, rng)
    quota = storm.events // storm.kiosks * storm.kiosks
    while _stored_count(weather.database) < quota and time.perf_counter() - started_s < 600:
        if all(process.poll() is not None for process in weather.kiosks):
            break
        published = sum(len(made) for made in _recorded(folder).values()) >= quota
        if published:
            break
        time.sleep(0.5)
    published_s = time.perf_counter()
    while _waiting(folder) and time.perf_counter() - published_s < storm.drain_s:
        time.sleep(0.2)
    drained_s = time.perf_counter()
    weather.calm()
    return _damage(storm, weather, folder, published_s - started_s, drained_s - published_s)


def _damage(storm: Storm, weather: _Weather, folder: Path, publish_s: float, drain_s: float) -> Damage:
    recorded = Counter(id_ for made in _recorded(folder).values() for id_ in made)
    with weather.database.read() as session:
        query = select(CustodyEvent.event_id).where(CustodyEvent.type == "accepted_from_sender")
        stored = Counter(session.scalars(query))
        inbox = session.scalar(select(func.count()).select_from(InboundEvent)) or 0
        parcels = session.scalar(select(func.count()).select_from(Parcel)) or 0
        gaps = sum(bool(row.ahead) for row in session.scalars(select(DeviceProgress)))
    weather.database.close()
    return Damage(
        missing=len(recorded.keys() - stored.keys()),
        duplicate=sum(number - 1 for number in stored.values()) + abs(inbox - len(stored)),
        stowaway=len(stored.keys() - recorded.keys()),
        waiting=_waiting(folder),
        gaps=gaps,
        recorded=len(recorded),
        stored=len(stored),
        parcels=parcels,
        broker_kills=storm.broker_kills,
        server_kills=storm.server_kills,
        kiosk_kills=storm.kiosk_kills,
        publish_s=round(publish_s, 1),
        drain_s=round(drain_s, 1),
    )


def _stored_count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(InboundEvent)) or 0


def _recorded(folder: Path) -> dict[str, list[str]]:
    """Read from each kiosk's own database the ids of all drop-offs it recorded."""
    query = "SELECT value FROM state WHERE key LIKE 'made/%'"
    return {path.parent.name: [json.loads(text) for text in _look(path, query)] for path in _stores(folder)}


def _waiting(folder: Path) -> int:
    return sum(len(_look(path, "SELECT id FROM event")) for path in _stores(folder))


def _stores(folder: Path) -> list[Path]:
    return sorted((folder / "kiosks").glob("*/device.db"))


def _look(path: Path, query: str) -> list[str]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=15)
    try:
        return [str(row[0]) for row in database.execute(query)]
    finally:
        database.close()


def serve(folder: Path, url: str) -> None:
    """Be the server until told to end."""
    stop = _until_told()
    database = Database(f"sqlite:///{folder / 'server.db'}")
    options = BridgeOptions(_PASSWORD, "Asia/Shanghai")
    bridge = Bridge(BrokerAddress.parse(url), options, database, SystemClock(), SystemIds(), _MASTER)
    bridge.start()
    stop.wait()
    bridge.stop()


def drop(folder: Path, group: int, groups: int, quota: int, per_s: float, seed: int) -> None:
    """Be a group of kiosks until told to end; each makes drop-offs until it has recorded its quota."""
    stop = _until_told()
    paths = sorted((folder / "kiosks").glob("*/agent.toml"))[group::groups]
    fleet = KioskFleet(
        [read_config(path) for path in paths], SystemClock(), SystemIds(), companies=COMPANIES, seed=seed
    )
    fleet.start()
    made = {id(agent): _made(agent.store) for agent in fleet.agents}
    while not stop.wait(1 / per_s):
        hungry = [agent for agent in fleet.agents if made[id(agent)] < quota]
        if hungry:
            agent = min(hungry, key=lambda one: made[id(one)])
            made[id(agent)] += 1
            fleet.drop(agent, note=f"made/{made[id(agent)]}")
    fleet.stop()


def _made(store: DeviceStore) -> int:
    return int(store.query("SELECT count(*) FROM state WHERE key LIKE 'made/%'")[0][0])


def _until_told() -> threading.Event:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; exit code 0 only when nothing was lost or doubled."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    set_up_logging("error", "text")
    if given[:1] == ["--role=server"]:
        serve(Path(given[1]), given[2])
        return 0
    if given[:1] == ["--role=kiosks"]:
        drop(Path(given[1]), int(given[2]), int(given[3]), int(given[4]), float(given[5]), int(given[6]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind, default in (
        ("events", int, 5000), ("per-second", float, 100.0), ("broker-kills", int, 5), ("server-kills", int, 5),
        ("kiosk-kills", int, 20), ("seed", int, 1),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind, default=default)
    parser.add_argument("--json", type=Path, default=None)
    chosen = parser.parse_args(given)
    storm = Storm(
        events=chosen.events, per_s=chosen.per_second, broker_kills=chosen.broker_kills,
        server_kills=chosen.server_kills, kiosk_kills=chosen.kiosk_kills, seed=chosen.seed,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="cunda-storm-") as folder:
        damage = run_storm(storm, Path(folder))
    for name, value in asdict(damage).items():
        required = "   required 0" if name in ("missing", "duplicate", "stowaway", "waiting", "gaps") else ""
        print(f"  {name:<14}{value:>8}{required}")
    result = asdict(damage) | {"held": damage.held, "seed": chosen.seed, "python": platform.python_version()}
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result))
    return 0 if damage.held else 1


if __name__ == "__main__":
    sys.exit(main())
