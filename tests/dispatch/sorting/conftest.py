"""A sorting table in small: routes of made-up parcels, chutes in a row, and the office of the plans' tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from dispatch.sorting.bags import Piece
from dispatch.sorting.chutes import ChuteTable, RouteFlow, read_chutes


@pytest.fixture
def three_chutes() -> ChuteTable:
    """Give a table of three chutes for routes, 2, 4 and 8 m from the scanner, with a cold, a rest and a reject one."""
    return read_chutes(
        {
            "valid_from": date(2026, 1, 1),
            "bag": {"most_parcels": 3, "most_weight_g": 5_000, "most_volume_cm3": 100_000},
            "chute": [
                {"id": "FAR", "distance_m": 8},
                {"id": "NEAR", "distance_m": 2},
                {"id": "MID", "distance_m": 4},
                {"id": "COLD", "purpose": "cold", "distance_m": 3},
                {"id": "REST", "purpose": "rest", "distance_m": 3},
                {"id": "NO", "purpose": "reject", "distance_m": 1},
            ],
        }
    )


@pytest.fixture
def flow() -> Callable[..., RouteFlow]:
    """Give a maker of routes' flows: vehicle, parcels, departure."""

    def make(vehicle: str, parcels: int, start_s: int = 28_800) -> RouteFlow:
        return RouteFlow(vehicle, int(vehicle.removeprefix("v")), parcels, start_s)

    return make


@pytest.fixture
def piece() -> Callable[..., Piece]:
    """Give a maker of parcels on their way to a vehicle: name, place of the stop, and what else matters."""

    def make(name: str, position: int, weight_g: int = 1_000, **more: object) -> Piece:
        return Piece(name, position, position + 1, weight_g, 5_000, **more)  # type: ignore[arg-type]

    return make
