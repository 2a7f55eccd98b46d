"""Arrays for the rarer rules: shipments, alternatives, companions, locks, prices against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from routing.problem import Backhaul, LockKind, Problem
from routing.search.kernels import arrays as a

if TYPE_CHECKING:
    from routing.search.model import VehicleClass

BACKHAUL_CODE = {Backhaul.MIXED: 0, Backhaul.LINEHAUL_FIRST: 1, Backhaul.LINEHAUL_REQUIRED: 2}
BALANCE_CODE = {"tasks": a.BY_TASKS, "distance_m": a.BY_DISTANCE, "duration_s": a.BY_DURATION}
NOT_IN_REFERENCE = -2


def has_trips(problem: Problem) -> bool:
    """Tell whether vehicles may reload, or goods come to the depot during the day."""
    reloads = any(kind.reload_depots and kind.max_trips > 1 for kind in problem.vehicle_types)
    return reloads or any(task.release_s for task in problem.tasks)


def all_trips_from_one_depot(problem: Problem) -> bool:
    """Tell whether vehicles of one kind begin, reload and end at the same depot."""
    kind = problem.vehicle_types[0]
    depots = {kind.start_depot, kind.end_depot, *(kind.reload_depots if kind.max_trips > 1 else ())}
    return len(problem.vehicle_types) == 1 and len(depots) == 1


def needs_walk(problem: Problem) -> bool:
    """Tell whether a problem has rules, several trips aside, that only a walk along the route can judge."""
    tasks, kinds = problem.tasks, problem.vehicle_types
    return (
        any(t.late_cost_per_s is not None or t.setup_s for t in tasks)
        or any(kind.breaks for kind in kinds)
        or bool(problem.alternatives or problem.same_vehicle or problem.incompatible or problem.locks)
        or problem.disturbance is not None
        or problem.balance is not None
    )


def flows(problem: Problem) -> NDArray[np.uint8]:
    """Tell which tasks get goods and which give some."""
    rows = [any(t.delivery) * a.DELIVERS + any(t.pickup) * a.COLLECTS for t in problem.tasks]
    return np.array(rows, dtype=np.uint8)


def leads(problem: Problem) -> NDArray[np.int32]:
    """Give each alternative the first of its group, every other task itself."""
    out = np.arange(problem.task_count, dtype=np.int32)
    for group in problem.alternatives:
        out[list(group.tasks)] = group.tasks[0]
    return out


def other_alternatives(problem: Problem) -> NDArray[np.int32]:
    """Chain the alternatives of a group."""
    out = np.full(problem.task_count, a.NONE, dtype=np.int32)
    for group in problem.alternatives:
        for first, second in zip(group.tasks, group.tasks[1:], strict=False):
            out[first] = second
    return out


def mates(problem: Problem) -> NDArray[np.int32]:
    """Chain same-vehicle groups into rings."""
    out = np.arange(problem.task_count, dtype=np.int32)
    for group in problem.same_vehicle:
        for first, second in zip(group, (*group[1:], *group[:1]), strict=True):
            out[first] = second
    return out


def foes(problem: Problem) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """List for each task those that never share its vehicle, in compressed rows."""
    lists: list[set[int]] = [set() for _ in range(problem.task_count)]
    for first, second in problem.incompatible:
        lists[first].add(second)
        lists[second].add(first)
    start = np.zeros(problem.task_count + 1, dtype=np.int32)
    start[1:] = np.cumsum([len(row) for row in lists])
    flat = [task for row in lists for task in sorted(row)]
    return start, np.array(flat or [0], dtype=np.int32)


def partners(problem: Problem) -> NDArray[np.int32]:
    """Give both ends of a shipment each other."""
    out = np.full(problem.task_count, a.NONE, dtype=np.int32)
    for shipment in problem.shipments:
        out[shipment.pickup_task] = shipment.delivery_task
        out[shipment.delivery_task] = shipment.pickup_task
    return out


def sides(problem: Problem) -> NDArray[np.int8]:
    """Mark first ends of shipments with 1, second ends with −1."""
    out = np.zeros(problem.task_count, dtype=np.int8)
    for shipment in problem.shipments:
        out[shipment.pickup_task] = 1
        out[shipment.delivery_task] = -1
    return out


def load_changes(problem: Problem) -> NDArray[np.int64]:
    """Return how each task changes what is on board."""
    dims = len(problem.dimensions)
    change = np.zeros((problem.task_count, dims), dtype=np.int64)
    for i, task in enumerate(problem.tasks):
        change[i] = [pickup - delivery for pickup, delivery in zip(task.pickup, task.delivery, strict=True)]
    for shipment in problem.shipments:
        change[shipment.pickup_task] += np.array(shipment.amount, dtype=np.int64)
        change[shipment.delivery_task] -= np.array(shipment.amount, dtype=np.int64)
    return change


def prizes(
    problem: Problem, cost: NDArray[Any], cls: NDArray[np.int64], node_cost: NDArray[np.int64], scale: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which leads are required and the search's price of leaving each lead out.

    A required one is priced above any single detour. Second ends of shipments and alternatives that are
    not leads cost nothing of their own.
    """
    n = problem.task_count
    far = (1 << 30) - 1 if cost.dtype == np.int32 else 1 << 54
    real = cost[cost < far]
    worst = 8 * int(real.max(initial=0)) + int(cls[:, a.FIXED].max(initial=0)) + 2 * int(node_cost.max(initial=0)) + 1
    required = np.array([task.required for task in problem.tasks], dtype=bool)
    price = np.array([t.prize + t.priority * problem.priority_price for t in problem.tasks], dtype=np.int64).reshape(n)
    for group in problem.alternatives:
        members = list(group.tasks)
        required[members], price[members] = False, 0
        required[members[0]] = group.required
        price[members[0]] = group.prize + group.priority * problem.priority_price
    for shipment in problem.shipments:
        price[shipment.pickup_task] += price[shipment.delivery_task]
        price[shipment.delivery_task] = 0
    search = np.where(required, max(worst, int(price.max(initial=0)) // scale + 1), price // scale)
    for shipment in problem.shipments:
        required[shipment.delivery_task] = False
        search[shipment.delivery_task] = 0
    return required, search


def allowed(problem: Problem, classes: Sequence[VehicleClass]) -> NDArray[np.uint8]:
    """Return which class may serve which task: skills, forbidden pairs, locks to a vehicle."""
    out = np.ones((len(classes), problem.task_count), dtype=np.uint8)
    locked = {task: lock.vehicle for lock in problem.locks for task in lock.tasks}
    for c, group in enumerate(classes):
        kind = problem.vehicle_types[group.kind]
        for i, task in enumerate(problem.tasks):
            elsewhere = i in locked and locked[i] != group.vehicles[0]
            if elsewhere or i in kind.forbidden_tasks or not task.skills <= kind.skills:
                out[c, i] = 0
    return out


def late_prices(problem: Problem, scale: int) -> NDArray[np.int64]:
    """Return each task's price of a second late, NONE where windows are hard."""
    late = [a.NONE if t.late_cost_per_s is None else t.late_cost_per_s // scale for t in problem.tasks]
    return np.array(late, dtype=np.int64)


def breaks(problem: Problem, used: Sequence[int]) -> NDArray[np.int64]:
    """Collect the breaks of each class, in order of their latest start."""
    most = max((len(problem.vehicle_types[k].breaks) for k in used), default=0)
    out = np.zeros((len(used), max(1, most), 3), dtype=np.int64)
    for c, k in enumerate(used):
        for b, rest in enumerate(sorted(problem.vehicle_types[k].breaks, key=lambda it: (it.latest_s, it.earliest_s))):
            out[c, b] = rest.earliest_s, rest.latest_s, rest.duration_s
    return out


def terminals(problem: Problem) -> NDArray[np.int64]:
    """Collect opening, closing and reload time of depots, and of the imaginary end of open routes."""
    rows = [(depot.open_s, depot.close_s, depot.reload_s) for depot in problem.depots]
    return np.array([*rows, (0, 1 << 40, 0)], dtype=np.int64)


def reloads(problem: Problem, used: Sequence[int]) -> NDArray[np.int32]:
    """Give each class its reload terminals."""
    depots = [problem.vehicle_types[k].reload_depots for k in used]
    out = np.full((len(used), max([1, *map(len, depots)])), a.NONE, dtype=np.int32)
    for c, row in enumerate(depots):
        out[c, : len(row)] = problem.task_count + np.array(row, dtype=np.int32)
    return out


def reference(problem: Problem) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return each task's predecessor and start in the reference plan; predecessor −2 if not in it."""
    n = problem.task_count
    if problem.disturbance is None:
        return np.full(n, NOT_IN_REFERENCE, dtype=np.int32), np.zeros(n, dtype=np.int64)
    it = problem.disturbance
    before = np.where(it.vehicle_of_task >= 0, it.predecessor_of_task, NOT_IN_REFERENCE)
    return before.astype(np.int32), it.start_of_task_s.astype(np.int64)


def prices(problem: Problem, scale: int, worst: int) -> NDArray[np.int64]:
    """Collect the prices that concern whole routes, and which rules there are."""
    out = np.zeros(a.RULES_SIZE, dtype=np.int64)
    if problem.disturbance is not None:
        out[a.ORDER_PRICE] = problem.disturbance.order_price // scale
        out[a.START_PRICE] = problem.disturbance.start_price_per_s // scale
    if problem.balance is not None:
        out[a.BALANCE_OF] = BALANCE_CODE[problem.balance.measure]
        out[a.BALANCE_TARGET] = problem.balance.target
        out[a.BALANCE_PRICE] = problem.balance.price // scale
    kinds = problem.vehicle_types
    limits = (limit for k in kinds for limit in (k.max_distance_m, k.max_driving_s, k.max_tasks))
    out[a.COLLECTED] = bool(problem.shipments) or any(any(task.pickup) for task in problem.tasks)
    out[a.LIMITED] = any(limit is not None for limit in limits)
    out[a.BACKHAUL] = BACKHAUL_CODE[problem.backhaul]
    out[a.MISPLACED] = worst
    return out


def _sequence(problem: Problem, vehicle: int) -> tuple[int, ...]:
    """Return the tasks a vehicle must serve in the order its locks want."""
    order: list[int] = []
    for kind in (LockKind.ROUTE, LockKind.PREFIX, LockKind.ORDER, LockKind.POSITION):
        for lock in problem.locks:
            if lock.vehicle == vehicle and lock.kind is kind:
                order += [task for task in lock.tasks if task not in order]
    return tuple(_with_partners(problem, order))


def _with_partners(problem: Problem, order: list[int]) -> list[int]:
    """Put the other end of a shipment beside the end that is locked."""
    full: list[int] = []
    for task in order:
        shipment = problem.shipment_of_task.get(task)
        if shipment is None:
            full.append(task)
            continue
        first, second = problem.shipments[shipment].pickup_task, problem.shipments[shipment].delivery_task
        if (task == second and first not in order) or (task == first and second not in order):
            full += [first, second]
        else:
            full.append(task)
    return full


def frozen_orders(problem: Problem, classes: Sequence[VehicleClass]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return the routes locks demand to begin with."""
    found = ((c, _sequence(problem, group.vehicles[0])) for c, group in enumerate(classes))
    return tuple((c, order) for c, order in found if order)


def frozen(problem: Problem) -> NDArray[np.uint8]:
    """Mark the tasks a ruin never takes out."""
    out = np.zeros(problem.task_count, dtype=np.uint8)
    for lock in problem.locks:
        if lock.kind is not LockKind.VEHICLE:
            out[list(lock.tasks)] = 1
    for shipment in problem.shipments:
        if out[shipment.pickup_task] or out[shipment.delivery_task]:
            out[[shipment.pickup_task, shipment.delivery_task]] = 1
    return out


def stays(problem: Problem) -> NDArray[np.uint8]:
    """Mark the tasks right after which nothing may be put."""
    out = np.zeros(problem.task_count, dtype=np.uint8)
    for lock in problem.locks:
        if lock.kind is LockKind.ROUTE:
            out[list(lock.tasks)] = 1
        elif lock.kind is LockKind.PREFIX:
            out[list(lock.tasks[:-1])] = 1
    return out


def front_is_locked(problem: Problem, vehicle: int) -> bool:
    """Tell whether nothing may come before a vehicle's first task."""
    kinds = (LockKind.PREFIX, LockKind.ROUTE)
    return any(lock.vehicle == vehicle and lock.kind in kinds and bool(lock.tasks) for lock in problem.locks)


def fixed_positions(problem: Problem) -> NDArray[np.int32]:
    """Return the position each task is locked to, or NONE."""
    out = np.full(problem.task_count, a.NONE, dtype=np.int32)
    for lock in problem.locks:
        if lock.kind is LockKind.POSITION:
            out[lock.tasks[0]] = lock.position
    return out
