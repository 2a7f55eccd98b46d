"""The county of a simulated day: database, fleet, kiosks, logins and server, all by one clock and one seed."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event

from api.app import create_app
from api.auth.service import NewUser
from api.bootstrap import build_services, require_schema
from api.demo_sites import demo_sites, register_sites
from api.server import ServerThread
from api.services import Services
from api.simulation.options import DayOptions, Draws
from api.simulation.person import Person
from api.simulation.roads import TrueRoads
from api.simulation.search import by_steps
from api.simulation.timeline import Timeline
from api.solving import prepare_solver
from dispatch.fleet.demo import seed_demo_fleet
from dispatch.fleet.fleet import TypeSpec
from dispatch.parcels.generator import generate_manifest, write_manifest_csv
from kernel.clock import ManualClock, at_second
from kernel.ids import SeededIds, new_secret
from kernel.progress import Progress
from kernel.settings import Settings, load_settings
from maps.region import Region
from maps.store import RegionStore

DISPATCHER: Final = "sim-dispatcher"
DAY_BEGINS_S: Final = 5 * 3600 + 1800
_TOKEN_S: Final = 3600  # a handheld renews once an hour; a real one does every quarter of an hour
_LOGIN_S: Final = 2 * 86_400


@dataclass(frozen=True)
class World:
    """What a simulated day happens in.

    Attributes
    ----------
    kiosks
        Ids of the kiosks that take drop-offs today; each has a keeper with a login of the same name.
    types
        Type of each vehicle.
    """

    options: DayOptions
    services: Services
    region: Region
    timeline: Timeline
    draws: Draws
    roads: TrueRoads
    kiosks: tuple[str, ...]
    types: Mapping[str, TypeSpec]
    url: str
    password: str

    def person(self, username: str) -> Person:
        """Return a client for somebody who has a login."""
        return Person(self.url, self.services.clock, username, self.password)

    def manifest(self) -> bytes:
        """Return the morning's manifest as a file."""
        options, text = self.options, io.StringIO(newline="")
        rows = generate_manifest(self.region, options.parcels, options.companies, options.seed, options.day)
        write_manifest_csv(rows, text)
        return text.getvalue().encode()


@contextmanager
def simulated_world(options: DayOptions, regions: Path, home: Path, progress: Progress) -> Iterator[World]:
    """Build a day's world in a folder of its own and serve its API; everything stops at the end of the block.

    Parameters
    ----------
    regions
        The operator's folder of imported regions; only read.
    home
        An empty folder for the day's database and files.

    Raises
    ------
    RegionNotFoundError
        If the region is not imported.
    """
    _copy_region(options.region, regions, home / "regions", progress)
    settings = load_settings(
        home=home, database_url=None, broker_url=None, http_port=0, worker_threads=1,
        access_token_s=_TOKEN_S, refresh_token_s=_LOGIN_S,
    )  # fmt: skip
    with ExitStack() as running:
        progress("people and fleet", 0, 1)
        world = running.enter_context(_wired(settings, options))
        prepare_solver()
        # Ids of requests come from a row of their own: how many there are depends on how long somebody polls.
        app = create_app(replace(world.services, ids=SeededIds(~options.seed)))
        server = running.enter_context(ServerThread(app))
        progress("people and fleet", 1, 1)
        yield replace(world, url=server.url)


def _copy_region(name: str, regions: Path, target: Path, progress: Progress) -> None:
    if name == "demo" and name not in RegionStore(regions).names():
        RegionStore(target).build_demo(name, progress=progress)
        return
    folder = RegionStore(regions).load(name).name  # names the region when there is none
    shutil.copytree(RegionStore(regions).folder(folder), target / folder)


@contextmanager
def _wired(settings: Settings, options: DayOptions) -> Iterator[World]:
    zone = RegionStore(settings.regions_dir).load(options.region).zone
    clock = ManualClock(at_second(options.day, DAY_BEGINS_S, zone))
    services = build_services(settings, clock=clock, ids=SeededIds(options.seed), solver=by_steps)
    event.listen(services.database.engine, "connect", _forget_power_cuts)
    try:
        require_schema(services.database)
        services.manifests.register_invented_companies()
        yield _peopled(services, clock, options)
    finally:
        services.database.close()


def _forget_power_cuts(connection: Any, _record: Any) -> None:
    """Let commits not wait for the disk: a simulated day that a power cut ends is simulated again."""
    connection.execute("PRAGMA synchronous=OFF")


def _peopled(services: Services, clock: ManualClock, options: DayOptions) -> World:
    region = services.regions.load(options.region)
    draws = Draws(options.seed)
    sites = demo_sites(region, clock, options.kiosks, options.seed)
    password = new_secret(9)
    # Logins that live for some minutes need no digest that takes half a second.
    digest = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)).hash(password)
    with services.database.begin() as session:
        fleet = seed_demo_fleet(session, region.name, options.fleet_for or options.parcels, options.seed)
        kiosks = register_sites(session, region.name, sites)
        active = draws.of("kiosks").sample(kiosks, min(options.active_kiosks, len(kiosks)))
        people = [NewUser(DISPATCHER, password, "dispatcher", region.name)]
        people += [NewUser(one.id, password, "courier", region.name, courier_id=one.id) for one in fleet.couriers]
        people += [NewUser(site_id, password, "station", region.name, site_id=site_id) for site_id in sorted(active)]
        for person in people:
            services.accounts.add_hashed(session, person, digest)
    return World(
        options=options,
        services=services,
        region=region,
        timeline=Timeline(clock, options.day, region.zone),
        draws=draws,
        roads=TrueRoads(region.engine()),
        kiosks=tuple(sorted(active)),
        types={one.id: fleet.type_of(one) for one in fleet.vehicles},
        url="",
        password=password,
    )
