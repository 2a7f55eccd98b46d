"""Where both ends of a shipment fit: the cheapest places in routes near either, remembered until a route changes."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .alone import pair_alone_cost
from .arrays import (
    CLOSE,
    CLS,
    CM,
    CNXT,
    CPRV,
    DEP,
    EXTRA,
    GROW,
    INF,
    LEN,
    LT,
    MAXLEN,
    NONE,
    OPEN,
    RID,
    SVC,
    TM,
    VERSION,
    VERSIONS,
    VISIT,
)
from .chance import below
from .compiled import heavy, inner
from .features import HET, LIMITS, RICH, TW
from .fits import banned, companions_agree
from .loads import room_for
from .slots import take_slot
from .walk import begin_work, copy_line, insert_in_line, walk
from .windows import next_start

PAIR_BLINK = 50
"""One in how many cheapest places of a shipment is passed over."""


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
