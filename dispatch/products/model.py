"""Table of service products: one row per version, never changed once it was in force."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Date, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class ServiceProductRow(Base):
    """One version of a service product (产品); ``rules`` is checked by :mod:`dispatch.products.product`."""

    __tablename__ = "service_product"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    title_zh: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(80))
    default_for: Mapped[str | None] = mapped_column(String(8))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    source_note: Mapped[str] = mapped_column(Text)
