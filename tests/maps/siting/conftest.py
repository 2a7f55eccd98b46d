"""Fixtures of siting: small random problems and choices made by trying all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest

from maps.siting.problem import Candidate, DemandPoint, SitingProblem, SitingRules, rules_broken

SCENE_CYCLE = ("pharmacy", "village_service_point", "school")


@pytest.fixture
def make_problem() -> Callable[..., SitingProblem]:
    """Give a function that scatters demand and candidates over some 20 km and measures minutes with noise."""

    def make(
        seed: int, demands: int = 12, candidates: int = 7, existing: int = 0, capacity: float | None = None
    ) -> SitingProblem:
        rng = np.random.default_rng(seed)
        at, sites = rng.uniform(0, 20, (demands, 2)), rng.uniform(0, 20, (candidates, 2))
        minutes = np.hypot(*(at[:, None, :] - sites[None, :, :]).transpose(2, 0, 1)) * rng.uniform(1, 2)
        minutes[rng.random(minutes.shape) < 0.05] = np.inf
        return SitingProblem(
            tuple(
                DemandPoint(f"d{i}", f"村{i}", 110 + x / 96, 30 + y / 111, float(rng.integers(0, 30)))
                for i, (x, y) in enumerate(at.tolist())
            ),
            tuple(
                Candidate(
                    f"c{j}", f"点{j}", SCENE_CYCLE[j % 3], f"d{j}", 110 + x / 96, 30 + y / 111,
                    existing=j < existing, capacity=capacity, cost_fen=1000 + 100 * j,
                )
                for j, (x, y) in enumerate(sites.tolist())
            ),
            minutes,
        )  # fmt: skip

    return make


@pytest.fixture
def every_choice() -> Callable[[SitingProblem, SitingRules], Iterator[np.ndarray]]:
    """Give a function that yields every choice of candidates that keeps the rules."""

    def choices(problem: SitingProblem, rules: SitingRules) -> Iterator[np.ndarray]:
        m = len(problem.candidates)
        for count in range(m + 1):
            for chosen in combinations(range(m), count):
                mask = np.isin(np.arange(m), chosen)
                if not rules_broken(problem, rules, mask):
                    yield mask

    return choices
