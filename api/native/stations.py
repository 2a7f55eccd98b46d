"""A station's counter and its 24-hour side: search, scan-in, take-out, cells, overdue, counts, visits, vehicles."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.etag import IfMatch, check_if_match
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.paging import DEFAULT_LIMIT, Cursor, Limit, cut_page, read_cursor, write_cursor
from api.native.scope import actor
from api.problems import problem_body
from api.services import Services
from dispatch.custody.events import NewCustodyEvent
from dispatch.errors import ParcelUnknownError
from dispatch.parcels.model import Parcel
from dispatch.stations.cells import DepositCheck, Deposited, parcels_named
from dispatch.stations.codes import Presented
from dispatch.stations.docks import differences
from dispatch.stations.errors import StationStateError, UnknownCodeError, UnknownPassError
from dispatch.stations.model import (
    EntryPass,
    StationCell,
    StationCode,
    StationCount,
    StationDock,
    StationFact,
    StationVisit,
)
from dispatch.stations.search import search
from dispatch.stations.visits import Admission, mine_at, require_station
from kernel.errors import CundaError, UnavailableError
from lockers.codes import CodeKind
from lockers.compartments import CompartmentSize
from lockers.dock import DockManifest
from lockers.errors import UnknownSiteError
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository

router = APIRouter(tags=["stations"])

MOST_ITEMS = 500
Text = Annotated[str, Field(min_length=1, max_length=80)]
Size = Literal["S", "M", "L", "XL"]


class CandidateView(View):
    """A parcel a search may mean, of any company; name and phone are masked."""

    parcel_id: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    direction: str
    recipient_name: str
    recipient_phone: str
    status: str
    next_step: str
    cell: str | None
    book: str | None
    stored_at: datetime | None
    charge_fen: int


class CandidateList(View):
    """What a search found; several recipients may share a phone's last digits."""

    items: list[CandidateView]


class CellView(View):
    """One cell: its book from events, door and inside from sensors; `version` is its ETag."""

    cell: str
    size: str
    locked: bool
    book: str
    door: str
    occupancy: str
    parcel_id: str | None
    stored_at: datetime | None
    reserved_until: datetime | None
    stage: str
    doubts: list[str]
    version: int


class StationAlarmView(View):
    """One alarm per cause."""

    kind: str
    subject: str
    opened_at: datetime
    last_at: datetime
    count: int


class StationView(View):
    """A site with its cells and what stands open there."""

    site_id: str
    kind: str
    name: str
    cells: list[CellView]
    alarms: list[StationAlarmView]
    inside: int
    policy_version: int


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


class DepositItem(Body):
    """One parcel at the counter: a waybill or id, and what was seen of it."""

    key: Text = Field(description="Waybill or parcel id.")
    damaged: bool = False
    weighed_g: int | None = Field(default=None, gt=0)
    size: Size | None = None
    agreement_reference: str | None = Field(
        default=None, max_length=80, description="The sender's agreement; a fresh or valuable parcel needs one."
    )


class DepositBatch(Body):
    """Parcels scanned in one after the other; each is stored or refused by itself."""

    items: list[DepositItem] = Field(min_length=1, max_length=MOST_ITEMS)


class DepositResult(View):
    """What became of one parcel."""

    index: int
    key: str
    outcome: Literal["stored", "opening", "refused"]
    parcel_id: str | None = None
    cell: str | None = None
    problem: dict[str, Any] | None = None


class DepositAnswer(View):
    """An answer for every parcel."""

    items: list[DepositResult]


class TakeOutForm(Body):
    """A code, or a parcel the keeper hands over after an identity check."""

    digits: str | None = Field(default=None, pattern=r"^[0-9]{8}$")
    parcel_id: str | None = Field(default=None, max_length=36)
    identity_reference: str | None = Field(
        default=None, max_length=80, description="Reference of the identity check; needed without a code."
    )


class TakenView(View):
    """What was opened or handed over."""

    parcel_id: str
    cell: str
    outcome: Literal["collected", "opening", "fetched_back"]


class DecisionForm(Body):
    """A person's decision about a cell."""

    decision: Literal["block", "clear", "settle_free", "settle_stored", "settle_blocked"]
    reason: Text


class ConsentForm(Body):
    """The recipient's consent to a station or cabinet: who agreed, through what, for how much."""

    parcel_id: str = Field(max_length=36)
    reference: Text
    means: Literal["phone", "app", "message", "in_person"]
    scope: Literal["parcel", "all"] = "parcel"


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


# --- the counter ----------------------------------------------------------------------------------------------


@router.get("/stations/{site_id}", responses=problems(404))
def get_station(
    site_id: str, services: ServicesDep, identity: Identity = allow("station", "dispatcher", "admin")
) -> StationView:
    """Describe a site: its cells, who is inside, which alarms stand."""
    with services.database.read() as session:
        site = site_of(session, identity, site_id)
        cells = services.stations.cells.cells(session, site)
        return StationView(
            site_id=site.id, kind=site.kind, name=site.name, cells=[CellView.model_validate(row) for row in cells],
            alarms=[StationAlarmView.model_validate(one) for one in services.stations.journal.alarms(session, site.id)],
            inside=len(services.stations.visits.present(session, site.id)),
            policy_version=services.stations.policies.of(site.region).version,
        )  # fmt: skip


@router.get("/stations/{site_id}/parcels", responses=problems(404))
def search_station(
    site_id: str,
    services: ServicesDep,
    q: Annotated[str, Query(max_length=40, description="Part of a waybill, or a phone's last digits.")] = "",
    identity: Identity = allow("station", "dispatcher"),
) -> CandidateList:
    """Find parcels of all companies at this station or on their way to it; several may fit a phone's last digits."""
    with services.database.read() as session:
        site = site_of(session, identity, site_id)
        found = search(session, site, q, services.stations.policies, services.clock.now())
        return CandidateList(items=[CandidateView.model_validate(one) for one in found])


@router.post("/stations/{site_id}:deposit", response_model=DepositAnswer, responses=problems(400, 404, 409))
def deposit_parcels(
    site_id: str,
    request: Request,
    body: DepositBatch,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher", "courier"),
) -> JSONResponse:
    """Scan parcels in: consent and condition are checked, a cell is assigned; each parcel is committed by itself."""
    with services.database.read() as session:
        site_of(session, identity, site_id)

    def act() -> Answer:
        items = [_deposit(services, identity, site_id, index, item) for index, item in enumerate(body.items)]
        return answer(DepositAnswer(items=items))

    return once(request, key, body, identity, services).around(act)


@router.post("/stations/{site_id}/cells/{cell}:deposited", response_model=DepositResult, responses=problems(404, 409))
def say_deposited(
    site_id: str,
    cell: str,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher", "courier"),
) -> JSONResponse:
    """Say that a parcel lies in a box without a sensor inside, after its door was seen open and shut."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        done = services.stations.cells.deposit_said(session, site_id, cell, actor(identity))
        return answer(DepositResult(index=0, key=cell, outcome="stored", parcel_id=done.parcel_id, cell=done.cell))

    return once(request, key, [site_id, cell], identity, services).together(act)


@router.post("/stations/{site_id}:take-out", response_model=TakenView, responses=problems(400, 404, 409, 429))
def take_out(
    site_id: str,
    request: Request,
    body: TakeOutForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher", "courier"),
) -> JSONResponse:
    """Open the cell a code is for, or hand a parcel over after an identity check; wrong codes are counted."""
    kinds = (CodeKind.COURIER,) if identity.role == "courier" else (CodeKind.PICK_UP, CodeKind.PROXY)
    with services.database.read() as session:
        site_of(session, identity, site_id)
    if (body.digits is None) == (body.parcel_id is None):
        raise StationStateError("give either the digits of a code or a parcel", field="digits")

    def act() -> Answer:
        if body.parcel_id is not None:
            return answer(_hand_over(services, identity, site_id, body))
        return answer(_open_by_code(services, identity, site_id, str(body.digits), kinds))

    return once(request, key, body, identity, services).around(act)


@router.post("/stations/{site_id}:consent", response_model=CandidateList, responses=problems(400, 404))
def record_consent(
    site_id: str,
    request: Request,
    body: ConsentForm,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Record that a recipient agrees to this station: who, when, through what and for how much (LAW-01, LAW-02)."""

    def act(session: Session) -> Answer:
        site = site_of(session, identity, site_id)
        parcel = _parcel(session, site, body.parcel_id)
        now = services.clock.now()
        told = NewCustodyEvent(
            type="consent_given", fact_at=now, actor=actor(identity), parcel_id=parcel.id,
            consent_reference=body.reference, place=None, body={"means": body.means, "scope": body.scope},
        )  # fmt: skip
        services.ledger.append(session, told)
        found = search(session, site, parcel.id, services.stations.policies, now)
        return answer(CandidateList(items=[CandidateView.model_validate(one) for one in found]))

    return once(request, key, body, identity, services).together(act)


@router.post("/stations/{site_id}/cells/{cell}:decide", response_model=CellView, responses=problems(404, 409, 412, 428))
def decide_cell(
    site_id: str,
    cell: str,
    request: Request,
    body: DecisionForm,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("station", "dispatcher"),
) -> JSONResponse:
    """Block a cell, clear it, or settle a dispute, with a reason; decided on the version that was seen."""

    def act(session: Session) -> Answer:
        site_of(session, identity, site_id)
        row = services.stations.cells.cell(session, site_id, cell)
        check_if_match(if_match, f'"{row.version}"')
        row = services.stations.cells.decide(session, site_id, cell, body.decision, actor(identity), body.reason)
        return answer(CellView.model_validate(row), ETag=f'"{row.version}"')

    return once(request, key, [body, if_match], identity, services).together(act)


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

    return _with_digits(services, once(request, key, body, identity, services).together(act))


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

    return _with_digits(services, once(request, key, body, identity, services).together(act))


# --- counts ---------------------------------------------------------------------------------------------------


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
        _own(services.stations.counts.get(session, count_id), site_id)
        seen = {_named(session, site, name): cell for name, cell in body.seen.items()}
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
        _own(services.stations.counts.get(session, count_id), site_id)
        row, _ = services.stations.counts.close(session, count_id, actor(identity))
        return answer(_count_view(services, session, site, row))

    return once(request, key, count_id, identity, services).together(act)


# --- visits ---------------------------------------------------------------------------------------------------


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

    return _with_key(services, once(request, key, body, identity, services).together(act))


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
        _own(desk.visit(session, visit_id), site_id)
        if body.event == "scan":
            told = desk.take(session, visit_id, str(body.parcel_id))
        elif body.event == "exit_scan":
            told = desk.leave_scan(session, visit_id, frozenset(body.carried), actor(identity))
        else:
            told = desk.step(session, visit_id, body.event, actor(identity))
        return answer(VisitView.model_validate(told.visit).model_copy(update={"facts": list(told.facts)}))

    return once(request, key, body, identity, services).together(act)


# --- vehicles -------------------------------------------------------------------------------------------------


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

    return _with_run_code(services, once(request, key, body, identity, services).together(act))


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
        _own(services.stations.docks.get(session, dock_id), site_id)
        row, answered = _step_dock(services, session, dock_id, body, actor(identity))
        return answer(_dock_view(row, station_proof=answered))

    return once(request, key, body, identity, services).together(act)


# --- inside ---------------------------------------------------------------------------------------------------


def site_of(session: Session, identity: Identity, site_id: str) -> Site:
    """Return a site the caller may deal with.

    Raises
    ------
    UnknownSiteError
        If there is none, it lies in another region, or it is another keeper's: what is not theirs does not exist.
    """
    site = SiteRepository(session).get(site_id)
    foreign = identity.region is not None and identity.region != site.region
    if foreign or (identity.role == "station" and identity.site_id != site_id):
        raise UnknownSiteError(f"there is no site {site_id}", site=site_id)
    return site


def _own(row: StationVisit | StationDock | StationCount, site_id: str) -> None:
    if row.site_id != site_id:
        raise UnknownSiteError(f"site {site_id} has nothing of this id", site=site_id)


def _parcel(session: Session, site: Site, key: str) -> Parcel:
    found = parcels_named(session, site.region, key)
    if not found:
        raise ParcelUnknownError(f"no parcel is known as {key!r}", key=key)
    if len(found) > 1:
        raise StationStateError(
            f"{len(found)} parcels are known as {key}: name one by its id",
            remedy="Search for it and choose the parcel.",
            candidates=[parcel.id for parcel in found],
        )
    return found[0]


def _named(session: Session, site: Site, key: str) -> str:
    found = parcels_named(session, site.region, key)
    return found[0].id if found else key


def _deposit(services: Services, identity: Identity, site_id: str, index: int, item: DepositItem) -> DepositResult:
    try:
        with services.database.begin() as session:
            site = site_of(session, identity, site_id)
            parcel = _parcel(session, site, item.key)
            check = DepositCheck(
                item.damaged, item.weighed_g, None if item.size is None else CompartmentSize(item.size), None,
                item.agreement_reference,
            )  # fmt: skip
            done: Deposited = services.stations.cells.deposit(session, site, parcel, check, actor(identity))
            return DepositResult(
                index=index, key=item.key, outcome="stored" if done.book == "stored" else "opening",
                parcel_id=done.parcel_id, cell=done.cell,
            )  # fmt: skip
    except UnavailableError:
        raise
    except CundaError as problem:
        return DepositResult(index=index, key=item.key, outcome="refused", problem=problem_body(problem, item.key))


def _open_by_code(
    services: Services, identity: Identity, site_id: str, digits: str, kinds: tuple[CodeKind, ...]
) -> TakenView:
    account = f"account:{identity.user_id}"
    refused: Presented | None = None
    with services.database.begin() as session:
        rules = services.stations.cells.policy(session, site_id).guess_rules
        presented = services.stations.codes.present(session, kinds, site_id, digits, account, rules)
        if presented.code is None:
            services.stations.journal.note(
                session, site_id, "code.refused", actor(identity), verdict=presented.verdict.value
            )
            refused = presented
        else:
            who = actor(identity) if CodeKind.COURIER in kinds else "recipient:code"
            row = services.stations.cells.open_for(session, presented.code, who)
            return _taken(row, presented.code.parcel_id, returning=CodeKind.COURIER in kinds)
    refused.must_open()  # the wrong code is committed; now it is told
    raise AssertionError  # must_open has raised


def _hand_over(services: Services, identity: Identity, site_id: str, body: TakeOutForm) -> TakenView:
    if not body.identity_reference or identity.role != "station":
        raise StationStateError("without a code the keeper names the identity check", field="identity_reference")
    with services.database.begin() as session:
        row = services.stations.cells.hand_over(
            session, site_id, str(body.parcel_id), actor(identity), {"identity": body.identity_reference}
        )
        return _taken(row, str(body.parcel_id), returning=False)


def _taken(row: StationCell, parcel_id: str, *, returning: bool) -> TakenView:
    done: Literal["collected", "fetched_back"] = "fetched_back" if returning else "collected"
    return TakenView(parcel_id=parcel_id, cell=row.cell, outcome=done if row.book == "free" else "opening")


def _code_view(code: StationCode) -> dict[str, Any]:
    return {"code_id": code.id, "parcel_id": code.parcel_id, "cell": code.cell, "valid_to": code.valid_to}


def _with_digits(services: Services, made: JSONResponse) -> JSONResponse:
    """Add a code's digits to an answer; the answer kept for repeats holds none."""
    with services.database.read() as session:
        code = session.get_one(StationCode, _body(made)["code_id"])
        return _extended(made, {"digits": services.stations.codes.digits(code)})


def _with_key(services: Services, made: JSONResponse) -> JSONResponse:
    """Add a pass's key to an answer; the answer kept for repeats holds none."""
    with services.database.read() as session:
        key = services.stations.visits.pass_key(session.get_one(EntryPass, _body(made)["pass_id"]))
    return _extended(made, {"key_base32": base64.b32encode(key).decode().rstrip("=")})


def _with_run_code(services: Services, made: JSONResponse) -> JSONResponse:
    with services.database.read() as session:
        row = session.get_one(StationDock, _body(made)["id"])
        return _extended(made, {"code": services.stations.docks.code(row)})


def _body(made: JSONResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(made.body))
    return found


def _extended(made: JSONResponse, more: dict[str, Any]) -> JSONResponse:
    replayed = {name: value for name, value in made.headers.items() if name == "idempotency-replayed"}
    return JSONResponse(_body(made) | more, status_code=made.status_code, headers=replayed)


def _count_view(services: Services, session: Session, site: Site, row: StationCount) -> CountView:
    return CountView(
        id=row.id, began_at=row.began_at, closed_at=row.closed_at, expected=len(row.book), seen=len(row.seen),
        zones={zone: list(cells) for zone, cells in services.stations.counts.zones(session, site).items()},
        result=row.result,
    )  # fmt: skip


def _admitted(found: Admission, view: VisitView | None) -> VisitView:
    if found.full:
        raise StationStateError("the station is full; wait until somebody leaves", reason="full")
    Presented(found.verdict, locked_s=found.locked_s).must_open() if view is None else None
    assert view is not None
    return view


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
