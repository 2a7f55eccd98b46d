"""Puts the tasks that were taken out back in, one after another, each where it costs least."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

import math

from .alone import alone_cost
from .arrays import CLS, END, INF, LEN, NREM, NSAVED, NXT, PACKING, POS, PRV, START, VENTURING
from .chain import link, retime
from .chance import below, exponential
from .compiled import heavy, inner
from .features import HET, LINKED, PAIR, RICH, TRIPS
from .fleet import UPGRADES, give_class
from .links import begin_route, put_between
from .overload import SOFT, price_of_more
from .pairs import best_pair
from .places import VENTURES, best_place
from .reloads import RELOADED, put_in_with_reload
from .routes import insert_at, insert_pair, start_empty
from .saved import save_route
from .slots import add_absent, drop_absent, open_slot, take_slot

BY_SIZE = 1
"""Which of the orders of re-insertion begins with the largest task, see ``model._keys``."""


@inner
def sort_removed(data, state):
    """Order the removed tasks by one of the keys, drawn by weight; kind 0 is random."""
    rng = state.rng
    count = state.info[NREM]
    draw = below(rng, data.key_weights[data.key_weights.shape[0] - 1])
    kind = 0
    while data.key_weights[kind] <= draw:
        kind += 1
    if state.info[PACKING] > 0:
        kind = BY_SIZE  # a vehicle is saved by packing the others well
    removed = state.removed
    order = state.order
    for i in range(count):
        x = removed[i]
        key = below(rng, 1 << 30) if kind == 0 else data.keys[kind, x]
        k = i
        while k > 0 and order[k - 1] > key:
            order[k] = order[k - 1]
            removed[k] = removed[k - 1]
            k -= 1
        order[k] = key
        removed[k] = x


@inner
def put_in(data, state, x, r, place, c):
    """Carry out an insertion found by ``best_place``; return the cost change."""
    save_route(data, state, r)
    if LINKED:
        return put_in_links(data, state, x, r, place)
    if place == 0:
        start_empty(data, state, r, 0 if TRIPS else c)
        open_slot(state, r, 0 if TRIPS else c)
        if TRIPS:
            delta = link(data, state, r, c) + insert_at(data, state, r, 1, x)
            return delta if retime(data, state, r) else INF
        return insert_at(data, state, r, 1, x)
    if RICH and (place > RELOADED // 2 or place < -RELOADED // 2):
        return put_in_with_reload(data, state, x, r, place, c)
    k = state.node[place - 1, POS] if place > 0 else state.node[-place - 1, POS] + 1
    if UPGRADES and c != state.rint[r, CLS]:
        return give_class(data, state, r, c) + insert_at(data, state, r, k, x)
    toll = price_of_more(data, state, r, x) if SOFT else 0
    delta = insert_at(data, state, r, k, x) + toll
    if TRIPS and not retime(data, state, r):
        return INF
    return delta


@inner
def put_in_links(data, state, x, r, place):
    """Carry out an insertion on links alone; return the cost change."""
    toll = price_of_more(data, state, r, x)  # idle for a new route, but a twentieth faster here than behind the branch
    if place == 0:
        begin_route(data, state, r)
        open_slot(state, r, 0)
        return put_between(data, state, r, x, data.cls[0, START], data.cls[0, END])
    u = state.node[place - 1, PRV] if place > 0 else -place - 1
    v = place - 1 if place > 0 else state.node[-place - 1, NXT]
    return put_between(data, state, r, x, u, v) + toll


@inner
def put_pair_in(data, state, p, r, i, k, c):
    """Carry out an insertion found by ``best_pair``; return the cost change."""
    save_route(data, state, r)
    if state.rint[r, LEN] == 0:
        start_empty(data, state, r, c)
        open_slot(state, r, c)
    return insert_pair(data, state, r, i, k, p, data.partner[p])


@heavy
def insert_lead(data, state, lead, limit, blink):
    """Insert one task, shipment or the best of alternatives below a price; return (done, cost change)."""
    if state.info[NSAVED] >= state.saved.shape[0]:
        return False, 0  # no room to remember one more route for the undo
    if PAIR and data.side[lead] != 0:
        _, r, i, k, c = best_pair(data, state, lead, limit, blink)
        if r < 0:
            return False, 0
        return True, put_pair_in(data, state, lead, r, i, k, c)
    cost, r, place, c = best_place(data, state, lead, limit, blink)
    x = lead
    if RICH:
        y = data.other[lead]
        while y >= 0:
            if r >= 0:
                limit = cost
            cost_y, r_y, place_y, c_y = best_place(data, state, y, limit, blink)
            if r_y >= 0:
                cost, r, place, c, x = cost_y, r_y, place_y, c_y, y
            y = data.other[y]
    if r < 0:
        return False, 0
    return True, put_in(data, state, x, r, place, c)


@inner
def open_with(data, state, x, c):
    """Open a route for one task with a vehicle of a class, whatever it costs; return (done, cost change).

    The cheapest vehicle for one task is the smallest, and no insertion after it pays for a larger one.
    """
    slot = take_slot(state)
    if slot < 0 or state.free_vehicles[c] <= 0 or state.info[NSAVED] >= state.saved.shape[0]:
        return False, 0
    if PAIR and data.side[x] != 0:
        return False, 0
    state.rint[slot, LEN] = 0
    if alone_cost(data, state, slot, c, x, INF) >= INF:
        return False, 0
    return True, put_in(data, state, x, slot, 0, c)


@inner
def recreate(data, state, heat, delta, worst, wanted):
    """Insert the removed tasks again, each at its cheapest place; return the cost change, INF if hopeless.

    Insertions only add to the cost, so nothing below ``worst`` can come of a change that has reached it. If a
    class of vehicle is ``wanted``, the first task gets a route of its own with one, which those after it may join.
    """
    info = state.info
    sort_removed(data, state)
    for i in range(info[NREM]):
        x = state.removed[i]
        price = data.prize[x]
        limit = math.ceil(worst - delta) if worst < INF else INF
        if price < limit:  # a required task's never is, once the change has a limit
            limit = min(limit, price + int(heat * exponential(state.rng, data.minus_log)))
        if VENTURES and info[VENTURING] > 0:
            limit = INF  # the first one opens the route, whatever it costs
        done, change = False, 0
        if HET and wanted >= 0 and i == 0:
            done, change = open_with(data, state, x, wanted)
        if not done:
            done, change = insert_lead(data, state, x, limit, True)
        if VENTURES:
            info[VENTURING] = 0
        delta += change
        if not done:
            if state.was_absent[x] == 0:
                add_absent(state, x)
                delta += price
        elif state.was_absent[x]:
            drop_absent(state, x)
            delta -= price
        if delta >= worst:
            return INF
    return delta
