"""What couriers were asked and what they answered: the routes in force beside the ones each of them knows (HH-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from dispatch.plans.answering import answers_of
from dispatch.plans.changes import RouteChange, route_changes
from dispatch.plans.draft_model import PlanAnswer
from dispatch.plans.repository import PlanRepository, RouteShelf, StoredRoute

OfferState = Literal["known", "waiting", "accepted", "refused", "withdrawn"]


@dataclass(frozen=True)
class Offer:
    """What one courier was asked last.

    Attributes
    ----------
    state
        ``known``: nothing changed since the route was first published. ``waiting``: the courier has not answered
        the changes. ``withdrawn``: the courier had a route and has none now, which nobody is asked about.
    since
        When the route that is in force was published.
    changes
        Against the last route the courier accepted, else the first one published.
    """

    courier_id: str
    vehicle_id: str
    number: int
    route_id: str
    state: OfferState
    since: datetime
    reason: str
    answered_at: datetime | None
    changes: tuple[RouteChange, ...]


def offers_of(session: Session, plan_id: str) -> tuple[Offer, ...]:
    """List every courier of a plan in force with what is asked of them; what needs a dispatcher comes first."""
    repository = PlanRepository(session)
    shelf = RouteShelf()  # most versions share most of their routes
    published = [
        (one.published_at, repository.routes(repository.version(one.version_id), shelf=shelf))
        for one in repository.publications(plan_id)
    ]
    answers = {(one.route_id, one.courier_id): one for one in answers_of(session, plan_id)}
    couriers = {one.route.courier_id for _, routes in published for one in routes}
    made = [
        _offer(courier_id, [(moment, _of(routes, courier_id)) for moment, routes in published], answers)
        for courier_id in couriers
        if courier_id is not None
    ]
    urgency: list[OfferState] = ["refused", "waiting", "withdrawn", "accepted", "known"]
    return tuple(sorted(made, key=lambda offer: (urgency.index(offer.state), offer.number, offer.courier_id)))


def _of(routes: Sequence[StoredRoute], courier_id: str) -> StoredRoute | None:
    return next((one for one in routes if one.route.courier_id == courier_id), None)


def _offer(
    courier_id: str,
    history: Sequence[tuple[datetime, StoredRoute | None]],
    answers: dict[tuple[str, str], PlanAnswer],
) -> Offer:
    """Say what is asked of a courier whose routes were, publication by publication, the ones given."""
    known = [one for _, one in history if one is not None]
    now, last = history[-1][1], known[-1]
    answer = None if now is None else answers.get((now.id, courier_id))
    accepted = [one for one in known if one.id != last.id and _accepted(answers.get((one.id, courier_id)))]
    base = accepted[-1] if accepted else known[0]
    changes = () if now is None else route_changes(base.route, now.route)
    state: OfferState = "known"
    if now is None:
        state = "withdrawn"
    elif answer is not None:
        state = "accepted" if answer.answer == "accepted" else "refused"
    elif changes:
        state = "waiting"
    return Offer(
        courier_id, last.route.vehicle_id, last.route.number, last.id, state, _since(history),
        "" if answer is None else answer.reason, None if answer is None else answer.answered_at, changes,
    )  # fmt: skip


def _accepted(answer: PlanAnswer | None) -> bool:
    return answer is not None and answer.answer == "accepted"


def _since(history: Sequence[tuple[datetime, StoredRoute | None]]) -> datetime:
    """Return the first publication of the unbroken run that ends with what is in force."""
    since, now = history[-1]
    for moment, one in reversed(history):
        if (None if one is None else one.id) != (None if now is None else now.id):
            break
        since = moment
    return since
