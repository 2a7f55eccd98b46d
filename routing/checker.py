"""Judge a plan from its problem alone: every rule, every cost term, in plain Python.

Nothing here is shared with the search: not a kernel, not a segment, not even the helpers that
:class:`~routing.problem.Problem` offers its users. A route is walked from its departure to its end with a
clock and a load in hand, as a courier would, and all that breaks a rule on the way is listed. All numbers are
integers, so a cost that differs from the search's by one unit is a mistake in one of the two.

How the schedule is chosen
--------------------------
:attr:`Route.start_s <routing.solution.Route.start_s>` is part of the plan, so nothing is left to choose: the
vehicle departs then and does everything as early as it can. Each leg is driven at once; at a stop it waits for
the next window, works and leaves; at a reload depot it waits for the opening, reloads, waits for the latest
release of the next trip and leaves; at the end depot it waits for the opening. Waiting counts towards the
duration. A break is taken where the plan puts it: after the work at the stop before, or at the depot right
after the departure of the trip when the stop is the trip's first.

Where a rule is broken the walk goes on with what would really happen (a vehicle that comes late starts late),
so one mistake is not reported as ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum

from routing.problem import UNREACHABLE, Backhaul, Lock, LockKind, Problem, Task, VehicleType
from routing.solution import Route, Solution

ShipmentAmounts = dict[int, tuple[tuple[int, tuple[int, ...]], ...]]
"""For each task, (sign, amount) of what shipments change on board there."""


class ViolationCode(StrEnum):
    """Each way in which a plan can break its problem's rules."""

    UNKNOWN_TASK = "unknown_task"
    """A route or the list of unassigned tasks names a task the problem does not have."""
    TASK_TWICE = "task_twice"
    """A task is on two places of the plan; `amount` is the number of superfluous ones."""
    TASK_LOST = "task_lost"
    """A task is neither on a route nor among the unassigned."""
    UNKNOWN_VEHICLE = "unknown_vehicle"
    """A route belongs to a vehicle the problem does not have."""
    VEHICLE_TWICE = "vehicle_twice"
    """A vehicle has more than one route."""
    EMPTY_TRIP = "empty_trip"
    """A route without trips, or a trip without tasks."""
    TRIP_DEPOT = "trip_depot"
    """A trip begins at a depot where its vehicle may not load."""
    TOO_MANY_TRIPS = "too_many_trips"
    """More trips than the vehicle may make; `amount` is the excess."""
    UNREACHABLE_LEG = "unreachable_leg"
    """A leg without a road."""
    OVERLOAD = "overload"
    """More on board than fits; `amount` is the excess at the worst moment of a trip, in one dimension."""
    LATE = "late"
    """Work starts after the last window has closed; `amount` in seconds."""
    RELEASE = "release"
    """A trip departs before its goods are there; `amount` in seconds."""
    DEPOT_CLOSED = "depot_closed"
    """A departure outside the opening hours of its depot or an arrival after closing; `amount` in seconds."""
    SHIFT = "shift"
    """The vehicle departs before its shift or ends after it; `amount` in seconds."""
    MAX_DURATION = "max_duration"
    """`amount` in seconds."""
    MAX_DISTANCE = "max_distance"
    """`amount` in metres."""
    MAX_DRIVING = "max_driving"
    """`amount` in seconds."""
    MAX_TASKS = "max_tasks"
    """`amount` in tasks."""
    SKILL_MISSING = "skill_missing"
    """The vehicle lacks a skill; `amount` is the number of missing ones."""
    VEHICLE_NOT_ALLOWED = "vehicle_not_allowed"
    """The vehicle's type is forbidden for the task."""
    SHIPMENT_SPLIT = "shipment_split"
    """The two ends of a shipment are not both left out, nor both on one trip of one vehicle."""
    SHIPMENT_ORDER = "shipment_order"
    """A shipment is to be delivered before it is picked up."""
    ALTERNATIVES = "alternatives"
    """More than one of several alternatives is done; `amount` is the number of superfluous ones."""
    SAME_VEHICLE = "same_vehicle"
    """A group that belongs together is on several vehicles; `amount` is the number of superfluous ones."""
    INCOMPATIBLE = "incompatible"
    """Two tasks that must not share a vehicle do."""
    LOCK = "lock"
    """Something a dispatcher has fixed is changed."""
    BACKHAUL_ORDER = "backhaul_order"
    """A pickup comes before a delivery on a trip where deliveries come first."""
    BACKHAUL_ONLY = "backhaul_only"
    """A trip has pickups but no delivery where one is required."""
    BREAK_MISSING = "break_missing"
    """A route owes a break and does not have it."""
    BREAK_LATE = "break_late"
    """A break starts after its latest start; `amount` in seconds."""
    BREAK_UNKNOWN = "break_unknown"
    """A break that the vehicle does not have, that is taken twice or at a place that does not exist."""


@dataclass(frozen=True)
class Violation:
    """One broken rule.

    Attributes
    ----------
    vehicle, task
        Number of the vehicle and index of the task concerned, where there is one.
    amount
        By how much, in the unit the code names; 1 where there is nothing to measure.
    message
        One sentence for people, with ids.
    dimension
        Name of the load dimension of an overload.
    """

    code: ViolationCode
    message: str
    vehicle: int | None = None
    task: int | None = None
    amount: int = 1
    dimension: str | None = None


@dataclass(frozen=True)
class StopSchedule:
    """What happens at one stop.

    Attributes
    ----------
    arrival_s, start_s, departure_s
        Arrival, start and end of the work; a break after the work comes later.
    wait_s, late_s
        Between arrival and start; between the closing of the last window and the start.
    load
        On board after the stop, one number per dimension.
    """

    task: int
    trip: int
    arrival_s: int
    start_s: int
    departure_s: int
    wait_s: int
    late_s: int
    load: tuple[int, ...]


@dataclass(frozen=True)
class TripSchedule:
    """One trip: when it leaves its depot and comes to the next, what it starts with and its peak loads."""

    depot: int
    departure_s: int
    end_s: int
    start_load: tuple[int, ...]
    peak_load: tuple[int, ...]


@dataclass(frozen=True)
class BreakSchedule:
    """One break as it is taken: before driving to stop number `position` of the route."""

    break_index: int
    position: int
    start_s: int
    end_s: int


@dataclass(frozen=True)
class RouteSchedule:
    """One vehicle's day in times, loads and totals; ``waiting_s`` is all time neither driven, worked nor rested."""

    vehicle: int
    start_s: int
    end_s: int
    stops: tuple[StopSchedule, ...]
    trips: tuple[TripSchedule, ...]
    breaks: tuple[BreakSchedule, ...]
    distance_m: int
    driving_s: int
    waiting_s: int

    @property
    def duration_s(self) -> int:
        """Return the time from departure to end."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class CostBreakdown:
    """The cost of a plan by term, in cost units; see :mod:`routing.problem` for the formula."""

    fixed: int = 0
    distance: int = 0
    duration: int = 0
    driving: int = 0
    overtime: int = 0
    trips: int = 0
    territory: int = 0
    late: int = 0
    balance: int = 0
    disturbance: int = 0
    left_out: int = 0

    @property
    def total(self) -> int:
        """Return the sum of all terms."""
        return sum(self.as_dict().values())

    def as_dict(self) -> dict[str, int]:
        """Return each term by its name."""
        return {term.name: getattr(self, term.name) for term in fields(self)}

    def __add__(self, other: CostBreakdown) -> CostBreakdown:
        mine, theirs = self.as_dict(), other.as_dict()
        return CostBreakdown(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True)
class RouteReport:
    """One route by itself: its schedule, the rules it breaks and its own cost terms."""

    schedule: RouteSchedule
    violations: tuple[Violation, ...]
    cost: CostBreakdown


@dataclass(frozen=True)
class CheckReport:
    """The checker's verdict.

    Attributes
    ----------
    violations
        Every broken rule of what is planned; empty means feasible.
    missing
        Required tasks left out, a required group of alternatives by its first member: not a violation of what
        is planned, but the plan is incomplete.
    cost
        The cost by term.
    schedules
        One per route, in the plan's order; routes of unknown vehicles are left out.
    """

    violations: tuple[Violation, ...]
    missing: tuple[int, ...]
    cost: CostBreakdown
    schedules: tuple[RouteSchedule, ...] = field(repr=False)

    @property
    def feasible(self) -> bool:
        """Tell whether nothing that is planned breaks a rule."""
        return not self.violations

    @property
    def complete(self) -> bool:
        """Tell whether every required task is planned."""
        return not self.missing

    @property
    def distance_m(self) -> int:
        """Return the distance of all routes."""
        return sum(schedule.distance_m for schedule in self.schedules)

    @property
    def duration_s(self) -> int:
        """Return the duration of all routes, added up."""
        return sum(schedule.duration_s for schedule in self.schedules)

    def by_code(self) -> dict[ViolationCode, int]:
        """Count the violations of each kind."""
        return dict(Counter(violation.code for violation in self.violations))


def check(problem: Problem, solution: Solution) -> CheckReport:
    """Recompute feasibility, schedule and cost of a plan.

    Accepts any plan, however wrong, and raises nothing: what does not fit the problem is a violation too.
    """
    violations = list(_coverage(problem, solution))
    schedules: list[RouteSchedule] = []
    cost = CostBreakdown()
    amounts = _shipment_amounts(problem)
    for route in solution.routes:
        if not 0 <= route.vehicle < len(problem.type_of_vehicle):
            violations.append(
                Violation(ViolationCode.UNKNOWN_VEHICLE, f"there is no vehicle {route.vehicle}", route.vehicle)
            )
            continue
        report = check_route(problem, route, amounts)
        schedules.append(report.schedule)
        violations += report.violations
        cost += report.cost
    places = _places(problem, solution)
    violations += _fleet(solution)
    violations += _between_tasks(problem, places)
    violations += _locks(problem, solution, places)
    left_out = [task for task in range(len(problem.tasks)) if task not in places]
    cost += CostBreakdown(disturbance=_disturbance_cost(problem, schedules), left_out=_left_out_cost(problem, left_out))
    return CheckReport(tuple(violations), _missing(problem, left_out), cost, tuple(schedules))


def check_route(problem: Problem, route: Route, amounts: ShipmentAmounts | None = None) -> RouteReport:
    """Walk one route of a known vehicle: its schedule, the rules it breaks by itself and its own cost terms.

    Rules between routes (coverage, groups, locks) and the price of a disturbance belong to :func:`check`.

    Parameters
    ----------
    amounts
        What :func:`check` keeps to itself between routes; leave it out.
    """
    walk = _Walk(problem, route, _shipment_amounts(problem) if amounts is None else amounts)
    schedule = walk.schedule()
    return RouteReport(schedule, tuple(walk.violations), _route_cost(problem, route, schedule))


@dataclass(frozen=True)
class _Place:
    """Where a task is served: route in the plan, vehicle, trip and stop number within the whole route."""

    vehicle: int
    trip: int
    position: int


def _known(problem: Problem, tasks: Iterable[int]) -> list[int]:
    return [task for task in tasks if 0 <= task < len(problem.tasks)]


def _stops(route: Route) -> Iterator[tuple[int, int]]:
    """Give (trip, task) of every stop in order."""
    for trip_number, trip in enumerate(route.trips):
        for task in trip.tasks:
            yield trip_number, task


def _places(problem: Problem, solution: Solution) -> dict[int, _Place]:
    """Find the place of each served task; a task planned twice counts where it comes first."""
    places: dict[int, _Place] = {}
    for route in solution.routes:
        for position, (trip, task) in enumerate(_stops(route)):
            if 0 <= task < len(problem.tasks):
                places.setdefault(task, _Place(route.vehicle, trip, position))
    return places


def _coverage(problem: Problem, solution: Solution) -> Iterator[Violation]:
    named = Counter(task for route in solution.routes for _, task in _stops(route))
    named.update(solution.unassigned)
    for task, times in sorted(named.items()):
        if not 0 <= task < len(problem.tasks):
            yield Violation(ViolationCode.UNKNOWN_TASK, f"there is no task {task}", task=task)
        elif times > 1:
            message = f"task {problem.tasks[task].id!r} is planned or listed {times} times"
            yield Violation(ViolationCode.TASK_TWICE, message, task=task, amount=times - 1)
    for index, task_ in enumerate(problem.tasks):
        if index not in named:
            message = f"task {task_.id!r} is neither planned nor listed as unassigned"
            yield Violation(ViolationCode.TASK_LOST, message, task=index)


def _fleet(solution: Solution) -> Iterator[Violation]:
    for vehicle, times in sorted(Counter(route.vehicle for route in solution.routes).items()):
        if times > 1:
            message = f"vehicle {vehicle} has {times} routes"
            yield Violation(ViolationCode.VEHICLE_TWICE, message, vehicle, amount=times - 1)


class _Walk:
    """One vehicle's day, walked with a clock and a load in hand."""

    def __init__(self, problem: Problem, route: Route, amounts: ShipmentAmounts) -> None:
        self.problem = problem
        self.route = route
        self.kind: VehicleType = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
        profile = problem.profiles[self.kind.profile]
        self.distances, self.durations = profile.distance_m, profile.duration_s
        self.amounts = amounts
        self.violations: list[Violation] = []
        self.stops: list[StopSchedule] = []
        self.trips: list[TripSchedule] = []
        self.breaks: list[BreakSchedule] = []
        self.clock_s = route.start_s
        self.location = problem.depots[self.kind.start_depot].location
        self.distance_m = self.driving_s = self.worked_s = 0

    def schedule(self) -> RouteSchedule:
        """Walk the route to its end, collecting violations on the way."""
        self._check_structure()
        for number, trip in enumerate(self.route.trips):
            self._walk_trip(number, _known(self.problem, trip.tasks), trip.depot)
        self._check_limits()
        self._check_breaks()
        rested_s = sum(taken.end_s - taken.start_s for taken in self.breaks)
        duration_s = self.clock_s - self.route.start_s
        return RouteSchedule(
            self.route.vehicle,
            self.route.start_s,
            self.clock_s,
            tuple(self.stops),
            tuple(self.trips),
            tuple(self.breaks),
            self.distance_m,
            self.driving_s,
            duration_s - self.driving_s - self.worked_s - rested_s,
        )

    def _report(
        self, code: ViolationCode, message: str, amount: int = 1, task: int | None = None, dimension: str | None = None
    ) -> None:
        text = f"vehicle {self.route.vehicle} ({self.kind.id}): {message}"
        self.violations.append(Violation(code, text, self.route.vehicle, task, amount, dimension))

    def _check_structure(self) -> None:
        trips = self.route.trips
        if not trips or any(not trip.tasks for trip in trips):
            self._report(ViolationCode.EMPTY_TRIP, "a trip has no tasks")
        if len(trips) > self.kind.max_trips:
            excess = len(trips) - self.kind.max_trips
            self._report(ViolationCode.TOO_MANY_TRIPS, f"{len(trips)} trips, {self.kind.max_trips} allowed", excess)
        for number, trip in enumerate(trips):
            allowed = self.kind.reload_depots if number else (self.kind.start_depot,)
            if trip.depot not in allowed:
                self._report(ViolationCode.TRIP_DEPOT, f"trip {number} begins at depot {trip.depot}, not its own")

    def _walk_trip(self, number: int, tasks: Sequence[int], depot: int) -> None:
        self._depart(number, tasks, depot)
        departure_s = self.clock_s
        load = self._start_load(tasks)
        start_load = tuple(load)
        peak = list(load)
        previous: int | None = None
        for task in tasks:
            self._take_breaks(len(self.stops))
            self._drive(self.problem.tasks[task].location, task)
            self._change_load(load, task)
            peak = [max(pair) for pair in zip(peak, load, strict=True)]
            self._serve(task, number, previous, tuple(load))
            previous = self.problem.tasks[task].location
        self._check_tasks(tasks)
        self._check_load(number, peak)
        self._check_backhaul(number, tasks)
        if number == len(self.route.trips) - 1:
            self._take_breaks(len(self.stops))
        arrival_s = self._finish_trip(number)
        self.trips.append(TripSchedule(depot, departure_s, arrival_s, start_load, tuple(peak)))

    def _depart(self, number: int, tasks: Sequence[int], depot: int) -> None:
        """Leave a depot, after waiting where the rules order it (the first departure is part of the plan)."""
        release_s = max((self.problem.tasks[task].release_s for task in tasks), default=0)
        if number == 0:
            if self.clock_s < release_s:
                self._report(ViolationCode.RELEASE, "departs before its goods are there", release_s - self.clock_s)
        else:
            self.clock_s = max(self.clock_s, release_s)
        if not 0 <= depot < len(self.problem.depots):
            return
        hours = self.problem.depots[depot]
        outside_s = max(hours.open_s - self.clock_s, self.clock_s - hours.close_s)
        if outside_s > 0:
            self._report(ViolationCode.DEPOT_CLOSED, f"trip {number} departs while {hours.id!r} is closed", outside_s)

    def _finish_trip(self, number: int) -> int:
        """Drive to the next trip's depot or to the end of the route, and return the arrival there."""
        last = number == len(self.route.trips) - 1
        depot = self.kind.end_depot if last else self.route.trips[number + 1].depot
        if depot is None or not 0 <= depot < len(self.problem.depots):
            return self.clock_s
        place = self.problem.depots[depot]
        self._drive(place.location, None)
        arrival_s = self.clock_s
        if self.clock_s > place.close_s:
            late_s = self.clock_s - place.close_s
            self._report(ViolationCode.DEPOT_CLOSED, f"comes to {place.id!r} after it has closed", late_s)
        self.clock_s = max(self.clock_s, place.open_s)
        if not last:
            self.clock_s += place.reload_s
            self.worked_s += place.reload_s
        return arrival_s

    def _drive(self, target: int, task: int | None) -> None:
        distance_m, duration_s = self.distances.item(self.location, target), self.durations.item(self.location, target)
        if distance_m >= UNREACHABLE or duration_s >= UNREACHABLE:
            self._report(ViolationCode.UNREACHABLE_LEG, f"no road from place {self.location} to {target}", task=task)
        self.distance_m += distance_m
        self.driving_s += duration_s
        self.clock_s += duration_s
        self.location = target

    def _serve(self, task: int, trip: int, previous: int | None, load: tuple[int, ...]) -> None:
        it = self.problem.tasks[task]
        arrival_s = self.clock_s
        start_s, late_s = _start_of_work(it, arrival_s)
        if late_s and it.late_cost_per_s is None:
            self._report(ViolationCode.LATE, f"comes {late_s} s too late to task {it.id!r}", late_s, task)
        work_s = it.service_s + (it.setup_s if previous != it.location else 0)
        work_s = (work_s * self.kind.service_percent + 99) // 100
        self.worked_s += work_s
        self.clock_s = start_s + work_s
        self.stops.append(StopSchedule(task, trip, arrival_s, start_s, self.clock_s, start_s - arrival_s, late_s, load))

    def _start_load(self, tasks: Sequence[int]) -> list[int]:
        load = [0] * len(self.problem.dimensions)
        for task in tasks:
            for d, amount in enumerate(self.problem.tasks[task].delivery):
                load[d] += amount
        return load

    def _change_load(self, load: list[int], task: int) -> None:
        it = self.problem.tasks[task]
        for sign, amounts in ((-1, it.delivery), (1, it.pickup), *self.amounts.get(task, ())):
            for d, amount in enumerate(amounts):
                load[d] += sign * amount

    def _check_load(self, number: int, peak: Sequence[int]) -> None:
        for name, most, capacity in zip(self.problem.dimensions, peak, self.kind.capacity, strict=True):
            if most > capacity:
                message = f"trip {number} carries {most} {name}, {capacity} fit"
                self._report(ViolationCode.OVERLOAD, message, most - capacity, dimension=name)

    def _check_tasks(self, tasks: Sequence[int]) -> None:
        for task in tasks:
            it = self.problem.tasks[task]
            if lacking := it.skills - self.kind.skills:
                message = f"task {it.id!r} needs {', '.join(sorted(lacking))}"
                self._report(ViolationCode.SKILL_MISSING, message, len(lacking), task)
            if task in self.kind.forbidden_tasks:
                self._report(ViolationCode.VEHICLE_NOT_ALLOWED, f"may not serve task {it.id!r}", task=task)

    def _check_backhaul(self, number: int, tasks: Sequence[int]) -> None:
        if self.problem.backhaul is Backhaul.MIXED:
            return
        deliveries = [at for at, task in enumerate(tasks) if any(self.problem.tasks[task].delivery)]
        pickups = [at for at, task in enumerate(tasks) if any(self.problem.tasks[task].pickup)]
        if deliveries and pickups and pickups[0] < deliveries[-1]:
            message = f"trip {number} picks up before its last delivery"
            self._report(ViolationCode.BACKHAUL_ORDER, message, task=tasks[pickups[0]])
        if pickups and not deliveries and self.problem.backhaul is Backhaul.LINEHAUL_REQUIRED:
            self._report(ViolationCode.BACKHAUL_ONLY, f"trip {number} has pickups, but no delivery")

    def _take_breaks(self, position: int) -> None:
        for at, index in self.route.breaks:
            if at != position or not 0 <= index < len(self.kind.breaks):
                continue
            rest = self.kind.breaks[index]
            start_s = max(self.clock_s, rest.earliest_s)
            if start_s > rest.latest_s:
                late_s = start_s - rest.latest_s
                self._report(ViolationCode.BREAK_LATE, f"break {rest.id!r} starts {late_s} s too late", late_s)
            self.clock_s = start_s + rest.duration_s
            self.breaks.append(BreakSchedule(index, position, start_s, self.clock_s))

    def _check_breaks(self) -> None:
        taken = Counter(index for _, index in self.route.breaks)
        for index, times in sorted(taken.items()):
            if not 0 <= index < len(self.kind.breaks):
                self._report(ViolationCode.BREAK_UNKNOWN, f"there is no break {index}")
            elif times > 1:
                self._report(
                    ViolationCode.BREAK_UNKNOWN, f"break {self.kind.breaks[index].id!r} is taken {times} times"
                )
        for position, index in self.route.breaks:
            if not 0 <= position <= len(self.stops):
                self._report(ViolationCode.BREAK_UNKNOWN, f"break {index} is before stop {position}, there is none")
        for index, rest in enumerate(self.kind.breaks):
            owed = self.route.start_s < rest.earliest_s + rest.duration_s and self.clock_s > rest.latest_s
            if owed and index not in taken:
                self._report(ViolationCode.BREAK_MISSING, f"break {rest.id!r} is not taken")

    def _check_limits(self) -> None:
        kind = self.kind
        early_s, over_s = kind.shift_start_s - self.route.start_s, self.clock_s - kind.shift_end_s
        if early_s > 0:
            self._report(ViolationCode.SHIFT, f"departs {early_s} s before its shift", early_s)
        if over_s > 0:
            self._report(ViolationCode.SHIFT, f"ends {over_s} s after its shift", over_s)
        limits = (
            (ViolationCode.MAX_DURATION, self.clock_s - self.route.start_s, kind.max_duration_s, "s of duration"),
            (ViolationCode.MAX_DISTANCE, self.distance_m, kind.max_distance_m, "m of distance"),
            (ViolationCode.MAX_DRIVING, self.driving_s, kind.max_driving_s, "s of driving"),
            (ViolationCode.MAX_TASKS, len(self.stops), kind.max_tasks, "tasks"),
        )
        for code, used, limit, unit in limits:
            if limit is not None and used > limit:
                self._report(code, f"{used} {unit}, {limit} allowed", used - limit)


def _start_of_work(task: Task, arrival_s: int) -> tuple[int, int]:
    """Return the start of work and the seconds by which it misses the last window."""
    for open_s, close_s in task.windows:
        if arrival_s <= close_s:
            return max(arrival_s, open_s), 0
    return arrival_s, arrival_s - task.windows[-1][1]


def _shipment_amounts(problem: Problem) -> ShipmentAmounts:
    """Give the signed amounts of shipments that change hands at each task."""
    amounts: ShipmentAmounts = {}
    for shipment in problem.shipments:
        for task, sign in ((shipment.pickup_task, 1), (shipment.delivery_task, -1)):
            amounts[task] = (*amounts.get(task, ()), (sign, shipment.amount))
    return amounts


def _between_tasks(problem: Problem, places: dict[int, _Place]) -> Iterator[Violation]:
    """Check the rules that tie tasks to each other."""
    for shipment in problem.shipments:
        yield from _shipment(
            shipment.id, places.get(shipment.pickup_task), places.get(shipment.delivery_task), shipment.delivery_task
        )
    for group in problem.alternatives:
        done = [task for task in group.tasks if task in places]
        if len(done) > 1:
            message = f"{len(done)} of the alternatives {group.id!r} are done"
            yield Violation(ViolationCode.ALTERNATIVES, message, task=done[1], amount=len(done) - 1)
    for tasks in problem.same_vehicle:
        vehicles = {places[task].vehicle for task in tasks if task in places}
        if len(vehicles) > 1:
            message = f"tasks {_names(problem, tasks)} belong on one vehicle, but are on {sorted(vehicles)}"
            yield Violation(ViolationCode.SAME_VEHICLE, message, task=tasks[0], amount=len(vehicles) - 1)
    for one, other in problem.incompatible:
        if one in places and other in places and places[one].vehicle == places[other].vehicle:
            message = f"tasks {_names(problem, (one, other))} must not share a vehicle"
            yield Violation(ViolationCode.INCOMPATIBLE, message, places[one].vehicle, one)


def _names(problem: Problem, tasks: Iterable[int]) -> str:
    return ", ".join(repr(problem.tasks[task].id) for task in tasks)


def _shipment(name: str, pickup: _Place | None, delivery: _Place | None, task: int) -> Iterator[Violation]:
    if pickup is None and delivery is None:
        return
    if pickup is None or delivery is None or (pickup.vehicle, pickup.trip) != (delivery.vehicle, delivery.trip):
        yield Violation(ViolationCode.SHIPMENT_SPLIT, f"the ends of shipment {name!r} are not on one trip", task=task)
    elif pickup.position > delivery.position:
        message = f"shipment {name!r} is delivered before it is picked up"
        yield Violation(ViolationCode.SHIPMENT_ORDER, message, pickup.vehicle, task)


def _locks(problem: Problem, solution: Solution, places: dict[int, _Place]) -> Iterator[Violation]:
    served = {route.vehicle: _known(problem, route.tasks) for route in reversed(solution.routes)}
    for lock in problem.locks:
        for task in lock.tasks:
            place = places.get(task)
            if place is None and lock.kind is not LockKind.VEHICLE:
                message = f"task {problem.tasks[task].id!r} is locked, but left out"
                yield Violation(ViolationCode.LOCK, message, lock.vehicle, task)
            elif place is not None and place.vehicle != lock.vehicle:
                message = f"task {problem.tasks[task].id!r} is locked to vehicle {lock.vehicle}, not {place.vehicle}"
                yield Violation(ViolationCode.LOCK, message, place.vehicle, task)
        if not _order_is_kept(lock, served.get(lock.vehicle, [])):
            message = f"the {lock.kind} lock on {_names(problem, lock.tasks)} of vehicle {lock.vehicle} is not kept"
            yield Violation(ViolationCode.LOCK, message, lock.vehicle, lock.tasks[0] if lock.tasks else None)


def _order_is_kept(lock: Lock, served: list[int]) -> bool:
    """Tell whether the locked vehicle's stops are where the lock wants them, as far as they are there at all."""
    locked = [task for task in lock.tasks if task in served]
    if lock.kind is LockKind.POSITION:
        return not locked or served.index(locked[0]) == lock.position
    if lock.kind is LockKind.PREFIX:
        return served[: len(locked)] == locked
    if lock.kind is LockKind.ORDER:
        order = set(locked)
        return [task for task in served if task in order] == locked
    return lock.kind is LockKind.VEHICLE or served == locked


def _missing(problem: Problem, left_out: Iterable[int]) -> tuple[int, ...]:
    """List required tasks left out, and one task of each required group of which none is done."""
    absent = set(left_out)
    in_group = {task for group in problem.alternatives for task in group.tasks}
    missing = {task for task in absent if problem.tasks[task].required and task not in in_group}
    missing |= {group.tasks[0] for group in problem.alternatives if group.required and absent.issuperset(group.tasks)}
    return tuple(sorted(missing))


def _route_cost(problem: Problem, route: Route, schedule: RouteSchedule) -> CostBreakdown:
    kind_index = problem.type_of_vehicle[route.vehicle]
    kind = problem.vehicle_types[kind_index]
    overtime_s = 0
    if kind.overtime_after_s is not None:
        overtime_s = max(0, schedule.duration_s - kind.overtime_after_s)
    prices = problem.task_prices
    return CostBreakdown(
        fixed=kind.fixed_cost,
        distance=kind.cost_per_m * schedule.distance_m,
        duration=kind.cost_per_s * schedule.duration_s,
        driving=kind.cost_per_driving_s * schedule.driving_s,
        overtime=kind.overtime_cost_per_s * overtime_s,
        trips=kind.trip_cost * max(0, len(route.trips) - 1),
        territory=0 if prices is None else sum(int(prices[kind_index, stop.task]) for stop in schedule.stops),
        late=sum((problem.tasks[stop.task].late_cost_per_s or 0) * stop.late_s for stop in schedule.stops),
        balance=_balance_cost(problem, schedule),
    )


def _balance_cost(problem: Problem, schedule: RouteSchedule) -> int:
    balance = problem.balance
    if balance is None:
        return 0
    measured = {
        "tasks": len(schedule.stops),
        "distance_m": schedule.distance_m,
        "duration_s": schedule.duration_s,
    }[balance.measure]
    return balance.price * abs(measured - balance.target)


def _disturbance_cost(problem: Problem, schedules: Iterable[RouteSchedule]) -> int:
    """Price each served reference task that changed its vehicle, its predecessor or its time."""
    reference = problem.disturbance
    if reference is None:
        return 0
    cost = 0
    for schedule in schedules:
        before = (-1, -1)  # (trip, task) of the stop before
        for stop in schedule.stops:
            predecessor = before[1] if before[0] == stop.trip else -1
            before = (stop.trip, stop.task)
            vehicle = int(reference.vehicle_of_task[stop.task])
            if vehicle < 0:
                continue
            cost += reference.vehicle_price * (vehicle != schedule.vehicle)
            cost += reference.order_price * (int(reference.predecessor_of_task[stop.task]) != predecessor)
            cost += reference.start_price_per_s * abs(stop.start_s - int(reference.start_of_task_s[stop.task]))
    return cost


def _left_out_cost(problem: Problem, left_out: Iterable[int]) -> int:
    absent = set(left_out)
    in_group = {task for group in problem.alternatives for task in group.tasks}
    cost = 0
    for task in absent - in_group:
        it = problem.tasks[task]
        if not it.required:
            cost += it.prize + it.priority * problem.priority_price
    for group in problem.alternatives:
        if not group.required and absent.issuperset(group.tasks):
            cost += group.prize + group.priority * problem.priority_price
    return cost
