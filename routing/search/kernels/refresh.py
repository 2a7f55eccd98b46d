"""Recomputes what is derived of a route: arcs, loads, times, price."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    AUX,
    BASE,
    CLS,
    CM,
    CNXT,
    CPRV,
    DIST,
    DM,
    DRIVE,
    EXTRA,
    FIXED,
    HEAD,
    INF,
    LEN,
    LIMITED,
    MAXDIST,
    MAXDRIVE,
    MAXLEN,
    NXT,
    OTAFTER,
    OTPRICE,
    POS,
    PRV,
    PS,
    RID,
    SPAN,
    TM,
    VERSION,
    WAIT,
)
from .bounds import BOUNDED, note_arcs
from .compiled import heavy, inner
from .features import DUR, HET, LIMITS, LINKED, RICH, TRIPS, TW
from .loads import refresh_loads
from .times import refresh_rich_times, refresh_times
from .walk import copy_line, walk

SETTLES = (TW and not TRIPS) or LIMITS
"""Whether a changed route is timed and priced at once; trips are timed with those before and after (chain.py)."""
PRICE = AUX if SETTLES or RICH else BASE
"""Column of a route in which all that it costs stands."""


@heavy
def refresh(data, state, r):
    """Recompute everything derived of one route; return its cost, INF if it breaks a rule.

    A route can break a rule by losing a task: roads that offend the triangle inequality, or a backhaul
    rule that wants a delivery on every trip.
    """
    n = data.n
    node = state.node
    seq = state.seq
    rint = state.rint
    length = rint[r, LEN]
    c = rint[r, CLS] if HET else 0
    cm = data.cls[c, CM] if HET else 0
    cost = 0 if TRIPS else data.cls[c, FIXED]
    u = seq[r, 0]
    for k in range(1, length + 1):
        x = seq[r, k]
        arc = data.cost[cm, u, x]
        cost += arc
        if k > 1 and (not RICH or u < n):
            node[u, NXT] = x
            node[u, CNXT] = arc
        if not RICH or x < n:
            if HET:
                cost += data.node_cost[c, x]
            node[x, RID] = r
            if LINKED:
                state.seat[x] = r + 1
            node[x, POS] = k
            node[x, PRV] = u
            node[x, CPRV] = arc
        u = x
    if LINKED:
        rint[r, HEAD] = seq[r, 1]
    end = seq[r, length + 1]
    arc = data.cost[cm, u, end]
    cost += arc
    if length > 0 and u < n:
        node[u, NXT] = end
        node[u, CNXT] = arc
    if BOUNDED:
        for k in range(1, length + 1):
            note_arcs(data, state, seq[r, k])
    rint[r, BASE] = cost
    rint[r, VERSION] = 0
    refresh_loads(data, state, r)
    if RICH:
        extra = walk(data, state, c, copy_line(state, r, length))
        holds = refresh_rich_times(data, state, r)
        rint[r, EXTRA] = extra
        cost = cost + extra if holds and extra < INF else INF
        rint[r, AUX] = cost
        return cost
    if TRIPS:
        return cost
    return settle(data, state, r, 1, length)


@inner
def settle(data, state, r, first, last):
    """Recompute times and limits of a route that changed at ``first..last``; return its cost, INF if a rule breaks."""
    rint = state.rint
    c = rint[r, CLS] if HET else 0
    cost = rint[r, BASE]
    if TW and not refresh_times(data, state, r, first, last):
        cost = INF
    if LIMITS and data.rules[LIMITED] > 0 and not refresh_limits(data, state, r):
        cost = INF
    if DUR and cost < INF:
        cost += data.cls[c, PS] * rint[r, WAIT]
        cost += data.cls[c, OTPRICE] * max(0, rint[r, SPAN] - data.cls[c, OTAFTER])
    rint[r, AUX] = cost
    return cost


@inner
def refresh_limits(data, state, r):
    """Recompute driven distance and driven time of one route; tell whether they are within limits."""
    seq = state.seq
    length = state.rint[r, LEN]
    c = state.rint[r, CLS]
    tm = data.cls[c, TM]
    dm = data.cls[c, DM]
    way = 0
    drive = 0
    for k in range(length + 1):
        way += data.dist[dm, seq[r, k], seq[r, k + 1]]
        drive += data.time[tm, seq[r, k], seq[r, k + 1]]
    state.rint[r, DIST] = way
    state.rint[r, DRIVE] = drive
    return way <= data.cls[c, MAXDIST] and drive <= data.cls[c, MAXDRIVE] and length <= data.cls[c, MAXLEN]
