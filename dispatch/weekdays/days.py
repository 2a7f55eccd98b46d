"""One weekday as a routing problem: the villages served on it with what has piled up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import routing
from dispatch.weekdays.patterns import Pattern, piled_up
from dispatch.weekdays.problem import DayRoute, WeekProblem
from routing.costs import route_cost
from routing.problem import Depot, Problem, Task, VehicleType, fen
from routing.schedule import departure_s, schedule
from routing.solution import Route, Solution, Trip
from routing.stop import MaxIterations

LEFT_OUT_FEN: Final = 100_000
"""Price of a visit left out, beyond any detour; it never appears in a cost."""
MOST_PARCELS: Final = 120
"""A visit with more parcels is cut into parts, so that several vehicles can share a town."""


def day_load(problem: WeekProblem, patterns: Sequence[Pattern | None], day: int) -> dict[int, float]:
    """Return the parcels waiting in each village that is served on a day."""
    return {
        village: piled_up(problem.villages[village].arrivals, pattern)[day]
        for village, pattern in enumerate(patterns)
        if pattern is not None and day in pattern
    }


def state_day(
    problem: WeekProblem, waiting: Mapping[int, float], longest_s: int | None = None
) -> tuple[Problem, list[int]]:
    """State a day's routing problem; give the village of each task beside it."""
    tasks, village_of = [], []
    for village, parcels in sorted(waiting.items()):
        one = problem.villages[village]
        parts = max(1, -(-int(parcels) // MOST_PARCELS))
        for part in range(parts):
            village_of.append(village)
            tasks.append(
                Task(
                    f"{one.id}/{part}",
                    one.location,
                    delivery=problem.load(parcels / parts),
                    pickup=(0, 0, 0),
                    service_s=problem.work_s(parcels / parts),
                    required=False,
                    prize=fen(LEFT_OUT_FEN),
                )
            )
    kinds = tuple(
        VehicleType(
            kind.id,
            min(kind.count, max(1, len(tasks))),
            kind.capacity,
            profile=kind.profile,
            shift_start_s=kind.shift_start_s,
            shift_end_s=kind.shift_end_s,
            max_duration_s=longest_s,
            max_distance_m=kind.max_distance_m,
            max_tasks=kind.max_tasks,
            fixed_cost=kind.fixed_cost,
            cost_per_m=kind.cost_per_m,
            cost_per_s=kind.cost_per_s,
        )
        for kind in problem.kinds
    )
    stated = Problem(
        tasks=tuple(tasks),
        depots=(Depot("centre", problem.centre),),
        vehicle_types=kinds,
        profiles=problem.profiles,
        dimensions=("weight_g", "volume_cm3", "count"),
    )
    return stated, village_of


def solve_day(
    problem: WeekProblem,
    waiting: Mapping[int, float],
    iterations: int,
    seed: int,
    start: Sequence[DayRoute] = (),
    longest_s: int | None = None,
) -> tuple[DayRoute, ...]:
    """Search a day's routes, none longer than a limit, beginning with some where they still fit."""
    if not waiting:
        return ()
    stated, village_of = state_day(problem, waiting, longest_s)
    result = routing.solve(stated, MaxIterations(iterations), seed, initial=_solution(stated, village_of, start))
    return tuple(_day_route(stated, village_of, route) for route in result.solution.routes)


def _solution(stated: Problem, village_of: Sequence[int], start: Sequence[DayRoute]) -> Solution | None:
    parts: dict[int, list[int]] = {}
    for task, village in enumerate(village_of):
        parts.setdefault(village, []).append(task)
    following = list(stated.first_vehicle_of_type)
    routes: list[Route] = []
    for route in start:
        tasks = tuple(parts[village].pop(0) for village in route.villages if parts.get(village))
        vehicle = following[route.kind]
        kind = stated.vehicle_types[route.kind]
        if tasks and vehicle < stated.first_vehicle_of_type[route.kind] + kind.count:
            following[route.kind] += 1
            routes.append(Route(vehicle, (Trip(tasks, 0),), kind.shift_start_s))
    placed = {task for route in routes for task in route.tasks}
    left = tuple(task for task in range(stated.task_count) if task not in placed)
    return Solution(tuple(routes), left) if routes else None


def _day_route(plain: Problem, village_of: Sequence[int], route: Route) -> DayRoute:
    leaves = Route(route.vehicle, route.trips, departure_s(plain, route.vehicle, route.trips))
    times = schedule(plain, leaves)
    return DayRoute(
        plain.type_of_vehicle[route.vehicle],
        tuple(village_of[task] for task in route.tasks),
        sum(plain.tasks[task].delivery[-1] for task in route.tasks),
        times.duration_s,
        times.distance_m,
        route_cost(plain, leaves, times),
    )
