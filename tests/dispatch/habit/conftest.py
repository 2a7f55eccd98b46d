"""A county of two roads from one centre: villages a1 to a4 in the west, b1 to b4 in the east, and a van for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from dispatch.demand.parcel import StopKind
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import CourierSpec, Fleet, Load, TypeSpec, VehicleSpec
from dispatch.habit.master import Habit, MasterStop, Section
from dispatch.habit.rule import HabitRule
from dispatch.plans.matrices import DayMatrices, ProfileMatrix
from dispatch.plans.problem import DayProblem, day_points, day_problem
from kernel.money import Fen
from maps.engines.protocol import Matrix
from maps.places import Place, Township
from maps.region import Region
from routing.problem import UNREACHABLE

HOUR = 3600
DAY = date(2026, 3, 4)
CENTRE = (110.0, 27.0)
WEST, EAST = ("a1", "a2", "a3", "a4"), ("b1", "b2", "b3", "b4")
WHERE = {name: (110.0 - 0.02 * step, 27.0) for step, name in enumerate(WEST, start=1)} | {
    name: (110.0 + 0.02 * step, 27.0) for step, name in enumerate(EAST, start=1)
}
NO_ROAD_BEYOND = 120.0


class OneRoad:
    """A single road from west to east, 2 km and 200 s between villages; nothing leads beyond 120 degrees east."""

    source = "road"

    def __init__(self, closed: Sequence[tuple[float, float]] = ()) -> None:
        self.closed = set(closed)

    def matrix(self, src: Any, dst: Any, profile: str = "van") -> Matrix:
        """Measure along the road; a tricycle needs twice the time."""
        start, end = np.asarray(src, float).reshape(-1, 2), np.asarray(dst, float).reshape(-1, 2)
        metres = np.abs(start[:, None, :] - end[None, :, :]).sum(axis=2) * 100_000
        shut = [
            np.array([tuple(one) in self.closed or one[0] > NO_ROAD_BEYOND for one in some]) for some in (start, end)
        ]
        cut = (shut[0][:, None] | shut[1][None, :]) & (metres > 0)
        metres = np.where(cut, np.inf, metres)
        speed = 10.0 if profile == "van" else 5.0
        return Matrix((metres / speed).astype("f4"), metres.astype("f4"), "road")


@dataclass(frozen=True)
class Roads:
    """Makers of the county's parts, with changes where a test wants them."""

    fleet: Fleet

    def habit(self, rule: HabitRule | None = None, **arrivals: int) -> Habit:
        """Give the west to van-1 and the east to van-2, each outward bound."""
        sections = tuple(
            Section(number, f"van-{number}", f"c-{number}", tuple(MasterStop(p, arrivals.get(p)) for p in places))
            for number, places in enumerate((WEST, EAST), start=1)
        )
        return Habit("habit-1", 1, "line", DAY, None, rule or HabitRule(), sections)

    def problem(self, places: Sequence[str], **windows: tuple[int, int]) -> DayProblem:
        """Give a day on which each place named gets one parcel."""
        stops = [
            Stop(
                f"stop-{number}-{place}", StopKind.DOOR, place, place, None, *WHERE[place], "place",
                (f"p{number}",), (), Load(1_000, 5_000, 1), Load(), 60, 120,
                (windows.get(place, (0, 24 * HOUR)),),
            )
            for number, place in enumerate(places)
        ]  # fmt: skip
        points = day_points(CENTRE, stops)
        road = OneRoad().matrix(points, points)
        whole = [np.where(np.isfinite(one), one, UNREACHABLE).astype(np.int32) for one in (road.time_s, road.dist_m)]
        matrices = DayMatrices(points, {"van": ProfileMatrix(*whole)}, "road", (), "")
        return day_problem(stops, self.fleet, matrices)


def fleet_of(vans: int = 3, capacity: int = 60, **limits: Any) -> Fleet:
    """Make vans with a courier each."""
    kind = TypeSpec(
        "van", "面包车", "van", Load(600_000, 3_000_000, capacity), Fen(1_000), Fen(80), Fen(2_800), 8 * HOUR, 18 * HOUR
    )
    return Fleet(
        (replace(kind, **limits),),
        tuple(VehicleSpec(f"van-{n}", "van", f"村A{n}", f"c-{n}") for n in range(1, vans + 1)),
        tuple(CourierSpec(f"c-{n}", f"王{n}") for n in range(1, vans + 1)),
    )


@pytest.fixture
def two_valleys() -> Roads:
    """Give the county with three vans; the third owns nothing."""
    return Roads(fleet_of())


@pytest.fixture
def small_vans() -> Callable[..., Roads]:
    """Give a maker of the county with other vans."""
    return lambda **limits: Roads(fleet_of(**limits))


@pytest.fixture
def line_region() -> Region:
    """Give the county as a region, with a village no road leads to."""
    roads = OneRoad()
    return Region(
        name="line",
        title="一路县",
        zone="Asia/Shanghai",
        source="road",
        attribution="test",
        depot=Place("centre", "县城", "county", "t1", *CENTRE),
        townships=(Township("t1", "坝镇", *CENTRE),),
        places=(
            *(Place(name, f"{name}村", "village", "t1", *point) for name, point in WHERE.items()),
            Place("island", "孤岛村", "village", "t1", 121.0, 27.0),
        ),
        version="1",
        open_engine=lambda: roads,  # type: ignore[arg-type,return-value]
    )


@pytest.fixture
def closed_road() -> Callable[..., OneRoad]:
    """Give a maker of the road with villages that cannot be entered."""
    return lambda *places: OneRoad([WHERE[place] for place in places])
