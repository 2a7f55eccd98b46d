"""Changes of one route that leave all that is derived of it right: a task or shipment put in, tasks taken out."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    AFTER,
    AUX,
    BACKHAUL,
    BASE,
    BEFORE,
    CLS,
    CM,
    CNXT,
    CPRV,
    DELIVERS,
    END,
    FIXED,
    INF,
    LEN,
    NEEDS_DELIVERY,
    NONE,
    NXT,
    POS,
    PRV,
    RID,
    START,
    VERSION,
)
from .bounds import BOUNDED, note_arcs
from .compiled import inner
from .features import BACK, HET, MIXED, PAIR, RICH, TRIPS
from .loads import refresh_peaks
from .refresh import SETTLES, refresh, settle
from .slots import close_slot


@inner
def insert_at(data, state, r, k, x):
    """Put task ``x`` as stop number ``k`` into a route that has room; return the cost change."""
    seq = state.seq
    rint = state.rint
    node = state.node
    length = rint[r, LEN]
    before = rint[r, AUX] if length > 0 else 0
    if RICH:
        for i in range(length + 1, k - 1, -1):
            seq[r, i + 1] = seq[r, i]
        seq[r, k] = x
        rint[r, LEN] = length + 1
        return refresh(data, state, r) - before
    c = rint[r, CLS] if HET else 0
    cm = data.cls[c, CM] if HET else 0
    for i in range(length + 1, k - 1, -1):
        v = seq[r, i]
        seq[r, i + 1] = v
        if i <= length:
            node[v, POS] = i + 1
    seq[r, k] = x
    rint[r, LEN] = length + 1
    u = seq[r, k - 1]
    v = seq[r, k + 1]
    into = data.cost[cm, u, x]
    out = data.cost[cm, x, v]
    node[x, RID] = r
    node[x, POS] = k
    node[x, PRV] = u
    node[x, NXT] = v
    node[x, CPRV] = into
    node[x, CNXT] = out
    delta = into + out
    if length > 0:
        delta -= data.cost[cm, u, v]
    elif not TRIPS:
        delta += data.cls[c, FIXED]
    if HET:
        delta += data.node_cost[c, x]
    if k > 1:
        node[u, NXT] = x
        node[u, CNXT] = into
    if k <= length:
        node[v, PRV] = x
        node[v, CPRV] = out
    if BOUNDED:
        for i in range(max(1, k - 1), min(length + 1, k + 1) + 1):
            note_arcs(data, state, seq[r, i])
    rint[r, BASE] += delta
    rint[r, VERSION] = 0
    for d in range(data.delivery.shape[1]):
        state.load[r, d, 0] += data.delivery[x, d]
        if BACK or MIXED or PAIR:
            state.load[r, d, 1] += data.pickup[x, d]
    if MIXED or PAIR:
        refresh_peaks(data, state, r, k, k)
    if SETTLES:
        return settle(data, state, r, k, k) - before
    return delta


@inner
def link(data, state, cm, u, v):
    """Note that ``v`` follows on ``u``; return the arc."""
    node = state.node
    arc = data.cost[cm, u, v]
    if u < data.n:
        node[u, NXT] = v
        node[u, CNXT] = arc
    if v < data.n:
        node[v, PRV] = u
        node[v, CPRV] = arc
    return int(arc)


@inner
def insert_pair(data, state, r, i, k, p, d):
    """Put ``p`` and ``d`` as entries ``i < k`` of what the route will be; return the cost change."""
    seq = state.seq
    rint = state.rint
    length = rint[r, LEN]
    before = rint[r, AUX] if length > 0 else 0
    for e in range(length + 1, i - 1, -1):
        v = seq[r, e]
        place = e + 1 if e + 1 < k else e + 2
        seq[r, place] = v
        if not RICH and e <= length:
            state.node[v, POS] = place
    seq[r, i] = p
    seq[r, k] = d
    rint[r, LEN] = length + 2
    if RICH:
        return refresh(data, state, r) - before
    c = rint[r, CLS] if HET else 0
    cm = data.cls[c, CM] if HET else 0
    after = seq[r, i + 1] if k > i + 1 else seq[r, k + 1]
    delta = int(data.cls[c, FIXED]) if length == 0 else -int(data.cost[cm, seq[r, i - 1], after])
    if k > i + 1:
        delta -= int(data.cost[cm, seq[r, k - 1], seq[r, k + 1]])
        delta += link(data, state, cm, p, seq[r, i + 1]) + link(data, state, cm, seq[r, k - 1], d)
    else:
        delta += link(data, state, cm, p, d)
    delta += link(data, state, cm, seq[r, i - 1], p) + link(data, state, cm, d, seq[r, k + 1])
    if HET:
        delta += data.node_cost[c, p] + data.node_cost[c, d]
    state.node[p, RID] = r
    state.node[p, POS] = i
    state.node[d, RID] = r
    state.node[d, POS] = k
    rint[r, BASE] += delta
    rint[r, VERSION] = 0
    for dim in range(data.delivery.shape[1]):
        state.load[r, dim, 0] += data.delivery[p, dim] + data.delivery[d, dim]
        state.load[r, dim, 1] += data.pickup[p, dim] + data.pickup[d, dim]
    refresh_peaks(data, state, r, i, k)
    return settle(data, state, r, i, k) - before


@inner
def start_empty(data, state, r, c):
    """Write the terminals of an empty route of class ``c`` into a slot."""
    state.rint[r, LEN] = 0
    state.rint[r, CLS] = c
    state.rint[r, AUX] = 0
    state.rint[r, BASE] = 0
    if TRIPS:
        state.rint[r, BEFORE] = NONE
        state.rint[r, AFTER] = NONE
    state.seq[r, 0] = data.cls[c, START]
    state.seq[r, 1] = data.cls[c, END]
    for d in range(state.load.shape[1]):
        state.load[r, d, 0] = 0
        state.load[r, d, 1] = 0
        state.load[r, d, 2] = 0


@inner
def compact(data, state, r, stamp):
    """Close the gaps of tasks marked with ``stamp``; return the cost change."""
    seq = state.seq
    rint = state.rint
    node = state.node
    length = rint[r, LEN]
    if RICH:
        before = rint[r, AUX]
        end = seq[r, length + 1]
        kept = 0
        for i in range(1, length + 1):
            x = seq[r, i]
            if x >= data.n:
                if kept == 0 or seq[r, kept] >= data.n:
                    continue
            elif state.mark[x] == stamp:
                node[x, RID] = NONE
                continue
            kept += 1
            seq[r, kept] = x
        if kept > 0 and seq[r, kept] >= data.n:
            kept -= 1
        seq[r, kept + 1] = end
        rint[r, LEN] = kept
        if kept == 0:
            rint[r, AUX] = 0
            close_slot(state, r)
            return -before
        after = refresh(data, state, r)
        return INF if after >= INF else after - before
    c = rint[r, CLS] if HET else 0
    cm = data.cls[c, CM] if HET else 0
    delta = 0
    kept = 0
    u = seq[r, 0]
    gap = False
    first = 0
    last = 0
    tail = seq[r, length]
    for i in range(1, length + 2):
        x = seq[r, i]
        if i <= length and state.mark[x] == stamp:
            delta -= node[x, CPRV]
            node[x, RID] = NONE
            if HET:
                delta -= data.node_cost[c, x]
            for d in range(data.delivery.shape[1]):
                state.load[r, d, 0] -= data.delivery[x, d]
                if BACK or MIXED or PAIR:
                    state.load[r, d, 1] -= data.pickup[x, d]
            gap = True
            continue
        kept += 1
        seq[r, kept] = x
        if gap:
            if first == 0:
                first = kept
            last = kept - 1
            arc = data.cost[cm, u, x]
            if i <= length:
                delta += arc - node[x, CPRV]
                node[x, PRV] = u
                node[x, CPRV] = arc
            else:
                delta += arc - node[tail, CNXT]
            if kept > 1:
                node[u, NXT] = x
                node[u, CNXT] = arc
                if BOUNDED:
                    note_arcs(data, state, u)
            if BOUNDED and i <= length:
                note_arcs(data, state, x)
            gap = False
        if i <= length:
            node[x, POS] = kept
        u = x
    kept -= 1
    rint[r, LEN] = kept
    before = rint[r, AUX]
    if kept == 0:
        delta -= data.cost[cm, seq[r, 0], seq[r, 1]] + (0 if TRIPS else data.cls[c, FIXED])
        rint[r, AUX] = 0
        close_slot(state, r)
        return -before if SETTLES else delta
    rint[r, BASE] += delta
    rint[r, VERSION] = 0
    if MIXED or PAIR:
        refresh_peaks(data, state, r, first, last)
    if SETTLES:
        if before >= INF:
            # What broke a rule before has no times to build upon.
            return settle(data, state, r, 1, kept) - before
        after = settle(data, state, r, first, last)
        return INF if after >= INF else after - before
    if BACK and data.rules[BACKHAUL] == NEEDS_DELIVERY and not data.flow[seq[r, 1]] & DELIVERS:
        return INF  # only collections are left
    return delta
