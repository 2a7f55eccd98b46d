"""The insertion itself, against trying everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.demand.parcel import StopKind
from dispatch.demand.reasons import Reason
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import Load, TypeSpec
from dispatch.plans.insertion import Inserted, OpenRoute, cheapest_insertion, fixed_stops
from dispatch.plans.routes import Leg, PlannedRoute, Visit, lay_out
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
        if possible and made.end_s <= KIND.shift_end_s and made.distance_m <= (KIND.max_distance_m or 0):
            open_routes.append(OpenRoute(made, min(fixed, len(made.stops))))
    new = stop(99, *place, take=take, windows=window)
    found = cheapest_insertion(open_routes, new, DEPOT, leg, ServiceTimes())
    expected = try_everything(open_routes, new)
    if isinstance(found, Reason):
        assert expected is None
    else:
        assert found.added_units == expected
        order = [one.stop.key for one in found.route.stops if one.stop.key != "s99"]
        assert order == [one.stop.key for one in found.before.stops]
        assert found.route.stops[: min(fixed, len(order))] == found.before.stops[: min(fixed, len(order))]


def test_a_stop_at_the_same_site_is_extended_rather_than_visited_twice() -> None:
    """Parcels from a site the van visits anyway cost only the time to take them."""
    made = route([stop(1, 3, 0, take=1), stop(2, 6, 0, take=1)])
    new = replace(stop(9, 6, 0, take=2), site_id="site-2")
    found = cheapest_insertion([OpenRoute(made)], new, DEPOT, leg, ServiceTimes())
    assert isinstance(found, Inserted)
    assert (found.extended, found.position) == (True, 1)
    assert found.added_units == per_hour(3000) * 2 * 25
    assert found.route.stops[1].stop.collections == ("c2-0", "c9-0", "c9-1")
    assert [one.visit.label for one in found.route.stops] == [1, 2]


def test_a_late_van_stays_as_late_as_it_is() -> None:
    """A van that runs behind still takes a drop-off on its way, as long as nothing becomes later for it."""
    tight = ((8 * HOUR, 8 * HOUR + 100),)
    made = route([stop(1, 3, 0, give=1), stop(2, 6, 0, give=1, windows=tight), stop(3, 9, 0, give=1)])
    late = OpenRoute(made, fixed=1, delay_s=300)
    found = cheapest_insertion([late], stop(9, 6, 0, take=1), DEPOT, leg, ServiceTimes())
    assert isinstance(found, Inserted)
    assert found.position == 2
    assert made.stops[1].late_s == 10
    assert found.route.stops[1].late_s == 310


def test_under_way_is_known_from_reports_and_from_the_clock() -> None:
    """What was reported or should be under way by now is fixed; on the way back nothing can be inserted."""
    made = route([stop(1, 3, 0), stop(2, 6, 0), stop(3, 9, 0)])
    assert fixed_stops(made, [], 8 * HOUR - 1) == 0
    assert fixed_stops(made, [], 8 * HOUR) == 1
    assert fixed_stops(made, ["s2"], 8 * HOUR) == 2
    assert fixed_stops(made, [], made.stops[0].departure_s) == 2
    assert fixed_stops(made, [], made.end_s) == 4
