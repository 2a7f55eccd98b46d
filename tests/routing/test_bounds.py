"""Neighbours that a bound passes over would not have been chosen: the search goes the same way without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from routing import Problem, ProblemBuilder
from routing.problem import Backhaul
from routing.search.first import construct
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.search.state import best_orders, keep_present, new_state
from routing.search.variants import kernels

STOPS = 60
PRICE: dict[str, Any] = {"cost_per_m": 1}


def roads(seed: int, crooked: bool) -> NDArray[np.float64]:
    """Draw ways between places on a plane, or ones that keep no rule of geometry and differ by direction."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (STOPS + 2, 2))
    ways = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1)).round()
    strayed: NDArray[np.float64] = (ways * draw.uniform(0.3, 1.7, ways.shape)).round()
    return strayed if crooked else ways


def loads_only(seed: int, crooked: bool) -> Problem:
    """Give one kind of van and one depot."""
    ways = roads(seed, crooked)
    builder = ProblemBuilder(("count",)).profile("van", ways, ways).depot("centre", 0)
    builder.vehicle_type("van", count=STOPS, capacity=12, cost_per_m=1)
    for place in range(1, STOPS + 1):
        builder.task(f"stop {place}", place, delivery=1 + place % 5)
    return builder.build()


def two_kinds(seed: int, crooked: bool) -> Problem:
    """Give a second kind of vehicle with roads, a depot and prices of its own, and some optional stops."""
    builder = ProblemBuilder(("count",))
    for name, offset in (("van", 0), ("truck", 1)):
        ways = roads(seed + offset, crooked)
        builder.profile(name, ways, ways).depot(f"{name}s", offset)
    builder.vehicle_type("van", count=20, capacity=12, profile="van", start_depot="vans", end_depot="vans", **PRICE)
    builder.vehicle_type(
        "truck", count=20, capacity=30, profile="truck", start_depot="trucks", open_route=True, fixed_cost=300, **PRICE
    )
    for place in range(2, STOPS + 2):
        builder.task(f"stop {place}", place, delivery=1 + place % 5, required=place % 7 > 0, prize=200)
    return builder.build()


def both_ways(seed: int, crooked: bool) -> Problem:
    """Give deliveries that come before collections."""
    ways = roads(seed, crooked)
    builder = ProblemBuilder(("count",)).profile("van", ways, ways).depot("centre", 0).backhaul(Backhaul.LINEHAUL_FIRST)
    builder.vehicle_type("van", count=STOPS, capacity=12, cost_per_m=1)
    for place in range(1, STOPS + 1):
        if place % 3 == 0:
            builder.task(f"stop {place}", place, pickup=1 + place % 5)
        else:
            builder.task(f"stop {place}", place, delivery=1 + place % 5)
    return builder.build()


@pytest.mark.parametrize("crooked", [False, True], ids=["plane", "crooked"])
@pytest.mark.parametrize("make", [loads_only, two_kinds, both_ways])
def test_the_search_goes_the_same_way_without_the_bound(make: Callable[[int, bool], Problem], crooked: bool) -> None:
    """Same seed, same temperatures, same plan after thousands of iterations, hot and cold."""
    for seed in (1, 2, 3):
        model = compile_problem(make(seed, crooked))
        assert model.data.apart.shape == model.data.near.shape
        blind = model.data._replace(apart=np.full_like(model.data.apart, -(1 << 30)))
        plans = []
        for data in (model.data, blind):
            state = new_state(data, model.flags, model.leads, seed, STOPS + 4)
            construct(model, state, seed)
            for heat in (300.0, 30.0, 1.0):
                kernels(model.flags).search(data, state, a.ANNEAL, 2000, heat, 1.0, 10.0, 10)
            keep_present(state)
            plans.append((int(state.info[a.CUR]), best_orders(state)))
        assert plans[0] == plans[1]
