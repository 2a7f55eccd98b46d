"""The second echelon as one routing problem: every depot a start, every kind of vehicle at every depot a type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

import routing
from dispatch.echelons.plan import CourierRoute
from dispatch.echelons.problem import TwoEchelonProblem
from routing.costs import route_cost
from routing.problem import HORIZON_S, Depot, Problem, VehicleType
from routing.schedule import departure_s, schedule
from routing.solution import Route, Solution, Trip
from routing.stop import MaxIterations

_PENALTY_TRIES: Final = 4


@dataclass(frozen=True, eq=False)
class Frame:
    """What the first echelon fixes for the second.

    Attributes
    ----------
    open_depots
        Depots that may be used.
    ready_s, close_s
        Earliest departure and latest return at each depot.
    release_s
        When each task's own freight is sorted.
    prices
        Trunk and handling price of each task at each depot, shape (depots, tasks).
    bound
        Depot of tasks that may not change it.
    """

    open_depots: tuple[int, ...]
    ready_s: tuple[int, ...]
    close_s: tuple[int, ...]
    release_s: tuple[int, ...]
    prices: NDArray[np.int64]
    bound: Mapping[int, int] | None = None


@dataclass(frozen=True)
class SecondEchelon:
    """Routes and what is left out."""

    routes: tuple[CourierRoute, ...]
    unassigned: tuple[int, ...]


def route_second(
    problem: TwoEchelonProblem,
    frame: Frame,
    iterations: int,
    seed: int,
    start: Sequence[CourierRoute] = (),
) -> SecondEchelon:
    """Search the second echelon within a frame.

    Notes
    -----
    A kind's vehicles may go to any depot, which the routing problem has no words for: where more are used than
    there are, the price of one is raised and the search repeated.
    """
    surcharge = [0] * len(problem.couriers)
    found = _search(problem, frame, iterations, seed, start, surcharge)
    for _ in range(_PENALTY_TRIES):
        over = _over_use(problem, found)
        if not any(over):
            return found
        for kind, excess in enumerate(over):
            if excess:
                surcharge[kind] = max(2 * surcharge[kind], _dear(problem, found, kind))
        found = _search(problem, frame, iterations, seed, found.routes, surcharge)
    return found


def vehicles_suffice(problem: TwoEchelonProblem, routes: Sequence[CourierRoute]) -> bool:
    """Tell whether no more vehicles are used than there are."""
    return not any(_over_use(problem, SecondEchelon(tuple(routes), ())))


def _over_use(problem: TwoEchelonProblem, found: SecondEchelon) -> list[int]:
    used = np.zeros((len(problem.couriers), len(problem.depots)), dtype=np.int64)
    for route in found.routes:
        used[route.kind, route.depot] += 1
    over = [max(0, int(row.sum()) - one.count) for row, one in zip(used, problem.couriers, strict=True)]
    for depot, one in enumerate(problem.depots):
        if one.most_vehicles is not None and int(used[:, depot].sum()) > one.most_vehicles:
            over = [excess + int(used[kind, depot] > 0) for kind, excess in enumerate(over)]
    return over


def _dear(problem: TwoEchelonProblem, found: SecondEchelon, kind: int) -> int:
    """Price a vehicle more like the mean route."""
    costs = [route.cost for route in found.routes if route.kind == kind]
    return max(1, sum(costs) // max(1, len(costs)))


def _search(
    problem: TwoEchelonProblem,
    frame: Frame,
    iterations: int,
    seed: int,
    start: Sequence[CourierRoute],
    surcharge: Sequence[int],
) -> SecondEchelon:
    stated, types = state_second(problem, frame, surcharge)
    result = routing.solve(stated, MaxIterations(iterations), seed, initial=_solution(stated, types, start))
    plain = _without_prices(stated, problem, types)
    routes = [_courier_route(plain, types, route) for route in result.solution.routes]
    return SecondEchelon(tuple(routes), result.solution.unassigned)


def state_second(
    problem: TwoEchelonProblem, frame: Frame, surcharge: Sequence[int]
) -> tuple[Problem, list[tuple[int, int]]]:
    """State the routing problem; give (courier kind, depot) of each vehicle type beside it."""
    types = [(kind, depot) for kind in range(len(problem.couriers)) for depot in frame.open_depots]
    everywhere = range(len(problem.tasks))
    bound = frame.bound or {}
    elsewhere = {
        depot: frozenset(task for task in everywhere if bound.get(task, depot) != depot) for depot in frame.open_depots
    }
    stated = Problem(
        tasks=tuple(
            replace(task, release_s=release) if release else task
            for task, release in zip(problem.tasks, frame.release_s, strict=True)
        ),
        depots=tuple(
            Depot(one.id, one.location, frame.ready_s[index], max(frame.ready_s[index], frame.close_s[index]))
            for index, one in enumerate(problem.depots)
        ),
        vehicle_types=tuple(_type(problem, kind, depot, surcharge[kind], elsewhere[depot]) for kind, depot in types),
        profiles=problem.profiles,
        dimensions=problem.dimensions,
        task_prices=np.array([frame.prices[depot] for _, depot in types], dtype=np.int64),
        coordinates=problem.coordinates,
    )
    return stated, types


def _type(problem: TwoEchelonProblem, kind: int, depot: int, surcharge: int, forbidden: frozenset[int]) -> VehicleType:
    one, at = problem.couriers[kind], problem.depots[depot]
    count = min(one.count, len(problem.tasks))
    return VehicleType(
        id=f"{one.id}@{at.id}",
        count=count if at.most_vehicles is None else min(count, at.most_vehicles),
        capacity=one.capacity,
        start_depot=depot,
        end_depot=depot,
        profile=one.profile,
        shift_start_s=one.shift_start_s,
        shift_end_s=one.shift_end_s,
        max_distance_m=one.max_distance_m,
        max_tasks=one.max_tasks,
        fixed_cost=one.fixed_cost + surcharge,
        cost_per_m=one.cost_per_m,
        cost_per_s=one.cost_per_s,
        forbidden_tasks=forbidden,
    )


def _solution(stated: Problem, types: list[tuple[int, int]], start: Sequence[CourierRoute]) -> Solution | None:
    following = dict(enumerate(stated.first_vehicle_of_type))
    numbers = {pair: number for number, pair in enumerate(types)}
    routes: list[Route] = []
    placed: set[int] = set()
    for route in start:
        number = numbers.get((route.kind, route.depot))
        if number is None or not route.tasks:
            continue
        vehicle = following[number]
        if vehicle >= stated.first_vehicle_of_type[number] + stated.vehicle_types[number].count:
            continue
        following[number] += 1
        routes.append(Route(vehicle, (Trip(route.tasks, route.depot),), max(0, route.start_s)))
        placed.update(route.tasks)
    if not routes:
        return None
    return Solution(tuple(routes), tuple(task for task in range(stated.task_count) if task not in placed))


def _without_prices(stated: Problem, problem: TwoEchelonProblem, types: list[tuple[int, int]]) -> Problem:
    """Return the problem with what routes really cost: neither trunk prices nor surcharges."""
    kinds = tuple(
        replace(kind, fixed_cost=problem.couriers[pair[0]].fixed_cost)
        for kind, pair in zip(stated.vehicle_types, types, strict=True)
    )
    return replace(stated, vehicle_types=kinds, task_prices=None)


def _courier_route(plain: Problem, types: list[tuple[int, int]], route: Route) -> CourierRoute:
    kind, depot = types[plain.type_of_vehicle[route.vehicle]]
    leaves = Route(route.vehicle, route.trips, departure_s(plain, route.vehicle, route.trips))
    times = schedule(plain, leaves)
    return CourierRoute(
        kind, depot, route.tasks, times.start_s, times.end_s, times.distance_m, route_cost(plain, leaves, times)
    )


def untimed_frame(problem: TwoEchelonProblem, prices: NDArray[np.int64], open_depots: Sequence[int]) -> Frame:
    """Return a frame in which nothing waits for anything."""
    depots = len(problem.depots)
    return Frame(tuple(open_depots), (0,) * depots, (HORIZON_S,) * depots, (0,) * len(problem.tasks), prices)
