"""Learn habit from driven days: whose village it was, in which order the courier went, at what hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import median
from typing import Final

from dispatch.habit.master import MasterStop, Section
from dispatch.habit.stability import DrivenRoute

SHARED_FROM: Final = 0.25
"""Who served at least this share of a place's stops has it in the section, others only fill in."""
_LEAST_STOPS: Final = 3  # below, a place is too quiet to be shared on purpose


@dataclass(frozen=True)
class DrivenDay:
    """The routes of a published plan."""

    day: date
    routes: tuple[DrivenRoute, ...]


@dataclass(frozen=True)
class _Owner:
    """Who drives: the courier, or the vehicle while nobody drives it by habit."""

    vehicle_id: str
    courier_id: str | None

    @property
    def key(self) -> str:
        return self.courier_id or self.vehicle_id


def learn_sections(days: Sequence[DrivenDay]) -> tuple[Section, ...]:
    """Give each place to who served most of its stops, and order each section as its owner usually drove it.

    Notes
    -----
    The order is that of the median arrivals, which is near the order with the fewest contradictions to the days
    (Borda's count against Kemeny's order). Such sections need not hang together.
    """
    owners: dict[str, _Owner] = {}
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for day in days:
        for route in day.routes:
            owner = _Owner(route.vehicle_id, route.courier_id)
            owners[owner.key] = owner  # the newest vehicle of a courier
            for stop in route.stops:
                served[stop.place_id][owner.key] += 1
    places: dict[str, list[MasterStop]] = defaultdict(list)
    for place, counts in sorted(served.items()):
        holders = _holders(counts)
        for key in holders:
            places[key].append(MasterStop(place, shared=len(holders) > 1))
    sections = [
        Section(number, owners[key].vehicle_id, owners[key].courier_id, tuple(stops))
        for number, (key, stops) in enumerate(sorted(places.items()), start=1)
    ]
    return learn_hours(sections, days)


def _holders(counts: Counter[str]) -> list[str]:
    total = sum(counts.values())
    best = min(counts, key=lambda key: (-counts[key], key))
    if total < _LEAST_STOPS:
        return [best]
    return sorted({best, *(key for key, count in counts.items() if count >= SHARED_FROM * total)})


def learn_hours(sections: Sequence[Section], days: Sequence[DrivenDay]) -> tuple[Section, ...]:
    """Give places their usual hour as their owner drove them, and order each section by it.

    A place its owner never came to keeps its neighbour before it in the order as it was.
    """
    return tuple(_timed(section, _arrivals(section, days)) for section in sections)


def _arrivals(section: Section, days: Sequence[DrivenDay]) -> Mapping[str, list[int]]:
    """Return the first arrival at each place on each day, as the section's owner drove."""
    found: dict[str, list[int]] = defaultdict(list)
    for day in days:
        for route in day.routes:
            if route.driven_by(section):
                first = {stop.place_id: stop.arrival_s for stop in reversed(route.stops)}
                for place, arrival_s in first.items():
                    found[place].append(arrival_s)
    return found


def _timed(section: Section, arrivals: Mapping[str, Sequence[int]]) -> Section:
    stops = []
    after = float("-inf")
    for at, stop in enumerate(section.stops):
        seen = arrivals.get(stop.place_id)
        if seen:
            after = median(seen)
            stops.append((after, at, replace(stop, arrival_s=round(after), days=len(seen))))
        else:
            stops.append((after, at, stop))
    ordered = sorted(stops, key=lambda one: one[:2])
    return replace(section, stops=tuple(stop for _, _, stop in ordered))
