"""What wraps every request: its id, its log line, its size limit, and the headers a browser must see."""

from __future__ import annotations

import re
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BodyTooLargeError, MalformedHeaderError
from api.problems import problem_response, unexpected_problem
from kernel.clock import Clock
from kernel.errors import CundaError
from kernel.ids import Ids
from kernel.log import get_logger

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
REQUEST_ID_HEADER = "X-Request-Id"

#: Sent with every answer. The map's worker scripts are made from blobs by MapLibre; WEB-02 forbids
#: requests to other origins, and the browser enforces it here.
SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'; object-src 'none'"
    ),
}


class RequestFrame:
    """Give each request an id, write one log line for it and add the security headers.

    Parameters
    ----------
    app
        What is wrapped.
    clock, ids
        Source of durations and of request ids.

    Notes
    -----
    The log line holds the path without its query: a query string may carry keys or addresses (API-18).
    """

    def __init__(self, app: ASGIApp, clock: Clock, ids: Ids) -> None:
        self.app = app
        self.clock = clock
        self.ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        name = given if _REQUEST_ID.match(given) else self.ids.new()
        scope.setdefault("state", {})["request_id"] = name
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=name)
        started_s = self.clock.monotonic_s()
        status = 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _add_headers(MutableHeaders(scope=message), name, scope["path"])
            await send(message)

        try:
            await self.app(scope, receive, send_framed)
        except Exception as error:
            if status:  # half an answer is out: only a broken connection tells the client
                raise
            await unexpected_problem(error, name, scope["path"])(scope, receive, send_framed)
        finally:
            get_logger("api").info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                duration_ms=round((self.clock.monotonic_s() - started_s) * 1000),
                user=scope["state"].get("user_id"),
            )


def _add_headers(headers: MutableHeaders, name: str, path: str) -> None:
    headers[REQUEST_ID_HEADER] = name
    for header, value in SECURITY_HEADERS.items():
        headers.setdefault(header, value)
    if path.startswith("/api/"):
        headers.setdefault("Cache-Control", "private, no-cache")


class BodyLimit:
    """Refuse request bodies above a size, before and while reading them.

    Parameters
    ----------
    app
        What is wrapped.
    max_bytes
        Largest body in general.
    max_bytes_by_path
        Larger limits of single paths, such as uploads.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_bytes_by_path: Mapping[str, int]) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.max_bytes_by_path = max_bytes_by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request whose body stays within the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.max_bytes_by_path.get(scope["path"], self.max_bytes)
        declared = Headers(scope=scope).get("content-length", "0")
        problem = _declared_problem(declared, limit)
        if problem is not None:
            await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)
            return
        await self._serve_counting(scope, receive, send, limit)

    async def _serve_counting(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        seen = 0
        answered = False

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _too_large(limit)
            return message

        async def send_noted(message: Message) -> None:
            nonlocal answered
            answered = answered or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive_counted, send_noted)
        except BodyTooLargeError as problem:
            if answered:
                raise
            await problem_response(problem, scope["state"]["request_id"])(scope, receive, send)


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body is larger than {limit} bytes", max_bytes=limit)


def _declared_problem(declared: str, limit: int) -> CundaError | None:
    if not declared.isdecimal():
        return MalformedHeaderError("header Content-Length is not a number", header="Content-Length")
    return _too_large(limit) if int(declared) > limit else None
