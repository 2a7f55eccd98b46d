"""Brings a database to this program's schema, and tells how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from api.errors import DatabaseOutdatedError
from dispatch.custody.model import GUARD_STATEMENTS as CUSTODY_GUARDS
from dispatch.plans.draft_model import GUARD_STATEMENTS as DRAFT_GUARDS
from dispatch.plans.model import GUARD_STATEMENTS as PLAN_GUARDS
from kernel.db import Database

_UPGRADE_LOCK = 620_622  # PostgreSQL advisory lock: two servers starting together upgrade one after the other


@dataclass(frozen=True)
class MigrationState:
    """Where a database stands against this program."""

    present: str | None
    newest: str
    empty: bool

    @property
    def current(self) -> bool:
        """Tell whether program and database fit."""
        return self.present == self.newest


def alembic_config() -> Config:
    """Return Alembic's configuration without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def newest_revision() -> str:
    """Return the revision of this program."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None, "the package ships at least one step"
    return head


def migration_state(database: Database) -> MigrationState:
    """Tell where a database stands.

    Raises
    ------
    DatabaseUnavailableError
        If it does not answer.
    """
    with database.read() as session:
        connection = session.connection()
        present = MigrationContext.configure(connection).get_current_revision()
        empty = not inspect(connection).get_table_names()
    return MigrationState(present, newest_revision(), empty)


def upgrade(database: Database) -> MigrationState:
    """Bring a database to this program's schema, in one transaction.

    Raises
    ------
    DatabaseOutdatedError
        If the database was made by a newer program.
    """
    config = alembic_config()
    with _upgrading(database) as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        _refuse_unknown(present)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _install_guards(connection)
    return migration_state(database)


@contextmanager
def _upgrading(database: Database) -> Iterator[Connection]:
    with database.begin() as session:
        connection = session.connection()
        if database.kind == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        yield connection


def _install_guards(connection: Connection) -> None:
    # After every upgrade: changing a table on SQLite copies it, and its triggers stay with the old one.
    for statements in (CUSTODY_GUARDS, PLAN_GUARDS, DRAFT_GUARDS):
        for statement in statements[connection.dialect.name]:
            connection.exec_driver_sql(statement)


def _refuse_unknown(present: str | None) -> None:
    known = {step.revision for step in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if present is not None and present not in known:
        raise DatabaseOutdatedError(
            f"the database is at {present}, which this program does not know", present=present, newest=newest_revision()
        )
