"""Compiles the kernels before a user waits for them."""

from __future__ import annotations

import time

from routing.builder import ProblemBuilder
from routing.problem import Problem
from routing.stop import MaxIterations


def sample_problems() -> tuple[Problem, ...]:
    """Return one tiny problem for each specialisation that dispatching uses."""
    legs = [[0, 4, 6, 5], [4, 0, 3, 2], [6, 3, 0, 4], [5, 2, 4, 0]]
    plain = ProblemBuilder(("count",)).profile("van", legs, legs).depot("centre", 0)
    plain.vehicle_type("van", count=2, capacity=10, cost_per_m=1)
    day = ProblemBuilder(("count",)).profile("van", legs, legs).depot("centre", 0)
    day.vehicle_type("van", count=2, capacity=10, cost_per_m=18, cost_per_s=5, max_duration_s=1000)
    for builder in (plain, day):
        for place in range(1, 4):
            builder.task(f"stop {place}", place, delivery=1)
    return day.build(), plain.build()


def warm_up() -> float:
    """Compile, or load from the cache, every specialisation; return the seconds it took."""
    import routing.search.recombine  # noqa: F401  what a longer search loads when its first patch ends
    from routing.search.parts import solve

    began = time.perf_counter()
    for problem in sample_problems():
        solve(problem, MaxIterations(1))
    return time.perf_counter() - began
