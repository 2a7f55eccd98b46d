"""The page of devices, looked at by a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import api.tables  # noqa: F401 - all tables
from api.app import create_app
from api.auth.service import NewUser
from api.bootstrap import build_services
from api.device_desk import device_desk
from api.devices import device_registry
from api.server import ServerThread
from api.services import Services
from firmware_bridge.schemas import Birth, DoorStates
from firmware_bridge.server.alarms import DISK_FULL, FLAPPING, raise_alarm
from firmware_bridge.server.presence import PresenceBook
from firmware_bridge.server.telemetry import TelemetryBook
from firmware_bridge.topics import Address
from kernel.db import Base, Database
from kernel.settings import load_settings

pytestmark = pytest.mark.e2e
PASSWORD = "correct horse battery"
PLACES = (
    "code,name,town_code,lon,lat\n429005100201,东村,429005100,112.91,30.41\n429005100202,西村,429005100,112.89,30.39\n"
)


@pytest.fixture
def office_url(tmp_path: Path) -> Iterator[str]:
    """Serve a county with four kiosks: one well, one that flaps, one with a full disk, one never heard."""
    settings = load_settings(home=tmp_path / "home")
    settings.home.mkdir()
    database = Database(f"sqlite:///{settings.home / 'cunda.db'}")
    Base.metadata.create_all(database.engine)
    services = build_services(settings, database=database)
    _furnish(services, tmp_path)
    with ServerThread(create_app(services)) as server:
        yield server.url
    database.close()


def _furnish(services: Services, folder: Path) -> None:
    towns, villages = folder / "towns.csv", folder / "villages.csv"
    towns.write_text("code,name,lon,lat\n429005100,园林街道,112.90,30.40\n", encoding="utf-8")
    villages.write_text(PLACES, encoding="utf-8")
    services.regions.store.import_csv(villages, towns, "qianjiang", "flat")
    services.accounts.add(NewUser("admin-1", PASSWORD, "admin"))
    clock, book, telemetry = (
        services.clock,
        PresenceBook(services.database, services.clock),
        TelemetryBook(services.clock),
    )
    names = [f"qj-kiosk-{number:03d}" for number in range(4)]
    with services.database.begin() as session:
        for name in names:
            device_registry(services).enrol(session, Address("qianjiang", name))
    for name in names[:3]:
        book.note(
            Birth(
                kind="birth", dev=name, store="b41e", boot=1, connection=1, next_seq=1, nonce="n" * 24, ts=clock.now()
            )
        )
        doors = DoorStates(dev=name, boot=1, doors={"c1-1": "closed", "c1-2": "unknown"})
        telemetry.take(name, "doors", doors.to_bytes())
    desk = device_desk(services).rollouts
    with services.database.begin() as session:
        telemetry.write(session)
        raise_alarm(session, names[1], FLAPPING, "connection", "7 connections within 10 minutes", clock.now())
        raise_alarm(session, names[2], DISK_FULL, "store", "disk full: deposits are refused", clock.now())
        desk.start_settings(session, "qianjiang", {"heartbeat_s": 20}, "user:ma")
    with services.database.begin() as session:
        desk.step(session)


def test_the_office_sees_who_needs_somebody(office_url: str, browse: Any) -> None:
    """Whoever needs somebody stands first, says why in Chinese, can be asked for a report, and a rollout stopped."""
    admin = {"username": "admin-1", "password": PASSWORD}
    seen = browse("devicesPage", url=office_url, region="qianjiang", admin=admin)
    assert seen.result["order"] == [
        ["qj-kiosk-002", "bad"], ["qj-kiosk-001", "watch"], ["qj-kiosk-003", "watch"], ["qj-kiosk-000", "good"],
    ]  # fmt: skip
    assert "磁盘已满" in seen.result["row"]
    assert "c1-2 未知" in seen.result["doors"]
    assert "已下发 1" in seen.result["before"]
    assert "已停止并回退" in seen.result["after"]
    assert (seen.result["mistakes"], seen.outside, seen.complaints) == ([], [], [])
