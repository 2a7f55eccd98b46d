"""Joins the planner to the solver: time limit, and a cancel that keeps the best plan so far."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from kernel.money import Fen, format_yuan
from kernel.progress import Progress
from routing import solve, to_fen, warm_up
from routing.problem import Problem
from routing.solution import Result, Solution
from routing.stop import FirstOf, MaxRuntime, SearchState
from routing.stop.rules import UNLIMITED


class SearchListener(Protocol):
    """Who started a search: may end it, and hears of the best cost so far."""

    @property
    def cancel(self) -> threading.Event:
        """Return the event that ends the search."""
        ...

    def best_cost(self, cost_fen: int) -> None:
        """Hear what the best plan so far costs."""
        ...


class DaySolver(Protocol):
    """What plans a day and re-plans it: the routing core within some seconds, or within so many steps of it."""

    def __call__(
        self,
        problem: Problem,
        seconds: float,
        *,
        seed: int,
        threads: int,
        progress: Progress,
        initial: Solution | None = None,
    ) -> Result:
        """Return the best plan found."""
        ...


_listener: ContextVar[SearchListener | None] = ContextVar("cunda_search_listener", default=None)
_LOOK_S = 0.5  # a cancel is noticed within this time
_preparing = threading.Lock()
_COST_NOTE = re.compile(r"^cost (\d+)$")  # what the solver says beside its progress, in its own units


@contextmanager
def heard_by(listener: SearchListener) -> Iterator[None]:
    """Let somebody listen to, and end, the searches that this thread starts inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


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


@cache
def prepare_solver() -> float:
    """Have the solver's compiled code at hand; give the seconds it took, the first time in this process."""
    with _preparing:
        return warm_up()


def solve_within(
    problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress, initial: Solution | None = None
) -> Result:
    """Solve within some seconds, or less when the listener cancels; fits the ports of planning and re-planning."""
    progress("compile", 0, 1)
    prepare_solver()  # a fresh machine compiles for a while: that must not eat the solver's time
    listener = _listener.get()
    limit = MaxRuntime(seconds)
    stop = limit if listener is None else FirstOf(limit, UntilCancelled(listener.cancel))

    def tell(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        match = _COST_NOTE.match(note)
        if match is None:
            progress(stage, done, total, note)
            return
        cost_fen = to_fen(int(match[1]))
        if listener is not None:
            listener.best_cost(cost_fen)
        progress(stage, done, total, f"{format_yuan(Fen(cost_fen))} yuan")

    return solve(problem, stop, seed, initial, threads=threads, progress=tell)
