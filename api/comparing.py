"""Compares modes of shared delivery for a region: what the command line and the API both do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from api.services import Services
from dispatch.sharing.shares.choices import ShareRule
from kernel.progress import Progress, silent

if TYPE_CHECKING:
    from dispatch.fleet.fleet import TypeSpec
    from dispatch.sharing.policy import SharingPolicy
    from maps.region import Region


@dataclass(frozen=True)
class ComparisonOrder:
    """What to compare.

    Attributes
    ----------
    first_day
        First of so many days one after the other.
    iterations
        Of the routing search for each plan.
    processes
        How many processes share the work.
    """

    region: str
    first_day: date
    days: int = 20
    parcels: int = 3_000
    companies: int = 5
    seed: int = 1
    iterations: int = 10_000
    processes: int = 2
    rule: ShareRule = ShareRule.SHAPLEY


def compare(
    services: Services,
    order: ComparisonOrder,
    policy: SharingPolicy | None = None,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Generate the demand, compare, and give the document.

    Parameters
    ----------
    policy
        Terms and rules; those in force when None, else the ones to begin with.

    Raises
    ------
    SharingPolicyError, ComparisonError
        As their names say.
    """
    from dispatch.sharing.compare import Effort, compare_modes
    from dispatch.sharing.demand import generated_day
    from dispatch.sharing.report import comparison_document
    from dispatch.sharing.service import policy_or_default

    region = services.regions.load(order.region)
    kinds = vehicle_types(services, region, order.parcels)
    if policy is None:
        with services.database.read() as session:
            policy = policy_or_default(session, region.name)
    policy.check(region)
    demands = []
    for number in range(order.days):
        progress("demand", number, order.days)
        day = order.first_day + timedelta(days=number)
        demands.append(generated_day(region, order.parcels, order.companies, order.seed, day))
    progress("demand", order.days, order.days)
    found = compare_modes(
        region,
        kinds,
        policy,
        demands,
        effort=Effort(order.iterations, order.processes, stop),
        seed=order.seed,
        rule=order.rule,
        progress=progress,
    )
    return comparison_document(found, title=region.title, townships=region.townships, parcels=order.parcels)


def vehicle_types(services: Services, region: Region, parcels: int) -> Sequence[TypeSpec]:
    """Return the vehicle types of a region's fleet, the demo fleet's where it has none."""
    from dispatch.fleet.demo import demo_fleet
    from dispatch.fleet.repository import FleetRepository

    with services.database.read() as session:
        known = FleetRepository(session).load(region.name).used_types
    return known or demo_fleet(region.name, parcels).types
