"""Transactions on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import StatementError

from kernel.db import Database, DatabaseUnavailableError, DatabaseUrlError
from kernel.events import LogEntry, LoggedEvent, append_event, append_events, events_after, last_position

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)


def _append(database: Database, kind: str = "plan.published", at: datetime = NOON) -> None:
    with database.begin() as session:
        append_event(session, kind, "plan:1", {"version": 1}, fact_at=at, committed_at=NOON)


def test_a_committed_event_is_read_back_in_utc(database: Database) -> None:
    """A fact stored with a local offset comes back as the same moment."""
    local = NOON.astimezone(timezone(timedelta(hours=8)))
    _append(database, at=local)
    with database.read() as session:
        (event,) = events_after(session, 0)
        assert event.fact_at == NOON
        assert event.fact_at.tzinfo is UTC
        assert event.position == last_position(session)


def test_several_events_are_logged_in_their_order(database: Database) -> None:
    """Entries appended together get rising positions in the order they were given."""
    entries = [LogEntry(f"step.{number:02d}", "plan:1", {"number": number}, NOON, NOON) for number in range(50)]
    with database.begin() as session:
        append_events(session, entries)
        append_events(session, [])
    with database.read() as session:
        assert [event.body["number"] for event in events_after(session, 0)] == list(range(50))


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    """When the second step fails, the first did not happen either."""
    with pytest.raises(RuntimeError), database.begin() as session:
        append_event(session, "plan.published", "plan:1", {}, fact_at=NOON, committed_at=NOON)
        raise RuntimeError("power cut")
    with database.read() as session:
        assert last_position(session) == 0


def test_reading_never_writes(database: Database) -> None:
    """What is added inside a read look is gone afterwards."""
    with database.read() as session:
        append_event(session, "plan.published", "plan:1", {}, fact_at=NOON, committed_at=NOON)
    with database.read() as session:
        assert last_position(session) == 0


def test_positions_rise_in_commit_order(database: Database) -> None:
    """A reader who follows the log by position misses nothing."""
    for kind in ("a.started", "b.started", "c.started"):
        _append(database, kind)
    with database.read() as session:
        events = events_after(session, 0, limit=2)
        assert [event.kind for event in events] == ["a.started", "b.started"]
        assert [event.kind for event in events_after(session, events[-1].position)] == ["c.started"]


def test_a_moment_without_zone_is_refused(sqlite_database: Database) -> None:
    """A time nobody knows the zone of is not stored."""
    with pytest.raises(StatementError, match="time zone"), sqlite_database.begin() as session:
        session.add(
            LoggedEvent(kind="k", subject="s", body={}, fact_at=datetime(2026, 1, 1), committed_at=NOON)  # noqa: DTZ001
        )


@pytest.mark.parametrize("url", ["mysql://localhost/x", "not a url", "oracle://x"])
def test_an_unknown_database_is_named(url: str) -> None:
    """A database we do not support is refused with the forms we do."""
    with pytest.raises(DatabaseUrlError) as caught:
        Database(url)
    assert "postgresql" in caught.value.remedy


def test_a_database_that_does_not_answer_is_an_own_error() -> None:
    """A server that is down is reported as such, with what to check."""
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2")
    with pytest.raises(DatabaseUnavailableError), database.read() as session:
        session.execute(LoggedEvent.__table__.select())
