"""Trunk tours: every way to serve some depots with one run, and the cheapest set of runs for a day's freight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.echelons.errors import DepotUnreachableError, EchelonCapacityError
from dispatch.echelons.linear import GAP, LinearModelState
from dispatch.echelons.plan import Direction, TrunkRun
from dispatch.echelons.problem import TwoEchelonProblem
from routing.problem import UNREACHABLE

IntArray = NDArray[np.int64]
CHOICE_S: Final = 20.0
"""Seconds HiGHS may take for one choice of runs."""
MOST_TOURS: Final = 150
"""Tours of one kind and number of depots that are looked at: those that save most against a run for each depot."""
MANY_TOURS: Final = 300
"""From here on HiGHS may stop at :data:`ROUGH_GAP` above the optimum."""
ROUGH_GAP: Final = 5e-3
_USED: Final = 1e-7  # HiGHS's own feasibility tolerance


@dataclass(frozen=True)
class Tour:
    """One possible run.

    Attributes
    ----------
    kind
        Index of the trunk kind, or of the timetabled run.
    cost
        Without the vehicle's fixed cost.
    """

    kind: int
    timetabled: bool
    direction: Direction
    depots: tuple[int, ...]
    starts_s: int
    calls_s: tuple[int, ...]
    ends_s: int
    distance_m: int
    cost: int
    capacity: tuple[int, ...]


@dataclass(frozen=True)
class ChosenRun:
    """One run of a choice, with the share of each depot's freight it takes."""

    tour: Tour
    shares: dict[int, float]


class TourBookState:
    """All tours of a problem, each computed once."""

    def __init__(self, problem: TwoEchelonProblem) -> None:
        self.problem = problem
        self._known: dict[tuple[Direction, tuple[int, ...]], list[Tour]] = {}

    def tours(self, direction: Direction, depots: Iterable[int]) -> list[Tour]:
        """Return the tours over every small set of some depots, cheapest order of each, and the timetable's."""
        wanted = tuple(sorted(depot for depot in depots if not self.problem.depots[depot].direct))
        if (direction, wanted) not in self._known:
            found = [tour for tour in self._driven(direction, wanted)]
            found += [tour for tour in self._timetabled(direction, set(wanted))]
            self._known[direction, wanted] = found
        return self._known[direction, wanted]

    def round_trip_cost(self, depot: int) -> int:
        """Return what one unit of trunk capacity to a depot costs at best, times the largest capacity.

        Raises
        ------
        DepotUnreachableError
            If no run gets there.
        """
        if self.problem.depots[depot].direct:
            return 0
        offers = [
            tour.cost + (0 if tour.timetabled else self.problem.trunks[tour.kind].fixed_cost)
            for tour in self.tours("out", [depot])
        ]
        if not offers:
            name = self.problem.depots[depot].id
            raise DepotUnreachableError(f"depot {name}: no trunk run gets there and back", depot=name)
        return min(offers)

    def _driven(self, direction: Direction, depots: tuple[int, ...]) -> Iterable[Tour]:
        for kind, trunk in enumerate(self.problem.trunks):
            alone: dict[int, int] = {}
            for size in range(1, min(trunk.most_depots, len(depots)) + 1):
                found = []
                for group in combinations(depots, size):
                    tours = (self._drive(kind, direction, order) for order in permutations(group))
                    real = [tour for tour in tours if tour is not None]
                    if real:
                        found.append(min(real, key=lambda tour: (tour.cost, tour.depots)))
                alone |= {tour.depots[0]: max(1, tour.cost) for tour in found if size == 1}
                yield from sorted(found, key=lambda tour: tour.cost / sum(alone[one] for one in tour.depots))[
                    :MOST_TOURS
                ]

    def _drive(self, kind: int, direction: Direction, order: tuple[int, ...]) -> Tour | None:
        problem, trunk = self.problem, self.problem.trunks[kind]
        profile = problem.profiles[trunk.profile]
        places = [problem.centre, *(problem.depots[depot].location for depot in order), problem.centre]
        legs = [profile.leg(here, there) for here, there in pairwise(places)]
        if any(metres >= UNREACHABLE or seconds >= UNREACHABLE for metres, seconds in legs):
            return None
        stays = [problem.depots[depot].unload_s for depot in order]
        length_s = sum(seconds for _, seconds in legs) + sum(stays)
        starts_s = trunk.depart_s
        if direction == "back":
            starts_s = (problem.back_by_s or length_s) - length_s
            if starts_s < 0:
                return None
        calls, now_s = [], starts_s
        for (_, seconds), stay in zip(legs, stays, strict=False):
            calls.append(now_s + seconds)
            now_s += seconds + stay
        distance_m = sum(metres for metres, _ in legs)
        cost = distance_m * trunk.cost_per_m + length_s * trunk.cost_per_s
        return Tour(
            kind, False, direction, order, starts_s, tuple(calls), starts_s + length_s, distance_m, cost, trunk.capacity
        )

    def _timetabled(self, direction: Direction, depots: set[int]) -> Iterable[Tour]:
        for number, run in enumerate(self.problem.timetable):
            calls = [(depot, moment) for depot, moment in run.calls if depot in depots]
            late = not run.outward and self.problem.back_by_s is not None and run.centre_s > self.problem.back_by_s
            if not calls or run.outward != (direction == "out") or late:
                continue
            order = tuple(depot for depot, _ in calls)
            times = tuple(moment for _, moment in calls)
            starts_s, ends_s = (run.centre_s, times[-1]) if run.outward else (times[0], run.centre_s)
            yield Tour(number, True, direction, order, starts_s, times, ends_s, 0, run.price, run.capacity)


def choose_runs(book: TourBookState, outward: IntArray, back: IntArray) -> list[ChosenRun]:
    """Choose the cheapest runs that carry a day's freight, to optimality of the model.

    Parameters
    ----------
    outward, back
        Freight to and collections from each depot, shape (depots, dimensions).

    Returns
    -------
    One entry per run; several runs may share a depot (split deliveries), each takes a share of its freight.

    Raises
    ------
    DepotUnreachableError, EchelonCapacityError
        If a depot with freight is out of reach, or the runs together are too small.
    """
    model = LinearModelState()
    vehicles = trunk_vehicles(model, book.problem)
    found: list[tuple[Tour, int, dict[int, int]]] = []
    loads: dict[Direction, IntArray] = {"out": outward, "back": back}
    for direction, load in loads.items():
        depots = [d for d, one in enumerate(book.problem.depots) if not one.direct and load[d].any()]
        if depots:
            found += _offer_tours(model, book, direction, depots, load)
    if not found:
        return []
    bind_vehicles(model, book.problem, [(tour, runs) for tour, runs, _ in found], vehicles)
    values = model.solve(CHOICE_S, GAP if len(found) < MANY_TOURS else ROUGH_GAP)
    if values is None:
        raise EchelonCapacityError(
            f"the trunk runs together cannot carry {outward.sum(axis=0).tolist()} out and "
            f"{back.sum(axis=0).tolist()} back in {book.problem.dimensions}"
        )
    chosen: list[ChosenRun] = []
    for tour, runs, parts in found:
        count = round(float(values[runs]))
        shares = {depot: float(values[part]) for depot, part in parts.items() if values[part] > _USED}
        if count and shares:
            chosen += [ChosenRun(tour, {depot: share / count for depot, share in shares.items()})] * count
    return chosen


def _offer_tours(
    model: LinearModelState, book: TourBookState, direction: Direction, depots: Sequence[int], load: IntArray
) -> list[tuple[Tour, int, dict[int, int]]]:
    offers = []
    served: dict[int, dict[int, float]] = {depot: {} for depot in depots}
    for tour in book.tours(direction, depots):
        runs = model.variable(tour.cost, 1 if tour.timetabled else np.inf, whole=True)
        parts = {depot: model.variable(0, 1) for depot in tour.depots}
        for depot, part in parts.items():
            served[depot][part] = 1.0
            model.row({part: 1.0, runs: -1.0}, high=0.0)
        for dimension, room in enumerate(usable(tour)):
            terms = {part: float(load[depot, dimension]) for depot, part in parts.items()}
            model.row({**terms, runs: -float(room)}, high=0.0)
        offers.append((tour, runs, parts))
    for depot, all_parts in served.items():
        if not all_parts:
            name = book.problem.depots[depot].id
            raise DepotUnreachableError(f"depot {name}: no run {direction} calls there in time", depot=name)
        model.row(all_parts, 1.0, 1.0)
    return offers


def usable(tour: Tour) -> tuple[int, ...]:
    """Return a run's capacity less what cutting freight into whole units may cost: one unit for each depot."""
    if len(tour.capacity) == 1:
        return tour.capacity
    return tuple(max(0, room - len(tour.depots)) for room in tour.capacity)


def trunk_vehicles(model: LinearModelState, problem: TwoEchelonProblem) -> list[int]:
    """Add the number of vehicles used of each trunk kind: morning and evening runs share them."""
    return [model.variable(trunk.fixed_cost, trunk.count, whole=True) for trunk in problem.trunks]


def bind_vehicles(
    model: LinearModelState, problem: TwoEchelonProblem, runs: Iterable[tuple[Tour, int]], vehicles: Sequence[int]
) -> None:
    """Ask for as many vehicles of each kind as run in one direction at once."""
    terms: dict[tuple[int, Direction], dict[int, float]] = {}
    for tour, variable in runs:
        if not tour.timetabled:
            terms.setdefault((tour.kind, tour.direction), {})[variable] = 1.0
    for (kind, _), these in terms.items():
        model.row({**these, vehicles[kind]: -1.0}, high=0.0)


def trunk_cost(problem: TwoEchelonProblem, runs: Sequence[TrunkRun]) -> int:
    """Return what runs cost with the fixed cost of the vehicles behind them."""
    total = sum(run.cost for run in runs)
    for trunk in problem.trunks:
        used = [
            sum(run.kind == trunk.id and not run.timetabled and run.direction == direction for run in runs)
            for direction in ("out", "back")
        ]
        total += trunk.fixed_cost * max(used)
    return total


def as_run(problem: TwoEchelonProblem, chosen: ChosenRun) -> TrunkRun:
    """Return a chosen run as it stands in a plan: only the depots it serves are called at.

    A tour over a depot it takes nothing to would not have been the cheapest; the timetable calls anyway.
    """
    tour = chosen.tour
    name = problem.timetable[tour.kind].id if tour.timetabled else problem.trunks[tour.kind].id
    return TrunkRun(
        name,
        tour.direction,
        tour.timetabled,
        tour.depots,
        tour.starts_s,
        tour.calls_s,
        tour.ends_s,
        tour.distance_m,
        tour.cost,
    )
