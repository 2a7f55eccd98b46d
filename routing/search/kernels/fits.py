"""Whether a task may go to a place, and what that costs beyond arcs."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    CLOSE,
    COLLECTED,
    COLLECTS,
    DELIVERS,
    DEP,
    DIST,
    DM,
    DRIVE,
    DUE,
    EOPEN,
    EXTRA,
    GROW,
    INF,
    LEN,
    LIMITED,
    LT,
    MAXDIST,
    MAXDRIVE,
    MAXDUR,
    MAXLEN,
    NOFRONT,
    OPEN,
    OTAFTER,
    OTPRICE,
    PD,
    PE,
    PL,
    PS,
    RID,
    SCLOSE,
    SD,
    SE,
    SL,
    SPAN,
    START,
    TM,
)
from .chain import leaves_with
from .compiled import inner
from .features import BACK, DUR, HET, LIMITS, MIXED, RICH, TRIPS, TW
from .loads import fits_loads
from .overload import SOFT, is_soft
from .walk import copy_line, insert_in_line, walk
from .windows import next_start


@inner
def duration_delta(data, state, r, c, x, u, v):
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
    old = state.rint[r, SPAN]
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
def banned(data, c, u):
    """Tell whether a lock forbids to put anything right after ``u`` (a terminal: at the very front)."""
    if u >= data.n:
        return u == data.cls[c, START] and data.cls[c, NOFRONT] > 0
    return data.stay[u] > 0


@inner
def companions_agree(data, state, r, x):
    """Tell whether nobody on the route refuses ``x`` and nobody elsewhere must share its vehicle."""
    for i in range(data.foe_start[x], data.foe_start[x + 1]):
        if state.node[data.foe[i], RID] == r:
            return False
    y = data.mate[x]
    while y != x:
        other = state.node[y, RID]
        if other >= 0 and other != r:
            return False
        y = data.mate[y]
    return True


@inner
def in_turn(data, x, u, v):
    """Tell whether deliveries still come before collections with ``x`` between ``u`` and ``v``."""
    if data.flow[x] & DELIVERS and u < data.n and data.flow[u] & COLLECTS:
        return False
    return not (data.flow[x] & COLLECTS and v < data.n and data.flow[v] & DELIVERS)


@inner
def place_extra(data, state, r, c, x, u, v, k):
    """Test ``x`` as entry ``k``, between ``u`` and ``v``; return cost beyond arcs, INF if it is not allowed."""
    if MIXED and not RICH and data.rules[COLLECTED] > 0 and not fits_loads(data, state, r, c, x, u):
        return INF
    if BACK and not in_turn(data, x, u, v):
        return INF
    if RICH and banned(data, c, u):
        return INF
    if TW:
        tm = data.cls[c, TM]
        if TRIPS:
            dep = leaves_with(data, state, r, x, u)
            if dep >= INF:
                return INF
        else:
            dep = data.cls[c, OPEN] if u >= data.n else state.node[u, DEP]
        start = next_start(data, x, dep + data.time[tm, u, x])
        if RICH and start < 0 and data.late[x] >= 0:
            start = dep + data.time[tm, u, x]
        if start < 0:
            return INF
        closing = state.rint[r, DUE] if TRIPS else data.cls[c, CLOSE]
        last = closing if v >= data.n else state.node[v, LT]
        work = data.bare[c, x] if RICH else data.service[c, x]
        if start + work + data.time[tm, x, v] > last:
            return INF
    if RICH:
        m = insert_in_line(state, copy_line(state, r, state.rint[r, LEN]), k, x)
        extra = walk(data, state, c, m)
        return extra if extra >= INF else extra - state.rint[r, EXTRA]
    if LIMITS and data.rules[LIMITED] > 0 and not within_limits(data, state, r, c, x, u, v):
        return INF
    if DUR:
        return duration_delta(data, state, r, c, x, u, v)
    return 0


@inner
def route_may_take(data, state, r, c, x):
    """Quick test of a whole route for task ``x``: amounts, skills, room."""
    if HET and data.allowed[c, x] == 0:
        return False
    if RICH:
        if state.rint[r, LEN] + 4 > state.seq.shape[1]:
            state.info[GROW] = 1
            return False
        return companions_agree(data, state, r, x)
    if SOFT and is_soft(state):
        return True
    for d in range(data.delivery.shape[1]):
        if state.load[r, d, 0] + data.delivery[x, d] > data.capacity[c, d]:
            return False
        if (MIXED or BACK) and state.load[r, d, 1] + data.pickup[x, d] > data.capacity[c, d]:
            return False
    return True
