"""Counts of a station's stock: begin, scan, close."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor
from api.native.stations.limits import MOST_ITEMS, Text
from api.native.stations.site import id_or_key, must_be_of, site_of
from api.services import Services
from dispatch.stations.model import StationCount
from lockers.registry.model import Site

router = APIRouter(tags=["stations"])


class CountView(View):
    """A stock-take; `result` when it is signed."""

    id: str
    began_at: datetime
    closed_at: datetime | None
    expected: int
    seen: int
    zones: dict[str, list[str]]
    result: dict[str, Any] | None


class CountScan(Body):
    """What lies in which cell: waybill or parcel id by cell."""

    seen: dict[Text, Text] = Field(max_length=MOST_ITEMS, description="Cell by waybill or parcel id.")


@router.post("/stations/{site_id}/counts", response_model=CountView, responses=problems(400, 404, 409))
def begin_count(
    site_id: str,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station"),
) -> JSONResponse:
    """Begin a stock-take; the zones are lit and scanned one after the other."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        row = services.stations.counts.begin(session, site, actor(identity))
        return answer(_count_view(services, session, site, row), 201)

    return once(request, key, site_id, identity, services).together(act)


@router.post("/stations/{site_id}/counts/{count_id}:scan", response_model=CountView, responses=problems(400, 404, 409))
def scan_count(
    site_id: str,
    count_id: str,
    request: Request,
    body: CountScan,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station"),
) -> JSONResponse:
    """Take scans of a stock-take."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        must_be_of(services.stations.counts.get(session, count_id), site_id)
        seen = {id_or_key(session, site, name): cell for name, cell in body.seen.items()}
        row = services.stations.counts.scan(session, count_id, seen)
        return answer(_count_view(services, session, site, row))

    return once(request, key, body, identity, services).together(act)


@router.post("/stations/{site_id}/counts/{count_id}:close", response_model=CountView, responses=problems(400, 404, 409))
def close_count(
    site_id: str,
    count_id: str,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station"),
) -> JSONResponse:
    """Sign a stock-take: missing, surplus and wrong cells are listed, nothing is corrected."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        must_be_of(services.stations.counts.get(session, count_id), site_id)
        row, _ = services.stations.counts.close(session, count_id, actor(identity))
        return answer(_count_view(services, session, site, row))

    return once(request, key, count_id, identity, services).together(act)


def _count_view(services: Services, session: Session, site: Site, row: StationCount) -> CountView:
    return CountView(
        id=row.id, began_at=row.began_at, closed_at=row.closed_at, expected=len(row.book), seen=len(row.seen),
        zones={zone: list(cells) for zone, cells in services.stations.counts.zones(session, site).items()},
        result=row.result,
    )  # fmt: skip
