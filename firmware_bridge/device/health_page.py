"""The health page: what a technician who stands at the kiosk can read, on loopback only."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

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


class HealthPage:
    """Serves ``/`` for people and ``/health`` for programs: 200 when all is well, else 503.

    Parameters
    ----------
    status
        Called for each request, from another thread.
    port
        0 takes a free one.

    Raises
    ------
    OSError
        If the port is taken.
    """

    def __init__(self, device: str, status: Callable[[], dict[str, Any]], port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = status()
                problems = problems_in(said)
                if self.path == "/health":
                    self._answer(
                        503 if problems else 200, "application/json", json.dumps(said | {"problems": problems})
                    )
                elif self.path == "/":
                    self._answer(200, "text/html; charset=utf-8", _page(device, said, problems))
                else:
                    self._answer(404, "text/plain", "not here")

            def _answer(self, code: int, kind: str, text: str) -> None:
                body = text.encode("utf-8")
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                log.debug("health_page", line=format % args)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
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
