"""Database engine and unit of work: SQLite in one file by default, PostgreSQL by URL.

A :class:`Database` hands out sessions. :meth:`Database.begin` is one write transaction, committed when the
block ends and rolled back when it raises; :meth:`Database.read` is a read-only snapshot. Repositories get
the session and never commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from kernel.errors import InputError, UnavailableError


class DatabaseUrlError(InputError):
    """The database URL cannot be used."""

    code = "database_url"
    remedy = "Use sqlite:///path/to/file.db or postgresql+psycopg://user@host/name."


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer."""

    code = "database_unavailable"
    remedy = "Check that the server runs and that the address, user and password are right."


class Base(DeclarativeBase):
    """Parent of every table; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is refused instead of guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC before storing."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """A database and its transactions.

    Parameters
    ----------
    url
        SQLAlchemy URL. A SQLite file's folder is made when missing.

    Raises
    ------
    DatabaseUrlError
        If the URL is malformed or names a database we do not support.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as problem:
            raise DatabaseUrlError("the database URL is malformed") from problem
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            raise DatabaseUrlError(f"{parsed.get_backend_name()} is not supported")
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _make_engine(parsed.render_as_string(hide_password=False))
        self._writer = sessionmaker(self.engine.execution_options(cunda_begin="IMMEDIATE"))
        self._reader = sessionmaker(self.engine)

    @property
    def kind(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open one write transaction."""
        with _named_failures(), self._writer.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a read-only look; nothing written inside survives."""
        with _named_failures(), self._reader() as session:
            try:
                yield session
            finally:
                session.rollback()

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except OperationalError as problem:
        raise DatabaseUnavailableError(f"database: {problem.orig}") from problem


def _make_engine(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions behind our back
    cursor = connection.cursor()
    # FULL: a committed parcel survives a power cut, not only a crash of ours.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: an upgrade from reader to writer could fail half-way.
    mode = connection.get_execution_options().get("cunda_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")
