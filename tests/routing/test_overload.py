"""Vehicles that may be overloaded for a price while plans are searched (``kernels/overload.py``)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from routing import ProblemBuilder, solve
from routing.checker import check
from routing.costs import route_cost
from routing.problem import Problem
from routing.search import annealing, patches
from routing.search.annealing import Annealing
from routing.search.answers import split_cost, to_solution
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.search.running import RunState, SearchParams
from routing.search.state import best_orders, keep_present
from routing.stop import MaxIterations

LEFT_OUT = 10_000
"""Price of a task without a route, so that plans with and without can be added up."""


def crowded(seed: int, tasks: int = 30, spare: float = 1.04, windows: bool = False) -> Problem:
    """Make a problem whose few vehicles are nearly full: amounts of 10 to 60 and hardly any room to spare."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (tasks + 1, 2)).astype(np.float64)
    amounts = draw.integers(10, 61, (tasks, 2))
    vehicles = max(2, tasks // 5)
    builder = ProblemBuilder(("load", "room")).plane_profile("plane", points).depot("depot", 0)
    room = [int(np.ceil(spare * amounts[:, d].sum() / vehicles)) for d in (0, 1)]
    builder.vehicle_type("van", count=vehicles + 2, capacity=room, cost_per_m=1, fixed_cost=400)
    for task in range(1, tasks + 1):
        more: dict[str, Any] = {"windows": [(0, 20_000)]} if windows and task % 2 else {}
        builder.task(str(task), task, delivery=[int(x) for x in amounts[task - 1]], **more)
    return builder.build()


def excess(problem: Problem, routes: list[list[int]]) -> Any:
    """Return what each route carries beyond its room, shape (routes, dimensions)."""
    amounts = np.array([task.delivery for task in problem.tasks])
    room = np.array(problem.vehicle_types[0].capacity)
    return np.array([np.maximum(0, amounts[tasks].sum(axis=0) - room) for tasks in routes])


def begin(problem: Problem, iterations: int, seed: int = 1) -> Annealing:
    """Begin a search with its first plan made."""
    model = compile_problem(problem, None)
    stop = MaxIterations(iterations)
    search = Annealing(model, stop, RunState(time.perf_counter(), time.thread_time()), seed, SearchParams())
    search.begin(None, stop)
    search.let_overload()
    return search


@pytest.mark.parametrize("windows", [False, True])
def test_the_present_price_is_the_plans_and_its_tolls(windows: bool) -> None:
    """Whenever a search pauses, what it counts is the cost of its present plan and the tolls for its overload."""
    problem = crowded(1, windows=windows)
    search = begin(problem, 40_000)
    model, overloaded = search.model, 0
    for share in np.linspace(0.05, 1.0, 20):
        search.go_on(float(share))
        state = search.state
        used = state.used_list[: int(state.info[a.NROUTES])]
        routes = [list(state.seq[r, 1 : state.rint[r, a.LEN] + 1]) for r in used]
        over = excess(problem, routes)
        assert int(state.info[a.OVERLOADED]) == int((over.max(axis=1) > 0).sum())
        overloaded += bool(over.any())
        tolls = int(np.trunc(over * state.toll[0]).sum())
        assert int(state.info[a.NABSENT]) == 0
        assert not excess(problem, [tasks for _, tasks in best_orders(state)]).any(), "the best plan fits"
        seen = a.State(*(field.copy() for field in state))
        keep_present(seen)
        cost = sum(route_cost(problem, route) for route in to_solution(model, seen).routes)
        assert int(state.info[a.CUR]) * model.scale == cost + tolls * model.scale
    assert overloaded, "nothing of this was tried"


def test_overload_has_no_price_while_a_required_task_is_missing() -> None:
    """A vehicle too few: what fits nowhere is left out, and no vehicle is overloaded with it for good."""
    builder = ProblemBuilder(("load",)).plane_profile("plane", [(0, 0), (5, 0), (0, 5), (5, 5)]).depot("depot", 0)
    builder.vehicle_type("van", count=1, capacity=20, cost_per_m=1)
    for task in (1, 2, 3):
        builder.task(str(task), task, delivery=10)
    search = begin(builder.build(), 2_000)
    search.go_on(1.0)
    assert not search.state.toll.any()
    assert split_cost(search.model, search.state)[0] == 1


def test_tolls_follow_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where room is plenty tolls fall; where plans hardly ever fit they rise."""
    roomy = begin(crowded(2, spare=10.0), 60_000)
    roomy.go_on(1.0)
    assert roomy.state.toll[0, 0] < roomy.state.toll[1, 0] / 10
    monkeypatch.setattr(annealing, "TOLL", 1e-4)
    cheap = begin(crowded(2), 60_000)
    assert cheap.state.toll[0, 0] > 0
    cheap.go_on(1.0)
    assert cheap.state.toll[0, 0] > 5 * cheap.state.toll[1, 0]


def full(seed: int, tasks: int = 100, vehicles: int = 4, spare: float = 1.001) -> Problem:
    """Scatter tasks for a few long routes that fill their vehicles to the last unit."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (tasks + 1, 2)).astype(np.float64)
    amounts = draw.integers(10, 61, tasks)
    room = int(np.ceil(spare * amounts.sum() / vehicles))
    builder = ProblemBuilder(("load",)).plane_profile("plane", points).depot("depot", 0)
    builder.vehicle_type("van", count=vehicles, capacity=[room], cost_per_m=1)
    for task in range(1, tasks + 1):
        builder.task(str(task), task, delivery=[int(amounts[task - 1])])
    return builder.build()


def test_full_vehicles_are_packed_anew() -> None:
    """From the same first plans, searches that may overload vehicles end cheaper where hardly any room is left.

    Most of these plans come out the same and some the worse for it, so it takes many to tell.
    """
    costs = {0.0: 0, annealing.TOLL: 0}
    for seed in range(120):
        problem = full(seed)
        for toll in costs:
            search = begin(problem, 30_000, seed)
            search.state.toll[:] *= toll / annealing.TOLL
            search.go_on(1.0)
            missing, cost = split_cost(search.model, search.state)
            costs[toll] += cost + missing * LEFT_OUT
    assert costs[annealing.TOLL] < costs[0.0]


def test_patches_of_a_crowded_plan_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan improved patch by patch with overloaded vehicles in between fits in the end and costs what it says."""
    problem = crowded(3, tasks=200)
    monkeypatch.setattr(patches, "FIRST", 200)
    result = solve(problem, MaxIterations(200_000), seed=1)
    assert result.stats["patches"] > 0
    report = check(problem, result.solution)
    assert report.feasible
    assert report.complete
    assert report.cost.total == result.cost


def loaded(*amounts: int, room: int = 100, required: bool = True, windows: bool = False) -> Problem:
    """Make stops with these amounts, in a row."""
    points = np.array([(place, 0) for place in range(len(amounts) + 1)], dtype=np.float64)
    builder = ProblemBuilder(("load",)).plane_profile("plane", points).depot("depot", 0)
    builder.vehicle_type("van", count=9, capacity=room, cost_per_m=1)
    hours: dict[str, Any] = {"windows": [(0, 20_000)]} if windows else {}
    for task, amount in enumerate(amounts, start=1):
        builder.task(str(task), task, delivery=amount, required=required, prize=5, **hours)
    return builder.build()


@pytest.mark.parametrize(
    ("problem", "tight"),
    [
        pytest.param(loaded(*[4, 6] * 20), True, id="forty small stops fill two vans"),
        pytest.param(loaded(*[4, 6] * 19), False, id="a twentieth of the room is empty"),
        pytest.param(loaded(*[5] * 40), False, id="all stops are of one size"),
        pytest.param(loaded(*[9, 11] * 10), False, id="ten stops fill a van"),
        pytest.param(loaded(*[4, 6] * 17, 30), False, id="one stop takes nearly a third of a van"),
        pytest.param(loaded(*[4, 6] * 20, required=False), False, id="stops may be left out"),
        pytest.param(loaded(*[4, 6] * 20, windows=True), False, id="time binds as well"),
        pytest.param(loaded(*[0] * 40), False, id="nothing is carried"),
    ],
)
def test_whole_plans_have_tolls_where_long_routes_are_nearly_full(
    problem: Problem, tight: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only such problems are searched with overloaded vehicles from the beginning; the plan fits in the end."""
    assert annealing.is_tight(compile_problem(problem, None)) == tight
    let: list[bool] = []
    monkeypatch.setattr(Annealing, "let_overload", lambda search: let.append(True))
    solve(problem, MaxIterations(3_000), seed=1)
    assert bool(let) == tight
    monkeypatch.undo()
    for budget in (3_000, 300_000):
        result = solve(problem, MaxIterations(budget), seed=1)
        report = check(problem, result.solution)
        assert report.feasible
        assert report.cost.total == result.cost
        assert report.complete == (not result.missing)
        assert not result.missing
