"""The life of a day's plan: draft, published, running, closed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from dispatch.plans.draft_model import PlanClosure
from dispatch.plans.errors import PlanClosedError, PlanNotFoundError
from dispatch.plans.model import Plan, PlanRoute, PlanVersionRoute
from dispatch.plans.repository import PlanRepository
from kernel.clock import second_of
from kernel.events import append_event

PlanState = Literal["draft", "published", "running", "closed"]
_LONGEST_REASON = 255


def plan_state(session: Session, plan: Plan, now: datetime) -> PlanState:
    """Tell how far a plan is: it runs from the first departure, or the first report, until somebody closes it."""
    if session.get(PlanClosure, plan.id) is not None:
        return "closed"
    repository = PlanRepository(session)
    current = repository.publication(plan.id)
    if current is None:
        return "draft"
    query = (
        select(func.min(PlanRoute.start_s))
        .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
        .where(PlanVersionRoute.version_id == current.version_id)
    )
    first_s = session.scalar(query)
    begun = first_s is not None and second_of(now, plan.day, plan.zone) >= first_s
    return "running" if begun or repository.progress(plan.id) else "published"


def close_plan(session: Session, plan: Plan, *, actor: str, reason: str, now: datetime) -> None:
    """Close a plan's day within the caller's transaction; closing twice changes nothing.

    Raises
    ------
    PlanNotFoundError
        If nothing is published: there is no day to close.
    """
    if session.get(PlanClosure, plan.id) is not None:
        return
    if PlanRepository(session).publication(plan.id) is None:
        raise PlanNotFoundError(f"no plan is published for {plan.region} on {plan.day}", region=plan.region)
    row = {"plan_id": plan.id, "closed_at": now, "actor": actor, "reason": reason[:_LONGEST_REASON]}
    session.execute(insert(PlanClosure), [row])
    body = {"region": plan.region, "day": plan.day.isoformat()}
    append_event(session, "plan.closed", f"plan:{plan.id}", body, fact_at=now, committed_at=now)


def refuse_closed(session: Session, plan_id: str) -> None:
    """Let a plan be changed only while its day is not closed.

    Raises
    ------
    PlanClosedError
        If it is.
    """
    if session.get(PlanClosure, plan_id) is not None:
        raise PlanClosedError(f"plan {plan_id} is closed", plan=plan_id)
