"""What a new route with one task, one shipment or one trip would cost."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    BACKHAUL,
    CLOSE,
    CM,
    DELIVERS,
    DM,
    END,
    FIXED,
    INF,
    LIMITED,
    MAXDIST,
    MAXDRIVE,
    MAXLEN,
    NEEDS_DELIVERY,
    OPEN,
    START,
    TM,
)
from .chain import gap_for
from .compiled import inner
from .features import BACK, DUR, HET, LIMITS, RICH, TW
from .fits import companions_agree, duration_delta
from .walk import walk
from .windows import latest_start, next_start


@inner
def alone_cost(data, state, r, c, x, best):
    """Return the cost of a new route of class ``c`` with only ``x`` in the empty slot ``r``; INF from ``best`` on."""
    start = data.cls[c, START]
    end = data.cls[c, END]
    cm = data.cls[c, CM] if HET else 0
    cost = data.cls[c, FIXED] + int(data.cost[cm, start, x]) + int(data.cost[cm, x, end])
    if not RICH and cost >= best:
        return INF
    for d in range(data.delivery.shape[1]):
        if data.delivery[x, d] > data.capacity[c, d] or data.pickup[x, d] > data.capacity[c, d]:
            return INF
    if BACK and data.rules[BACKHAUL] == NEEDS_DELIVERY and not data.flow[x] & DELIVERS:
        return INF
    if HET:
        if data.allowed[c, x] == 0:
            return INF
        cost += data.node_cost[c, x]
    if RICH:
        if not companions_agree(data, state, r, x):
            return INF
        state.line[0] = start
        state.line[1] = x
        state.line[2] = end
        extra = walk(data, state, c, 1)
        return INF if extra >= INF else cost + extra
    if TW:
        tm = data.cls[c, TM]
        begin = next_start(data, x, data.cls[c, OPEN] + data.time[tm, start, x])
        if begin < 0 or begin + data.service[c, x] + data.time[tm, x, end] > data.cls[c, CLOSE]:
            return INF
        if latest_start(data, x, data.cls[c, CLOSE]) < 0:
            return INF
    if LIMITS and data.rules[LIMITED] > 0 and not alone_within_limits(data, c, x, start, end):
        return INF
    if DUR:
        extra = duration_delta(data, state, r, c, x, start, end)
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
def pair_alone_cost(data, state, c, p, d):
    """Return the cost of a new route of class ``c`` with only one shipment, or INF."""
    start = data.cls[c, START]
    end = data.cls[c, END]
    cm = data.cls[c, CM] if HET else 0
    cost = data.cls[c, FIXED] + int(data.cost[cm, start, p]) + int(data.cost[cm, p, d]) + int(data.cost[cm, d, end])
    for dim in range(data.delivery.shape[1]):
        if data.change[p, dim] > data.capacity[c, dim]:
            return INF
    if HET:
        if data.allowed[c, p] == 0 or data.allowed[c, d] == 0:
            return INF
        cost += data.node_cost[c, p] + data.node_cost[c, d]
    if RICH:
        state.line[0] = start
        state.line[1] = p
        state.line[2] = d
        state.line[3] = end
        extra = walk(data, state, c, 2)
        return INF if extra >= INF else cost + extra
    if TW:
        tm = data.cls[c, TM]
        clock = next_start(data, p, data.cls[c, OPEN] + data.time[tm, start, p])
        if clock < 0:
            return INF
        clock = next_start(data, d, clock + data.service[c, p] + data.time[tm, p, d])
        if clock < 0 or clock + data.service[c, d] + data.time[tm, d, end] > data.cls[c, CLOSE]:
            return INF
    return cost


@inner
def new_trip(data, state, x, best):
    """Return the cost of a trip with ``x`` alone and the gap it goes to; INF if there is none below ``best``."""
    start = data.cls[0, START]
    arcs = int(data.cost[0, start, x]) + int(data.cost[0, x, data.cls[0, END]])
    if arcs >= best:
        return INF, 0
    for d in range(data.delivery.shape[1]):
        if data.delivery[x, d] > data.capacity[0, d]:
            return INF, 0
    cost, gap = gap_for(data, state, x, best - arcs)
    return (arcs + cost if cost < INF else INF), gap
