"""A drop-off that arrives after publishing goes into a route that passes anyway, and nobody re-sorts a van."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, Solution
from routing.checker import check
from routing.errors import InvalidPlanError
from routing.insertion import insert_tasks, places_for

PROJECT = Path(__file__).resolve().parents[2]


def published_day(stops: int = 300, vans: int = 10, new: int = 3) -> tuple[Problem, Solution]:
    """Give a day of vans with sorted stops, and a few new drop-offs that are on no route."""
    draw = np.random.default_rng(4)
    points = draw.integers(0, 20_000, (stops + new + 1, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    builder = ProblemBuilder(("count",)).profile("van", far, far / 12).depot("centre", 0, close_s=86_400)
    builder.vehicle_type("van", count=vans + 1, capacity=60, cost_per_m=18, cost_per_s=5, shift_end_s=80_000)
    for place in range(1, stops + 1):
        builder.task(f"stop {place}", place, delivery=1, service_s=60)
    for place in range(stops + 1, stops + new + 1):
        builder.task(f"drop-off {place}", place, pickup=1, service_s=60, windows=[(0, 70_000)])
    problem = builder.build()
    angle = np.arctan2(*(points[1 : stops + 1] - points[0]).T)
    orders = np.array_split(np.argsort(angle), vans)
    return problem, Solution.from_orders(problem, [order.tolist() for order in orders])


def test_new_stops_never_reorder_old_ones() -> None:
    """Three drop-offs find places; every van keeps its stops in their order."""
    problem, plan = published_day()
    outcome = insert_tasks(problem, plan, [300, 301, 302])
    assert not outcome.refused
    assert check(problem, outcome.solution).feasible
    for before, after in zip(plan.routes, outcome.solution.routes, strict=True):
        assert [task for task in after.tasks if task < 300] == list(before.tasks)
        assert after.start_s == before.start_s
    delta = check(problem, outcome.solution).cost.total - check(problem, plan).cost.total
    assert delta == sum(place.cost_delta for place in outcome.places)


def test_places_are_ranked_and_name_whom_they_delay() -> None:
    """The dispatcher sees the cheapest places first, with the stops that get later."""
    problem, plan = published_day()
    places = places_for(problem, plan, 300)
    assert len(places) == 5
    assert [place.cost_delta for place in places] == sorted(place.cost_delta for place in places)
    best = places[0]
    assert best.route.trips[0].tasks[best.position] == 300
    later = best.route.trips[0].tasks[best.position + 1 :]
    assert tuple(stop.task for stop in best.affected) == later
    assert all(stop.start_after_s > stop.start_before_s for stop in best.affected)


def test_nothing_is_put_before_what_is_done() -> None:
    """Stops a courier has behind her are not preceded by new ones."""
    problem, plan = published_day()
    done = {route.vehicle: len(route.tasks) for route in plan.routes}
    for place in places_for(problem, plan, 300, done=done):
        assert place.position == done[place.vehicle]


def test_a_spare_vehicle_is_used_when_nobody_has_room() -> None:
    """If every van is full, a van at the centre may go."""
    problem, plan = published_day(stops=20, vans=2, new=1)
    assert places_for(problem, plan, 20, done={0: 99, 1: 99}) == ()
    place = places_for(problem, plan, 20, done={0: 99, 1: 99}, spare_vehicles=[2])[0]
    assert place.vehicle == 2
    assert place.route.tasks == (20,)


def test_a_task_already_planned_is_refused() -> None:
    """Nobody drives to one stop twice."""
    problem, plan = published_day(stops=20, vans=2, new=1)
    with pytest.raises(InvalidPlanError, match="already"):
        places_for(problem, plan, 3)


def test_insertion_waits_for_no_search() -> None:
    """A place is found without loading a compiler: `benchmarks/quick.py` measures how soon (20 ms are wanted)."""
    code = (
        "import sys; sys.path.insert(0, 'tests/routing'); from test_insertion import places_for, published_day; "
        "problem, plan = published_day(); print(len(places_for(problem, plan, 300)), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "False"]
