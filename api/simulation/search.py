"""A search that no clock stops: so many steps for each second asked for, so that equal seeds give equal plans."""

from __future__ import annotations

from typing import Final

from api.solving import prepare_solver
from kernel.progress import Progress
from routing import solve
from routing.problem import Problem
from routing.solution import Result, Solution
from routing.stop import MaxIterations

STEPS_PER_SECOND: Final = 3_500
"""Steps of the search that a quiet core makes in a second on a county's day of 1,200 stops."""


def by_steps(
    problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress, initial: Solution | None = None
) -> Result:
    """Solve within the steps that belong to some seconds, on one thread; takes the place of the timed search."""
    prepare_solver()
    stop = MaxIterations(max(1, round(seconds * STEPS_PER_SECOND)))
    return solve(problem, stop, seed, initial, threads=1, progress=progress)
