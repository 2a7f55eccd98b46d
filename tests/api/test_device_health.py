"""Devices in the office: how they are, what is asked of them, and rollouts, over HTTP and on the command line."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import api.tables  # noqa: F401 - all tables
from api.bootstrap import build_services
from api.cli.main import main
from api.device_desk import device_desk
from api.devices import device_registry
from api.services import Services
from firmware_bridge.schemas import Birth
from firmware_bridge.server.alarms import OUTBOX_STUCK, raise_alarm
from firmware_bridge.server.presence import PresenceBook
from firmware_bridge.topics import Address
from kernel.clock import ManualClock
from kernel.db import Base, Database
from kernel.ids import SystemIds
from kernel.settings import load_settings

KIOSK = "qj-kiosk-017"


@pytest.fixture
def services(tmp_path: Path, clock: ManualClock) -> Iterator[Services]:
    """Give every service over a database with all tables and two kiosks, one of which was heard."""
    settings = load_settings(home=tmp_path / "home")
    settings.home.mkdir()
    database = Database(f"sqlite:///{settings.home / 'cunda.db'}")
    Base.metadata.create_all(database.engine)
    wired = build_services(settings, clock=clock, ids=SystemIds(), database=database)
    with database.begin() as session:
        for name in (KIOSK, "qj-kiosk-018"):
            device_registry(wired).enrol(session, Address("qianjiang", name))
    birth = Birth(
        kind="birth", dev=KIOSK, store="b41e", boot=1, connection=1, next_seq=1, nonce="n" * 24, ts=clock.now()
    )  # fmt: skip
    PresenceBook(database, clock).note(birth)
    yield wired
    database.close()


def test_the_list_and_one_device(dispatcher: httpx.Client, services: Services) -> None:
    """A dispatcher sees every device of the region with its tier, and one with its alarms."""
    with services.database.begin() as session:
        raise_alarm(session, KIOSK, OUTBOX_STUCK, "store", "3 events wait for 700 s", services.clock.now())
    items = dispatcher.get("/devices", params={"region": "qianjiang"}).json()["items"]
    assert [(one["id"], one["presence"], one["grade"], one["alarms"]) for one in items] == [
        (KIOSK, "online", "watch", ["outbox_stuck"]),
        ("qj-kiosk-018", None, "watch", []),
    ]
    one = dispatcher.get(f"/devices/{KIOSK}").json()
    assert [(alarm["kind"], alarm["closed_at"]) for alarm in one["alarms"]] == [("outbox_stuck", None)]
    assert one["config"] is None
    assert dispatcher.get("/devices/no-such-kiosk").status_code == 404


def test_a_report_is_asked_for(dispatcher: httpx.Client) -> None:
    """Asking for a report gives a command that can be followed; a device never heard cannot be asked."""
    asked = dispatcher.post(f"/devices/{KIOSK}:diagnose")
    assert asked.status_code == 202
    command = asked.json()["command_id"]
    answer = dispatcher.get(f"/devices/{KIOSK}/reports/{command}").json()
    assert (answer["state"], answer["report"]) == ("queued", None)
    history = dispatcher.get(f"/devices/{KIOSK}/commands").json()["items"]
    assert [(one["id"], one["op"], one["target"], one["reason"]) for one in history] == [
        (command, "report", "device", "diagnosis")
    ]
    assert dispatcher.post("/devices/qj-kiosk-018:diagnose").status_code == 404
    assert dispatcher.get(f"/devices/qj-kiosk-018/reports/{command}").status_code == 404


def test_settings_are_wished_for(dispatcher: httpx.Client) -> None:
    """Settings get a version; wrong ones are refused with the field's name."""
    url = f"/devices/{KIOSK}/settings"
    assert dispatcher.put(url, json={"settings": {"heartbeat_s": 20}}).json() == {"version": 1}
    config = dispatcher.get(f"/devices/{KIOSK}").json()["config"]
    assert (config["settings"], config["in_force"], config["heard"]) == ({"heartbeat_s": 20}, 0, 0)
    refused = dispatcher.put(url, json={"settings": {"open": "c1-1"}})
    assert (refused.status_code, refused.json()["code"]) == (400, "device_settings")
    assert "open" in refused.json()["detail"]


def test_a_local_list_is_changed_and_tells_no_credential(admin: httpx.Client, dispatcher: httpx.Client) -> None:
    """An administrator says who may open what without network; nobody can read a credential again."""
    line = {"id": "keeper-7", "target": "c1-1", "credential": "badge-4711", "until": "2026-04-01T00:00:00Z"}
    form = {"permissions": [line], "expires_at": "2026-04-01T00:00:00Z"}
    made = admin.patch(f"/devices/{KIOSK}/list", json=form)
    assert made.status_code == 200
    assert "4711" not in made.text
    assert dispatcher.patch(f"/devices/{KIOSK}/list", json=form).status_code == 403
    admin.patch(
        f"/devices/{KIOSK}/list", json=form | {"permissions": [line | {"id": "keeper-8"}], "removed": ["keeper-7"]}
    )
    shown = dispatcher.get(f"/devices/{KIOSK}/list").json()
    assert (shown["version"], shown["device_has"], [one["id"] for one in shown["lines"]]) == (2, None, ["keeper-8"])


def test_a_rollout_is_started_once_and_stopped(admin: httpx.Client, dispatcher: httpx.Client) -> None:
    """An administrator starts and stops a rollout; a second one meanwhile is refused, and a dispatcher only looks."""
    form = {"region": "qianjiang", "settings": {"heartbeat_s": 20}, "stages": [50, 100]}
    assert dispatcher.post("/rollouts", json=form).status_code == 403
    made = admin.post("/rollouts", json=form)
    assert made.status_code == 201
    number = made.json()["id"]
    assert admin.post("/rollouts", json=form).json()["code"] == "rollout"
    detail = dispatcher.get(f"/rollouts/{number}").json()
    assert (detail["rollout"]["state"], detail["rollout"]["parts"]) == ("running", {"waiting": 2})
    assert [part["stage"] for part in detail["devices"]] == [0, 1]
    assert admin.post(f"/rollouts/{number}:stop").json()["state"] == "stopped"
    listed = dispatcher.get("/rollouts", params={"region": "qianjiang"}).json()["items"]
    assert [(one["id"], one["parts"]) for one in listed] == [(number, {"skipped": 2})]
    assert admin.post("/rollouts/99:stop").status_code == 404


def test_an_alarm_is_closed_by_an_administrator(admin: httpx.Client, services: Services) -> None:
    """A person closes an alarm once, with their name on it."""
    with services.database.begin() as session:
        raise_alarm(session, KIOSK, "security.fork", "b41e", "two programs", services.clock.now())
    alarm = admin.get(f"/devices/{KIOSK}").json()["alarms"][0]
    closed = admin.post(f"/devices/{KIOSK}/alarms/{alarm['id']}:close").json()
    assert closed["closed_by"].startswith("user:")
    assert admin.post(f"/devices/{KIOSK}/alarms/{alarm['id']}:close").status_code == 404


@pytest.fixture
def release_file(tmp_path: Path) -> Path:
    """Write an archive that looks like a device program."""
    path = tmp_path / "agent.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("firmware_bridge/device/main.py", "")
    return path


def test_a_release_is_handed_out_by_its_digest(
    nobody: httpx.Client, admin: httpx.Client, services: Services, release_file: Path
) -> None:
    """A device fetches a release without login; what is not on the shelf does not exist."""
    with services.database.begin() as session:
        digest = device_desk(services).shelf.add(session, release_file, "2.0", "user:ma").sha256
    assert nobody.get(f"/releases/{digest}").content == release_file.read_bytes()
    for wrong in ("0" * 64, "maker.key", "..%2Fdevices.secret"):
        assert nobody.get(f"/releases/{wrong}").status_code == 404
    assert [one["version"] for one in admin.get("/releases").json()["items"]] == ["2.0"]
    form = {"region": "qianjiang", "release": "2.0", "url": "http://127.0.0.1:1"}
    assert admin.post("/rollouts", json=form).json()["kind"] == "release"


def test_another_regions_devices_do_not_exist(
    server: Any, services: Services, client_of: Callable[[str], httpx.Client]
) -> None:
    """A dispatcher bound to a region neither sees nor touches the devices of another one."""
    from api.auth.service import NewUser

    services.accounts.add(NewUser("far", "correct horse battery", "dispatcher", region="elsewhere"))
    client = client_of("nobody")
    login = client.post("/session:login", json={"username": "far", "password": "correct horse battery"})
    client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
    for method, path in (
        ("GET", "/devices?region=qianjiang"), ("GET", f"/devices/{KIOSK}"), ("POST", f"/devices/{KIOSK}:diagnose"),
        ("GET", f"/devices/{KIOSK}/commands"), ("GET", "/rollouts?region=qianjiang"),
    ):  # fmt: skip
        assert client.request(method, path).status_code == 404, path


def test_the_command_line_tells_the_same(
    services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], release_file: Path
) -> None:
    """What the page shows, the command line shows too."""
    monkeypatch.setattr("api.bootstrap.require_schema", lambda database: None)
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))

    def run(*arguments: str) -> Any:
        assert main(["device", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert [one["id"] for one in run("health", "--region", "qianjiang")] == [KIOSK, "qj-kiosk-018"]
    assert run("settings", KIOSK, "heartbeat_s=20", "maintenance=true")["version"] == 1
    shown = run("show", KIOSK)
    assert shown["config"]["settings"] == {"heartbeat_s": 20, "maintenance": True}
    assert run("diagnose", KIOSK, "--wait", "0")["state"] == "queued"
    assert [one["op"] for one in run("commands", KIOSK)] == ["report"]
    assert run("release", str(release_file), "--version", "2.0")["version"] == "2.0"
    started = run("rollout", "--region", "qianjiang", "--set", "heartbeat_s=20")
    assert started["state"] == "running"
    assert run("rollouts", "--region", "qianjiang")[0]["parts"] == {"waiting": 2}
    assert run("stop-rollout", str(started["id"]))["state"] == "stopped"
