"""Everything the demonstration runs on: county, people, fleet, broker, bridge, server, kiosks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.app import create_app
from api.auth.model import User
from api.auth.passwords import hash_password
from api.auth.service import NewUser
from api.bootstrap import open_services, require_schema
from api.demo_sites import demo_sites, register_sites
from api.devices import device_registry, renew_accounts, running_bridge, using_broker
from api.server import ServerThread
from api.services import Services
from api.solving import prepare_solver
from dispatch.fleet.demo import seed_demo_fleet
from dispatch.fleet.fleet import Fleet
from dispatch.parcels.generator import INVENTED_COMPANIES
from firmware_bridge.broker.launcher import RunningBroker
from firmware_bridge.server.bridge import Bridge
from firmware_bridge.simulator.kiosks import KioskFleet, enrol_kiosks
from kernel.ids import new_secret
from kernel.progress import Progress
from kernel.settings import Settings
from maps.region import Region

REGION = "demo"
_MORNING_HOUR = 6  # from then on the vans of the day are being loaded: the demo plans the next day


@dataclass(frozen=True)
class DemoOptions:
    """How large the demonstration is."""

    parcels: int = 3000
    companies: int = 5
    kiosks: int = 40
    seconds: float = 20.0
    seed: int = 1


@dataclass(frozen=True)
class DemoWorld:
    """What runs while the demonstration does."""

    services: Services
    options: DemoOptions
    region: Region
    fleet: Fleet
    day: date
    url: str
    broker: RunningBroker
    bridge: Bridge
    kiosks: KioskFleet
    logins: Mapping[str, str]
    password: str


@contextmanager
def demo_world(settings: Settings, options: DemoOptions, progress: Progress) -> Iterator[DemoWorld]:
    """Build and start everything; stop all of it at the end of the block."""
    with ExitStack() as running:
        services = running.enter_context(open_services(settings))
        compiling = running.enter_context(_compiling())
        require_schema(services.database)
        region = _county(services, options, progress)
        services.manifests.register_invented_companies()
        _wait_for_solver(compiling, services, progress)
        progress("people and fleet", 0, 1)
        password = new_secret(9)
        sites = demo_sites(region, services.clock, options.kiosks, options.seed)
        with services.database.begin() as session:
            fleet = seed_demo_fleet(session, REGION, options.parcels, options.seed)
            site_ids = register_sites(session, REGION, sites)
            logins = _seed_logins(session, services, fleet, site_ids[0], password)
        progress("people and fleet", 1, 1)
        progress("broker, bridge and API", 0, 1)
        broker = running.enter_context(using_broker(services))
        bridge = running.enter_context(running_bridge(services, broker))
        server = running.enter_context(ServerThread(create_app(services), settings.http_host, settings.http_port))
        progress("broker, bridge and API", 1, 1)
        kiosks = running.enter_context(_kiosks(services, broker, site_ids[: options.kiosks], options))
        yield DemoWorld(
            services=services,
            options=options,
            region=region,
            fleet=fleet,
            day=_demo_day(services, region),
            url=server.url,
            broker=broker,
            bridge=bridge,
            kiosks=kiosks,
            logins=logins,
            password=password,
        )


@contextmanager
def _compiling() -> Iterator[subprocess.Popen[bytes]]:
    """Compile the solver in a process of its own, beside the building of the county; it keeps what it compiled."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import routing; routing.warm_up()"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def _wait_for_solver(child: subprocess.Popen[bytes], services: Services, progress: Progress) -> None:
    began_s = services.clock.monotonic_s()
    while child.poll() is None:
        progress("preparing the solver", round(services.clock.monotonic_s() - began_s), None, "once on a machine")
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=1.0)
    prepare_solver()


def _county(services: Services, options: DemoOptions, progress: Progress) -> Region:
    if REGION not in services.regions.names():
        services.regions.store.build_demo(REGION, options.seed, progress=progress)
    return services.regions.load(REGION)


def _demo_day(services: Services, region: Region) -> date:
    """Return today before the vans are loaded, else tomorrow: the demo must work at any hour."""
    now = services.clock.now().astimezone(ZoneInfo(region.zone))
    return now.date() if now.hour < _MORNING_HOUR else now.date() + timedelta(days=1)


def _seed_logins(
    session: Session, services: Services, fleet: Fleet, station_id: str, password: str
) -> Mapping[str, str]:
    """Make, or give a new password to, one login per role and one per courier; return a name for each role."""
    digest = hash_password(password)
    roles = {
        "dispatcher": NewUser("demo-dispatcher", password, "dispatcher", REGION),
        "station": NewUser("demo-station", password, "station", REGION, site_id=station_id),
        "finance": NewUser("demo-finance", password, "finance", REGION),
        "company_viewer": NewUser(
            "demo-company", password, "company_viewer", REGION, company_id=INVENTED_COMPANIES[0][0]
        ),
        "admin": NewUser("demo-admin", password, "admin"),
    }
    couriers = [NewUser(one.id, password, "courier", REGION, courier_id=one.id) for one in fleet.couriers]
    known = {user.username: user for user in session.query(User)}
    for new in [*roles.values(), *couriers]:
        user = known.get(new.username)
        if user is None:
            services.accounts.add_hashed(session, new, digest)
        else:
            user.password_hash, user.active = digest, True
    return {role: new.username for role, new in roles.items()} | {"courier": couriers[0].username}


@contextmanager
def _kiosks(
    services: Services, broker: RunningBroker, site_ids: list[str], options: DemoOptions
) -> Iterator[KioskFleet]:
    with services.database.begin() as session:
        configs = enrol_kiosks(
            session,
            device_registry(services),
            [(REGION, site_id) for site_id in site_ids],
            broker.address,
            services.settings.home / "kiosks",
            broker.profile,
        )
    renew_accounts(services, broker)
    companies = [company_id for company_id, _ in INVENTED_COMPANIES[: options.companies]]
    fleet = KioskFleet(configs, services.clock, services.ids, companies=companies, seed=options.seed)
    fleet.start()
    try:
        yield fleet
    finally:
        fleet.stop()
