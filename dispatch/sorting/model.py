"""Table of chute tables: one row per version, never changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime


class ChuteTableRow(Base):
    """One version of a region's chute table (格口表); ``content`` is checked by :mod:`dispatch.sorting.chutes`."""

    __tablename__ = "chute_table"

    region: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    valid_from: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
