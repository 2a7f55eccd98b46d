"""Where a task fits if only loads count: the cheapest place beside its neighbours.

Most vehicles are nearly full, so most places that cost little are on routes without room. What the task costs on each
route beyond arcs is therefore noted first, in one pass over the routes; a neighbour on a full route then falls out
with those that are too far, before anything is known of the places beside it.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import CNXT, CPRV, FULL, NXT, PRV, RID, TOP
from .bounds import ALWAYS, pick
from .compiled import inner
from .overload import is_soft, toll_on

BLINK = 100
"""One in how many new best places is passed over."""


@inner
def price_routes(data, state, x):
    """Note what a task costs on each route beyond arcs: the toll where vehicles may be overloaded, else 0 or FULL."""
    extra = state.extra
    carried = state.carried
    top = state.info[TOP]
    soft = is_soft(state)
    for d in range(data.delivery.shape[1]):
        amount = data.delivery[x, d]
        most = data.capacity[0, d] - amount
        toll = state.toll[0, d]
        for r in range(top):
            over = carried[d, r] - most
            price = toll_on(over, toll) - toll_on(over - amount, toll) if soft else (FULL if over > 0 else 0)
            extra[r + 1] = price if d == 0 else min(FULL, price + extra[r + 1])


@inner
def beside(data, state, x, j, found, place, salt):
    """Look at both places beside task ``j``; return (cost, place), those given if neither is cheaper."""
    node = state.node
    n = data.n
    u = node[j, PRV]
    v = node[j, NXT]
    extra = state.extra[state.seat[j]]
    behind = int(data.cost_t[0, x, j]) + int(data.cost[0, x, v]) - int(node[j, CNXT]) + extra
    ahead = int(data.cost_t[0, x, u]) + int(data.cost[0, x, j]) - int(node[j, CPRV]) + extra
    if behind < found and (salt < 0 or (salt + j * 7919) % BLINK != 0):
        found = behind
        place = -int(j) - 1
    if ahead < found and (salt < 0 or (salt + (u + node[j, RID] if u >= n else u) * 7919) % BLINK != 0):
        found = ahead
        place = int(j) + 1
    return found, place


@inner
def cheapest_beside(data, state, x, best, salt):
    """Find the cheapest place of a task beside one of its neighbours.

    Parameters
    ----------
    best
        Only places cheaper than this count.
    salt
        Decides which places are passed over, negative for none.

    Returns
    -------
    (cost, place), as ``places.best_place`` names places; 0 if there is none.
    """
    price_routes(data, state, x)
    width = data.near.shape[1]
    nearest = min(ALWAYS, width)
    found = best
    place = 0
    for part in range(2):  # the nearest first: what they cost keeps the list of the others short
        first = 0 if part == 0 else nearest
        last = nearest if part == 0 else width
        for i in range(pick(data, state, x, first, last, found)):
            found, place = beside(data, state, x, state.picked[i], found, place, salt)
    return found, place
