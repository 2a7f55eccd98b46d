"""The running day: which plan is in force, and which drop-offs still wait for a route."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.model import Plan
from dispatch.plans.repository import PlanRepository
from kernel.clock import second_of


def plan_in_force(session: Session, region: str, now: datetime, zone: str) -> Plan | None:
    """Give the published plan that runs now or comes next, nothing when there is none.

    A plan runs until the last vehicle of its version in force is back.
    """
    repository = PlanRepository(session)
    for plan in repository.plans_from(region, now.astimezone(ZoneInfo(zone)).date()):
        current = repository.publication(plan.id)
        if current is None:
            continue
        if second_of(now, plan.day, plan.zone) <= repository.last_end_s(current.version_id):
            return plan
    return None


def waiting_by_site(session: Session, region: str, day: date) -> dict[str, list[str]]:
    """Give the drop-offs that wait at a site and are on no published route of a day, by site.

    Raises
    ------
    PlanNotFoundError
        If there is no plan for the day.
    """
    repository = PlanRepository(session)
    plan = repository.plan(region, day)
    current = repository.publication(plan.id)
    at_site = {
        parcel.id: parcel.channel_site_id
        for parcel in ParcelRepository(session).to_collect(region, day)
        if parcel.channel_site_id is not None
    }
    planned = {} if current is None else repository.planned_parcels(current.version_id, at_site)
    by_site: dict[str, list[str]] = {}
    for parcel_id, site_id in at_site.items():
        if parcel_id not in planned:
            by_site.setdefault(site_id, []).append(parcel_id)
    return dict(sorted(by_site.items()))
