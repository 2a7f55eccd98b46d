"""Where one patch is the whole plan, a plan that patches cannot improve gives way to another; the best counts."""

from __future__ import annotations

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, solve
from routing.checker import check
from routing.search import patches
from routing.search.pieces import Piece
from routing.search.starts import FAILURES, Plan, Starts
from routing.solution import Result, Route, Trip
from routing.stop import MaxCpuTime, MaxIterations, NoImprovement

STOPS = 24


@pytest.fixture(autouse=True)
def short_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one patch hold all stops, and some hundred iterations be enough for a plan and for a patch."""
    monkeypatch.setattr(patches, "SIZE", STOPS)
    monkeypatch.setattr(patches, "FIRST", 20)
    monkeypatch.setattr(patches, "FIRST_OF_CHOICE", 20)
    monkeypatch.setattr(patches, "PER_TASK", 10)
    monkeypatch.setattr(patches, "ITERATIONS", 20)


def hamlets(optional: bool = False, windows: bool = False) -> Problem:
    """Give stops in a square for vans that hold seven, with hours or without, a third of them optional if wanted."""
    draw = np.random.default_rng(8)
    points = draw.integers(0, 1000, (STOPS + 1, 2))
    builder = ProblemBuilder(("count",)).plane_profile("van", points, seconds_per_unit=0.5).depot("centre", 0)
    builder.vehicle_type("van", count=STOPS, capacity=7, cost_per_m=1)
    for place in range(1, STOPS + 1):
        opens = int(draw.integers(0, 2000))
        hours = {"windows": [(opens, opens + 1500)]} if windows else {}
        builder.task(f"stop {place}", place, delivery=1, required=not optional or place % 3 > 0, prize=200, **hours)
    return builder.build()


def approved(problem: Problem, result: Result) -> None:
    """Demand a clean plan at the price the result names."""
    report = check(problem, result.solution)
    assert report.feasible, report.violations
    assert report.complete
    assert (report.cost.total, 0) == (result.cost, result.missing)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("optional", "windows"), [(False, False), (True, False), (False, True)])
def test_a_plan_that_stays_as_it_is_gives_way_to_another(optional: bool, windows: bool, threads: int) -> None:
    """Several plans are begun; the result is the best of them, as the history tells, and the same every time."""
    problem = hamlets(optional, windows)
    first, second = (solve(problem, MaxIterations(16_000), seed=4, threads=threads) for _ in range(2))
    approved(problem, first)
    assert first.stats["starts"] > threads
    assert first.iterations == 16_000 * threads
    prices = [(missing, cost) for _, _, missing, cost in first.history]
    assert min(prices) == prices[-1] == (first.missing, first.cost)
    assert first.solution == second.solution
    assert first.stats["starts"] == second.stats["starts"]


@pytest.mark.parametrize(("size", "whole"), [(STOPS, True), (STOPS - 1, False)])
def test_only_plans_of_one_patch_give_way(size: int, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a patch is only a part of the plan nothing is begun anew."""
    monkeypatch.setattr(patches, "SIZE", size)
    monkeypatch.setattr(patches, "ROUTES", 1)
    result = solve(hamlets(), MaxIterations(16_000), seed=4)
    assert result.stats["patches"] > FAILURES
    assert (result.stats["starts"] > 1) == whole


def test_a_start_that_ends_dearer_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every other plan is a van for each stop, the first one is what counts."""
    problem = hamlets()
    dear = [Piece((task,), Route(task, (Trip((task,), 0),), 0)) for task in range(STOPS)]
    once = solve(problem, MaxIterations(3_000), seed=4)
    monkeypatch.setattr(patches, "plan_anew", lambda *_: dear)
    result = solve(problem, MaxIterations(16_000), seed=4)
    approved(problem, result)
    assert result.stats["starts"] > 1
    assert result.cost <= once.cost < patches.price(problem, dear)[1]


@pytest.mark.parametrize("threads", [1, 2])
def test_waiting_for_improvement_ends(threads: int) -> None:
    """Plans begun anew that are no better than the best do not count as an improvement."""
    problem = hamlets()
    result = solve(problem, NoImprovement(30_000), seed=1, threads=threads)
    approved(problem, result)
    assert result.stats["starts"] > 1
    assert result.iterations < 400_000 * threads


def test_threads_use_the_processor_time_they_are_given() -> None:
    """Each of two threads counts its own processor time, also where the plan is one patch."""
    result = solve(hamlets(), MaxCpuTime(0.4), seed=1, threads=2)
    approved(hamlets(), result)
    assert result.stats["patches"] > 0


def test_progress_never_goes_back() -> None:
    """A listener is told of one piece of work, and of the best plan's price."""
    told: list[int] = []
    notes: list[int] = []

    def listen(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        told.append(done)
        notes.append(int(note.split()[-1]))

    result = solve(hamlets(), MaxIterations(16_000), seed=1, progress=listen)
    assert told == sorted(told)
    assert told[-1] >= 990
    assert notes[-1] == result.cost
    later = notes[len(notes) // 2 :]
    assert later == sorted(later, reverse=True)


def test_the_best_plan_is_kept() -> None:
    """A plan given up stays the best until another is cheaper, missing tasks first; failures in a row make it stale."""
    held = Starts()
    cheap, same, dear, torn = (Plan([Piece((0,))], missing, cost) for missing, cost in ((0, 5), (0, 5), (0, 9), (1, 2)))
    assert held.best(dear) is dear
    held.give_up(cheap)
    assert held.best(dear) is cheap
    assert held.best(torn) is cheap
    assert held.best(same) is cheap
    held.give_up(dear)
    assert held.kept is cheap
    for _ in range(FAILURES - 1):
        held.note(False)
    assert not held.stale
    held.note(False)
    assert held.stale
    held.note(True)
    assert not held.stale


def test_the_history_ends_with_what_is_returned() -> None:
    """Also where a thread has taken its plan from another one before it found nothing more."""
    problem = hamlets(windows=True)
    for seed in range(8):
        result = solve(problem, MaxIterations(1_000), seed=seed, threads=3)
        assert result.history[-1][2:] == (result.missing, result.cost)
