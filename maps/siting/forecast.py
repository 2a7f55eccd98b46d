"""How many drop-offs a kiosk is to be expected to take, and how sure that is.

The model is Poisson-Gamma, fitted to the kiosks that stand already (empirical Bayes):

- Kiosk k of scene s takes ``n_k ~ Poisson(rate_k * c_k * t_k)`` drop-offs in ``t_k`` days. Its catchment
  ``c_k = (w_k / w)^b`` compares the demand ``w_k`` it serves with what kiosks usually serve, w; ``d_k = c_k * t_k``
  are its days as an ordinary kiosk's.
- Rates of one scene differ: ``rate_k ~ Gamma(shape a, mean m_s)``.
- Scene means differ around the county's mean: ``m_s ~ Gamma(shape a, mean m)``.

Estimates, with N and D the sums of drop-offs and of days over all kiosks, N_s, D_s and K_s the same and the
count over scene s::

    m    = (30 r + N) / (30 + D)                         r = 260 / 300 a day
    a    = sum(m_s0^2 d_k^2) / (sum((n_k - m_s0 d_k)^2 K_s / (K_s - 1)) - sum(m_s0 d_k))
           over scenes with two kiosks or more, m_s0 = N_s / D_s; within [0.3, 30]; 1 below three kiosks
    f_s  = a / (a + m D_s / K_s)                         many days of few kiosks say little about others
    A_s  = a + f_s N_s
    m_s  = A_s / (a / m + f_s D_s)
    b    = of 0, 1/4, ..., 1 the one under which the drop-offs are likeliest, with a normal prior around 1/2;
           1/2 below three kiosks

Twice the demand around brings between the same (b = 0) and twice the drop-offs (b = 1): people pass several places in
a day. A kiosk that has no history of its own has a Gamma rate of

    mean     m_s
    shape    a_new = 1 / ((1 + 1/A_s) / a + 1/A_s)

that is the variance of rates in the scene plus the doubt about the scene's mean, matched to one Gamma.
One with history ``n`` in ``d`` such days has the posterior ``Gamma(a_new + n, rate a_new / m_s + d)``. The rate of
the kiosk itself is c times that. Drop-offs in H further days are negative binomial with the Gamma's shape and
``p = rate / (rate + H)``; the interval is between two of its quantiles.

The weight 30 days of the prior rate is ours, and so is the prior of b. Source of ``r``: over 260 drop-offs a day on
about 300 kiosks in Qianjiang (China Post news report, 2023). What is not in the model: season, and days that resemble
their neighbours; the interval is then too narrow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from scipy.stats import nbinom, norm

from maps.errors import SitingInputError
from maps.siting.scenes import check_scene

PRIOR_RATE = 260 / 300
PRIOR_DAYS = 30.0
LEVEL = 0.9
_SHAPE_RANGE = (0.3, 30.0)
_SHAPE_UNKNOWN = 1.0
_LEAST_KIOSKS = 3
_ELASTICITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
_ELASTICITY_USUAL = 0.5
_ELASTICITY_DOUBT = 0.35
_LEAST_CATCHMENT = 0.05  # a kiosk nobody is nearest to still has passers-by


@dataclass(frozen=True)
class KioskHistory:
    """What one kiosk took in.

    Attributes
    ----------
    days
        How many days it stood ready.
    demand
        What it served of the demand around; None when nobody knows, which counts as usual.
    """

    site_id: str
    scene: str
    drop_offs: int
    days: float
    demand: float | None = None


@dataclass(frozen=True)
class Forecast:
    """Drop-offs a day to be expected.

    Attributes
    ----------
    mean, low, high
        A day, averaged over ``days``; between low and high with probability ``level``.
    shape
        Of the Gamma distribution of the kiosk's rate; its mean is ``mean``.
    based_on
        How many kiosks of the scene, or of its own, stand behind it; 0 is the prior alone.
    """

    mean: float
    low: float
    high: float
    days: float
    level: float
    shape: float
    based_on: int

    def probability_at_most(self, drop_offs: int, days: float) -> float:
        """Return how likely so few drop-offs are in so many days."""
        return float(nbinom.cdf(drop_offs, self.shape, self._success(days)))

    def between(self, days: float) -> tuple[int, int]:
        """Return the drop-offs in so many days at both ends of the interval."""
        tail = (1 - self.level) / 2
        ends = nbinom.ppf([tail, 1 - tail], self.shape, self._success(days))
        return int(ends[0]), int(ends[1])

    def times(self, factor: float) -> Forecast:
        """Return the forecast of a kiosk whose rate is so many times this one's."""
        return _forecast(factor * self.mean, self.shape, self.days, self.level, self.based_on)

    def _success(self, days: float) -> float:
        rate = self.shape / self.mean
        return rate / (rate + days)


@dataclass(frozen=True)
class Catchment:
    """How the demand around a kiosk bears on what it takes in.

    Attributes
    ----------
    usual
        Demand a kiosk usually serves; None when nobody knows, then all count as usual.
    elasticity
        0: not at all; 1: twice the demand, twice the drop-offs.
    """

    usual: float | None = None
    elasticity: float = _ELASTICITY_USUAL

    def factor(self, demand: float | None) -> float:
        """Return how many times an ordinary kiosk's drop-offs such demand brings."""
        if demand is None or not self.usual:
            return 1.0
        return float(max(demand / self.usual, _LEAST_CATCHMENT) ** self.elasticity)


@dataclass(frozen=True)
class RateModel:
    """Rates of drop-offs by scene, as fitted; the module says how.

    Attributes
    ----------
    mean
        The county's, a day, of a kiosk with a usual catchment.
    shape
        How alike kiosks of a scene are: 1 is very unlike, 30 nearly equal.
    scene_mean, scene_shape, scene_kiosks
        By scene with history: its mean, the shape of what is known about that mean, how many kiosks.
    catchment
        What demand around does to a rate.
    """

    mean: float
    shape: float
    scene_mean: Mapping[str, float]
    scene_shape: Mapping[str, float]
    scene_kiosks: Mapping[str, int]
    catchment: Catchment = Catchment()

    def new_kiosk(
        self, scene: str, days: float = 30.0, level: float = LEVEL, *, demand: float | None = None
    ) -> Forecast:
        """Forecast a kiosk without history that serves so much demand."""
        mean, shape = self._prior(scene)
        return _forecast(self.catchment.factor(demand) * mean, shape, days, level, self.scene_kiosks.get(scene, 0))

    def known_kiosk(self, history: KioskHistory, days: float = 30.0, level: float = LEVEL) -> Forecast:
        """Forecast a kiosk from its own history and its scene's."""
        mean, shape = self._prior(history.scene)
        times = self.catchment.factor(history.demand)
        after, rate = shape + history.drop_offs, shape / mean + times * history.days
        kiosks = max(1, self.scene_kiosks.get(history.scene, 0))
        return _forecast(times * after / rate, after, days, level, kiosks)

    def _prior(self, scene: str) -> tuple[float, float]:
        check_scene(scene, "forecast")
        known = self.scene_shape.get(scene, self.shape)
        return self.scene_mean.get(scene, self.mean), 1 / ((1 + 1 / known) / self.shape + 1 / known)


def fit_rates(histories: Iterable[KioskHistory], usual_demand: float | None = None) -> RateModel:
    """Fit the rates of scenes to what kiosks took in; without any history the prior remains.

    Parameters
    ----------
    usual_demand
        Demand a kiosk usually serves, where no history says it.

    Raises
    ------
    SitingInputError
        If a history has an unknown scene, or negative drop-offs or days; names the kiosk.
    """
    known = [history for history in map(_checked, histories) if history.days > 0]
    demands = [history.demand for history in known if history.demand is not None]
    usual = float(np.mean(demands)) if demands else usual_demand
    tried = _ELASTICITIES if len(demands) >= _LEAST_KIOSKS and usual else (_ELASTICITY_USUAL,)
    models = [_fit(known, Catchment(usual, elasticity)) for elasticity in tried]
    return max(models, key=lambda model: _likelihood(model, known)) if len(models) > 1 else models[0]


def _checked(history: KioskHistory) -> KioskHistory:
    check_scene(history.scene, f"kiosk {history.site_id}")
    if history.drop_offs < 0 or not history.days >= 0:
        raise SitingInputError(f"kiosk {history.site_id}: drop-offs or days are negative", id=history.site_id)
    return history


def _fit(histories: Sequence[KioskHistory], catchment: Catchment) -> RateModel:
    by_scene: dict[str, list[KioskHistory]] = defaultdict(list)
    for history in histories:
        ordinary = replace(history, days=catchment.factor(history.demand) * history.days)
        by_scene[history.scene].append(ordinary)
    all_ = [history for group in by_scene.values() for history in group]
    taken, days = _sums(all_)
    mean = (PRIOR_DAYS * PRIOR_RATE + taken) / (PRIOR_DAYS + days)
    shape = _shape(by_scene.values()) if len(all_) >= _LEAST_KIOSKS else _SHAPE_UNKNOWN
    means, shapes = {}, {}
    for scene, group in by_scene.items():
        n, d = _sums(group)
        told = shape / (shape + mean * d / len(group))
        shapes[scene] = shape + told * n
        means[scene] = shapes[scene] / (shape / mean + told * d)
    counts = {scene: len(group) for scene, group in by_scene.items()}
    return RateModel(
        mean, shape, MappingProxyType(means), MappingProxyType(shapes), MappingProxyType(counts), catchment
    )


def _likelihood(model: RateModel, histories: Sequence[KioskHistory]) -> float:
    """Return the logarithm of how likely the histories and the model's elasticity are together."""
    days = np.array([model.catchment.factor(one.demand) * one.days for one in histories])
    means = np.array([model.scene_mean[one.scene] for one in histories])
    rates = model.shape / means
    told = nbinom.logpmf([one.drop_offs for one in histories], model.shape, rates / (rates + days)).sum()
    return float(told + norm.logpdf(model.catchment.elasticity, _ELASTICITY_USUAL, _ELASTICITY_DOUBT))


def _sums(histories: Sequence[KioskHistory]) -> tuple[float, float]:
    return float(sum(one.drop_offs for one in histories)), float(sum(one.days for one in histories))


def _shape(groups: Iterable[Sequence[KioskHistory]]) -> float:
    """Estimate by moments how alike kiosks of one scene are."""
    spread = expected = squares = 0.0
    for group in groups:
        if len(group) < 2:
            continue
        taken, days = _sums(group)
        n, d = np.array([one.drop_offs for one in group]), np.array([one.days for one in group])
        fitted = taken * (d / days)  # shares of the time first: a rate per day overflows when all days are near zero
        spread += float(((n - fitted) ** 2).sum()) * len(group) / (len(group) - 1)
        expected += taken
        squares += float((fitted**2).sum())
    low, high = _SHAPE_RANGE
    beyond_poisson = spread - expected
    if not squares:
        return _SHAPE_UNKNOWN
    return float(np.clip(squares / beyond_poisson, low, high)) if beyond_poisson > 0 else high


def _forecast(mean: float, shape: float, days: float, level: float, based_on: int) -> Forecast:
    low, high = Forecast(mean, 0.0, 0.0, days, level, shape, based_on).between(days)
    return Forecast(mean, low / days, high / days, days, level, shape, based_on)
