"""Bookkeeping where only loads count: while a change is tried, links between tasks alone are touched.

What a vehicle carries is a sum and what a place costs are its arcs, so nothing asks for the position of a task until
the change is kept. A trial therefore writes the rows of the tasks beside a cut or an insertion, a dozen or two, and
notes what stood there; taking it back restores these rows. Only a plan that is kept has its orders written again,
along the links. So a trial costs the same on short routes and on long ones.

Within a trial ``seq`` and ``POS`` are those of the plan it began with.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    BASE,
    CLS,
    CNXT,
    CPRV,
    END,
    FIXED,
    HEAD,
    LEN,
    NARROW,
    NONE,
    NROWS,
    NSAVED,
    NXT,
    POS,
    PRV,
    RID,
    STAMP,
    START,
)
from .bounds import note_arcs
from .compiled import inner


@inner
def save_row(state, x):
    """Remember the row of a task once per iteration, before its first change."""
    info = state.info
    if state.row_stamp[x] == info[STAMP]:
        return
    state.row_stamp[x] = info[STAMP]
    i = info[NROWS]
    info[NROWS] = i + 1
    state.row_of[i] = x
    for w in range(NARROW):
        state.saved_row[i, w] = state.node[x, w]


@inner
def save_rows(state, r):
    """Remember the rows of all tasks of a route of the plan the iteration began with."""
    for k in range(1, state.rint[r, LEN] + 1):
        save_row(state, state.seq[r, k])


@inner
def join(data, state, r, u, v):
    """Let ``v`` follow on ``u`` in a route, either a task or a terminal; return the arc."""
    node = state.node
    arc = data.cost[0, u, v]
    if u < data.n:
        save_row(state, u)
        node[u, NXT] = v
        node[u, CNXT] = arc
        note_arcs(data, state, u)
    else:
        state.rint[r, HEAD] = v
    if v < data.n:
        save_row(state, v)
        node[v, PRV] = u
        node[v, CPRV] = arc
        note_arcs(data, state, v)
    return int(arc)


@inner
def cut(data, state, r, first, last, stamp):
    """Take the tasks marked with ``stamp`` among entries ``first..last`` off a route; return the cost change."""
    node = state.node
    seq = state.seq
    delta = 0
    u = seq[r, first - 1]
    gap = False
    out = 0
    for i in range(first, last + 2):
        x = seq[r, i]
        if i <= last and state.mark[x] == stamp:
            save_row(state, x)
            delta -= int(node[x, CPRV])
            out = int(node[x, CNXT])
            node[x, RID] = NONE
            state.seat[x] = 0
            state.rint[r, LEN] -= 1
            for d in range(data.delivery.shape[1]):
                state.load[r, d, 0] -= data.delivery[x, d]
                state.carried[d, r] = state.load[r, d, 0]
            gap = True
            continue
        if gap:
            delta -= out
            if state.rint[r, LEN] > 0:
                delta += join(data, state, r, u, x)
            gap = False
        u = x
    if state.rint[r, LEN] == 0:
        delta -= data.cls[0, FIXED]
    state.rint[r, BASE] += delta
    return delta


@inner
def put_between(data, state, r, x, u, v):
    """Put a task between two entries of a route, which may be empty; return the cost change."""
    node = state.node
    delta = data.cls[0, FIXED] if state.rint[r, LEN] == 0 else -int(node[u, CNXT] if u < data.n else node[v, CPRV])
    delta += join(data, state, r, u, x) + join(data, state, r, x, v)
    node[x, RID] = r
    state.seat[x] = r + 1
    state.rint[r, LEN] += 1
    state.rint[r, BASE] += delta
    for d in range(data.delivery.shape[1]):
        state.load[r, d, 0] += data.delivery[x, d]
        state.carried[d, r] = state.load[r, d, 0]
    return delta


@inner
def begin_route(data, state, r):
    """Make a free slot an empty route, all but its order."""
    state.rint[r, LEN] = 0
    state.rint[r, CLS] = 0
    state.rint[r, BASE] = 0
    state.rint[r, HEAD] = data.cls[0, END]
    for d in range(state.load.shape[1]):
        state.load[r, d, 0] = 0


@inner
def nothing_moved(state):
    """Tell whether every task touched in this iteration stands where it stood."""
    for i in range(state.info[NROWS]):
        x = state.row_of[i]
        if (
            state.node[x, NXT] != state.saved_row[i, NXT]
            or state.node[x, PRV] != state.saved_row[i, PRV]
            or state.node[x, RID] != state.saved_row[i, RID]
        ):
            return False
    return True


@inner
def write_orders(data, state):
    """Write the orders of the touched routes again, along the links."""
    for i in range(state.info[NSAVED]):
        r = state.saved[i]
        state.seq[r, 0] = data.cls[0, START]
        x = state.rint[r, HEAD]
        for k in range(1, state.rint[r, LEN] + 1):
            state.seq[r, k] = x
            state.node[x, POS] = k
            x = state.node[x, NXT]
        state.seq[r, state.rint[r, LEN] + 1] = data.cls[0, END]


@inner
def restore_rows(data, state):
    """Put back every row that was saved in this iteration."""
    for i in range(state.info[NROWS]):
        x = state.row_of[i]
        for w in range(NARROW):
            state.node[x, w] = state.saved_row[i, w]
        state.seat[x] = state.node[x, RID] + 1
        note_arcs(data, state, x)
