"""A budget that is large for a small problem is spent on several annealings, the best of which counts."""

from __future__ import annotations

import numpy as np

from routing import Problem, ProblemBuilder, solve
from routing.checker import check
from routing.search.descents import descent_count
from routing.search.model import compile_problem
from routing.stop import MaxIterations, MaxRuntime, StopRule


def town(stops: int, seed: int = 1) -> Problem:
    """Give stops around a depot and vans for five or six of them."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (stops + 1, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1)).round()
    builder = ProblemBuilder(("count",)).profile("van", far, far).depot("centre", 0)
    builder.vehicle_type("van", count=stops, capacity=12, cost_per_m=1)
    for place in range(1, stops + 1):
        builder.task(f"stop {place}", place, delivery=1 + place % 3)
    return builder.build()


def count(stops: int, stop: StopRule) -> int:
    """Tell how many annealings share a budget."""
    return descent_count(compile_problem(town(stops)), stop)


def test_small_problems_are_annealed_several_times() -> None:
    """The smaller the problem and the larger the budget the more annealings there are, up to six."""
    assert count(20, MaxIterations(30_000)) == 1
    assert count(20, MaxIterations(100_000)) == 2
    assert count(20, MaxIterations(10_000_000)) == 6
    assert count(200, MaxRuntime(10)) > 1
    assert count(200, MaxRuntime(1)) == 1
    assert count(600, MaxRuntime(10)) == 1


def test_the_best_of_several_annealings_counts() -> None:
    """The plan is clean, its cost is what the solver says, and as many iterations are made as were allowed."""
    problem = town(20)
    result = solve(problem, MaxIterations(200_000), seed=3)
    report = check(problem, result.solution)
    assert result.stats["descents"] == 4
    assert report.feasible
    assert report.complete
    assert (report.cost.total, result.iterations) == (result.cost, 200_000)
    assert result.cost <= solve(problem, MaxIterations(40_000), seed=3).cost
    assert result.cost <= min(cost for _, _, missing, cost in result.history if not missing)


def test_equal_seeds_give_equal_plans_with_every_number_of_threads() -> None:
    """Nothing passes between annealings but which of them is best."""
    problem = town(20)
    for threads in (1, 2):
        first, again = (solve(problem, MaxIterations(150_000), seed=5, threads=threads) for _ in range(2))
        assert first.stats["descents"] > 1
        assert first.solution == again.solution


def test_a_start_plan_is_annealed_once() -> None:
    """Who brings a plan wants it improved, not forgotten."""
    problem = town(20)
    plan = solve(problem, MaxIterations(100)).solution
    after = solve(problem, MaxIterations(150_000), initial=plan)
    assert after.stats["descents"] == 1


def test_progress_never_goes_back() -> None:
    """A listener hears of one piece of work, however many annealings it is made of."""
    heard: list[float] = []

    def listen(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        assert stage == "solve"
        heard.append(done / (total or 1))

    solve(town(20), MaxIterations(150_000), progress=listen)
    assert heard == sorted(heard)
    assert heard[-1] > 0.9
