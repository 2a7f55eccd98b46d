"""Tables of stations: cells, codes, guesses, visits, docks, counts, sending sessions, and what happened there.

No name, phone, address or code in clear is stored here: people are references, codes are keyed digests.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

import lockers.registry.model  # noqa: F401 - cells belong to sites
from kernel.db import Base, UtcDateTime

_RowId = BigInteger().with_variant(Integer, "sqlite")


class StationCell(Base):
    """One compartment with a lock, or one place on a shelf (``locked`` false: the keeper is its sensor)."""

    __tablename__ = "station_cell"
    __table_args__ = (Unique("site_id", "parcel_id"), Index(None, "parcel_id"))

    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), primary_key=True)
    cell: Mapped[str] = mapped_column(String(32), primary_key=True)
    size: Mapped[str] = mapped_column(String(4))
    locked: Mapped[bool] = mapped_column(Boolean)
    book: Mapped[str] = mapped_column(String(16))
    door: Mapped[str] = mapped_column(String(8))
    occupancy: Mapped[str] = mapped_column(String(8))
    opened: Mapped[bool] = mapped_column(Boolean)
    doubts: Mapped[list[str]] = mapped_column(JSON)
    parcel_id: Mapped[str | None] = mapped_column(ForeignKey("parcel.id"))
    reserved_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stage: Mapped[str] = mapped_column(String(8))
    open_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tier: Mapped[str] = mapped_column(String(8))
    opened_for: Mapped[str | None] = mapped_column(String(80))
    told_store: Mapped[str | None] = mapped_column(String(32))
    told_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(Integer)


class StationFact(Base):
    """Something that happened at a site; rows are added, never changed. Who took what is read from here."""

    __tablename__ = "station_fact"
    __table_args__ = (Index(None, "site_id", "fact_at"), Index(None, "parcel_id"), Index(None, "visit_id"))

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    type: Mapped[str] = mapped_column(String(40))
    fact_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    cell: Mapped[str | None] = mapped_column(String(32))
    parcel_id: Mapped[str | None] = mapped_column(String(36))
    visit_id: Mapped[str | None] = mapped_column(String(36))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class StationAlarm(Base):
    """One alarm per cause: opened by evidence, closed by the opposite evidence or by a person."""

    __tablename__ = "station_alarm"
    __table_args__ = (Index(None, "site_id", "kind", "subject"),)

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    count: Mapped[int] = mapped_column(Integer)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(80))


class StationCode(Base):
    """A code as the server keeps it: its keyed digest, what it opens, until when."""

    __tablename__ = "station_code"
    __table_args__ = (Index(None, "site_id", "state"), Index(None, "parcel_id"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    cell: Mapped[str] = mapped_column(String(32))
    parcel_id: Mapped[str] = mapped_column(ForeignKey("parcel.id"))
    digest: Mapped[str] = mapped_column(String(64))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_to: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(8))
    issued_by: Mapped[str] = mapped_column(String(80))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StationGuess(Base):
    """Wrong codes of one cabinet, account or address; survives restarts."""

    __tablename__ = "station_guess"

    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    wrong_at: Mapped[list[str]] = mapped_column(JSON)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lock_outs: Mapped[int] = mapped_column(Integer)


class StationNotice(Base):
    """A message that is due to a recipient; its text is written when it is fetched, the code is never stored."""

    __tablename__ = "station_notice"
    __table_args__ = (Unique("parcel_id", "kind", "code_id"), Index(None, "sent_at"))

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    parcel_id: Mapped[str] = mapped_column(ForeignKey("parcel.id"))
    code_id: Mapped[str] = mapped_column(ForeignKey("station_code.id"))
    kind: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EntryPass(Base):
    """Somebody's right to enter one station: the key of their moving code comes from the salt."""

    __tablename__ = "entry_pass"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    holder: Mapped[str] = mapped_column(String(80))
    salt: Mapped[str] = mapped_column(String(64))
    parcels: Mapped[list[str]] = mapped_column(JSON)
    valid_to: Mapped[datetime] = mapped_column(UtcDateTime)
    last_step: Mapped[int] = mapped_column(BigInteger)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StationVisit(Base):
    """One visit: door, light, parcels and exit in one row (门禁—灯条—取件—离站)."""

    __tablename__ = "station_visit"
    __table_args__ = (Index(None, "site_id", "left_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    pass_id: Mapped[str] = mapped_column(ForeignKey("entry_pass.id"))
    holder: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(16))
    wanted: Mapped[list[str]] = mapped_column(JSON)
    taken: Mapped[list[str]] = mapped_column(JSON)
    colour: Mapped[str | None] = mapped_column(String(6))
    admitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)


class StationDock(Base):
    """One run of an unmanned vehicle at a station's dock."""

    __tablename__ = "station_dock"
    __table_args__ = (Index(None, "site_id", "state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    vehicle: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    to_unload: Mapped[list[str]] = mapped_column(JSON)
    to_load: Mapped[list[str]] = mapped_column(JSON)
    unloaded: Mapped[list[str]] = mapped_column(JSON)
    loaded: Mapped[list[str]] = mapped_column(JSON)
    expected_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)


class StationCount(Base):
    """One stock-take: the book when it began, what was scanned, what it found, who signed."""

    __tablename__ = "station_count"
    __table_args__ = (Index(None, "site_id", "began_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    began_by: Mapped[str] = mapped_column(String(80))
    book: Mapped[dict[str, str]] = mapped_column(JSON)
    seen: Mapped[dict[str, str]] = mapped_column(JSON)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(80))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class KioskWaybill(Base):
    """A pre-issued waybill (预发单号) and what became of it."""

    __tablename__ = "kiosk_waybill"
    __table_args__ = (Index(None, "site_id", "state"),)

    company_id: Mapped[str] = mapped_column(ForeignKey("company.id"), primary_key=True)
    waybill: Mapped[str] = mapped_column(String(40), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    state: Mapped[str] = mapped_column(String(8))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KioskSending(Base):
    """A customer's sending session as the kiosk told of it; ``told_seq`` is the newest fact applied."""

    __tablename__ = "kiosk_sending"
    __table_args__ = (Index(None, "site_id", "state"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    company_id: Mapped[str | None] = mapped_column(String(32))
    waybill: Mapped[str | None] = mapped_column(String(40))
    cell: Mapped[str | None] = mapped_column(String(32))
    told_seq: Mapped[int] = mapped_column(BigInteger)


class KioskCollection(Base):
    """A courier's emptying of a kiosk: what was to be there, what was accepted, refused, missing."""

    __tablename__ = "kiosk_collection"
    __table_args__ = (Index(None, "site_id", "began_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    courier_id: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    dropped: Mapped[list[str]] = mapped_column(JSON)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class SiteOutage(Base):
    """A time a site could not work: ``maintenance``, ``outage`` (nobody heard it) or ``paper``."""

    __tablename__ = "site_outage"
    __table_args__ = (Index(None, "site_id", "kind", "began_at"),)

    id: Mapped[int] = mapped_column(_RowId, primary_key=True, autoincrement=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(String(16))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
