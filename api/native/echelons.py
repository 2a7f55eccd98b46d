"""Two echelons and promised weekdays: both planned as long work, weekdays kept as versions and put in force."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.fleet import RegionQuery
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.operations import OperationView
from api.native.scope import actor, check_region
from api.native.starting import started
from api.operations.service import RunningOperation, Work
from api.services import Services
from dispatch.echelons.joint import Effort
from dispatch.echelons.network import Network, default_network
from dispatch.echelons.report import echelon_document, echelon_map
from dispatch.echelons.service import plan_county_day
from dispatch.weekdays.errors import WeekdayVersionNotFoundError
from dispatch.weekdays.model import WeekdayVersion
from dispatch.weekdays.report import week_document, week_map
from dispatch.weekdays.repository import WeekdayRepository
from dispatch.weekdays.search import WeekEffort
from dispatch.weekdays.service import WeekdayService
from dispatch.weekdays.survey import CHANGE_FEN, RhythmRule

router = APIRouter(tags=["echelons"])


class EchelonOrder(Body):
    """Which day to plan over both echelons, how hard to search; without a network each township seat is a depot."""

    region: str = Field(max_length=64)
    day: date
    network: Network | None = None
    rounds: int = Field(default=12, ge=1, le=500)
    iterations: int = Field(default=6_000, ge=1, le=1_000_000)
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    with_map: bool = Field(default=False, description="Put the map (GeoJSON) into the result.")


class WeekdayOrder(Body):
    """For which region to choose weekdays, what to promise, and how hard to search."""

    region: str = Field(max_length=64)
    daily_from: float = Field(default=6.0, ge=0, description="Parcels a day from which a village is served daily.")
    thrice_from: float = Field(default=3.0, ge=0, description="Parcels a day from which it is served three times.")
    change_fen: int = Field(default=CHANGE_FEN, ge=0, le=10**9, description="Price of other days than people know.")
    rounds: int = Field(default=3, ge=1, le=50)
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    with_map: bool = Field(default=False, description="Put the map (GeoJSON) into the result.")


class WeekdayAccept(Body):
    """Which version of weekdays to put in force, and why."""

    version_id: str = Field(max_length=36)
    reason: str = Field(default="", max_length=255)


class WeekdayVersionEntry(View):
    """A version of a region's weekdays; `figures` are what it was chosen by."""

    id: str
    region: str
    number: int
    parent_id: str | None
    created_at: datetime
    actor: str
    seed: int
    in_force: bool
    figures: dict[str, Any]


class WeekdayList(View):
    """A region's versions of weekdays, the newest first; `patterns` are those in force, Monday is 0."""

    in_force: str | None
    patterns: dict[str, list[int]]
    items: list[WeekdayVersionEntry]


class WeekdayAcceptance(View):
    """What is in force since when."""

    region: str
    version_id: str
    accepted_at: datetime
    actor: str


@router.get("/echelons/network", responses=problems(404), response_model=dict[str, Any])
def get_network(
    services: ServicesDep, region: RegionQuery, identity: Identity = allow("dispatcher", "admin")
) -> dict[str, Any]:
    """Return the network a region has without one of its own: a form to fill in with a county's own figures."""
    check_region(identity, region)
    return default_network(services.regions.load(region)).model_dump(mode="json", by_alias=True)


@router.post("/echelons:plan", status_code=202, response_model=OperationView, responses=problems(400, 404, 409, 429))
def plan_echelons(
    body: EchelonOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Start planning a day over both echelons; follow it at `Location`. The plan is the operation's result."""
    check_region(identity, body.region)
    services.regions.load(body.region)
    return started(request, services, identity, key, "echelons", body, _echelon_work(services, body))


@router.post("/weekdays:plan", status_code=202, response_model=OperationView, responses=problems(400, 404, 409, 429))
def plan_weekdays(
    body: WeekdayOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Start choosing a region's weekdays; follow it at `Location`. The version it makes is not in force."""
    check_region(identity, body.region)
    services.regions.load(body.region)
    return started(request, services, identity, key, "weekdays", body, _week_work(services, body, actor(identity)))


@router.get("/weekdays", responses=problems(404))
def list_weekdays(
    services: ServicesDep, region: RegionQuery, identity: Identity = allow("dispatcher", "admin")
) -> WeekdayList:
    """List a region's versions of weekdays with the patterns in force."""
    check_region(identity, region)
    with services.database.read() as session:
        repository = WeekdayRepository(session)
        accepted = repository.in_force(region)
        in_force = None if accepted is None else accepted.version_id
        items = [_entry(version, in_force) for version in repository.versions(region)]
        patterns = {} if in_force is None else repository.patterns(in_force)
    known = {place: list(pattern) for place, pattern in patterns.items()}
    return WeekdayList(in_force=in_force, patterns=known, items=items)


@router.post("/weekdays:accept", response_model=WeekdayAcceptance, responses=problems(400, 404, 409))
def accept_weekdays(
    body: WeekdayAccept,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Put a version of weekdays in force; planning leaves other villages for their next service day from then on."""
    with services.database.read() as session:
        version = WeekdayRepository(session).version(body.version_id)
        if identity.region not in (None, version.region):
            raise WeekdayVersionNotFoundError(f"there is no version {body.version_id} of weekdays")
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        accepted = _weekdays(services).accept(body.version_id, actor=actor(identity), reason=body.reason)
        return answer(WeekdayAcceptance.model_validate(accepted))

    return turn.around(act)


def _echelon_work(services: Services, order: EchelonOrder) -> Work:
    def work(run: RunningOperation) -> dict[str, Any]:
        region = services.regions.load(order.region)
        county, plan = plan_county_day(
            services.database,
            services.planner,
            region,
            order.day,
            network=order.network,
            effort=Effort(order.rounds, order.iterations, 4, stop=run.cancelled),
            seed=order.seed,
            progress=run.progress,
        )
        document = {"region": order.region, "day": order.day.isoformat()} | echelon_document(county, plan)
        if order.with_map:
            title = f"{region.title} {order.day}"
            document["map"] = echelon_map(county, plan, region.engine(), title).geojson()
        return document

    return work


def _week_work(services: Services, order: WeekdayOrder, who: str) -> Work:
    def work(run: RunningOperation) -> dict[str, Any]:
        region = services.regions.load(order.region)
        made = _weekdays(services).make(
            region,
            actor=who,
            rule=RhythmRule(order.daily_from, order.thrice_from),
            effort=WeekEffort(rounds=order.rounds, stop=run.cancelled),
            change_fen=order.change_fen,
            seed=order.seed,
            progress=run.progress,
        )
        document = {"version_id": made.version_id, "number": made.number}
        document |= week_document(made.survey, made.plan, made.every_day)
        if order.with_map:
            document["map"] = week_map(made.survey, made.plan, region.title).geojson()
        return document

    return work


def _weekdays(services: Services) -> WeekdayService:
    return WeekdayService(services.database, services.ids, services.clock)


def _entry(version: WeekdayVersion, in_force: str | None) -> WeekdayVersionEntry:
    fields = {name: getattr(version, name) for name in WeekdayVersionEntry.model_fields if hasattr(version, name)}
    return WeekdayVersionEntry(**fields, in_force=version.id == in_force)
