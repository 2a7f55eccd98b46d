"""The two-echelon problem: county centre, township depots, trunk runs, couriers' vehicles and what they visit.

Freight goes from the county centre on a trunk run (干线) to a township depot (乡镇中转站), is unloaded and sorted
there, and leaves on a courier's route. Collections go the other way and must be at the centre before the line-haul
leaves. The classical 2E-VRP is the case without times, one load dimension and no collections.

Everything is in the integers of :mod:`routing.problem`: seconds since local midnight, metres, cost units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dispatch.echelons.errors import EchelonModelError
from routing.formats.two_echelon import TwoEchelonInstance
from routing.problem import HORIZON_S, UNREACHABLE, Profile, Task

Amount = tuple[int, ...]

UNITS_PER_DISTANCE = 1_000
"""Integer units for one unit of distance of a classical file; the "exact" convention of the other benchmark forms."""


@dataclass(frozen=True)
class TransferDepot:
    """A township depot (乡镇中转站), the satellite of the literature.

    Attributes
    ----------
    unload_s
        Unloading a trunk vehicle that calls, and loading it on the way back.
    sorted_per_hour
        Units of the last load dimension (parcels) that can be sorted in an hour; None for at once.
    open_cost
        Price of using it on the day.
    unit_cost
        Price of each unit of the last load dimension passing through.
    capacity
        The most that may pass outwards, per dimension; None for no limit.
    most_vehicles
        Couriers' vehicles that fit; None for no limit.
    direct
        It is the county centre itself: no trunk run is needed.
    """

    id: str
    location: int
    name: str = ""
    unload_s: int = 0
    sorted_per_hour: int | None = None
    open_cost: int = 0
    unit_cost: int = 0
    capacity: Amount | None = None
    most_vehicles: int | None = None
    direct: bool = False


@dataclass(frozen=True)
class TrunkKind:
    """Trunk vehicles of one kind, free to drive any tour from the centre over depots and back.

    Attributes
    ----------
    depart_s
        When they leave the county centre with the day's freight.
    most_depots
        Depots on one tour.
    """

    id: str
    count: int
    capacity: Amount
    profile: int = 0
    fixed_cost: int = 0
    cost_per_m: int = 0
    cost_per_s: int = 0
    depart_s: int = 0
    most_depots: int = 4


@dataclass(frozen=True)
class TimetabledRun:
    """A postal or passenger bus (客货邮班车) that drives anyway and has some room free.

    Attributes
    ----------
    outward
        True from the centre to depots, False from depots to the centre.
    calls
        (depot, second of the day it stands there), in the order of driving.
    centre_s
        When it leaves the centre, or arrives there.
    price
        What sending anything with it costs on a day.
    """

    id: str
    outward: bool
    calls: tuple[tuple[int, int], ...]
    centre_s: int
    capacity: Amount
    price: int = 0


@dataclass(frozen=True)
class CourierKind:
    """Couriers' vehicles of one kind; each is based at one depot for the day, which one is decided by planning."""

    id: str
    count: int
    capacity: Amount
    profile: int = 0
    fixed_cost: int = 0
    cost_per_m: int = 0
    cost_per_s: int = 0
    shift_start_s: int = 0
    shift_end_s: int = HORIZON_S
    max_distance_m: int | None = None
    max_tasks: int | None = None


@dataclass(frozen=True, eq=False)
class TwoEchelonProblem:
    """Everything a two-echelon plan is judged by.

    Attributes
    ----------
    centre
        Location (row of the matrices) of the county centre.
    tasks
        Visits of the second echelon; ``release_s`` must be 0, for planning decides when freight is there.
    back_by_s
        When collections must be at the county centre to reach the line-haul; None when that does not matter.
    centre_ready_s
        When freight for routes that start at the centre itself is sorted.
    """

    dimensions: tuple[str, ...]
    centre: int
    depots: tuple[TransferDepot, ...]
    trunks: tuple[TrunkKind, ...]
    couriers: tuple[CourierKind, ...]
    tasks: tuple[Task, ...]
    profiles: tuple[Profile, ...]
    timetable: tuple[TimetabledRun, ...] = ()
    back_by_s: int | None = None
    centre_ready_s: int = 0
    coordinates: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        _check_ids("township depot", [one.id for one in self.depots])
        _check_ids("trunk kind", [one.id for one in self.trunks])
        _check_ids("timetabled run", [one.id for one in self.timetable])
        _check_ids("courier kind", [one.id for one in self.couriers])
        if not self.depots:
            raise EchelonModelError("a two-echelon problem needs at least one depot", field="depots")
        for run in self.timetable:
            if not run.calls or any(not 0 <= depot < len(self.depots) for depot, _ in run.calls):
                raise EchelonModelError(f"timetabled run {run.id}: calls name a depot that does not exist", run=run.id)
            times = [moment for _, moment in run.calls]
            times = [run.centre_s, *times] if run.outward else [*times, run.centre_s]
            if times != sorted(times):
                raise EchelonModelError(f"timetabled run {run.id}: calls are not in the order of time", run=run.id)
        for task in self.tasks:
            if task.release_s:
                raise EchelonModelError(f"task {task.id}: release_s is planning's to decide, leave it 0", task=task.id)

    @cached_property
    def has_collections(self) -> bool:
        """Tell whether anything is collected."""
        return any(any(task.pickup) for task in self.tasks)

    @cached_property
    def is_timed(self) -> bool:
        """Tell whether time matters at all: driving, sorting, waiting or working."""
        return (
            any(int(profile.duration_s[profile.duration_s < UNREACHABLE].max(initial=0)) for profile in self.profiles)
            or any(depot.unload_s or depot.sorted_per_hour for depot in self.depots)
            or any(task.service_s or task.setup_s for task in self.tasks)
        )

    @cached_property
    def deliveries(self) -> NDArray[np.int64]:
        """Return what each task gets, shape (tasks, dimensions)."""
        return np.array([task.delivery for task in self.tasks], dtype=np.int64).reshape(len(self.tasks), -1)

    @cached_property
    def pickups(self) -> NDArray[np.int64]:
        """Return what is collected at each task, shape (tasks, dimensions)."""
        return np.array([task.pickup for task in self.tasks], dtype=np.int64).reshape(len(self.tasks), -1)


def classical_problem(instance: TwoEchelonInstance) -> TwoEchelonProblem:
    """State a 2E-VRP file as our problem: distances times :data:`UNITS_PER_DISTANCE`, no times.

    Raises
    ------
    EchelonModelError
        If the file's unit costs are no whole multiples of 0.001.
    """
    points = instance.points()
    distance = np.floor(
        np.hypot(*(points[:, None, axis] - points[None, :, axis] for axis in (0, 1))) * UNITS_PER_DISTANCE + 0.5
    ).astype(np.int32)
    nowhere = np.zeros_like(distance)
    road = Profile("road", distance, nowhere)
    first = len(instance.satellites) + 1
    truck_m, freighter_m = (_whole_cost(instance, cost) for cost in (instance.truck_cost, instance.freighter_cost))
    return TwoEchelonProblem(
        dimensions=("load",),
        centre=0,
        depots=tuple(
            TransferDepot(
                f"S{index}",
                index,
                open_cost=one.fixed_cost * UNITS_PER_DISTANCE,
                unit_cost=round(one.handling_cost * UNITS_PER_DISTANCE),
                capacity=(one.capacity,) if one.capacity else None,
                most_vehicles=instance.per_satellite,
            )
            for index, one in enumerate(instance.satellites, start=1)
        ),
        trunks=(
            TrunkKind(
                "truck",
                instance.trucks,
                (instance.truck_capacity,),
                fixed_cost=instance.truck_fixed * UNITS_PER_DISTANCE,
                cost_per_m=truck_m,
                most_depots=min(len(instance.satellites), 5),
            ),
        ),
        couriers=(
            CourierKind(
                "freighter",
                instance.freighters,
                (instance.freighter_capacity,),
                fixed_cost=instance.freighter_fixed * UNITS_PER_DISTANCE,
                cost_per_m=freighter_m,
            ),
        ),
        tasks=tuple(
            Task(f"C{index}", first + index - 1, delivery=(demand,), pickup=(0,))
            for index, (_, _, demand) in enumerate(instance.customers, start=1)
        ),
        profiles=(road,),
        coordinates=points,
    )


def _whole_cost(instance: TwoEchelonInstance, cost: float) -> int:
    if not float(cost).is_integer():
        raise EchelonModelError(f"{instance.name}: a cost per distance of {cost} is not a whole number")
    return int(cost)


def _check_ids(what: str, ids: Sequence[str]) -> None:
    for one in ids:
        if ids.count(one) > 1:
            raise EchelonModelError(f"{what} {one}: the id occurs twice", id=one)
