"""Problems too large for one search are planned part by part, without a matrix of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, solve
from routing.checker import check
from routing.errors import InvalidPlanError, MatrixShapeError, MatrixValueError
from routing.plane_legs import PlaneLegs
from routing.search import parts, patches
from routing.search import whole as in_one_piece
from routing.search.annealing import Annealing
from routing.search.answers import split_cost
from routing.search.running import SearchParams
from routing.search.savings import savings_plan
from routing.solution import Result, Route, Solution, Trip
from routing.stop import MaxIterations

SMALL_PARTS = SearchParams(most_in_one=30, part=20)
"""Makes sixty stops a large problem, of parts of about twenty."""


def plain_of_villages(stops: int = 60, **vehicle: int) -> ProblemBuilder:
    """Give stops in a square with one parcel each, some optional, and vans for ten of them."""
    points = np.random.default_rng(3).integers(0, 1000, (stops + 1, 2))
    builder = ProblemBuilder(("count",)).plane_profile("van", points, seconds_per_unit=0.5).depot("centre", 0)
    builder.vehicle_type("van", count=stops, capacity=10, cost_per_m=1, **vehicle)
    builder.vehicle_type("trike", count=3, capacity=4, cost_per_m=1, shift_end_s=3000)
    for place in range(1, stops + 1):
        builder.task(f"stop {place}", place, delivery=1, required=place % 10 > 0, prize=200)
    return builder


def approved(problem: Problem, result: Result) -> None:
    """Demand a clean, complete plan at the price the result names."""
    report = check(problem, result.solution)
    assert report.feasible, report.violations
    assert report.complete
    assert report.cost.total == result.cost


@pytest.mark.parametrize("threads", [1, 2])
def test_a_plan_made_of_parts_stands_before_the_checker(threads: int) -> None:
    """Every stop is on one route or left out at its price, no vehicle drives twice, and the cost is right."""
    problem = plain_of_villages(fixed_cost=40).build()
    result = solve(problem, MaxIterations(2000), seed=1, threads=threads, params=SMALL_PARTS)
    approved(problem, result)
    assert result.stats["parts"] > 1


def test_parts_come_out_the_same_twice() -> None:
    """The same problem, seed, threads and iterations make the same plan in parts too."""
    problem = plain_of_villages().build()
    first, second = (solve(problem, MaxIterations(1500), seed=5, threads=2, params=SMALL_PARTS) for _ in range(2))
    assert first.solution == second.solution
    assert first.iterations == second.iterations


def test_two_threads_work_on_one_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """With enough stops for each thread they share one plan, clean, complete and the same every time."""
    monkeypatch.setattr(parts, "LEAST_SHARE", 20)
    problem = plain_of_villages().build()
    first, second = (solve(problem, MaxIterations(1500), seed=5, threads=2) for _ in range(2))
    approved(problem, first)
    assert first.stats["parts"] == 2
    assert first.solution == second.solution


def test_two_threads_make_a_plan_each_where_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With iterations for patches after it each makes its first plan alone, the better counts, the same every time."""
    monkeypatch.setattr(parts, "LEAST_SHARE", 10)
    monkeypatch.setattr(patches, "SIZE", 20)
    monkeypatch.setattr(patches, "FIRST_OF_CHOICE", 100)
    problem = plain_of_villages().build()
    began = []
    together = in_one_piece.search_together

    def search_together(searches: list[Annealing], *more: Any) -> None:
        together(searches, *more)
        began.append(([split_cost(search.model, search.state)[1] for search in searches], more[-1]))

    monkeypatch.setattr(in_one_piece, "search_together", search_together)
    first, second = (solve(problem, MaxIterations(12_000), seed=5, threads=2) for _ in range(2))
    approved(problem, first)
    assert first.solution == second.solution
    assert first.stats["patches"] > 0
    (costs, meetings), again = began
    assert not meetings
    assert len(costs) == 2
    assert again == (costs, meetings)
    assert first.cost <= min(costs)


def test_how_first_plans_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts where large or hurried, by all threads alone where there is time, with meetings where small."""
    monkeypatch.setattr(patches, "FIRST_OF_CHOICE", 1_000)
    problem = plain_of_villages(stops=400).build()
    params = SearchParams()

    def way(per_task: int, threads: int, params: SearchParams = params) -> tuple[bool, tuple[float, ...], float]:
        return parts._first_way(problem, MaxIterations(per_task * 400), threads, params)

    own = patches.OF_EACH * 1_000
    assert way(2_000, 2) == (False, (), pytest.approx(own / 2_000))
    assert way(int(own / 0.59), 2) == (False, (), pytest.approx(0.59, rel=0.01))
    assert way(int(own / 0.61), 2) == (True, (), pytest.approx(0.61 / 2 / patches.OF_EACH, rel=0.01))
    assert way(100, 2) == (True, (), 1.0)
    assert way(2_000, 3) == (False, in_one_piece.MEETINGS, 0.5)
    assert way(2_000, 1) == (False, in_one_piece.MEETINGS, 0.5)
    assert way(2_000, 2, SearchParams(most_in_one=300)) == (True, (), 0.25)


def test_a_large_plain_problem_begins_with_savings() -> None:
    """Where room is the only rule the first plan joins near stops: every stop once, no van overloaded."""
    points = np.random.default_rng(4).integers(0, 1000, (81, 2))
    builder = ProblemBuilder(("count", "weight_g")).plane_profile("van", points).depot("centre", 0)
    builder.vehicle_type("van", count=80, capacity=(10, 60), cost_per_m=1)
    for place in range(1, 81):
        builder.task(f"stop {place}", place, delivery=(1, place % 9))
    problem = builder.build()
    plan = savings_plan(problem, parts.views(problem))
    report = check(problem, plan)
    assert report.feasible, report.violations
    assert report.complete
    alone = sum(2 * problem.profiles[0].distance_m.item(0, place) for place in range(1, 81))
    assert report.cost.total < 0.5 * alone
    result = solve(problem, MaxIterations(400), seed=1, params=SMALL_PARTS)
    approved(problem, result)
    assert result.cost <= report.cost.total


def test_savings_leave_out_what_no_van_takes() -> None:
    """A parcel too heavy for any van, and stops beyond the number of vans, stay for the search to name."""
    points = np.random.default_rng(4).integers(0, 1000, (7, 2))
    builder = ProblemBuilder(("count",)).plane_profile("van", points).depot("centre", 0)
    builder.vehicle_type("van", count=1, capacity=3, cost_per_m=1)
    for place in range(1, 7):
        builder.task(f"stop {place}", place, delivery=5 if place == 1 else 1)
    problem = builder.build()
    plan = savings_plan(problem, parts.views(problem))
    assert len(plan.routes) == 1
    assert 0 not in plan.routes[0].tasks


def test_parts_never_make_a_start_plan_dearer() -> None:
    """Given yesterday's plan, the search in parts returns it or a cheaper one."""
    problem = plain_of_villages().build()
    before = solve(problem, MaxIterations(500), seed=1, params=SMALL_PARTS)
    after = solve(problem, MaxIterations(500), seed=2, initial=before.solution, params=SMALL_PARTS)
    approved(problem, after)
    assert after.cost <= before.cost


def test_a_start_plan_of_another_problem_is_refused() -> None:
    """A start plan that names a stop the problem does not have is an error, not a crash."""
    problem = plain_of_villages().build()
    with pytest.raises(InvalidPlanError):
        solve(problem, MaxIterations(10), initial=Solution((Route(0, (Trip((999,), 0),)),)), params=SMALL_PARTS)


def test_parts_are_nearly_as_cheap_as_the_whole() -> None:
    """Cutting sixty stops into parts costs at most five per cent over searching all at once."""
    problem = plain_of_villages().build()
    cut = solve(problem, MaxIterations(8000), seed=1, params=SMALL_PARTS)
    whole = in_one_piece.solve(problem, MaxIterations(8000), seed=1)
    assert cut.cost <= 1.05 * whole.cost


def test_matrix_problems_are_cut_by_landmarks() -> None:
    """Without coordinates near places still get near points, from their distances to a few landmarks."""
    points = np.array([[0, 0], [1000, 0], [1001, 1], [0, 1000], [1, 1001]])
    far = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    builder = ProblemBuilder(("count",)).profile("van", far, far).depot("centre", 0)
    builder.vehicle_type("van", count=1, capacity=9, cost_per_m=1)
    for place in range(1, 5):
        builder.task(f"stop {place}", place, delivery=1)
    view = parts.views(builder.build())
    assert np.linalg.norm(view[1] - view[2]) < 5 < np.linalg.norm(view[1] - view[3])


def test_legs_of_a_plane_answer_like_their_matrix() -> None:
    """Single legs, blocks and bounds of computed legs are those of the full matrix."""
    points = np.random.default_rng(1).uniform(0, 100, (8, 2))
    legs = PlaneLegs(points, 3.0)
    full = np.asarray(legs)
    assert full.shape == legs.shape
    assert legs.item(2, 5) == full[2, 5]
    some = np.array([1, 4, 6])
    assert np.array_equal(legs[np.ix_(some, some)], full[np.ix_(some, some)])
    assert legs.min() <= full.min()
    assert full.max() <= legs.max()


def test_points_that_are_no_plane_are_refused() -> None:
    """Points with three numbers, without an end, or too far apart raise a named error."""
    with pytest.raises(MatrixShapeError):
        ProblemBuilder(("count",)).plane_profile("van", np.zeros((3, 3)))
    with pytest.raises(MatrixValueError):
        ProblemBuilder(("count",)).plane_profile("van", [[0.0, float("nan")]])
    with pytest.raises(MatrixValueError):
        ProblemBuilder(("count",)).plane_profile("van", [[0.0, 0.0], [2e9, 0.0]])
