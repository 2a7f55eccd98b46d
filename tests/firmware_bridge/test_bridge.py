"""Kiosk, real broker, bridge and database together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.custody.model import CustodyEvent
from dispatch.parcels.model import Parcel
from dispatch.parcels.service import ParcelService
from dispatch.products.service import seed_products
from firmware_bridge.broker.launcher import RunningBroker, launch
from firmware_bridge.broker.mosquitto import find_mosquitto
from firmware_bridge.endpoint import Login, Profile
from firmware_bridge.link import Link, LinkOptions, drive
from firmware_bridge.server.bridge import Bridge, BridgeOptions
from firmware_bridge.server.enrolment import DeviceRegistry, broker_accounts
from firmware_bridge.server.model import DeadLetter, DevicePresence
from firmware_bridge.simulator.kiosks import KioskFleet, enrol_kiosks, run_kiosks
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.ids import SystemIds
from lockers.registry.model import Site

pytestmark = pytest.mark.integration
MASTER = bytes(range(32))
SERVER_PASSWORD = "the-server"


@dataclass
class Wired:
    """A broker, a bridge on a database, and the configurations of two kiosks."""

    broker: RunningBroker
    bridge: Bridge
    database: Database
    configs: list[Any]
    dropped: list[str]


def until(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until something holds."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


def stored(wired: Wired) -> list[str]:
    """Return the ids of all drop-offs in the ledger."""
    with wired.database.read() as session:
        return list(session.scalars(select(CustodyEvent.event_id).order_by(CustodyEvent.event_id)))


@pytest.fixture
def wire_up(sqlite_database: Database, tmp_path: Path) -> Iterator[Callable[..., Wired]]:
    """Start broker and bridge and enrol two kiosks."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    made: list[Wired] = []

    def make(profile: Profile = Profile.AUTO, **changes: Any) -> Wired:
        clock, ids, database = SystemClock(), SystemIds(), sqlite_database
        with database.begin() as session:
            ParcelService(ids, clock).register_company(session, "sf", "顺丰")
            seed_products(session)
            for name in ("kiosk-1", "kiosk-2"):
                session.add(
                    Site(
                        id=name, region="area", kind="kiosk", scene="school", name=name, place_id="v-1", lon=112.0,
                        lat=30.0, compartments={}, opening=[], status="active", registered_at=clock.now(),
                    )
                )  # fmt: skip
            session.flush()
            broker = launch(tmp_path / "broker", broker_accounts(session, SERVER_PASSWORD), kind="mosquitto")
            sites = [("area", "kiosk-1"), ("area", "kiosk-2")]
            registry = DeviceRegistry(MASTER, clock)
            configs = enrol_kiosks(session, registry, sites, broker.address, tmp_path / "kiosks", profile)
            session.flush()
            broker.set_accounts(broker_accounts(session, SERVER_PASSWORD))
        dropped: list[str] = []
        options = replace(BridgeOptions(SERVER_PASSWORD, "Asia/Shanghai", profile=profile), **changes)
        bridge = Bridge(broker.address, options, database, clock, ids, MASTER, on_dropoff=dropped.append)
        bridge.start()
        wired = Wired(broker, bridge, database, configs, dropped)
        made.append(wired)
        assert until(lambda: bridge.connected)  # a broker has no place for what comes before anybody listens
        return wired

    yield make
    for wired in made:
        wired.bridge.stop()
        wired.broker.stop()


@pytest.fixture
def fleet_of() -> Iterator[Callable[[Wired], KioskFleet]]:
    """Start the kiosks of a wiring."""
    fleets: list[KioskFleet] = []

    def start(wired: Wired) -> KioskFleet:
        fleet = KioskFleet(wired.configs, SystemClock(), SystemIds(), companies=["sf"])
        fleet.start()
        fleets.append(fleet)
        return fleet

    yield start
    for fleet in fleets:
        fleet.stop()


@pytest.mark.parametrize("profile", [Profile.V311, Profile.V5])
def test_dev_022_profile_311_complete(
    wire_up: Callable[..., Wired], fleet_of: Callable[[Wired], KioskFleet], profile: Profile
) -> None:
    """Birth, answer, drop-off, acknowledgement and parcel work alike on MQTT 3.1.1 and on 5."""
    wired = wire_up(profile)
    fleet = fleet_of(wired)
    assert until(lambda: all(agent.born for agent in fleet.agents))
    made = [fleet.drop(agent) for agent in fleet.agents]
    assert until(lambda: fleet.waiting() == 0)
    assert stored(wired) == sorted(made)
    assert until(lambda: len(wired.dropped) == 2)
    with wired.database.read() as session:
        assert sorted(session.scalars(select(Parcel.id))) == sorted(wired.dropped)
        assert {row.state for row in session.scalars(select(DevicePresence))} == {"online"}


def test_a_shared_subscription_serves_one_worker(
    wire_up: Callable[..., Wired], fleet_of: Callable[[Wired], KioskFleet]
) -> None:
    """A worker that shares its subscription with others receives and answers like a single one."""
    wired = wire_up(share_group="ingest")
    fleet = fleet_of(wired)
    made = [fleet.drop() for _ in range(10)]
    assert until(lambda: fleet.waiting() == 0)
    assert stored(wired) == sorted(made)


def test_dev_084_every_message_acked(wire_up: Callable[..., Wired], fleet_of: Callable[[Wired], KioskFleet]) -> None:
    """Six hundred useless messages do not stop the broker from delivering the next good one."""
    wired = wire_up()
    login = wired.configs[0].login
    noise = Link(
        wired.broker.address, Login(login.username, login.password), (), SystemClock(), Random(1),
        options=LinkOptions(inflight=1000, queued=2000),
    )  # fmt: skip
    assert until(lambda: drive([noise], 0.02) is None and noise.connected)
    for number in range(600):
        noise.publish("cunda/v1/area/kiosk-1/evt/parcel", b"rubbish %d" % number)
    assert until(lambda: drive([noise], 0.02) is None and wired.bridge.stats.received >= 600)
    noise.close()
    fleet = fleet_of(wired)
    made = fleet.drop(fleet.agents[1])
    assert until(lambda: made in stored(wired))
    assert wired.broker.dropped_lines() == []
    with wired.database.read() as session:
        assert len(session.scalars(select(DeadLetter)).all()) == 50


def test_dev_071_revocation_within_5_s(wire_up: Callable[..., Wired], fleet_of: Callable[[Wired], KioskFleet]) -> None:
    """A revoked kiosk is disconnected within five seconds and cannot come back; its neighbour stays."""
    wired = wire_up()
    fleet = fleet_of(wired)
    revoked, kept = fleet.agents
    assert until(lambda: revoked.born and kept.born)
    kept_connection = kept.link.connection
    started_s = time.monotonic()
    with wired.database.begin() as session:
        DeviceRegistry(MASTER, SystemClock()).revoke(session, "kiosk-1")
    with wired.database.read() as session:
        wired.broker.set_accounts(broker_accounts(session, SERVER_PASSWORD))
    assert until(lambda: not revoked.link.connected, 5)
    assert time.monotonic() - started_s < 5
    time.sleep(2.5)
    assert not revoked.link.connected
    made = fleet.drop(kept)
    assert until(lambda: made in stored(wired))
    assert kept.link.connection == kept_connection


def test_a_server_that_comes_back_asks_for_what_it_lacks(
    wire_up: Callable[..., Wired], fleet_of: Callable[[Wired], KioskFleet]
) -> None:
    """Drop-offs made while the server is away are stored as soon as it is back."""
    wired = wire_up()
    fleet = fleet_of(wired)
    assert until(lambda: all(agent.born for agent in fleet.agents))
    first = fleet.drop(fleet.agents[0])
    assert until(lambda: fleet.waiting() == 0)
    wired.bridge.stop()
    made = [fleet.drop() for _ in range(6)]
    time.sleep(1.0)
    assert stored(wired) == [first]
    options = BridgeOptions(SERVER_PASSWORD, "Asia/Shanghai")
    wired.bridge = Bridge(wired.broker.address, options, wired.database, SystemClock(), SystemIds(), MASTER)
    wired.bridge.start()
    assert until(lambda: fleet.waiting() == 0, 15)
    assert stored(wired) == sorted([first, *made])


def test_a_failing_listener_does_not_stop_the_wire(
    wire_up: Callable[..., Wired], fleet_of: Callable[[Wired], KioskFleet]
) -> None:
    """When the planner fails on a drop-off, the drop-off is in the ledger all the same and the next one too."""
    wired = wire_up()

    def fail(parcel_id: str) -> None:
        raise RuntimeError(parcel_id)

    wired.bridge._on_dropoff = fail
    fleet = fleet_of(wired)
    made = [fleet.drop() for _ in range(3)]
    assert until(lambda: fleet.waiting() == 0)
    assert stored(wired) == sorted(made)
    assert wired.bridge.alive()


def test_kiosks_run_from_one_call(wire_up: Callable[..., Wired]) -> None:
    """A run of simulated kiosks makes its drop-offs, waits for the answers and reports what it did."""
    wired = wire_up()
    told: list[tuple[str, int]] = []

    def listen(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        told.append((stage, done))

    report = run_kiosks(
        wired.configs, SystemClock(), SystemIds(), companies=["sf"], drops=20, per_s=100, seed=5, progress=listen
    )
    assert (len(report.events), report.waiting, report.dead) == (20, 0, 0)
    assert stored(wired) == sorted(report.events)
    assert ("drop-offs", 20) in told


def test_enrolled_kiosks_keep_their_credentials(wire_up: Callable[..., Wired], tmp_path: Path) -> None:
    """Starting the simulation again uses the same accounts; a lost file means new ones."""
    wired = wire_up()
    registry, sites = DeviceRegistry(MASTER, SystemClock()), [("area", "kiosk-1"), ("area", "kiosk-2")]
    (tmp_path / "kiosks" / "kiosk-2" / "agent.toml").unlink()
    with wired.database.begin() as session:
        again = enrol_kiosks(session, registry, sites, wired.broker.address, tmp_path / "kiosks")
    assert again[0] == wired.configs[0]
    assert again[1].login.password != wired.configs[1].login.password
