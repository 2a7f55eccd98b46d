"""People in a 24-hour station: passes, entry, what they do inside."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor
from api.native.stations.limits import Text
from api.native.stations.site import must_be_of, site_of
from api.native.stations.told_once import with_key
from dispatch.stations.codes import Presented
from dispatch.stations.errors import StationStateError, UnknownPassError
from dispatch.stations.model import EntryPass
from dispatch.stations.visits import Admission, mine_at, require_station

router = APIRouter(tags=["stations"])


class PassForm(Body):
    """Somebody's right to enter."""

    holder: Text = Field(description="Reference of the person, never a name or phone.")
    phone_tail: str | None = Field(
        default=None, pattern=r"^[0-9]{4,11}$", description="Whose waiting parcels the pass is for."
    )
    parcel_ids: list[str] = Field(default_factory=list, max_length=50)
    valid_h: int = Field(default=24, ge=1, le=720)


class PassView(View):
    """A pass; its key is told once and makes the moving code (RFC 6238: SHA-256, eight digits, 30 s)."""

    pass_id: str
    key_base32: str
    parcels: list[str]
    valid_to: datetime


class EnterForm(Body):
    """The code in the entrance's QR."""

    pass_id: str = Field(max_length=36)
    digits: str = Field(pattern=r"^[0-9]{8}$")


class VisitView(View):
    """A visit: door, light, parcels and exit in one."""

    id: str
    state: str
    holder: str
    wanted: list[str]
    taken: list[str]
    colour: str | None
    admitted_at: datetime
    entered_at: datetime | None
    left_at: datetime | None
    version: int
    facts: list[str] = Field(default_factory=list)


class LightView(View):
    """What a strip shows."""

    cells: list[str]
    colour: str
    pattern: str
    ttl_s: int
    visit: str


class VisitList(View):
    """Who is inside, and what the strips show."""

    items: list[VisitView]
    lights: list[LightView]


class VisitStep(Body):
    """One event of a visit."""

    event: Literal[
        "entered", "identified", "lights_on", "exited", "fire", "help_called", "did_not_enter", "scan", "exit_scan"
    ]
    parcel_id: str | None = Field(default=None, max_length=36, description="With `scan`.")
    carried: list[str] = Field(default_factory=list, max_length=50, description="With `exit_scan`: parcel ids.")


@router.post("/stations/{site_id}/passes", response_model=PassView, responses=problems(400, 404, 409))
def make_pass(
    site_id: str,
    request: Request,
    body: PassForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Give somebody the right to enter, for parcels that wait here."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        require_station(site)
        wanted = list(body.parcel_ids)
        if body.phone_tail is not None:
            tail = body.phone_tail
            wanted += mine_at(session, site_id, lambda parcel: parcel.recipient_phone.endswith(tail))
        lasts = timedelta(hours=body.valid_h)
        row = services.stations.visits.issue_pass(session, site_id, body.holder, wanted, lasts, actor(identity))
        return answer({"pass_id": row.id, "parcels": row.parcels, "valid_to": row.valid_to}, 201)

    return with_key(services, once(request, key, body, identity, services).together(act))


@router.post("/stations/{site_id}/passes/{pass_id}:revoke", responses=problems(400, 404))
def revoke_pass(
    site_id: str,
    pass_id: str,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Take a pass back; its code opens nothing from now on."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        row = session.get(EntryPass, pass_id)
        if row is None or row.site_id != site_id:
            raise UnknownPassError(f"there is no pass {pass_id}", pass_id=pass_id)
        services.stations.visits.revoke_pass(session, pass_id, actor(identity))
        return answer({"pass_id": pass_id, "state": "revoked"})

    return once(request, key, [site_id, pass_id], identity, services).together(act)


@router.post("/stations/{site_id}:enter", response_model=VisitView, responses=problems(400, 404, 409, 429))
def enter_station(
    site_id: str,
    request: Request,
    body: EnterForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station"),
) -> JSONResponse:
    """Judge an entrance code and unlock the door; wrong codes are counted per station and pass."""

    def act() -> Answer:
        with services.database.begin() as session:
            site = site_of(session, identity, site_id)
            require_station(site)
            found = services.stations.visits.enter(session, site, body.pass_id, body.digits, f"pass:{body.pass_id}")
            view = None if found.visit is None else VisitView.model_validate(found.visit)
        return answer(_admitted(found, view), 201)  # refusals are committed before they are told

    return once(request, key, body, identity, services).around(act)


@router.get("/stations/{site_id}/visits", responses=problems(404))
def list_visits(
    site_id: str, services: ServicesDep, identity: Identity = allow("station", "dispatcher", "admin")
) -> VisitList:
    """List who is inside, and what the strips show for whom."""
    with services.database.read() as session:
        site_of(session, identity, site_id)
        inside = services.stations.visits.present(session, site_id)
        lights = services.stations.visits.lights(session, site_id)
        return VisitList(
            items=[VisitView.model_validate(row) for row in inside],
            lights=[LightView.model_validate(asdict(one)) for one in lights],
        )


@router.post("/stations/{site_id}/visits/{visit_id}:step", response_model=VisitView, responses=problems(400, 404, 409))
def step_visit(
    site_id: str,
    visit_id: str,
    request: Request,
    body: VisitStep,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station"),
) -> JSONResponse:
    """Apply one event of a visit; leaving is always possible once somebody is inside."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        desk = services.stations.visits
        must_be_of(desk.visit(session, visit_id), site_id)
        if body.event == "scan":
            told = desk.take(session, visit_id, str(body.parcel_id))
        elif body.event == "exit_scan":
            told = desk.leave_scan(session, visit_id, frozenset(body.carried), actor(identity))
        else:
            told = desk.step(session, visit_id, body.event, actor(identity))
        return answer(VisitView.model_validate(told.visit).model_copy(update={"facts": list(told.facts)}))

    return once(request, key, body, identity, services).together(act)


def _admitted(found: Admission, view: VisitView | None) -> VisitView:
    if found.full:
        raise StationStateError("the station is full; wait until somebody leaves", reason="full")
    Presented(found.verdict, locked_s=found.locked_s).must_open() if view is None else None
    assert view is not None
    return view
