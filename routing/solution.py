"""A plan: which vehicle serves which tasks in which order, and what stays behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from routing.errors import InvalidPlanError
from routing.problem import Problem


@dataclass(frozen=True)
class Trip:
    """One tour from a depot over its tasks.

    Attributes
    ----------
    tasks
        Task indices in driving order.
    depot
        Index of the depot where the trip is loaded: the type's start depot for the first trip, one of
        its reload depots for the others.
    """

    tasks: tuple[int, ...]
    depot: int


@dataclass(frozen=True)
class Route:
    """One vehicle's day.

    Attributes
    ----------
    vehicle
        Number of the vehicle, counted through over all types.
    trips
        At least one. Every trip but the last ends at the depot of the next; the last ends at the
        type's end depot (or with its last stop on an open route).
    start_s
        Departure from the first depot; all else happens as early as possible after it.
    breaks
        ``(position, break index)``: the break is taken before driving to stop number ``position`` of
        the whole route; ``len(tasks)`` means after the last stop.
    """

    vehicle: int
    trips: tuple[Trip, ...]
    start_s: int = 0
    breaks: tuple[tuple[int, int], ...] = ()

    @property
    def tasks(self) -> tuple[int, ...]:
        """All tasks of the route in driving order."""
        if len(self.trips) == 1:
            return self.trips[0].tasks
        return tuple(task for trip in self.trips for task in trip.tasks)


@dataclass(frozen=True)
class Solution:
    """Routes and the tasks on none of them.

    Every task of the problem is either on one route or in ``unassigned``; for alternatives the members
    not chosen are in ``unassigned`` too.
    """

    routes: tuple[Route, ...]
    unassigned: tuple[int, ...] = ()

    @classmethod
    def from_orders(
        cls,
        problem: Problem,
        orders: Iterable[Sequence[int]],
        vehicles: Sequence[int] | None = None,
        starts_s: Sequence[int] | None = None,
    ) -> Solution:
        """Make a plan of single-trip routes from plain lists of task indices.

        Vehicles are taken in numeric order where none are given; the rest of the tasks is unassigned.

        Raises
        ------
        InvalidPlanError
            If an order names an unknown task or a task twice, or there are more routes than vehicles.
        """
        plain = [tuple(int(task) for task in order) for order in orders]
        vehicles = list(range(len(plain))) if vehicles is None else list(vehicles)
        if any(not 0 <= v < problem.vehicle_count for v in vehicles) or len(vehicles) < len(plain):
            raise InvalidPlanError(f"{len(plain)} routes do not fit {problem.vehicle_count} vehicles")
        seen: set[int] = set()
        routes = []
        for place, (vehicle, order) in enumerate(zip(vehicles, plain, strict=False)):
            kind = problem.vehicle_types[problem.type_of_vehicle[vehicle]]
            for task in order:
                if not 0 <= task < problem.task_count or task in seen:
                    raise InvalidPlanError(f"route {place}: task {task} is unknown or planned twice")
                seen.add(task)
            start_s = kind.shift_start_s if starts_s is None else starts_s[place]
            if order:
                routes.append(Route(vehicle, (Trip(order, kind.start_depot),), start_s))
        left = tuple(task for task in range(problem.task_count) if task not in seen)
        return cls(tuple(routes), left)


@dataclass(frozen=True)
class Result:
    """What a call of ``solve`` gives back.

    Attributes
    ----------
    solution
        The best plan found.
    cost
        Its cost in cost units, prices of optional tasks left out included.
    missing
        Number of required tasks (and required alternatives groups) left out; 0 means complete.
    iterations, runtime_s
        Search effort; ``runtime_s`` counts from the call to the return, compilation included.
    seed, threads
        As given: the same problem, seed, threads and iterations make the same plan.
    history
        ``(seconds, iterations, missing, cost)`` at each new best that was noticed.
    stats
        Figures of the search for the curious: compile and set-up seconds, accepted moves and so on.
    """

    solution: Solution
    cost: int
    missing: int
    iterations: int
    runtime_s: float
    seed: int
    threads: int
    history: tuple[tuple[float, int, int, int], ...] = ()
    stats: dict[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Tell whether every required task is on a route."""
        return self.missing == 0
