"""A drop-off of the running day becomes part of the published plan, or gets a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from dispatch.demand.reasons import Reason, ReasonCode
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Stop, build_stops
from dispatch.parcels.model import COLLECT, Parcel
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.content import content_digest
from dispatch.plans.errors import NotACollectionError
from dispatch.plans.geometry import RouteLine, line_through
from dispatch.plans.insertion import Inserted, OpenRoute, cheapest_insertion, fixed_stops
from dispatch.plans.matrices import DayMatrices, MatrixStore, Point, rounded, star_matrices
from dispatch.plans.model import Plan, PlanProgress, PlanVersion
from dispatch.plans.repository import NewRoute, PlanRepository, RouteShelf, StoredRoute, types_of
from dispatch.plans.routes import Leg, PlannedRoute
from dispatch.plans.sources import due_parcel, place_points, site_points
from kernel.clock import second_of
from kernel.ids import Ids
from lockers.registry.repository import SiteRepository
from maps.region import Region

_LESS_MAY_FIT: Final = frozenset(
    {
        ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY,
        ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS,
    }
)
"""Reasons that may hold for many parcels at once and not for fewer."""


@dataclass(frozen=True)
class InsertedStop:
    """Where some drop-offs went: ``extended`` when they joined a stop that was there already."""

    route_id: str
    route_number: int
    vehicle_id: str
    courier_id: str | None
    position: int
    stop_key: str
    extended: bool
    arrival_s: int
    added_fen: int
    parcel_ids: tuple[str, ...]


@dataclass(frozen=True)
class Insertion:
    """What became of some drop-offs.

    Attributes
    ----------
    version_id, number
        The new version in force; None when nothing changed.
    present
        Parcels that were on a route already.
    refused
        Why the others wait for the next plan.
    """

    region: str
    plan_id: str
    version_id: str | None = None
    number: int | None = None
    inserted: tuple[InsertedStop, ...] = ()
    present: tuple[str, ...] = ()
    refused: Mapping[str, Reason] = field(default_factory=dict)


@dataclass
class _BoardState:
    """The routes while several stops are inserted one after the other."""

    routes: dict[str, PlannedRoute]
    lines: dict[str, str | None]
    fixed: dict[str, tuple[int, int]]
    inserted: list[InsertedStop] = field(default_factory=list)
    refused: dict[str, Reason] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


def insert_into(
    session: Session,
    plan: Plan,
    version: PlanVersion,
    region: Region,
    parcel_ids: Sequence[str],
    *,
    matrices: MatrixStore,
    shelf: RouteShelf,
    ids: Ids,
    now: datetime,
    actor: str,
    reason: str,
    software: Mapping[str, str],
) -> Insertion:
    """Insert drop-offs of one site into a version in force, in the caller's transaction.

    Returns
    -------
    The new version's id, not yet published, or None when nothing could be inserted.

    Raises
    ------
    NotACollectionError
        If a parcel is not to be collected at a site.
    """
    repository = PlanRepository(session)
    present = repository.planned_parcels(version.id, parcel_ids)
    parcels = _collections(session, plan.region, [one for one in parcel_ids if one not in present])
    result = Insertion(plan.region, plan.id, present=tuple(sorted(present)))
    if not parcels:
        return result
    stored = repository.routes(version, shelf=shelf)
    board = _board(stored, repository.progress(plan.id), plan, now)
    _Inserter(session, plan, version, region, matrices, board).insert(parcels)
    _note_refusals(repository, board.refused, version, ids, now)
    if board.changed:
        row = _version_row(version, repository, ids, now, actor=actor, reason=reason, software=software)
        made = _new_routes(board, stored, ids)
        _add_version(repository, row, version, stored, made, board)
        renamed = {one.parent_id: one.id for one in made}
        inserted = tuple(replace(one, route_id=renamed[one.route_id]) for one in board.inserted)
        result = replace(result, version_id=row["id"], number=row["number"], inserted=inserted)
    return replace(result, refused=board.refused)


def _collections(session: Session, region: str, parcel_ids: Sequence[str]) -> list[Parcel]:
    found = ParcelRepository(session).by_ids(parcel_ids)
    missing = sorted(set(parcel_ids) - {parcel.id for parcel in found})
    wrong = [one.id for one in found if (one.direction, one.region) != (COLLECT, region) or not one.channel_site_id]
    if missing or wrong:
        named = (missing or wrong)[0]
        raise NotACollectionError(f"parcel {named} does not wait at a site of {region}", parcel=named)
    return found


def _board(stored: Sequence[StoredRoute], progress: Iterable[PlanProgress], plan: Plan, now: datetime) -> _BoardState:
    """Find out how far every vehicle is: by what was reported, and by the clock."""
    reported: dict[str, dict[str, int]] = {}
    for report in progress:
        second = second_of(report.fact_at, plan.day, plan.zone)
        reported.setdefault(report.vehicle_id, {})[report.stop_key] = second
    now_s = second_of(now, plan.day, plan.zone)
    fixed = {}
    for one in stored:
        facts = reported.get(one.route.vehicle_id, {})
        fixed[one.id] = (fixed_stops(one.route, facts, now_s), _delay_s(one.route, facts))
    return _BoardState(
        routes={one.id: one.route for one in stored}, lines={one.id: one.geometry_id for one in stored}, fixed=fixed
    )


def _delay_s(route: PlannedRoute, facts: Mapping[str, int]) -> int:
    """Return by how much the last reported stop ended later than planned."""
    late = [facts[one.stop.key] - one.departure_s for one in route.stops if one.stop.key in facts]
    return max(0, late[-1]) if late else 0


class _Travel:
    """Drives between a new stop and everything on the routes: from the day's matrices, else from the roads."""

    def __init__(
        self, region: Region, matrices: DayMatrices | None, stop: Stop, routes: Iterable[PlannedRoute]
    ) -> None:
        self.region = region
        depot = rounded(*region.depot.lonlat)
        here = rounded(stop.lon, stop.lat)
        wanted = {one.visit.point for route in routes for one in route.stops} | {depot, here}
        if matrices is None or not wanted <= matrices.index().keys():
            profiles = sorted({route.kind.profile for route in routes})
            matrices = star_matrices(region.engine(), here, sorted(wanted - {here}), profiles)
        self._matrices = matrices
        self._rows = matrices.index()
        self.depot = depot

    def leg(self, profile: str, origin: Point, target: Point) -> Leg:
        """Return the drive between two points."""
        matrix = self._matrices.profiles[profile]
        row, column = self._rows[origin], self._rows[target]
        return Leg(int(matrix.distance_m[row, column]), int(matrix.time_s[row, column]))

    def over(self, profile: str, points: Sequence[Point]) -> tuple[RouteLine, str]:
        """Return the line of a drive and what stands behind it."""
        return line_through(self.region.engine(), points, profile)


class _Inserter:
    """Puts parcels of one site on the board, all in one stop where possible, else in smaller parts."""

    def __init__(
        self,
        session: Session,
        plan: Plan,
        version: PlanVersion,
        region: Region,
        matrices: MatrixStore,
        board: _BoardState,
    ) -> None:
        self._repository = PlanRepository(session)
        self._region = region
        self._day = plan.day
        self._places = place_points((*region.places, region.depot))
        self._sites = site_points(SiteRepository(session).in_region(plan.region), plan.day)
        self._capacities = [(kind.id, kind.capacity) for kind in types_of(version).values()]
        self._times = ServiceTimes.from_dict(version.assumptions["service_times"])
        self._matrices = matrices.find(version.assumptions["matrix"])
        self._board = board

    def insert(self, parcels: Sequence[Parcel]) -> None:
        """Insert parcels; those that fit nowhere get their reason on the board."""
        due = [replace(due_parcel(parcel), due_day=min(parcel.due_day, self._day)) for parcel in parcels]
        demand = build_stops(due, self._day, self._places, self._sites, self._capacities, self._times)
        self._board.refused.update(demand.reasons)
        for stop in demand.stops:
            reason = self._place(replace(stop, key=self._free_key(stop.key)))
            if reason is None:
                continue
            here = [parcel for parcel in parcels if parcel.id in stop.parcel_ids]
            if len(here) == 1 or reason.code not in _LESS_MAY_FIT:
                self._board.refused.update(dict.fromkeys(stop.parcel_ids, reason))
            else:
                self.insert(here[: len(here) // 2])
                self.insert(here[len(here) // 2 :])

    def _free_key(self, key: str) -> str:
        """Give a stop a key of its own: a site may have been visited earlier in the day."""
        taken = {one.stop.key for route in self._board.routes.values() for one in route.stops}
        number, free = 1, key
        while free in taken:
            number += 1
            free = f"{key}-v{number}"
        return free

    def _place(self, stop: Stop) -> Reason | None:
        board = self._board
        travel = _Travel(self._region, self._matrices, stop, board.routes.values())
        by_number = sorted(board.routes, key=lambda route_id: board.routes[route_id].number)
        open_routes = [OpenRoute(board.routes[one], *board.fixed[one]) for one in by_number]
        found = cheapest_insertion(open_routes, stop, travel.depot, travel.leg, self._times)
        if isinstance(found, Reason):
            return found
        route_id = next(one for one in by_number if board.routes[one] is found.before)
        if not found.extended:
            board.lines[route_id] = _spliced(self._repository, board.lines[route_id], found, travel)
        board.routes[route_id] = found.route
        board.changed.add(route_id)
        board.inserted.append(_told(route_id, found, stop))
        return None


def _told(route_id: str, found: Inserted, stop: Stop) -> InsertedStop:
    target = found.route.stops[found.position]
    return InsertedStop(
        route_id=route_id,
        route_number=found.route.number,
        vehicle_id=found.route.vehicle_id,
        courier_id=found.route.courier_id,
        position=found.position,
        stop_key=target.stop.key,
        extended=found.extended,
        arrival_s=target.arrival_s,
        added_fen=found.route.cost.total_fen - found.before.cost.total_fen,
        parcel_ids=stop.parcel_ids,
    )


def _spliced(repository: PlanRepository, line_id: str | None, found: Inserted, travel: _Travel) -> str | None:
    """Replace one leg of the route's line by the drive over the new stop."""
    if line_id is None:
        return None
    line, source = repository.line(line_id)
    stops, position = found.route.stops, found.position
    before = stops[position - 1].visit.point if position else travel.depot
    after = stops[position + 1].visit.point if position + 1 < len(stops) else travel.depot
    detour, detour_source = travel.over(found.route.kind.profile, [before, stops[position].visit.point, after])
    return repository.add_line(line.with_detour(position, detour), source if source == detour_source else "mixed")


def _note_refusals(
    repository: PlanRepository, refused: Mapping[str, Reason], version: PlanVersion, ids: Ids, now: datetime
) -> None:
    for parcel_id, reason in sorted(refused.items()):
        repository.add_refusal(
            {
                "id": ids.new(),
                "version_id": version.id,
                "parcel_id": parcel_id,
                "refused_at": now,
                "code": reason.code.value,
                "reason": reason.as_dict(),
            }
        )


def _version_row(
    version: PlanVersion,
    repository: PlanRepository,
    ids: Ids,
    now: datetime,
    *,
    actor: str,
    reason: str,
    software: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "id": ids.new(),
        "plan_id": version.plan_id,
        "number": repository.next_number(version.plan_id),
        "parent_id": version.id,
        "kind": "insertion",
        "created_at": now,
        "actor": actor,
        "reason": reason,
        "seed": version.seed,
        "source": version.source,
        "statistics": {},
        "assumptions": version.assumptions,
        "software": dict(software),
    }


def _new_routes(board: _BoardState, stored: Sequence[StoredRoute], ids: Ids) -> list[NewRoute]:
    return [
        NewRoute(ids.new(), board.routes[one.id], parent_id=one.id, geometry_id=board.lines[one.id])
        for one in stored
        if one.id in board.changed
    ]


def _add_version(
    repository: PlanRepository,
    row: dict[str, Any],
    version: PlanVersion,
    stored: Sequence[StoredRoute],
    made: Sequence[NewRoute],
    board: _BoardState,
) -> None:
    kept = [one for one in stored if one.id not in board.changed]
    now_planned = {parcel_id for one in board.inserted for parcel_id in one.parcel_ids}
    reasons = repository.reasons(version)
    remaining = {parcel_id: reason for parcel_id, reason in reasons.items() if parcel_id not in now_planned}
    own_reasons = len(remaining) < len(reasons)
    costs = [route.cost.as_dict() for route in board.routes.values()]
    row["cost"] = {name: sum(cost[name] for cost in costs) for name in costs[0]}
    row["cost_fen"] = sum(row["cost"].values())
    row["reasons_of"] = row["id"] if own_reasons else version.reasons_of
    digests = [*(one.digest for one in kept), *(one.route.digest() for one in made)]
    codes = {parcel_id: reason.code.value for parcel_id, reason in remaining.items()}
    plan = repository.plan_of(version.plan_id)
    row["digest"] = content_digest(plan.region, plan.day, version.source, digests, codes)
    repository.add_version(row, made, [one.id for one in kept])
    if own_reasons:
        repository.add_reasons(row["id"], remaining)
