"""A small valley county: a centre, a near row of villages and a far one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dispatch.echelons.problem import CourierKind
from dispatch.weekdays.patterns import Pattern
from dispatch.weekdays.problem import Village, WeekProblem
from routing.problem import UNREACHABLE, Profile, fen, per_hour, per_km

SPOTS = [(0.0, 0.0), (4, 0), (5, 1), (6, 0), (0, 5), (1, 6), (0, 7), (-5, 0), (-6, 1), (-7, 0), (0, -6), (1, -7)]
"""Kilometres east and north of the centre, which is the first."""

MakeWeek = Callable[..., WeekProblem]


@pytest.fixture
def make_week() -> MakeWeek:
    """Make a week of eleven villages, two visits promised to most."""

    def make(
        parcels: float = 4.0,
        vans: int = 3,
        capacity: int = 60,
        shift_s: int = 6 * 3600,
        previous: Pattern | None = None,
        change_fen: int = 0,
        cut_off_village: bool = False,
    ) -> WeekProblem:
        xy = np.array(SPOTS) * 1_000
        metres = np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1]).round().astype(np.int32)
        seconds = (metres // 8).astype(np.int32)
        if cut_off_village:
            for matrix in (metres, seconds):
                matrix[11, :11] = matrix[:11, 11] = UNREACHABLE
        villages = [
            Village(
                f"v{row}", f"Village {row}", row, (parcels,) * 7, 6 if row < 3 else 2, 7 if row < 3 else 4, previous
            )
            for row in range(1, len(SPOTS))
        ]
        van = CourierKind(
            "van",
            vans,
            (600_000, 3_200_000, capacity),
            fixed_cost=fen(8_000),
            cost_per_m=per_km(80),
            cost_per_s=per_hour(2_800),
            shift_start_s=8 * 3600,
            shift_end_s=8 * 3600 + shift_s,
        )
        return WeekProblem(tuple(villages), 0, (van,), (Profile("van", metres, seconds),), change_price=fen(change_fen))

    return make
