"""After deployment: forecast against fact, and kiosks that sleep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maps.errors import SitingInputError
from maps.siting.forecast import Forecast, KioskHistory, RateModel
from maps.siting.problem import Candidate, SitingProblem, SitingRules, too_close

SLEEPING_DAYS = 14.0
Standing = Literal["below", "within", "above"]


@dataclass(frozen=True)
class FactRow:
    """One kiosk's drop-offs against its forecast.

    Attributes
    ----------
    expected, low, high
        Drop-offs in the days that were observed; whole numbers at the ends of the interval.
    surprise
        Probability, before the fact, of a result at least as far out on that side.
    """

    site_id: str
    scene: str
    days: float
    expected: float
    low: int
    high: int
    actual: int
    standing: Standing
    surprise: float


@dataclass(frozen=True)
class FactReport:
    """All kiosks against their forecasts.

    Attributes
    ----------
    by_scene
        Expected and actual drop-offs by scene.
    share_within
        Share of the kiosks inside their interval; with a good model about the interval's level.
    unforecast, unobserved
        Kiosks with facts but no forecast, and the other way round.
    """

    rows: tuple[FactRow, ...]
    expected: float
    actual: int
    by_scene: Mapping[str, tuple[float, int]]
    share_within: float
    unforecast: tuple[str, ...]
    unobserved: tuple[str, ...]


def forecast_against_fact(forecasts: Mapping[str, Forecast], facts: Iterable[KioskHistory]) -> FactReport:
    """Compare what kiosks were expected to take in with what they took in.

    Parameters
    ----------
    forecasts
        By site id, as made before the days of the facts.
    facts
        Drop-offs since, with the days each kiosk stood ready; those of no days are unobserved.

    Notes
    -----
    The interval is taken for the days observed, not scaled from the forecast's own.
    """
    known = {fact.site_id: fact for fact in facts if fact.days > 0}
    rows = tuple(_fact_row(forecasts[site], known[site]) for site in sorted(known) if site in forecasts)
    scenes: dict[str, tuple[float, int]] = {}
    for row in rows:
        expected, actual = scenes.get(row.scene, (0.0, 0))
        scenes[row.scene] = expected + row.expected, actual + row.actual
    within = sum(row.standing == "within" for row in rows)
    return FactReport(
        rows=rows,
        expected=sum(row.expected for row in rows),
        actual=sum(row.actual for row in rows),
        by_scene=scenes,
        share_within=within / len(rows) if rows else 0.0,
        unforecast=tuple(sorted(set(known) - set(forecasts))),
        unobserved=tuple(sorted(set(forecasts) - set(known))),
    )


def _fact_row(forecast: Forecast, fact: KioskHistory) -> FactRow:
    low, high = forecast.between(fact.days)
    below = forecast.probability_at_most(fact.drop_offs, fact.days)
    above = 1.0 - (forecast.probability_at_most(fact.drop_offs - 1, fact.days) if fact.drop_offs else 0.0)
    standing: Standing = "below" if fact.drop_offs < low else "above" if fact.drop_offs > high else "within"
    return FactRow(
        fact.site_id, fact.scene, fact.days, forecast.mean * fact.days, low, high, fact.drop_offs, standing,
        min(below, above),
    )  # fmt: skip


@dataclass(frozen=True)
class Move:
    """Where a sleeping kiosk would do more.

    Attributes
    ----------
    gained
        Demand the new site reaches and no other kiosk does.
    lost
        Demand only the sleeping kiosk reaches.
    forecast
        Drop-offs to be expected there.
    """

    candidate: Candidate
    gained: float
    lost: float
    forecast: Forecast


@dataclass(frozen=True)
class Sleeper:
    """A kiosk that takes in next to nothing.

    Attributes
    ----------
    chance
        Probability of so few drop-offs at an ordinary kiosk of its scene. A large one says that the scene,
        or the watch, is slow, not this kiosk.
    move
        None when no candidate reaches more than this kiosk does.
    """

    kiosk: Candidate
    drop_offs: int
    days: float
    chance: float
    move: Move | None


def sleepers(
    problem: SitingProblem,
    rules: SitingRules,
    recent: Iterable[KioskHistory],
    rates: RateModel,
    *,
    at_most: int = 0,
    least_days: float = SLEEPING_DAYS,
) -> tuple[Sleeper, ...]:
    """Point out sleeping kiosks, each with the best place it could be moved to.

    Moves are suggested one after the other, so that no two go to the same demand; those whose sleep is the
    least likely to be chance come first.

    Parameters
    ----------
    problem
        Existing kiosks are candidates with ``existing`` and the site's id.
    rules
        Reach, pattern and spacing that a new place keeps; its budget is not asked.
    recent
        Drop-offs of the last days, by existing kiosk.
    at_most
        A kiosk sleeps with so few drop-offs.
    least_days
        In at least so many days; with fewer it is too early to tell.

    Raises
    ------
    SitingInputError
        If a history belongs to no existing kiosk; names it.
    """
    index = {one.id: number for number, one in enumerate(problem.candidates) if one.existing}
    asleep = []
    for history in recent:
        if history.site_id not in index:
            raise SitingInputError(f"there is no existing kiosk {history.site_id}", id=history.site_id)
        if history.days >= least_days and history.drop_offs <= at_most:
            chance = rates.new_kiosk(history.scene, demand=history.demand).probability_at_most(
                history.drop_offs, history.days
            )
            asleep.append((chance, history.site_id, history))
    found = []
    standing = problem.existing.copy()
    for chance, site_id, history in sorted(asleep, key=lambda item: item[:2]):
        move = _best_move(problem, rules, rates, standing, index[site_id])
        if move is not None:
            standing[index[site_id]] = False
            standing[problem.candidates.index(move.candidate)] = True
        found.append(Sleeper(problem.candidates[index[site_id]], history.drop_offs, history.days, chance, move))
    return tuple(found)


def _best_move(
    problem: SitingProblem, rules: SitingRules, rates: RateModel, standing: NDArray[np.bool_], site: int
) -> Move | None:
    others = standing.copy()
    others[site] = False
    reach = problem.minutes <= rules.within_min
    open_demand = problem.weight * ~reach[:, others].any(axis=1)
    reached = open_demand @ reach
    free = _free(problem, rules, others) & ~standing & ~problem.existing
    gained = np.where(free, np.minimum(reached, problem.capacity), -np.inf)
    best = int(np.argmax(gained))
    if not gained[best] > reached[site]:
        return None
    candidate = problem.candidates[best]
    lost = float(open_demand @ (reach[:, site] & ~reach[:, best]))
    return Move(candidate, float(gained[best]), lost, rates.new_kiosk(candidate.scene, demand=float(gained[best])))


def _free(problem: SitingProblem, rules: SitingRules, others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where a kiosk may come to stand beside others, shape (candidates,)."""
    allowed: Sequence[bool] = [one.scene in rules.pattern.scenes for one in problem.candidates]
    nobody = replace(problem, candidates=tuple(replace(one, existing=False) for one in problem.candidates))
    clash = too_close(nobody, rules)[:, others].any(axis=1)
    return np.asarray(np.array(allowed, dtype=np.bool_) & ~clash, dtype=np.bool_)
