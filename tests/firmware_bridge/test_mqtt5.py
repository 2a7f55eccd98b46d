"""What MQTT 5 adds where the broker has it; nothing depends on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from firmware_bridge.broker.accounts import SERVER_USER, Account, hash_password
from firmware_bridge.broker.launcher import RunningBroker, launch
from firmware_bridge.broker.mosquitto import find_mosquitto
from firmware_bridge.endpoint import Extras, Login, Profile, Will
from firmware_bridge.link import Link, LinkOptions, drive
from kernel.clock import SystemClock

pytestmark = pytest.mark.integration
COMMANDS = "cunda/v1/area/kiosk-1/cmd/open"
STATE = "cunda/v1/area/kiosk-1/state"
EXTRAS = Extras(30, "cunda/v1/area/kiosk-1/rsp", b"id-1", (("schema", "open/1"), ("trace", "id-1")))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """Run mosquitto with accounts of the server and a kiosk, whose passwords are their names."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    accounts = [Account(user, hash_password(user)) for user in (SERVER_USER, "kiosk-1")]
    started = launch(tmp_path / "broker", accounts, kind="mosquitto", persistence=False)
    yield started
    started.stop()


@pytest.fixture
def link_of(broker: RunningBroker) -> Iterator[Callable[..., Link]]:
    """Connect as somebody and wait until it is in."""
    links: list[Link] = []

    def make(user: str, *filters: str, profile: Profile = Profile.V5, will: bool = False, session_s: int = 0) -> Link:
        options = LinkOptions(profile=profile, session_s=session_s)
        dying = (lambda _connection: Will(STATE, b"gone")) if will else None
        login = Login(user, user)
        link = Link(broker.address, login, filters, SystemClock(), Random(1), will=dying, options=options)
        links.append(link)
        assert until([link], lambda: link.connected)
        return link

    yield make
    for link in links:
        link.close()


def until(links: list[Link], holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Drive links until something holds."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s and not holds():
        drive(links, 0.02)
    return holds()


def heard_by_a_tool(broker: RunningBroker, send: Callable[[], None], drive_it: Callable[[], None]) -> mqtt.MQTTMessage:
    """Let a plain MQTT 5 client, as a tool on the broker would be, hear one message."""
    heard: list[mqtt.MQTTMessage] = []
    ready: list[bool] = []
    tool = mqtt.Client(CallbackAPIVersion.VERSION2, "kiosk-1", protocol=MQTTProtocolVersion.MQTTv5)
    tool.username_pw_set("kiosk-1", "kiosk-1")
    tool.on_message = lambda _c, _u, message: heard.append(message)
    tool.on_subscribe = lambda *_: ready.append(True)
    tool.connect(broker.address.host, broker.address.port)
    ends_s, asked, sent = time.monotonic() + 60, False, False
    while time.monotonic() < ends_s and not heard:
        tool.loop(0.02)
        drive_it()
        if tool.is_connected() and not asked:
            tool.subscribe(COMMANDS, 1)
            asked = True
        if ready and not sent:
            send()
            sent = True
    tool.disconnect()
    return heard[0]


@pytest.mark.parametrize("profile", [Profile.V5, Profile.V311])
def test_a_command_says_beside_its_payload_what_brokers_understand(
    broker: RunningBroker, link_of: Callable[..., Link], profile: Profile
) -> None:
    """With MQTT 5 expiry, answer's topic, correlation, schema and trace are there; with 3.1.1 the payload is alone."""
    server = link_of(SERVER_USER, profile=profile)
    message = heard_by_a_tool(
        broker, lambda: assert_sent(server.publish(COMMANDS, b"{}", extras=EXTRAS)), lambda: drive([server], 0.0)
    )
    assert message.payload == b"{}"
    found = message.properties
    if profile is Profile.V311:
        assert not hasattr(found, "UserProperty")
        assert not hasattr(found, "MessageExpiryInterval")
        return
    assert found.MessageExpiryInterval <= 30
    assert (found.ResponseTopic, found.CorrelationData) == (EXTRAS.response_topic, EXTRAS.correlation)
    assert tuple(found.UserProperty) == EXTRAS.user


def assert_sent(sent: bool) -> None:
    """Insist that the connection took a message."""
    assert sent


def test_a_short_break_loses_nothing_and_shows_no_death(link_of: Callable[..., Link]) -> None:
    """What was sent while a connection was broken off is delivered after it; its will is not, for it came back."""
    server = link_of(SERVER_USER, STATE)
    device = link_of("kiosk-1", COMMANDS, will=True, session_s=3600)
    device.drop()
    server.publish(COMMANDS, b"waiting", extras=Extras(expiry_s=60))
    server.publish(COMMANDS, b"stale", extras=Extras(expiry_s=1))
    ends_s = time.monotonic() + 2.5
    until([server], lambda: time.monotonic() > ends_s)
    assert until([server, device], lambda: device.connected and len(device.inbox) > 0)
    until([server, device], lambda: len(device.inbox) > 1, 0.5)
    assert [message.payload for message in device.inbox] == [b"waiting"]
    assert [message.payload for message in server.inbox] == []


def test_who_leaves_in_order_leaves_nothing_behind(link_of: Callable[..., Link]) -> None:
    """After an orderly end the broker keeps nothing for the device."""
    server = link_of(SERVER_USER)
    link_of("kiosk-1", COMMANDS, session_s=3600).close()
    until([server], lambda: False, 0.3)
    server.publish(COMMANDS, b"too late")
    until([server], lambda: False, 0.3)
    back = link_of("kiosk-1", COMMANDS, session_s=3600)
    until([back, server], lambda: len(back.inbox) > 0, 0.5)
    assert list(back.inbox) == []
