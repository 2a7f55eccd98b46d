"""Sort plans: chutes, bags and loading positions of what is published, and the answer to a scan at the table."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.responses import JSONResponse as Json
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.etag import etag_of, json_with_etag
from api.native.fleet import RegionQuery
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor, check_region
from dispatch.sorting.chutes import ChuteTable, read_chutes
from dispatch.sorting.exports import sort_plan_csv, sort_plan_json
from dispatch.sorting.manifest import manifest_html
from dispatch.sorting.scanning import GO, ScanAnswer, answer_scan
from dispatch.sorting.tables import chutes_in_force, keep_chutes

router = APIRouter(tags=["sorting"])


class BagView(View):
    """A bag; `bag_order` 1 goes into the vehicle first and lies deepest."""

    code: str
    kind: Literal["plain", "listed", "cold"]
    bag_order: int
    parcels: int
    weight_g: int
    volume_cm3: int
    stop_labels: list[int]


class SortRouteView(View):
    """One vehicle's share of the sorting table, its bags in the order of loading."""

    number: int
    vehicle_id: str
    plate: str
    courier: str
    start_s: int
    wave: int
    chute: str
    parcels: int
    bags: list[BagView]


class SortPlanView(View):
    """How the version in force is sorted; `walked_m` is the way from the scanner to the chutes over all parcels."""

    region: str
    day: date
    zone: str
    plan_id: str
    version_id: str
    version_number: int
    published_at: datetime
    table_from: date
    waves: int
    walked_m: int
    parcels: int
    routes: list[SortRouteView]


class SortedParcelView(View):
    """A parcel's way into its vehicle; `stop_label` is the number printed on it, which stays."""

    parcel_id: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    route: int
    vehicle_id: str
    wave: int
    chute: str
    bag: str
    bag_kind: Literal["plain", "listed", "cold"]
    bag_order: int
    load_order: int
    stop_label: int
    stop_position: int
    stop_name: str
    place_id: str
    weight_g: int
    expires_s: int | None


class ScanView(View):
    """What the table says to a scan: `go` is true when the parcel goes into its route's chute."""

    code: str
    outcome: str
    go: bool
    chute: str
    sentence_zh: str
    sentence_en: str
    params: dict[str, Any]
    parcel_id: str | None
    parcel: SortedParcelView | None


class ChuteEntry(Body):
    """One chute; `distance_m` is the walk from the scanner to it."""

    id: str = Field(max_length=12)
    purpose: Literal["route", "cold", "rest", "reject"] = "route"
    distance_m: int = Field(ge=0, le=1000)


class BagEntry(Body):
    """How large a bag may grow."""

    most_parcels: int = Field(default=40, ge=1, le=1000)
    most_weight_g: int = Field(default=25_000, ge=1, le=1_000_000)
    most_volume_cm3: int = Field(default=120_000, ge=1, le=10_000_000)


class ChuteTableForm(Body):
    """A chute table from a day on."""

    region: str = Field(max_length=64)
    valid_from: date
    bag: BagEntry = BagEntry()
    chute: list[ChuteEntry] = Field(min_length=2, max_length=500)


class ChuteTableView(View):
    """The chute table in force on a day; number 0 comes with Cunda."""

    region: str
    number: int
    valid_from: date
    bag: dict[str, int]
    chute: list[dict[str, Any]]


@router.get("/sorting/plan", response_model=SortPlanView, responses=problems(304, 404, 409))
def get_sort_plan(
    request: Request,
    services: ServicesDep,
    region: RegionQuery,
    day: date,
    identity: Identity = allow("dispatcher", "admin"),
) -> Response:
    """Describe how the version in force is sorted: chute and bags of every route."""
    check_region(identity, region)
    plan = services.sorting.sort_plan(region, day)
    return json_with_etag(request, SortPlanView.model_validate(plan.as_dict()))


@router.get(
    "/sorting/export",
    response_class=Response,
    responses=problems(404, 409) | {200: {"content": {"text/csv": {}, "application/json": {}, "application/pdf": {}}}},
)
def export_sort_plan(
    services: ServicesDep,
    region: RegionQuery,
    day: date,
    form: Annotated[Literal["csv", "json", "pdf"], Query(description="Kind of file.")] = "csv",
    identity: Identity = allow("dispatcher", "admin"),
) -> Response:
    """Download the sort plan: one line for each parcel, everything as JSON, or sheets and labels to print."""
    check_region(identity, region)
    plan = services.sorting.sort_plan(region, day)
    name = f'attachment; filename="sort-{region}-{day}.{form}"'
    if form == "json":
        return Json(sort_plan_json(plan), headers={"Content-Disposition": name})
    if form == "csv":
        text = sort_plan_csv(plan).encode("utf-8-sig")
        return Response(text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})
    from dispatch.sorting.printing import sort_plan_pdf

    file = sort_plan_pdf(plan)
    shown = {"Content-Disposition": name.replace("attachment", "inline")}
    return Response(file, media_type="application/pdf", headers=shown)


@router.get("/sorting/manifest", response_class=HTMLResponse, responses=problems(404, 409))
def route_manifest(
    services: ServicesDep,
    region: RegionQuery,
    day: date,
    route: Annotated[int, Query(ge=1, description="Number of the route.")],
    language: Literal["zh", "en"] = "zh",
    identity: Identity = allow("dispatcher", "admin"),
) -> HTMLResponse:
    """Return a route's manifest as a page to print: loading order, stops, barcodes; it needs no JavaScript."""
    check_region(identity, region)
    with services.database.read() as session:
        page = manifest_html(services.sorting.manifest(session, region, day, route), language)
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"})


@router.get("/sorting/scan", responses=problems(404, 409))
def scan(
    services: ServicesDep,
    region: RegionQuery,
    day: date,
    code: Annotated[str, Query(min_length=1, max_length=80, description="What the scanner read.")],
    wave: Annotated[int | None, Query(ge=1, description="The wave being sorted; all at once when absent.")] = None,
    at: Annotated[str | None, Query(max_length=12, description="The chute being checked; absent at the table.")] = None,
    identity: Identity = allow("dispatcher", "courier", "admin"),
) -> ScanView:
    """Answer where a scanned parcel goes, or clearly why it goes nowhere."""
    check_region(identity, region)
    with services.database.read() as session:
        _, index = services.sorting.look(session, region, day)
        found = answer_scan(session, index, code, wave=wave, at_chute=at)
    return _scan_view(found)


def _scan_view(found: ScanAnswer) -> ScanView:
    return ScanView(
        code=found.code,
        outcome=found.outcome.value,
        go=found.outcome in GO,
        chute=found.chute,
        sentence_zh=found.sentence("zh"),
        sentence_en=found.sentence("en"),
        params=dict(found.params),
        parcel_id=found.parcel_id,
        parcel=None if found.parcel is None else SortedParcelView(**found.parcel.as_dict()),
    )


@router.get("/sorting/chutes", response_model=ChuteTableView, responses=problems(304, 404))
def get_chutes(
    request: Request,
    services: ServicesDep,
    region: RegionQuery,
    day: date,
    identity: Identity = allow("dispatcher", "courier", "admin"),
) -> Response:
    """Describe the chute table of a day."""
    check_region(identity, region)
    with services.database.read() as session:
        number, table = chutes_in_force(session, region, day)
    view = _table_view(region, number, table)
    return json_with_etag(request, view, etag_of(view))


@router.post("/sorting/chutes", status_code=201, response_model=ChuteTableView, responses=problems(400, 404, 409, 422))
def load_chute_table(
    body: ChuteTableForm,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> Response:
    """Give a region another chute table from a day on; a table that contradicts itself changes nothing."""
    check_region(identity, body.region)
    services.regions.load(body.region)
    table = read_chutes(body.model_dump(mode="json", exclude={"region"}))

    def act(session: Session) -> Answer:
        now = services.clock.now()
        number = keep_chutes(session, body.region, table, actor=actor(identity), now=now)
        return answer(_table_view(body.region, number, table), 201)

    return once(request, key, body, identity, services).together(act)


def _table_view(region: str, number: int, table: ChuteTable) -> ChuteTableView:
    content = table.model_dump(mode="json")
    return ChuteTableView(region=region, number=number, **content)
