"""The same day over SQLite and over PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.auth.service import NewUser
from api.bootstrap import build_services
from api.server import ServerThread
from api.services import Services
from dispatch.fleet.demo import seed_demo_fleet
from dispatch.products.service import seed_products
from kernel.clock import ManualClock, rfc3339
from kernel.db import Database
from kernel.settings import load_settings

PASSWORD = "correct horse battery"
DAY = date(2026, 3, 4)


@pytest.fixture
def services_on_both(
    database: Database, tmp_path: Path, clock: ManualClock, county_files: tuple[Path, Path]
) -> Services:
    """Give every service over either database, with a small county, a fleet and three logins."""
    wired = build_services(load_settings(home=tmp_path / "home"), clock=clock, database=database)
    wired.regions.store.import_csv(*county_files, "qianjiang", "flat")
    with database.begin() as session:
        seed_products(session)
        fleet = seed_demo_fleet(session, "qianjiang", 50)
    for courier in fleet.couriers:
        wired.accounts.add(NewUser(courier.id, PASSWORD, "courier", courier_id=courier.id))
    wired.accounts.add(NewUser("li", PASSWORD, "dispatcher"))
    return wired


@contextmanager
def _logged_in(server: ServerThread, username: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url + "/api/v1", timeout=60) as client:
        session = client.post("/session:login", json={"username": username, "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {session['access_token']}"
        yield client


@pytest.mark.integration
def test_a_day_is_the_same_on_both_databases(services_on_both: Services) -> None:
    """Manifest in, plan, publish, pull, report, ask: each step works on SQLite and on PostgreSQL."""
    services = services_on_both
    rows = "".join(f"yunlu,YL{n:04d},张三,15412345678,东村{n}号,东村,500\n" for n in range(5))
    text = "company,waybill,recipient_name,recipient_phone,address,village,weight_g\n" + rows
    with ServerThread(create_app(services)) as server, _logged_in(server, "li") as li:
        form = {"region": "qianjiang", "day": DAY.isoformat(), "register_companies": "true"}
        report = li.post(
            "/parcels:import", data=form, files={"file": ("d.csv", text.encode())}, headers={"Idempotency-Key": "i"}
        ).json()
        assert report["added"] == 5, report["problems"]
        order = {"region": "qianjiang", "day": DAY.isoformat(), "seconds": 0.3}
        operation = li.post("/plans:make", json=order, headers={"Idempotency-Key": "p"}).json()
        with li.stream("GET", f"/operations/{operation['id']}/events") as stream:
            assert "event: done" in "\n".join(stream.iter_lines())
        made = li.get(f"/operations/{operation['id']}").json()["result"]
        etag = li.get(f"/plans/{made['plan_id']}").headers["ETag"]
        body = {"version_id": made["version_id"]}
        headers = {"Idempotency-Key": "q", "If-Match": etag}
        assert li.post(f"/plans/{made['plan_id']}:publish", json=body, headers=headers).json()["published"]
        (route,) = li.get(f"/versions/{made['version_id']}/routes").json()["items"]
        with _logged_in(server, route["courier_id"]) as courier:
            pulled = courier.get("/courier/route", params={"day": DAY.isoformat()}).json()
            parcel = pulled["stops"][0]["parcels"][0]["id"]
            fact = {
                "event_id": services.ids.new(), "kind": "loaded", "parcel_id": parcel, "day": DAY.isoformat(),
                "fact_at": rfc3339(services.clock.now()),
            }  # fmt: skip
            for outcome in ("stored", "duplicate"):
                (item,) = courier.post("/courier/events", json={"events": [fact]}).json()["items"]
                assert item["outcome"] == outcome
        (found,) = li.get(f"/parcels/{parcel}/custody").json()["items"]
        assert found["who"] == f"courier:{route['courier_id']}"
