"""Searches a plan part by part: neighbouring routes make a part, and the borders move every round.

A part is a problem of its own, with a matrix of its own, solved by the same core. So the cost of an iteration
does not depend on the size of the whole, no matrix of the whole is needed, and several threads can work on one
plan at once. Rounds continue one annealing: each begins at the temperature the round before has ended with.

Source: decomposition by route barycentre as in Vidal et al. (2013) and Santini et al. (2023).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from routing.problem import Problem
from routing.search import whole
from routing.search.annealing import solve_model
from routing.search.answers import split_cost, to_solution
from routing.search.model import compile_problem, is_plain
from routing.search.patches import Patches, first_share
from routing.search.pieces import Part, Piece, cut, pieces_of_plan, plan_of, share_vehicles, views
from routing.search.running import SEED_STRIDE, Progress, SearchParams
from routing.search.savings import savings_plan
from routing.search.slices import Slice, within
from routing.search.state import keep_present
from routing.search.workers import Workers, WorkerState
from routing.solution import Result, Solution
from routing.stop import SearchState, StopRule

LEAST_SHARE = 200
"""Tasks for each thread below which threads search for themselves instead of sharing a plan."""
LEAST_SORTED = 400
"""Tasks from which on matrices are too large for the nearest cache, so that their order matters."""
SIDE_BY_SIDE = 4
"""Tasks of the smallest group that are kept together."""
ROUND_S = 1.0
ROUND_ITERATIONS = 100_000
MOST_ROUNDS = 60
HURRIED = 500
"""Iterations for each task of a large problem below which savings, then cooler annealing, end cheaper."""
ITERATIONS_PER_S = 125_000
"""What a thread does about, to tell a hurried search from a patient one by its time limit."""
SAVINGS_HEAT = 0.1
"""Starting temperature after savings; a hotter one would melt what they have built."""
PRESENT_UNTIL = 0.9
"""Fraction of the budget up to which rounds hand on the present plan, as annealing does, and not the best."""


@dataclass(frozen=True)
class Answer:
    """What a round made of a part: the plan to go on from, the best one with its price, the scale of its heat."""

    pieces: list[Piece]
    best: list[Piece]
    missing: int
    cost: int
    scale: float


@dataclass
class PlanState:
    """The plan between two rounds, and the best one at the end of any round."""

    pieces: list[Piece]
    best: list[Piece] = field(default_factory=list)
    missing: int = 0
    cost: int = 0
    history: list[tuple[float, int, int, int]] = field(default_factory=list)


def solve(
    problem: Problem,
    stop: StopRule,
    seed: int = 0,
    initial: Solution | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    params: SearchParams | None = None,
) -> Result:
    """Search for the cheapest plan, in one piece or in parts, then patch by patch; see :func:`routing.solve`."""
    began_s, cpu_began_s = time.perf_counter(), time.thread_time()
    params = params or SearchParams()
    if not divisible(problem):
        return whole.solve(problem, stop, seed, initial, threads, progress, params)
    in_parts, meetings, share = _first_way(problem, stop, threads, params)
    begin, listener = (stop, progress) if share == 1.0 else (Slice(stop, 0.0, share), within(progress, 0.0, share))
    if in_parts:
        search = _Search(problem, begin, seed, threads, listener, params)
        result, workers = search.run(initial), search.workers
    else:
        in_one = whole.solve if problem.task_count < LEAST_SORTED else _solve_sorted
        workers = Workers([], began_s)
        result = in_one(problem, begin, seed, initial, threads, listener, params, workers, meetings)
        if threads <= 1:  # all was this thread's work
            workers.states[0].cpu_s = time.thread_time() - cpu_began_s
            workers.forgive()
    if share == 1.0:
        return result
    return Patches(problem, result, stop, workers, progress, params).run()


def _first_way(
    problem: Problem, stop: StopRule, threads: int, params: SearchParams
) -> tuple[bool, tuple[float, ...], float]:
    """Choose how a first plan is made: in parts or not, where threads meet if not, and its share of the budget.

    Halves of a plan end dearer than whole plans of as many iterations, so threads share one only if there is no time
    for each to make its own (docs/solver/experiments.md, fifteenth round).
    """
    if problem.task_count > params.most_in_one:
        return True, (), first_share(problem, stop, threads)
    if threads <= 1 or problem.task_count < threads * LEAST_SHARE:
        return False, whole.MEETINGS, first_share(problem, stop)
    own = first_share(problem, stop, each=True)
    return (False, (), own) if own < 1.0 else (True, (), first_share(problem, stop, threads))


def _solve_sorted(
    problem: Problem,
    stop: StopRule,
    seed: int,
    initial: Solution | None,
    threads: int,
    progress: Progress | None,
    params: SearchParams,
    workers: Workers,
    meetings: tuple[float, ...],
) -> Result:
    """Search in one piece with near tasks side by side in memory: who reads of one soon reads of the other."""
    pieces = pieces_of_plan(problem, initial)
    where = [task.location for task in problem.tasks]
    view, draw = views(problem), np.random.default_rng(seed % (1 << 63))
    near = cut(pieces, where, view, max(1, len(pieces) // SIDE_BY_SIDE), draw)
    part = Part(problem, [piece for group in near for piece in group], range(problem.vehicle_count))
    result = whole.solve(part.problem, stop, seed, part.initial, threads, progress, params, workers, meetings)
    found = part.pieces_of(result.solution)
    return replace(result, solution=plan_of(found))


def divisible(problem: Problem) -> bool:
    """Tell whether no rule binds tasks or routes of different parts."""
    bound = (problem.shipments, problem.alternatives, problem.same_vehicle, problem.incompatible, problem.locks)
    return not any(bound) and problem.balance is None and problem.disturbance is None and problem.vehicle_count > 0


class _Search:
    """One search in parts."""

    def __init__(
        self,
        problem: Problem,
        stop: StopRule,
        seed: int,
        threads: int,
        progress: Progress | None,
        params: SearchParams,
    ) -> None:
        self.problem, self.stop, self.seed = problem, stop, seed
        self.threads, self.progress, self.params = max(1, threads), progress, params
        self.view = views(problem)
        self.where = [task.location for task in problem.tasks]
        self.workers = Workers([WorkerState() for _ in range(self.threads)], time.perf_counter())
        self.parts = self.threads * max(1, round(problem.task_count / (params.part * self.threads)))
        self.rounds = self._round_count()
        self.scale: float | None = None

    def run(self, initial: Solution | None) -> Result:
        """Do all rounds."""
        problem = self.problem
        if initial is None and self._is_hurried() and is_plain(problem):
            initial = savings_plan(problem, self.view)
            self.params = replace(self.params, start_heat=min(self.params.start_heat, SAVINGS_HEAT))
        state = PlanState(pieces_of_plan(problem, initial))
        draw = np.random.default_rng(self.seed % (1 << 63))
        for number in range(self.rounds):
            if number and self._used() >= 1.0:
                break
            parts = cut(state.pieces, self.where, self.view, self.parts, draw)
            self._round(state, parts, number)
            elapsed_s = round(time.perf_counter() - self.workers.began_s, 4)
            state.history.append((elapsed_s, self.workers.iterations, state.missing, state.cost))
            if self.progress is not None and not state.missing:
                self.progress("solve", int(1000 * min(1.0, self._used())), 1000, f"cost {state.cost}")
        return Result(
            plan_of(state.best),
            state.cost,
            state.missing,
            self.workers.iterations,
            time.perf_counter() - self.workers.began_s,
            self.seed,
            self.threads,
            tuple(state.history),
            {"parts": len(parts)},
        )

    def _is_hurried(self) -> bool:
        """Tell whether a large problem gets too few iterations to anneal from hot."""
        now = SearchState(0.0, 0.0, 0, 0)
        count = min(self.stop.iterations_left(now), self.stop.seconds_left(now) * ITERATIONS_PER_S) * self.threads
        return self.problem.task_count > self.params.most_in_one and count < HURRIED * self.problem.task_count

    def _round_count(self) -> int:
        """Move borders about once a second's work on each part, but often enough and not all the time."""
        now = SearchState(0.0, 0.0, 0, 0)
        work = min(self.stop.seconds_left(now) / ROUND_S, self.stop.iterations_left(now) / ROUND_ITERATIONS)
        return int(min(max(work * self.threads / self.parts, self.params.rounds), MOST_ROUNDS))

    def _round(self, state: PlanState, parts: list[list[Piece]], number: int) -> None:
        """Solve every part once and put the plan together again."""
        fleets = share_vehicles(self.problem, parts)
        cold = (self.params.end_heat / self.params.start_heat) ** (1 / self.rounds)
        start = self.params.start_heat * cold**number
        params = replace(self.params, start_heat=start, end_heat=start * cold)
        until = (number + 1) / self.rounds
        mine = [list(range(worker, len(parts), self.threads)) for worker in range(self.threads)]

        def work(worker: int) -> list[Answer]:
            return [
                self._solve_part(worker, parts[i], fleets[i], params, until, [parts[j] for j in rest])
                for i, rest in ((i, mine[worker][at:]) for at, i in enumerate(mine[worker]))
            ]

        self.workers.charge()
        if self.threads == 1:
            found = [work(0)]
            self.workers.forgive()
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                found = list(pool.map(work, range(self.threads)))
        answers = [answer for of_worker in found for answer in of_worker]
        state.pieces = [piece for answer in answers for piece in answer.pieces]
        if self.scale is None:
            # Later plans have shorter arcs; measured by those, rounds would cool faster than one search does.
            self.scale = sum(answer.scale for answer in answers) / len(answers)
        price = (sum(answer.missing for answer in answers), sum(answer.cost for answer in answers))
        if not state.best or price < (state.missing, state.cost):
            state.best = [piece for answer in answers for piece in answer.best]
            state.missing, state.cost = price

    def _solve_part(
        self,
        worker: int,
        pieces: list[Piece],
        fleet: list[int],
        params: SearchParams,
        until: float,
        rest: list[list[Piece]],
    ) -> Answer:
        """Search one part for its share of what is left until ``until``."""
        run = self.workers.begin(worker)
        now = self.stop.fraction(run.seen())
        weights = [sum(len(piece.tasks) for piece in part) for part in rest]
        end = now + max(0.0, until - now) * weights[0] / sum(weights)
        part = Part(self.problem, pieces, fleet)
        seed = self.seed + run.iterations + worker * SEED_STRIDE
        model = compile_problem(part.problem, params.near)
        share = Slice(self.stop, now, end)
        scale = None if self.scale is None else self.scale / model.scale
        search = solve_model(model, share, run, seed, part.initial, params, None, self.stop, scale)
        state = search.state
        if self.progress is not None and worker == 0:
            self.progress("solve", int(1000 * min(1.0, end)), 1000, f"part of {part.problem.task_count} stops")
        missing, cost = split_cost(model, state)
        best = pieces = part.pieces_of(to_solution(model, state))
        if until <= PRESENT_UNTIL:
            keep_present(state)
            pieces = part.pieces_of(to_solution(model, state))
        self.workers.end(worker, run)
        return Answer(pieces, best, missing, cost, search.scale * model.scale)

    def _used(self) -> float:
        return self.workers.used(self.stop)
