"""The plan a search begins with, from nothing or from routes that are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from routing.search.answers import split_cost
from routing.search.heat import mean_arc
from routing.search.kernels import arrays as a
from routing.search.model import Model
from routing.search.running import RunState, SearchParams
from routing.search.state import best_orders, keep_present, new_state, write_orders
from routing.search.variants import kernels
from routing.stop import StopRule

BATCH = 100
"""Tasks inserted between two looks at the clock while the first plan is made."""
MOST_FLEETS = 6
FLEET_SHARE = 0.125
FLEET_COOLING = 0.98


def load(model: Model, state: a.State, orders: list[tuple[int, list[int]]]) -> None:
    """Make routes the present and the best plan of an empty state."""
    write_orders(model.data, state, orders)
    kernels(model.flags).search(model.data, state, a.LOAD, 0, 0.0, 1.0, 1.0, 1)


def loaded(model: Model, orders: list[tuple[int, list[int]]], seed: int) -> a.State:
    """Make a state with these routes as its present and best plan."""
    state = new_state(model.data, model.flags, model.leads, seed, longest_route(model.data))
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
    state = new_state(generous.data, model.flags, model.leads, seed, longest_route(data))
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
        state = new_state(data, model.flags, model.leads, seed, longest_route(data))
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


def longest_route(data: a.Data) -> int:
    """Return how many entries a route may hold: every task, and a reload between each two."""
    trips = int(data.cls[:, a.MAXTRIPS].max(initial=1))
    return int(data.n) + 4 + min(int(data.n), trips - 1)
