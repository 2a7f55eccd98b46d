"""Searches a problem in one piece: with one annealing, with several, or with threads that meet."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from routing.problem import Problem
from routing.search.annealing import Annealing
from routing.search.answers import split_cost, to_solution
from routing.search.descents import best_descent, descent_count
from routing.search.kernels import arrays as a
from routing.search.model import Model, compile_problem
from routing.search.running import SEED_STRIDE, Progress, RunState, SearchParams
from routing.search.workers import Workers, WorkerState
from routing.solution import Result, Solution
from routing.stop import StopRule

MEETINGS = (0.4, 0.55, 0.7, 0.8, 0.9)
"""Fractions of the budget at which searches of several threads exchange their plans."""


def solve(
    problem: Problem,
    stop: StopRule,
    seed: int = 0,
    initial: Solution | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    params: SearchParams | None = None,
    workers: Workers | None = None,
    meetings: tuple[float, ...] = MEETINGS,
) -> Result:
    """Search for the cheapest plan; see :func:`routing.solve`.

    Tell ``workers`` what each thread has used. Without ``meetings`` no thread learns what another one finds.
    """
    began_s = time.perf_counter()
    params = params or SearchParams()
    if problem.vehicle_count == 0:
        return _nobody_drives(problem, seed, threads)
    model = compile_problem(problem, params.near)
    stats: dict[str, Any] = {"setup_s": round(time.perf_counter() - began_s, 4)}

    count = 1 if initial is not None else descent_count(model, stop)
    if count > 1:
        searches = search_apart(model, stop, began_s, seed, params, progress, threads, count)
    else:
        searches = []
        for number in range(max(1, threads)):
            run = RunState(began_s, time.thread_time())
            listener = progress if number == 0 else None
            searches.append(Annealing(model, stop, run, seed + number * SEED_STRIDE, params, listener))
        if threads <= 1:
            search_until(searches[0], 0.0, initial, stop)
            search_until(searches[0], 1.0, initial, stop)
        else:
            search_together(searches, initial, stop, meetings)
    if workers is not None:
        workers.states = [WorkerState(s.run.iterations, s.run.cpu_s, s.run.best_at) for s in searches]
    best = min(searches, key=lambda search: split_cost(model, search.state))
    state, run = best.state, best.run
    missing, cost = split_cost(model, state)
    solution = to_solution(model, state)
    stats |= {"accepted": int(state.info[a.ACCEPTED]), "new_bests": int(state.info[a.IMPROVED]), "descents": count}
    iterations = sum(search.run.iterations for search in searches)
    runtime_s = time.perf_counter() - began_s
    return Result(solution, cost, missing, iterations, runtime_s, seed, threads, tuple(run.history), stats)


def _nobody_drives(problem: Problem, seed: int, threads: int) -> Result:
    """Answer for a day without vehicles."""
    tasks = tuple(range(problem.task_count))
    missing = len(problem.required_missing(tasks))
    return Result(Solution((), tasks), problem.left_out_cost(tasks), missing, 0, 0.0, seed, threads)


def search_apart(
    model: Model,
    stop: StopRule,
    began_s: float,
    seed: int,
    params: SearchParams,
    progress: Progress | None,
    threads: int,
    count: int,
) -> list[Annealing]:
    """Have each thread anneal ``count`` times by itself; return the best search of each."""

    def descend(number: int) -> Annealing:
        run = RunState(began_s, time.thread_time())
        listener = progress if number == 0 else None
        found = best_descent(model, stop, run, seed + number * count * SEED_STRIDE, params, listener, count)
        run.pause()
        return found

    if threads <= 1:
        return [descend(0)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(descend, range(threads)))


def search_together(
    searches: list[Annealing], initial: Solution | None, stop: StopRule, meetings: tuple[float, ...]
) -> None:
    """Search with a thread each; at fixed fractions of the budget all go on from the best plan there is.

    Between two of these meetings no search knows of another, so plans depend on seed, threads and iterations only.
    """
    with ThreadPoolExecutor(len(searches)) as pool:
        for until in (0.0, *meetings, 1.0):
            list(pool.map(lambda search, until=until: search_until(search, until, initial, stop), searches))
            best = min(searches, key=lambda search: split_cost(search.model, search.state))
            for search in searches if until in meetings else ():
                search.adopt(best)


def search_until(search: Annealing, until: float, initial: Solution | None, stop: StopRule) -> None:
    """Search in the calling thread until that fraction of the budget is used; at none of it make the first plan."""
    search.run.resume()
    if until:
        search.go_on(until)
    else:
        search.begin(initial, stop)
        search.let_overload_if_tight()
    search.run.pause()
