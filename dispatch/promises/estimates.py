"""Estimated arrivals through a day: the plan, moved by every report of the courier and by silence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dispatch.plans.model import Plan
from dispatch.plans.routes import PlannedRoute, lay_out
from dispatch.promises.flags import Estimate, EtaSource
from kernel.clock import at_second, second_of


def estimates(route: PlannedRoute, reported: Mapping[str, int], plan: Plan, now: datetime) -> dict[str, Estimate]:
    """Give for each stop not yet reported when its work was expected to start, estimate after estimate.

    Parameters
    ----------
    reported
        By stop key, when the courier first reported something there, seconds since the day's start.

    Notes
    -----
    Each report lays the rest of the route out anew from its moment, waiting for windows included. Silence makes
    everything later: a stop whose work should be over is assumed to end now.
    """
    now_s = second_of(now, plan.day, plan.zone)
    known = sorted((at_s, key) for key, at_s in reported.items() if at_s <= now_s)
    place = {one.stop.key: index for index, one in enumerate(route.stops)}
    series: dict[str, list[int]] = {one.stop.key: [one.start_s] for one in route.stops}
    done, clock_s = 0, route.start_s
    source: EtaSource = "plan"
    for at_s, key in known:
        if key not in place:
            continue
        _estimate(route, done, clock_s, at_s, series)
        if place[key] >= done:
            done, clock_s, source = place[key] + 1, at_s, "reports"
            _estimate(route, done, clock_s, at_s, series)
    if _estimate(route, done, clock_s, now_s, series):
        source = "overdue"
    told = set(reported)
    return {
        key: Estimate(tuple(at_second(plan.day, second, plan.zone) for second in seconds), source)
        for key, seconds in series.items()
        if key not in told
    }


def _estimate(route: PlannedRoute, done: int, clock_s: int, now_s: int, series: dict[str, list[int]]) -> bool:
    """Lay the stops ahead out from a departure; tell whether the next one should have been reported by now.

    While the courier may still be at work at the next stop nothing is late; when even that is over without a report,
    the work there is assumed to end now.
    """
    ahead = [one.visit for one in route.stops[done:]]
    if not ahead:
        return False
    silent_s = now_s - lay_out(ahead[:1], clock_s)[0].departure_s
    for one in lay_out(ahead, clock_s + max(0, silent_s)):
        seconds = series[one.stop.key]
        if seconds[-1] != one.start_s:
            seconds.append(one.start_s)
    return silent_s > 0
