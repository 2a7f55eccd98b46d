"""How hot a search begins and ends, in units of the plan it begins with."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

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
USUAL, OF_DEPOTS = (0.5, 0.005), (1.0, 0.02)
"""Temperatures at begin and end in mean arcs, as a rule and where timed routes leave from several depots."""


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
    """Heat some searches higher than others: those for which it is decided while they are hot what can be reached.

    With shipments on long routes a plan settles within some ten thousand iterations, and then no string opens one more
    route; so they are heated again and again. Timed routes of several depots change the depot only while it is hot.
    """
    if model.flags.pair:
        return params if model.flags.rich else _of_shipments(params, model, state)
    if model.flags.tw and np.unique(model.data.cls[:, a.START]).size > 1:
        return replace(params, start_heat=_of_depots(params.start_heat), end_heat=_of_depots(params.end_heat))
    return params


def _of_shipments(params: SearchParams, model: Model, state: a.State) -> SearchParams:
    """Return settings for routes as long as those of the first plan."""
    tasks = (model.data.n - int(state.info[a.NABSENT])) / max(1, int(state.info[a.NROUTES]))
    shortest, longest = LONG_WITH_SHIPMENTS
    share = min(1.0, max(0.0, (tasks - shortest) / (longest - shortest)))
    return replace(
        params,
        start_heat=params.start_heat * HOTTER_START**share,
        end_heat=params.end_heat * HOTTER_END**share,
        cycles=params.cycles * int(1 + (MORE_CYCLES - 1) * share),
    )


def _of_depots(heat: float) -> float:
    """Return what a usual temperature becomes with several depots, so that one fall cut in pieces stays one fall."""
    (hot, cold), (hotter, less_cold) = USUAL, OF_DEPOTS
    passed = math.log(hot / heat) / math.log(hot / cold)
    return float(hotter * (less_cold / hotter) ** passed)
