"""How the promises of a plan stand: predicted late, at risk, breached, late feedback; and telling what is new."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.services import Services
from dispatch.fleet.repository import FleetRepository
from dispatch.plans.errors import PlanNotFoundError
from dispatch.plans.model import Plan
from dispatch.plans.repository import PlanRepository
from dispatch.promises.clocks import area_classes
from dispatch.promises.lateness import plan_lateness, tell_predictions
from kernel.errors import CundaError
from kernel.log import get_logger

router = APIRouter(tags=["plans"])


class PromiseView(View):
    """A parcel with a flag; `remedies` is what can still be done, the least disturbing first."""

    parcel_id: str
    company_id: str
    waybill: str
    products: list[str]
    area: str | None
    started_at: datetime
    deadline_at: datetime
    basis: Literal["ledger", "manifest", "pickup", "freshness", "rescheduled"]
    eta_at: datetime | None
    eta_source: Literal["plan", "reports", "overdue", "none"]
    predicted_late: bool
    at_risk: bool
    breached: bool
    open: bool
    late_feedback: bool
    route: int | None
    vehicle_id: str | None
    stop_key: str | None
    remedies: list[Literal["insert", "swap", "move", "call"]]


class FlagCounts(View):
    """How many promises have each flag; `known_breached` counts late feedback too, `breached` only the facts."""

    predicted_late: int
    at_risk: int
    breached: int
    open_breaches: int
    late_feedback: int
    known_breached: int


class LatenessView(View):
    """How a day's promises stand; parcels without a flag are only counted in `promises`."""

    plan_id: str
    version_id: str
    as_of: datetime
    promises: int
    counts: FlagCounts
    items: list[PromiseView]


class Told(View):
    """Predictions that were put into the event feed: those that began and those that ended."""

    begun: list[str]
    ended: list[str]


@router.get("/plans/{plan_id}/lateness", responses=problems(404))
def get_lateness(
    plan_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> LatenessView:
    """List the parcels whose promise is in danger or broken, those that can still be saved first."""
    with services.database.read() as session:
        plan = _plan(session, plan_id, identity)
        areas = area_classes(services.regions.load(plan.region))
        found = plan_lateness(session, plan, areas, services.clock.now())
        return LatenessView.model_validate(found.as_dict())


@router.post("/plans/{plan_id}:watch", response_model=Told, responses=problems(400, 404, 409))
def watch_plan(
    plan_id: str,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Put what is newly predicted late, and what no longer is, into the event feed; every listener sees it there."""

    def act(session: Session) -> Answer:
        plan, now = _plan(session, plan_id, identity), services.clock.now()
        areas = area_classes(services.regions.load(plan.region))
        begun, ended = tell_predictions(session, plan_lateness(session, plan, areas, now), now)
        return answer(Told(begun=begun, ended=ended))

    return once(request, key, {"plan": plan_id}, identity, services).together(act)


def watch_courier(services: Services, courier_id: str, days: Iterable[date]) -> None:
    """Tell what a courier's reports make late on the routes of some days, before a customer asks (SVC-13).

    The reports are stored already; that nobody could be told must not send them back to the handheld.
    """
    try:
        for day in sorted(set(days)):
            _watch_day(services, courier_id, day)
    except CundaError as problem:
        get_logger("api").warning("promises_not_watched", error_code=problem.code, detail=problem.message)


def _watch_day(services: Services, courier_id: str, day: date) -> None:
    with services.database.begin() as session:
        region, now = FleetRepository(session).courier(courier_id).region, services.clock.now()
        plan = PlanRepository(session).find_plan(region, day)
        if plan is not None and PlanRepository(session).publication(plan.id) is not None:
            areas = area_classes(services.regions.load(region))
            tell_predictions(session, plan_lateness(session, plan, areas, now, courier_id), now)


def _plan(session: Session, plan_id: str, identity: Identity) -> Plan:
    plan = session.get(Plan, plan_id)
    if plan is None or identity.region not in (None, plan.region):
        raise PlanNotFoundError(f"there is no plan {plan_id}", plan=plan_id)
    return plan
