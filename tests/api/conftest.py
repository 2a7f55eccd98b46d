"""Fixtures of the API's tests: a wired server on a free port, and one logged-in client per role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.auth.model import ROLES
from api.auth.passwords import hash_password
from api.auth.service import NewUser
from api.bootstrap import build_services, require_schema
from api.server import ServerThread
from api.services import Services
from kernel.clock import ManualClock
from kernel.ids import SystemIds
from kernel.log import set_up_logging
from kernel.settings import load_settings

PASSWORD = "correct horse battery"


@cache
def _hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def _quiet_logs() -> None:
    """Write logs as the server does; pytest shows them when a test fails."""
    set_up_logging("info", "json")


@pytest.fixture
def services(tmp_path: Path, clock: ManualClock) -> Iterator[Services]:
    """Give every service over a fresh SQLite database, with a clock that stands still."""
    settings = load_settings(home=tmp_path / "home")
    wired = build_services(settings, clock=clock, ids=SystemIds())
    require_schema(wired.database)
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


@pytest.fixture
def two_villages(services: Services, tmp_path: Path) -> str:
    """Import a region of one township and two located villages, without roads."""
    towns, villages = tmp_path / "towns.csv", tmp_path / "villages.csv"
    towns.write_text("code,name,lon,lat\n429005100,园林街道,112.90,30.40\n", encoding="utf-8")
    villages.write_text(
        "code,name,town_code,lon,lat\n"
        "429005100201,东村,429005100,112.91,30.41\n429005100202,西村,429005100,112.89,30.39\n"
        "429005100203,无坐标村,429005100,,\n",
        encoding="utf-8",
    )
    services.regions.store.import_csv(villages, towns, "qianjiang", "flat")
    return "qianjiang"
