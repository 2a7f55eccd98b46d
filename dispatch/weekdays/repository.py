"""Reading and writing promised weekdays, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.weekdays.calendar import WeekdayCalendar
from dispatch.weekdays.errors import WeekdayVersionNotFoundError
from dispatch.weekdays.model import WeekdayAcceptance, WeekdayPattern, WeekdayVersion
from dispatch.weekdays.patterns import DAYS, Pattern


class WeekdayRepository:
    """The promised weekdays of one database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def version(self, version_id: str) -> WeekdayVersion:
        """Return a version.

        Raises
        ------
        WeekdayVersionNotFoundError
            If there is none of this id.
        """
        row = self._session.get(WeekdayVersion, version_id)
        if row is None:
            raise WeekdayVersionNotFoundError(f"there is no version {version_id} of weekdays", version=version_id)
        return row

    def versions(self, region: str) -> Sequence[WeekdayVersion]:
        """Return a region's versions, the newest first, at most a hundred."""
        query = select(WeekdayVersion).where(WeekdayVersion.region == region)
        return self._session.scalars(query.order_by(WeekdayVersion.number.desc()).limit(100)).all()

    def in_force(self, region: str) -> WeekdayAcceptance | None:
        """Return the newest acceptance of a region, nothing when no weekdays were ever accepted."""
        query = select(WeekdayAcceptance).where(WeekdayAcceptance.region == region)
        return self._session.scalars(query.order_by(WeekdayAcceptance.number.desc()).limit(1)).first()

    def patterns(self, version_id: str) -> dict[str, Pattern]:
        """Return the weekdays of each village that a version reaches."""
        query = select(WeekdayPattern).where(WeekdayPattern.version_id == version_id)
        rows = self._session.scalars(query.order_by(WeekdayPattern.place_id))
        return {row.place_id: days_of(row.days) for row in rows if row.days}

    def calendar(self, region: str) -> WeekdayCalendar:
        """Return the weekdays in force in a region; empty when none are."""
        accepted = self.in_force(region)
        if accepted is None:
            return WeekdayCalendar()
        return WeekdayCalendar(self.patterns(accepted.version_id), accepted.version_id)

    def next_number(self, region: str) -> int:
        """Return the number of the next version."""
        query = select(func.max(WeekdayVersion.number)).where(WeekdayVersion.region == region)
        return (self._session.scalar(query) or 0) + 1

    def add(self, version: WeekdayVersion, rows: Mapping[str, tuple[Pattern | None, int, int]]) -> None:
        """Store a version with pattern, visits and longest gap of each village."""
        self._session.add(version)
        self._session.flush()
        self._session.add_all(
            WeekdayPattern(
                version_id=version.id, place_id=place, days=mask_of(pattern or ()), visits=visits, longest_gap=gap
            )
            for place, (pattern, visits, gap) in sorted(rows.items())
        )
        self._session.flush()

    def accept(self, acceptance: WeekdayAcceptance) -> None:
        """Store an acceptance."""
        self._session.add(acceptance)
        self._session.flush()


def mask_of(pattern: Pattern) -> int:
    """Return weekdays as bits, Monday the lowest."""
    return sum(1 << day for day in pattern)


def days_of(mask: int) -> Pattern:
    """Return the weekdays of a mask."""
    return tuple(day for day in range(DAYS) if mask >> day & 1)
