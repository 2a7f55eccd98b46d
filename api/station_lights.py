"""A station's lights: a program beside the shelves that asks the server who is inside and keeps the strips shining.

WLED has no encryption, so it stands behind the station's own computer; only that one speaks to the server.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from api.errors import UsageError
from firmware_bridge.lights.shelf import ShelfLights, show_everywhere
from firmware_bridge.lights.strip import StripLayout
from firmware_bridge.lights.wled import HttpWled, WledStrip
from kernel.log import get_logger
from lockers.lights import LightOrder

#: How often the server is asked; a light is on within this time after the visitor was known.
ASK_S: Final = 1.0
_TICK_S: Final = 0.25

log = get_logger("api")


class LightOrders:
    """Asks the server what the strips of one station shall show.

    Parameters
    ----------
    server
        Address of the server, without a path.
    username, password
        A keeper's login of this station.
    """

    def __init__(self, server: str, site_id: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=f"{server.rstrip('/')}/api/v1", timeout=10, trust_env=False)
        self._site_id = site_id
        self._login = {"username": username, "password": password}

    def __call__(self) -> list[LightOrder] | None:
        """Return the orders in force, None when the server cannot be asked now."""
        try:
            answer = self._http.get(f"/stations/{self._site_id}/visits")
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                token = self._http.post("/session:login", json=self._login).raise_for_status().json()["access_token"]
                self._http.headers["Authorization"] = f"Bearer {token}"
                answer = self._http.get(f"/stations/{self._site_id}/visits")
            lights: list[dict[str, Any]] = answer.raise_for_status().json()["lights"]
        except (httpx.HTTPError, ValueError, KeyError) as problem:
            log.warning("lights_server_away", why=type(problem).__name__)
            return None
        return [LightOrder(tuple(one.pop("cells")), **one) for one in lights]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def read_strips(path: Path) -> list[ShelfLights]:
    """Read a station's strips: ``[[strip]]`` with ``host``, ``port``, ``lamps`` and ``cells``.

    Raises
    ------
    UsageError
        If the file cannot be read or names no strip.
    LightLayoutError
        If a layout contradicts itself.
    """
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8")).get("strip", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"{path} cannot be read: {problem}", remedy="docs/stations.md shows the file.") from problem
    if not described:
        raise UsageError(f"{path} names no [[strip]]", remedy="docs/stations.md shows the file.")
    strips = []
    for one in described:
        layout = StripLayout.read(one)
        send = HttpWled(str(one.get("host", "")), int(one.get("port", 80)))
        strips.append(ShelfLights(WledStrip(send, layout.lamps), layout))
    return strips


def keep_lights(
    ask: Callable[[], Sequence[LightOrder] | None], strips: Sequence[ShelfLights], wait: Callable[[float], bool]
) -> None:
    """Keep the strips as the server says until told to stop; while it is away, lights end by their own time.

    Parameters
    ----------
    wait
        Waits so many seconds and returns whether to stop, as :meth:`threading.Event.wait` does.
    """
    lacking: frozenset[str] = frozenset()
    while True:
        orders = ask()
        if orders is not None:
            missing = show_everywhere(strips, orders)
            if missing - lacking:
                log.warning("cells_without_lamps", cells=sorted(missing))
            lacking |= missing
        for _ in range(round(ASK_S / _TICK_S)):
            if wait(_TICK_S):
                for strip in strips:
                    strip.show(())
                return
            for strip in strips:
                strip.tick()
