"""The database of a fresh installation is exactly what the program expects."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

import api.tables  # noqa: F401
from api.bootstrap import require_schema
from api.errors import DatabaseOutdatedError
from api.migrations.runner import migration_state, upgrade
from dispatch.custody.model import CustodyEvent
from kernel.clock import ManualClock
from kernel.db import Base, Database


@pytest.fixture
def bare_database(database: Database) -> Database:
    """Give a database without any table, once on SQLite and once on PostgreSQL."""
    Base.metadata.drop_all(database.engine)
    with database.begin() as session:
        session.execute(text("DROP TABLE IF EXISTS alembic_version"))
    return database


def test_the_steps_lead_to_the_program_s_tables(bare_database: Database) -> None:
    """After all steps nothing is left to change, on SQLite and on PostgreSQL."""
    assert migration_state(bare_database).empty
    assert upgrade(bare_database).current
    with bare_database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    _forget(bare_database)


def test_upgrading_twice_changes_nothing(bare_database: Database) -> None:
    """An operator may run the upgrade as often as he likes."""
    assert upgrade(bare_database) == upgrade(bare_database)
    require_schema(bare_database)
    _forget(bare_database)


def test_a_new_database_is_set_up_by_itself(bare_database: Database) -> None:
    """Whoever starts Cunda on an empty database needs no second command."""
    require_schema(bare_database)
    assert migration_state(bare_database).current
    _forget(bare_database)


def test_a_newer_database_is_refused(bare_database: Database) -> None:
    """An old program never touches a database that a newer one made."""
    upgrade(bare_database)
    with bare_database.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseOutdatedError, match="9999"):
        upgrade(bare_database)
    with pytest.raises(DatabaseOutdatedError):
        require_schema(bare_database)
    _forget(bare_database)


def test_a_step_that_fails_leaves_nothing_behind(bare_database: Database) -> None:
    """A database in which one of our names is taken stays as it was when the upgrade fails."""
    with bare_database.begin() as session:
        session.execute(text("CREATE TABLE user_session (other integer)"))
    with pytest.raises(Exception, match="user_session"):
        upgrade(bare_database)
    assert inspect(bare_database.engine).get_table_names() == ["user_session"]
    with bare_database.begin() as session:
        session.execute(text("DROP TABLE user_session"))


def test_the_ledger_s_guards_are_installed(bare_database: Database, clock: ManualClock) -> None:
    """Not even somebody with the database's password can quietly change a recorded event."""
    upgrade(bare_database)
    now = clock.now()
    with bare_database.begin() as session:
        session.add(
            CustodyEvent(
                event_id="e-1", type="counted", fact_at=now, received_at=now, actor="user:1", body={}, digest="d"
            )
        )
    with pytest.raises(DBAPIError, match="append-only"), bare_database.begin() as session:
        session.execute(text("UPDATE custody_event SET actor = 'somebody else'"))
    Base.metadata.drop_all(bare_database.engine)
    _forget(bare_database)


def _forget(database: Database) -> None:
    with database.begin() as session:
        session.execute(text("DROP TABLE alembic_version"))
