"""Queries of plans; nothing here commits or decides."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from threading import Lock
from typing import Any, Final

from sqlalchemy import RowMapping, func, insert, select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyStanding
from dispatch.custody.repository import insert_unless_known
from dispatch.demand.parcel import StopKind
from dispatch.demand.reasons import Reason
from dispatch.demand.stops import PositionSource, Stop
from dispatch.fleet.fleet import Load, TypeSpec
from dispatch.plans.errors import PlanNotFoundError, PlanVersionNotFoundError
from dispatch.plans.geometry import RouteLine, digest_of, pack, unpack
from dispatch.plans.model import (
    Plan,
    PlanGeometry,
    PlanProgress,
    PlanPublication,
    PlanRefusal,
    PlanRoute,
    PlanStop,
    PlanStopParcel,
    PlanUnassigned,
    PlanVersion,
    PlanVersionRoute,
)
from dispatch.plans.routes import Leg, PlannedRoute, PlannedStop, Visit
from kernel.money import Fen

ON_VAN: Final = ("loaded", "out_for_delivery")
"""Standings of parcels that are on a vehicle."""


@dataclass(frozen=True)
class StoredRoute:
    """A route as a version holds it.

    Attributes
    ----------
    version_id
        The version that made it.
    """

    id: str
    version_id: str
    geometry_id: str | None
    digest: str
    route: PlannedRoute


class RouteShelf:
    """The routes last read, by id: a stored route never changes, so it need not be read twice.

    Parameters
    ----------
    room
        How many routes are kept; a county's day has some 50.
    """

    def __init__(self, room: int = 512) -> None:
        self._room = room
        self._routes: OrderedDict[str, StoredRoute] = OrderedDict()
        self._lock = Lock()

    def take(self, route_id: str) -> StoredRoute | None:
        """Return a route that was put here, nothing when it is not kept any more."""
        with self._lock:
            found = self._routes.get(route_id)
            if found is not None:
                self._routes.move_to_end(route_id)
            return found

    def put(self, stored: StoredRoute) -> None:
        """Keep a route, dropping the one unused for longest when there is no room."""
        with self._lock:
            self._routes[stored.id] = stored
            self._routes.move_to_end(stored.id)
            while len(self._routes) > self._room:
                self._routes.popitem(last=False)


@dataclass(frozen=True)
class NewRoute:
    """A route that a version brings; ``parent_id`` is the one it replaces."""

    id: str
    route: PlannedRoute
    parent_id: str | None = None
    geometry_id: str | None = None


@dataclass(frozen=True)
class VersionTotals:
    """A version's routes, stops and parcels added up."""

    routes: int
    stops: int
    parcels: int
    distance_m: int
    duration_s: int


class PlanRepository:
    """Reads and writes of one session.

    Parameters
    ----------
    session
        The caller's transaction.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    # -- plans and publications ---------------------------------------------------------------------------

    def find_plan(self, region: str, day: date, *, lock: bool = False) -> Plan | None:
        """Give the plan of a region and day; with ``lock`` nobody else publishes until commit."""
        query = select(Plan).where(Plan.region == region, Plan.day == day)
        return self._session.scalar(query.with_for_update() if lock else query)

    def plan(self, region: str, day: date, *, lock: bool = False) -> Plan:
        """Give the plan of a region and day.

        Raises
        ------
        PlanNotFoundError
            If there is none.
        """
        found = self.find_plan(region, day, lock=lock)
        if found is None:
            raise PlanNotFoundError(f"there is no plan for {region} on {day}", region=region, day=day.isoformat())
        return found

    def plan_of(self, plan_id: str, *, lock: bool = False) -> Plan:
        """Give a plan by its id."""
        query = select(Plan).where(Plan.id == plan_id)
        return self._session.scalars(query.with_for_update() if lock else query).one()

    def open_plan(self, row: dict[str, Any]) -> Plan:
        """Give the plan of a region and day, making it when it is the first."""
        insert_unless_known(self._session, Plan, row)
        return self.plan(row["region"], row["day"], lock=True)

    def plans_from(self, region: str, day: date) -> Sequence[Plan]:
        """Give a region's plans of a day and later, in the order of their days."""
        query = select(Plan).where(Plan.region == region, Plan.day >= day).order_by(Plan.day)
        return self._session.scalars(query).all()

    def publication(self, plan_id: str) -> PlanPublication | None:
        """Give the last publication of a plan: what couriers drive by."""
        query = (
            select(PlanPublication)
            .where(PlanPublication.plan_id == plan_id)
            .order_by(PlanPublication.sequence.desc())
            .limit(1)
        )
        return self._session.scalar(query)

    def publications(self, plan_id: str) -> Sequence[PlanPublication]:
        """Give all publications of a plan, first to last."""
        query = select(PlanPublication).where(PlanPublication.plan_id == plan_id)
        return self._session.scalars(query.order_by(PlanPublication.sequence)).all()

    def add_publication(self, row: dict[str, Any]) -> bool:
        """Insert a publication unless its place in the sequence is taken; tell whether it was inserted."""
        return insert_unless_known(self._session, PlanPublication, row)

    # -- versions -----------------------------------------------------------------------------------------

    def version(self, version_id: str) -> PlanVersion:
        """Give a version.

        Raises
        ------
        PlanVersionNotFoundError
            If there is none with this id.
        """
        found = self._session.get(PlanVersion, version_id)
        if found is None:
            raise PlanVersionNotFoundError(f"there is no plan version {version_id}", version=version_id)
        return found

    def versions(self, plan_id: str) -> Sequence[PlanVersion]:
        """Give a plan's versions by number."""
        query = select(PlanVersion).where(PlanVersion.plan_id == plan_id).order_by(PlanVersion.number)
        return self._session.scalars(query).all()

    def next_number(self, plan_id: str) -> int:
        """Give the number of a plan's next version."""
        query = select(func.max(PlanVersion.number)).where(PlanVersion.plan_id == plan_id)
        return (self._session.scalar(query) or 0) + 1

    def add_version(self, row: dict[str, Any], new: Sequence[NewRoute], kept: Iterable[str]) -> None:
        """Insert a version with the routes it brings and those it keeps."""
        self._session.execute(insert(PlanVersion), [row])
        if new:
            self._session.execute(insert(PlanRoute), [_route_row(row["id"], one) for one in new])
            stops = [_stop_row(one.id, place, stop, load) for one in new for place, stop, load in _places(one.route)]
            self._session.execute(insert(PlanStop), stops)
            self._session.execute(insert(PlanStopParcel), [entry for one in new for entry in _parcel_rows(one)])
        links = [{"version_id": row["id"], "route_id": route_id} for route_id in (*kept, *(one.id for one in new))]
        if links:
            self._session.execute(insert(PlanVersionRoute), links)

    def last_end_s(self, version_id: str) -> int:
        """Give when the last vehicle of a version is back, -1 when it has no route."""
        query = (
            select(func.max(PlanRoute.end_s))
            .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
            .where(PlanVersionRoute.version_id == version_id)
        )
        found = self._session.scalar(query)
        return -1 if found is None else found

    def add_reasons(self, version_id: str, reasons: Mapping[str, Reason]) -> None:
        """Insert why parcels are on no route of a version."""
        rows = [
            {"version_id": version_id, "parcel_id": parcel_id, "code": reason.code.value, "reason": reason.as_dict()}
            for parcel_id, reason in sorted(reasons.items())
        ]
        if rows:
            self._session.execute(insert(PlanUnassigned), rows)

    def reasons(self, version: PlanVersion) -> dict[str, Reason]:
        """Give why parcels are on no route of a version, by parcel."""
        query = select(PlanUnassigned.parcel_id, PlanUnassigned.reason)
        query = query.where(PlanUnassigned.version_id == version.reasons_of).order_by(PlanUnassigned.parcel_id)
        return {parcel_id: Reason.from_dict(body) for parcel_id, body in self._session.execute(query)}

    def reason_counts(self, version: PlanVersion) -> dict[str, int]:
        """Give how many parcels of a version are on no route, by reason code."""
        query = select(PlanUnassigned.code, func.count()).where(PlanUnassigned.version_id == version.reasons_of)
        return dict(self._session.execute(query.group_by(PlanUnassigned.code).order_by(PlanUnassigned.code)).all())

    def totals(self, version_id: str) -> VersionTotals:
        """Add up a version's routes, stops and parcels."""
        held = select(PlanVersionRoute.route_id).where(PlanVersionRoute.version_id == version_id)
        duration_s = PlanRoute.end_s - PlanRoute.start_s
        of_routes = select(func.count(), func.sum(PlanRoute.distance_m), func.sum(duration_s))
        routes, distance_m, worked_s = self._session.execute(of_routes.where(PlanRoute.id.in_(held))).one()
        of_stops = select(func.count()).select_from(PlanStop).where(PlanStop.route_id.in_(held))
        of_parcels = (
            select(func.count())
            .select_from(PlanStopParcel)
            .join(PlanStop, PlanStop.id == PlanStopParcel.stop_id)
            .where(PlanStop.route_id.in_(held))
        )
        return VersionTotals(
            routes=routes,
            stops=self._session.scalar(of_stops) or 0,
            parcels=self._session.scalar(of_parcels) or 0,
            distance_m=int(distance_m or 0),
            duration_s=int(worked_s or 0),
        )

    # -- routes -------------------------------------------------------------------------------------------

    def routes(
        self, version: PlanVersion, route_ids: Sequence[str] | None = None, shelf: RouteShelf | None = None
    ) -> list[StoredRoute]:
        """Give a version's routes by number, or some of them; those on a shelf are not read again."""
        query = (
            select(PlanRoute.id)
            .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
            .where(PlanVersionRoute.version_id == version.id)
            .order_by(PlanRoute.number)
        )
        if route_ids is not None:
            query = query.where(PlanRoute.id.in_(route_ids))
        wanted = self._session.scalars(query).all()
        shelf = RouteShelf() if shelf is None else shelf
        known = {route_id: shelf.take(route_id) for route_id in wanted}
        read = self._read_routes(version, [route_id for route_id, stored in known.items() if stored is None])
        for stored in read.values():
            shelf.put(stored)
        return [known[route_id] or read[route_id] for route_id in wanted]

    def _read_routes(self, version: PlanVersion, route_ids: Sequence[str]) -> dict[str, StoredRoute]:
        rows = self._session.scalars(select(PlanRoute).where(PlanRoute.id.in_(route_ids))).all() if route_ids else ()
        stops = self._stops(route_ids)
        return {row.id: _stored_route(row, kind_of(version, row), stops[row.id]) for row in rows}

    def _stops(self, route_ids: Sequence[str]) -> dict[str, list[PlannedStop]]:
        parcels: dict[str, dict[str, list[str]]] = defaultdict(lambda: {"deliver": [], "collect": []})
        of_parcels = (
            select(PlanStopParcel.stop_id, PlanStopParcel.parcel_id, PlanStopParcel.direction)
            .join(PlanStop, PlanStop.id == PlanStopParcel.stop_id)
            .where(PlanStop.route_id.in_(route_ids))
            .order_by(PlanStopParcel.parcel_id)
        )
        for stop_id, parcel_id, direction in self._session.execute(of_parcels):
            parcels[stop_id][direction].append(parcel_id)
        found: dict[str, list[PlannedStop]] = {route_id: [] for route_id in route_ids}
        columns = PlanStop.__table__.columns
        query = select(*columns).where(PlanStop.route_id.in_(route_ids)).order_by(PlanStop.route_id, PlanStop.position)
        for row in self._session.execute(query).mappings():
            found[row["route_id"]].append(_planned_stop(row, parcels[row["id"]]))
        return found

    def planned_parcels(self, version_id: str, parcel_ids: Iterable[str]) -> dict[str, str]:
        """Give the route of each of some parcels in a version; those on no route are left out."""
        query = (
            select(PlanStopParcel.parcel_id, PlanStop.route_id)
            .join(PlanStop, PlanStop.id == PlanStopParcel.stop_id)
            .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanStop.route_id)
            .where(PlanVersionRoute.version_id == version_id, PlanStopParcel.parcel_id.in_(list(parcel_ids)))
        )
        return dict(self._session.execute(query).all())

    def left_on_vans(self, old_version_id: str, new_version_id: str) -> list[str]:
        """Give the parcels a version has on loaded vans that another version has on no route."""
        planned = (
            select(PlanStopParcel.parcel_id)
            .join(PlanStop, PlanStop.id == PlanStopParcel.stop_id)
            .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanStop.route_id)
        )
        query = (
            planned.join(CustodyStanding, CustodyStanding.parcel_id == PlanStopParcel.parcel_id)
            .where(PlanVersionRoute.version_id == old_version_id, CustodyStanding.status.in_(ON_VAN))
            .where(PlanStopParcel.parcel_id.not_in(planned.where(PlanVersionRoute.version_id == new_version_id)))
            .order_by(PlanStopParcel.parcel_id)
        )
        return list(self._session.scalars(query))

    def moved_work(self, plan_id: str, old_version_id: str, new_version_id: str) -> list[str]:
        """Give the keys of stops that are done and that a version takes from the vehicle that did them."""
        reported = {(one.vehicle_id, one.stop_key) for one in self.progress(plan_id)}
        if not reported:
            return []
        query = (
            select(PlanRoute.vehicle_id, PlanStop.key)
            .join(PlanStop, PlanStop.route_id == PlanRoute.id)
            .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
            .where(PlanStop.key.in_({key for _, key in reported}))
        )
        old, new = (
            {
                (vehicle_id, key)
                for vehicle_id, key in self._session.execute(query.where(PlanVersionRoute.version_id == one))
            }
            for one in (old_version_id, new_version_id)
        )
        return sorted(key for _, key in (reported & old) - new)

    def add_line(self, line: RouteLine, source: str) -> str:
        """Keep a line, once, and give its id."""
        packed = pack(line)
        row = {"id": digest_of(packed), "source": source, "packed": packed}
        insert_unless_known(self._session, PlanGeometry, row)
        return str(row["id"])

    def line(self, geometry_id: str) -> tuple[RouteLine, str]:
        """Give a line and what stands behind it: ``road``, ``geodesic`` or ``mixed``."""
        row = self._session.get_one(PlanGeometry, geometry_id)
        return unpack(row.packed), row.source

    # -- the running day ----------------------------------------------------------------------------------

    def progress(self, plan_id: str) -> Sequence[PlanProgress]:
        """Give what couriers reported on a plan, in the order it happened."""
        query = select(PlanProgress).where(PlanProgress.plan_id == plan_id)
        return self._session.scalars(query.order_by(PlanProgress.fact_at, PlanProgress.event_id)).all()

    def add_progress(self, row: dict[str, Any]) -> bool:
        """Keep a report, once."""
        return insert_unless_known(self._session, PlanProgress, row)

    def add_refusal(self, row: dict[str, Any]) -> bool:
        """Keep why a drop-off was not inserted into a version, once."""
        return insert_unless_known(self._session, PlanRefusal, row)

    def refusals(self, plan_id: str) -> Sequence[PlanRefusal]:
        """Give a plan's refused insertions, oldest first."""
        query = (
            select(PlanRefusal)
            .join(PlanVersion, PlanVersion.id == PlanRefusal.version_id)
            .where(PlanVersion.plan_id == plan_id)
            .order_by(PlanRefusal.refused_at, PlanRefusal.id)
        )
        return self._session.scalars(query).all()


def types_of(version: PlanVersion) -> dict[str, TypeSpec]:
    """Give the vehicle types as they were when the version was made, by id."""
    return {name: _type_from(name, body) for name, body in version.assumptions["types"].items()}


def kind_of(version: PlanVersion, row: PlanRoute) -> TypeSpec:
    """Give the type of a route's vehicle, with the shift that vehicle had when the version was made."""
    kind = _type_from(row.vehicle_type_id, version.assumptions["types"][row.vehicle_type_id])
    own = version.assumptions.get("vehicles", {}).get(row.vehicle_id)
    return kind if own is None else replace(kind, shift_start_s=own["shift_start_s"], shift_end_s=own["shift_end_s"])


def type_record(kind: TypeSpec) -> dict[str, Any]:
    """Write a vehicle type into a version's assumptions."""
    return {
        "name": kind.name,
        "profile": kind.profile,
        "capacity": kind.capacity.as_list(),
        "fixed_fen": kind.fixed_fen,
        "per_km_fen": kind.per_km_fen,
        "per_hour_fen": kind.per_hour_fen,
        "shift_start_s": kind.shift_start_s,
        "shift_end_s": kind.shift_end_s,
        "max_stops": kind.max_stops,
        "max_distance_m": kind.max_distance_m,
    }


def _type_from(name: str, body: Mapping[str, Any]) -> TypeSpec:
    return TypeSpec(
        id=name,
        name=body["name"],
        profile=body["profile"],
        capacity=Load(*body["capacity"]),
        fixed_fen=Fen(body["fixed_fen"]),
        per_km_fen=Fen(body["per_km_fen"]),
        per_hour_fen=Fen(body["per_hour_fen"]),
        shift_start_s=body["shift_start_s"],
        shift_end_s=body["shift_end_s"],
        max_stops=body["max_stops"],
        max_distance_m=body["max_distance_m"],
    )


def stop_id(route_id: str, position: int) -> str:
    """Return the id of a stop of a route."""
    return f"{route_id}-{position:03d}"


def _places(route: PlannedRoute) -> list[tuple[int, PlannedStop, Load]]:
    return list(zip(range(len(route.stops)), route.stops, route.loads_after, strict=True))


def _route_row(version_id: str, one: NewRoute) -> dict[str, Any]:
    route, cost = one.route, one.route.cost
    return {
        "id": one.id,
        "version_id": version_id,
        "parent_id": one.parent_id,
        "number": route.number,
        "vehicle_id": route.vehicle_id,
        "vehicle_type_id": route.kind.id,
        "courier_id": route.courier_id,
        "profile": route.kind.profile,
        "start_s": route.start_s,
        "end_s": route.end_s,
        "distance_m": route.distance_m,
        "driving_s": route.driving_s,
        "waiting_s": route.waiting_s,
        "working_s": route.working_s,
        "start_load": route.start_load.as_list(),
        "peak_load": route.peak_load.as_list(),
        "back_distance_m": route.back.distance_m,
        "back_time_s": route.back.time_s,
        "cost_fen": cost.total_fen,
        "cost": cost.as_dict(),
        "geometry_id": one.geometry_id,
        "digest": route.digest(),
    }


def _stop_row(route_id: str, position: int, one: PlannedStop, load_after: Load) -> dict[str, Any]:
    stop = one.stop
    return {
        "id": stop_id(route_id, position),
        "route_id": route_id,
        "position": position,
        "label": one.visit.label,
        "key": stop.key,
        "kind": stop.kind.value,
        "name": stop.name,
        "place_id": stop.place_id,
        "site_id": stop.site_id,
        "lon": stop.lon,
        "lat": stop.lat,
        "position_source": stop.position_source,
        "leg_distance_m": one.visit.leg.distance_m,
        "leg_time_s": one.visit.leg.time_s,
        "arrival_s": one.arrival_s,
        "start_s": one.start_s,
        "departure_s": one.departure_s,
        "setup_s": stop.setup_s,
        "service_s": stop.service_s,
        "windows": [list(window) for window in stop.windows],
        "changed_load": stop.delivery_load.as_list() + stop.collection_load.as_list(),
        "load_after": load_after.as_list(),
        "priority": stop.priority,
    }


def _parcel_rows(one: NewRoute) -> list[dict[str, Any]]:
    return [
        {"stop_id": stop_id(one.id, position), "parcel_id": parcel_id, "direction": direction}
        for position, planned in enumerate(one.route.stops)
        for direction, parcel_ids in (("deliver", planned.stop.deliveries), ("collect", planned.stop.collections))
        for parcel_id in parcel_ids
    ]


def _stored_route(row: PlanRoute, kind: TypeSpec, stops: Sequence[PlannedStop]) -> StoredRoute:
    route = PlannedRoute(
        number=row.number,
        vehicle_id=row.vehicle_id,
        courier_id=row.courier_id,
        kind=kind,
        start_s=row.start_s,
        stops=tuple(stops),
        back=Leg(row.back_distance_m, row.back_time_s),
    )
    return StoredRoute(row.id, row.version_id, row.geometry_id, row.digest, route)


def _planned_stop(row: RowMapping, parcels: Mapping[str, Sequence[str]]) -> PlannedStop:
    windows = tuple((open_s, close_s) for open_s, close_s in row["windows"])
    source: PositionSource = row["position_source"]
    changed = row["changed_load"]
    stop = Stop(
        key=row["key"],
        kind=StopKind(row["kind"]),
        name=row["name"],
        place_id=row["place_id"],
        site_id=row["site_id"],
        lon=row["lon"],
        lat=row["lat"],
        position_source=source,
        deliveries=tuple(parcels["deliver"]),
        collections=tuple(parcels["collect"]),
        delivery_load=Load(*changed[:3]),
        collection_load=Load(*changed[3:]),
        setup_s=row["setup_s"],
        service_s=row["service_s"],
        windows=windows,
        priority=row["priority"],
    )
    late_s = max(0, row["start_s"] - windows[-1][1])
    visit = Visit(stop, row["label"], Leg(row["leg_distance_m"], row["leg_time_s"]))
    return PlannedStop(visit, row["arrival_s"], row["start_s"], row["departure_s"], late_s)
