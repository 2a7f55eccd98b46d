"""Reading and writing siting studies, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lockers.errors import SitingStudyNotFoundError
from lockers.siting.model import SitingStudy


class SitingRepository:
    """The siting studies of one database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def study(self, study_id: str) -> SitingStudy:
        """Return a study.

        Raises
        ------
        SitingStudyNotFoundError
            If there is none of this id.
        """
        row = self._session.get(SitingStudy, study_id)
        if row is None:
            raise SitingStudyNotFoundError(f"there is no siting study {study_id}", study=study_id)
        return row

    def studies(self, region: str) -> Sequence[SitingStudy]:
        """Return a region's studies, the newest first, at most a hundred."""
        query = select(SitingStudy).where(SitingStudy.region == region)
        return self._session.scalars(query.order_by(SitingStudy.number.desc()).limit(100)).all()

    def next_number(self, region: str) -> int:
        """Return the number of the next study."""
        query = select(func.max(SitingStudy.number)).where(SitingStudy.region == region)
        return (self._session.scalar(query) or 0) + 1
