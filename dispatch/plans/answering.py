"""A changed route is offered to its courier, who accepts or refuses it; a refusal comes back to the dispatcher (HH-13).

An accepted route keeps its order in every later draft until a dispatcher reopens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.plans.courier import courier_route
from dispatch.plans.draft_model import PlanAnswer
from dispatch.plans.errors import EditCommandError, NoOfferError
from kernel.events import append_event
from kernel.ids import Ids

Answer = Literal["accepted", "refused"]
_LONGEST_REASON = 255


@dataclass(frozen=True)
class Answered:
    """What a courier said to a route."""

    route_id: str
    version_id: str
    courier_id: str
    answer: str
    reason: str


def answer_route(
    session: Session,
    ids: Ids,
    courier_id: str,
    day: date,
    route_id: str,
    answer: Answer,
    *,
    reason: str,
    seen_version_id: str | None,
    now: datetime,
) -> Answered:
    """Keep a courier's answer to the route in force, in the caller's transaction; the first answer stands.

    Parameters
    ----------
    seen_version_id
        The version the courier knew before; the changes since then are what he answers.

    Raises
    ------
    NoOfferError
        If the route is not the one in force: it changed again meanwhile.
    EditCommandError
        If a refusal gives no reason.
    """
    if answer == "refused" and not reason.strip():
        raise EditCommandError("a refusal needs a reason", field="reason")
    shown = courier_route(session, courier_id, day, seen_version_id=seen_version_id)
    if shown.route_id != route_id:
        raise NoOfferError(f"route {route_id} is not in force", route=route_id, in_force=shown.route_id)
    query = select(PlanAnswer).where(PlanAnswer.route_id == route_id, PlanAnswer.courier_id == courier_id)
    known = session.scalar(query)
    if known is None:
        known = PlanAnswer(
            id=ids.new(),
            plan_id=shown.plan_id,
            version_id=shown.version_id,
            route_id=route_id,
            courier_id=courier_id,
            answer=answer,
            reason=reason[:_LONGEST_REASON],
            answered_at=now,
            changes=[asdict(change) for change in shown.changes],
        )
        session.add(known)
        session.flush()
        body = {"region": shown.region, "day": day.isoformat(), "route": shown.number, "reason": known.reason}
        subject = f"courier:{courier_id}"
        append_event(session, f"plan.change_{answer}", subject, body, fact_at=now, committed_at=now)
    return Answered(known.route_id, known.version_id, known.courier_id, known.answer, known.reason)


def answers_of(session: Session, plan_id: str) -> Sequence[PlanAnswer]:
    """Give what couriers answered on a plan, the newest first."""
    query = select(PlanAnswer).where(PlanAnswer.plan_id == plan_id)
    return session.scalars(query.order_by(PlanAnswer.answered_at.desc(), PlanAnswer.id)).all()
