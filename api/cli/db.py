"""`cunda db`: the database's schema."""

from __future__ import annotations

import typer

from api.cli.terminal import JsonFlag, current_settings, emit

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command("upgrade")
def upgrade(json: JsonFlag = False) -> None:
    """Bring the database to this program's schema; repeating it changes nothing."""
    from api.bootstrap import prepare
    from kernel.db import Database

    database = Database(current_settings().resolved_database_url)
    try:
        state = prepare(database)
    finally:
        database.close()
    emit(state, json, [f"{database.kind} database at {state.present}"])


@app.command("state")
def state(json: JsonFlag = False) -> None:
    """Tell how far the database is."""
    from api.migrations.runner import migration_state
    from kernel.db import Database

    database = Database(current_settings().resolved_database_url)
    try:
        found = migration_state(database)
    finally:
        database.close()
    words = "fits this program" if found.current else f"needs `cunda db upgrade` to {found.newest}"
    emit(found, json, [f"{database.kind} database at {found.present or 'nothing'}: {words}"])
