"""From a stored version to a board: what is done, what is loaded, who accepted, which roads are closed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from shapely.geometry import shape
from shapely.ops import unary_union
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyStanding
from dispatch.demand.parcel import DueParcel
from dispatch.demand.reasons import Reason
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Demand, Stop, build_stops
from dispatch.fleet.fleet import Fleet
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.model import Parcel
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.board import Board, first_board
from dispatch.plans.deadlines import without_deadline
from dispatch.plans.draft_model import PlanAnswer
from dispatch.plans.locks import LockLevel, Locks, StopLock
from dispatch.plans.matrices import (
    DayMatrices,
    MatrixStore,
    Point,
    ProfileMatrix,
    Roads,
    rounded,
    whole_numbers,
)
from dispatch.plans.model import Plan, PlanVersion
from dispatch.plans.progress import fixed_and_delay
from dispatch.plans.repository import ON_VAN, PlanRepository, RouteShelf, StoredRoute, types_of
from dispatch.plans.scene import Scene, Van, van_of
from dispatch.plans.sources import due_parcel, place_points, site_points
from dispatch.promises.clocks import area_classes
from dispatch.promises.reading import promises_for
from kernel.clock import second_of
from lockers.registry.repository import SiteRepository
from maps.region import Region

_AT_ONCE = 500
SKILLS = "skills"
"""Where a version keeps what its stops ask of a vehicle, by stop key; absent when none does."""
EQUIPMENT = "equipment"
"""Where a version keeps what its vehicles have along, by vehicle; absent when the region recorded none."""


class RegionSource(Protocol):
    """Something that has regions by name, such as :class:`maps.store.RegionStore`."""

    def load(self, name: str) -> Region:
        """Return a region."""
        ...


@dataclass(frozen=True, eq=False)
class Atlas:
    """The roads of one region as a plan sees them: matrices and lines, some roads closed.

    Attributes
    ----------
    store
        Where whole days' matrices are kept.
    """

    region: Region
    store: MatrixStore

    @property
    def depot(self) -> Point:
        """Return where routes begin and end."""
        return rounded(*self.region.depot.lonlat)

    def roads(self, closures: Sequence[Mapping[str, Any]] = ()) -> Roads:
        """Return the road engine, without the roads that closures cut.

        Notes
        -----
        A closure is a GeoJSON geometry: a point or line closes the roads within a few metres, an area all it
        touches.
        """
        engine = self.region.engine()
        if not closures:
            return engine
        areas = [shape(one) for one in closures]
        return engine.with_closures(unary_union([area if area.area > 0 else area.buffer(_NEAR_DEG) for area in areas]))

    def version(self, closures: Sequence[Mapping[str, Any]] = ()) -> str:
        """Return the fingerprint of the roads."""
        plain = roads_version(self.region)
        if not closures:
            return plain
        text = json.dumps(list(closures), sort_keys=True)
        return f"{plain}/closed-{sha256(text.encode()).hexdigest()[:16]}"

    def matrices(
        self, known: DayMatrices | None, points: Iterable[Point], profiles: Sequence[str], closures: Any = ()
    ) -> DayMatrices:
        """Return matrices over the known points and some more, measuring only what is missing."""
        wanted = tuple(dict.fromkeys([*(known.points if known is not None else ()), *points]))
        if known is None or not set(profiles) <= known.profiles.keys():
            return self.store.obtain(self.roads(closures), self.version(closures), wanted, profiles)
        missing = wanted[len(known.points) :]
        return known if not missing else extended(known, missing, self.roads(closures))

    def closed(self, known: DayMatrices, closures: Sequence[Mapping[str, Any]]) -> DayMatrices:
        """Return the matrices of the same points with roads closed."""
        return self.store.obtain(self.roads(closures), self.version(closures), known.points, sorted(known.profiles))


_NEAR_DEG = 0.00005  # some five metres: a point put on a road by hand closes that road


def roads_version(region: Region) -> str:
    """Return the fingerprint of a region's roads as they were imported."""
    return f"{region.name}/{region.version}/{region.source}"


def extended(known: DayMatrices, missing: Sequence[Point], roads: Roads) -> DayMatrices:
    """Add points to matrices, measuring only the drives from and to the new ones."""
    old, count = len(known.points), len(missing)
    here, everything = np.array(missing), np.array((*known.points, *missing))
    profiles = {}
    for name, matrix in known.profiles.items():
        there, back = roads.matrix(everything, here, name), roads.matrix(here, everything, name)
        times, metres = (np.zeros((old + count, old + count), np.int32) for _ in range(2))
        times[:old, :old], metres[:old, :old] = matrix.time_s, matrix.distance_m
        for target, onward, homeward in (
            (times, there.time_s, back.time_s),
            (metres, there.dist_m, back.dist_m),
        ):
            target[:, old:], target[old:, :] = whole_numbers(onward), whole_numbers(homeward)
            np.fill_diagonal(target, 0)
            target.setflags(write=False)
        profiles[name] = ProfileMatrix(times, metres)
    return replace(known, points=(*known.points, *missing), profiles=profiles, digest="")


@dataclass(frozen=True)
class Facts:
    """What is known of a running day at some moment.

    Attributes
    ----------
    fixed
        By route id: leading stops done or under way, and the delay so far.
    loaded
        Parcels that were scanned onto a vehicle.
    accepted
        Ids of routes whose courier accepted them.
    """

    fixed: Mapping[str, tuple[int, int]]
    loaded: frozenset[str]
    accepted: frozenset[str]


def facts_of(
    session: Session, plan: Plan, stored: Sequence[StoredRoute], now: datetime, *, answers: bool = True
) -> Facts:
    """Gather what happened on a published plan until now, what couriers answered included or not."""
    repository = PlanRepository(session)
    parcel_ids = [parcel_id for one in stored for parcel_id in one.route.parcel_ids]
    accepted = select(PlanAnswer.route_id).where(PlanAnswer.plan_id == plan.id, PlanAnswer.answer == "accepted")
    return Facts(
        fixed=fixed_and_delay(stored, repository.progress(plan.id), plan, now),
        loaded=frozenset(_on_vans(session, parcel_ids)),
        accepted=frozenset(session.scalars(accepted)) if answers else frozenset(),
    )


def _on_vans(session: Session, parcel_ids: Sequence[str]) -> list[str]:
    found: list[str] = []
    for start in range(0, len(parcel_ids), _AT_ONCE):
        query = select(CustodyStanding.parcel_id).where(
            CustodyStanding.status.in_(ON_VAN), CustodyStanding.parcel_id.in_(parcel_ids[start : start + _AT_ONCE])
        )
        found += session.scalars(query)
    return found


def load_board(
    session: Session,
    plan: Plan,
    version: PlanVersion,
    atlas: Atlas,
    *,
    shelf: RouteShelf | None = None,
    now: datetime | None = None,
    waiting: bool = True,
    answers: bool = True,
) -> Board:
    """Lay a version out on a board.

    Parameters
    ----------
    now
        The moment of the running day whose facts hold; None for a plan that is not in force.
    waiting
        Whether the parcels on no route are laid out as stops too.
    answers
        Whether a route that its courier accepted keeps its order.
    """
    stored = PlanRepository(session).routes(version, shelf=shelf)
    facts = (
        Facts({}, frozenset(), frozenset()) if now is None else facts_of(session, plan, stored, now, answers=answers)
    )
    fleet = FleetRepository(session).load(plan.region)
    vans, orders = _vans(stored, version, fleet, facts)
    demand, parcel_reasons, known = _waiting(session, plan, version, atlas.region) if waiting else (Demand(()), {}, {})
    ahead = [one.stop for route in stored for one in route.route.stops[facts.fixed.get(route.id, (0, 0))[0] :]]
    taken = {one.stop.key for route in stored for one in route.route.stops}
    asked = version.assumptions.get(SKILLS, {})
    ahead = [replace(stop, skills=frozenset(asked.get(stop.key, ()))) for stop in ahead]
    stops = [*ahead, *(replace(stop, key=free_key(stop.key, taken)) for stop in demand.stops)]
    closures = tuple(version.assumptions.get("closures", ()))
    points = [
        atlas.depot,
        *(rounded(stop.lon, stop.lat) for stop in stops),
        *(one.visit.point for van in vans for one in van.done),
    ]
    profiles = sorted({van.kind.profile for van in vans})
    matrices = atlas.matrices(atlas.store.find(version.assumptions["matrix"]), points, profiles, closures)
    scene = Scene(
        tuple(vans),
        tuple(stops),
        matrices,
        dict(version.assumptions.get("releases", {})),
        frozenset(version.assumptions.get("handed_over", ())),
        0 if now is None else max(0, second_of(now, plan.day, plan.zone)),
    )
    locks = Locks.from_dict(version.assumptions.get("locks", {}))
    ahead_keys = {stop.key for stop in ahead}
    return first_board(
        scene,
        orders,
        {one.route.vehicle_id: one.route.start_s for one in stored},
        {one.route.vehicle_id: {stop.stop.key: stop.visit.label for stop in one.route.stops} for one in stored},
        keeps_departure=now is not None,
        reasons={stop.key: known[stop.parcel_ids[0]] for stop in demand.stops if stop.parcel_ids[0] in known},
        parcel_reasons=parcel_reasons,
        locks=_implied(locks.without(set(locks.stops) - ahead_keys), stored, facts),
        closures=closures,
    )


def _vans(
    stored: Sequence[StoredRoute], version: PlanVersion, fleet: Fleet, facts: Facts
) -> tuple[list[Van], dict[str, list[str]]]:
    """Return every vehicle of the day with its state, and what it still has to do."""
    overrides = version.assumptions.get("vehicles", {})
    types = types_of(version)
    vans: dict[str, Van] = {}
    orders: dict[str, list[str]] = {}
    for one in stored:
        fixed, delay_s = facts.fixed.get(one.id, (0, 0))
        vans[one.route.vehicle_id] = van_of(one.route, fixed, delay_s)
        orders[one.route.vehicle_id] = [stop.stop.key for stop in one.route.stops[fixed:]]
    for spec in fleet.vehicles:
        if spec.id not in vans:
            vans[spec.id] = Van(spec.id, types.get(spec.type_id) or fleet.type_of(spec), spec.courier_id)
    for vehicle_id, body in overrides.items():
        if vehicle_id in vans:
            van = vans[vehicle_id]
            kind = replace(van.kind, shift_start_s=body["shift_start_s"], shift_end_s=body["shift_end_s"])
            vans[vehicle_id] = replace(van, kind=kind, in_service=body["in_service"])
    along = version.assumptions.get(EQUIPMENT, {})
    return [replace(van, skills=frozenset(along.get(van.id, ()))) for van in vans.values()], orders


def _implied(locks: Locks, stored: Sequence[StoredRoute], facts: Facts) -> Locks:
    """Add what facts lock: loaded stops to their vehicle, accepted routes in their order."""
    found = dict(locks.stops)
    for one in stored:
        fixed, _ = facts.fixed.get(one.id, (0, 0))
        before: str | None = None
        for rank, planned in enumerate(one.route.stops[fixed:]):
            stop = planned.stop
            loaded = any(parcel_id in facts.loaded for parcel_id in stop.deliveries)
            level = LockLevel.SEQUENCE if one.id in facts.accepted else LockLevel.VEHICLE if loaded else LockLevel.FREE
            held = found.get(stop.key)
            if level is not LockLevel.FREE and (held is None or held.level.rank < level.rank):
                found[stop.key] = StopLock(
                    level, one.route.vehicle_id, rank, before, planned.start_s, "loaded" if loaded else "accepted"
                )
            before = stop.key
    return replace(locks, stops=found)


def _waiting(
    session: Session, plan: Plan, version: PlanVersion, region: Region
) -> tuple[Demand, dict[str, Reason], dict[str, Reason]]:
    """Make stops of the parcels on no route; those that can be at no stop keep their reason as it is."""
    known = PlanRepository(session).reasons(version)
    parcels = ParcelRepository(session).by_ids(list(known)) if known else []
    demand = demand_of(session, plan, version, region, parcels)
    at_stops = {parcel_id for stop in demand.stops for parcel_id in stop.parcel_ids}
    at_none = {parcel_id: reason for parcel_id, reason in known.items() if parcel_id not in at_stops}
    return demand, {**at_none, **demand.reasons}, known


def demand_of(
    session: Session,
    plan: Plan,
    version: PlanVersion,
    region: Region,
    parcels: Sequence[Parcel],
    late: Collection[str] = (),
) -> Demand:
    """Make stops of some parcels by the rules the version was planned with; all count as due on the plan's day.

    Those in ``late`` are made without their deadline.
    """
    promises = promises_for(session, plan.region, plan.day, parcels, area_classes(region), plan.zone)
    found = (due_parcel(one, promises[one.id], plan.day, plan.zone) for one in parcels)
    due: list[DueParcel] = [replace(known, due_day=min(known.due_day, plan.day)) for known in found]
    due = list(without_deadline(due, late))
    if EQUIPMENT not in version.assumptions:
        due = [replace(known, skills=frozenset()) for known in due]
    return build_stops(
        due,
        plan.day,
        place_points((*region.places, region.depot)),
        site_points(SiteRepository(session).in_region(plan.region), plan.day),
        [(kind.id, kind.capacity) for kind in types_of(version).values()],
        ServiceTimes.from_dict(version.assumptions["service_times"]),
    )


def free_key(key: str, taken: set[str]) -> str:
    """Give a stop a key of its own, and note it: a site may have been visited earlier in the day."""
    number, free = 1, key
    while free in taken:
        number += 1
        free = f"{key}-v{number}"
    taken.add(free)
    return free


def stop_points(stops: Iterable[Stop]) -> list[Point]:
    """Return where stops are, as the matrices name it."""
    return [rounded(stop.lon, stop.lat) for stop in stops]
