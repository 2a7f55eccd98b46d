"""A device joins with a one-time code, over the real API and the real broker, and is put out again."""

from __future__ import annotations

import io
import json
import shutil
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.bootstrap import build_services
from api.cli.main import main
from api.devices import FromElsewhere, device_registry, find_broker, revoke_device, running_bridge, start_broker
from api.server import ServerThread
from api.services import Services
from firmware_bridge.broker.launcher import RunningBroker
from firmware_bridge.broker.mosquitto import find_mosquitto
from firmware_bridge.device import main as agent
from firmware_bridge.device.agent import Agent, serve
from firmware_bridge.device.config import read_config
from firmware_bridge.device.enrolment import fetch_credentials
from firmware_bridge.device.store import Fact
from firmware_bridge.errors import BrokerExposedError, EnrolmentError
from firmware_bridge.server.alarms import CODE_REUSED, open_alarms
from firmware_bridge.topics import Address
from kernel.clock import SystemClock
from kernel.db import Base
from kernel.ids import SystemIds
from kernel.settings import load_settings

pytestmark = pytest.mark.integration


@pytest.fixture
def broker(services: Services) -> Iterator[RunningBroker]:
    """Run a broker that devices elsewhere reach by TLS."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    Base.metadata.create_all(services.database.engine)
    started = start_broker(services, 0, FromElsewhere(port=0, names=("localhost",)))
    yield started
    started.stop()


@pytest.fixture
def server_url(server: ServerThread) -> str:
    """Give the address of a running API."""
    return server.url


@pytest.fixture
def invite(services: Services) -> Callable[..., str]:
    """Make a one-time code."""

    def make(device: str = "kiosk-9", *, again: bool = False) -> str:
        with services.database.begin() as session:
            return device_registry(services).invite(session, Address("hanshou", device), "user:t", again=again).code

    return make


def test_a_device_fetches_its_credentials_once(
    services: Services, server_url: str, broker: RunningBroker, invite: Callable[..., str], tmp_path: Path
) -> None:
    """The agent trades the code for a configuration that works; a second use is refused with an alarm."""
    code, folder = invite(), tmp_path / "kiosk"
    config = fetch_credentials(server_url, code, folder / "agent.toml")
    assert config == read_config(folder / "agent.toml")
    assert (config.address, config.broker) == (Address("hanshou", "kiosk-9"), broker.public)
    assert config.tls is not None
    for path in (config.tls.ca, config.tls.certificate, config.tls.key, folder / "agent.toml"):
        assert path is not None
        assert path.stat().st_mode & 0o077 == 0
    for refused in (code, "AAAA-BBBB-CCCC-DDDD"):
        with pytest.raises(EnrolmentError, match="403"):
            fetch_credentials(server_url, refused, folder / "agent.toml")
    with services.database.read() as session:
        assert [(one.kind, one.device_id) for one in open_alarms(session)] == [(CODE_REUSED, "kiosk-9")]


def test_an_enrolled_device_works_until_it_is_revoked(prepared_file: Path, tmp_path: Path) -> None:
    """From the code to the first event over TLS, and out again: what the pages promise, with every real part."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    settings = load_settings(home=tmp_path / "home")
    settings.home.mkdir()
    shutil.copyfile(prepared_file, settings.home / "cunda.db")
    stop = threading.Event()
    with ExitStack() as ends:
        wired = build_services(settings, clock=SystemClock(), ids=SystemIds())  # certificates are for today
        ends.callback(wired.database.close)
        Base.metadata.create_all(wired.database.engine)
        broker = start_broker(wired, 0, FromElsewhere(port=0, names=("localhost",)))
        ends.callback(broker.stop)
        ends.enter_context(running_bridge(wired, broker))
        url = ends.enter_context(ServerThread(create_app(wired))).url
        with wired.database.begin() as session:
            code = device_registry(wired).invite(session, Address("hanshou", "kiosk-9"), "user:t").code
        kiosk = Agent(fetch_credentials(url, code, tmp_path / "kiosk" / "agent.toml"), SystemClock(), SystemIds())
        ends.callback(kiosk.close)
        thread = threading.Thread(target=serve, args=([kiosk], stop))
        thread.start()
        ends.callback(thread.join)
        ends.callback(stop.set)
        assert until(lambda: kiosk.born)
        kiosk.record(Fact("parcel", "test.happened", {"n": 1}))
        assert until(lambda: kiosk.store.count() == 0)
        revoke_device(wired, "kiosk-9")
        assert until(lambda: not kiosk.link.connected)


def until(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until something holds."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s and not holds():
        time.sleep(0.02)
    return holds()


def test_new_credentials_keep_the_cabinet(
    server_url: str, broker: RunningBroker, invite: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetching again, at the agent's command line, changes keys and keeps what commissioning found out."""
    config = tmp_path / "agent.toml"
    fetch_credentials(server_url, invite(), config)
    before = tomllib.loads(config.read_text())
    with config.open("a") as file:
        file.write('\n[cabinet]\nport = "/dev/ttyUSB0"\nprotocol = "8a"\n\n[[cabinet.board]]\naddress = 1\n')
    monkeypatch.setattr("sys.stdin", io.StringIO(invite(again=True) + "\n"))
    assert agent.run(["enrol", str(config), "--server", server_url]) == 0
    after = tomllib.loads(config.read_text())
    assert after["cabinet"] == {"port": "/dev/ttyUSB0", "protocol": "8a", "board": [{"address": 1}]}
    assert after["key"]["kid"] == "kiosk-9.2"
    assert after["broker"]["password"] != before["broker"]["password"]


def test_credentials_are_not_fetched_in_the_clear(tmp_path: Path) -> None:
    """Beyond this machine only https:// is asked, and nothing is written when the server is away."""
    for server in ("http://server.example", "ftp://127.0.0.1", "http://127.0.0.1:9"):
        with pytest.raises(EnrolmentError):
            fetch_credentials(server, "AAAA", tmp_path / "agent.toml")
    assert list(tmp_path.glob("agent*")) == []


def test_the_command_line_invites_lists_and_revokes(
    services: Services,
    broker: RunningBroker,
    server_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Somebody at the server invites a device, sees it, gives it new credentials and ends it."""
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))

    def cunda(*arguments: str) -> Any:
        assert main(["device", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    code = cunda("enrol", "kiosk-9", "--region", "hanshou")["code"]
    assert [(row["device"], row["status"]) for row in cunda("list")] == [("kiosk-9", "invited")]
    fetch_credentials(server_url, code, tmp_path / "agent.toml")
    (row,) = cunda("list")
    assert (row["status"], row["invited_until"], row["locked"]) == ("active", None, False)
    assert row["certificate_until"] is not None
    assert cunda("rotate", "kiosk-9")["code"] != code
    assert cunda("revoke", "kiosk-9") == {"device": "kiosk-9", "status": "revoked", "broker_told": True}
    assert cunda("list")[0]["status"] == "revoked"
    assert cunda("settle", "kiosk-9", "--by", "ops")["alarms_closed"] == 0
    assert set(cunda("authority", "--name", "broker.example")) == {"ca", "crl", "certificate", "key"}


def test_a_broker_without_tls_stays_at_home(services: Services) -> None:
    """Nothing listens for other machines without a name to certify; nobody is enrolled where no broker runs."""
    with pytest.raises(BrokerExposedError):
        start_broker(services, 0, FromElsewhere(host="0.0.0.0"))
    assert find_broker(services.settings) is None
