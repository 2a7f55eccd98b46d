"""When a route is where: earliest times for a given departure, and the departure that wastes least.

Plain Python for product use; the checker has its own code for the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from routing.problem import Problem, Task, VehicleType
from routing.solution import Route, Trip


@dataclass(frozen=True)
class Visit:
    """One task on a route: when the vehicle arrives, begins and leaves.

    Attributes
    ----------
    leg_m, leg_s
        The drive that leads here.
    late_s
        Seconds the start is after the last window's closing, 0 when in time.
    """

    task: int
    trip: int
    arrival_s: int
    start_s: int
    leave_s: int
    leg_m: int
    leg_s: int
    late_s: int = 0

    @property
    def wait_s(self) -> int:
        """Seconds between arrival and start of work."""
        return self.start_s - self.arrival_s


@dataclass(frozen=True)
class RouteSchedule:
    """A route's day in numbers.

    Attributes
    ----------
    start_s, end_s
        Departure from the first depot, arrival at the end (or end of the last work on an open route).
    late_s
        Sum over the visits of seconds after the last window's closing, priced or not.
    """

    visits: tuple[Visit, ...]
    start_s: int
    end_s: int
    distance_m: int
    driving_s: int
    late_s: int

    @property
    def duration_s(self) -> int:
        """Seconds from departure to the end."""
        return self.end_s - self.start_s


def start_of_work_s(task: Task, arrival_s: int) -> int:
    """Return the earliest start of work for an arrival; the arrival itself if every window is over."""
    for open_s, close_s in task.windows:
        if arrival_s <= close_s:
            return max(arrival_s, open_s)
    return arrival_s


def schedule(problem: Problem, route: Route) -> RouteSchedule:
    """Compute all times of a route from its departure, everything as early as possible.

    Breaks are taken where the route says. Windows that cannot be met show as lateness; nothing is raised.
    """
    return _simulate(problem, problem.type_of_vehicle[route.vehicle], route.trips, route.start_s, route.breaks)


def _simulate(
    problem: Problem, kind_index: int, trips: tuple[Trip, ...], start_s: int, breaks: tuple[tuple[int, int], ...] = ()
) -> RouteSchedule:
    kind = problem.vehicle_types[kind_index]
    profile = problem.profiles[kind.profile]
    rests = dict(breaks)
    clock, way, drive, late, place = start_s, 0, 0, 0, 0
    visits: list[Visit] = []
    for number, trip in enumerate(trips):
        here = problem.depots[trip.depot].location
        if number:
            leg_m, leg_s = profile.leg(problem.tasks[visits[-1].task].location, here) if visits else (0, 0)
            clock, way, drive = _reload(problem, trip, clock + leg_s), way + leg_m, drive + leg_s
        previous: int | None = None
        for index in trip.tasks:
            clock = _rest(kind, rests.get(place), clock)
            task = problem.tasks[index]
            leg_m, leg_s = profile.leg(here, task.location)
            arrival = clock + leg_s
            start = start_of_work_s(task, arrival)
            clock = start + problem.service_s(kind_index, index, previous)
            late_s = max(0, start - task.windows[-1][1])
            visits.append(Visit(index, number, arrival, start, clock, leg_m, leg_s, late_s))
            way, drive, late = way + leg_m, drive + leg_s, late + late_s
            here = previous = task.location
            place += 1
    clock = _rest(kind, rests.get(place), clock)
    if kind.end_depot is not None and visits:
        depot = problem.depots[kind.end_depot]
        leg_m, leg_s = profile.leg(problem.tasks[visits[-1].task].location, depot.location)
        clock, way, drive = max(clock + leg_s, depot.open_s), way + leg_m, drive + leg_s
    return RouteSchedule(tuple(visits), start_s, clock, way, drive, late)


def _rest(kind: VehicleType, which: int | None, clock: int) -> int:
    if which is None:
        return clock
    rest = kind.breaks[which]
    return max(clock, rest.earliest_s) + rest.duration_s


def _reload(problem: Problem, trip: Trip, arrival_s: int) -> int:
    depot = problem.depots[trip.depot]
    ready = max(arrival_s, depot.open_s) + depot.reload_s
    return max([ready, *(problem.tasks[task].release_s for task in trip.tasks)])


def earliest_departure_s(problem: Problem, vehicle: int, tasks: Iterable[int]) -> int:
    """Return when a vehicle can leave its first depot: shift, depot and goods are ready."""
    kind = problem.vehicle_types[problem.type_of_vehicle[vehicle]]
    ready = [problem.tasks[task].release_s for task in tasks]
    return max([kind.shift_start_s, problem.depots[kind.start_depot].open_s, *ready])


def departure_s(
    problem: Problem, vehicle: int, trips: tuple[Trip, ...], breaks: tuple[tuple[int, int], ...] = ()
) -> int:
    """Return the latest departure that ends the route no later and serves nobody later than need be.

    With single windows this departure has the least possible duration: later ones only shift the end.
    """
    kind_index = problem.type_of_vehicle[vehicle]
    kind = problem.vehicle_types[kind_index]
    early = earliest_departure_s(problem, vehicle, trips[0].tasks if trips else ())
    late = max(early, min(kind.shift_end_s, problem.depots[kind.start_depot].close_s))
    base = _simulate(problem, kind_index, trips, early, breaks)
    slack = late - early
    if not base.visits or slack <= 0:
        return early
    if not breaks and len(trips) == 1:
        return min(late, max(early, _latest_departure_s(problem, kind, base)))
    # Leaving d later ends the day no later as long as d is at most the waiting found on the way and no
    # window is lost; the end is monotone in d, so halving finds the largest such d.
    low, high = 0, min(slack, base.end_s - base.start_s)
    while low < high:
        middle = (low + high + 1) // 2
        tried = _simulate(problem, kind_index, trips, early + middle, breaks)
        if tried.end_s <= base.end_s and tried.late_s <= base.late_s:
            low = middle
        else:
            high = middle - 1
    return early + low


def _latest_departure_s(problem: Problem, kind: VehicleType, base: RouteSchedule) -> int:
    """Walk back from the end of a one-trip route, asking how late each stop may begin."""
    profile = problem.profiles[kind.profile]
    latest = base.end_s
    onward = None if kind.end_depot is None else problem.depots[kind.end_depot].location
    for visit in reversed(base.visits):
        task = problem.tasks[visit.task]
        if onward is not None:
            latest -= profile.leg(task.location, onward)[1]
        latest -= visit.leave_s - visit.start_s
        if visit.late_s:
            latest = visit.start_s
        else:
            fits = [min(close_s, latest) for open_s, close_s in task.windows if open_s <= latest]
            latest = max(visit.start_s, fits[-1] if fits else visit.start_s)
        onward = task.location
    return latest - base.visits[0].leg_s
