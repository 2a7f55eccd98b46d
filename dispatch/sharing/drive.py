"""One fleet's day over visits: stated, searched, judged by the independent checker, and priced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import routing
from dispatch.fleet.fleet import DIMENSIONS, TypeSpec
from dispatch.plans.routes import route_cost
from dispatch.sharing.county import CENTRE_ROW, County
from dispatch.sharing.errors import ComparisonPlanRejectedError
from dispatch.sharing.shares.executed import SharedRoute, SharedStop
from dispatch.sharing.visits import Visit
from routing.checker import RouteSchedule, check
from routing.problem import ALWAYS, Problem, fen, per_hour, per_km
from routing.solution import Route, Solution, Trip
from routing.stop import MaxIterations

# A price above any detour: only what no vehicle can reach in its shift is left out. It is in no reported cost.
_LEFT_OUT_FEN = 200_000
_SPARE_VEHICLES = 6
_PARCELS_A_VEHICLE = 40
_SHOWN = 3

Start = Sequence[tuple[str, tuple[str, ...]]]
"""Routes to begin a search with: vehicle type and keys of the visits in their order."""


@dataclass(frozen=True)
class DrivenRoute:
    """One vehicle's day.

    Attributes
    ----------
    times
        By number of the visit: when work starts and ends there.
    legs_s
        By number of the visit: the drive to it.
    """

    kind: TypeSpec
    visits: tuple[int, ...]
    times: Mapping[int, tuple[int, int]]
    legs_s: Mapping[int, int]
    start_s: int
    end_s: int
    distance_m: int
    cost_fen: int

    @property
    def duration_s(self) -> int:
        """Return the time from departure to return."""
        return self.end_s - self.start_s


@dataclass(frozen=True, eq=False)
class Drive:
    """A fleet's day: its routes, and the numbers of the visits left out."""

    visits: tuple[Visit, ...]
    routes: tuple[DrivenRoute, ...]
    left_out: tuple[int, ...]

    @property
    def cost_fen(self) -> int:
        """Return what the routes cost."""
        return sum(route.cost_fen for route in self.routes)

    def start(self) -> Start:
        """Return the routes as a start for the next day."""
        return [(route.kind.id, tuple(self.visits[one].key for one in route.visits)) for route in self.routes]

    def shared_routes(self, county: County, start: int = CENTRE_ROW) -> list[SharedRoute]:
        """Return the routes as prices of coalitions need them."""
        return [
            SharedRoute(
                route.kind,
                county.profile(route.kind).duration_s,
                county.profile(route.kind).distance_m,
                tuple(SharedStop(self.visits[one].row, ALWAYS[0], self.visits[one].calls) for one in route.visits),
                route.cost_fen,
                start,
            )
            for route in self.routes
        ]


def plan_drive(
    county: County,
    visits: Sequence[Visit],
    kinds: Sequence[TypeSpec],
    iterations: int,
    seed: int,
    *,
    start: Start = (),
    depot: int = CENTRE_ROW,
    opens_s: int = 0,
) -> Drive:
    """Plan a fleet with as many vehicles as it takes.

    Parameters
    ----------
    start
        Routes of the day before; visits that are not due today are skipped.
    depot, opens_s
        Row the routes begin and end at, and when the first may leave.

    Raises
    ------
    ComparisonPlanRejectedError
        If the independent checker refuses the plan.
    """
    given = tuple(visits)
    if not given:
        return Drive((), (), ())
    problem = _problem(county, given, kinds, depot, opens_s)
    found = routing.solve(problem, MaxIterations(iterations), seed, initial=_initial(problem, start))
    report = check(problem, found.solution)
    if not report.feasible:
        named = "; ".join(one.message for one in report.violations[:_SHOWN])
        raise ComparisonPlanRejectedError(f"the checker refuses a simulated plan: {named}", region=county.region)
    by_id = {kind.id: kind for kind in kinds}
    routes = tuple(
        _driven(given, by_id[problem.vehicle_types[problem.type_of_vehicle[one.vehicle]].id], one)
        for one in report.schedules
        if one.stops
    )
    return Drive(given, routes, found.solution.unassigned)


def _problem(county: County, visits: tuple[Visit, ...], kinds: Sequence[TypeSpec], depot: int, opens_s: int) -> Problem:
    parcels = sum(len(visit.parcels) for visit in visits)
    count = min(len(visits), _SPARE_VEHICLES + parcels // _PARCELS_A_VEHICLE)
    builder = routing.ProblemBuilder(DIMENSIONS)
    names = {index: name for name, index in county.profile_of.items()}
    for index, profile in enumerate(county.profiles):
        builder.profile(names[index], profile.distance_m, profile.duration_s)
    builder.depot("start", depot)
    for kind in kinds:
        builder.vehicle_type(
            kind.id,
            count=count,
            capacity=kind.capacity.as_list(),
            profile=kind.profile,
            shift_start_s=max(kind.shift_start_s, opens_s),
            shift_end_s=max(kind.shift_end_s, opens_s),
            max_tasks=kind.max_stops,
            max_distance_m=kind.max_distance_m,
            fixed_cost=fen(kind.fixed_fen),
            cost_per_m=per_km(kind.per_km_fen),
            cost_per_s=per_hour(kind.per_hour_fen),
        )
    for visit in visits:
        builder.task(
            visit.key,
            visit.row,
            delivery=visit.delivery.as_list(),
            pickup=visit.collection.as_list(),
            service_s=visit.work_s,
            required=False,
            prize=fen(_LEFT_OUT_FEN),
        )
        for kind in kinds:
            if visit.way_m:
                builder.task_price(kind.id, visit.key, per_km(kind.per_km_fen) * visit.way_m)
            if not county.reaches(kind, visit.row, depot):
                builder.forbid(kind.id, visit.key)
    return builder.build()


def _initial(problem: Problem, start: Start) -> Solution | None:
    following = list(problem.first_vehicle_of_type)
    kinds = {kind.id: index for index, kind in enumerate(problem.vehicle_types)}
    routes: list[Route] = []
    for kind_id, keys in start:
        kind = kinds[kind_id]
        tasks = tuple(problem.task_index[key] for key in keys if key in problem.task_index)
        vehicle = following[kind]
        if tasks and vehicle < problem.first_vehicle_of_type[kind] + problem.vehicle_types[kind].count:
            following[kind] += 1
            routes.append(Route(vehicle, (Trip(tasks, 0),), problem.vehicle_types[kind].shift_start_s))
    if not routes:
        return None
    placed = {task for route in routes for task in route.tasks}
    return Solution(tuple(routes), tuple(task for task in range(problem.task_count) if task not in placed))


def _driven(visits: tuple[Visit, ...], kind: TypeSpec, schedule: RouteSchedule) -> DrivenRoute:
    order = tuple(stop.task for stop in schedule.stops)
    left_s = [schedule.start_s, *(stop.departure_s for stop in schedule.stops)]
    distance_m = schedule.distance_m + sum(visits[one].way_m for one in order)
    return DrivenRoute(
        kind=kind,
        visits=order,
        times={stop.task: (stop.start_s, stop.departure_s) for stop in schedule.stops},
        legs_s={stop.task: stop.arrival_s - left for stop, left in zip(schedule.stops, left_s, strict=False)},
        start_s=schedule.start_s,
        end_s=schedule.end_s,
        distance_m=distance_m,
        cost_fen=route_cost(kind, distance_m, schedule.duration_s).total_fen,
    )
