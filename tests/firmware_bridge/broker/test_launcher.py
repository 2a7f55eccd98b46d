"""Real brokers: found, started, limited, given accounts, stopped."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from firmware_bridge.broker import launcher
from firmware_bridge.broker.accounts import SERVER_USER, Account, hash_password
from firmware_bridge.broker.launcher import RunningBroker, answers, foreign, launch, running_in
from firmware_bridge.broker.mosquitto import configuration, find_mosquitto
from firmware_bridge.endpoint import BrokerAddress, Login, Profile
from firmware_bridge.errors import BrokerForeignError, BrokerMissingError, BrokerStartError, BrokerUrlError
from firmware_bridge.link import InMessage, Link, LinkOptions, drive
from kernel.clock import SystemClock

pytestmark = pytest.mark.integration
OWN = "cunda/v1/area/kiosk-1"
OTHER = "cunda/v1/area/kiosk-2"


def accounts(*users: str) -> list[Account]:
    """Make accounts whose password is their name."""
    return [Account(user, hash_password(user)) for user in users]


@pytest.fixture
def client() -> Iterator[Callable[..., Link]]:
    """Connect a client to a broker and wait until it is in."""
    links: list[Link] = []

    def connect(broker: RunningBroker, user: str, *filters: str, password: str | None = None) -> Link:
        options = LinkOptions(profile=broker.profile)
        link = Link(broker.address, Login(user, password or user), filters, SystemClock(), Random(1), options=options)
        links.append(link)
        serve(links, 1.0, lambda: link.connected)
        serve(links, 0.2)
        return link

    yield connect
    for link in links:
        link.close()


def serve(links: list[Link], seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Drive links for a time, or until something holds."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s and not until():
        drive(links, 0.02)


def topics(link: Link) -> set[str]:
    """Name the topics of what a client received."""
    return {message.topic for message in link.inbox}


def test_a_device_gets_nothing_of_another(
    start_broker: Callable[[list[Account]], RunningBroker], client: Callable[..., Link]
) -> None:
    """Measured at delivery: with a valid account one still gets none of another's messages and cannot speak for it."""
    broker = start_broker(accounts(SERVER_USER, "kiosk-1", "kiosk-2"))
    server = client(broker, SERVER_USER, "cunda/v1/#")
    spy = client(broker, "kiosk-1", "#", "cunda/v1/#", f"{OTHER}/#", f"{OTHER}/cmd/open", "$SYS/#", f"{OWN}/cmd/#")
    victim = client(broker, "kiosk-2", f"{OTHER}/cmd/#", f"{OTHER}/ack/#")
    links = [server, spy, victim]
    for topic in (f"{OTHER}/cmd/open", f"{OTHER}/ack", f"{OWN}/cmd/open"):
        server.publish(topic, b"{}")
    for topic in (f"{OTHER}/evt/parcel", f"{OTHER}/state", f"{OWN}/cmd/open2", f"{OTHER}/ack", f"{OWN}/evt/parcel"):
        spy.publish(topic, b"spoofed")
    serve(links, 1.0)
    assert topics(spy) == {f"{OWN}/cmd/open"}
    assert topics(victim) == {f"{OTHER}/cmd/open", f"{OTHER}/ack"}
    assert {message.topic for message in server.inbox if message.payload == b"spoofed"} == {f"{OWN}/evt/parcel"}


def test_strangers_and_wrong_passwords_stay_outside(
    start_broker: Callable[[list[Account]], RunningBroker], client: Callable[..., Link]
) -> None:
    """Without an account, or with the wrong password, there is no connection."""
    broker = start_broker(accounts("kiosk-1"))
    assert client(broker, "kiosk-1").connected
    assert not client(broker, "kiosk-1", password="guess").connected
    assert not client(broker, "kiosk-9").connected


def test_a_device_added_later_gets_in(
    start_broker: Callable[[list[Account]], RunningBroker], client: Callable[..., Link]
) -> None:
    """An account added to the running broker works without a restart, and nobody is thrown out for it."""
    known = accounts("kiosk-1")
    broker = start_broker(known)
    first = client(broker, "kiosk-1")
    broker.set_accounts(known + accounts("kiosk-2"))
    time.sleep(0.3)
    assert client(broker, "kiosk-2").connected
    serve([first], 0.3)
    assert first.connected
    assert first.connection == 1


def test_an_account_that_is_gone_is_put_out(
    start_broker: Callable[[list[Account]], RunningBroker], client: Callable[..., Link]
) -> None:
    """When an account ends its connection ends too, it does not come back, and the others stay."""
    kept = accounts("kiosk-2")
    broker = start_broker(accounts("kiosk-1") + kept)
    gone, stays = client(broker, "kiosk-1"), client(broker, "kiosk-2")
    before = stays.connection
    broker.set_accounts(kept)
    serve([gone, stays], 60.0, lambda: not gone.connected)
    assert not gone.connected
    serve([gone, stays], 3.0, lambda: gone.connected)
    assert not gone.connected
    assert (stays.connected, stays.connection) == (True, before)


def test_a_huge_message_is_refused(
    start_broker: Callable[[list[Account]], RunningBroker], client: Callable[..., Link]
) -> None:
    """A message of 200 KB ends its connection and reaches nobody."""
    broker = start_broker(accounts(SERVER_USER, "kiosk-1"))
    server, device = client(broker, SERVER_USER, "cunda/v1/#"), client(broker, "kiosk-1")
    device.publish(f"{OWN}/evt/parcel", b"x" * 200_000)
    serve([server, device], 1.0, lambda: not device.connected)
    assert not device.connected
    assert not server.inbox


def test_only_the_owner_can_read_the_brokers_files(
    start_broker: Callable[[list[Account]], RunningBroker],
) -> None:
    """Password file and access list are readable by their owner only, and the broker still reads them."""
    broker = start_broker(accounts("kiosk-1"))
    assert broker.folder is not None
    for name in ("passwords", "acl", "broker.json"):
        assert stat.S_IMODE((broker.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(broker.folder.stat().st_mode) == 0o700


def test_another_program_finds_the_running_broker(
    start_broker: Callable[[list[Account]], RunningBroker], client: Callable[..., Link]
) -> None:
    """A second program finds the broker by its folder and can add accounts; after the end it finds none."""
    broker = start_broker(accounts("kiosk-1"))
    assert broker.folder is not None
    found = running_in(broker.folder)
    assert found is not None
    assert (found.kind, found.address) == (broker.kind, broker.address)
    found.set_accounts(accounts("kiosk-1", "kiosk-2"))
    time.sleep(0.3)
    assert client(broker, "kiosk-2").connected
    broker.stop()
    assert running_in(broker.folder) is None
    assert not answers(broker.address)


def test_a_broker_left_behind_is_ended(tmp_path: Path) -> None:
    """A broker whose program was killed is ended before its folder is used again."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    first = launch(tmp_path, accounts("kiosk-1"))
    second = launch(tmp_path, accounts("kiosk-1"))
    try:
        assert not answers(first.address)
        assert second.alive()
    finally:
        second.stop()
        first.stop()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """Starting on a port where something listens fails at once and names the port."""
    first = launch(tmp_path / "a", accounts("kiosk-1"), kind="amqtt")
    try:
        with pytest.raises(BrokerStartError, match=str(first.address.port)):
            launch(tmp_path / "b", accounts("kiosk-1"), port=first.address.port)
    finally:
        first.stop()


def test_debians_sbin_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mosquitto is found although a normal user's PATH lacks the folder Debian puts it in."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    monkeypatch.setenv("PATH", "/nonexistent")
    found = find_mosquitto()
    assert found is None or os.access(found, os.X_OK)


def test_a_missing_mosquitto_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for mosquitto where there is none says so and how to get it."""
    monkeypatch.setattr(launcher, "find_mosquitto", lambda: None)
    with pytest.raises(BrokerMissingError, match="mosquitto") as caught:
        launch(tmp_path, [], kind="mosquitto")
    assert "Install" in caught.value.remedy


def test_the_configuration_avoids_known_traps(tmp_path: Path) -> None:
    """Loopback only, nobody anonymous, queues long but never 0, packets limited, own user kept under root."""
    text = configuration(tmp_path, 1883, as_root=True)
    for line in (
        "listener 1883 127.0.0.1", "allow_anonymous false", "max_queued_messages 100000", "max_packet_size 65536",
        "use_username_as_clientid true", "user root",
    ):  # fmt: skip
        assert line in text.splitlines()
    assert "user root" not in configuration(tmp_path, 1883)


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://h:99999", "mqtt://h:x", "x"])
def test_an_unusable_address_is_refused(url: str) -> None:
    """A broker's address needs a scheme we speak, a host and a port that exists."""
    with pytest.raises(BrokerUrlError):
        BrokerAddress.parse(url)


def test_a_foreign_broker_keeps_its_accounts() -> None:
    """Accounts of a broker that somebody else runs are not ours to change; its address is understood."""
    broker = foreign("mqtts://broker.example")
    assert (broker.address, broker.profile) == (BrokerAddress("broker.example", 8883, tls=True), Profile.AUTO)
    assert broker.address.url == "mqtts://broker.example:8883"
    with pytest.raises(BrokerForeignError):
        broker.set_accounts([])
    broker.stop()


def test_dev_085_broker_drop_is_failure(tmp_path: Path) -> None:
    """Messages the broker drops for a slow reader show in its log, and are found there."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    broker = launch(tmp_path, accounts(SERVER_USER, "kiosk-1"), max_queued=5, kind="mosquitto")
    try:
        options = LinkOptions(manual_ack=True)  # acknowledges nothing: the broker may have 256 on their way
        slow = Link(broker.address, Login(SERVER_USER, SERVER_USER), ("cunda/v1/#",), SystemClock(), Random(1),
                    options=options)  # fmt: skip
        fast = Link(broker.address, Login("kiosk-1", "kiosk-1"), (), SystemClock(), Random(2),
                    options=LinkOptions(inflight=1000, queued=1000))  # fmt: skip
        serve([slow, fast], 2.0, lambda: slow.connected and fast.connected)
        serve([slow, fast], 0.3)
        for _ in range(600):
            fast.publish(f"{OWN}/evt/parcel", b"{}")
            drive([slow, fast], 0.0)
        serve([slow, fast], 1.0)
        assert broker.dropped_lines()
        assert isinstance(slow.inbox[0], InMessage)
        slow.close()
        fast.close()
    finally:
        broker.stop()
