"""The health page: what a technician who stands at the kiosk can read, on loopback only."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, Final, Protocol

from firmware_bridge.device.kiosk_screen import PAGE, POLICY
from firmware_bridge.payload import parse_object
from kernel.errors import CundaError
from kernel.log import get_logger

log = get_logger("firmware_bridge.device")

_WORDS: Final = {
    "disk_full": "磁盘已满，暂停收件 · disk full: no deposits, collection works",
    "server_unheard": "未连上服务器 · the server is not heard; everything is kept and sent later",
    "doors_unknown": "有格口状态未知 · some doors are unknown: look at line and power of the boards",
    "events_put_aside": "有事件被服务器搁置 · the server put events aside: tell the office",
    "on_trial": "新程序试运行中 · a new release is on trial",
    "settings_refused": "新设置被拒绝 · wanted settings were refused",
}


_OURS: Final = ("127.0.0.1", "localhost")
_MOST_BYTES: Final = 16 * 1024
_PATIENCE_S: Final = 10.0


class Screen(Protocol):
    """The sending kiosk as its screen needs it."""

    def view(self) -> dict[str, Any]:
        """Return what is to be shown."""
        ...

    def act(self, step: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take a step and return what is to be shown then."""
        ...


def problems_in(status: dict[str, Any]) -> list[str]:
    """Name what is not well, in words of :data:`_WORDS`."""
    health = status["health"]
    found = {
        "disk_full": health["deposits_refused"],
        "server_unheard": not status["born"],
        "doors_unknown": "unknown" in status["doors"].values(),
        "events_put_aside": health["dead"] > 0,
        "on_trial": status["on_trial"],
        "settings_refused": bool(status["settings_errors"]),
    }
    return [word for word, holds in found.items() if holds]


class _Server(ThreadingHTTPServer):
    """What each request needs."""

    daemon_threads = True

    def __init__(self, device: str, status: Callable[[], dict[str, Any]], port: int, screen: Screen | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.device, self.status, self.screen = device, status, screen


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_S
    server: _Server

    def do_GET(self) -> None:
        """Answer with a page, the health, or the kiosk's state."""
        screen = self.server.screen
        if not self._is_ours():
            return
        if screen is not None and self.path == "/kiosk":
            self._answer_json(200, screen.view())
        elif screen is not None and self.path == "/kiosk/screen":
            self._answer(200, "text/html; charset=utf-8", PAGE, {"Content-Security-Policy": POLICY})
        elif self.path in ("/", "/health"):
            self._answer_health()
        else:
            self._answer(404, "text/plain", "not here")

    def do_POST(self) -> None:
        """Take one of the kiosk's steps."""
        screen = self.server.screen
        if not self._is_ours():
            return
        if screen is None or not self.path.startswith("/kiosk/"):
            self._answer(404, "text/plain", "not here")
            return
        body = self._body()
        if body is None:
            return
        try:
            said = screen.act(self.path.removeprefix("/kiosk/"), parse_object(body or b"{}"))
        except CundaError as problem:
            self._answer_json(problem.status, problem.as_dict())
        else:
            self._answer_json(200, said)

    def _is_ours(self) -> bool:
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if host.partition(":")[0] in _OURS and origin in (None, f"http://{host}"):
            return True
        self._answer(403, "text/plain", "this machine only")
        return False

    def _body(self) -> bytes | None:
        """Read what was sent; None when it was refused. Only JSON: a foreign page's form cannot be that."""
        if self.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            self._answer(415, "text/plain", "send application/json")
            return None
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > _MOST_BYTES:
            self.close_connection = True
            self._answer(413, "text/plain", f"send at most {_MOST_BYTES} bytes and say how many")
            return None
        return self.rfile.read(int(size))

    def _answer_health(self) -> None:
        said = self.server.status()
        problems = problems_in(said)
        if self.path == "/health":
            self._answer_json(503 if problems else 200, said | {"problems": problems})
        else:
            self._answer(200, "text/html; charset=utf-8", _page(self.server.device, said, problems))

    def _answer_json(self, code: int, said: dict[str, Any]) -> None:
        self._answer(code, "application/json", json.dumps(said, ensure_ascii=False))

    def _answer(self, code: int, kind: str, text: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
        body = text.encode("utf-8")
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep requests out of the error stream."""
        log.debug("health_page", line=format % args)


class HealthPage:
    """Serves ``/`` for people and ``/health`` for programs: 200 when all is well, else 503; ``/kiosk`` for a screen.

    Whoever calls it by another name than this machine's own, or from a page of another origin, is refused: a browser
    on the kiosk may show foreign pages.

    Parameters
    ----------
    status
        Called for each request, from another thread.
    port
        0 takes a free one.
    screen
        Serves ``/kiosk``: its state to GET, its steps to POST as ``/kiosk/STEP`` with JSON; none when omitted.

    Raises
    ------
    OSError
        If the port is taken.
    """

    def __init__(
        self, device: str, status: Callable[[], dict[str, Any]], port: int, screen: Screen | None = None
    ) -> None:
        self._server = _Server(device, status, port, screen)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health-page", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _page(device: str, status: dict[str, Any], problems: list[str]) -> str:
    said = "".join(f"<li>{html.escape(_WORDS[word])}</li>" for word in problems)
    verdict = f"<ul>{said}</ul>" if problems else "<p>一切正常 · all is well</p>"
    facts = {**status["health"], **{f"door {name}": state for name, state in status["doors"].items()}}
    rows = "".join(f"<tr><th>{html.escape(str(k))}</th><td>{html.escape(str(v))}</td></tr>" for k, v in facts.items())
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta http-equiv="refresh" content="10">'
        f"<title>{html.escape(device)}</title><style>body{{font:16px sans-serif;margin:2em}}"
        "th{text-align:left;padding-right:2em;font-weight:normal;color:#555}</style>"
        f"<h1>{html.escape(device)}</h1>{verdict}<table>{rows}</table></html>"
    )
