"""After the first plan a search goes on patch by patch and keeps what got cheaper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, Solution, solve
from routing.checker import check
from routing.search import patches
from routing.search.pieces import Piece, pieces_of_plan, share_vehicles, views
from routing.solution import Result, Route
from routing.stop import MaxCpuTime, MaxIterations, NoImprovement

STOPS = 60


@pytest.fixture(autouse=True)
def small_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make sixty stops enough for several patches, and some thousand iterations for the first plan."""
    monkeypatch.setattr(patches, "SIZE", 15)
    monkeypatch.setattr(patches, "ROUTES", 2)
    monkeypatch.setattr(patches, "FIRST_OF_CHOICE", 20)
    monkeypatch.setattr(patches, "PER_TASK", 40)


def villages(windows: bool = False, fleet: int = STOPS) -> Problem:
    """Give stops in a square, every tenth optional, vans for ten of them and three trikes for four."""
    draw = np.random.default_rng(5)
    points = draw.integers(0, 1000, (STOPS + 1, 2))
    builder = ProblemBuilder(("count",)).plane_profile("van", points, seconds_per_unit=0.5).depot("centre", 0)
    builder.vehicle_type("van", count=fleet, capacity=10, cost_per_m=1, fixed_cost=50)
    builder.vehicle_type("trike", count=3, capacity=4, cost_per_m=1, shift_end_s=3000)
    for place in range(1, STOPS + 1):
        opens = int(draw.integers(0, 2000))
        hours = {"windows": [(opens, opens + 1500)]} if windows else {}
        builder.task(f"stop {place}", place, delivery=1, required=place % 10 > 0, prize=150, **hours)
    return builder.build()


def approved(problem: Problem, result: Result) -> None:
    """Demand a clean plan at the price the result names, with everything on it that must be."""
    report = check(problem, result.solution)
    assert report.feasible, report.violations
    assert report.complete == result.complete
    assert report.cost.total == result.cost
    served = [task for route in result.solution.routes for task in route.tasks]
    assert sorted([*served, *result.solution.unassigned]) == list(range(problem.task_count))
    vehicles = [route.vehicle for route in result.solution.routes]
    assert len(set(vehicles)) == len(vehicles)


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("fleet", [STOPS, 5])
def test_patches_only_make_a_plan_cheaper(windows: bool, fleet: int) -> None:
    """What patches find is clean, priced right and no dearer than the plan they began with; some of it is better."""
    problem = villages(windows, fleet)
    better = 0
    for seed in range(4):
        result = solve(problem, MaxIterations(12_000), seed=seed)
        approved(problem, result)
        assert result.stats["patches"] > 5
        assert result.iterations == 12_000
        costs = [(missing, cost) for _, _, missing, cost in result.history]
        tail = costs[len(costs) - result.stats["patches_better"] :]
        assert tail == sorted(tail, reverse=True)
        assert not tail or tail[-1] == (result.missing, result.cost)
        better += result.stats["patches_better"]
    assert better > 0


def test_patches_come_out_the_same_twice() -> None:
    """The same problem, seed and iterations make the same plan."""
    first, second = (solve(villages(), MaxIterations(9_000), seed=3) for _ in range(2))
    assert first.solution == second.solution
    assert first.stats["patches"] == second.stats["patches"]


def test_two_threads_anneal_patches_that_share_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """With threads several patches are annealed at once; the plan is clean and the same every time."""
    monkeypatch.setattr("routing.search.parts.LEAST_SHARE", 10)
    problem = villages()
    first, second = (solve(problem, MaxIterations(8_000), seed=2, threads=2) for _ in range(2))
    approved(problem, first)
    assert first.stats["patches"] > 5
    assert first.solution == second.solution


def test_a_start_plan_does_not_get_worse() -> None:
    """What is brought along counts as the first plan when nothing better is found."""
    problem = villages()
    good = solve(problem, MaxIterations(40_000), seed=1)
    again = solve(problem, MaxIterations(6_000), seed=9, initial=good.solution)
    approved(problem, again)
    assert again.cost <= good.cost


@pytest.mark.parametrize("stop", [NoImprovement(8_000), MaxCpuTime(0.5)])
def test_patches_end_with_every_rule(stop: NoImprovement | MaxCpuTime) -> None:
    """A rule that waits for improvement ends, and so does one that looks at the clock."""
    problem = villages()
    approved(problem, solve(problem, stop, seed=1))


def test_progress_never_goes_back() -> None:
    """A listener is told of one piece of work, from its beginning to its end."""
    told: list[int] = []
    solve(villages(), MaxIterations(9_000), seed=1, progress=lambda stage, done, total=None, note="": told.append(done))
    assert told == sorted(told)
    assert told[-1] >= 990


def test_how_long_the_first_plan_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the iterations a task is worth: fewer where tasks for many vehicles have hours, or where some may stay.

    All of the budget if that left too little for patches, a fifth at least.
    """
    monkeypatch.setattr(patches, "FIRST_OF_CHOICE", 3_000)

    def problem(stops: int, optional: bool = False, **more: list[tuple[int, int]]) -> Problem:
        points = np.arange(2 * stops + 2, dtype=np.float64).reshape(-1, 2)
        builder = ProblemBuilder(("count",)).plane_profile("van", points).depot("centre", 0)
        builder.vehicle_type("van", count=stops, capacity=10, cost_per_m=1)
        for place in range(1, stops + 1):
            builder.task(str(place), place, delivery=1, required=not optional, prize=1, **more)
        return builder.build()

    hours = {"windows": [(0, 9_000)]}
    for stops, more, wanted in ((400, hours, 10_000), (401, hours, 5_000), (401, {}, 10_000)):
        share = patches.first_share(problem(stops, **more), MaxIterations(25_000 * stops), threads=1)
        assert share == pytest.approx(wanted / 25_000)
    van = problem(401).vehicle_types[0]
    mixed = replace(problem(401, **hours), vehicle_types=(van, replace(van, id="other")))
    assert patches.first_share(mixed, MaxIterations(25_000 * 401), threads=1) == pytest.approx(0.4)
    many = problem(600, optional=True, **hours)
    assert patches.first_share(many, MaxIterations(6_000 * 600), threads=1) == pytest.approx(0.5)
    assert patches.first_share(many, MaxIterations(6_000 * 600), threads=2) == pytest.approx(0.25)
    assert patches.first_share(many, MaxIterations(4_000 * 600), threads=1) == 1.0
    assert patches.first_share(many, MaxIterations(30_000 * 600), threads=1) == 0.2
    tiny, small = problem(patches.SIZE // 2), problem(patches.SIZE // 2 + 1)
    assert patches.first_share(tiny, MaxIterations(25_000 * 600), threads=1) == 1.0
    assert patches.first_share(small, MaxIterations(25_000 * small.task_count), threads=1) == pytest.approx(0.4)


def test_a_patch_is_of_near_routes() -> None:
    """Of three routes to the east and three to the west, the patch of an eastern stop holds the eastern ones."""
    points = [(0, 0), *((1000 + 10 * i, i) for i in range(9)), *((-1000 - 10 * i, i) for i in range(9))]
    builder = ProblemBuilder(("count",)).plane_profile("van", np.array(points)).depot("centre", 0)
    builder.vehicle_type("van", count=6, capacity=3, cost_per_m=1)
    for place in range(1, 19):
        builder.task(f"stop {place}", place, delivery=1)
    problem = builder.build()
    plan = Solution.from_orders(problem, [tuple(range(first, first + 3)) for first in range(0, 18, 3)])
    pieces = pieces_of_plan(problem, plan)
    where = views(problem)[[task.location for task in problem.tasks]]
    chosen = patches.near_pieces(pieces, where, middle=4, size=9)
    assert {task for i in chosen for task in pieces[i].tasks} == set(range(9))


def test_vehicles_of_the_rest_stay_with_the_rest() -> None:
    """A patch may use its own vehicles and idle ones, never one that drives elsewhere."""
    problem = villages(fleet=6)
    routes = [Route(vehicle, ()) for vehicle in range(4)]
    own, rest = [Piece((0,), routes[0])], [Piece((at,), routes[at]) for at in (1, 2, 3)]
    (fleet,) = share_vehicles(problem, [own], rest)
    assert set(fleet) == {0, 4, 5, 6, 7, 8}
