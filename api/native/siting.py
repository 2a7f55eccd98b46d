"""Siting studies: where kiosks should go, what was expected of them, and which ones sleep."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.fleet import RegionQuery
from api.native.form import Body, View, problems
from api.native.idempotency import IdempotencyKey
from api.native.operations import OperationView
from api.native.scope import actor, check_region
from api.native.starting import started
from api.operations.service import RunningOperation, Work
from api.services import Services
from api.siting_desk import SitingDesk, SitingOrder, facts_document, sleeper_document
from lockers.errors import SitingStudyNotFoundError
from lockers.siting.model import SitingStudy
from maps.siting.survey import SeenPlace

router = APIRouter(tags=["siting"])


class SeenPlaceForm(Body):
    """A place somebody looked at; `capacity` in parcels a day, nothing when it does not bind."""

    id: str = Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")
    name: str = Field(max_length=128)
    scene: str = Field(max_length=32, description="One of the ten scene types.")
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    capacity: float | None = Field(default=None, ge=0, le=1_000_000)
    cost_fen: int = Field(default=0, ge=0, le=10**12)


class SitingForm(Body):
    """How many kiosks to place, what counts as covered, and by which model; without candidates, supposed places."""

    region: str = Field(max_length=64)
    budget: int = Field(ge=0, le=1_000)
    within_min: float = Field(default=15.0, gt=0, le=600, description="Road minutes that count as covered.")
    model: Literal["covering", "median", "fewest"] = "covering"
    pattern: Literal["any", "spread", "cluster", "anchor"] = "any"
    spacing_m: float | None = Field(default=None, ge=0, le=1_000_000)
    quick: bool = Field(default=False, description="Answer by exchange at once, without proof.")
    candidates: tuple[SeenPlaceForm, ...] | None = Field(default=None, max_length=5_000)


class SitingEntry(View):
    """A study in a list; `request` is what was asked."""

    id: str
    region: str
    number: int
    day: date
    made_at: datetime
    actor: str
    request: dict[str, Any]


class SitingList(View):
    """A region's studies, the newest first."""

    items: list[SitingEntry]


class SitingStudyView(SitingEntry):
    """A study with its answer: kiosks, demand beyond reach, and the map (GeoJSON)."""

    document: dict[str, Any]


class FactRowView(View):
    """One kiosk's drop-offs against its forecast; `surprise` is the probability of a result as far out."""

    site_id: str
    scene: str
    days: float
    expected: float
    low: int
    high: int
    actual: int
    standing: Literal["below", "within", "above"]
    surprise: float


class SceneFactView(View):
    """All kiosks of a scene type."""

    expected: float
    actual: int


class FactsView(View):
    """Forecast against fact; `unforecast` stand without one, `unobserved` were not put up or had no day since."""

    kiosks: list[FactRowView]
    expected: float
    actual: int
    share_within: float
    by_scene: dict[str, SceneFactView]
    unforecast: list[str]
    unobserved: list[str]


class MoveView(View):
    """Where a sleeping kiosk would do more: demand gained and lost, drop-offs to be expected there."""

    id: str
    name: str
    lon: float
    lat: float
    gained: float
    lost: float
    drop_offs_a_day: float


class SleeperView(View):
    """A sleeping kiosk; a large `chance` accuses the scene rather than the kiosk."""

    site_id: str
    scene: str
    drop_offs: int
    days: float
    chance: float
    move: MoveView | None


class SleeperList(View):
    """Sleeping kiosks of a region, the least likely by chance first; `watched` is how many have a history."""

    watched: int
    demand_from: str
    items: list[SleeperView]


@router.post("/siting:plan", status_code=202, response_model=OperationView, responses=problems(400, 404, 409, 429))
def plan_siting(
    body: SitingForm,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher", "admin"),
) -> JSONResponse:
    """Start a study of where kiosks go; follow it at `Location`. The operation's result names the study."""
    check_region(identity, body.region)
    order = _order(body)
    order.check(services.regions.load(body.region))

    return started(request, services, identity, key, "siting", body, _work(services, order, actor(identity)))


@router.get("/siting", responses=problems(404))
def list_siting(
    services: ServicesDep, region: RegionQuery, identity: Identity = allow("dispatcher", "admin")
) -> SitingList:
    """List a region's siting studies, the newest first."""
    check_region(identity, region)
    services.regions.load(region)
    return SitingList(items=[SitingEntry.model_validate(one) for one in _desk(services).studies(region)])


@router.get("/siting/sleepers", responses=problems(400, 404))
def list_sleepers(
    services: ServicesDep,
    region: RegionQuery,
    days: Annotated[int, Query(ge=14, le=366, description="Look at so many last days.")] = 28,
    at_most: Annotated[int, Query(ge=0, le=1_000, description="So few drop-offs are sleep.")] = 0,
    within_min: Annotated[float, Query(gt=0, le=600, description="Road minutes a kiosk reaches.")] = 15.0,
    identity: Identity = allow("dispatcher", "admin"),
) -> SleeperList:
    """List kiosks that took in next to nothing, each with a place where it would reach more people."""
    check_region(identity, region)
    services.regions.load(region)
    asleep, found = _desk(services).sleepers(SitingOrder(region, 0, within_min), days, at_most)
    items = [SleeperView.model_validate(sleeper_document(one)) for one in asleep]
    return SleeperList(watched=len(found.histories), demand_from=found.demand_from, items=items)


@router.get("/siting/{study_id}", responses=problems(404))
def get_siting(
    study_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> SitingStudyView:
    """Give a study with its kiosks, the demand beyond reach, and its map."""
    return SitingStudyView.model_validate(_study(services, study_id, identity))


@router.get("/siting/{study_id}/facts", responses=problems(404))
def get_siting_facts(
    study_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> FactsView:
    """Hold a study's forecasts against the drop-offs of later days."""
    study = _study(services, study_id, identity)
    return FactsView.model_validate(facts_document(_desk(services).facts(study.id)))


def _study(services: Services, study_id: str, identity: Identity) -> SitingStudy:
    study = _desk(services).study(study_id)
    if identity.region not in (None, study.region):
        raise SitingStudyNotFoundError(f"there is no siting study {study_id}", study=study_id)
    return study


def _order(body: SitingForm) -> SitingOrder:
    seen = None if body.candidates is None else tuple(SeenPlace(**one.model_dump()) for one in body.candidates)
    return SitingOrder(**body.model_dump(exclude={"candidates"}), candidates=seen)


def _work(services: Services, order: SitingOrder, who: str) -> Work:
    def work(run: RunningOperation) -> dict[str, Any]:
        made = _desk(services).make(order, actor=who, progress=run.progress)
        return {"study_id": made.study_id, "number": made.number}

    return work


def _desk(services: Services) -> SitingDesk:
    return SitingDesk(services.database, services.regions, services.ids, services.clock)
