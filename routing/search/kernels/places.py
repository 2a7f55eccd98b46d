"""Where a task fits: the cheapest place near its neighbours, or a new route."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .alone import alone_cost, new_trip
from .arrays import (
    CLS,
    CM,
    CNXT,
    CPRV,
    END,
    EXTRA,
    INF,
    LEN,
    MAXTRIPS,
    NONE,
    NXT,
    POS,
    PRV,
    PS,
    RID,
    START,
    UPGRADING,
    VENTURING,
    VISIT,
    WAIT,
)
from .beside import BLINK, cheapest_beside
from .bounds import ALWAYS, BOUNDED, pick
from .chance import below
from .compiled import heavy, inner
from .features import DUR, HET, LINKED, PAIR, RICH, TRIPS
from .fits import place_extra, route_may_take
from .fleet import UPGRADES, larger_class
from .overload import SOFT, price_of_more
from .reloads import reload_place
from .slots import take_slot

VENTURES = not PAIR and not TRIPS and not RICH
"""Whether routes are opened for several tasks at once, none of which would pay for one alone."""


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
