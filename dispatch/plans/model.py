"""Tables of plans: one plan for a region and day, its immutable versions, and what was published when.

A version refers to its routes; a route that a change did not touch is shared by the versions before and
after it, so that inserting one stop writes one route and not the whole day. Rows of every table but
``plan`` are written once: the database itself refuses to change or delete them, see
:data:`GUARD_STATEMENTS`, which run after the tables are made and which a migration runs too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    event,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

import dispatch.fleet.model
import dispatch.parcels.model  # noqa: F401 - stops refer to parcels
from kernel.db import Base, UtcDateTime


class Plan(Base):
    """The plan (排线计划) of one region for one day; its versions hold the content."""

    __tablename__ = "plan"
    __table_args__ = (Unique("region", "day"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    day: Mapped[date] = mapped_column(Date)
    zone: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PlanVersion(Base):
    """One immutable version of a plan.

    ``parent_id`` is the version that was published when this one was made; only then may it be published.
    ``digest`` covers routes, stops, times and reasons, not who made it or when: equal input and seed give
    equal digests. ``reasons_of`` names the version that holds the unassigned parcels of this one.
    """

    __tablename__ = "plan_version"
    __table_args__ = (Unique("plan_id", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"))
    number: Mapped[int] = mapped_column(Integer)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("plan_version.id"))
    kind: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(255))
    seed: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(16))
    cost_fen: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[dict[str, Any]] = mapped_column(JSON)
    statistics: Mapped[dict[str, Any]] = mapped_column(JSON)
    assumptions: Mapped[dict[str, Any]] = mapped_column(JSON)
    software: Mapped[dict[str, Any]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64))
    reasons_of: Mapped[str] = mapped_column(String(36))


class PlanGeometry(Base):
    """A line on the map, packed by :mod:`dispatch.plans.geometry`; ``id`` is its digest."""

    __tablename__ = "plan_geometry"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str] = mapped_column(String(16))
    packed: Mapped[bytes] = mapped_column(LargeBinary)


class PlanRoute(Base):
    """One vehicle's route, shared by all versions that did not touch it.

    ``version_id`` is the version that made it, ``parent_id`` the route it replaced. ``number`` is what
    people call it on that day. Loads are ``[weight_g, volume_cm3, count]``.
    """

    __tablename__ = "plan_route"
    __table_args__ = (Index(None, "version_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("plan_version.id"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("plan_route.id"))
    number: Mapped[int] = mapped_column(Integer)
    vehicle_id: Mapped[str] = mapped_column(ForeignKey("vehicle.id"))
    vehicle_type_id: Mapped[str] = mapped_column(ForeignKey("vehicle_type.id"))
    courier_id: Mapped[str | None] = mapped_column(ForeignKey("courier.id"))
    profile: Mapped[str] = mapped_column(String(16))
    start_s: Mapped[int] = mapped_column(Integer)
    end_s: Mapped[int] = mapped_column(Integer)
    distance_m: Mapped[int] = mapped_column(Integer)
    driving_s: Mapped[int] = mapped_column(Integer)
    waiting_s: Mapped[int] = mapped_column(Integer)
    working_s: Mapped[int] = mapped_column(Integer)
    start_load: Mapped[list[int]] = mapped_column(JSON)
    peak_load: Mapped[list[int]] = mapped_column(JSON)
    back_distance_m: Mapped[int] = mapped_column(Integer)
    back_time_s: Mapped[int] = mapped_column(Integer)
    cost_fen: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[dict[str, Any]] = mapped_column(JSON)
    geometry_id: Mapped[str | None] = mapped_column(ForeignKey("plan_geometry.id"))
    digest: Mapped[str] = mapped_column(String(64))


class PlanVersionRoute(Base):
    """That a version holds a route."""

    __tablename__ = "plan_version_route"

    version_id: Mapped[str] = mapped_column(ForeignKey("plan_version.id"), primary_key=True)
    route_id: Mapped[str] = mapped_column(ForeignKey("plan_route.id"), primary_key=True)


class PlanStop(Base):
    """One stop of a route.

    ``label`` is the number on the parcels: it is fixed when the stop is first planned and survives
    insertions, while ``position`` is the order of driving. ``leg_*`` is the drive from the stop before
    (or the depot). ``changed_load`` is delivery then collection, three numbers each.
    """

    __tablename__ = "plan_stop"
    __table_args__ = (Unique("route_id", "position"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    route_id: Mapped[str] = mapped_column(ForeignKey("plan_route.id"))
    position: Mapped[int] = mapped_column(Integer)
    label: Mapped[int] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(128))
    place_id: Mapped[str] = mapped_column(String(64))
    site_id: Mapped[str | None] = mapped_column(String(32))
    lon: Mapped[float] = mapped_column(Float)
    lat: Mapped[float] = mapped_column(Float)
    position_source: Mapped[str] = mapped_column(String(16))
    leg_distance_m: Mapped[int] = mapped_column(Integer)
    leg_time_s: Mapped[int] = mapped_column(Integer)
    arrival_s: Mapped[int] = mapped_column(Integer)
    start_s: Mapped[int] = mapped_column(Integer)
    departure_s: Mapped[int] = mapped_column(Integer)
    setup_s: Mapped[int] = mapped_column(Integer)
    service_s: Mapped[int] = mapped_column(Integer)
    windows: Mapped[list[list[int]]] = mapped_column(JSON)
    changed_load: Mapped[list[int]] = mapped_column(JSON)
    load_after: Mapped[list[int]] = mapped_column(JSON)
    priority: Mapped[int] = mapped_column(Integer)


class PlanStopParcel(Base):
    """That a parcel is dropped (``deliver``) or taken (``collect``) at a stop."""

    __tablename__ = "plan_stop_parcel"
    __table_args__ = (Index(None, "parcel_id"),)

    stop_id: Mapped[str] = mapped_column(ForeignKey("plan_stop.id"), primary_key=True)
    parcel_id: Mapped[str] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    direction: Mapped[str] = mapped_column(String(8))


class PlanUnassigned(Base):
    """Why a parcel is on no route of a version; ``reason`` as :mod:`dispatch.demand.reasons` writes it."""

    __tablename__ = "plan_unassigned"

    version_id: Mapped[str] = mapped_column(ForeignKey("plan_version.id"), primary_key=True)
    parcel_id: Mapped[str] = mapped_column(ForeignKey("parcel.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    reason: Mapped[dict[str, Any]] = mapped_column(JSON)


class PlanPublication(Base):
    """That a version was put in force; the last one of a plan is what couriers drive by."""

    __tablename__ = "plan_publication"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("plan_version.id"))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(255))


class PlanRefusal(Base):
    """Why a drop-off could not be put on a published route that day; it awaits the next plan."""

    __tablename__ = "plan_refusal"
    __table_args__ = (Unique("version_id", "parcel_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("plan_version.id"))
    parcel_id: Mapped[str] = mapped_column(ForeignKey("parcel.id"))
    refused_at: Mapped[datetime] = mapped_column(UtcDateTime)
    code: Mapped[str] = mapped_column(String(64))
    reason: Mapped[dict[str, Any]] = mapped_column(JSON)


class PlanProgress(Base):
    """That a courier reported something done at a stop; what is done is never planned anew.

    ``stop_key`` is the stop's key, so that the report stands whatever version the courier looked at.
    """

    __tablename__ = "plan_progress"
    __table_args__ = (Index(None, "plan_id", "vehicle_id"),)

    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"))
    vehicle_id: Mapped[str] = mapped_column(ForeignKey("vehicle.id"))
    stop_key: Mapped[str] = mapped_column(String(80))
    parcel_id: Mapped[str] = mapped_column(ForeignKey("parcel.id"))
    kind: Mapped[str] = mapped_column(String(16))
    fact_at: Mapped[datetime] = mapped_column(UtcDateTime)


WRITTEN_ONCE = (
    PlanVersion,
    PlanRoute,
    PlanVersionRoute,
    PlanGeometry,
    PlanStop,
    PlanStopParcel,
    PlanUnassigned,
    PlanPublication,
    PlanRefusal,
    PlanProgress,
)
"""Tables whose rows never change once they are written."""


def _sqlite_guards(table: str) -> tuple[str, ...]:
    return tuple(
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{act.lower()} BEFORE {act} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'plan versions are immutable'); END"
        for act in ("UPDATE", "DELETE")
    )


def _postgresql_guards(table: str) -> tuple[str, ...]:
    return (
        "CREATE OR REPLACE FUNCTION plan_guard() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'plan versions are immutable' USING ERRCODE = 'restrict_violation'; END $$",
        f"CREATE OR REPLACE TRIGGER plan_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION plan_guard()",
    )


def guard_statements(kinds: Iterable[type[Base]]) -> dict[str, tuple[str, ...]]:
    """Return statements by dialect that make tables immutable; each may run twice."""
    tables = [kind.__tablename__ for kind in kinds]
    return {
        "sqlite": tuple(statement for table in tables for statement in _sqlite_guards(table)),
        "postgresql": tuple(statement for table in tables for statement in _postgresql_guards(table)),
    }


def guard(kinds: Iterable[type[Base]]) -> None:
    """Have tables made immutable as soon as they are made."""
    for kind in kinds:
        for dialect, statements in guard_statements([kind]).items():
            for statement in statements:
                ddl = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
                event.listen(kind.__table__, "after_create", ddl)


GUARD_STATEMENTS: dict[str, tuple[str, ...]] = guard_statements(WRITTEN_ONCE)
"""Statements by dialect that make the tables of :data:`WRITTEN_ONCE` immutable; each may run twice."""

guard(WRITTEN_ONCE)
