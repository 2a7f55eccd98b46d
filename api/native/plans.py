"""Plans: make one as long work, look at its versions, put one in force."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.etag import IfMatch, check_if_match, etag_of, json_with_etag
from api.native.fleet import RegionQuery
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.operations import OperationView
from api.native.paging import DEFAULT_LIMIT, Cursor, Limit, cut_page, read_cursor, write_cursor
from api.native.scope import actor, check_region
from api.native.starting import started
from api.operations.service import RunningOperation, Work
from api.services import Services
from api.solving import heard_by
from dispatch.demand.reasons import Reason
from dispatch.plans.errors import PlanNotFoundError, PlanVersionNotFoundError
from dispatch.plans.model import Plan, PlanPublication, PlanUnassigned, PlanVersion
from dispatch.plans.repository import PlanRepository, StoredRoute
from dispatch.plans.routes import PlannedStop
from dispatch.plans.service import PlanSettings
from dispatch.plans.summary import summarise
from kernel.clock import at_second

router = APIRouter(tags=["plans"])

_UNASSIGNED = "unassigned"


class PlanOrder(Body):
    """Which day to plan, and how long to search."""

    region: str = Field(max_length=64)
    day: date
    seconds: float | None = Field(
        default=None, gt=0, le=3600, description="Time the solver gets; the setting if absent."
    )
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    reason: str = Field(default="", max_length=255)


class Publishing(Body):
    """Which version to put in force, and why."""

    version_id: str = Field(max_length=36)
    reason: str = Field(default="", max_length=255)


class VersionEntry(View):
    """A version in the list of its plan."""

    id: str
    number: int
    parent_id: str | None
    kind: str
    created_at: datetime
    actor: str
    reason: str
    source: str
    cost_fen: int
    published_at: datetime | None


class PlanView(View):
    """The plan of a region and day; `in_force` is the version couriers drive by."""

    id: str
    region: str
    day: date
    zone: str
    in_force: str | None
    versions: list[VersionEntry]


class PlanEntry(View):
    """A plan in a list."""

    id: str
    region: str
    day: date
    in_force: str | None


class PlanList(View):
    """Plans of a region, by day."""

    items: list[PlanEntry]


class VersionView(View):
    """A version in figures; `source` is `geodesic` when times and distances are estimates."""

    version_id: str
    plan_id: str
    region: str
    day: date
    zone: str
    number: int
    kind: str
    parent_id: str | None
    created_at: datetime
    actor: str
    reason: str
    seed: int
    source: str
    routes: int
    stops: int
    parcels_planned: int
    parcels_unassigned: int
    reasons: dict[str, int]
    distance_m: int
    duration_s: int
    cost_fen: int
    cost: dict[str, int]
    statistics: dict[str, Any]
    software: dict[str, Any]
    warnings: list[str]
    digest: str
    published: bool


class LoadView(View):
    """A load in its three dimensions."""

    weight_g: int
    volume_cm3: int
    count: int


class RouteEntry(View):
    """A route in figures; `_s` counts from local midnight of the plan's day."""

    id: str
    number: int
    vehicle_id: str
    vehicle_type_id: str
    profile: str
    courier_id: str | None
    stops: int
    parcels: int
    start_s: int
    end_s: int
    start_at: datetime
    end_at: datetime
    distance_m: int
    driving_s: int
    waiting_s: int
    working_s: int
    peak_load: LoadView
    cost_fen: int


class RouteList(View):
    """The routes of a version, by number."""

    items: list[RouteEntry]


class StopView(View):
    """A stop in the order of driving; `label` is the number on the parcels and survives insertions."""

    position: int
    label: int
    key: str
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
    arrival_at: datetime
    leg_distance_m: int
    leg_time_s: int
    windows: list[list[int]]
    deliveries: list[str]
    collections: list[str]
    load_after: LoadView


class RouteView(View):
    """A route with its stops and its line (GeoJSON)."""

    route: RouteEntry
    stops: list[StopView]
    geometry: dict[str, Any] | None
    geometry_source: str | None


class ReasonView(View):
    """Why a parcel is on no route; translate `code`."""

    parcel_id: str
    code: str
    certainty: str
    vehicle: str | None
    dimension: str | None
    amount: int | None
    fix: dict[str, Any] | None
    sentence_en: str
    sentence_zh: str


class ReasonPage(View):
    """A page of unassigned parcels."""

    items: list[ReasonView]
    next_cursor: str | None


@router.post("/plans:make", status_code=202, response_model=OperationView, responses=problems(400, 404, 409, 429))
def make_plan(
    body: PlanOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Start planning a day; follow it at `Location`, by polling or as a stream. The version it makes is a draft."""
    check_region(identity, body.region)
    services.regions.load(body.region)  # an unknown region is refused now, not by a failed operation later
    work = planning(services, body, actor(identity))
    return started(request, services, identity, key, "plan", body, work)


def planning(services: Services, order: PlanOrder, who: str) -> Work:
    """Return the work of making a plan."""
    settings = PlanSettings(
        seconds=order.seconds or services.settings.solve_seconds,
        seed=services.settings.solve_seed if order.seed is None else order.seed,
        threads=services.settings.worker_threads,
    )

    def work(run: RunningOperation) -> dict[str, Any]:
        with heard_by(run):
            made = services.planner.make_plan(
                order.region, order.day, actor=who, reason=order.reason, settings=settings, progress=run.progress
            )
        return made.as_dict()

    return work


@router.get("/plans", responses=problems(404))
def list_plans(
    services: ServicesDep,
    region: RegionQuery,
    day: Annotated[date | None, Query(description="Only this day.")] = None,
    identity: Identity = allow("dispatcher", "admin"),
) -> PlanList:
    """List a region's plans, the newest day first, at most 500."""
    check_region(identity, region)
    query = select(Plan).where(Plan.region == region).order_by(Plan.day.desc()).limit(500)
    if day is not None:
        query = query.where(Plan.day == day)
    with services.database.read() as session:
        repository = PlanRepository(session)
        items = [
            PlanEntry(id=plan.id, region=plan.region, day=plan.day, in_force=_in_force(repository, plan.id))
            for plan in session.scalars(query)
        ]
    return PlanList(items=items)


@router.get("/plans/{plan_id}", responses=problems(304, 404), response_model=PlanView)
def get_plan(
    plan_id: str, request: Request, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> Response:
    """Describe a plan with all its versions; its ETag is what `:publish` wants in If-Match."""
    with services.database.read() as session:
        view = _plan_view(session, plan_id, identity)
    return json_with_etag(request, view)


@router.post("/plans/{plan_id}:publish", response_model=VersionView, responses=problems(400, 404, 409, 412, 428))
def publish_plan(
    plan_id: str,
    body: Publishing,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Put a version in force; what was published since the plan was read must be read first."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        with services.database.read() as session:
            view = _plan_view(session, plan_id, identity)
        check_if_match(if_match, etag_of(view), plan=f"/api/v1/plans/{plan_id}")
        if body.version_id not in [version.id for version in view.versions]:
            raise PlanVersionNotFoundError(f"plan {plan_id} has no version {body.version_id}", version=body.version_id)
        made = services.planner.publish(
            body.version_id, actor=actor(identity), reason=body.reason, expected=view.in_force
        )
        return answer(VersionView(**made.as_dict()))

    return turn.around(act)


@router.get("/versions/{version_id}", responses=problems(404))
def get_version(
    version_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> VersionView:
    """Sum a version up."""
    with services.database.read() as session:
        _version(session, version_id, identity)
        return VersionView(**summarise(session, version_id).as_dict())


@router.get("/versions/{version_id}/routes", responses=problems(404))
def list_routes(version_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> RouteList:
    """List a version's routes."""
    with services.database.read() as session:
        version, plan = _version(session, version_id, identity)
        return RouteList(items=[_route_entry(one, plan) for one in PlanRepository(session).routes(version)])


@router.get("/versions/{version_id}/routes/{number}", responses=problems(404))
def get_route(
    version_id: str, number: int, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> RouteView:
    """Describe one route with its stops, its parcels and its line."""
    with services.database.read() as session:
        version, plan = _version(session, version_id, identity)
        repository = PlanRepository(session)
        found = next((one for one in repository.routes(version) if one.route.number == number), None)
        if found is None:
            raise PlanVersionNotFoundError(f"version {version.number} has no route {number}", number=number)
        line = repository.line(found.geometry_id) if found.geometry_id is not None else None
        return RouteView(
            route=_route_entry(found, plan),
            stops=_stops(found, plan),
            geometry=line[0].geojson() if line is not None else None,
            geometry_source=line[1] if line is not None else None,
        )


@router.get("/versions/{version_id}/map", responses=problems(304, 404), response_model=dict[str, Any])
def version_map(
    version_id: str, request: Request, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> Response:
    """Return all routes and stops of a version as one GeoJSON document."""
    with services.database.read() as session:
        version, plan = _version(session, version_id, identity)
        tag = etag_of(["map", version.id, version.digest])
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        repository = PlanRepository(session)
        features = [feature for one in repository.routes(version) for feature in _features(repository, one)]
        attribution = services.regions.load(plan.region).attribution
    document = {"type": "FeatureCollection", "attribution": attribution, "features": features}
    return json_with_etag(request, document, tag)


@router.get("/versions/{version_id}/unassigned", responses=problems(400, 404))
def list_unassigned(
    version_id: str,
    services: ServicesDep,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    identity: Identity = allow("dispatcher", "admin"),
) -> ReasonPage:
    """List the parcels that are on no route, each with its reason and what would fix it."""
    seen = read_cursor(_UNASSIGNED, cursor)
    with services.database.read() as session:
        version, _plan = _version(session, version_id, identity)
        query = select(PlanUnassigned).where(PlanUnassigned.version_id == version.reasons_of)
        if seen is not None:
            query = query.where(PlanUnassigned.parcel_id > str(seen[0]))
        rows = session.scalars(query.order_by(PlanUnassigned.parcel_id).limit(limit + 1)).all()
        page, more = cut_page(rows, limit)
        items = [_reason_view(row) for row in page]
    return ReasonPage(items=items, next_cursor=write_cursor(_UNASSIGNED, items[-1].parcel_id) if more else None)


def _in_force(repository: PlanRepository, plan_id: str) -> str | None:
    current = repository.publication(plan_id)
    return None if current is None else current.version_id


def _plan_view(session: Session, plan_id: str, identity: Identity) -> PlanView:
    plan = session.get(Plan, plan_id)
    if plan is None or identity.region not in (None, plan.region):
        raise PlanNotFoundError(f"there is no plan {plan_id}", plan=plan_id)
    repository = PlanRepository(session)
    published = {one.version_id: one for one in repository.publications(plan_id)}
    return PlanView(
        id=plan.id,
        region=plan.region,
        day=plan.day,
        zone=plan.zone,
        in_force=_in_force(repository, plan_id),
        versions=[_version_entry(one, published.get(one.id)) for one in repository.versions(plan_id)],
    )


def _version_entry(version: PlanVersion, publication: PlanPublication | None) -> VersionEntry:
    fields = {name: getattr(version, name) for name in VersionEntry.model_fields if hasattr(version, name)}
    return VersionEntry(**fields, published_at=publication.published_at if publication is not None else None)


def _version(session: Session, version_id: str, identity: Identity) -> tuple[PlanVersion, Plan]:
    repository = PlanRepository(session)
    version = repository.version(version_id)
    plan = repository.plan_of(version.plan_id)
    if identity.region not in (None, plan.region):
        raise PlanVersionNotFoundError(f"there is no plan version {version_id}", version=version_id)
    return version, plan


def _route_entry(one: StoredRoute, plan: Plan) -> RouteEntry:
    route = one.route
    return RouteEntry(
        id=one.id,
        number=route.number,
        vehicle_id=route.vehicle_id,
        vehicle_type_id=route.kind.id,
        profile=route.kind.profile,
        courier_id=route.courier_id,
        stops=len(route.stops),
        parcels=len(route.parcel_ids),
        start_s=route.start_s,
        end_s=route.end_s,
        start_at=at_second(plan.day, route.start_s, plan.zone),
        end_at=at_second(plan.day, route.end_s, plan.zone),
        distance_m=route.distance_m,
        driving_s=route.driving_s,
        waiting_s=route.waiting_s,
        working_s=route.working_s,
        peak_load=LoadView.model_validate(route.peak_load),
        cost_fen=route.cost.total_fen,
    )


def _stops(one: StoredRoute, plan: Plan) -> list[StopView]:
    return [
        _stop_view(position, stop, load, plan)
        for position, (stop, load) in enumerate(zip(one.route.stops, one.route.loads_after, strict=True))
    ]


def _stop_view(position: int, one: PlannedStop, load: Any, plan: Plan) -> StopView:
    stop = one.stop
    return StopView(
        position=position,
        label=one.visit.label,
        key=stop.key,
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
        arrival_at=at_second(plan.day, one.arrival_s, plan.zone),
        leg_distance_m=one.visit.leg.distance_m,
        leg_time_s=one.visit.leg.time_s,
        windows=[list(window) for window in stop.windows],
        deliveries=list(stop.deliveries),
        collections=list(stop.collections),
        load_after=LoadView.model_validate(load),
    )


def _features(repository: PlanRepository, one: StoredRoute) -> list[dict[str, Any]]:
    shared = {"route": one.route.number, "vehicle_id": one.route.vehicle_id, "courier_id": one.route.courier_id}
    features: list[dict[str, Any]] = []
    if one.geometry_id is not None:
        line, source = repository.line(one.geometry_id)
        features.append(_feature(line.geojson(), shared | {"kind": "route", "source": source}))
    for position, planned in enumerate(one.route.stops):
        stop = planned.stop
        features.append(
            _feature(
                {"type": "Point", "coordinates": [stop.lon, stop.lat]},
                shared
                | {
                    "kind": "stop",
                    "position": position,
                    "label": planned.visit.label,
                    "key": stop.key,
                    "stop_kind": stop.kind.value,
                    "name": stop.name,
                    "arrival_s": planned.arrival_s,
                    "deliveries": len(stop.deliveries),
                    "collections": len(stop.collections),
                },
            )
        )
    return features


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _reason_view(row: PlanUnassigned) -> ReasonView:
    reason = Reason.from_dict(row.reason)
    return ReasonView(
        parcel_id=row.parcel_id,
        **reason.as_dict(),
        sentence_en=reason.sentence("en"),
        sentence_zh=reason.sentence("zh"),
    )
