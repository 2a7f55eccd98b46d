"""Make a region's habit, keep it as versions, put one in force, and say how steady plans are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.fleet.repository import FleetRepository
from dispatch.habit.errors import HabitAcceptedError, HabitModelError, SectionScatteredError
from dispatch.habit.findings import Finding, findings, refuse_impossible_bound, scattered
from dispatch.habit.learning import DrivenDay, learn_hours, learn_sections
from dispatch.habit.master import Habit, Section, check_sections
from dispatch.habit.model import HabitAcceptance, HabitVersion
from dispatch.habit.repository import HabitRepository
from dispatch.habit.rule import OFF, HabitRule
from dispatch.habit.stability import Stability, measure
from dispatch.habit.territory import design_territory
from dispatch.parcels.model import Parcel
from dispatch.plans.errors import PlanVersionNotFoundError
from dispatch.plans.matrices import Roads
from kernel.clock import Clock
from kernel.db import Database
from kernel.events import append_event
from kernel.ids import Ids
from kernel.progress import Progress, silent
from maps.region import Region

WEEKS: Final = 4
_LONGEST_REASON: Final = 255
_FROM_HISTORY: Final = "history"


class HabitService:
    """The habit of every region of a database."""

    def __init__(self, database: Database, ids: Ids, clock: Clock) -> None:
        self._database, self._ids, self._clock = database, ids, clock

    # -- making versions ----------------------------------------------------------------------------------

    def design(
        self,
        region: Region,
        count: int,
        valid_from: date,
        *,
        actor: str,
        valid_until: date | None = None,
        rule: HabitRule | None = None,
        weeks: int = WEEKS,
        seed: int = 1,
        progress: Progress = silent,
    ) -> HabitVersion:
        """Design sections of equal measured work, choose their owners, and store them as a version not yet in force.

        Demand is the stops of the days published in the last weeks, without any the parcels imported so far.

        Raises
        ------
        HabitModelError, SectionsImpossibleError
            If there is no demand, or the county cannot be cut so.
        HabitBoundError
            If an average day cannot keep the bounds.
        """
        with self._database.read() as session:
            fleet = FleetRepository(session).load(region.name)
            driven = _driven(session, region.name, valid_from, weeks)
            parcels = parcels_by_day(session, region.name)
        days: Sequence[Mapping[str, float]] = [_stops_by_place(day) for day in driven] or list(parcels.values())
        per_stop = _parcels_per_stop(parcels, driven)
        territory = design_territory(
            region, days, fleet, count, driven=driven, parcels_per_stop=per_stop, seed=seed, progress=progress
        )
        sections = learn_hours(territory.sections, driven)
        figures = territory.document() | {"days": len(days), "seed": seed}
        return self._store(
            region, sections, rule or HabitRule(), valid_from, valid_until, actor, "design", figures
        )  # fmt: skip

    def learn(
        self,
        region: Region,
        valid_from: date,
        *,
        actor: str,
        valid_until: date | None = None,
        rule: HabitRule | None = None,
        weeks: int = WEEKS,
        keep_sections: bool = False,
    ) -> HabitVersion:
        """Learn sections and master routes from the plans published in the last weeks, as a version not yet in force.

        Parameters
        ----------
        keep_sections
            Keep the sections in force and learn their order and hours only.

        Raises
        ------
        HabitModelError
            If no plan was published in those weeks, or there are no sections to keep.
        """
        with self._database.read() as session:
            driven = _driven(session, region.name, valid_from, weeks)
            before = HabitRepository(session).in_force(region.name, valid_from)
        if not driven:
            raise HabitModelError(
                f"region {region.name}: no plan was published in the {weeks} weeks before {valid_from}",
                remedy="Publish some days first, or design sections.", region=region.name,
            )  # fmt: skip
        if keep_sections and before is None:
            raise HabitModelError(
                f"region {region.name}: no sections are in force on {valid_from}",
                remedy="Design or import sections first, and accept them.", region=region.name,
            )  # fmt: skip
        kept = before.sections if keep_sections and before is not None else None
        sections = learn_sections(driven) if kept is None else learn_hours(kept, driven)
        figures = {"days": len(driven), "scattered": sorted(scattered(sections, region))}
        known = rule or (HabitRule() if before is None else before.rule)
        return self._store(region, sections, known, valid_from, valid_until, actor, _FROM_HISTORY, figures)

    def take(
        self,
        region: Region,
        sections: Sequence[Section],
        valid_from: date,
        *,
        actor: str,
        valid_until: date | None = None,
        rule: HabitRule | None = None,
        allow_scattered: bool = False,
    ) -> HabitVersion:
        """Store sections and master routes somebody wrote as a version not yet in force.

        Raises
        ------
        SectionsOverlapError, MasterRoutePlaceError, HabitModelError, HabitBoundError
            If they cannot be meant.
        SectionScatteredError
            If a section does not hang together by road and that is not allowed.
        """
        apart = {} if allow_scattered else self._apart(sections, region)
        for number, places in apart.items():
            raise SectionScatteredError(
                f"section {number} does not hang together by road: {', '.join(places)} lie apart from the rest",
                section=number, places=places,
            )  # fmt: skip
        return self._store(
            region, tuple(sections), rule or HabitRule(), valid_from, valid_until, actor, "file", {}
        )  # fmt: skip

    def _apart(self, sections: Sequence[Section], region: Region) -> dict[int, list[str]]:
        with self._database.read() as session:
            fleet = FleetRepository(session).load(region.name)
        check_sections(sections, [place.id for place in region.places], fleet)
        return scattered(sections, region)

    def with_rule(self, version_id: str, rule: HabitRule, *, actor: str) -> HabitVersion:
        """Store a version's sections with other prices and bounds as a new version, not yet in force.

        Raises
        ------
        HabitVersionNotFoundError, HabitBoundError
            As their names say.
        """
        with self._database.read() as session:
            habit = HabitRepository(session).habit(version_id)
            row = HabitRepository(session).version(version_id)
            figures, made_from = dict(row.figures), row.made_from
        return self._insert(
            habit.region, habit.sections, rule, (habit.valid_from, habit.valid_until), actor, made_from, figures
        )

    def _store(
        self,
        region: Region,
        sections: Sequence[Section],
        rule: HabitRule,
        valid_from: date,
        valid_until: date | None,
        actor: str,
        made_from: str,
        figures: Mapping[str, Any],
    ) -> HabitVersion:
        with self._database.read() as session:
            fleet = FleetRepository(session).load(region.name)
        check_sections(sections, [place.id for place in region.places], fleet)
        if valid_until is not None and valid_until < valid_from:
            raise HabitModelError(
                f"valid_until {valid_until} lies before valid_from {valid_from}", field="valid_until"
            )  # fmt: skip
        return self._insert(region.name, sections, rule, (valid_from, valid_until), actor, made_from, figures)

    def _insert(
        self,
        region: str,
        sections: Sequence[Section],
        rule: HabitRule,
        valid: tuple[date, date | None],
        actor: str,
        made_from: str,
        figures: Mapping[str, Any],
    ) -> HabitVersion:
        with self._database.begin() as session:
            fleet = FleetRepository(session).load(region)
            refuse_impossible_bound(sections, rule, fleet, mean_load(session, region))
            repository = HabitRepository(session)
            newest = repository.newest(region)
            version = HabitVersion(
                id=self._ids.new(),
                region=region,
                number=repository.next_number(region),
                parent_id=None if newest is None else newest.version_id,
                created_at=self._clock.now(),
                actor=actor,
                made_from=made_from,
                valid_from=valid[0],
                valid_until=valid[1],
                rule=rule.as_dict(),
                figures=dict(figures),
            )
            repository.add(version, sections)
            session.expunge(version)
        return version

    # -- in force -----------------------------------------------------------------------------------------

    def accept(self, version_id: str, *, actor: str, reason: str = "") -> HabitAcceptance:
        """Put a version in force from its first day on; accepting what is in force already changes nothing.

        Plans that are published stay as they are.

        Raises
        ------
        HabitVersionNotFoundError
            If there is no such version.
        HabitAcceptedError
            If another version was accepted since this one was made.
        """
        with self._database.begin() as session:
            repository = HabitRepository(session)
            version = repository.version(version_id)
            current = repository.newest(version.region)
            in_force = None if current is None else current.version_id
            if current is None or in_force != version.id:
                if version.parent_id != in_force:
                    raise HabitAcceptedError(
                        f"version {version.number} was made before the habit in force", version=version_id
                    )
                current = self._accepted(session, version, current, actor, reason)
            session.expunge(current)
            return current

    def _accepted(
        self, session: Session, version: HabitVersion, before: HabitAcceptance | None, actor: str, reason: str
    ) -> HabitAcceptance:
        now = self._clock.now()
        acceptance = HabitAcceptance(
            id=self._ids.new(),
            region=version.region,
            number=1 if before is None else before.number + 1,
            version_id=version.id,
            accepted_at=now,
            actor=actor,
            reason=reason[:_LONGEST_REASON],
        )
        HabitRepository(session).accept(acceptance)
        body = {"version": version.id, "number": version.number, "region": version.region}
        append_event(session, "habit.accepted", f"habit:{version.region}", body, fact_at=now, committed_at=now)
        return acceptance

    def check(self, version_id: str, region: Region, roads: Roads | None = None) -> list[Finding]:
        """List what does not fit about a version today.

        Parameters
        ----------
        roads
            With closures, where there are any; the region's own roads when None.
        """
        with self._database.read() as session:
            habit = HabitRepository(session).habit(version_id)
            fleet = FleetRepository(session).load(region.name)
            load = mean_load(session, region.name)
        return findings(habit, region, roads or region.engine(), fleet, load)

    # -- stability ----------------------------------------------------------------------------------------

    def of_version(self, version_id: str) -> dict[str, Any]:
        """Return how steady a plan version is, by the habit in force on its day or else by the weeks before it.

        Raises
        ------
        PlanVersionNotFoundError
            If there is no such version.
        HabitModelError
            If neither a habit is in force nor any day before it was published.
        """
        with self._database.read() as session:
            repository = HabitRepository(session)
            found = repository.plan_of(version_id)
            if found is None:
                raise PlanVersionNotFoundError(f"there is no plan version {version_id}", version=version_id)
            plan, version = found
            habit, basis = _habit_for(session, plan.region, plan.day)
            if habit is None:
                raise HabitModelError(
                    f"{plan.region} has no habit on {plan.day}: nothing in force, no day published before",
                    remedy="Publish some days, or design sections and accept them.", region=plan.region,
                )  # fmt: skip
            steady = measure(repository.driven_routes(version_id), habit)
            return _day_document(plan.day, version.number, version.id, version.statistics, basis, steady) | {
                "region": plan.region,
                "sections": steady.as_dict()["sections"],
                "planned_with": version.statistics.get("habit"),
            }

    def over_days(self, region: str, first: date, last: date) -> list[dict[str, Any]]:
        """Return how steady each published day was; days without anything to compare with are left out."""
        with self._database.read() as session:
            repository = HabitRepository(session)
            found = []
            for day, version in repository.published(region, first, last):
                habit, basis = _habit_for(session, region, day)
                if habit is not None:
                    steady = measure(repository.driven_routes(version.id), habit)
                    found.append(
                        _day_document(day, version.number, version.id, version.statistics, basis, steady)
                    )  # fmt: skip
            return found


def _habit_for(session: Session, region: str, day: date) -> tuple[Habit | None, str]:
    """Return what a day is compared with: the habit in force, else what the weeks before it taught."""
    repository = HabitRepository(session)
    habit = repository.in_force(region, day)
    if habit is not None:
        return habit, f"habit {habit.number}"
    driven = _driven(session, region, day, WEEKS)
    if not driven:
        return None, ""
    sections = learn_sections(driven)
    return Habit("", 0, region, day, None, replace(OFF), sections), _FROM_HISTORY


def _day_document(
    day: date, number: int, version_id: str, statistics: Mapping[str, Any], basis: str, steady: Stability
) -> dict[str, Any]:
    planned: Mapping[str, Any] = statistics.get("habit") or {}
    return {
        "day": day.isoformat(),
        "plan_version_id": version_id,
        "plan_number": number,
        "basis": basis,
        **steady.day.as_dict(),
        "exceeded_count": planned.get("exceeded_count"),
    }


def _driven(session: Session, region: str, before: date, weeks: int) -> list[DrivenDay]:
    first = before - timedelta(weeks=weeks)
    return HabitRepository(session).driven_days(region, first, before - timedelta(days=1))


def _stops_by_place(day: DrivenDay) -> dict[str, float]:
    found: dict[str, float] = {}
    for route in day.routes:
        for stop in route.stops:
            found[stop.place_id] = found.get(stop.place_id, 0.0) + 1.0
    return found


def _parcels_per_stop(parcels: Mapping[date, Mapping[str, float]], driven: Sequence[DrivenDay]) -> float:
    """Return how many parcels a stop has on published days; 1 where demand is counted in parcels itself."""
    stops = sum(len(route.stops) for day in driven for route in day.routes)
    amount = sum(sum(parcels.get(day.day, {}).values()) for day in driven)
    return max(1.0, amount / stops) if stops else 1.0


def parcels_by_day(session: Session, region: str) -> dict[date, dict[str, float]]:
    """Return the parcels of each place on each day they were due."""
    query = (
        select(Parcel.due_day, Parcel.place_id, func.count())
        .where(Parcel.region == region)
        .group_by(Parcel.due_day, Parcel.place_id)
        .order_by(Parcel.due_day, Parcel.place_id)
    )
    found: dict[date, dict[str, float]] = {}
    for day, place, count in session.execute(query):
        found.setdefault(day, {})[place] = float(count)
    return found


def mean_load(session: Session, region: str) -> dict[str, tuple[float, float, float]]:
    """Return weight, volume and count of an average day by place, over the days parcels were due on."""
    days = session.scalar(select(func.count(func.distinct(Parcel.due_day))).where(Parcel.region == region)) or 1
    query = (
        select(Parcel.place_id, func.sum(Parcel.weight_g), func.sum(Parcel.volume_cm3), func.count())
        .where(Parcel.region == region)
        .group_by(Parcel.place_id)
    )
    return {
        place: (float(weight_g) / days, float(volume_cm3) / days, count / days)
        for place, weight_g, volume_cm3, count in session.execute(query)
    }
