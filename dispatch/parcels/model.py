"""Tables of parcels: companies, parcels, manifest imports and the rows an import refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Date, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime

DELIVER = "deliver"
COLLECT = "collect"
DIRECTIONS = (DELIVER, COLLECT)

DOOR = "door"
STATION = "station"
CABINET = "cabinet"
CHANNELS = (DOOR, STATION, CABINET)


class Company(Base):
    """An express company (快递企业) whose parcels we carry."""

    __tablename__ = "company"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class ManifestImport(Base):
    """One manifest (清单) that was read: what it was and what became of its rows."""

    __tablename__ = "manifest_import"
    __table_args__ = (Index(None, "region", "file_digest"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    file_name: Mapped[str] = mapped_column(String(255))
    file_digest: Mapped[str] = mapped_column(String(64))
    file_format: Mapped[str] = mapped_column(String(8))
    encoding: Mapped[str | None] = mapped_column(String(16))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    rows_read: Mapped[int] = mapped_column(Integer)
    rows_added: Mapped[int] = mapped_column(Integer)
    rows_unchanged: Mapped[int] = mapped_column(Integer)
    rows_differing: Mapped[int] = mapped_column(Integer)
    rows_rejected: Mapped[int] = mapped_column(Integer)


class RejectedRow(Base):
    """A manifest row that waits for a person: its raw cells and what is wrong with it.

    ``cells`` holds what the file said, so that a person can correct it; ``problems`` is safe to show.
    """

    __tablename__ = "rejected_row"

    import_id: Mapped[str] = mapped_column(ForeignKey("manifest_import.id"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    cells: Mapped[dict[str, Any]] = mapped_column(JSON)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class Parcel(Base):
    """One piece under one company's waybill (运单), to be delivered or to be collected.

    ``lon``/``lat`` are WGS-84 and only set when the exact position is known; otherwise the village is.
    Where the parcel is and who has it is not here: that is the custody ledger's answer.
    """

    __tablename__ = "parcel"
    __table_args__ = (
        Unique("company_id", "waybill", "piece"),
        Index(None, "waybill"),
        Index(None, "region", "due_day"),
        CheckConstraint("piece >= 1 AND piece <= pieces", name="piece_of_pieces"),
        CheckConstraint("weight_g >= 0 AND volume_cm3 >= 0", name="size_not_negative"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    company_id: Mapped[str] = mapped_column(ForeignKey("company.id"))
    waybill: Mapped[str] = mapped_column(String(40))
    piece: Mapped[int] = mapped_column(Integer, default=1)
    pieces: Mapped[int] = mapped_column(Integer, default=1)
    direction: Mapped[str] = mapped_column(String(8), default=DELIVER)
    product: Mapped[str] = mapped_column(String(40))

    recipient_name: Mapped[str] = mapped_column(String(80), default="")
    recipient_phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(Text, default="")
    place_id: Mapped[str] = mapped_column(String(64))
    lon: Mapped[float | None] = mapped_column(Float)
    lat: Mapped[float | None] = mapped_column(Float)
    datum: Mapped[str] = mapped_column(String(8), default="wgs84")
    position_source: Mapped[str] = mapped_column(String(16), default="village")
    position_confidence: Mapped[str] = mapped_column(String(16), default="village")

    channel: Mapped[str] = mapped_column(String(8), default=DOOR)
    channel_site_id: Mapped[str | None] = mapped_column(String(32))
    consent_reference: Mapped[str | None] = mapped_column(String(80))

    weight_g: Mapped[int] = mapped_column(Integer)
    volume_cm3: Mapped[int] = mapped_column(Integer)
    due_day: Mapped[date] = mapped_column(Date)
    window_start_s: Mapped[int | None] = mapped_column(Integer)
    window_end_s: Mapped[int | None] = mapped_column(Integer)
    declared_value_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    cod_fen: Mapped[int] = mapped_column(BigInteger, default=0)

    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    import_id: Mapped[str | None] = mapped_column(ForeignKey("manifest_import.id"))
