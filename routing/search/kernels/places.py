"""Where a task fits: tests of one place in a route, and the cheapest place near its neighbours."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    BACKHAUL,
    CLOSE,
    CLS,
    CM,
    CNXT,
    COLLECTED,
    COLLECTS,
    CPRV,
    DELIVERS,
    DEP,
    DIST,
    DM,
    DRIVE,
    DUE,
    END,
    EOPEN,
    EXTRA,
    FIXED,
    GROW,
    INF,
    LEN,
    LIMITED,
    LT,
    MAXDIST,
    MAXDRIVE,
    MAXDUR,
    MAXLEN,
    MAXTRIPS,
    NEEDS_DELIVERY,
    NOFRONT,
    NONE,
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
    SCLOSE,
    SD,
    SE,
    SL,
    SPAN,
    START,
    SVC,
    TM,
    UPGRADING,
    VENTURING,
    VERSION,
    VERSIONS,
    VISIT,
    WAIT,
)
from .beside import BLINK, cheapest_beside
from .bounds import ALWAYS, BOUNDED, pick
from .chain import gap_for, leaves_with
from .chance import below
from .compiled import heavy, inner
from .features import BACK, DUR, HET, LIMITS, LINKED, MIXED, PAIR, RICH, TRIPS, TW
from .fleet import UPGRADES, larger_class
from .overload import SOFT, is_soft, price_of_more
from .routes import take_slot
from .walk import begin_work, copy_line, insert_in_line, walk
from .windows import latest_start, next_start

PAIR_BLINK = 50
RELOADED = 1 << 40
VENTURES = not PAIR and not TRIPS and not RICH
"""Whether routes are opened for several tasks at once, none of which would pay for one alone."""


@inner
def fits_loads(data, state, r, c, x, u):
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
def neighbours(data, state):
    """Return how many neighbours of a task are places looked for beside: none if it is to open a route."""
    return 0 if VENTURES and state.info[VENTURING] > 0 else data.near.shape[1]


@heavy
def best_place(data, state, x, best, blink):
    """Find the cheapest place of one task beside its neighbours or in a new route.

    Parameters
    ----------
    best
        Only places cheaper than this count.
    blink
        True: each new best place is passed over with probability 1/BLINK (SISR's blinks).

    Returns
    -------
    (cost, slot, place, class): cost is INF if there is none. A place j + 1 is before task j, -j - 1 after
    it, 0 in a new route. With reload depot number s of the class on the way, place + (s + 1) * RELOADED is x
    followed by a reload, and place - (s + 1) * RELOADED is x after a reload.

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
    salt = below(state.rng, 1 << 20) if blink else 0
    c = 0
    cm = 0
    found = best
    count = 0
    fixed_part = 0
    slack = 0
    if UPGRADES:
        state.info[VISIT] += 1  # one more task in hand, see larger_class
    if LINKED and state.info[VENTURING] == 0:
        found, best_k = cheapest_beside(data, state, x, best, salt if blink else NONE)
        if best_k != 0:
            best_r = node[abs(best_k) - 1, RID]
    for i in range(0 if LINKED else neighbours(data, state)):
        if BOUNDED and i >= ALWAYS:
            if i == ALWAYS:
                # With another vehicle arcs cost something else.
                bounded = not UPGRADES or state.info[UPGRADING] == 0
                count = pick(data, state, x, ALWAYS, near.shape[1], found if bounded else INF)
            if i >= ALWAYS + count:
                break
            j = state.picked[i - ALWAYS]
        else:
            j = near[x, i]
        r = node[j, RID]
        if HET:
            if r < 0:
                continue
            c = state.rint[r, CLS]
            cm = data.cls[c, CM]
            fixed_part = data.node_cost[c, x]
        if DUR:
            if RICH:
                slack = max(0, state.rint[r, EXTRA])
            else:
                slack = data.cls[c, PS] * state.rint[r, WAIT]
        # Arcs first: most places are too dear, and that is quick to see and easy to predict. A task off its
        # route still has the neighbours it had, so its row may be read before it is known to be off.
        v = node[j, NXT]
        u = node[j, PRV]
        to_j = int(data.cost_t[cm, x, j]) + fixed_part
        behind = to_j + int(data.cost[cm, x, v]) - int(node[j, CNXT])
        ahead = int(data.cost_t[cm, x, u]) + int(data.cost[cm, x, j]) - int(node[j, CPRV]) + fixed_part
        if not RICH and min(behind, ahead) - slack >= found:
            continue
        if r < 0 or not route_may_take(data, state, r, c, x):
            if UPGRADES and r >= 0 and state.info[UPGRADING] > 0:
                c = larger_class(data, state, r, x)
                if c >= 0:
                    cost, place = place_with_class(data, state, r, c, x, j, found, salt if blink else NONE)
                    if cost < found:
                        found = cost
                        best_r = r
                        best_k = place
                        best_c = c
            continue
        if SOFT:
            toll = price_of_more(data, state, r, x)
            behind += toll
            ahead += toll
        if behind - slack < found and (not blink or (salt + j * 7919) % BLINK != 0):
            extra = place_extra(data, state, r, c, x, j, v, node[j, POS] + 1)
            if behind + extra < found:
                found = behind + extra
                best_r = r
                best_k = -j - 1
                best_c = c
        if ahead - slack < found and (not blink or (salt + (u + r if u >= n else u) * 7919) % BLINK != 0):
            extra = place_extra(data, state, r, c, x, u, j, node[j, POS])
            if ahead + extra < found:
                found = ahead + extra
                best_r = r
                best_k = j + 1
                best_c = c
        if RICH and data.cls[c, MAXTRIPS] > 1:
            place, cost = reload_place(data, state, r, c, x, j, fixed_part - slack, found)
            if cost < found:
                found = cost
                best_r = r
                best_k = place
                best_c = c
    slot = take_slot(state)
    if TRIPS:
        if slot >= 0:
            cost, gap = new_trip(data, state, x, found)
            if cost < found:
                return cost, slot, 0, gap
    elif slot >= 0:
        for c in range(data.cls.shape[0]):
            if state.free_vehicles[c] <= 0:
                continue
            state.rint[slot, LEN] = 0
            cost = alone_cost(data, state, slot, c, x, found)
            if cost < found:
                found = cost
                best_r = slot
                best_k = 0
                best_c = c
    if best_r < 0:
        return INF, NONE, 0, 0
    return found, best_r, best_k, best_c


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


@inner
def place_with_class(data, state, r, c, x, j, best, salt):
    """Try ``x`` behind and before task ``j`` on a route that changes over to class ``c``; return (cost, place).

    Parameters
    ----------
    salt
        As in ``best_place``, NONE to pass nothing over.
    """
    node = state.node
    n = data.n
    cm = data.cls[c, CM]
    price = state.larger[r, 1] + data.node_cost[c, x]
    place = 0
    v = node[j, NXT]
    if v >= n:
        v = data.cls[c, END]
    arcs = int(data.cost_t[cm, x, j]) + int(data.cost[cm, x, v]) - int(data.cost[cm, j, v]) + price
    if arcs < best and (salt < 0 or (salt + j * 7919) % BLINK != 0):
        extra = place_extra(data, state, r, c, x, j, v, node[j, POS] + 1)
        if arcs + extra < best:
            best = arcs + extra
            place = -int(j) - 1
    u = node[j, PRV]
    if u >= n:
        u = data.cls[c, START]
    arcs = int(data.cost_t[cm, x, u]) + int(data.cost[cm, x, j]) - int(data.cost[cm, u, j]) + price
    if arcs < best and (salt < 0 or (salt + (u + r if u >= n else u) * 7919) % BLINK != 0):
        extra = place_extra(data, state, r, c, x, u, j, node[j, POS])
        if arcs + extra < best:
            best = arcs + extra
            place = int(j) + 1
    return (best, place) if place != 0 else (INF, 0)


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
def pair_quick(data, state, r, c, p, d):
    """Quick test of a whole route for a shipment."""
    if HET and (data.allowed[c, p] == 0 or data.allowed[c, d] == 0):
        return False
    if state.rint[r, LEN] + 5 > state.seq.shape[1]:
        state.info[GROW] = 1
        return False
    if RICH:
        return companions_agree(data, state, r, p) and companions_agree(data, state, r, d)
    return not LIMITS or state.rint[r, LEN] + 2 <= data.cls[c, MAXLEN]


@inner
def pair_walk(data, state, r, c, p, i, d, k):
    """Judge the route with ``p`` as entry ``i`` and then ``d`` as entry ``k``; return the change beyond arcs."""
    m = insert_in_line(state, copy_line(state, r, state.rint[r, LEN]), i, p)
    m = insert_in_line(state, m, k, d)
    extra = walk(data, state, c, m)
    return extra if extra >= INF else extra - state.rint[r, EXTRA]


@inner
def room_for(data, state, r, c, u, q):
    """Tell whether the shipment of ``q`` fits into the load on board after node ``u``."""
    for dim in range(data.delivery.shape[1]):
        if u >= data.n:
            now = state.load[r, dim, 0]
        else:
            now = state.peak[u, dim, 2]
        if now + data.change[q, dim] > data.capacity[c, dim]:
            return False
    return True


@inner
def pair_extra(data, state, r, c, p, i, d, k, w, y, clock):
    """Test the second end ``d`` between ``w`` (left at ``clock``) and ``y``; return the change beyond arcs."""
    if RICH and w != p and banned(data, c, w):
        return INF
    if TW:
        tm = data.cls[c, TM]
        if RICH:
            start = begin_work(data, d, clock + data.time[tm, w, d])
        else:
            start = next_start(data, d, clock + data.time[tm, w, d])
        if start < 0:
            return INF
        last = data.cls[c, CLOSE] if y >= data.n else state.node[y, LT]
        work = data.bare[c, d] if RICH else data.service[c, d]
        if start + work + data.time[tm, d, y] > last:
            return INF
    if RICH:
        return pair_walk(data, state, r, c, p, i, d, k)
    return 0


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
def routes_near_pair(data, state, p, d):
    """Write the routes that pass near either end of a shipment to ``state.order``; return how many there are."""
    stamp = state.info[VISIT]
    count = 0
    for turn in range(2 * data.near.shape[1]):
        j = data.near[p if turn % 2 == 0 else d, turn // 2]
        r = state.node[j, RID]
        if r >= 0 and state.visit[r] != stamp:
            state.visit[r] = stamp
            state.order[count] = r
            count += 1
    return count


@heavy
def best_pair(data, state, p, best, blink):
    """Find the cheapest places of a shipment in routes near either end, or in a new one.

    Returns
    -------
    (cost, slot, entry of the first end, entry of the second, class): entries in the route as it will be.
    """
    info = state.info
    d = data.partner[p]
    salt = below(state.rng, 1 << 20) if blink else 0
    info[VISIT] += 1
    best_r = NONE
    best_i = 0
    best_k = 0
    best_c = 0
    c = 0
    # A route of its own first: its price keeps the search for places in others short.
    slot = take_slot(state)
    if slot >= 0:
        for c in range(data.cls.shape[0]):
            if state.free_vehicles[c] <= 0:
                continue
            if RICH and not (companions_agree(data, state, slot, p) and companions_agree(data, state, slot, d)):
                continue
            cost = pair_alone_cost(data, state, c, p, d)
            if cost < best:
                best = cost
                best_r = slot
                best_i = 1
                best_k = 2
                best_c = c
    c = 0
    count = routes_near_pair(data, state, p, d)
    # So do the routes that have not changed since they were last asked.
    for asked in range(1 if RICH else 2):
        for t in range(count):
            r = state.order[t]
            if not RICH and (asked == 0) != is_known(state, r, p):
                continue
            if HET:
                c = state.rint[r, CLS]
            if not pair_quick(data, state, r, c, p, d):
                continue
            cost, places = pair_near(data, state, r, c, p, d, best, salt, blink)
            if cost < best and places > 0:
                best = cost
                best_r = r
                best_i = places >> 20
                best_k = places & ((1 << 20) - 1)
                best_c = c
    if best_r < 0:
        return INF, NONE, 0, 0, 0
    return best, best_r, best_i, best_k, best_c


@inner
def delivery_detours(data, state, r, c, d):
    """Note what the second end of a shipment costs behind each task of a route, and the least from there on.

    Places that its windows rule out at first sight cost INF.

    Returns
    -------
    The last place that may be possible, 0 if there is none.
    """
    node = state.node
    seq = state.seq
    cm = data.cls[c, CM] if HET else 0
    opens = data.windows[d, 0]
    shuts = data.windows[d, 2 * data.window_count[d] - 1]
    least = INF
    furthest = 0
    y = seq[r, state.rint[r, LEN] + 1]
    for k in range(state.rint[r, LEN], 0, -1):
        w = seq[r, k]
        detour = INF
        if not TW or (node[w, DEP] <= shuts and (y >= data.n or node[y, LT] >= opens)):
            detour = int(data.cost_t[cm, d, w]) + int(data.cost[cm, d, y]) - int(node[w, CNXT])
            furthest = max(furthest, k)
        least = min(least, detour)
        state.detour[k, 0] = detour
        state.detour[k, 1] = least
        y = w
    return furthest


@inner
def pair_in_route(data, state, r, c, p, d, best, but_not):
    """Try a shipment at all places of one route; return (cost, entry of p, entry of d in the new route).

    For each place of the pickup the delivery's place walks ahead of it, carrying time and load, and stops
    where its window or the room ends, or no place further on can beat the best.

    Parameters
    ----------
    but_not
        A pair of places to be passed over, as ``both_places`` writes it, or 0.
    """
    n = data.n
    node = state.node
    seq = state.seq
    cm = data.cls[c, CM] if HET else 0
    tm = data.cls[c, TM]
    best_i = 0
    best_k = 0
    fixed_part = data.node_cost[c, p] + data.node_cost[c, d] if HET else 0
    furthest = delivery_detours(data, state, r, c, d)
    p_to_d = int(data.cost[cm, p, d])
    opens = data.windows[p, 0]
    shuts = data.windows[p, 2 * data.window_count[p] - 1]
    clock = 0
    dep = 0
    for i in range(1, state.rint[r, LEN] + 2):
        u = seq[r, i - 1]
        v = seq[r, i]
        if TW:
            dep = data.cls[c, OPEN] if u >= n else node[u, DEP]
            if dep > shuts:
                break
            if v < n and node[v, LT] < opens:
                continue
        arc = int(node[v, CPRV]) if v < n else (int(node[u, CNXT]) if u < n else int(data.cost[cm, u, v]))
        into = int(data.cost_t[cm, p, u]) - arc + fixed_part
        first = into + int(data.cost[cm, p, v])
        together = into + p_to_d + int(data.cost[cm, d, v])
        apart = i <= furthest and first + state.detour[i, 1] < best
        if (together >= best and not apart) or not room_for(data, state, r, c, u, p):
            continue
        if TW:
            clock = next_start(data, p, dep + data.time[tm, u, p])
            if clock < 0:
                continue
            clock += data.service[c, p]
        if (
            together < best
            and both_places(i, i + 1) != but_not
            and pair_extra(data, state, r, c, p, i, d, i + 1, p, v, clock) == 0
        ):
            best = together
            best_i = i
            best_k = i + 1
        last = p
        for k in range(i, furthest + 1):
            if first + state.detour[k, 1] >= best:
                break
            w = seq[r, k]
            if TW:
                clock = next_start(data, w, clock + data.time[tm, last, w])
                if clock < 0 or clock > node[w, LT]:
                    break
                clock += node[w, SVC]
            if not room_for(data, state, r, c, w, p):
                break
            arcs = first + state.detour[k, 0]
            if (
                arcs < best
                and both_places(i, k + 2) != but_not
                and pair_extra(data, state, r, c, p, i, d, k + 2, w, seq[r, k + 1], clock) == 0
            ):
                best = arcs
                best_i = i
                best_k = k + 2
            last = w
    return best, best_i, best_k


@inner
def both_places(i, k):
    """Write the places of both ends of a shipment as one number."""
    return (int(i) << 20) + int(k)


@inner
def is_known(state, r, p):
    """Tell whether a route is as it was when its places for a shipment were last looked for."""
    version = state.rint[r, VERSION]
    return version > 0 and state.known[p, version & (state.known.shape[1] - 1), 0] == version


@inner
def known_pair(data, state, r, c, p, d, best):
    """Return the cheapest places of a shipment in a route as (cost, both places), remembered until the route changes.

    If the places are 0, nothing in the route costs less than the cost returned, which is at least ``best``.
    """
    info = state.info
    if state.rint[r, VERSION] == 0:
        info[VERSIONS] += 1
        state.rint[r, VERSION] = info[VERSIONS]
    version = state.rint[r, VERSION]
    note = version & (state.known.shape[1] - 1)
    known = state.known
    if known[p, note, 0] == version and (known[p, note, 2] > 0 or known[p, note, 1] >= best):
        return known[p, note, 1], known[p, note, 2]
    # Looking a little further than the best of now, so that the answer holds when the next best is not as good.
    cost, i, k = pair_in_route(data, state, r, c, p, d, best + abs(best) // 2 if best < INF // 2 else INF, 0)
    known[p, note, 0] = version
    known[p, note, 1] = cost
    known[p, note, 2] = both_places(i, k)
    return known[p, note, 1], known[p, note, 2]


@inner
def pair_near(data, state, r, c, p, d, best, salt, blink):
    """Find the cheapest places of a shipment in a route below a price; return (cost, both places), 0 if none."""
    if RICH:
        cost, i, k = pair_in_walked_route(data, state, r, c, p, d, best, salt, blink)
        return cost, both_places(i, k)
    cost, places = known_pair(data, state, r, c, p, d, best)
    if cost < best and blink and (salt + places * 7919 + r * 31) % PAIR_BLINK == 0:
        cost, i, k = pair_in_route(data, state, r, c, p, d, best, places)
        places = both_places(i, k)
    return cost, places


@inner
def pair_in_walked_route(data, state, r, c, p, d, best, salt, blink):
    """Try a shipment at all places of one route; return (cost, entry of p, entry of d in the new route).

    As :func:`pair_in_route`, where what arcs and windows let pass is judged by walking along the route.
    """
    n = data.n
    node = state.node
    seq = state.seq
    cm = data.cls[c, CM] if HET else 0
    tm = data.cls[c, TM]
    length = state.rint[r, LEN]
    best_i = 0
    best_k = 0
    fixed_part = 0
    if HET:
        fixed_part = data.node_cost[c, p] + data.node_cost[c, d]
    slack = max(0, state.rint[r, EXTRA])
    p_to_d = int(data.cost[cm, p, d])
    for i in range(1, length + 2):
        u = seq[r, i - 1]
        v = seq[r, i]
        if TW:
            dep = data.cls[c, OPEN] if u >= n else node[u, DEP]
        arc = int(node[v, CPRV]) if v < n else (int(node[u, CNXT]) if u < n else int(data.cost[cm, u, v]))
        into = int(data.cost[cm, u, p])
        first = into + int(data.cost[cm, p, v]) - arc + fixed_part
        if first - slack >= best and into + p_to_d - arc + fixed_part - slack >= best:
            continue
        if banned(data, c, u):
            continue
        clock = 0
        if TW:
            clock = begin_work(data, p, dep + data.time[tm, u, p])
            if clock < 0:
                continue
            clock += data.bare[c, p]
        # right behind each other
        arcs = into + p_to_d + int(data.cost[cm, d, v]) - arc + fixed_part
        if arcs - slack < best and (not blink or (salt + i * 7919 + r * 31) % PAIR_BLINK != 0):
            extra = pair_extra(data, state, r, c, p, i, d, i + 1, p, v, clock)
            if arcs + extra < best:
                best = arcs + extra
                best_i = i
                best_k = i + 1
        if first - slack >= best:
            continue
        last = p
        for k in range(i, length + 1):
            w = seq[r, k]
            if w >= n:
                break  # a shipment stays within one trip
            if TW:
                clock = begin_work(data, w, clock + data.time[tm, last, w])
                if clock < 0 or clock > node[w, LT]:
                    break
                clock += data.bare[c, w]
            y = seq[r, k + 1]
            arcs = first + int(data.cost[cm, w, d]) + int(data.cost[cm, d, y]) - int(node[w, CNXT])
            if arcs - slack < best and (not blink or (salt + i * 7919 + k * 104_729 + r * 31) % PAIR_BLINK != 0):
                extra = pair_extra(data, state, r, c, p, i, d, k + 2, w, y, clock)
                if arcs + extra < best:
                    best = arcs + extra
                    best_i = i
                    best_k = k + 2
            last = w
    return best, best_i, best_k
