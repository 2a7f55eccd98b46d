"""The checker finds each way in which a plan can break its rules, and prices plans to the unit."""

from __future__ import annotations

import ast
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import routing.checker
from routing import (
    UNREACHABLE,
    Balance,
    Break,
    Disturbance,
    Problem,
    ProblemBuilder,
    Route,
    Solution,
    Trip,
)
from routing.checker import CheckReport, ViolationCode, check, check_route

# Places on one straight road, 10 m and 10 s apart; place 0 is the depot.
PLACES = 6
LEGS = [[10 * abs(a - b) for b in range(PLACES)] for a in range(PLACES)]


def road(**van: Any) -> ProblemBuilder:
    """Give a depot at the end of a straight road and two vans of one dimension."""
    fields = {"count": 2, "capacity": 10, "cost_per_m": 1} | van
    return ProblemBuilder(("kg",)).profile("van", LEGS, LEGS).depot("centre", 0).vehicle_type("van", **fields)


def plan(problem: Problem, *orders: tuple[int, ...], start_s: int = 0, **route: Any) -> Solution:
    """Give a plan of single-trip routes on vehicles 0, 1, … that depart at one time."""
    solution = Solution.from_orders(problem, orders, starts_s=[start_s] * len(orders))
    return replace(solution, routes=tuple(replace(one, **route) for one in solution.routes))


def codes(report: CheckReport) -> dict[str, int]:
    """Give the amount found for each code."""
    return {str(violation.code): violation.amount for violation in report.violations}


@pytest.fixture
def three_stops() -> Problem:
    """Give three stops of 4 kg on the road, 10 kg on a van."""
    return road().task("a", 1, delivery=4).task("b", 2, delivery=4).task("c", 3, delivery=4).build()


def test_clean_plan_has_no_violation_and_costs_its_distance(three_stops: Problem) -> None:
    """Two vans that keep every rule cost exactly the metres they drive."""
    report = check(three_stops, plan(three_stops, (0, 1), (2,)))
    assert report.feasible
    assert report.complete
    assert report.cost.total == report.cost.distance == report.distance_m == 40 + 60


def test_schedule_follows_the_courier_stop_by_stop() -> None:
    """Arrival, waiting, work and load are those a courier would see."""
    problem = road().task("a", 1, delivery=4, windows=[(25, 30)], service_s=5).task("b", 3, pickup=7).build()
    (schedule,) = check(problem, plan(problem, (0, 1), start_s=2)).schedules
    first, second = schedule.stops
    assert (first.arrival_s, first.wait_s, first.start_s, first.departure_s, first.load) == (12, 13, 25, 30, (0,))
    assert (second.arrival_s, second.start_s, second.load) == (50, 50, (7,))
    assert (schedule.end_s, schedule.duration_s, schedule.driving_s, schedule.waiting_s) == (80, 78, 60, 13)
    assert schedule.trips[0].peak_load == (7,)


@pytest.mark.parametrize(
    ("routes", "unassigned", "expected"),
    [
        (((0, 1),), (2, 2), {"task_twice": 1}),
        (((0, 1), (1, 2)), (), {"task_twice": 1}),
        (((0, 1),), (), {"task_lost": 1}),
        (((0, 1), (2, 9)), (), {"unknown_task": 1}),
        (((0, 1),), (2, -1), {"unknown_task": 1}),
        (((0, 1), ()), (2,), {"empty_trip": 1}),
        (((0, 1, 2),), (), {"overload": 2}),
    ],
)
def test_coverage_mistakes_are_found(
    three_stops: Problem, routes: tuple[tuple[int, ...], ...], unassigned: tuple[int, ...], expected: dict[str, int]
) -> None:
    """A stop served twice, forgotten or invented is found, and so is a van filled beyond its capacity."""
    made = tuple(Route(vehicle, (Trip(order, 0),)) for vehicle, order in enumerate(routes))
    assert codes(check(three_stops, Solution(made, unassigned))) == expected


@pytest.mark.parametrize(("vehicles", "expected"), [((0, 0), "vehicle_twice"), ((0, 2), "unknown_vehicle")])
def test_a_fleet_of_two_is_two_vehicles(three_stops: Problem, vehicles: tuple[int, int], expected: str) -> None:
    """No vehicle drives two routes at once, and none is invented."""
    made = (Route(vehicles[0], (Trip((0, 1), 0),)), Route(vehicles[1], (Trip((2,), 0),)))
    assert expected in codes(check(three_stops, Solution(made)))


def test_left_out_required_task_makes_the_plan_incomplete_not_wrong(three_stops: Problem) -> None:
    """A parcel that had to stay behind is reported apart from broken rules."""
    report = check(three_stops, plan(three_stops, (0, 1)))
    assert report.feasible
    assert report.missing == (2,)
    assert not report.complete


def test_load_peak_counts_goods_taken_before_others_are_dropped() -> None:
    """A van full of parcels has no room for a collection until it has delivered."""
    problem = road().task("drop", 2, delivery=8).task("take", 1, pickup=5).build()
    assert codes(check(problem, plan(problem, (1, 0)))) == {"overload": 3}
    assert check(problem, plan(problem, (0, 1))).feasible


def test_each_load_dimension_is_checked_by_itself() -> None:
    """A van may be full by volume though it is light."""
    builder = ProblemBuilder(("kg", "litre")).profile("van", LEGS).depot("centre", 0)
    problem = builder.vehicle_type("van", capacity=(10, 100)).task("pillow", 1, delivery=(1, 130)).build()
    (found,) = check(problem, plan(problem, (0,))).violations
    assert (found.code, found.dimension, found.amount) == (ViolationCode.OVERLOAD, "litre", 30)


@pytest.mark.parametrize(
    ("start_s", "expected_start", "expected"),
    [(0, 30, {}), (25, 35, {}), (31, 70, {}), (80, 90, {"late": 10})],
)
def test_work_starts_inside_a_window(start_s: int, expected_start: int, expected: dict[str, int]) -> None:
    """A courier waits for the next opening, and after the last closing the stop is late."""
    problem = road().task("a", 1, windows=[(30, 40), (70, 80)]).build()
    report = check(problem, plan(problem, (0,), start_s=start_s))
    assert codes(report) == expected
    assert report.schedules[0].stops[0].start_s == expected_start


def test_soft_window_costs_each_second_after_the_last_closing() -> None:
    """A late start that has a price is allowed and paid."""
    problem = road().task("a", 1, windows=[(0, 5)], late_cost_per_s=7).build()
    report = check(problem, plan(problem, (0,)))
    assert report.feasible
    assert report.cost.late == 35


def test_setup_is_paid_once_per_place_and_scaled_by_the_driver() -> None:
    """Parking at a door counts once for two parcels, and a slow driver takes longer for all of it."""
    problem = (
        road(service_percent=150).task("a", 1, service_s=3, setup_s=4).task("b", 1, service_s=3, setup_s=4).build()
    )
    first, second = check(problem, plan(problem, (0, 1))).schedules[0].stops
    assert first.departure_s - first.start_s == 11  # ceil(1.5 * 7)
    assert second.departure_s - second.start_s == 5  # ceil(1.5 * 3)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({"max_duration_s": 59}, {"max_duration": 6}),
        ({"max_distance_m": 50}, {"max_distance": 10}),
        ({"max_driving_s": 45}, {"max_driving": 15}),
        ({"max_tasks": 1}, {"max_tasks": 1}),
        ({"shift_end_s": 60}, {"shift": 5}),
        ({"shift_start_s": 4}, {"shift": 4}),
        ({"max_duration_s": 65, "max_distance_m": 60, "max_driving_s": 60, "max_tasks": 2, "shift_end_s": 65}, {}),
    ],
)
def test_route_limits(limit: dict[str, int], expected: dict[str, int]) -> None:
    """Each limit of a route is checked by itself, with the amount by which it is passed."""
    problem = road(**limit).task("a", 1, service_s=5).task("c", 3).build()
    assert codes(check(problem, plan(problem, (0, 1)))) == expected


def test_depot_hours_bind_departures_and_arrivals() -> None:
    """Nobody leaves before the depot opens or comes back after it has closed."""
    builder = ProblemBuilder().profile("van", LEGS, LEGS).depot("centre", 0, open_s=5, close_s=20)
    problem = builder.vehicle_type("van").task("a", 1).build()
    assert codes(check(problem, plan(problem, (0,), start_s=3))) == {"depot_closed": 3}
    assert codes(check(problem, plan(problem, (0,), start_s=0))) == {"depot_closed": 5}
    both = [v.amount for v in check(problem, plan(problem, (0,), start_s=25)).violations]
    assert both == [5, 25]


def test_an_early_return_waits_for_the_end_depot_to_open() -> None:
    """A van that comes back before the other depot opens waits, and the waiting counts as duration."""
    builder = ProblemBuilder().profile("van", LEGS, LEGS).depot("start", 0).depot("end", 2, open_s=50)
    problem = builder.vehicle_type("van", start_depot="start", end_depot="end", cost_per_s=1).task("a", 1).build()
    report = check(problem, plan(problem, (0,)))
    assert (report.cost.duration, report.schedules[0].waiting_s) == (50, 30)


def test_release_holds_the_departure() -> None:
    """A van does not leave before the goods it carries have arrived at the depot."""
    problem = road().task("a", 1, release_s=15).build()
    assert codes(check(problem, plan(problem, (0,), start_s=10))) == {"release": 5}
    assert check(problem, plan(problem, (0,), start_s=15)).feasible


@pytest.fixture
def reloading() -> Problem:
    """Give a van that may reload twice at the depot, 3 s each, with goods arriving over the day."""
    builder = ProblemBuilder(("kg",)).profile("van", LEGS, LEGS).depot("centre", 0, reload_s=3).depot("side", 4)
    builder.vehicle_type("van", capacity=10, cost_per_m=1, trip_cost=100, reload_depots=["centre"], max_trips=2)
    return builder.task("a", 1, delivery=9).task("b", 2, delivery=9).task("c", 1, delivery=9, release_s=50).build()


def test_trips_follow_each_other_and_wait_for_releases(reloading: Problem) -> None:
    """A second trip starts after unloading, reloading and the arrival of its goods."""
    made = Solution((Route(0, (Trip((0,), 0), Trip((2,), 0))),), (1,))
    report = check(reloading, made)
    assert report.feasible
    assert [trip.departure_s for trip in report.schedules[0].trips] == [0, 50]
    assert report.schedules[0].trips[0].end_s == 20
    assert (report.cost.trips, report.cost.distance) == (100, 40)


def test_too_many_trips_and_foreign_depots_are_found(reloading: Problem) -> None:
    """A van reloads only as often and only where it may."""
    made = Solution((Route(0, (Trip((0,), 0), Trip((1,), 1), Trip((2,), 0))),))
    assert codes(check(reloading, made)) == {"too_many_trips": 1, "trip_depot": 1}


def test_first_trip_begins_at_the_vehicles_own_depot(reloading: Problem) -> None:
    """A van cannot start its day at a depot that is not its own."""
    assert "trip_depot" in codes(check(reloading, Solution((Route(0, (Trip((0,), 1),)),), (1, 2))))


def test_open_route_ends_with_its_last_stop() -> None:
    """A courier who goes home from the last stop pays no way back."""
    problem = road(open_route=True).task("a", 1).task("c", 3).build()
    assert check(problem, plan(problem, (0, 1))).cost.total == 30


def test_no_road_is_no_way() -> None:
    """A leg without a road is named, not driven quietly."""
    legs = np.array(LEGS)
    legs[1, 2] = UNREACHABLE
    builder = ProblemBuilder().profile("van", legs, legs).depot("centre", 0).vehicle_type("van")
    problem = builder.task("a", 1).task("b", 2).build()
    assert "unreachable_leg" in codes(check(problem, plan(problem, (0, 1))))
    assert check(problem, plan(problem, (1, 0))).feasible


def test_skills_and_forbidden_pairs() -> None:
    """A task that needs a cold box or must not ride a tricycle is refused on the wrong vehicle."""
    builder = road().task("fish", 1, skills=["cold", "id-check"]).task("b", 2).forbid("van", "b")
    problem = builder.build()
    assert codes(check(problem, plan(problem, (0, 1)))) == {"skill_missing": 2, "vehicle_not_allowed": 1}


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (((0, 1),), {}),
        (((1, 0),), {"shipment_order": 1}),
        (((0,), (1,)), {"shipment_split": 1}),
        (((0,),), {"shipment_split": 1}),
        ((), {}),
    ],
)
def test_shipments_stay_together_and_in_order(orders: tuple[tuple[int, ...], ...], expected: dict[str, int]) -> None:
    """A letter from door to door is picked up before it is delivered, by one van."""
    problem = road().task("from", 1).task("to", 2).shipment("letter", "from", "to", 3).build()
    assert codes(check(problem, plan(problem, *orders))) == expected


def test_shipment_is_on_board_only_between_its_ends() -> None:
    """Two letters that overlap on the road need room together."""
    builder = road().task("f1", 1).task("t1", 2).task("f2", 3).task("t2", 4)
    problem = builder.shipment("one", "f1", "t1", 6).shipment("two", "f2", "t2", 6).build()
    assert check(problem, plan(problem, (0, 1, 2, 3))).feasible
    assert codes(check(problem, plan(problem, (0, 2, 1, 3)))) == {"overload": 2}


def test_exactly_one_of_several_places() -> None:
    """A parcel goes to the door or to the cabinet, never to both; leaving it out is reported once."""
    problem = road().task("door", 1).task("cabinet", 2).alternatives("parcel", ["door", "cabinet"]).build()
    assert codes(check(problem, plan(problem, (0, 1)))) == {"alternatives": 1}
    assert check(problem, plan(problem, (1,))).complete
    assert check(problem, plan(problem)).missing == (0,)


def test_optional_tasks_and_groups_pay_when_left_out() -> None:
    """What may stay behind costs its prize and priority, a group only once."""
    builder = road().task("a", 1, required=False, prize=5, priority=2).task("door", 2).task("box", 3)
    builder.alternatives("parcel", ["door", "box"], required=False, prize=40).priority_price(10)
    problem = builder.build()
    assert check(problem, plan(problem)).cost.left_out == 5 + 20 + 40
    assert check(problem, plan(problem, (2,))).cost.left_out == 25
    assert check(problem, plan(problem)).complete


def test_groups_that_belong_together_or_apart() -> None:
    """Parcels of one house ride together, and a dog does not ride with its cat."""
    problem = road().task("a", 1).task("b", 2).task("c", 3).same_vehicle("ab").incompatible("b", "c").build()
    assert codes(check(problem, plan(problem, (0,), (1, 2)))) == {"same_vehicle": 1, "incompatible": 1}
    assert check(problem, plan(problem, (0, 1), (2,))).feasible


@pytest.mark.parametrize(
    ("kind", "tasks", "position", "good", "bad"),
    [
        ("vehicle", "b", 0, (((0,), (1, 2)), ((0, 2),)), (((0, 1), (2,)),)),
        ("position", "b", 1, (((2,), (0, 1)),), (((2,), (1, 0)), ((2, 0),))),
        ("prefix", "ba", 0, (((), (1, 0, 2)),), (((), (1, 2, 0)), ((), (1, 2)))),
        ("order", "ba", 0, (((), (1, 2, 0)),), (((), (0, 1, 2)), ((), (1,)))),
        ("route", "ba", 0, (((2,), (1, 0)),), (((), (1, 0, 2)), ((2,), (0, 1)))),
    ],
)
def test_locks(
    kind: str,
    tasks: str,
    position: int,
    good: tuple[tuple[tuple[int, ...], ...], ...],
    bad: tuple[tuple[tuple[int, ...], ...], ...],
) -> None:
    """What a dispatcher has fixed on vehicle 1 stays there, to the letter of the lock's kind."""
    problem = road().task("a", 1).task("b", 2).task("c", 3).lock(kind, 1, tasks, position).build()

    def made(orders: tuple[tuple[int, ...], ...]) -> Solution:
        routes = tuple(Route(v, (Trip(order, 0),)) for v, order in enumerate(orders) if order)
        left = {0, 1, 2} - {task for order in orders for task in order}
        return Solution(routes, tuple(sorted(left)))

    for orders in good:
        assert check(problem, made(orders)).feasible
    for orders in bad:
        assert set(codes(check(problem, made(orders)))) == {"lock"}


@pytest.mark.parametrize(
    ("rule", "order", "expected"),
    [
        ("mixed", (1, 0), {}),
        ("linehaul_first", (1, 0), {"backhaul_order": 1}),
        ("linehaul_first", (1,), {}),
        ("linehaul_required", (1,), {"backhaul_only": 1}),
        ("linehaul_required", (0, 1), {}),
    ],
)
def test_backhaul_rules(rule: str, order: tuple[int, ...], expected: dict[str, int]) -> None:
    """Collections come after deliveries where the loading space asks for it."""
    problem = road().task("drop", 1, delivery=1).task("take", 2, pickup=1).backhaul(rule).build()
    assert codes(check(problem, plan(problem, order))) == expected


NOON = Break("noon", earliest_s=15, latest_s=25, duration_s=8)


@pytest.mark.parametrize(
    ("breaks", "start_s", "expected"),
    [
        ((), 0, {"break_missing": 1}),
        (((0, 0),), 0, {}),
        (((1, 0),), 0, {}),
        (((2, 0),), 0, {"break_late": 5}),
        ((), 23, {}),
        (((1, 0), (2, 0)), 0, {"break_unknown": 1, "break_late": 18}),
        (((1, 0), (1, 3)), 0, {"break_unknown": 1}),
        (((7, 0),), 0, {"break_unknown": 1}),
    ],
)
def test_breaks(breaks: tuple[tuple[int, int], ...], start_s: int, expected: dict[str, int]) -> None:
    """A driver whose day spans noon rests once, in time, between two stops."""
    problem = road(breaks=[NOON]).task("a", 1).task("c", 3).build()
    assert codes(check(problem, plan(problem, (0, 1), start_s=start_s, breaks=breaks))) == expected


def test_a_break_delays_everything_after_it() -> None:
    """The rest is neither driving nor waiting, but it is part of the day."""
    problem = road(breaks=[NOON], cost_per_s=1).task("a", 1).task("c", 3).build()
    (schedule,) = check(problem, plan(problem, (0, 1), breaks=((1, 0),))).schedules
    assert (schedule.breaks[0].start_s, schedule.breaks[0].end_s) == (15, 23)
    assert [stop.arrival_s for stop in schedule.stops] == [10, 43]
    assert (schedule.duration_s, schedule.driving_s, schedule.waiting_s) == (73, 60, 5)


def test_every_cost_term_is_counted_in_its_own_place() -> None:
    """Fixed costs, kilometres, hours, driving, overtime, territory and balance add up to the total."""
    builder = road(
        fixed_cost=1000,
        cost_per_m=2,
        cost_per_s=3,
        cost_per_driving_s=5,
        overtime_after_s=50,
        overtime_cost_per_s=7,
    )
    builder.task("a", 1, service_s=10).task("c", 3).task_price("van", "c", 11).balance(Balance("tasks", 5, 13))
    problem = builder.build()
    cost = check(problem, plan(problem, (0, 1))).cost
    assert cost.as_dict() == {
        "fixed": 1000, "distance": 120, "duration": 210, "driving": 300, "overtime": 140, "trips": 0,
        "territory": 11, "late": 0, "balance": 39, "disturbance": 0, "left_out": 0,
    }  # fmt: skip
    assert cost.total == 1820


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (((0, 1, 2),), 0),
        (((0, 2, 1),), 2 * 10 + 20),  # c follows a, b follows c; b comes 20 s later
        (((0, 1), (2,)), 100 + 10),  # c is on another van and its first stop, at the same time
        (((0, 1),), 0),
    ],
)
def test_disturbance_prices_changes_against_the_published_plan(
    orders: tuple[tuple[int, ...], ...], expected: int
) -> None:
    """Another van, another stop before and another time cost what the dispatcher set."""
    reference = Disturbance(
        np.array([0, 0, 0], dtype=np.int32),
        np.array([-1, 0, 1], dtype=np.int32),
        np.array([10, 20, 30], dtype=np.int64),
        vehicle_price=100,
        order_price=10,
        start_price_per_s=1,
    )
    problem = road().task("a", 1).task("b", 2).task("c", 3).disturbance(reference).build()
    assert check(problem, plan(problem, *orders)).cost.disturbance == expected


def test_one_route_by_itself_agrees_with_the_whole_plan(three_stops: Problem) -> None:
    """Looking at one van gives the same times and costs as looking at all of them."""
    solution = plan(three_stops, (0, 1), (2,))
    whole = check(three_stops, solution)
    alone = [check_route(three_stops, route) for route in solution.routes]
    assert [one.schedule for one in alone] == list(whole.schedules)
    assert sum(one.cost.total for one in alone) == whole.cost.total


def test_every_violation_code_is_provoked_here() -> None:
    """No code of the checker is without a test that provokes it."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [code for code in ViolationCode if f'"{code}"' not in text] == []


def test_every_violation_code_is_described() -> None:
    """Whoever meets a code finds it on the checker's page."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "solver" / "checker.md").read_text(encoding="utf-8")
    assert [code for code in ViolationCode if f"`{code}`" not in page] == []


def test_checker_shares_no_code_with_the_search() -> None:
    """The judge imports nothing of the party it judges."""
    tree = ast.parse(Path(routing.checker.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert modules == {"__future__", "collections", "collections.abc", "dataclasses", "enum", "routing.problem",
                       "routing.solution"}  # fmt: skip


def test_checker_calls_no_helper_of_the_problem_but_the_vehicle_numbering() -> None:
    """A mistake in a helper that the search uses too must not hide in the checker."""
    tree = ast.parse(Path(routing.checker.__file__).read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    helpers = {"service_s", "left_out_cost", "required_missing", "shipment_of_task", "alternatives_of_task", "leg"}
    calls = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) if isinstance(node.func, ast.Attribute)
    }
    assert used & (helpers - {"service_s"}) == set()
    assert calls & helpers == set()


def test_three_thousand_stops_are_checked_within_a_second() -> None:
    """A whole day of 3,000 parcels is judged in less than a second of processor time, however busy the machine is."""
    size = 3000
    rng = np.random.default_rng(1)
    points = rng.integers(0, 20_000, (size + 1, 2))
    legs = np.abs(points[:, None, :] - points[None, :, :]).sum(axis=-1)
    builder = ProblemBuilder(("kg",)).profile("van", legs, legs).depot("centre", 0)
    builder.vehicle_type("van", count=30, capacity=1000, cost_per_m=1, cost_per_s=1)
    for place in range(1, size + 1):
        builder.task(f"p{place}", place, delivery=5, service_s=60)
    problem = builder.build()
    solution = plan(problem, *(tuple(range(k, size, 30)) for k in range(30)))
    began = time.thread_time()
    report = check(problem, solution)
    assert time.thread_time() - began < 1
    assert report.feasible
