"""The immutable routing problem: tasks, depots, vehicle types, matrices and every rule between them.

Integers throughout
-------------------
Times are integer seconds since the plan's day start (``_s``), distances integer metres (``_m``), loads
integers in the unit of their dimension. Nothing depends on these being real seconds and metres: a
benchmark that counts in tenths works as well, as long as one problem keeps to one unit.

Costs are integer *cost units* of the problem's own choosing; the core and the checker agree on them to
the unit. Money enters exactly through :data:`UNITS_PER_FEN` = 18,000 units for one fen: a price per
kilometre of ``c`` fen is ``18 c`` units per metre, a price per hour of ``c`` fen is ``5 c`` units per
second (18,000 is the least common multiple of 1,000 m and 3,600 s), so no rounding ever happens. Use
:func:`per_km`, :func:`per_hour` and :func:`fen`; :func:`to_fen` rounds once, for people.

The cost of a plan
------------------
For each used vehicle ``v`` of type ``k`` with driven distance ``D``, driven time ``T`` and duration
``L`` (from departure to the end, waiting and service included)::

    fixed_cost_k + cost_per_m_k * D + cost_per_s_k * L + cost_per_driving_s_k * T
    + overtime_cost_per_s_k * max(0, L - overtime_after_s_k)
    + trip_cost_k * (number of trips - 1)
    + task price of the vehicle for each of its tasks      (territory, Problem.task_prices)
    + late_cost_per_s * seconds late                        for each late task with a price for it
    + balance price * |measure - target|                    (Problem.balance)
    + disturbance prices against a reference plan           (Problem.disturbance)

and for each optional task or alternatives group left out ``prize + priority * priority_price``.
A required task left out makes the plan *incomplete*: it stays in ``Solution.unassigned``, the checker
reports it, and the search ranks plans by the number of those first.

The schedule of a route
-----------------------
The vehicle departs at ``Route.start_s`` and does everything as early as it can. At a task: arrive,
wait for the next window to open, start (the start must lie inside a window), work for
``setup_s + service_s`` and leave; ``setup_s`` falls away when the stop before (in the same trip) is at
the same location. Both are scaled by the vehicle type's ``service_percent`` and rounded up together:
``ceil((setup_s + service_s) * service_percent / 100)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
Window = tuple[int, int]

UNREACHABLE: Final = 1_000_000_000
"""A matrix entry for a leg without a road; every real entry is smaller."""
HORIZON_S: Final = 1_000_000_000
"""The end of time: a window that never closes ends here."""
UNITS_PER_FEN: Final = 18_000
"""Cost units of one fen when prices are money; see the module's text."""
ALWAYS: Final[tuple[Window, ...]] = ((0, HORIZON_S),)


def fen(amount: int) -> int:
    """Convert an amount in fen to cost units."""
    return amount * UNITS_PER_FEN


def per_km(amount_fen: int) -> int:
    """Convert a price in fen per kilometre to cost units per metre, exactly."""
    return amount_fen * (UNITS_PER_FEN // 1000)


def per_hour(amount_fen: int) -> int:
    """Convert a price in fen per hour to cost units per second, exactly."""
    return amount_fen * (UNITS_PER_FEN // 3600)


def to_fen(units: int) -> int:
    """Convert cost units to fen for people: rounded once, half up."""
    return (2 * units + UNITS_PER_FEN) // (2 * UNITS_PER_FEN)


@dataclass(frozen=True, eq=False)
class Profile:
    """One way of travelling between the locations, with its own roads and speeds.

    Attributes
    ----------
    distance_m, duration_s
        Read-only int32 matrices of shape (locations, locations), from row to column, asymmetric if the
        roads are; :data:`UNREACHABLE` where there is no road. Several problems may share them.
    """

    id: str
    distance_m: Int32Array
    duration_s: Int32Array

    def leg(self, origin: int, target: int) -> tuple[int, int]:
        """Return distance in metres and duration in seconds from one location to another."""
        return int(self.distance_m[origin, target]), int(self.duration_s[origin, target])


@dataclass(frozen=True)
class Depot:
    """A place where vehicles start, end and reload.

    Attributes
    ----------
    open_s, close_s
        Departures happen inside, arrivals not after ``close_s`` (an early arrival waits for the opening).
    reload_s
        Time between arriving for a reload and leaving again.
    """

    id: str
    location: int
    open_s: int = 0
    close_s: int = HORIZON_S
    reload_s: int = 0


@dataclass(frozen=True)
class Task:
    """One visit: goods dropped, goods taken, or work done, at one location.

    Attributes
    ----------
    delivery
        What is loaded at the trip's start depot and dropped here, one number per load dimension.
    pickup
        What is taken here and carried to the trip's end depot.
    windows
        The start of work lies in one of them; in order, apart from each other.
    late_cost_per_s
        None: windows are hard. A number: work may also start after the *last* window has closed, at
        this price per second after that closing; earlier windows order waiting as usual.
    release_s
        The goods are at the depot from then on: the trip that carries the task departs no earlier.
    required
        False: the task may be left out at the price ``prize + priority * Problem.priority_price``.
    skills
        The vehicle type must have all of them.
    """

    id: str
    location: int
    delivery: tuple[int, ...] = ()
    pickup: tuple[int, ...] = ()
    windows: tuple[Window, ...] = ALWAYS
    late_cost_per_s: int | None = None
    service_s: int = 0
    setup_s: int = 0
    release_s: int = 0
    required: bool = True
    prize: int = 0
    priority: int = 0
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Shipment:
    """Goods carried from one task to another by one vehicle, in one trip, in this order.

    Both tasks are served or neither; leaving out an optional shipment costs what its two tasks cost.
    """

    id: str
    pickup_task: int
    delivery_task: int
    amount: tuple[int, ...] = ()


@dataclass(frozen=True)
class Break:
    """A rest a driver takes between two stops: after the work at a stop, before driving on.

    It starts in ``[earliest_s, latest_s]`` (the vehicle waits at the stop for ``earliest_s`` if need be).
    A route owes the break when it departs before ``earliest_s + duration_s`` and ends after
    ``latest_s``; otherwise there is room for it before or after work. A break may also be taken at the
    depot right after the departure time, before the first stop.
    """

    id: str
    earliest_s: int
    latest_s: int
    duration_s: int


@dataclass(frozen=True)
class VehicleType:
    """Interchangeable vehicles with their drivers.

    Attributes
    ----------
    count
        Vehicles of this type; they are numbered through over all types in order.
    start_depot, end_depot
        Indices of depots; ``None`` as end is an open route that ends with its last stop (pickups
        then stay on the vehicle).
    reload_depots
        Where the vehicle may reload between trips; empty means one trip only.
    shift_start_s, shift_end_s
        The vehicle neither departs before nor ends after.
    max_duration_s, max_distance_m, max_driving_s, max_tasks
        Limits per route, None for none. ``max_trips`` counts all trips of one route.
    service_percent
        Scales set-up and service times; 100 leaves them.
    cost_per_s
        Price of the route's duration; ``cost_per_driving_s`` counts driving only. Overtime is charged
        on top, beyond ``overtime_after_s`` seconds of duration.
    trip_cost
        Price of each further trip.
    """

    id: str
    count: int
    capacity: tuple[int, ...]
    start_depot: int = 0
    end_depot: int | None = 0
    profile: int = 0
    reload_depots: tuple[int, ...] = ()
    max_trips: int = 1
    shift_start_s: int = 0
    shift_end_s: int = HORIZON_S
    max_duration_s: int | None = None
    max_distance_m: int | None = None
    max_driving_s: int | None = None
    max_tasks: int | None = None
    service_percent: int = 100
    fixed_cost: int = 0
    cost_per_m: int = 0
    cost_per_s: int = 0
    cost_per_driving_s: int = 0
    overtime_after_s: int | None = None
    overtime_cost_per_s: int = 0
    trip_cost: int = 0
    skills: frozenset[str] = frozenset()
    forbidden_tasks: frozenset[int] = frozenset()
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True)
class Alternatives:
    """Tasks of which exactly one is done (door, station or cabinet), or none if not required.

    The members' own ``required``, ``prize`` and ``priority`` do not count.
    """

    id: str
    tasks: tuple[int, ...]
    required: bool = True
    prize: int = 0
    priority: int = 0


class LockKind(StrEnum):
    """What a dispatcher has fixed."""

    VEHICLE = "vehicle"
    """The tasks, when served, are served by the vehicle."""
    POSITION = "position"
    """The one task is served by the vehicle as its stop number ``position`` (0 is the first)."""
    PREFIX = "prefix"
    """The vehicle's route begins with exactly these tasks in this order."""
    ORDER = "order"
    """The vehicle serves the tasks in this order; others may be put between them."""
    ROUTE = "route"
    """The vehicle serves exactly these tasks in this order and nothing else."""


@dataclass(frozen=True)
class Lock:
    """Something a re-plan must keep. Tasks under all kinds but VEHICLE must be served."""

    kind: LockKind
    vehicle: int
    tasks: tuple[int, ...]
    position: int = 0


@dataclass(frozen=True, eq=False)
class Disturbance:
    """Prices for differing from a reference plan, such as the one couriers have already seen.

    Attributes
    ----------
    vehicle_of_task, predecessor_of_task, start_of_task_s
        Shape (tasks,). The reference vehicle (−1: the task was not served, nothing is charged for it),
        the task served just before on the same trip (−1: it was the first) and its start of work.
    vehicle_price
        For each reference task now served by another vehicle.
    order_price
        For each reference task now served whose predecessor differs.
    start_price_per_s
        For each second by which a served reference task's start moved, either way.
    """

    vehicle_of_task: Int32Array
    predecessor_of_task: Int32Array
    start_of_task_s: Int64Array
    vehicle_price: int = 0
    order_price: int = 0
    start_price_per_s: int = 0


@dataclass(frozen=True)
class Balance:
    """A price for each used vehicle's distance from a target workload."""

    measure: Literal["tasks", "distance_m", "duration_s"]
    target: int
    price: int


class Backhaul(StrEnum):
    """How deliveries and pickups may be mixed on one trip."""

    MIXED = "mixed"
    """In any order, as the load allows."""
    LINEHAUL_FIRST = "linehaul_first"
    """Every task with a delivery comes before every task with a pickup."""
    LINEHAUL_REQUIRED = "linehaul_required"
    """As LINEHAUL_FIRST, and a trip with pickups has at least one delivery."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything a plan is judged by. Build it with :class:`routing.builder.ProblemBuilder`.

    Construction validates; a Problem that exists is consistent (see :mod:`routing.errors`). It may
    still have no complete plan.

    Attributes
    ----------
    dimensions
        Names of the load dimensions, for example ``("weight_g", "volume_cm3", "count")``.
    priority_price
        Cost of leaving out one point of priority.
    task_prices
        Shape (vehicle types, tasks), int64: price of a task on a vehicle of that type (territory), or None.
    same_vehicle
        Groups of tasks; those of a group that are served share one vehicle.
    incompatible
        Pairs of tasks that never share a vehicle.
    coordinates
        Shape (locations, 2) float64, planar or lon/lat, for decomposition and drawing only, or None.
    """

    tasks: tuple[Task, ...]
    depots: tuple[Depot, ...]
    vehicle_types: tuple[VehicleType, ...]
    profiles: tuple[Profile, ...]
    dimensions: tuple[str, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    alternatives: tuple[Alternatives, ...] = ()
    same_vehicle: tuple[tuple[int, ...], ...] = ()
    incompatible: tuple[tuple[int, int], ...] = ()
    locks: tuple[Lock, ...] = ()
    disturbance: Disturbance | None = None
    balance: Balance | None = None
    task_prices: Int64Array | None = None
    priority_price: int = 0
    backhaul: Backhaul = Backhaul.MIXED
    coordinates: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        from routing.validation import validate

        validate(self)

    @property
    def task_count(self) -> int:
        """Number of tasks, the two ends of a shipment counted each."""
        return len(self.tasks)

    @property
    def location_count(self) -> int:
        """Number of rows of the matrices."""
        return int(self.profiles[0].distance_m.shape[0])

    @cached_property
    def type_of_vehicle(self) -> tuple[int, ...]:
        """Return the vehicle type of every vehicle, types numbered through in order."""
        return tuple(index for index, kind in enumerate(self.vehicle_types) for _ in range(kind.count))

    @property
    def vehicle_count(self) -> int:
        """Number of vehicles over all types."""
        return len(self.type_of_vehicle)

    @cached_property
    def first_vehicle_of_type(self) -> tuple[int, ...]:
        """Return the number of each type's first vehicle."""
        first, total = [], 0
        for kind in self.vehicle_types:
            first.append(total)
            total += kind.count
        return tuple(first)

    @cached_property
    def task_index(self) -> Mapping[str, int]:
        """Return the index of each task by its id."""
        return {task.id: index for index, task in enumerate(self.tasks)}

    @cached_property
    def shipment_of_task(self) -> Mapping[int, int]:
        """Return the index of the shipment for both its tasks."""
        ends = ((index, s) for index, s in enumerate(self.shipments))
        return {task: index for index, s in ends for task in (s.pickup_task, s.delivery_task)}

    @cached_property
    def alternatives_of_task(self) -> Mapping[int, int]:
        """Return the index of the alternatives group for each member."""
        return {task: index for index, group in enumerate(self.alternatives) for task in group.tasks}

    def service_s(self, vehicle_type: int, task: int, previous_location: int | None) -> int:
        """Return the seconds of work at a task, set-up included unless the stop before was at the same place.

        Parameters
        ----------
        previous_location
            Location of the stop just before on the same trip, None if the depot was before.
        """
        it = self.tasks[task]
        work = it.service_s + (0 if previous_location == it.location else it.setup_s)
        return -(-work * self.vehicle_types[vehicle_type].service_percent // 100)

    def left_out_cost(self, unassigned: Iterable[int]) -> int:
        """Return the price of optional tasks and groups that are left out, given all unassigned tasks."""
        missing = set(unassigned)
        cost = 0
        for index in missing:
            task = self.tasks[index]
            if not task.required and index not in self.alternatives_of_task:
                cost += task.prize + task.priority * self.priority_price
        for group in self.alternatives:
            if not group.required and missing.issuperset(group.tasks):
                cost += group.prize + group.priority * self.priority_price
        return cost

    def required_missing(self, unassigned: Iterable[int]) -> tuple[int, ...]:
        """Return the required tasks left out; a required group without any member counts by its first."""
        missing = set(unassigned)
        lone = [i for i in missing if self.tasks[i].required and i not in self.alternatives_of_task]
        groups = [g.tasks[0] for g in self.alternatives if g.required and missing.issuperset(g.tasks)]
        return tuple(sorted(lone + groups))
