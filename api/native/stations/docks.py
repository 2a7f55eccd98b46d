"""Vehicles at a station: expected, greeted, unloaded and loaded, reconciled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor
from api.native.stations.site import must_be_of, site_of
from api.native.stations.told_once import with_run_code
from api.services import Services
from dispatch.stations.docks import differences
from dispatch.stations.model import StationDock
from dispatch.stations.visits import require_station
from lockers.dock import DockManifest

router = APIRouter(tags=["stations"])


class DockForm(Body):
    """A vehicle's run: what it brings and takes, by parcel id."""

    vehicle: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    expected_at: AwareDatetime
    to_unload: list[str] = Field(default_factory=list, max_length=2000)
    to_load: list[str] = Field(default_factory=list, max_length=2000)


class DockView(View):
    """A run; `code` is told to the dispatcher who announced it."""

    id: str
    vehicle: str
    state: str
    expected_at: datetime
    to_unload: list[str]
    to_load: list[str]
    unloaded: list[str]
    loaded: list[str]
    differences: dict[str, list[str]]
    version: int
    code: str | None = None
    station_proof: str | None = None


class DockList(View):
    """Runs that have not ended."""

    items: list[DockView]


class DockStep(Body):
    """One event of a run."""

    event: Literal[
        "vehicle_seen", "greet", "confirmed", "unloaded", "loaded", "reconcile", "doors_closed", "released",
        "vehicle_gone",
    ]  # fmt: skip
    proof: str | None = Field(default=None, max_length=64, description="With `greet`.")
    piece: str | None = Field(default=None, max_length=40, description="With `unloaded` and `loaded`: parcel id.")
    reason: str | None = Field(default=None, max_length=80, description="With `reconcile`: why differences are right.")


@router.post("/stations/{site_id}/docks", response_model=DockView, responses=problems(400, 404, 409))
def expect_vehicle(
    site_id: str,
    request: Request,
    body: DockForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Announce an unmanned vehicle's run with its manifest; the one-time code is for the vehicle's operator."""

    def act(session: Session) -> Answer:
        require_station(site_of(session, identity, site_id))
        manifest = DockManifest(frozenset(body.to_unload), frozenset(body.to_load))
        row = services.stations.docks.expect(
            session, site_id, body.vehicle, manifest, body.expected_at, actor(identity)
        )
        return answer(_dock_view(row), 201)

    return with_run_code(services, once(request, key, body, identity, services).together(act))


@router.get("/stations/{site_id}/docks", responses=problems(404))
def list_docks(
    site_id: str, services: ServicesDep, identity: Identity = allow("station", "dispatcher", "admin")
) -> DockList:
    """List the runs of a station that have not ended, the next first."""
    with services.database.read() as session:
        site_of(session, identity, site_id)
        return DockList(items=[_dock_view(row) for row in services.stations.docks.at(session, site_id)])


@router.post("/stations/{site_id}/docks/{dock_id}:step", response_model=DockView, responses=problems(400, 404, 409))
def step_dock(
    site_id: str,
    dock_id: str,
    request: Request,
    body: DockStep,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station"),
) -> JSONResponse:
    """Apply one event of a run; nothing is released while the manifest differs."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        must_be_of(services.stations.docks.get(session, dock_id), site_id)
        row, answered = _step_dock(services, session, dock_id, body, actor(identity))
        return answer(_dock_view(row, station_proof=answered))

    return once(request, key, body, identity, services).together(act)


def _step_dock(
    services: Services, session: Session, dock_id: str, body: DockStep, who: str
) -> tuple[StationDock, str | None]:
    desk = services.stations.docks
    if body.event == "greet":
        return desk.greet(session, dock_id, body.proof or "", who)
    acts: dict[str, Callable[[], StationDock]] = {
        "unloaded": lambda: desk.scan(session, dock_id, str(body.piece), who, unloading=True),
        "loaded": lambda: desk.scan(session, dock_id, str(body.piece), who, unloading=False),
        "reconcile": lambda: desk.reconcile(session, dock_id, who, body.reason),
    }
    act = acts.get(body.event)
    return (act() if act is not None else desk.step(session, dock_id, body.event, who)), None


def _dock_view(row: StationDock, station_proof: str | None = None) -> DockView:
    fields = {name: getattr(row, name) for name in DockView.model_fields if hasattr(row, name)}
    return DockView(**fields, differences=differences(row), station_proof=station_proof)
