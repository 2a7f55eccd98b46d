"""Somebody at a screen or a handheld: plain HTTP against the real API, with a login that is kept alive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx

from api.demo.client import DemoClient
from kernel.clock import Clock

_EARLY = timedelta(seconds=60)  # a token is renewed this long before its end
_PATIENCE_S = 900  # the server's heartbeats go by the simulated clock, which stands still during a request
_EXPECTED = (200, 201, 202, 204)


class Person(DemoClient):
    """One person's client; it logs in when first used and renews its token by the simulated clock.

    Parameters
    ----------
    clock
        The simulated clock, the same as the server's.
    """

    def __init__(self, base_url: str, clock: Clock, username: str, password: str) -> None:
        super().__init__(base_url)
        self._http.timeout = httpx.Timeout(_PATIENCE_S)
        self._clock = clock
        self._username, self._password = username, password
        self._refresh_token = ""
        self._renew_at: datetime | None = None
        self._asked = 0

    def answer(self, method: str, path: str, expect: tuple[int, ...] = _EXPECTED, **more: Any) -> httpx.Response:
        """Make a request as this person and insist on its status.

        Raises
        ------
        DemoStepError
            If the server answers with another status.
        """
        if self._renew_at is None:
            self._open("/session:login", {"username": self._username, "password": self._password})
        elif self._clock.now() >= self._renew_at:
            self._open("/session:refresh", {"refresh_token": self._refresh_token})
        return super().answer(method, path, expect, **more)

    def act(
        self, path: str, body: Any, *, if_match: str | None = None, expect: tuple[int, ...] = _EXPECTED
    ) -> httpx.Response:
        """Post something that is done once, however often it is sent."""
        self._asked += 1
        headers = {"Idempotency-Key": f"{self._username}-{self._asked}"}
        if if_match is not None:
            headers["If-Match"] = if_match
        return self.answer("POST", path, expect, json=body, headers=headers)

    def pages(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Read a whole list, page by page."""
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self.get(path, limit=500, **params, **more)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            more = {"cursor": page["next_cursor"]}

    def _open(self, path: str, body: dict[str, str]) -> None:
        session = super().answer("POST", path, json=body).json()
        self._http.headers["Authorization"] = f"Bearer {session['access_token']}"
        self._refresh_token = session["refresh_token"]
        self._renew_at = self._clock.now() + timedelta(seconds=session["access_expires_in_s"]) - _EARLY
