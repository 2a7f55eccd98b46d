"""A first plan of a very large plain problem: Clarke and Wright's savings over near tasks only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from routing.problem import Problem
from routing.schedule import earliest_departure_s
from routing.solution import Route, Solution, Trip

NEAR = 40


def savings_plan(problem: Problem, points: NDArray[np.float64]) -> Solution:
    """Join routes of one task each at the pair of ends that saves most (Clarke and Wright 1964, parallel version).

    For problems whose only rule is the room of one kind of vehicle. Routes beyond the number of vehicles are
    left out, smallest first.

    Parameters
    ----------
    points
        Shape (locations, k): near locations have near points.
    """
    kind = problem.vehicle_types[0]
    room = np.array(kind.capacity, dtype=np.int64)
    load = np.array([task.delivery for task in problem.tasks], dtype=np.int64).reshape(problem.task_count, room.size)
    one, other = _pairs_by_saving(problem, points)
    route_of = list(range(problem.task_count))
    routes: dict[int, list[int]] = {task: [task] for task in route_of}
    for i, j in zip(one.tolist(), other.tolist(), strict=True):
        a, b = route_of[i], route_of[j]
        if a == b:
            continue
        first, second = routes[a], routes[b]
        if i not in (first[0], first[-1]) or j not in (second[0], second[-1]):
            continue
        if (load[a] + load[b] > room).any():
            continue
        if first[-1] != i:
            first.reverse()
        if second[0] != j:
            second.reverse()
        first += second
        load[a] += load[b]
        for task in routes.pop(b):
            route_of[task] = a
    fitting = [tasks for a, tasks in routes.items() if (load[a] <= room).all()]
    kept = sorted(fitting, key=len, reverse=True)[: problem.vehicle_count]
    trips = [(Trip(tuple(tasks), kind.start_depot),) for tasks in kept]
    return Solution(
        tuple(Route(v, trip, earliest_departure_s(problem, v, trip[0].tasks)) for v, trip in enumerate(trips))
    )


def _pairs_by_saving(problem: Problem, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List pairs of near tasks, the pair that saves most first."""
    kind = problem.vehicle_types[0]
    legs = problem.profiles[kind.profile].distance_m
    where = np.array([task.location for task in problem.tasks])
    depot = np.full(where.size, problem.depots[kind.start_depot].location)
    count = min(NEAR + 1, where.size)
    _, near = cKDTree(points[where]).query(points[where], k=count)
    one = np.repeat(np.arange(where.size), count)
    other = near.ravel()
    one, other = one[one < other], other[one < other]
    home = np.asarray(legs[where, depot], dtype=np.int64) + np.asarray(legs[depot, where], dtype=np.int64)
    # Half of the way to and from the depot belongs to each of the two ends that meet.
    saved = home[one] + home[other] - 2 * np.asarray(legs[where[one], where[other]], dtype=np.int64)
    order = np.argsort(-saved, kind="stable")
    return one[order], other[order]
