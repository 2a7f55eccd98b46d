"""Shipments: what is updated around a change, or remembered until a route changes, is what a full look would find."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routing import Problem, ProblemBuilder
from routing.checker import check
from routing.search.first import construct
from routing.search.heat import suited
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.search.running import SearchParams
from routing.search.state import new_state
from routing.search.variants import Features, kernels
from routing.solution import Solution

PROJECT = Path(__file__).resolve().parents[2]


def parcels(shipments: int = 14, doors: int = 6) -> Problem:
    """Give shipments with windows between random places, some doors that only get or give, and small vans."""
    draw = np.random.default_rng(11)
    count = 2 * shipments + doors
    points = draw.integers(0, 1000, (count + 1, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1)).round()
    builder = ProblemBuilder(("kg",)).profile("van", far, far).depot("centre", 0)
    builder.vehicle_type("van", count=count, capacity=9, cost_per_m=1, fixed_cost=40, shift_end_s=9000)
    for place in range(1, count + 1):
        opens = int(draw.integers(0, 3000))
        given, taken = (place % 2, 1 - place % 2) if place > 2 * shipments else (0, 0)
        builder.task(
            f"t{place}", place, windows=[(opens, opens + 4000)], service_s=20, delivery=2 * given, pickup=taken
        )
    for number in range(shipments):
        builder.shipment(f"s{number}", f"t{2 * number + 1}", f"t{2 * number + 2}", amount=1 + number % 4)
    return builder.build()


def searched(steps: int, heat: float) -> tuple[Any, Any, Any]:
    """Return a model, a state after some steps and the kernels (interpreted, or they cannot be called one by one)."""
    model = compile_problem(parcels())
    state = new_state(model.data, model.flags, model.leads, 3, model.data.n + 4)
    construct(model, state, 3)
    made = kernels(model.flags)
    made.search(model.data, state, a.ANNEAL, steps, heat, 1.0, 6.0, 6)
    return model, state, made


def beside(made: Any, name: str) -> Any:
    """Return another module of the same variant of the kernels."""
    return importlib.import_module(f"{made.__package__}.{name}")


def used_routes(state: Any) -> list[int]:
    """List the slots in use."""
    return [int(r) for r in state.used_list[: int(state.info[a.NROUTES])]]


def compare_with_full_look() -> None:
    """Compare each route's arcs, times and loads after every step with those of a full recomputation."""
    model, state, made = searched(0, 1.0)
    refresh = beside(made, "refresh")
    for step in range(150):
        made.search(model.data, state, a.ANNEAL, 1, 400.0 if step < 100 else 0.0, 1.0, 6.0, 6)
        for r in used_routes(state):
            length = int(state.rint[r, a.LEN])
            tasks = state.seq[r, 1 : length + 1].copy()
            parts = (state.node[tasks], state.peak[tasks], state.load[r], state.rint[r, [a.BASE, a.AUX]])
            before = [part.copy() for part in parts]
            version = state.rint[r, a.VERSION]
            refresh.refresh(model.data, state, r)
            state.rint[r, a.VERSION] = version
            after = (state.node[tasks], state.peak[tasks], state.load[r], state.rint[r, [a.BASE, a.AUX]])
            for kept, new in zip(before, after, strict=True):
                assert np.array_equal(kept, new), (step, r)


def compare_with_all_places() -> None:
    """Compare the cheapest places of shipments in routes with what trying all of them by the checker gives."""
    model, state, made = searched(80, 200.0)
    pairs = beside(made, "pairs")
    problem, data = model.problem, model.data
    found = 0
    for shipment in problem.shipments:
        p, d = shipment.pickup_task, shipment.delivery_task
        for r in used_routes(state):
            if state.node[p, a.RID] == r:
                continue
            order = [int(x) for x in state.seq[r, 1 : int(state.rint[r, a.LEN]) + 1]]
            now = priced(problem, order)
            best = a.INF
            for i, k in combinations(range(len(order) + 2), 2):
                wider = [*order[:i], p, *order[i:]]
                price = priced(problem, [*wider[:k], d, *wider[k:]])
                best = best if price is None else min(best, price - now)
            cost, i, k = pairs.pair_in_route(data, state, r, 0, p, d, a.INF, 0)
            assert (int(cost), i > 0) == (best // model.scale if i else a.INF, best < a.INF)
            for limit in (int(cost) + 1, int(cost), int(cost) // 2):
                known, where = pairs.known_pair(data, state, r, 0, p, d, limit)
                assert (known == cost and where == pairs.both_places(i, k)) or (where == 0 and limit <= known <= cost)
            if i:
                other, *_ = pairs.pair_in_route(data, state, r, 0, p, d, a.INF, pairs.both_places(i, k))
                assert other >= cost
                found += 1
    assert found > 8


def priced(problem: Problem, order: list[int]) -> Any:
    """Price one route by the checker, None if it breaks a rule."""
    report = check(problem, Solution.from_orders(problem, [tuple(order)]))
    return report.cost.total if report.feasible else None


@pytest.mark.parametrize("look", ["compare_with_full_look", "compare_with_all_places"])
def test_what_is_remembered_is_true(look: str) -> None:
    """Run a comparison without the compiler, so that kernels can be called one by one."""
    code = f"import sys; sys.path.insert(0, 'tests/routing'); from test_search_shipments import {look} as go; go()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_long_routes_with_shipments_are_searched_hotter() -> None:
    """Settings follow the length of the first plan's routes, and those of problems without shipments stay."""
    model = compile_problem(parcels())
    state = new_state(model.data, model.flags, model.leads, 3, model.data.n + 4)
    state.info[a.NABSENT] = 0
    for routes, heat, cycles in ((model.data.n, 0.5, 1), (1, 8.0, 6)):
        state.info[a.NROUTES] = routes
        params = suited(SearchParams(), model, state)
        assert (params.start_heat, params.cycles) == (heat, cycles)
    plain = replace(model, flags=Features())
    assert suited(SearchParams(), plain, state) == SearchParams()
