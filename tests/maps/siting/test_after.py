"""Sleeping kiosks and where they would do more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maps.errors import SitingInputError
from maps.siting.after import sleepers
from maps.siting.forecast import KioskHistory, fit_rates
from maps.siting.problem import Candidate, DemandPoint, SitingProblem, SitingRules

BUSY = [KioskHistory(f"busy{i}", "pharmacy", 60, 30) for i in range(6)]


@pytest.fixture
def three_villages() -> SitingProblem:
    """Give three villages 20 minutes apart; kiosks stand in the two smaller ones, the large one has none."""
    names = ("小村", "中村", "大村")
    demands = tuple(
        DemandPoint(name, name, 110 + index / 10, 30, weight)
        for index, (name, weight) in enumerate(zip(names, (2, 5, 9), strict=True))
    )
    candidates = tuple(
        Candidate(f"k{index}", name, "pharmacy", name, 110 + index / 10, 30, existing=index < 2)
        for index, name in enumerate(names)
    )
    minutes = np.abs(np.subtract.outer(np.arange(3), np.arange(3))) * 20.0
    return SitingProblem(demands, candidates, minutes)


def test_a_sleeping_kiosk_is_moved_to_the_largest_village_without_one(three_villages: SitingProblem) -> None:
    """The kiosk that took nothing is shown with the village it should go to, and what that gains and loses."""
    rates = fit_rates(BUSY)
    found = sleepers(
        three_villages, SitingRules(0, 10.0),
        [KioskHistory("k0", "pharmacy", 0, 30), KioskHistory("k1", "pharmacy", 40, 30)], rates,
    )  # fmt: skip
    (one,) = found
    assert one.kiosk.id == "k0"
    assert one.move is not None
    assert (one.move.candidate.id, one.move.gained, one.move.lost) == ("k2", 9.0, 2.0)
    assert one.chance < 0.05


def test_two_sleepers_do_not_move_to_one_village(three_villages: SitingProblem) -> None:
    """Of two sleeping kiosks only the first gets the free village; the other stays where it reaches most."""
    recent = [KioskHistory("k0", "pharmacy", 0, 30), KioskHistory("k1", "pharmacy", 0, 30)]
    found = sleepers(three_villages, SitingRules(0, 10.0), recent, fit_rates(BUSY))
    assert [one.move is None for one in found] == [False, True]


def test_it_is_too_early_to_tell_in_the_first_days(three_villages: SitingProblem) -> None:
    """A kiosk of nine days is not called sleeping, nor one with a drop-off."""
    recent = [KioskHistory("k0", "pharmacy", 0, 9), KioskHistory("k1", "pharmacy", 1, 30)]
    assert sleepers(three_villages, SitingRules(0, 10.0), recent, fit_rates(BUSY)) == ()


def test_a_kiosk_nobody_knows_is_named(three_villages: SitingProblem) -> None:
    """A history of a kiosk that is not in the problem is refused by its id."""
    with pytest.raises(SitingInputError, match="k9"):
        sleepers(three_villages, SitingRules(0), [KioskHistory("k9", "pharmacy", 0, 30)], fit_rates([]))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), standing=st.integers(1, 5))
def test_every_suggested_move_covers_more_than_before(seed: int, standing: int) -> None:
    """Carried out one after the other, each suggested move raises the covered demand by what it says."""
    rng = np.random.default_rng(seed)
    problem = SitingProblem(
        tuple(DemandPoint(f"d{i}", f"村{i}", 110, 30, float(rng.integers(1, 9))) for i in range(12)),
        tuple(
            Candidate(f"k{j}", f"点{j}", "school", "", 110 + j / 50, 30, existing=j < standing) for j in range(9)
        ),
        rng.uniform(1, 40, (12, 9)),
    )  # fmt: skip
    rules = SitingRules(0, 12.0)
    recent = [KioskHistory(f"k{j}", "school", 0, 20 + j) for j in range(standing)]
    open_ = {one.id for one in problem.candidates if one.existing}

    def covered() -> float:
        mask = np.array([one.id in open_ for one in problem.candidates])
        return float(problem.weight[(problem.minutes[:, mask] <= 12.0).any(axis=1)].sum())

    for sleeper in sleepers(problem, rules, recent, fit_rates([])):
        if sleeper.move is None:
            continue
        before = covered()
        open_ -= {sleeper.kiosk.id}
        open_ |= {sleeper.move.candidate.id}
        assert covered() - before > 0
