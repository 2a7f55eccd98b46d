"""Puts new tasks into routes that are already published, without touching the order of what is on them.

A van is loaded by its route; a kiosk's drop-off that arrives at noon may go between two stops, but it must
never make the courier dig for a parcel. So existing stops keep vehicle and order here whatever it costs.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.checker import check_route
from routing.costs import route_cost, route_keeps_rules
from routing.errors import InvalidPlanError, UnsupportedFeatureError
from routing.problem import UNREACHABLE, LockKind, Problem, Window
from routing.schedule import RouteSchedule, departure_s, schedule, start_of_work_s
from routing.solution import Route, Solution, Trip

Free = Callable[[int, int], bool]
"""Tells whether something may be put at a stop number of a vehicle's route."""


@dataclass(frozen=True)
class AffectedStop:
    """A stop that is served at another time after the insertion."""

    task: int
    start_before_s: int
    start_after_s: int


@dataclass(frozen=True)
class Place:
    """One feasible place for a task.

    Attributes
    ----------
    vehicle, trip, position
        The task becomes stop number ``position`` of that trip.
    cost_delta
        Change of the plan's cost in cost units, without prices of leaving the task out.
    route
        The route with the task in it.
    affected
        Existing stops whose start of work moves, in driving order.
    start_s
        Start of work at the new task.
    """

    task: int
    vehicle: int
    trip: int
    position: int
    cost_delta: int
    start_s: int
    route: Route
    affected: tuple[AffectedStop, ...]


@dataclass(frozen=True)
class Insertion:
    """The outcome of inserting several tasks one after another."""

    solution: Solution
    places: tuple[Place, ...]
    refused: tuple[int, ...]


def places_for(
    problem: Problem,
    solution: Solution,
    task: int,
    *,
    done: Mapping[int, int] | None = None,
    keep_departure: bool = True,
    spare_vehicles: Iterable[int] = (),
    free: Free | None = None,
    limit: int = 5,
) -> tuple[Place, ...]:
    """Find the cheapest feasible places for one new task in published routes, cheapest first.

    The answer is exact: places are tried in the order of a lower bound of their cost until it passes the last
    one wanted. A route that breaks a rule already may take the task as long as nothing gets worse.

    Parameters
    ----------
    problem
        Holds the new task beside those of the published plan.
    done
        For each vehicle, how many stops of its route are behind it (or being driven to): nothing is put
        before those.
    keep_departure
        True: routes depart when published. False: a route may leave earlier or later, for plans that are
        not driven yet.
    spare_vehicles
        Vehicles without a route that may get one.
    free
        Says where the task may go besides; everywhere when omitted.
    limit
        Most places to return.

    Raises
    ------
    UnsupportedFeatureError
        If the task is an end of a shipment or one of several alternatives.
    InvalidPlanError
        If the task is on a route already.
    """
    if task in problem.shipment_of_task or task in problem.alternatives_of_task:
        raise UnsupportedFeatureError(("insertion of shipments and alternatives",))
    if any(task in route.tasks for route in solution.routes):
        raise InvalidPlanError(f"task {problem.tasks[task].id!r} is on a route already")
    done = done or {}
    judges = [_Judge(problem, route, task, keep_departure) for route in solution.routes]
    guesses: list[tuple[int, int, int, int]] = []
    for number, route in enumerate(solution.routes):
        if _route_may_take(problem, route, task):
            guesses += _guess_places(problem, route, number, judges[number], done.get(route.vehicle, 0), free)
    guesses.sort()
    opened = (_open_route(problem, vehicle, task) for vehicle in spare_vehicles)
    found = sorted((place for place in opened if place is not None), key=_rank)
    for bound, number, trip, position in guesses:
        if len(found) >= limit and bound > found[limit - 1].cost_delta:
            break
        place = judges[number].try_place(trip, position)
        if place is not None:
            insort(found, place, key=_rank)
    return tuple(found[:limit])


def _rank(place: Place) -> tuple[int, int, int, int]:
    return place.cost_delta, place.vehicle, place.trip, place.position


def insert_tasks(
    problem: Problem,
    solution: Solution,
    tasks: Sequence[int],
    *,
    done: Mapping[int, int] | None = None,
    keep_departure: bool = True,
    spare_vehicles: Iterable[int] = (),
) -> Insertion:
    """Insert several new tasks, each at its cheapest place, in the order given.

    Optional tasks are refused when their place costs more than leaving them out.
    """
    places: list[Place] = []
    refused: list[int] = []
    routes = {route.vehicle: route for route in solution.routes}
    spare = [vehicle for vehicle in spare_vehicles if vehicle not in routes]
    for task in tasks:
        present = Solution(tuple(routes.values()), ())
        found = places_for(
            problem, present, task, done=done, keep_departure=keep_departure, spare_vehicles=spare, limit=1
        )
        it = problem.tasks[task]
        price = None if it.required else it.prize + it.priority * problem.priority_price
        if not found or (price is not None and found[0].cost_delta > price):
            refused.append(task)
            continue
        places.append(found[0])
        routes[found[0].vehicle] = found[0].route
        spare = [vehicle for vehicle in spare if vehicle != found[0].vehicle]
    placed = {task for route in routes.values() for task in route.tasks}
    left = tuple(task for task in range(problem.task_count) if task not in placed)
    return Insertion(Solution(tuple(routes.values()), left), tuple(places), tuple(refused))


def _route_may_take(problem: Problem, route: Route, task: int) -> bool:
    """Look at skills, locks and companions; loads and times come later."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    if not problem.tasks[task].skills <= kind.skills or task in kind.forbidden_tasks:
        return False
    on_board = set(route.tasks)
    if any(task in pair and on_board.intersection(pair) for pair in problem.incompatible):
        return False
    for group in problem.same_vehicle:
        if task in group and not on_board.issuperset(set(group) - {task}):
            return False
    for lock in problem.locks:
        if task in lock.tasks and lock.vehicle != route.vehicle:
            return False
        if lock.kind is LockKind.ROUTE and lock.vehicle == route.vehicle:
            return False
    return True


def _first_free_position(problem: Problem, route: Route, done: int) -> int:
    """Return the first position not before stops that are done, in a frozen prefix or at a fixed position."""
    first = done
    for lock in problem.locks:
        if lock.vehicle == route.vehicle and lock.kind is LockKind.PREFIX:
            first = max(first, len(lock.tasks))
        if lock.vehicle == route.vehicle and lock.kind is LockKind.POSITION:
            first = max(first, lock.position + 1)
    return first


def _guess_places(
    problem: Problem, route: Route, number: int, judge: _Judge, done: int, free: Free | None
) -> list[tuple[int, int, int, int]]:
    """List (lower bound of the cost, route number, trip, position) for places the detour alone does not forbid."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    profile = problem.profiles[kind.profile]
    first_free = _first_free_position(problem, route, done)
    it = problem.tasks[judge.task]
    here, found, offset = it.location, [], 0
    in_time = _places_in_time(problem, route, judge) if judge.keep_departure else None
    for trip_number, trip in enumerate(route.trips):
        stops = _trip_locations(problem, route, trip_number)
        before = np.array(stops[:-1])
        after = np.array([here if stop is None else stop for stop in stops[1:]])
        open_end = np.array([stop is None for stop in stops[1:]])
        distance = _detour(profile.distance_m, before, after, here, open_end)
        duration = _detour(profile.duration_s, before, after, here, open_end)
        # Waiting may swallow the time of a detour, and the next stop's set-up may fall away; driving is driven.
        least_s = np.minimum(0, duration + judge.least_work_s)
        price = distance * kind.cost_per_m + duration * kind.cost_per_driving_s + least_s * kind.cost_per_s
        for position in range(len(trip.tasks) + 1):
            place = offset + position
            late = in_time is not None and not in_time[position]
            allowed = place >= first_free and (free is None or free(route.vehicle, place))
            if allowed and not late and duration[position] < UNREACHABLE // 2:
                found.append((int(price[position]), number, trip_number, position))
        offset += len(trip.tasks)
    return found


def _places_in_time(problem: Problem, route: Route, judge: _Judge) -> list[bool] | None:
    """Tell for each place of a one-trip route whether the task and all later stops keep their windows.

    None where the answer takes more than two passes: breaks, several trips.
    """
    kind_index = problem.type_of_vehicle[route.vehicle]
    kind = problem.vehicle_types[kind_index]
    if len(route.trips) > 1 or kind.breaks:
        return None
    profile = problem.profiles[kind.profile]
    it = problem.tasks[judge.task]
    times = judge.before
    latest = [UNREACHABLE if kind.end_depot is None else problem.depots[kind.end_depot].close_s]
    latest[0] = max(times.end_s, min(latest[0], kind.shift_end_s))
    stops = _trip_locations(problem, route, 0)
    for visit, onward in zip(reversed(times.visits), reversed(stops[2:]), strict=True):
        stop = problem.tasks[visit.task]
        leg_s = 0 if onward is None else profile.leg(stop.location, onward)[1]
        # The least work a stop can take (no set-up) keeps this a necessary condition.
        by = latest[-1] - leg_s - -(-stop.service_s * kind.service_percent // 100)
        by = by if stop.late_cost_per_s is not None else _latest_start_s(stop.windows, by)
        latest.append(max(visit.arrival_s, by))  # who is late already may stay as late
    latest.reverse()
    answers = []
    for position, bound in enumerate(latest):
        leaves = times.visits[position - 1].leave_s if position else route.start_s
        before, onward = stops[position], stops[position + 1]
        assert before is not None
        start = start_of_work_s(it, leaves + profile.leg(before, it.location)[1])
        leg_s = 0 if onward is None else profile.leg(it.location, onward)[1]
        hopeless = it.late_cost_per_s is None and start > it.windows[-1][1]
        arrives = start + -(-it.service_s * kind.service_percent // 100) + leg_s
        answers.append(not hopeless and arrives <= bound)
    return answers


def _latest_start_s(windows: tuple[Window, ...], by_s: int) -> int:
    """Return the latest start inside a window that is not after ``by_s``; before all time if there is none."""
    for open_s, close_s in reversed(windows):
        if open_s <= by_s:
            return min(close_s, by_s)
    return -UNREACHABLE


def _trip_locations(problem: Problem, route: Route, trip_number: int) -> list[int | None]:
    """Return the locations a trip passes, depots included; None for the end of an open route."""
    trip = route.trips[trip_number]
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    stops: list[int | None] = [problem.depots[trip.depot].location]
    stops += [problem.tasks[task].location for task in trip.tasks]
    end = route.trips[trip_number + 1].depot if trip_number + 1 < len(route.trips) else kind.end_depot
    stops.append(None if end is None else problem.depots[end].location)
    return stops


def _detour(
    matrix: NDArray[np.int32],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    here: int,
    open_end: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return how much longer each leg gets when it leads over a place."""
    there = matrix[before.astype(np.int64), here].astype(np.int64)
    onward = np.where(open_end, 0, matrix[here, after])
    direct = np.where(open_end, 0, matrix[before.astype(np.int64), after])
    return np.asarray(there + onward - direct, dtype=np.int64)


class _Judge:
    """Tries one task at places of one route exactly; what is known of the route is found once."""

    def __init__(self, problem: Problem, route: Route, task: int, keep_departure: bool) -> None:
        self.problem, self.route, self.task, self.keep_departure = problem, route, task, keep_departure
        self.before = schedule(problem, route)
        self.cost = route_cost(problem, route, self.before)
        self.sound = route_keeps_rules(problem, route, self.before)
        kind = problem.type_of_vehicle[route.vehicle]
        spared_s = max((problem.tasks[index].setup_s for index in route.tasks), default=0)
        percent = problem.vehicle_types[kind].service_percent
        self.least_work_s = (problem.tasks[task].service_s - spared_s) * percent // 100

    def try_place(self, trip_number: int, position: int) -> Place | None:
        """Return the place with its price; None if a rule is broken that was kept before, or broken more."""
        problem, route, task = self.problem, self.route, self.task
        trip = route.trips[trip_number]
        tasks = (*trip.tasks[:position], task, *trip.tasks[position:])
        trips = (*route.trips[:trip_number], Trip(tasks, trip.depot), *route.trips[trip_number + 1 :])
        offset = sum(len(earlier.tasks) for earlier in route.trips[:trip_number]) + position
        breaks = tuple((place + (place > offset), which) for place, which in route.breaks)
        start_s = route.start_s if self.keep_departure else departure_s(problem, route.vehicle, trips, breaks)
        changed = Route(route.vehicle, trips, start_s, breaks)
        if problem.tasks[task].release_s > start_s and trip_number == 0:
            return None
        after = schedule(problem, changed)
        if not self._keeps_rules(changed, after) or not _breaks_are_kept(problem, changed, after):
            return None
        return Place(
            task,
            route.vehicle,
            trip_number,
            position,
            route_cost(problem, changed, after) - self.cost,
            next(visit.start_s for visit in after.visits if visit.task == task),
            changed,
            _affected(self.before, after),
        )

    def _keeps_rules(self, changed: Route, after: RouteSchedule) -> bool:
        if route_keeps_rules(self.problem, changed, after):
            return True
        if self.sound:
            return False
        known = {
            (one.code, one.task, one.dimension): one.amount for one in check_route(self.problem, self.route).violations
        }
        return all(
            one.amount <= known.get((one.code, one.task, one.dimension), 0)
            for one in check_route(self.problem, changed).violations
        )


def _breaks_are_kept(problem: Problem, route: Route, times: RouteSchedule) -> bool:
    """Tell whether breaks start in their windows and none that is owed is missing."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    taken = set()
    for place, which in route.breaks:
        leaves = times.visits[place - 1].leave_s if place else route.start_s
        if leaves > kind.breaks[which].latest_s:
            return False
        taken.add(which)
    return all(
        which in taken or times.start_s >= rest.earliest_s + rest.duration_s or times.end_s <= rest.latest_s
        for which, rest in enumerate(kind.breaks)
    )


def _affected(before: RouteSchedule, after: RouteSchedule) -> tuple[AffectedStop, ...]:
    was = {visit.task: visit.start_s for visit in before.visits}
    return tuple(
        AffectedStop(visit.task, was[visit.task], visit.start_s)
        for visit in after.visits
        if visit.task in was and was[visit.task] != visit.start_s
    )


def _open_route(problem: Problem, vehicle: int, task: int) -> Place | None:
    """Try the task alone on a vehicle that has no route yet."""
    kind = problem.vehicle_types[problem.type_of_vehicle[vehicle]]
    trips = (Trip((task,), kind.start_depot),)
    route = Route(vehicle, trips, departure_s(problem, vehicle, trips))
    times = schedule(problem, route)
    if not _route_may_take(problem, route, task) or not route_keeps_rules(problem, route, times):
        return None
    cost = route_cost(problem, route, times)
    return Place(task, vehicle, 0, 0, cost, times.visits[0].start_s, route, ())
