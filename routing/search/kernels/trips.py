# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201
"""Moves of plans with several trips: two trips exchange their ends, two vehicles what is left of their days."""

from __future__ import annotations

from .arrays import (
    AFTER,
    BASE,
    BEFORE,
    BEGIN,
    CNXT,
    CPRV,
    DEP,
    DUE,
    END,
    INF,
    LEN,
    MAXTRIPS,
    NONE,
    NROUTES,
    NSAVED,
    NXT,
    POS,
    PRV,
    RID,
    TM,
    TRIPCOST,
)
from .chain import come_back, due_before, join, ready_behind, rejoin, retime, unlink
from .chance import below
from .compiled import apart, inner
from .refresh import refresh
from .saved import restore_routes, save_route
from .slots import close_slot
from .tails import write_tails

TAIL_BLINK = 8


@apart
def joined_end(data, state, r, k, other, m):
    """Return when a trip of the first ``k`` tasks of ``r`` and all behind ``m`` of another is back.

    It is made by the vehicle of ``r`` in its place. Without any task it is back when the trip before was. INF if
    there is no room or somebody is served too late.
    """
    seq = state.seq
    total = k + state.rint[other, LEN] - m
    if total == 0:
        p = state.rint[r, BEFORE]
        return come_back(data, state, p) if p >= 0 else 0
    for d in range(data.delivery.shape[1]):
        load = 0
        for i in range(1, total + 1):
            load += data.delivery[seq[r, i] if i <= k else seq[other, m + i - k], d]
        if load > data.capacity[0, d]:
            return INF
    release = 0
    for i in range(1, total + 1):
        release = max(release, data.release[seq[r, i] if i <= k else seq[other, m + i - k]])
    tm = data.cls[0, TM]
    begin = max(ready_behind(data, state, state.rint[r, BEFORE]), release)
    known = k if begin == state.rint[r, BEGIN] else 0
    u = seq[r, known]
    clock = int(state.node[u, DEP]) if known > 0 else begin
    for i in range(known + 1, total + 1):
        x = seq[r, i] if i <= k else seq[other, m + i - k]
        clock += int(data.time[tm, u, x])
        if clock > data.windows[x, 1]:
            return INF
        clock = max(clock, int(data.windows[x, 0])) + int(data.service[0, x])
        u = x
    return clock + int(data.time[tm, u, data.cls[0, END]])


@inner
def same_day(state, r, other):
    """Tell whether one vehicle makes both trips."""
    p = r
    while p >= 0:
        if p == other:
            return True
        p = state.rint[p, BEFORE]
    p = state.rint[r, AFTER]
    while p >= 0:
        if p == other:
            return True
        p = state.rint[p, AFTER]
    return False


@inner
def best_ends(data, state, x, limit):
    """Find the cheapest neighbour to follow on ``x``, each with all behind it on its trip.

    Returns
    -------
    (slot, tasks kept of that trip, whether the vehicles' later trips change over as well); no slot if nothing
    costs less than ``limit``.
    """
    node = state.node
    near = data.near
    n = data.n
    r = node[x, RID]
    y = node[x, NXT]
    k = node[x, POS]
    gone = int(node[x, CNXT])
    best = limit
    best_slot = NONE
    best_m = 0
    best_cross = False
    salt = below(state.rng, 1 << 20)
    for i in range(near.shape[1]):
        j = near[x, i]
        change = int(data.cost[0, x, j]) - gone - int(node[j, CPRV])
        if change >= best or (salt + j * 7919) % TAIL_BLINK == 0:
            continue
        u = node[j, PRV]
        other = node[j, RID]
        if other < 0 or other == r:
            continue
        change += -int(data.cls[0, TRIPCOST]) if u >= n and y >= n else int(data.cost[0, u, y])
        if change >= best:
            continue
        m = int(node[j, POS]) - 1
        one = joined_end(data, state, r, k, other, m)
        if one >= INF or same_day(state, r, other):
            continue
        two = joined_end(data, state, other, m, r, k)
        straight = one <= state.rint[r, DUE] and two <= state.rint[other, DUE]
        cross = one <= state.rint[other, DUE] and two <= state.rint[r, DUE]
        if straight or (cross and data.cls[0, MAXTRIPS] >= n):
            best = change
            best_slot = other
            best_m = m
            best_cross = not straight
    return best_slot, best_m, best_cross


@inner
def cross_days(data, state, r, other):
    """Have two vehicles exchange all trips behind two of theirs, without times."""
    q = state.rint[r, AFTER]
    join(data, state, r, state.rint[other, AFTER])
    join(data, state, other, q)


@apart
def exchange_ends(data, state, x, limit):
    """Carry out the cheapest exchange of ends behind ``x`` below a limit, as the one change of an iteration.

    Returns
    -------
    Cost change, INF if nothing was changed.
    """
    rint = state.rint
    other, m, cross = best_ends(data, state, x, limit)
    if other < 0:
        return INF
    r = state.node[x, RID]
    k = state.node[x, POS]
    save_route(data, state, r)
    save_route(data, state, other)
    delta = -rint[r, BASE] - rint[other, BASE]
    write_tails(data, state, r, k, other, m)
    if cross:
        cross_days(data, state, r, other)
        rint[r, DUE] = due_before(data, state, rint[r, AFTER])
        rint[other, DUE] = due_before(data, state, rint[other, AFTER])
    delta += refresh(data, state, r)
    holds = True
    if rint[other, LEN] == 0:
        close_slot(state, other)
        delta += unlink(data, state, other)
    else:
        delta += refresh(data, state, other)
        holds = retime(data, state, other)
    if holds and retime(data, state, r):
        return delta
    restore_routes(data, state)
    state.info[NSAVED] = 0
    return INF


@apart
def exchange_days(data, state):
    """Have two vehicles exchange all trips behind two random ones, which costs nothing; INF if they cannot.

    Times change all the same, and with them what fits where.
    """
    rint = state.rint
    used = state.info[NROUTES]
    if used < 2:
        return INF
    r = state.used_list[below(state.rng, used)]
    other = state.used_list[below(state.rng, used)]
    if same_day(state, r, other):
        return INF
    q = rint[r, AFTER]
    v = rint[other, AFTER]
    if come_back(data, state, r) > rint[other, DUE] or come_back(data, state, other) > rint[r, DUE]:
        return INF
    if data.cls[0, MAXTRIPS] < data.n and (q >= 0 or v >= 0):
        return INF
    cross_days(data, state, r, other)
    rejoin(data, state, r, v)
    rejoin(data, state, other, q)
    return 0
