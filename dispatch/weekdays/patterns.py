"""Weekday patterns: the days of a week on which a village is served, and what piles up between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from dispatch.weekdays.errors import WeekdayPatternImpossibleError

Pattern = tuple[int, ...]
"""Weekdays of service in order, Monday is 0."""
DAYS: Final = 7
NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def gaps(pattern: Pattern) -> tuple[int, ...]:
    """Return the days from each service day back to the one before it, over the end of the week."""
    return tuple((day - before - 1) % DAYS + 1 for before, day in zip((pattern[-1], *pattern), pattern, strict=False))


def allowed_patterns(village: str, visits: int, longest_gap: int, service_days: Sequence[int]) -> tuple[Pattern, ...]:
    """Return every pattern that keeps a promise of so many visits a week, never farther apart than a gap.

    Raises
    ------
    WeekdayPatternImpossibleError
        If there is none, naming the village.
    """
    days = sorted(set(service_days))
    if any(not 0 <= day < DAYS for day in days) or visits < 1:
        raise WeekdayPatternImpossibleError(
            f"village {village}: {visits} visits on the weekdays {days} cannot be meant", village=village
        )
    found = tuple(p for p in combinations(days, visits) if max(gaps(p)) <= longest_gap)
    if not found:
        names = " ".join(NAMES[day] for day in days) or "none"
        raise WeekdayPatternImpossibleError(
            f"village {village}: no {visits} of the service days ({names}) are at most {longest_gap} days apart",
            village=village,
            visits=visits,
            longest_gap=longest_gap,
        )
    return found


def piled_up(arrivals: Sequence[float], pattern: Pattern) -> dict[int, float]:
    """Return the parcels waiting on each service day: what arrived since the last one, that day included.

    Parameters
    ----------
    arrivals
        Parcels arriving on each weekday, seven numbers.
    """
    waiting = {}
    for day, gap in zip(pattern, gaps(pattern), strict=True):
        waiting[day] = sum(arrivals[(day - back) % DAYS] for back in range(gap))
    return waiting


def pattern_text(pattern: Pattern) -> str:
    """Write a pattern for people, such as ``Mon Thu``."""
    return " ".join(NAMES[day] for day in pattern)
