"""Queries of the custody ledger; nothing here commits or decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, cast

from sqlalchemy import Table, and_, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatch.custody.model import CustodyConflict, CustodyEvent, CustodyStanding
from dispatch.custody.projection import CustodyFact, CustodyState
from dispatch.parcels.model import Parcel
from kernel.db import Base

_FACT_COLUMNS = [getattr(CustodyEvent, entry.name) for entry in fields(CustodyFact)]
_FACT_NAMES = [entry.name for entry in fields(CustodyFact)]


def insert_unless_known(session: Session, table: type[Base], row: dict[str, Any]) -> bool:
    """Insert a row unless it breaks a unique constraint; tell whether it was inserted.

    Two transactions that bring the same row do not fail: the second waits for the first and finds it.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**row).on_conflict_do_nothing()
    keys = table.__mapper__.primary_key
    return session.execute(statement.returning(*keys)).first() is not None


def insert_many(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all name the same columns, in one statement.

    The table is used directly: the mapped class would group rows by which of their values are empty, and
    send one statement for each group.
    """
    session.execute(insert(cast(Table, table.__table__)), rows)


class CustodyRepository:
    """Reads and writes of one session.

    Parameters
    ----------
    session
        The caller's transaction.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def has_parcel(self, parcel_id: str) -> bool:
        """Tell whether a parcel exists."""
        return self._session.scalar(select(Parcel.id).where(Parcel.id == parcel_id)) is not None

    def add_event(self, row: dict[str, Any]) -> bool:
        """Insert an event unless its id or outbox position is taken."""
        return insert_unless_known(self._session, CustodyEvent, row)

    def stored_like(
        self, event_id: str, device_id: str | None, store: str | None, seq: int | None
    ) -> tuple[str, str] | None:
        """Give event id and digest of the stored event with this id, else with this outbox position."""
        same = CustodyEvent.event_id == event_id
        if device_id is not None:
            position = (CustodyEvent.device_id == device_id, CustodyEvent.store == store, CustodyEvent.seq == seq)
            same = or_(same, and_(*position))
        query = select(CustodyEvent.event_id, CustodyEvent.digest).where(same)
        rows = [(row[0], row[1]) for row in self._session.execute(query)]
        found = sorted(rows, key=lambda pair: pair[0] != event_id)
        return found[0] if found else None

    def facts(self, parcel_id: str) -> list[CustodyFact]:
        """Give all events of a parcel, in no particular order."""
        query = select(*_FACT_COLUMNS).where(CustodyEvent.parcel_id == parcel_id)
        return [CustodyFact(**dict(zip(_FACT_NAMES, row, strict=True))) for row in self._session.execute(query)]

    def facts_of_many(self, parcel_ids: Iterable[str]) -> dict[str, list[CustodyFact]]:
        """Give the events of several parcels, by parcel."""
        wanted = list(parcel_ids)
        grouped: dict[str, list[CustodyFact]] = {parcel_id: [] for parcel_id in wanted}
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            query = select(CustodyEvent.parcel_id, *_FACT_COLUMNS).where(CustodyEvent.parcel_id.in_(part))
            for parcel_id, *row in self._session.execute(query):
                grouped[parcel_id].append(CustodyFact(**dict(zip(_FACT_NAMES, row, strict=True))))
        return grouped

    def keep_standing(self, parcel_id: str, state: CustodyState) -> None:
        """Write what a parcel's events add up to now."""
        self._session.merge(CustodyStanding(**standing_row(parcel_id, state)))
        self._session.flush()

    def add_conflict(self, row: dict[str, Any]) -> bool:
        """Keep a contradicting copy; tell whether this copy is new."""
        return insert_unless_known(self._session, CustodyConflict, row)

    def add_many(self, events: Sequence[dict[str, Any]], standings: Sequence[dict[str, Any]]) -> None:
        """Insert first events of new parcels with their standings."""
        if events:
            insert_many(self._session, CustodyEvent, events)
            insert_many(self._session, CustodyStanding, standings)


def standing_row(parcel_id: str, state: CustodyState) -> dict[str, Any]:
    """Write a state as a row of ``custody_standing``."""
    return {
        "parcel_id": parcel_id,
        "status": state.status,
        "custodian": state.who,
        "place": state.where,
        "since": state.since,
        "next_step": state.next_step,
        "next_on": state.next_on,
        "last_event_id": state.last_event_id,
    }
