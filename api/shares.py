"""Shares of a stored plan version's cost: what the command line and the API both do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from api.services import Services
from dispatch.plans.errors import PlanNotFoundError
from dispatch.plans.loading import Atlas
from dispatch.plans.matrices import MatrixStore
from dispatch.plans.repository import PlanRepository
from dispatch.sharing.shares.choices import Pricing, ShareRule
from dispatch.sharing.shares.version import SOLVER_ITERATIONS, VersionShares, load_shared, share_version
from kernel.progress import Progress, silent


def version_shares(
    services: Services,
    version_id: str,
    rules: Sequence[ShareRule],
    *,
    pricing: Pricing = Pricing.EXECUTED,
    iterations: int = SOLVER_ITERATIONS,
    seed: int = 1,
    progress: Progress = silent,
) -> list[VersionShares]:
    """Share a version's cost by some rules.

    Raises
    ------
    PlanVersionNotFoundError
        If there is no such version.
    SharesError
        If it has no parcel on a route, or a rule cannot be computed for so many companies.
    """
    with services.database.read() as session:
        repository = PlanRepository(session)
        version = repository.version(version_id)
        region = repository.plan_of(version.plan_id).region
        atlas = Atlas(services.regions.load(region), MatrixStore(services.settings.home / "matrices"))
        shared = load_shared(session, version, region, atlas)
    return [
        share_version(shared, rule, pricing=pricing, seed=seed, iterations=iterations, progress=progress)
        for rule in rules
    ]


def published_version(services: Services, region: str, day: date) -> str:
    """Return the version in force on a day.

    Raises
    ------
    PlanNotFoundError
        If none is published.
    """
    with services.database.read() as session:
        repository = PlanRepository(session)
        publication = repository.publication(repository.plan(region, day).id)
        if publication is None:
            raise PlanNotFoundError(f"no plan is published for {region} on {day}", region=region)
        return publication.version_id
