"""What happened at a station, and which alarms stand: facts are added, alarms are one per cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.stations.model import StationAlarm, StationFact
from kernel.clock import Clock
from kernel.events import append_event


class Opener(Protocol):
    """Asks a site's device to open one door; what came of it the sensors tell later."""

    def open(self, session: Session, site_id: str, cell: str, actor: str, reason: str) -> str | None:
        """Return the command's id, or None when no device of this site can be asked."""
        ...


class NoDoors:
    """Twin of :class:`Opener` for sites without any device."""

    def open(self, session: Session, site_id: str, cell: str, actor: str, reason: str) -> str | None:
        """Open nothing."""
        return None


class StationJournal:
    """Writes facts and alarms in the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def note(
        self,
        session: Session,
        site_id: str,
        type_: str,
        actor: str,
        at: datetime | None = None,
        *,
        cell: str | None = None,
        parcel_id: str | None = None,
        visit_id: str | None = None,
        **body: Any,
    ) -> StationFact:
        """Record a fact and tell the event log of it."""
        now = self._clock.now()
        fact = StationFact(
            site_id=site_id, type=type_, fact_at=at or now, received_at=now, actor=actor, cell=cell,
            parcel_id=parcel_id, visit_id=visit_id,
            body={name: value for name, value in body.items() if value is not None},
        )  # fmt: skip
        session.add(fact)
        named = {"site": site_id, "cell": cell, "parcel_id": parcel_id, "visit_id": visit_id}
        told = {name: value for name, value in named.items() if value is not None}
        append_event(session, f"station.{type_.replace('.', '_')}", f"site:{site_id}", told, fact_at=fact.fact_at,
                     committed_at=now)  # fmt: skip
        return fact

    def raise_alarm(self, session: Session, site_id: str, kind: str, subject: str) -> StationAlarm:
        """Open an alarm, or count the one that stands."""
        now = self._clock.now()
        alarm = self._standing(session, site_id, kind, subject)
        if alarm is None:
            alarm = StationAlarm(
                site_id=site_id, kind=kind, subject=subject, opened_at=now, last_at=now, count=0, closed_at=None,
                closed_by=None,
            )  # fmt: skip
            session.add(alarm)
        alarm.last_at, alarm.count = now, alarm.count + 1
        session.flush()
        return alarm

    def close_alarm(self, session: Session, site_id: str, kind: str, subject: str, by: str) -> bool:
        """Close what stands, because the opposite was seen; tell whether there was something."""
        alarm = self._standing(session, site_id, kind, subject)
        if alarm is None:
            return False
        alarm.closed_at, alarm.closed_by = self._clock.now(), by
        session.flush()
        return True

    def alarms(self, session: Session, site_id: str) -> Sequence[StationAlarm]:
        """Return what stands at a site, oldest first."""
        query = select(StationAlarm).where(StationAlarm.site_id == site_id, StationAlarm.closed_at.is_(None))
        return session.scalars(query.order_by(StationAlarm.opened_at, StationAlarm.id)).all()

    def facts(
        self, session: Session, site_id: str, types: Sequence[str], since: datetime, until: datetime | None = None
    ) -> Sequence[StationFact]:
        """Return what happened at a site from a moment on, oldest first."""
        query = select(StationFact).where(StationFact.site_id == site_id, StationFact.fact_at >= since)
        if types:
            query = query.where(StationFact.type.in_(types))
        if until is not None:
            query = query.where(StationFact.fact_at < until)
        return session.scalars(query.order_by(StationFact.fact_at, StationFact.id)).all()

    @staticmethod
    def _standing(session: Session, site_id: str, kind: str, subject: str) -> StationAlarm | None:
        query = select(StationAlarm).where(
            StationAlarm.site_id == site_id, StationAlarm.kind == kind, StationAlarm.subject == subject,
            StationAlarm.closed_at.is_(None),
        )  # fmt: skip
        return session.scalars(query).first()
