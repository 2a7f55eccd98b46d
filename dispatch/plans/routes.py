"""A planned route as a value: its stops with their times, its loads and its cost, and how they follow.

Times come from one rule, the routing problem's: leave at the planned time, do everything as early as
possible, wait for a window to open. Planning checks every route laid out here against the independent
checker's schedule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch.demand.stops import Stop
from dispatch.demand.windows import Windows
from dispatch.fleet.fleet import Load, TypeSpec
from dispatch.plans.matrices import Point, rounded
from routing.problem import fen, per_hour, per_km, to_fen


@dataclass(frozen=True)
class Leg:
    """A drive between two places."""

    distance_m: int
    time_s: int


@dataclass(frozen=True)
class Visit:
    """A stop that is about to be timed: its number on the parcels, and the drive to it."""

    stop: Stop
    label: int
    leg: Leg

    @property
    def point(self) -> Point:
        """Return its place as the matrices name it."""
        return rounded(self.stop.lon, self.stop.lat)


@dataclass(frozen=True)
class PlannedStop:
    """A stop with its times, seconds since the day's start.

    Attributes
    ----------
    arrival_s, start_s, departure_s
        Arrival, start of the work (after waiting) and end of the work.
    late_s
        By how much the start misses the last window; 0 in every plan the solver made.
    """

    visit: Visit
    arrival_s: int
    start_s: int
    departure_s: int
    late_s: int = 0

    @property
    def stop(self) -> Stop:
        """Return what is done here."""
        return self.visit.stop


@dataclass(frozen=True)
class RouteCost:
    """What a route costs, each term rounded to the fen so that terms and routes add up exactly."""

    fixed_fen: int
    distance_fen: int
    duration_fen: int

    @property
    def total_fen(self) -> int:
        """Return the sum of the terms."""
        return self.fixed_fen + self.distance_fen + self.duration_fen

    def as_dict(self) -> dict[str, int]:
        """Return each term by its name."""
        return {
            "fixed_fen": self.fixed_fen,
            "distance_fen": self.distance_fen,
            "duration_fen": self.duration_fen,
        }


@dataclass(frozen=True)
class PlannedRoute:
    """One vehicle's day.

    Attributes
    ----------
    number
        What people call the route on that day, from 1.
    start_s
        Departure from the depot.
    back
        The drive from the last stop to the depot.
    """

    number: int
    vehicle_id: str
    courier_id: str | None
    kind: TypeSpec
    start_s: int
    stops: tuple[PlannedStop, ...]
    back: Leg

    @property
    def end_s(self) -> int:
        """Return the arrival at the depot."""
        return (self.stops[-1].departure_s if self.stops else self.start_s) + self.back.time_s

    @property
    def distance_m(self) -> int:
        """Return the metres driven."""
        return sum(one.visit.leg.distance_m for one in self.stops) + self.back.distance_m

    @property
    def driving_s(self) -> int:
        """Return the seconds driven."""
        return sum(one.visit.leg.time_s for one in self.stops) + self.back.time_s

    @property
    def working_s(self) -> int:
        """Return the seconds of set-up and service."""
        return sum(one.departure_s - one.start_s for one in self.stops)

    @property
    def waiting_s(self) -> int:
        """Return the seconds neither driven nor worked."""
        return self.end_s - self.start_s - self.driving_s - self.working_s

    @property
    def start_load(self) -> Load:
        """Return what is loaded at the depot."""
        return total(one.stop.delivery_load for one in self.stops)

    @property
    def loads_after(self) -> tuple[Load, ...]:
        """Return what is on board after each stop."""
        on_board, after = self.start_load, []
        for one in self.stops:
            on_board = on_board - one.stop.delivery_load + one.stop.collection_load
            after.append(on_board)
        return tuple(after)

    @property
    def peak_load(self) -> Load:
        """Return the most that is on board at any moment, dimension by dimension."""
        moments = (self.start_load, *self.loads_after)
        return Load(
            max(load.weight_g for load in moments),
            max(load.volume_cm3 for load in moments),
            max(load.count for load in moments),
        )

    @property
    def cost(self) -> RouteCost:
        """Return what it costs."""
        return route_cost(self.kind, self.distance_m, self.end_s - self.start_s)

    @property
    def parcel_ids(self) -> tuple[str, ...]:
        """Return all its parcels in the order of driving."""
        return tuple(parcel_id for one in self.stops for parcel_id in one.stop.parcel_ids)

    def digest(self) -> str:
        """Return a fingerprint of everything a courier would notice."""
        return digest_of(route_content(self))


def total(loads: Iterable[Load]) -> Load:
    """Add loads up."""
    result = Load()
    for load in loads:
        result += load
    return result


def route_cost(kind: TypeSpec, distance_m: int, duration_s: int) -> RouteCost:
    """Price a route of a vehicle type."""
    return RouteCost(
        fixed_fen=to_fen(fen(kind.fixed_fen)),
        distance_fen=to_fen(per_km(kind.per_km_fen) * distance_m),
        duration_fen=to_fen(per_hour(kind.per_hour_fen) * duration_s),
    )


def lay_out(visits: Sequence[Visit], clock_s: int) -> tuple[PlannedStop, ...]:
    """Time visits in their order, the vehicle leaving for the first of them at a moment."""
    planned = []
    for visit in visits:
        arrival_s = clock_s + visit.leg.time_s
        start_s, late_s = start_of_work(visit.stop.windows, arrival_s)
        clock_s = start_s + visit.stop.work_s
        planned.append(PlannedStop(visit, arrival_s, start_s, clock_s, late_s))
    return tuple(planned)


def start_of_work(windows: Windows, arrival_s: int) -> tuple[int, int]:
    """Return when work starts for an arrival, and by how much that misses the last window."""
    for open_s, close_s in windows:
        if arrival_s <= close_s:
            return max(arrival_s, open_s), 0
    return arrival_s, arrival_s - windows[-1][1]


def route_content(route: PlannedRoute) -> dict[str, Any]:
    """Return what a route says, as plain JSON: the base of its digest."""
    return {
        "number": route.number,
        "vehicle": route.vehicle_id,
        "courier": route.courier_id,
        "profile": route.kind.profile,
        "start_s": route.start_s,
        "end_s": route.end_s,
        "distance_m": route.distance_m,
        "cost": route.cost.as_dict(),
        "stops": [_stop_content(one) for one in route.stops],
    }


def _stop_content(one: PlannedStop) -> dict[str, Any]:
    return {
        "key": one.stop.key,
        "label": one.visit.label,
        "point": list(one.visit.point),
        "times": [one.arrival_s, one.start_s, one.departure_s],
        "deliveries": list(one.stop.deliveries),
        "collections": list(one.stop.collections),
    }


def digest_of(content: Any) -> str:
    """Return the SHA-256 of plain JSON content, keys sorted."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
