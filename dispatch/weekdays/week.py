"""A week of routes that villages are moved in: cheapest places, undo, and the price of uneven days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.weekdays.days import day_load
from dispatch.weekdays.patterns import Pattern, piled_up
from dispatch.weekdays.problem import DayRoute, WeekProblem
from routing.problem import fen

IntArray = NDArray[np.int64]
UNEVEN_FEN_PER_HOUR: Final = 1_500
"""Price of an hour that a day's work differs from the mean day: half of what an hour costs."""
NO_ROOM: Final = 1 << 55
"""Cost of a village that fits nowhere on a day: moves that need it are refused."""


@dataclass
class RouteState:
    """One route while villages move: its order and what it has in use."""

    kind: int
    villages: list[int]
    load: IntArray
    duration_s: int
    distance_m: int


@dataclass(frozen=True, eq=False)
class Legs:
    """Every leg of a day, shape (legs,) each; `room` is (legs, 3)."""

    before: IntArray
    after: IntArray
    number: IntArray
    profile: IntArray
    per_m: IntArray
    per_s: IntArray
    spare_s: IntArray
    spare_m: IntArray
    room: IntArray


@dataclass
class DayState:
    """One day's routes, and its legs as arrays for looking at all places at once."""

    routes: list[RouteState]
    work_s: int
    legs: Legs | None = None


class WeekState:
    """Patterns and routes of a week under change.

    Parameters
    ----------
    routes
        Of each service day, as the routing search left them.
    """

    def __init__(
        self, problem: WeekProblem, patterns: Sequence[Pattern | None], routes: Mapping[int, Sequence[DayRoute]]
    ) -> None:
        self.problem = problem
        self.patterns = list(patterns)
        self._place = np.array([village.location for village in problem.villages], dtype=np.int64)
        self._way = [profile.distance_m for profile in problem.profiles]
        self._time = [profile.duration_s for profile in problem.profiles]
        self._days = {day: self._day(day, routes.get(day, ())) for day in problem.service_days}
        self._before: tuple[list[Pattern | None], dict[int, DayState]] | None = None

    def day_routes(self) -> dict[int, tuple[DayRoute, ...]]:
        """Return the routes as a start for the routing search; costs are left to it."""
        return {
            day: tuple(
                DayRoute(route.kind, tuple(route.villages), int(route.load[-1]), route.duration_s, route.distance_m, 0)
                for route in state.routes
                if route.villages
            )
            for day, state in self._days.items()
        }

    def move(self, group: Sequence[int], wanted: Pattern) -> int:
        """Give villages another pattern; return the change of the week's cost in cost units."""
        touched = {day for village in group for day in (*(self.patterns[village] or ()), *wanted)}
        self._before = (list(self.patterns), {day: _copied(self._days[day]) for day in touched})
        uneven = self._uneven()
        delta = 0
        for village in group:
            delta += self._take_out(village) - self._known_price(village)
            self.patterns[village] = wanted
            delta += self._put_in(village) + self._known_price(village)
            if delta >= NO_ROOM:
                return delta
        return delta + self._uneven() - uneven

    def undo(self) -> None:
        """Take the last move back."""
        assert self._before is not None
        self.patterns, days = self._before
        self._days |= days
        self._before = None

    def keep(self) -> None:
        """Let the last move stand."""
        self._before = None

    def _known_price(self, village: int) -> int:
        known = self.problem.villages[village].previous
        return 0 if known is None or known == self.patterns[village] else self.problem.change_price

    def _uneven(self) -> int:
        work = [state.work_s for state in self._days.values()]
        mean = sum(work) // len(work)
        return sum(abs(one - mean) for one in work) * fen(UNEVEN_FEN_PER_HOUR) // 3600

    def _day(self, day: int, routes: Sequence[DayRoute]) -> DayState:
        waiting = day_load(self.problem, self.patterns, day)
        state = DayState([], 0)
        for route in routes:
            parts = {village: sum(v == village for r in routes for v in r.villages) for village in route.villages}
            load = np.zeros(3, dtype=np.int64)
            for village in route.villages:
                load += np.array(self.problem.load(waiting[village] / parts[village]), dtype=np.int64)
            state.routes.append(RouteState(route.kind, list(route.villages), load, route.duration_s, route.distance_m))
            state.work_s += route.duration_s
        return state

    def _waiting(self, village: int) -> dict[int, float]:
        pattern = self.patterns[village]
        return {} if pattern is None else piled_up(self.problem.villages[village].arrivals, pattern)

    def _take_out(self, village: int) -> int:
        gained = 0
        for day, parcels in self._waiting(village).items():
            state = self._days[day]
            for route in state.routes:
                if village in route.villages:
                    gained += self._cut(state, route, village, parcels)
                    break
        return -gained

    def _cut(self, state: DayState, route: RouteState, village: int, parcels: float) -> int:
        kind = self.problem.kinds[route.kind]
        at = route.villages.index(village)
        here = int(self._place[village])
        before = int(self._place[route.villages[at - 1]]) if at else self.problem.centre
        after = int(self._place[route.villages[at + 1]]) if at + 1 < len(route.villages) else self.problem.centre
        way_m, way_s = self._detour(kind.profile, before, here, after)
        length_s = way_s + self.problem.work_s(parcels)
        route.villages.pop(at)
        route.load = route.load - np.array(self.problem.load(parcels), dtype=np.int64)
        route.duration_s -= length_s
        route.distance_m -= way_m
        state.work_s -= length_s
        state.legs = None
        emptied = 0 if route.villages else kind.fixed_cost
        return way_m * kind.cost_per_m + length_s * kind.cost_per_s + emptied

    def _detour(self, profile: int, before: int, here: int, after: int) -> tuple[int, int]:
        way, time = self._way[profile], self._time[profile]
        return (
            int(way[before, here]) + int(way[here, after]) - int(way[before, after]),
            int(time[before, here]) + int(time[here, after]) - int(time[before, after]),
        )

    def _put_in(self, village: int) -> int:
        total = 0
        for day, parcels in self._waiting(village).items():
            total += self._insert(self._days[day], village, parcels)
            if total >= NO_ROOM:
                return NO_ROOM
        return total

    def _insert(self, state: DayState, village: int, parcels: float) -> int:
        """Put a village at its cheapest place in a day; a vehicle of its own where one is free."""
        work_s, load = self.problem.work_s(parcels), np.array(self.problem.load(parcels), dtype=np.int64)
        best = self._best_edge(state, village, work_s, load)
        fresh = self._fresh(state, village, work_s, load)
        if fresh is not None and (best is None or fresh[0] < best[0]):
            cost, kind, way_m, way_s = fresh
            state.routes.append(RouteState(kind, [village], load, way_s + work_s, way_m))
        elif best is not None:
            cost, number, at, way_m, way_s = best
            route = state.routes[number]
            route.villages.insert(at, village)
            route.load = route.load + load
            route.duration_s += way_s + work_s
            route.distance_m += way_m
        else:
            return NO_ROOM
        state.work_s += way_s + work_s
        state.legs = None
        return cost

    def _best_edge(
        self, state: DayState, village: int, work_s: int, load: IntArray
    ) -> tuple[int, int, int, int, int] | None:
        if not any(route.villages for route in state.routes):
            return None
        legs = state.legs = state.legs or self._legs(state)
        here = int(self._place[village])
        way_m, way_s = np.empty_like(legs.before), np.empty_like(legs.before)
        for one in range(len(self.problem.profiles)):
            these = legs.profile == one
            way, time = self._way[one], self._time[one]
            before, after = legs.before[these], legs.after[these]
            way_m[these] = way[before, here].astype(np.int64) + way[here, after] - way[before, after]
            way_s[these] = time[before, here].astype(np.int64) + time[here, after] - time[before, after]
        cost = way_m * legs.per_m + (way_s + work_s) * legs.per_s
        fits = (legs.room >= load).all(axis=1) & (way_s + work_s <= legs.spare_s) & (way_m <= legs.spare_m)
        if not fits.any():
            return None
        chosen = int(np.where(fits, cost, np.iinfo(np.int64).max).argmin())
        number = int(legs.number[chosen])
        at = chosen - int(np.searchsorted(legs.number, number))
        return int(cost[chosen]), number, at, int(way_m[chosen]), int(way_s[chosen])

    def _legs(self, state: DayState) -> Legs:
        """Lay all legs of a day out as arrays, with the room on the route of each."""
        before: list[int] = []
        after: list[int] = []
        rows, counts = [], []
        for number, route in enumerate(state.routes):
            if not route.villages:
                continue
            kind = self.problem.kinds[route.kind]
            stops = [int(self._place[village]) for village in route.villages]
            before += [self.problem.centre, *stops]
            after += [*stops, self.problem.centre]
            full = kind.max_tasks is not None and len(route.villages) >= kind.max_tasks
            spare_s = -NO_ROOM if full else kind.shift_end_s - kind.shift_start_s - route.duration_s
            spare_m = (kind.max_distance_m or NO_ROOM) - route.distance_m
            room = [have - used for have, used in zip(kind.capacity, route.load.tolist(), strict=True)]
            rows.append((number, kind.profile, kind.cost_per_m, kind.cost_per_s, spare_s, spare_m, *room))
            counts.append(len(stops) + 1)
        table = np.repeat(np.array(rows, dtype=np.int64), counts, axis=0)
        ends = np.array(before, dtype=np.int64), np.array(after, dtype=np.int64)
        number, profile, per_m, per_s, spare_s, spare_m = table[:, :6].T
        return Legs(*ends, number, profile, per_m, per_s, spare_s, spare_m, table[:, 6:])

    def _fresh(self, state: DayState, village: int, work_s: int, load: IntArray) -> tuple[int, int, int, int] | None:
        """Return cost, kind, metres and seconds of the cheapest unused vehicle going there alone."""
        here, offers = int(self._place[village]), []
        for index, kind in enumerate(self.problem.kinds):
            used = sum(route.kind == index and bool(route.villages) for route in state.routes)
            way, time = self._way[kind.profile], self._time[kind.profile]
            way_m = int(way[self.problem.centre, here]) + int(way[here, self.problem.centre])
            way_s = int(time[self.problem.centre, here]) + int(time[here, self.problem.centre])
            far = kind.max_distance_m is not None and way_m > kind.max_distance_m
            if (np.array(kind.capacity) < load).any():
                continue
            if used < kind.count and not far and way_s + work_s <= kind.shift_end_s - kind.shift_start_s:
                cost = kind.fixed_cost + way_m * kind.cost_per_m + (way_s + work_s) * kind.cost_per_s
                offers.append((cost, index, way_m, way_s))
        return min(offers, default=None)


def _copied(state: DayState) -> DayState:
    routes = [RouteState(r.kind, list(r.villages), r.load, r.duration_s, r.distance_m) for r in state.routes]
    return DayState(routes, state.work_s, state.legs)
