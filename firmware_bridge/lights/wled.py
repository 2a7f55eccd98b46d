"""Strips behind a WLED controller, over HTTP (which confirms) or MQTT (which does not).

Facts of WLED that shape this: switching on and setting single lamps do not work in one request, so there are two; a
request takes at most 256 colours and must fit a buffer of 10 KB on the smaller chip; setting lamps freezes effects; it
subscribes with QoS 0 and answers nothing over MQTT; it speaks no TLS, so it belongs behind the station's own bridge.
Source: WLED's documentation of its JSON interface, kno.wled.ge, read 2026.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from firmware_bridge.lights.strip import DARK, Segment
from firmware_bridge.peripherals.errors import LightsError

MAX_COLOURS: Final = 256
#: The smaller chip's buffer holds the parsed document, which is larger than its text.
MAX_BYTES: Final = 4096
_BRIGHT: Final = 255
_TIMEOUT_S: Final = 2.0


class WledSend(Protocol):
    """Takes one request to the controller and tells whether it confirmed."""

    def __call__(self, state: dict[str, Any]) -> bool:
        """Send a state."""
        ...


class WledStrip:
    """A strip of a WLED controller.

    Parameters
    ----------
    lamps
        How many lamps the strip has; all that are not asked for are made dark.
    segment
        WLED's own segment that covers the strip.
    """

    def __init__(self, send: WledSend, lamps: int, *, brightness: int = _BRIGHT, segment: int = 0) -> None:
        self._send = send
        self._lamps = lamps
        self._brightness = brightness
        self._segment = segment

    def show(self, segments: Sequence[Segment]) -> bool:
        """Show these segments and nothing else; True when every request was confirmed."""
        confirmed = self._send({"on": True, "bri": self._brightness, "tt": 0})
        for lamps in _requests([Segment(0, self._lamps, DARK), *segments]):
            confirmed = self._send({"seg": [{"id": self._segment, "i": lamps}], "tt": 0}) and confirmed
        return confirmed

    def off(self) -> bool:
        """Make the strip dark."""
        return self._send({"on": False, "tt": 0})


class HttpWled:
    """Sends to a controller by HTTP, which answers.

    Raises
    ------
    LightsError
        When called and nothing, or something else, answers.
    """

    def __init__(self, host: str, port: int = 80, timeout_s: float = _TIMEOUT_S) -> None:
        self._host = host
        self._port = port
        self._timeout_s = timeout_s

    def __call__(self, state: dict[str, Any]) -> bool:
        """Send a state and return whether the controller took it."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request("POST", "/json/state", json.dumps(state), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read(MAX_BYTES)
        except (OSError, http.client.HTTPException) as problem:
            raise LightsError(f"WLED at {self._host}: {problem}", host=self._host) from problem
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise LightsError(f"WLED at {self._host} answers {answer.status}", host=self._host)
        return took(said)


class MqttWled:
    """Sends to a controller by MQTT, which does not answer.

    Parameters
    ----------
    publish
        Publishes bytes under a topic; an ``OSError`` of it is a broker that cannot be reached.
    topic
        The controller's own, or its group's.
    """

    def __init__(self, publish: Callable[[str, bytes], None], topic: str) -> None:
        self._publish = publish
        self._topic = f"{topic}/api"

    def __call__(self, state: dict[str, Any]) -> bool:
        """Send a state; what came of it is not known."""
        try:
            self._publish(self._topic, json.dumps(state).encode("utf-8"))
        except OSError as problem:
            raise LightsError(f"WLED's broker: {problem}", topic=self._topic) from problem
        return False


def took(said: bytes) -> bool:
    """Read a controller's answer to a request."""
    try:
        answer = json.loads(said)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("success") is True


def _requests(segments: Sequence[Segment]) -> Iterator[list[int | str]]:
    """Put segments into as few lists as WLED takes: start, stop and colour of each."""
    lamps: list[int | str] = []
    colours, size = 0, 0
    for segment in segments:
        part: list[int | str] = [segment.first, segment.end, segment.colour.hex]
        part_size = len(json.dumps(part))
        if lamps and (colours == MAX_COLOURS or size + part_size > MAX_BYTES):
            yield lamps
            lamps, colours, size = [], 0, 0
        lamps += part
        colours += 1
        size += part_size
    yield lamps
