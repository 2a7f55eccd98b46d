"""Takes strings of tasks, and now and then whole routes, out of the plan near one place.

Source: Christiaens and Vanden Berghe (2020), slack induction by string removals.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import AUX, CLS, INF, LEN, MAXTRIPS, NABSENT, NREM, NROUTES, NSAVED, PACKING, POS, RID, STAMP, VENTURING
from .chain import retime, unlink
from .chance import below, unit
from .compiled import heavy, inner
from .features import LINKED, PAIR, RICH, TRIPS
from .links import cut
from .overload import SOFT, price_change
from .refresh import PRICE
from .reloads import merge_trips
from .routes import compact
from .saved import save_route
from .slots import close_slot

SHORT, MOST_WHOLE = 15, 100
"""Tasks up to which a route is short, and up to which it is taken out whole."""
WHOLE_SHORT, WHOLE_LONG = 0.06, 0.005
"""Share of ruins that take out a whole route, if it is short or not."""
MOST_DISSOLVED = 4
"""Most routes that are taken out for one vehicle to be filled."""
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
