"""Which vehicles a plan has: from a plan with many small ones the search finds the way to few large ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from routing import ALWAYS, Problem, ProblemBuilder, Route, Solution, Trip, solve
from routing.checker import check
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.stop import MaxIterations

STOPS, SMALL, LARGE = 28, 2, 7
Windows = tuple[tuple[int, int], ...]
EVERYTHING: dict[str, Any] = {"max_duration_s": 20_000, "max_tasks": 9, "cost_per_s": 1}


def far_village(seed: int, windows: Windows, vehicle: dict[str, Any]) -> Problem:
    """Make stops side by side and far from the depot, where a large vehicle costs less for each stop."""
    draw = np.random.default_rng(seed)
    points = np.vstack([[0, 0], draw.integers(9_000, 10_000, (STOPS, 2))])
    far_m = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    builder = ProblemBuilder(("count",)).profile("road", far_m, far_m * 0.05).depot("centre", 0)
    builder.vehicle_type("small", count=STOPS // SMALL, capacity=SMALL, cost_per_m=60, **vehicle)
    builder.vehicle_type("large", count=STOPS // LARGE, capacity=LARGE, cost_per_m=150, **vehicle)
    for stop in range(1, STOPS + 1):
        builder.task(str(stop), stop, delivery=1, service_s=10, windows=windows)
    return builder.build()


def small_vehicles_only() -> Solution:
    """Plan two stops for each small vehicle, as they come."""
    vehicles = range(STOPS // SMALL)
    return Solution(tuple(Route(v, (Trip(tuple(range(SMALL * v, SMALL * v + SMALL)), 0),)) for v in vehicles))


@pytest.mark.parametrize(
    ("windows", "vehicle", "variant"),
    [
        (ALWAYS, {}, "het"),
        (((0, 12_000),), {}, "tw_het"),
        (((0, 12_000),), EVERYTHING, "tw_dur_het_mixed_limits"),
        (((0, 600), (700, 12_000)), EVERYTHING, "tw_dur_het_mixed_limits_pair_rich"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_many_small_vehicles_give_way_to_few_large_ones(
    seed: int, windows: Windows, vehicle: dict[str, Any], variant: str
) -> None:
    """All small routes are full, so no stop can go to another: several routes must be given up at once."""
    problem = far_village(seed, windows, vehicle)
    assert compile_problem(problem).flags.name == variant
    before = small_vehicles_only()
    after = solve(problem, MaxIterations(10_000), seed=1, initial=before)
    report = check(problem, after.solution)
    assert report.feasible
    assert report.complete
    assert len(after.solution.routes) == STOPS // LARGE
    assert report.cost.total < 0.8 * check(problem, before).cost.total


def test_depots_are_no_choice_of_room() -> None:
    """Vehicles that differ in where they start are not tried in turn for new routes: the nearest is the cheapest."""
    builder = ProblemBuilder(("count",)).plane_profile("plane", np.array([[0, 0], [0, 90], [0, 30], [0, 60]]))
    builder.depot("south", 0).depot("north", 1)
    for depot in ("south", "north"):
        builder.vehicle_type(depot, count=2, capacity=2, cost_per_m=1, start_depot=depot)
    builder.task("1", 2, delivery=1).task("2", 3, delivery=1)
    assert compile_problem(builder.build()).data.rules[a.ROOMS] == 0
    assert compile_problem(far_village(1, ALWAYS, {})).data.rules[a.ROOMS] == 1
