"""Runs the application with uvicorn: in the foreground for `cunda serve`, in a thread for demo and tests."""

from __future__ import annotations

import socket
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.errors import PortTakenError
from kernel.errors import UnavailableError

_SHUTDOWN_S = 5
_START_S = 30.0


class ServerStartError(UnavailableError):
    """The HTTP server did not start."""

    code = "server_start"
    remedy = "The log above has the reason."


class _Server(uvicorn.Server):
    """uvicorn's server, which also ends open streams when it is told to stop."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.streams.closing = True  # type: ignore[union-attr]
        super().handle_exit(sig, frame)


def bound_socket(host: str, port: int) -> socket.socket:
    """Take a port, or any free one for 0, before anything slow starts.

    Raises
    ------
    PortTakenError
        If another program listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's waiting off only for sockets that say they are TCP; answers in two pieces waited 40 ms.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen()  # who comes before the application is ready waits instead of being refused
    except OSError as problem:
        taken.close()
        raise PortTakenError(f"cannot listen on {host} port {port}: {problem.strerror}", port=port) from problem
    return taken


def _server(app: FastAPI) -> _Server:
    config = uvicorn.Config(
        app,
        log_config=None,  # our own access log; uvicorn's would write query strings (API-18)
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        lifespan="on",
    )
    return _Server(config)


def serve_forever(app: FastAPI, at: socket.socket) -> None:
    """Serve until a signal tells to stop."""
    _server(app).run(sockets=[at])


class ServerThread:
    """A server in a thread of this process.

    Parameters
    ----------
    app
        What it serves.
    host, port
        Where; port 0 takes a free one.
    """

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app = app
        self._socket = bound_socket(host, port)
        self._server = _server(app)
        self._thread = threading.Thread(target=self._run, name="cunda-http", daemon=True)
        self.host = host
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Return the address without a path."""
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> ServerThread:
        """Start and wait until it serves."""
        self._thread.start()
        pause = threading.Event()
        for _ in range(int(_START_S / 0.02)):
            if self._server.started or not self._thread.is_alive():
                break
            pause.wait(0.02)
        if not self._server.started:
            raise ServerStartError(f"the HTTP server on {self.url} did not start")
        return self

    def __exit__(self, *_failure: object) -> None:
        """Stop and wait for its end."""
        self._app.state.streams.closing = True
        self._server.should_exit = True
        self._thread.join(timeout=4 * _SHUTDOWN_S)
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
