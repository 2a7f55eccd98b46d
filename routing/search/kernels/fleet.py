"""Which vehicle a route should have: a larger one for one more task, the cheapest for what it carries.

A route may change over to a class with the same times and prices of time (``Data.kin``) by its load alone.
What it would cost with each class is remembered until the route changes, so most questions are answered
without looking at its tasks.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    AUX,
    BASE,
    CLS,
    CM,
    END,
    FIXED,
    INF,
    LEN,
    NONE,
    NROUTES,
    NSAVED,
    START,
    VERSION,
    VERSIONS,
    VISIT,
)
from .chance import below
from .compiled import apart, inner
from .features import HET, LIMITS, MIXED, PAIR, RICH, TW
from .refresh import refresh
from .saved import save_route

UPGRADES = HET and not LIMITS and not PAIR and not RICH


@inner
def route_cost(state, r):
    """Return the cost of a route that is up to date."""
    return state.rint[r, AUX] if TW else state.rint[r, BASE]


@apart
def price_by_class(data, state, r):
    """Bring ``by_class`` of a route up to date."""
    if state.rint[r, VERSION] == 0:
        state.info[VERSIONS] += 1
        state.rint[r, VERSION] = state.info[VERSIONS]
    state.by_class_of[r] = state.rint[r, VERSION]
    length = state.rint[r, LEN]
    now = state.rint[r, CLS]
    for c in range(data.cls.shape[0]):
        if c == now:
            state.by_class[r, c] = state.rint[r, BASE]
            continue
        if data.kin[now, c] == 0:
            state.by_class[r, c] = INF
            continue
        cm = data.cls[c, CM]
        cost = data.cls[c, FIXED]
        u = data.cls[c, START]
        for k in range(1, length + 1):
            x = state.seq[r, k]
            if data.allowed[c, x] == 0:
                cost = INF
                break
            cost += int(data.cost[cm, u, x]) + data.node_cost[c, x]
            u = x
        if cost < INF:
            cost += data.cost[cm, u, data.cls[c, END]]
        state.by_class[r, c] = cost


@inner
def prices(data, state, r):
    """See to it that ``by_class`` of a route holds."""
    if state.rint[r, VERSION] == 0 or state.by_class_of[r] != state.rint[r, VERSION]:
        price_by_class(data, state, r)


@inner
def has_room(data, state, r, c):
    """Tell whether a class carries what is on a route."""
    for d in range(data.delivery.shape[1]):
        if state.load[r, d, 0] > data.capacity[c, d]:
            return False
        if MIXED and state.load[r, d, 2] > data.capacity[c, d]:
            return False
    return True


@inner
def has_room_with(data, state, r, c, x):
    """Tell whether a class carries what is on a route and one more task."""
    for d in range(data.delivery.shape[1]):
        if state.load[r, d, 0] + data.delivery[x, d] > data.capacity[c, d]:
            return False
        if MIXED and state.load[r, d, 1] + data.pickup[x, d] > data.capacity[c, d]:
            return False
    return True


@inner
def larger_class(data, state, r, x):
    """Return the free class that takes a full route and one more task for the least more, NONE if there is none."""
    if state.visit[r] == state.info[VISIT]:
        return state.larger[r, 0]
    state.visit[r] = state.info[VISIT]
    best = NONE
    least = INF // 2
    now = state.rint[r, CLS]
    for c in range(data.cls.shape[0]):
        if c == now or state.free_vehicles[c] <= 0 or data.kin[now, c] == 0 or data.allowed[c, x] == 0:
            continue
        if not has_room_with(data, state, r, c, x):
            continue
        prices(data, state, r)
        if state.by_class[r, c] < least:
            least = state.by_class[r, c]
            best = c
    state.larger[r, 0] = best
    state.larger[r, 1] = least - state.rint[r, BASE]
    return best


@apart
def give_class(data, state, r, c):
    """Give a route another class of vehicle; return the cost change."""
    before = route_cost(state, r)
    length = state.rint[r, LEN]
    state.free_vehicles[state.rint[r, CLS]] += 1
    state.free_vehicles[c] -= 1
    state.rint[r, CLS] = c
    state.seq[r, 0] = data.cls[c, START]
    state.seq[r, length + 1] = data.cls[c, END]
    return refresh(data, state, r) - before


@inner
def cheapest_class(data, state, r):
    """Return the cheapest class that a route can have, counting its own and those with a free vehicle."""
    prices(data, state, r)
    best = state.rint[r, CLS]
    least = state.by_class[r, best]
    for c in range(data.cls.shape[0]):
        if state.free_vehicles[c] > 0 and state.by_class[r, c] < least and has_room(data, state, r, c):
            least = state.by_class[r, c]
            best = c
    return best


@inner
def fit_classes(data, state):
    """Give every touched route the cheapest class it can have; return the cost change."""
    delta = 0
    for i in range(state.info[NSAVED]):
        r = state.saved[i]
        if state.rint[r, LEN] > 0:
            c = cheapest_class(data, state, r)
            if c != state.rint[r, CLS]:
                delta += give_class(data, state, r, c)
    return delta


@inner
def swap_classes(data, state):
    """Let a touched route take over the vehicle of whichever route gives it up best; return the cost change."""
    info = state.info
    if info[NSAVED] == 0 or info[NSAVED] >= state.saved.shape[0]:
        return 0
    r = state.saved[below(state.rng, info[NSAVED])]
    if state.rint[r, LEN] == 0:
        return 0
    mine = state.rint[r, CLS]
    prices(data, state, r)
    best = 0
    best_q = NONE
    for i in range(info[NROUTES]):
        q = state.used_list[i]
        theirs = state.rint[q, CLS]
        if theirs == mine or state.by_class[r, theirs] >= INF or not has_room(data, state, r, theirs):
            continue
        gain = state.by_class[r, mine] - state.by_class[r, theirs]
        if not has_room(data, state, q, mine):
            continue
        prices(data, state, q)
        gain += state.by_class[q, theirs] - state.by_class[q, mine]
        if gain > best:
            best = gain
            best_q = q
    if best_q < 0:
        return 0
    theirs = state.rint[best_q, CLS]
    save_route(data, state, best_q)
    delta = give_class(data, state, r, theirs)
    return delta + give_class(data, state, best_q, mine)
