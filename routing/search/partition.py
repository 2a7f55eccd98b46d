"""Set partitioning: the best combination of routes that were ever part of a good plan.

Routes are collected while the search runs; a small integer program (HiGHS through scipy) then picks routes
that serve every task once. After Queiroga, Sadykov and Uchoa (2021) and the matheuristics before it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_matrix

from routing.search.kernels import arrays as a
from routing.search.model import Model

MOST_ROUTES = 20_000


@dataclass
class PoolState:
    """Routes seen so far: (class, entries) with their cost; of the same tasks the cheapest order only."""

    routes: dict[tuple[int, frozenset[int]], tuple[int, tuple[int, ...]]] = field(default_factory=dict)

    def add(self, c: int, cost: int, entries: tuple[int, ...]) -> None:
        """Keep a route unless the same tasks are known in a cheaper order."""
        key = (c, frozenset(entries))
        known = self.routes.get(key)
        if known is None or cost < known[0]:
            self.routes[key] = (cost, entries)

    def collect(self, state: a.State) -> None:
        """Add the routes of the present plan."""
        for r in state.used_list[: int(state.info[a.NROUTES])]:
            length = int(state.rint[r, a.LEN])
            self.add(int(state.rint[r, a.CLS]), 0, tuple(state.seq[r, 1 : length + 1].tolist()))


def plain_cost(model: Model, c: int, entries: tuple[int, ...]) -> int:
    """Return the cost of a route by arcs, tasks and vehicle; right where nothing else is priced."""
    row = model.data.cls[c]
    nodes = np.array([row[a.START], *entries, row[a.END]])
    arcs = int(model.data.cost[row[a.CM], nodes[:-1], nodes[1:]].sum(dtype=np.int64))
    return arcs + int(row[a.FIXED]) + int(model.data.node_cost[c, list(entries)].sum())


def best_combination(
    model: Model, pool: PoolState, best: int, seconds: float
) -> tuple[int, list[tuple[int, list[int]]]] | None:
    """Choose routes that serve each task once at less than ``best``; None if nothing better was found.

    Returns
    -------
    Cost in the search's units and the routes as (class, tasks).
    """
    began = time.perf_counter()
    costed = [(plain_cost(model, c, it), c, it) for (c, _), (_, it) in pool.routes.items()]
    columns = costed[-MOST_ROUTES:]
    if not columns or seconds <= 0.05:
        return None
    tasks = [list(entries) for _, _, entries in columns]
    sizes = [len(entries) for entries in tasks]
    n = int(model.data.n)
    rows = np.concatenate([np.array(entries) for entries in tasks])
    where = np.repeat(np.arange(len(columns)), sizes)
    cover = csc_matrix((np.ones(rows.size), (rows, where)), shape=(n, len(columns)))
    constraints: list[Any] = [LinearConstraint(cover, np.ones(n), np.ones(n))]
    kinds = np.array([c for _, c, _ in columns])
    for c in range(model.data.cls.shape[0]):
        if int(model.data.cls[c, a.COUNT]) < n:
            row = csc_matrix((kinds == c).astype(float)[None, :])
            constraints.append(LinearConstraint(row, 0, int(model.data.cls[c, a.COUNT])))
    price = np.array([cost for cost, _, _ in columns], dtype=np.float64)
    left = seconds - (time.perf_counter() - began)
    outcome = milp(
        price, constraints=constraints, integrality=np.ones(len(columns)), bounds=Bounds(0, 1),
        options={"time_limit": max(0.05, left), "mip_rel_gap": 0.0},
    )  # fmt: skip
    if outcome.x is None:
        return None
    chosen = np.flatnonzero(outcome.x > 0.5)
    total = sum(columns[i][0] for i in chosen)
    if total >= best or sum(sizes[i] for i in chosen) != n:
        return None
    return total, [(columns[i][1], list(columns[i][2])) for i in chosen]
