"""A small mixed-integer model, filled column by column and solved by HiGHS through SciPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

GAP: Final = 1e-6
"""Relative gap at which a model counts as solved."""


class LinearModelState:
    """Variables and rows of one minimisation.

    Notes
    -----
    Costs are scaled by the largest one before solving: HiGHS works with tolerances, and cost units are large.
    """

    def __init__(self) -> None:
        self._cost: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self._whole: list[int] = []
        self._entries: list[tuple[int, int, float]] = []
        self._bounds: list[tuple[float, float]] = []

    def variable(self, cost: float, high: float = np.inf, *, whole: bool = False) -> int:
        """Add a variable between 0 and `high`; give its number."""
        self._cost.append(float(cost))
        self._low.append(0.0)
        self._high.append(float(high))
        self._whole.append(int(whole))
        return len(self._cost) - 1

    def row(self, terms: Mapping[int, float], low: float = -np.inf, high: float = np.inf) -> None:
        """Ask that a sum of variables lies between two bounds."""
        number = len(self._bounds)
        self._entries += [(number, variable, float(factor)) for variable, factor in terms.items()]
        self._bounds.append((low, high))

    def solve(self, seconds: float, gap: float = GAP) -> NDArray[np.float64] | None:
        """Return the best values found, None when there are none.

        Parameters
        ----------
        seconds
            What HiGHS may take; the best solution so far is returned after it.
        """
        cost = np.array(self._cost)
        largest = float(cost.max(initial=0.0)) or 1.0
        rows, columns, factors = (list(part) for part in zip(*self._entries, strict=True))
        matrix = csr_array((factors, (rows, columns)), shape=(len(self._bounds), len(cost)))
        low, high = np.array(self._bounds).T
        answer = milp(
            cost / largest,
            integrality=np.array(self._whole),
            bounds=Bounds(np.array(self._low), np.array(self._high)),
            constraints=LinearConstraint(matrix, low, high),
            options={"time_limit": seconds, "mip_rel_gap": gap},
        )
        return None if answer.x is None else np.asarray(answer.x, dtype=np.float64)
