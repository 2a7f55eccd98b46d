"""What one task asks of one vehicle type, whatever else is planned: bounds that prove a task impossible.

A stop alone on a vehicle is not always the best case: on roads without the triangle inequality a detour may
be faster than the direct leg. So legs are replaced by shortest paths over all locations (Dijkstra 1959 on the
dense matrix), a lower bound for any route whatever, and what fails under it fails in every plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.problem import UNREACHABLE, Problem, VehicleType

Int64Array = NDArray[np.int64]
_ROWS_AT_ONCE = 256  # keeps a sweep's block in the processor's cache


Paths = dict[tuple[int, str, int, bool], Int64Array]
"""Shortest paths by profile, matrix, place, and whether they lead back to it."""


def shortest_paths(matrix: NDArray[Any], origin: int) -> Int64Array:
    """Compute the length of the shortest path from one location to each, shape (locations,).

    Notes
    -----
    Label correcting in whole sweeps (Bellman 1958): road matrices are shortest paths already but for rounding, so
    the second or third sweep finds nothing, and a sweep is one pass of numpy over the rows that improved.
    """
    best: Int64Array = np.minimum(matrix[origin].astype(np.int64), UNREACHABLE)
    best[origin] = 0
    improved = np.flatnonzero(best < UNREACHABLE)
    while improved.size:
        shorter = np.full(len(best), UNREACHABLE, dtype=np.int64)
        for start in range(0, improved.size, _ROWS_AT_ONCE):
            rows = improved[start : start + _ROWS_AT_ONCE]
            np.minimum(shorter, (matrix[rows] + best[rows, None]).min(axis=0), out=shorter)
        improved = np.flatnonzero(shorter < best)
        best[improved] = shorter[improved]
    return best


@dataclass(frozen=True)
class Excess:
    """One limit that a task alone breaks on a vehicle type: which one, by how much, in which dimension."""

    limit: str
    amount: int
    dimension: str | None = None


class AloneBounds:
    """Answers for one problem; shortest paths are kept between questions.

    Parameters
    ----------
    paths
        Paths of an earlier problem with the same profiles, to go on from.
    """

    def __init__(self, problem: Problem, paths: Paths | None = None) -> None:
        self.problem = problem
        self._paths: Paths = {} if paths is None else paths

    def excesses(self, kind_index: int, unit: tuple[int, ...]) -> tuple[Excess, ...]:
        """List every limit that a task, or a shipment's two tasks, break on a type in any plan at all."""
        kind = self.problem.vehicle_types[kind_index]
        found = [*self._bans(kind, kind_index, unit), *self._loads(kind, unit)]
        for task in unit:
            if self._path(kind, "duration_s", task, back=False) >= UNREACHABLE:
                return (*found, Excess("road", 1))
            if kind.end_depot is not None and self._path(kind, "duration_s", task, back=True) >= UNREACHABLE:
                return (*found, Excess("road", 1))
        for task in unit:
            found += self._times(kind, task)
            found += self._totals(kind, task)
        return tuple(found)

    def _path(self, kind: VehicleType, matrix: str, task: int, *, back: bool, depot: int | None = None) -> int:
        """Give the shortest path between a depot (the type's own when omitted) and a task."""
        end = kind.start_depot if kind.end_depot is None or not back else kind.end_depot
        place = self.problem.depots[end if depot is None else depot].location
        key = (kind.profile, matrix, place, back)
        if key not in self._paths:
            legs = getattr(self.problem.profiles[kind.profile], matrix)
            self._paths[key] = shortest_paths(legs.T if back else legs, place)
        return int(self._paths[key][self.problem.tasks[task].location])

    def _bans(self, kind: VehicleType, kind_index: int, unit: tuple[int, ...]) -> list[Excess]:
        found = []
        for task in unit:
            if lacking := self.problem.tasks[task].skills - kind.skills:
                found.append(Excess("skills", len(lacking), ", ".join(sorted(lacking))))
            if task in kind.forbidden_tasks:
                found.append(Excess("forbidden", 1))
        bound_to = {lock.vehicle for lock in self.problem.locks if set(lock.tasks) & set(unit)}
        if bound_to and all(self.problem.type_of_vehicle[vehicle] != kind_index for vehicle in bound_to):
            found.append(Excess("lock", 1))
        return found

    def _loads(self, kind: VehicleType, unit: tuple[int, ...]) -> list[Excess]:
        found = []
        shipped = [s.amount for s in self.problem.shipments if s.pickup_task in unit]
        for d, name in enumerate(self.problem.dimensions):
            needs = [max(self.problem.tasks[t].delivery[d], self.problem.tasks[t].pickup[d]) for t in unit]
            most = max([*needs, *(amount[d] for amount in shipped)])
            if most > kind.capacity[d]:
                found.append(Excess("capacity", most - kind.capacity[d], name))
        return found

    def _work_s(self, kind: VehicleType, task: int) -> int:
        """Give the least time of work; set-up may fall away where another stop is at the same place."""
        return (self.problem.tasks[task].service_s * kind.service_percent + 99) // 100

    def _times(self, kind: VehicleType, task: int) -> list[Excess]:
        """Check windows, shift and depot hours at the earliest arrival any route could have."""
        it = self.problem.tasks[task]
        out_s = self._path(kind, "duration_s", task, back=False)
        leaving_s = max(kind.shift_start_s, self.problem.depots[kind.start_depot].open_s)
        depots = (kind.start_depot, *kind.reload_depots)
        from_any_s = min(self._path(kind, "duration_s", task, back=False, depot=depot) for depot in depots)
        arrival_s = max(leaving_s + out_s, it.release_s + from_any_s)
        start_s = self._start_s(task, arrival_s)
        if start_s is None:
            late_s = arrival_s - it.windows[-1][1]
            without_s = leaving_s + out_s - it.windows[-1][1]
            return [Excess("release" if without_s <= 0 else "window", late_s)]
        end_s, close_s = start_s + self._work_s(kind, task), kind.shift_end_s
        if kind.end_depot is not None:
            end_s += self._path(kind, "duration_s", task, back=True)
            close_s = min(close_s, self.problem.depots[kind.end_depot].close_s)
        return [Excess("shift", end_s - close_s)] if end_s > close_s else []

    def _start_s(self, task: int, arrival_s: int) -> int | None:
        it = self.problem.tasks[task]
        for open_s, close_s in it.windows:
            if arrival_s <= close_s:
                return max(open_s, arrival_s)
        return arrival_s if it.late_cost_per_s is not None else None

    def _totals(self, kind: VehicleType, task: int) -> list[Excess]:
        """Check the limits of distance, driving and duration on the way there and back without waiting."""
        driving_s = self._path(kind, "duration_s", task, back=False)
        distance_m = self._path(kind, "distance_m", task, back=False)
        if kind.end_depot is not None:
            driving_s += self._path(kind, "duration_s", task, back=True)
            distance_m += self._path(kind, "distance_m", task, back=True)
        limits = (
            ("max_duration_s", driving_s + self._work_s(kind, task), kind.max_duration_s),
            ("max_distance_m", distance_m, kind.max_distance_m),
            ("max_driving_s", driving_s, kind.max_driving_s),
            ("max_tasks", 1, kind.max_tasks),
        )
        return [Excess(name, used - limit) for name, used, limit in limits if limit is not None and used > limit]
