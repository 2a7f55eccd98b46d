"""Parcels: lists, and the ledger's answer to where one is."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Select, and_, or_, select

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.manifests import ManifestOrder
from api.native.form import View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.paging import DEFAULT_LIMIT, Cursor, Limit, cut_page, read_cursor, write_cursor
from api.native.scope import actor, check_region, company_scope
from dispatch.custody.model import CustodyStanding
from dispatch.custody.projection import CustodyFact
from dispatch.custody.whereabouts import Whereabouts, where_is
from dispatch.errors import ManifestMappingError, ParcelUnknownError
from dispatch.parcels.manifest.importer import ImportReport
from dispatch.parcels.model import Parcel
from dispatch.parcels.repository import ParcelRepository
from kernel.privacy import masked

router = APIRouter(tags=["parcels"])

_CURSOR = "parcels"
_MOST_PROBLEMS = 1_000


class ParcelView(View):
    """One piece; recipient and address are masked in lists."""

    id: str
    region: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    direction: Literal["deliver", "collect"]
    product: str
    recipient_name: str
    recipient_phone: str
    address: str
    place_id: str
    lon: float | None
    lat: float | None
    position_source: str
    position_confidence: str
    channel: Literal["door", "station", "cabinet"]
    channel_site_id: str | None
    weight_g: int
    volume_cm3: int
    due_day: date
    window_start_s: int | None
    window_end_s: int | None
    declared_value_fen: int
    cod_fen: int
    status: str
    custodian: str
    at: str
    since: datetime
    next_step: str
    next_on: date | None


class ParcelPage(View):
    """A page of parcels."""

    items: list[ParcelView]
    next_cursor: str | None


class RowProblemView(View):
    """Why one row was not taken; personal cells are masked."""

    line: int
    column: str
    code: str
    message: str
    value: str
    candidates: list[str]
    remedy: str


class ImportView(View):
    """What became of a manifest; at most the first 1,000 problems are listed."""

    import_id: str | None
    file_name: str
    file_format: str
    encoding: str | None
    mapping: dict[str, str]
    ignored_columns: list[str]
    rows_read: int
    added: int
    unchanged: int
    differing: int
    rejected: int
    companies_added: list[str]
    problem_count: int
    problems: list[RowProblemView]


class CustodyEventView(View):
    """One recorded fact."""

    event_id: str
    type: str
    fact_at: datetime
    received_at: datetime
    actor: str
    place: str | None
    from_custodian: str | None
    to_custodian: str | None
    cause: str | None
    next_action: str | None
    next_on: date | None
    corrects: str | None


class CustodyView(View):
    """The ledger's answer for one piece: where it is, who has it, since when, what next."""

    parcel_id: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    status: str
    where: str
    who: str
    since: datetime
    next_step: str
    next_on: date | None
    sentence_en: str
    sentence_zh: str
    history: list[CustodyEventView]


class CustodyAnswer(View):
    """Every piece under a waybill, or the one parcel of an id."""

    items: list[CustodyView]


@router.post("/parcels:import", response_model=ImportView, responses=problems(400, 404, 409, 413))
def import_parcels(
    request: Request,
    services: ServicesDep,
    file: Annotated[UploadFile, File(description="CSV (UTF-8 or GB18030) or XLSX.")],
    region: Annotated[str, Form(max_length=64)],
    day: Annotated[date | None, Form(description="Due day of rows that state none; today when absent.")] = None,
    mapping: Annotated[
        str | None, Form(max_length=4000, description="JSON object, our column to their header.")
    ] = None,
    company_id: Annotated[str | None, Form(max_length=32, description="Company of rows that state none.")] = None,
    register_companies: Annotated[bool, Form(description="Register companies that are new.")] = False,
    check_only: Annotated[bool, Form(description="Only report; store nothing.")] = False,
    trust_datum: Annotated[
        bool, Form(description="Take positions as declared although another datum fits them better.")
    ] = False,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Import a manifest: good rows are kept, bad ones come back with line, column, reason and remedy."""
    check_region(identity, region)
    data = file.file.read()
    order = ManifestOrder(
        region=region, actor=actor(identity), day=day, mapping=_read_mapping(mapping),
        register_companies=register_companies, default_company=company_id, check_only=check_only,
        trust_datum=trust_datum,
    )  # fmt: skip
    content = [hashlib.sha256(data).hexdigest(), order]
    turn = once(request, key, content, identity, services)

    def act() -> Answer:
        report = services.manifests.take_in(data, file.filename or "manifest", order)
        return answer(_import_view(report))

    return turn.around(act)


@router.get("/parcels", responses=problems(400, 404))
def list_parcels(
    services: ServicesDep,
    region: Annotated[str, Query(max_length=64)],
    day: Annotated[date | None, Query(description="Due on this day.")] = None,
    company_id: Annotated[str | None, Query(max_length=32)] = None,
    direction: Annotated[Literal["deliver", "collect"] | None, Query()] = None,
    status: Annotated[str | None, Query(max_length=24, description="Status by the custody ledger.")] = None,
    place_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    identity: Identity = allow("dispatcher", "admin", "station", "company_viewer"),
) -> ParcelPage:
    """List parcels of a region, in the order they became known."""
    check_region(identity, region)
    wanted = {
        Parcel.region: region, Parcel.due_day: day, Parcel.company_id: company_id, Parcel.direction: direction,
        Parcel.place_id: place_id, CustodyStanding.status: status,
    }  # fmt: skip
    query = _visible(identity).where(*(column == value for column, value in wanted.items() if value is not None))
    seen = read_cursor(_CURSOR, cursor)
    if seen is not None:
        query = query.where(Parcel.id > str(seen[0]))
    with services.database.read() as session:
        rows = session.execute(query.order_by(Parcel.id).limit(limit + 1)).all()
        page, more = cut_page(rows, limit)
        items = [_view(parcel, standing, in_clear=False) for parcel, standing in page]
    return ParcelPage(items=items, next_cursor=write_cursor(_CURSOR, items[-1].id) if more else None)


@router.get("/parcels/{parcel_id}", responses=problems(404))
def get_parcel(
    parcel_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "station", "company_viewer")
) -> ParcelView:
    """Describe one parcel, with its recipient in clear for those who deliver it."""
    with services.database.read() as session:
        found = session.execute(_visible(identity).where(Parcel.id == parcel_id)).first()
        if found is None or identity.region not in (None, found[0].region):
            raise ParcelUnknownError(f"no parcel is known as {parcel_id!r}", key=parcel_id)
        return _view(*found, in_clear=identity.role != "company_viewer")


@router.get("/parcels/{key}/custody", responses=problems(404))
def parcel_custody(
    key: str,
    services: ServicesDep,
    known_at: Annotated[datetime | None, Query(description="What the ledger had been told by then.")] = None,
    identity: Identity = allow("courier", "dispatcher", "station", "company_viewer", "admin"),
) -> CustodyAnswer:
    """Answer where a parcel is, who has it, since when, and what comes next; `key` is a waybill or an id."""
    with services.database.read() as session:
        answers = where_is(session, key, company_id=company_scope(identity), known_at=known_at)
        known = {parcel.id: parcel for parcel in ParcelRepository(session).by_ids(one.parcel_id for one in answers)}
        mine = [one for one in answers if _is_visible(identity, known[one.parcel_id])]
        if not mine:
            raise ParcelUnknownError(f"no parcel is known as {key!r}", key=key)
        return CustodyAnswer(items=[_custody(one) for one in mine])


def _import_view(report: ImportReport) -> ImportView:
    return ImportView(**report.as_dict(_MOST_PROBLEMS), problem_count=len(report.problems))


def _read_mapping(text: str | None) -> dict[str, str] | None:
    try:
        return TypeAdapter(dict[str, str]).validate_json(text) if text else None
    except ValidationError as problem:
        raise ManifestMappingError("form field mapping is not a JSON object of texts") from problem


def _visible(identity: Identity) -> Select[Parcel, CustodyStanding]:
    query = select(Parcel, CustodyStanding).join(CustodyStanding, CustodyStanding.parcel_id == Parcel.id)
    if identity.role == "company_viewer":
        return query.where(Parcel.company_id == identity.company_id)
    if identity.role == "station":
        held = f"site:{identity.site_id}"
        mine = and_(Parcel.channel_site_id == identity.site_id, Parcel.channel_site_id.is_not(None))
        return query.where(or_(mine, CustodyStanding.custodian == held))
    return query


def _is_visible(identity: Identity, parcel: Parcel) -> bool:
    if identity.region not in (None, parcel.region):
        return False
    return identity.role != "station" or (
        parcel.channel_site_id is not None and parcel.channel_site_id == identity.site_id
    )


def _view(parcel: Parcel, standing: CustodyStanding, *, in_clear: bool) -> ParcelView:
    fields: dict[str, Any] = {name: getattr(parcel, name) for name in ParcelView.model_fields if hasattr(parcel, name)}
    if not in_clear:
        fields["recipient_name"] = masked("name", parcel.recipient_name)
        fields["recipient_phone"] = masked("phone", parcel.recipient_phone)
        fields["address"] = masked("address", parcel.address)
    return ParcelView(
        **fields,
        status=standing.status,
        custodian=standing.custodian,
        at=standing.place,
        since=standing.since,
        next_step=standing.next_step,
        next_on=standing.next_on,
    )


def _custody(one: Whereabouts) -> CustodyView:
    return CustodyView(
        parcel_id=one.parcel_id,
        company_id=one.company_id,
        waybill=one.waybill,
        piece=one.piece,
        pieces=one.pieces,
        status=one.state.status,
        where=one.state.where,
        who=one.state.who,
        since=one.state.since,
        next_step=one.state.next_step,
        next_on=one.state.next_on,
        sentence_en=one.sentence("en"),
        sentence_zh=one.sentence("zh"),
        history=[_event(fact) for fact in one.history],
    )


def _event(fact: CustodyFact) -> CustodyEventView:
    return CustodyEventView.model_validate(fact)
