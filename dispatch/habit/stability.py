"""How steady a day is: the share of stops with their habitual courier, in the usual order, at the usual hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from dispatch.fleet.fleet import Fleet
from dispatch.habit.master import Habit, Section
from dispatch.plans.changes import longest_rising
from dispatch.plans.routes import PlannedRoute


@dataclass(frozen=True)
class DrivenStop:
    """A stop as habit sees it."""

    key: str
    place_id: str
    arrival_s: int


@dataclass(frozen=True)
class DrivenRoute:
    """A vehicle's stops of a day in the order of driving."""

    vehicle_id: str
    courier_id: str | None
    stops: tuple[DrivenStop, ...]

    @classmethod
    def of(cls, route: PlannedRoute) -> DrivenRoute:
        """Take what habit needs of a planned route."""
        stops = tuple(DrivenStop(one.stop.key, one.stop.place_id, one.arrival_s) for one in route.stops)
        return cls(route.vehicle_id, route.courier_id, stops)

    def driven_by(self, section: Section) -> bool:
        """Tell whether a section's owner drives it."""
        if section.courier_id is not None:
            return section.courier_id == self.courier_id
        return section.vehicle_id == self.vehicle_id


@dataclass(frozen=True)
class Steadiness:
    """What one master route, or a day, has in common with habit.

    Attributes
    ----------
    stops
        All stops.
    known
        Those at places that belong to a section.
    habitual
        Of these, with their habitual courier.
    ordered
        Habitual stops that lie on the longest common order of their route and its master route.
    timed
        Places reached by their habitual courier that have a usual hour.
    shifted
        Of these, reached earlier or later by more than the tolerance.
    median_shift_s
        Median of how far the arrivals moved, either way; None without usual hours.
    """

    stops: int = 0
    known: int = 0
    habitual: int = 0
    ordered: int = 0
    timed: int = 0
    shifted: int = 0
    median_shift_s: int | None = None

    @property
    def habitual_share(self) -> float | None:
        """Return the share of stops with their habitual courier."""
        return _share(self.habitual, self.known)

    @property
    def ordered_share(self) -> float | None:
        """Return the share of habitual stops in the longest common order."""
        return _share(self.ordered, self.habitual)

    @property
    def shifted_share(self) -> float | None:
        """Return the share of places reached at another hour than usual."""
        return _share(self.shifted, self.timed)

    def as_dict(self) -> dict[str, Any]:
        """Return counts and shares as plain JSON."""
        shares = {name: getattr(self, name) for name in ("habitual_share", "ordered_share", "shifted_share")}
        return asdict(self) | {name: None if one is None else round(one, 4) for name, one in shares.items()}


@dataclass(frozen=True)
class Stability:
    """A day against a habit: in all, and for each section by its number."""

    day: Steadiness
    sections: dict[int, Steadiness]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        by_section = [{"number": number, **one.as_dict()} for number, one in sorted(self.sections.items())]
        return self.day.as_dict() | {"sections": by_section}


def measure(routes: Iterable[DrivenRoute], habit: Habit) -> Stability:
    """Measure how steady a day's routes are.

    A stop at a shared place belongs to the section of whoever serves it, else to the first of its sections.
    Several stops in one place keep its order among themselves whichever way they are driven.
    """
    counts = {section.number: _Count() for section in habit.sections}
    total = 0
    for route in routes:
        total += len(route.stops)
        own: dict[int, list[DrivenStop]] = {}
        for stop in route.stops:
            at = habit.sections_of.get(stop.place_id, ())
            if not at:
                continue
            mine = next((one for one in at if route.driven_by(one)), None)
            counts[(mine or at[0]).number].known += 1
            if mine is not None:
                own.setdefault(mine.number, []).append(stop)
        for section in habit.sections:
            if section.number in own:
                counts[section.number].add(section, own[section.number], habit.rule.tolerance_s)
    by_section = {number: one.steadiness(one.known) for number, one in counts.items()}
    everything = _Count()
    for one in counts.values():
        everything.join(one)
    return Stability(everything.steadiness(total), by_section)


class _Count:
    """Counts under way."""

    def __init__(self) -> None:
        self.known = self.habitual = self.ordered = 0
        self.shifts_s: list[int] = []
        self.shifted = 0

    def add(self, section: Section, stops: Sequence[DrivenStop], tolerance_s: int) -> None:
        """Add what the owner of a section serves of it, in the order of driving."""
        place_of = {stop.place_id: number for number, stop in enumerate(section.stops)}
        self.habitual += len(stops)
        self.ordered += len(longest_order([place_of[stop.place_id] for stop in stops]))
        first = {stop.place_id: stop.arrival_s for stop in reversed(stops)}
        usual = {stop.place_id: stop.arrival_s for stop in section.stops if stop.arrival_s is not None}
        shifts = [abs(arrival_s - usual[place]) for place, arrival_s in first.items() if place in usual]
        self.shifts_s += shifts
        self.shifted += sum(shift > tolerance_s for shift in shifts)

    def join(self, other: _Count) -> None:
        """Add another's counts."""
        self.known += other.known
        self.habitual += other.habitual
        self.ordered += other.ordered
        self.shifts_s += other.shifts_s
        self.shifted += other.shifted

    def steadiness(self, stops: int) -> Steadiness:
        """Return the counts as a value."""
        middle = round(median(self.shifts_s)) if self.shifts_s else None
        return Steadiness(
            stops, self.known, self.habitual, self.ordered, len(self.shifts_s), self.shifted, middle
        )  # fmt: skip


def longest_order(values: Sequence[int]) -> list[int]:
    """Return the indices of a longest subsequence that never falls; of equal values each counts as after the last."""
    by_value = sorted(range(len(values)), key=lambda index: (values[index], index))
    ranks = [0] * len(values)
    for rank, index in enumerate(by_value):
        ranks[index] = rank
    return longest_rising(ranks)


def owners_absent(habit: Habit, fleet: Fleet) -> tuple[Section, ...]:
    """Return the sections whose owner drives no vehicle of a day's fleet."""
    return tuple(one for one in habit.sections if one.vehicle_in(fleet) is None)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
