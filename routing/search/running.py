"""What a search is asked for, where it stands, and whom it tells."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from routing.stop import SearchState

SEED_STRIDE = 1_000_003
"""Distance between the seeds of one search's threads, so that neighbouring seeds share none."""


class Progress(Protocol):
    """A listener to long work, as in the kernel's progress module."""

    def __call__(self, stage: str, done: int, total: int | None = None, note: str = "") -> None:
        """Tell that ``done`` of ``total`` units of a stage are finished."""
        ...


@dataclass(frozen=True)
class SearchParams:
    """Settings of the search; the defaults are the tuned ones (docs/solver/experiments.md).

    Attributes
    ----------
    near
        Neighbours of a task beside which it is tried; None chooses by the problem's features.
    start_heat, end_heat
        Temperatures at the begin and end of the budget, in mean arcs of the first plan.
    cycles
        How many times within the budget the temperature falls from one to the other.
    mean_removed, longest_string
        SISR's average number of removed tasks and longest string.
    chunk
        Iterations between looks at the stopping rule when no clock matters.
    most_in_one, part, rounds
        Tasks of the largest problem searched in one piece; tasks of a part of a larger one; how often its
        borders move (:mod:`routing.search.parts`).
    """

    near: int | None = None
    start_heat: float = 0.5
    end_heat: float = 0.005
    cycles: int = 1
    mean_removed: float = 10.0
    longest_string: int = 10
    chunk: int = 1000
    most_in_one: int = 3000
    part: int = 1000
    rounds: int = 4


@dataclass
class RunState:
    """Where a running search stands; processor time is its thread's, see :meth:`resume`."""

    began_s: float
    cpu_began_s: float
    iterations: int = 0
    best_at: int = 0
    history: list[tuple[float, int, int, int]] = field(default_factory=list)
    cpu_s: float = 0.0

    def pause(self) -> None:
        """Note the processor time used so far, to go on in another thread."""
        self.cpu_s = time.thread_time() - self.cpu_began_s

    def resume(self) -> None:
        """Go on in the calling thread."""
        self.cpu_began_s = time.thread_time() - self.cpu_s

    def seen(self) -> SearchState:
        """Return what a stopping rule is told."""
        return SearchState(
            time.perf_counter() - self.began_s,
            time.thread_time() - self.cpu_began_s,
            self.iterations,
            self.iterations - self.best_at,
        )
