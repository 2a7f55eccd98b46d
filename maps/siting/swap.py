"""Siting by exchange, for answers while somebody drags kiosks about.

Teitz and Bart (1968) exchange one open site for one closed site as long as that helps. The cost of all
exchanges at once takes a few passes over the matrix (after Whitaker 1983): adding candidate c and removing site r
costs every demand ``min(minutes to c, minutes to its nearest site other than r)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maps.errors import SitingMethodError
from maps.geodesy import FloatArray
from maps.siting.problem import SitingProblem, SitingRules, too_close, usable

STARTS = 10
_TINY = 1e-9
_TIE = 1e-6  # minutes decide only between choices that cover alike


def exchange(
    problem: SitingProblem, rules: SitingRules, covering: bool, seed: int, starts: int = STARTS
) -> NDArray[np.bool_]:
    """Choose sites by exchange from several starts: one greedy, the others random.

    Parameters
    ----------
    covering
        Cover as much demand as possible, else keep minutes low.
    seed
        Equal seed, equal choice.

    Returns
    -------
    shape (candidates,); keeps budget, spacing, scenes and existing kiosks.

    Raises
    ------
    SitingMethodError
        If the rules hold clusters, spending or capacities, which exchanges of two cannot keep.
    """
    _check_known(problem, rules)
    search = _Search(*_costs(problem, rules, covering), problem, rules)
    rng = np.random.default_rng(seed)
    m = len(problem.candidates)
    best = search.improved(search.grown(problem.existing, None))
    for _ in range(starts - 1):
        found = search.improved(search.grown(problem.existing, rng.permutation(m)))
        if search.cost(found) < search.cost(best) - _TINY:
            best = found
    return best


def _check_known(problem: SitingProblem, rules: SitingRules) -> None:
    unknown = {
        "clusters": rules.pattern.cluster_size > 1,
        "spending": rules.spend_fen is not None,
        "capacities": problem.capacitated,
    }
    for what, asked in unknown.items():
        if asked:
            raise SitingMethodError(f"search by exchange does not know {what}", rule=what)


def _costs(problem: SitingProblem, rules: SitingRules, covering: bool) -> tuple[FloatArray, FloatArray]:
    """Return the cost of each demand at each candidate, and of being served by none."""
    none_min = problem.unserved_min()
    minutes = np.minimum(problem.minutes, none_min)
    none = np.full(len(problem.demands), none_min)
    if covering:
        minutes = (problem.minutes > rules.within_min) + _TIE * minutes / none_min
        none = np.full(len(problem.demands), 1.0 + _TIE)
    return problem.weight[:, None] * minutes, problem.weight * none


class _Search:
    """Exchange on one cost matrix, shape (demands, candidates), with the cost of no site, shape (demands,)."""

    def __init__(self, costs: FloatArray, none: FloatArray, problem: SitingProblem, rules: SitingRules) -> None:
        self._costs = costs
        self._none = none
        self._fixed = problem.existing
        self._usable = usable(problem, rules)
        self._close = too_close(problem, rules)
        self._most = int(problem.existing.sum()) + rules.budget

    def cost(self, chosen: NDArray[np.bool_]) -> float:
        """Return the cost of a choice."""
        return float(np.minimum(self._costs[:, chosen].min(axis=1, initial=np.inf), self._none).sum())

    def grown(self, chosen: NDArray[np.bool_], order: NDArray[np.int64] | None) -> NDArray[np.bool_]:
        """Open sites until the budget is used: the best one each time, or in a given order."""
        chosen = chosen.copy()
        while int(chosen.sum()) < self._most:
            free = self._usable & ~chosen & ~self._close[:, chosen].any(axis=1)
            if not free.any():
                break
            if order is None:
                now = np.minimum(self._costs[:, chosen].min(axis=1, initial=np.inf), self._none)
                gain = np.where(free, (now[:, None] - np.minimum(self._costs, now[:, None])).sum(axis=0), -np.inf)
                chosen[int(np.argmax(gain))] = True
            else:
                chosen[next(candidate for candidate in order if free[candidate])] = True
        return chosen

    def improved(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Exchange while it helps, the best exchange each time."""
        while (better := self._best_exchange(chosen)) is not None:
            chosen = better
        return chosen

    def _best_exchange(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        sites = np.flatnonzero(chosen)
        removable = np.flatnonzero(~self._fixed[sites])
        if not len(removable):
            return None
        saving = self._cost_after_exchange(sites) - self.cost(chosen)
        clash = self._close[:, sites].astype(np.int64)
        # A candidate may come in for site r when it clashes with no other open site than r.
        may = (clash.sum(axis=1)[None, :] - clash.T == 0) & (self._usable & ~chosen)[None, :]
        saving = np.where(may, saving, np.inf)[removable]
        row, candidate = np.unravel_index(int(np.argmin(saving)), saving.shape)
        if not saving[row, candidate] < -_TINY:
            return None
        after = chosen.copy()
        after[sites[removable[row]]] = False
        after[candidate] = True
        return after

    def _cost_after_exchange(self, sites: NDArray[np.int64]) -> FloatArray:
        """Return the cost of every exchange, shape (open sites, candidates)."""
        with_none = np.concatenate([self._costs[:, sites], self._none[:, None], self._none[:, None]], axis=1)
        two = np.argpartition(with_none, 1, axis=1)[:, :2]
        values = np.take_along_axis(with_none, two, axis=1)
        swap = values[:, 0] > values[:, 1]
        first = np.where(swap, two[:, 1], two[:, 0])
        nearest, second = values.min(axis=1), values.max(axis=1)
        stays = np.minimum(self._costs, nearest[:, None])
        loses = np.minimum(self._costs, second[:, None]) - stays
        # Summed by nearest site. Not a matrix product: its threads cost more than they save at this size.
        by_site = np.argsort(first, kind="stable")
        groups, begins = np.unique(first[by_site], return_index=True)
        lost = np.zeros((len(sites) + 2, self._costs.shape[1]))
        if len(groups):
            lost[groups] = np.add.reduceat(loses[by_site], begins, axis=0)
        return np.asarray(stays.sum(axis=0)[None, :] + lost[: len(sites)], dtype=np.float64)
