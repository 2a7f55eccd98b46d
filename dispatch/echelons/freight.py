"""Which run carries which stop's freight, when it is sorted, and when collections must be at the depot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatch.echelons.plan import Carriage, CourierRoute, Direction
from dispatch.echelons.problem import TwoEchelonProblem
from dispatch.echelons.trunks import ChosenRun, IntArray
from routing.problem import HORIZON_S


@dataclass(frozen=True)
class DepotClock:
    """What the trunk runs mean for the second echelon.

    Attributes
    ----------
    release_s
        When each task's freight is sorted and can be loaded, 0 for tasks without a delivery.
    close_s
        When couriers must be back at each depot for their collections to catch the run.
    """

    release_s: tuple[int, ...]
    close_s: tuple[int, ...]


def loads_by_depot(problem: TwoEchelonProblem, routes: Sequence[CourierRoute]) -> tuple[IntArray, IntArray]:
    """Add up deliveries and collections at each depot, shape (depots, dimensions) each."""
    outward = np.zeros((len(problem.depots), len(problem.dimensions)), dtype=np.int64)
    back = outward.copy()
    for route in routes:
        tasks = list(route.tasks)
        outward[route.depot] += problem.deliveries[tasks].sum(axis=0)
        back[route.depot] += problem.pickups[tasks].sum(axis=0)
    return outward, back


def share_freight(
    problem: TwoEchelonProblem, chosen: Sequence[ChosenRun], routes: Sequence[CourierRoute]
) -> list[Carriage] | None:
    """Put every stop's freight on runs: stops of the earliest routes on the earliest run, until its share is full.

    Returns
    -------
    None when the mix of weight and volume makes a run overflow whichever dimension is counted.
    """
    for dimension in range(len(problem.dimensions)):
        carriages = [
            carriage for direction in _DIRECTIONS for carriage in _poured(problem, chosen, routes, direction, dimension)
        ]
        if _fits(chosen, carriages, len(problem.dimensions)):
            return carriages
    return None


_DIRECTIONS: tuple[Direction, ...] = ("out", "back")


def _poured(
    problem: TwoEchelonProblem,
    chosen: Sequence[ChosenRun],
    routes: Sequence[CourierRoute],
    direction: Direction,
    dimension: int,
) -> list[Carriage]:
    carriages: list[Carriage] = []
    amounts = problem.deliveries if direction == "out" else problem.pickups
    for depot, one in enumerate(problem.depots):
        here = sorted(
            (route for route in routes if route.depot == depot), key=lambda route: (route.start_s, route.tasks)
        )
        tasks = [task for route in here for task in route.tasks if amounts[task].any()]
        serving = [
            (run.tour.calls_s[run.tour.depots.index(depot)], index, run.shares[depot])
            for index, run in enumerate(chosen)
            if run.tour.direction == direction and depot in run.shares
        ]
        if tasks and serving and not one.direct:
            carriages += _pour(sorted(serving), tasks, amounts, dimension)
    return carriages


def _pour(
    serving: list[tuple[int, int, float]], tasks: Sequence[int], amounts: IntArray, dimension: int
) -> list[Carriage]:
    """Cut the row of tasks, as long as their amounts in one dimension, at the runs' shares."""
    total = int(amounts[list(tasks), dimension].sum())
    cuts, share = [], 0.0
    whole = sum(part for _, _, part in serving)
    for _, _, part in serving:
        share += part / whole
        cuts.append(round(share * total))
    cuts[-1] = total
    carriages, place, run = [], 0, 0
    for task in tasks:
        length = int(amounts[task, dimension])
        given = np.zeros(amounts.shape[1], dtype=np.int64)
        end = place + length
        while cuts[run] < end and run < len(cuts) - 1:
            inside = cuts[run] - place
            part = amounts[task] * inside // length - given
            if inside > 0 and part.any():
                carriages.append(Carriage(serving[run][1], task, tuple(int(v) for v in part)))
                given += part
            run += 1
        rest = amounts[task] - given
        carriages.append(Carriage(serving[run][1], task, tuple(int(v) for v in rest)))
        place = end
    return carriages


def _fits(chosen: Sequence[ChosenRun], carriages: Sequence[Carriage], dimensions: int) -> bool:
    load = np.zeros((len(chosen), dimensions), dtype=np.int64)
    for carriage in carriages:
        load[carriage.run] += np.array(carriage.amount)
    return all((load[index] <= np.array(run.tour.capacity)).all() for index, run in enumerate(chosen))


def depot_clock(
    problem: TwoEchelonProblem,
    chosen: Sequence[ChosenRun],
    carriages: Sequence[Carriage],
    routes: Sequence[CourierRoute],
) -> DepotClock:
    """Work out releases and closings from what runs carry.

    Notes
    -----
    Sorting at a depot is first come, first served: a batch is begun when it is unloaded and the one before it is
    done. All of a batch is released at its end. Collections of a depot leave with its earliest run back; couriers
    are back when it calls.
    """
    depot_of = {task: route.depot for route in routes for task in route.tasks}
    sorted_s = _sorted_at(problem, chosen, carriages, depot_of)
    release = [0] * len(problem.tasks)
    close = [HORIZON_S] * len(problem.depots)
    for carriage in carriages:
        run, depot = chosen[carriage.run], depot_of[carriage.task]
        if run.tour.direction == "out":
            release[carriage.task] = max(release[carriage.task], sorted_s[carriage.run, depot])
        else:
            close[depot] = min(close[depot], run.tour.calls_s[run.tour.depots.index(depot)])
    for task, depot in depot_of.items():
        if problem.depots[depot].direct:
            release[task] = problem.centre_ready_s if problem.deliveries[task].any() else 0
            if problem.pickups[task].any() and problem.back_by_s is not None:
                close[depot] = problem.back_by_s
    return DepotClock(tuple(release), tuple(close))


def _sorted_at(
    problem: TwoEchelonProblem, chosen: Sequence[ChosenRun], carriages: Sequence[Carriage], depot_of: dict[int, int]
) -> dict[tuple[int, int], int]:
    units: dict[tuple[int, int], int] = {}
    for carriage in carriages:
        if chosen[carriage.run].tour.direction == "out":
            key = carriage.run, depot_of[carriage.task]
            units[key] = units.get(key, 0) + carriage.amount[-1]
    done: dict[int, int] = {}
    sorted_s: dict[tuple[int, int], int] = {}
    calls = {(run, depot): chosen[run].tour.calls_s[chosen[run].tour.depots.index(depot)] for run, depot in units}
    for (run, depot), amount in sorted(units.items(), key=lambda item: (calls[item[0]], item[0])):
        one = problem.depots[depot]
        begin = max(calls[run, depot] + one.unload_s, done.get(depot, 0))
        done[depot] = sorted_s[run, depot] = begin + sorting_s(amount, one.sorted_per_hour)
    return sorted_s


def sorting_s(units: int, per_hour: int | None) -> int:
    """Return how long sorting takes, rounded up."""
    return 0 if per_hour is None else -(-units * 3600 // per_hour)
