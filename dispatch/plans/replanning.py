"""Re-optimise a board under a disturbance budget: first only times, then order, then vehicles.

Each level lets more change than the one before: at ``times`` every stop keeps vehicle and order and what waits is put
where it costs least; at ``sequence`` the order on a vehicle may change; at ``vehicle`` everything that no lock holds.
The looser levels pay the routing problem's prices for differing from the reference, and where the outcome exceeds the
budget the prices are raised and the search repeated. Of the outcomes within the budget that are near the cheapest the
answer is the least disturbing, by the budget's weights, and it is always told what an unrestricted re-plan of the same
routes would have cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, Final, Literal, Protocol

import numpy as np

from dispatch.demand.reasons import ReasonCode
from dispatch.plans.board import Board
from dispatch.plans.difference import Budget, Difference, Disturbance, differ, disturbance_between
from dispatch.plans.edits import best_places, worsened
from dispatch.plans.locks import TIME_TOLERANCE_S, LockLevel
from dispatch.plans.problem import left_out_fen
from dispatch.plans.routes import PlannedRoute
from kernel.progress import Progress, silent
from routing.problem import Disturbance as Reference
from routing.problem import Lock, LockKind, Problem, fen
from routing.solution import Result, Route, Solution, Trip

ReplanLevel = Literal["times", "sequence", "vehicle"]
LEVELS: Final[tuple[ReplanLevel, ...]] = ("times", "sequence", "vehicle")
_PRICE_STEPS: Final = (1, 6, 36)
"""Factors of the disturbance prices, tried in turn while the outcome exceeds the budget."""
NEAR_PERCENT: Final = 2
"""An outcome that costs this much more than the cheapest is as good, if it disturbs less."""
_NEIGHBOURS: Final = 4
"""Routes beside each affected one that take part: enough to take over its stops, few enough to stay undisturbed."""


class Search(Protocol):
    """Something that improves a plan of a routing problem within some seconds."""

    def __call__(
        self, problem: Problem, seconds: float, *, seed: int, threads: int, progress: Progress, initial: Solution
    ) -> Result:
        """Return the best plan found from a first one."""
        ...


@dataclass(frozen=True)
class ReplanOrder:
    """What to re-optimise, and how far it may go.

    Attributes
    ----------
    vehicles
        Affected vehicles; all when None. Their neighbours take part too.
    level
        The loosest level allowed.
    seconds
        Search time in all, the unrestricted re-plan for comparison included.
    """

    vehicles: tuple[str, ...] | None = None
    level: ReplanLevel = "vehicle"
    budget: Budget = field(default_factory=Budget)
    seconds: float = 10.0
    seed: int = 1
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one level came to.

    Attributes
    ----------
    left_out_fen
        Price of the stops on no route, so that leaving out is never a saving.
    exceeded
        Terms of the budget that are exceeded, and by how much.
    """

    level: str
    prices: int
    board: Board
    cost_fen: int
    left_out_fen: int
    disturbance: Disturbance
    exceeded: Mapping[str, int]
    flaws: int

    @property
    def within_budget(self) -> bool:
        """Tell whether it keeps the budget and breaks no rule that was kept."""
        return not self.exceeded and not self.flaws

    @property
    def total_fen(self) -> int:
        """Return its cost with the price of what is left out."""
        return self.cost_fen + self.left_out_fen

    def as_dict(self) -> dict[str, Any]:
        """Return its figures as plain JSON."""
        return {
            "level": self.level,
            "prices": self.prices,
            "cost_fen": self.cost_fen,
            "waiting": len(self.board.waiting),
            "disturbance": self.disturbance.as_dict(),
            "exceeded": dict(self.exceeded),
            "within_budget": self.within_budget,
        }


@dataclass(frozen=True, eq=False)
class Replan:
    """The outcome chosen, what was tried, and what freedom would have brought.

    Attributes
    ----------
    parts
        Groups of vehicles that exchange stops; each can be accepted by itself.
    """

    chosen: Outcome
    tried: tuple[Outcome, ...]
    unrestricted: Outcome
    difference: Difference
    parts: tuple[tuple[str, ...], ...]

    @property
    def gap_percent(self) -> float:
        """Return by how many percent the choice costs more than the unrestricted re-plan, left-out prices counted."""
        free, mine = self.unrestricted.total_fen, self.chosen.total_fen
        return round(100 * (mine - free) / free, 2) if free else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON: figures, differences, and the parts to accept."""
        board = self.chosen.board
        return {
            "chosen": self.chosen.as_dict(),
            "tried": [one.as_dict() for one in self.tried],
            "unrestricted": self.unrestricted.as_dict(),
            "gap_percent": self.gap_percent,
            "difference": self.difference.as_dict(),
            "parts": [
                {
                    "vehicles": list(part),
                    "orders": {vehicle: list(board.lanes[vehicle].keys) for vehicle in part},
                    "starts_s": {
                        vehicle: board.lanes[vehicle].start_s for vehicle in part if board.lanes[vehicle].keys
                    },
                    "routes": [asdict(one) for one in self.difference.routes if one.vehicle_id in part],
                }
                for part in self.parts
            ],
        }


def replan(
    board: Board, reference: Sequence[PlannedRoute], order: ReplanOrder, search: Search, progress: Progress = silent
) -> Replan:
    """Re-optimise a board.

    Parameters
    ----------
    reference
        The routes people know, against which the disturbance is measured.
    """
    task = _Task(board, reference, order, search)
    levels = LEVELS[: LEVELS.index(order.level) + 1]
    searches = max(1, len(levels) - 1) + 1
    progress("replan", 0, searches + 1, "times")
    tried = [task.keep_order()]
    for at, level in enumerate(levels[1:], start=1):
        progress("replan", at, searches + 1, level)
        tried += task.loosen(level, order.seconds / searches)
    progress("replan", searches, searches + 1, "unrestricted")
    free = task.free(order.seconds / searches, min(tried, key=lambda one: one.total_fen))
    if order.level == "vehicle":
        tried.append(free)
    chosen = choose(tried, order.budget)
    progress("replan", searches + 1, searches + 1, "done")
    difference = differ(board.routes, chosen.board.routes, order.budget.tolerance_s)
    return Replan(chosen, tuple(tried), free, difference, _parts(board, chosen.board))


def choose(tried: Sequence[Outcome], budget: Budget) -> Outcome:
    """Choose among the outcomes within the budget: of those near the cheapest the least disturbing.

    Where none keeps the budget, the one that exceeds it least.
    """
    kept = [one for one in tried if one.within_budget]
    if not kept:
        return min(tried, key=lambda one: (one.flaws, sum(one.exceeded.values()), one.total_fen))
    cheapest = min(one.total_fen for one in kept)
    near = [one for one in kept if 100 * one.total_fen <= (100 + NEAR_PERCENT) * cheapest]
    return min(near, key=lambda one: (budget.price_fen(one.disturbance), one.total_fen))


class _Task:
    """One re-optimisation: its vehicles, its stops, and how outcomes are measured."""

    def __init__(self, board: Board, reference: Sequence[PlannedRoute], order: ReplanOrder, search: Search) -> None:
        self.board, self.reference, self.order, self.search = board, reference, order, search
        wanted = [
            key
            for key in board.waiting
            if key in board.scene.task_of and board.reasons[key].code is not ReasonCode.TAKEN_OFF
        ]
        self.waiting = wanted
        self.vans = _taking_part(board, order.vehicles, wanted)
        names = [board.scene.vans[index].id for index in self.vans]
        self.keys = [key for name in names for key in board.lanes[name].keys] + wanted
        self.number = {name: number for number, name in enumerate(names)}
        windows = {
            key: max(stop.windows, key=lambda window: window[1] - window[0])
            for key in self.keys
            if len((stop := board.stop(key)).windows) > 1
        }
        fixed = {
            key: (max(0, lock.start_s - TIME_TOLERANCE_S), lock.start_s + TIME_TOLERANCE_S)
            for key, lock in board.locks.stops.items()
            if lock.level is LockLevel.FIXED
        }
        self.problem = board.scene.problem_of(self.vans, self.keys, windows={**windows, **fixed})
        self.first = self._solution(board)

    # -- levels -------------------------------------------------------------------------------------------

    def keep_order(self) -> Outcome:
        """Let every stop keep vehicle and order; put what waits where it costs least, dearest first."""
        orders = {name: self.board.lanes[name].keys for name in self.number}
        board = self.board.with_orders(orders)
        for key in sorted(self.waiting, key=lambda one: (-left_out_fen(self.board.stop(one)), one)):
            found = best_places(board, key, 1)
            if found:
                name = board.scene.vans[found[0].vehicle].id
                changed = list(board.lanes[name].keys)
                changed.insert(found[0].position, key)
                board = board.with_orders({name: changed})
        return self._outcome("times", 0, board)

    def loosen(self, level: ReplanLevel, seconds: float) -> list[Outcome]:
        """Search at one level, dearer each time the budget is exceeded."""
        found: list[Outcome] = []
        for prices in _PRICE_STEPS:
            share = seconds / len(_PRICE_STEPS)
            locks = self._locks(keep_vehicle=level == "sequence")
            problem = replace(self.problem, locks=locks, disturbance=self._reference(prices))
            found.append(self._outcome(level, prices, self._board(self._search(problem, share, self.first))))
            if found[-1].within_budget:
                break
        return found

    def free(self, seconds: float, best: Outcome) -> Outcome:
        """Search without budget and prices; locks and facts hold all the same."""
        locks = self._locks(keep_vehicle=False)
        problem = replace(self.problem, locks=locks)
        begun = self._board(self._search(problem, seconds / 2, self.first))
        again = self._board(self._search(problem, seconds / 2, self._solution(best.board)))
        outcomes = [self._outcome("unrestricted", 0, one) for one in (begun, again)]
        return min(outcomes, key=lambda one: (one.flaws, one.total_fen))

    # -- between boards and problems ----------------------------------------------------------------------

    def _search(self, problem: Problem, seconds: float, initial: Solution) -> Solution:
        order = self.order
        found = self.search(problem, seconds, seed=order.seed, threads=order.threads, progress=silent, initial=initial)
        return found.solution

    def _solution(self, board: Board) -> Solution:
        task_of = {key: task for task, key in enumerate(self.keys)}
        routes = []
        for name, number in self.number.items():
            lane = board.lanes[name]
            tasks = tuple(task_of[key] for key in lane.keys if key in task_of)
            if tasks:
                start_depot = self.problem.vehicle_types[number].start_depot
                routes.append(Route(number, (Trip(tasks, start_depot),), lane.start_s))
        placed = {task for route in routes for task in route.tasks}
        return Solution(tuple(routes), tuple(task for task in range(len(self.keys)) if task not in placed))

    def _board(self, solution: Solution) -> Board:
        """Return the board a solution stands for."""
        routes = {route.vehicle: route for route in solution.routes}
        orders = {
            name: [self.keys[task] for task in routes[number].tasks] if number in routes else []
            for name, number in self.number.items()
        }
        starts_s = {name: routes[number].start_s for name, number in self.number.items() if number in routes}
        return self.board.with_orders(orders, starts_s=starts_s)

    def _outcome(self, level: str, prices: int, board: Board) -> Outcome:
        disturbance = disturbance_between(self.reference, board.routes, self.order.budget.tolerance_s)
        return Outcome(
            level=level,
            prices=prices,
            board=board,
            cost_fen=board.cost_fen,
            left_out_fen=sum(left_out_fen(board.stop(key)) for key in self.keys if key not in board.place_of),
            disturbance=disturbance,
            exceeded=self.order.budget.exceeded(disturbance),
            flaws=len(worsened(self.board, board)),
        )

    def _reference(self, prices: int) -> Reference:
        """Price what differs from the reference; stops of other vehicles or none cost nothing to place."""
        weights = self.order.budget.weights_fen
        known = {
            one.stop.key: (route.vehicle_id, None if place == 0 else route.stops[place - 1].stop.key, one.start_s)
            for route in self.reference
            for place, one in enumerate(route.stops)
        }
        size = len(self.keys)
        vehicle, before = np.full(size, -1, np.int32), np.full(size, -1, np.int32)
        start = np.zeros(size, np.int64)
        task_of = {key: task for task, key in enumerate(self.keys)}
        for key, task in task_of.items():
            name, previous, start_s = known.get(key, (None, None, 0))
            if name is None or name not in self.number:
                continue
            vehicle[task] = self.number[name]
            before[task] = task_of.get(previous, -1) if previous is not None else -1
            start[task] = start_s
        parcels = sum(len(self.board.stop(key).parcel_ids) for key in self.keys)
        per_stop = max(1, parcels // max(1, size))
        tolerance_s = max(1, self.order.budget.tolerance_s)
        return Reference(
            vehicle,
            before,
            start,
            vehicle_price=fen(prices * weights.get("moved_vehicle", 0) * per_stop),
            order_price=fen(prices * weights.get("moved_order", 0)),
            start_price_per_s=fen(prices * weights.get("eta_shift", 0)) // tolerance_s,
        )

    def _locks(self, *, keep_vehicle: bool) -> tuple[Lock, ...]:
        """Write the board's locks, and those of the level, as the routing problem knows them."""
        task_of = {key: task for task, key in enumerate(self.keys)}
        held = self.board.locks
        found: list[Lock] = []
        for name, number in self.number.items():
            keys = self.board.lanes[name].keys
            mine = [key for key in keys if (lock := held.stops.get(key)) is not None and lock.vehicle_id == name]
            ordered = [key for key in mine if held.stops[key].level.rank >= LockLevel.SEQUENCE.rank]
            if name in held.closed or _blocked(ordered, keys):
                found.append(Lock(LockKind.ROUTE, number, tuple(task_of[key] for key in keys)))
                continue
            kept = list(keys) if keep_vehicle else mine
            if kept:
                found.append(Lock(LockKind.VEHICLE, number, tuple(task_of[key] for key in kept)))
            if len(ordered) > 1:
                found.append(Lock(LockKind.ORDER, number, tuple(task_of[key] for key in ordered)))
        return tuple(found)


def _blocked(ordered: Sequence[str], keys: Sequence[str]) -> bool:
    """Tell whether two stops locked in sequence are neighbours: nothing may come between, so the route stays."""
    locked = set(ordered)
    return any(one in locked and other in locked for one, other in pairwise(keys))


def _taking_part(board: Board, affected: Iterable[str] | None, waiting: Sequence[str]) -> list[int]:
    """Choose the vehicles that take part: the affected ones, those nearest to them and to what waits, and spares."""
    scene = board.scene
    usable = [index for index, van in enumerate(scene.vans) if van.takes_more]
    if affected is None:
        return usable
    centres = {
        index: np.mean([(scene.stop_of[key].lon, scene.stop_of[key].lat) for key in keys], axis=0)
        for index in usable
        if (keys := board.lanes[scene.vans[index].id].keys)
    }
    names = set(affected)
    chosen = {index for index in usable if scene.vans[index].id in names}
    centre_of = [centres[index] for index in chosen if index in centres]
    centre_of += [np.array((scene.stop_of[key].lon, scene.stop_of[key].lat)) for key in waiting]
    for centre in centre_of:
        near = sorted(centres, key=lambda index: (float(np.abs(centres[index] - centre).sum()), index))
        chosen |= set(near[: _NEIGHBOURS + 1])
    kinds: set[Any] = set()
    for index in usable:  # one idle vehicle of each kind
        van = scene.vans[index]
        if index not in centres and not van.has_left and van.kind not in kinds:
            kinds.add(van.kind)
            chosen.add(index)
    return sorted(chosen)


def _parts(before: Board, after: Board) -> tuple[tuple[str, ...], ...]:
    """Group the vehicles whose routes differ by whom they exchange stops with."""
    group = {name: name for name, lane in after.lanes.items() if lane.route != before.lanes[name].route}

    def head(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for key, name in after.place_of.items():
        was = before.place_of.get(key)
        if was is not None and was != name and was in group and name in group:
            group[head(was)] = head(name)
    parts: dict[str, list[str]] = {}
    for name in group:
        parts.setdefault(head(name), []).append(name)
    return tuple(tuple(sorted(part)) for _, part in sorted(parts.items()))
