"""Route bookkeeping: refresh derived values, save before a change, restore after a rejection."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    AFTER,
    AUX,
    BACKHAUL,
    BASE,
    BEFORE,
    CLOSE,
    CLS,
    CM,
    CNXT,
    COLLECTED,
    CPRV,
    DELIVERS,
    DEP,
    DIST,
    DM,
    DRIVE,
    END,
    EOPEN,
    EXTRA,
    FIXED,
    HEAD,
    INF,
    LEN,
    LIMITED,
    LT,
    MAXDIST,
    MAXDRIVE,
    MAXDUR,
    MAXLEN,
    NABSENT,
    NARROW,
    NEEDS_DELIVERY,
    NFREE,
    NONE,
    NROUTES,
    NSAVED,
    NXT,
    OPEN,
    OTAFTER,
    OTPRICE,
    PD,
    PE,
    PL,
    POS,
    PRV,
    PS,
    RID,
    ROUTE_COLUMNS,
    SCLOSE,
    SD,
    SE,
    SL,
    SPAN,
    STAMP,
    START,
    SVC,
    TM,
    TOP,
    TPRV,
    TRIP_COLUMNS,
    VERSION,
    WAIT,
    WIDE,
)
from .bounds import BOUNDED, note_arcs
from .compiled import heavy, inner
from .features import BACK, DUR, HET, LIMITS, LINKED, MIXED, PAIR, RICH, TRIPS, TW
from .walk import copy_line, walk
from .windows import latest_start, next_start

WIDTH = WIDE if TW else NARROW
COLUMNS = TRIP_COLUMNS if TRIPS else ROUTE_COLUMNS
SETTLES = (TW and not TRIPS) or LIMITS
"""Whether a changed route is timed and priced at once; trips are timed with those before and after (chain.py)."""
PRICE = AUX if SETTLES or RICH else BASE
"""Column of a route in which all that it costs stands."""


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


@inner
def refresh_loads(data, state, r):
    """Recompute what a route carries."""
    dims = data.delivery.shape[1]
    seq = state.seq
    length = state.rint[r, LEN]
    if RICH:
        return
    for d in range(dims):
        out = 0
        for k in range(1, length + 1):
            out += data.delivery[seq[r, k], d]
        state.load[r, d, 0] = out
        if LINKED:
            state.carried[d, r] = out
        if BACK:
            taken = 0
            for k in range(1, length + 1):
                taken += data.pickup[seq[r, k], d]
            state.load[r, d, 1] = taken
        if MIXED or PAIR:
            taken = 0
            for k in range(1, length + 1):
                taken += data.pickup[seq[r, k], d]
            state.load[r, d, 1] = taken
    if (MIXED or PAIR) and length > 0:
        refresh_peaks(data, state, r, 1, length)


@inner
def has_peaks(data):
    """Tell whether more can be on board under way than at the begin, so that it is noted along each route."""
    return (MIXED or PAIR) and not RICH and data.rules[COLLECTED] > 0


@inner
def refresh_peaks(data, state, r, first, last):
    """Recompute what is on board along a route after a change.

    As with times, only the entries ``first..last`` are new or have lost a neighbour, and each pass ends where it
    finds nothing changed any more. What the route is brought in all must be up to date.
    """
    seq = state.seq
    peak = state.peak
    length = state.rint[r, LEN]
    if not has_peaks(data):
        for d in range(data.delivery.shape[1]):
            state.load[r, d, 2] = state.load[r, d, 0]  # never more on board than at the begin
        return
    for d in range(data.delivery.shape[1]):
        now = state.load[r, d, 0]
        high = now
        begin = 1
        if first > 1 and peak[seq[r, 1], d, 2] == now + data.change[seq[r, 1], d]:
            # Leaving with as much as before, the vehicle carries the same up to the change.
            begin = first
            now = peak[seq[r, first - 1], d, 2]
            high = peak[seq[r, first - 1], d, 0]
        end = length
        for k in range(begin, length + 1):
            x = seq[r, k]
            now += data.change[x, d]
            high = max(high, now)
            same = k > last and peak[x, d, 2] == now and peak[x, d, 0] == high
            peak[x, d, 0] = high
            peak[x, d, 2] = now
            if same:
                end = k
                break
        state.load[r, d, 2] = peak[seq[r, length], d, 0]
        high = peak[seq[r, length], d, 2] if end == length else peak[seq[r, end + 1], d, 1]
        for k in range(end, 0, -1):
            x = seq[r, k]
            high = max(high, peak[x, d, 2])
            same = k < begin and peak[x, d, 1] == high
            peak[x, d, 1] = high
            if same:
                break


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


@inner
def save_route(data, state, r):
    """Remember a route once per iteration, before its first change."""
    info = state.info
    if state.saved_stamp[r] == info[STAMP]:
        return
    state.saved_stamp[r] = info[STAMP]
    i = info[NSAVED]
    info[NSAVED] = i + 1
    state.saved[i] = r
    for k in range(COLUMNS):
        state.saved_rint[i, k] = state.rint[r, k]
    length = state.rint[r, LEN]
    if length == 0:
        return
    if LINKED:
        for d in range(state.load.shape[1]):
            state.saved_load[i, d, 0] = state.load[r, d, 0]
        return
    for d in range(state.load.shape[1]):
        for k in range(3):
            state.saved_load[i, d, k] = state.load[r, d, k]
    for k in range(length + 2):
        state.saved_seq[i, k] = state.seq[r, k]
    for k in range(length):
        x = state.seq[r, k + 1]
        if RICH and x >= data.n:
            continue
        for w in range(WIDTH):
            state.saved_node[i, k, w] = state.node[x, w]
        if has_peaks(data):
            for d in range(state.load.shape[1]):
                state.saved_peak[i, k, d, 0] = state.peak[x, d, 0]
                state.saved_peak[i, k, d, 1] = state.peak[x, d, 1]
                state.saved_peak[i, k, d, 2] = state.peak[x, d, 2]


@inner
def restore_routes(data, state):
    """Put back every saved route; slots and vehicles taken or freed go back too."""
    info = state.info
    for i in range(info[NSAVED]):
        r = state.saved[i]
        was = state.saved_rint[i, LEN]
        now = state.rint[r, LEN]
        if was == 0 and now > 0:
            close_slot(state, r)
        elif was > 0 and now == 0:
            open_slot(state, r, state.saved_rint[i, CLS])
        elif was > 0 and state.rint[r, CLS] != state.saved_rint[i, CLS]:
            state.free_vehicles[state.rint[r, CLS]] += 1
            state.free_vehicles[state.saved_rint[i, CLS]] -= 1
        if TRIPS:
            state.free_vehicles[0] += int(now > 0 and state.rint[r, BEFORE] < 0)
            state.free_vehicles[0] -= int(was > 0 and state.saved_rint[i, BEFORE] < 0)
    for i in range(info[NSAVED]):
        r = state.saved[i]
        length = state.saved_rint[i, LEN]
        for k in range(COLUMNS):
            state.rint[r, k] = state.saved_rint[i, k]
        if length == 0:
            continue
        if LINKED:
            for d in range(state.load.shape[1]):
                state.load[r, d, 0] = state.saved_load[i, d, 0]
                state.carried[d, r] = state.load[r, d, 0]
            continue
        for d in range(state.load.shape[1]):
            for k in range(3):
                state.load[r, d, k] = state.saved_load[i, d, k]
        for k in range(length + 2):
            state.seq[r, k] = state.saved_seq[i, k]
        for k in range(length):
            x = state.seq[r, k + 1]
            if RICH and x >= data.n:
                continue
            for w in range(WIDTH):
                state.node[x, w] = state.saved_node[i, k, w]
            if BOUNDED:
                note_arcs(data, state, x)
            if has_peaks(data):
                for d in range(state.load.shape[1]):
                    state.peak[x, d, 0] = state.saved_peak[i, k, d, 0]
                    state.peak[x, d, 1] = state.saved_peak[i, k, d, 1]
                    state.peak[x, d, 2] = state.saved_peak[i, k, d, 2]


@inner
def take_slot(state):
    """Return a free route slot (it stays on the stack until it is opened), NONE if there is none."""
    if state.info[NFREE] == 0:
        return NONE
    return int(state.free_slots[state.info[NFREE] - 1])


@inner
def open_slot(state, r, c):
    """Take one slot off the stack of free ones and one vehicle of its class."""
    info = state.info
    k = info[NFREE] - 1
    # The wanted slot is on top except while an undo reopens several: look for it from the top.
    while state.free_slots[k] != r:
        k -= 1
    state.free_slots[k] = state.free_slots[info[NFREE] - 1]
    info[NFREE] -= 1
    info[TOP] = max(info[TOP], r + 1)
    state.used_pos[r] = info[NROUTES]
    state.used_list[info[NROUTES]] = r
    info[NROUTES] += 1
    if not TRIPS:
        state.free_vehicles[c] -= 1


@inner
def close_slot(state, r):
    """Give an emptied slot and its vehicle back."""
    info = state.info
    state.free_slots[info[NFREE]] = r
    info[NFREE] += 1
    k = state.used_pos[r]
    last = state.used_list[info[NROUTES] - 1]
    state.used_list[k] = last
    state.used_pos[last] = k
    state.used_pos[r] = NONE
    info[NROUTES] -= 1
    if not TRIPS:
        state.free_vehicles[state.rint[r, CLS]] += 1


@inner
def add_absent(state, x):
    """Put a task on the list of those without a route."""
    info = state.info
    state.absent_pos[x] = info[NABSENT]
    state.absent[info[NABSENT]] = x
    info[NABSENT] += 1


@inner
def drop_absent(state, x):
    """Take a task off the list of those without a route."""
    info = state.info
    k = state.absent_pos[x]
    last = state.absent[info[NABSENT] - 1]
    state.absent[k] = last
    state.absent_pos[last] = k
    state.absent_pos[x] = NONE
    info[NABSENT] -= 1


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
