"""Events of the running day (动态调整): each becomes one edit of the plan in force and a re-plan of what it touches.

=============== ============================================ ==========================
event           what happened                                edit
=============== ============================================ ==========================
new_order       parcels came after the plan was made          add
failed_attempt  nobody was there, the courier will try again  retry
breakdown       a vehicle is out of order                     breakdown
late_trunk      freight reaches the depot late                release
closed_road     a road or an area cannot be driven            close
=============== ============================================ ==========================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from dispatch.plans.drafts import DraftView, PlanDesk, Who
from dispatch.plans.errors import EditCommandError, PlanNotFoundError
from dispatch.plans.figures import touched
from dispatch.plans.replanning import Replan, ReplanOrder, Search, replan
from dispatch.plans.repository import PlanRepository
from dispatch.plans.summary import VersionSummary
from kernel.progress import Progress, silent

EVENTS: Final[Mapping[str, str]] = {
    "new_order": "add",
    "failed_attempt": "retry",
    "breakdown": "breakdown",
    "late_trunk": "release",
    "closed_road": "close",
}
"""Edit of each event."""


@dataclass(frozen=True, eq=False)
class Handled:
    """What became of an event.

    Attributes
    ----------
    draft
        Holds the event and the accepted re-plan; saved when it was published.
    published
        The version in force, where the caller asked for it and the budget held.
    """

    draft: DraftView
    proposal_id: str
    replan: Replan
    published: VersionSummary | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "draft_id": self.draft.id,
            "steps": self.draft.steps,
            "proposal_id": self.proposal_id,
            "published": None if self.published is None else self.published.version_id,
            **self.replan.as_dict(),
        }


def optimise(
    desk: PlanDesk, draft_id: str, order: ReplanOrder, search: Search, who: Who, progress: Progress = silent
) -> tuple[str, Replan]:
    """Re-optimise a draft and keep the outcome as a proposal; the draft itself stays as it is."""
    view = desk.read(draft_id)
    found = replan(view.board, view.origin.routes, order, search, progress)
    return desk.propose(draft_id, found.as_dict(), who, steps=view.steps), found


def handle_event(
    desk: PlanDesk,
    plan_id: str,
    event: Mapping[str, Any],
    order: ReplanOrder,
    search: Search,
    who: Who,
    *,
    publish: bool = False,
    progress: Progress = silent,
) -> Handled:
    """Take an event into the plan in force and re-plan the affected routes with the least disturbance.

    Parameters
    ----------
    event
        ``{"kind": one of EVENTS, …}`` with the fields of its edit.
    publish
        Put the outcome in force when it keeps the budget; otherwise it waits as a draft for a dispatcher.

    Raises
    ------
    PlanNotFoundError
        If nothing is published.
    EditCommandError
        If the event names what is not there.
    """
    kind = str(event.get("kind"))
    if kind not in EVENTS:
        raise EditCommandError(f"there is no event {kind!r}", field="kind", known=sorted(EVENTS))
    with desk.database.read() as session:
        current = PlanRepository(session).publication(plan_id)
        if current is None:
            raise PlanNotFoundError(f"nothing of plan {plan_id} is published", plan=plan_id)
        version_id = current.version_id
    draft = desk.open(version_id, who, name=kind)
    command = {**event, "kind": EVENTS[kind]}
    reason = who.reason or kind
    before, view = desk.edit(draft.id, command, replace(who, reason=reason), override=True)
    affected = tuple(touched(before, view.board))
    proposal_id, found = optimise(desk, draft.id, replace(order, vehicles=affected), search, who, progress)
    if found.parts:
        _, view = desk.accept(draft.id, proposal_id, who)
    published = None
    if publish and found.chosen.within_budget:
        published = desk.save(draft.id, replace(who, reason=reason), publish=True)
        view = desk.read(draft.id)
    return Handled(view, proposal_id, found, published)
