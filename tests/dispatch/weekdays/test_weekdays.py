"""Villages get promised weekdays: kept or listed, cheaper than every day, stable against what people know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.weekdays.checker import check_week
from dispatch.weekdays.errors import WeekdayModelError, WeekdayPatternImpossibleError
from dispatch.weekdays.patterns import allowed_patterns, gaps, pattern_text, piled_up
from dispatch.weekdays.problem import WeekProblem
from dispatch.weekdays.search import WeekEffort, plan_every_day, plan_week
from dispatch.weekdays.survey import RhythmRule

SMALL = WeekEffort(rounds=2, moves=300, iterations=400)


def test_two_visits_a_week_are_never_more_than_four_days_apart() -> None:
    """Two visits with at most four days between leave Monday–Thursday, Tuesday–Friday and Wednesday–Saturday."""
    found = allowed_patterns("v", 2, 4, range(6))
    assert {pattern_text(one) for one in found} == {"Mon Thu", "Mon Fri", "Tue Fri", "Tue Sat", "Wed Sat"}


def test_a_promise_that_no_weekdays_keep_is_refused_by_name() -> None:
    """Two visits at most two days apart cannot be kept; the village is named and a remedy given."""
    with pytest.raises(WeekdayPatternImpossibleError, match="village far") as refused:
        allowed_patterns("far", 2, 2, range(6))
    assert refused.value.params["village"] == "far"
    assert refused.value.remedy


@given(st.sets(st.integers(0, 6), min_size=1), st.lists(st.integers(0, 9), min_size=7, max_size=7))
@settings(max_examples=50)
def test_every_parcel_of_the_week_waits_for_exactly_one_visit(days: set[int], arrivals: list[int]) -> None:
    """Whatever the pattern, what piles up on its days is exactly what arrives in a week."""
    pattern = tuple(sorted(days))
    assert sum(piled_up(arrivals, pattern).values()) == sum(arrivals)
    assert sum(gaps(pattern)) == 7


def test_a_village_with_more_than_any_vehicle_holds_is_refused(make_week: Callable[..., WeekProblem]) -> None:
    """When half a week's parcels of a village exceed every vehicle, its weekdays are refused by name."""
    problem = make_week(parcels=30, capacity=60)
    with pytest.raises(WeekdayPatternImpossibleError, match="more piles up than any vehicle holds"):
        plan_week(problem, SMALL)


def test_weekdays_are_kept_cheaper_and_even(make_week: Callable[..., WeekProblem]) -> None:
    """Every promise holds on real routes, the week costs less than serving everybody daily, days are alike."""
    problem = make_week()
    week, every = plan_week(problem, SMALL), plan_every_day(problem, SMALL)
    assert check_week(problem, week) == ()
    assert check_week(problem, every) == ()
    assert week.unreached == ()
    assert week.cost < 0.92 * every.cost
    assert week.day_spread < 1.6


def test_equal_seeds_give_equal_weeks(make_week: Callable[..., WeekProblem]) -> None:
    """The same week planned twice with one seed has the same weekdays and the same cost."""
    problem = make_week()
    assert plan_week(problem, SMALL, 7) == plan_week(problem, SMALL, 7)


def test_known_weekdays_stay_when_changing_costs_more_than_it_saves(make_week: Callable[..., WeekProblem]) -> None:
    """With a high price of change no village gets other days than its people know."""
    first = plan_week(make_week(), SMALL)
    problem = make_week(change_fen=1_000_000)
    known = tuple(
        replace(village, previous=pattern) for village, pattern in zip(problem.villages, first.patterns, strict=True)
    )
    problem = replace(problem, villages=known)
    again = plan_week(problem, SMALL, seed=9)
    assert again.changed == ()
    assert again.patterns == first.patterns


def test_a_village_without_road_is_listed_not_lost(make_week: Callable[..., WeekProblem]) -> None:
    """A village that no road reaches has no weekdays, is listed with the reason, and has no price."""
    problem = make_week(cut_off_village=True)
    week = plan_week(problem, SMALL)
    assert [(one.village, one.reason, one.weekly_price) for one in week.unreached] == [
        ("v11", "UNREACHABLE_BY_ROAD", None)
    ]
    assert check_week(problem, week) == ()


def test_a_village_farther_than_a_shift_is_listed_with_the_price_of_reaching_it(
    make_week: Callable[..., WeekProblem],
) -> None:
    """With a shift of half an hour the far villages are listed with what a vehicle with overtime would cost."""
    problem = make_week(shift_s=1_500)
    week = plan_week(problem, SMALL)
    too_far = [one for one in week.unreached if one.reason == "LONGER_THAN_SHIFT"]
    assert too_far
    assert all(one.weekly_price is None or one.weekly_price >= 0 for one in too_far)
    assert check_week(problem, week) == ()


def test_with_too_few_vehicles_the_days_nobody_comes_are_listed_and_priced(
    make_week: Callable[..., WeekProblem],
) -> None:
    """One van in a short shift cannot serve all: the villages left out are listed with day and price."""
    problem = make_week(vans=1, shift_s=2 * 3600)
    week = plan_week(problem, SMALL)
    left = [one for one in week.unreached if one.reason == "NO_VEHICLE_LEFT"]
    assert left
    assert all(one.days and one.weekly_price for one in left)
    assert check_week(problem, week) == ()


def test_the_checker_finds_a_broken_promise(make_week: Callable[..., WeekProblem]) -> None:
    """A week whose routes pass over a village on its day is refused by the checker."""
    problem = make_week()
    week = plan_week(problem, SMALL)
    day, routes = next((day, routes) for day, routes in week.days.items() if routes)
    shorter = replace(routes[0], villages=routes[0].villages[1:])
    broken = replace(week, days=dict(week.days) | {day: (shorter, *routes[1:])})
    assert check_week(problem, broken)


def test_a_village_given_twice_is_refused(make_week: Callable[..., WeekProblem]) -> None:
    """A list of villages that holds one twice cannot be planned."""
    problem = make_week()
    with pytest.raises(WeekdayModelError, match="twice"):
        replace(problem, villages=(*problem.villages, problem.villages[0]))


@pytest.mark.parametrize(("parcels", "visits"), [(0.5, 2), (3.0, 3), (6.0, 6)])
def test_the_rhythm_promised_follows_the_volume(parcels: float, visits: int) -> None:
    """Few parcels mean two visits a week, more mean three, and a big village is served every day."""
    assert RhythmRule().promise(parcels, 6)[0] == visits


@given(
    parcels=st.floats(0.2, 12.0),
    vans=st.integers(1, 4),
    capacity=st.integers(30, 200),
    shift_s=st.integers(2_000, 30_000),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_week_every_promise_is_kept_or_listed(
    make_week: Callable[..., WeekProblem], parcels: float, vans: int, capacity: int, shift_s: int, seed: int
) -> None:
    """Random volumes, fleets and shifts give a week the checker accepts, or a refusal that names a village."""
    problem = make_week(parcels=parcels, vans=vans, capacity=capacity, shift_s=shift_s)
    effort = WeekEffort(rounds=1, moves=60, iterations=100)
    if not problem.fits_one_vehicle(4 * parcels):
        with pytest.raises(WeekdayPatternImpossibleError, match="village v"):
            plan_week(problem, effort, seed)
        return
    assert check_week(problem, plan_week(problem, effort, seed)) == ()
