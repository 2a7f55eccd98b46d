"""The HTTP application: routes, what wraps them, and what they are wired with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.concurrency import run_in_threadpool

from api.middleware import BodyLimit, RequestFrame
from api.native import (
    activity,
    courier,
    devices,
    draft_maps,
    drafts,
    echelons,
    enrolment,
    feed,
    fleet,
    habit,
    health,
    kiosks,
    lateness,
    openings,
    operations,
    parcels,
    plans,
    products,
    regions,
    running,
    session,
    sharing,
    sites,
    siting,
    sorting,
    stations,
    users,
)
from api.native.form import refuse_unknown_parameters
from api.native.stream import ClosingState
from api.problems import PROBLEM_NAME, PROBLEM_SCHEMA, install_problem_handlers
from api.services import Services
from api.version import cunda_version
from api.web import mount_pages

#: Largest body that is not an upload; a batch of 500 courier events is well below.
MAX_BODY_BYTES = 2_097_152
UPLOAD_PATH = "/api/v1/parcels:import"
UPLOAD_FRAME_BYTES = 65_536  # multipart boundaries and the mapping beside the file

_DESCRIPTION = """Plans and runs the last mile of parcels in a county.

Times are RFC 3339 with offset, durations and seconds of the day end in `_s`, lengths in `_m`, money in
integer `_fen`; geometry is GeoJSON in WGS-84. Failures are problem details (RFC 9457): translate `code`
and `params`. Unknown fields are refused.
"""

PREFIX = "/api/v1"
NATIVE_PARTS = tuple(
    part.router
    for part in (
        health,
        session,
        users,
        regions,
        parcels,
        fleet,
        sites,
        siting,
        devices,
        *stations.PARTS,
        kiosks,
        activity,
        plans,
        drafts,
        draft_maps,
        running,
        echelons,
        habit,
        sharing,
        courier,
        sorting,
        products,
        lateness,
        operations,
        feed,
        enrolment,
        openings,
    )
)


def native_router() -> APIRouter:
    """Return every route of the native API."""
    router = APIRouter(prefix=PREFIX, dependencies=[Depends(refuse_unknown_parameters)])
    for part in NATIVE_PARTS:
        router.include_router(part)
    return router


def create_app(services: Services) -> FastAPI:
    """Build the application around its services.

    Parameters
    ----------
    services
        What :func:`api.bootstrap.build_services` wired.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(services.operations.start)
        yield
        app.state.streams.closing = True
        await run_in_threadpool(services.operations.close)

    app = _bare_app(life)
    app.state.services = services
    app.state.streams = ClosingState()
    install_problem_handlers(app)
    mount_pages(app)
    app.add_middleware(
        BodyLimit,
        max_bytes=MAX_BODY_BYTES,
        max_bytes_by_path={UPLOAD_PATH: services.settings.import_max_bytes + UPLOAD_FRAME_BYTES},
    )
    app.add_middleware(RequestFrame, clock=services.clock, ids=services.ids)
    return app


def describe_api() -> dict[str, Any]:
    """Return the API description (OpenAPI 3.1) without wiring anything."""
    return _bare_app(None).openapi()


class _Application(FastAPI):
    """An application whose description holds the form of a problem once, not once per failure."""

    def openapi(self) -> dict[str, Any]:
        """Return the description."""
        described = super().openapi()
        described["components"]["schemas"].setdefault(PROBLEM_NAME, PROBLEM_SCHEMA)
        return described


def _bare_app(life: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None) -> FastAPI:
    app = _Application(
        title="Cunda",
        version=cunda_version(),
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the interactive page loads scripts from another origin (WEB-02)
        redoc_url=None,
        lifespan=life,
        generate_unique_id_function=lambda route: route.name,
    )
    app.include_router(native_router())
    return app
