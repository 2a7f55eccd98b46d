"""Siting as mixed-integer programs, solved by HiGHS through `scipy.optimize.milp`.

Models: maximal covering (MCLP; Church, ReVelle 1974), p-median (Hakimi 1964; ReVelle, Swain 1970) and
location set covering (LSCP; Toregas et al. 1971).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from maps.errors import CoverageImpossibleError, SitingImpossibleError
from maps.geodesy import FloatArray
from maps.siting.problem import SitingProblem, SitingRules, cluster_partners, too_close, usable

NEAREST = 25
"""Candidates a demand point's list in the median model begins with."""
_GAP = 1e-6
_INFEASIBLE = 2
_ROUNDS = 12
_NAMED = 5


@dataclass(frozen=True)
class Solved:
    """What a program answered.

    Attributes
    ----------
    chosen : shape (candidates,), bool
        None when the time was over before any choice was found.
    bound
        No choice has a better value: an upper one when covering, else a lower one.
    proven
        Whether the choice is as good as the bound.
    """

    chosen: NDArray[np.bool_] | None
    bound: float
    proven: bool


def cover_most(problem: SitingProblem, rules: SitingRules, time_limit_s: float) -> Solved:
    """Choose sites so that as much demand as possible lies within reach (MCLP).

    Raises
    ------
    SitingImpossibleError
        If no choice keeps the rules.
    """
    reached = (problem.minutes <= rules.within_min) & usable(problem, rules)
    if problem.capacitated:
        return _allocate(problem, rules, _Arcs.where(reached, problem, covering=True), time_limit_s)[0]
    n, m = problem.minutes.shape
    cover = sparse.hstack([sparse.csr_array(-reached.astype(np.float64)), sparse.eye_array(n)])
    answer = _solve(
        np.concatenate([np.zeros(m), -problem.weight]),
        [*_site_rows(problem, rules, n), LinearConstraint(cover, -np.inf, 0.0)],
        _bounds(problem, rules, n), m, time_limit_s,
    )  # fmt: skip
    return _solved(answer, m, -1.0)


def fewest(problem: SitingProblem, rules: SitingRules, time_limit_s: float) -> Solved:
    """Choose as few new sites as possible so that all demand lies within reach (LSCP); the budget is not asked.

    Raises
    ------
    CoverageImpossibleError
        If demand lies beyond the reach of every candidate; names places and the minutes they would need.
    SitingImpossibleError
        If spacing or clusters forbid what covering needs.
    """
    open_ = usable(problem, rules)
    _check_coverable(problem, rules, open_)
    needed = problem.weight > 0
    reached = (problem.minutes <= rules.within_min)[needed] & open_
    m = len(problem.candidates)
    free = SitingRules(m, rules.within_min, rules.pattern, rules.spend_fen)
    rows = [*_site_rows(problem, free, 0)]
    if needed.any():
        rows.append(LinearConstraint(sparse.csr_array(reached.astype(np.float64)), 1.0, np.inf))
    answer = _solve((~problem.existing).astype(np.float64), rows, _bounds(problem, rules, 0), m, time_limit_s)
    return _solved(answer, m, 1.0)


def nearest_median(problem: SitingProblem, rules: SitingRules, time_limit_s: float) -> Solved:
    """Choose sites so that demand has as few minutes as possible to them in all (p-median).

    Unserved demand counts with :meth:`SitingProblem.unserved_min`.

    Raises
    ------
    SitingImpossibleError
        If no choice keeps the rules.

    Notes
    -----
    Each demand point has arcs to its nearest 25 candidates and a column "none of these", at the minutes of
    the next one beyond the list: no real choice is cheaper, so the program is a relaxation. A point that
    takes that column gets a list twice as long and the program is solved again; when none does, the
    choice is optimal over all candidates.
    """
    minutes = np.where(usable(problem, rules)[None, :], problem.minutes, np.inf)
    order = np.argsort(minutes, axis=1, kind="stable")
    reachable = np.isfinite(minutes).sum(axis=1)
    length = np.minimum(NEAREST, reachable)
    share_s = time_limit_s
    for _ in range(_ROUNDS):
        arcs = _Arcs.nearest(problem, minutes, order, length)
        solved, cut_short = _allocate(problem, rules, arcs, share_s)
        grown = cut_short & (length < reachable)
        if not grown.any() or not solved.proven:
            break
        length = np.where(grown, np.minimum(2 * length, reachable), length)
    return Solved(solved.chosen, solved.bound, solved.proven and not grown.any())


@dataclass(frozen=True)
class _Arcs:
    """Columns of an allocation: which demand may go to which candidate, and what none of them costs."""

    demand: NDArray[np.int64]
    candidate: NDArray[np.int64]
    cost: FloatArray
    none_cost: FloatArray
    sign: float

    @staticmethod
    def where(reached: NDArray[np.bool_], problem: SitingProblem, covering: bool) -> _Arcs:
        demand, candidate = np.nonzero(reached & (problem.weight > 0)[:, None])
        return _Arcs(demand, candidate, -problem.weight[demand], np.zeros(len(problem.demands)), -1.0)

    @staticmethod
    def nearest(
        problem: SitingProblem, minutes: FloatArray, order: NDArray[np.int64], length: NDArray[np.int64]
    ) -> _Arcs:
        n, m = minutes.shape
        listed = (np.arange(m)[None, :] < length[:, None]) & (problem.weight > 0)[:, None]
        demand, rank = np.nonzero(listed)
        candidate = order[demand, rank]
        rows = np.arange(n)
        beyond = minutes[rows, order[rows, np.minimum(length, m - 1)]] if m else np.full(n, np.inf)
        beyond = np.where((length < m) & np.isfinite(beyond), beyond, problem.unserved_min())
        cost = problem.weight[demand] * minutes[demand, candidate]
        return _Arcs(demand, candidate, cost, problem.weight * beyond, 1.0)


def _allocate(
    problem: SitingProblem, rules: SitingRules, arcs: _Arcs, time_limit_s: float
) -> tuple[Solved, NDArray[np.bool_]]:
    """Solve a program with allocation columns; also say which demand took the column "none"."""
    n, m = problem.minutes.shape
    k = len(arcs.demand)
    index = np.arange(k)
    ones = np.ones(k)
    each = sparse.csr_array((ones, (arcs.demand, index)), shape=(n, k))
    rows = [
        *_site_rows(problem, rules, k + n),
        LinearConstraint(sparse.hstack([sparse.csr_array((n, m)), each, sparse.eye_array(n)]), 1.0, 1.0),
        LinearConstraint(
            sparse.hstack([
                sparse.csr_array((-ones, (index, arcs.candidate)), shape=(k, m)), sparse.eye_array(k),
                sparse.csr_array((k, n)),
            ]), -np.inf, 0.0,
        ),
    ]  # fmt: skip
    limited = np.flatnonzero(np.isfinite(problem.capacity))
    if len(limited):
        load = sparse.csr_array((problem.weight[arcs.demand], (arcs.candidate, index)), shape=(m, k))[limited]
        size = sparse.csr_array((-problem.capacity[limited], (np.arange(len(limited)), limited)), (len(limited), m))
        rows.append(LinearConstraint(sparse.hstack([size, load, sparse.csr_array((len(limited), n))]), -np.inf, 0.0))
    costs = np.concatenate([np.zeros(m), arcs.cost, arcs.none_cost])
    answer = _solve(costs, rows, _bounds(problem, rules, k + n), m, time_limit_s)
    solved = _solved(answer, m, arcs.sign)
    none = np.zeros(n, dtype=np.bool_) if answer.x is None else answer.x[m + k :] > 1e-6
    return solved, none & (problem.weight > 0)


def _site_rows(problem: SitingProblem, rules: SitingRules, further: int) -> list[LinearConstraint]:
    """Return the rows on sites alone: budget, spending, spacing, clusters."""
    m = len(problem.candidates)
    new = (~problem.existing).astype(np.float64)
    rows: list[tuple[Any, Any, Any]] = [(sparse.csr_array(new[None, :]), -np.inf, float(rules.budget))]
    if rules.spend_fen is not None:
        cost = np.array([one.cost_fen for one in problem.candidates], dtype=np.float64) * new
        rows.append((sparse.csr_array(cost[None, :]), -np.inf, rules.spend_fen))
    first, second = np.nonzero(np.triu(too_close(problem, rules)))
    if len(first):
        pairs = sparse.csr_array(
            (np.ones(2 * len(first)), (np.tile(np.arange(len(first)), 2), np.concatenate([first, second]))),
            shape=(len(first), m),
        )
        rows.append((pairs, -np.inf, 1.0))
    if rules.pattern.cluster_size > 1:
        choosable = np.flatnonzero(usable(problem, rules) & ~problem.existing)
        partners = cluster_partners(problem, rules)[choosable].astype(np.float64)
        itself = sparse.csr_array((np.ones(len(choosable)), (np.arange(len(choosable)), choosable)), partners.shape)
        needed = rules.pattern.cluster_size - 1
        rows.append((itself * float(needed) - sparse.csr_array(partners), -np.inf, 0.0))
    return [
        LinearConstraint(sparse.hstack([row, sparse.csr_array((row.shape[0], further))]), low, high)
        for row, low, high in rows
        if row.shape[0]
    ]


def _bounds(problem: SitingProblem, rules: SitingRules, further: int) -> Bounds:
    low = np.concatenate([problem.existing.astype(np.float64), np.zeros(further)])
    high = np.concatenate([usable(problem, rules).astype(np.float64), np.ones(further)])
    return Bounds(low, high)


def _solve(costs: FloatArray, rows: Sequence[LinearConstraint], bounds: Bounds, sites: int, time_limit_s: float) -> Any:
    if not sites:
        raise SitingImpossibleError("there are no candidates", remedy="Give candidates, or places with positions.")
    integrality = np.zeros(len(costs))
    integrality[:sites] = 1
    answer = milp(
        costs, integrality=integrality, bounds=bounds, constraints=rows,
        options={"time_limit": time_limit_s, "mip_rel_gap": _GAP},
    )  # fmt: skip
    if answer.status == _INFEASIBLE:
        raise SitingImpossibleError("no choice of sites keeps spacing, clusters and spending together")
    return answer


def _solved(answer: Any, sites: int, sign: float) -> Solved:
    chosen = None if answer.x is None else np.asarray(answer.x[:sites] > 0.5, dtype=np.bool_)
    bound = answer.mip_dual_bound if answer.mip_dual_bound is not None else -np.inf
    return Solved(chosen, sign * float(bound), answer.status == 0)


def _check_coverable(problem: SitingProblem, rules: SitingRules, open_: NDArray[np.bool_]) -> None:
    """Look at the largest nearest-site time first: an infeasible program would not say who is too far."""
    nearest = np.where(open_[None, :], problem.minutes, np.inf).min(axis=1, initial=np.inf)
    far = np.flatnonzero((problem.weight > 0) & (nearest > rules.within_min))
    if not len(far):
        return
    far = far[np.argsort(-nearest[far], kind="stable")]
    named = ", ".join(f"{problem.demands[i].name} ({_minutes(nearest[i])})" for i in far[:_NAMED])
    more = f" and {len(far) - _NAMED} more" if len(far) > _NAMED else ""
    raise CoverageImpossibleError(
        f"{len(far)} places lie farther than {rules.within_min:g} minutes from every candidate: {named}{more}",
        places=[problem.demands[i].id for i in far],
        needed_min=None if np.isinf(nearest[far[0]]) else round(float(nearest[far[0]]), 1),
    )  # fmt: skip


def _minutes(minutes: float) -> str:
    return "no road" if np.isinf(minutes) else f"{minutes:.1f} min"
