"""Choose every village's weekdays: a start by HiGHS, simulated annealing on the week's real routes, days re-routed.

The periodic vehicle routing problem (Christofides and Beasley 1984) with three prices more: changing what people know,
days of unequal work, and routes of unequal length. A village is moved by taking it out of the routes of the days it
leaves and putting it at the cheapest place in those of the days it joins, alone or with its neighbours; between two
rounds of such moves each day is searched anew by the routing core. All costs in the result are those of real routes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import exp
from typing import Final

from dispatch.echelons.linear import LinearModelState
from dispatch.weekdays.days import MOST_PARCELS, day_load, solve_day
from dispatch.weekdays.patterns import Pattern, piled_up
from dispatch.weekdays.problem import DayRoute, Unreached, WeekPlan, WeekProblem
from dispatch.weekdays.week import WeekState
from kernel.progress import Progress, silent
from routing.problem import fen

START_S: Final = 20.0
"""Seconds HiGHS may take for the start; it only begins the search."""
_HOT_FEN, _COLD_FEN = 1_500, 20
_NEIGHBOURS: Final = 6
MOST_SPREAD: Final = 1.2
"""The longest route of a week over the mean of all, at most."""
MOST_FOR_EVEN: Final = 1.12
"""What even routes may cost, as a multiple of the week without."""
_AIMED_SPREAD: Final = 1.15
_EVEN_EFFORT: Final = 4  # routes beyond the limit are planned anew, which takes longer than polishing


@dataclass(frozen=True)
class WeekEffort:
    """How hard to search; equal efforts and seeds give equal weeks.

    Attributes
    ----------
    rounds
        Of moves followed by re-routing.
    moves
        Tried in each round.
    iterations
        Of the routing search for each day.
    stop
        Asked between rounds; True ends the search with the week so far.
    """

    rounds: int = 3
    moves: int = 6_000
    iterations: int = 6_000
    stop: Callable[[], bool] = field(default=lambda: False, compare=False)


def plan_week(
    problem: WeekProblem, effort: WeekEffort | None = None, seed: int = 1, progress: Progress = silent
) -> WeekPlan:
    """Choose the weekdays of every village and the routes of every day.

    Raises
    ------
    WeekdayPatternImpossibleError
        If a reachable village has no pattern that keeps its promise.
    """
    effort = effort or WeekEffort()
    served, unreached = split_reachable(problem)
    patterns: list[Pattern | None] = [None] * len(problem.villages)
    steps = effort.rounds * (len(problem.service_days) + 1) + 2 * len(problem.service_days)
    told = _Told(progress, steps)
    for village, pattern in _start(problem, served).items():
        patterns[village] = pattern
    routes = _route_days(problem, patterns, effort.iterations, seed, {}, told)
    draw = random.Random(seed)  # noqa: S311 - a search, not a secret
    for number in range(effort.rounds):
        if effort.stop():
            break
        state = WeekState(problem, patterns, routes)
        _anneal(state, served, effort.moves, draw)
        patterns, routes = state.patterns, state.day_routes()
        told.step()
        routes = _route_days(problem, patterns, effort.iterations, seed + number + 1, routes, told)
    uneven_cost = _cost(routes)
    routes = _balanced(problem, patterns, effort.iterations, seed, routes, told)
    plan = _finished(problem, patterns, routes, unreached, seed)
    return replace(plan, stats={"cost_before_even_routes": uneven_cost})


def plan_every_day(problem: WeekProblem, effort: WeekEffort | None = None, seed: int = 1) -> WeekPlan:
    """Plan the week in which every reachable village is served on every service day: what weekdays are compared to."""
    effort = effort or WeekEffort()
    served, unreached = split_reachable(problem)
    patterns: list[Pattern | None] = [None] * len(problem.villages)
    for village in served:
        patterns[village] = tuple(sorted(problem.service_days))
    routes: dict[int, tuple[DayRoute, ...]] = {}
    for number in range(effort.rounds + 1):
        routes = _route_days(problem, patterns, effort.iterations, seed + number, routes, _Told(silent, 1))
    return _finished(problem, patterns, routes, unreached, seed)


def split_reachable(problem: WeekProblem) -> tuple[list[int], list[Unreached]]:
    """Tell villages that can be served from those that no road, or no shift, reaches."""
    served, unreached = [], []
    for index, village in enumerate(problem.villages):
        if not problem.reachable(village.location):
            unreached.append(Unreached(village.id, village.name, "UNREACHABLE_BY_ROAD"))
            continue
        parcels = max(piled_up(village.arrivals, problem.patterns[index][0]).values())
        trips = _own_trips(problem, village.location, min(parcels, 1.0))
        if any(fits for _, fits, _ in trips):
            served.append(index)
        else:
            price = own_vehicle_price(problem, index, problem.patterns[index][0])
            unreached.append(Unreached(village.id, village.name, "LONGER_THAN_SHIFT", (), price))
    return served, unreached


def own_vehicle_price(problem: WeekProblem, village: int, days: Pattern) -> int | None:
    """Return what a vehicle of its own would cost on some days of the week; overtime is paid like other time."""
    one = problem.villages[village]
    waiting = piled_up(one.arrivals, problem.patterns[village][0])
    parcels = max(waiting.values(), default=0.0)
    prices = [cost for cost, _, _ in _own_trips(problem, one.location, parcels)]
    return min(prices) * len(days) if prices else None


def _own_trips(problem: WeekProblem, location: int, parcels: float) -> list[tuple[int, bool, int]]:
    """Return cost, whether its limits hold, and seconds of a trip out and back by each kind that has a road there."""
    trips = []
    for kind in problem.kinds:
        profile = problem.profiles[kind.profile]
        (there_m, there_s), (back_m, back_s) = (
            profile.leg(problem.centre, location),
            profile.leg(location, problem.centre),
        )
        length_s = there_s + back_s + problem.work_s(parcels)
        if max(there_m, back_m, there_s, back_s) >= _FAR:
            continue
        in_shift = length_s <= kind.shift_end_s - kind.shift_start_s
        near = kind.max_distance_m is None or there_m + back_m <= kind.max_distance_m
        cost = kind.fixed_cost + (there_m + back_m) * kind.cost_per_m + length_s * kind.cost_per_s
        trips.append((cost, in_shift and near, length_s))
    return trips


_FAR: Final = 1_000_000_000


class _Told:
    """Progress counted in days routed."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress, self._steps, self._done = progress, steps, 0

    def step(self) -> None:
        self._done = min(self._done + 1, self._steps)
        self._progress("weekdays", self._done, self._steps)


def _start(problem: WeekProblem, served: Sequence[int]) -> dict[int, Pattern]:
    """Give each village the pattern its people know, else one by township-sized groups, so that days are even.

    A group is villages that follow each other around the centre; HiGHS gives each group of a promise one pattern so
    that the largest day is as small as possible.
    """
    found: dict[int, Pattern] = {}
    open_villages = []
    for village in served:
        known = problem.villages[village].previous
        if known in problem.patterns[village]:
            assert known is not None
            found[village] = known
        elif len(problem.patterns[village]) == 1:
            found[village] = problem.patterns[village][0]
        else:
            open_villages.append(village)
    groups = _groups(problem, open_villages)
    for group, pattern in zip(groups, _even_patterns(problem, found, groups), strict=True):
        found |= dict.fromkeys(group, pattern)
    return found


def _groups(problem: WeekProblem, villages: Sequence[int], size: int = 8) -> list[list[int]]:
    """Cut villages of equal promise into groups of neighbours: next nearest first, from the one farthest out."""
    by_promise: dict[tuple[Pattern, ...], list[int]] = {}
    for village in villages:
        by_promise.setdefault(problem.patterns[village], []).append(village)
    time_s = problem.profiles[0].duration_s
    groups = []
    for _, left in sorted(by_promise.items()):
        rest = set(left)
        while rest:
            far = max(rest, key=lambda v: (int(time_s[problem.centre, problem.villages[v].location]), v))
            here = problem.villages[far].location
            near = sorted(rest, key=lambda v: (int(time_s[here, problem.villages[v].location]), v))[:size]
            groups.append(near)
            rest.difference_update(near)
    return groups


def _even_patterns(problem: WeekProblem, fixed: dict[int, Pattern], groups: Sequence[Sequence[int]]) -> list[Pattern]:
    """Give each group one pattern so that the busiest day has as little work as possible."""
    if not groups:
        return []
    base = dict.fromkeys(problem.service_days, 0.0)
    for village, pattern in fixed.items():
        for day, parcels in piled_up(problem.villages[village].arrivals, pattern).items():
            base[day] += problem.work_s(parcels)
    model = LinearModelState()
    busiest = model.variable(1.0)
    rows: dict[int, dict[int, float]] = {day: {busiest: -1.0} for day in base}
    choices = []
    for group in groups:
        offers = {pattern: model.variable(0.0, 1, whole=True) for pattern in problem.patterns[group[0]]}
        for pattern, variable in offers.items():
            for village in group:
                for day, parcels in piled_up(problem.villages[village].arrivals, pattern).items():
                    row = rows[day]
                    row[variable] = row.get(variable, 0.0) + problem.work_s(parcels)
        model.row(dict.fromkeys(offers.values(), 1.0), 1.0, 1.0)
        choices.append(offers)
    for day, row in rows.items():
        model.row(row, high=-base[day])
    values = model.solve(START_S, gap=0.02)
    if values is None:
        return [
            problem.patterns[group[0]][index % len(problem.patterns[group[0]])] for index, group in enumerate(groups)
        ]
    return [max(offers, key=lambda pattern: float(values[offers[pattern]])) for offers in choices]


def _route_days(
    problem: WeekProblem,
    patterns: Sequence[Pattern | None],
    iterations: int,
    seed: int,
    start: dict[int, tuple[DayRoute, ...]],
    told: _Told,
) -> dict[int, tuple[DayRoute, ...]]:
    routes = {}
    for day in problem.service_days:
        routes[day] = solve_day(problem, day_load(problem, patterns, day), iterations, seed + day, start.get(day, ()))
        told.step()
    return routes


def _anneal(state: WeekState, served: Sequence[int], moves: int, draw: random.Random) -> None:
    """Move villages, alone or with neighbours of the same promise, between patterns."""
    free = [village for village in served if len(state.problem.patterns[village]) > 1]
    if not free:
        return
    near = _neighbours(state.problem, free)
    for number in range(moves):
        heat = fen(_HOT_FEN) * (_COLD_FEN / _HOT_FEN) ** (number / moves)
        village = draw.choice(free)
        group = [village, *near[village][: draw.randrange(_NEIGHBOURS)]] if draw.random() < 0.4 else [village]
        wanted = draw.choice(state.problem.patterns[village])
        group = [one for one in group if state.patterns[one] != wanted]
        if group and wanted != state.patterns[village]:
            delta = state.move(group, wanted)
            if delta > 0 and draw.random() >= exp(-delta / heat):
                state.undo()
            else:
                state.keep()


def _neighbours(problem: WeekProblem, villages: Sequence[int]) -> dict[int, list[int]]:
    time_s = problem.profiles[0].duration_s
    found = {}
    for one in villages:
        here = problem.villages[one].location
        alike = [v for v in villages if v != one and problem.patterns[v] == problem.patterns[one]]
        alike.sort(key=lambda v: (int(time_s[here, problem.villages[v].location]), v))
        found[one] = alike[:_NEIGHBOURS]
    return found


def _balanced(
    problem: WeekProblem,
    patterns: Sequence[Pattern | None],
    iterations: int,
    seed: int,
    routes: dict[int, tuple[DayRoute, ...]],
    told: _Told,
) -> dict[int, tuple[DayRoute, ...]]:
    """Search each day again with no route much longer than the week's mean.

    Shorter routes lower the mean, so the limit is lowered until it holds for the mean that comes out. A village so
    far out that a trip there alone is longer keeps the limit above that trip. Evenness that costs more than
    :data:`MOST_FOR_EVEN` or leaves anybody unserved is not bought: the routes stay as they were.
    """
    alone_s = (_alone_s(problem, village, pattern) for village, pattern in enumerate(patterns) if pattern)
    farthest_s = max(alone_s, default=0)
    best = found = routes
    far_going = _far_going(problem)
    # Vehicles of a short range make short routes: where the limit alone does not help, the others do their work.
    for kinds, limited in ((problem, True), (far_going, False), (far_going, True), (far_going, True)):
        if not _lengths(found) or _spread(found) <= MOST_SPREAD:
            break
        mean_s = sum(_lengths(found)) / len(_lengths(found))
        longest_s = max(farthest_s, int(_AIMED_SPREAD * mean_s)) if limited else None
        start, found = found if limited else routes, {}
        for day, before in start.items():
            waiting = day_load(problem, patterns, day)
            found[day] = solve_day(kinds, waiting, _EVEN_EFFORT * iterations, seed + day, before, longest_s)
            told.step()
        bought = _visits(found) >= _visits(routes) and _cost(found) <= MOST_FOR_EVEN * _cost(routes)
        if bought and _spread(found) < _spread(best):
            best = found
    return best


def _far_going(problem: WeekProblem) -> WeekProblem:
    """Return the week without vehicles that a charge or tank limits, unless there are no others."""
    free = sum(kind.count for kind in problem.kinds if kind.max_distance_m is None)
    if not free:
        return problem
    kinds = tuple(kind if kind.max_distance_m is None else replace(kind, count=0) for kind in problem.kinds)
    return replace(problem, kinds=kinds)


def _lengths(routes: dict[int, tuple[DayRoute, ...]]) -> list[int]:
    return [route.duration_s for day in routes.values() for route in day]


def _spread(routes: dict[int, tuple[DayRoute, ...]]) -> float:
    lengths = _lengths(routes)
    return max(lengths) * len(lengths) / sum(lengths)


def _cost(routes: dict[int, tuple[DayRoute, ...]]) -> int:
    return sum(route.cost for day in routes.values() for route in day)


def _visits(routes: dict[int, tuple[DayRoute, ...]]) -> int:
    return sum(len(route.villages) for day in routes.values() for route in day)


def _alone_s(problem: WeekProblem, village: int, pattern: Pattern) -> int:
    one = problem.villages[village]
    parcels = min(MOST_PARCELS, max(piled_up(one.arrivals, pattern).values()))
    return min((length_s for _, fits, length_s in _own_trips(problem, one.location, parcels) if fits), default=0)


def _finished(
    problem: WeekProblem,
    patterns: Sequence[Pattern | None],
    routes: dict[int, tuple[DayRoute, ...]],
    unreached: Sequence[Unreached],
    seed: int,
) -> WeekPlan:
    missed = list(unreached)
    for index, village in enumerate(problem.villages):
        pattern = patterns[index]
        if pattern is None:
            continue
        absent = tuple(day for day in pattern if not any(index in route.villages for route in routes[day]))
        if absent:
            price = own_vehicle_price(problem, index, absent)
            missed.append(Unreached(village.id, village.name, "NO_VEHICLE_LEFT", absent, price))
    changed = tuple(
        village.id
        for village, pattern in zip(problem.villages, patterns, strict=True)
        if village.previous is not None and pattern is not None and pattern != village.previous
    )
    cost = _cost(routes)
    return WeekPlan(tuple(patterns), routes, tuple(missed), cost, changed, seed)
