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
from kernel.events import append_event
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
        check_event(new)
        if new.type == "corrected":
            corrected_values(new.body)
        repository = CustodyRepository(session)
        if new.parcel_id is not None and not repository.has_parcel(new.parcel_id):
            raise ParcelUnknownError(f"no parcel {new.parcel_id}", parcel_id=new.parcel_id)
        row = self._row(new, event_id=new.event_id or self._ids.new(), received_at=self._clock.now())
        if not repository.add_event(row):
            return self._compared(session, row)
        # Logging comes first: it makes writers queue, so that the events read next are complete and two
        # events of one parcel, appended at the same time, cannot each miss the other.
        _log(session, f"custody.{new.type}", row)
        state = _restate(repository, new.parcel_id) if new.parcel_id is not None else None
        return Appended("stored", row["event_id"], state)

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
            _log(session, "custody.conflict_found", row, stored_event_id=stored[0], conflict=conflict["kind"])
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


def _restate(repository: CustodyRepository, parcel_id: str) -> CustodyState:
    state = custody_state(repository.facts(parcel_id))
    repository.keep_standing(parcel_id, state)
    return state


def _log(session: Session, kind: str, row: dict[str, Any], **more: Any) -> None:
    subject = f"parcel:{row['parcel_id']}" if row["parcel_id"] else f"custody_event:{row['event_id']}"
    body = {"event_id": row["event_id"], "type": row["type"]} | more
    append_event(session, kind, subject, body, fact_at=row["fact_at"], committed_at=row["received_at"])
