"""Keep a day within the bounds of its master routes: undo departures that are not worth their price, or too many.

The search weighs couriers against territory prices. What it leaves is looked at here, master route by master route:
stops that left their courier, then the order of each route, then its departure. A departure from habit that
saves less than its price is undone; beyond a bound the cheapest ones are undone whatever they saved, as long as the
day's rules hold. What cannot be undone is returned with the rule that forbids it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dispatch.habit.master import Section
from dispatch.habit.rule import HabitRule
from dispatch.habit.stability import longest_order
from dispatch.plans.problem import DayProblem
from routing.checker import check_route
from routing.costs import route_cost, route_keeps_rules
from routing.problem import fen, to_fen
from routing.schedule import departure_s, earliest_departure_s, schedule
from routing.solution import Route, Solution, Trip

_TRIED: Final = 6
"""Places of a stop on a route that are looked at, in the order of their detours."""

REMEDIES: Final = {
    "overload": "give the section to a larger vehicle, or part of it to a neighbour",
    "shift": "begin the shift earlier, or give part of the section to a neighbour",
    "late": "widen the window of the stop, or serve it on another route on purpose",
    "max_distance": "give the far places of the section to a vehicle with more range",
    "max_tasks": "raise the vehicle's most stops, or give part of the section to a neighbour",
    "unreachable_leg": "open the road, or take the place off the master route while it is closed",
    "vehicle_not_allowed": "open the road for this vehicle, or give the place to one that gets there",
    "owner_absent": "give the section to somebody on duty, or wait until its owner is back",
    "not_planned": "read the reason of its parcels",
    "day_differs": "learn the usual hours anew, or raise the tolerance",
}
"""What would help, by the rule that keeps a departure from habit from being undone."""


@dataclass(frozen=True)
class Departure:
    """A departure from a master route that exceeds its bound and cannot be undone.

    Attributes
    ----------
    kind
        The courier who serves it, its place in the order, or its hour.
    amount
        Seconds, grams, … by which the rule would be broken; for an hour, how far it moved.
    """

    kind: Literal["courier", "order", "arrival"]
    section: int
    place_id: str
    stop_key: str
    reason: str
    amount: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it with what would help."""
        remedy = REMEDIES.get(self.reason, "look at the rule named")
        return asdict(self) | {"remedy": remedy}


@dataclass(frozen=True)
class Kept:
    """A plan after its departures were looked at.

    Attributes
    ----------
    undone
        How many were undone, by kind.
    cost_fen
        What undoing them added to the plan's real cost.
    exceeded
        What is beyond its bound and stays.
    """

    solution: Solution
    undone: Mapping[str, int]
    cost_fen: int
    exceeded: tuple[Departure, ...]


def keep_habit(
    day: DayProblem, solution: Solution, owners: Mapping[str, Sequence[tuple[str, Section]]], rule: HabitRule
) -> Kept:
    """Undo departures from habit that are cheap to undo or beyond the bounds.

    Parameters
    ----------
    day
        With territory prices, see `dispatch.habit.pricing.priced`.
    owners
        Vehicle and section of each place that has one.
    """
    state = _KeepState(day, solution, owners, rule)
    before = state.real_cost()
    exceeded: list[Departure] = []
    if rule.territory_fen:
        exceeded += state.bring_back()
    if rule.order_fen:
        exceeded += state.restore_orders()
    if rule.arrival_fen:
        exceeded += state.restore_hours()
    return Kept(state.solution(), dict(state.undone), to_fen(state.real_cost() - before), tuple(exceeded))


class _KeepState:
    """A plan under repair."""

    def __init__(
        self,
        day: DayProblem,
        solution: Solution,
        owners: Mapping[str, Sequence[tuple[str, Section]]],
        rule: HabitRule,
    ) -> None:
        self.day, self.problem, self.rule = day, day.problem, rule
        self.routes = {route.vehicle: route for route in solution.routes}
        self.unassigned = solution.unassigned
        self.undone = {"courier": 0, "order": 0, "arrival": 0}
        number_of = {vehicle.id: number for number, vehicle in enumerate(day.vehicles)}
        self.homes = [
            tuple((number_of[name], section) for name, section in owners.get(stop.place_id, ()) if name in number_of)
            for stop in day.stops
        ]
        self.rank = {
            (section.number, stop.place_id): position
            for some in owners.values()
            for _, section in some
            for position, stop in enumerate(section.stops)
        }

    def solution(self) -> Solution:
        """Return the plan as it is now."""
        return Solution(tuple(route for _, route in sorted(self.routes.items())), self.unassigned)

    def real_cost(self) -> int:
        """Return what all routes cost, territory prices not counted."""
        return sum(route_cost(self.problem, route) - self._territory(route) for route in self.routes.values())

    def _territory(self, route: Route) -> int:
        prices = self.problem.task_prices
        kind = self.problem.type_of_vehicle[route.vehicle]
        return 0 if prices is None else sum(int(prices[kind, task]) for task in route.tasks)

    # -- couriers -----------------------------------------------------------------------------------------

    def bring_back(self) -> list[Departure]:
        """Bring stops back to their couriers where a section lost more than its bound allows."""
        if self.rule.most_moved_percent is None:
            return []
        vehicle_of = {task: route.vehicle for route in self.routes.values() for task in route.tasks}
        members: dict[int, int] = {}
        moved: dict[int, list[int]] = {}
        for task, homes in enumerate(self.homes):
            if not homes or task not in vehicle_of:
                continue
            at_home = next((one for vehicle, one in homes if vehicle == vehicle_of[task]), None)
            section = at_home or homes[0][1]
            members[section.number] = members.get(section.number, 0) + 1
            if at_home is None:
                moved.setdefault(section.number, []).append(task)
        exceeded: list[Departure] = []
        for number, tasks in sorted(moved.items()):
            allowed = members[number] * self.rule.most_moved_percent // 100
            exceeded += self._bring_back(number, tasks, len(tasks) - allowed, vehicle_of)
        return exceeded

    def _bring_back(self, number: int, tasks: list[int], wanted: int, vehicle_of: dict[int, int]) -> list[Departure]:
        """Bring so many stops of a section back, those first that cost least; return those that cannot be."""
        if wanted <= 0:
            return []
        for task in sorted(tasks, key=lambda one: (self._guess(one, vehicle_of[one]), one)):
            home = self._way_home(task) if wanted > 0 else None
            if home is not None:
                self._take_off(vehicle_of[task], task)
                self.routes[home.vehicle] = home
                self.undone["courier"] += 1
                vehicle_of[task] = home.vehicle
                tasks.remove(task)
                wanted -= 1
        return [self._stays_away(number, task) for task in tasks] if wanted > 0 else []

    def _guess(self, task: int, vehicle: int) -> int:
        """Guess what bringing a stop back costs, from the drives alone."""
        order = self.routes[vehicle].tasks
        at = order.index(task)
        saved = int(self._detours(vehicle, [*order[:at], *order[at + 1 :]], task)[at])
        added = [int(self._detours(home, self._order(home), task).min()) for home, _ in self.homes[task]]
        return min(added) - saved

    def _way_home(self, task: int) -> Route | None:
        """Return the route of one of a stop's couriers with it, the one that gets dearer by least."""
        found = []
        for vehicle, _ in self.homes[task]:
            order = self._order(vehicle)
            route = self._with(vehicle, order, task, 0, len(order))
            if route is not None:
                before = route_cost(self.problem, self.routes[vehicle]) if order else 0
                found.append((route_cost(self.problem, route) - before, vehicle, route))
        return min(found, key=lambda one: one[:2])[2] if found else None

    def _order(self, vehicle: int) -> tuple[int, ...]:
        return self.routes[vehicle].tasks if vehicle in self.routes else ()

    def _take_off(self, vehicle: int, task: int) -> None:
        rest = self._route(vehicle, [one for one in self.routes[vehicle].tasks if one != task])
        if rest is None:
            del self.routes[vehicle]
        else:
            self.routes[vehicle] = rest

    def _stays_away(self, number: int, task: int) -> Departure:
        """Say which rule keeps a stop from its courier: the one broken at the end of the courier's route."""
        stop = self.day.stops[task]
        vehicle = self.homes[task][0][0]
        forced = self._route(vehicle, [*self._order(vehicle), task])
        broken = check_route(self.problem, forced).violations if forced is not None else ()
        reason, amount = (broken[0].code.value, broken[0].amount) if broken else ("shift", 0)
        return Departure("courier", number, stop.place_id, stop.key, reason, amount)

    # -- order --------------------------------------------------------------------------------------------

    def restore_orders(self) -> list[Departure]:
        """Put stops back into the order of their master route, route by route."""
        return [one for vehicle in sorted(self.routes) for one in self._restore_order(vehicle)]

    def _restore_order(self, vehicle: int) -> list[Departure]:
        """Put a route's stops back in order, those first that cost least; return those that cannot be."""
        ranked, out = self._out_of_order(vehicle)
        most = self.rule.most_reordered_percent
        allowed = len(ranked) if most is None else len(ranked) * most // 100
        tried = [(one[0], task) for task in out if (one := self._in_order(vehicle, task)) is not None]
        for _, task in sorted(tried):
            out = self._out_of_order(vehicle)[1]
            moved = self._in_order(vehicle, task) if task in out else None
            if moved is None or (moved[0] > fen(self.rule.order_fen) and len(out) <= allowed):
                continue
            before, self.routes[vehicle] = self.routes[vehicle], moved[1]
            if len(self._out_of_order(vehicle)[1]) < len(out):
                self.undone["order"] += 1
            else:
                self.routes[vehicle] = before
        out = self._out_of_order(vehicle)[1]
        return [self._stays_out(vehicle, task) for task in out] if len(out) > allowed else []

    def _out_of_order(self, vehicle: int) -> tuple[list[int], list[int]]:
        """Return a route's stops that its own master route knows, and those of them out of order."""
        ranks = [(rank, task) for task in self.routes[vehicle].tasks if (rank := self._rank(vehicle, task)) is not None]
        steady = set(longest_order([rank for rank, _ in ranks]))
        return [task for _, task in ranks], [task for at, (_, task) in enumerate(ranks) if at not in steady]

    def _rank(self, vehicle: int, task: int) -> int | None:
        section = next((one for owner, one in self.homes[task] if owner == vehicle), None)
        if section is None:
            return None
        return self.rank[section.number, self.day.stops[task].place_id]

    def _in_order(self, vehicle: int, task: int) -> tuple[int, Route] | None:
        """Return the route with one stop back in order, at the cheapest such place, and what that adds."""
        before = self.routes[vehicle]
        rank = self._rank(vehicle, task)
        rest = [one for one in before.tasks if one != task]
        ranks = [(at, other) for at, one in enumerate(rest) if (other := self._rank(vehicle, one)) is not None]
        steady = [ranks[index] for index in longest_order([other for _, other in ranks])]
        first = max((at + 1 for at, other in steady if other <= (rank or 0)), default=0)
        last = min((at for at, other in steady if other > (rank or 0)), default=len(rest))
        route = self._with(vehicle, rest, task, first, last)
        return None if route is None else (route_cost(self.problem, route) - route_cost(self.problem, before), route)

    def _stays_out(self, vehicle: int, task: int) -> Departure:
        section = next(one for owner, one in self.homes[task] if owner == vehicle)
        rank = self.rank[section.number, self.day.stops[task].place_id]
        rest = [one for one in self.routes[vehicle].tasks if one != task]
        at = next((place for place, one in enumerate(rest) if (self._rank(vehicle, one) or -1) > rank), len(rest))
        forced = self._route(vehicle, [*rest[:at], task, *rest[at:]])
        broken = check_route(self.problem, forced).violations if forced is not None else ()
        stop = self.day.stops[task]
        reason, amount = (broken[0].code.value, broken[0].amount) if broken else ("day_differs", 0)
        return Departure("order", section.number, stop.place_id, stop.key, reason, amount)

    # -- hours --------------------------------------------------------------------------------------------

    def restore_hours(self) -> list[Departure]:
        """Let each route leave when most of its places are reached at their usual hour."""
        return [one for vehicle in sorted(self.routes) for one in self._restore_hours(vehicle)]

    def _restore_hours(self, vehicle: int) -> list[Departure]:
        route = self.routes[vehicle]
        shifts = list(self._shifts(route))
        if not shifts:
            return []
        now = self._judged(route)
        tolerance = self.rule.tolerance_s
        earliest_s = earliest_departure_s(self.problem, vehicle, route.tasks)
        wanted = (route.start_s - shift + edge for _, shift in shifts for edge in (-tolerance, 0, tolerance))
        leaving = {max(earliest_s, start_s) for start_s in wanted}
        judged = [now]
        for start_s in sorted(leaving):
            moved = Route(vehicle, route.trips, start_s, route.breaks)
            if route_keeps_rules(self.problem, moved, schedule(self.problem, moved)):
                judged.append(self._judged(moved))
        most = self.rule.most_shifted_percent
        allowed = len(shifts) if most is None else len(shifts) * most // 100
        within = [one for one in judged if one[1] <= allowed]
        cost, shifted, chosen = min(within, key=lambda one: one[0]) if within else min(judged, key=lambda one: one[1])
        if shifted < now[1]:
            self.undone["arrival"] += now[1] - shifted
        if (shifted, cost) != (now[1], now[0]):
            self.routes[vehicle] = chosen
        if shifted <= allowed:
            return []
        return [self._off_hour(vehicle, task, shift) for task, shift in self._shifts(chosen) if abs(shift) > tolerance]

    def _judged(self, route: Route) -> tuple[int, int, Route]:
        """Return a route with its cost, prices for places off their hour included, and how many there are."""
        shifted = sum(abs(shift) > self.rule.tolerance_s for _, shift in self._shifts(route))
        return route_cost(self.problem, route) + fen(self.rule.arrival_fen) * shifted, shifted, route

    def _shifts(self, route: Route) -> Iterator[tuple[int, int]]:
        """Give the first stop of each place with how much later than usual it is reached."""
        seen: set[str] = set()
        for visit in schedule(self.problem, route).visits:
            place = self.day.stops[visit.task].place_id
            section = next((one for owner, one in self.homes[visit.task] if owner == route.vehicle), None)
            if section is None or place in seen:
                continue
            seen.add(place)
            usual_s = section.stops[self.rank[section.number, place]].arrival_s
            if usual_s is not None:
                yield visit.task, visit.arrival_s - usual_s

    def _off_hour(self, vehicle: int, task: int, shift_s: int) -> Departure:
        section = next(one for owner, one in self.homes[task] if owner == vehicle)
        stop = self.day.stops[task]
        return Departure("arrival", section.number, stop.place_id, stop.key, "day_differs", shift_s)

    # -- routes -------------------------------------------------------------------------------------------

    def _with(self, vehicle: int, order: Sequence[int], task: int, first: int, last: int) -> Route | None:
        """Return a route with one more stop somewhere from one position to another, nothing where no rule allows it.

        Places are tried in the order of their detours, the likeliest few only.
        """
        detours = self._detours(vehicle, order, task)[first : last + 1]
        for at in (first + int(one) for one in np.argsort(detours, kind="stable")[:_TRIED]):
            route = self._sound(vehicle, [*order[:at], task, *order[at:]])
            if route is not None:
                return route
        return None

    def _detours(self, vehicle: int, order: Sequence[int], task: int) -> NDArray[np.int64]:
        """Return what the drives over one more stop cost at each position of an order, shape (stops + 1,)."""
        kind = self.problem.vehicle_types[self.problem.type_of_vehicle[vehicle]]
        profile, depot = self.problem.profiles[kind.profile], self.problem.depots[kind.start_depot].location
        rows = np.array([depot, *(self.problem.tasks[one].location for one in order), depot])
        here, before, after = self.problem.tasks[task].location, rows[:-1], rows[1:]
        found = np.zeros(len(before), dtype=np.int64)
        for matrix, price in ((profile.duration_s, kind.cost_per_s), (profile.distance_m, kind.cost_per_m)):
            to, onward, direct = (
                part.astype(np.int64) for part in (matrix[before, here], matrix[here, after], matrix[before, after])
            )
            found += price * (to + onward - direct)
        return found

    def _route(self, vehicle: int, tasks: Sequence[int]) -> Route | None:
        """Return a route of one trip at its best departure; None without stops."""
        if not tasks:
            return None
        kind = self.problem.vehicle_types[self.problem.type_of_vehicle[vehicle]]
        trips = (Trip(tuple(tasks), kind.start_depot),)
        return Route(vehicle, trips, departure_s(self.problem, vehicle, trips))

    def _sound(self, vehicle: int, tasks: Sequence[int]) -> Route | None:
        route = self._route(vehicle, tasks)
        if route is None or not route_keeps_rules(self.problem, route, schedule(self.problem, route)):
            return None
        return route
