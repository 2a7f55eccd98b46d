"""A fluent builder that puts a problem together by names and raises errors that name what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from routing.errors import DimensionError, DuplicateIdError, MatrixShapeError, MatrixValueError, UnknownReferenceError
from routing.plane_legs import PlaneLegs
from routing.problem import (
    ALWAYS,
    HORIZON_S,
    UNREACHABLE,
    Alternatives,
    Backhaul,
    Balance,
    Break,
    Depot,
    Disturbance,
    Int32Array,
    Lock,
    LockKind,
    Problem,
    Profile,
    Shipment,
    Task,
    VehicleType,
    Window,
)

Amount = int | Sequence[int] | Mapping[str, int] | None
"""A load: one number (one dimension), one for each dimension, or a mapping by dimension name."""


def matrix_int32(matrix: ArrayLike, subject: str, name: str) -> Int32Array:
    """Turn a matrix into a read-only int32 matrix, rounding half up; infinity becomes UNREACHABLE.

    An int32 matrix is not copied but shared and marked read-only.

    Raises
    ------
    MatrixShapeError, MatrixValueError
        If it is not square, or holds NaN, a negative number or one above :data:`UNREACHABLE`.
    """
    raw = np.asarray(matrix)
    if raw.ndim != 2 or raw.shape[0] != raw.shape[1]:
        raise MatrixShapeError(subject, name, f"has shape {raw.shape}, expected a square")
    if raw.dtype != np.int32:
        raw = _checked_int32(raw, subject, name)
    if raw.size and int(raw.min()) < 0:
        row, column = (int(v) for v in np.argwhere(raw < 0)[0])
        raise MatrixValueError(subject, name, f"is negative from location {row} to {column}")
    result = np.ascontiguousarray(raw)
    result.setflags(write=False)
    return result


def _checked_int32(raw: NDArray[Any], subject: str, name: str) -> Int32Array:
    if raw.dtype.kind == "f":
        if np.isnan(raw).any():
            row, column = (int(v) for v in np.argwhere(np.isnan(raw))[0])
            raise MatrixValueError(subject, name, f"is NaN from location {row} to {column}")
        raw = np.where(np.isinf(raw) & (raw > 0), float(UNREACHABLE), np.floor(raw + 0.5))
    elif raw.dtype.kind not in "iu":
        raise MatrixValueError(subject, name, f"has entries of type {raw.dtype}")
    if raw.size and raw.max() > UNREACHABLE:
        row, column = (int(v) for v in np.argwhere(raw > UNREACHABLE)[0])
        raise MatrixValueError(subject, name, f"is above {UNREACHABLE} from location {row} to {column}")
    if raw.size and raw.min() < 0:
        row, column = (int(v) for v in np.argwhere(raw < 0)[0])
        raise MatrixValueError(subject, name, f"is negative from location {row} to {column}")
    return raw.astype(np.int32)


class ProblemBuilder:
    """Collects depots, vehicle types, tasks and rules by id, then builds the immutable problem.

    Every method returns the builder. Ids are resolved when a method is called, so add depots and
    profiles before vehicle types, and tasks before shipments, groups and locks.

    Parameters
    ----------
    dimensions
        Names of the load dimensions, in order; may be empty.

    Examples
    --------
    >>> problem = (
    ...     ProblemBuilder(("count",))
    ...     .profile("van", [[0, 4, 6], [4, 0, 3], [6, 3, 0]])
    ...     .depot("centre", 0)
    ...     .vehicle_type("van", count=1, capacity=10, cost_per_m=1)
    ...     .task("a", 1, delivery=2)
    ...     .task("b", 2, delivery=3)
    ...     .build()
    ... )
    >>> problem.task_count
    2
    """

    def __init__(self, dimensions: Sequence[str] = ()) -> None:
        self._dimensions = tuple(dimensions)
        self._profiles: dict[str, Profile] = {}
        self._depots: dict[str, int] = {}
        self._depot_list: list[Depot] = []
        self._types: dict[str, int] = {}
        self._type_list: list[dict[str, Any]] = []
        self._tasks: dict[str, int] = {}
        self._task_list: list[Task] = []
        self._shipments: list[Shipment] = []
        self._alternatives: list[Alternatives] = []
        self._same_vehicle: list[tuple[int, ...]] = []
        self._incompatible: list[tuple[int, int]] = []
        self._locks: list[Lock] = []
        self._forbidden: list[tuple[int, int]] = []
        self._prices: dict[tuple[int, int], int] = {}
        self._disturbance: Disturbance | None = None
        self._balance: Balance | None = None
        self._priority_price: int | None = None
        self._backhaul = Backhaul.MIXED
        self._coordinates: NDArray[np.float64] | None = None

    def profile(self, id: str, distance_m: ArrayLike, duration_s: ArrayLike | None = None) -> Self:
        """Add a matrix profile; without durations every leg takes no time."""
        if id in self._profiles:
            raise DuplicateIdError(f"profile {id!r}", "id", "is used twice")
        distance = matrix_int32(distance_m, f"profile {id!r}", "distance_m")
        if duration_s is None:
            duration = np.where(distance >= UNREACHABLE, np.int32(UNREACHABLE), np.int32(0))
            duration.setflags(write=False)
        else:
            duration = matrix_int32(duration_s, f"profile {id!r}", "duration_s")
        self._profiles[id] = Profile(id, distance, duration)
        return self

    def plane_profile(
        self, id: str, points: ArrayLike, metres_per_unit: float = 1.0, seconds_per_unit: float = 0.0
    ) -> Self:
        """Add a profile of straight legs between points, computed when asked for: no matrix is held.

        For problems whose matrix would not fit into memory; the search cuts them into parts.

        Parameters
        ----------
        points : shape (locations, 2)
            In a plane, not lon/lat; also taken as the problem's coordinates.
        """
        if id in self._profiles:
            raise DuplicateIdError(f"profile {id!r}", "id", "is used twice")
        at = np.ascontiguousarray(points, dtype=np.float64)
        if at.ndim != 2 or at.shape[1] != 2:
            raise MatrixShapeError(f"profile {id!r}", "points", f"have shape {at.shape}, expected (locations, 2)")
        if not np.isfinite(at).all():
            raise MatrixValueError(f"profile {id!r}", "points", "hold a number that is not finite")
        legs = (PlaneLegs(at, metres_per_unit), PlaneLegs(at, seconds_per_unit))
        for name, made in zip(("distance_m", "duration_s"), legs, strict=True):
            if made.max() >= UNREACHABLE:
                raise MatrixValueError(f"profile {id!r}", name, f"could reach {made.max()}, the limit is {UNREACHABLE}")
        # They answer what the search and the checker ask of an array; see routing.plane_legs.
        self._profiles[id] = Profile(id, *(cast("Int32Array", made) for made in legs))
        return self.coordinates(at)

    def coordinates(self, points: ArrayLike) -> Self:
        """Give the locations' coordinates, shape (locations, 2), for decomposition and drawing."""
        self._coordinates = np.ascontiguousarray(points, dtype=np.float64)
        return self

    def depot(self, id: str, location: int, *, open_s: int = 0, close_s: int = HORIZON_S, reload_s: int = 0) -> Self:
        """Add a depot."""
        if id in self._depots:
            raise DuplicateIdError(f"depot {id!r}", "id", "is used twice")
        self._depots[id] = len(self._depot_list)
        self._depot_list.append(Depot(id, location, open_s, close_s, reload_s))
        return self

    def vehicle_type(
        self,
        id: str,
        *,
        count: int = 1,
        capacity: Amount = None,
        start_depot: str | None = None,
        end_depot: str | None = None,
        open_route: bool = False,
        profile: str | None = None,
        reload_depots: Sequence[str] = (),
        skills: Iterable[str] = (),
        breaks: Iterable[Break] = (),
        **limits_and_costs: Any,
    ) -> Self:
        """Add a vehicle type.

        Parameters
        ----------
        capacity
            None means unlimited (2^40 in every dimension).
        start_depot, profile
            The first one added when omitted. ``end_depot`` is the start depot when omitted, unless
            ``open_route`` is set.
        limits_and_costs
            The remaining attributes of :class:`routing.problem.VehicleType` by name.
        """
        if id in self._types:
            raise DuplicateIdError(f"vehicle type {id!r}", "id", "is used twice")
        subject = f"vehicle type {id!r}"
        names = set(VehicleType.__dataclass_fields__)
        for name in limits_and_costs:
            if name not in names:
                raise UnknownReferenceError(subject, name, "is not an attribute of a vehicle type")
        start = 0 if start_depot is None else self._find(self._depots, start_depot, subject, "start_depot")
        end: int | None = start if end_depot is None else self._find(self._depots, end_depot, subject, "end_depot")
        profiles = {name: index for index, name in enumerate(self._profiles)}
        self._types[id] = len(self._type_list)
        self._type_list.append(
            {
                "id": id,
                "count": count,
                "capacity": self._amount(capacity, subject, "capacity", 1 << 40),
                "start_depot": start,
                "end_depot": None if open_route else end,
                "profile": 0 if profile is None else self._find(profiles, profile, subject, "profile"),
                "reload_depots": tuple(
                    self._find(self._depots, depot, subject, "reload_depots") for depot in reload_depots
                ),
                "skills": frozenset(skills),
                "breaks": tuple(breaks),
                **limits_and_costs,
            }
        )
        return self

    def task(
        self,
        id: str,
        location: int,
        *,
        delivery: Amount = None,
        pickup: Amount = None,
        windows: Sequence[Window] = ALWAYS,
        late_cost_per_s: int | None = None,
        service_s: int = 0,
        setup_s: int = 0,
        release_s: int = 0,
        required: bool = True,
        prize: int = 0,
        priority: int = 0,
        skills: Iterable[str] = (),
    ) -> Self:
        """Add a task; see :class:`routing.problem.Task` for the meaning of each field."""
        if id in self._tasks:
            raise DuplicateIdError(f"task {id!r}", "id", "is used twice")
        subject = f"task {id!r}"
        self._tasks[id] = len(self._task_list)
        self._task_list.append(
            Task(
                id,
                int(location),
                self._amount(delivery, subject, "delivery", 0),
                self._amount(pickup, subject, "pickup", 0),
                tuple((int(a), int(b)) for a, b in windows),
                late_cost_per_s,
                service_s,
                setup_s,
                release_s,
                required,
                prize,
                priority,
                frozenset(skills),
            )
        )
        return self

    def shipment(self, id: str, pickup_task: str, delivery_task: str, amount: Amount = None) -> Self:
        """Bind two tasks into a shipment from the first to the second."""
        subject = f"shipment {id!r}"
        first = self._find(self._tasks, pickup_task, subject, "pickup_task")
        second = self._find(self._tasks, delivery_task, subject, "delivery_task")
        self._shipments.append(Shipment(id, first, second, self._amount(amount, subject, "amount", 0)))
        return self

    def alternatives(
        self, id: str, tasks: Iterable[str], *, required: bool = True, prize: int = 0, priority: int = 0
    ) -> Self:
        """Make tasks exclusive: exactly one of them is done (at most one, if not required)."""
        members = tuple(self._find(self._tasks, task, f"alternatives group {id!r}", "tasks") for task in tasks)
        self._alternatives.append(Alternatives(id, members, required, prize, priority))
        return self

    def same_vehicle(self, tasks: Iterable[str]) -> Self:
        """Keep tasks together on one vehicle."""
        self._same_vehicle.append(tuple(self._find(self._tasks, t, "same-vehicle group", "tasks") for t in tasks))
        return self

    def incompatible(self, first: str, second: str) -> Self:
        """Keep two tasks off one vehicle."""
        pair = (
            self._find(self._tasks, first, "incompatible pair", "tasks"),
            self._find(self._tasks, second, "incompatible pair", "tasks"),
        )
        self._incompatible.append(pair)
        return self

    def forbid(self, vehicle_type: str, task: str) -> Self:
        """Forbid a task to all vehicles of a type."""
        kind = self._find(self._types, vehicle_type, "forbidden pair", "vehicle_type")
        self._forbidden.append((kind, self._find(self._tasks, task, "forbidden pair", "task")))
        return self

    def task_price(self, vehicle_type: str, task: str, price: int) -> Self:
        """Charge a price when a vehicle of the type serves the task (an unfamiliar section, 段道)."""
        kind = self._find(self._types, vehicle_type, "task price", "vehicle_type")
        self._prices[kind, self._find(self._tasks, task, "task price", "task")] = price
        return self

    def lock(self, kind: LockKind | str, vehicle: int, tasks: Iterable[str], position: int = 0) -> Self:
        """Fix tasks on a vehicle; see :class:`routing.problem.LockKind`."""
        members = tuple(self._find(self._tasks, task, f"lock ({kind})", "tasks") for task in tasks)
        self._locks.append(Lock(LockKind(kind), vehicle, members, position))
        return self

    def disturbance(self, disturbance: Disturbance) -> Self:
        """Charge differences from a reference plan."""
        self._disturbance = disturbance
        return self

    def balance(self, balance: Balance) -> Self:
        """Charge each used vehicle's distance from a target workload."""
        self._balance = balance
        return self

    def priority_price(self, price: int) -> Self:
        """Set what one point of priority is worth; by default more than the dearest single detour."""
        self._priority_price = price
        return self

    def backhaul(self, rule: Backhaul | str) -> Self:
        """Say how deliveries and pickups may be mixed on a trip."""
        self._backhaul = Backhaul(rule)
        return self

    def build(self) -> Problem:
        """Build the problem, checking everything.

        Raises
        ------
        InvalidProblemError
            One of its leaves, naming object, field and remedy.
        """
        forbidden: dict[int, set[int]] = {}
        for kind, task in self._forbidden:
            forbidden.setdefault(kind, set()).add(task)
        types = tuple(
            VehicleType(**(fields | self._merged_forbidden(fields, forbidden.get(index, set()))))
            for index, fields in enumerate(self._type_list)
        )
        prices = None
        if self._prices:
            prices = np.zeros((len(types), len(self._task_list)), dtype=np.int64)
            for (kind, task), price in self._prices.items():
                prices[kind, task] = price
            prices.setflags(write=False)
        profiles = tuple(self._profiles.values())
        priority_price = self._priority_price
        if priority_price is None:
            priority_price = _dearest_detour(profiles, types) if self._uses_priority() else 0
        return Problem(
            tasks=tuple(self._task_list),
            depots=tuple(self._depot_list),
            vehicle_types=types,
            profiles=profiles,
            dimensions=self._dimensions,
            shipments=tuple(self._shipments),
            alternatives=tuple(self._alternatives),
            same_vehicle=tuple(self._same_vehicle),
            incompatible=tuple(self._incompatible),
            locks=tuple(self._locks),
            disturbance=self._disturbance,
            balance=self._balance,
            task_prices=prices,
            priority_price=priority_price,
            backhaul=self._backhaul,
            coordinates=self._coordinates,
        )

    @staticmethod
    def _merged_forbidden(fields: dict[str, Any], more: set[int]) -> dict[str, Any]:
        return {"forbidden_tasks": frozenset(fields.get("forbidden_tasks", frozenset()) | more)}

    def _uses_priority(self) -> bool:
        return any(task.priority for task in self._task_list) or any(group.priority for group in self._alternatives)

    @staticmethod
    def _find(known: Mapping[str, int], name: str, subject: str, field: str) -> int:
        try:
            return known[name]
        except KeyError:
            raise UnknownReferenceError(subject, field, f"names {name!r}, which was not added before") from None

    def _amount(self, amount: Amount, subject: str, field: str, default: int) -> tuple[int, ...]:
        if amount is None:
            return (default,) * len(self._dimensions)
        if isinstance(amount, Mapping):
            for name in amount:
                if name not in self._dimensions:
                    raise DimensionError(subject, field, f"names the unknown dimension {name!r}")
            return tuple(int(amount.get(name, default)) for name in self._dimensions)
        if isinstance(amount, (int, np.integer)):
            amount = (int(amount),)
        return tuple(int(value) for value in amount)


def _dearest_detour(profiles: tuple[Profile, ...], types: tuple[VehicleType, ...]) -> int:
    """Bound what serving one more task can cost: a vehicle of its own going there and back."""
    dearest = 1
    for kind in types:
        legs = []
        for matrix in (profiles[kind.profile].distance_m, profiles[kind.profile].duration_s):
            real = matrix if matrix.max(initial=0) < UNREACHABLE else matrix[matrix < UNREACHABLE]
            legs.append(int(real.max()) if real.size else 0)
        per_s = kind.cost_per_s + kind.cost_per_driving_s + kind.overtime_cost_per_s
        dearest = max(dearest, kind.fixed_cost + 2 * (legs[0] * kind.cost_per_m + legs[1] * per_s) + 1)
    return dearest
