"""Tables of the custody ledger: events, what each adds up to, and copies that contradict.

``custody_event`` is append-only, and the database itself refuses to change or delete a row: see
:data:`GUARD_STATEMENTS`, which run after the table is made and which a migration runs too.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import DDL, JSON, BigInteger, Date, ForeignKey, Index, Integer, String, event
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

import dispatch.parcels.model  # noqa: F401 - events refer to parcels
from kernel.db import Base, UtcDateTime


class CustodyEvent(Base):
    """One fact about a parcel, as it was reported; a correction is another event.

    ``fact_at`` is when it happened (the device's time, corrected for its clock offset), ``received_at``
    when the ledger learned it. Custodians and places are ``kind:id``, for example ``courier:831``,
    ``office:centre``, ``site:qj-kiosk-017``, ``company:sf``. No name, phone, address or code is stored.
    """

    __tablename__ = "custody_event"
    __table_args__ = (Unique("device_id", "store", "seq"), Index(None, "parcel_id"))

    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    device_id: Mapped[str | None] = mapped_column(String(64))
    store: Mapped[str | None] = mapped_column(String(36))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(24))
    parcel_id: Mapped[str | None] = mapped_column(ForeignKey("parcel.id"))
    fact_at: Mapped[datetime] = mapped_column(UtcDateTime)
    device_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    uploaded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    clock_offset_ms: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(80))
    place: Mapped[str | None] = mapped_column(String(80))
    from_custodian: Mapped[str | None] = mapped_column(String(80))
    to_custodian: Mapped[str | None] = mapped_column(String(80))
    transfer_id: Mapped[str | None] = mapped_column(String(64))
    section: Mapped[str | None] = mapped_column(String(40))
    wave: Mapped[str | None] = mapped_column(String(40))
    shift: Mapped[str | None] = mapped_column(String(40))
    plan_version_id: Mapped[str | None] = mapped_column(String(36))
    route_id: Mapped[str | None] = mapped_column(String(64))
    stop_id: Mapped[str | None] = mapped_column(String(64))
    cause: Mapped[str | None] = mapped_column(String(40))
    next_action: Mapped[str | None] = mapped_column(String(40))
    next_on: Mapped[date | None] = mapped_column(Date)
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    means: Mapped[str | None] = mapped_column(String(24))
    consent_reference: Mapped[str | None] = mapped_column(String(80))
    corrects: Mapped[str | None] = mapped_column(String(36))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64))


class CustodyStanding(Base):
    """What a parcel's events add up to now: a copy of the projection, kept so that lists are queries.

    Rewritten from the events in the transaction that appends one; never the source of truth.
    """

    __tablename__ = "custody_standing"
    __table_args__ = (Index(None, "status"), Index(None, "custodian"))

    parcel_id: Mapped[str] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(24))
    custodian: Mapped[str] = mapped_column(String(80))
    place: Mapped[str] = mapped_column(String(80))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    next_step: Mapped[str] = mapped_column(String(32))
    next_on: Mapped[date | None] = mapped_column(Date)
    last_event_id: Mapped[str] = mapped_column(String(36))


class CustodyConflict(Base):
    """A copy of a stored event that says something else: a cloned device, a restored backup, an attack.

    Nothing was overwritten; the copy waits here for a person.
    """

    __tablename__ = "custody_conflict"
    __table_args__ = (Unique("event_id", "digest"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    event_id: Mapped[str] = mapped_column(String(36))
    stored_event_id: Mapped[str] = mapped_column(String(36))
    device_id: Mapped[str | None] = mapped_column(String(64))
    store: Mapped[str | None] = mapped_column(String(36))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(String(64))
    copy: Mapped[dict[str, Any]] = mapped_column(JSON)


GUARD_STATEMENTS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER IF NOT EXISTS custody_event_no_update BEFORE UPDATE ON custody_event "
        "BEGIN SELECT RAISE(ABORT, 'custody events are append-only'); END",
        "CREATE TRIGGER IF NOT EXISTS custody_event_no_delete BEFORE DELETE ON custody_event "
        "BEGIN SELECT RAISE(ABORT, 'custody events are append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION custody_event_guard() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'custody events are append-only' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE OR REPLACE TRIGGER custody_event_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION custody_event_guard()",
    ),
}
"""Statements by dialect that make ``custody_event`` append-only; each may run twice."""

for _dialect, _statements in GUARD_STATEMENTS.items():
    for _statement in _statements:
        event.listen(
            CustodyEvent.__table__,
            "after_create",
            DDL(_statement).execute_if(dialect=_dialect),  # type: ignore[no-untyped-call]
        )
