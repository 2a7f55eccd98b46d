"""What one reads about a version without its routes: for the command line, lists and answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from dispatch.plans.repository import PlanRepository
from kernel.clock import rfc3339


@dataclass(frozen=True)
class VersionSummary:
    """A version in figures.

    Attributes
    ----------
    parcels_planned, parcels_unassigned
        Together every parcel that was due.
    reasons
        Number of unassigned parcels by reason code.
    source
        ``road``, or ``geodesic`` when times and distances are estimates from straight lines.
    published
        Whether it is in force now.
    """

    version_id: str
    plan_id: str
    region: str
    day: date
    zone: str
    number: int
    kind: str
    parent_id: str | None
    created_at: datetime
    actor: str
    reason: str
    seed: int
    source: str
    routes: int
    stops: int
    parcels_planned: int
    parcels_unassigned: int
    reasons: dict[str, int]
    distance_m: int
    duration_s: int
    cost_fen: int
    cost: dict[str, int]
    statistics: dict[str, Any]
    software: dict[str, Any]
    warnings: tuple[str, ...]
    digest: str
    published: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON; moments as RFC 3339 in the region's zone."""
        body = dict(vars(self))
        body["day"] = self.day.isoformat()
        body["created_at"] = rfc3339(self.created_at, self.zone)
        body["warnings"] = list(self.warnings)
        return body


def summarise(session: Session, version_id: str) -> VersionSummary:
    """Sum a version up.

    Raises
    ------
    PlanVersionNotFoundError
        If there is none with this id.
    """
    repository = PlanRepository(session)
    version = repository.version(version_id)
    plan = repository.plan_of(version.plan_id)
    totals = repository.totals(version.id)
    codes = repository.reason_counts(version)
    current = repository.publication(version.plan_id)
    return VersionSummary(
        version_id=version.id,
        plan_id=plan.id,
        region=plan.region,
        day=plan.day,
        zone=plan.zone,
        number=version.number,
        kind=version.kind,
        parent_id=version.parent_id,
        created_at=version.created_at,
        actor=version.actor,
        reason=version.reason,
        seed=version.seed,
        source=version.source,
        routes=totals.routes,
        stops=totals.stops,
        parcels_planned=totals.parcels,
        parcels_unassigned=sum(codes.values()),
        reasons=codes,
        distance_m=totals.distance_m,
        duration_s=totals.duration_s,
        cost_fen=version.cost_fen,
        cost=version.cost,
        statistics=version.statistics,
        software=version.software,
        warnings=tuple(version.assumptions["warnings"]),
        digest=version.digest,
        published=current is not None and current.version_id == version.id,
    )
