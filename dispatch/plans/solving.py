"""The routing core as planning's solver."""

from __future__ import annotations

from kernel.progress import Progress
from routing import solve
from routing.problem import Problem
from routing.solution import Result
from routing.stop import MaxRuntime


def solve_with_core(problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress) -> Result:
    """Search for some seconds; importing this module compiles nothing, the first call loads the kernels."""
    return solve(problem, MaxRuntime(seconds), seed, threads=threads, progress=progress)
