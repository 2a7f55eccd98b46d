"""Say why a task is on no route, and what the cheapest change is that would put it on one.

Pure functions over a problem and a plan. The words are those of Google's skip reasons where the meaning fits
(Route Optimization API, ``SkippedShipment.Reason.Code``); the others are ours in the same style. A reason is
*proved* when no plan at all could serve the task on that vehicle type under the present rules (see
:mod:`routing.alone`), and *heuristic* when it is what stopped the best places we tried in this plan.

Fixes relax one rule at a time: the task is put into the cheapest places of the present routes (or on one more
vehicle), and where only one kind of rule breaks there, relaxing that rule by that much is a fix. Its price is
the rise in cost of the plan; what the relaxation itself costs (a longer shift, a bigger van) only the
dispatcher knows, so fixes of different kinds are listed side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from routing.alone import AloneBounds
from routing.checker import RouteReport, Violation, ViolationCode, check, check_route
from routing.departure import earliest_departure_s
from routing.problem import LockKind, Problem
from routing.schedule import departure_s
from routing.solution import Route, Solution, Trip

Certainty = Literal["proved", "heuristic"]
# Stops that move by less are not called disturbed: the tolerance of the published plan's arrival times.
MOVED_S = 900
# Places tried in each route, and routes tried for each task: cheap enough for a screen, wide enough to be useful.
PLACES_PER_ROUTE = 4
ROUTES_PER_TASK = 16


class ReasonCode(StrEnum):
    """Why a task is left out."""

    NO_VEHICLE = "NO_VEHICLE"
    """There is no vehicle in the problem."""
    VEHICLE_IGNORED = "VEHICLE_IGNORED"
    """There is none of this vehicle type today; `dimension` names the type."""
    DEMAND_EXCEEDS_VEHICLE_CAPACITY = "DEMAND_EXCEEDS_VEHICLE_CAPACITY"
    """The load does not fit; `dimension` and `amount` say which one and by how much."""
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT = "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT"
    """The route would be too long; `amount` in metres."""
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT = "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT"
    """The route would take too long; `amount` in seconds."""
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TRAVEL_DURATION_LIMIT = (
        "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TRAVEL_DURATION_LIMIT"
    )
    """The driver would drive too long; `amount` in seconds."""
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS = "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS"
    """Window, depot hours or shift are missed; `amount` in seconds."""
    CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TASK_LIMIT = "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TASK_LIMIT"
    """The route would have too many stops; `amount` in stops."""
    VEHICLE_NOT_ALLOWED = "VEHICLE_NOT_ALLOWED"
    """The vehicle is forbidden for the task."""
    SKILL_MISSING = "SKILL_MISSING"
    """The vehicle lacks a skill, named in `dimension`."""
    UNREACHABLE_BY_ROAD = "UNREACHABLE_BY_ROAD"
    """There is no road there, or none back."""
    RELEASED_TOO_LATE = "RELEASED_TOO_LATE"
    """The goods come to the depot too late; `amount` in seconds."""
    SKIPPED_IN_INJECTED_SOLUTION_CONSTRAINT = "SKIPPED_IN_INJECTED_SOLUTION_CONSTRAINT"
    """A lock binds the task to another vehicle."""
    VEHICLE_ROUTE_IS_FULLY_SEQUENCE_CONSTRAINED = "VEHICLE_ROUTE_IS_FULLY_SEQUENCE_CONSTRAINED"
    """A lock forbids to put anything into the route."""
    EXCLUDED_BY_OTHER_TASK = "EXCLUDED_BY_OTHER_TASK"
    """A task on the vehicle, or its group elsewhere, excludes it (incompatible, same vehicle, backhaul order)."""
    ZERO_PENALTY_COST = "ZERO_PENALTY_COST"
    """Leaving it out costs nothing."""
    LESS_VALUABLE = "LESS_VALUABLE"
    """Serving it would cost `amount` cost units more than leaving it out."""


@dataclass(frozen=True)
class Fix:
    """One change that would let the task be served.

    Attributes
    ----------
    constraint
        The rule to relax: a field of the problem, ``vehicle`` for one more vehicle, ``none`` when the task
        fits as things are.
    change, unit
        By how much.
    vehicle, position
        Where the task would go: stop number `position` of that vehicle; None for a vehicle not there yet.
    cost
        Rise of the plan's cost, in cost units, with the price of leaving the task out taken off.
    disturbance
        Stops of the route whose start would move by more than :data:`MOVED_S`.
    certainty
        That the change is enough is checked always. ``proved`` when less of it is not, in any plan, on a
        vehicle of this type; ``heuristic`` when another plan might do with less.
    """

    constraint: str
    change: int
    unit: str
    vehicle: int | None
    position: int | None
    cost: int
    disturbance: int
    certainty: Certainty = "heuristic"

    def __str__(self) -> str:
        if self.constraint == "none":
            return f"fits vehicle {self.vehicle} as stop {self.position}"
        if self.unit == "s":
            return f"{self.constraint} +{-(-self.change // 60)} min"
        return f"{self.constraint} +{self.change} {self.unit}".rstrip()


@dataclass(frozen=True)
class Reason:
    """Why one vehicle type does not take the task.

    Attributes
    ----------
    vehicle
        An example vehicle; `vehicles` is the number of vehicles it stands for.
    dimension
        Load dimension or missing skills.
    amount
        By how much, in the unit the code names.
    """

    code: ReasonCode
    certainty: Certainty
    vehicle: int | None = None
    vehicles: int = 0
    dimension: str | None = None
    amount: int = 0


@dataclass(frozen=True)
class Explanation:
    """Reasons and fixes of one task left out.

    Attributes
    ----------
    certainty
        ``proved`` when no plan under the present rules serves the task, on any vehicle.
    reasons
        For each vehicle type what stands in its way; a type that could take the task has none.
    fixes
        Sorted by cost, the cheapest first; a place that fits as things are comes before all others.
    """

    task: int
    certainty: Certainty
    reasons: tuple[Reason, ...]
    fixes: tuple[Fix, ...]

    @property
    def fix(self) -> Fix | None:
        """Return the cheapest fix found."""
        return self.fixes[0] if self.fixes else None


def explain(
    problem: Problem, solution: Solution, tasks: Iterable[int] | None = None, *, bounds: AloneBounds | None = None
) -> tuple[Explanation, ...]:
    """Explain every task that is left out, or those asked for.

    Tasks whose alternative is served are not left out. Both ends of a shipment get the same explanation.

    Parameters
    ----------
    bounds
        Bounds for this problem that know paths from before.
    """
    served = {task for route in solution.routes for task in route.tasks}
    asked = solution.unassigned if tasks is None else tuple(tasks)
    explainer = _Explainer(problem, solution, bounds or AloneBounds(problem))
    found = []
    for task in asked:
        group = problem.alternatives_of_task.get(task)
        if task in served or (group is not None and served & set(problem.alternatives[group].tasks)):
            continue
        found.append(explainer.explain(task))
    return tuple(found)


@dataclass(frozen=True)
class _Candidate:
    """One place for the task: the route with it, its judgement and the rise in cost."""

    route: Route
    position: int
    report: RouteReport
    broken: tuple[Violation, ...]
    cost: int
    disturbance: int


_Limit = tuple[int, ReasonCode, str | None]
"""A vehicle type, what it lacks, and in which dimension."""

_PROVED: dict[str, ReasonCode] = {
    "skills": ReasonCode.SKILL_MISSING,
    "forbidden": ReasonCode.VEHICLE_NOT_ALLOWED,
    "lock": ReasonCode.SKIPPED_IN_INJECTED_SOLUTION_CONSTRAINT,
    "capacity": ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY,
    "road": ReasonCode.UNREACHABLE_BY_ROAD,
    "release": ReasonCode.RELEASED_TOO_LATE,
    "window": ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS,
    "shift": ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS,
    "max_duration_s": ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT,
    "max_distance_m": ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT,
    "max_driving_s": ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TRAVEL_DURATION_LIMIT,
    "max_tasks": ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TASK_LIMIT,
}
_TIME = ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS
_EXCLUDED = ReasonCode.EXCLUDED_BY_OTHER_TASK
_SEQUENCE = ReasonCode.VEHICLE_ROUTE_IS_FULLY_SEQUENCE_CONSTRAINED
# For each rule a place may break: the reason, the name of the fix and its unit.
_BROKEN: dict[ViolationCode, tuple[ReasonCode, str, str]] = {
    ViolationCode.OVERLOAD: (ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY, "capacity", ""),
    ViolationCode.LATE: (_TIME, "windows", "s"),
    ViolationCode.SHIFT: (_TIME, "shift_end_s", "s"),
    ViolationCode.DEPOT_CLOSED: (_TIME, "close_s", "s"),
    ViolationCode.BREAK_LATE: (_TIME, "breaks", "s"),
    ViolationCode.BREAK_MISSING: (_TIME, "breaks", ""),
    ViolationCode.RELEASE: (ReasonCode.RELEASED_TOO_LATE, "release_s", "s"),
    ViolationCode.MAX_DURATION: (_PROVED["max_duration_s"], "max_duration_s", "s"),
    ViolationCode.MAX_DISTANCE: (_PROVED["max_distance_m"], "max_distance_m", "m"),
    ViolationCode.MAX_DRIVING: (_PROVED["max_driving_s"], "max_driving_s", "s"),
    ViolationCode.MAX_TASKS: (_PROVED["max_tasks"], "max_tasks", "stops"),
    ViolationCode.SKILL_MISSING: (ReasonCode.SKILL_MISSING, "skills", "skills"),
    ViolationCode.VEHICLE_NOT_ALLOWED: (ReasonCode.VEHICLE_NOT_ALLOWED, "forbidden_tasks", ""),
    ViolationCode.UNREACHABLE_LEG: (ReasonCode.UNREACHABLE_BY_ROAD, "road", ""),
    ViolationCode.LOCK: (_SEQUENCE, "locks", "locks"),
    ViolationCode.INCOMPATIBLE: (_EXCLUDED, "incompatible", "pairs"),
    ViolationCode.SAME_VEHICLE: (_EXCLUDED, "same_vehicle", "groups"),
    ViolationCode.BACKHAUL_ORDER: (_EXCLUDED, "backhaul", ""),
    ViolationCode.BACKHAUL_ONLY: (_EXCLUDED, "backhaul", ""),
}
_ROADLESS = (ViolationCode.UNREACHABLE_LEG, ViolationCode.SHIPMENT_ORDER, ViolationCode.SHIPMENT_SPLIT)


class _Explainer:
    """Explains tasks of one plan; bounds and the judgement of the plan are kept between tasks."""

    def __init__(self, problem: Problem, solution: Solution, bounds: AloneBounds) -> None:
        self.problem = problem
        self.solution = solution
        self.bounds = bounds
        self.before = {route.vehicle: check_route(problem, route) for route in solution.routes}
        self.whole = check(problem, solution)

    def explain(self, task: int) -> Explanation:
        shipment = self.problem.shipment_of_task.get(task)
        unit: tuple[int, ...] = (task,)
        if shipment is not None:
            both = self.problem.shipments[shipment]
            unit = (both.pickup_task, both.delivery_task)
        if not self.problem.type_of_vehicle:
            return Explanation(task, "proved", (Reason(ReasonCode.NO_VEHICLE, "proved"),), ())
        reasons: list[Reason] = []
        candidates: list[_Candidate] = []
        certainty: Certainty = "proved"
        least: dict[_Limit, int] = {}
        for kind in range(len(self.problem.vehicle_types)):
            if not self.problem.vehicle_types[kind].count:
                name = self.problem.vehicle_types[kind].id
                reasons.append(Reason(ReasonCode.VEHICLE_IGNORED, "proved", dimension=name))
                continue
            proved = self._proved(kind, unit)
            found = list(self._candidates(kind, unit))
            candidates += found
            for reason in proved:
                least[kind, reason.code, reason.dimension] = reason.amount
            certainty = certainty if proved else "heuristic"
            reasons += proved or self._heuristic(kind, unit, found)
        fixes = self._fixes(unit, candidates, least)
        return Explanation(task, certainty, tuple(reasons), fixes)

    def _proved(self, kind: int, unit: tuple[int, ...]) -> list[Reason]:
        first, count = self.problem.first_vehicle_of_type[kind], self.problem.vehicle_types[kind].count
        return [
            Reason(_PROVED[excess.limit], "proved", first, count, excess.dimension, excess.amount)
            for excess in dict.fromkeys(self.bounds.excesses(kind, unit))
        ]

    def _heuristic(self, kind: int, unit: tuple[int, ...], found: list[_Candidate]) -> list[Reason]:
        """Name what breaks in the places that break least, or why a place that fits was not worth it."""
        first, count = self.problem.first_vehicle_of_type[kind], self.problem.vehicle_types[kind].count
        fitting = [candidate for candidate in found if not candidate.broken]
        if fitting:
            return self._not_worth_it(unit, min(fitting, key=lambda c: c.cost))
        reasons: dict[tuple[ReasonCode, str | None], Reason] = {}
        for candidate in sorted(found, key=lambda c: (len(c.broken), sum(v.amount for v in c.broken), c.cost)):
            for violation in candidate.broken if not reasons else ():
                code = _BROKEN[violation.code][0]
                reason = Reason(
                    code, "heuristic", candidate.route.vehicle, count, violation.dimension, violation.amount
                )
                reasons.setdefault((code, violation.dimension), reason)
        if not reasons and not found:
            return [Reason(ReasonCode.NO_VEHICLE, "heuristic", first, count)]
        return list(reasons.values())

    def _not_worth_it(self, unit: tuple[int, ...], best: _Candidate) -> list[Reason]:
        if any(self.problem.tasks[task].required for task in unit) and not self._optional_group(unit[0]):
            return []  # it fits and it must be served: the search has missed it, and the fix says where it goes
        if self._left_out_price(unit) == 0:
            return [Reason(ReasonCode.ZERO_PENALTY_COST, "proved", best.route.vehicle, 1)]
        if best.cost > 0:
            return [Reason(ReasonCode.LESS_VALUABLE, "heuristic", best.route.vehicle, 1, None, best.cost)]
        return []

    def _optional_group(self, task: int) -> bool:
        group = self.problem.alternatives_of_task.get(task)
        return group is not None and not self.problem.alternatives[group].required

    def _left_out_price(self, unit: tuple[int, ...]) -> int:
        group = self.problem.alternatives_of_task.get(unit[0])
        if group is not None:
            it = self.problem.alternatives[group]
            return 0 if it.required else it.prize + it.priority * self.problem.priority_price
        tasks = [self.problem.tasks[task] for task in unit if not self.problem.tasks[task].required]
        return sum(task.prize + task.priority * self.problem.priority_price for task in tasks)

    def _candidates(self, kind: int, unit: tuple[int, ...]) -> Iterator[_Candidate]:
        """Put the unit into the cheapest places of the type's routes, and alone on a free vehicle."""
        routes = [r for r in self.solution.routes if self.problem.type_of_vehicle[r.vehicle] == kind]
        nearest = sorted(routes, key=lambda route: self._places(route, unit[0])[0][0])[:ROUTES_PER_TASK]
        for route in nearest:
            for longer, position in self._insertions(route, unit):
                yield self._judge(route, longer, position)
        used = {route.vehicle for route in routes}
        first = self.problem.first_vehicle_of_type[kind]
        for vehicle in range(first, first + self.problem.vehicle_types[kind].count):
            if vehicle not in used:
                yield self._judge(None, self._alone(vehicle, unit), 0)
                return

    def _alone(self, vehicle: int, unit: tuple[int, ...]) -> Route:
        kind = self.problem.vehicle_types[self.problem.type_of_vehicle[vehicle]]
        return Route(vehicle, (Trip(unit, kind.start_depot),))

    def _places(self, route: Route, task: int) -> list[tuple[int, int, int]]:
        """Give (detour, trip, place) of every place in a route, the shortest detour first."""
        kind = self.problem.vehicle_types[self.problem.type_of_vehicle[route.vehicle]]
        legs = self.problem.profiles[kind.profile].distance_m
        here = self.problem.tasks[task].location
        places = []
        for number, trip in enumerate(route.trips):
            stops = [self.problem.depots[trip.depot].location]
            stops += [self.problem.tasks[t].location for t in trip.tasks]
            last = number == len(route.trips) - 1
            end = kind.end_depot if last else route.trips[number + 1].depot
            if end is not None:
                stops.append(self.problem.depots[end].location)
            for place in range(len(trip.tasks) + 1):
                detour = int(legs[stops[place], here])
                if place + 1 < len(stops):
                    detour += int(legs[here, stops[place + 1]]) - int(legs[stops[place], stops[place + 1]])
                places.append((detour, number, place))
        return sorted(places)

    def _insertions(self, route: Route, unit: tuple[int, ...]) -> Iterator[tuple[Route, int]]:
        """Give the route with the unit at each of its cheapest places, and the stop number of its first task."""
        for _, number, place in self._places(route, unit[0])[:PLACES_PER_ROUTE]:
            with_first = _inserted(route, number, place, unit[0])
            position = sum(len(trip.tasks) for trip in route.trips[:number]) + place
            if len(unit) == 1:
                yield with_first, position
                continue
            later = [(t, p) for _, t, p in self._places(with_first, unit[1]) if t == number and p > place]
            for trip, second in later[:PLACES_PER_ROUTE]:
                yield _inserted(with_first, trip, second, unit[1]), position

    def _judge(self, old: Route | None, new: Route, position: int) -> _Candidate:
        """Choose the departure that breaks least, then price and judge the route with the task in it."""
        starts = {
            earliest_departure_s(self.problem, new),
            departure_s(self.problem, new.vehicle, new.trips, new.breaks),
        }
        if old is not None:
            starts.add(old.start_s)
        options = []
        for start_s in sorted(starts):
            route = replace(new, start_s=start_s)
            report = check_route(self.problem, route)
            broken = (*self._new_violations(old, report), *self._between(route))
            options.append((sum(v.amount for v in broken), report.cost.total, route, report, broken))
        _, total, route, report, broken = min(options, key=lambda option: option[:2])
        before = self.before[old.vehicle] if old is not None else None
        unit = tuple(task for task in new.tasks if old is None or task not in old.tasks)
        cost = total - (before.cost.total if before else 0) - self._left_out_price(unit)
        return _Candidate(route, position, report, broken, cost, _moved(before, report))

    def _new_violations(self, old: Route | None, report: RouteReport) -> tuple[Violation, ...]:
        """Keep what the task brings; what was broken before is not its fault."""
        known = set() if old is None else {(v.code, v.task) for v in self.before[old.vehicle].violations}
        return tuple(v for v in report.violations if (v.code, v.task) not in known or v.code is ViolationCode.OVERLOAD)

    def _between(self, route: Route) -> tuple[Violation, ...]:
        """Find rules between tasks that the longer route would break."""
        others = tuple(r for r in self.solution.routes if r.vehicle != route.vehicle)
        unassigned = tuple(task for task in self.solution.unassigned if task not in route.tasks)
        if not (self.problem.same_vehicle or self.problem.incompatible or self.problem.locks):
            return ()
        known = {(v.code, v.message) for v in self.whole.violations}
        alone = {(v.code, v.message) for v in check_route(self.problem, route).violations}
        report = check(self.problem, Solution((*others, route), unassigned))
        return tuple(v for v in report.violations if (v.code, v.message) not in known | alone)

    def _fixes(
        self, unit: tuple[int, ...], candidates: list[_Candidate], least: Mapping[_Limit, int]
    ) -> tuple[Fix, ...]:
        """Give the cheapest fix for each rule that, relaxed alone, would make a place."""
        best: dict[tuple[str, str], Fix] = {}
        for candidate in candidates:
            fix = self._fix(candidate, least)
            if fix is not None and fix.cost < best.setdefault((fix.constraint, fix.unit), fix).cost:
                best[fix.constraint, fix.unit] = fix
        if not any(fix.constraint == "none" for fix in best.values()):
            for fix in self._one_more_vehicle(unit):
                if fix.cost < best.setdefault((fix.constraint, fix.unit), fix).cost:
                    best[fix.constraint, fix.unit] = fix
        return tuple(sorted(best.values(), key=lambda fix: (fix.constraint != "none", fix.cost, fix.change)))

    def _fix(self, candidate: _Candidate, least: Mapping[_Limit, int]) -> Fix | None:
        vehicle, position = candidate.route.vehicle, candidate.position
        if not candidate.broken:
            return Fix("none", 0, "", vehicle, position, candidate.cost, candidate.disturbance, "proved")
        kinds = {(violation.code, violation.dimension, violation.task) for violation in candidate.broken}
        code = candidate.broken[0].code
        if len(kinds) > 1 or code in _ROADLESS or code not in _BROKEN:
            return None
        reason, constraint, unit = _BROKEN[code]
        change = max(violation.amount for violation in candidate.broken)
        late = candidate.broken[0].task if code is ViolationCode.LATE else None
        if late is not None:
            constraint = f"windows of {self.problem.tasks[late].id}"
        if code is ViolationCode.SHIFT and candidate.report.schedule.start_s < self._shift_start(vehicle):
            constraint = "shift_start_s"
        dimension = candidate.broken[0].dimension
        needed = least.get((self.problem.type_of_vehicle[vehicle], reason, dimension), 0)
        certainty: Certainty = "proved" if 0 < change <= needed else "heuristic"
        return Fix(
            constraint, change, dimension or unit, vehicle, position, candidate.cost, candidate.disturbance, certainty
        )

    def _shift_start(self, vehicle: int) -> int:
        return self.problem.vehicle_types[self.problem.type_of_vehicle[vehicle]].shift_start_s

    def _one_more_vehicle(self, unit: tuple[int, ...]) -> Iterator[Fix]:
        """Price a further vehicle of each type that could serve the unit alone."""
        bound = any(lock.kind is not LockKind.VEHICLE or set(unit) & set(lock.tasks) for lock in self.problem.locks)
        for kind, vehicle_type in enumerate(self.problem.vehicle_types):
            if not vehicle_type.count or (bound and self.bounds.excesses(kind, unit)):
                continue
            route = self._alone(self.problem.first_vehicle_of_type[kind], unit)
            route = replace(route, start_s=departure_s(self.problem, route.vehicle, route.trips))
            report = check_route(self.problem, route)
            if not report.violations:
                cost = report.cost.total - self._left_out_price(unit)
                yield Fix("vehicle", 1, vehicle_type.id, None, None, cost, 0)


def _inserted(route: Route, number: int, place: int, task: int) -> Route:
    trips = list(route.trips)
    tasks = trips[number].tasks
    trips[number] = replace(trips[number], tasks=(*tasks[:place], task, *tasks[place:]))
    position = sum(len(trip.tasks) for trip in route.trips[:number]) + place
    breaks = tuple((at + (at > position), rest) for at, rest in route.breaks)
    return replace(route, trips=tuple(trips), breaks=breaks)


def _moved(before: RouteReport | None, after: RouteReport) -> int:
    if before is None:
        return 0
    starts = {stop.task: stop.start_s for stop in before.schedule.stops}
    return sum(abs(stop.start_s - starts.get(stop.task, stop.start_s)) > MOVED_S for stop in after.schedule.stops)
