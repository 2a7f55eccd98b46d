"""Puts a plan together from routes that were seen one by one: set partitioning.

Of all routes seen choose those that serve every task once at the least price. The linear relaxation tells which routes
can be in a cheaper plan at all; the best of these go into an integer program of which only the first nodes are looked
at. So a corner of one plan and a corner of another come together wherever they do not touch.

Sources: petal heuristics, Foster and Ryan (1976); routes of a local search as columns, Rochat and Taillard (1995).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array

from routing.search.kernels import arrays as a
from routing.search.model import Model
from routing.search.sightings import Sighting

MOST = 350
"""Routes of the integer program, those with the least reduced costs."""
NODES = 1
"""Nodes of its tree that are looked at: what is not found there takes longer than it is worth."""
UNITS = 1e6
"""What the upper bound is counted as, so that solver tolerances mean the same for every currency."""
CLEAR = 1e-6
"""Share of the upper bound by which a plan must be cheaper to be worth having."""


class _Choice(NamedTuple):
    """Choose columns at the least price: rows of tasks, then of vehicle kinds."""

    price: NDArray[np.float64]
    rows: csc_array
    least: NDArray[np.float64]
    most: NDArray[np.float64]


def recombine(
    model: Model, routes: Iterable[Sighting], upper: int, seconds: float = np.inf
) -> list[tuple[int, list[int]]] | None:
    """Look for a plan of the given routes that leaves no required task out and costs less than ``upper``.

    Parameters
    ----------
    model
        A problem in which no rule binds different routes and every vehicle makes one trip.
    upper
        Cost in cost units, prices of optional tasks left out included.
    seconds
        What it may take.

    Returns
    -------
    Routes as (class, tasks in order), or None if no cheaper plan was found.
    """
    cheapest: dict[tuple[int, frozenset[int]], Sighting] = {}
    for route in routes:
        key = route.kind, frozenset(route.tasks)
        if key not in cheapest or route.cost < cheapest[key].cost:
            cheapest[key] = route
    columns = list(cheapest.values())
    choice, left_out = _choice(model, columns)
    unit, ends_s = upper / UNITS, time.perf_counter() + seconds
    chosen = _cheapest_columns(choice._replace(price=choice.price / unit), (upper - left_out) / unit, ends_s)
    if chosen is None:
        return None
    class_of = {group.kind: c for c, group in enumerate(model.classes)}
    return [(class_of[columns[i].kind], list(columns[i].tasks)) for i in chosen]


def _choice(model: Model, columns: list[Sighting]) -> tuple[_Choice, int]:
    """Write the program, each price less the prizes a route earns; return it with what leaving all prizes out costs."""
    n, classes = model.data.n, len(model.classes)
    class_of = {group.kind: c for c, group in enumerate(model.classes)}
    lengths = [len(route.tasks) for route in columns]
    tasks = np.array([task for route in columns for task in route.tasks], dtype=np.int64)
    numbers = np.arange(len(columns))
    at = np.concatenate([tasks, n + np.array([class_of[route.kind] for route in columns], dtype=np.int64)])
    of = np.concatenate([np.repeat(numbers, lengths), numbers])
    rows = csc_array((np.ones(at.size), (at, of)), shape=(n + classes, len(columns)))
    prize = np.where(model.required, 0, model.data.prize * model.scale)
    earned = rows[:n].T @ prize
    least = np.concatenate([model.required.astype(np.float64), np.zeros(classes)])
    most = np.concatenate([np.ones(n), model.data.cls[:, a.COUNT].astype(np.float64)])
    price = np.array([route.cost for route in columns], dtype=np.float64) - earned
    return _Choice(price, rows, least, most), int(prize.sum())


def _cheapest_columns(choice: _Choice, upper: float, ends_s: float) -> NDArray[np.int64] | None:
    """Return the numbers of the chosen columns, or None if nothing below ``upper`` was found."""
    below = upper - CLEAR * UNITS
    reduced, bound = _relaxed(choice, ends_s)
    if bound >= below:
        return None
    kept = np.flatnonzero(reduced <= upper - bound)
    kept = kept[np.argsort(reduced[kept], kind="stable")[:MOST]]
    # Presolve gains no time here, and HiGHS writes to standard output when what it restores does not quite fit.
    answer = milp(
        choice.price[kept],
        constraints=LinearConstraint(choice.rows[:, kept], choice.least, choice.most),
        integrality=np.ones(kept.size),
        bounds=Bounds(0, 1),
        options={"node_limit": NODES, "mip_rel_gap": 0.0, "presolve": False} | _limit(ends_s),
    )
    if answer.x is None or answer.fun >= below:
        return None
    return kept[np.flatnonzero(answer.x > 0.5)]


def _relaxed(choice: _Choice, ends_s: float) -> tuple[NDArray[np.float64], float]:
    """Return each column's reduced cost and the cost of the linear relaxation, infinite if it could not be solved."""
    fixed = choice.least == choice.most
    equal, below = choice.rows[fixed], choice.rows[~fixed]
    answer = linprog(
        choice.price,
        A_ub=below,
        b_ub=choice.most[~fixed],
        A_eq=equal,
        b_eq=choice.most[fixed],
        method="highs-ds",
        options=_limit(ends_s),
    )
    if answer.status != 0:
        return choice.price, np.inf
    duals = equal.T @ answer.eqlin.marginals + below.T @ answer.ineqlin.marginals
    return choice.price - duals, float(answer.fun)


def _limit(ends_s: float) -> dict[str, float]:
    """Return HiGHS's option for a moment at which it should be done."""
    return {"time_limit": max(0.01, ends_s - time.perf_counter())} if np.isfinite(ends_s) else {}
