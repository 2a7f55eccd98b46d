"""Tables of habit: versions with their sections and master routes, and which version was put in force when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Float, ForeignKey, Integer, String
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime


class HabitVersion(Base):
    """One version of a region's sections and master routes (段道与主路线版本); never changed after it was made.

    ``parent_id`` is the version in force when this one was made. ``made_from`` says how: design, history or file.
    ``rule`` holds prices and bounds, ``figures`` what it was judged by.
    """

    __tablename__ = "habit_version"
    __table_args__ = (Unique("region", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("habit_version.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    made_from: Mapped[str] = mapped_column(String(16))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)


class HabitSection(Base):
    """One courier's section in a version, with its owner."""

    __tablename__ = "habit_section"

    version_id: Mapped[str] = mapped_column(ForeignKey("habit_version.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    vehicle_id: Mapped[str] = mapped_column(ForeignKey("vehicle.id"))
    courier_id: Mapped[str | None] = mapped_column(ForeignKey("courier.id"))
    work_min: Mapped[float | None] = mapped_column(Float)


class HabitPlace(Base):
    """A place of a section: its position on the master route, and when its courier usually comes."""

    __tablename__ = "habit_place"

    version_id: Mapped[str] = mapped_column(ForeignKey("habit_version.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    place_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    arrival_s: Mapped[int | None] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer)
    shared: Mapped[bool] = mapped_column(Boolean)


class HabitAcceptance(Base):
    """When a version was put in force and by whom; on a day the newest one that is valid then counts."""

    __tablename__ = "habit_acceptance"
    __table_args__ = (Unique("region", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    version_id: Mapped[str] = mapped_column(ForeignKey("habit_version.id"))
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(255))
