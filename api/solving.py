"""Joins the planner to the solver: time limit, and a cancel that keeps the best plan so far."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from kernel.progress import Progress
from routing import solve
from routing.problem import Problem
from routing.solution import Result
from routing.stop import FirstOf, MaxRuntime, SearchState
from routing.stop.rules import UNLIMITED

_cancelled: ContextVar[threading.Event | None] = ContextVar("cunda_cancelled", default=None)
_LOOK_S = 0.5  # a cancel is noticed within this time


@contextmanager
def cancellable(event: threading.Event) -> Iterator[None]:
    """Let an event end the searches that this thread starts inside the block."""
    token = _cancelled.set(event)
    try:
        yield
    finally:
        _cancelled.reset(token)


@dataclass(frozen=True)
class UntilCancelled:
    """Stop when an event is set."""

    event: threading.Event
    timed = True

    def fraction(self, state: SearchState) -> float:
        """Return 1 once the event is set."""
        return 1.0 if self.event.is_set() else 0.0

    def seconds_left(self, state: SearchState) -> float:
        """Return how long the search may go on before it looks again."""
        return 0.0 if self.event.is_set() else _LOOK_S

    def iterations_left(self, state: SearchState) -> int:
        """Return no limit."""
        return UNLIMITED


def solve_within(problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress) -> Result:
    """Solve within some seconds, or less when the operation is cancelled; fits the planner's solver port."""
    event = _cancelled.get()
    limit = MaxRuntime(seconds)
    stop = limit if event is None else FirstOf(limit, UntilCancelled(event))
    return solve(problem, stop, seed, threads=threads, progress=progress)
