"""Simulated kiosks: each one a client of its own with its own credentials and its own outbox file."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy.orm import Session

from firmware_bridge.device.agent import Agent, serve
from firmware_bridge.device.config import AgentConfig, read_config, write_config
from firmware_bridge.device.store import Fact
from firmware_bridge.endpoint import BrokerAddress, Login, Profile
from firmware_bridge.link import Waker
from firmware_bridge.server.enrolment import Credentials, DeviceRegistry
from firmware_bridge.server.model import Device
from firmware_bridge.topics import Address
from kernel.clock import Clock
from kernel.ids import Ids
from kernel.progress import Progress, silent
from lockers.compartments import CompartmentSize
from lockers.dropoffs import EVENT_CLASS, EVENT_TYPE, ItemClass

_PLATFORMS: Final = ("douyin", "pinduoduo", "taobao")
_RETURN_SHARE: Final = 0.4
_SIZES: Final = ((CompartmentSize.S, 5), (CompartmentSize.M, 4), (CompartmentSize.L, 2), (CompartmentSize.XL, 1))
#: Typical content by weight class, grams: documents and clothes are most of what kiosks take.
_WEIGHTS_G: Final = ((100, 500), (500, 2000), (2000, 8000))


@dataclass(frozen=True)
class KioskRun:
    """What simulated kiosks did.

    ``events`` lists the ids of all events recorded; ``waiting`` counts those the server has not yet
    acknowledged.
    """

    events: tuple[str, ...]
    waiting: int
    dead: int
    reconnects: int


@dataclass
class _Customers:
    """Makes drop-offs, the same ones for the same seed, kiosk and start of the kiosk."""

    seed: int
    companies: Sequence[str]
    counts: dict[str, int] = field(default_factory=dict)

    def drop(self, agent: Agent) -> Fact:
        device, boot = agent.config.address.device, agent.store.boot
        number = self.counts[device] = self.counts.get(device, 0) + 1
        rng = Random(f"{self.seed}/{device}/{boot}/{number}")  # noqa: S311 - customers, not secrets
        size = rng.choices([size for size, _ in _SIZES], [weight for _, weight in _SIZES])[0]
        company = rng.choice(list(self.companies))
        body: dict[str, Any] = {
            "waybill": f"{company[:2].upper()}{zlib.crc32(device.encode()):010d}{boot:03d}{number:05d}",
            "company": company,
            "weight_g": rng.randint(*rng.choice(_WEIGHTS_G)),
            "size": size.value,
            "compartment": f"c{rng.randint(1, 3)}-{rng.randint(1, 24)}",
            "item_class": rng.choice(list(ItemClass)).value,
            "declared_value_fen": rng.randrange(0, 50_000, 100),
            "proof": f"rn-{boot}-{number}",
            "evidence": ["item_seen", "weight", "door_closed"],
        }
        if rng.random() < _RETURN_SHARE:
            body["return_platform"] = rng.choice(_PLATFORMS)
        return Fact(EVENT_CLASS, EVENT_TYPE, body, txn=f"t-{boot}-{number}")


class KioskFleet:
    """Running kiosks, served by one thread.

    Parameters
    ----------
    configs
        One per kiosk.
    seed
        Chooses customers and what they bring.
    """

    def __init__(
        self, configs: Sequence[AgentConfig], clock: Clock, ids: Ids, *, companies: Sequence[str], seed: int = 1
    ) -> None:
        self.agents = [Agent(config, clock, ids) for config in configs]
        self._customers = _Customers(seed, companies)
        self._rng = Random(seed)  # noqa: S311 - customers, not secrets
        self._stop = threading.Event()
        self._waker = Waker()
        self._thread = threading.Thread(
            target=serve, args=(self.agents, self._stop, self._waker), name="kiosks", daemon=True
        )
        self.events: list[str] = []

    def start(self) -> None:
        """Connect all kiosks; returns at once."""
        self._thread.start()

    def drop(self, agent: Agent | None = None, *, note: str | None = None) -> str:
        """Let a customer leave a parcel at one kiosk, a random one unless named; return the event's id.

        Parameters
        ----------
        note
            Key under which the kiosk keeps the id in its own database, written with the event itself.
        """
        chosen = agent or self._rng.choice(self.agents)
        fact = self._customers.drop(chosen)
        with chosen.store.transaction():
            event = chosen.record(fact)
            if note is not None:
                chosen.store.change({note: event.id})
        self.events.append(event.id)
        self._waker.wake()
        return event.id

    def waiting(self) -> int:
        """Return how many events no server has acknowledged yet."""
        return sum(agent.store.count() for agent in self.agents)

    def connected(self) -> int:
        """Return how many kiosks are connected now."""
        return sum(agent.link.connected for agent in self.agents)

    def stop(self) -> KioskRun:
        """Disconnect in order; what waits stays in the outboxes."""
        self._stop.set()
        self._waker.wake()
        if self._thread.ident is not None:  # kiosks that were never connected have none to wait for
            self._thread.join(10)
        report = KioskRun(
            tuple(self.events),
            self.waiting(),
            sum(len(agent.store.dead()) for agent in self.agents),
            sum(max(agent.link.connection - 1, 0) for agent in self.agents),
        )
        for agent in self.agents:
            agent.close()
        self._waker.close()
        return report


def run_kiosks(
    configs: Sequence[AgentConfig],
    clock: Clock,
    ids: Ids,
    *,
    companies: Sequence[str],
    drops: int,
    per_s: float,
    seed: int = 1,
    drain_s: float = 60.0,
    progress: Progress = silent,
    sleep: Callable[[float], object] | None = None,
) -> KioskRun:
    """Run kiosks until all drop-offs were made and acknowledged.

    Parameters
    ----------
    drops, per_s
        How many drop-offs in all, and how many each second.
    drain_s
        Longest wait for acknowledgements after the last drop-off.
    sleep
        Waits; a stop event's ``wait`` makes the run end early.
    """
    wait = sleep or threading.Event().wait
    fleet = KioskFleet(configs, clock, ids, companies=companies, seed=seed)
    fleet.start()
    started_s = clock.monotonic_s()
    try:
        for number in range(drops):
            ahead_s = number / per_s - (clock.monotonic_s() - started_s)
            if ahead_s > 0 and wait(ahead_s):
                break
            fleet.drop()
            progress("drop-offs", number + 1, drops)
        last_s = clock.monotonic_s()
        while (left := fleet.waiting()) and clock.monotonic_s() - last_s < drain_s:
            progress("acknowledged", len(fleet.events) - left, len(fleet.events))
            if wait(0.2):
                break
    finally:
        report = fleet.stop()
    return report


def enrol_kiosks(
    session: Session,
    registry: DeviceRegistry,
    sites: Sequence[tuple[str, str]],
    broker: BrokerAddress,
    folder: Path,
    profile: Profile = Profile.AUTO,
) -> list[AgentConfig]:
    """Enrol simulated kiosks and keep their credentials, each in its own ``agent.toml``.

    A kiosk enrolled earlier keeps its credentials and its outbox when its file is still there; if the file
    is lost it gets new ones.

    Parameters
    ----------
    sites
        Region and site id of each kiosk; the device bears the site's id.
    """
    configs = []
    for region, site_id in sites:
        address, path = Address(region, site_id), folder / site_id / "agent.toml"
        device = session.get(Device, site_id)
        if device is None:
            credentials = registry.enrol(session, address, site_id)
        elif path.exists() and (kept := read_config(path)).key.kid == device.kid:
            configs.append(_kept(kept, broker, path))
            continue
        else:
            credentials = registry.renew(session, site_id)
        configs.append(_new(credentials, broker, path, profile))
    return configs


def _new(credentials: Credentials, broker: BrokerAddress, path: Path, profile: Profile) -> AgentConfig:
    config = AgentConfig(
        address=credentials.address,
        broker=broker,
        login=Login(credentials.address.device, credentials.password),
        key=credentials.key,
        store_path=path.parent / "device.db",
        profile=profile,
    )
    write_config(path, config)
    return config


def _kept(config: AgentConfig, broker: BrokerAddress, path: Path) -> AgentConfig:
    if config.broker == broker:
        return config
    moved = AgentConfig(**(vars(config) | {"broker": broker}))
    write_config(path, moved)
    return moved
