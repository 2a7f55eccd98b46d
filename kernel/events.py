"""The event log: what happened in every room, in commit order, for feeds and streams.

A room appends in the same transaction as its change. Readers follow by position. The log tells that
something changed and names it; the rooms' own tables hold the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Table, func, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.db import Base, UtcDateTime

_APPEND_LOCK = 620_621  # PostgreSQL advisory lock: serialises appends so that positions follow commits


class LoggedEvent(Base):
    """One entry of the log."""

    __tablename__ = "event_log"
    __table_args__ = (Index(None, "subject", "position"),)

    position: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    fact_at: Mapped[datetime] = mapped_column(UtcDateTime)
    committed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(128))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


@dataclass(frozen=True)
class LogEntry:
    """An entry to be appended.

    Parameters
    ----------
    kind
        ``room.past_tense_verb``, for example ``plan.published``.
    subject
        What it is about, ``kind:id``.
    body
        Ids and numbers only; never names, phones, addresses or codes.
    """

    kind: str
    subject: str
    body: dict[str, Any]
    fact_at: datetime
    committed_at: datetime


def append_event(
    session: Session,
    kind: str,
    subject: str,
    body: dict[str, Any],
    *,
    fact_at: datetime,
    committed_at: datetime,
) -> None:
    """Append one entry within the caller's transaction; :class:`LogEntry` says what the parameters mean."""
    append_events(session, [LogEntry(kind, subject, body, fact_at, committed_at)])


def append_events(session: Session, entries: Sequence[LogEntry]) -> None:
    """Append entries within the caller's transaction, in their order."""
    if not entries:
        return
    queue_writers(session)
    # The table itself: a mapped class would cost more than the row, and drop-offs come by the hundred.
    session.execute(insert(cast(Table, LoggedEvent.__table__)), [dict(vars(entry)) for entry in entries])


def queue_writers(session: Session) -> None:
    """Let transactions that append to the log pass one after another, from here until each ends.

    Appending does it by itself. A transaction that takes other locks too calls this before them: two that took
    theirs first and then met here could wait for each other for ever. SQLite has one writer at a time anyway.
    """
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _APPEND_LOCK})


def events_after(session: Session, position: int, limit: int = 100) -> Sequence[LoggedEvent]:
    """Return the next entries after a position, oldest first."""
    query = select(LoggedEvent).where(LoggedEvent.position > position).order_by(LoggedEvent.position).limit(limit)
    return session.scalars(query).all()


def last_position(session: Session) -> int:
    """Return the position of the newest entry, 0 when there is none."""
    return session.scalar(select(func.max(LoggedEvent.position))) or 0
