"""Lights over a real broker of the station's own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_bridge.broker.mosquitto import find_mosquitto
from firmware_bridge.lights.local_broker import LocalBroker
from firmware_bridge.lights.shelf import ShelfLights
from firmware_bridge.lights.strip import StripLayout
from firmware_bridge.lights.wled import MqttWled, WledStrip
from firmware_bridge.simulator.wled import SimWled, listen_by_mqtt
from lockers.lights import LightOrder

LAYOUT = StripLayout(20, {"a-1": (0, 8)})
ORDER = LightOrder(("a-1",), "D55E00", "steady", 3600, "v1")


def wait_for(what: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait until something is so."""
    until_s = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until_s
        meanwhile()
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Tell whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Run a broker on loopback as a station has one, open to its own devices."""
    program = find_mosquitto()
    if program is None:
        pytest.skip("mosquitto is not on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = tmp_path / "station.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    with subprocess.Popen([str(program), "-c", str(config)], stderr=subprocess.DEVNULL) as running:
        wait_for(lambda: answers(port))
        yield port
        running.terminate()


@pytest.mark.integration
def test_a_controller_at_the_stations_broker_shines(broker: int) -> None:
    """The controller obeys over a real broker; what it missed while it was away is sent again."""
    publish = LocalBroker("127.0.0.1", broker)
    wait_for(lambda: publish.connected)
    lights = ShelfLights(WledStrip(MqttWled(publish, "wled/shelf"), 20), LAYOUT)
    lights.show([ORDER])  # nobody listens yet
    sim = SimWled(20)
    client = listen_by_mqtt(sim, "127.0.0.1", broker, "wled/shelf")
    wait_for(lambda: set(sim.shining()) == set(range(8)), lights.tick)
    lights.show([])
    wait_for(lambda: not sim.shining(), lights.tick)
    assert not lights.confirmed
    client.disconnect()
    client.loop_stop()
    publish.close()


def test_a_missing_broker_is_a_trouble_of_the_lights() -> None:
    """Without its broker the station says that its lights have trouble, and goes on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        publish, told = LocalBroker("127.0.0.1", int(unused.getsockname()[1])), list[str | None]()
        lights = ShelfLights(WledStrip(MqttWled(publish, "wled/shelf"), 20), LAYOUT, told.append)
        lights.show([ORDER])
        publish.close()
    assert len(told) == 1
    assert "broker" in str(told[0])
