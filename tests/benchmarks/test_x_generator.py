"""Made problems follow the rules of the X set."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.x_generator import DEMANDS, DEPOTS, GRID, SPREADS, make


def test_a_seed_makes_the_same_problem_for_everybody() -> None:
    """Equal seeds make equal problems, other seeds other ones."""
    one, again, other = make(200, 5), make(200, 5), make(200, 14)
    assert one.kind == again.kind
    assert np.array_equal(one.points, again.points)
    assert np.array_equal(one.amounts, again.amounts)
    assert one.capacity == again.capacity
    assert not np.array_equal(one.points, other.points)


@pytest.mark.parametrize("seed", range(9))
def test_a_problem_is_whole(seed: int) -> None:
    """There are so many customers on the grid, each fits into a vehicle, and routes serve 3 to 25 of them."""
    made = make(700, seed)
    assert made.points.shape == (701, 2)
    assert made.amounts.shape == (700,)
    assert made.points.min() >= 0
    assert made.points.max() <= GRID
    assert 1 <= made.amounts.min() <= made.amounts.max() <= made.capacity
    assert 3 <= 700 / math.ceil(made.amounts.sum() / made.capacity) <= 26


def test_nine_seeds_meet_every_depot_with_every_spread_and_seven_every_demand() -> None:
    """A handful of problems shows every kind."""
    kinds = [make(50, seed).kind for seed in range(9)]
    for depot in DEPOTS:
        for spread in SPREADS:
            assert sum(f"depot {depot}, customers {spread}," in kind for kind in kinds) == 1
    for demand in DEMANDS:
        assert any(f"demand {demand}," in kind for kind in kinds[:7])


def test_demands_and_depots_are_what_they_are_called() -> None:
    """The amounts lie in the range that the kind names; a corner is a corner and the centre the centre."""
    found = {seed: make(4000, seed) for seed in range(7)}
    spans = {m.kind.split("demand ")[1].split(",")[0]: (m.amounts.min(), m.amounts.max()) for m in found.values()}
    ranges = {"1-10": (1, 10), "5-10": (5, 10), "1-100": (1, 100), "50-100": (50, 100), "unit": (1, 1)}
    assert ranges.items() <= spans.items()
    assert tuple(found[1].points[0]) == (0, 0)
    assert tuple(found[2].points[0]) == (GRID // 2, GRID // 2)
    small = found[6].amounts <= 10
    assert 0.65 < small.mean() < 1
    assert found[6].amounts[~small].min() >= 50


def test_demands_of_quadrants_differ() -> None:
    """Opposite quadrants demand more than 50, the two others up to 50."""
    made = make(4000, 5)
    right, upper = (made.points[1:] > GRID // 2).T
    assert made.amounts[right == upper].min() > 50
    assert made.amounts[right != upper].max() <= 50


def test_clusters_are_dense() -> None:
    """Around seeds customers stand nearer to one another than anywhere."""

    def crowding(seed: int) -> float:
        points = make(900, seed).points[1:]
        apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
        return float(np.partition(apart, 5, axis=1)[:, 5].mean())

    assert crowding(3) < 0.8 * crowding(0)
