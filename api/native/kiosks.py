"""Kiosks: waybills in stock, sessions that wait for a person, parcels over the counter, couriers who empty them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.courier import courier_of
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor
from api.native.stations import site_of
from dispatch.parcels.model import Parcel
from dispatch.stations.errors import UnknownNoticeError
from dispatch.stations.model import KioskCollection
from dispatch.stations.search import due_notices, notice_sent
from dispatch.stations.sending import REFUSALS, Inspected
from lockers.dropoffs import parse_drop_off

router = APIRouter(tags=["kiosks"])

Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{4,40}$")]


class WaybillForm(Body):
    """Numbers a company issued beforehand."""

    company_id: str = Field(max_length=32)
    numbers: list[Number] = Field(min_length=1, max_length=500)


class WaybillView(View):
    """A pre-issued number and what became of it: stocked, used, void."""

    company_id: str
    waybill: str
    state: str
    changed_at: datetime


class WaybillList(View):
    """A kiosk's numbers."""

    items: list[WaybillView]


class SendingView(View):
    """A customer's session as the kiosk told of it."""

    id: str
    site_id: str
    state: str
    since: datetime
    company_id: str | None
    waybill: str | None
    cell: str | None


class SendingList(View):
    """Sessions, the newest first."""

    items: list[SendingView]


class SettleForm(Body):
    """A person's word on a session of which nothing certain was seen."""

    reason: str = Field(min_length=1, max_length=80)
    drop_off: dict[str, Any] | None = Field(
        default=None, description="The body of `parcel.dropped` when the parcel lies there; nothing when it does not."
    )


class HandInForm(Body):
    """A parcel over the counter, in the words of `parcel.dropped`."""

    drop_off: dict[str, Any]
    day: date


class HandedInView(View):
    """The parcel that waits for a courier now."""

    parcel_id: str


class DroppedView(View):
    """A parcel in the kiosk that must be explained."""

    parcel_id: str
    company_id: str
    waybill: str
    weight_g: int


class CollectionView(View):
    """A courier's emptying of a kiosk."""

    id: str
    site_id: str
    began_at: datetime
    closed_at: datetime | None
    dropped: list[DroppedView]
    result: dict[str, Any] | None
    refusals: list[str]


class InspectedForm(Body):
    """A courier's word on one parcel."""

    event_id: str = Field(pattern=r"^[0-9a-fA-F-]{36}$")
    parcel_id: str = Field(max_length=36)
    result: Literal["accepted", "refused"]
    inspected: bool = False
    cause: str | None = Field(default=None, max_length=40)
    weighed_g: int | None = Field(default=None, gt=0, le=50_000)
    item: dict[str, str | int] | None = Field(default=None, description="Item class, attributes, quantity (LAW-07).")


class CloseForm(Body):
    """What a courier found; parcels of which nothing is said are missing."""

    day: date = Field(description="Day of the plan the courier drives by.")
    items: list[InspectedForm] = Field(max_length=500)
    surplus: list[Number] = Field(default_factory=list, max_length=100)


class NoticeView(View):
    """A message for the operator's message service; it holds phone and code and is shown to nobody else."""

    id: int
    kind: str
    phone: str
    text_zh: str
    text_en: str


class NoticeList(View):
    """Messages that wait."""

    items: list[NoticeView]


@router.get("/kiosks/{site_id}/waybills", responses=problems(404))
def list_waybills(
    site_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> WaybillList:
    """List a kiosk's pre-issued waybills with what became of each."""
    with services.database.read() as session:
        site_of(session, identity, site_id)
        rows = services.stations.sending.stocked(session, site_id)
        return WaybillList(items=[WaybillView.model_validate(row) for row in rows])


@router.post("/kiosks/{site_id}/waybills", responses=problems(400, 404))
def stock_waybills(
    site_id: str,
    request: Request,
    body: WaybillForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Give a kiosk numbers a company issued beforehand, for the time without network."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        added = services.stations.sending.stock(session, site_id, body.company_id, body.numbers, actor(identity))
        return answer({"added": added, "known": len(body.numbers) - added})

    return once(request, key, body, identity, services).together(act)


@router.get("/kiosks/{site_id}/sendings", responses=problems(404))
def list_sendings(
    site_id: str,
    services: ServicesDep,
    state: Annotated[str | None, Query(max_length=16, description="For example `unclear`.")] = None,
    identity: Identity = allow("station", "dispatcher", "admin"),
) -> SendingList:
    """List customers' sessions at a kiosk, the newest first."""
    with services.database.read() as session:
        site_of(session, identity, site_id)
        rows = services.stations.sending.sendings(session, site_id, state)
        return SendingList(items=[SendingView.model_validate(row) for row in rows])


@router.post("/kiosks/{site_id}/sendings/{sending_id}:settle", response_model=SendingView,
             responses=problems(400, 404, 409))  # fmt: skip
def settle_sending(
    site_id: str,
    sending_id: str,
    request: Request,
    body: SettleForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Say what became of a session of which nothing certain was seen: dropped, with its measures, or void."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        drop = None if body.drop_off is None else parse_drop_off(body.drop_off)
        row = services.stations.sending.settle(session, site, sending_id, drop, actor(identity), body.reason)
        return answer(SendingView.model_validate(row))

    return once(request, key, body, identity, services).together(act)


@router.post("/kiosks/{site_id}/drop-offs", response_model=HandedInView, responses=problems(400, 404, 409))
def hand_in(
    site_id: str,
    request: Request,
    body: HandInForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station"),
) -> JSONResponse:
    """Take a parcel over the counter from a sender whose identity was proven; it waits for a courier then."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        drop = parse_drop_off(body.drop_off)
        parcel_id = services.stations.sending.take_in(session, site, drop, actor(identity), body.day)
        return answer(HandedInView(parcel_id=parcel_id), 201)

    return once(request, key, body, identity, services).together(act)


@router.post("/kiosks/{site_id}/collections", response_model=CollectionView, responses=problems(400, 404))
def begin_collection(
    site_id: str,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("courier"),
) -> JSONResponse:
    """Begin to empty a kiosk; the answer lists what must be explained at the end."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        row = services.stations.sending.begin_collection(session, site, courier_of(identity))
        return answer(_collection_view(session, row), 201)

    return once(request, key, site_id, identity, services).together(act)


@router.post("/kiosks/{site_id}/collections/{collection_id}:close", response_model=CollectionView,
             responses=problems(400, 404, 409))  # fmt: skip
def close_collection(
    site_id: str,
    collection_id: str,
    request: Request,
    body: CloseForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("courier"),
) -> JSONResponse:
    """Close a collection: dropped = accepted + refused + missing, each in the ledger under the courier's name."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        desk = services.stations.sending
        row = desk.collection(session, collection_id, courier_of(identity))
        words = [
            Inspected(
                one.event_id.lower(), one.parcel_id, one.result == "accepted", one.inspected, one.cause, one.weighed_g,
                one.item,
            )
            for one in body.items
        ]  # fmt: skip
        desk.close_collection(session, row, body.day, words, body.surplus)
        return answer(_collection_view(session, row))

    return once(request, key, body, identity, services).together(act)


@router.get("/notices")
def list_notices(services: ServicesDep, identity: Identity = allow("admin")) -> NoticeList:
    """List messages to recipients that wait to be sent: for the operator's message service."""
    with services.database.read() as session:
        found = due_notices(session, services.stations.codes, services.stations.policies, services.settings.zone)
        return NoticeList(items=[NoticeView.model_validate(one) for one in found])


@router.post("/notices/{notice_id}:sent", responses=problems(400, 404))
def mark_notice_sent(
    notice_id: int,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("admin"),
) -> JSONResponse:
    """Note that a message was handed to the message service."""

    def act(session: Session) -> Answer:
        if not notice_sent(session, notice_id, services.clock.now()):
            raise UnknownNoticeError(f"there is no message {notice_id}", notice=notice_id)
        return answer({"id": notice_id, "state": "sent"})

    return once(request, key, notice_id, identity, services).together(act)


def _collection_view(session: Session, row: KioskCollection) -> CollectionView:
    parcels = session.scalars(select(Parcel).where(Parcel.id.in_(row.dropped)).order_by(Parcel.id))
    return CollectionView(
        id=row.id, site_id=row.site_id, began_at=row.began_at, closed_at=row.closed_at,
        dropped=[
            DroppedView(parcel_id=one.id, company_id=one.company_id, waybill=one.waybill, weight_g=one.weight_g)
            for one in parcels
        ],
        result=row.result, refusals=list(REFUSALS),
    )  # fmt: skip
