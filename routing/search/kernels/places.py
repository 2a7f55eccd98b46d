"""Where a task fits: tests of one place in a route, and the cheapest place near its neighbours."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

from routing.search.kernels.arrays import (
    CLOSE,
    CLS,
    CM,
    CNXT,
    COUNT,
    CPRV,
    DEP,
    DIST,
    DM,
    DRIVE,
    DUR,
    END,
    EOPEN,
    FAR,
    FIXED,
    INF,
    LEN,
    LT,
    MAXDIST,
    MAXDRIVE,
    MAXDUR,
    MAXLEN,
    NONE,
    NXT,
    OPEN,
    OTAFTER,
    OTPRICE,
    PD,
    PE,
    PL,
    PRV,
    PS,
    RID,
    SCLOSE,
    SD,
    SE,
    SL,
    START,
    TM,
    WAIT,
)
from routing.search.kernels.chance import bits32
from routing.search.kernels.compiled import inner
from routing.search.kernels.routes import latest_start, next_start, take_slot

BLINK = 100


@inner
def fits_loads(data, state, flags, r, c, x, u):
    """Tell whether the route can carry task ``x`` placed after node ``u``."""
    for d in range(data.delivery.shape[1]):
        q = data.delivery[x, d]
        p = data.pickup[x, d]
        if u >= data.n:
            before = state.load[r, d, 0]
            after = state.load[r, d, 2]
        else:
            before = state.peak[u, d, 0]
            after = state.peak[u, d, 1]
        if max(before, state.load[r, d, 0]) + q > data.capacity[c, d] or after + p > data.capacity[c, d]:
            return False
    return True


@inner
def duration_delta(data, state, flags, r, c, x, u, v):
    """Return the price of the change in waiting and overtime when ``x`` goes between ``u`` and ``v``, or INF."""
    node = state.node
    tm = data.cls[c, TM]
    if u >= data.n:
        d = 0
        e = data.cls[c, OPEN]
        last = data.cls[c, SCLOSE]
    else:
        d = node[u, PD]
        e = node[u, PE]
        last = node[u, PL]
    t = data.time[tm, u, x]
    s = data.service[c, x]
    at = d + t
    opens = data.windows[x, 0]
    closes = data.windows[x, 1]
    wait = max(0, opens - at - last)
    d = at + s + wait
    e = max(e, opens - at) - wait
    last = min(last, closes - at)
    work = t + s
    t = data.time[tm, x, v]
    work += t
    if v >= data.n:
        sd = 0
        se = data.cls[c, EOPEN]
        sl = data.cls[c, CLOSE]
    else:
        sd = node[v, SD]
        se = node[v, SE]
        sl = node[v, SL]
    at = d + t
    if e + at > sl:
        return INF
    d = at + sd + max(0, se - at - last)
    if d > data.cls[c, MAXDUR]:
        return INF
    old = state.rint[r, DUR]
    work -= data.time[tm, u, v]
    if state.rint[r, LEN] == 0:
        old = 0
        work += data.time[tm, u, v]
    extra = data.cls[c, PS] * (d - old - work)
    after = data.cls[c, OTAFTER]
    if d > after or old > after:
        extra += data.cls[c, OTPRICE] * (max(0, d - after) - max(0, old - after))
    return extra


@inner
def within_limits(data, state, r, c, x, u, v):
    """Tell whether distance, driving time and number of tasks of a route stay within limits."""
    if state.rint[r, LEN] + 1 > data.cls[c, MAXLEN]:
        return False
    dm = data.cls[c, DM]
    more = data.dist[dm, u, x] + data.dist[dm, x, v] - data.dist[dm, u, v]
    if state.rint[r, DIST] + more > data.cls[c, MAXDIST]:
        return False
    tm = data.cls[c, TM]
    more = data.time[tm, u, x] + data.time[tm, x, v] - data.time[tm, u, v]
    return state.rint[r, DRIVE] + more <= data.cls[c, MAXDRIVE]


@inner
def place_extra(data, state, flags, r, c, x, u, v):
    """Test the place of ``x`` between ``u`` and ``v``; return cost beyond arcs, INF if it is not allowed."""
    if len(flags.mixed) and not fits_loads(data, state, flags, r, c, x, u):
        return INF
    if len(flags.tw):
        tm = data.cls[c, TM]
        dep = data.cls[c, OPEN] if u >= data.n else state.node[u, DEP]
        start = next_start(data, x, dep + data.time[tm, u, x])
        if start < 0:
            return INF
        last = data.cls[c, CLOSE] if v >= data.n else state.node[v, LT]
        if start + data.service[c, x] + data.time[tm, x, v] > last:
            return INF
    if len(flags.limits) and not within_limits(data, state, r, c, x, u, v):
        return INF
    if len(flags.dur):
        return duration_delta(data, state, flags, r, c, x, u, v)
    return 0


@inner
def route_may_take(data, state, flags, r, c, x):
    """Quick test of a whole route for task ``x``: amounts, skills, room."""
    if len(flags.het) and data.allowed[c, x] == 0:
        return False
    if state.rint[r, LEN] + 3 > state.seq.shape[1]:
        return False
    for d in range(data.delivery.shape[1]):
        if state.load[r, d, 0] + data.delivery[x, d] > data.capacity[c, d]:
            return False
        if len(flags.mixed) and state.load[r, d, 1] + data.pickup[x, d] > data.capacity[c, d]:
            return False
    return True


@inner
def alone_cost(data, state, flags, r, c, x):
    """Return the cost of a new route of class ``c`` in the empty slot ``r`` with only ``x``, or INF."""
    start = data.cls[c, START]
    end = data.cls[c, END]
    cm = data.cls[c, CM] if len(flags.het) else 0
    cost = data.cls[c, FIXED] + int(data.cost[cm, start, x]) + int(data.cost[cm, x, end])
    for d in range(data.delivery.shape[1]):
        if data.delivery[x, d] > data.capacity[c, d] or data.pickup[x, d] > data.capacity[c, d]:
            return INF
    if len(flags.het):
        if data.allowed[c, x] == 0:
            return INF
        cost += data.node_cost[c, x]
    if len(flags.tw):
        tm = data.cls[c, TM]
        begin = next_start(data, x, data.cls[c, OPEN] + data.time[tm, start, x])
        if begin < 0 or begin + data.service[c, x] + data.time[tm, x, end] > data.cls[c, CLOSE]:
            return INF
        if latest_start(data, x, data.cls[c, CLOSE]) < 0:
            return INF
    if len(flags.limits) and not alone_within_limits(data, c, x, start, end):
        return INF
    if len(flags.dur):
        extra = duration_delta(data, state, flags, r, c, x, start, end)
        if extra >= INF:
            return INF
        cost += extra
    return cost


@inner
def alone_within_limits(data, c, x, start, end):
    """Tell whether a route with only ``x`` keeps distance, driving time and task limits."""
    dm = data.cls[c, DM]
    tm = data.cls[c, TM]
    if data.cls[c, MAXLEN] < 1 or data.dist[dm, start, x] + data.dist[dm, x, end] > data.cls[c, MAXDIST]:
        return False
    return data.time[tm, start, x] + data.time[tm, x, end] <= data.cls[c, MAXDRIVE]


@inner
def best_place(data, state, flags, x, best, blink):
    """Find the cheapest place of one task beside its neighbours or in a new route.

    Parameters
    ----------
    best
        Only places cheaper than this count.
    blink
        True: each new best place is passed over with probability 1/BLINK (SISR's blinks).

    Returns
    -------
    (cost, slot, position, class): cost is INF if there is none; position 0 means a new route.

    Notes
    -----
    A place is met from both its ends; the blink is a hash of the place, so that both meetings agree.
    """
    node = state.node
    n = data.n
    near = data.near
    best_r = NONE
    best_k = 0
    best_c = 0
    salt = int(bits32(state.rng)) if blink else 0
    c = 0
    cm = 0
    found = best
    fixed_part = 0
    slack = 0
    for i in range(near.shape[1]):
        j = near[x, i]
        r = node[j, RID]
        if r < 0:
            continue
        if len(flags.het):
            c = state.rint[r, CLS]
            cm = data.cls[c, CM]
        if not route_may_take(data, state, flags, r, c, x):
            continue
        if len(flags.het):
            fixed_part = data.node_cost[c, x]
        if len(flags.dur):
            slack = data.cls[c, PS] * state.rint[r, WAIT]
        v = node[j, NXT]
        arcs = int(data.cost_t[cm, x, j]) + int(data.cost[cm, x, v]) - node[j, CNXT] + fixed_part
        if arcs - slack < found and (not blink or (salt + j * 7919) % BLINK != 0):
            extra = place_extra(data, state, flags, r, c, x, j, v)
            if arcs + extra < found:
                found = arcs + extra
                best_r = r
                best_k = -j - 1
                best_c = c
        u = node[j, PRV]
        arcs = int(data.cost_t[cm, x, u]) + int(data.cost[cm, x, j]) - node[j, CPRV] + fixed_part
        if arcs - slack < found and (not blink or (salt + (u + r if u >= n else u) * 7919) % BLINK != 0):
            extra = place_extra(data, state, flags, r, c, x, u, j)
            if arcs + extra < found:
                found = arcs + extra
                best_r = r
                best_k = j + 1
                best_c = c
    slot = take_slot(state)
    if slot >= 0:
        for c in range(data.cls.shape[0]):
            if state.free_vehicles[c] <= 0:
                continue
            state.rint[slot, LEN] = 0
            cost = alone_cost(data, state, flags, slot, c, x)
            if cost < found:
                found = cost
                best_r = slot
                best_k = 0
                best_c = c
    if best_r < 0:
        return INF, NONE, 0, 0
    return found, best_r, best_k, best_c


__all__ = ["COUNT", "FAR", "best_place", "place_extra", "route_may_take"]
