"""Habit: sections and master routes as versions, their map, what does not fit, and how steady plans are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
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
from api.operations.service import RunningOperation
from api.services import Services
from dispatch.habit.errors import HabitVersionNotFoundError
from dispatch.habit.file import SectionEntry
from dispatch.habit.master import Habit
from dispatch.habit.model import HabitVersion
from dispatch.habit.report import habit_document, section_map
from dispatch.habit.repository import HabitRepository
from dispatch.habit.rule import HabitRule
from dispatch.habit.service import WEEKS, HabitService
from dispatch.plans.errors import PlanVersionNotFoundError

router = APIRouter(tags=["habit"])


class RuleEntry(Body):
    """Prices and bounds; what is absent has its default, and a price of 0 takes its bound away."""

    territory_fen: int | None = Field(default=None, description="For each stop another than its courier serves.")
    order_fen: int | None = Field(default=None, description="For each stop out of the order of its master route.")
    arrival_fen: int | None = Field(default=None, description="For each place reached at another hour than usual.")
    most_moved_percent: int | None = Field(default=None, description="Of a section's stops; null takes the bound away.")
    most_reordered_percent: int | None = Field(default=None, description="Of a route's stops.")
    most_shifted_percent: int | None = Field(default=None, description="Of a route's places.")
    tolerance_s: int | None = Field(default=None, description="Arrivals that move by less count as usual.")

    def rule(self) -> HabitRule:
        """Return it as a value; only what the client named counts."""
        given = self.model_dump(exclude_unset=True)
        bounds = {name: value for name, value in given.items() if value is not None or name.startswith("most_")}
        return HabitRule.given(bounds)


class Validity(Body):
    """For which region and days a version shall hold, at which prices and bounds."""

    region: str = Field(max_length=64)
    valid_from: date
    valid_until: date | None = None
    rule: RuleEntry | None = None


class DesignOrder(Validity):
    """How many sections to design, from which demand."""

    count: int = Field(ge=1, le=1_000)
    weeks: int = Field(default=WEEKS, ge=1, le=52, description="Published plans of so many weeks before.")
    seed: int = Field(default=1, ge=0, le=2**31 - 1)


class LearnOrder(Validity):
    """From which weeks to learn."""

    weeks: int = Field(default=WEEKS, ge=1, le=52)
    keep_sections: bool = Field(default=False, description="Keep the sections in force, learn order and hours only.")


class SectionsImport(Validity):
    """Sections and master routes somebody wrote."""

    sections: list[SectionEntry] = Field(min_length=1, max_length=1_000)
    allow_scattered: bool = Field(default=False, description="Take sections that do not hang together by road.")


class RuleChange(Body):
    """Which version's sections to take, with which other prices and bounds."""

    version_id: str = Field(max_length=36)
    rule: RuleEntry


class HabitAccept(Body):
    """Which version to put in force, and why."""

    version_id: str = Field(max_length=36)
    reason: str = Field(default="", max_length=255)


class HabitVersionEntry(View):
    """A version of a region's habit; `figures` are what it was judged by."""

    id: str
    region: str
    number: int
    parent_id: str | None
    created_at: datetime
    actor: str
    made_from: str
    valid_from: date
    valid_until: date | None
    rule: dict[str, int | None]
    figures: dict[str, Any]
    accepted: bool


class HabitVersionList(View):
    """A region's versions, the newest first, and which was accepted last."""

    accepted: str | None
    items: list[HabitVersionEntry]


class HabitAcceptanceView(View):
    """What was put in force when, by whom."""

    region: str
    version_id: str
    accepted_at: datetime
    actor: str


class FindingView(View):
    """What does not fit about a version, with what would help."""

    code: str
    message: str
    remedy: str
    section: int | None
    place_id: str | None


class FindingList(View):
    """Everything that does not fit about a version today."""

    items: list[FindingView]


class StabilityDay(View):
    """How steady one published day was; `basis` says against which habit."""

    day: date
    plan_version_id: str
    plan_number: int
    basis: str
    stops: int
    known: int
    habitual: int
    ordered: int
    timed: int
    shifted: int
    median_shift_s: int | None
    habitual_share: float | None
    ordered_share: float | None
    shifted_share: float | None
    exceeded_count: int | None


class StabilityOverDays(View):
    """How steady the published days of a region were, in the order of days."""

    items: list[StabilityDay]


class VersionStability(StabilityDay):
    """How steady a plan version is, by section; `planned_with` holds prices, bounds and what exceeds them."""

    region: str
    sections: list[dict[str, Any]]
    planned_with: dict[str, Any] | None


@router.get("/habit/versions", responses=problems(404))
def list_habit_versions(
    services: ServicesDep, region: RegionQuery, identity: Identity = allow("dispatcher", "admin")
) -> HabitVersionList:
    """List a region's versions of sections and master routes."""
    check_region(identity, region)
    with services.database.read() as session:
        repository = HabitRepository(session)
        newest = repository.newest(region)
        accepted = None if newest is None else newest.version_id
        items = [_entry(version, accepted) for version in repository.versions(region)]
    return HabitVersionList(accepted=accepted, items=items)


@router.get("/habit/versions/{version_id}", responses=problems(404), response_model=dict[str, Any])
def get_habit_version(
    version_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> dict[str, Any]:
    """Return a version's sections with owners and master routes, as they can be edited and imported again."""
    habit = _habit(services, version_id, identity)
    return habit_document(habit, services.regions.load(habit.region))


@router.get("/habit/versions/{version_id}/map", responses=problems(404), response_model=dict[str, Any])
def get_habit_map(
    version_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> dict[str, Any]:
    """Return a version's sections as GeoJSON: places in the colour of their section, master routes as lines."""
    habit = _habit(services, version_id, identity)
    region = services.regions.load(habit.region)
    return section_map(habit, region, region.title).geojson() | {"attribution": region.attribution}


@router.get("/habit/versions/{version_id}/findings", responses=problems(404))
def list_habit_findings(
    version_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> FindingList:
    """List what does not fit today: closed roads, absent owners, places in no section, bounds no day can keep."""
    habit = _habit(services, version_id, identity)
    found = _service(services).check(version_id, services.regions.load(habit.region))
    return FindingList(items=[FindingView.model_validate(one) for one in found])


@router.post("/habit:design", status_code=202, response_model=OperationView, responses=problems(400, 404, 409, 429))
def design_habit(
    body: DesignOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Start designing sections of equal measured work; follow it at `Location`. The version is not in force."""
    check_region(identity, body.region)
    region, rule, who = services.regions.load(body.region), _rule(body.rule), actor(identity)

    def work(run: RunningOperation) -> dict[str, Any]:
        made = _service(services).design(
            region, body.count, body.valid_from, actor=who, valid_until=body.valid_until, rule=rule,
            weeks=body.weeks, seed=body.seed, progress=run.progress,
        )  # fmt: skip
        return {"version_id": made.id, "number": made.number, "figures": made.figures}

    return started(request, services, identity, key, "habit", body, work)


@router.post("/habit:learn", status_code=201, response_model=HabitVersionEntry, responses=problems(400, 404, 409))
def learn_habit(
    body: LearnOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Learn sections and master routes from published plans; the version is not in force."""
    check_region(identity, body.region)
    region = services.regions.load(body.region)
    rule = None if body.rule is None else body.rule.rule()

    def make() -> HabitVersion:
        return _service(services).learn(
            region, body.valid_from, actor=actor(identity), valid_until=body.valid_until, rule=rule,
            weeks=body.weeks, keep_sections=body.keep_sections,
        )  # fmt: skip

    return _making(make, body, request, services, key, identity)


@router.post("/habit:import", status_code=201, response_model=HabitVersionEntry, responses=problems(400, 404, 409))
def import_habit(
    body: SectionsImport,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Take sections and master routes somebody wrote; the version is not in force."""
    check_region(identity, body.region)
    region, rule = services.regions.load(body.region), _rule(body.rule)

    def make() -> HabitVersion:
        return _service(services).take(
            region, [one.section() for one in body.sections], body.valid_from, actor=actor(identity),
            valid_until=body.valid_until, rule=rule, allow_scattered=body.allow_scattered,
        )  # fmt: skip

    return _making(make, body, request, services, key, identity)


@router.post("/habit:price", status_code=201, response_model=HabitVersionEntry, responses=problems(400, 404, 409))
def price_habit(
    body: RuleChange,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Take a version's sections with other prices and bounds; the version made is not in force."""
    _habit(services, body.version_id, identity)
    rule = body.rule.rule()

    def make() -> HabitVersion:
        return _service(services).with_rule(body.version_id, rule, actor=actor(identity))

    return _making(make, body, request, services, key, identity)


@router.post("/habit:accept", response_model=HabitAcceptanceView, responses=problems(400, 404, 409))
def accept_habit(
    body: HabitAccept,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Put a version in force; plans made from then on are priced by it, published ones stay."""
    _habit(services, body.version_id, identity)

    def act() -> Answer:
        accepted = _service(services).accept(body.version_id, actor=actor(identity), reason=body.reason)
        return answer(HabitAcceptanceView.model_validate(accepted))

    return once(request, key, body, identity, services).around(act)


@router.get("/habit/stability", responses=problems(400, 404))
def list_stability(
    services: ServicesDep,
    region: RegionQuery,
    first: Annotated[date, Query(description="First day.")],
    last: Annotated[date, Query(description="Last day.")],
    identity: Identity = allow("dispatcher", "admin"),
) -> StabilityOverDays:
    """Tell how steady each published day was: habitual couriers, common order, moved hours."""
    check_region(identity, region)
    services.regions.load(region)
    days = _service(services).over_days(region, first, last)
    return StabilityOverDays(items=[StabilityDay.model_validate(one) for one in days])


@router.get("/versions/{version_id}/stability", responses=problems(404))
def get_version_stability(
    version_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> VersionStability:
    """Tell how steady a plan version is, with what exceeds the bounds it was planned by."""
    document = _service(services).of_version(version_id)
    if identity.region not in (None, document["region"]):
        raise PlanVersionNotFoundError(f"there is no plan version {version_id}", version=version_id)
    return VersionStability.model_validate(document)


def _service(services: Services) -> HabitService:
    return HabitService(services.database, services.ids, services.clock)


def _rule(entry: RuleEntry | None) -> HabitRule:
    return HabitRule() if entry is None else entry.rule()


def _habit(services: Services, version_id: str, identity: Identity) -> Habit:
    """Return a version of the caller's region; another region's does not exist (API-15)."""
    with services.database.read() as session:
        habit = HabitRepository(session).habit(version_id)
    if identity.region not in (None, habit.region):
        raise HabitVersionNotFoundError(f"there is no version {version_id} of habit", version=version_id)
    return habit


def _making(
    make: Callable[[], HabitVersion],
    body: Body,
    request: Request,
    services: Services,
    key: str | None,
    identity: Identity,
) -> JSONResponse:
    """Make a version once, however often the request comes."""

    def act() -> Answer:
        made = make()
        return answer(_entry(made, None), 201, Location=f"/api/v1/habit/versions/{made.id}")

    return once(request, key, body, identity, services).around(act)


def _entry(version: HabitVersion, accepted: str | None) -> HabitVersionEntry:
    fields = {name: getattr(version, name) for name in HabitVersionEntry.model_fields if hasattr(version, name)}
    return HabitVersionEntry(**fields, accepted=version.id == accepted)
