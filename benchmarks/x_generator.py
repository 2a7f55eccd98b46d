"""Makes problems of any size by the rules of the X set.

Places lie on a grid of 1000 by 1000. Where the depot is, how customers are spread, what they demand and how many a
route serves are drawn, so that a handful of problems shows more than one kind of county.

Source: Uchoa et al. (2017), New benchmark instances for the capacitated vehicle routing problem, section 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID = 1000
DECAY = 40.0
"""Distance over which the density around a cluster's seed falls to 1/e."""
CLUSTERS = 3, 9
"""Least number of clusters, and one more than the greatest."""
ROUTE_SIZES = 3.0, 6.0, 25.0
"""The triangle from which the mean number of customers of a route is drawn."""
DEPOTS = "random", "corner", "centre"
SPREADS = "random", "clustered", "half"
DEMANDS = "unit", "1-10", "5-10", "1-100", "50-100", "quadrant", "mostly small"
SHARE_OF_SMALL = 0.70, 0.95

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Made:
    """A made problem: places with the depot first, what customers demand, a vehicle's room, and how it was drawn."""

    points: Points
    amounts: NDArray[np.int64]
    capacity: int
    kind: str


def make(customers: int, seed: int) -> Made:
    """Draw a problem.

    Parameters
    ----------
    customers
        How many; ``points`` of the result has shape (customers + 1, 2), ``amounts`` shape (customers,).
    seed
        Of all draws. Nine seeds in a row meet every depot with every spread, seven every demand.
    """
    draw = np.random.default_rng(seed)
    depot, spread, demand = DEPOTS[seed % 3], SPREADS[seed // 3 % 3], DEMANDS[seed % 7]
    where = _customers(draw, customers, spread)
    amounts = _amounts(draw, where, demand)
    size = float(draw.triangular(*ROUTE_SIZES))
    capacity = max(int(amounts.max()), math.ceil(size * int(amounts.sum()) / customers))
    kind = f"depot {depot}, customers {spread}, demand {demand}, {size:.1f} a route"
    return Made(np.concatenate([_depot(draw, depot), where]).astype(np.float64), amounts, capacity, kind)


def _depot(draw: np.random.Generator, depot: str) -> NDArray[np.int64]:
    """Place the depot, shape (1, 2)."""
    places = {"corner": 0, "centre": GRID // 2}
    return np.full((1, 2), places[depot]) if depot in places else draw.integers(0, GRID + 1, (1, 2))


def _customers(draw: np.random.Generator, customers: int, spread: str) -> NDArray[np.int64]:
    """Place the customers anywhere, around seeds, or half and half, shape (customers, 2)."""
    anywhere = {"random": customers, "half": customers // 2, "clustered": 0}[spread]
    scattered = draw.integers(0, GRID + 1, (anywhere, 2))
    seeds = draw.integers(0, GRID + 1, (int(draw.integers(*CLUSTERS)), 2))
    clustered = [seeds[: customers - anywhere]]
    missing = customers - anywhere - len(clustered[0])
    while missing > 0:
        tried = draw.integers(0, GRID + 1, (20_000, 2))
        apart = np.sqrt(((tried[:, None, :] - seeds[None, :, :]) ** 2).sum(axis=2))
        kept = tried[draw.random(len(tried)) < np.exp(-apart / DECAY).sum(axis=1)]
        clustered.append(kept[:missing])
        missing -= len(clustered[-1])
    return np.concatenate([scattered, *clustered])


def _amounts(draw: np.random.Generator, where: NDArray[np.int64], demand: str) -> NDArray[np.int64]:
    """Draw what each customer demands, shape (customers,)."""
    count = len(where)
    if demand == "unit":
        return np.ones(count, dtype=np.int64)
    if demand == "quadrant":
        right, upper = (where > GRID // 2).T
        return np.asarray(draw.integers(1, 51, count) + 50 * (right == upper))
    if demand == "mostly small":
        small = draw.random(count) < draw.uniform(*SHARE_OF_SMALL)
        return np.where(small, draw.integers(1, 11, count), draw.integers(50, 101, count))
    least, most = map(int, demand.split("-"))
    return draw.integers(least, most + 1, count)
