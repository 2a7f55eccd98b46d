"""Drafts of plans: open, edit, take back, compare, re-optimise, explain, save. A program may do all a screen does."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.etag import IfMatch, check_if_match, json_with_etag
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.operations import OperationView
from api.native.plans import VersionView
from api.native.scope import actor
from api.native.starting import started
from api.operations.service import RunningOperation, Work
from api.services import Services
from api.solving import heard_by
from dispatch.plans.board import Board
from dispatch.plans.difference import Budget
from dispatch.plans.drafts import DraftView, Who
from dispatch.plans.dynamic import optimise
from dispatch.plans.edits import EDITS, worsened
from dispatch.plans.errors import DraftNotFoundError
from dispatch.plans.figures import figures_of, route_of, touched, vehicles_of, waiting_of
from dispatch.plans.history import Act
from dispatch.plans.replanning import LEVELS, ReplanLevel, ReplanOrder

router = APIRouter(tags=["drafts"])

_SHOWN_ROUTES = 8  # an edit touches one or two; a closed road may touch all, which are read one by one
_SHOWN_FLAWS = 200
_KINDS = " ".join(f"`{name}` ({', '.join(kind.fields)}): {kind.purpose}" for name, kind in EDITS.items())


class DraftOrder(Body):
    """What to call a draft."""

    name: str = Field(default="", max_length=80)


class EditOrder(Body):
    """An edit, why, and whether it may break rules on purpose."""

    command: dict[str, Any] = Field(description=f"One edit, `kind` and its fields. {_KINDS}")
    reason: str = Field(default="", max_length=255, description="Required with `override`.")
    override: bool = Field(default=False, description="Do it although it breaks rules; it is marked as such.")


class StepOrder(Body):
    """Why a step is taken back or repeated, or a draft given up."""

    reason: str = Field(default="", max_length=255)


class SaveOrder(Body):
    """Why a draft becomes a version, and whether that is put in force at once."""

    reason: str = Field(default="", max_length=255)
    publish: bool = False


class BudgetForm(Body):
    """How much a re-plan may disturb; a term without a limit is unlimited, but nothing is dropped unless allowed."""

    moved_vehicle: int | None = Field(default=None, ge=0, description="Parcels on another vehicle.")
    moved_order: int | None = Field(default=None, ge=0, description="Stops that leave the longest common order.")
    eta_shift: int | None = Field(default=None, ge=0, description="Stops whose arrival moves beyond the tolerance.")
    couriers: int | None = Field(default=None, ge=0)
    dropped: int | None = Field(default=0, ge=0)
    weights_fen: dict[Literal["moved_vehicle", "moved_order", "eta_shift", "couriers", "dropped"], int] | None = Field(
        default=None, description="What one unit of a term is worth: the slider between stable and cheap."
    )
    tolerance_s: int = Field(default=900, ge=0, le=86_400)

    def budget(self) -> Budget:
        """Return it as planning wants it."""
        terms = ("moved_vehicle", "moved_order", "eta_shift", "couriers", "dropped")
        limits = {name: most for name in terms if (most := getattr(self, name)) is not None}
        plain = Budget(limits, tolerance_s=self.tolerance_s)
        given = {str(name): weight for name, weight in (self.weights_fen or {}).items()}
        return Budget(limits, plain.weights_fen if self.weights_fen is None else given, self.tolerance_s)


class OptimiseOrder(Body):
    """What to re-optimise, how far it may go, and how long to search."""

    vehicles: list[Annotated[str, Field(max_length=64)]] | None = Field(
        default=None, max_length=500, description="Affected vehicles, whose neighbours take part too; all if absent."
    )
    level: Literal["times", "sequence", "vehicle"] = "vehicle"
    budget: BudgetForm = Field(default_factory=BudgetForm)
    seconds: float | None = Field(default=None, gt=0, le=3600)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)

    def order(self, services: Services) -> ReplanOrder:
        """Return it as planning wants it."""
        level: ReplanLevel = LEVELS[LEVELS.index(self.level)]
        return ReplanOrder(
            vehicles=None if self.vehicles is None else tuple(self.vehicles),
            level=level,
            budget=self.budget.budget(),
            seconds=self.seconds or services.settings.solve_seconds,
            seed=services.settings.solve_seed if self.seed is None else self.seed,
            threads=services.settings.worker_threads,
        )


class AcceptOrder(Body):
    """Which proposal to take over, all of it or some of its parts."""

    proposal_id: str = Field(max_length=36)
    parts: list[int] | None = Field(default=None, max_length=500)


class FlawView(View):
    """A broken rule, in the checker's vocabulary."""

    code: str
    message: str
    vehicle_id: str | None
    stop_key: str | None
    amount: int
    dimension: str | None


class DraftEntry(View):
    """A draft in a list."""

    id: str
    plan_id: str
    base_version_id: str
    name: str
    state: str
    steps: int
    created_at: datetime
    actor: str
    copied_from: str | None
    version_id: str | None


class DraftList(View):
    """A plan's drafts, the newest first."""

    items: list[DraftEntry]


class DraftHead(View):
    """A draft in figures; `steps` is what its ETag is made of."""

    id: str
    plan_id: str
    base_version_id: str
    region: str
    day: str
    name: str
    state: str
    steps: int
    can_undo: int
    can_redo: int
    running: bool
    copied_from: str | None
    version_id: str | None
    figures: dict[str, int]


class DraftBody(DraftHead):
    """A draft with every vehicle, what waits, and the rules it breaks."""

    vehicles: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    flaws: list[FlawView]


class EditAnswer(View):
    """What an edit comes to: figures before and after, the routes it touches, the rules it breaks."""

    draft: DraftHead
    before: dict[str, int]
    added_fen: int
    touched: list[str]
    routes: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    flaws: list[FlawView]
    new_flaws: list[FlawView]


class StepView(View):
    """A step of a draft's record: who, when, why."""

    sequence: int
    act: Literal["edit", "undo", "redo"]
    command: dict[str, Any]
    override: bool
    reason: str
    actor: str
    made_at: datetime
    figures: dict[str, int]


class StepList(View):
    """A draft's record, first to last."""

    items: list[StepView]


class PlaceView(View):
    """One place for a stop, with the stops it would move and by how many seconds."""

    vehicle_id: str
    number: int
    courier_id: str | None
    position: int
    added_fen: int
    start_s: int
    affected: list[tuple[str, int]]


class PlaceList(View):
    """The best places, cheapest first."""

    items: list[PlaceView]


class ExplanationView(View):
    """Why a stop is where it is, or on no route: reasons, fixes with prices, what would give way."""

    stop_key: str
    planned: bool
    certainty: str
    saving_fen: int | None
    vehicle_id: str | None
    time: dict[str, Any] | None
    alternatives: list[dict[str, Any]]
    reasons: list[dict[str, Any]]
    fixes: list[dict[str, Any]]
    displaces: list[dict[str, Any]]
    sentence_en: str
    sentence_zh: str


class ProposalView(View):
    """What a re-optimisation found: the choice, what was tried, and its parts."""

    id: str
    draft_id: str
    created_at: datetime
    body: dict[str, Any]


StopQuery = Annotated[str, Query(min_length=1, max_length=80, description="Key of the stop, or a parcel's id.")]


@router.post(
    "/versions/{version_id}/drafts", status_code=201, response_model=DraftBody, responses=problems(400, 404, 409)
)
def open_draft(
    version_id: str,
    body: DraftOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Begin a draft on a version; on the one in force, what is done, loaded or accepted is locked."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        services.desk.version_for(version_id, identity.region)
        view = services.desk.open(version_id, Who(actor(identity)), name=body.name)
        return answer(_body(view), 201, ETag=draft_tag(view), Location=f"/api/v1/drafts/{view.id}")

    return turn.around(act)


@router.get("/plans/{plan_id}/drafts", responses=problems(404))
def list_drafts(plan_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> DraftList:
    """List a plan's drafts, saved and discarded ones included."""
    services.desk.plan_for(plan_id, identity.region)
    return DraftList(items=[DraftEntry.model_validate(one) for one in services.desk.drafts(plan_id)])


@router.get("/drafts/{draft_id}", response_model=DraftBody, responses=problems(304, 404))
def get_draft(
    draft_id: str, request: Request, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> Response:
    """Describe a draft: figures, vehicles, what waits, broken rules; its ETag is what every edit wants."""
    view = visible(services, draft_id, identity)
    return json_with_etag(request, _body(view), draft_tag(view))


@router.get("/drafts/{draft_id}/routes/{vehicle_id}", responses=problems(400, 404))
def get_draft_route(
    draft_id: str, vehicle_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> dict[str, Any]:
    """Describe one vehicle's route in a draft: stops with times, lateness, locks, broken rules."""
    return route_of(visible(services, draft_id, identity).board, vehicle_id)


@router.get("/drafts/{draft_id}/steps", responses=problems(404))
def list_steps(draft_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")) -> StepList:
    """List who did what to a draft, when and why; steps taken back are listed too."""
    visible(services, draft_id, identity)
    return StepList(items=[StepView.model_validate(one) for one in services.desk.record(draft_id)])


@router.post("/drafts/{draft_id}:edit", response_model=EditAnswer, responses=problems(400, 404, 409, 412, 428))
def edit_draft(
    draft_id: str,
    body: EditOrder,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Do one edit; refused when it breaks a rule that was kept, unless it is an override with a reason."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        steps = _expected(services, draft_id, identity, if_match)
        who = Who(actor(identity), body.reason)
        made = services.desk.edit(draft_id, body.command, who, expected=steps, override=body.override)
        return _edited(*made)

    return turn.around(act)


@router.post("/drafts/{draft_id}:try", responses=problems(400, 404, 409))
def try_edit(
    draft_id: str, body: EditOrder, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> EditAnswer:
    """Tell what an edit would come to, broken rules and all, without doing it."""
    view = visible(services, draft_id, identity)
    before, after = services.desk.attempt(draft_id, body.command)
    return _answer(before, after, view)


@router.post("/drafts/{draft_id}:undo", response_model=EditAnswer, responses=problems(400, 404, 409, 412, 428))
def undo(
    draft_id: str,
    body: StepOrder,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Take the last edit back; this can be done down to the first one."""
    return _turn(draft_id, "undo", body, request, services, if_match, key, identity)


@router.post("/drafts/{draft_id}:redo", response_model=EditAnswer, responses=problems(400, 404, 409, 412, 428))
def redo(
    draft_id: str,
    body: StepOrder,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Repeat the last edit that was taken back."""
    return _turn(draft_id, "redo", body, request, services, if_match, key, identity)


@router.post("/drafts/{draft_id}:copy", status_code=201, response_model=DraftBody, responses=problems(400, 404))
def copy_draft(
    draft_id: str,
    body: DraftOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Make a what-if copy with the same edits, to go on with and to compare side by side."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        visible(services, draft_id, identity)
        view = services.desk.copy(draft_id, Who(actor(identity)), name=body.name)
        return answer(_body(view), 201, ETag=draft_tag(view), Location=f"/api/v1/drafts/{view.id}")

    return turn.around(act)


@router.post("/drafts/{draft_id}:discard", response_model=DraftHead, responses=problems(400, 404, 409, 412, 428))
def discard_draft(
    draft_id: str,
    body: StepOrder,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Give a draft up; its record stays."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        steps = _expected(services, draft_id, identity, if_match)
        view = services.desk.discard(draft_id, Who(actor(identity), body.reason), expected=steps)
        return answer(_head(view), ETag=draft_tag(view))

    return turn.around(act)


@router.post("/drafts/{draft_id}:save", response_model=VersionView, responses=problems(400, 404, 409, 412, 428))
def save_draft(
    draft_id: str,
    body: SaveOrder,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Store a draft as an immutable version, and put it in force when asked."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        steps = _expected(services, draft_id, identity, if_match)
        who = Who(actor(identity), body.reason)
        made = services.desk.save(draft_id, who, expected=steps, publish=body.publish)
        return answer(VersionView(**made.as_dict()))

    return turn.around(act)


@router.get("/drafts/{draft_id}/places", responses=problems(400, 404))
def list_places(
    draft_id: str,
    services: ServicesDep,
    stop: StopQuery,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
    identity: Identity = allow("dispatcher", "admin"),
) -> PlaceList:
    """Rank the best places for a stop, each with its cost and whom it affects."""
    visible(services, draft_id, identity)
    return PlaceList(items=[PlaceView.model_validate(one) for one in services.desk.places(draft_id, stop, limit)])


@router.get("/drafts/{draft_id}/diff", responses=problems(400, 404))
def draft_difference(
    draft_id: str,
    services: ServicesDep,
    against: Annotated[str, Query(max_length=36, description="`base`, or the id of a draft or version.")] = "base",
    identity: Identity = allow("dispatcher", "admin"),
) -> dict[str, Any]:
    """Compare: moved parcels, changed vehicles, arrival shifts, cost, and the disturbance in numbers."""
    visible(services, draft_id, identity)
    return services.desk.difference(draft_id, against).as_dict()


@router.get("/drafts/{draft_id}/explanation", responses=problems(400, 404))
def explain_in_draft(
    draft_id: str, services: ServicesDep, stop: StopQuery, identity: Identity = allow("dispatcher", "admin")
) -> ExplanationView:
    """Say why a stop is where it is, or why it is on no route, what would serve it and at what price."""
    visible(services, draft_id, identity)
    return ExplanationView.model_validate(services.desk.explain(draft_id, stop))


@router.post(
    "/drafts/{draft_id}:optimize", status_code=202, response_model=OperationView, responses=problems(400, 404, 409, 429)
)
def optimise_draft(
    draft_id: str,
    body: OptimiseOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Re-optimise a draft under a disturbance budget; the operation's result names the proposal to accept."""
    region = visible(services, draft_id, identity).region
    work = _optimising(services, draft_id, body, actor(identity))
    return started(request, services, identity, key, "optimize", body, work, region=region, draft_id=draft_id)


def _optimising(services: Services, draft_id: str, body: OptimiseOrder, who: str) -> Work:
    def work(run: RunningOperation) -> dict[str, Any]:
        with heard_by(run):
            proposal_id, found = optimise(
                services.desk, draft_id, body.order(services), services.solver, Who(who), run.progress
            )
        return {"proposal_id": proposal_id, "draft_id": draft_id, **found.as_dict()}

    return work


@router.get("/drafts/{draft_id}/proposals/{proposal_id}", responses=problems(404))
def get_proposal(
    draft_id: str, proposal_id: str, services: ServicesDep, identity: Identity = allow("dispatcher", "admin")
) -> ProposalView:
    """Give what a re-optimisation found."""
    visible(services, draft_id, identity)
    return ProposalView.model_validate(services.desk.proposal(draft_id, proposal_id))


@router.post("/drafts/{draft_id}:accept", response_model=EditAnswer, responses=problems(400, 404, 409, 412, 428))
def accept_proposal(
    draft_id: str,
    body: AcceptOrder,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher"),
) -> JSONResponse:
    """Take over all of a proposal, or some of its parts, as one edit."""
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        steps = _expected(services, draft_id, identity, if_match)
        who = Who(actor(identity))
        return _edited(*services.desk.accept(draft_id, body.proposal_id, who, parts=body.parts, expected=steps))

    return turn.around(act)


@router.get("/versions/{version_id}/diff", responses=problems(404))
def version_difference(
    version_id: str,
    services: ServicesDep,
    against: Annotated[str, Query(max_length=36, description="The version it is compared with.")],
    identity: Identity = allow("dispatcher", "admin"),
) -> dict[str, Any]:
    """Compare two versions: what changed from `against` to this one."""
    services.desk.version_for(version_id, identity.region)
    services.desk.version_for(against, identity.region)
    return services.desk.version_difference(against, version_id).as_dict()


@router.get("/versions/{version_id}/explanation", responses=problems(400, 404))
def explain_in_version(
    version_id: str, services: ServicesDep, stop: StopQuery, identity: Identity = allow("dispatcher", "admin")
) -> ExplanationView:
    """Say why a stop of a version is where it is, or why it is on no route."""
    services.desk.version_for(version_id, identity.region)
    return ExplanationView.model_validate(services.desk.explain_version(version_id, stop))


def visible(services: Services, draft_id: str, identity: Identity) -> DraftView:
    """Give a draft the caller may see.

    Raises
    ------
    DraftNotFoundError
        If there is none, or it is of another region.
    """
    view = services.desk.read(draft_id)
    if identity.region not in (None, view.region):
        raise DraftNotFoundError(f"there is no draft {draft_id}", draft=draft_id)
    return view


def draft_tag(view: DraftView) -> str:
    """Return the strong tag of a draft: its record only grows."""
    return f'"{view.id}.{view.steps}.{view.state}"'


def _expected(services: Services, draft_id: str, identity: Identity, if_match: str | None) -> int:
    """Return the steps the caller knows, after If-Match agreed (API-04)."""
    view = visible(services, draft_id, identity)
    links = {"steps": f"/api/v1/drafts/{draft_id}/steps", "diff": f"/api/v1/drafts/{draft_id}/diff"}
    check_if_match(if_match, draft_tag(view), **links)
    return view.steps


def _turn(
    draft_id: str,
    act_name: Act,
    body: StepOrder,
    request: Request,
    services: Services,
    if_match: str | None,
    key: str | None,
    identity: Identity,
) -> JSONResponse:
    turn = once(request, key, body, identity, services)

    def act() -> Answer:
        steps = _expected(services, draft_id, identity, if_match)
        return _edited(*services.desk.turn(draft_id, act_name, Who(actor(identity), body.reason), expected=steps))

    return turn.around(act)


def _edited(before: Board, view: DraftView) -> Answer:
    return answer(_answer(before, view.board, view), ETag=draft_tag(view))


def _answer(before: Board, after: Board, view: DraftView) -> EditAnswer:
    names = touched(before, after)
    head = _head(view).model_copy(update={"figures": figures_of(after)})
    return EditAnswer(
        draft=head,
        before=figures_of(before),
        added_fen=after.cost_fen - before.cost_fen,
        touched=names,
        routes=[route_of(after, name) for name in names[:_SHOWN_ROUTES]],
        waiting=waiting_of(after, [key for key in after.waiting if key not in before.waiting]),
        flaws=[FlawView.model_validate(flaw) for flaw in after.flaws[:_SHOWN_FLAWS]],
        new_flaws=[FlawView.model_validate(flaw) for flaw in worsened(before, after)[:_SHOWN_FLAWS]],
    )


def _head(view: DraftView) -> DraftHead:
    fields = {name: getattr(view, name) for name in DraftHead.model_fields if name != "figures"}
    return DraftHead(**fields, figures=figures_of(view.board))


def _body(view: DraftView) -> DraftBody:
    return DraftBody(
        **_head(view).model_dump(),
        vehicles=vehicles_of(view.board),
        waiting=waiting_of(view.board),
        flaws=[FlawView.model_validate(asdict(flaw)) for flaw in view.board.flaws[:_SHOWN_FLAWS]],
    )
