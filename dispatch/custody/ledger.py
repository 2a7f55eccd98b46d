"""The one door into the custody ledger: append a fact once, whoever sends it and however often.

A courier's scan, a kiosk's drop-off and an import's announcement all come through :class:`Ledger`. It
writes in the caller's transaction; the caller acknowledges to the device only after that transaction
committed (HH-05, DEV-007).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent, check_event
from dispatch.custody.projection import CustodyFact, CustodyState, corrected_values, custody_state
from dispatch.custody.repository import CustodyRepository, standing_row
from dispatch.errors import CustodyEventError, ParcelUnknownError
from kernel.clock import Clock
from kernel.events import LogEntry, append_events, queue_writers
from kernel.ids import Ids

Outcome = Literal["stored", "duplicate", "conflict"]

# A retry may be uploaded later, with a better idea of the clock's offset; it is the same fact.
_NOT_PART_OF_THE_FACT = ("uploaded_at", "clock_offset_ms")

# Everything the projection makes a standing of; a test compares the two ways to one.
_SAID_BY_A_FIRST_EVENT = ("type", "fact_at", "place", "to_custodian", "next_action", "next_on", "corrects")


@dataclass(frozen=True)
class Appended:
    """What became of one event: ``stored``, ``duplicate`` (nothing done) or ``conflict`` (nothing overwritten)."""

    outcome: Outcome
    event_id: str
    state: CustodyState | None = None


class Ledger:
    """Appends custody events.

    Parameters
    ----------
    ids
        Makes ids for events of the server itself.
    clock
        Says when an event was received.
    """

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock

    def append(self, session: Session, new: NewCustodyEvent) -> Appended:
        """Record one fact in the caller's transaction.

        Returns
        -------
        ``stored`` with the parcel's new state; ``duplicate`` when the same event is already there;
        ``conflict`` when its id or outbox position holds something else: then the copy is kept aside,
        ``custody.conflict_found`` is logged, and nothing is overwritten.

        Raises
        ------
        CustodyEventError
            If the event cannot be true as it stands.
        ParcelUnknownError
            If it names a parcel that does not exist.
        """
        return self.append_many(session, [new])[0]

    def append_many(self, session: Session, news: Sequence[NewCustodyEvent]) -> list[Appended]:
        """Record several facts in the caller's transaction, in a handful of statements.

        Returns
        -------
        What became of each, as :meth:`append` says it; a state is that after all of them.

        Raises
        ------
        CustodyEventError, ParcelUnknownError
            If one of them cannot be recorded; the caller then undoes the others too.
        """
        for new in news:
            check_event(new)
            if new.type == "corrected":
                corrected_values(new.body)
        # Queueing comes first: two writers cannot wait for each other's rows, the events read below are complete,
        # and two events of one parcel, appended at the same time, cannot each miss the other.
        queue_writers(session)
        repository = CustodyRepository(session)
        _require_parcels(repository, news)
        received_at = self._clock.now()
        rows = [self._row(new, event_id=new.event_id or self._ids.new(), received_at=received_at) for new in news]
        stored = _firsts(rows, repository.add_events(rows))
        append_events(session, [_entry(f"custody.{rows[index]['type']}", rows[index]) for index in stored])
        moved = {rows[index]["parcel_id"] for index in stored}
        states = _restate(repository, {parcel_id for parcel_id in moved if parcel_id is not None})
        return [
            Appended("stored", row["event_id"], states.get(row["parcel_id"]))
            if index in stored
            else self._compared(session, row)
            for index, row in enumerate(rows)
        ]

    def announce(self, session: Session, announcements: Sequence[NewCustodyEvent]) -> None:
        """Record the first event of many new parcels at once.

        Meant for imports: the parcels were inserted in this very transaction, so nothing can be a
        duplicate. The import logs itself once instead of once per parcel.
        """
        received_at = self._clock.now()
        rows, standings = [], []
        alike: dict[tuple[Any, ...], dict[str, Any]] = {}
        for new in announcements:
            check_event(new)
            if new.parcel_id is None:
                raise CustodyEventError("an announcement names its parcel")
            row = self._row(new, event_id=new.event_id or self._ids.new(), received_at=received_at)
            rows.append(row)
            # A first event gives the same standing to every parcel it says the same about.
            said = tuple(row[name] for name in _SAID_BY_A_FIRST_EVENT)
            standing = alike.get(said)
            if standing is None:
                standing = alike[said] = standing_row(new.parcel_id, custody_state([_fact(row)]))
            standings.append(standing | {"parcel_id": new.parcel_id, "last_event_id": row["event_id"]})
        CustodyRepository(session).add_many(rows, standings)

    def _row(self, new: NewCustodyEvent, *, event_id: str, received_at: datetime) -> dict[str, Any]:
        row = dict(vars(new)) | {"event_id": event_id, "body": dict(new.body)}
        return row | {"received_at": received_at, "digest": digest_of(row)}

    def _compared(self, session: Session, row: dict[str, Any]) -> Appended:
        repository = CustodyRepository(session)
        stored = repository.stored_like(row["event_id"], row["device_id"], row["store"], row["seq"])
        if stored is None:
            raise CustodyEventError(f"event {row['event_id']} was refused by the database and is not stored")
        if stored == (row["event_id"], row["digest"]):
            return Appended("duplicate", row["event_id"])
        same_id = stored[0] == row["event_id"]
        copy = {name: _json_value(value) for name, value in row.items() if value is not None}
        conflict = {name: row[name] for name in ("event_id", "device_id", "store", "seq", "received_at", "digest")}
        conflict |= {"kind": "other_content" if same_id else "fork", "stored_event_id": stored[0], "copy": copy}
        if repository.add_conflict(conflict):
            more = {"stored_event_id": stored[0], "conflict": conflict["kind"]}
            append_events(session, [_entry("custody.conflict_found", row, **more)])
        return Appended("conflict", row["event_id"])


def digest_of(row: dict[str, Any]) -> str:
    """Return the SHA-256 of a fact's content, equal on every retry.

    Raises
    ------
    CustodyEventError
        If the body cannot be written as JSON, for example because a number is not finite.
    """
    content = {name: value for name, value in row.items() if name not in _NOT_PART_OF_THE_FACT and value is not None}
    try:
        text = json.dumps(
            content, default=_json_value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except (TypeError, ValueError) as problem:
        raise CustodyEventError(f"event {row['type']}: its body is not plain JSON ({problem})") from problem
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | float | bool | dict | list):
        return value
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _fact(row: dict[str, Any]) -> CustodyFact:
    return CustodyFact(**{name: row[name] for name in CustodyFact.__dataclass_fields__})


def _require_parcels(repository: CustodyRepository, news: Sequence[NewCustodyEvent]) -> None:
    named = {new.parcel_id for new in news if new.parcel_id is not None}
    unknown = sorted(named - repository.known_parcels(named)) if named else []
    if unknown:
        raise ParcelUnknownError(f"no parcel {unknown[0]}", parcel_id=unknown[0])


def _firsts(rows: Sequence[dict[str, Any]], inserted: set[str]) -> list[int]:
    """Give the indices of the rows that were inserted, rising: of several with one id, the first."""
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        first.setdefault(row["event_id"], index)
    return sorted(first[event_id] for event_id in inserted)


def _restate(repository: CustodyRepository, parcel_ids: set[str]) -> dict[str, CustodyState]:
    facts = repository.facts_of_many(sorted(parcel_ids))
    states = {parcel_id: custody_state(known) for parcel_id, known in facts.items()}
    repository.keep_standings(states)
    return states


def _entry(kind: str, row: dict[str, Any], **more: Any) -> LogEntry:
    subject = f"parcel:{row['parcel_id']}" if row["parcel_id"] else f"custody_event:{row['event_id']}"
    body = {"event_id": row["event_id"], "type": row["type"]} | more
    return LogEntry(kind, subject, body, fact_at=row["fact_at"], committed_at=row["received_at"])
