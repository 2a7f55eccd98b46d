"""The solver's plans stand before the checker, cost what it says, and come out the same every time."""

from __future__ import annotations

import time

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, Result, solve
from routing.checker import check
from routing.problem import UNREACHABLE
from routing.stop import MaxIterations, MaxRuntime


def random_county(seed: int, stops: int = 25, **features: bool) -> Problem:
    """Draw a small county: places in a square, asymmetric roads, and the rules asked for."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (stops + 2, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    distance_m = (far * draw.uniform(1.0, 1.3, far.shape)).astype(np.int64)
    np.fill_diagonal(distance_m, 0)
    windows = features.get("windows", False)
    builder = ProblemBuilder(("weight_g", "count")).profile("van", distance_m, distance_m)
    builder.profile("etrike", distance_m * 2, distance_m * 3)
    builder.depot("centre", 0, close_s=20_000).depot("second", stops + 1, open_s=10)
    limits = {"max_tasks": 9, "max_distance_m": 6000, "max_driving_s": 7000} if features.get("limits") else {}
    hours = {"cost_per_s": 3, "max_duration_s": 9000} if features.get("duration") else {}
    if features.get("duration"):
        hours |= {"overtime_after_s": 3000, "overtime_cost_per_s": 2}
    shift = {"shift_start_s": 100, "shift_end_s": 15_000} if windows else {}
    builder.vehicle_type(
        "van", count=4, capacity=(100, 12), cost_per_m=2, fixed_cost=50, skills=["cold"], **limits, **hours, **shift
    )
    if features.get("fleet"):
        builder.vehicle_type(
            "trike", count=3, capacity=(40, 8), cost_per_m=1, profile="etrike", start_depot="second",
            end_depot="centre", service_percent=120, **shift,
        )  # fmt: skip
        builder.vehicle_type("open", count=2, capacity=(60, 8), cost_per_m=3, open_route=True, **hours)
    for place in range(1, stops + 1):
        load = (int(draw.integers(1, 15)), 1)
        collect = features.get("pickups", False) and draw.random() < 0.4
        opens = int(draw.integers(0, 6000))
        spans = [(opens, opens + int(draw.integers(300, 4000)))]
        if features.get("several_windows"):
            spans.append((spans[0][1] + 500, spans[0][1] + 2500))
        optional = features.get("optional", False) and draw.random() < 0.4
        builder.task(
            f"stop {place}",
            place,
            delivery=None if collect else load,
            pickup=load if collect else None,
            service_s=int(draw.integers(0, 90)),
            required=not optional,
            prize=int(draw.integers(50, 2500)) if optional else 0,
            skills=["cold"] if features.get("fleet") and draw.random() < 0.1 else [],
            **({"windows": spans} if windows else {}),
        )
    return builder.build()


def approved(problem: Problem, result: Result) -> None:
    """Demand that the checker finds nothing but required stops left out, and agrees on the cost to the unit."""
    report = check(problem, result.solution)
    assert report.feasible, report.violations
    assert report.cost.total == result.cost
    assert len(report.missing) == result.missing


KINDS = {
    "loads": {},
    "optional": {"optional": True},
    "windows": {"windows": True},
    "several windows": {"windows": True, "several_windows": True},
    "fleet": {"fleet": True},
    "fleet and windows": {"fleet": True, "windows": True},
    "day": {"windows": True, "duration": True, "pickups": True, "fleet": True, "optional": True, "limits": True},
    "hours": {"duration": True},
    "pickups": {"pickups": True, "windows": True},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_every_plan_stands_before_the_checker(kind: str, seed: int) -> None:
    """Whatever rules a county has, the plan keeps them and its price is right."""
    problem = random_county(seed, **KINDS[kind])
    approved(problem, solve(problem, MaxIterations(2000), seed=seed))


@pytest.mark.parametrize("kind", ["loads", "day"])
def test_equal_seeds_make_equal_plans(kind: str) -> None:
    """A plan can be made again from problem, seed and iterations."""
    problem = random_county(5, **KINDS[kind])
    first, again = (solve(problem, MaxIterations(3000), seed=7) for _ in range(2))
    assert first.solution == again.solution
    other = solve(problem, MaxIterations(3000), seed=8)
    assert other.cost == pytest.approx(first.cost, rel=0.05)


def test_a_start_plan_is_never_made_worse() -> None:
    """Planning on from a plan gives one at least as good."""
    problem = random_county(3, **KINDS["day"])
    first = solve(problem, MaxIterations(2000), seed=1)
    second = solve(problem, MaxIterations(100), seed=2, initial=first.solution)
    approved(problem, second)
    assert (second.missing, second.cost) <= (first.missing, first.cost)


def test_the_time_limit_is_kept() -> None:
    """A dispatcher who gives one second waits one second."""
    problem = random_county(3)
    solve(problem, MaxIterations(1))
    began = time.perf_counter()
    result = solve(problem, MaxRuntime(1.0))
    took = time.perf_counter() - began
    assert took <= 1.0 * 1.02 + 0.3
    assert result.iterations > 1000


@pytest.mark.parametrize("stops", [0, 1])
@pytest.mark.parametrize("fleet", [False, True])
def test_tiny_problems(stops: int, fleet: bool) -> None:
    """No stops and one stop are problems too, also for a mixed fleet."""
    problem = random_county(1, stops=stops, fleet=fleet)
    result = solve(problem, MaxIterations(50))
    approved(problem, result)
    assert len(result.solution.routes) == stops


def test_one_big_van_beats_many_small_ones() -> None:
    """Where a truck carries a whole county at the price of a tricycle a kilometre, the truck goes."""
    draw = np.random.default_rng(6)
    points = draw.integers(0, 1000, (41, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    builder = ProblemBuilder(("count",)).profile("van", far).depot("centre", 0)
    for name, room, fixed in (("trike", 4, 10), ("van", 15, 30), ("truck", 60, 60)):
        builder.vehicle_type(name, count=40, capacity=room, cost_per_m=1, fixed_cost=fixed)
    for place in range(1, 41):
        builder.task(f"stop {place}", place, delivery=1)
    problem = builder.build()
    result = solve(problem, MaxIterations(3000), seed=1)
    approved(problem, result)
    assert [problem.vehicle_types[problem.type_of_vehicle[r.vehicle]].id for r in result.solution.routes] == ["truck"]


def test_a_day_without_vehicles() -> None:
    """When no van is there, every stop is left out and nothing breaks."""
    builder = ProblemBuilder().profile("van", [[0, 1], [1, 0]]).depot("centre", 0)
    problem = builder.vehicle_type("van", count=0).task("a", 1).task("b", 1, required=False, prize=5).build()
    result = solve(problem, MaxIterations(10))
    approved(problem, result)
    assert result.missing == 1
    assert result.cost == 5


def test_everything_at_one_place() -> None:
    """A whole day in one building costs nothing to drive."""
    zero = np.zeros((6, 6), dtype=np.int32)
    builder = ProblemBuilder(("count",)).profile("van", zero, zero).depot("centre", 0)
    builder.vehicle_type("van", count=3, capacity=2, cost_per_m=1)
    for place in range(1, 6):
        builder.task(f"stop {place}", place, delivery=1)
    problem = builder.build()
    result = solve(problem, MaxIterations(200))
    approved(problem, result)
    assert result.cost == 0
    assert result.complete


def test_what_cannot_be_served_is_left_and_named() -> None:
    """A wardrobe that fits no van, and a window no van can meet, do not spoil the rest of the day."""
    legs = [[0, 100, 100, 100], [100, 0, 100, 100], [100, 100, 0, 100], [100, 100, 100, 0]]
    builder = ProblemBuilder(("count",)).profile("van", legs, legs).depot("centre", 0)
    builder.vehicle_type("van", count=1, capacity=2, cost_per_m=1)
    builder.task("wardrobe", 1, delivery=9).task("dawn", 2, windows=[(0, 50)]).task("letter", 3, delivery=1)
    problem = builder.build()
    result = solve(problem, MaxIterations(200))
    approved(problem, result)
    assert result.solution.unassigned == (0, 1)
    assert result.missing == 2


def test_a_one_way_street_is_respected() -> None:
    """Where only one order of two stops has roads, that order is driven."""
    legs = np.array([[0, 5, 9], [5, 0, 5], [9, UNREACHABLE, 0]])
    builder = ProblemBuilder().profile("van", legs, legs).depot("centre", 0).vehicle_type("van", cost_per_m=1)
    problem = builder.task("a", 1).task("b", 2).build()
    result = solve(problem, MaxIterations(200))
    approved(problem, result)
    assert result.solution.routes[0].tasks == (0, 1)
