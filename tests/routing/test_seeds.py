"""Ruins begin where a plan is stretched more often than elsewhere (``kernels/seeds.py``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from routing import ProblemBuilder
from routing.search.driver import load
from routing.search.kernels import arrays as a
from routing.search.kernels import seeds
from routing.search.model import Model, compile_problem
from routing.search.state import new_state

ALONG = [0, 10, 20, 30, 100, 110]
"""Places of the depot and five tasks along a road."""


def interpreted(function: Any) -> Callable[..., int]:
    """Return the Python function behind a kernel, compiled or not."""
    found: Callable[..., int] = getattr(function, "py_func", function)
    return found


@pytest.fixture
def model() -> Model:
    """Give five tasks along a road as a compiled problem."""
    ways = np.abs(np.subtract.outer(ALONG, ALONG))
    builder = ProblemBuilder(("count",)).profile("van", ways, ways).depot("centre", 0)
    builder.vehicle_type("van", count=5, capacity=9, cost_per_m=1)
    for place in range(1, len(ALONG)):
        builder.task(f"stop {place}", place, delivery=1)
    return compile_problem(builder.build())


def planned(model: Model, *routes: list[int]) -> a.State:
    """Make a state whose present plan has these routes."""
    state = new_state(model.data, model.flags, model.leads, 1, model.data.n + 4)
    load(model, state, [(0, route) for route in routes])
    return state


def drawn(monkeypatch: pytest.MonkeyPatch, model: Model, state: a.State, shipments: bool = False) -> list[int]:
    """Return which seed comes of each pair of tasks that may be drawn, compiled for shipments or not."""
    monkeypatch.setattr(seeds, "PAIR", shipments)
    pairs = list(product(range(model.data.n), repeat=2))
    numbers: Iterator[int] = (task for pair in pairs for task in pair[: 1 if shipments else 2])
    monkeypatch.setattr(seeds, "below", lambda rng, bound: next(numbers))
    monkeypatch.setattr(seeds, "stretch", interpreted(seeds.stretch))
    return [interpreted(seeds.draw_seed)(model.data, state) for _ in pairs]


def test_a_leg_is_measured_against_the_way_to_the_nearest(model: Model) -> None:
    """Beside its neighbours a task is not stretched; at the end of a long leg it is, ways to the depot apart."""
    state = planned(model, [0, 1, 2, 3, 4])
    stretch = [interpreted(seeds.stretch)(model.data, state, task) for task in range(5)]
    assert stretch == [0, 0, 60, 60, 0]


def test_a_task_alone_on_its_route_is_never_the_worse(model: Model) -> None:
    """Both its ways are the depot's, of which every route has two."""
    state = planned(model, [0], [1, 2, 3, 4])
    assert interpreted(seeds.stretch)(model.data, state, 0) < -1_000_000


def test_the_more_stretched_of_two_is_taken(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    """Of 25 pairs each task is the seed by how many it wins; equals leave it to the first."""
    seeds_of_pairs = drawn(monkeypatch, model, planned(model, [0, 1, 2, 3, 4]))
    assert [seeds_of_pairs.count(task) for task in range(5)] == [3, 3, 8, 8, 3]


def test_tasks_without_a_route_are_drawn_like_any(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    """Nothing tells how well they are placed, so the first of two stays whenever one of them has none."""
    state = planned(model, [0, 1, 3, 4])
    state.node[2, a.RID] = a.NONE
    pairs = list(product(range(5), repeat=2))
    for (first, second), seed in zip(pairs, drawn(monkeypatch, model, state), strict=True):
        if 2 in (first, second):
            assert seed == first


def test_with_shipments_any_task_is_the_seed(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    """There is no second one to compare with."""
    every = drawn(monkeypatch, model, planned(model, [0, 1, 2, 3, 4]), shipments=True)
    assert [every.count(task) for task in range(5)] == [5, 5, 5, 5, 5]
