"""Runs the compiled core in chunks: clock, temperature, progress, and the best plan at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from routing.problem import Problem
from routing.schedule import departure_s
from routing.search.kernels import anneal as core
from routing.search.kernels import arrays as a
from routing.search.model import Model, compile_problem
from routing.search.state import best_orders, new_state, write_orders
from routing.solution import Result, Route, Solution, Trip
from routing.stop import SearchState, StopRule


class Progress(Protocol):
    """A listener to long work, as in the kernel's progress module."""

    def __call__(self, stage: str, done: int, total: int | None = None, note: str = "") -> None:
        """Tell that ``done`` of ``total`` units of a stage are finished."""
        ...


@dataclass(frozen=True)
class SearchParams:
    """Settings of the search; the defaults are the tuned ones (docs/solver/experiments.md).

    Attributes
    ----------
    near
        Neighbours of a task beside which it is tried.
    start_heat, end_heat
        Temperatures at the begin and end of the budget, in mean legs to the five nearest neighbours.
    mean_removed, longest_string
        SISR's average number of removed tasks and longest string.
    chunk
        Iterations between looks at the stopping rule when no clock matters.
    """

    near: int = 40
    start_heat: float = 1.0
    end_heat: float = 0.01
    mean_removed: float = 10.0
    longest_string: int = 10
    chunk: int = 1000


@dataclass
class RunState:
    """Where a running search stands."""

    began_s: float
    cpu_began_s: float
    iterations: int = 0
    best_at: int = 0
    history: list[tuple[float, int, int, int]] = field(default_factory=list)

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
) -> a.State:
    """Search with one thread until the rule says stop; return the state that holds the best plan."""
    data, flags = model.data, model.flags
    state = new_state(data, flags, seed, _first_longest(data))
    if initial is not None:
        write_orders(data, state, _initial_orders(model, initial))
        core.search(data, state, flags, core.LOAD, 0, 0.0, 1.0, 1.0, 1)
    core.search(data, state, flags, core.CONSTRUCT, 0, 0.0, 1.0, 1.0, 1)
    note_best(model, run, state)
    top = params.start_heat * mean_arc(model, state)
    ratio = params.end_heat / params.start_heat
    chunk, used = 50, 0.0
    while data.n > 0:
        seen = run.seen()
        used = stop.fraction(seen)
        if used >= 1.0:
            break
        count, cooling = _next_chunk(stop, seen, params, chunk, used, ratio)
        began = time.perf_counter()
        before = int(state.info[a.BEST])
        heat = top * ratio**used
        core.search(data, state, flags, core.ANNEAL, count, heat, cooling, params.mean_removed, params.longest_string)
        run.iterations += count
        chunk = _chunk_size(chunk, count, time.perf_counter() - began)
        if int(state.info[a.BEST]) < before:
            run.best_at = int(state.info[a.BESTAT])
            note_best(model, run, state)
        if progress is not None:
            progress("solve", int(1000 * min(1.0, used)), 1000, f"cost {int(state.info[a.BEST]) * model.scale}")
    return state


def _next_chunk(
    stop: StopRule, seen: SearchState, params: SearchParams, chunk: int, used: float, ratio: float
) -> tuple[int, float]:
    """Choose how many iterations come next and how fast the temperature falls during them."""
    if stop.timed:
        count = max(1, min(chunk, stop.iterations_left(seen)))
        return count, 1.0
    count = max(1, min(params.chunk, stop.iterations_left(seen)))
    later = SearchState(seen.elapsed_s, seen.cpu_s, seen.iterations + count, seen.since_best + count)
    step = max(0.0, stop.fraction(later) - used)
    return count, ratio ** (step / count)


def _chunk_size(chunk: int, count: int, took_s: float) -> int:
    """Aim at 20 ms a chunk."""
    if count < chunk:
        return chunk
    wanted = int(count * 0.02 / max(took_s, 1e-6))
    return max(10, min(wanted, 4 * chunk, 20_000))


def _first_longest(data: a.Data) -> int:
    """Guess how many tasks a route may hold; all of them on small problems."""
    return int(data.n)


def mean_arc(model: Model, state: a.State) -> float:
    """Return the mean cost of an arc of the first plan, the scale of all temperatures."""
    fixed = sum(int(model.data.cls[c, a.FIXED]) for c, _ in best_orders(state))
    absent = [int(x) for x in state.absent[: int(state.info[a.NABSENT])]]
    arcs = int(state.info[a.CUR]) - fixed - int(model.data.prize[absent].sum())
    count = model.data.n - len(absent) + int(state.info[a.NROUTES])
    return max(1.0, arcs / max(1, count))


def note_best(model: Model, run: RunState, state: a.State) -> None:
    """Add the present best to the history."""
    seen = run.seen()
    missing, cost = split_cost(model, state)
    run.history.append((round(seen.elapsed_s, 4), run.iterations, missing, cost))


def split_cost(model: Model, state: a.State) -> tuple[int, int]:
    """Return (required tasks missing, cost in the problem's units) of the best plan."""
    missing = 0
    cost = int(state.info[a.BEST])
    if int(state.info[a.NABSENT_BEST]):
        present = np.zeros(model.data.n, dtype=bool)
        for _, tasks in best_orders(state):
            present[tasks] = True
        gone = ~present & model.required
        missing = int(gone.sum())
        cost -= int(model.data.prize[gone].sum())
    return missing, cost * model.scale


def _initial_orders(model: Model, initial: Solution) -> list[tuple[int, list[int]]]:
    """Translate a start plan to classes; routes that break a rule are cut until they do not."""
    kinds = [int(k) for k in model.data.cls[:, a.KIND]]
    orders = []
    for route in initial.routes:
        kind = model.problem.type_of_vehicle[route.vehicle]
        orders.append((kinds.index(kind), [int(task) for task in route.tasks]))
    return orders


def to_solution(problem: Problem, model: Model, orders: Sequence[tuple[int, list[int]]]) -> Solution:
    """Give routes vehicles and departure times."""
    following = {c: int(model.data.cls[c, a.FIRSTV]) for c in range(model.data.cls.shape[0])}
    routes: list[Route] = []
    seen: set[int] = set()
    for c, tasks in sorted(orders):
        vehicle = following[c]
        following[c] += 1
        kind = problem.vehicle_types[problem.type_of_vehicle[vehicle]]
        trips = (Trip(tuple(tasks), kind.start_depot),)
        routes.append(Route(vehicle, trips, departure_s(problem, vehicle, trips)))
        seen.update(tasks)
    left = tuple(task for task in range(problem.task_count) if task not in seen)
    return Solution(tuple(routes), left)


def solve(
    problem: Problem,
    stop: StopRule,
    seed: int = 0,
    initial: Solution | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    params: SearchParams | None = None,
) -> Result:
    """Search for the cheapest plan; see :func:`routing.solve`."""
    run = RunState(time.perf_counter(), time.thread_time())
    params = params or SearchParams()
    model = compile_problem(problem, params.near)
    stats: dict[str, Any] = {"setup_s": round(time.perf_counter() - run.began_s, 4)}
    state = solve_model(model, stop, run, seed, initial, params, progress)
    missing, cost = split_cost(model, state)
    solution = to_solution(problem, model, best_orders(state))
    stats |= {"accepted": int(state.info[a.ACCEPTED]), "new_bests": int(state.info[a.IMPROVED])}
    runtime_s = time.perf_counter() - run.began_s
    if not math.isfinite(runtime_s):  # a clock that jumps must not leak into stored plans
        runtime_s = 0.0
    return Result(solution, cost, missing, run.iterations, runtime_s, seed, threads, tuple(run.history), stats)
