"""Put one more collection on a route that is already published: cheapest place, nothing else reordered.

A loaded van keeps its order: the new stop goes between stops that are still ahead, or the parcels join a
stop that visits the same site anyway. What is done or under way does not move. The search is exact over
all allowed places: they are tried in the order of a lower bound of their cost (the extra kilometres) until
the bound passes the best place found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dispatch.demand.reasons import Certainty, Reason, ReasonCode
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Stop
from dispatch.demand.windows import Windows
from dispatch.fleet.fleet import Load
from dispatch.plans.matrices import Point, rounded
from dispatch.plans.routes import Leg, PlannedRoute, Visit, lay_out
from routing.problem import UNREACHABLE, per_hour, per_km

_ROUNDING_S: Final = 2  # legs are whole seconds, so a detour may seem that much shorter than no detour

LegFinder = Callable[[str, Point, Point], Leg]
"""Finds the drive between two points for a profile; a time of `UNREACHABLE` means no road."""


@dataclass(frozen=True)
class OpenRoute:
    """A published route as it stands at some moment of the day.

    Attributes
    ----------
    fixed
        Leading stops that are done or under way.
    delay_s
        By how much the last of them ended later than planned.
    """

    route: PlannedRoute
    fixed: int = 0
    delay_s: int = 0

    @property
    def leaves_s(self) -> int:
        """Return when the vehicle leaves for its first stop that may change."""
        if self.fixed == 0:
            return self.route.start_s + self.delay_s
        return self.route.stops[self.fixed - 1].departure_s + self.delay_s


@dataclass(frozen=True)
class Inserted:
    """Where a collection was put.

    Attributes
    ----------
    position
        Index of the stop in the changed route.
    extended
        Whether the parcels joined a stop that was there already.
    added_units
        What it adds to the plan, in cost units of :mod:`routing.problem`.
    """

    before: PlannedRoute
    route: PlannedRoute
    position: int
    extended: bool
    added_units: int

    @property
    def rank(self) -> tuple[int, bool]:
        """Return what makes one place better than another: its cost, then not stopping twice at a site."""
        return self.added_units, not self.extended


@dataclass(frozen=True)
class _Place:
    bound_units: int
    rank: int
    open_route: OpenRoute
    position: int
    legs: tuple[Leg, Leg] | None


def cheapest_insertion(
    open_routes: Sequence[OpenRoute], new: Stop, depot: Point, find_leg: LegFinder, times: ServiceTimes
) -> Inserted | Reason:
    """Find the cheapest place for a collection, or say why there is none.

    Parameters
    ----------
    new
        The collection as a stop of its own; its key must be free in the plan.

    Returns
    -------
    The changed route, or a reason. A reason is ``proved`` when it holds whatever the order of the stops,
    ``heuristic`` when another order might have served it.
    """
    places: list[_Place] = []
    for open_route in open_routes:
        ahead = _Ahead(open_route)
        for bound, position, legs in (*_extensions(ahead, new, times), *_detours(ahead, new, depot, find_leg)):
            places.append(_Place(bound, len(places), open_route, position, legs))
    best: Inserted | None = None
    for place in sorted(places, key=lambda one: (one.bound_units, one.rank)):
        if best is not None and place.bound_units > best.added_units:
            break
        tried = _try(place, new, times)
        if tried is not None and (best is None or tried.rank < best.rank):
            best = tried
    if best is not None:
        return best
    here = rounded(new.lon, new.lat)
    profiles = sorted({one.route.kind.profile for one in open_routes})
    has_road = any(
        max(find_leg(profile, depot, here).time_s, find_leg(profile, here, depot).time_s) < UNREACHABLE
        for profile in profiles
    )
    return _why_not(open_routes, new, has_road=has_road)


class _Ahead:
    """What limits the rest of a route: the most on board from each stop on, the latest arrival at each stop."""

    def __init__(self, open_route: OpenRoute) -> None:
        self.open_route = open_route
        self.as_is = _as_is(open_route)
        stops = self.as_is.stops
        self.points = [one.visit.point for one in stops]
        moments = (self.as_is.start_load, *self.as_is.loads_after)
        self.load_from = [moments[-1]]  # index i: most on board from leaving the stop before i to the end
        for load in reversed(moments[:-1]):
            self.load_from.insert(0, _most(load, self.load_from[0]))
        latest_s = [max(self.as_is.kind.shift_end_s, self.as_is.end_s)]
        legs = [one.visit.leg for one in stops[1:]] + ([self.as_is.back] if stops else [])
        for one, onward in zip(reversed(stops), reversed(legs), strict=True):
            bound_s = latest_s[0] - onward.time_s - (one.departure_s - one.start_s)
            latest_s.insert(0, max(one.arrival_s, _latest_start(one.stop.windows, bound_s)))
        self.latest_s = latest_s  # index i: latest arrival at stop i; the last one is the depot's

    def leaves_s(self, position: int) -> int:
        """Return when the vehicle leaves for a stop."""
        if position == self.open_route.fixed:
            return self.open_route.leaves_s
        return self.as_is.stops[position - 1].departure_s


def _most(first: Load, second: Load) -> Load:
    return Load(
        max(first.weight_g, second.weight_g),
        max(first.volume_cm3, second.volume_cm3),
        max(first.count, second.count),
    )


def _latest_start(windows: Windows, bound_s: int) -> int:
    """Return the latest start inside a window that is not after the bound, -1 when there is none."""
    return max((min(close_s, bound_s) for open_s, close_s in windows if open_s <= bound_s), default=-1)


_Found = tuple[int, int, tuple[Leg, Leg] | None]


def _extensions(ahead: _Ahead, new: Stop, times: ServiceTimes) -> list[_Found]:
    """List the stops at the same site that the parcels can join."""
    stops, found = ahead.as_is.stops, list[_Found]()
    onward_s = [*(one.visit.leg.time_s for one in stops[1:]), ahead.as_is.back.time_s]
    more_s = times.work_s(new.kind, 0, len(new.collections))
    for position in range(ahead.open_route.fixed, len(stops)):
        one = stops[position]
        if one.stop.site_id is None or one.stop.site_id != new.site_id:
            continue
        fits = (ahead.load_from[position + 1] + new.collection_load).fits(ahead.as_is.kind.capacity)
        if fits and one.departure_s + more_s + onward_s[position] <= ahead.latest_s[position + 1]:
            found.append((0, position, None))
    return found


def _detours(ahead: _Ahead, new: Stop, depot: Point, find_leg: LegFinder) -> list[_Found]:
    """List the legs a detour fits into, each with a lower bound of its cost."""
    route, found = ahead.as_is, list[_Found]()
    here = rounded(new.lon, new.lat)
    points = [depot, *ahead.points, depot]
    legs = [*(one.visit.leg for one in route.stops), route.back]
    for position in range(ahead.open_route.fixed, len(legs)):
        if not (ahead.load_from[position] + new.collection_load).fits(route.kind.capacity):
            continue
        there = find_leg(route.kind.profile, points[position], here)
        onward = find_leg(route.kind.profile, here, points[position + 1])
        if max(there.time_s, onward.time_s) >= UNREACHABLE:
            continue
        (stop,) = lay_out([Visit(new, 0, there)], ahead.leaves_s(position))
        if not stop.late_s and stop.departure_s + onward.time_s <= ahead.latest_s[position]:
            more_m = there.distance_m + onward.distance_m - legs[position].distance_m
            bound = per_km(route.kind.per_km_fen) * more_m - per_hour(route.kind.per_hour_fen) * _ROUNDING_S
            found.append((bound, position, (there, onward)))
    return found


def _try(place: _Place, new: Stop, times: ServiceTimes) -> Inserted | None:
    """Return the changed route when it keeps capacity, windows, shift and range."""
    open_route, position = place.open_route, place.position
    route = open_route.route
    visits = [one.visit for one in route.stops]
    back = route.back
    if place.legs is None:
        visits[position] = replace(visits[position], stop=extended_stop(visits[position].stop, new, times))
    else:
        there, onward = place.legs
        label = max((visit.label for visit in visits), default=0) + 1
        if position < len(visits):
            visits[position] = replace(visits[position], leg=onward)
        else:
            back = onward
        visits.insert(position, Visit(new, label, there))
    if route.kind.max_stops is not None and len(visits) > route.kind.max_stops:
        return None
    fixed = open_route.fixed
    rest = lay_out(visits[fixed:], open_route.leaves_s)
    changed = replace(route, stops=route.stops[:fixed] + rest, back=back)
    if route.kind.max_distance_m is not None and changed.distance_m > route.kind.max_distance_m:
        return None
    as_is = _as_is(open_route)
    if not _keeps_promises(as_is, changed, position, inserted=place.legs is not None):
        return None
    return Inserted(route, changed, position, place.legs is None, _added_units(as_is, changed))


def extended_stop(stop: Stop, new: Stop, times: ServiceTimes) -> Stop:
    """Return a stop that also takes the collections of another one at the same site."""
    return replace(
        stop,
        collections=tuple(sorted({*stop.collections, *new.collections})),
        collection_load=stop.collection_load + new.collection_load,
        service_s=stop.service_s + times.work_s(new.kind, 0, len(new.collections)),
        priority=max(stop.priority, new.priority),
    )


def _as_is(open_route: OpenRoute) -> PlannedRoute:
    """Return the route with the delay it already has."""
    route, fixed = open_route.route, open_route.fixed
    if open_route.delay_s == 0 or fixed > len(route.stops):
        return route
    rest = lay_out([one.visit for one in route.stops[fixed:]], open_route.leaves_s)
    return replace(route, stops=route.stops[:fixed] + rest)


def _keeps_promises(as_is: PlannedRoute, changed: PlannedRoute, position: int, *, inserted: bool) -> bool:
    """Tell whether no stop becomes late or later, and the shift does not end late or later."""
    old = list(as_is.stops)
    new = list(changed.stops)
    if inserted and new.pop(position).late_s:
        return False
    if any(after.late_s > before.late_s for before, after in zip(old, new, strict=True)):
        return False
    return changed.end_s <= max(changed.kind.shift_end_s, as_is.end_s)


def _added_units(as_is: PlannedRoute, changed: PlannedRoute) -> int:
    kind = changed.kind
    more_m = changed.distance_m - as_is.distance_m
    more_s = changed.end_s - as_is.end_s
    return per_km(kind.per_km_fen) * more_m + per_hour(kind.per_hour_fen) * more_s


def _why_not(open_routes: Sequence[OpenRoute], new: Stop, *, has_road: bool) -> Reason:
    under_way = [one for one in open_routes if one.fixed <= len(one.route.stops)]
    if not open_routes:
        return Reason(ReasonCode.NO_VEHICLE)
    if not under_way:
        return Reason(ReasonCode.RELEASED_TOO_LATE)
    if not has_road:
        return Reason(ReasonCode.UNREACHABLE_BY_ROAD)
    exceeded = [_capacity_gap(one, new.collection_load) for one in open_routes]
    if all(gap is not None for gap in exceeded):
        gap = min((gap for gap in exceeded if gap is not None), key=lambda one: one[1])
        return Reason(
            ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY,
            Certainty.HEURISTIC,
            dimension=gap[0],
            amount=gap[1],
        )
    return Reason(ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS, Certainty.HEURISTIC)


def _capacity_gap(open_route: OpenRoute, more: Load) -> tuple[str, int] | None:
    """Return what is missing when the load is taken as late as possible, nothing when it fits then."""
    route = open_route.route
    last = (route.loads_after[-1] if route.stops else Load()) + more
    dimension = last.exceeded(route.kind.capacity)
    if dimension is None:
        return None
    return dimension, getattr(last, dimension) - getattr(route.kind.capacity, dimension)


def fixed_stops(route: PlannedRoute, done: Iterable[str], now_s: int) -> int:
    """Return how many leading stops are done or under way; one more when the vehicle is on its way back.

    Parameters
    ----------
    done
        Keys of stops at which the courier reported something.
    now_s
        The present moment, seconds since the day's start. A stop is also under way once the plan says that
        the vehicle has left for it, reported or not: a courier in a valley without signal reports late.
    """
    reported = set(done)
    by_facts = max((index + 1 for index, one in enumerate(route.stops) if one.stop.key in reported), default=0)
    leaving = [one.arrival_s - one.visit.leg.time_s for one in route.stops] + [route.end_s - route.back.time_s]
    return max(by_facts, sum(1 for moment_s in leaving if moment_s <= now_s))
