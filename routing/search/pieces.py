"""What a plan is cut into: routes and tasks without one, and some of these as a problem of their own.

Source of the cut: decomposition by route barycentre as in Vidal et al. (2013) and Santini et al. (2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from routing.errors import InvalidPlanError
from routing.problem import Int32Array, Problem, Profile
from routing.solution import Route, Solution, Trip

LANDMARKS = 4


@dataclass(frozen=True)
class Piece:
    """What is never torn apart when parts are cut: a route, or a task without one."""

    tasks: tuple[int, ...]
    route: Route | None = None


class Part:
    """A part as a problem of its own, and the way back."""

    def __init__(self, whole: Problem, pieces: Sequence[Piece], fleet: Sequence[int]) -> None:
        self.tasks = [task for piece in pieces for task in piece.tasks]
        local = {task: index for index, task in enumerate(self.tasks)}
        places = [whole.tasks[task].location for task in self.tasks] + [depot.location for depot in whole.depots]
        kept, where = np.unique(np.array(places), return_inverse=True)
        self.kinds = kinds = sorted({whole.type_of_vehicle[vehicle] for vehicle in fleet})
        self.vehicles = sorted(fleet)
        types = tuple(
            replace(
                whole.vehicle_types[kind],
                count=sum(whole.type_of_vehicle[vehicle] == kind for vehicle in fleet),
                forbidden_tasks=frozenset(
                    local[task] for task in whole.vehicle_types[kind].forbidden_tasks if task in local
                ),
            )
            for kind in kinds
        )
        tasks = tuple(replace(whole.tasks[task], location=int(at)) for task, at in zip(self.tasks, where, strict=False))
        depots = tuple(
            replace(depot, location=int(at)) for depot, at in zip(whole.depots, where[len(tasks) :], strict=True)
        )
        prices = None if whole.task_prices is None else whole.task_prices[np.ix_(kinds, self.tasks)]
        self.problem = replace(
            whole,
            tasks=tasks,
            depots=depots,
            vehicle_types=types,
            profiles=tuple(_block(profile, kept) for profile in whole.profiles),
            task_prices=prices,
            coordinates=None,
        )
        number = {vehicle: index for index, vehicle in enumerate(self.vehicles)}
        routes = tuple(
            replace(
                piece.route,
                vehicle=number[piece.route.vehicle],
                trips=tuple(Trip(tuple(local[t] for t in trip.tasks), trip.depot) for trip in piece.route.trips),
            )
            for piece in pieces
            if piece.route is not None
        )
        self.initial = Solution(routes) if routes else None

    def pieces_of(self, solution: Solution) -> list[Piece]:
        """Translate a plan of the part into pieces of the whole."""
        pieces = []
        for route in solution.routes:
            trips = tuple(Trip(tuple(self.tasks[t] for t in trip.tasks), trip.depot) for trip in route.trips)
            whole = replace(route, vehicle=self.vehicles[route.vehicle], trips=trips)
            pieces.append(Piece(whole.tasks, whole))
        return pieces + [Piece((self.tasks[task],)) for task in solution.unassigned]


def _block(profile: Profile, kept: NDArray[np.int64]) -> Profile:
    """Cut the legs between some locations out of a profile."""

    def cut_out(legs: Int32Array) -> Int32Array:
        block = np.ascontiguousarray(legs[np.ix_(kept, kept)], dtype=np.int32)
        block.setflags(write=False)
        return block

    return Profile(profile.id, cut_out(profile.distance_m), cut_out(profile.duration_s))


def views(problem: Problem) -> NDArray[np.float64]:
    """Give each location a point, so that near locations have near points, shape (locations, 2 or LANDMARKS).

    Without coordinates these are the distances to landmarks, each the location farthest from those before.
    """
    if problem.coordinates is not None:
        return problem.coordinates
    legs = problem.profiles[problem.vehicle_types[0].profile].distance_m
    every = np.arange(problem.location_count)
    mark, columns = problem.depots[0].location, []
    for _ in range(LANDMARKS):
        columns.append(np.asarray(legs[every, np.full(every.size, mark)], dtype=np.float64))
        mark = int(np.min(columns, axis=0).argmax())
    return np.stack(columns, axis=1)


def pieces_of_plan(problem: Problem, initial: Solution | None) -> list[Piece]:
    """Take the routes of a start plan, if there is one, and every other task by itself.

    Raises
    ------
    InvalidPlanError
        If the plan names tasks or vehicles the problem does not have.
    """
    pieces: list[Piece] = []
    placed: set[int] = set()
    vehicles: set[int] = set()
    for route in initial.routes if initial is not None else ():
        tasks = set(route.tasks)
        known = all(0 <= task < problem.task_count for task in tasks)
        if not 0 <= route.vehicle < problem.vehicle_count or not known:
            raise InvalidPlanError(f"the start plan's route of vehicle {route.vehicle} does not fit the problem")
        if tasks and len(tasks) == len(route.tasks) and not tasks & placed and route.vehicle not in vehicles:
            pieces.append(Piece(route.tasks, route))
            placed |= tasks
            vehicles.add(route.vehicle)
    return pieces + [Piece((task,)) for task in range(problem.task_count) if task not in placed]


def plan_of(pieces: Sequence[Piece]) -> Solution:
    """Put routes and tasks without one together."""
    routes = sorted((piece.route for piece in pieces if piece.route is not None), key=lambda route: route.vehicle)
    left = sorted(task for piece in pieces if piece.route is None for task in piece.tasks)
    return Solution(tuple(routes), tuple(left))


def cut(
    pieces: list[Piece], where: Sequence[int], view: NDArray[np.float64], count: int, draw: np.random.Generator
) -> list[list[Piece]]:
    """Cut a plan into parts of neighbouring pieces, halving along random directions by their centres.

    ``where`` is the location of each task, ``view`` the point of each location, ``count`` how many parts.
    """
    weights = np.array([len(piece.tasks) for piece in pieces])
    centres = np.array([view[[where[task] for task in piece.tasks]].mean(axis=0) for piece in pieces])
    return [[pieces[i] for i in chosen] for chosen in _halves(np.arange(len(pieces)), weights, centres, count, draw)]


def _halves(
    chosen: NDArray[np.int64],
    weight: NDArray[np.int64],
    centres: NDArray[np.float64],
    count: int,
    draw: np.random.Generator,
) -> Iterator[NDArray[np.int64]]:
    if count < 2 or chosen.size < 2:
        yield chosen
        return
    along = centres[chosen] @ draw.normal(size=centres.shape[1])
    order = chosen[np.argsort(along, kind="stable")]
    reached = np.cumsum(weight[order])
    share = reached[-1] * (count // 2) / count
    middle = int(np.clip(np.abs(reached - share).argmin() + 1, 1, order.size - 1))
    yield from _halves(order[:middle], weight, centres, count // 2, draw)
    yield from _halves(order[middle:], weight, centres, count - count // 2, draw)


def share_vehicles(problem: Problem, parts: Sequence[Sequence[Piece]], rest: Sequence[Piece] = ()) -> list[list[int]]:
    """Give each part the vehicles of its routes and, of those that no route of the ``rest`` has, its share by tasks."""
    fleets = [[piece.route.vehicle for piece in part if piece.route is not None] for part in parts]
    busy = {vehicle for fleet in fleets for vehicle in fleet}
    busy |= {piece.route.vehicle for piece in rest if piece.route is not None}
    sizes = [sum(len(piece.tasks) for piece in part) for part in parts]
    for kind, first in enumerate(problem.first_vehicle_of_type):
        count = problem.vehicle_types[kind].count
        spare = [vehicle for vehicle in range(first, first + count) if vehicle not in busy]
        bounds = np.rint(np.cumsum([0, *sizes]) / sum(sizes) * len(spare)).astype(int)
        for fleet, low, high in zip(fleets, bounds, bounds[1:], strict=False):
            fleet += spare[low:high]
    return fleets
