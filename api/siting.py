"""What the database knows about where kiosks should go: parcels by village, kiosks that stand, their drop-offs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.parcels.model import COLLECT, Parcel
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import SiteKind, SiteStatus
from maps.region import Region
from maps.siting.forecast import KioskHistory
from maps.siting.problem import Candidate, SitingProblem
from maps.siting.survey import (
    RESIDENTS,
    assumed_candidates,
    demand_from_history,
    demand_from_population,
    survey,
)


@dataclass(frozen=True)
class KioskSurvey:
    """A siting problem with where its demand comes from and what kiosks took in so far."""

    problem: SitingProblem
    demand_from: str
    histories: tuple[KioskHistory, ...]


def survey_kiosks(
    session: Session, region: Region, candidates: Sequence[Candidate] | None = None, recent_days: int | None = None
) -> KioskSurvey:
    """Gather demand, candidates and existing kiosks of a region.

    Demand is the parcels of every village, sent and received, on an average day of those imported; without
    any, the inhabitants.

    Parameters
    ----------
    candidates
        Places somebody looked at; supposed ones when None.
    recent_days
        Drop-offs of so many last days only; all when None.

    Raises
    ------
    SitingInputError
        If there is no demand at all, or no candidate.
    """
    sites = standing_kiosks(session, region.name)
    records, days = parcels_by_place(session, region)
    if records:
        demands, notes = demand_from_history(region, records, days)
        unit, source = "parcels a day", f"parcels of {days} {'day' if days == 1 else 'days'} in the database"
    else:
        demands, notes = demand_from_population(region)
        unit, source = RESIDENTS, "inhabitants, for no parcels were imported yet"
    possible = assumed_candidates(region) if candidates is None else candidates
    if candidates is None:
        notes = (*notes, "places for new kiosks are supposed from the size of towns: give a list with --candidates")
    problem = survey(region, demands, (*_standing(sites), *possible), unit, notes=notes)
    return KioskSurvey(problem, source, drop_off_histories(session, region.name, sites, recent_days))


def standing_kiosks(session: Session, region: str) -> list[Site]:
    """Return a region's kiosks that are not retired."""
    known = SiteRepository(session).in_region(region, SiteKind.KIOSK)
    return [site for site in known if site.status != SiteStatus.RETIRED]


def parcels_by_place(session: Session, region: Region) -> tuple[list[tuple[str, float]], int]:
    """Count a region's parcels by place, drop-offs at sites left out, and the days they were due on."""
    known = {place.id for place in (*region.places, region.depot)}
    counts = (
        select(Parcel.place_id, func.count())
        .where(Parcel.region == region.name, Parcel.channel_site_id.is_(None) | (Parcel.direction != COLLECT))
        .group_by(Parcel.place_id)
    )
    days = session.scalar(select(func.count(Parcel.due_day.distinct())).where(Parcel.region == region.name))
    # A region imported anew may have lost places that old parcels name; they begin nowhere now.
    rows = [(place_id, float(count)) for place_id, count in session.execute(counts) if place_id in known]
    return rows, int(days or 0)


def _standing(sites: Sequence[Site]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(site.id, site.name, site.scene, site.place_id, site.lon, site.lat, existing=True) for site in sites
    )


def drop_off_histories(
    session: Session,
    region: str,
    sites: Sequence[Site],
    recent_days: int | None = None,
    after: date | None = None,
) -> tuple[KioskHistory, ...]:
    """Count what kiosks took in, from the first day any of them took something, or was put up, to the last.

    Parameters
    ----------
    recent_days
        Of so many last days only.
    after
        Of later days than this one only.

    Returns
    -------
    One per site; none when nothing was ever handed in.
    """
    handed_in = (Parcel.region == region, Parcel.direction == COLLECT, Parcel.channel_site_id.is_not(None))
    first = session.scalar(select(func.min(Parcel.due_day)).where(*handed_in))
    last = session.scalar(select(func.max(Parcel.due_day)).where(*handed_in))
    if first is None or last is None:
        return ()
    if recent_days is not None:
        first = max(first, last - timedelta(days=recent_days - 1))
    if after is not None:
        first = max(first, after + timedelta(days=1))
    query = (
        select(Parcel.channel_site_id, func.count())
        .where(*handed_in, Parcel.due_day >= first)
        .group_by(Parcel.channel_site_id)
    )
    taken = {site_id: count for site_id, count in session.execute(query)}
    return tuple(
        KioskHistory(site.id, site.scene, taken.get(site.id, 0), _days(site.commissioned_on, first, last))
        for site in sites
    )


def _days(commissioned_on: date | None, first: date, last: date) -> float:
    begin = first if commissioned_on is None else max(first, commissioned_on)
    return float(max(0, (last - begin).days + 1))
