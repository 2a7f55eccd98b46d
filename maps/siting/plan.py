"""A choice of sites, and what it means for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from maps.errors import SitingImpossibleError, SitingInputError
from maps.geodesy import FloatArray
from maps.siting.exact import cover_most, fewest, nearest_median
from maps.siting.forecast import Forecast, KioskHistory, RateModel
from maps.siting.problem import Candidate, DemandPoint, SitingProblem, SitingRules, rules_broken, usable
from maps.siting.swap import exchange

Model = Literal["covering", "median", "fewest"]
Method = Literal["exact", "swap"]
MODELS = ("covering", "median", "fewest")
TIME_LIMIT_S = 60.0


@dataclass(frozen=True)
class ChosenSite:
    """One kiosk of a plan.

    Attributes
    ----------
    weight
        Demand that is served here.
    mean_min
        Minutes that demand has to come, weighted; None when none comes.
    forecast
        Drop-offs to be expected; None until a rate model is given, and of a standing kiosk without a history.
    """

    candidate: Candidate
    weight: float
    mean_min: float | None
    forecast: Forecast | None = None


@dataclass(frozen=True)
class UncoveredDemand:
    """Demand beyond the reach of every kiosk of a plan; ``nearest_min`` is None where there is no road."""

    demand: DemandPoint
    nearest_min: float | None


@dataclass(frozen=True)
class SitingPlan:
    """A choice of sites.

    Attributes
    ----------
    sites
        Existing kiosks and new ones, those that serve most first.
    covered, total
        Demand within the minutes of the rules, and all demand.
    mean_min
        Minutes to the nearest kiosk, weighted, over demand that has a road to one; None without any.
    objective, bound
        Value of the model and what no choice can beat: covered demand, demand times minutes (unserved demand
        counted as :meth:`SitingProblem.unserved_min` says), or the number of new kiosks. No bound by exchange.
    proven
        Whether the objective is optimal.
    uncovered
        Demand beyond reach, the largest first.
    """

    model: Model
    method: Method
    rules: SitingRules
    sites: tuple[ChosenSite, ...]
    covered: float
    total: float
    mean_min: float | None
    objective: float
    bound: float | None
    proven: bool
    uncovered: tuple[UncoveredDemand, ...]

    @property
    def new(self) -> tuple[ChosenSite, ...]:
        """Return the kiosks to be put up."""
        return tuple(site for site in self.sites if not site.candidate.existing)

    def with_forecasts(
        self, rates: RateModel, histories: Iterable[KioskHistory] = (), days: float = 30.0
    ) -> SitingPlan:
        """Return the plan with drop-offs to be expected of each kiosk.

        Parameters
        ----------
        histories
            Of kiosks that stand; they are forecast with the demand the plan leaves them, others of them not at all.
        """
        known = {history.site_id: history for history in histories}
        return replace(
            self, sites=tuple(_forecast(site, rates, known.get(site.candidate.id), days) for site in self.sites)
        )


def site_kiosks(
    problem: SitingProblem,
    rules: SitingRules,
    model: Model = "covering",
    method: Method = "exact",
    *,
    seed: int = 1,
    time_limit_s: float = TIME_LIMIT_S,
) -> SitingPlan:
    """Choose where kiosks go.

    Parameters
    ----------
    model
        ``covering``: as much demand as possible within the minutes; ``median``: as few minutes as possible;
        ``fewest``: all demand within the minutes, with as few new kiosks as possible whatever the budget.
    method
        ``exact`` knows every rule and proves its answer; ``swap`` answers in milliseconds and proves nothing.
    seed
        For the starts of ``swap``.
    time_limit_s
        For ``exact``; when it is over, the best choice found is returned, not proven.

    Raises
    ------
    SitingImpossibleError, CoverageImpossibleError
        If no choice keeps the rules.
    SitingMethodError
        If ``swap`` does not know one of the rules.
    SitingInputError
        If the model is unknown.
    """
    if model not in MODELS:
        raise SitingInputError(f"unknown siting model {model!r}", remedy=f"Use one of: {', '.join(MODELS)}.")
    if not usable(problem, rules).any():
        raise SitingImpossibleError(f"pattern {rules.pattern.name} leaves no candidate of {len(problem.candidates)}")
    if model == "fewest":
        return _fewest(problem, rules, time_limit_s)
    covering = model == "covering"
    if method == "swap":
        chosen = exchange(problem, rules, covering, seed)
        return plan_of(problem, rules, chosen, model, "swap")
    solved = (cover_most if covering else nearest_median)(problem, rules, time_limit_s)
    if solved.chosen is None:
        raise SitingImpossibleError(
            f"no choice was found in {time_limit_s:g} s", remedy="Allow more time, or use the method swap."
        )
    plan = plan_of(problem, rules, solved.chosen, model, "exact")
    return replace(plan, bound=solved.bound, proven=solved.proven)


def _fewest(problem: SitingProblem, rules: SitingRules, time_limit_s: float) -> SitingPlan:
    solved = fewest(problem, rules, time_limit_s)
    if solved.chosen is None:
        raise SitingImpossibleError(f"no choice was found in {time_limit_s:g} s", remedy="Allow more time.")
    count = int((solved.chosen & ~problem.existing).sum())
    plan = plan_of(problem, replace(rules, budget=max(rules.budget, count)), solved.chosen, "fewest", "exact")
    return replace(plan, rules=rules, objective=float(count), bound=solved.bound, proven=solved.proven)


def _forecast(site: ChosenSite, rates: RateModel, history: KioskHistory | None, days: float) -> ChosenSite:
    if not site.candidate.existing:
        return replace(site, forecast=rates.new_kiosk(site.candidate.scene, days, demand=site.weight))
    if history is None:
        return site
    before = rates.known_kiosk(history, days)
    kept = rates.catchment.factor(site.weight) / rates.catchment.factor(history.demand)
    return replace(site, forecast=before.times(kept if history.demand is not None else 1.0))


def standing_demand(problem: SitingProblem, rules: SitingRules, model: Model = "covering") -> dict[str, float]:
    """Return what each kiosk that stands serves without new ones, by id: the demand behind the histories so far."""
    open_ = np.flatnonzero(problem.existing)
    load = problem.weight @ _served(problem, rules, open_, covering=model != "median")
    return {problem.candidates[index].id: float(amount) for index, amount in zip(open_, load, strict=True)}


def plan_of(
    problem: SitingProblem, rules: SitingRules, chosen: NDArray[np.bool_], model: Model, method: Method
) -> SitingPlan:
    """Say what a choice means, computed anew from demand and minutes, shape (candidates,).

    Raises
    ------
    SitingImpossibleError
        If the choice breaks a rule.
    """
    broken = rules_broken(problem, rules, chosen)
    if broken:
        raise SitingImpossibleError(f"the choice breaks a rule: {'; '.join(broken)}", broken=list(broken))
    open_ = np.flatnonzero(chosen)
    nearest = problem.minutes[:, open_].min(axis=1, initial=np.inf)
    share = _served(problem, rules, open_, covering=model != "median")
    load = problem.weight @ share
    time = (problem.weight[:, None] * share * np.where(share > 0, problem.minutes[:, open_], 0.0)).sum(axis=0)
    sites = [
        ChosenSite(problem.candidates[index], float(amount), float(spent / amount) if amount > 0 else None)
        for index, amount, spent in zip(open_, load, time, strict=True)
    ]
    covered = float(problem.weight[nearest <= rules.within_min].sum())
    within_road = np.isfinite(nearest) & (problem.weight > 0)
    reached = float(problem.weight[within_road].sum())
    served = share.sum(axis=1)
    unserved = float((problem.weight * np.maximum(0.0, 1.0 - served)).sum())
    return SitingPlan(
        model=model,
        method=method,
        rules=rules,
        sites=tuple(sorted(sites, key=lambda site: (-site.weight, site.candidate.id))),
        covered=float(load.sum()) if model != "median" else covered,
        total=float(problem.weight.sum()),
        mean_min=float(problem.weight[within_road] @ nearest[within_road]) / reached if reached else None,
        objective=float(load.sum()) if model != "median" else float(time.sum()) + unserved * problem.unserved_min(),
        bound=None,
        proven=False,
        uncovered=_uncovered(problem, rules, nearest),
    )


def _uncovered(problem: SitingProblem, rules: SitingRules, nearest: FloatArray) -> tuple[UncoveredDemand, ...]:
    beyond = np.flatnonzero((nearest > rules.within_min) & (problem.weight > 0))
    ranked = sorted(beyond.tolist(), key=lambda i: (-problem.weight[i], problem.demands[i].id))
    return tuple(
        UncoveredDemand(problem.demands[i], float(nearest[i]) if np.isfinite(nearest[i]) else None) for i in ranked
    )


def _served(problem: SitingProblem, rules: SitingRules, open_: NDArray[np.int64], covering: bool) -> FloatArray:
    """Return which share of each demand each open site serves, shape (demands, open sites).

    Everyone goes to the nearest site; where capacities bind, as well as they allow.
    """
    minutes = problem.minutes[:, open_]
    may = minutes <= rules.within_min if covering else np.isfinite(minutes)
    share = np.zeros(minutes.shape)
    if not len(open_):
        return share
    rows = np.flatnonzero(may.any(axis=1))
    share[rows, np.where(may, minutes, np.inf)[rows].argmin(axis=1)] = 1.0
    capacity = problem.capacity[open_]
    if not (problem.weight @ share > capacity).any():
        return share
    return _fitted(problem, may, minutes, capacity)


def _fitted(problem: SitingProblem, may: NDArray[np.bool_], minutes: FloatArray, capacity: FloatArray) -> FloatArray:
    """Serve as much as capacities allow, and that with the fewest minutes: a transport problem."""
    demand, site = np.nonzero(may & (problem.weight > 0)[:, None])
    k = len(demand)
    gain = problem.weight[demand] * (minutes[demand, site] - problem.unserved_min() - 1.0)
    limited = np.isfinite(capacity)
    each = sparse.csr_array((np.ones(k), (demand, np.arange(k))), (len(minutes), k))
    load = sparse.csr_array((problem.weight[demand], (site, np.arange(k))), (len(capacity), k))[np.flatnonzero(limited)]
    right = np.concatenate([np.ones(len(minutes)), capacity[limited]])
    answer = linprog(gain, A_ub=sparse.vstack([each, load]), b_ub=right, bounds=(0.0, 1.0), method="highs")
    share = np.zeros(minutes.shape)
    share[demand, site] = answer.x
    return share
