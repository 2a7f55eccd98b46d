"""What a courier's handheld asks for and reports. The courier is always the one who is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, Field, ValidationError, WithJsonSchema

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.errors import EventConflictError, InvalidRequestError, NoCourierError
from api.native.etag import json_with_etag
from api.native.form import Body, View, problems
from api.native.lateness import watch_courier
from api.problems import field_problem, problem_body
from api.services import Services
from dispatch.plans.courier import courier_route
from dispatch.plans.outcomes import OutcomeReport, report_outcome
from dispatch.promises.clocks import area_classes
from kernel.errors import CundaError, UnavailableError

router = APIRouter(tags=["courier"])

MOST_EVENTS = 500


class OutcomeForm(Body):
    """One fact about one parcel, made on the handheld; equal on every retry.

    `fact_at` is the moment by the handheld's clock, corrected by the offset it knew when it happened.
    """

    event_id: str = Field(pattern=r"^[0-9a-fA-F-]{36}$", description="UUIDv7, made at the act.")
    kind: Literal["loaded", "departed", "delivered", "deposited", "attempted", "collected", "returned"]
    parcel_id: str = Field(min_length=1, max_length=36)
    day: date = Field(description="Day of the plan the courier drives by.")
    fact_at: AwareDatetime
    cause: str | None = Field(default=None, max_length=40, description="Why an attempt failed.")
    next_action: Literal["redeliver", "self_pickup", "hold", "forward", "redirect", "return", "investigate"] | None = (
        None
    )
    next_on: date | None = None
    amount_fen: int | None = Field(default=None, ge=0)
    means: str | None = Field(default=None, max_length=24)
    store: str | None = Field(default=None, max_length=36, description="Id of this installation's outbox.")
    seq: int | None = Field(default=None, ge=1, description="Place in the outbox, rising.")
    device_at: AwareDatetime | None = Field(default=None, description="The handheld's clock, uncorrected.")
    clock_offset_ms: int | None = None
    plan_version_id: str | None = Field(default=None, max_length=36)
    evidence: list[Annotated[str, Field(max_length=80)]] = Field(
        default_factory=list, max_length=20, description="Digests of photos and signatures that follow."
    )


_FORM_SCHEMA = OutcomeForm.model_json_schema()


class OutcomeBatch(Body):
    """A handheld's waiting rows, oldest first; a malformed row is refused by itself and holds up no other."""

    events: list[Annotated[dict[str, Any], WithJsonSchema(_FORM_SCHEMA)]] = Field(min_length=1, max_length=MOST_EVENTS)
    uploaded_at: AwareDatetime | None = Field(default=None, description="The handheld's clock at sending.")


class OutcomeResult(View):
    """What became of one row: it may be forgotten only when it is `stored` or `duplicate` (HH-03)."""

    index: int
    event_id: str | None
    outcome: Literal["stored", "duplicate", "rejected"]
    problem: dict[str, Any] | None = None


class OutcomeAnswer(View):
    """An answer for every row sent."""

    items: list[OutcomeResult]
    received_at: datetime


class CourierParcelView(View):
    """A parcel at a stop; name and phone are masked."""

    id: str
    direction: Literal["deliver", "collect"]
    company_id: str
    waybill: str
    piece: int
    pieces: int
    product: str
    recipient_name: str
    recipient_phone: str
    address: str
    consent: bool
    cod_fen: int
    declared_value_fen: int
    weight_g: int
    status: str
    products: list[str]
    evidence: dict[str, Literal["enabled", "warn", "required"]] = Field(
        description="What has to be shown at this stop, by kind of evidence."
    )
    bring: list[str] = Field(description="What the courier must or should have along.")
    deadline_at: datetime | None


class CourierStopView(View):
    """A stop in the order of driving; `label` is the number on the parcels and stays."""

    id: str
    key: str
    position: int
    label: int
    kind: str
    name: str
    place_id: str
    site_id: str | None
    lon: float
    lat: float
    position_source: str
    arrival_s: int
    start_s: int
    departure_s: int
    arrival: datetime
    start: datetime
    departure: datetime
    windows: list[list[datetime]]
    leg_distance_m: int
    leg_time_s: int
    done: bool
    parcels: list[CourierParcelView]


class RouteChangeView(View):
    """One change against the route the courier saw before."""

    kind: Literal["stop_added", "stop_removed", "parcels_added", "parcels_removed", "order_moved", "eta_moved"]
    stop_key: str
    label: int
    name: str
    parcel_ids: list[str]
    shift_s: int


class CourierRouteView(View):
    """A courier's day: stops in order, parcels, times, line on the map, changes."""

    region: str
    day: date
    zone: str
    plan_id: str
    version_id: str
    version_number: int
    route_id: str
    number: int
    courier_id: str
    courier_name: str
    vehicle_id: str
    plate: str
    vehicle_type: str
    start_s: int
    end_s: int
    start: datetime
    end: datetime
    distance_m: int
    driving_s: int
    source: str
    start_load: dict[str, int]
    peak_load: dict[str, int]
    geometry: dict[str, Any] | None
    stops: list[CourierStopView]
    changes: list[RouteChangeView]
    etag: str


@router.get("/courier/route", responses=problems(304, 404), response_model=CourierRouteView)
def pull_route(
    request: Request,
    services: ServicesDep,
    day: date,
    seen: Annotated[
        str | None, Query(max_length=36, description="`version_id` seen last; `changes` are against it.")
    ] = None,
    identity: Identity = allow("courier"),
) -> Response:
    """Pull the day's route; with If-None-Match it is sent only when it changed."""
    with services.database.read() as session:
        route = courier_route(
            session,
            courier_of(identity),
            day,
            seen_version_id=seen,
            areas=lambda region: area_classes(services.regions.load(region)),
        )
    return json_with_etag(request, route.as_dict(), f'"{route.etag}"')


def courier_of(identity: Identity) -> str:
    """Return the courier a login acts for.

    Raises
    ------
    NoCourierError
        If the login is linked to none.
    """
    if identity.courier_id is None:
        raise NoCourierError(f"user {identity.username} is linked to no courier")
    return identity.courier_id


@router.post("/courier/events", responses=problems(413, 503))
def report_events(body: OutcomeBatch, services: ServicesDep, identity: Identity = allow("courier")) -> OutcomeAnswer:
    """Take in what a courier did; each row is committed by itself before it is named as stored (HH-05)."""
    courier_id = courier_of(identity)
    now = services.clock.now()
    items = [_take(services, courier_id, index, row, body.uploaded_at) for index, row in enumerate(body.events)]
    days = [_day_of(body.events[item.index]) for item in items if item.outcome == "stored"]
    if days:
        watch_courier(services, courier_id, days)
    return OutcomeAnswer(items=items, received_at=now)


def _day_of(row: Mapping[str, Any]) -> date:
    return date.fromisoformat(str(row["day"])[:10])


def _take(
    services: Services, courier_id: str, index: int, row: Mapping[str, Any], uploaded_at: datetime | None
) -> OutcomeResult:
    named = row.get("event_id")
    event_id = named if isinstance(named, str) else None
    try:
        form = OutcomeForm.model_validate(row)
        with services.database.begin() as session:
            appended = report_outcome(session, services.ledger, courier_id, _report(form, courier_id, uploaded_at))
        if appended.outcome == "conflict":
            raise EventConflictError(f"event {event_id} is stored with another content", event_id=event_id)
    except ValidationError as problem:
        fields = [field_problem({**entry, "loc": ("body", *entry["loc"])}) for entry in problem.errors()]
        refused = InvalidRequestError(f"{fields[0]['pointer'] or '/'}: {fields[0]['message']}", count=len(fields))
        return _rejected(index, event_id, problem_body(refused, event_id or "-", fields))
    except UnavailableError:
        raise  # nothing is wrong with the row: the handheld must keep it and try again
    except CundaError as problem:
        return _rejected(index, event_id, problem_body(problem, event_id or "-"))
    return OutcomeResult(index=index, event_id=event_id, outcome=appended.outcome)


def _rejected(index: int, event_id: str | None, problem: dict[str, Any]) -> OutcomeResult:
    return OutcomeResult(index=index, event_id=event_id, outcome="rejected", problem=problem)


def _report(form: OutcomeForm, courier_id: str, uploaded_at: datetime | None) -> OutcomeReport:
    return OutcomeReport(
        event_id=form.event_id.lower(),
        kind=form.kind,
        parcel_id=form.parcel_id,
        day=form.day,
        fact_at=form.fact_at,
        cause=form.cause,
        next_action=form.next_action,
        next_on=form.next_on,
        amount_fen=form.amount_fen,
        means=form.means,
        # The outbox belongs to the courier who is logged in: nobody can take a place in another's.
        device_id=f"handheld:{courier_id}"[:64] if form.store is not None else None,
        store=form.store,
        seq=form.seq,
        device_at=form.device_at,
        uploaded_at=uploaded_at,
        clock_offset_ms=form.clock_offset_ms,
        plan_version_id=form.plan_version_id,
        body={"evidence": form.evidence} if form.evidence else {},
    )
