"""Fixtures of the API's tests: a wired server on a free port, and one logged-in client per role."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.auth.model import ROLES
from api.auth.passwords import hash_password
from api.auth.service import NewUser
from api.bootstrap import build_services, require_schema
from api.manifests import ManifestOrder
from api.server import ServerThread
from api.services import Services
from dispatch.fleet.fleet import CourierSpec, Fleet, Load, TypeSpec, VehicleSpec
from dispatch.fleet.repository import FleetRepository
from dispatch.plans.service import PlanSettings
from dispatch.plans.summary import VersionSummary
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.ids import SystemIds
from kernel.log import set_up_logging
from kernel.money import Fen
from kernel.settings import load_settings
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository

PASSWORD = "correct horse battery"
_NUMBERS = count(1)
_PATIENCE_S = 120


@cache
def _hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def _quiet_logs() -> None:
    """Write logs as the server does; pytest shows them when a test fails."""
    set_up_logging("info", "json")


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a SQLite database up once; each test gets a copy."""
    path = tmp_path_factory.mktemp("prepared") / "cunda.db"
    database = Database(f"sqlite:///{path}")
    require_schema(database)
    database.close()
    return path


@pytest.fixture
def services(tmp_path: Path, clock: ManualClock, prepared_file: Path) -> Iterator[Services]:
    """Give every service over a fresh SQLite database, with a clock that stands still."""
    settings = load_settings(home=tmp_path / "home")
    settings.home.mkdir()
    shutil.copyfile(prepared_file, settings.home / "cunda.db")
    wired = build_services(settings, clock=clock, ids=SystemIds())
    yield wired
    wired.database.close()


@pytest.fixture
def one_user_per_role(services: Services) -> dict[str, str]:
    """Make one login per role, all with the same password, and give their ids by role."""
    links = {"courier": {"courier_id": "c-1"}, "company_viewer": {"company_id": "sf"}, "station": {"site_id": "s-1"}}
    made = {}
    with services.database.begin() as session:
        for role in ROLES:
            new = NewUser(username=f"{role}-1", password=PASSWORD, role=role, **links.get(role, {}))
            made[role] = services.accounts.add_hashed(session, new, _hashed()).user_id
    return made


@pytest.fixture
def server(services: Services) -> Iterator[ServerThread]:
    """Serve the application on a free loopback port."""
    with ServerThread(create_app(services)) as running:
        yield running


@pytest.fixture
def client_of(server: ServerThread, one_user_per_role: dict[str, str]) -> Iterator[Callable[[str], httpx.Client]]:
    """Give a maker of HTTP clients, logged in by role; "nobody" is not logged in."""
    opened: list[httpx.Client] = []

    def make(role: str) -> httpx.Client:
        client = httpx.Client(base_url=server.url + "/api/v1", timeout=30)
        opened.append(client)
        if role != "nobody":
            answer = client.post("/session:login", json={"username": f"{role}-1", "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def nobody(client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """Give a client without login."""
    return client_of("nobody")


@pytest.fixture
def dispatcher(client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """Give a dispatcher's client."""
    return client_of("dispatcher")


@pytest.fixture
def admin(client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """Give an administrator's client."""
    return client_of("admin")


TOWNS_CSV = "code,name,lon,lat\n429005100,园林街道,112.90,30.40\n"
VILLAGES_CSV = (
    "code,name,town_code,lon,lat\n"
    "429005100201,东村,429005100,112.91,30.41\n429005100202,西村,429005100,112.89,30.39\n"
    "429005100203,无坐标村,429005100,,\n"
)
DAY = date(2026, 3, 4)
MANIFEST_HEADER = "company,waybill,piece,pieces,recipient_name,recipient_phone,address,village,weight_g\n"
MANIFEST_ROWS = "".join(
    f"yunlu,YL{number:04d},1,1,张三,15412345678,东村1组{number}号,{'东村' if number % 2 else '西村'},500\n"
    for number in range(12)
)


@pytest.fixture
def carry_out() -> Callable[[httpx.Client, str, dict[str, Any]], dict[str, Any]]:
    """Give a function that starts long work over HTTP and follows the operation to its end."""

    def follow(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
        started = client.post(path, json=body, headers={"Idempotency-Key": f"{path}-{next(_NUMBERS)}"})
        assert started.status_code == 202, started.text
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            found: dict[str, Any] = client.get(f"/operations/{started.json()['id']}").json()
            if found["state"] in ("succeeded", "failed", "cancelled"):
                return found
            time.sleep(0.05)
        raise AssertionError("the operation did not end")

    return follow


@pytest.fixture
def county_files(tmp_path: Path) -> tuple[Path, Path]:
    """Write the villages and towns of a small county, one village without a position."""
    villages, towns = tmp_path / "villages.csv", tmp_path / "towns.csv"
    villages.write_text(VILLAGES_CSV, encoding="utf-8")
    towns.write_text(TOWNS_CSV, encoding="utf-8")
    return villages, towns


@pytest.fixture
def two_villages(services: Services, county_files: tuple[Path, Path]) -> str:
    """Import a region of one township and two located villages, without roads."""
    services.regions.store.import_csv(*county_files, "qianjiang", "flat")
    return "qianjiang"


@pytest.fixture
def due_day(services: Services, two_villages: str) -> date:
    """Give the region a van, a courier and a kiosk, and twelve parcels due on one day."""
    kind = TypeSpec(
        "van", "微型面包车", "van", Load(600_000, 3_200_000, 260), Fen(12_000), Fen(80), Fen(2_800), 28_800, 64_800
    )
    fleet = Fleet((kind,), (VehicleSpec("v-1", "van", "村A0001", "c-1"),), (CourierSpec("c-1", "李建国"),))
    with services.database.begin() as session:
        FleetRepository(session).add(two_villages, fleet)
        SiteRepository(session).add(
            Site(
                id="kiosk-1", region=two_villages, kind="kiosk", scene="pharmacy", name="药店", place_id="429005100201",
                lon=112.912, lat=30.412, compartments={"S": 4}, opening=[], status="active",
                registered_at=services.clock.now(),
            )
        )  # fmt: skip
    order = ManifestOrder(two_villages, "user:test", DAY, register_companies=True)
    services.manifests.take_in((MANIFEST_HEADER + MANIFEST_ROWS).encode(), "day.csv", order)
    return DAY


@pytest.fixture
def published(services: Services, due_day: date, two_villages: str) -> VersionSummary:
    """Plan the day and put the plan in force."""
    made = services.planner.make_plan(two_villages, due_day, actor="user:test", settings=PlanSettings(seconds=0.3))
    return services.planner.publish(made.version_id, actor="user:test")
