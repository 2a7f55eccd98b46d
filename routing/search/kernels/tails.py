"""Exchange of tails between two routes (2-opt*, Potvin and Rousseau 1995): what strings cannot move on long routes."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    AUX,
    CLOSE,
    CLS,
    CM,
    CNXT,
    CPRV,
    DEP,
    END,
    FIXED,
    INF,
    LEN,
    LT,
    NONE,
    NSAVED,
    NXT,
    OPEN,
    POS,
    PRV,
    RID,
    START,
    SYMMETRIC,
    TM,
)
from .chance import below
from .compiled import inner
from .features import HET, LIMITS, LINKED, MIXED, PAIR, TW
from .links import save_rows
from .refresh import refresh
from .routes import start_empty
from .saved import restore_routes, save_route
from .slots import close_slot, open_slot, take_slot
from .windows import next_start

TAIL_BLINK = 8
NOTHING, TAILS, TURNED, ALONE = range(4)
TURNS = not (TW or MIXED or HET or LIMITS)
"""Where only loads count, a part of a route may be driven the other way round."""


@inner
def in_time(data, state, c, u, v):
    """Tell whether what begins with ``v`` may follow on what ends with ``u``."""
    if not TW:
        return True
    tm = data.cls[c, TM]
    dep = data.cls[c, OPEN] if u >= data.n else state.node[u, DEP]
    arrival = dep + data.time[tm, u, v]
    if v >= data.n:
        return arrival <= data.cls[c, CLOSE]
    start = next_start(data, v, arrival)
    return start >= 0 and start <= state.node[v, LT]


@inner
def load_of_first(data, state, r, k, d):
    """Add up what the first ``k`` tasks of a route are brought, in one dimension."""
    total = 0
    for i in range(1, k + 1):
        total += data.delivery[state.seq[r, i], d]
    return total


@inner
def loads_fit(data, state, c, r, k, other, m, turned):
    """Tell whether two routes have room after an exchange behind their tasks number ``k`` and ``m``.

    Only what is brought is counted; with collections the peak is seen when the exchange has been made.
    """
    for d in range(data.delivery.shape[1]):
        room = data.capacity[c, d]
        total = state.load[r, d, 0] + state.load[other, d, 0]
        ahead = load_of_first(data, state, other, m, d)
        one = load_of_first(data, state, r, k, d) + (ahead if turned else state.load[other, d, 0] - ahead)
        if one > room or total - one > room:
            return False
    return True


@inner
def nobody_waits(data, state, r, u):
    """Tell whether no shipment is on board after ``u``; a shipment that weighs nothing is looked for later."""
    if not PAIR:
        return True
    for d in range(data.delivery.shape[1]):
        if (state.load[r, d, 0] if u >= data.n else state.peak[u, d, 2]) != 0:
            return False
    return True


@inner
def best_tails(data, state, x, limit):
    """Find the cheapest neighbour to follow on ``x``, each with all behind it.

    Returns
    -------
    (cost change, kind, slot, tasks kept of the route of ``x``, tasks kept of the slot's route). The kind is
    NOTHING if nothing costs less than ``limit``, and ALONE if all behind ``x`` becomes a route of its own.
    """
    node = state.node
    near = data.near
    n = data.n
    r = node[x, RID]
    c = state.rint[r, CLS] if HET else 0
    cm = data.cls[c, CM] if HET else 0
    y = node[x, NXT]
    k = node[x, POS]
    gone = int(node[x, CNXT])
    best = limit
    kind = NOTHING
    best_slot = NONE
    best_k = int(k)
    best_m = 0
    if not nobody_waits(data, state, r, x):
        return best, kind, best_slot, best_k, best_m
    salt = below(state.rng, 1 << 20)
    for i in range(near.shape[1]):
        j = near[x, i]
        u = node[j, PRV]
        link = int(data.cost[cm, x, j])
        other = node[j, RID]
        change = link - gone - int(node[j, CPRV])
        if TURNS and data.rules[SYMMETRIC] > 0:
            change = link - max(gone, int(node[x, CPRV])) - max(int(node[j, CPRV]), int(node[j, CNXT]))
        if change >= best or other < 0 or (salt + j * 7919) % TAIL_BLINK == 0:
            continue
        if TURNS and data.rules[SYMMETRIC] > 0:
            for turn in range(2):
                change, k2, m = turned_change(data, state, x, j, link, turn)
                if change >= best or (other == r and abs(k2 - m) < 2):
                    continue
                if other == r or loads_fit(data, state, c, r, k2, other, m, True):
                    best = change
                    kind = TURNED
                    best_slot = other
                    best_k = k2
                    best_m = m
        if other == r or (HET and state.rint[other, CLS] != c):
            continue
        change = link - gone - int(node[j, CPRV])
        change += -int(data.cls[c, FIXED]) if u >= n and y >= n else int(data.cost[cm, u, y])
        if change >= best or not in_time(data, state, c, x, j) or not in_time(data, state, c, u, y):
            continue
        m = int(node[j, POS]) - 1
        if nobody_waits(data, state, other, u) and loads_fit(data, state, c, r, k, other, m, False):
            best = change
            kind = TAILS
            best_slot = other
            best_k = int(k)
            best_m = m
    slot = take_slot(state)
    if y < n and state.free_vehicles[c] > 0 and slot >= 0:
        start = data.cls[c, START]
        end = data.cls[c, END]
        change = int(data.cost[cm, x, end]) + int(data.cost[cm, start, y]) - gone + int(data.cls[c, FIXED])
        if change < best and in_time(data, state, c, x, end) and in_time(data, state, c, start, y):
            best = change
            kind = ALONE
            best_slot = slot
            best_k = int(k)
            best_m = 0
    return best, kind, best_slot, best_k, best_m


@inner
def turned_change(data, state, x, j, link, turn):
    """Price joining ``x`` and ``j`` heads together, or tails if ``turn``; return (change, kept of x's, kept of j's)."""
    node = state.node
    y = node[x, PRV] if turn else node[x, NXT]
    w = node[j, PRV] if turn else node[j, NXT]
    gone = int(node[x, CPRV] if turn else node[x, CNXT]) + int(node[j, CPRV] if turn else node[j, CNXT])
    change = link - gone
    change += -int(data.cls[0, FIXED]) if y >= data.n and w >= data.n else int(data.cost[0, y, w])
    return change, int(node[x, POS]) - turn, int(node[j, POS]) - turn


@inner
def write_tails(data, state, r, k, other, m):
    """Exchange all behind the first ``k`` tasks of one route for all behind the first ``m`` of another."""
    seq = state.seq
    length = state.rint[r, LEN]
    far = state.rint[other, LEN]
    for i in range(k + 1, length + 1):
        state.line[i] = seq[r, i]
    end = seq[r, length + 1]
    seq[r, k + far - m + 1] = seq[other, far + 1]
    for i in range(m + 1, far + 1):
        seq[r, k + i - m] = seq[other, i]
    for i in range(k + 1, length + 1):
        seq[other, m + i - k] = state.line[i]
    seq[other, m + length - k + 1] = end
    state.rint[r, LEN] = k + far - m
    state.rint[other, LEN] = m + length - k


@inner
def turn_part(state, r, first, last):
    """Turn a part of a route round."""
    while first < last:
        x = state.seq[r, first]
        state.seq[r, first] = state.seq[r, last]
        state.seq[r, last] = x
        first += 1
        last -= 1


@inner
def write_turned(data, state, r, k, other, m):
    """Join the first tasks of two routes, and what is behind them; in one route turn round what lies between."""
    if r == other:
        turn_part(state, r, min(k, m) + 1, max(k, m))
        return
    # Turned round, the other route's first m tasks are its last: then this is an exchange of tails.
    far = state.rint[other, LEN]
    turn_part(state, other, 1, far)
    write_tails(data, state, r, k, other, far - m)
    # What came behind in r now follows on the turned rest of the other: the wrong way round, as a whole.
    turn_part(state, other, 1, state.rint[other, LEN])


@inner
def renew(data, state, r):
    """Recompute a route after an exchange; return its cost, INF if it breaks a rule."""
    if state.rint[r, LEN] == 0:
        state.rint[r, AUX] = 0
        close_slot(state, r)
        return 0
    cost = refresh(data, state, r)
    if MIXED:
        for d in range(data.delivery.shape[1]):
            if state.load[r, d, 2] > data.capacity[state.rint[r, CLS], d]:
                return INF
    if PAIR:
        for i in range(1, state.rint[r, LEN] + 1):
            x = state.seq[r, i]
            if data.side[x] != 0 and state.node[data.partner[x], RID] != r:
                return INF
    return cost


@inner
def swap_tails(data, state, x, limit):
    """Carry out the cheapest exchange of tails behind ``x`` below a limit, as the one change of an iteration.

    Returns
    -------
    Cost change, INF if nothing was changed.
    """
    info = state.info
    change, kind, other, k, m = best_tails(data, state, x, limit)
    if kind == NOTHING:
        return INF
    r = state.node[x, RID]
    before = state.rint[r, AUX]
    save_route(data, state, r)
    if LINKED:
        save_rows(state, r)
    if other != r:
        save_route(data, state, other)
        if LINKED:
            save_rows(state, other)
        if kind == ALONE:
            start_empty(data, state, other, state.rint[r, CLS])
            open_slot(state, other, state.rint[r, CLS])
        before += state.rint[other, AUX]
    if TURNS and kind == TURNED:
        write_turned(data, state, r, k, other, m)
    else:
        write_tails(data, state, r, k, other, m)
    after = 0
    for turn in range(info[NSAVED]):
        after += renew(data, state, state.saved[turn])
    if not TW and not MIXED and not LIMITS:
        return change
    if after >= INF:
        restore_routes(data, state)
        info[NSAVED] = 0
        return INF
    return after - before
