"""Runs the compiled core in chunks: clock, temperature, progress, and overload where it is let."""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from routing.search.answers import split_cost
from routing.search.first import best_fleet_start, construct, full_start, load, loaded, longest_route
from routing.search.given import orders_given
from routing.search.heat import mean_arc, suited, unit_of_heat
from routing.search.kernels import arrays as a
from routing.search.lifts import Lift, Lifts
from routing.search.model import Model
from routing.search.running import Progress, RunState, SearchParams
from routing.search.state import best_orders, new_state
from routing.search.variants import kernels
from routing.solution import Solution
from routing.stop import SearchState, StopRule

CHUNK_S = 0.02
"""Seconds of search between two looks at the clock; the last ones are shorter, so that a limit is kept."""
UNKNOWN_PACE = 1e9
"""Iterations a second before any were made: more than there can be, so that the first chunk is not cut short."""
TOLL = 10.0
"""Mean arcs that overload by a mean task costs at first, where vehicles may be overloaded."""
LONG_ROUTE, LITTLE_ROOM, LARGE_TASK = 15.0, 0.03, 0.2
"""Tasks a route, share of empty room, share of a vehicle one task takes: the bounds of what :func:`is_tight` means."""


class Watch(Protocol):
    """Someone who looks at the present plan every now and then while a search is cold."""

    begins: float
    """Fraction of the search's budget from which on it looks,"""
    every: int
    """and iterations between two looks."""

    def look(self, state: a.State) -> None:
        """Look at the present plan."""
        ...


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
        self._lifts: Lifts | None = None
        self.watch: Watch | None = None

    def begin(self, initial: Solution | None, patience: StopRule, scale: float | None = None) -> None:
        """Make the first plan, to the end even if that takes longer, until ``patience`` is over."""
        model, run, seed = self.model, self.run, self.seed

        def out_of_time() -> bool:
            return patience.fraction(run.seen()) >= 1.0

        state = new_state(model.data, model.flags, model.leads, seed, longest_route(model.data))
        orders = orders_given(model, state, initial)
        if orders:
            load(model, state, orders)
        elif model.data.n > 0 and model.data.rules[a.ROOMS] > 0:
            state = best_fleet_start(model, self.stop, run, seed, self.params)
        elif not model.required[model.leads].all():
            state = full_start(model, seed, out_of_time)
        construct(model, state, seed, out_of_time)
        note_best(model, run, state)
        self.state = state
        self._lifts = Lifts(model) if initial is None else None
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
        """Let the compiled core search, with prices lifted in proportion to the temperature (``lifts.py``)."""
        model, state, params = self.model, self.state, self.params
        data, lift = (model.data, Lift()) if self._lifts is None else self._lifts.at(heat)
        lift.add(state)
        search = kernels(model.flags).search
        search(data, state, a.ANNEAL, count, heat, cooling, params.mean_removed, params.longest_string)
        lift.add(state, -1)

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
        own = self.state
        self.state = loaded(model, best_orders(other.state), self.seed)
        self.state.rng[:], self.state.toll[:] = own.rng, own.toll
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


def note_best(model: Model, run: RunState, state: a.State) -> None:
    """Add the present best to the history, unless an earlier search of the same run has found better."""
    missing, cost = split_cost(model, state)
    if not run.history or (missing, cost) < run.history[-1][2:]:
        run.history.append((round(run.seen().elapsed_s, 4), run.iterations, missing, cost))
