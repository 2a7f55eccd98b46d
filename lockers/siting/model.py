"""Table of siting studies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, Index, Integer, String
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime


class SitingStudy(Base):
    """One proposal of where kiosks go (选址方案); never changed after it was made.

    ``day`` is the region's day it was made on: later drop-offs are facts about it. ``request`` is what was asked,
    ``document`` the whole answer, ``forecasts`` by site id what each kiosk was expected to take in, with the
    distribution behind it.
    """

    __tablename__ = "siting_study"
    __table_args__ = (Unique("region", "number"), Index(None, "region", "made_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    day: Mapped[date] = mapped_column(Date)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    forecasts: Mapped[dict[str, Any]] = mapped_column(JSON)
