"""Putting a version in force: only one that was made from what is in force, and only one at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from dispatch.plans.errors import PlanUnderWayError, StalePlanError
from dispatch.plans.lifecycle import refuse_closed
from dispatch.plans.model import Plan, PlanVersion
from dispatch.plans.repository import PlanRepository
from kernel.events import append_event

_LONGEST_REASON: Final = 255
_SHOWN_PARCELS: Final = 10


def publish_version(
    session: Session, plan: Plan, version: PlanVersion, *, actor: str, reason: str, now: datetime
) -> None:
    """Put a version in force within the caller's transaction, which has locked the plan.

    Raises
    ------
    StalePlanError
        If the version was not made from what is in force.
    PlanUnderWayError
        If it would take parcels off loaded vans, or move what is done.
    PlanClosedError
        If the plan's day is closed.
    """
    refuse_closed(session, plan.id)
    repository = PlanRepository(session)
    current = repository.publication(plan.id)
    row = {
        "plan_id": plan.id,
        "sequence": 1 if current is None else current.sequence + 1,
        "version_id": version.id,
        "published_at": now,
        "actor": actor,
        "reason": reason[:_LONGEST_REASON],
    }
    in_force = None if current is None else current.version_id
    if version.parent_id != in_force or not repository.add_publication(row):
        raise stale(version, in_force)
    on_vans = [] if in_force is None else repository.left_on_vans(in_force, version.id)
    if on_vans:
        raise PlanUnderWayError(
            f"version {version.number} has no route for {len(on_vans)} parcels that are on vans",
            parcels=on_vans[:_SHOWN_PARCELS],
        )
    moved = [] if in_force is None else repository.moved_work(plan.id, in_force, version.id)
    if moved:
        raise PlanUnderWayError(
            f"version {version.number} moves {len(moved)} stops that are done", stops=moved[:_SHOWN_PARCELS]
        )
    body = {
        "version": version.id,
        "number": version.number,
        "kind": version.kind,
        "region": plan.region,
        "day": plan.day.isoformat(),
        "digest": version.digest,
    }
    append_event(session, "plan.published", f"plan:{plan.id}", body, fact_at=now, committed_at=now)


def stale(version: PlanVersion, in_force: str | None) -> StalePlanError:
    """Make the error of publishing a version that was made from another one than the one in force."""
    return StalePlanError(
        f"plan version {version.number} was made from another version than the one in force",
        version=version.id,
        parent=version.parent_id,
        in_force=in_force,
    )
