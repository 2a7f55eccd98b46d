"""What a keeper looks after: codes for others, facts, what lies too long and what goes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.paging import DEFAULT_LIMIT, Cursor, Limit, cut_page, read_cursor, write_cursor
from api.native.scope import actor
from api.native.stations.site import site_of
from api.native.stations.told_once import with_digits
from dispatch.stations.errors import UnknownCodeError
from dispatch.stations.model import StationCode, StationFact
from lockers.codes import CodeKind

router = APIRouter(tags=["stations"])


class FactView(View):
    """Something that happened: who, what, where; `body.clip` names the moment's clip, `body.code` the code used."""

    id: int
    type: str
    fact_at: datetime
    actor: str
    cell: str | None
    parcel_id: str | None
    visit_id: str | None
    body: dict[str, Any]


class FactPage(View):
    """A page of facts, the newest first."""

    items: list[FactView]
    next_cursor: str | None


class ProxyForm(Body):
    """A parcel somebody else may fetch."""

    parcel_id: str = Field(max_length=36)


class CodeView(View):
    """A code; its digits are told once, to whoever asked for it."""

    code_id: str
    parcel_id: str
    cell: str
    digits: str
    valid_to: datetime


class OverdueView(View):
    """A parcel kept longer than promised."""

    parcel_id: str
    cell: str
    stored_at: datetime | None
    stage: str
    charge_fen: int


class OverdueList(View):
    """Overdue parcels, the oldest first."""

    items: list[OverdueView]


class ReturnForm(Body):
    """An overdue parcel that goes back."""

    parcel_id: str = Field(max_length=36)
    cause: Literal["NOT_TAKEN", "REFUSED"] = "NOT_TAKEN"


@router.post("/stations/{site_id}/codes:proxy", response_model=CodeView, responses=problems(400, 404, 409))
def make_proxy_code(
    site_id: str,
    request: Request,
    body: ProxyForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Make a code with which somebody else fetches one parcel, once; it can be taken back (LAW-11)."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        row = services.stations.cells.cell_of(session, site.id, body.parcel_id)
        lasts = timedelta(hours=services.stations.policies.of(site.region).proxy.valid_h)
        code = services.stations.codes.issue(
            session, CodeKind.PROXY, site.id, row.cell, body.parcel_id, lasts, actor(identity)
        )
        services.stations.journal.note(
            session, site.id, "proxy.issued", actor(identity), parcel_id=body.parcel_id, code_id=code.id
        )
        return answer(_code_view(code))

    return with_digits(services, once(request, key, body, identity, services).together(act))


@router.post("/stations/{site_id}/codes/{code_id}:revoke", responses=problems(400, 404))
def revoke_code(
    site_id: str,
    code_id: str,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Take a code back; one that was used stays used."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        code = session.get(StationCode, code_id)
        if code is None or code.site_id != site_id:
            raise UnknownCodeError(f"there is no code {code_id}", code=code_id)
        code = services.stations.codes.revoke(session, code_id)
        services.stations.journal.note(session, site_id, "code.revoked", actor(identity), code_id=code_id)
        return answer({"code_id": code_id, "state": code.state})

    return once(request, key, [site_id, code_id], identity, services).together(act)


@router.get("/stations/{site_id}/facts", responses=problems(400, 404))
def list_facts(
    site_id: str,
    services: ServicesDep,
    parcel_id: Annotated[str | None, Query(max_length=36, description="Who took this parcel.")] = None,
    type: Annotated[str | None, Query(max_length=40, description="For example `exit.unscanned`.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    identity: Identity = allow("station", "dispatcher", "admin"),
) -> FactPage:
    """List what happened at a station, the newest first: who took what, with the moment's clip (LAW-08, LAW-11)."""
    query = select(StationFact).where(StationFact.site_id == site_id)
    if parcel_id is not None:
        query = query.where(StationFact.parcel_id == parcel_id)
    if type is not None:
        query = query.where(StationFact.type == type)
    if (seen := read_cursor("facts", cursor)) is not None:
        query = query.where(StationFact.id < int(seen[0]))
    with services.database.read() as session:
        site_of(session, identity, site_id)
        rows = session.scalars(query.order_by(StationFact.id.desc()).limit(limit + 1)).all()
        page, more = cut_page(rows, limit)
        items = [FactView.model_validate(row) for row in page]
    return FactPage(items=items, next_cursor=write_cursor("facts", items[-1].id) if more else None)


@router.get("/stations/{site_id}/overdue", responses=problems(404))
def list_overdue(
    site_id: str, services: ServicesDep, identity: Identity = allow("station", "dispatcher")
) -> OverdueList:
    """List parcels kept longer than promised, the oldest first."""
    now = services.clock.now()
    with services.database.read() as session:
        site = site_of(session, identity, site_id)
        rules = services.stations.policies.of(site.region).retention_rules
        return OverdueList(
            items=[
                OverdueView(
                    parcel_id=str(row.parcel_id), cell=row.cell, stored_at=row.stored_at, stage=row.stage,
                    charge_fen=0 if row.stored_at is None else rules.charge(row.stored_at, now),
                )
                for row in services.stations.cells.overdue(session, site)
            ]
        )  # fmt: skip


@router.post("/stations/{site_id}:return", response_model=CodeView, responses=problems(400, 404, 409))
def return_parcel(
    site_id: str,
    request: Request,
    body: ReturnForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Begin the way back of an overdue parcel; the courier gets a code of their own kind for its cell."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        code = services.stations.cells.start_return(session, site_id, body.parcel_id, actor(identity), body.cause)
        return answer(_code_view(code))

    return with_digits(services, once(request, key, body, identity, services).together(act))


def _code_view(code: StationCode) -> dict[str, Any]:
    return {"code_id": code.id, "parcel_id": code.parcel_id, "cell": code.cell, "valid_to": code.valid_to}
