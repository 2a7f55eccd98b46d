"""Now and then a patch is to do with one vehicle less, where the others have room for what it carries."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, Solution, solve
from routing.checker import check
from routing.search import closings, patches
from routing.search.annealing import Annealing
from routing.search.closings import SHARE, Closings
from routing.search.kernels import arrays
from routing.search.model import compile_problem
from routing.search.patches import Patches, by_nearness
from routing.search.pieces import Piece, pieces_of_plan, views
from routing.search.running import RunState, SearchParams
from routing.search.workers import Workers, WorkerState
from routing.stop import MaxIterations


def row(vans: int = 9, capacity: int = 10, amount: int = 1, **more: Any) -> Problem:
    """Give 24 stops in a row, one every 10 metres, far from the depot."""
    points = [(0, 0), *((1000 + 10 * place, 0) for place in range(24))]
    builder = ProblemBuilder(("count",)).plane_profile("van", np.array(points)).depot("centre", 0)
    builder.vehicle_type("van", count=vans, capacity=capacity, cost_per_m=1, **more.pop("van", {}))
    for place in range(1, 25):
        builder.task(f"stop {place}", place, delivery=amount, **more)
    return builder.build()


def in_routes_of(problem: Problem, size: int) -> Solution:
    """Serve the stops in order, so many on each route."""
    count = problem.task_count
    return Solution.from_orders(problem, [tuple(range(at, min(count, at + size))) for at in range(0, count, size)])


def chosen_by(problem: Problem, plan: Solution, least: int, middles: tuple[int, ...] = (0,)) -> list[Piece]:
    """Return the pieces a closing is tried with."""
    pieces = pieces_of_plan(problem, plan)
    points = views(problem)[[task.location for task in problem.tasks]]
    orders = [by_nearness(pieces, points, middle) for middle in middles]
    return [pieces[i] for i in sorted(Closings(problem, least).choose(pieces, orders))]


def test_a_patch_grows_until_the_others_have_room() -> None:
    """Three vans of ten with eight stops each carry more than two can; of vans with six stops three do, two do not."""
    problem = row()
    assert chosen_by(problem, in_routes_of(problem, 8), least=8) == []
    near = chosen_by(problem, in_routes_of(problem, 6), least=6)
    assert [piece.tasks for piece in near] == [tuple(range(at, at + 6)) for at in (0, 6, 12)]
    assert len(chosen_by(problem, in_routes_of(problem, 6), least=20)) == 4


def test_the_smallest_of_several_patches_is_tried() -> None:
    """In the west routes are full, in the east half empty: of a place in each the eastern one is taken."""
    problem = row()
    orders = [tuple(range(10)), (10, 11, 12, 13, 14), (15, 16, 17, 18, 19), (20, 21, 22, 23)]
    tried = chosen_by(problem, Solution.from_orders(problem, orders), least=5, middles=(0, 22))
    assert {task for piece in tried for task in piece.tasks} == set(range(15, 24))


def test_what_collects_counts_as_well() -> None:
    """A van needs room for all it collects on its way, so full vans of collections are as full as others."""
    points = [(0, 0), *((1000 + 10 * place, 0) for place in range(12))]
    builder = ProblemBuilder(("count",)).plane_profile("van", np.array(points)).depot("centre", 0)
    builder.vehicle_type("van", count=6, capacity=4, cost_per_m=1)
    for place in range(1, 13):
        builder.task(f"stop {place}", place, pickup=1)
    problem = builder.build()
    assert chosen_by(problem, in_routes_of(problem, 4), least=4) == []
    assert len(chosen_by(problem, in_routes_of(problem, 2), least=4)) == 2


def test_a_required_task_without_a_route_needs_room_too() -> None:
    """Two vans of ten carry four each; if sixteen more are waiting none can be spared, if these may stay one can."""
    problem = row()
    plan = Solution.from_orders(problem, [(0, 1, 2, 3), (4, 5, 6, 7)])
    assert len(pieces_of_plan(problem, plan)) == 18
    assert chosen_by(problem, plan, least=24) == []
    free = row(required=False, prize=5)
    assert len(chosen_by(free, Solution.from_orders(free, [(0, 1, 2, 3), (4, 5, 6, 7)]), least=1)) == 18


def test_no_patch_is_larger_than_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only a very large patch has the room, none is tried."""
    problem = row()
    plan = in_routes_of(problem, 6)
    assert chosen_by(problem, plan, least=6) != []
    monkeypatch.setattr(closings, "LARGEST", 17)
    assert chosen_by(problem, plan, least=6) == []


def test_the_emptiest_route_is_the_one_without_vehicle() -> None:
    """Its tasks wait one by one, nothing is lost, and its vehicle is not among those left."""
    problem = row()
    plan = Solution.from_orders(problem, [tuple(range(10)), tuple(range(10, 20)), (20, 21, 22, 23)])
    pieces = pieces_of_plan(problem, plan)
    begins, fleet = Closings(problem, 5).without_one(pieces)
    assert [piece.tasks for piece in begins] == [tuple(range(10)), tuple(range(10, 20)), (20,), (21,), (22,), (23,)]
    assert fleet == [piece.route.vehicle for piece in pieces[:2] if piece.route is not None]


def test_failures_make_tries_rarer_and_success_brings_the_next_at_once() -> None:
    """A quarter of the work at first, half as much after each failure; after a success at once."""
    tries = Closings(row(), least=20)
    assert not tries.due(20 / SHARE - 1)
    assert tries.due(20 / SHARE)
    tries.note(30, success=False)
    assert not tries.due(50 / SHARE)
    assert tries.due(100 / SHARE)
    tries.note(30, success=True)
    assert tries.due(0)
    tries.note(30, success=False)
    assert not tries.due(110 / SHARE)
    assert (tries.tried, tries.closed) == (3, 1)


def test_where_room_differs_or_vehicles_come_back_for_more_nothing_is_closed() -> None:
    """Which vehicle to do without is then another question; kinds that differ in something else do not matter."""
    assert Closings(row(), 1).due(1_000)
    assert not Closings(row(van={"reload_depots": ("centre",), "max_trips": 2}), 1).due(1_000)
    for room in (4, 2):
        points = np.array([(0, 0), (0, 10)])
        builder = ProblemBuilder(("count",)).plane_profile("van", points).depot("centre", 0)
        builder.vehicle_type("van", count=1, capacity=4, cost_per_m=1)
        builder.vehicle_type("other", count=1, capacity=room, cost_per_m=2)
        assert Closings(builder.task("stop", 1, delivery=1).build(), 1).due(1_000) == (room == 4)


def test_waiting_tasks_may_overload_a_vehicle() -> None:
    """Tolls are set although required tasks have no route only where it is known that there is room for all."""
    problem = row(vans=1, capacity=12)
    for waiting in (False, True):
        model, stop = compile_problem(problem, None), MaxIterations(100)
        search = Annealing(model, stop, RunState(time.perf_counter(), 0.0), 1, SearchParams())
        search.begin(None, stop)
        assert int(search.state.info[arrays.NABSENT]) == 12
        search.let_overload(waiting)
        assert bool(search.state.toll[0].any()) == waiting


def tight(seed: int, windows: bool = False, required: bool = True) -> tuple[Problem, Solution]:
    """Give a plan with a route more than it takes: 40 stops of 2 to 9 pieces, each vehicle dear and a fifth empty."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 300, (41, 2)).astype(np.float64)
    amounts = draw.integers(2, 10, 40)
    builder = ProblemBuilder(("count",)).plane_profile("van", points, seconds_per_unit=0.5).depot("centre", 0)
    builder.vehicle_type("van", count=12, capacity=int(amounts.sum() * 1.03 / 4) + 1, cost_per_m=1, fixed_cost=2000)
    for place in range(1, 41):
        hours = {"windows": [(0, 40_000)]} if windows else {}
        builder.task(str(place), place, delivery=int(amounts[place - 1]), required=required, prize=900, **hours)
    problem = builder.build()
    return problem, Solution.from_orders(problem, [tuple(range(at, at + 8)) for at in range(0, 40, 8)])


@pytest.mark.parametrize(("windows", "required"), [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_route_too_many_is_closed(
    windows: bool, required: bool, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From five vans, each a fifth empty, patches come to four, a plan without a fault, and say that one was closed."""
    monkeypatch.setattr(patches, "SIZE", 20)
    monkeypatch.setattr(patches, "PER_TASK", 100)
    monkeypatch.setattr(closings, "SHARE", 1e6)  # the first patch already
    closed = 0
    for seed in range(3):
        problem, plan = tight(seed, windows, required)
        start = solve(problem, MaxIterations(1), initial=plan)
        assert len(start.solution.routes) == 5
        workers = Workers([WorkerState(4_000) for _ in range(threads)], time.perf_counter())
        result = Patches(problem, start, MaxIterations(40_000), workers, None, SearchParams()).run()
        report = check(problem, result.solution)
        assert report.feasible, report.violations
        assert report.complete
        assert report.cost.total == result.cost <= start.cost
        served = [task for route in result.solution.routes for task in route.tasks]
        assert sorted([*served, *result.solution.unassigned]) == list(range(40))
        assert result.stats["closings"] > 0
        closed += result.stats["routes_closed"]
        if result.stats["routes_closed"]:
            assert len(result.solution.routes) < 5
    assert closed > 0


@pytest.mark.parametrize("windows", [False, True])
def test_without_any_loads_routes_are_closed_as_well(windows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing limits what a vehicle carries there is always room for all; the plan is clean all the same."""
    monkeypatch.setattr(patches, "FIRST", 100)
    monkeypatch.setattr(patches, "PER_TASK", 40)
    points = np.random.default_rng(1).integers(0, 500, (181, 2)).astype(np.float64)
    builder = ProblemBuilder(()).plane_profile("van", points, seconds_per_unit=0.5).depot("depot", 0)
    builder.vehicle_type("van", count=20, cost_per_m=1)
    hours: dict[str, Any] = {"windows": [(0, 900)]} if windows else {}
    for place in range(1, 181):
        builder.task(str(place), place, service_s=20 if windows else 0, **hours)
    problem = builder.build()
    assert closings.least_vehicles(problem) == 0
    result = solve(problem, MaxIterations(100_000), seed=1)
    report = check(problem, result.solution)
    assert report.feasible
    assert report.cost.total == result.cost
    assert (result.stats["closings"] > 0) == (len(result.solution.routes) > 1)
