"""The wire's part of the composition root: secrets, broker, bridge, and what to do with a drop-off."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from api.services import Services
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.running import plan_in_force
from dispatch.plans.service import Planner
from firmware_bridge.broker.accounts import Account
from firmware_bridge.broker.launcher import RunningBroker, foreign, launch, running_in, tls_listener
from firmware_bridge.errors import BrokerMissingError, EnrolmentCodeError
from firmware_bridge.pki.authority import Authority
from firmware_bridge.server.alarms import CODE_REUSED, raise_alarm
from firmware_bridge.server.bridge import Bridge, BridgeOptions
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.enrolment import (
    Credentials,
    DeviceRegistry,
    Keyring,
    broker_accounts,
    revoked_certificates,
)
from firmware_bridge.server.stations import station_handlers
from kernel.errors import CundaError
from kernel.log import get_logger
from kernel.settings import Settings, keep_secret

_SWEEP_S = 30.0  # how long a drop-off may wait when the hint to insert it was lost


def broker_folder(settings: Settings) -> Path:
    """Return the folder of the broker Cunda starts."""
    return settings.home / "broker"


def _server_password(settings: Settings) -> str:
    return keep_secret(settings.home / "broker.secret")


def device_registry(services: Services) -> DeviceRegistry:
    """Return the register of devices; the secret of their keys and the authority behind it stay in `home`."""
    return DeviceRegistry(_master(services.settings), services.clock, device_authority(services))


def device_authority(services: Services) -> Authority:
    """Return the authority that certifies broker and devices."""
    return Authority(services.settings.home / "pki", services.clock)


def _master(settings: Settings) -> bytes:
    return keep_secret(settings.home / "devices.secret").encode()


@dataclass(frozen=True)
class FromElsewhere:
    """How devices on other machines reach the broker: where it listens, and what they call it."""

    host: str = "127.0.0.1"
    port: int = 8883
    names: tuple[str, ...] = ()


def start_broker(
    services: Services, port: int | None = None, elsewhere: FromElsewhere = FromElsewhere()
) -> RunningBroker:
    """Start a broker of our own, or speak of the one the settings name.

    Raises
    ------
    BrokerExposedError
        If it would listen beyond this machine without TLS.
    BrokerMissingError, BrokerStartError
        If none can be started.
    """
    settings = services.settings
    if settings.broker_url is not None:
        return foreign(settings.broker_url)
    tls = tls_listener(elsewhere.host, elsewhere.port, elsewhere.names, device_authority(services))
    if tls is not None:
        _list_revoked(services)
    accounts = _admitted(services)
    wanted = settings.broker_port if port is None else port
    return launch(broker_folder(settings), accounts, port=wanted, tls=tls)


def find_broker(settings: Settings) -> RunningBroker | None:
    """Return the broker in use: the one the settings name, or the one another program of ours runs."""
    if settings.broker_url is not None:
        return foreign(settings.broker_url)
    return running_in(broker_folder(settings))


@contextmanager
def using_broker(services: Services, port: int | None = None) -> Iterator[RunningBroker]:
    """Use the broker that runs, or start one for the length of a block."""
    found = find_broker(services.settings)
    if found is not None:
        yield found
        return
    started = start_broker(services, port)
    try:
        yield started
    finally:
        started.stop()


def renew_accounts(services: Services, broker: RunningBroker) -> None:
    """Tell our broker who may connect, after devices were enrolled or revoked; a foreign one is told by its owner."""
    if broker.folder is not None:
        broker.set_accounts(_admitted(services))


def renew_admission(services: Services, broker: RunningBroker) -> None:
    """Tell our broker who may connect after credentials ended: connections that used them end within seconds."""
    _list_revoked(services)
    renew_accounts(services, broker)


def revoke_device(services: Services, device_id: str) -> RunningBroker | None:
    """End a device's credentials and commands at once, and tell our broker; return the broker that runs, if one does.

    Raises
    ------
    UnknownDeviceError
        If there is no such device.
    """
    keyring = Keyring(services.database, _master(services.settings), services.clock)
    desk = CommandDesk(services.database, keyring, services.clock, services.ids)
    with services.database.begin() as session:
        device_registry(services).revoke(session, device_id)
        desk.void(session, device_id)
    broker = find_broker(services.settings)
    if broker is not None:
        renew_admission(services, broker)
    return broker


def _list_revoked(services: Services) -> None:
    with services.database.read() as session:
        revoked = revoked_certificates(session, services.clock.now())
    device_authority(services).write_crl(revoked)


def _admitted(services: Services) -> list[Account]:
    with services.database.read() as session:
        return broker_accounts(session, _server_password(services.settings))


def redeem_code(services: Services, code: str) -> tuple[Credentials, RunningBroker, str]:
    """Trade a one-time code for a device's credentials and let the device in.

    Returns
    -------
    The credentials, the broker to use them with, and the authority's certificate.

    Raises
    ------
    BrokerMissingError
        If no broker runs; the code stays good.
    EnrolmentCodeError
        If the code cannot be used.
    """
    broker = find_broker(services.settings)
    if broker is None:
        raise BrokerMissingError("no broker runs to enrol the device with")
    registry = device_registry(services)
    with services.database.read() as session:  # a stranger who guesses must not stand in the way of writers
        found = registry.code_state(session, code)
    if found.word == "used" and found.device is not None:
        with services.database.begin() as session:
            detail = "its enrolment code was used a second time: find out who used it first"
            raise_alarm(session, found.device, CODE_REUSED, "code", detail, services.clock.now())
    if found.word != "live":
        raise EnrolmentCodeError("this enrolment code cannot be used")
    with services.database.begin() as session:
        credentials = registry.redeem(session, code)
    renew_admission(services, broker)
    return credentials, broker, device_authority(services).ca_text


@contextmanager
def running_bridge(services: Services, broker: RunningBroker) -> Iterator[Bridge]:
    """Run bridge and drop-off desk for the length of a block."""
    settings = services.settings
    with DropOffDesk(services, services.planner) as desk:
        bridge = Bridge(
            broker.address,
            BridgeOptions(password=_server_password(settings), zone=settings.zone, profile=broker.profile),
            services.database,
            services.clock,
            services.ids,
            _master(settings),
            on_dropoff=desk.hint,
            handlers=station_handlers(services.stations),
        )
        bridge.start()
        try:
            yield bridge
        finally:
            bridge.stop()


class DropOffDesk:
    """Inserts drop-offs into the plan in force, in a thread of its own.

    A hint makes it quick; a regular look at what waits makes it certain, also after a restart.

    Parameters
    ----------
    services, planner
        Where parcels and plans are.
    sweep_s
        Seconds between looks at everything that waits.
    """

    def __init__(self, services: Services, planner: Planner, sweep_s: float = _SWEEP_S) -> None:
        self._services = services
        self._planner = planner
        self._sweep_s = sweep_s
        self._hints: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="cunda-dropoffs", daemon=True)

    def __enter__(self) -> DropOffDesk:
        """Start working."""
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        """Finish what is in hand and stop."""
        self._hints.put(None)
        self._thread.join(timeout=60)

    def hint(self, parcel_id: str) -> None:
        """Say that a drop-off was committed; returns at once."""
        self._hints.put(parcel_id)

    def _work(self) -> None:
        self._guarded(self._sweep)
        while True:
            try:
                hints = self._gather()
            except queue.Empty:
                self._guarded(self._sweep)
                continue
            if None in hints:
                return
            known = [one for one in hints if one is not None]
            self._guarded(lambda: self._insert(known))  # noqa: B023 - called before the next turn

    def _gather(self) -> list[str | None]:
        hints = [self._hints.get(timeout=self._sweep_s)]
        while not self._hints.empty():
            hints.append(self._hints.get_nowait())
        return hints

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except CundaError as problem:
            get_logger("api").warning("dropoff_waits", error_code=problem.code, detail=problem.message)
        except Exception as problem:  # the desk must outlive whatever one drop-off does to it
            get_logger("api").error("dropoff_desk_broke", exc_info=(type(problem), problem, problem.__traceback__))

    def _sweep(self) -> None:
        for region in self._services.regions.names():
            day = self._day_of(region)
            if day is not None:
                self._planner.insert_waiting(region, day, actor="system:dropoffs")

    def _insert(self, parcel_ids: list[str]) -> None:
        with self._services.database.read() as session:
            parcels = ParcelRepository(session).by_ids(parcel_ids)
            by_site: dict[tuple[str, str | None], list[str]] = {}
            for parcel in parcels:
                by_site.setdefault((parcel.region, parcel.channel_site_id), []).append(parcel.id)
        for (region, _site), ids in sorted(by_site.items(), key=lambda entry: str(entry[0])):
            day = self._day_of(region)
            if day is not None:
                self._planner.insert_collections(region, day, ids, actor="system:dropoffs", reason="kiosk drop-off")

    def _day_of(self, region: str) -> date | None:
        zone = self._services.regions.load(region).zone
        with self._services.database.read() as session:
            plan = plan_in_force(session, region, self._services.clock.now(), zone)
            return plan.day if plan is not None else None
