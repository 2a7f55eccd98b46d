"""What differs between two plans of one day, and how much of it people have to learn anew.

The terms of a disturbance are those of every re-plan: against the published version, integers, beside the cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from dispatch.plans.changes import ETA_TOLERANCE_S, RouteChange, longest_rising, route_changes
from dispatch.plans.routes import PlannedRoute


@dataclass(frozen=True)
class Disturbance:
    """How far a plan is from a reference.

    Attributes
    ----------
    moved_vehicle
        Parcels on another vehicle.
    moved_order
        Stops that leave the longest common order of their route, so that an insertion disturbs nobody else.
    eta_shift
        Stops whose arrival moves by more than the tolerance.
    couriers
        Couriers whose route changes in any way they would notice.
    dropped
        Stops that were planned and are on no route now.
    """

    moved_vehicle: int = 0
    moved_order: int = 0
    eta_shift: int = 0
    couriers: int = 0
    dropped: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return each term by its name."""
        return asdict(self)


TERMS: Final = tuple(one.name for one in fields(Disturbance))


@dataclass(frozen=True)
class Budget:
    """How much a re-plan may disturb.

    Attributes
    ----------
    limits
        Most of each term; a term that is absent has no limit. Nothing is dropped unless that is allowed.
    weights_fen
        What one unit of each term is worth: the slider between stable and cheap.
    tolerance_s
        Arrivals that move by less are not shifted.
    """

    limits: Mapping[str, int] = field(default_factory=lambda: {"dropped": 0})
    weights_fen: Mapping[str, int] = field(
        default_factory=lambda: {"moved_vehicle": 200, "moved_order": 100, "eta_shift": 20, "couriers": 500}
    )
    tolerance_s: int = ETA_TOLERANCE_S

    def exceeded(self, disturbance: Disturbance) -> dict[str, int]:
        """Return by how much each term exceeds its limit, nothing when all hold."""
        values = disturbance.as_dict()
        over = {name: values[name] - most for name, most in self.limits.items()}
        return {name: more for name, more in over.items() if more > 0}

    def price_fen(self, disturbance: Disturbance) -> int:
        """Return the weighted disturbance as money, to be compared with cost."""
        values = disturbance.as_dict()
        return sum(values[name] * weight for name, weight in self.weights_fen.items())


@dataclass(frozen=True)
class MovedParcel:
    """A parcel that changed its vehicle; None where it is on no route."""

    parcel_id: str
    stop_key: str
    from_vehicle: str | None
    to_vehicle: str | None


@dataclass(frozen=True)
class RouteDifference:
    """What one vehicle's courier would have to learn.

    Attributes
    ----------
    changes
        As the courier gets them; see :mod:`dispatch.plans.changes`.
    """

    vehicle_id: str
    courier_before: str | None
    courier_after: str | None
    number: int
    cost_before_fen: int
    cost_after_fen: int
    changes: tuple[RouteChange, ...]


@dataclass(frozen=True)
class Difference:
    """All differences between two plans of a day."""

    cost_before_fen: int
    cost_after_fen: int
    distance_before_m: int
    distance_after_m: int
    disturbance: Disturbance
    parcels: tuple[MovedParcel, ...]
    routes: tuple[RouteDifference, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        body = asdict(self)
        body["added_fen"] = self.cost_after_fen - self.cost_before_fen
        return body


def differ(
    before: Sequence[PlannedRoute], after: Sequence[PlannedRoute], tolerance_s: int = ETA_TOLERANCE_S
) -> Difference:
    """Compare two plans of one day, vehicle by vehicle and parcel by parcel."""
    old = {route.vehicle_id: route for route in before}
    new = {route.vehicle_id: route for route in after}
    places = _vehicle_of_parcel(before), _vehicle_of_parcel(after)
    parcels = tuple(
        MovedParcel(parcel_id, key, *where)
        for parcel_id, key in sorted({**_stop_of_parcel(before), **_stop_of_parcel(after)}.items())
        for where in [(places[0].get(parcel_id), places[1].get(parcel_id))]
        if where[0] != where[1]
    )
    routes = tuple(
        one
        for vehicle_id in sorted({*old, *new})
        if (one := _of_vehicle(old.get(vehicle_id), new.get(vehicle_id), tolerance_s))
    )
    return Difference(
        sum(route.cost.total_fen for route in before),
        sum(route.cost.total_fen for route in after),
        sum(route.distance_m for route in before),
        sum(route.distance_m for route in after),
        disturbance_between(before, after, tolerance_s),
        parcels,
        routes,
    )


def disturbance_between(
    before: Sequence[PlannedRoute], after: Sequence[PlannedRoute], tolerance_s: int = ETA_TOLERANCE_S
) -> Disturbance:
    """Measure how far a plan is from a reference."""
    old = {one.stop.key: (route.vehicle_id, place, one) for route in before for place, one in enumerate(route.stops)}
    new = {one.stop.key: (route.vehicle_id, place, one) for route in after for place, one in enumerate(route.stops)}
    moved_parcels = moved_order = shifted = dropped = 0
    touched: set[str] = set()
    for key, (vehicle_id, _, one) in old.items():
        now = new.get(key)
        if now is None:
            dropped += 1
            touched.add(vehicle_id)
        elif now[0] != vehicle_id:
            moved_parcels += len(one.stop.parcel_ids)
            touched |= {vehicle_id, now[0]}
        elif abs(now[2].arrival_s - one.arrival_s) > tolerance_s:
            shifted += 1
            touched.add(vehicle_id)
    touched |= {vehicle_id for key, (vehicle_id, _, _) in new.items() if key not in old}
    for route in after:
        common = [key for one in route.stops if old.get(key := one.stop.key, ("",))[0] == route.vehicle_id]
        places = [old[key][1] for key in common]
        lost = len(places) - len(longest_rising(places))
        moved_order += lost
        if lost:
            touched.add(route.vehicle_id)
    return Disturbance(moved_parcels, moved_order, shifted, len(touched), dropped)


def _stop_of_parcel(routes: Sequence[PlannedRoute]) -> dict[str, str]:
    return {parcel_id: one.stop.key for route in routes for one in route.stops for parcel_id in one.stop.parcel_ids}


def _vehicle_of_parcel(routes: Sequence[PlannedRoute]) -> dict[str, str]:
    return {parcel_id: route.vehicle_id for route in routes for parcel_id in route.parcel_ids}


def _of_vehicle(before: PlannedRoute | None, after: PlannedRoute | None, tolerance_s: int) -> RouteDifference | None:
    some = after or before
    assert some is not None  # a vehicle is listed because it has a route in one of the two
    old = before or _empty_like(some)
    new = after or _empty_like(some)
    changes = route_changes(old, new, tolerance_s)
    same_driver = old.courier_id == new.courier_id
    if not changes and same_driver:
        return None
    return RouteDifference(
        vehicle_id=some.vehicle_id,
        courier_before=None if before is None else before.courier_id,
        courier_after=None if after is None else after.courier_id,
        number=some.number,
        cost_before_fen=0 if before is None else before.cost.total_fen,
        cost_after_fen=0 if after is None else after.cost.total_fen,
        changes=changes,
    )


def _empty_like(route: PlannedRoute) -> PlannedRoute:
    return PlannedRoute(route.number, route.vehicle_id, route.courier_id, route.kind, route.start_s, (), route.back)
