"""Checks a problem for contradictions, naming the object and field of the first one found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from routing.errors import (
    ContradictionError,
    DimensionError,
    DuplicateIdError,
    InvalidProblemError,
    MagnitudeError,
    MatrixShapeError,
    MatrixValueError,
    NegativeValueError,
    UnknownReferenceError,
    UnreachablePlaceError,
    WindowError,
)

if TYPE_CHECKING:
    from routing.problem import Lock, Problem, Profile, Task, VehicleType

COST_LIMIT = 1 << 60
AMOUNT_LIMIT = 1 << 50


def validate(problem: Problem) -> None:
    """Raise the first contradiction found; return if there is none."""
    if not problem.profiles:
        raise InvalidProblemError("problem", "profiles", "are empty", remedy="Add one matrix profile.")
    for profile in problem.profiles:
        _check_profile(profile, problem)
    _check_ids(problem)
    _check_depots(problem)
    for index in range(len(problem.vehicle_types)):
        _check_vehicle_type(problem, index)
    for task in problem.tasks:
        _check_task(problem, task)
    _check_shipments(problem)
    _check_alternatives(problem)
    _check_relations(problem)
    for place, lock in enumerate(problem.locks):
        _check_lock(problem, place, lock)
    _check_lock_overlaps(problem)
    _check_prices(problem)
    _check_reachable(problem)
    _check_magnitude(problem)


def _check_profile(profile: Profile, problem: Problem) -> None:
    subject = f"profile {profile.id!r}"
    size = problem.profiles[0].distance_m.shape[0] if problem.profiles[0].distance_m.ndim == 2 else -1
    for name, matrix in (("distance_m", profile.distance_m), ("duration_s", profile.duration_s)):
        if matrix.ndim != 2 or matrix.shape != (size, size):
            raise MatrixShapeError(subject, name, f"has shape {matrix.shape}, expected ({size}, {size})")
        if matrix.dtype != np.int32:
            raise MatrixValueError(
                subject,
                name,
                f"is {matrix.dtype}, expected int32",
                remedy="Build profiles with ProblemBuilder.profile.",
            )
        if matrix.size and int(matrix.min()) < 0:
            row, column = (int(v) for v in np.argwhere(matrix < 0)[0])
            raise MatrixValueError(subject, name, f"is negative from location {row} to {column}")


def _check_ids(problem: Problem) -> None:
    kinds: tuple[tuple[str, Sequence[Any]], ...] = (
        ("task", problem.tasks),
        ("depot", problem.depots),
        ("vehicle type", problem.vehicle_types),
        ("profile", problem.profiles),
        ("shipment", problem.shipments),
        ("alternatives group", problem.alternatives),
    )
    for kind, things in kinds:
        seen: set[str] = set()
        for thing in things:
            if thing.id in seen:
                raise DuplicateIdError(f"{kind} {thing.id!r}", "id", "is used twice")
            seen.add(thing.id)


def _not_negative(subject: str, thing: object, names: Iterable[str]) -> None:
    for name in names:
        value = getattr(thing, name)
        if value is None:
            continue
        for number in value if isinstance(value, tuple) else (value,):
            if number < 0:
                raise NegativeValueError(subject, name, f"is {number}")


def _in_range(subject: str, name: str, index: int, size: int, what: str) -> None:
    if not 0 <= index < size:
        raise UnknownReferenceError(subject, name, f"is {index}, but there are {size} {what}")


def _check_depots(problem: Problem) -> None:
    if not problem.depots:
        raise InvalidProblemError("problem", "depots", "are empty", remedy="Add one depot.")
    for depot in problem.depots:
        subject = f"depot {depot.id!r}"
        _in_range(subject, "location", depot.location, problem.location_count, "locations")
        _not_negative(subject, depot, ("open_s", "close_s", "reload_s"))
        if depot.close_s < depot.open_s:
            raise WindowError(subject, "close_s", f"is {depot.close_s}, before open_s {depot.open_s}")


_VEHICLE_NUMBERS = (
    "count", "capacity", "shift_start_s", "shift_end_s", "max_duration_s", "max_distance_m", "max_driving_s",
    "max_tasks", "service_percent", "fixed_cost", "cost_per_m", "cost_per_s", "cost_per_driving_s",
    "overtime_after_s", "overtime_cost_per_s", "trip_cost",
)  # fmt: skip


def _check_vehicle_type(problem: Problem, index: int) -> None:
    kind = problem.vehicle_types[index]
    subject = f"vehicle type {kind.id!r}"
    _not_negative(subject, kind, _VEHICLE_NUMBERS)
    if len(kind.capacity) != len(problem.dimensions):
        raise DimensionError(subject, "capacity", f"has {len(kind.capacity)} of {len(problem.dimensions)} dimensions")
    _in_range(subject, "profile", kind.profile, len(problem.profiles), "profiles")
    ends = () if kind.end_depot is None else (kind.end_depot,)
    for name, depots in (
        ("start_depot", (kind.start_depot,)),
        ("end_depot", ends),
        ("reload_depots", kind.reload_depots),
    ):
        for depot in depots:
            _in_range(subject, name, depot, len(problem.depots), "depots")
    if kind.shift_end_s < kind.shift_start_s:
        raise WindowError(subject, "shift_end_s", f"is {kind.shift_end_s}, before shift_start_s {kind.shift_start_s}")
    for task in kind.forbidden_tasks:
        _in_range(subject, "forbidden_tasks", task, problem.task_count, "tasks")
    if kind.max_trips < 1:
        raise NegativeValueError(subject, "max_trips", f"is {kind.max_trips}, at least 1 is meant")
    _check_breaks(subject, kind)


def _check_breaks(subject: str, kind: VehicleType) -> None:
    for rest in kind.breaks:
        _not_negative(f"{subject}, break {rest.id!r}", rest, ("earliest_s", "latest_s", "duration_s"))
        if rest.latest_s < rest.earliest_s:
            raise WindowError(f"{subject}, break {rest.id!r}", "latest_s", "is before earliest_s")
    if len({rest.id for rest in kind.breaks}) < len(kind.breaks):
        raise DuplicateIdError(subject, "breaks", "use one id twice")


def _check_task(problem: Problem, task: Task) -> None:
    subject = f"task {task.id!r}"
    _in_range(subject, "location", task.location, problem.location_count, "locations")
    _not_negative(
        subject, task,
        ("delivery", "pickup", "late_cost_per_s", "service_s", "setup_s", "release_s", "prize", "priority"),
    )  # fmt: skip
    for name, load in (("delivery", task.delivery), ("pickup", task.pickup)):
        if len(load) != len(problem.dimensions):
            raise DimensionError(subject, name, f"has {len(load)} of {len(problem.dimensions)} dimensions")
    _check_windows(subject, task)


def _check_windows(subject: str, task: Task) -> None:
    if not task.windows:
        raise WindowError(subject, "windows", "are empty")
    last = -1
    for open_s, close_s in task.windows:
        if open_s < 0:
            raise NegativeValueError(subject, "windows", f"open at {open_s}")
        if close_s < open_s:
            raise WindowError(subject, "windows", f"close at {close_s}, before they open at {open_s}")
        if open_s <= last:
            raise WindowError(subject, "windows", f"overlap or are out of order at {open_s}")
        last = close_s


def _check_shipments(problem: Problem) -> None:
    used: set[int] = set()
    for shipment in problem.shipments:
        subject = f"shipment {shipment.id!r}"
        for name in ("pickup_task", "delivery_task"):
            task = getattr(shipment, name)
            _in_range(subject, name, task, problem.task_count, "tasks")
            if task in used:
                raise ContradictionError(subject, name, f"is task {problem.tasks[task].id!r}, in a shipment already")
            used.add(task)
        _not_negative(subject, shipment, ("amount",))
        if len(shipment.amount) != len(problem.dimensions):
            raise DimensionError(
                subject, "amount", f"has {len(shipment.amount)} of {len(problem.dimensions)} dimensions"
            )
        first, second = problem.tasks[shipment.pickup_task], problem.tasks[shipment.delivery_task]
        if first.required != second.required:
            raise ContradictionError(subject, "pickup_task", "is required and delivery_task is not, or the reverse")


def _check_alternatives(problem: Problem) -> None:
    used = set(problem.shipment_of_task)
    for group in problem.alternatives:
        subject = f"alternatives group {group.id!r}"
        _not_negative(subject, group, ("prize", "priority"))
        if not group.tasks:
            raise InvalidProblemError(subject, "tasks", "are empty", remedy="Give at least one task.")
        for task in group.tasks:
            _in_range(subject, "tasks", task, problem.task_count, "tasks")
            if task in used:
                raise ContradictionError(
                    subject, "tasks", f"hold {problem.tasks[task].id!r}, already in another group or a shipment"
                )
            used.add(task)


def _check_relations(problem: Problem) -> None:
    vehicle_of_group: dict[int, int] = {}
    for place, members in enumerate(problem.same_vehicle):
        for task in members:
            _in_range(f"same-vehicle group {place}", "tasks", task, problem.task_count, "tasks")
            if task in vehicle_of_group:
                raise ContradictionError(
                    f"same-vehicle group {place}", "tasks", f"hold {problem.tasks[task].id!r}, already in another",
                    remedy="Merge the two groups into one.",
                )  # fmt: skip
            vehicle_of_group[task] = place
    for shipment in problem.shipments:
        vehicle_of_group.setdefault(shipment.pickup_task, -1 - shipment.pickup_task)
    for first, second in problem.incompatible:
        for task in (first, second):
            _in_range("incompatible pair", "tasks", task, problem.task_count, "tasks")
        same_group = first in vehicle_of_group and vehicle_of_group.get(first) == vehicle_of_group.get(second)
        same_shipment = problem.shipment_of_task.get(first, -1) == problem.shipment_of_task.get(second, -2)
        if first == second or same_group or same_shipment:
            raise ContradictionError(
                f"incompatible pair of {problem.tasks[first].id!r} and {problem.tasks[second].id!r}",
                "tasks", "must share a vehicle by another rule",
            )  # fmt: skip


def _check_lock(problem: Problem, place: int, lock: Lock) -> None:
    from routing.problem import LockKind

    subject = f"lock {place} ({lock.kind})"
    _in_range(subject, "vehicle", lock.vehicle, problem.vehicle_count, "vehicles")
    for task in lock.tasks:
        _in_range(subject, "tasks", task, problem.task_count, "tasks")
    if len(set(lock.tasks)) < len(lock.tasks):
        raise ContradictionError(subject, "tasks", "name one task twice")
    if lock.kind is LockKind.POSITION and (len(lock.tasks) != 1 or lock.position < 0):
        raise ContradictionError(subject, "position", "needs exactly one task and a position of 0 or more")


def _check_lock_overlaps(problem: Problem) -> None:
    vehicle_of: dict[int, int] = {}
    for place, lock in enumerate(problem.locks):
        for task in lock.tasks:
            if vehicle_of.setdefault(task, lock.vehicle) != lock.vehicle:
                raise ContradictionError(
                    f"lock {place} ({lock.kind})", "tasks",
                    f"bind {problem.tasks[task].id!r} to vehicle {lock.vehicle}, but another lock binds it to "
                    f"vehicle {vehicle_of[task]}",
                )  # fmt: skip

    for place, group in enumerate(problem.same_vehicle):
        if len({vehicle_of[task] for task in group if task in vehicle_of}) > 1:
            raise ContradictionError(f"same-vehicle group {place}", "tasks", "are bound to different vehicles by locks")
    for shipment in problem.shipments:
        ends = (shipment.pickup_task, shipment.delivery_task)
        if len({vehicle_of[task] for task in ends if task in vehicle_of}) > 1:
            raise ContradictionError(f"shipment {shipment.id!r}", "tasks", "are bound to different vehicles by locks")


def _check_prices(problem: Problem) -> None:
    _not_negative("problem", problem, ("priority_price",))
    prices = problem.task_prices
    if prices is not None:
        expected = (len(problem.vehicle_types), problem.task_count)
        if prices.shape != expected:
            raise MatrixShapeError("problem", "task_prices", f"has shape {prices.shape}, expected {expected}")
        if prices.size and int(prices.min()) < 0:
            raise NegativeValueError("problem", "task_prices", "hold a negative price")
    if problem.balance is not None:
        _not_negative("balance", problem.balance, ("target", "price"))
    if problem.disturbance is not None:
        _check_disturbance(problem)


def _check_disturbance(problem: Problem) -> None:
    it = problem.disturbance
    assert it is not None
    _not_negative("disturbance", it, ("vehicle_price", "order_price", "start_price_per_s"))
    for name in ("vehicle_of_task", "predecessor_of_task", "start_of_task_s"):
        if getattr(it, name).shape != (problem.task_count,):
            raise MatrixShapeError("disturbance", name, f"needs shape ({problem.task_count},)")
    for name, size in (("vehicle_of_task", problem.vehicle_count), ("predecessor_of_task", problem.task_count)):
        values = getattr(it, name)
        if values.size and (int(values.min()) < -1 or int(values.max()) >= size):
            raise UnknownReferenceError("disturbance", name, f"holds a value outside -1..{size - 1}")


def _check_reachable(problem: Problem) -> None:
    """Find tasks no vehicle type can drive to (and back, where it must return)."""
    if not problem.tasks or not any(kind.count for kind in problem.vehicle_types):
        return
    from routing.problem import UNREACHABLE

    where = np.array([task.location for task in problem.tasks])
    reachable = np.zeros(problem.task_count, dtype=bool)
    nearer = np.zeros(problem.task_count, dtype=bool)
    for member in (task for shipment in problem.shipments for task in (shipment.pickup_task, shipment.delivery_task)):
        nearer[member] = True
    for kind in problem.vehicle_types:
        if not kind.count:
            continue
        duration_s = problem.profiles[kind.profile].duration_s
        out = duration_s[problem.depots[kind.start_depot].location, where] < UNREACHABLE
        for depot in kind.reload_depots:
            out |= duration_s[problem.depots[depot].location, where] < UNREACHABLE
        back = np.ones_like(out)
        if kind.end_depot is not None:
            back = duration_s[where, problem.depots[kind.end_depot].location] < UNREACHABLE
        reachable |= out & back
    for index in np.flatnonzero(~reachable & ~nearer):
        task = problem.tasks[int(index)]
        raise UnreachablePlaceError(
            f"task {task.id!r}",
            "location",
            f"{task.location} cannot be reached from and to the depots of any vehicle type",
        )


def _check_magnitude(problem: Problem) -> None:
    """Refuse numbers whose sums over a whole plan could leave 64 bits."""
    from routing.problem import HORIZON_S

    for load in range(len(problem.dimensions)):
        total = sum(t.delivery[load] + t.pickup[load] for t in problem.tasks)
        total += sum(s.amount[load] for s in problem.shipments)
        total = max(total, max((kind.capacity[load] for kind in problem.vehicle_types), default=0))
        if total >= AMOUNT_LIMIT:
            raise MagnitudeError(
                f"dimension {problem.dimensions[load]!r}", "delivery", f"sums to {total}, the limit is {AMOUNT_LIMIT}"
            )
    times = [t.windows[-1][1] for t in problem.tasks] + [t.service_s + t.setup_s for t in problem.tasks]
    times += [t.release_s for t in problem.tasks] + [k.shift_end_s for k in problem.vehicle_types]
    times += [d.close_s + d.reload_s for d in problem.depots]
    if times and max(times) > 2 * HORIZON_S:
        raise MagnitudeError("problem", "times", f"reach {max(times)}, the limit is {HORIZON_S}")
    _check_cost_magnitude(problem)


def _check_cost_magnitude(problem: Problem) -> None:
    from routing.problem import UNREACHABLE

    longest = 0
    for profile in problem.profiles:
        for matrix in (profile.distance_m, profile.duration_s):
            real = matrix[matrix < UNREACHABLE] if matrix.size and int(matrix.max()) >= UNREACHABLE else matrix
            longest = max(longest, int(real.max()) if real.size else 0)
    legs = 2 * problem.task_count + problem.vehicle_count
    day = max((k.shift_end_s for k in problem.vehicle_types), default=0)
    per_leg = max((k.cost_per_m + k.cost_per_driving_s for k in problem.vehicle_types), default=0) * longest
    fixed = sum(k.count * (k.fixed_cost + k.max_trips * k.trip_cost) for k in problem.vehicle_types)
    timed = max((k.cost_per_s + k.overtime_cost_per_s for k in problem.vehicle_types), default=0)
    timed *= min(day, legs * longest + sum(t.windows[-1][0] + t.service_s + t.setup_s for t in problem.tasks))
    prizes = sum(t.prize + t.priority * problem.priority_price for t in problem.tasks)
    worst = legs * per_leg + fixed + timed * min(problem.vehicle_count, problem.task_count or 1) + prizes
    if worst >= COST_LIMIT:
        raise MagnitudeError("problem", "costs", f"could reach {worst}, the limit is {COST_LIMIT}")
