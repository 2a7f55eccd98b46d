"""Expected drop-offs and their uncertainty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maps.errors import SitingInputError
from maps.siting.after import forecast_against_fact
from maps.siting.forecast import PRIOR_RATE, KioskHistory, fit_rates

SCENES = ("pharmacy", "school", "hotel", "convenience_store")


def simulated(rng: np.random.Generator, kiosks: int, shape: float, days: int) -> tuple[list[KioskHistory], np.ndarray]:
    """Draw kiosks from the model itself; also give their true rates."""
    means = dict(zip(SCENES, (2.0, 0.5, 1.0, 1.5), strict=True))
    scenes = [SCENES[index % 4] for index in range(kiosks)]
    rates = np.array([rng.gamma(shape, means[scene] / shape) for scene in scenes])
    taken = rng.poisson(rates * days)
    return [KioskHistory(f"k{i}", scenes[i], int(taken[i]), days) for i in range(kiosks)], rates


def test_without_history_the_figures_of_qianjiang_stand() -> None:
    """With nothing to learn from, a kiosk is expected to take 260/300 a day, very unsurely."""
    forecast = fit_rates([]).new_kiosk("pharmacy")
    assert forecast.mean == pytest.approx(PRIOR_RATE)
    assert forecast.low < 0.1
    assert forecast.high > 2.5
    assert forecast.based_on == 0


def test_the_formula_of_one_scene_is_the_one_written_down() -> None:
    """Two pharmacies with 60 and 20 drop-offs in 20 days give the numbers computed by hand."""
    model = fit_rates([KioskHistory("a", "pharmacy", 60, 20), KioskHistory("b", "pharmacy", 20, 20)])
    mean = (30 * 260 / 300 + 80) / (30 + 40)
    told = 1 / (1 + mean * 20)
    known = 1 + told * 80
    forecast = model.new_kiosk("pharmacy")
    assert model.mean == pytest.approx(mean)
    assert forecast.mean == pytest.approx(known / (1 / mean + told * 40))
    assert forecast.shape == pytest.approx(1 / ((1 + 1 / known) / 1 + 1 / known))
    own = model.known_kiosk(KioskHistory("a", "pharmacy", 60, 20))
    assert own.mean == pytest.approx((forecast.shape + 60) / (forecast.shape / forecast.mean + 20))


def test_nine_of_ten_new_kiosks_fall_into_the_interval() -> None:
    """Kiosks drawn from the model fall into the 90 % interval about as often as it promises."""
    rng = np.random.default_rng(5)
    inside = []
    for shape in (0.7, 2.0, 8.0):
        for _ in range(25):
            histories, _ = simulated(rng, 40, shape, 60)
            model = fit_rates(histories)
            later, _ = simulated(rng, 12, shape, 30)
            for fact in later:
                low, high = model.new_kiosk(fact.scene, 30).between(30)
                inside.append(low <= fact.drop_offs <= high)
    assert 0.86 <= np.mean(inside) <= 0.96


def test_own_history_makes_a_forecast_surer_and_truer() -> None:
    """A kiosk's own drop-offs bring its forecast nearer to its true rate than its scene's mean does."""
    histories, rates = simulated(np.random.default_rng(7), 80, 1.0, 60)
    model = fit_rates(histories)
    own = [model.known_kiosk(one) for one in histories]
    scene = [model.new_kiosk(one.scene) for one in histories]
    assert np.abs([f.mean for f in own] - rates).mean() < 0.3 * np.abs([f.mean for f in scene] - rates).mean()
    assert np.mean([f.high - f.low for f in own]) < np.mean([f.high - f.low for f in scene])


def drawn_with_catchments(
    rng: np.random.Generator, kiosks: int, elasticity: float
) -> tuple[list[KioskHistory], np.ndarray]:
    """Draw kiosks whose drop-offs follow the demand around them; also give their true rates."""
    demands = rng.uniform(10, 200, kiosks)
    rates = rng.gamma(8.0, 2.0 / 8.0, kiosks) * (demands / demands.mean()) ** elasticity
    taken = rng.poisson(rates * 60)
    facts = zip(taken.tolist(), demands.tolist(), strict=True)
    return [KioskHistory(f"k{i}", "pharmacy", n, 60, demand) for i, (n, demand) in enumerate(facts)], rates


@pytest.mark.parametrize("elasticity", [0.0, 1.0])
def test_what_demand_does_is_learnt_from_the_kiosks(elasticity: float) -> None:
    """Where drop-offs follow the demand around, forecasts follow it too; where they do not, neither do forecasts."""
    rng = np.random.default_rng(3)
    model = fit_rates(drawn_with_catchments(rng, 60, elasticity)[0])
    assert abs(model.catchment.elasticity - elasticity) <= 0.25
    usual = model.catchment.usual
    assert usual is not None
    ratio = model.new_kiosk("pharmacy", demand=2 * usual).mean / model.new_kiosk("pharmacy", demand=usual).mean
    assert ratio == pytest.approx(2**model.catchment.elasticity)


def test_knowing_the_demand_makes_forecasts_of_new_kiosks_truer() -> None:
    """Forecasts that know the demand around new kiosks are nearer to the truth, and nine of ten intervals hold."""
    rng = np.random.default_rng(8)
    aware = fit_rates(drawn_with_catchments(rng, 60, 0.75)[0])
    later, rates = drawn_with_catchments(rng, 200, 0.75)
    told = [aware.new_kiosk("pharmacy", 60, demand=one.demand) for one in later]
    blind = aware.new_kiosk("pharmacy", 60)
    assert np.abs([one.mean for one in told] - rates).mean() < 0.8 * np.abs(blind.mean - rates).mean()
    inside = [one.between(60)[0] <= fact.drop_offs <= one.between(60)[1] for one, fact in zip(told, later, strict=True)]
    assert 0.85 <= np.mean(inside) <= 0.97


def test_a_kiosk_nobody_is_nearest_to_still_has_a_forecast() -> None:
    """A place with no demand of its own gets a small, positive forecast."""
    model = fit_rates([], usual_demand=40.0)
    assert 0 < model.new_kiosk("pharmacy", demand=0.0).mean < PRIOR_RATE / 2


@settings(max_examples=50, deadline=None)
@given(
    taken=st.lists(st.tuples(st.sampled_from(SCENES), st.integers(0, 500), st.floats(0, 400)), max_size=12),
    scene=st.sampled_from([*SCENES, "office"]), days=st.integers(1, 90),
)  # fmt: skip
def test_forecasts_are_always_sensible(taken: list[tuple[str, int, float]], scene: str, days: int) -> None:
    """Whatever history there is, the mean is positive and lies within an interval in the right order."""
    model = fit_rates(KioskHistory(f"k{i}", *item) for i, item in enumerate(taken))
    forecast = model.new_kiosk(scene, days)
    assert np.isfinite(forecast.mean)
    assert forecast.mean > 0
    assert 0 <= forecast.low <= forecast.high
    assert 0.3 <= model.shape <= 30


def test_wrong_histories_are_named() -> None:
    """A kiosk with negative drop-offs or an unknown scene is named."""
    with pytest.raises(SitingInputError, match="k1"):
        fit_rates([KioskHistory("k1", "pharmacy", -1, 10)])
    with pytest.raises(SitingInputError, match="bank"):
        fit_rates([KioskHistory("k1", "bank", 1, 10)])


def test_forecast_against_fact_counts_every_kiosk_once() -> None:
    """Each kiosk stands below, within or above its interval; those without forecast or facts are listed."""
    model = fit_rates(simulated(np.random.default_rng(1), 60, 3.0, 60)[0])
    forecasts = {name: model.new_kiosk("pharmacy") for name in ("low", "good", "high", "silent")}
    expected = forecasts["good"].mean * 40
    facts = [
        KioskHistory("low", "pharmacy", 0, 40), KioskHistory("good", "pharmacy", round(expected), 40),
        KioskHistory("high", "pharmacy", round(20 * expected), 40), KioskHistory("new", "pharmacy", 3, 40),
        KioskHistory("silent", "pharmacy", 0, 0),
    ]  # fmt: skip
    report = forecast_against_fact(forecasts, facts)
    assert {row.site_id: row.standing for row in report.rows} == {"low": "below", "good": "within", "high": "above"}
    assert (report.unforecast, report.unobserved) == (("new",), ("silent",))
    assert report.share_within == pytest.approx(1 / 3)
    assert report.by_scene["pharmacy"] == (pytest.approx(3 * expected), report.actual)
    assert all(row.surprise < 0.05 for row in report.rows if row.standing != "within")
