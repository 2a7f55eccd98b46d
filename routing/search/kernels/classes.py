"""Another class of vehicle for a route, as it is."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import AUX, CLS, END, LEN, MAXTRIPS, NOFRONT, NSAVED, START
from .chance import below
from .compiled import inner
from .features import LIMITS, MIXED, RICH, TW
from .refresh import refresh
from .reloads import may_reload


@inner
def set_class(data, state, r, c):
    """Give a route another class of vehicle and return its cost, INF if it breaks a rule with it."""
    length = state.rint[r, LEN]
    state.free_vehicles[state.rint[r, CLS]] += 1
    state.free_vehicles[c] -= 1
    state.rint[r, CLS] = c
    state.seq[r, 0] = data.cls[c, START]
    state.seq[r, length + 1] = data.cls[c, END]
    return refresh(data, state, r)


@inner
def class_may_take(data, state, r, c):
    """Tell whether a class may serve and carry all that is on a route."""
    if data.cls[c, NOFRONT] > 0:
        return False
    for k in range(1, state.rint[r, LEN] + 1):
        x = state.seq[r, k]
        if RICH and x >= data.n:
            if data.cls[c, MAXTRIPS] < 2 or not may_reload(data, c, x):
                return False
        elif data.allowed[c, x] == 0:
            return False
    if not RICH:
        for d in range(data.delivery.shape[1]):
            if state.load[r, d, 0] > data.capacity[c, d]:
                return False
            if MIXED and state.load[r, d, 2] > data.capacity[c, d]:
                return False
    return True


@inner
def change_class(data, state):
    """Try a random other class of vehicle for a random touched route; return the cost change."""
    info = state.info
    rng = state.rng
    if info[NSAVED] == 0:
        return 0
    r = state.saved[below(rng, info[NSAVED])]
    if state.rint[r, LEN] == 0:
        return 0
    old = state.rint[r, CLS]
    best = old
    first = state.rint[r, AUX] if TW or MIXED or LIMITS or RICH else refresh(data, state, r)
    least = first
    for c in range(data.cls.shape[0]):
        if c == old or state.free_vehicles[c] <= 0 or not class_may_take(data, state, r, c):
            continue
        cost = set_class(data, state, r, c)
        if cost < least:
            least = cost
            best = c
        set_class(data, state, r, old)
    if best != old:
        set_class(data, state, r, best)
    return least - first
