"""Reading and writing habit, and the driven days it is learned from, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from dispatch.habit.errors import HabitVersionNotFoundError
from dispatch.habit.learning import DrivenDay
from dispatch.habit.master import Habit, MasterStop, Section
from dispatch.habit.model import HabitAcceptance, HabitPlace, HabitSection, HabitVersion
from dispatch.habit.rule import HabitRule
from dispatch.habit.stability import DrivenRoute, DrivenStop
from dispatch.plans.model import Plan, PlanPublication, PlanRoute, PlanStop, PlanVersion, PlanVersionRoute

_MOST_VERSIONS: Final = 100


class HabitRepository:
    """The habit of one database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # -- versions -----------------------------------------------------------------------------------------

    def version(self, version_id: str) -> HabitVersion:
        """Return a version's row.

        Raises
        ------
        HabitVersionNotFoundError
            If there is none of this id.
        """
        row = self._session.get(HabitVersion, version_id)
        if row is None:
            raise HabitVersionNotFoundError(f"there is no version {version_id} of habit", version=version_id)
        return row

    def versions(self, region: str) -> Sequence[HabitVersion]:
        """Return a region's versions, the newest first, at most a hundred."""
        query = select(HabitVersion).where(HabitVersion.region == region)
        return self._session.scalars(query.order_by(HabitVersion.number.desc()).limit(_MOST_VERSIONS)).all()

    def habit(self, version_id: str) -> Habit:
        """Return a version with its sections and master routes."""
        row = self.version(version_id)
        query = select(HabitPlace).where(HabitPlace.version_id == version_id)
        stops: dict[int, list[MasterStop]] = {}
        for place in self._session.scalars(query.order_by(HabitPlace.number, HabitPlace.position)):
            stop = MasterStop(place.place_id, place.arrival_s, place.days, place.shared)
            stops.setdefault(place.number, []).append(stop)
        owners = select(HabitSection).where(HabitSection.version_id == version_id).order_by(HabitSection.number)
        sections = tuple(
            Section(one.number, one.vehicle_id, one.courier_id, tuple(stops.get(one.number, ())), one.work_min)
            for one in self._session.scalars(owners)
        )
        rule = HabitRule(**row.rule)
        return Habit(row.id, row.number, row.region, row.valid_from, row.valid_until, rule, sections)

    def newest(self, region: str) -> HabitAcceptance | None:
        """Return the newest acceptance of a region, whenever it is valid."""
        query = select(HabitAcceptance).where(HabitAcceptance.region == region)
        return self._session.scalars(query.order_by(HabitAcceptance.number.desc()).limit(1)).first()

    def in_force(self, region: str, day: date) -> Habit | None:
        """Return the habit of a day: the newest accepted version that is valid then."""
        query = (
            select(HabitVersion.id)
            .join(HabitAcceptance, HabitAcceptance.version_id == HabitVersion.id)
            .where(HabitAcceptance.region == region, HabitVersion.valid_from <= day)
            .where(or_(HabitVersion.valid_until.is_(None), HabitVersion.valid_until >= day))
            .order_by(HabitAcceptance.number.desc())
            .limit(1)
        )
        found = self._session.scalar(query)
        return None if found is None else self.habit(found)

    def next_number(self, region: str) -> int:
        """Return the number of the next version."""
        query = select(func.max(HabitVersion.number)).where(HabitVersion.region == region)
        return (self._session.scalar(query) or 0) + 1

    def add(self, version: HabitVersion, sections: Iterable[Section]) -> None:
        """Store a version."""
        self._session.add(version)
        self._session.flush()
        for one in sections:
            self._session.add(
                HabitSection(
                    version_id=version.id, number=one.number, vehicle_id=one.vehicle_id,
                    courier_id=one.courier_id, work_min=one.work_min,
                )
            )  # fmt: skip
            self._session.add_all(
                HabitPlace(version_id=version.id, number=one.number, position=position, **vars(stop))
                for position, stop in enumerate(one.stops)
            )
        self._session.flush()

    def accept(self, acceptance: HabitAcceptance) -> None:
        """Store an acceptance."""
        self._session.add(acceptance)
        self._session.flush()

    # -- driven days --------------------------------------------------------------------------------------

    def published(self, region: str, first: date, last: date) -> list[tuple[date, PlanVersion]]:
        """Return the version in force of each published day, in the order of days."""
        newest = (
            select(PlanPublication.plan_id, func.max(PlanPublication.sequence).label("sequence"))
            .join(Plan, Plan.id == PlanPublication.plan_id)
            .where(Plan.region == region, Plan.day.between(first, last))
            .group_by(PlanPublication.plan_id)
            .subquery()
        )
        query = (
            select(Plan.day, PlanVersion)
            .join(PlanPublication, PlanPublication.plan_id == Plan.id)
            .join(PlanVersion, PlanVersion.id == PlanPublication.version_id)
            .join(
                newest,
                (newest.c.plan_id == PlanPublication.plan_id) & (newest.c.sequence == PlanPublication.sequence),
            )
            .order_by(Plan.day)
        )
        return [(day, version) for day, version in self._session.execute(query)]

    def driven_days(self, region: str, first: date, last: date) -> list[DrivenDay]:
        """Return the routes in force of each published day, in the order of days."""
        published = self.published(region, first, last)
        return [DrivenDay(day, self.driven_routes(version.id)) for day, version in published]

    def driven_routes(self, version_id: str) -> tuple[DrivenRoute, ...]:
        """Return the routes of a plan version as habit sees them, by number."""
        query = (
            select(PlanRoute.id, PlanRoute.vehicle_id, PlanRoute.courier_id)
            .add_columns(PlanStop.key, PlanStop.place_id, PlanStop.arrival_s)
            .join(PlanVersionRoute, PlanVersionRoute.route_id == PlanRoute.id)
            .join(PlanStop, PlanStop.route_id == PlanRoute.id)
            .where(PlanVersionRoute.version_id == version_id)
            .order_by(PlanRoute.number, PlanRoute.id, PlanStop.position)
        )
        found: dict[str, tuple[str, str | None, list[DrivenStop]]] = {}
        for route_id, vehicle_id, courier_id, key, place_id, arrival_s in self._session.execute(query):
            stops = found.setdefault(route_id, (vehicle_id, courier_id, []))[2]
            stops.append(DrivenStop(key, place_id, arrival_s))
        return tuple(DrivenRoute(vehicle, courier, tuple(stops)) for vehicle, courier, stops in found.values())

    def plan_of(self, version_id: str) -> tuple[Plan, PlanVersion] | None:
        """Return a plan version with its plan, nothing if there is none."""
        query = select(Plan, PlanVersion).join(PlanVersion, PlanVersion.plan_id == Plan.id)
        row = self._session.execute(query.where(PlanVersion.id == version_id)).first()
        return None if row is None else (row[0], row[1])
