"""Every rarer rule of a day, alone and combined: the plan keeps it and costs what the checker says."""

from __future__ import annotations

import numpy as np
import pytest

from routing import Balance, Break, Disturbance, Problem, ProblemBuilder, Result, Route, Solution, Trip, solve
from routing.checker import check
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.stop import MaxIterations

STOPS = 14


def small_day(seed: int, *rules: str) -> Problem:
    """Draw a day of fourteen stops, three vans and the rules named."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (STOPS + 1, 2))
    points[3], points[7] = points[5], points[6]
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    legs = (far * draw.uniform(1.0, 1.2, far.shape)).astype(np.int64)
    np.fill_diagonal(legs, 0)
    builder = ProblemBuilder(("weight", "count")).profile("van", legs, legs)
    builder.depot("centre", 0, close_s=20_000, reload_s=30)
    builder.vehicle_type("van", count=3, **_van(rules))
    if "fleet" in rules:
        builder.vehicle_type(
            "big", count=2, capacity=(200, 30), cost_per_m=3, fixed_cost=150, shift_end_s=9000, open_route=True
        )
    for place in range(1, STOPS + 1):
        builder.task(f"stop {place}", place, **_stop(draw, place, rules))
    _relations(builder, rules)
    _plan_prices(builder, seed, rules)
    return builder.build()


def _van(rules: tuple[str, ...]) -> dict:
    van = {"capacity": (80, 10), "cost_per_m": 2, "fixed_cost": 100, "shift_end_s": 9000}
    if "breaks" in rules:
        van["breaks"] = [Break("noon", 1500, 2500, 300)]
    if "trips" in rules:
        van |= {"capacity": (40, 6), "reload_depots": ["centre"], "max_trips": 3, "trip_cost": 20}
    if "hours" in rules:
        van |= {"cost_per_s": 2, "max_duration_s": 8000}
    return van


def _stop(draw: np.random.Generator, place: int, rules: tuple[str, ...]) -> dict:
    stop = {"service_s": int(draw.integers(10, 60))}
    opens = int(draw.integers(0, 4000))
    windows = [(opens, opens + int(draw.integers(500, 3000)))]
    if "several" in rules:
        windows.append((windows[0][1] + 300, windows[0][1] + 1500))
    if "windows" in rules or "several" in rules:
        stop["windows"] = windows
    if "setup" in rules:
        stop["setup_s"] = int(draw.integers(20, 80))
    if "late" in rules and draw.random() < 0.6:
        stop["late_cost_per_s"] = int(draw.integers(1, 5))
    if "release" in rules and draw.random() < 0.5:
        stop["release_s"] = int(draw.integers(0, 1500))
    load = (int(draw.integers(2, 12)), 1)
    shipped = "shipments" in rules and place <= 8
    if not shipped:
        collects = ("backhaul" in rules or "pickups" in rules) and draw.random() < 0.4
        stop["pickup" if collects else "delivery"] = load
        if "optional" in rules and draw.random() < 0.4:
            stop |= {"required": False, "prize": int(draw.integers(100, 900))}
    return stop


def _relations(builder: ProblemBuilder, rules: tuple[str, ...]) -> None:
    if "shipments" in rules:
        for place in range(1, 8, 2):
            builder.shipment(f"parcel {place}", f"stop {place}", f"stop {place + 1}", (5, 1))
    if "alternatives" in rules:
        builder.alternatives("door or cabinet", ["stop 9", "stop 10", "stop 11"])
        builder.alternatives("maybe", ["stop 12", "stop 13"], required=False, prize=500)
    if "groups" in rules:
        builder.same_vehicle(["stop 1", "stop 5", "stop 14"])
        builder.incompatible("stop 2", "stop 3").incompatible("stop 2", "stop 4")
    if "locks" in rules:
        builder.lock("prefix", 0, ["stop 1", "stop 2"]).lock("order", 1, ["stop 3", "stop 4"])
        builder.lock("vehicle", 2, ["stop 5"]).lock("position", 2, ["stop 6"], position=1)
    if "route" in rules:
        builder.lock("route", 0, ["stop 1", "stop 2"])


def _plan_prices(builder: ProblemBuilder, seed: int, rules: tuple[str, ...]) -> None:
    if "backhaul" in rules:
        builder.backhaul("linehaul_required" if seed % 2 else "linehaul_first")
    if "balance" in rules:
        builder.balance(
            [Balance("tasks", 5, 50), Balance("distance_m", 2000, 1), Balance("duration_s", 3000, 1)][seed % 3]
        )
    if "disturbance" in rules:
        vehicle, before = np.full(STOPS, -1, np.int32), np.full(STOPS, -1, np.int32)
        starts = np.zeros(STOPS, np.int64)
        for task in range(9):
            vehicle[task], starts[task] = task // 3, 500 + 300 * (task % 3)
            before[task] = task - 1 if task % 3 else -1
        builder.disturbance(Disturbance(vehicle, before, starts, 200, 80, seed % 2))
    if "territory" in rules:
        builder.task_price("van", "stop 3", 300).task_price("van", "stop 6", 300)


def approved(problem: Problem, result: Result) -> None:
    """Demand that the checker finds nothing, and agrees on cost and missing tasks."""
    report = check(problem, result.solution)
    assert report.feasible, report.violations
    assert report.cost.total == result.cost
    assert len(report.missing) == result.missing


RULES = (
    "windows", "setup", "late", "release", "breaks", "trips", "hours", "fleet", "optional", "shipments", "alternatives",
    "groups", "pickups", "balance", "disturbance", "territory", "several", "backhaul", "locks", "route",
)  # fmt: skip

COMBINATIONS = (
    "windows setup", "windows late", "release", "breaks hours", "breaks windows", "trips", "trips release windows",
    "several hours", "alternatives", "groups", "backhaul", "balance", "locks", "route", "disturbance",
    "territory fleet", "shipments hours fleet", "trips breaks hours late", "locks trips breaks optional",
    "windows setup late release breaks trips hours fleet optional shipments alternatives groups pickups balance "
    "disturbance territory",
)  # fmt: skip


@pytest.mark.parametrize("rules", COMBINATIONS)
def test_each_rule_is_kept(rules: str) -> None:
    """Whatever a dispatcher demands of the day, the plan does it and the price is right."""
    for seed in range(3):
        problem = small_day(seed, *rules.split())
        approved(problem, solve(problem, MaxIterations(400), seed=seed))


def test_shipments_with_windows() -> None:
    """A parcel from one door to another is taken before it is handed over, by one courier."""
    for seed in range(3):
        problem = small_day(seed, "windows", "shipments")
        approved(problem, solve(problem, MaxIterations(1000), seed=seed))


def test_a_start_plan_with_trips_and_breaks_is_kept() -> None:
    """Planning on from a rich plan is never worse than that plan."""
    problem = small_day(1, "trips", "breaks", "hours", "late")
    first = solve(problem, MaxIterations(500), seed=1)
    again = solve(problem, MaxIterations(1), seed=2, initial=first.solution)
    approved(problem, again)
    assert (again.missing, again.cost) <= (first.missing, first.cost)


def test_a_van_reloads_at_whichever_depot_is_near() -> None:
    """With a second depot beyond two remote stops the van fetches its second load there."""
    legs = [[abs(here - there) for there in (0, 80, 90, 100)] for here in (0, 80, 90, 100)]
    builder = ProblemBuilder(("kg",)).profile("van", legs).depot("centre", 0).depot("far", 3)
    builder.vehicle_type("van", capacity=1, cost_per_m=1, reload_depots=["centre", "far"], max_trips=2)
    problem = builder.task("one", 1, delivery=1).task("other", 2, delivery=1).build()
    result = solve(problem, MaxIterations(200), seed=1)
    approved(problem, result)
    assert [trip.depot for route in result.solution.routes for trip in route.trips] == [0, 1]


def test_of_vehicles_that_cost_the_same_only_the_roomiest_are_opened() -> None:
    """A class of which another has more room at no higher price gets no new routes, unless the other may run out."""
    legs = [[abs(here - there) for there in range(4)] for here in range(4)]
    for count, needless in ((3, [True, False]), (2, [False, False])):
        builder = ProblemBuilder(("kg",)).profile("van", legs).depot("centre", 0)
        builder.vehicle_type("small", count=3, capacity=2, cost_per_m=1)
        builder.vehicle_type("large", count=count, capacity=5, cost_per_m=1)
        for place in (1, 2, 3):
            builder.task(f"stop {place}", place, delivery=1)
        opens = compile_problem(builder.build()).data.cls[:, a.OPENS]
        assert [int(vehicles) == 0 for vehicles in opens] == needless


def test_threads_search_side_by_side() -> None:
    """Two threads find a plan at least as good as the better of their seeds, and always the same one."""
    problem = small_day(1, "trips", "breaks", "hours", "late")
    first = solve(problem, MaxIterations(200), seed=1, threads=2)
    again = solve(problem, MaxIterations(200), seed=1, threads=2)
    approved(problem, first)
    assert first.solution == again.solution
    assert first.iterations == 400
    assert first.cost <= solve(problem, MaxIterations(200), seed=1).cost


@pytest.mark.parametrize("rules", [(), ("fleet",), ("windows",)], ids=["plain", "fleet", "windows"])
def test_a_route_is_opened_for_tasks_none_of_which_would_pay_for_one(rules: tuple[str, ...]) -> None:
    """A village of five optional stops 1,000 m away: each is worth 500, the way there and back costs 2,000."""
    points = np.array([[0, 0], *([1000, 10 * stop] for stop in range(5)), [0, 10]])
    legs = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1)).round()
    builder = ProblemBuilder(("count",)).profile("van", legs, legs).depot("centre", 0)
    builder.vehicle_type("van", count=2, capacity=5, cost_per_m=1)
    if "fleet" in rules:
        builder.vehicle_type("bike", count=2, capacity=3, cost_per_m=1)
    for place in range(1, 6):
        late: dict = {"windows": [(900, 9000 + place)]} if "windows" in rules else {}
        builder.task(f"stop {place}", place, delivery=1, required=False, prize=500, **late)
    builder.task("next door", 6, delivery=1)
    problem = builder.build()
    next_door = Solution((Route(0, (Trip((5,), 0),), 0),), tuple(range(5)))
    result = solve(problem, MaxIterations(3000), initial=next_door)
    assert check(problem, result.solution).feasible
    assert (len(result.solution.routes), result.solution.unassigned) == (2, ())
    assert result.cost == 2041 + 20
