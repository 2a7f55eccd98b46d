"""Choose when a route departs, for plans that come without times."""

from __future__ import annotations

from dataclasses import replace

from routing.checker import check_route
from routing.problem import Problem
from routing.solution import Route

_TIMING_CODES = ("late", "depot_closed", "break_late", "shift")


def earliest_departure_s(problem: Problem, route: Route) -> int:
    """Give the first moment at which shift, depot and the first trip's goods all allow to leave."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    released_s = max((problem.tasks[task].release_s for task in route.trips[0].tasks), default=0)
    return max(kind.shift_start_s, problem.depots[kind.start_depot].open_s, released_s)


def depart_late(problem: Problem, route: Route) -> Route:
    """Move a route's departure as late as it goes without ending later or being later anywhere.

    Driving off at the earliest moment would count waiting that no driver does; the latest departure with the
    same end has the least duration (Savelsbergh 1992) as long as every task has one window. With several
    windows a still later departure that ends later may be shorter; that is not looked for.
    """
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    low = earliest_departure_s(problem, route)
    aim = _end_and_lateness(problem, replace(route, start_s=low))
    high = max(low, min(problem.depots[kind.start_depot].close_s, aim[0]))
    while low < high:  # the end never falls when the departure is put off
        middle = (low + high + 1) // 2
        end_s, late_s = _end_and_lateness(problem, replace(route, start_s=middle))
        if end_s <= aim[0] and late_s <= aim[1]:
            low = middle
        else:
            high = middle - 1
    return replace(route, start_s=low)


def _end_and_lateness(problem: Problem, route: Route) -> tuple[int, int]:
    report = check_route(problem, route, {})
    return report.schedule.end_s, sum(v.amount for v in report.violations if v.code in _TIMING_CODES)
