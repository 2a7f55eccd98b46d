"""The table of shared delivery: every policy a region ever had in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, String
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, UtcDateTime


class SharingPolicyRow(Base):
    """One policy (共配政策) that was put in force; the highest version of a region is in force.

    ``document`` is the policy as its file says it. Rows are never changed.
    """

    __tablename__ = "sharing_policy"
    __table_args__ = (Unique("region", "version"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    adopted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(255))
