"""A simulated WLED controller: its JSON interface over HTTP and MQTT, with the limits the real one has."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_BUFFER_BYTES: Final = 10_240
_MAX_COLOURS: Final = 256
_DARK: Final = "000000"


class WledFault(StrEnum):
    """What can go wrong with a request."""

    SILENT = "silent"
    REFUSE = "refuse"
    GARBAGE = "garbage"
    LATE = "late"
    REBOOT = "reboot"


@dataclass
class SimWled:
    """Lamps and what a controller does to them."""

    lamps: int = 60
    on: bool = False
    colours: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    script: list[WledFault | None] = field(default_factory=list)
    late_s: float = 0.5

    def __post_init__(self) -> None:
        self.reboot()

    def reboot(self) -> None:
        """Come back dark."""
        self.on, self.colours = False, [_DARK] * self.lamps

    def shining(self) -> dict[int, str]:
        """Return the colour of every lamp that shines."""
        return {place: colour for place, colour in enumerate(self.colours) if self.on and colour != _DARK}

    def next_fault(self) -> WledFault | None:
        """Take the fault of the next request."""
        return self.script.pop(0) if self.script else None

    def take(self, body: bytes) -> bool:
        """Do what a request says; False when the controller cannot."""
        if len(body) > _BUFFER_BYTES:
            return False
        try:
            state = json.loads(body)
        except (ValueError, RecursionError):
            return False
        if not isinstance(state, dict):
            return False
        self.requests.append(state)
        switched_on = state.get("on") is True and not self.on
        self.on = bool(state.get("on", self.on))
        if switched_on:  # lamps set in the same request are forgotten, as by the real one
            return True
        return all(self._set(segment.get("i", [])) for segment in state.get("seg", []))

    def _set(self, lamps: Sequence[int | str]) -> bool:
        if sum(isinstance(part, str) for part in lamps) > _MAX_COLOURS:
            return False
        span: list[int] = []
        for part in lamps:
            if isinstance(part, int):
                span.append(part)
                continue
            first, end = (span[0], span[1]) if len(span) == 2 else (span[0], span[0] + 1)
            for place in range(first, min(end, self.lamps)):
                self.colours[place] = part
            span = []
        return True


class WledServer:
    """Serves a simulated controller by HTTP on loopback; use as a context manager."""

    def __init__(self, wled: SimWled, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_for(wled))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sim-wled", daemon=True)

    def __enter__(self) -> WledServer:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def listen_by_mqtt(wled: SimWled, host: str, port: int, topic: str) -> Any:
    """Let a controller obey ``TOPIC/api`` of a broker and return the client, which has ``disconnect``."""
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, client_id=f"sim-wled-{port}")

    def connected(*_: Any) -> None:
        client.subscribe(f"{topic}/api", 0)

    def heard(_client: Any, _data: Any, message: MQTTMessage) -> None:
        if wled.next_fault() is None and message.payload[:1] == b"{":
            wled.take(bytes(message.payload))

    client.on_connect = connected
    client.on_message = heard
    client.connect(host, port)
    client.loop_start()
    return client


def obey_wled(said: Sequence[str], wled: SimWled) -> str | None:
    """Act on a line typed by a person; None when it is not understood."""
    match said:
        case ["fault", kind] if kind in set(WledFault):
            wled.script.append(WledFault(kind))
        case ["reboot"]:
            wled.reboot()
        case ["show"]:
            pass
        case _:
            return None
    shining = wled.shining()
    return " ".join(f"{place}:{colour}" for place, colour in shining.items()) or "dark"


def _handler_for(wled: SimWled) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = wled.next_fault()
            if fault is WledFault.SILENT:
                self.close_connection = True
                return
            if fault is WledFault.REBOOT:
                wled.reboot()
            if fault is WledFault.LATE:
                time.sleep(wled.late_s)
            if self.path not in ("/json", "/json/state") or fault is WledFault.REFUSE:
                self.send_error(503)
                return
            took = wled.take(body)
            self._say(b"\xff{]" if fault is WledFault.GARBAGE else b'{"success":true}' if took else b'{"error":9}')

        def _say(self, answer: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            return

    return Handler
