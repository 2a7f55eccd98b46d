"""Judge a week from its problem alone: every promise kept or listed, every route possible, every cost right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from dispatch.weekdays.patterns import DAYS, Pattern
from dispatch.weekdays.problem import DayRoute, WeekPlan, WeekProblem


def check_week(problem: WeekProblem, plan: WeekPlan) -> tuple[str, ...]:
    """Return a sentence for each broken rule; none when the week holds."""
    return (*_promises(problem, plan), *_days(problem, plan), *_total(plan))


def _promises(problem: WeekProblem, plan: WeekPlan) -> Iterator[str]:
    listed = {one.village: one for one in plan.unreached}
    for index, (village, pattern) in enumerate(zip(problem.villages, plan.patterns, strict=True)):
        if pattern is None:
            if village.id not in listed:
                yield f"village {village.id} has no weekdays and is not listed"
            continue
        if len(pattern) < village.visits or _longest_gap(pattern) > village.longest_gap:
            yield f"village {village.id}: {pattern} is not {village.visits} visits {village.longest_gap} days apart"
        if not set(pattern) <= set(problem.service_days):
            yield f"village {village.id}: {pattern} has days without service"
        for day in range(DAYS):
            comes = any(index in route.villages for route in plan.days.get(day, ()))
            excused = village.id in listed and day in listed[village.id].days
            if comes != (day in pattern and not excused):
                yield f"village {village.id}: on weekday {day} the routes and the promise differ"


def _longest_gap(pattern: Pattern) -> int:
    marks = [day for week in (0, DAYS) for day in (week + day for day in pattern)]
    return max(later - earlier for earlier, later in pairwise(marks)) if len(marks) > 1 else DAYS


def _days(problem: WeekProblem, plan: WeekPlan) -> Iterator[str]:
    for day, routes in plan.days.items():
        used = Counter(route.kind for route in routes)
        for kind, one in enumerate(problem.kinds):
            if used[kind] > one.count:
                yield f"weekday {day}: {used[kind]} vehicles of {one.id}, there are {one.count}"
        parts = Counter(village for route in routes for village in route.villages)
        for number, route in enumerate(routes):
            yield from (f"weekday {day}, route {number}: {fault}" for fault in _route(problem, plan, day, route, parts))
        yield from _everything_carried(problem, plan, day, routes)


def _waiting(problem: WeekProblem, plan: WeekPlan, day: int, village: int) -> float:
    """Count the days back to the last visit, one by one."""
    pattern = plan.patterns[village] or ()
    arrivals = problem.villages[village].arrivals
    total, back = arrivals[day], 1
    while back < DAYS and (day - back) % DAYS not in pattern:
        total += arrivals[(day - back) % DAYS]
        back += 1
    return total


def _route(problem: WeekProblem, plan: WeekPlan, day: int, route: DayRoute, parts: Counter[int]) -> Iterator[str]:
    kind = problem.kinds[route.kind]
    roads = problem.profiles[kind.profile]
    stops = [problem.centre, *(problem.villages[village].location for village in route.villages), problem.centre]
    metres = sum(int(roads.distance_m[a, b]) for a, b in pairwise(stops))
    seconds = sum(int(roads.duration_s[a, b]) for a, b in pairwise(stops))
    loads = [0, 0, 0]
    for village in route.villages:
        share = _waiting(problem, plan, day, village) / parts[village]
        seconds += problem.work_s(share)
        loads = [a + b for a, b in zip(loads, problem.load(share), strict=True)]
    if (metres, seconds) != (route.distance_m, route.duration_s):
        yield f"{metres} m and {seconds} s, not {route.distance_m} m and {route.duration_s} s"
    if any(have > room for have, room in zip(loads, kind.capacity, strict=True)):
        yield f"{loads} on {kind.id}"
    if seconds > kind.shift_end_s - kind.shift_start_s:
        yield "longer than the shift"
    if kind.max_distance_m is not None and metres > kind.max_distance_m:
        yield "farther than the vehicle goes"
    if route.cost != kind.fixed_cost + metres * kind.cost_per_m + seconds * kind.cost_per_s:
        yield "its cost is wrong"


def _everything_carried(problem: WeekProblem, plan: WeekPlan, day: int, routes: tuple[DayRoute, ...]) -> Iterator[str]:
    carried = sum(route.parcels for route in routes)
    served = {village for route in routes for village in route.villages}
    wanted = sum(_waiting(problem, plan, day, village) for village in served)
    if carried < wanted:
        yield f"weekday {day}: {carried} parcels on routes, {wanted:.1f} are waiting"


def _total(plan: WeekPlan) -> Iterator[str]:
    if plan.cost != sum(route.cost for routes in plan.days.values() for route in routes):
        yield "the week's cost is not the sum of its routes"
