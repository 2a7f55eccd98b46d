"""Tables of what people do with plans: drafts and their steps, proposals, couriers' answers, the close of a day.

Rows of every table but ``plan_draft`` are written once, see :data:`GUARD_STATEMENTS`, which a migration runs too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

import dispatch.plans.model  # noqa: F401 - drafts refer to plans and versions
from dispatch.plans.model import guard, guard_statements
from kernel.db import Base, UtcDateTime


class PlanClosure(Base):
    """That a plan's day is closed (收班): nothing of it is edited or published any more."""

    __tablename__ = "plan_closure"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(255))


class PlanDraft(Base):
    """A dispatcher's draft: steps on a version, until it is saved as a version or discarded.

    ``facts_at`` is the moment whose facts (what is done, what is loaded) the draft was made with, null when the
    version was not in force then. ``steps`` counts the rows of ``plan_draft_step``; whoever adds one must know
    the count before.
    """

    __tablename__ = "plan_draft"
    __table_args__ = (Index(None, "plan_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"))
    base_version_id: Mapped[str] = mapped_column(ForeignKey("plan_version.id"))
    name: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(12))
    steps: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    facts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    copied_from: Mapped[str | None] = mapped_column(String(36))
    version_id: Mapped[str | None] = mapped_column(ForeignKey("plan_version.id"))


class PlanDraftStep(Base):
    """One step of a draft, who made it and why: an edit, or an edit taken back (``undo``) or repeated (``redo``).

    ``override`` marks an edit that breaks a rule on purpose; ``figures`` are those of the draft after it.
    """

    __tablename__ = "plan_draft_step"

    draft_id: Mapped[str] = mapped_column(ForeignKey("plan_draft.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    act: Mapped[str] = mapped_column(String(8))
    command: Mapped[dict[str, Any]] = mapped_column(JSON)
    override: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String(255))
    actor: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)


class PlanProposal(Base):
    """What a re-optimisation of a draft found, until a dispatcher accepts all or part of it."""

    __tablename__ = "plan_proposal"
    __table_args__ = (Index(None, "draft_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    draft_id: Mapped[str] = mapped_column(ForeignKey("plan_draft.id"))
    sequence: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class PlanAnswer(Base):
    """What a courier said to a changed route: ``accepted``, or ``refused`` with the reason (HH-13)."""

    __tablename__ = "plan_answer"
    __table_args__ = (Unique("route_id", "courier_id"), Index(None, "plan_id"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("plan_version.id"))
    route_id: Mapped[str] = mapped_column(ForeignKey("plan_route.id"))
    courier_id: Mapped[str] = mapped_column(ForeignKey("courier.id"))
    answer: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(255))
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changes: Mapped[list[Any]] = mapped_column(JSON)


WRITTEN_ONCE = (PlanClosure, PlanDraftStep, PlanProposal, PlanAnswer)
"""Tables whose rows never change once they are written."""

GUARD_STATEMENTS: dict[str, tuple[str, ...]] = guard_statements(WRITTEN_ONCE)
"""Statements by dialect that make them immutable; each may run twice."""

guard(WRITTEN_ONCE)
