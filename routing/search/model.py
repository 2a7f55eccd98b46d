"""Turns a Problem into the flat arrays the kernels read, and says which features they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.problem import HORIZON_S, UNREACHABLE, Backhaul, Problem, VehicleType
from routing.search import nearness, rules
from routing.search.kernels import arrays as a
from routing.search.variants import Features

LARGE = 1 << 50
NEAR_TIMED = 60
NEAR_ON_TRIPS = 100
NEAR_OF_SHIPMENTS = 40  # for them every route that passes near is searched along its whole length
MOST_ON_TRIPS = 1500  # what is saved for the undo grows with the square of the tasks
INT32_ARC_LIMIT = 1 << 29
KEY_WEIGHTS_PLAIN = (4, 4, 2, 1)
KEY_WEIGHTS_WINDOWS = (4, 4, 2, 1, 2, 2, 2)


@dataclass(frozen=True)
class VehicleClass:
    """Vehicles of one type that no rule tells apart."""

    kind: int
    vehicles: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """A compiled problem.

    Attributes
    ----------
    data, flags
        What the kernels take.
    classes
        What the rows of ``data.cls`` stand for.
    scale
        Internal cost × scale = cost units of the problem.
    required
        Shape (tasks,): leads (see ``Data.lead``) that must be on a route.
    leads
        Tasks that stand for themselves, their shipment or their alternatives.
    frozen_orders
        Routes that locks demand to begin with: (class, tasks).
    """

    problem: Problem
    data: a.Data
    flags: Features
    classes: tuple[VehicleClass, ...]
    scale: int
    required: NDArray[np.bool_]
    leads: NDArray[np.int32]
    frozen_orders: tuple[tuple[int, tuple[int, ...]], ...]


def _is_bulky(problem: Problem, rooms: NDArray[np.int64]) -> bool:
    """Tell whether a task takes more than half of the roomiest vehicle, so that few routes have room for it."""
    largest = rooms.max(axis=0, initial=0).tolist()
    return any(
        2 * max(out, back) > room
        for task in problem.tasks
        for out, back, room in zip(task.delivery, task.pickup, largest, strict=True)
    )


def _near_count(flags: Features) -> int:
    """Choose how many neighbours a task is tried beside where time matters (docs/solver/experiments.md)."""
    if flags.pair:
        return NEAR_OF_SHIPMENTS
    if flags.trips:
        return NEAR_ON_TRIPS
    return NEAR_TIMED


def _overtime_priced(kind: VehicleType) -> bool:
    return kind.overtime_after_s is not None and kind.overtime_cost_per_s > 0


def _duration_matters(kind: VehicleType) -> bool:
    return kind.cost_per_s > 0 or kind.max_duration_s is not None or _overtime_priced(kind)


def compile_problem(problem: Problem, near_count: int | None = None, of_patch: bool = False) -> Model:
    """Build the arrays of a problem, or of a patch of one, which makes do with fewer neighbours."""
    classes = vehicle_classes(problem)
    used = [group.kind for group in classes]
    scale = _common_divisor(problem)
    flags = _flags(problem, used)
    n, dims = problem.task_count, len(problem.dimensions)
    place = _places(problem)
    cost, cost_of = _cost_matrices(problem, used, place, scale)
    time, time_of = _plain_matrices(problem, used, place, "duration_s", bool(flags.tw))
    dist, dist_of = _plain_matrices(problem, used, place, "distance_m", bool(flags.limits))
    cls = _classes(problem, classes, scale, cost_of, time_of, dist_of)
    windows, window_count = _windows(problem)
    service = np.array([[problem.service_s(k, i, None) for i in range(n)] for k in used], dtype=np.int32)
    bare = np.array(
        [[problem.service_s(k, i, problem.tasks[i].location) for i in range(n)] for k in used], dtype=np.int32
    )
    service, bare = service.reshape(len(used), n), bare.reshape(len(used), n)
    prices = _node_costs(problem, classes, scale, service)
    rooms = np.array([problem.vehicle_types[k].capacity for k in used], dtype=np.int64).reshape(len(used), dims)
    able = rules.allowed(problem, classes)
    if not flags.rich:
        cls[_needless(cls, n, rooms, service, prices, able), a.OPENS] = 0
    if flags.tw:
        known = nearness.by_arcs_and_times(cost, time, windows, service, n, near_count or _near_count(flags))
    else:
        choosy = flags.back or _is_bulky(problem, rooms)
        known = nearness.by_arcs(cost, cls, n, *nearness.widths(n, near_count, choosy, of_patch))
    required, prize = rules.prizes(problem, cost, cls, prices, scale)
    cost_t = _transposed(cost)
    of_routes = rules.prices(problem, scale, int(prize.max(initial=1)))
    of_routes[a.SYMMETRIC] = cost_t is cost and bool((cls[:, a.START] == cls[:, a.END]).all())
    of_routes[a.ROOMS] = _rooms_differ(cls, rooms)
    data = a.Data(
        n=n,
        cost=cost,
        cost_t=cost_t,
        time=time,
        dist=dist,
        near=known.near,
        apart=known.apart,
        away=known.away,
        delivery=np.array([t.delivery for t in problem.tasks], dtype=np.int64).reshape(n, dims),
        pickup=np.array([t.pickup for t in problem.tasks], dtype=np.int64).reshape(n, dims),
        windows=windows,
        window_count=window_count,
        service=service,
        cls=cls,
        capacity=rooms,
        node_cost=prices,
        allowed=able,
        prize=prize,
        partner=rules.partners(problem),
        flow=rules.flows(problem),
        side=rules.sides(problem),
        change=rules.load_changes(problem),
        bare=bare,
        place=place.astype(np.int32),
        late=np.array(
            [-1 if t.late_cost_per_s is None else t.late_cost_per_s // scale for t in problem.tasks], np.int64
        ),
        release=np.array([t.release_s for t in problem.tasks], dtype=np.int64),
        breaks=rules.breaks(problem, used),
        terminal=rules.terminals(problem),
        reload=rules.reloads(problem, used),
        lead=rules.leads(problem),
        other=rules.other_alternatives(problem),
        mate=rules.mates(problem),
        foe_start=rules.foes(problem)[0],
        foe=rules.foes(problem)[1],
        ref_before=rules.reference(problem)[0],
        ref_start=rules.reference(problem)[1],
        rules=of_routes,
        kin=_kin(cls, service, bool(flags.tw)),
        frozen=rules.frozen(problem),
        stay=rules.stays(problem),
        fixed_at=rules.fixed_positions(problem),
        keys=np.zeros((1, 1), dtype=np.int64),
        key_weights=np.zeros(1, dtype=np.int64),
        minus_log=-np.log((np.arange(4096) + 0.5) / 4096),
    )
    keys, weights = _keys(data, flags)
    data = data._replace(keys=keys, key_weights=weights)
    leads = np.array([i for i in range(n) if data.lead[i] == i and data.side[i] >= 0], dtype=np.int32)
    return Model(problem, data, flags, classes, scale, required, leads, rules.frozen_orders(problem, classes))


def vehicle_classes(problem: Problem) -> tuple[VehicleClass, ...]:
    """Group vehicles that no rule tells apart: by type, but locked and reference vehicles alone."""
    alone = {lock.vehicle for lock in problem.locks}
    if problem.disturbance is not None and problem.disturbance.vehicle_price:
        alone |= {int(vehicle) for vehicle in problem.disturbance.vehicle_of_task if vehicle >= 0}
    classes = []
    for kind, first in enumerate(problem.first_vehicle_of_type):
        vehicles = range(first, first + problem.vehicle_types[kind].count)
        classes += [VehicleClass(kind, (vehicle,)) for vehicle in vehicles if vehicle in alone]
        rest = tuple(vehicle for vehicle in vehicles if vehicle not in alone)
        if rest:
            classes.append(VehicleClass(kind, rest))
    return tuple(classes)


def _common_divisor(problem: Problem) -> int:
    """Divide all prices by what they share, so that arcs stay small."""
    values: list[int] = []
    for kind in problem.vehicle_types:
        values += [kind.fixed_cost, kind.cost_per_m, kind.cost_per_s, kind.cost_per_driving_s, kind.overtime_cost_per_s]
    values += [task.prize + task.priority * problem.priority_price for task in problem.tasks]
    if problem.task_prices is not None:
        values += [int(np.gcd.reduce(problem.task_prices, axis=None))]
    values += [kind.trip_cost for kind in problem.vehicle_types]
    values += [task.late_cost_per_s or 0 for task in problem.tasks]
    values += [group.prize + group.priority * problem.priority_price for group in problem.alternatives]
    if problem.balance is not None:
        values.append(problem.balance.price)
    if (moved := problem.disturbance) is not None:
        values += [moved.vehicle_price, moved.order_price, moved.start_price_per_s]
    return math.gcd(*values) or 1


def is_plain(problem: Problem) -> bool:
    """Tell whether room is the only rule of a problem."""
    return _flags(problem, list(range(len(problem.vehicle_types)))) == Features()


def _flags(problem: Problem, used: list[int]) -> Features:
    kinds = [problem.vehicle_types[k] for k in used]
    limits = any(k.max_distance_m is not None or k.max_driving_s is not None or k.max_tasks is not None for k in kinds)
    windows = any(task.windows != ((0, HORIZON_S),) for task in problem.tasks)
    shifts = any(k.shift_start_s > 0 or k.shift_end_s < HORIZON_S for k in kinds)
    depots = any(d.open_s > 0 or d.close_s < HORIZON_S for d in problem.depots)
    duration = any(
        k.max_duration_s is not None or (k.overtime_after_s is not None and k.overtime_cost_per_s) for k in kinds
    )
    roads = any(int(p.duration_s.max(initial=0)) >= UNREACHABLE for p in problem.profiles)
    tw = windows or shifts or depots or duration or roads or any(k.max_driving_s is not None for k in kinds)
    waiting = tw and any(k.cost_per_s for k in kinds)
    restricted = problem.task_prices is not None or any(k.cost_per_s or k.forbidden_tasks for k in kinds)
    skills = any(task.skills for task in problem.tasks)
    mixed = any(any(task.pickup) for task in problem.tasks)
    het = len(kinds) > 1 or restricted or skills or any(k.end_depot != k.start_depot for k in kinds)
    several = any(len(task.windows) > 1 for task in problem.tasks)
    features = {"tw": tw, "dur": duration or waiting, "het": het, "mixed": mixed, "limits": limits}
    features["pair"] = bool(problem.shipments)
    features["rich"] = rules.needs_walk(problem) or (several and (duration or waiting))
    if problem.backhaul is not Backhaul.MIXED:
        # A task that gives and gets nothing would hide its neighbours from each other.
        alone = not any(features[name] for name in ("tw", "dur", "het", "limits", "pair", "rich"))
        features["back"] = alone and bool(rules.flows(problem).all())
        features["rich"] = not features["back"]
    if rules.has_trips(problem):
        tied = any(present for name, present in features.items() if name != "tw") or several
        features["trips"] = not tied and rules.all_trips_from_one_depot(problem) and problem.task_count <= MOST_ON_TRIPS
        features["rich"] = not features["trips"]
    return canonical(features)


def canonical(features: dict[str, bool]) -> Features:
    """Round a set of features up to one of the few combinations that get compiled.

    Plain (loads only), windows, mixed fleet, mixed fleet with windows, a dispatcher's day (all but relations),
    shipments with windows, deliveries before collections, several trips with windows, and everything.
    """
    if features.get("back"):
        return Features(back=True)
    if features.get("trips"):
        return Features(tw=True, trips=True)
    wide = features["dur"] or features["mixed"] or features["limits"]
    if features["pair"] and (features["het"] or features["dur"] or features["limits"]):
        features = features | {"rich": True}
    if features["rich"]:
        features = dict.fromkeys(features, True) | {"back": False, "trips": False}
    elif features["pair"]:
        features = features | {"tw": True, "mixed": True}
    elif wide:
        features = features | dict.fromkeys(("tw", "dur", "het", "mixed", "limits"), True)
    return Features(**features)


def _places(problem: Problem) -> NDArray[np.int64]:
    return np.array([t.location for t in problem.tasks] + [d.location for d in problem.depots], dtype=np.int64)


def _expand(matrix: NDArray[Any], place: NDArray[np.int64], extra: int) -> NDArray[Any]:
    """Copy a location matrix to nodes, with a free imaginary end as last row and column if asked."""
    size = place.size + extra
    out = np.zeros((size, size), dtype=matrix.dtype)
    out[: place.size, : place.size] = matrix[np.ix_(place, place)]
    return out


def _cost_matrices(
    problem: Problem, used: list[int], place: NDArray[np.int64], scale: int
) -> tuple[NDArray[Any], list[int]]:
    extra = int(any(problem.vehicle_types[k].end_depot is None for k in used))
    found: dict[tuple[int, int, int], int] = {}
    layers: list[NDArray[np.int64]] = []
    index = []
    for k in used:
        kind = problem.vehicle_types[k]
        key = (kind.profile, kind.cost_per_m // scale, (kind.cost_per_s + kind.cost_per_driving_s) // scale)
        if key not in found:
            found[key] = len(layers)
            profile = problem.profiles[kind.profile]
            ways, times = np.asarray(profile.distance_m), np.asarray(profile.duration_s)
            full = ways.astype(np.int64) * key[1] + times.astype(np.int64) * key[2]
            gone = (ways >= UNREACHABLE) | (times >= UNREACHABLE)
            full[gone] = -1
            layers.append(_expand(full, place, extra))
        index.append(found[key])
    largest = max((int(layer.max(initial=0)) for layer in layers), default=0)
    dtype: Any = np.int32 if largest < INT32_ARC_LIMIT else np.int64
    far = a.FAR_COST if dtype is np.int32 else 1 << 55
    size = place.size + extra
    cost = np.empty((max(1, len(layers)), size, size), dtype=dtype)
    for m, layer in enumerate(layers):
        cost[m] = np.where(layer < 0, far, layer)
    if not layers:
        cost[:] = 0
    return cost, index


def _plain_matrices(
    problem: Problem, used: list[int], place: NDArray[np.int64], name: str, needed: bool
) -> tuple[NDArray[np.int32], list[int]]:
    """Collect the used profiles' times or distances by node; one dummy entry when nobody looks."""
    if not needed:
        return np.zeros((1, 1, 1), dtype=np.int32), [0] * len(used)
    extra = int(any(problem.vehicle_types[k].end_depot is None for k in used))
    profiles = sorted({problem.vehicle_types[k].profile for k in used})
    layers = []
    for p in profiles:
        full = np.asarray(getattr(problem.profiles[p], name))
        layers.append(_expand(np.where(full >= UNREACHABLE, np.int32(a.FAR), full), place, extra))
    return np.stack(layers), [profiles.index(problem.vehicle_types[k].profile) for k in used]


def _transposed(cost: NDArray[Any]) -> NDArray[Any]:
    """Return the transposes, sharing the memory of symmetric matrices."""
    turned = cost.transpose(0, 2, 1)
    return cost if np.array_equal(cost, turned) else np.ascontiguousarray(turned)


def _or_large(limit: int | None) -> int:
    return LARGE if limit is None else limit


def _classes(
    problem: Problem,
    classes: tuple[VehicleClass, ...],
    scale: int,
    cost_of_type: list[int],
    time_of_type: list[int],
    dist_of_type: list[int],
) -> NDArray[np.int64]:
    n = problem.task_count
    cls = np.zeros((len(classes), a.CLS_COLUMNS), dtype=np.int64)
    for c, group in enumerate(classes):
        kind = problem.vehicle_types[group.kind]
        first = problem.depots[kind.start_depot]
        row = cls[c]
        row[a.COUNT] = row[a.OPENS] = len(group.vehicles)
        row[a.START] = n + kind.start_depot
        row[a.END] = n + (len(problem.depots) if kind.end_depot is None else kind.end_depot)
        row[a.CM], row[a.TM], row[a.DM] = cost_of_type[c], time_of_type[c], dist_of_type[c]
        row[a.FIXED] = kind.fixed_cost // scale
        row[a.PS] = kind.cost_per_s // scale
        row[a.OPEN] = max(kind.shift_start_s, first.open_s)
        row[a.SCLOSE] = min(kind.shift_end_s, first.close_s)
        row[a.CLOSE] = kind.shift_end_s
        if kind.end_depot is not None:
            last = problem.depots[kind.end_depot]
            row[a.EOPEN] = last.open_s
            row[a.CLOSE] = min(kind.shift_end_s, last.close_s)
        row[a.MAXDUR] = _or_large(kind.max_duration_s)
        row[a.OTAFTER] = _or_large(kind.overtime_after_s)
        row[a.OTPRICE] = kind.overtime_cost_per_s // scale
        row[a.MAXLEN] = _or_large(kind.max_tasks)
        row[a.MAXDIST] = _or_large(kind.max_distance_m)
        row[a.MAXDRIVE] = _or_large(kind.max_driving_s)
        row[a.FIRSTV] = group.vehicles[0]
        row[a.KIND] = group.kind
        row[a.NOFRONT] = rules.front_is_locked(problem, group.vehicles[0])
        row[a.MAXTRIPS] = kind.max_trips if kind.reload_depots else 1
        row[a.TRIPCOST] = kind.trip_cost // scale
        row[a.BREAKS] = len(kind.breaks)
    return cls


def _kin(cls: NDArray[np.int64], service: NDArray[np.int32], timed: bool) -> NDArray[np.uint8]:
    """Tell which classes a route may change between by its load alone: times and prices of time are the same."""
    count = cls.shape[0]
    kin = np.ones((count, count), dtype=np.uint8)
    if timed:
        columns = [a.START, a.END, a.TM, a.PS, a.OPEN, a.SCLOSE, a.EOPEN, a.CLOSE, a.MAXDUR, a.OTAFTER, a.OTPRICE]
        for c in range(count):
            alike = (cls[:, columns] == cls[c, columns]).all(axis=1) & (service == service[c]).all(axis=1)
            kin[c] = alike
    return kin


def _rooms_differ(cls: NDArray[np.int64], rooms: NDArray[np.int64]) -> bool:
    """Tell whether vehicles that routes may have differ in room."""
    usable = rooms[cls[:, a.OPENS] > 0]
    return usable.shape[0] > 1 and bool((usable != usable[0]).any())


def _needless(
    cls: NDArray[np.int64],
    n: int,
    rooms: NDArray[np.int64],
    service: NDArray[np.int32],
    prices: NDArray[np.int64],
    able: NDArray[np.uint8],
) -> list[int]:
    """List classes that no route needs: another never runs out, has as much room and is nowhere dearer.

    Among equals the first is kept. Without this, searches begin with the smallest of vehicles that cost the same.
    """
    own = [a.COUNT, a.OPENS, a.FIXED, a.FIRSTV, a.KIND]
    rest = np.delete(cls, own, axis=1)
    found = []
    for c in range(cls.shape[0]):
        better = (cls[:, a.COUNT] >= n) & (cls[:, a.FIXED] <= cls[c, a.FIXED]) & (rest == rest[c]).all(axis=1)
        better &= (rooms >= rooms[c]).all(axis=1) & (service <= service[c]).all(axis=1)
        better &= (prices <= prices[c]).all(axis=1) & (able >= able[c]).all(axis=1)
        alike = (cls[:, a.FIXED] == cls[c, a.FIXED]) & (rooms == rooms[c]).all(axis=1)
        better[c:] &= ~alike[c:]
        if better.any():
            found.append(c)
    return found


def _windows(problem: Problem) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    most = max((len(task.windows) for task in problem.tasks), default=1)
    windows = np.zeros((problem.task_count, 2 * most), dtype=np.int32)
    count = np.ones(problem.task_count, dtype=np.int32)
    for i, task in enumerate(problem.tasks):
        count[i] = len(task.windows)
        for k, (open_s, close_s) in enumerate(task.windows):
            windows[i, 2 * k] = min(open_s, HORIZON_S)
            windows[i, 2 * k + 1] = min(close_s, HORIZON_S)
    return windows, count


def _node_costs(
    problem: Problem, classes: tuple[VehicleClass, ...], scale: int, service: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Price a task on a class: its service time, its territory price, its change of vehicle."""
    out = np.zeros((len(classes), problem.task_count), dtype=np.int64)
    for c, group in enumerate(classes):
        out[c] = service[c].astype(np.int64) * (problem.vehicle_types[group.kind].cost_per_s // scale)
        if problem.task_prices is not None:
            out[c] += problem.task_prices[group.kind] // scale
        if (moved := problem.disturbance) is not None:
            elsewhere = (moved.vehicle_of_task >= 0) & (moved.vehicle_of_task != group.vehicles[0])
            out[c] += elsewhere * (moved.vehicle_price // scale)
    return out


def _keys(data: a.Data, flags: Features) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Prepare the orders of re-insertion: random, large, far, near, and with windows short, early, late."""
    n = data.n
    load = data.delivery.astype(np.float64) + data.pickup
    roomy = np.maximum(1, data.capacity.max(axis=0, initial=1)).astype(np.float64)
    size = (load / roomy).max(axis=1, initial=0.0) if load.shape[1] else np.zeros(n)
    start = int(data.cls[0, a.START]) if data.cls.shape[0] else n
    far = data.cost[0, start, :n].astype(np.int64) if data.cost.shape[1] > start else np.zeros(n, dtype=np.int64)
    rows = [np.zeros(n, dtype=np.int64), (-size * (1 << 30)).astype(np.int64), -far, far]
    weights: tuple[int, ...] = KEY_WEIGHTS_PLAIN
    if flags.tw:
        first, last = data.windows[:, 0].astype(np.int64), data.windows.max(axis=1).astype(np.int64)
        rows += [last - first, first, -last]
        weights = KEY_WEIGHTS_WINDOWS
    return np.ascontiguousarray(np.stack(rows)), np.cumsum(np.array(weights, dtype=np.int64))
