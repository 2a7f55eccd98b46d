# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201
"""The trips of a vehicle one after another: their times, and where another one fits in between.

Where a plan has several trips or release times and nothing else but loads, windows and distances, a route slot
holds one trip, and the slots of a vehicle are chained. So a trip is ruined, filled and cut like any route. What
ties it to the others are two numbers: when the vehicle is ready for it, and when it is due back. Both are carried
along the chain after a change, and only as far as they change.

Prices know no time here, so leaving as early as possible is never worse. A later departure of a trip, for goods
that arrive later, is followed to any of its tasks in constant time: the task is left at
max(departure + LASTS, IDLE), which is in time up to a departure at START_BY.
"""

from __future__ import annotations

from .arrays import (
    AFTER,
    BEFORE,
    BEGIN,
    CLOSE,
    DEP,
    DUE,
    END,
    FIXED,
    IDLE,
    INF,
    LASTS,
    LEN,
    LT,
    MAXTRIPS,
    NONE,
    NROUTES,
    OPEN,
    RELEASE,
    START,
    START_BY,
    SVC,
    TM,
    TPRV,
    TRIPCOST,
)
from .chance import below
from .compiled import apart, inner
from .saved import save_route

FOREVER = 1 << 30
NO_GAP = 1 << 40
"""Gaps are told as 0 for a vehicle of its own, 1 + r behind trip r, and −1 − r before trip r, the first of its day."""


@inner
def come_back(data, state, r):
    """Return when a trip is back at the depot."""
    last = state.seq[r, state.rint[r, LEN]]
    return int(state.node[last, DEP]) + int(data.time[data.cls[0, TM], last, data.cls[0, END]])


@inner
def ready_behind(data, state, r):
    """Return when a vehicle is loaded again after trip ``r``, or at the beginning of its day without one."""
    if r < 0:
        return int(data.cls[0, OPEN])
    depot = data.cls[0, START] - data.n
    return max(come_back(data, state, r), int(data.terminal[depot, 0])) + int(data.terminal[depot, 2])


@inner
def due_before(data, state, r):
    """Return when a vehicle must be back to be in time for trip ``r``, or for the end of its day without one."""
    if r < 0:
        return int(data.cls[0, CLOSE])
    first = state.seq[r, 1]
    depot = data.cls[0, START] - data.n
    leave = int(state.node[first, LT]) - int(state.node[first, TPRV])
    return min(int(data.terminal[depot, 1]), leave - int(data.terminal[depot, 2]))


@inner
def run_forward(data, state, r):
    """Recompute a trip's earliest times from its departure; tell whether it keeps its windows and is back in time."""
    node = state.node
    tm = data.cls[0, TM]
    dep = int(state.rint[r, BEGIN])
    lasts = 0
    idle = -FOREVER
    start_by = FOREVER
    holds = True
    u = state.seq[r, 0]
    for k in range(1, state.rint[r, LEN] + 1):
        x = state.seq[r, k]
        t = int(data.time[tm, u, x])
        s = int(data.service[0, x])
        opens = int(data.windows[x, 0])
        closes = int(data.windows[x, 1])
        at = dep + t
        if at > closes:
            holds = False
            at = closes
        dep = max(at, opens) + s
        start_by = min(start_by, closes - lasts - t)
        lasts = min(FOREVER, lasts + t + s)
        idle = min(FOREVER, max(idle + t, opens) + s)
        node[x, TPRV] = t
        node[x, SVC] = s
        node[x, DEP] = dep
        node[x, LASTS] = lasts
        node[x, IDLE] = idle
        node[x, START_BY] = max(-FOREVER, start_by)
        u = x
    return holds and come_back(data, state, r) <= state.rint[r, DUE]


@inner
def run_backward(data, state, r):
    """Recompute a trip's latest times from when it is due."""
    node = state.node
    length = state.rint[r, LEN]
    lt = int(state.rint[r, DUE])
    t = int(data.time[data.cls[0, TM], state.seq[r, length], data.cls[0, END]])
    for k in range(length, 0, -1):
        x = state.seq[r, k]
        lt = min(int(data.windows[x, 1]), lt - t - int(node[x, SVC]))
        node[x, LT] = lt
        t = int(node[x, TPRV])


@apart
def hurry_those_before(data, state, r):
    """Tell the trips before ``r`` when they are due, as far as that changes."""
    p = state.rint[r, BEFORE]
    while p >= 0:
        due = due_before(data, state, r)
        if state.rint[p, DUE] == due:
            return
        save_route(data, state, p)
        state.rint[p, DUE] = due
        run_backward(data, state, p)
        r = p
        p = state.rint[r, BEFORE]


@apart
def delay_those_after(data, state, r):
    """Tell trip ``r`` and those after it when they can begin, as far as that changes."""
    while r >= 0:
        begin = max(ready_behind(data, state, state.rint[r, BEFORE]), state.rint[r, RELEASE])
        if state.rint[r, BEGIN] == begin:
            return
        save_route(data, state, r)
        state.rint[r, BEGIN] = begin
        run_forward(data, state, r)
        r = state.rint[r, AFTER]


@apart
def retime(data, state, r):
    """Recompute all times after a change of the tasks of trip ``r``; tell whether the day holds.

    If it does not, nothing but the trip itself has been written to.
    """
    release = 0
    for k in range(1, state.rint[r, LEN] + 1):
        release = max(release, data.release[state.seq[r, k]])
    state.rint[r, RELEASE] = release
    state.rint[r, BEGIN] = max(ready_behind(data, state, state.rint[r, BEFORE]), release)
    if not run_forward(data, state, r):
        return False
    run_backward(data, state, r)
    hurry_those_before(data, state, r)
    delay_those_after(data, state, state.rint[r, AFTER])
    return True


@inner
def join(data, state, p, q):
    """Make ``q`` the trip behind ``p``; either may be missing. Times follow with :func:`rejoin`."""
    if p >= 0:
        save_route(data, state, p)
        state.rint[p, AFTER] = q
    if q >= 0:
        save_route(data, state, q)
        state.rint[q, BEFORE] = p


@apart
def rejoin(data, state, p, q):
    """Carry times over a joint between two trips that has changed."""
    if q >= 0:
        delay_those_after(data, state, q)
    if p >= 0:
        due = due_before(data, state, q)
        if state.rint[p, DUE] != due:
            state.rint[p, DUE] = due
            run_backward(data, state, p)
            hurry_those_before(data, state, p)


@inner
def unlink(data, state, r):
    """Take an emptied trip out of its vehicle's day; return the cost change."""
    p = state.rint[r, BEFORE]
    q = state.rint[r, AFTER]
    join(data, state, p, q)
    rejoin(data, state, p, q)
    if p < 0 and q < 0:
        state.free_vehicles[0] += 1
        return -data.cls[0, FIXED]
    return -data.cls[0, TRIPCOST]


@inner
def link(data, state, r, gap):
    """Put a new, still empty trip into a gap; return the cost change. Times follow with its first task."""
    p = NONE
    q = NONE
    if gap > 0:
        p = gap - 1
        q = int(state.rint[p, AFTER])
    elif gap < 0:
        q = -gap - 1
    state.rint[r, BEFORE] = p
    state.rint[r, AFTER] = q
    state.rint[r, DUE] = due_before(data, state, q)
    if p >= 0:
        save_route(data, state, p)
        state.rint[p, AFTER] = r
    if q >= 0:
        save_route(data, state, q)
        state.rint[q, BEFORE] = r
    if p < 0 and q < 0:
        state.free_vehicles[0] -= 1
        return data.cls[0, FIXED]
    return data.cls[0, TRIPCOST]


@inner
def leaves_with(data, state, r, x, u):
    """Return when trip ``r`` leaves ``u`` if the goods of ``x`` come along, INF if that is too late for somebody."""
    released = data.release[x]
    if released <= state.rint[r, BEGIN]:
        return state.rint[r, BEGIN] if u >= data.n else int(state.node[u, DEP])
    if u >= data.n:
        return released
    if released > state.node[u, START_BY]:
        return INF
    return max(released + int(state.node[u, LASTS]), int(state.node[u, IDLE]))


@inner
def alone_fits(data, x, ready, due):
    """Tell whether a trip to ``x`` alone fits between two moments at the depot."""
    tm = data.cls[0, TM]
    at = max(ready, data.release[x]) + int(data.time[tm, data.cls[0, START], x])
    if at > data.windows[x, 1]:
        return False
    start = max(at, int(data.windows[x, 0]))
    return start + int(data.service[0, x]) + int(data.time[tm, x, data.cls[0, END]]) <= due


@inner
def trips_of_day(state, r):
    """Count the trips of the vehicle that makes trip ``r``."""
    count = 1
    p = state.rint[r, BEFORE]
    while p >= 0:
        count += 1
        p = state.rint[p, BEFORE]
    q = state.rint[r, AFTER]
    while q >= 0:
        count += 1
        q = state.rint[q, AFTER]
    return count


@apart
def gap_for(data, state, x, price):
    """Find a gap for a trip to ``x`` alone that costs less than ``price``; return (cost, gap), INF if there is none.

    All gaps of vehicles in use cost the same, so the first that fits from a random one on is taken.
    """
    cls = data.cls
    cost = INF
    gap = NO_GAP
    if state.free_vehicles[0] > 0 and cls[0, FIXED] < price and alone_fits(data, x, cls[0, OPEN], cls[0, CLOSE]):
        cost = cls[0, FIXED]
        gap = 0
    used = state.info[NROUTES]
    if used == 0 or cls[0, MAXTRIPS] < 2 or cls[0, TRIPCOST] >= min(cost, price):
        return cost, gap
    at = below(state.rng, used)
    for _ in range(used):
        at = at + 1 if at + 1 < used else 0
        r = state.used_list[at]
        found = NO_GAP
        if alone_fits(data, x, ready_behind(data, state, r), state.rint[r, DUE]):
            found = 1 + r
        elif state.rint[r, BEFORE] < 0 and alone_fits(data, x, cls[0, OPEN], due_before(data, state, r)):
            found = -1 - r
        if found < NO_GAP and (cls[0, MAXTRIPS] >= data.n or trips_of_day(state, r) < cls[0, MAXTRIPS]):
            return cls[0, TRIPCOST], found
    return cost, gap


@inner
def chain_loaded(data, state):
    """Chain the trips of a plan that has just been loaded and compute their times; return their cost beyond arcs."""
    for r in range(state.best_len.shape[0]):
        if state.best_len[r] > 0:
            p = state.best_before[r]
            state.rint[r, BEFORE] = p
            if p >= 0:
                state.rint[p, AFTER] = r
    cost = 0
    for head in range(state.best_len.shape[0]):
        if state.best_len[head] == 0 or state.rint[head, BEFORE] >= 0:
            continue
        state.free_vehicles[0] -= 1
        cost += data.cls[0, FIXED] - data.cls[0, TRIPCOST]
        r = head
        last = head
        while r >= 0:
            cost += data.cls[0, TRIPCOST]
            state.rint[r, DUE] = data.cls[0, CLOSE]
            release = 0
            for k in range(1, state.rint[r, LEN] + 1):
                release = max(release, data.release[state.seq[r, k]])
            state.rint[r, RELEASE] = release
            state.rint[r, BEGIN] = max(ready_behind(data, state, state.rint[r, BEFORE]), release)
            run_forward(data, state, r)
            last = r
            r = state.rint[r, AFTER]
        while last >= 0:
            state.rint[last, DUE] = due_before(data, state, state.rint[last, AFTER])
            run_backward(data, state, last)
            last = state.rint[last, BEFORE]
    return cost
