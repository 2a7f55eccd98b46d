"""Sections and master routes that cannot be meant are refused with the name of what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dispatch.habit.errors import HabitBoundError, HabitModelError, MasterRoutePlaceError, SectionsOverlapError
from dispatch.habit.file import read_habit_file
from dispatch.habit.master import MasterStop, check_sections
from dispatch.habit.rule import OFF, HabitRule


def test_good_sections_are_taken(two_valleys, line_region) -> None:
    """Two sections that share no village pass."""
    places = [place.id for place in line_region.places]
    check_sections(two_valleys.habit().sections, places, two_valleys.fleet)


def test_overlapping_sections_are_refused(two_valleys, line_region) -> None:
    """A village in two sections is named with both numbers."""
    west, east = two_valleys.habit().sections
    both = (west, replace(east, stops=(*east.stops, MasterStop("a1"))))
    with pytest.raises(SectionsOverlapError, match="a1 lies in sections 1 and 2"):
        check_sections(both, [place.id for place in line_region.places], two_valleys.fleet)


def test_a_town_may_be_shared_on_purpose(two_valleys, line_region) -> None:
    """A place that both sections mark as shared belongs to both."""
    west, east = two_valleys.habit().sections
    shared = tuple(replace(stop, shared=stop.place_id == "a1") for stop in west.stops)
    sections = (replace(west, stops=shared), replace(east, stops=(*east.stops, MasterStop("a1", shared=True))))
    check_sections(sections, [place.id for place in line_region.places], two_valleys.fleet)


@pytest.mark.parametrize(
    ("place", "words"),
    [("nowhere", "place nowhere, which the region does not have"), ("a2", "a2 is twice")],
    ids=["unknown village", "village twice"],
)
def test_master_route_places_are_checked(two_valleys, line_region, place: str, words: str) -> None:
    """A master route may neither name a village nobody knows nor one twice."""
    west, east = two_valleys.habit().sections
    wrong = replace(west, stops=(*west.stops, MasterStop(place)))
    with pytest.raises(MasterRoutePlaceError, match=words):
        check_sections((wrong, east), [one.id for one in line_region.places], two_valleys.fleet)


def test_an_owner_must_drive_something(two_valleys, line_region) -> None:
    """A section of a courier without a vehicle is refused with his id."""
    west, east = two_valleys.habit().sections
    with pytest.raises(HabitModelError, match="owner c-9 drives no vehicle"):
        check_sections(
            (replace(west, courier_id="c-9"), east), [one.id for one in line_region.places], two_valleys.fleet
        )


def test_a_section_follows_its_courier_to_another_van(two_valleys) -> None:
    """When a courier changes vans, the section goes along."""
    vehicles = tuple(
        replace(one, courier_id={"van-1": None, "van-3": "c-1"}.get(one.id, one.courier_id))
        for one in two_valleys.fleet.vehicles
    )
    west = two_valleys.habit().sections[0]
    assert west.vehicle_in(replace(two_valleys.fleet, vehicles=vehicles)) == "van-3"
    assert replace(west, courier_id=None).vehicle_in(two_valleys.fleet) == "van-1"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"territory_fen": -1}, "territory_fen must lie between"),
        ({"most_moved_percent": 101}, "most_moved_percent must lie between"),
        ({"tolerance_s": 10**6}, "tolerance_s must lie between"),
        ({"territory_fen": 0, "most_moved_percent": 5}, "most_moved_percent is 5 although territory_fen 0"),
        ({"price": 3}, "price is no price or bound"),
    ],
    ids=["negative price", "more than all", "tolerance of days", "bound without a price", "unknown name"],
)
def test_contradictory_rules_are_refused(values: dict[str, int], words: str) -> None:
    """Prices and bounds that cannot be meant are named."""
    with pytest.raises(HabitBoundError, match=words):
        HabitRule.given(values)


def test_a_price_of_zero_takes_its_bound_away() -> None:
    """Turning a price off turns its bound off, unless somebody asks for both."""
    rule = HabitRule.given({"territory_fen": 0})
    assert (rule.most_moved_percent, rule.most_reordered_percent) == (None, 50)
    assert HabitRule.given({"territory_fen": 0, "order_fen": 0, "arrival_fen": 0}).order_fen == OFF.order_fen


def test_a_file_names_its_first_wrong_field(tmp_path: Path) -> None:
    """A file with a section without an owner says where."""
    path = tmp_path / "sections.json"
    path.write_text('{"sections": [{"number": 1, "stops": []}]}')
    with pytest.raises(HabitModelError, match=r"sections\.0\.vehicle_id"):
        read_habit_file(path)
    path.write_text("{")
    with pytest.raises(HabitModelError, match="no JSON file of sections"):
        read_habit_file(path)


def test_what_is_shown_can_be_read_again(tmp_path: Path, two_valleys) -> None:
    """A habit's own document, saved, gives the same sections."""
    import json

    habit = two_valleys.habit(a1=30_000)
    path = tmp_path / "sections.json"
    path.write_text(json.dumps(habit.as_dict()))
    assert read_habit_file(path) == habit.sections
