"""The main loop: ruin strings, recreate near the hole, accept by simulated annealing, undo if not.

Sources: Christiaens and Vanden Berghe (2020), slack induction by string removals; do and undo by saving
the touched routes only, so that an iteration costs the same whatever the size of the plan. Where only loads count it
saves the touched tasks only, see ``links.py``.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

import math

from .arrays import (
    ACCEPTED,
    ANNEAL,
    AUX,
    BEFORE,
    BEST,
    BESTAT,
    CLS,
    CM,
    CUR,
    END,
    EXAMINE,
    EXTRA,
    HOLDS,
    IMPROVED,
    INF,
    ITER,
    LEN,
    LOAD,
    MAXTRIPS,
    NABSENT,
    NABSENT_BEST,
    NDIRTY,
    NOFRONT,
    NONE,
    NREM,
    NROUTES,
    NROUTES_BEST,
    NROWS,
    NSAVED,
    NXT,
    OVERLOADED,
    PACKING,
    POS,
    PRV,
    RID,
    ROOMS,
    STAMP,
    START,
    UPGRADING,
    VENTURING,
)
from .chain import chain_loaded, link, retime, unlink
from .chance import below, exponential, unit
from .compiled import entry, heavy, inner
from .features import BACK, HET, LIMITS, LINKED, MIXED, PAIR, RICH, TRIPS, TW
from .fleet import UPGRADES, fit_classes, give_class, swap_classes
from .links import begin_route, cut, nothing_moved, put_between, restore_rows, write_orders
from .overload import SOFT, adapt_tolls, count_overloaded, price_change, price_of_more
from .places import RELOADED, VENTURES, alone_cost, best_pair, best_place
from .routes import (
    PRICE,
    add_absent,
    close_slot,
    compact,
    drop_absent,
    insert_at,
    insert_pair,
    open_slot,
    refresh,
    restore_routes,
    save_route,
    start_empty,
    take_slot,
)
from .tails import TURNS, nobody_waits, swap_tails
from .trips import exchange_days, exchange_ends
from .walk import copy_line, walk

WHOLE_LONG = 0.005
WHOLE_SHORT = 0.06
SHORT = 15
BY_SIZE = 1
"""Which of the orders of re-insertion begins with the largest task, see ``model._keys``."""
MOST_WHOLE = 100
OTHER_CLASS = 0.08 if UPGRADES else 0.1
"""Share of iterations that may give touched routes vehicles of another class."""
WANTED = 0.5
"""Share of these that put the first task on a new route with a vehicle drawn at random, where they differ in room,"""
DISSOLVED, MOST_DISSOLVED = 0.5, 4
"""share of those before which whole routes are taken out until their tasks fill it, and the most routes."""
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
CALLED = 8
"""Tasks without a route near the hole that may try again."""
LEAST_VENTURED, MOST_VENTURED = 10, 60
"""Tasks a new route is opened for."""


@inner
def take_out(data, state, x, stamp):
    """Mark one task for removal with all that must leave with it, unless it is frozen or marked already."""
    if state.mark[x] == stamp or data.frozen[x]:
        return
    state.mark[x] = stamp
    lead = x
    if PAIR and data.side[x] != 0:
        state.mark[data.partner[x]] = stamp
        if data.side[x] < 0:
            lead = data.partner[x]
    if RICH:
        lead = data.lead[lead]
    state.removed[state.info[NREM]] = lead
    state.was_absent[lead] = 0
    state.info[NREM] += 1
    if RICH:
        y = data.mate[x]
        while y != x:
            # All of a same-vehicle group must go together, or it could never change vehicle.
            if state.node[y, RID] == state.node[x, RID] and state.mark[y] != stamp and not data.frozen[y]:
                take_out_one(data, state, y, stamp)
            y = data.mate[y]


@inner
def take_out_one(data, state, x, stamp):
    """Mark one task (and its partner) for removal."""
    state.mark[x] = stamp
    lead = x
    if PAIR and data.side[x] != 0:
        state.mark[data.partner[x]] = stamp
        if data.side[x] < 0:
            lead = data.partner[x]
    lead = data.lead[lead]
    state.removed[state.info[NREM]] = lead
    state.was_absent[lead] = 0
    state.info[NREM] += 1


@inner
def close_gaps_of_trip(data, state, r, stamp):
    """Compact a trip; if what is left comes too late, take that out too. Return the cost change."""
    delta = compact(data, state, r, stamp)
    if state.rint[r, LEN] > 0:
        if retime(data, state, r):
            return delta
        for i in range(1, state.rint[r, LEN] + 1):
            take_out(data, state, state.seq[r, i], stamp)
        delta += compact(data, state, r, stamp)
    return delta + unlink(data, state, r)


@heavy
def close_gaps(data, state, r, stamp):
    """Compact a route; if what is left breaks a rule, take that out too. Return the cost change, or INF."""
    if TRIPS:
        return close_gaps_of_trip(data, state, r, stamp)
    before = state.rint[r, PRICE]
    delta = compact(data, state, r, stamp)
    if delta < INF:
        return delta
    for i in range(1, state.rint[r, LEN] + 1):
        x = state.seq[r, i]
        if x < data.n:
            take_out(data, state, x, stamp)
    compact(data, state, r, stamp)
    if state.rint[r, LEN] == 0:
        return -before
    if state.rint[r, AUX] >= INF:
        return INF
    return state.rint[r, AUX] - before


@inner
def merge_trips(data, state, r):
    """Drop reloads of a route that it can do without, move others to a cheaper depot; return the cost change."""
    delta = 0
    k = 1
    while k <= state.rint[r, LEN]:
        if state.seq[r, k] < data.n:
            k += 1
            continue
        c = state.rint[r, CLS]
        cm = data.cls[c, CM]
        u = state.seq[r, k - 1]
        v = state.seq[r, k + 1]
        stop = state.seq[r, k]
        length = state.rint[r, LEN]
        now = int(data.cost[cm, u, stop]) + int(data.cost[cm, stop, v]) + state.rint[r, EXTRA]
        best = now
        chosen = stop
        for s in range(data.reload.shape[1] + 1):
            copy_line(state, r, length)
            if s == 0:
                for i in range(k, length + 1):
                    state.line[i] = state.seq[r, i + 1]
                cost = int(data.cost[cm, u, v])
                m = length - 1
            else:
                other = data.reload[c, s - 1]
                if other < 0 or other == stop:
                    continue
                state.line[k] = other
                cost = int(data.cost[cm, u, other]) + int(data.cost[cm, other, v])
                m = length
            cost += walk(data, state, c, m)
            if cost < best or (s == 0 and cost == best):
                best = cost
                chosen = NONE if s == 0 else other
        if chosen == stop:
            k += 1
            continue
        before = state.rint[r, AUX]
        if chosen >= 0:
            state.seq[r, k] = chosen
            k += 1
        else:
            for i in range(k, length + 1):
                state.seq[r, i] = state.seq[r, i + 1]
            state.rint[r, LEN] = length - 1
        delta += refresh(data, state, r) - before
    return delta


@inner
def cut_string(data, state, r, first, window, skip_from, keep, stamp):
    """Remove a window of a route but for ``keep`` tasks of it, on links alone; return the cost change."""
    for i in range(first, first + window):
        if i < skip_from or i >= skip_from + keep:
            take_out(data, state, state.seq[r, i], stamp)
    delta = cut(data, state, r, first, first + window - 1, stamp)
    if state.rint[r, LEN] == 0:
        close_slot(state, r)
    return delta


@heavy
def ruin_route(data, state, r, x, size, stamp):
    """Remove a string of ``size`` tasks that holds ``x``, sometimes leaving a middle part standing."""
    length = state.rint[r, LEN]
    k = state.node[x, POS]
    keep = 0
    if size > 1 and size < length and unit(state.rng) < 0.5:
        keep = 1
        while size + keep < length and unit(state.rng) > 0.01:
            keep += 1
    window = size + keep
    low = max(1, k - window + 1)
    high = min(k, length - window + 1)
    first = low + below(state.rng, high - low + 1)
    skip_from = first + window
    if keep > 0:
        skip_from = first + below(state.rng, size + 1)
    save_route(data, state, r)
    if LINKED:
        return cut_string(data, state, r, first, window, skip_from, keep, stamp)
    if TRIPS:
        state.visit[r] = stamp
    for i in range(first, first + window):
        if i < skip_from or i >= skip_from + keep:
            y = state.seq[r, i]
            if not RICH or y < data.n:
                take_out(data, state, y, stamp)
    delta = close_gaps(data, state, r, stamp)
    if RICH and delta < INF and state.rint[r, LEN] > 0 and data.cls[state.rint[r, CLS], MAXTRIPS] > 1:
        delta += merge_trips(data, state, r)
    return delta


@inner
def ruin(data, state, mean_removed, longest):
    """Remove strings from routes near a random task; return the cost change."""
    info = state.info
    n = data.n
    stamp = info[STAMP]
    rng = state.rng
    info[NREM] = 0
    info[NSAVED] = 0
    info[PACKING] = 0
    present = n - info[NABSENT]
    delta = 0
    seed = below(rng, n)
    r = state.node[seed, RID]
    size = state.rint[r, LEN] if r >= 0 else 0
    # Routes near the other end of a shipment matter as much as those near this one.
    other = data.partner[seed] if PAIR and data.side[seed] != 0 else seed
    whole = size > 0 and unit(rng) < (WHOLE_SHORT if size <= SHORT else WHOLE_LONG) and size <= MOST_WHOLE
    if whole:
        # Strings never empty a route, so saving a vehicle or changing its kind takes this. Behind a short
        # route strings follow as well: they make room for its tasks in the routes around.
        delta += ruin_route(data, state, r, seed, size, stamp)
        info[PACKING] = 1 if size <= SHORT else 0
    if (not whole or size <= SHORT) and present > 0 and info[NROUTES] > 0 and delta < INF // 2:
        mean_length = present // info[NROUTES]
        ls = max(1, min(longest, mean_length))
        strings = 1 + int(unit(rng) * (4.0 * mean_removed / (1.0 + ls) - 1.0))
        i = -1
        while strings > 0 and i < data.near.shape[1]:
            x = seed if i < 0 else data.near[other if i % 2 else seed, i]
            i += 1
            r = state.node[x, RID]
            if r < 0 or (state.visit[r] if TRIPS else state.saved_stamp[r]) == stamp:
                continue
            cap = min(state.rint[r, LEN], ls)
            size = 1 + below(rng, cap)
            delta += ruin_route(data, state, r, x, size, stamp)
            strings -= 1
            if delta >= INF // 2:
                return INF
    if SOFT:
        delta += price_change(data, state)
    if info[NABSENT] > 0:
        call_absent(data, state, seed, stamp, CALLED)
    return delta


@inner
def dissolve(data, state, c):
    """Take out whole routes near a random task until they fill a vehicle of a class; return the cost change."""
    info = state.info
    stamp = info[STAMP]
    info[NREM] = 0
    info[NSAVED] = 0
    info[PACKING] = 0
    seed = below(state.rng, data.n)
    delta = 0
    taken = 0
    i = -1
    while taken < data.capacity[c, 0] and info[NSAVED] < MOST_DISSOLVED and i < data.near.shape[1]:
        x = seed if i < 0 else data.near[seed, i]
        i += 1
        r = state.node[x, RID]
        if r < 0 or state.saved_stamp[r] == stamp or state.rint[r, LEN] > MOST_WHOLE:
            continue
        first = info[NREM]
        delta += ruin_route(data, state, r, x, state.rint[r, LEN], stamp)
        if delta >= INF // 2:
            return INF
        for k in range(first, info[NREM]):  # not every variant keeps count of what a route carries
            y = state.removed[k]
            taken += max(data.delivery[y, 0] + data.pickup[y, 0], abs(data.change[y, 0]))
    if info[NABSENT] > 0:
        call_absent(data, state, seed, stamp, CALLED)
    return delta


@inner
def venture(data, state):
    """Call tasks that are left out near one another, for a new route that all of them together may pay for."""
    info = state.info
    info[NREM] = 0
    info[NSAVED] = 0
    info[PACKING] = 0
    info[VENTURING] = 1
    most = LEAST_VENTURED + below(state.rng, MOST_VENTURED - LEAST_VENTURED)
    call_absent(data, state, state.absent[below(state.rng, info[NABSENT])], info[STAMP], most)


@inner
def call_absent(data, state, seed, stamp, most):
    """Let some tasks without a route try again: those near the seed, else random ones."""
    info = state.info
    taken = 0
    i = -1
    while taken < most and i < data.near.shape[1]:
        x = seed if i < 0 else data.near[seed, i]
        i += 1
        if state.node[x, RID] < 0 and state.mark[x] != stamp and state.absent_pos[x] >= 0:
            taken += 1
            state.mark[x] = stamp
            state.was_absent[x] = 1
            state.removed[info[NREM]] = x
            info[NREM] += 1
    if taken < 2:
        x = state.absent[below(state.rng, info[NABSENT])]
        if state.mark[x] != stamp:
            state.mark[x] = stamp
            state.was_absent[x] = 1
            state.removed[info[NREM]] = x
            info[NREM] += 1


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
def put_in_with_reload(data, state, x, r, place, c):
    """Carry out an insertion of a task with a reload on one side; return the cost change."""
    before = state.rint[r, AUX]
    follows = place > 0
    number = (abs(place) + RELOADED // 2) // RELOADED
    beside = place - number * RELOADED if follows else place + number * RELOADED
    k = state.node[beside - 1, POS] if beside > 0 else state.node[-beside - 1, POS] + 1
    stop = data.reload[c, number - 1]
    first = x if follows else stop
    second = stop if follows else x
    length = state.rint[r, LEN]
    for i in range(length + 1, k - 1, -1):
        state.seq[r, i + 2] = state.seq[r, i]
    state.seq[r, k] = first
    state.seq[r, k + 1] = second
    state.rint[r, LEN] = length + 2
    return refresh(data, state, r) - before


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
def note_dirty(state):
    """Remember which routes differ from the best plan's."""
    info = state.info
    for i in range(info[NSAVED]):
        r = state.saved[i]
        if state.dirty_mark[r] == 0:
            state.dirty_mark[r] = 1
            state.dirty[info[NDIRTY]] = r
            info[NDIRTY] += 1


@inner
def store_best(state):
    """Copy the routes that changed since the last best."""
    info = state.info
    for i in range(info[NDIRTY]):
        r = state.dirty[i]
        state.dirty_mark[r] = 0
        length = state.rint[r, LEN]
        state.best_len[r] = length
        state.best_cls[r] = state.rint[r, CLS]
        for k in range(1, length + 1):
            state.best_seq[r, k] = state.seq[r, k]
        if TRIPS:
            state.best_before[r] = state.rint[r, BEFORE]
    info[NDIRTY] = 0
    info[BEST] = info[CUR]
    info[BESTAT] = info[ITER]
    info[NROUTES_BEST] = info[NROUTES]
    info[NABSENT_BEST] = info[NABSENT]


@inner
def load_plan(data, state):
    """Turn the plan in ``best_seq`` into the present plan of an empty state."""
    info = state.info
    for r in range(state.best_len.shape[0]):
        length = state.best_len[r]
        if length == 0:
            continue
        start_empty(data, state, r, state.best_cls[r])
        open_slot(state, r, state.best_cls[r])
        end = state.seq[r, 1]
        for k in range(1, length + 1):
            x = state.best_seq[r, k]
            state.seq[r, k] = x
            if x < data.n:
                lead = data.lead[x]
                if state.absent_pos[lead] >= 0:
                    drop_absent(state, lead)
                    info[CUR] -= data.prize[lead]
        state.seq[r, length + 1] = end
        state.rint[r, LEN] = length
        info[CUR] += refresh(data, state, r)
        state.dirty_mark[r] = 1
        state.dirty[info[NDIRTY]] = r
        info[NDIRTY] += 1
    if TRIPS:
        info[CUR] += chain_loaded(data, state)


@inner
def set_class(data, state, r, c):
    """Give a route another class of vehicle and return its cost, INF if it breaks a rule with it."""
    length = state.rint[r, LEN]
    state.free_vehicles[state.rint[r, CLS]] += 1
    state.free_vehicles[c] -= 1
    state.rint[r, CLS] = c
    state.seq[r, 0] = data.cls[c, START]
    state.seq[r, length + 1] = data.cls[c, END]
    return refresh(data, state, r)


@inner
def may_reload(data, c, stop):
    """Tell whether a class may reload at a terminal."""
    found = False
    for s in range(data.reload.shape[1]):
        found = found or data.reload[c, s] == stop
    return found


@inner
def class_may_take(data, state, r, c):
    """Tell whether a class may serve and carry all that is on a route."""
    if data.cls[c, NOFRONT] > 0:
        return False
    for k in range(1, state.rint[r, LEN] + 1):
        x = state.seq[r, k]
        if RICH and x >= data.n:
            if data.cls[c, MAXTRIPS] < 2 or not may_reload(data, c, x):
                return False
        elif data.allowed[c, x] == 0:
            return False
    if not RICH:
        for d in range(data.delivery.shape[1]):
            if state.load[r, d, 0] > data.capacity[c, d]:
                return False
            if MIXED and state.load[r, d, 2] > data.capacity[c, d]:
                return False
    return True


@inner
def change_class(data, state):
    """Try a random other class of vehicle for a random touched route; return the cost change."""
    info = state.info
    rng = state.rng
    if info[NSAVED] == 0:
        return 0
    r = state.saved[below(rng, info[NSAVED])]
    if state.rint[r, LEN] == 0:
        return 0
    old = state.rint[r, CLS]
    best = old
    first = state.rint[r, AUX] if TW or MIXED or LIMITS or RICH else refresh(data, state, r)
    least = first
    for c in range(data.cls.shape[0]):
        if c == old or state.free_vehicles[c] <= 0 or not class_may_take(data, state, r, c):
            continue
        cost = set_class(data, state, r, c)
        if cost < least:
            least = cost
            best = c
        set_class(data, state, r, old)
    if best != old:
        set_class(data, state, r, best)
    return least - first


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
