"""Make promised weekdays for a region, keep them as versions, put one in force, and answer which parcels wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.demand.parcel import DueParcel
from dispatch.demand.reasons import Reason
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.model import Parcel
from dispatch.products.model import ServiceProductRow
from dispatch.weekdays.calendar import split_by_service_day
from dispatch.weekdays.errors import WeekdayAcceptedError, WeekdayModelError
from dispatch.weekdays.model import WeekdayAcceptance, WeekdayVersion
from dispatch.weekdays.patterns import DAYS
from dispatch.weekdays.problem import WeekPlan
from dispatch.weekdays.report import week_document
from dispatch.weekdays.repository import WeekdayRepository
from dispatch.weekdays.search import WeekEffort, plan_every_day, plan_week
from dispatch.weekdays.survey import CHANGE_FEN, RhythmRule, WeekSurvey, survey_week
from kernel.clock import Clock
from kernel.db import Database
from kernel.events import append_event
from kernel.ids import Ids
from kernel.progress import Progress, silent
from maps.region import Region

_LONGEST_REASON: Final = 255


@dataclass(frozen=True)
class MadeWeek:
    """A version as it was made: its row's id and number, the survey, the plan and the week it is compared to."""

    version_id: str
    number: int
    survey: WeekSurvey
    plan: WeekPlan
    every_day: WeekPlan


class WeekdayService:
    """Promised weekdays of every region of a database."""

    def __init__(self, database: Database, ids: Ids, clock: Clock) -> None:
        self._database, self._ids, self._clock = database, ids, clock

    def make(
        self,
        region: Region,
        *,
        actor: str,
        rule: RhythmRule | None = None,
        effort: WeekEffort | None = None,
        change_fen: int = CHANGE_FEN,
        seed: int = 1,
        progress: Progress = silent,
    ) -> MadeWeek:
        """Choose weekdays from the parcels imported so far and store them as a new version, not yet in force.

        Parameters
        ----------
        change_fen
            Price of giving a village other days than its people know, counted against one week's cost.

        Raises
        ------
        WeekdayModelError
            If no parcels were imported yet.
        NoFleetError, WeekdayPatternImpossibleError
            As their names say.
        """
        with self._database.read() as session:
            arrivals = mean_arrivals(session, region.name)
            fleet = FleetRepository(session).load(region.name)
            known = WeekdayRepository(session).calendar(region.name)
        if not arrivals:
            raise WeekdayModelError(
                f"region {region.name}: there are no parcels to choose weekdays by",
                remedy="Import some days' manifests first.",
                region=region.name,
            )
        survey = survey_week(
            region, arrivals, fleet, rule=rule, previous=known.patterns, change_fen=change_fen, progress=progress
        )
        plan = plan_week(survey.problem, effort, seed, progress)
        every_day = plan_every_day(survey.problem, effort, seed)
        with self._database.begin() as session:
            version = self._store(session, region.name, survey, plan, every_day, actor, known.version_id or None)
            return MadeWeek(version.id, version.number, survey, plan, every_day)

    def _store(
        self,
        session: Session,
        region: str,
        survey: WeekSurvey,
        plan: WeekPlan,
        every_day: WeekPlan,
        actor: str,
        parent_id: str | None,
    ) -> WeekdayVersion:
        repository = WeekdayRepository(session)
        version = WeekdayVersion(
            id=self._ids.new(),
            region=region,
            number=repository.next_number(region),
            parent_id=parent_id,
            created_at=self._clock.now(),
            actor=actor,
            seed=plan.seed,
            figures=week_document(survey, plan, every_day),
        )
        rows = {
            village.id: (pattern, village.visits, village.longest_gap)
            for village, pattern in zip(survey.problem.villages, plan.patterns, strict=True)
        }
        repository.add(version, rows)
        return version

    def accept(self, version_id: str, *, actor: str, reason: str = "") -> WeekdayAcceptance:
        """Put a version in force; accepting what is in force already changes nothing.

        Raises
        ------
        WeekdayVersionNotFoundError
            If there is no such version.
        WeekdayAcceptedError
            If another version was accepted since this one was made.
        """
        with self._database.begin() as session:
            repository = WeekdayRepository(session)
            version = repository.version(version_id)
            current = repository.in_force(version.region)
            if current is None or current.version_id != version.id:
                in_force = None if current is None else current.version_id
                if version.parent_id != in_force:
                    raise WeekdayAcceptedError(
                        f"version {version.number} was made before the weekdays in force", version=version_id
                    )
                current = self._accepted(session, version, current, actor, reason)
            session.expunge(current)
            return current

    def _accepted(
        self, session: Session, version: WeekdayVersion, before: WeekdayAcceptance | None, actor: str, reason: str
    ) -> WeekdayAcceptance:
        now = self._clock.now()
        acceptance = WeekdayAcceptance(
            id=self._ids.new(),
            region=version.region,
            number=1 if before is None else before.number + 1,
            version_id=version.id,
            accepted_at=now,
            actor=actor,
            reason=reason[:_LONGEST_REASON],
        )
        WeekdayRepository(session).accept(acceptance)
        body = {"version": version.id, "number": version.number, "region": version.region}
        append_event(session, "weekdays.accepted", f"weekdays:{version.region}", body, fact_at=now, committed_at=now)
        return acceptance


def mean_arrivals(session: Session, region: str) -> dict[str, tuple[float, ...]]:
    """Return the mean parcels of each weekday by place, over the days parcels were due on.

    A weekday that no manifest covers yet counts as the mean of the others, so that a few days of history do.
    """
    rows = session.execute(
        select(Parcel.place_id, Parcel.due_day).where(Parcel.region == region, Parcel.channel_site_id.is_(None))
    ).all()
    days = {day for _, day in rows}
    per_weekday = [sum(day.weekday() == weekday for day in days) for weekday in range(DAYS)]
    counts: dict[str, list[int]] = {}
    for place, day in rows:
        counts.setdefault(place, [0] * DAYS)[day.weekday()] += 1
    return {place: _means(count, per_weekday) for place, count in sorted(counts.items())}


def _means(count: Sequence[int], days: Sequence[int]) -> tuple[float, ...]:
    overall = sum(count) / max(1, sum(days))
    return tuple(n / d if d else overall for n, d in zip(count, days, strict=True))


def postponed(
    session: Session, region: str, day: date, parcels: Iterable[DueParcel]
) -> tuple[tuple[DueParcel, ...], dict[str, Reason]]:
    """Part a day's parcels by the weekdays in force: those to plan, and a reason for each that waits.

    Parcels of products whose deadline in villages counts days instead of service days do not wait.
    """
    calendar = WeekdayRepository(session).calendar(region)
    given = tuple(parcels)
    if not calendar.patterns:
        return given, {}
    urgent_products = {
        row.code
        for row in session.scalars(select(ServiceProductRow))
        if row.rules.get("deadlines", {}).get("village", {}).get("service_days") is None
    }
    query = select(Parcel.id).where(Parcel.region == region, Parcel.product.in_(urgent_products))
    return split_by_service_day(given, day, calendar, frozenset(session.scalars(query)))
