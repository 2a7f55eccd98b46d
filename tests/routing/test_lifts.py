"""While a search is hot prizes and vehicles count for more, and nobody outside sees anything but the real prices."""

from __future__ import annotations

import time

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, solve
from routing.checker import check
from routing.search import answers, lifts
from routing.search.annealing import Annealing
from routing.search.answers import split_cost
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.search.running import RunState, SearchParams
from routing.stop import MaxIterations

HOT = SearchParams(start_heat=3.0, end_heat=3.0)


def orders(stops: int = 40) -> Problem:
    """Give stops in a square, all optional, each about worth its way, and vans for eight of them."""
    draw = np.random.default_rng(7)
    points = draw.integers(0, 1000, (stops + 1, 2))
    builder = ProblemBuilder(("count",)).plane_profile("van", points).depot("centre", 0)
    builder.vehicle_type("van", count=stops, capacity=8, cost_per_m=1)
    for place in range(1, stops + 1):
        builder.task(f"stop {place}", place, delivery=1, required=False, prize=int(draw.integers(50, 400)))
    return builder.build()


def bulky(stops: int = 120, share: float = 0.25) -> Problem:
    """Give stops in a square, a share of them with more than half a van, the others with a tenth."""
    draw = np.random.default_rng(11)
    points = draw.integers(0, 1000, (stops + 1, 2))
    builder = ProblemBuilder(("load",)).plane_profile("van", points).depot("centre", 0)
    builder.vehicle_type("van", count=stops, capacity=100, cost_per_m=1)
    for place in range(1, stops + 1):
        amount = int(draw.integers(51, 90)) if place <= share * stops else int(draw.integers(5, 15))
        builder.task(f"stop {place}", place, delivery=amount)
    return builder.build()


def routes_while_hot(lift: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """Search at one temperature and return how many routes there are on average."""
    monkeypatch.setattr(lifts, "VEHICLE_LIFT", lift)
    model, stop = compile_problem(bulky()), MaxIterations(20_000)
    search = Annealing(model, stop, RunState(time.perf_counter(), time.thread_time()), 1, SearchParams(end_heat=0.5))
    search.begin(None, stop)
    counts = []
    for share in np.linspace(0.1, 1.0, 10):
        search.go_on(float(share))
        counts.append(int(search.state.info[a.NROUTES]))
    return float(np.mean(counts))


def left_out_while_hot(lift: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """Search at one temperature and return how many tasks are left out on average."""
    monkeypatch.setattr(lifts, "PRIZE_LIFT", lift)
    model, stop = compile_problem(orders()), MaxIterations(8_000)
    run = RunState(time.perf_counter(), time.thread_time())
    search = Annealing(model, stop, run, 1, HOT)
    search.begin(None, stop)
    counts = []
    for share in np.linspace(0.1, 1.0, 10):
        search.go_on(float(share))
        counts.append(int(search.state.info[a.NABSENT]))
    return float(np.mean(counts))


def test_a_hot_search_gives_up_fewer_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The more prizes are lifted, the fewer tasks a hot plan leaves out."""
    plain, lifted = (left_out_while_hot(lift, monkeypatch) for lift in (0.0, 3.0))
    assert lifted < 0.7 * plain


def test_a_hot_search_opens_fewer_routes_where_tasks_are_bulky(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dearer vehicles are, the fewer routes a hot plan has."""
    plain, lifted = (routes_while_hot(lift, monkeypatch) for lift in (0.0, 10.0))
    assert lifted < plain - 0.5


@pytest.mark.parametrize(("share", "lifted"), [(0.0, False), (0.05, False), (0.11, True), (1.0, True)])
def test_vehicles_are_dearer_only_where_many_tasks_are_bulky(share: float, lifted: bool) -> None:
    """One task in ten must take more than half a vehicle."""
    assert lifts.has_bulky_tasks(compile_problem(bulky(100, share))) == lifted


def test_vehicles_with_hours_are_as_dear_as_they_are() -> None:
    """What such a route costs is remembered with the real price of its vehicle."""
    builder = ProblemBuilder(("load",)).plane_profile("van", np.array([[0, 0], [3, 4]])).depot("centre", 0)
    builder.vehicle_type("van", count=2, capacity=10, cost_per_m=1, shift_end_s=5_000)
    problem = builder.task("stop", 1, delivery=9).build()
    assert not lifts.has_bulky_tasks(compile_problem(problem))


@pytest.mark.parametrize("problem", [orders(), bulky()], ids=["optional", "bulky"])
def test_costs_are_counted_with_real_prices(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two pieces of a hot search the plan's cost is that of its routes and of what is left out."""
    monkeypatch.setattr(lifts, "PRIZE_LIFT", 2.0)
    model, stop = compile_problem(problem), MaxIterations(3_000)
    before = model.data.prize.copy(), model.data.cls.copy()
    search = Annealing(model, stop, RunState(time.perf_counter(), time.thread_time()), 2, HOT)
    search.begin(None, stop)
    for share in (0.3, 0.7, 1.0):
        search.go_on(share)
        missing, cost = split_cost(model, search.state)
        report = check(problem, answers.to_solution(model, search.state))
        assert report.feasible
        assert (missing, cost) == (0, report.cost.total)
    assert (model.data.prize == before[0]).all()
    assert (model.data.cls == before[1]).all()


def test_the_history_of_a_search_only_gets_cheaper() -> None:
    """What is told of a search with optional tasks is its best plan so far, however hot it is."""
    result = solve(orders(), MaxIterations(20_000), seed=3)
    told = [(missing, cost) for _, _, missing, cost in result.history]
    assert told == sorted(set(told), reverse=True)
    assert check(orders(), result.solution).cost.total == result.cost
