"""Runs the compiled core in chunks: clock, temperature, progress, and the best plan at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from routing.costs import route_keeps_rules
from routing.errors import InvalidPlanError
from routing.problem import LockKind, Problem
from routing.schedule import departure_s, earliest_departure_s, schedule
from routing.search.kernels import arrays as a
from routing.search.model import Model
from routing.search.state import best_orders, keep_present, new_state, write_orders
from routing.search.variants import kernels
from routing.solution import Route, Solution, Trip
from routing.stop import SearchState, StopRule


class Progress(Protocol):
    """A listener to long work, as in the kernel's progress module."""

    def __call__(self, stage: str, done: int, total: int | None = None, note: str = "") -> None:
        """Tell that ``done`` of ``total`` units of a stage are finished."""
        ...


class Watch(Protocol):
    """Someone who looks at the present plan every now and then while a search is cold."""

    begins: float
    """Fraction of the search's budget from which on it looks,"""
    every: int
    """and iterations between two looks."""

    def look(self, state: a.State) -> None:
        """Look at the present plan."""
        ...


CHUNK_S = 0.02
"""Seconds of search between two looks at the clock; the last ones are shorter, so that a limit is kept."""
UNKNOWN_PACE = 1e9
"""Iterations a second before any were made: more than there can be, so that the first chunk is not cut short."""
BATCH = 100
"""Tasks inserted between two looks at the clock while the first plan is made."""
MOST_FLEETS = 6
FLEET_SHARE = 0.125
FLEET_COOLING = 0.98
SHORT_ROUTE = 12.0
"""Tasks of a timed route from which on temperatures rise in proportion, up to MOST_HEAT times."""
MOST_HEAT = 3.0
LONG_WITH_SHIPMENTS = (10, 30)
"""Tasks for each route between which a search with shipments goes over to the settings of long routes."""
HOTTER_START, HOTTER_END, MORE_CYCLES = 16.0, 4.0, 6
"""How many times as hot such a search begins and ends on long routes, and how often it is heated."""
PRIZE_LIFT = 0.2
"""Temperatures by which every prize counts for more while a search without a start plan is hot."""
TOLL = 10.0
"""Mean arcs that overload by a mean task costs at first, where vehicles may be overloaded."""
LONG_ROUTE, LITTLE_ROOM, LARGE_TASK = 15.0, 0.03, 0.2
"""Tasks a route, share of empty room, share of a vehicle one task takes: the bounds of what :func:`is_tight` means."""
SEED_STRIDE = 1_000_003
"""Distance between the seeds of one search's threads, so that neighbouring seeds share none."""


@dataclass(frozen=True)
class SearchParams:
    """Settings of the search; the defaults are the tuned ones (docs/solver/experiments.md).

    Attributes
    ----------
    near
        Neighbours of a task beside which it is tried; None chooses by the problem's features.
    start_heat, end_heat
        Temperatures at the begin and end of the budget, in mean arcs of the first plan.
    cycles
        How many times within the budget the temperature falls from one to the other.
    mean_removed, longest_string
        SISR's average number of removed tasks and longest string.
    chunk
        Iterations between looks at the stopping rule when no clock matters.
    most_in_one, part, rounds
        Tasks of the largest problem searched in one piece; tasks of a part of a larger one; how often its
        borders move (:mod:`routing.search.parts`).
    """

    near: int | None = None
    start_heat: float = 0.5
    end_heat: float = 0.005
    cycles: int = 1
    mean_removed: float = 10.0
    longest_string: int = 10
    chunk: int = 1000
    most_in_one: int = 3000
    part: int = 1000
    rounds: int = 4


@dataclass
class RunState:
    """Where a running search stands; processor time is its thread's, see :meth:`resume`."""

    began_s: float
    cpu_began_s: float
    iterations: int = 0
    best_at: int = 0
    history: list[tuple[float, int, int, int]] = field(default_factory=list)
    cpu_s: float = 0.0

    def pause(self) -> None:
        """Note the processor time used so far, to go on in another thread."""
        self.cpu_s = time.thread_time() - self.cpu_began_s

    def resume(self) -> None:
        """Go on in the calling thread."""
        self.cpu_began_s = time.thread_time() - self.cpu_s

    def seen(self) -> SearchState:
        """Return what a stopping rule is told."""
        return SearchState(
            time.perf_counter() - self.began_s,
            time.thread_time() - self.cpu_began_s,
            self.iterations,
            self.iterations - self.best_at,
        )


def solve_model(
    model: Model,
    stop: StopRule,
    run: RunState,
    seed: int,
    initial: Solution | None,
    params: SearchParams,
    progress: Progress | None,
    patience: StopRule | None = None,
    scale: float | None = None,
) -> Annealing:
    """Search with one thread until the rule says stop; return the search, whose state holds the best plan.

    The first plan is made to the end even if that takes longer, until ``patience`` (``stop`` without it) is over.
    Temperatures are in units of ``scale``, the mean arc of the first plan without it.
    """
    search = Annealing(model, stop, run, seed, params, progress)
    search.begin(initial, patience or stop, scale)
    search.go_on(1.0)
    return search


class Annealing:
    """One search by simulated annealing over one plan, which can pause at a fraction of its budget."""

    state: a.State

    def __init__(
        self,
        model: Model,
        stop: StopRule,
        run: RunState,
        seed: int,
        params: SearchParams,
        progress: Progress | None = None,
    ) -> None:
        self.model, self.stop, self.run, self.seed = model, stop, run, seed
        self.params, self.progress = params, progress
        self.scale, self._chunk, self._pace = 1.0, 50, UNKNOWN_PACE
        self._lifted: a.Data | None = None
        self.watch: Watch | None = None

    def begin(self, initial: Solution | None, patience: StopRule, scale: float | None = None) -> None:
        """Make the first plan, to the end even if that takes longer, until ``patience`` is over."""
        model, run, seed = self.model, self.run, self.seed

        def out_of_time() -> bool:
            return patience.fraction(run.seen()) >= 1.0

        state = new_state(model.data, model.flags, model.leads, seed, _longest(model.data))
        orders = _first_orders(model, state, initial)
        if orders:
            load(model, state, orders)
        elif model.data.n > 0 and model.data.rules[a.ROOMS] > 0:
            state = best_fleet_start(model, self.stop, run, seed, self.params)
        elif not model.required[model.leads].all():
            state = full_start(model, seed, out_of_time)
        construct(model, state, seed, out_of_time)
        note_best(model, run, state)
        self.state = state
        if initial is None and not model.required[model.leads].all():
            self._lifted = model.data._replace(prize=model.data.prize.copy())
        if scale is None:  # a plan that is brought along is not to be melted
            scale = unit_of_heat(model, state) if initial is None else mean_arc(model, state)
        self.scale = scale
        self.params = suited(self.params, model, state)

    def go_on(self, until: float) -> None:
        """Search until that fraction of the budget is used."""
        model, stop, run, params, state = self.model, self.stop, self.run, self.params, self.state
        ratio = params.end_heat / params.start_heat
        while model.data.n > 0:
            seen = run.seen()
            used = stop.fraction(seen)
            if used >= until:
                break
            watch = self.watch if self.watch is not None and used >= self.watch.begins else None
            chunk = self._chunk if stop.timed else params.chunk
            if watch is not None:
                chunk = min(chunk, watch.every)
            count, cooling = _next_chunk(stop, seen, params, chunk, self._pace, used, ratio)
            began = time.perf_counter()
            before = int(state.info[a.BEST])
            heat = params.start_heat * self.scale * ratio ** (params.cycles * used % 1.0)
            self._anneal(count, heat, cooling)
            run.iterations += count
            took_s = time.perf_counter() - began
            self._chunk, self._pace = _chunk_size(self._chunk, count, took_s), count / max(took_s, 1e-6)
            if watch is not None:
                watch.look(state)
            if int(state.info[a.BEST]) < before:
                run.best_at = run.iterations - int(state.info[a.ITER] - state.info[a.BESTAT])
                note_best(model, run, state)
            if self.progress is not None:
                note = f"cost {int(state.info[a.BEST]) * model.scale}"
                self.progress("solve", int(1000 * min(1.0, used)), 1000, note)

    def _anneal(self, count: int, heat: float, cooling: float) -> None:
        """Let the compiled core search, with prizes lifted in proportion to the temperature.

        A hot plan drops tasks for nothing, and with them whole routes, which a cold one does not open again. So
        prizes count for more the hotter it is; before and after, costs are counted with the real ones.
        """
        model, state, params = self.model, self.state, self.params
        data, lift = model.data, 0
        if self._lifted is not None:
            data, lift = self._lifted, int(PRIZE_LIFT * heat)
            np.add(model.data.prize, lift, out=data.prize)
        state.info[a.CUR] += lift * state.info[a.NABSENT]
        state.info[a.BEST] += lift * state.info[a.NABSENT_BEST]
        search = kernels(model.flags).search
        search(data, state, a.ANNEAL, count, heat, cooling, params.mean_removed, params.longest_string)
        state.info[a.CUR] -= lift * state.info[a.NABSENT]
        state.info[a.BEST] -= lift * state.info[a.NABSENT_BEST]

    def let_overload(self, waiting: bool = False) -> None:
        """Let vehicles be overloaded for a price from now on, where the kernels can (``kernels/overload.py``).

        Not while a required task has no route, as one that fits nowhere would overload some vehicle for good, unless
        such tasks are ``waiting`` for room that there is.
        """
        model, state = self.model, self.state
        if kernels(model.flags).SOFT and (waiting or split_cost(model, state)[0] == 0):
            amounts = np.maximum(1.0, model.data.delivery.mean(axis=0))
            state.toll[:, : amounts.size] = TOLL * self.scale / amounts

    def let_overload_if_tight(self) -> None:
        """Let vehicles be overloaded where little else leads from one packing to another."""
        if is_tight(self.model):
            self.let_overload()

    def adopt(self, other: Annealing) -> None:
        """Go on from another search's best plan, if it is better than the own one."""
        model = self.model
        if split_cost(model, other.state) >= split_cost(model, self.state):
            return
        rng = self.state.rng.copy()
        self.state = loaded(model, best_orders(other.state), self.seed)
        self.state.rng[:] = rng
        note_best(model, self.run, self.state)


def is_tight(model: Model) -> bool:
    """Tell whether only loads bind, routes are long, and as few vehicles as can be leave little room.

    There a hot search gets caught between full vehicles. Where routes are short it does not, and overload costs it
    time; neither where all tasks are of one size, as each can then take another's room. Not where some are large,
    either: there it found no better plans (docs/solver/experiments.md, ninth round).
    """
    data = model.data
    if model.flags.tw or data.delivery.size == 0 or not model.required[model.leads].all():
        return False
    room, carried = np.maximum(1, data.capacity[0]), data.delivery.sum(axis=0)
    scarcest = int((carried / room).argmax())
    vehicles = max(1, -(-int(carried[scarcest]) // int(room[scarcest])))
    sizes = data.delivery[:, scarcest]
    mixed = bool(sizes.min() < sizes.max() <= LARGE_TASK * room[scarcest])
    empty = 1.0 - float(carried[scarcest]) / float(vehicles * room[scarcest])
    return mixed and data.n >= LONG_ROUTE * vehicles and empty <= LITTLE_ROOM


def load(model: Model, state: a.State, orders: list[tuple[int, list[int]]]) -> None:
    """Make routes the present and the best plan of an empty state."""
    write_orders(model.data, state, orders)
    kernels(model.flags).search(model.data, state, a.LOAD, 0, 0.0, 1.0, 1.0, 1)


def loaded(model: Model, orders: list[tuple[int, list[int]]], seed: int) -> a.State:
    """Make a state with these routes as its present and best plan."""
    state = new_state(model.data, model.flags, model.leads, seed, _longest(model.data))
    load(model, state, orders)
    return state


def full_start(model: Model, seed: int, out_of_time: Callable[[], bool]) -> a.State:
    """Begin with every optional task that fits, whatever it costs.

    No prize pays for a route of its own, so a search that begins with nothing would open none; one that
    begins with all leaves out what does not pay.
    """
    data = model.data
    legs = data.cost[:, data.n :, : data.n]
    dear = 4 * int(legs[legs < a.FAR_COST].max(initial=0)) + int(data.cls[:, a.FIXED].max(initial=0)) + 1
    generous = replace(model, data=data._replace(prize=np.maximum(data.prize, dear)))
    state = new_state(generous.data, model.flags, model.leads, seed, _longest(data))
    construct(generous, state, seed, out_of_time)
    keep_present(state)
    orders = best_orders(state)
    return loaded(model, orders, seed)


def best_fleet_start(model: Model, stop: StopRule, run: RunState, seed: int, params: SearchParams) -> a.State:
    """Make short searches that open routes with one class of vehicle only, and keep the best plan's state.

    A new route for one task is cheapest with the smallest vehicle, so a search that may open any class from
    the beginning fills the county with small ones and finds no step from many to few. Each class that is
    dear at first sight but cheap per unit of room gets its chance here, within an eighth of the budget.
    """
    data = model.data
    search = kernels(model.flags).search
    classes = _classes_by_room_price(data)[:MOST_FLEETS]
    trials: list[tuple[tuple[int, int], int, a.State]] = []
    for number, c in enumerate(classes):
        share = FLEET_SHARE * (number + 1) / len(classes)
        state = new_state(data, model.flags, model.leads, seed, _longest(data))
        counts = state.free_vehicles.copy()
        state.free_vehicles[:] = 0
        state.free_vehicles[c] = counts[c]
        construct(model, state, seed, lambda: stop.fraction(run.seen()) >= 1.0)
        heat = 0.2 * params.start_heat * mean_arc(model, state)
        while stop.fraction(run.seen()) < share:
            count = max(1, min(200, stop.iterations_left(run.seen())))
            search(data, state, a.ANNEAL, count, heat, 1.0, params.mean_removed, params.longest_string)
            run.iterations += count
            heat *= FLEET_COOLING
        state.free_vehicles[:] += counts
        state.free_vehicles[c] -= counts[c]
        # Whoever found no place in this class may have one in another: judge the plan with all of them.
        construct(model, state, seed, lambda: stop.fraction(run.seen()) >= 1.0)
        trials.append((split_cost(model, state), number, state))
    return min(trials, key=lambda trial: trial[:2])[2]


def _classes_by_room_price(data: a.Data) -> list[int]:
    """Order classes by fixed cost per share of the scarcest room, cheapest first, among equals the roomiest."""
    need = np.maximum(1, np.maximum(data.delivery.sum(axis=0), data.pickup.sum(axis=0))).astype(np.float64)
    room = (data.capacity / need).min(axis=1) if need.size else np.ones(data.cls.shape[0])
    price = data.cls[:, a.FIXED] / np.maximum(room, 1e-9)
    return [int(c) for c in np.lexsort((-room, price)) if data.cls[c, a.OPENS] > 0]


def never() -> bool:
    """Have all the time in the world."""
    return False


def construct(model: Model, state: a.State, seed: int, out_of_time: Callable[[], bool] = never) -> None:
    """Insert every absent task that fits, in random order, a hundred at a time while there is time."""
    absent = state.absent[: int(state.info[a.NABSENT])].copy()
    np.random.default_rng(seed % (1 << 63)).shuffle(absent)
    if model.data.rules[a.BACKHAUL] > 0:  # collections find no trip before there are deliveries
        absent = absent[np.argsort(model.data.flow[absent] == a.COLLECTS, kind="stable")]
    for first in range(0, absent.size, BATCH):
        if out_of_time():
            return
        batch = absent[first : first + BATCH]
        state.removed[: batch.size] = batch
        state.was_absent[batch] = 1
        state.info[a.NREM] = batch.size
        kernels(model.flags).search(model.data, state, a.CONSTRUCT, 1, 0.0, 1.0, 1.0, 1)


def _next_chunk(
    stop: StopRule, seen: SearchState, params: SearchParams, chunk: int, pace: float, used: float, ratio: float
) -> tuple[int, float]:
    """Choose how many iterations come next, at ``pace`` a second, and how fast the temperature falls during them."""
    if stop.timed:
        fits = pace * stop.seconds_left(seen)  # half of it next, as the pace may fall
        return max(1, min(int(min(chunk, fits / 2)), stop.iterations_left(seen))), 1.0
    count = max(1, min(chunk, stop.iterations_left(seen)))
    later = SearchState(seen.elapsed_s, seen.cpu_s, seen.iterations + count, seen.since_best + count)
    step = max(0.0, stop.fraction(later) - used)
    return count, ratio ** (params.cycles * step / count)


def _chunk_size(chunk: int, count: int, took_s: float) -> int:
    """Aim at chunks of equal time."""
    if count < chunk:
        return chunk
    wanted = int(count * CHUNK_S / max(took_s, 1e-6))
    return max(10, min(wanted, 4 * chunk, 20_000))


def _longest(data: a.Data) -> int:
    """Return how many entries a route may hold: every task, and a reload between each two."""
    trips = int(data.cls[:, a.MAXTRIPS].max(initial=1))
    return int(data.n) + 4 + min(int(data.n), trips - 1)


def unit_of_heat(model: Model, state: a.State) -> float:
    """Return what temperatures are counted in: the mean arc of the first plan, more of it on long timed routes.

    The longer a route the shorter its arcs, but not what it costs to take a stop to another hour of the day.
    """
    if not model.flags.tw or model.flags.pair:
        return mean_arc(model, state)
    tasks = float(model.data.n) / max(1, int(state.info[a.NROUTES]))
    return mean_arc(model, state) * min(MOST_HEAT, max(1.0, tasks / SHORT_ROUTE))


def mean_arc(model: Model, state: a.State) -> float:
    """Return the mean cost of an arc of the first plan."""
    fixed = sum(int(model.data.cls[c, a.FIXED]) for c, _ in best_orders(state))
    absent = [int(x) for x in state.absent[: int(state.info[a.NABSENT])]]
    arcs = int(state.info[a.CUR]) - fixed - int(model.data.prize[absent].sum())
    count = model.data.n - len(absent) + int(state.info[a.NROUTES])
    return float(max(1.0, arcs / max(1, count)))


def suited(params: SearchParams, model: Model, state: a.State) -> SearchParams:
    """Heat the search for shipments on long routes higher, and again and again.

    Such a plan settles within some ten thousand iterations, and then no string opens one more route: what is reached
    is decided while it is hot.
    """
    if not model.flags.pair or model.flags.rich:
        return params
    tasks = (model.data.n - int(state.info[a.NABSENT])) / max(1, int(state.info[a.NROUTES]))
    shortest, longest = LONG_WITH_SHIPMENTS
    share = min(1.0, max(0.0, (tasks - shortest) / (longest - shortest)))
    return replace(
        params,
        start_heat=params.start_heat * HOTTER_START**share,
        end_heat=params.end_heat * HOTTER_END**share,
        cycles=params.cycles * int(1 + (MORE_CYCLES - 1) * share),
    )


def note_best(model: Model, run: RunState, state: a.State) -> None:
    """Add the present best to the history, unless an earlier search of the same run has found better."""
    missing, cost = split_cost(model, state)
    if not run.history or (missing, cost) < run.history[-1][2:]:
        run.history.append((round(run.seen().elapsed_s, 4), run.iterations, missing, cost))


def _absent_leads(model: Model, state: a.State) -> Any:
    """Return a mask of the leads the best plan leaves out."""
    gone = np.zeros(model.data.n, dtype=bool)
    gone[model.leads] = True
    for _, entries in best_orders(state):
        tasks = [x for x in entries if x < model.data.n]
        gone[model.data.lead[tasks]] = False
    return gone


def split_cost(model: Model, state: a.State) -> tuple[int, int]:
    """Return (required tasks missing, cost in the problem's units) of the best plan."""
    cost = int(state.info[a.BEST])
    if not int(state.info[a.NABSENT_BEST]):
        return 0, cost * model.scale
    gone = _absent_leads(model, state) & model.required
    missing = int(gone.sum() + (gone & (model.data.side > 0)).sum())
    return missing, (cost - int(model.data.prize[gone].sum())) * model.scale


def _first_orders(model: Model, state: a.State, initial: Solution | None) -> list[tuple[int, list[int]]]:
    """Collect the routes a search begins with: locked ones, and those of a start plan that keep the rules."""
    orders: list[tuple[int, list[int]]] = []
    locked: set[int] = set()
    given = {_class_of(model, route.vehicle): route for route in (initial.routes if initial is not None else ())}
    for c, tasks in model.frozen_orders:
        entries = list(tasks)
        if c in given and _keeps_locks(model, given[c]) and _stands(model, state, c, _entries(model, given[c])):
            entries = _entries(model, given[c])
        locked.update(x for x in entries if x < model.data.n)
        if _stands(model, state, c, entries):
            orders.append((c, entries))
        else:
            # A lock that contradicts the problem is reported as missing tasks, never broken silently.
            model.data.allowed[:, list(tasks)] = 0
    taken = {c for c, _ in orders}
    free = {c: int(model.data.cls[c, a.COUNT]) for c in range(len(model.classes))}
    for c in taken:
        free[c] -= 1
    placed = set(locked)
    companions = (*model.problem.same_vehicle, *(group.tasks for group in model.problem.alternatives))
    for route in initial.routes if initial is not None else ():
        c = _class_of(model, route.vehicle)
        entries = _entries(model, route)
        tasks_of = [x for x in entries if x < model.data.n]
        if free[c] <= 0 or placed.intersection(tasks_of) or not _allowed_route(model, c, route, tasks_of):
            continue
        if any(placed.intersection(group) and set(tasks_of).intersection(group) for group in companions):
            continue
        if not model.flags.rich or _stands(model, state, c, entries):
            orders.append((c, entries))
            placed.update(tasks_of)
            free[c] -= 1
    return orders


def _keeps_locks(model: Model, route: Route) -> bool:
    """Tell whether a route of a start plan has its vehicle's locked tasks where the locks want them."""
    tasks = list(route.tasks)
    for lock in model.problem.locks:
        if lock.vehicle != route.vehicle or lock.kind is LockKind.VEHICLE:
            continue
        wanted = list(lock.tasks)
        if lock.kind is LockKind.ROUTE and tasks != wanted:
            return False
        if lock.kind is LockKind.PREFIX and tasks[: len(wanted)] != wanted:
            return False
        if [task for task in tasks if task in wanted] != wanted:
            return False
    return _allowed_route(model, _class_of(model, route.vehicle), route, tasks)


def _class_of(model: Model, vehicle: int) -> int:
    for c, group in enumerate(model.classes):
        if vehicle in group.vehicles:
            return c
    raise InvalidPlanError(f"the start plan names vehicle {vehicle}, which the problem does not have")


def _entries(model: Model, route: Route) -> list[int]:
    """Write a route as the kernels do: trips one after another, reload terminals between."""
    entries: list[int] = []
    for number, trip in enumerate(route.trips):
        if number:
            entries.append(model.data.n + trip.depot)
        for task in trip.tasks:
            if not 0 <= task < model.data.n:
                raise InvalidPlanError(f"the start plan names task {task}, which the problem does not have")
            entries.append(task)
    return entries


def _allowed_route(model: Model, c: int, route: Route, tasks: list[int]) -> bool:
    problem = model.problem
    if not tasks or not all(model.data.allowed[c, x] for x in tasks) or len(set(tasks)) < len(tasks):
        return False
    if len({int(model.data.lead[x]) for x in tasks}) < len(tasks):
        return False
    if model.flags.trips and not _trips_are_allowed(problem, route):
        return False
    on_board = set(tasks)
    if any(on_board.issuperset(pair) for pair in problem.incompatible):
        return False
    for shipment in problem.shipments:
        ends = (shipment.pickup_task, shipment.delivery_task)
        if (ends[0] in on_board) != (ends[1] in on_board):
            return False
        if ends[0] in on_board and tasks.index(ends[0]) > tasks.index(ends[1]):
            return False
    if model.flags.rich:
        return True
    start_s = departure_s(problem, route.vehicle, route.trips)
    timed = Route(route.vehicle, route.trips, start_s)
    return route_keeps_rules(problem, timed, schedule(problem, timed))


def _trips_are_allowed(problem: Problem, route: Route) -> bool:
    """Tell whether a route's trips are as many as allowed, none empty, all from the depot it begins at."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    most = kind.max_trips if kind.reload_depots else 1
    return len(route.trips) <= most and all(trip.tasks and trip.depot == kind.start_depot for trip in route.trips)


def _stands(model: Model, state: a.State, c: int, entries: list[int]) -> bool:
    """Tell whether a route keeps all rules, by walking along it."""
    write_orders(model.data, state, [(c, entries)])
    kernels(model.flags).search(model.data, state, a.EXAMINE, 0, 0.0, 1.0, 1.0, 1)
    state.best_len[0] = 0
    return bool(state.info[a.HOLDS])


def to_solution(model: Model, state: a.State) -> Solution:
    """Give routes vehicles, departure times and breaks."""
    problem = model.problem
    following = [list(reversed(group.vehicles)) for group in model.classes]
    routes: list[Route] = []
    seen: set[int] = set()
    for c, entries in sorted(best_orders(state)):
        vehicle = following[c].pop()
        kind = problem.vehicle_types[model.classes[c].kind]
        trips = _trips(model, kind.start_depot, entries)
        if model.flags.rich:
            routes.append(_walked_route(model, state, c, vehicle, entries, trips))
        elif model.flags.tw:
            routes.append(Route(vehicle, trips, departure_s(problem, vehicle, trips)))
        else:  # nobody waits, so leaving later would end later
            routes.append(Route(vehicle, trips, earliest_departure_s(problem, vehicle, trips[0].tasks)))
        seen.update(routes[-1].tasks)
    routes = _without_misplaced(problem, routes, seen)
    left = tuple(task for task in range(problem.task_count) if task not in seen)
    return Solution(tuple(routes), left)


def _trips(model: Model, depot: int, entries: list[int]) -> tuple[Trip, ...]:
    """Cut a route's entries into trips at the reload terminals."""
    trips: list[Trip] = []
    tasks: list[int] = []
    for x in entries:
        if x < model.data.n:
            tasks.append(x)
        else:
            trips.append(Trip(tuple(tasks), depot))
            tasks, depot = [], x - int(model.data.n)
    return (*trips, Trip(tuple(tasks), depot))


def _walked_route(
    model: Model, state: a.State, c: int, vehicle: int, entries: list[int], trips: tuple[Trip, ...]
) -> Route:
    """Read departure and breaks of a route off the walk."""
    kept = (state.best_seq[0].copy(), int(state.best_len[0]), int(state.best_cls[0]))
    write_orders(model.data, state, [(c, entries)])
    kernels(model.flags).search(model.data, state, a.EXAMINE, 0, 0.0, 1.0, 1.0, 1)
    state.best_seq[0], state.best_len[0], state.best_cls[0] = kept
    kind = model.problem.vehicle_types[model.classes[c].kind]
    order = sorted(range(len(kind.breaks)), key=lambda b: (kind.breaks[b].latest_s, kind.breaks[b].earliest_s))
    breaks = []
    place = 0
    for e in range(int(state.info[a.EVENTS])):
        what = int(state.event[e, a.EV_WHAT])
        if what == a.EV_BREAK:
            breaks.append((place, order[int(state.event[e, a.EV_TRAVEL])]))
        elif what < model.data.n:
            place += 1
    return Route(vehicle, trips, int(state.info[a.DEPARTS]), tuple(breaks))


def _without_misplaced(problem: Problem, routes: list[Route], seen: set[int]) -> list[Route]:
    """Drop tasks that are not at the position a lock wants: better left out and named than in the wrong place."""
    for lock in problem.locks:
        if lock.kind is not LockKind.POSITION:
            continue
        for index, route in enumerate(routes):
            task = lock.tasks[0]
            if task in route.tasks and route.tasks.index(task) != lock.position:
                gone = {task}
                if task in problem.shipment_of_task:
                    shipment = problem.shipments[problem.shipment_of_task[task]]
                    gone = {shipment.pickup_task, shipment.delivery_task}
                trips = tuple(Trip(tuple(t for t in trip.tasks if t not in gone), trip.depot) for trip in route.trips)
                trips = tuple(trip for trip in trips if trip.tasks)
                routes[index] = Route(route.vehicle, trips, departure_s(problem, route.vehicle, trips), ())
                seen -= gone
    return [route for route in routes if route.tasks]
