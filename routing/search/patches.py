"""Anneals one neighbourhood of routes after another, each until it is cold, and keeps what got cheaper.

An annealing ends a little above the best there is, in each patch by other chances, so the best of several whole
plans is seldom the best in every patch. Annealed one by one, each patch keeps the best of its own. Vehicles may be
overloaded for a price meanwhile, so that few full ones do not keep a patch as it is. A small plan is one patch.

Source: improving parts of a plan by themselves as in POPMUSIC, Taillard and Voss (2002); what improves them is ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from routing.costs import route_cost
from routing.problem import HORIZON_S, Problem
from routing.search.annealing import Annealing
from routing.search.answers import split_cost, to_solution
from routing.search.closings import Closings, least_vehicles
from routing.search.first import loaded
from routing.search.kernels import arrays as a
from routing.search.model import Model, compile_problem, is_plain
from routing.search.pieces import Part, Piece, pieces_of_plan, plan_of, share_vehicles, views
from routing.search.rules import has_trips, needs_walk
from routing.search.running import SEED_STRIDE, Progress, RunState, SearchParams
from routing.search.sightings import RouteWatch, Sighting, Sightings
from routing.search.slices import Slice, within
from routing.search.starts import FAILURES, ITERATIONS, Plan, Starts, plan_anew
from routing.search.state import best_orders
from routing.search.workers import Workers
from routing.solution import Result
from routing.stop import SearchState, StopRule

SIZE, ROUTES = 150, 5
"""Tasks a patch has about, and routes of mean length it has room for at least."""
PER_TASK = 2_000
"""Iterations for each task of a patch."""
HEAT = 0.2
"""Temperature at which a patch begins, in mean arcs; hot enough to forget much of what it was."""
FIRST = 10_000
"""Iterations for each task that the first plan takes, if patches are to follow it,"""
FIRST_OF_CHOICE = 3_000
"""the same where tasks may be left out: which routes there are is then decided early,"""
FIRST_OF_MANY, MANY = 5_000, 40
"""and with hours and loads for more vehicles than this: a first plan has routes too many, for patches to close,"""
LEAST_FIRST, MOST_FIRST = 0.2, 0.6
"""and the shares of the budget this must be: a longer first plan leaves too little for patches to be worth it."""
OF_EACH = 0.7
"""Part of these iterations that are enough for each thread if each makes a first plan and the best of them counts."""
ITERATIONS_PER_S = 450_000, 150_000, 25_000
"""What a thread does about, to tell what a time limit is worth: plain problems, others, those walked along."""
LOOKS = 8
"""Tasks drawn for the middle of a patch, of which the one least often annealed is taken."""


def first_share(problem: Problem, stop: StopRule, threads: int = 1, each: bool = False) -> float:
    """Return the share of a budget for the first plan: all of it, unless there is time for patches.

    Half a patch is too little to need any: several annealings find the best plan there.

    Parameters
    ----------
    threads
        How many threads share the work of one first plan.
    each
        Whether every thread makes a first plan of its own, the best of which counts.
    """
    if problem.task_count <= SIZE // 2:
        return 1.0
    plain, usual, walked = ITERATIONS_PER_S
    pace = walked if needs_walk(problem) else plain if is_plain(problem) else usual
    now = SearchState(0.0, 0.0, 0, 0)
    budget = min(stop.iterations_left(now), stop.seconds_left(now) * pace) * threads
    wanted = (OF_EACH if each else 1.0) * _first(problem) * problem.task_count
    share = max(LEAST_FIRST, wanted / budget)
    return share if share <= MOST_FIRST else 1.0


def _first(problem: Problem) -> int:
    """Return the iterations for each task that the first plan takes."""
    if not all(task.required for task in problem.tasks):
        return FIRST_OF_CHOICE
    timed = any(task.windows != ((0, HORIZON_S),) for task in problem.tasks)
    many = len(problem.vehicle_types) == 1 and least_vehicles(problem) > MANY
    return FIRST_OF_MANY if timed and many else FIRST


Done = TypeVar("Done")


class Patch(NamedTuple):
    """A neighbourhood of routes: what it is made of in the whole plan, what it begins with, and its vehicles."""

    pieces: list[Piece]
    begins: list[Piece]
    fleet: list[int]
    closing: bool
    """Whether one route less than before is to do."""

    @property
    def size(self) -> int:
        """Count its tasks."""
        return sum(len(piece.tasks) for piece in self.pieces)


class Found(NamedTuple):
    """What came of a patch: its best plan, and the routes that were seen on the way."""

    pieces: list[Piece]
    part: Part
    routes: Iterable[Sighting]


class Patches:
    """A plan that is improved patch by patch until a budget is used."""

    def __init__(
        self,
        problem: Problem,
        first: Result,
        stop: StopRule,
        workers: Workers,
        progress: Progress | None,
        params: SearchParams,
    ) -> None:
        self.problem, self.first, self.stop = problem, first, stop
        self.workers, self.progress = workers, progress
        self.hot, self.params = params, replace(params, start_heat=min(params.start_heat, HEAT))
        self.pieces = pieces_of_plan(problem, first.solution)
        self.missing, self.cost = first.missing, first.cost
        self.history = list(first.history)
        self.draw = np.random.default_rng(first.seed % (1 << 63))
        self.points = views(problem)[[task.location for task in problem.tasks]]
        self.turns = np.zeros(problem.task_count, dtype=np.int64)
        self.tried = self.better = self.seeded = 0
        self.seen, self.separable = Sightings(), not has_trips(problem)
        routes = [len(piece.tasks) for piece in self.pieces if piece.route is not None]
        self.size = max(SIZE, ROUTES * round(sum(routes) / max(1, len(routes))))
        self.closings = Closings(problem, self.size)
        self.starts, self.in_one = Starts(), problem.task_count <= self.size

    def run(self) -> Result:
        """Anneal patches until the budget is used, several at a time with threads."""
        with ThreadPoolExecutor(len(self.workers)) as pool:
            while (used := self._used()) < 1.0:
                improved_at = [own.best_at for own in self.workers.states]
                if self.in_one and self.starts.stale:
                    self._give_up(pool, used)
                else:
                    self._improve(pool, used)
                self._forget_improvements(improved_at)
                self._tell("solve", int(1000 * min(1.0, self._used())), 1000)
        return self._result()

    def _improve(self, pool: ThreadPoolExecutor, used: float) -> None:
        """Let every worker anneal a patch of its own, or all the whole plan if it is one; keep what got cheaper."""
        patches, rest = self._choose()
        until = used + self._share(max(patch.size for patch in patches), used)
        if self.in_one:
            patches = patches * len(self.workers)
        seeds = self._seeds(len(patches))
        found = self._at_once(pool, lambda i: self._anneal(i, patches[i], seeds[i], until), len(patches))
        for new in found:
            self.seen.add(new.part, new.routes)
        if self.in_one:
            patches, found = patches[:1], [min(found, key=lambda new: price(self.problem, new.pieces))]
        self.pieces = rest
        for patch, new in zip(patches, found, strict=True):
            better = self._keep_cheaper(patch.pieces, new.pieces)
            self.starts.note(better)
            if patch.closing:
                self.closings.note(patch.size, better)

    def _at_once(self, pool: ThreadPoolExecutor, work: Callable[[int], Done], count: int) -> list[Done]:
        """Let so many workers do their work, each told its number, and return what each has done."""
        self.workers.charge()
        if count > 1:
            return list(pool.map(work, range(count)))
        done = work(0)
        self.workers.forgive()
        return [done]

    def _seeds(self, count: int) -> list[int]:
        """Return seeds that no patch and no start had before."""
        self.seeded += count
        return [self.first.seed + number * SEED_STRIDE for number in range(self.seeded - count + 1, self.seeded + 1)]

    def _give_up(self, pool: ThreadPoolExecutor, used: float) -> None:
        """Begin anew if the budget is enough for another plan and its patches, or else return to the best plan."""
        self.starts.give_up(self._plan())
        iterations = ITERATIONS * self.problem.task_count
        patches = FAILURES * PER_TASK * self.problem.task_count
        if self._worth(iterations + patches, used) > 1.0 - used:
            self._go_on_from(self.starts.best(self._plan()))
            return
        self.starts.count += len(self.workers)
        tasks = [task for piece in self.pieces for task in piece.tasks]
        until, seeds = used + self._worth(iterations, used), self._seeds(len(self.workers))
        found = self._at_once(pool, lambda i: self._start(i, tasks, seeds[i], until), len(self.workers))
        self._go_on_from(min(found, key=lambda plan: plan.price))
        self._record()

    def _start(self, worker: int, tasks: list[int], seed: int, until: float) -> Plan:
        """Make a plan from nothing until that fraction of the budget is used."""
        run = self.workers.begin(worker)
        now = self.stop.fraction(run.seen())
        listener = within(self._tell, now, min(1.0, until)) if worker == 0 else None
        pieces = plan_anew(self.problem, tasks, Slice(self.stop, now, until), run, seed, self.hot, listener)
        self.workers.end(worker, run)
        return Plan(pieces, *price(self.problem, pieces))

    def _plan(self) -> Plan:
        return Plan(self.pieces, self.missing, self.cost)

    def _go_on_from(self, plan: Plan) -> None:
        """Make a plan the present one."""
        self.pieces, self.missing, self.cost = plan

    def _record(self) -> None:
        """Note the present plan's price if no plan before was cheaper."""
        if self.starts.best(self._plan()) is not self.starts.kept:
            elapsed_s = round(time.perf_counter() - self.workers.began_s, 4)
            self.history.append((elapsed_s, self.workers.iterations, self.missing, self.cost))

    def _forget_improvements(self, improved_at: list[int]) -> None:
        """Let rules that wait for improvement see none where the best plan has not become better."""
        if self.starts.best(self._plan()) is self.starts.kept:
            for own, at in zip(self.workers.states, improved_at, strict=True):
                own.best_at = at

    def _choose(self) -> tuple[list[Patch], list[Piece]]:
        """Choose a patch for each worker, as long as there are pieces, and return them and the rest."""
        chosen: list[list[Piece]] = []
        rest, closing = self.pieces, False
        for _ in self.workers.states:
            tasks = np.array([task for piece in rest for task in piece.tasks])
            if tasks.size == 0 or (chosen and tasks.size < self.size // 2):
                break
            drawn = self.draw.choice(tasks, LOOKS)
            numbers: set[int] = set()
            if not chosen and not self.missing and self.closings.due(self.workers.iterations / PER_TASK):
                orders = [by_nearness(rest, self.points, int(middle)) for middle in drawn]
                numbers = self.closings.choose(rest, orders)
                closing = bool(numbers)
            if not numbers:
                numbers = near_pieces(rest, self.points, int(drawn[self.turns[drawn].argmin()]), self.size)
            chosen.append([rest[i] for i in numbers])
            rest = [piece for i, piece in enumerate(rest) if i not in numbers]
            for piece in chosen[-1]:
                self.turns[list(piece.tasks)] += 1
        fleets = share_vehicles(self.problem, chosen, rest)
        patches = [Patch(pieces, pieces, fleet, False) for pieces, fleet in zip(chosen, fleets, strict=True)]
        if closing:
            patches[0] = Patch(chosen[0], *self.closings.without_one(chosen[0]), True)
        return patches, rest

    def _share(self, tasks: int, used: float) -> float:
        """Return the fraction of the budget a patch of so many tasks gets, by what iterations have taken so far."""
        share = self._worth(PER_TASK * tasks, used)
        left = 1.0 - used
        return left if left < 1.5 * share else share

    def _worth(self, iterations: int, used: float) -> float:
        """Return the fraction of the budget that so many iterations take, by what they have taken so far."""
        return iterations * max(used, 1e-6) / max(1, *(own.iterations for own in self.workers.states))

    def _anneal(self, worker: int, patch: Patch, seed: int, until: float) -> Found:
        """Anneal a patch's plan until that fraction of the budget is used; return the best plan found for it."""
        run = self.workers.begin(worker)
        part = Part(self.problem, patch.begins, patch.fleet)
        model = compile_problem(part.problem, self.params.near, of_patch=True)
        now = self.stop.fraction(run.seen())
        listener = within(self._tell, now, min(1.0, until)) if worker == 0 else None
        search = Annealing(model, Slice(self.stop, now, until), run, seed, self.params, listener)
        search.begin(part.initial, self.stop)
        search.let_overload(patch.closing)
        search.watch = watch = RouteWatch(model) if self.separable else None
        if watch is not None:
            watch.look(search.state)
        search.go_on(1.0)
        state = search.state
        if watch is not None:
            state = self._recombined(part, model, state, watch, run)
        found = part.pieces_of(to_solution(model, state))
        self.workers.end(worker, run)
        return Found(found, part, watch.routes() if watch is not None else ())

    def _recombined(self, part: Part, model: Model, state: a.State, watch: RouteWatch, run: RunState) -> a.State:
        """Return the best plan that can be put together from what was seen, in this patch and before."""
        from routing.search.recombine import recombine  # loads scipy's solvers, for which small problems need not wait

        missing, cost = split_cost(model, state)
        if missing or not cost or self.stop.fraction(run.seen()) >= 1.0:
            return state
        best = loaded(model, best_orders(state), 0)
        watch.look(best)
        routes = [*self.seen.within(part), *watch.routes()]
        orders = recombine(model, routes, cost, self.stop.seconds_left(run.seen()))
        return best if orders is None else loaded(model, orders, 0)

    def _tell(self, stage: str, done: int, total: int | None = None, note: str = "") -> None:
        """Tell the listener how far the whole is, with the price of the whole plan."""
        if self.progress is not None:
            self.progress(stage, done, total, f"cost {self.starts.best(self._plan()).cost}")

    def _keep_cheaper(self, old: list[Piece], new: list[Piece]) -> bool:
        """Put the better of two plans of a patch into the whole plan, and tell whether it is the new one."""
        self.tried += 1
        before, after = price(self.problem, old), price(self.problem, new)
        if after >= before:
            self.pieces = self.pieces + old
            return False
        self.better += 1
        self.pieces = self.pieces + new
        self.missing += after[0] - before[0]
        self.cost += after[1] - before[1]
        self._record()
        return True

    def _used(self) -> float:
        """Return the used fraction of the budget."""
        self.workers.charge()
        return self.workers.used(self.stop)

    def _result(self) -> Result:
        best = self.starts.best(self._plan())
        return replace(
            self.first,
            solution=plan_of(best.pieces),
            cost=best.cost,
            missing=best.missing,
            iterations=self.workers.iterations,
            runtime_s=time.perf_counter() - self.workers.began_s,
            history=tuple(self.history),
            stats={
                **self.first.stats,
                "patches": self.tried,
                "patches_better": self.better,
                "starts": self.starts.count,
                "closings": self.closings.tried,
                "routes_closed": self.closings.closed,
            },
        )


def by_nearness(pieces: Sequence[Piece], points: NDArray[np.float64], middle: int) -> NDArray[np.int64]:
    """Order the routes, and tasks without one, by how near they come to a task.

    How near a route comes is the mean over the third of its tasks that are nearest: long routes from one depot
    all have their middle beside it.
    """
    away = np.square(points - points[middle]).sum(axis=1)
    nearness = []
    for piece in pieces:
        near = np.sort(away[list(piece.tasks)])
        nearness.append(float(near[: max(1, near.size // 3)].mean()))
    return np.argsort(nearness, kind="stable")


def near_pieces(pieces: Sequence[Piece], points: NDArray[np.float64], middle: int, size: int) -> set[int]:
    """Choose the routes, and tasks without one, that come nearest to a task, until there are ``size`` tasks."""
    order = by_nearness(pieces, points, middle)
    reached = np.cumsum([len(pieces[i].tasks) for i in order])
    return {int(i) for i in order[: int(np.searchsorted(reached, size)) + 1]}


def price(problem: Problem, pieces: Sequence[Piece]) -> tuple[int, int]:
    """Return (required tasks missing, cost) of some routes and of the tasks without one."""
    left = [task for piece in pieces if piece.route is None for task in piece.tasks]
    cost = sum(route_cost(problem, piece.route) for piece in pieces if piece.route is not None)
    return len(problem.required_missing(left)), cost + problem.left_out_cost(left)
