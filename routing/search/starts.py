"""Several starts in one budget, each a first plan and its patches; the best plan of all counts.

Patches find less and less, and what a plan ends with depends on the first plan. So where a budget is long for a
problem, another first plan is worth more than more patches of the same.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from routing.problem import Problem
from routing.search import parts, patches
from routing.search.driver import SEED_STRIDE, Progress, SearchParams
from routing.search.slices import Slice, within
from routing.solution import Result, Solution
from routing.stop import SearchState, StopRule

ENOUGH = 25_000
"""Iterations for each task after which patches seldom find more."""
MOST = 4
SEEDS = 1_000 * SEED_STRIDE
"""Distance between the seeds of two starts, farther than those of one start's patches."""


@dataclass(frozen=True)
class After:
    """A budget of which something has been used before the search that asks began to count."""

    whole: StopRule
    before: SearchState

    @property
    def timed(self) -> bool:
        """Whether the budget looks at a clock."""
        return self.whole.timed

    def fraction(self, state: SearchState) -> float:
        """Return the used fraction of all of it."""
        return self.whole.fraction(self._all(state))

    def seconds_left(self, state: SearchState) -> float:
        """Return the rest of the time."""
        return self.whole.seconds_left(self._all(state))

    def iterations_left(self, state: SearchState) -> int:
        """Return the rest of the iterations."""
        return self.whole.iterations_left(self._all(state))

    def _all(self, state: SearchState) -> SearchState:
        before = self.before
        return SearchState(
            before.elapsed_s + state.elapsed_s,
            before.cpu_s + state.cpu_s,
            before.iterations + state.iterations,
            state.since_best,
        )


def start_count(problem: Problem, stop: StopRule, initial: Solution | None, threads: int) -> int:
    """Choose how many starts share a budget.

    One where a plan is brought along, where threads share the work, where there are no patches, and where it matters
    to the rule when the best plan was found: such a budget cannot be divided beforehand.
    """
    waits = stop.fraction(SearchState(0.0, 0.0, 0, 1 << 60)) > 0
    if waits or initial is not None or threads > 1 or not parts.divisible(problem):
        return 1
    if problem.task_count <= patches.SIZE:
        return 1
    return int(min(MOST, max(1.0, patches.likely_iterations(problem, stop) / (ENOUGH * problem.task_count))))


def solve(
    problem: Problem,
    stop: StopRule,
    seed: int = 0,
    initial: Solution | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    params: SearchParams | None = None,
) -> Result:
    """Search for the cheapest plan with as many starts as the budget is good for; see :func:`routing.solve`."""
    count = start_count(problem, stop, initial, threads)
    if count == 1:
        return parts.solve(problem, stop, seed, initial, threads, progress, params)
    began_s, cpu_began_s = time.perf_counter(), time.thread_time()
    before, found = SearchState(0.0, 0.0, 0, 0), []
    for number in range(count):
        begin, end = number / count, (number + 1) / count
        share, listener = Slice(After(stop, before), begin, end), within(progress, begin, end)
        result = parts.solve(problem, share, seed + number * SEEDS, None, threads, listener, params)
        found.append(_counted_on(result, before))
        elapsed_s, cpu_s = time.perf_counter() - began_s, time.thread_time() - cpu_began_s
        before = SearchState(elapsed_s, cpu_s, before.iterations + result.iterations, 0)
    best = min(found, key=lambda result: (result.missing, result.cost))
    return replace(
        best,
        iterations=before.iterations,
        runtime_s=before.elapsed_s,
        seed=seed,
        history=_improvements(found),
        stats={**best.stats, "starts": count},
    )


def _counted_on(result: Result, before: SearchState) -> Result:
    """Let the history of a start go on where the starts before it ended."""
    history = tuple(
        (round(elapsed_s + before.elapsed_s, 4), iterations + before.iterations, missing, cost)
        for elapsed_s, iterations, missing, cost in result.history
    )
    return replace(result, history=history)


def _improvements(found: list[Result]) -> tuple[tuple[float, int, int, int], ...]:
    """Join histories, leaving out what was no improvement on an earlier start."""
    kept: list[tuple[float, int, int, int]] = []
    for line in (line for result in found for line in result.history):
        if not kept or line[2:] < kept[-1][2:]:
            kept.append(line)
    return tuple(kept)
