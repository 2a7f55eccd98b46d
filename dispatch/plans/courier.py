"""A courier's day as the handheld pulls it: ordered stops, parcels, times, line on the map, changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyStanding
from dispatch.demand.parcel import Channel, StopKind
from dispatch.fleet.model import Courier, Vehicle
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.model import Parcel
from dispatch.plans.changes import RouteChange, route_changes
from dispatch.plans.errors import NoRouteError
from dispatch.plans.model import Plan, PlanPublication, PlanRoute, PlanVersionRoute
from dispatch.plans.repository import PlanRepository, StoredRoute, stop_id
from dispatch.plans.routes import PlannedStop, digest_of
from dispatch.products.product import AreaClass, Demand, EvidenceKind
from dispatch.promises.reading import promises_for
from kernel.clock import at_second, rfc3339
from kernel.privacy import masked

_CHANNEL: Final[Mapping[StopKind, Channel]] = {
    StopKind.DOOR: "door",
    StopKind.STATION: "station",
    StopKind.CABINET: "cabinet",
    StopKind.KIOSK: "cabinet",
}
"""Channel by which parcels are handed over at each kind of stop."""
_AT_ONCE = 500  # parcels in one query: SQLite takes a limited number of parameters


@dataclass(frozen=True)
class CourierParcel:
    """One parcel at a stop; name and phone are masked, the address is what the courier drives to.

    Attributes
    ----------
    status
        Where its custody stands, from the ledger.
    products
        Codes of its product and add-ons.
    evidence
        What has to be shown at this stop: ``required``, ``warn`` or ``enabled`` by kind of evidence.
    bring
        What the courier must or should have along.
    deadline_at
        When its promise runs out; None when it has none, or nobody said where the region's areas lie.
    """

    id: str
    direction: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    product: str
    recipient_name: str
    recipient_phone: str
    address: str
    consent: bool
    cod_fen: int
    declared_value_fen: int
    weight_g: int
    status: str
    products: tuple[str, ...] = ()
    evidence: Mapping[EvidenceKind, Demand] = field(default_factory=dict)
    bring: tuple[str, ...] = ()
    deadline_at: datetime | None = None


@dataclass(frozen=True)
class CourierStop:
    """One stop; seconds count from the day's local midnight.

    Attributes
    ----------
    label
        Number on the parcels, fixed when the stop was first planned; ``position`` is the order of driving.
    position_source
        ``parcel``, ``site``, or ``place`` when only the village is known.
    done
        Whether the courier reported something here.
    """

    id: str
    key: str
    position: int
    label: int
    kind: str
    name: str
    place_id: str
    site_id: str | None
    lon: float
    lat: float
    position_source: str
    arrival_s: int
    start_s: int
    departure_s: int
    windows: tuple[tuple[int, int], ...]
    leg_distance_m: int
    leg_time_s: int
    done: bool
    parcels: tuple[CourierParcel, ...]


@dataclass(frozen=True)
class CourierRoute:
    """A courier's route of a day.

    Attributes
    ----------
    version_id, version_number
        The version in which this route last changed, not the plan's latest: another courier's change does not
        touch this one.
    source
        ``road``, or ``geodesic``/``mixed`` when times and line are estimates.
    geometry
        GeoJSON LineString from the depot over the stops and back.
    changes
        Against the route this courier was shown before.
    etag
        Fingerprint of all of it; equal means nothing to fetch.
    """

    region: str
    day: date
    zone: str
    plan_id: str
    version_id: str
    version_number: int
    route_id: str
    number: int
    courier_id: str
    courier_name: str
    vehicle_id: str
    plate: str
    vehicle_type: str
    start_s: int
    end_s: int
    distance_m: int
    driving_s: int
    source: str
    start_load: dict[str, int]
    peak_load: dict[str, int]
    geometry: dict[str, Any] | None
    stops: tuple[CourierStop, ...]
    changes: tuple[RouteChange, ...]
    etag: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON; moments as RFC 3339 in the region's zone."""
        body = {name: value for name, value in vars(self).items() if name not in ("stops", "changes")}
        body["day"] = self.day.isoformat()
        body["start"], body["end"] = self._moment(self.start_s), self._moment(self.end_s)
        body["stops"] = [self._stop(stop) for stop in self.stops]
        body["changes"] = [dict(vars(change)) | {"parcel_ids": list(change.parcel_ids)} for change in self.changes]
        return body

    def _stop(self, stop: CourierStop) -> dict[str, Any]:
        body = dict(vars(stop))
        for name in ("arrival", "start", "departure"):
            body[name] = self._moment(body[f"{name}_s"])
        body["windows"] = [[self._moment(open_s), self._moment(close_s)] for open_s, close_s in stop.windows]
        body["parcels"] = [self._parcel(parcel) for parcel in stop.parcels]
        return body

    def _parcel(self, parcel: CourierParcel) -> dict[str, Any]:
        at = parcel.deadline_at
        return dict(vars(parcel)) | {
            "products": list(parcel.products),
            "evidence": dict(parcel.evidence),
            "bring": list(parcel.bring),
            "deadline_at": None if at is None else rfc3339(at, self.zone),
        }

    def _moment(self, second: int) -> str:
        return rfc3339(at_second(self.day, second, self.zone), self.zone)


def courier_route(
    session: Session,
    courier_id: str,
    day: date,
    *,
    seen_version_id: str | None = None,
    areas: Callable[[str], Mapping[str, AreaClass]] | None = None,
) -> CourierRoute:
    """Give a courier's route of a day by the version in force.

    Parameters
    ----------
    seen_version_id
        The version the courier looked at last; changes are listed against it, and against the route published
        before this one when it is omitted or unknown.
    areas
        Gives the area class of each place of a region; deadlines depend on it and are left out without it.

    Raises
    ------
    UnknownCourierError
        If there is no such courier.
    NoRouteError
        If no plan is published, or it has no route for this courier.
    """
    courier = FleetRepository(session).courier(courier_id)
    repository = PlanRepository(session)
    plan = repository.find_plan(courier.region, day)
    current = None if plan is None else repository.publication(plan.id)
    if plan is None or current is None:
        raise NoRouteError(f"no plan is published for {courier.region} on {day}", courier=courier_id)
    version = repository.version(current.version_id)
    route_ids = _route_ids(session, version.id, courier_id)
    stored = repository.routes(version, route_ids)
    if not stored:
        raise NoRouteError(f"courier {courier_id} has no route on {day}", courier=courier_id)
    shown = stored[0]
    stops = _stops(session, repository, plan, shown, {} if areas is None else areas(plan.region))
    changes = _changes(session, repository, plan, courier_id, shown, seen_version_id)
    return _with_etag(_view(session, repository, plan, courier, shown, stops) | {"changes": changes})


def _view(
    session: Session,
    repository: PlanRepository,
    plan: Plan,
    courier: Courier,
    shown: StoredRoute,
    stops: tuple[CourierStop, ...],
) -> dict[str, Any]:
    route = shown.route
    made_by = repository.version(shown.version_id)
    geometry, source = None, made_by.source
    if shown.geometry_id is not None:
        line, source = repository.line(shown.geometry_id)
        geometry = line.geojson()
    vehicle = session.get(Vehicle, route.vehicle_id)
    return {
        "region": plan.region,
        "day": plan.day,
        "zone": plan.zone,
        "plan_id": plan.id,
        "version_id": made_by.id,
        "version_number": made_by.number,
        "route_id": shown.id,
        "number": route.number,
        "courier_id": courier.id,
        "courier_name": courier.name,
        "vehicle_id": route.vehicle_id,
        "plate": "" if vehicle is None else vehicle.plate,
        "vehicle_type": route.kind.name,
        "start_s": route.start_s,
        "end_s": route.end_s,
        "distance_m": route.distance_m,
        "driving_s": route.driving_s,
        "source": source,
        "start_load": dict(vars(route.start_load)),
        "peak_load": dict(vars(route.peak_load)),
        "geometry": geometry,
        "stops": stops,
    }


def _with_etag(fields: dict[str, Any]) -> CourierRoute:
    bare = CourierRoute(**fields)
    return CourierRoute(**fields, etag=digest_of(bare.as_dict()))


def _route_ids(session: Session, version_id: str, courier_id: str) -> list[str]:
    query = (
        select(PlanRoute.id)
        .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
        .where(PlanVersionRoute.version_id == version_id, PlanRoute.courier_id == courier_id)
        .order_by(PlanRoute.number)
    )
    return list(session.scalars(query))


def _changes(
    session: Session,
    repository: PlanRepository,
    plan: Plan,
    courier_id: str,
    shown: StoredRoute,
    seen_version_id: str | None,
) -> tuple[RouteChange, ...]:
    """Compare with the route of a version the courier saw, else with the last published other one."""
    query = (
        select(PlanRoute.id, PlanPublication.version_id)
        .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
        .join(PlanPublication, PlanPublication.version_id == PlanVersionRoute.version_id)
        .where(PlanPublication.plan_id == plan.id, PlanRoute.courier_id == courier_id)
        .order_by(PlanPublication.sequence.desc())
        .limit(1)
    )
    seen = session.execute(query.where(PlanPublication.version_id == seen_version_id)).first()
    found = seen or session.execute(query.where(PlanRoute.id != shown.id)).first()
    if found is None or found[0] == shown.id:
        return ()
    route_id, version_id = found
    (before,) = repository.routes(repository.version(version_id), [route_id])
    return route_changes(before.route, shown.route)


def _stops(
    session: Session, repository: PlanRepository, plan: Plan, shown: StoredRoute, areas: Mapping[str, AreaClass]
) -> tuple[CourierStop, ...]:
    route = shown.route
    channels = {parcel_id: _CHANNEL[one.stop.kind] for one in route.stops for parcel_id in one.stop.parcel_ids}
    parcels = _parcels(session, plan, channels, areas)
    done = {report.stop_key for report in repository.progress(plan.id) if report.vehicle_id == route.vehicle_id}
    return tuple(
        _stop(shown.id, place, one, parcels, done=one.stop.key in done) for place, one in enumerate(route.stops)
    )


def _stop(route_id: str, place: int, one: PlannedStop, parcels: dict[str, CourierParcel], *, done: bool) -> CourierStop:
    stop = one.stop
    return CourierStop(
        id=stop_id(route_id, place),
        key=stop.key,
        position=place,
        label=one.visit.label,
        kind=stop.kind.value,
        name=stop.name,
        place_id=stop.place_id,
        site_id=stop.site_id,
        lon=stop.lon,
        lat=stop.lat,
        position_source=stop.position_source,
        arrival_s=one.arrival_s,
        start_s=one.start_s,
        departure_s=one.departure_s,
        windows=stop.windows,
        leg_distance_m=one.visit.leg.distance_m,
        leg_time_s=one.visit.leg.time_s,
        done=done,
        parcels=tuple(parcels[parcel_id] for parcel_id in stop.parcel_ids),
    )


def _parcels(
    session: Session, plan: Plan, channels: Mapping[str, Channel], areas: Mapping[str, AreaClass]
) -> dict[str, CourierParcel]:
    parcel_ids, found = list(channels), dict[str, CourierParcel]()
    for start in range(0, len(parcel_ids), _AT_ONCE):
        query = (
            select(Parcel, CustodyStanding.status)
            .outerjoin(CustodyStanding, CustodyStanding.parcel_id == Parcel.id)
            .where(Parcel.id.in_(parcel_ids[start : start + _AT_ONCE]))
        )
        rows = session.execute(query).all()
        promises = promises_for(session, plan.region, plan.day, [parcel for parcel, _ in rows], areas, plan.zone)
        for parcel, status in rows:
            promise = promises[parcel.id]
            found[parcel.id] = CourierParcel(
                id=parcel.id,
                direction=parcel.direction,
                company_id=parcel.company_id,
                waybill=parcel.waybill,
                piece=parcel.piece,
                pieces=parcel.pieces,
                product=parcel.product,
                recipient_name=masked("name", parcel.recipient_name),
                recipient_phone=masked("phone", parcel.recipient_phone),
                address=parcel.address,
                consent=bool(parcel.consent_reference),
                cod_fen=parcel.cod_fen,
                declared_value_fen=parcel.declared_value_fen,
                weight_g=parcel.weight_g,
                status=status or "unannounced",
                products=promise.codes,
                evidence=promise.evidence(channels[parcel.id]) if parcel.direction == "deliver" else {},
                bring=tuple(sorted(promise.skills | promise.wanted_skills)),
                deadline_at=None if promise.clock is None or not areas else promise.clock.deadline_at,
            )
    return found
