"""Fixtures of the wire: a server's intake, kiosks whose connection is in the test's hands, real brokers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dispatch.parcels.service import ParcelService
from dispatch.products.service import seed_products
from firmware_bridge.broker.accounts import Account
from firmware_bridge.broker.launcher import RunningBroker, launch
from firmware_bridge.broker.mosquitto import find_mosquitto
from firmware_bridge.device.agent import Agent
from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.store import Fact
from firmware_bridge.endpoint import BrokerAddress, Extras, Login
from firmware_bridge.link import InMessage
from firmware_bridge.schemas import Ack, BirthReply, Event, parse_message
from firmware_bridge.server.dropoffs import DropOffHandler
from firmware_bridge.server.enrolment import DeviceRegistry, Keyring
from firmware_bridge.server.intake import Arrival, BatchState, Intake
from firmware_bridge.signing import Direction, seal, unseal
from firmware_bridge.topics import Address
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SeededIds
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository

MASTER = bytes(range(32))
KIOSK = "qj-kiosk-017"
AREA = "qianjiang"


@dataclass
class FakeWire:
    """A connection whose two ends are both in the test's hands."""

    connected: bool = True
    connection: int = 1
    inbox: deque[InMessage] = field(default_factory=deque)
    sent: list[tuple[str, bytes, bool]] = field(default_factory=list)
    full: bool = False
    drops: int = 0
    descriptor: int | None = None
    has_buffered: bool = False
    wants_write: bool = False
    retry_in_s: float = 0.0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, extras: Extras | None = None) -> bool:
        """Keep what was sent, unless told to be full."""
        if not self.connected or self.full:
            return False
        self.sent.append((topic, payload, retain))
        return True

    def tend(self) -> None:
        """Nothing is due."""

    def handle(self, readable: bool, writable: bool) -> None:
        """Nothing moves."""

    def drop(self) -> None:
        """Count a connection ended by the watchdog."""
        self.drops += 1
        self.connected = False

    def close(self) -> None:
        """End the connection."""
        self.connected = False

    def reconnect(self) -> None:
        """Begin a new connection."""
        self.connected = True
        self.connection += 1

    def events(self) -> list[Arrival]:
        """Take out the events sent so far."""
        taken = [Arrival(topic, payload) for topic, payload, _ in self.sent if "/evt/" in topic]
        self.sent = [entry for entry in self.sent if "/evt/" not in entry[0]]
        return taken


@dataclass
class Kiosk:
    """One kiosk with a connection in the test's hands."""

    agent: Agent
    wire: FakeWire
    clock: ManualClock

    def drop(self, waybill: str = "SF0000000001", **changes: object) -> str:
        """Let a customer leave a parcel; return the event's id."""
        body = {
            "waybill": waybill, "company": "sf", "weight_g": 800, "size": "S", "compartment": "c1-3",
            "item_class": "clothing",
        } | changes  # fmt: skip
        return self.agent.record(Fact("parcel", "parcel.dropped", body, txn=f"t-{waybill}")).id

    def step(self, after_s: float = 0.0) -> list[Arrival]:
        """Let time pass, let the agent work once, and take out the events it sent."""
        self.clock.advance(after_s)
        self.agent.step()
        return self.wire.events()

    def opened(self, arrival: Arrival) -> Event:
        """Read an event that this kiosk sent."""
        key = self.agent.config.key
        return parse_message(Event, unseal(lambda _: key, Direction.EVENT, arrival.topic, arrival.payload))

    def hear(self, message: Ack | BirthReply, key: bytes | None = None) -> None:
        """Deliver a signed word of the server."""
        direction = Direction.ACK if isinstance(message, Ack) else Direction.BIRTH_REPLY
        address = self.agent.config.address
        topic = address.ack if direction is Direction.ACK else address.birth_reply
        signer = self.agent.config.key
        if key is not None:
            signer = type(signer)(signer.kid, key)
        self.wire.inbox.append(InMessage(topic, seal(signer, direction, topic, message.to_bytes()), False, (1, 1)))
        self.agent.step()


@dataclass
class ServerEnd:
    """The server's intake on a database with one kiosk, its company and the service products."""

    database: Database
    intake: Intake
    registry: DeviceRegistry
    keyring: Keyring
    clock: ManualClock

    def take(self, arrivals: list[Arrival]) -> BatchState:
        """Store a batch."""
        return self.intake.take(arrivals)

    def answers(self, batch: BatchState) -> list[Ack]:
        """Return the acknowledgements a batch calls for."""
        return [self.intake.acknowledgement(key[1], seqs, batch.dead.get(key, ())) for key, seqs in batch.acks.items()]


def _prepare(database: Database, clock: ManualClock, ids: SeededIds) -> ServerEnd:
    registry = DeviceRegistry(MASTER, clock)
    with database.begin() as session:
        ParcelService(ids, clock).register_company(session, "sf", "顺丰")
        seed_products(session)
    keyring = Keyring(database, MASTER, clock)
    intake = Intake(database, keyring, clock, {"parcel.dropped": DropOffHandler(ids, clock, "Asia/Shanghai")})
    return ServerEnd(database, intake, registry, keyring, clock)


@pytest.fixture
def server(sqlite_database: Database, clock: ManualClock, ids: SeededIds) -> ServerEnd:
    """Give a server without devices, on SQLite."""
    return _prepare(sqlite_database, clock, ids)


@pytest.fixture
def any_server(database: Database, clock: ManualClock, ids: SeededIds) -> ServerEnd:
    """Give a server without devices, once on SQLite and once on PostgreSQL."""
    return _prepare(database, clock, ids)


@pytest.fixture
def enrolled(clock: ManualClock, tmp_path: Path) -> Callable[..., AgentConfig]:
    """Enrol a kiosk with its site and give its configuration."""

    def enrol(server: ServerEnd, device: str = KIOSK) -> AgentConfig:
        with server.database.begin() as session:
            SiteRepository(session).add(
                Site(
                    id=device, region=AREA, kind="kiosk", scene="pharmacy", name="康泰药店", place_id="v-1", lon=112.9,
                    lat=30.4, compartments={"S": 8}, opening=[], status="active", registered_at=clock.now(),
                )
            )  # fmt: skip
            credentials = server.registry.enrol(session, Address(AREA, device), device)
        clock.advance(3.0)  # the keyring looks again every two seconds
        return AgentConfig(
            credentials.address, BrokerAddress("127.0.0.1", 1), Login(device, credentials.password), credentials.key,
            tmp_path / device / "device.db",
        )  # fmt: skip

    return enrol


@pytest.fixture
def new_kiosk(clock: ManualClock, ids: SeededIds) -> Iterator[Callable[[AgentConfig], Kiosk]]:
    """Start a kiosk from a configuration; calling twice with the same one restarts it."""
    agents: list[Agent] = []

    def start(config: AgentConfig) -> Kiosk:
        wire = FakeWire()
        agent = Agent(config, clock, ids, wire=wire)
        agents.append(agent)
        return Kiosk(agent, wire, clock)

    yield start
    for agent in agents:
        agent.store.close()


@pytest.fixture
def kiosk(server: ServerEnd, enrolled: Callable[..., AgentConfig], new_kiosk: Callable[[AgentConfig], Kiosk]) -> Kiosk:
    """Give one running kiosk known to ``server``."""
    return new_kiosk(enrolled(server))


@pytest.fixture
def fact() -> Callable[..., Fact]:
    """Make a fact to record."""

    def make(**body: object) -> Fact:
        return Fact("parcel", "test.happened", body or {"n": 1})

    return make


@pytest.fixture(params=["mosquitto", "amqtt"])
def start_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[list[Account]], RunningBroker]]:
    """Start a real broker with given accounts, once mosquitto and once amqtt."""
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    started: list[RunningBroker] = []

    def start(accounts: list[Account]) -> RunningBroker:
        broker = launch(tmp_path / "broker", accounts, kind=request.param, persistence=False)
        started.append(broker)
        return broker

    yield start
    for broker in started:
        broker.stop()
