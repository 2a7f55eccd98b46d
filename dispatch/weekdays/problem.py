"""The week to be planned: villages with their promises, vehicles, roads; and the week that comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import Any

from dispatch.echelons.problem import CourierKind
from dispatch.weekdays.errors import WeekdayModelError, WeekdayPatternImpossibleError
from dispatch.weekdays.patterns import DAYS, Pattern, allowed_patterns, piled_up
from routing.problem import UNREACHABLE, Profile


@dataclass(frozen=True)
class Village:
    """A place with a promise.

    Attributes
    ----------
    location
        Row of the matrices.
    arrivals
        Parcels for it arriving on each weekday, Monday first; collections count too.
    visits, longest_gap
        The promise: visits a week, and the most days between two of them.
    previous
        The pattern its people know, None for a new one.
    """

    id: str
    name: str
    location: int
    arrivals: tuple[float, ...]
    visits: int
    longest_gap: int
    previous: Pattern | None = None
    lon: float = 0.0
    lat: float = 0.0


@dataclass(frozen=True)
class Work:
    """What a visit and a parcel take.

    Attributes
    ----------
    visit_s, parcel_s
        Seconds for each visit, and for each parcel.
    weight_g, volume_cm3
        Of a mean parcel.
    """

    visit_s: int = 180
    parcel_s: int = 45
    weight_g: int = 1_400
    volume_cm3: int = 9_000


@dataclass(frozen=True, eq=False)
class WeekProblem:
    """Everything weekdays are chosen by.

    Attributes
    ----------
    centre
        Row of the place where vehicles start and end.
    service_days
        Weekdays on which couriers drive at all.
    kinds
        Vehicles of a day; loads are weight, volume and count.
    change_price
        Cost units for giving a village another pattern than its people know.
    """

    villages: tuple[Village, ...]
    centre: int
    kinds: tuple[CourierKind, ...]
    profiles: tuple[Profile, ...]
    service_days: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    work: Work = field(default_factory=Work)
    change_price: int = 0

    def __post_init__(self) -> None:
        ids = [village.id for village in self.villages]
        if len(set(ids)) < len(ids):
            raise WeekdayModelError("a village is given twice", field="villages")
        if not self.kinds:
            raise WeekdayModelError("the week has no vehicle", field="kinds")
        for village in self.villages:
            if len(village.arrivals) != DAYS or min(village.arrivals, default=0) < 0:
                raise WeekdayModelError(
                    f"village {village.id}: arrivals need seven numbers of 0 or more", id=village.id
                )

    @cached_property
    def patterns(self) -> tuple[tuple[Pattern, ...], ...]:
        """Return the allowed patterns of each village; a day's load of a village that is moved fits one vehicle.

        Raises
        ------
        WeekdayPatternImpossibleError
            If a village has none.
        """
        return tuple(self._patterns_of(village) for village in self.villages)

    def _patterns_of(self, village: Village) -> tuple[Pattern, ...]:
        found = allowed_patterns(village.id, village.visits, village.longest_gap, self.service_days)
        if len(found) == 1:
            return found
        fitting = tuple(
            pattern
            for pattern in found
            if all(self.fits_one_vehicle(parcels) for parcels in piled_up(village.arrivals, pattern).values())
        )
        if not fitting:
            raise WeekdayPatternImpossibleError(
                f"village {village.id}: with {village.visits} visits a week more piles up than any vehicle holds",
                village=village.id,
            )
        return fitting

    def load(self, parcels: float) -> tuple[int, int, int]:
        """Return weight, volume and count of so many parcels."""
        count = ceil(parcels)
        return count * self.work.weight_g, count * self.work.volume_cm3, count

    def work_s(self, parcels: float) -> int:
        """Return how long a visit with so many parcels takes."""
        return self.work.visit_s + ceil(parcels * self.work.parcel_s)

    def fits_one_vehicle(self, parcels: float) -> bool:
        """Tell whether some vehicle holds so many parcels."""
        load = self.load(parcels)
        return any(all(a <= b for a, b in zip(load, kind.capacity, strict=True)) for kind in self.kinds)

    def reachable(self, location: int) -> bool:
        """Tell whether a road leads there and back for some vehicle."""
        return any(
            max(self.profiles[kind.profile].leg(self.centre, location)) < UNREACHABLE
            and max(self.profiles[kind.profile].leg(location, self.centre)) < UNREACHABLE
            for kind in self.kinds
        )


@dataclass(frozen=True)
class DayRoute:
    """One route of a weekday; village indices in the order of driving, a large village may come twice."""

    kind: int
    villages: tuple[int, ...]
    parcels: int
    duration_s: int
    distance_m: int
    cost: int


@dataclass(frozen=True)
class Unreached:
    """A village whose promise is not kept, and what keeping it would cost a week.

    Attributes
    ----------
    reason
        One of ``NO_POSITION``, ``UNREACHABLE_BY_ROAD``, ``LONGER_THAN_SHIFT`` and ``NO_VEHICLE_LEFT``.
    days
        Weekdays of its pattern on which nobody comes; empty when it has no pattern.
    weekly_price
        Cost units a week of vehicles of its own (overtime at the same price), None without a road.
    """

    village: str
    name: str
    reason: str
    days: Pattern = ()
    weekly_price: int | None = None


@dataclass(frozen=True)
class WeekPlan:
    """Patterns and the routes of each weekday.

    Attributes
    ----------
    patterns
        Of each village, in the problem's order; None for one that is not reached at all.
    cost
        Of all routes of the week, cost units.
    changed
        Villages whose pattern differs from the one known.
    """

    patterns: tuple[Pattern | None, ...]
    days: Mapping[int, tuple[DayRoute, ...]]
    unreached: tuple[Unreached, ...]
    cost: int
    changed: tuple[str, ...]
    seed: int
    stats: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def route_spread(self) -> float:
        """Return the longest route's duration over the mean of all routes of the week."""
        lengths = [route.duration_s for routes in self.days.values() for route in routes]
        return max(lengths) * len(lengths) / sum(lengths) if lengths else 1.0

    @property
    def day_spread(self) -> float:
        """Return the longest day's hours over the mean of the service days."""
        days = [sum(route.duration_s for route in routes) for routes in self.days.values()]
        return max(days) * len(days) / sum(days) if days and sum(days) else 1.0
