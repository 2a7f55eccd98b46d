"""A dispatcher's or courier's program, as anybody could write it: plain HTTP against the native API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from api.errors import DemoStepError
from kernel.progress import Progress


@dataclass(frozen=True)
class StreamEvent:
    """One server-sent event."""

    id: str
    kind: str
    data: Any


class DemoClient:
    """One person's HTTP client.

    Parameters
    ----------
    base_url
        Address of the server, without a path.
    """

    def __init__(self, base_url: str) -> None:
        # No connection is kept: the server closes idle ones after five seconds, perhaps while this one asks again.
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(base_url=f"{base_url}/api/v1", timeout=60, trust_env=False, limits=fresh)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def log_in(self, username: str, password: str) -> dict[str, Any]:
        """Log in and use the token from here on."""
        session = self.post("/session:login", {"username": username, "password": password})
        self._http.headers["Authorization"] = f"Bearer {session['access_token']}"
        return dict(session["me"])

    def get(self, path: str, **params: Any) -> Any:
        """Fetch a JSON document."""
        return self.answer("GET", path, params=params).json()

    def answer(
        self, method: str, path: str, expect: tuple[int, ...] = (200, 201, 202, 204), **more: Any
    ) -> httpx.Response:
        """Make a request and insist on its status.

        Raises
        ------
        DemoStepError
            If the server answers with another status; the message has its problem.
        """
        response = self._http.request(method, path, **more)
        if response.status_code not in expect:
            raise DemoStepError(f"{method} {path} answered {response.status_code}: {response.text[:400]}")
        return response

    def post(self, path: str, body: Any, key: str | None = None, **headers: str) -> Any:
        """Send a JSON document and fetch the answer."""
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.answer("POST", path, json=body, headers=headers).json()

    def stream(self, path: str, last_event_id: str | None = None) -> Iterator[StreamEvent]:
        """Listen to server-sent events until the server ends them or the caller stops."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id is not None else {}
        with self._http.stream("GET", path, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise DemoStepError(f"GET {path} answered {response.status_code}")
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if "data" in fields:
                    yield StreamEvent(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
                fields = {}

    def follow_operation(self, operation: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Follow long work by its stream to its end and return its result.

        Raises
        ------
        DemoStepError
            If it does not succeed.
        """
        for event in self.stream(f"/operations/{operation['id']}/events"):
            if event.kind == "progress" and "stage" in event.data:
                progress(event.data["stage"], event.data["done"], event.data.get("total"), event.data.get("note", ""))
        ended = self.get(f"/operations/{operation['id']}")
        if ended["state"] != "succeeded":
            raise DemoStepError(f"operation {ended['kind']} {ended['state']}: {ended['problem']}")
        return dict(ended["result"])
