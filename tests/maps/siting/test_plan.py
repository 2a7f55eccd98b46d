"""Choices of sites are as good as trying all, and keep every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maps.errors import CoverageImpossibleError, SitingImpossibleError, SitingInputError, SitingMethodError
from maps.siting.plan import plan_of, site_kiosks
from maps.siting.problem import Candidate, DemandPoint, SitingProblem, SitingRules, rules_broken
from maps.siting.scenes import PATTERNS, SCENES, Pattern

Choices = Callable[[SitingProblem, SitingRules], Iterator[np.ndarray]]
ALL = frozenset(SCENES)


def chosen_of(problem: SitingProblem, plan: object) -> np.ndarray:
    """Return a plan's choice as a mask."""
    ids = {site.candidate.id for site in plan.sites}
    return np.array([one.id in ids for one in problem.candidates])


RULES = [
    SitingRules(2, 8.0),
    SitingRules(3, 6.0, Pattern("spaced", "", ALL, min_spacing_m=5_000)),
    SitingRules(2, 8.0, PATTERNS["spread"]),
    SitingRules(3, 8.0, spend_fen=2_500),
    SitingRules(3, 9.0, Pattern("pairs", "", ALL, cluster_size=2, cluster_m=9_000)),
]


@pytest.mark.parametrize("rules", RULES, ids=["plain", "spacing", "scene", "spending", "cluster"])
@pytest.mark.parametrize("model", ["covering", "median"])
@pytest.mark.parametrize("seed", range(4))
def test_the_exact_choice_is_the_best_of_all(
    make_problem: Callable[..., SitingProblem], every_choice: Choices, rules: SitingRules, model: str, seed: int
) -> None:
    """Under every kind of rule the exact method finds what trying all choices finds, and says it is optimal."""
    problem = make_problem(seed, existing=seed % 2)
    plan = site_kiosks(problem, rules, model)
    values = [plan_of(problem, rules, mask, model, "exact").objective for mask in every_choice(problem, rules)]
    best = max(values) if model == "covering" else min(values)
    assert plan.objective == pytest.approx(best, rel=1e-5)
    assert plan.proven
    assert plan.bound == pytest.approx(best, rel=1e-4, abs=1e-6)
    assert not rules_broken(problem, rules, chosen_of(problem, plan))


@pytest.mark.parametrize("model", ["covering", "median"])
@pytest.mark.parametrize("seed", range(4))
def test_capacities_are_kept_at_the_least_loss(
    make_problem: Callable[..., SitingProblem], every_choice: Choices, model: str, seed: int
) -> None:
    """With small kiosks nobody serves more than it can, and no choice would serve better."""
    problem, rules = make_problem(seed, demands=10, candidates=6, capacity=40.0), SitingRules(2, 10.0)
    plan = site_kiosks(problem, rules, model)
    assert all(site.weight <= 40.0 + 1e-6 for site in plan.sites)
    values = [plan_of(problem, rules, mask, model, "exact").objective for mask in every_choice(problem, rules)]
    assert plan.objective == pytest.approx(max(values) if model == "covering" else min(values), rel=1e-5)


@pytest.mark.parametrize("model", ["covering", "median"])
@pytest.mark.parametrize("seed", range(12))
def test_exchange_finds_the_proven_optimum_of_small_problems(
    make_problem: Callable[..., SitingProblem], model: str, seed: int
) -> None:
    """The method for interactive use comes to the same value as the exact one on small problems."""
    problem, rules = make_problem(seed, demands=25, candidates=12, existing=seed % 3), SitingRules(3, 7.0)
    quick, exact = site_kiosks(problem, rules, model, "swap"), site_kiosks(problem, rules, model)
    assert quick.objective == pytest.approx(exact.objective, rel=1e-5)
    assert quick.bound is None
    assert not quick.proven


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), budget=st.integers(0, 5), spacing=st.sampled_from([0, 2_000, 6_000]),
    model=st.sampled_from(["covering", "median"]), existing=st.integers(0, 3),
)  # fmt: skip
def test_every_choice_keeps_the_rules_and_existing_kiosks(
    seed: int, budget: int, spacing: float, model: str, existing: int
) -> None:
    """Whatever is asked, existing kiosks stay, the budget and the spacing hold, and exchange never beats the bound."""
    problem = make_random(seed, existing)
    rules = SitingRules(budget, 7.0).spaced(spacing)
    exact = site_kiosks(problem, rules, model)
    quick = site_kiosks(problem, rules, model, "swap", seed=seed)
    sign = 1 if model == "covering" else -1
    for plan in (exact, quick):
        assert not rules_broken(problem, rules, chosen_of(problem, plan))
        assert len(plan.new) <= budget
    assert sign * quick.objective <= sign * exact.objective + 1e-4 * (1 + abs(exact.objective))
    assert exact.covered + sum(item.demand.weight for item in exact.uncovered) == pytest.approx(exact.total)


def make_random(seed: int, existing: int) -> SitingProblem:
    """Build a small problem outside of fixtures, for hypothesis."""
    rng = np.random.default_rng(seed)
    sites = rng.uniform(0, 0.2, (8, 2))
    return SitingProblem(
        tuple(DemandPoint(f"d{i}", f"村{i}", 110.0, 30.0, float(rng.integers(1, 20))) for i in range(15)),
        tuple(
            Candidate(f"c{j}", f"点{j}", "school", "", 110 + x, 30 + y, existing=j < existing)
            for j, (x, y) in enumerate(sites.tolist())
        ),
        rng.uniform(1, 30, (15, 8)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_short_lists_grow_until_the_median_is_exact(make_problem: Callable[..., SitingProblem], seed: int) -> None:
    """With far more candidates than a list holds, the median model still gives the optimum over all of them."""
    problem, rules = make_problem(seed, demands=30, candidates=90), SitingRules(2)
    plan = site_kiosks(problem, rules, "median")
    cost = problem.weight[:, None] * np.minimum(problem.minutes, problem.unserved_min())
    best = min(np.minimum(cost[:, [i]], cost).sum(axis=0).min() for i in range(90))
    assert plan.objective == pytest.approx(best, rel=1e-5)
    assert plan.proven


@pytest.mark.parametrize("seed", range(6))
def test_the_fewest_kiosks_that_reach_everybody(
    make_problem: Callable[..., SitingProblem], every_choice: Choices, seed: int
) -> None:
    """No smaller choice covers all demand."""
    problem = make_problem(seed, demands=10)
    rules = SitingRules(0, float(problem.minutes.min(axis=1).max()) + 0.1)
    plan = site_kiosks(problem, rules, "fewest")
    everybody = replace(rules, budget=7)
    sizes = [
        int(mask.sum())
        for mask in every_choice(problem, everybody)
        if not plan_of(problem, everybody, mask, "covering", "exact").uncovered
    ]
    assert len(plan.new) == min(sizes)
    assert plan.covered == pytest.approx(plan.total)


def test_places_beyond_every_candidate_are_named(make_problem: Callable[..., SitingProblem]) -> None:
    """When somebody lies too far from every candidate, the error names them and the minutes they need."""
    problem = make_problem(3)
    with pytest.raises(CoverageImpossibleError, match=r"村\d+ \(.* min\)") as caught:
        site_kiosks(problem, SitingRules(5, 0.5), "fewest")
    assert caught.value.params["places"]


def test_what_no_choice_can_keep_is_an_error(make_problem: Callable[..., SitingProblem]) -> None:
    """Spacing that forbids covering, and a pattern without candidates, are named, not silently given up."""
    problem = make_problem(1, demands=6)
    reach = float(problem.minutes.min(axis=1).max()) + 0.1
    with pytest.raises(SitingImpossibleError, match="spacing"):
        site_kiosks(problem, SitingRules(7, reach).spaced(60_000.0), "fewest")
    with pytest.raises(SitingImpossibleError, match="pattern"):
        site_kiosks(problem, SitingRules(2, 5.0, Pattern("hotels", "", frozenset({"hotel"}))))


def test_a_cluster_too_large_for_the_budget_puts_up_nothing(make_problem: Callable[..., SitingProblem]) -> None:
    """Five shops of a kind do not fit a budget of three: nothing is built rather than half a cluster."""
    plan = site_kiosks(make_problem(1), SitingRules(3, 8.0, PATTERNS["cluster"]))
    assert not plan.new
    assert plan.covered == 0


def test_exchange_refuses_rules_it_does_not_know(make_problem: Callable[..., SitingProblem]) -> None:
    """Clusters, spending and capacities are for the exact method; exchange says so."""
    problem = make_problem(1)
    for rules, made in (
        (SitingRules(2, 8.0, PATTERNS["cluster"]), problem),
        (SitingRules(2, 8.0, spend_fen=1), problem),
        (SitingRules(2, 8.0), make_problem(1, capacity=3.0)),
    ):
        with pytest.raises(SitingMethodError):
            site_kiosks(made, rules, "covering", "swap")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: replace(p, minutes=p.minutes[:-1]), "shape"),
        (lambda p: replace(p, minutes=-p.minutes), "negative"),
        (lambda p: replace(p, demands=(replace(p.demands[0], weight=float("nan")), *p.demands[1:])), "d0"),
        (lambda p: replace(p, candidates=(replace(p.candidates[0], scene="bank"), *p.candidates[1:])), "bank"),
        (lambda p: replace(p, candidates=(replace(p.candidates[0], id="c1"), *p.candidates[1:])), "one id"),
        (lambda p: replace(p, candidates=(replace(p.candidates[0], cost_fen=-1), *p.candidates[1:])), "c0"),
        (lambda _: SitingRules(-1), "budget"),
        (lambda _: SitingRules(1, 0.0), "minutes"),
        (lambda p: site_kiosks(p, SitingRules(1), "centre"), "centre"),
    ],
)
def test_wrong_input_is_named(
    make_problem: Callable[..., SitingProblem], change: Callable[[SitingProblem], object], words: str
) -> None:
    """What cannot be used is refused with its name."""
    with pytest.raises(SitingInputError, match=words):
        change(make_problem(2))


def test_the_scenes_are_those_of_the_registry() -> None:
    """Siting and the registry of sites speak of the same ten scenes by the same names."""
    from lockers.registry.scenes import Scene

    assert {scene.value: scene.zh for scene in Scene} == dict(SCENES)
