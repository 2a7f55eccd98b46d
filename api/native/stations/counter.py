"""A station's counter: what lies where, search, scan in, hand out, consent, and cells a person decides about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.etag import IfMatch, check_if_match
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.scope import actor
from api.native.stations.limits import MOST_ITEMS, Text
from api.native.stations.site import parcel_named, site_of
from api.problems import problem_body
from api.services import Services
from dispatch.custody.events import NewCustodyEvent
from dispatch.stations.cells import DepositCheck, Deposited
from dispatch.stations.codes import Presented
from dispatch.stations.errors import StationStateError
from dispatch.stations.model import StationCell
from dispatch.stations.search import search
from kernel.errors import CundaError, UnavailableError
from lockers.codes import CodeKind
from lockers.compartments import CompartmentSize

router = APIRouter(tags=["stations"])
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
        parcel = parcel_named(session, site, body.parcel_id)
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


def _deposit(services: Services, identity: Identity, site_id: str, index: int, item: DepositItem) -> DepositResult:
    try:
        with services.database.begin() as session:
            site = site_of(session, identity, site_id)
            parcel = parcel_named(session, site, item.key)
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
