"""When a route may be where: earliest and latest times and duration segments of each task, kept current."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    CLOSE,
    CLS,
    DEP,
    EOPEN,
    LEN,
    LT,
    MAXDUR,
    OPEN,
    PD,
    PE,
    PL,
    SCLOSE,
    SD,
    SE,
    SL,
    SPAN,
    SVC,
    TM,
    TPRV,
    WAIT,
)
from .compiled import inner
from .features import DUR, HET
from .windows import latest_start, next_start


@inner
def refresh_times(data, state, r, first, last):
    """Recompute earliest and latest times and duration segments after a change; tell whether the route holds.

    Only the entries ``first..last`` are new or have lost a neighbour: the past of those before and the future
    of those behind is as it was. Each pass ends where it finds nothing changed any more.
    """
    holds = refresh_forward(data, state, r, first, last)
    refresh_backward(data, state, r, first, last)
    return holds


@inner
def refresh_forward(data, state, r, first, last):
    """Recompute earliest times from entry ``first`` on; tell whether all windows are met."""
    node = state.node
    seq = state.seq
    length = state.rint[r, LEN]
    c = state.rint[r, CLS] if HET else 0
    tm = data.cls[c, TM]
    u = seq[r, first - 1]
    d = 0
    e = data.cls[c, OPEN]
    late = data.cls[c, SCLOSE]
    dep = data.cls[c, OPEN]
    if first > 1:
        dep = node[u, DEP]
        if DUR:
            d = node[u, PD]
            e = node[u, PE]
            late = node[u, PL]
    holds = True
    for k in range(first, length + 1):
        x = seq[r, k]
        if k > last + 1:
            t = node[x, TPRV]
            s = node[x, SVC]
        else:
            t = data.time[tm, u, x]
            s = data.service[c, x]
            node[x, TPRV] = t
            node[x, SVC] = s
        start = next_start(data, x, dep + t)
        if start < 0:
            holds = False
        dep = start + s
        same = k > last and node[x, DEP] == dep
        node[x, DEP] = dep
        if DUR:
            at = d + t
            opens = data.windows[x, 0]
            wait = max(0, opens - at - late)
            d = at + s + wait
            e = max(e, opens - at) - wait
            late = min(late, data.windows[x, 1] - at)
            same = same and node[x, PD] == d and node[x, PE] == e and node[x, PL] == late
            node[x, PD] = d
            node[x, PE] = e
            node[x, PL] = late
        u = x
        if same:
            break
    u = seq[r, length]
    t = data.time[tm, u, seq[r, length + 1]]
    if DUR:
        at = node[u, PD] + t
        d = at + max(0, data.cls[c, EOPEN] - at - node[u, PL])
        work = t
        for k in range(1, length + 1):
            work += node[seq[r, k], TPRV] + node[seq[r, k], SVC]
        state.rint[r, SPAN] = d
        state.rint[r, WAIT] = d - work
        if d > data.cls[c, MAXDUR]:
            holds = False
    return holds and node[u, DEP] + t <= data.cls[c, CLOSE]


@inner
def refresh_backward(data, state, r, first, last):
    """Recompute latest times from entry ``last`` back."""
    node = state.node
    seq = state.seq
    length = state.rint[r, LEN]
    c = state.rint[r, CLS] if HET else 0
    y = seq[r, last + 1]
    if last == length:
        t = data.time[data.cls[c, TM], seq[r, length], y]
        lt = data.cls[c, CLOSE]
        d = 0
        e = data.cls[c, EOPEN]
        late = data.cls[c, CLOSE]
    else:
        t = node[y, TPRV]
        lt = node[y, LT]
        if DUR:
            d = node[y, SD]
            e = node[y, SE]
            late = node[y, SL]
    for k in range(last, 0, -1):
        x = seq[r, k]
        s = node[x, SVC]
        lt = latest_start(data, x, lt - t - s)
        same = k < first and node[x, LT] == lt
        node[x, LT] = lt
        if DUR:
            # x (service s, its window) joined with what follows over an edge of t
            at = s + t
            opens = data.windows[x, 0]
            closes = data.windows[x, 1]
            wait = max(0, e - at - closes)
            d = at + d + wait
            e = max(opens, e - at) - wait
            late = min(closes, late - at)
            same = same and node[x, SD] == d and node[x, SE] == e and node[x, SL] == late
            node[x, SD] = d
            node[x, SE] = e
            node[x, SL] = late
        t = node[x, TPRV]
        if same:
            break


@inner
def refresh_rich_times(data, state, r):
    """Recompute earliest and latest times along one route of a rich problem; tell whether it may hold.

    They are necessary conditions only: breaks are not counted, set-up is left out where it might fall away,
    and who may be late at a price has no closing.
    """
    n = data.n
    node = state.node
    seq = state.seq
    length = state.rint[r, LEN]
    c = state.rint[r, CLS] if HET else 0
    tm = data.cls[c, TM]
    dep = data.cls[c, OPEN]
    holds = True
    u = seq[r, 0]
    for k in range(1, length + 1):
        x = seq[r, k]
        t = data.time[tm, u, x]
        if x >= n:
            dep = max(dep + t, data.terminal[x - n, 0]) + data.terminal[x - n, 2]
            u = x
            continue
        node[x, TPRV] = t
        s = data.service[c, x]
        start = next_start(data, x, dep + t)
        if start < 0 and data.late[x] >= 0:
            start = dep + t
        if u < n and data.place[u] == data.place[x]:
            s = data.bare[c, x]
        if start < 0:
            holds = False
        node[x, SVC] = s
        dep = start + s
        node[x, DEP] = dep
        u = x
    t = data.time[tm, u, seq[r, length + 1]]
    lt = data.cls[c, CLOSE]
    if dep + t > lt:
        holds = False
    for k in range(length, 0, -1):
        x = seq[r, k]
        if x >= n:
            lt = min(data.terminal[x - n, 1], lt - t - data.terminal[x - n, 2])
            t = data.time[tm, seq[r, k - 1], x]
            continue
        s = data.bare[c, x]
        lt = lt - t - s if data.late[x] >= 0 else latest_start(data, x, lt - t - s)
        node[x, LT] = lt
        t = node[x, TPRV]
    return holds
