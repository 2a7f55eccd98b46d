"""How hot a search begins and ends, in units of the plan it begins with."""

from __future__ import annotations

from dataclasses import replace

from routing.search.kernels import arrays as a
from routing.search.model import Model
from routing.search.running import SearchParams
from routing.search.state import best_orders

SHORT_ROUTE = 12.0
"""Tasks of a timed route from which on temperatures rise in proportion, up to MOST_HEAT times."""
MOST_HEAT = 3.0
LONG_WITH_SHIPMENTS = (10, 30)
"""Tasks for each route between which a search with shipments goes over to the settings of long routes."""
HOTTER_START, HOTTER_END, MORE_CYCLES = 16.0, 4.0, 6
"""How many times as hot such a search begins and ends on long routes, and how often it is heated."""


def unit_of_heat(model: Model, state: a.State) -> float:
    """Return what temperatures are counted in: the mean arc of the first plan, more of it on long timed routes.

    The longer a route the shorter its arcs, but not what it costs to take a stop to another hour of the day.
    """
    if not model.flags.tw or model.flags.pair:
        return mean_arc(model, state)
    tasks = float(model.data.n) / max(1, int(state.info[a.NROUTES]))
    return mean_arc(model, state) * min(MOST_HEAT, max(1.0, tasks / SHORT_ROUTE))


def mean_arc(model: Model, state: a.State) -> float:
    """Return the mean cost of an arc of the first plan."""
    fixed = sum(int(model.data.cls[c, a.FIXED]) for c, _ in best_orders(state))
    absent = [int(x) for x in state.absent[: int(state.info[a.NABSENT])]]
    arcs = int(state.info[a.CUR]) - fixed - int(model.data.prize[absent].sum())
    count = model.data.n - len(absent) + int(state.info[a.NROUTES])
    return float(max(1.0, arcs / max(1, count)))


def suited(params: SearchParams, model: Model, state: a.State) -> SearchParams:
    """Heat the search for shipments on long routes higher, and again and again.

    Such a plan settles within some ten thousand iterations, and then no string opens one more route: what is reached
    is decided while it is hot.
    """
    if not model.flags.pair or model.flags.rich:
        return params
    tasks = (model.data.n - int(state.info[a.NABSENT])) / max(1, int(state.info[a.NROUTES]))
    shortest, longest = LONG_WITH_SHIPMENTS
    share = min(1.0, max(0.0, (tasks - shortest) / (longest - shortest)))
    return replace(
        params,
        start_heat=params.start_heat * HOTTER_START**share,
        end_heat=params.end_heat * HOTTER_END**share,
        cycles=params.cycles * int(1 + (MORE_CYCLES - 1) * share),
    )
