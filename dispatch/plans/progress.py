"""How far every vehicle is: by what its courier reported, and by the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from dispatch.plans.model import Plan, PlanProgress
from dispatch.plans.repository import StoredRoute
from dispatch.plans.routes import PlannedRoute
from kernel.clock import second_of


def fixed_and_delay(
    stored: Sequence[StoredRoute], progress: Iterable[PlanProgress], plan: Plan, now: datetime
) -> dict[str, tuple[int, int]]:
    """Give for each route id how many stops are done or under way, and the delay of the last one reported."""
    reported: dict[str, dict[str, int]] = {}
    for report in progress:
        second = second_of(report.fact_at, plan.day, plan.zone)
        reported.setdefault(report.vehicle_id, {})[report.stop_key] = second
    now_s = second_of(now, plan.day, plan.zone)
    found = {}
    for one in stored:
        facts = reported.get(one.route.vehicle_id, {})
        found[one.id] = (fixed_stops(one.route, facts, now_s), delay_s(one.route, facts))
    return found


def fixed_stops(route: PlannedRoute, done: Iterable[str], now_s: int) -> int:
    """Return how many leading stops are done or under way; one more when the vehicle is on its way back.

    Parameters
    ----------
    done
        Keys of stops at which the courier reported something.
    now_s
        The present moment, seconds since the day's start. A stop is also under way once the plan says that
        the vehicle has left for it, reported or not: a courier in a valley without signal reports late.
    """
    reported = set(done)
    by_facts = max((index + 1 for index, one in enumerate(route.stops) if one.stop.key in reported), default=0)
    leaving = [one.arrival_s - one.visit.leg.time_s for one in route.stops] + [route.end_s - route.back.time_s]
    return max(by_facts, sum(1 for moment_s in leaving if moment_s <= now_s))


def delay_s(route: PlannedRoute, facts: Mapping[str, int]) -> int:
    """Return by how much the last reported stop ended later than planned."""
    late = [facts[one.stop.key] - one.departure_s for one in route.stops if one.stop.key in facts]
    return max(0, late[-1]) if late else 0
