"""What the made problems of ten thousand customers and more are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.large import least_length, length, savings, two_opt
from benchmarks.x_generator import make


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_plan_is_shorter_than_the_bound(seed: int) -> None:
    """Neither savings with 2-opt nor any order cut into full vehicles undercuts the bound, and it says something."""
    made = make(300, seed)
    points, amounts, capacity = made.points, made.amounts, made.capacity
    least = least_length(points, amounts, capacity)
    rough = [two_opt(points, route) for route in savings(points, amounts, capacity)]
    assert sorted(customer for route in rough for customer in route) == list(range(1, 301))
    assert 0.3 * length(points, rough) < least < length(points, rough)
    draw = np.random.default_rng(seed)
    for _ in range(20):
        routes: list[list[int]] = [[]]
        load = 0
        for customer in draw.permutation(np.arange(1, 301)).tolist():
            if load + int(amounts[customer - 1]) > capacity:
                routes.append([])
                load = 0
            routes[-1].append(customer)
            load += int(amounts[customer - 1])
        assert least <= length(points, routes)
