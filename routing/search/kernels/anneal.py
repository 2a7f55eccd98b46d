"""The main loop: ruin strings, recreate near the hole, accept by simulated annealing, undo if not.

Sources: Christiaens and Vanden Berghe (2020), slack induction by string removals; do and undo by saving
the touched routes only, so that an iteration costs the same whatever the size of the plan. Where only loads count it
saves the touched tasks only, see ``links.py``.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

from .arrays import (
    ACCEPTED,
    ANNEAL,
    BEST,
    CUR,
    END,
    EXAMINE,
    HOLDS,
    IMPROVED,
    INF,
    ITER,
    LOAD,
    NABSENT,
    NONE,
    NREM,
    NROUTES,
    NROWS,
    NSAVED,
    NXT,
    OVERLOADED,
    RID,
    ROOMS,
    STAMP,
    START,
    UPGRADING,
)
from .best import load_plan, note_dirty, store_best
from .chance import below, exponential, unit
from .classes import change_class
from .compiled import entry, inner
from .features import BACK, HET, LINKED, PAIR, RICH, TRIPS
from .fleet import UPGRADES, fit_classes, swap_classes
from .links import nothing_moved, restore_rows, write_orders
from .overload import SOFT, adapt_tolls, count_overloaded, price_change
from .places import VENTURES
from .recreate import recreate
from .refresh import PRICE
from .ruin import dissolve, ruin, venture
from .saved import restore_routes
from .slots import add_absent, drop_absent
from .tails import TURNS, nobody_waits, swap_tails
from .trips import exchange_days, exchange_ends
from .walk import walk

__all__ = ["PRICE", "SOFT", "search"]

OTHER_CLASS = 0.08 if UPGRADES else 0.1
"""Share of iterations that may give touched routes vehicles of another class."""
WANTED = 0.5
"""Share of these that put the first task on a new route with a vehicle drawn at random, where they differ in room,"""
DISSOLVED = 0.5
"""and share of those before which whole routes are taken out until their tasks fill it."""
EXCHANGES = not BACK and not RICH
"""Whether tails are exchanged: not where an order of tasks is to be kept that only places are tested for."""
TAIL_SHARE = 0.25
"""Greatest share of iterations that exchange tails: cheap ones, a tenth of the others' time."""
TRIP_SHARE = 0.25
"""Share of iterations that exchange ends of trips or of days where vehicles make several trips."""
DAYS_SHARE = 0.3
"""Share of days among these exchanges."""
VENTURE_SHARE = 0.06
"""Share of iterations that open a route for tasks without one, as long as there are such."""


@inner
def undo(data, state, tails):
    """Take back everything this iteration did, which was an exchange of tails or not."""
    for i in range(state.info[NREM]):
        x = state.removed[i]
        if state.was_absent[x]:
            if state.absent_pos[x] < 0:
                add_absent(state, x)
                clear_rids(data, state, x)
        elif state.absent_pos[x] >= 0:
            drop_absent(state, x)
        elif RICH:
            clear_rids(data, state, x)
    restore_routes(data, state)
    if LINKED:
        restore_rows(data, state)
        if tails:
            write_orders(data, state)


@inner
def clear_rids(data, state, lead):
    """Note that neither a task nor its partner nor an alternative is on a route."""
    state.node[lead, RID] = NONE
    if LINKED:
        state.seat[lead] = 0
    if PAIR and data.side[lead] != 0:
        state.node[data.partner[lead], RID] = NONE
    if RICH:
        y = data.other[lead]
        while y >= 0:
            state.node[y, RID] = NONE
            y = data.other[y]


@inner
def sure_loss(state, other_class):
    """Tell whether nothing that comes after an insertion can take its cost back."""
    return not RICH and not other_class and state.info[NABSENT] == 0


@inner
def tail_share(data, info):
    """Return how often tails are exchanged: seldom where strings are as long as routes, often on long ones."""
    if TRIPS:
        return TRIP_SHARE
    tasks = (data.n - info[NABSENT]) / max(1, info[NROUTES])
    if TURNS:  # only loads count: strings do as well up to much longer routes
        return TAIL_SHARE * min(1.0, max(0.0, (tasks - 20.0) / 15.0))
    return TAIL_SHARE * min(1.0, max(0.1, (tasks - 10.0) / 15.0))


@inner
def exchange(data, state, worst):
    """Exchange the tails behind a random task's and a neighbour's place; return the cost change."""
    x = below(state.rng, data.n)
    r = state.node[x, RID]
    if r < 0:
        return INF
    if TRIPS:
        if unit(state.rng) < DAYS_SHARE:
            return exchange_days(data, state)
        return exchange_ends(data, state, x, int(worst) + 1)
    if PAIR:
        # Only where nothing is on board can a route be cut: go on to the next such place.
        while state.node[x, NXT] < data.n and not nobody_waits(data, state, r, x):
            x = state.node[x, NXT]
    return swap_tails(data, state, x, int(worst) + 1)


@inner
def keep(data, state, delta):
    """Go on from what this iteration did, and store it if there never was a better plan."""
    info = state.info
    info[ACCEPTED] += 1
    if LINKED:
        if nothing_moved(state):
            return
        write_orders(data, state)
    info[CUR] += delta
    note_dirty(state)
    if SOFT:
        count_overloaded(data, state)
    if info[CUR] < info[BEST] and (not SOFT or info[OVERLOADED] == 0):
        store_best(state)
        info[IMPROVED] += 1


@inner
def iterate(data, state, task, heat, mean_removed, longest):
    """Do one iteration: ruin (or take what Python put into ``removed``), recreate, accept or undo."""
    info = state.info
    info[STAMP] += 1
    info[NROWS] = 0
    # Drawn beforehand, so that a plan already too dear need not be finished.
    worst = heat * exponential(state.rng, data.minus_log) if task == ANNEAL else 1.0 * INF
    tails = False
    if EXCHANGES and task == ANNEAL:
        tails = unit(state.rng) < tail_share(data, info)
    other_class = HET and not tails and data.cls.shape[0] > 1 and unit(state.rng) < OTHER_CLASS
    wanted = NONE
    if HET and task == ANNEAL and other_class and data.rules[ROOMS] > 0 and unit(state.rng) < WANTED:
        wanted = below(state.rng, data.cls.shape[0])
    if EXCHANGES and tails:
        info[ITER] += 1
        info[NSAVED] = 0
        info[NREM] = 0
        delta = exchange(data, state, worst)
        if SOFT and delta < INF // 2:
            delta += price_change(data, state)
    elif VENTURES and task == ANNEAL and info[NABSENT] > 0 and unit(state.rng) < VENTURE_SHARE:
        info[ITER] += 1
        delta = 0
        venture(data, state)
    elif task == ANNEAL:
        info[ITER] += 1
        if HET and wanted >= 0 and unit(state.rng) < DISSOLVED:
            delta = dissolve(data, state, wanted)
        else:
            delta = ruin(data, state, mean_removed, longest)
    else:
        info[NSAVED] = 0
        delta = 0
    if UPGRADES and not tails:
        info[UPGRADING] = 1 if other_class else 0
        if other_class and delta < INF // 2:
            # What is left may do with a smaller vehicle; insertions then pay for the larger one.
            delta += fit_classes(data, state)
    if not tails and delta < INF // 2:
        delta = recreate(data, state, heat, delta, worst if sure_loss(state, other_class) else 1.0 * INF, wanted)
        if other_class and delta < INF // 2:
            if UPGRADES:
                delta += fit_classes(data, state)
                delta += swap_classes(data, state)
            else:
                delta += change_class(data, state)
    if delta < worst:
        keep(data, state, delta)
    else:
        undo(data, state, tails)


@inner
def examine(data, state):
    """Walk the route in slot 0 of ``best_seq``; its events and departure stay in the state."""
    length = state.best_len[0]
    c = state.best_cls[0]
    state.line[0] = data.cls[c, START]
    for k in range(1, length + 1):
        state.line[k] = state.best_seq[0, k]
    state.line[length + 1] = data.cls[c, END]
    state.info[HOLDS] = 1 if walk(data, state, c, length) < INF else 0


@entry
def search(data, state, task, iterations, heat, cooling, mean_removed, longest):
    """Do a piece of the search; one entry for all, so that everything is compiled once.

    Parameters
    ----------
    task
        ANNEAL: that many iterations, the temperature falling by ``cooling`` each. LOAD: take the plan in
        ``best_seq``. CONSTRUCT: insert what stands in ``removed``. EXAMINE: leave the events of the route in
        slot 0 of the best plan in ``state.event``.
    """
    if task == LOAD:
        load_plan(data, state)
        store_best(state)
    if RICH and task == EXAMINE:
        examine(data, state)
    for _ in range(iterations):
        iterate(data, state, task, heat, mean_removed, longest)
        if SOFT and task == ANNEAL:
            adapt_tolls(data, state)
        heat *= cooling
