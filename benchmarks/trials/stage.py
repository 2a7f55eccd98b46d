"""What trials stand on: a broker, a database, enrolled kiosks, and programs in processes of their own."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

import api.tables  # noqa: F401 - all tables
from benchmarks.trials.trial import Figure, TrialSettings, exactly
from dispatch.custody.model import CustodyEvent
from dispatch.parcels.model import COLLECT, Parcel
from dispatch.parcels.service import ParcelService
from dispatch.products.service import seed_products
from firmware_bridge.broker.launcher import RunningBroker, launch
from firmware_bridge.device.config import AgentConfig, read_config
from firmware_bridge.endpoint import BrokerAddress
from firmware_bridge.server.enrolment import DeviceRegistry, broker_accounts
from firmware_bridge.server.model import DeadLetter, DevicePresence, DeviceProgress, InboundEvent
from firmware_bridge.simulator.kiosks import enrol_kiosks
from kernel.clock import SystemClock
from kernel.db import Base, Database
from kernel.ids import SystemIds
from lockers.dropoffs import EVENT_TYPE as PARCEL_DROPPED
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import Scene

AREA = "trial"
COMPANIES = ("zto", "yto", "sto", "yunda", "jt")
MASTER = bytes(range(32))  # the trials' own secret
PASSWORD = "trial-server"  # noqa: S105 - lives as long as a trial's own broker
_PROJECT = Path(__file__).resolve().parent.parent.parent
_END_S = 20.0


class Program:
    """A program of the project in a process of its own."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(command, cwd=_PROJECT, stdout=subprocess.PIPE, stderr=errors, text=True)

    def line(self) -> str:
        """Wait for the program's next line and return it; empty when it ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> str:
        """Ask it to end and return what it still had to say."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            said, _ = self.process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            said, _ = self.process.communicate()
        return said

    def processor_s(self) -> float:
        """Return the processor time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Return the memory it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


class Stage(AbstractContextManager["Stage"]):
    """Broker without memory, database with so many enrolled kiosks; everything ends with the block.

    Parameters
    ----------
    kiosks
        How many; each has an ``agent.toml`` of its own below ``folder/kiosks``.
    """

    def __init__(self, settings: TrialSettings, kiosks: int) -> None:
        self.settings = settings
        self.folder = settings.folder
        self._ends = ExitStack()
        self.database_url = self._ends.enter_context(_own_database(settings))
        self.database = Database(self.database_url)
        self._ends.callback(self.database.close)
        Base.metadata.create_all(self.database.engine)
        self.broker = self._launch(0)
        self._ends.callback(lambda: self.broker.stop())
        with self.database.begin() as session:
            names = register_sites(session, kiosks)
            registry = DeviceRegistry(MASTER, SystemClock())
            enrol_kiosks(session, registry, names, self.broker.address, self.folder / "kiosks", self.broker.profile)
        with self.database.read() as session:
            self.broker.set_accounts(broker_accounts(session, PASSWORD))
        self.dropped_lines = 0

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every program and give everything back."""
        self._ends.close()

    @property
    def port(self) -> int:
        """Return the broker's port."""
        return self.broker.address.port

    def run(self, role: str, *arguments: object) -> Program:
        """Start a program of :mod:`benchmarks.trials.roles`; it is stopped with the stage at the latest."""
        words = [sys.executable, "-m", "benchmarks.trials.roles", role, str(self.folder), *map(str, arguments)]
        program = Program(words, self.folder / f"{role}.log")
        self._ends.callback(program.stop)
        return program

    def ends_with(self, program: Program) -> None:
        """Have a program of the trial's own stopped with the stage."""
        self._ends.callback(program.stop)

    def server(self, *, port: int | None = None, keepalive_s: int = 30) -> Program:
        """Start a server and wait until the broker has accepted it.

        Parameters
        ----------
        port
            Another port than the broker's own, for example that of a proxy.
        """
        url = BrokerAddress("127.0.0.1", port or self.port).url
        program = self.run("server", self.database_url, url, keepalive_s)
        program.line()
        return program

    def kill_broker(self, outage_s: float = 0.5) -> None:
        """Kill the broker and start it again on its port, with nothing left in it."""
        port = self.port
        self.broker.kill()
        self.dropped_lines += len(self.broker.dropped_lines())
        time.sleep(outage_s)
        self.broker = self._launch(port)

    def count_dropped_lines(self) -> int:
        """Return how many times any broker of this trial told of dropped messages."""
        return self.dropped_lines + len(self.broker.dropped_lines())

    def online(self) -> int:
        """Return how many devices the server believes to be there."""
        with self.database.read() as session:
            query = select(func.count()).select_from(DevicePresence).where(DevicePresence.state == "online")
            return session.scalar(query) or 0

    def _launch(self, port: int) -> RunningBroker:
        with self.database.read() as session:
            accounts = broker_accounts(session, PASSWORD)
        return launch(self.folder / "broker", accounts, port=port, kind=self.settings.broker, persistence=False)


@dataclass(frozen=True)
class Score:
    """What is stored beside what was recorded: *missing*, *duplicate*, *stowaway*, as VerneMQ's kill tests count."""

    recorded: int
    missing: int
    duplicate: int
    stowaway: int
    gaps: int
    put_aside: int

    @property
    def figures(self) -> list[Figure]:
        """Compare with nothing lost, nothing twice."""
        return [
            exactly("lost", self.missing + self.put_aside, 0, "events"),
            exactly("counted twice", self.duplicate, 0, "events"),
            exactly("stowaways", self.stowaway, 0, "events"),
            exactly("gaps in the numbers", self.gaps, 0),
        ]


def score(database: Database, recorded: Sequence[str]) -> Score:
    """Compare the drop-offs devices recorded with the ledger."""
    wanted = set(recorded)
    with database.read() as session:
        query = select(CustodyEvent.event_id).where(CustodyEvent.type == "accepted_from_sender")
        stored = list(session.scalars(query))
        dropped = InboundEvent.type == PARCEL_DROPPED
        inbox = session.scalar(select(func.count()).select_from(InboundEvent).where(dropped)) or 0
        parcels = session.scalar(select(func.count()).select_from(Parcel).where(Parcel.direction == COLLECT)) or 0
        letters = session.scalar(select(func.count()).select_from(DeadLetter)) or 0
        gaps = sum(bool(ahead) for ahead in session.scalars(select(DeviceProgress.ahead)))
    found = set(stored)
    doubled = len(stored) - len(found) + max(inbox - len(found), 0) + max(parcels - len(found), 0)
    return Score(len(wanted), len(wanted - found), doubled, len(found - wanted), gaps, letters)


def configs_of(folder: Path) -> list[AgentConfig]:
    """Read the configurations of a stage's kiosks."""
    return [read_config(path) for path in sorted((folder / "kiosks").glob("*/agent.toml"))]


def until(holds: Callable[[], bool], seconds: float, pause_s: float = 0.1) -> float:
    """Wait until something holds; return the seconds it took, or infinity when it did not come to hold."""
    started_s = time.perf_counter()
    while not holds():
        if time.perf_counter() - started_s > seconds:
            return float("inf")
        time.sleep(pause_s)
    return time.perf_counter() - started_s


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
                id=f"kiosk-{number:04d}", region=AREA, kind="kiosk", scene=scenes[number % 10].value,
                name=f"kiosk {number}", place_id=f"village-{number}", lon=112.0 + number / 1000, lat=30.0,
                compartments={"S": 8, "M": 6, "L": 4}, opening=[], status="active",
                registered_at=clock.now(), commissioned_on=date(2026, 1, 1),
            )
        )  # fmt: skip
    return [(AREA, f"kiosk-{number:04d}") for number in range(count)]


class _OwnDatabase(AbstractContextManager[str]):
    """A database of the trial's own on the PostgreSQL server of a URL; dropped at the end."""

    def __init__(self, server_url: str) -> None:
        self._server = create_engine(server_url, isolation_level="AUTOCOMMIT")
        self._name = f"cunda_trial_{secrets.token_hex(6)}"
        self._url = make_url(server_url).set(database=self._name).render_as_string(hide_password=False)

    def __enter__(self) -> str:
        with self._server.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{self._name}"'))
        return self._url

    def __exit__(self, *failure: object) -> None:
        with self._server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{self._name}" WITH (FORCE)'))
        self._server.dispose()


class _OwnFile(AbstractContextManager[str]):
    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder / 'server.db'}"

    def __enter__(self) -> str:
        return self._url

    def __exit__(self, *failure: object) -> None:
        return None


def _own_database(settings: TrialSettings) -> AbstractContextManager[str]:
    return _OwnDatabase(settings.database_url) if settings.database_url else _OwnFile(settings.folder)
