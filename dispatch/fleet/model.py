"""Tables of the fleet: vehicle types, vehicles, couriers."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class VehicleType(Base):
    """What vehicles of one kind can carry, what they cost and when they may drive (车型).

    Notes
    -----
    ``fixed_fen`` is due on each day the vehicle leaves the depot; ``per_hour_fen`` is paid for the time
    between leaving and coming back. The shift is in seconds since local midnight of the plan's day.
    """

    __tablename__ = "vehicle_type"
    __table_args__ = (
        Index(None, "region"),
        CheckConstraint("shift_start_s < shift_end_s", name="shift"),
        CheckConstraint("capacity_weight_g > 0 AND capacity_volume_cm3 > 0 AND capacity_count > 0", name="capacity"),
        CheckConstraint("fixed_fen >= 0 AND per_km_fen >= 0 AND per_hour_fen >= 0", name="cost"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    profile: Mapped[str] = mapped_column(String(16))
    capacity_weight_g: Mapped[int] = mapped_column(Integer)
    capacity_volume_cm3: Mapped[int] = mapped_column(Integer)
    capacity_count: Mapped[int] = mapped_column(Integer)
    fixed_fen: Mapped[int] = mapped_column(Integer)
    per_km_fen: Mapped[int] = mapped_column(Integer)
    per_hour_fen: Mapped[int] = mapped_column(Integer)
    shift_start_s: Mapped[int] = mapped_column(Integer)
    shift_end_s: Mapped[int] = mapped_column(Integer)
    max_stops: Mapped[int | None] = mapped_column(Integer, default=None)
    max_distance_m: Mapped[int | None] = mapped_column(Integer, default=None)


class Courier(Base):
    """Somebody who drives a route (投递员); the login that acts for this courier names this id."""

    __tablename__ = "courier"
    __table_args__ = (Index(None, "region"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    active: Mapped[bool] = mapped_column(Boolean, default=True)


class Vehicle(Base):
    """One vehicle with its plate and the courier who usually drives it."""

    __tablename__ = "vehicle"
    __table_args__ = (Index(None, "region"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    type_id: Mapped[str] = mapped_column(String(64), ForeignKey("vehicle_type.id"))
    plate: Mapped[str] = mapped_column(String(32))
    courier_id: Mapped[str | None] = mapped_column(String(64), ForeignKey("courier.id"), default=None)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
