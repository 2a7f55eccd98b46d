"""Queries of the custody ledger; nothing here commits or decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, cast

from sqlalchemy import Table, and_, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from dispatch.custody.model import CustodyConflict, CustodyEvent, CustodyStanding
from dispatch.custody.projection import CustodyFact, CustodyState
from dispatch.parcels.model import Parcel
from kernel.db import Base

_FACT_COLUMNS = [getattr(CustodyEvent, entry.name) for entry in fields(CustodyFact)]
_FACT_NAMES = [entry.name for entry in fields(CustodyFact)]
_STANDING_NAMES = [column.name for column in CustodyStanding.__table__.columns if not column.primary_key]
_PORTION: Final = 500  # values a query may list


def insert_unless_known(session: Session, table: type[Base], row: dict[str, Any]) -> bool:
    """Insert a row unless it breaks a unique constraint; tell whether it was inserted.

    Two transactions that bring the same row do not fail: the second waits for the first and finds it.
    """
    return bool(insert_new(session, table, [row]))


def insert_new(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> set[Any]:
    """Insert those rows that break no unique constraint; give the first primary key column of each.

    All rows name the same columns. Bring them in an order that depends on their keys alone: transactions that
    bring the same rows then wait for each other in one direction only.
    """
    if not rows:
        return set()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    target = cast(Table, table.__table__)
    key = next(iter(target.primary_key.columns))
    statement = dialect.insert(target).on_conflict_do_nothing().returning(key)
    session.flush()  # what the caller only added to the session comes first
    return set(session.scalars(statement, rows))


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

    def known_parcels(self, parcel_ids: Iterable[str]) -> set[str]:
        """Give those of the ids that are parcels."""
        return {
            found
            for part in _portions(sorted(set(parcel_ids)))
            for found in self._session.scalars(select(Parcel.id).where(Parcel.id.in_(part)))
        }

    def add_events(self, rows: Sequence[dict[str, Any]]) -> set[str]:
        """Insert events unless their id or outbox position is taken; give the ids of those inserted."""
        return insert_new(self._session, CustodyEvent, rows)

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
        return self.facts_of_many([parcel_id])[parcel_id]

    def facts_of_many(self, parcel_ids: Iterable[str]) -> dict[str, list[CustodyFact]]:
        """Give the events of several parcels, by parcel."""
        wanted = list(parcel_ids)
        grouped: dict[str, list[CustodyFact]] = {parcel_id: [] for parcel_id in wanted}
        for part in _portions(wanted):
            query = select(CustodyEvent.parcel_id, *_FACT_COLUMNS).where(CustodyEvent.parcel_id.in_(part))
            for parcel_id, *row in self._session.execute(query):
                grouped[parcel_id].append(CustodyFact(**dict(zip(_FACT_NAMES, row, strict=True))))
        return grouped

    def keep_standings(self, states: Mapping[str, CustodyState]) -> None:
        """Write what parcels' events add up to now."""
        if not states:
            return
        dialect = postgresql if self._session.get_bind().dialect.name == "postgresql" else sqlite
        statement = dialect.insert(cast(Table, CustodyStanding.__table__))
        changed = {name: statement.excluded[name] for name in _STANDING_NAMES}
        rows = [standing_row(parcel_id, states[parcel_id]) for parcel_id in sorted(states)]
        self._session.execute(statement.on_conflict_do_update(index_elements=["parcel_id"], set_=changed), rows)
        for parcel_id in states:  # what the caller has read of them is no longer true
            held = self._session.identity_map.get(identity_key(CustodyStanding, parcel_id))
            if held is not None:
                self._session.expire(held)

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


def _portions(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + _PORTION] for start in range(0, len(values), _PORTION))
