"""Tables of promised weekdays: versions of a region, the pattern of each village in them, and what was accepted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime


class WeekdayVersion(Base):
    """One version of a region's promised weekdays (班期版本); never changed after it was made.

    ``parent_id`` is the version in force when this one was made. ``figures`` are what it was chosen by: costs,
    spreads, villages not reached and their prices.
    """

    __tablename__ = "weekday_version"
    __table_args__ = (Unique("region", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("weekday_version.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    seed: Mapped[int] = mapped_column(BigInteger)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)


class WeekdayPattern(Base):
    """The weekdays of one village in one version: a bit for each day, Monday the lowest; 0 is not reached."""

    __tablename__ = "weekday_pattern"

    version_id: Mapped[str] = mapped_column(ForeignKey("weekday_version.id"), primary_key=True)
    place_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    days: Mapped[int] = mapped_column(Integer)
    visits: Mapped[int] = mapped_column(Integer)
    longest_gap: Mapped[int] = mapped_column(Integer)


class WeekdayAcceptance(Base):
    """When a version was put in force and by whom; the newest acceptance of a region counts."""

    __tablename__ = "weekday_acceptance"
    __table_args__ = (Index(None, "region", "number"), Unique("region", "number"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    version_id: Mapped[str] = mapped_column(ForeignKey("weekday_version.id"))
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(255))
