"""When to begin a plan anew, and the best plan of all starts.

Where one patch holds the whole plan, patches soon return to what they began with. Another plan made from nothing then
ends elsewhere, better or worse by chance. The best counts, and the routes of all starts go on being put together
(``sightings.py``). Larger problems gain more from further patches (docs/solver/experiments.md, tenth round).

Source: restarts upon stagnation as in iterated local search, Lourenço, Martin and Stützle (2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from routing.problem import Problem
from routing.search.answers import to_solution
from routing.search.descents import best_descent
from routing.search.model import compile_problem
from routing.search.pieces import Part, Piece
from routing.search.running import Progress, RunState, SearchParams
from routing.stop import StopRule

ITERATIONS = 5_000
"""Iterations for each task that a plan made anew takes."""
FAILURES = 8
"""Patches one after another that find nothing, after which a plan is given up."""


class Plan(NamedTuple):
    """A whole plan with its price."""

    pieces: list[Piece]
    missing: int
    cost: int

    @property
    def price(self) -> tuple[int, int]:
        """Required tasks missing, then cost: what plans are compared by."""
        return self.missing, self.cost


@dataclass
class Starts:
    """How many plans were begun, the best of those given up, and how long patches of the present one find nothing."""

    kept: Plan | None = None
    count: int = 1
    failures: int = 0

    def note(self, better: bool) -> None:
        """Remember what came of a patch."""
        self.failures = 0 if better else self.failures + 1

    @property
    def stale(self) -> bool:
        """Whether patches find nothing any more."""
        return self.failures >= FAILURES

    def best(self, present: Plan) -> Plan:
        """Return the present plan if it is cheaper than all that were given up, or else the best of those."""
        return present if self.kept is None or present.price < self.kept.price else self.kept

    def give_up(self, present: Plan) -> None:
        """Keep a plan if it is the best one, and count failures anew."""
        self.kept = self.best(present)
        self.failures = 0


def plan_anew(
    problem: Problem,
    tasks: Sequence[int],
    stop: StopRule,
    run: RunState,
    seed: int,
    params: SearchParams,
    progress: Progress | None,
) -> list[Piece]:
    """Anneal all tasks from nothing and from hot, near ones side by side in ``tasks``; return all pieces."""
    part = Part(problem, [Piece((task,)) for task in tasks], range(problem.vehicle_count))
    model = compile_problem(part.problem, params.near)
    search = best_descent(model, stop, run, seed, params, progress, count=1)
    return part.pieces_of(to_solution(model, search.state))
