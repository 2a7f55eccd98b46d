"""The nucleolus of a cost game: the shares under which the most unhappy coalition is least unhappy, and so on down."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from dispatch.sharing.errors import SharesSolveError
from dispatch.sharing.shares.game import Coalition, CostGame

_TIGHT: Final = 1e-7
_DUAL: Final = 1e-9


def nucleolus(game: CostGame) -> dict[str, float]:
    """Compute the nucleolus in fen.

    Raises
    ------
    SharesSolveError
        If a linear program has no solution.

    Notes
    -----
    A sequence of linear programs, each the least core over the coalitions not yet settled; those whose
    constraint has a price in the solution are settled at its value (Schmeidler 1969; Maschler, Peleg, Shapley
    1979). Shares are kept at zero or more. Amounts are scaled by the total, so that the tolerance means the same
    for every plan.
    """
    open_ones = list(game.coalitions())
    scale = max(1, game.total_fen)
    settled: list[tuple[Coalition, float]] = [(game.everybody, 1.0)]
    shares = np.full(len(game.companies), 1.0 / len(game.companies))
    while open_ones and np.linalg.matrix_rank(_rows(game, [one for one, _ in settled])) < len(game.companies):
        prices = np.array([game.cost_fen(one) for one in open_ones], dtype=np.float64)
        worth = prices / scale
        found = _least_core(game, open_ones, worth, settled)
        shares, gain = found.x[:-1], found.x[-1]
        priced = -found.ineqlin.marginals > _DUAL
        if not priced.any():  # every price is below the tolerance: settle what is tight
            priced = worth - gain - _rows(game, open_ones) @ shares < _TIGHT
        settled += [(one, float(value - gain)) for one, value, so in zip(open_ones, worth, priced, strict=True) if so]
        open_ones = [one for one, so in zip(open_ones, priced, strict=True) if not so]
    return {company: float(share) * scale for company, share in zip(game.companies, shares, strict=True)}


def _least_core(
    game: CostGame, open_ones: list[Coalition], worth: NDArray[np.float64], settled: list[tuple[Coalition, float]]
) -> Any:
    """Maximise the least gain of the open coalitions, the settled ones held where they are."""
    count = len(game.companies)
    upper = np.hstack([_rows(game, open_ones), np.ones((len(open_ones), 1))])
    equal = np.hstack([_rows(game, [one for one, _ in settled]), np.zeros((len(settled), 1))])
    goal = np.zeros(count + 1)
    goal[-1] = -1.0
    bounds = [(0, None)] * count + [(None, None)]
    values = [value for _, value in settled]
    found = linprog(goal, upper, worth, equal, values, bounds=bounds, method="highs")
    if found.status != 0:
        raise SharesSolveError(f"the linear program of the nucleolus ended with: {found.message}")
    return found


def _rows(game: CostGame, coalitions: list[Coalition]) -> NDArray[np.float64]:
    return np.array([[float(company in one) for company in game.companies] for one in coalitions])
