"""Doors opened from afar: asked for once, never said to be open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from api.app import create_app
from api.auth.service import NewUser
from api.bootstrap import build_services
from api.devices import device_registry
from api.server import ServerThread
from api.services import Services
from firmware_bridge.server.model import DeviceCommand, DevicePresence
from firmware_bridge.topics import Address
from kernel.db import Database
from kernel.settings import load_settings

_PASSWORD = "a long enough password"


@pytest.fixture
def office(sqlite_database: Database, tmp_path: Path) -> Services:
    """Give services that know a dispatcher and a cabinet which was heard."""
    services = build_services(load_settings(home=tmp_path / "home"), database=sqlite_database)
    services.accounts.add(NewUser("dispatcher-1", _PASSWORD, "dispatcher"))
    now = services.clock.now()
    with services.database.begin() as session:
        device_registry(services).enrol(session, Address("demo", "cabinet-1"))
        session.flush()
        session.add(
            DevicePresence(
                device_id="cabinet-1", state="online", since=now, heard_at=now, store="b41e", boot=1, connection=1,
                firmware="cunda-agent", description="", connects=[], died_at=None,
            )
        )  # fmt: skip
    return services


@pytest.fixture
def clicker(office: Services) -> Iterator[httpx.Client]:
    """Give the dispatcher's client."""
    with (
        ServerThread(create_app(office)) as server,
        httpx.Client(base_url=server.url + "/api/v1", timeout=60) as client,
    ):
        login = client.post("/session:login", json={"username": "dispatcher-1", "password": _PASSWORD})
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        yield client


def test_an_opening_is_asked_for_once_and_not_yet_done(office: Services, clicker: httpx.Client) -> None:
    """A click becomes one signed command with the clicker's name; the same click again is the same command."""
    path, form = "/devices/cabinet-1/openings", {"target": "c1-3", "reason": "overdue"}
    asked = clicker.post(path, json=form, headers={"Idempotency-Key": "click-1"})
    again = clicker.post(path, json=form, headers={"Idempotency-Key": "click-1"})
    assert (asked.status_code, asked.json()["state"]) == (202, "queued"), asked.text
    assert again.json() == asked.json()
    with office.database.read() as session:
        [row] = session.scalars(select(DeviceCommand)).all()
        assert (row.target, row.reason, row.actor.partition(":")[0]) == ("c1-3", "overdue", "user")
    assert clicker.get(f"/openings/{asked.json()['id']}").json()["state"] == "queued"


def test_nothing_is_opened_at_a_device_nobody_knows(clicker: httpx.Client) -> None:
    """An unknown device or opening does not exist."""
    form = {"target": "c1-3", "reason": "overdue"}
    unknown = clicker.post("/devices/no-such/openings", json=form, headers={"Idempotency-Key": "click-2"})
    assert unknown.status_code == 404
    assert clicker.get("/openings/no-such").status_code == 404
