"""Plan both echelons together: routes, depots and trunk runs are chosen against each other's real costs.

The search is a matheuristic of three parts that take turns:

1. **Prices.** The second echelon is one multi-depot routing problem in which serving a stop from a depot also costs
   that depot's trunk price, so villages move between depots by real route costs. Prices are shaken and depots closed
   and opened again, as the trunk really costs by the run and not by the parcel.
2. **Runs.** For the freight each depot then has, trunk runs are chosen exactly (split deliveries included), sorting
   is simulated, and routes are searched again with the releases that follow.
3. **Recombination.** Every route ever found is kept; a mixed-integer model chooses among all of them and all trunk
   tours at once, which is the whole problem over the routes known.

Sources: the set-partitioning formulation of Baldacci, Mingozzi, Roberti and Wolfler Calvo (2013, "An exact algorithm
for the two-echelon capacitated vehicle routing problem"); closing and opening depots as in Hemmelmayr, Cordeau and
Crainic (2012, "An adaptive large neighborhood search heuristic for two-echelon vehicle routing problems").
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.echelons.errors import CutOffError, EchelonCapacityError, EchelonModelError
from dispatch.echelons.freight import DepotClock, depot_clock, loads_by_depot, share_freight, sorting_s
from dispatch.echelons.plan import Carriage, CourierRoute, TwoEchelonPlan
from dispatch.echelons.problem import TwoEchelonProblem
from dispatch.echelons.recombine import RoutePoolState, recombine
from dispatch.echelons.second import Frame, SecondEchelon, route_second, untimed_frame, vehicles_suffice
from dispatch.echelons.trunks import ChosenRun, TourBookState, as_run, choose_runs, trunk_cost
from kernel.money import Fen, format_yuan
from kernel.progress import Progress, silent
from routing.problem import HORIZON_S, to_fen

SHARED_RUN: Final = 0.7
"""First guess of a depot's part of a round trip of its own: a tour over several depots is shared."""
_WORSE: Final = 0.03
"""How much worse than the best plan the search may go on from, at its begin."""
_LOAD_MARGIN: Final = (1.0, 1.03, 1.1)
_BAD: Final = 1 << 60


@dataclass(frozen=True)
class Effort:
    """How hard to search; equal efforts and seeds give equal plans.

    Attributes
    ----------
    rounds
        How often prices and depots are changed.
    iterations
        Of the routing search, in each round.
    recombine_every
        Rounds between two recombinations; one always ends the search.
    stop
        Asked between rounds; True ends the search with the best plan so far.
    """

    rounds: int = 40
    iterations: int = 4_000
    recombine_every: int = 10
    stop: Callable[[], bool] = field(default=lambda: False, compare=False)


@dataclass(frozen=True)
class _Candidate:
    plan: TwoEchelonPlan
    value: int  # cost, and far beyond it each required task left out


def solve_two_echelon(
    problem: TwoEchelonProblem, effort: Effort | None = None, seed: int = 1, progress: Progress = silent
) -> TwoEchelonPlan:
    """Plan both echelons together.

    Raises
    ------
    EchelonCapacityError, DepotUnreachableError, CutOffError
        If there is no plan for what is asked; names what is short.
    """
    return _SearchState(problem, effort or Effort(), seed, progress).run()


def solve_separately(
    problem: TwoEchelonProblem, effort: Effort | None = None, seed: int = 1, *, nearest: bool = True
) -> TwoEchelonPlan:
    """Plan the second echelon as if the first cost nothing, then the first for what comes out: the baseline.

    Parameters
    ----------
    nearest
        True binds every task to its nearest depot, as a county does that divides its villages by township; False
        lets the routing search choose among all depots.
    """
    search = _SearchState(problem, effort or Effort(), seed, silent)
    return search.separately(nearest)


class _SearchState:
    """One search: the best plan, the present one, the routes known."""

    def __init__(self, problem: TwoEchelonProblem, effort: Effort, seed: int, progress: Progress) -> None:
        self.problem, self.effort, self.seed, self.progress = problem, effort, seed, progress
        self.draw = random.Random(seed)  # noqa: S311 - a search, not a secret
        self.book = TourBookState(problem)
        self.pool = RoutePoolState()
        self.factor = np.full(len(problem.depots), SHARED_RUN)
        self.unit = _unit_prices(problem, self.book)
        self.clock = _first_clock(problem, self.book)
        self.best: _Candidate | None = None
        _check_capacity(problem)

    def run(self) -> TwoEchelonPlan:
        everything = tuple(range(len(self.problem.depots)))
        present = self._try(everything, (), 3 * self.effort.iterations)
        open_depots = everything
        direct = tuple(depot for depot in everything if self.problem.depots[depot].direct)
        if direct and len(direct) < len(everything):
            present = _better(present, self._try(direct, (), 3 * self.effort.iterations))
        for number in range(self.effort.rounds):
            self._tell(number)
            if self.effort.stop():
                break
            if number % self.effort.recombine_every == self.effort.recombine_every - 1:
                present = self._recombined() or present
            wanted = self._shaken(present, open_depots)
            start = present.plan.routes if present is not None else ()
            found = self._try(wanted, start, self.effort.iterations)
            if found is not None and self._acceptable(found, number):
                present, open_depots = found, wanted
            elif self.best is not None:
                present, open_depots = self.best, _used(self.best.plan) or everything
                self.factor[:] = SHARED_RUN
        self._recombined()
        self._tell(self.effort.rounds)
        if self.best is None:
            raise EchelonCapacityError("no plan serves the day with these depots, trunk runs and vehicles")
        return self.best.plan

    def separately(self, nearest: bool) -> TwoEchelonPlan:
        problem = self.problem
        prices = np.zeros((len(problem.depots), len(problem.tasks)), dtype=np.int64)
        frame = self._estimated_frame(prices, range(len(problem.depots)))
        if nearest:
            frame = replace(frame, bound=nearest_depots(problem))
        second = route_second(problem, frame, 3 * self.effort.iterations, self.seed)
        made = self._complete(second.routes, self.effort.iterations)
        if made is None:
            raise EchelonCapacityError("planned separately, the trunk runs do not carry what the routes need")
        return made.plan

    def _tell(self, number: int) -> None:
        note = "" if self.best is None else f"{format_yuan(Fen(to_fen(self.best.plan.cost)))} yuan"
        self.progress("echelons", number, self.effort.rounds, note)

    def _acceptable(self, found: _Candidate, number: int) -> bool:
        assert self.best is not None
        worse = _WORSE * (1 - number / max(1, self.effort.rounds))
        return found.value <= self.best.value * (1 + worse)

    def _shaken(self, present: _Candidate | None, open_depots: Sequence[int]) -> tuple[int, ...]:
        """Change prices and perhaps a depot."""
        every = range(len(self.problem.depots))
        self.factor = np.array([SHARED_RUN * self.draw.choice((0.3, 0.7, 1.0, 1.3, 1.8)) for _ in every])
        used = _used(present.plan) if present is not None else tuple(open_depots)
        closed = [depot for depot in every if depot not in used]
        chance = self.draw.random()
        wanted = set(used)
        if chance < 0.35 and len(used) > 1:
            wanted.discard(self.draw.choice(used))
        if closed and (chance > 0.65 or 0.2 < chance < 0.35):
            wanted.add(self.draw.choice(closed))
        if chance > 0.9:
            wanted = set(every)
        return tuple(sorted(wanted))

    def _try(self, open_depots: Sequence[int], start: Sequence[CourierRoute], iterations: int) -> _Candidate | None:
        """Search the second echelon at the present prices and complete it."""
        prices = (self.unit * self.factor[:, None]).astype(np.int64) + _handling(self.problem)
        frame = self._estimated_frame(prices, open_depots)
        second = route_second(self.problem, frame, iterations, self.draw.randrange(1 << 31), start)
        return self._complete(second.routes, iterations)

    def _estimated_frame(self, prices: NDArray[np.int64], open_depots: Sequence[int]) -> Frame:
        frame = untimed_frame(self.problem, prices, tuple(open_depots))
        if not self.problem.is_timed:
            return frame
        return replace(frame, ready_s=self.clock.release_s, close_s=self.clock.close_s)

    def _complete(self, routes: Sequence[CourierRoute], iterations: int) -> _Candidate | None:
        """Choose runs for some routes, search the routes again within the times that follow, and keep the best."""
        for margin in _LOAD_MARGIN:
            try:
                made = self._with_runs(routes, iterations, margin)
            except EchelonCapacityError:
                return None
            if made is not None:
                break
        else:
            return None
        self.pool.add(made.plan.routes)
        if vehicles_suffice(self.problem, made.plan.routes) and (self.best is None or made.value < self.best.value):
            self.best = made
        return made

    def _with_runs(self, routes: Sequence[CourierRoute], iterations: int, margin: float) -> _Candidate | None:
        problem = self.problem
        outward, back = loads_by_depot(problem, routes)
        _check_depot_capacity(problem, outward)
        chosen = choose_runs(self.book, _more(outward, margin), _more(back, margin))
        carriages = share_freight(problem, chosen, routes)
        if carriages is None:
            return None
        if not problem.is_timed:
            return self._candidate(chosen, carriages, SecondEchelon(tuple(routes), _missing(problem, routes)))
        clock = depot_clock(problem, chosen, carriages, routes)
        bound = {task: route.depot for route in routes for task in route.tasks}
        nothing = np.zeros((len(problem.depots), len(problem.tasks)), dtype=np.int64)
        frame = untimed_frame(problem, nothing, sorted({route.depot for route in routes}))
        left_before = set(_missing(problem, routes))
        frame = replace(
            frame, close_s=clock.close_s, release_s=clock.release_s, bound=bound | dict.fromkeys(left_before, -1)
        )
        second = route_second(problem, frame, iterations, self.draw.randrange(1 << 31), routes)
        left = set(second.unassigned)
        return self._candidate(chosen, [one for one in carriages if one.task not in left], second)

    def _candidate(
        self, chosen: Sequence[ChosenRun], carriages: Sequence[Carriage], second: SecondEchelon
    ) -> _Candidate:
        problem = self.problem
        carrying = sorted({one.run for one in carriages})
        number = {run: index for index, run in enumerate(carrying)}
        runs = tuple(as_run(problem, chosen[run]) for run in carrying)
        tasks = problem.tasks
        plan = TwoEchelonPlan(
            runs=runs,
            carriages=tuple(replace(one, run=number[one.run]) for one in carriages),
            routes=tuple(sorted(second.routes, key=lambda route: (route.depot, route.start_s, route.tasks))),
            unassigned=second.unassigned,
            trunk_cost=trunk_cost(problem, runs),
            route_cost=sum(route.cost for route in second.routes),
            depot_cost=depot_cost(problem, second.routes),
            left_out_cost=sum(tasks[task].prize for task in second.unassigned if not tasks[task].required),
            seed=self.seed,
        )
        missing = sum(tasks[task].required for task in second.unassigned)
        return _Candidate(plan, plan.cost + missing * _BAD)

    def _recombined(self) -> _Candidate | None:
        """Choose the best set of routes and runs among all known, and complete it."""
        routes = recombine(self.problem, self.book, self.pool)
        return None if routes is None else self._complete(routes, self.effort.iterations)


def _better(one: _Candidate | None, other: _Candidate | None) -> _Candidate | None:
    found = [candidate for candidate in (one, other) if candidate is not None]
    return min(found, key=lambda candidate: candidate.value, default=None)


def depot_cost(problem: TwoEchelonProblem, routes: Sequence[CourierRoute]) -> int:
    """Return what using depots costs: opening once, and each unit that passes."""
    total = sum(problem.depots[depot].open_cost for depot in {route.depot for route in routes})
    handling = _handling(problem)
    return total + sum(int(handling[route.depot, list(route.tasks)].sum()) for route in routes)


def nearest_depots(problem: TwoEchelonProblem) -> dict[int, int]:
    """Bind every task to the depot from which it is nearest by the first courier kind's roads."""
    profile = problem.profiles[problem.couriers[0].profile]
    way = profile.distance_m[[one.location for one in problem.depots]][:, [task.location for task in problem.tasks]]
    return {task: int(depot) for task, depot in enumerate(way.argmin(axis=0))}


def _used(plan: TwoEchelonPlan) -> tuple[int, ...]:
    return tuple(sorted({route.depot for route in plan.routes}))


def _missing(problem: TwoEchelonProblem, routes: Sequence[CourierRoute]) -> tuple[int, ...]:
    placed = {task for route in routes for task in route.tasks}
    return tuple(task for task in range(len(problem.tasks)) if task not in placed)


def _more(load: NDArray[np.int64], margin: float) -> NDArray[np.int64]:
    return np.ceil(load * margin).astype(np.int64) if margin > 1 else load


def _handling(problem: TwoEchelonProblem) -> NDArray[np.int64]:
    """Return the price of handling each task at each depot, shape (depots, tasks)."""
    units = (problem.deliveries + problem.pickups)[:, -1]
    return np.array([[one.unit_cost] for one in problem.depots], dtype=np.int64) * units[None, :]


def _unit_prices(problem: TwoEchelonProblem, book: TourBookState) -> NDArray[np.float64]:
    """Return each task's part of a trunk vehicle to each depot, shape (depots, tasks), in cost units."""
    rooms = [trunk.capacity for trunk in problem.trunks] or [run.capacity for run in problem.timetable]
    if not rooms:
        return np.zeros((len(problem.depots), len(problem.tasks)))
    room = np.array(rooms, dtype=np.float64).max(axis=0)
    load = np.maximum(problem.deliveries, problem.pickups) / np.maximum(room, 1)
    trips = np.array([book.round_trip_cost(depot) for depot in range(len(problem.depots))], dtype=np.float64)
    return np.asarray(trips[:, None] * load.max(axis=1, initial=0.0)[None, :], dtype=np.float64)


def _first_clock(problem: TwoEchelonProblem, book: TourBookState) -> DepotClock:
    """Guess when depots are ready and close, before any run is chosen: a run of its own, an equal part to sort."""
    depots = range(len(problem.depots))
    part = int(problem.deliveries[:, -1].sum()) // len(problem.depots) if problem.tasks else 0
    ready, close = [0] * len(problem.depots), [HORIZON_S] * len(problem.depots)
    for depot in depots:
        one = problem.depots[depot]
        if one.direct:
            ready[depot] = problem.centre_ready_s
            continue
        calls = [tour.calls_s[0] for tour in book.tours("out", [depot])]
        ready[depot] = min(calls, default=0) + one.unload_s + sorting_s(part, one.sorted_per_hour)
        if problem.has_collections and problem.back_by_s is not None:
            leaves = [tour.calls_s[0] for tour in book.tours("back", [depot])]
            if not leaves:
                raise CutOffError(f"depot {one.id}: no run gets back by {problem.back_by_s} s", depot=one.id)
            close[depot] = max(leaves)
    return DepotClock(tuple(ready), tuple(close))


def _check_capacity(problem: TwoEchelonProblem) -> None:
    """Refuse what no fleet of couriers could carry, task by task.

    Raises
    ------
    EchelonCapacityError
        Naming the task and the dimension.
    """
    if not problem.couriers:
        raise EchelonModelError("a two-echelon problem needs at least one kind of courier vehicle", field="couriers")
    for task in problem.tasks:
        if not task.required:
            continue
        fits = any(
            all(have <= room for have, room in zip(amount, kind.capacity, strict=False))
            for kind in problem.couriers
            for amount in (tuple(max(pair) for pair in zip(task.delivery, task.pickup, strict=True)),)
        )
        if not fits:
            raise EchelonCapacityError(f"task {task.id}: its load exceeds every courier vehicle", task=task.id)


def _check_depot_capacity(problem: TwoEchelonProblem, outward: NDArray[np.int64]) -> None:
    for depot, one in enumerate(problem.depots):
        if one.capacity is not None and (outward[depot] > np.array(one.capacity)).any():
            raise EchelonCapacityError(f"depot {one.id}: more freight than its capacity", depot=one.id)
