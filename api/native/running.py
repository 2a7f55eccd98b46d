"""The running day of a plan: events, rollback, close, and what couriers answer to changed routes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.courier import courier_of
from api.native.drafts import OptimiseOrder
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.operations import OperationView
from api.native.plans import VersionView
from api.native.scope import actor
from api.native.starting import started
from api.operations.service import RunningOperation, Work
from api.services import Services
from api.solving import heard_by
from dispatch.plans.answering import answer_route, answers_of
from dispatch.plans.drafts import Who
from dispatch.plans.dynamic import EVENTS, handle_event
from dispatch.plans.edits import EDITS
from dispatch.plans.lifecycle import close_plan, plan_state
from dispatch.plans.model import Plan

router = APIRouter(tags=["running day"])

_KINDS = " ".join(f"`{name}`: {EDITS[edit].purpose} ({', '.join(EDITS[edit].fields)})" for name, edit in EVENTS.items())


class EventOrder(Body):
    """What happened, and how the affected routes may be re-planned."""

    event: dict[str, Any] = Field(description=f"`kind` and its fields. {_KINDS}")
    reason: str = Field(default="", max_length=255)
    publish: bool = Field(default=False, description="Put the outcome in force when it keeps the budget.")
    optimize: OptimiseOrder = Field(default_factory=OptimiseOrder)


class RollbackOrder(Body):
    """Which version's content to put in force again, and why."""

    version_id: str = Field(max_length=36)
    reason: str = Field(min_length=1, max_length=255)


class CloseOrder(Body):
    """Why a day is closed."""

    reason: str = Field(default="", max_length=255)


class LifeView(View):
    """How far a plan is."""

    plan_id: str
    state: Literal["draft", "published", "running", "closed"]


class RouteAnswer(Body):
    """A courier's answer to a changed route; a refusal says why."""

    day: date
    route_id: str = Field(max_length=36)
    answer: Literal["accepted", "refused"]
    reason: str = Field(default="", max_length=255)
    seen: str | None = Field(default=None, max_length=36, description="`version_id` known before the change.")


class AnswerView(View):
    """What a courier answered."""

    route_id: str
    version_id: str
    courier_id: str
    answer: str
    reason: str


class AnswerEntry(AnswerView):
    """What a courier answered, with the changes he was shown."""

    answered_at: datetime
    changes: list[dict[str, Any]]


class AnswerList(View):
    """Answers of couriers, the newest first."""

    items: list[AnswerEntry]


@router.get("/plans/{plan_id}/state", responses=problems(404))
def get_state(plan_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> LifeView:
    """Tell whether a plan is a draft, published, running or closed."""
    services.desk.plan_for(plan_id, identity.region)
    with services.database.read() as session:
        plan = session.get_one(Plan, plan_id)
        return LifeView(plan_id=plan_id, state=plan_state(session, plan, services.clock.now()))


@router.post(
    "/plans/{plan_id}:event", status_code=202, response_model=OperationView, responses=problems(400, 404, 409, 429)
)
def take_event(
    plan_id: str,
    body: EventOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Take an event into the plan in force and re-plan the affected routes with the least disturbance."""
    region = services.desk.plan_for(plan_id, identity.region)
    work = _handling(services, plan_id, body, actor(identity))
    return started(request, services, identity, key, "event", body, work, region=region, plan_id=plan_id)


def _handling(services: Services, plan_id: str, body: EventOrder, who: str) -> Work:
    def work(run: RunningOperation) -> dict[str, Any]:
        with heard_by(run):
            made = handle_event(
                services.desk, plan_id, body.event, body.optimize.order(services), services.solver,
                Who(who, body.reason), publish=body.publish, progress=run.progress,
            )  # fmt: skip
        return made.as_dict()

    return work


@router.post("/plans/{plan_id}:rollback", response_model=VersionView, responses=problems(400, 404, 409, 412))
def roll_back(
    plan_id: str,
    body: RollbackOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Put an old version's content in force again, as a new version."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        services.desk.version_for(body.version_id, identity.region, plan_id)
        made = services.desk.roll_back(body.version_id, Who(actor(identity), body.reason))
        return answer(VersionView(**made.as_dict()))

    return turn.around(act)


@router.post("/plans/{plan_id}:close", response_model=LifeView, responses=problems(400, 404))
def close_day(
    plan_id: str,
    body: CloseOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Close a plan's day: it takes no more drafts, events or publications."""
    services.desk.plan_for(plan_id, identity.region)
    turn = once(request, key, body, identity, services)

    def act(session: Session) -> Answer:
        plan = session.get_one(Plan, plan_id)
        close_plan(session, plan, actor=actor(identity), reason=body.reason, now=services.clock.now())
        return answer(LifeView(plan_id=plan_id, state="closed"))

    return turn.together(act)


@router.get("/plans/{plan_id}/answers", responses=problems(404))
def list_answers(plan_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> AnswerList:
    """List what couriers answered to changed routes; a refusal waits for the dispatcher here."""
    services.desk.plan_for(plan_id, identity.region)
    with services.database.read() as session:
        return AnswerList(items=[AnswerEntry.model_validate(one) for one in answers_of(session, plan_id)])


@router.post("/courier/route:answer", response_model=AnswerView, responses=problems(400, 404))
def answer_changes(
    body: RouteAnswer,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("courier"),
) -> JSONResponse:
    """Accept or refuse the changes of one's own route; the first answer to a route stands (HH-13)."""
    courier_id = courier_of(identity)
    turn = once(request, key, body, identity, services)

    def act(session: Session) -> Answer:
        made = answer_route(
            session, services.ids, courier_id, body.day, body.route_id, body.answer,
            reason=body.reason, seen_version_id=body.seen, now=services.clock.now(),
        )  # fmt: skip
        return answer(AnswerView.model_validate(made))

    return turn.together(act)
