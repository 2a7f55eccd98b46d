"""The stopping rules themselves, and what they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from routing.errors import InvalidStopRuleError


@dataclass(frozen=True)
class SearchState:
    """How far a search is.

    Attributes
    ----------
    elapsed_s, cpu_s
        Wall and processor seconds since the call of ``solve``.
    iterations
        Iterations done, and ``since_best`` those since the last new best plan.
    """

    elapsed_s: float
    cpu_s: float
    iterations: int
    since_best: int


class StopRule(Protocol):
    """Anything that can tell the used fraction of a budget."""

    @property
    def timed(self) -> bool:
        """Whether the answer depends on a clock; if not, equal seeds give equal plans."""
        ...

    def fraction(self, state: SearchState) -> float:
        """Return the used fraction of the budget; the search ends at 1 or more."""
        ...

    def seconds_left(self, state: SearchState) -> float:
        """Return how many seconds remain, infinity when no clock matters."""
        ...

    def iterations_left(self, state: SearchState) -> int:
        """Return how many iterations may still be made; a huge number when they are not limited."""
        ...


UNLIMITED = 1 << 60


def _positive(value: float, rule: str) -> None:
    if not value > 0:
        raise InvalidStopRuleError(f"{rule} got {value}, which is not positive")


@dataclass(frozen=True)
class MaxRuntime:
    """Stop after wall seconds, counted from the call of ``solve`` and kept within 0.3 s + 2 %."""

    seconds: float
    timed = True

    def __post_init__(self) -> None:
        _positive(self.seconds, "MaxRuntime")

    def fraction(self, state: SearchState) -> float:
        """Return elapsed over allowed seconds."""
        return state.elapsed_s / self.seconds

    def seconds_left(self, state: SearchState) -> float:
        """Return the rest of the time."""
        return self.seconds - state.elapsed_s

    def iterations_left(self, state: SearchState) -> int:
        """Return no limit."""
        return UNLIMITED


@dataclass(frozen=True)
class MaxCpuTime:
    """Stop after processor seconds of the calling thread; for measurements on a shared machine."""

    seconds: float
    timed = True

    def __post_init__(self) -> None:
        _positive(self.seconds, "MaxCpuTime")

    def fraction(self, state: SearchState) -> float:
        """Return used over allowed processor seconds."""
        return state.cpu_s / self.seconds

    def seconds_left(self, state: SearchState) -> float:
        """Return the rest of the processor time."""
        return self.seconds - state.cpu_s

    def iterations_left(self, state: SearchState) -> int:
        """Return no limit."""
        return UNLIMITED


@dataclass(frozen=True)
class MaxIterations:
    """Stop after exactly this many iterations: reproducible on any machine."""

    iterations: int
    timed = False

    def __post_init__(self) -> None:
        _positive(self.iterations, "MaxIterations")

    def fraction(self, state: SearchState) -> float:
        """Return done over allowed iterations."""
        return state.iterations / self.iterations

    def seconds_left(self, state: SearchState) -> float:
        """Return infinity."""
        return float("inf")

    def iterations_left(self, state: SearchState) -> int:
        """Return the iterations still to make."""
        return self.iterations - state.iterations


@dataclass(frozen=True)
class NoImprovement:
    """Stop when this many iterations brought no new best plan."""

    iterations: int
    timed = False

    def __post_init__(self) -> None:
        _positive(self.iterations, "NoImprovement")

    def fraction(self, state: SearchState) -> float:
        """Return idle over allowed iterations."""
        return state.since_best / self.iterations

    def seconds_left(self, state: SearchState) -> float:
        """Return infinity."""
        return float("inf")

    def iterations_left(self, state: SearchState) -> int:
        """Return the idle iterations still allowed."""
        return self.iterations - state.since_best


class FirstOf:
    """Stop when the first of several rules says so."""

    def __init__(self, *rules: StopRule) -> None:
        if not rules:
            raise InvalidStopRuleError("FirstOf got no rules")
        self.rules = rules

    @property
    def timed(self) -> bool:
        """Whether any of the rules looks at a clock."""
        return any(rule.timed for rule in self.rules)

    def fraction(self, state: SearchState) -> float:
        """Return the largest fraction of all rules."""
        return max(rule.fraction(state) for rule in self.rules)

    def seconds_left(self, state: SearchState) -> float:
        """Return the least of all rules."""
        return min(rule.seconds_left(state) for rule in self.rules)

    def iterations_left(self, state: SearchState) -> int:
        """Return the least of all rules."""
        return min(rule.iterations_left(state) for rule in self.rules)


class AllOf:
    """Stop when the last of several rules says so."""

    def __init__(self, *rules: StopRule) -> None:
        if not rules:
            raise InvalidStopRuleError("AllOf got no rules")
        self.rules = rules

    @property
    def timed(self) -> bool:
        """Whether any of the rules looks at a clock."""
        return any(rule.timed for rule in self.rules)

    def fraction(self, state: SearchState) -> float:
        """Return the smallest fraction of all rules."""
        return min(rule.fraction(state) for rule in self.rules)

    def seconds_left(self, state: SearchState) -> float:
        """Return the most of all rules."""
        return max(rule.seconds_left(state) for rule in self.rules)

    def iterations_left(self, state: SearchState) -> int:
        """Return the most of all rules."""
        return max(rule.iterations_left(state) for rule in self.rules)
