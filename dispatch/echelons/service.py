"""Plan a region's day over both echelons: due stops, the county's network, joint search, independent check."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from sqlalchemy import select

from dispatch.echelons.checker import check_two_echelon
from dispatch.echelons.county import CountyDay, county_day
from dispatch.echelons.errors import EchelonPlanRejectedError
from dispatch.echelons.joint import Effort, solve_two_echelon
from dispatch.echelons.network import Network, default_network
from dispatch.echelons.plan import TwoEchelonPlan
from dispatch.parcels.model import Parcel
from dispatch.plans.service import PreparedDay
from kernel.db import Database
from kernel.progress import Progress, silent
from maps.region import Region

_SHOWN = 3


class DaySource(Protocol):
    """What prepares a day: :class:`dispatch.plans.service.Planner`."""

    def prepare(self, region: str, day: date, *, progress: Progress = silent) -> PreparedDay:
        """Return due stops, fleet and region of a day."""
        ...


def plan_county_day(
    database: Database,
    days: DaySource,
    region: Region,
    day: date,
    *,
    network: Network | None = None,
    effort: Effort | None = None,
    seed: int = 1,
    progress: Progress = silent,
) -> tuple[CountyDay, TwoEchelonPlan]:
    """Plan a day over both echelons.

    Parameters
    ----------
    network
        The county's depots and trunk runs; :func:`default_network` when None.

    Raises
    ------
    NothingDueError, NoFleetError
        If there is nothing to plan with or for.
    EchelonModelError
        One of its leaves, if depots, runs and demand do not go together.
    EchelonPlanRejectedError
        If the independent checker refuses what the search found.
    """
    prepared = days.prepare(region.name, day, progress=progress)
    collected = [parcel_id for stop in prepared.demand.stops for parcel_id in stop.collections]
    county = county_day(
        region,
        network or default_network(region),
        prepared.demand.stops,
        prepared.given.fleet,
        collecting=_companies(database, collected),
        progress=progress,
    )
    plan = solve_two_echelon(county.problem, effort, seed, progress)
    broken = check_two_echelon(county.problem, plan)
    if broken:
        raise EchelonPlanRejectedError(
            f"the checker refuses the plan: {'; '.join(one.message for one in broken[:_SHOWN])}",
            rules=sorted({one.rule.value for one in broken}),
        )
    return county, plan


def _companies(database: Database, parcel_ids: list[str]) -> set[str]:
    if not parcel_ids:
        return set()
    with database.read() as session:
        return set(session.scalars(select(Parcel.company_id).where(Parcel.id.in_(parcel_ids)).distinct()))
