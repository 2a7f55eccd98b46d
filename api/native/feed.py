"""What changed, in commit order: as pages and as a stream (API-07, API-09)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.form import View, problems
from api.native.paging import Limit
from api.native.stream import HIDDEN, LastEventId, Sent, parse_position, stream_log
from dispatch.parcels.repository import ParcelRepository
from kernel.events import LoggedEvent, events_after, last_position

router = APIRouter(tags=["events"])


class EventView(View):
    """One change; `fact_at` is when it happened, `committed_at` when we knew."""

    position: int
    kind: str
    subject: str
    fact_at: datetime
    committed_at: datetime
    body: dict[str, Any]


class EventPage(View):
    """Changes after a position; `next_after` continues, also when the page is empty."""

    items: list[EventView]
    next_after: int
    newest: int


@router.get("/events", responses=problems())
def list_events(
    services: ServicesDep,
    after: Annotated[int, Query(ge=0, description="Position after which to begin; 0 is the beginning.")] = 0,
    limit: Limit = 100,
    identity: Identity = allow("dispatcher", "admin"),
) -> EventPage:
    """Return changes in commit order, at least once each."""
    with services.database.read() as session:
        rows = events_after(session, after, limit)
        items = [EventView.model_validate(row) for row in _visible(session, rows, identity)]
        return EventPage(items=items, next_after=rows[-1].position if rows else after, newest=last_position(session))


@router.get("/stream", response_class=StreamingResponse, responses=problems())
def stream_events(
    request: Request,
    services: ServicesDep,
    last_event_id: LastEventId = None,
    identity: Identity = allow("dispatcher", "admin"),
) -> StreamingResponse:
    """Listen to changes as server-sent events; without `Last-Event-ID` it begins with what comes next."""
    with services.database.read() as session:
        newest = last_position(session)

    def read_after(position: int) -> Sequence[Sent]:
        with services.database.read() as session:
            rows = events_after(session, position, 200)
            shown = {row.position for row in _visible(session, rows, identity)}
            return [_sent(row) if row.position in shown else Sent(row.position, HIDDEN, None) for row in rows]

    start = newest if last_event_id is None else parse_position(last_event_id, newest)
    return stream_log(request, services.clock, read_after, start, newest)


def _visible(session: Session, rows: Sequence[LoggedEvent], identity: Identity) -> list[LoggedEvent]:
    """Leave out what happened in other regions than the login's own (API-15)."""
    if identity.region is None:
        return list(rows)
    parcel_ids = [row.subject.removeprefix("parcel:") for row in rows if row.subject.startswith("parcel:")]
    mine = {parcel.id for parcel in ParcelRepository(session).by_ids(parcel_ids) if parcel.region == identity.region}
    return [
        row for row in rows if row.body.get("region") == identity.region or row.subject.removeprefix("parcel:") in mine
    ]


def _sent(row: LoggedEvent) -> Sent:
    return Sent(row.position, row.kind, EventView.model_validate(row).model_dump(mode="json"))
