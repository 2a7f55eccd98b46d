"""A county with a centre, two township depots and eight stops, times and collections included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dispatch.echelons.problem import CourierKind, TimetabledRun, TransferDepot, TrunkKind, TwoEchelonProblem
from routing.problem import Profile, Task

KILOMETRES = [(0, 0), (20, 0), (0, 25), (22, 1), (23, -1), (21, 3), (1, 27), (-2, 26), (2, 24), (3, 2), (-2, 3)]
"""Centre, two depots, three stops around each, two around the centre."""

MakeCounty = Callable[..., TwoEchelonProblem]


@pytest.fixture
def make_county() -> MakeCounty:
    """Make the county; keyword arguments replace parts of the problem."""

    def make(**changes: Any) -> TwoEchelonProblem:
        xy = np.array(KILOMETRES) * 1_000
        metres = np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1]).round().astype(np.int32)
        parts: dict[str, Any] = {
            "dimensions": ("weight_g", "count"),
            "centre": 0,
            "depots": (
                TransferDepot("centre", 0, direct=True),
                TransferDepot("east", 1, unload_s=600, sorted_per_hour=60),
                TransferDepot("north", 2, unload_s=600, sorted_per_hour=60),
            ),
            "trunks": (TrunkKind("truck", 2, (200_000, 100), 0, 5_000, 2, 1, depart_s=6 * 3600),),
            "couriers": (CourierKind("van", 6, (60_000, 40), 0, 9_000, 3, 2, 7 * 3600, 18 * 3600),),
            "tasks": tuple(
                Task(
                    f"stop{row}",
                    row,
                    delivery=(10_000, 10),
                    pickup=(2_000, 2) if row in (3, 6) else (0, 0),
                    service_s=300,
                    required=True,
                )
                for row in range(3, len(KILOMETRES))
            ),
            "profiles": (Profile("road", metres, (metres // 12).astype(np.int32)),),
            "back_by_s": 17 * 3600,
            "centre_ready_s": 7 * 3600,
        }
        return TwoEchelonProblem(**(parts | changes))

    return make


@pytest.fixture
def morning_bus() -> TimetabledRun:
    """Give a bus that leaves the centre at 06:30 and calls at both depots, with room for 50 parcels."""
    return TimetabledRun("bus-1", True, ((1, 25_200), (2, 28_800)), 23_400, (100_000, 50), 100)
