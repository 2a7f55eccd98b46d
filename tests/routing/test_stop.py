"""Stopping rules say how much of a budget is used."""

from __future__ import annotations

import pytest

from routing.errors import InvalidStopRuleError
from routing.stop import AllOf, FirstOf, MaxCpuTime, MaxIterations, MaxRuntime, NoImprovement, SearchState

HALFWAY = SearchState(elapsed_s=5.0, cpu_s=2.0, iterations=300, since_best=100)


def test_fractions_of_single_rules() -> None:
    """Each rule looks at its own measure."""
    assert MaxRuntime(10).fraction(HALFWAY) == 0.5
    assert MaxCpuTime(10).fraction(HALFWAY) == 0.2
    assert MaxIterations(400).fraction(HALFWAY) == 0.75
    assert NoImprovement(200).fraction(HALFWAY) == 0.5
    assert MaxIterations(400).iterations_left(HALFWAY) == 100
    assert MaxRuntime(10).seconds_left(HALFWAY) == 5.0


def test_rules_combine() -> None:
    """The first of several rules is the largest fraction, all of them the smallest."""
    rules = (MaxRuntime(10), MaxIterations(400))
    assert FirstOf(*rules).fraction(HALFWAY) == 0.75
    assert AllOf(*rules).fraction(HALFWAY) == 0.5
    assert FirstOf(*rules).timed
    assert not FirstOf(MaxIterations(1)).timed
    assert FirstOf(*rules).iterations_left(HALFWAY) == 100
    assert AllOf(*rules).seconds_left(HALFWAY) == float("inf")


@pytest.mark.parametrize("make", [lambda: MaxRuntime(0), lambda: MaxIterations(-1), lambda: FirstOf(), lambda: AllOf()])
def test_senseless_rules_are_refused(make) -> None:
    """A rule without a budget is a mistake, said at once."""
    with pytest.raises(InvalidStopRuleError):
        make()
