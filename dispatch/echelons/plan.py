"""A two-echelon plan: which trunk run carries what where, and which route leaves which depot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["out", "back"]


@dataclass(frozen=True)
class TrunkRun:
    """One trunk run of the day.

    Attributes
    ----------
    kind
        Id of a trunk kind, or of a timetabled run.
    depots
        Indices of the depots in the order of driving.
    starts_s, ends_s
        Departure and arrival; at the centre where the run begins or ends there.
    calls_s
        When it arrives at each depot.
    """

    kind: str
    direction: Direction
    timetabled: bool
    depots: tuple[int, ...]
    starts_s: int
    calls_s: tuple[int, ...]
    ends_s: int
    distance_m: int
    cost: int


@dataclass(frozen=True)
class Carriage:
    """What a run carries for one task: a part of its delivery or its collection.

    Attributes
    ----------
    run
        Index in :attr:`TwoEchelonPlan.runs`.
    amount
        One number per load dimension; the parts of a task add up to its whole.
    """

    run: int
    task: int
    amount: tuple[int, ...]


@dataclass(frozen=True)
class CourierRoute:
    """One courier's route from a depot and back.

    Attributes
    ----------
    kind, depot
        Indices of courier kind and depot.
    """

    kind: int
    depot: int
    tasks: tuple[int, ...]
    start_s: int
    end_s: int
    distance_m: int
    cost: int


@dataclass(frozen=True)
class TwoEchelonPlan:
    """Runs, what they carry, routes, and the tasks on none.

    Attributes
    ----------
    trunk_cost, route_cost, depot_cost, left_out_cost
        In cost units; `depot_cost` is opening and handling.
    """

    runs: tuple[TrunkRun, ...]
    carriages: tuple[Carriage, ...]
    routes: tuple[CourierRoute, ...]
    unassigned: tuple[int, ...] = ()
    trunk_cost: int = 0
    route_cost: int = 0
    depot_cost: int = 0
    left_out_cost: int = 0
    seed: int = 0
    stats: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def cost(self) -> int:
        """Return the whole cost, prices of tasks left out included."""
        return self.trunk_cost + self.route_cost + self.depot_cost + self.left_out_cost

    def depot_of_task(self) -> dict[int, int]:
        """Return the depot that serves each task on a route."""
        return {task: route.depot for route in self.routes for task in route.tasks}
