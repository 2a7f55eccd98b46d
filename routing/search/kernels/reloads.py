"""Reloads on the way, where routes are walked along: put in beside a task, moved, dropped."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import AUX, CLS, CM, CNXT, CPRV, EXTRA, GROW, INF, LEN, NONE, NXT, POS, PRV
from .compiled import inner
from .fits import banned
from .refresh import refresh
from .walk import copy_line, insert_in_line, walk

RELOADED = 1 << 40
"""What a place is numbered further on for each reload depot, see ``places.best_place``."""


@inner
def reload_place(data, state, r, c, x, j, base, best):
    """Try ``x`` after or before task ``j`` together with a reload on its other side; return (place, cost)."""
    length = state.rint[r, LEN]
    if length + 5 > state.seq.shape[1]:
        state.info[GROW] = 1
        return 0, INF
    node = state.node
    cm = data.cls[c, CM]
    k = node[j, POS]
    u = node[j, PRV]
    v = node[j, NXT]
    found = 0
    # The three ways: j, reload, x, v; j, x, reload, v; and x, reload, j where j is the first of its trip.
    for way in range(3 * data.reload.shape[1]):
        number = way // 3
        stop = data.reload[c, number]
        if stop < 0:
            break
        turn = way % 3
        if (turn == 1 and v >= data.n) or (turn == 2 and u < data.n):
            continue
        before = u if turn == 2 else j
        after = j if turn == 2 else v
        first = stop if turn == 0 else x
        second = x if turn == 0 else stop
        arcs = int(data.cost[cm, before, first]) + int(data.cost[cm, first, second]) + int(data.cost[cm, second, after])
        arcs += data.node_cost[c, x] - int(node[j, CPRV] if turn == 2 else node[j, CNXT])
        if arcs + base - data.node_cost[c, x] >= best or banned(data, c, before):
            continue
        at = k if turn == 2 else k + 1
        m = insert_in_line(state, copy_line(state, r, length), at, first)
        m = insert_in_line(state, m, at + 1, second)
        cost = arcs + walk(data, state, c, m) - state.rint[r, EXTRA]
        if cost < best:
            best = cost
            reload = (number + 1) * RELOADED
            if turn == 2:
                found = int(j) + 1 + reload
            else:
                found = -int(j) - 1 + (reload if turn == 1 else -reload)
    return found, (best if found != 0 else INF)


@inner
def put_in_with_reload(data, state, x, r, place, c):
    """Carry out an insertion of a task with a reload on one side; return the cost change."""
    before = state.rint[r, AUX]
    follows = place > 0
    number = (abs(place) + RELOADED // 2) // RELOADED
    beside = place - number * RELOADED if follows else place + number * RELOADED
    k = state.node[beside - 1, POS] if beside > 0 else state.node[-beside - 1, POS] + 1
    stop = data.reload[c, number - 1]
    first = x if follows else stop
    second = stop if follows else x
    length = state.rint[r, LEN]
    for i in range(length + 1, k - 1, -1):
        state.seq[r, i + 2] = state.seq[r, i]
    state.seq[r, k] = first
    state.seq[r, k + 1] = second
    state.rint[r, LEN] = length + 2
    return refresh(data, state, r) - before


@inner
def merge_trips(data, state, r):
    """Drop reloads of a route that it can do without, move others to a cheaper depot; return the cost change."""
    delta = 0
    k = 1
    while k <= state.rint[r, LEN]:
        if state.seq[r, k] < data.n:
            k += 1
            continue
        c = state.rint[r, CLS]
        cm = data.cls[c, CM]
        u = state.seq[r, k - 1]
        v = state.seq[r, k + 1]
        stop = state.seq[r, k]
        length = state.rint[r, LEN]
        now = int(data.cost[cm, u, stop]) + int(data.cost[cm, stop, v]) + state.rint[r, EXTRA]
        best = now
        chosen = stop
        for s in range(data.reload.shape[1] + 1):
            copy_line(state, r, length)
            if s == 0:
                for i in range(k, length + 1):
                    state.line[i] = state.seq[r, i + 1]
                cost = int(data.cost[cm, u, v])
                m = length - 1
            else:
                other = data.reload[c, s - 1]
                if other < 0 or other == stop:
                    continue
                state.line[k] = other
                cost = int(data.cost[cm, u, other]) + int(data.cost[cm, other, v])
                m = length
            cost += walk(data, state, c, m)
            if cost < best or (s == 0 and cost == best):
                best = cost
                chosen = NONE if s == 0 else other
        if chosen == stop:
            k += 1
            continue
        before = state.rint[r, AUX]
        if chosen >= 0:
            state.seq[r, k] = chosen
            k += 1
        else:
            for i in range(k, length + 1):
                state.seq[r, i] = state.seq[r, i + 1]
            state.rint[r, LEN] = length - 1
        delta += refresh(data, state, r) - before
    return delta


@inner
def may_reload(data, c, stop):
    """Tell whether a class may reload at a terminal."""
    found = False
    for s in range(data.reload.shape[1]):
        found = found or data.reload[c, s] == stop
    return found
