"""Lets vehicles be overloaded for a price while plans are searched, so that full vehicles are no walls.

Where all vehicles are nearly full, what is taken out fits nowhere but where it was, and the way to another packing
leads through plans that fit no vehicle. So a unit too many has a price that annealing weighs like any other; it rises
while too few of the present plans fit and falls while too many do. Only plans that fit are ever kept as the best.

Sources: prices of violations that follow the share of plans without any as in Cordeau, Laporte and Mercier (2001) and
Vidal et al. (2012); their place in ruin and recreate is ours.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import CUR, FITTING, ITER, LEN, NROUTES, NSAVED, OVERLOADED
from .compiled import inner
from .features import BACK, HET, MIXED, PAIR, RICH, TRIPS

SOFT = not (BACK or HET or MIXED or PAIR or RICH or TRIPS)
"""Whether what a vehicle carries is a sum over its tasks, and all vehicles have the same room."""
PERIOD = 2_000
"""Iterations between two changes of the tolls."""
WANTED = 0.4
"""Share of iterations at whose end the present plan should fit its vehicles."""
STEP = 1.1
"""Factor by which tolls rise or fall."""
MOST = 1e6
"""Times the first toll that tolls may reach, and the share of it they may fall to."""


@inner
def is_soft(state):
    """Tell whether vehicles may be overloaded: there are tolls, see ``annealing.Annealing.let_overload``."""
    return state.toll[0, 0] > 0.0


@inner
def toll_on(over, toll):
    """Return the price of so many units too many."""
    return int(max(over, 0) * toll)


@inner
def toll_of(data, state, d, load):
    """Return the price of a load beyond a vehicle's room, in one dimension."""
    return toll_on(load - data.capacity[0, d], state.toll[0, d])


@inner
def overload_price(data, state, loads, i):
    """Return the price of what is beyond a vehicle's room in row ``i`` of the present loads or the saved ones."""
    price = 0
    for d in range(data.delivery.shape[1]):
        price += toll_of(data, state, d, loads[i, d, 0])
    return price


@inner
def price_of_more(data, state, r, x):
    """Return how much dearer the overload of a route gets with one more task."""
    price = 0
    for d in range(data.delivery.shape[1]):
        load = state.load[r, d, 0]
        price += toll_of(data, state, d, load + data.delivery[x, d]) - toll_of(data, state, d, load)
    return price


@inner
def price_change(data, state):
    """Return by how much the overload of the touched routes has become dearer in this iteration."""
    change = 0
    for i in range(state.info[NSAVED]):
        r = state.saved[i]
        if state.rint[r, LEN] > 0:
            change += overload_price(data, state, state.load, r)
        if state.saved_rint[i, LEN] > 0:
            change -= overload_price(data, state, state.saved_load, i)
    return change


@inner
def exceeds(data, loads, i):
    """Return 1 if the loads in row ``i`` are more than a vehicle has room for, else 0."""
    found = 0
    for d in range(data.delivery.shape[1]):
        if loads[i, d, 0] > data.capacity[0, d]:
            found = 1
    return found


@inner
def count_overloaded(data, state):
    """Bring the number of overloaded routes up to date after a change that is kept."""
    for i in range(state.info[NSAVED]):
        r = state.saved[i]
        if state.rint[r, LEN] > 0:
            state.info[OVERLOADED] += exceeds(data, state.load, r)
        if state.saved_rint[i, LEN] > 0:
            state.info[OVERLOADED] -= exceeds(data, state.saved_load, i)


@inner
def adapt_tolls(data, state):
    """Raise the tolls if too few plans of late have fitted, else lower them; done once every PERIOD iterations."""
    info = state.info
    if not is_soft(state):
        return
    if info[OVERLOADED] == 0:
        info[FITTING] += 1
    if info[ITER] % PERIOD != 0:
        return
    factor = STEP if info[FITTING] < WANTED * PERIOD else 1.0 / STEP
    info[FITTING] = 0
    for i in range(info[NROUTES]):
        info[CUR] -= overload_price(data, state, state.load, state.used_list[i])
    for d in range(data.delivery.shape[1]):
        first = state.toll[1, d]
        state.toll[0, d] = min(max(state.toll[0, d] * factor, first / MOST), first * MOST)
    for i in range(info[NROUTES]):
        info[CUR] += overload_price(data, state, state.load, state.used_list[i])
