"""The insertion itself, against trying everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.demand.parcel import StopKind
from dispatch.demand.reasons import Reason
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import Load, TypeSpec
from dispatch.plans.board import Board, first_board
from dispatch.plans.inserting import Joined, join
from dispatch.plans.locks import Locks
from dispatch.plans.matrices import DayMatrices, ProfileMatrix
from dispatch.plans.progress import fixed_stops
from dispatch.plans.routes import Leg, PlannedRoute, Visit, lay_out
from dispatch.plans.scene import Scene, van_of
from kernel.money import Fen
from routing.problem import per_hour, per_km

HOUR = 3600
DEPOT = (0.0, 0.0)
KIND = TypeSpec(
    "van", "van", "van", Load(10, 10, 10), Fen(1000), Fen(100), Fen(3000), 8 * HOUR, 9 * HOUR, max_distance_m=9_000
)


def leg(_profile: str, origin: tuple[float, float], target: tuple[float, float]) -> Leg:
    """Measure along the streets of a plain: 100 m and 10 s for each unit."""
    units = round(abs(origin[0] - target[0]) + abs(origin[1] - target[1]))
    return Leg(100 * units, 10 * units)


def stop(number: int, x: int, y: int, *, take: int = 0, give: int = 0, windows: Any = ((0, 86_400),)) -> Stop:
    """Make a stop."""
    return Stop(
        f"s{number}", StopKind.KIOSK, "k", "p", f"site-{number}", float(x), float(y), "site",
        deliveries=tuple(f"d{number}-{i}" for i in range(give)),
        collections=tuple(f"c{number}-{i}" for i in range(take)),
        delivery_load=Load(give, give, give), collection_load=Load(take, take, take),
        setup_s=30, service_s=20, windows=windows,
    )  # fmt: skip


def route(stops: list[Stop]) -> PlannedRoute:
    """Drive stops in their order from the depot and back."""
    points = [DEPOT, *((one.lon, one.lat) for one in stops), DEPOT]
    visits = [Visit(one, at + 1, leg("van", points[at], points[at + 1])) for at, one in enumerate(stops)]
    return PlannedRoute(1, "van-1", None, KIND, 8 * HOUR, lay_out(visits, 8 * HOUR), leg("van", points[-2], points[-1]))


@dataclass(frozen=True)
class OpenRoute:
    """A published route: how many stops are behind the van, and how late it is."""

    route: PlannedRoute
    fixed: int = 0
    delay_s: int = 0


def board_of(open_routes: list[OpenRoute], *more: Stop) -> Board:
    """Lay routes out on a board whose roads also know the points of some more stops."""
    vans = [replace(van_of(one.route, one.fixed, one.delay_s), id=f"van-{at}") for at, one in enumerate(open_routes)]
    ahead = [[stop.stop for stop in one.route.stops[one.fixed :]] for one in open_routes]
    everything = [stop.stop for one in open_routes for stop in one.route.stops] + list(more)
    points = tuple(dict.fromkeys([DEPOT, *((one.lon, one.lat) for one in everything)]))
    units = np.array([[round(abs(a[0] - b[0]) + abs(a[1] - b[1])) for b in points] for a in points], np.int32)
    units = units.reshape(len(points), len(points))
    matrices = DayMatrices(points, {"van": ProfileMatrix(10 * units, 100 * units)}, "road", (), "")
    return first_board(
        Scene(tuple(vans), tuple(stop for stops in ahead for stop in stops), matrices),
        {van.id: [stop.key for stop in stops] for van, stops in zip(vans, ahead, strict=True)},
        {van.id: one.route.start_s for van, one in zip(vans, open_routes, strict=True)},
        {
            van.id: {stop.stop.key: stop.visit.label for stop in one.route.stops}
            for van, one in zip(vans, open_routes, strict=True)
        },
        keeps_departure=True,
        reasons={},
        parcel_reasons={},
        locks=Locks(),
    )


def joined(open_routes: list[OpenRoute], new: Stop) -> Joined | Reason:
    """Put a collection on routes."""
    return join(board_of(open_routes, new), new, ServiceTimes())


def try_everything(open_routes: list[OpenRoute], new: Stop) -> int | None:
    """Find the least cost over all places by driving every one of them anew."""
    costs = []
    for one in open_routes:
        old = [planned.stop for planned in one.route.stops]
        for position in range(one.fixed, len(old) + 1):
            changed = route([*old[:position], new, *old[position:]])
            late = any(planned.late_s for planned in changed.stops)
            too_far = changed.distance_m > (KIND.max_distance_m or 0)
            if late or too_far or changed.end_s > KIND.shift_end_s or not changed.peak_load.fits(KIND.capacity):
                continue
            more_m, more_s = changed.distance_m - one.route.distance_m, changed.end_s - one.route.end_s
            costs.append(per_km(KIND.per_km_fen) * more_m + per_hour(KIND.per_hour_fen) * more_s)
    return min(costs, default=None)


places = st.tuples(st.integers(-9, 9), st.integers(-9, 9))
windows = st.sampled_from([((0, 86_400),), ((8 * HOUR, 8 * HOUR + 900),), ((8 * HOUR + 600, 9 * HOUR),)])
stops = st.lists(st.tuples(places, st.integers(0, 3), st.integers(0, 2), windows), max_size=6)


@given(st.lists(stops, min_size=1, max_size=3), places, st.integers(1, 6), windows, st.integers(0, 2))
@settings(max_examples=50, deadline=None)
def test_the_cheapest_place_equals_trying_every_place(
    given_routes: list[Any], place: tuple[int, int], take: int, window: Any, fixed: int
) -> None:
    """The quick search finds exactly what driving every possible insertion finds, and nothing where nothing fits."""
    open_routes = []
    for offset, given_stops in enumerate(given_routes):
        made = route(
            [
                stop(10 * offset + at, *where, give=give, take=some, windows=their)
                for at, (where, give, some, their) in enumerate(given_stops)
            ]
        )
        possible = not any(one.late_s for one in made.stops) and made.peak_load.fits(KIND.capacity)
        if made.stops and possible and made.end_s <= KIND.shift_end_s and made.distance_m <= (KIND.max_distance_m or 0):
            open_routes.append(OpenRoute(made, min(fixed, len(made.stops))))
    new = stop(99, *place, take=take, windows=window)
    found = joined(open_routes, new)
    expected = try_everything(open_routes, new)
    if isinstance(found, Reason):
        assert expected is None
    else:
        assert found.added_units == expected
        before = open_routes[int(found.vehicle_id.removeprefix("van-"))].route
        after = found.board.lanes[found.vehicle_id].route
        assert after is not None
        order = [one.stop.key for one in after.stops if one.stop.key != "s99"]
        assert order == [one.stop.key for one in before.stops]
        assert after.stops[: min(fixed, len(order))] == before.stops[: min(fixed, len(order))]


def test_a_stop_at_the_same_site_is_extended_rather_than_visited_twice() -> None:
    """Parcels from a site the van visits anyway cost only the time to take them."""
    made = route([stop(1, 3, 0, take=1), stop(2, 6, 0, take=1)])
    new = replace(stop(9, 6, 0, take=2), site_id="site-2")
    found = joined([OpenRoute(made)], new)
    assert isinstance(found, Joined)
    route_after = found.board.lanes["van-0"].route
    assert route_after is not None
    assert (found.extended, found.position) == (True, 1)
    assert found.added_units == per_hour(3000) * 2 * 25
    assert route_after.stops[1].stop.collections == ("c2-0", "c9-0", "c9-1")
    assert [one.visit.label for one in route_after.stops] == [1, 2]


def test_a_late_van_stays_as_late_as_it_is() -> None:
    """A van that runs behind still takes a drop-off on its way, as long as nothing becomes later for it."""
    tight = ((8 * HOUR, 8 * HOUR + 100),)
    made = route([stop(1, 3, 0, give=1), stop(2, 6, 0, give=1, windows=tight), stop(3, 9, 0, give=1)])
    late = OpenRoute(made, fixed=1, delay_s=300)
    found = joined([late], stop(9, 6, 0, take=1))
    assert isinstance(found, Joined)
    assert found.position == 2
    assert made.stops[1].late_s == 10
    after = found.board.lanes["van-0"].route
    assert after is not None
    assert after.stops[1].late_s == 310


def test_under_way_is_known_from_reports_and_from_the_clock() -> None:
    """What was reported or should be under way by now is fixed; on the way back nothing can be inserted."""
    made = route([stop(1, 3, 0), stop(2, 6, 0), stop(3, 9, 0)])
    assert fixed_stops(made, [], 8 * HOUR - 1) == 0
    assert fixed_stops(made, [], 8 * HOUR) == 1
    assert fixed_stops(made, ["s2"], 8 * HOUR) == 2
    assert fixed_stops(made, [], made.stops[0].departure_s) == 2
    assert fixed_stops(made, [], made.end_s) == 4
