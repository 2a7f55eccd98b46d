"""Chooses where a plan may do with one vehicle less: routes that have room between them for what one of them carries.

Annealing opens a route in one step, but to close one its tasks must find room in the others all at once. So a patch
begins now and then without its emptiest route, the tasks of which wait for a place, and with no vehicle to spare. Such
a patch is as large as it takes for the others to have the room.

Source: removing routes one at a time as in fleet minimisation, Nagata and Bräysy (2009) and Christiaens and Vanden
Berghe (2020); here each attempt is one annealing, judged by its price.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from routing.problem import Problem
from routing.search.pieces import Piece
from routing.search.rules import has_trips

SHARE = 0.25
"""Part of all work that may go into closing routes; each failure halves it, a success brings all of it back."""
LARGEST = 1_000
"""Tasks of the largest patch that is tried with one vehicle less."""
FULL, FULL_OF_CHOICE = 1.0, 1.05
"""Room of the vehicles left that may be asked for, where all tasks are required and where some may be left out."""


def least_vehicles(problem: Problem) -> float:
    """Return how many of its roomiest vehicles the deliveries of a problem fill, or its pickups."""
    room = np.maximum(1, np.array([kind.capacity for kind in problem.vehicle_types], dtype=np.float64).max(axis=0))
    loads = np.array([(task.delivery, task.pickup) for task in problem.tasks], dtype=np.float64)
    return float((loads.sum(axis=0) / room).max(initial=0.0))


class Closings:
    """What has been tried to close routes, and where to try next.

    Parameters
    ----------
    problem
        The whole problem.
    least
        Tasks a patch has at least; where tasks may be left out it is the whole plan, up to ``LARGEST`` tasks, because
        which of them are served is decided by all routes together.
    """

    def __init__(self, problem: Problem, least: int) -> None:
        choice = not all(task.required for task in problem.tasks)
        self.least = min(LARGEST, problem.task_count) if choice else least
        self.full = FULL_OF_CHOICE if choice else FULL
        self.required = np.array([task.required for task in problem.tasks], dtype=bool)
        alike = len({kind.capacity for kind in problem.vehicle_types}) == 1
        self.possible = alike and not has_trips(problem)
        room = np.maximum(1, np.array(problem.vehicle_types[0].capacity, dtype=np.float64))
        loads = [(*task.delivery, *task.pickup) for task in problem.tasks]
        self.loads = np.array(loads, dtype=np.float64).reshape(problem.task_count, -1) / np.tile(room, 2)
        self.share, self.work, self.again = SHARE, 0, False
        self.tried = self.closed = 0

    def due(self, all_work: float) -> bool:
        """Tell whether it is time to try, after so many tasks' worth of annealing."""
        return self.possible and (self.again or self.work + self.least <= self.share * all_work)

    def choose(self, pieces: Sequence[Piece], orders: Iterable[NDArray[np.int64]]) -> set[int]:
        """Choose the smallest patch whose other vehicles have room for its emptiest route's tasks.

        Parameters
        ----------
        orders
            Numbers of the pieces by their distance from some place, for several places.

        Returns
        -------
        Numbers of the pieces, none if no patch of at most ``LARGEST`` tasks has the room.
        """
        sizes = np.array([len(piece.tasks) for piece in pieces])
        routed = np.array([piece.route is not None for piece in pieces])
        needs = np.array([self._need(piece) for piece in pieces])
        if not self._fits(needs.sum(axis=0), routed.sum()):
            return set()  # no route carries more than its vehicle holds, so no patch has more to spare than the whole
        found = []
        for order in orders:
            tasks = np.cumsum(sizes[order])
            fits = self._fits(np.cumsum(needs[order], axis=0), np.cumsum(routed[order]))
            large = (tasks >= self.least) | (np.arange(tasks.size) == tasks.size - 1)
            ends = np.flatnonzero(fits & large & (tasks <= LARGEST))
            found += [(int(tasks[end]), [int(i) for i in order[: end + 1]]) for end in ends[:1]]
        return set(min(found, default=(0, []))[1])

    def _fits(self, need: NDArray[np.float64], routes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell whether one route less has room for a need, its dimensions along the last axis."""
        fits: NDArray[np.bool_] = (routes > 1) & (need.max(axis=-1, initial=0.0) <= self.full * (routes - 1))
        return fits

    def without_one(self, patch: Sequence[Piece]) -> tuple[list[Piece], list[int]]:
        """Return a patch without its emptiest route, whose tasks wait for a place, and the vehicles of the others."""
        routes = [piece for piece in patch if piece.route is not None]
        emptiest = min(routes, key=lambda piece: float(self._need(piece).max(initial=0.0)))
        waiting = [Piece((task,)) for task in emptiest.tasks]
        fleet = [piece.route.vehicle for piece in routes if piece.route is not None and piece is not emptiest]
        return [piece for piece in patch if piece is not emptiest] + waiting, fleet

    def note(self, tasks: int, success: bool) -> None:
        """Remember what came of a try with so many tasks."""
        self.work += tasks
        self.tried += 1
        self.closed += success
        self.again = success
        self.share = SHARE if success else self.share / 2

    def _need(self, piece: Piece) -> NDArray[np.float64]:
        """Return the share of a vehicle's room a piece takes, in each dimension of deliveries and of pickups."""
        tasks = list(piece.tasks)
        if piece.route is None:
            tasks = [task for task in tasks if self.required[task]]
        need: NDArray[np.float64] = self.loads[tasks].sum(axis=0)
        return need
