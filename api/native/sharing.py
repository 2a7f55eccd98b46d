"""Shared delivery: compare modes as long work, keep the policy, share a plan version's cost between companies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.comparing import ComparisonOrder, compare
from api.native.etag import IfMatch, check_if_match, etag_of, json_with_etag
from api.native.fleet import RegionQuery
from api.native.form import Body, View, problems
from api.native.idempotency import Answer, IdempotencyKey, answer, once
from api.native.operations import OperationView
from api.native.scope import actor, check_region, company_scope
from api.native.starting import started
from api.operations.service import RunningOperation, Work
from api.services import Services
from api.shares import version_shares
from dispatch.plans.errors import PlanVersionNotFoundError
from dispatch.plans.repository import PlanRepository
from dispatch.sharing.policy import SharingPolicy, default_policy, policy_document, read_policy
from dispatch.sharing.service import adopt_policy, policy_row
from dispatch.sharing.shares.choices import Pricing, ShareRule
from dispatch.sharing.shares.version import SOLVER_ITERATIONS

router = APIRouter(tags=["sharing"])


class CompareOrder(Body):
    """What to compare: generated demand of so many days, under a policy's terms (those in force when absent)."""

    region: str = Field(max_length=64)
    first_day: date
    days: int = Field(default=20, ge=1, le=60)
    parcels: int = Field(default=3_000, ge=1, le=20_000)
    companies: int = Field(default=5, ge=1, le=8)
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    iterations: int = Field(default=10_000, ge=1, le=200_000)
    processes: int = Field(default=2, ge=1, le=8)
    rule: ShareRule = ShareRule.SHAPLEY
    policy: dict[str, Any] | None = Field(default=None, description="A policy as its file says it.")


class PolicyView(View):
    """A policy as its file says it; `version` 0 and no date when none was adopted and defaults hold."""

    region: str
    version: int
    adopted_at: datetime | None
    actor: str | None
    reason: str | None
    policy: dict[str, Any]


class PolicyAdoption(Body):
    """A policy to put in force, as its file says it, and why."""

    policy: dict[str, Any]
    reason: str = Field(default="", max_length=255)


class ShareLine(View):
    """What one company pays, what it would cost alone, and what sharing saves it."""

    company_id: str
    share_fen: int
    alone_fen: int
    saving_fen: int


class ShareComplaint(View):
    """A coalition that would be better off alone."""

    companies: list[str]
    pays_fen: int
    alone_fen: int
    better_off_fen: int


class SharesView(View):
    """A version's cost shared by one rule; a company sees its own line and no coalition."""

    version_id: str
    digest: str
    rule: ShareRule
    pricing: Pricing
    iterations: int | None
    seed: int
    exact: bool
    total_fen: int
    lines: list[ShareLine]
    complaints: list[ShareComplaint]
    coalitions_compared: int


class ShareOrder(Body):
    """Which version's cost to share, every coalition priced by a search of its own."""

    version_id: str = Field(max_length=36)
    rule: ShareRule = ShareRule.SHAPLEY
    iterations: int = Field(default=SOLVER_ITERATIONS, ge=1, le=200_000)
    seed: int = Field(default=1, ge=0, le=2**31 - 1)


@router.post("/modes:compare", status_code=202, response_model=OperationView, responses=problems(400, 404, 429))
def start_comparison(
    body: CompareOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher", "finance", "admin"),
) -> JSONResponse:
    """Start comparing modes; follow it at `Location`. The comparison is the operation's result."""
    check_region(identity, body.region)
    region = services.regions.load(body.region)
    policy = None if body.policy is None else read_policy(body.policy).check(region)
    return started(request, services, identity, key, "modes", body, _compare_work(services, body, policy))


@router.get("/sharing/policy", response_model=PolicyView, responses=problems(304, 404))
def get_policy(
    request: Request,
    services: ServicesDep,
    region: RegionQuery,
    identity: Identity = allow("dispatcher", "finance", "admin"),
) -> Response:
    """Return the policy in force, or the one to begin with; its ETag is needed to replace it."""
    check_region(identity, region)
    services.regions.load(region)
    with services.database.read() as session:
        return json_with_etag(request, _policy_view(session, region))


@router.post("/sharing/policy:adopt", response_model=PolicyView, responses=problems(400, 404, 409, 412, 428))
def adopt(
    body: PolicyAdoption,
    request: Request,
    services: ServicesDep,
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher", "admin"),
) -> JSONResponse:
    """Put a policy in force; when it is refused, the one in force stays in force."""
    policy = read_policy(body.policy)
    check_region(identity, policy.region)
    region = services.regions.load(policy.region)
    turn = once(request, key, body, identity, services)

    def act(session: Session) -> Answer:
        check_if_match(if_match, etag_of(_policy_view(session, region.name)), policy="/api/v1/sharing/policy")
        adopt_policy(
            session, region, policy, ids=services.ids, clock=services.clock, actor=actor(identity), reason=body.reason
        )
        return answer(_policy_view(session, region.name))

    return turn.together(act)


@router.get("/versions/{version_id}/shares", responses=problems(400, 404))
def get_shares(
    version_id: str,
    services: ServicesDep,
    rule: Annotated[ShareRule, Query(description="How the cost is shared.")] = ShareRule.SHAPLEY,
    seed: Annotated[int, Query(ge=0, le=2**31 - 1, description="Of sampled Shapley values.")] = 1,
    identity: Identity = allow("dispatcher", "finance", "company_viewer", "admin"),
) -> SharesView:
    """Share a version's cost, coalitions priced on its routes without the others' stops; a company sees its line."""
    _check_version(services, version_id, identity)
    (found,) = version_shares(services, version_id, [rule], seed=seed)
    company = company_scope(identity)
    if identity.role == "company_viewer" and company not in found.shares.shares_fen:
        raise _unknown(version_id)
    return SharesView.model_validate(found.document(company))


@router.post("/shares:compute", status_code=202, response_model=OperationView, responses=problems(400, 404, 429))
def compute_shares(
    body: ShareOrder,
    request: Request,
    services: ServicesDep,
    key: IdempotencyKey = None,
    identity: Identity = allow("dispatcher", "finance", "admin"),
) -> JSONResponse:
    """Start sharing a version's cost with a search for every coalition; the shares are the operation's result."""
    _check_version(services, body.version_id, identity)

    def work(run: RunningOperation) -> dict[str, Any]:
        (found,) = version_shares(
            services,
            body.version_id,
            [body.rule],
            pricing=Pricing.SOLVER,
            iterations=body.iterations,
            seed=body.seed,
            progress=run.progress,
        )
        return found.document()

    return started(request, services, identity, key, "shares", body, work)


def _compare_work(services: Services, order: CompareOrder, policy: SharingPolicy | None) -> Work:
    def work(run: RunningOperation) -> dict[str, Any]:
        asked = ComparisonOrder(**order.model_dump(exclude={"policy"}))
        return compare(services, asked, policy, stop=run.cancelled, progress=run.progress)

    return work


def _policy_view(session: Session, region: str) -> PolicyView:
    row = policy_row(session, region)
    if row is None:
        document = policy_document(default_policy(region))
        return PolicyView(region=region, version=0, adopted_at=None, actor=None, reason=None, policy=document)
    return PolicyView(
        region=region,
        version=row.version,
        adopted_at=row.adopted_at,
        actor=row.actor,
        reason=row.reason,
        policy=row.document,
    )


def _check_version(services: Services, version_id: str, identity: Identity) -> None:
    with services.database.read() as session:
        repository = PlanRepository(session)
        plan = repository.plan_of(repository.version(version_id).plan_id)
        if identity.region not in (None, plan.region):
            raise _unknown(version_id)


def _unknown(version_id: str) -> PlanVersionNotFoundError:
    return PlanVersionNotFoundError(f"there is no version {version_id}", version=version_id)
