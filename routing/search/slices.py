"""Part of a budget, as a stopping rule of its own."""

from __future__ import annotations

from dataclasses import dataclass

from routing.search.running import Progress
from routing.stop import SearchState, StopRule


@dataclass(frozen=True)
class Slice:
    """The part of a budget that is used between two fractions of it."""

    whole: StopRule
    begin: float
    end: float

    @property
    def timed(self) -> bool:
        """Whether the budget looks at a clock."""
        return self.whole.timed

    def fraction(self, state: SearchState) -> float:
        """Return the used fraction of the slice."""
        return (self.whole.fraction(state) - self.begin) / max(self.end - self.begin, 1e-9)

    def seconds_left(self, state: SearchState) -> float:
        """Return the rest of the slice's time."""
        return self.whole.seconds_left(state) * self._share_of_rest(state)

    def iterations_left(self, state: SearchState) -> int:
        """Return the rest of the slice's iterations."""
        return max(1, int(self.whole.iterations_left(state) * self._share_of_rest(state)))

    def _share_of_rest(self, state: SearchState) -> float:
        used = self.whole.fraction(state)
        return max(0.0, min(1.0, (self.end - used) / max(1.0 - used, 1e-9)))


def within(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """Tell a listener of the whole what is told of the work between two fractions of it."""
    if progress is None:
        return None

    def tell(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        progress(stage, done if total is None else int(total * begin + done * (end - begin)), total, note)

    return tell
