"""How steady a day is: couriers, order and hours against habit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.habit.learning import DrivenDay, learn_hours, learn_sections
from dispatch.habit.stability import DrivenRoute, DrivenStop, longest_order, measure


def _route(vehicle: str, *stops: tuple[str, int]) -> DrivenRoute:
    driven = tuple(DrivenStop(f"{vehicle}-{at}", place, arrival_s) for at, (place, arrival_s) in enumerate(stops))
    return DrivenRoute(vehicle, f"c-{vehicle[-1]}", driven)


def test_a_usual_day_is_wholly_steady(two_valleys) -> None:
    """Every stop with its courier, in order and on time."""
    habit = two_valleys.habit(a1=30_000, a2=31_000)
    steady = measure([_route("van-1", ("a1", 30_100), ("a2", 31_200))], habit).day
    assert (steady.habitual_share, steady.ordered_share, steady.shifted_share) == (1.0, 1.0, 0.0)
    assert steady.median_shift_s == 150


def test_stops_away_from_their_courier_are_counted(two_valleys) -> None:
    """A western village on the eastern van counts against the west."""
    found = measure([_route("van-2", ("b1", 30_000), ("a1", 31_000))], two_valleys.habit())
    assert (found.day.known, found.day.habitual) == (2, 1)
    assert found.sections[1].habitual_share == 0.0
    assert found.sections[2].habitual_share == 1.0


def test_an_inserted_stop_disturbs_nobody_else(two_valleys) -> None:
    """One village out of turn costs one stop of the common order, not all that follow it."""
    drive = _route("van-1", ("a1", 1), ("a4", 2), ("a2", 3), ("a3", 4))
    assert measure([drive], two_valleys.habit()).day.ordered == 3


def test_stops_of_one_village_have_no_order_among_themselves(two_valleys) -> None:
    """Several doors of a village count as in order whichever way they are driven."""
    drive = _route("van-1", ("a1", 1), ("a1", 2), ("a2", 3))
    assert measure([drive], two_valleys.habit()).day.ordered_share == 1.0


def test_places_in_no_section_are_told_apart(two_valleys) -> None:
    """A stop nobody is used to is neither for nor against a day."""
    steady = measure([_route("van-1", ("a1", 1), ("new", 2))], two_valleys.habit()).day
    assert (steady.stops, steady.known) == (2, 1)


def test_an_empty_day_has_no_shares(two_valleys) -> None:
    """Without stops there is nothing to divide."""
    steady = measure([], two_valleys.habit()).day
    assert steady.as_dict()["habitual_share"] is None
    assert steady.median_shift_s is None


@settings(max_examples=50)
@given(st.lists(st.integers(0, 6), max_size=9))
def test_the_longest_order_is_never_beaten(values: list[int]) -> None:
    """No other choice of stops in order is longer."""
    best = 0
    for mask in range(1 << len(values)):
        chosen = [value for at, value in enumerate(values) if mask >> at & 1]
        best = max(best, len(chosen)) if chosen == sorted(chosen) else best
    found = longest_order(values)
    kept = [values[at] for at in found]
    assert len(found) == best
    assert kept == sorted(kept)


def test_habit_is_learned_from_who_came_most(two_valleys) -> None:
    """The village goes to who served it most; order and hour are those of the middle day."""
    from datetime import date

    days = [
        DrivenDay(date(2026, 3, 2), (_route("van-1", ("a2", 30_000), ("a1", 32_000)),)),
        DrivenDay(date(2026, 3, 3), (_route("van-1", ("a2", 30_600), ("a1", 33_000)),)),
        DrivenDay(date(2026, 3, 4), (_route("van-2", ("b1", 30_000)), _route("van-1", ("a2", 31_800), ("a1", 32_400)))),
    ]
    west, east = learn_sections(days)
    assert (west.vehicle_id, west.places, east.places) == ("van-1", ("a2", "a1"), ("b1",))
    assert (west.stops[0].arrival_s, west.stops[0].days) == (30_600, 3)


def test_a_town_two_couriers_share_belongs_to_both() -> None:
    """Who served at least a quarter of a place's stops has it; who filled in once has not."""
    from datetime import date

    town = [("town", 30_000 + at) for at in range(6)]
    day = DrivenDay(date(2026, 3, 2), (_route("van-1", *town), _route("van-2", *town[:4]), _route("van-3", town[0])))
    sections = {one.vehicle_id: one for one in learn_sections([day])}
    assert set(sections) == {"van-1", "van-2"}
    assert sections["van-1"].stops[0].shared


def test_hours_are_learned_within_given_sections(two_valleys) -> None:
    """A village its owner never came to keeps its place in the order."""
    from datetime import date

    day = DrivenDay(date(2026, 3, 2), (_route("van-1", ("a3", 30_000), ("a1", 31_000)), _route("van-2", ("a2", 1))))
    west, _ = learn_hours(two_valleys.habit().sections, [day])
    assert west.places == ("a3", "a4", "a1", "a2")
    assert west.stops[3].arrival_s is None
