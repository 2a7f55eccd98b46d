"""Whether the server is alive and can work."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth.access import ServicesDep
from api.errors import DatabaseOutdatedError
from api.migrations.runner import migration_state
from api.native.form import View, problems
from api.version import cunda_version

router = APIRouter(tags=["health"])


class Health(View):
    """The server answers."""

    status: str
    version: str


@router.get("/health")
def health() -> Health:
    """Tell that the process answers; asks nothing else."""
    return Health(status="ok", version=cunda_version())


@router.get("/ready", responses=problems(503))
def ready(services: ServicesDep) -> Health:
    """Tell that the database answers and is of this program's version."""
    state = migration_state(services.database)
    if not state.current:
        raise DatabaseOutdatedError(
            f"the database is at {state.present or 'nothing'}, this program needs {state.newest}",
            present=state.present,
            newest=state.newest,
        )
    return Health(status="ready", version=cunda_version())
