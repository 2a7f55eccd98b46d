"""Table of sites: kiosks, stations and cabinets of every region."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime


class Site(Base):
    """One kiosk, station or cabinet, known to the wire by the same id.

    Notes
    -----
    ``compartments`` counts the boxes by size, for example ``{"S": 8, "M": 6, "L": 2}``; a station without
    boxes has ``{}``. ``opening`` lists the weekly hours as ``[weekday, open_s, close_s]`` with Monday 0
    and seconds since local midnight; an empty list means open at all hours (24 小时).
    """

    __tablename__ = "site"
    __table_args__ = (
        Index(None, "region", "kind"),
        CheckConstraint("length(id) BETWEEN 3 AND 32", name="id_length"),
        CheckConstraint("kind IN ('kiosk', 'station', 'cabinet')", name="kind"),
        CheckConstraint("status IN ('planned', 'active', 'maintenance', 'retired')", name="status"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    scene: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(128))
    place_id: Mapped[str] = mapped_column(String(64))
    lon: Mapped[float] = mapped_column(Float)
    lat: Mapped[float] = mapped_column(Float)
    compartments: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    opening: Mapped[list[Any]] = mapped_column(JSON, default=list)
    status: Mapped[str] = mapped_column(String(16))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    commissioned_on: Mapped[date | None] = mapped_column(Date, default=None)
    retired_on: Mapped[date | None] = mapped_column(Date, default=None)
