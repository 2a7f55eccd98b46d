"""Times of a route as a courier sees them."""

from __future__ import annotations

import pytest

from routing import Break, Problem, ProblemBuilder, Route, Trip
from routing.costs import route_cost, route_keeps_rules
from routing.schedule import departure_s, schedule


@pytest.fixture
def valley() -> Problem:
    """Give a valley road with a depot and two stops, one with two windows, and a driver who rests at noon."""
    legs = [[0, 100, 250], [100, 0, 150], [250, 150, 0]]
    builder = ProblemBuilder(("count",)).profile("van", legs, legs).depot("centre", 0, reload_s=20)
    builder.vehicle_type(
        "van", capacity=2, cost_per_m=1, cost_per_s=2, shift_end_s=5000, reload_depots=["centre"], max_trips=2,
        breaks=[Break("noon", 600, 700, 50)],
    )  # fmt: skip
    builder.task("near", 1, delivery=1, service_s=10, setup_s=5)
    return builder.task("far", 2, delivery=1, service_s=10, windows=[(0, 200), (400, 900)]).build()


def test_waiting_for_the_second_window(valley: Problem) -> None:
    """Who misses the first window waits for the second."""
    times = schedule(valley, Route(0, (Trip((0, 1), 0),), 0))
    assert [(v.arrival_s, v.start_s, v.leave_s) for v in times.visits] == [(100, 100, 115), (265, 400, 410)]
    assert times.visits[1].wait_s == 135
    assert (times.end_s, times.distance_m, times.driving_s) == (660, 500, 500)


def test_departure_avoids_waiting(valley: Problem) -> None:
    """The van leaves as late as it can without ending later."""
    trips = (Trip((0, 1), 0),)
    start_s = departure_s(valley, 0, trips)
    assert start_s == 135
    assert schedule(valley, Route(0, trips, start_s)).end_s == 660
    assert departure_s(valley, 0, trips, ((2, 0),)) == 325  # the rest at 600 hides more waiting


def test_two_trips_reload_between(valley: Problem) -> None:
    """The second trip leaves after the reload."""
    times = schedule(valley, Route(0, (Trip((0,), 0), Trip((1,), 0)), 0))
    assert times.visits[1].arrival_s == 115 + 100 + 20 + 250
    assert times.distance_m == 700


def test_a_break_is_taken_where_the_plan_says(valley: Problem) -> None:
    """Lunch before driving home makes the day longer by lunch and the wait for it."""
    times = schedule(valley, Route(0, (Trip((0, 1), 0),), 0, ((2, 0),)))
    assert times.end_s == 600 + 50 + 250


def test_route_cost_adds_up(valley: Problem) -> None:
    """Distance and duration are what this van costs."""
    route = Route(0, (Trip((0, 1), 0),), 135)
    times = schedule(valley, route)
    assert route_cost(valley, route) == 500 + 2 * (660 - 135)
    assert route_keeps_rules(valley, route, times)
    late = Route(0, (Trip((1, 0), 0),), 4900)
    assert not route_keeps_rules(valley, late, schedule(valley, late))
