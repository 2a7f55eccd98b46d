"""What the threads that search one plan have used of its budget."""

from __future__ import annotations

import time
from dataclasses import dataclass

from routing.search.running import RunState
from routing.stop import SearchState, StopRule


@dataclass
class WorkerState:
    """What one thread has used, and when it last found something better."""

    iterations: int = 0
    cpu_s: float = 0.0
    best_at: int = 0


class Workers:
    """The threads of a search that are put to work again and again, with their own clocks.

    Processor time is counted for each thread; what the calling thread does while the others wait is charged to all.
    """

    def __init__(self, states: list[WorkerState], began_s: float) -> None:
        self.states, self.began_s = states, began_s
        self.counted_s = time.thread_time()

    def __len__(self) -> int:
        """Return how many threads there are."""
        return len(self.states)

    @property
    def iterations(self) -> int:
        """Iterations of all."""
        return sum(own.iterations for own in self.states)

    def begin(self, number: int) -> RunState:
        """Return how far a worker is, for it to go on in the calling thread."""
        own = self.states[number]
        return RunState(self.began_s, time.thread_time() - own.cpu_s, own.iterations, own.best_at)

    def end(self, number: int, run: RunState) -> None:
        """Note how far a worker has come."""
        own = self.states[number]
        own.iterations, own.best_at, own.cpu_s = run.iterations, run.best_at, time.thread_time() - run.cpu_began_s

    def charge(self) -> None:
        """Charge every worker with what the calling thread has done since the last time."""
        now_s = time.thread_time()
        for own in self.states:
            own.cpu_s += now_s - self.counted_s
        self.counted_s = now_s

    def forgive(self) -> None:
        """Charge nobody: what the calling thread has done was the work of the only worker."""
        self.counted_s = time.thread_time()

    def used(self, stop: StopRule) -> float:
        """Return the used fraction of a budget, by the worker that is farthest."""
        elapsed_s = time.perf_counter() - self.began_s
        return max(
            stop.fraction(SearchState(elapsed_s, own.cpu_s, own.iterations, own.iterations - own.best_at))
            for own in self.states
        )
