"""Chute tables as data, and who gets which chute."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.sorting.assigning import assign_chutes, walking_m
from dispatch.sorting.chutes import RouteFlow, Slot, load_chutes, read_chutes
from dispatch.sorting.errors import ChuteTableError, TooFewChutesError


def test_the_table_that_comes_with_cunda_is_whole():
    """Without a table of one's own there are 24 chutes for routes, nearest first, and one of each other purpose."""
    table = load_chutes()
    distances = [chute.distance_m for chute in table.for_routes]
    assert len(distances) == 24
    assert distances == sorted(distances)
    assert all(table.only(purpose) is not None for purpose in ("cold", "rest", "reject"))


def test_the_largest_flow_gets_the_nearest_chute(three_chutes, flow):
    """The route with most parcels is sorted where the walk is shortest."""
    slots = assign_chutes([flow("v1", 10), flow("v2", 90), flow("v3", 40)], three_chutes)
    assert {name: slot.chute for name, slot in slots.items()} == {"v2": "NEAR", "v3": "MID", "v1": "FAR"}


def test_more_routes_than_chutes_are_sorted_in_waves_by_departure(three_chutes, flow):
    """Who leaves first is sorted in the first wave; the others wait for the second."""
    flows = [flow(f"v{n}", 10 * n, start_s=28_800 + 600 * (5 - n)) for n in range(1, 6)]
    slots = assign_chutes(flows, three_chutes)
    assert {name for name, slot in slots.items() if slot.wave == 1} == {"v5", "v4", "v3"}
    assert slots["v2"] == Slot(2, "NEAR")


def test_a_route_keeps_the_chute_it_has(three_chutes, flow):
    """A later version of the plan leaves labelled chutes alone, even where a larger flow would deserve them."""
    before = assign_chutes([flow("v1", 10), flow("v2", 5)], three_chutes)
    after = assign_chutes([flow("v1", 10), flow("v2", 5), flow("v3", 999)], three_chutes, before)
    assert {name: after[name] for name in before} == before
    assert after["v3"] == Slot(1, "FAR")


def test_the_chute_of_a_vehicle_that_left_is_given_away_last(three_chutes, flow):
    """A half-full chute is not given to another route while a clean one is free."""
    before = assign_chutes([flow("v1", 50)], three_chutes)
    after = assign_chutes([flow("v2", 50)], three_chutes, before)
    assert (after["v2"].chute, after["v1"].chute) == ("MID", "NEAR")
    full = assign_chutes([flow(f"v{n}", 50) for n in (2, 3, 4)], three_chutes, after)
    assert {full["v3"].chute, full["v4"].chute} == {"NEAR", "FAR"}
    assert "v1" not in full


def test_waves_without_a_chute_for_the_rest_are_refused(flow):
    """Fewer chutes than routes and nowhere to put the others: the error counts both."""
    table = read_chutes(
        {
            "valid_from": "2026-01-01",
            "chute": [{"id": "A", "distance_m": 1}, {"id": "X", "purpose": "reject", "distance_m": 1}],
        }
    )
    with pytest.raises(TooFewChutesError) as refused:
        assign_chutes([flow("v1", 1), flow("v2", 1)], table)
    assert refused.value.params == {"routes": 2, "chutes": 1}


@settings(max_examples=40)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=3))
def test_no_other_pairing_walks_less(parcels):
    """Trying every pairing of routes and chutes finds none with less walking."""
    table = load_chutes()
    flows = [RouteFlow(f"v{n}", n, count, 0) for n, count in enumerate(parcels)]
    ours = walking_m(flows, assign_chutes(flows, table), table)
    near = [chute.id for chute in table.for_routes[:4]]
    others = [
        walking_m(flows, {one.vehicle_id: Slot(1, chute) for one, chute in zip(flows, chosen, strict=False)}, table)
        for chosen in permutations(near, len(flows))
    ]
    assert ours == min(others)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('[[chute]]\nid = "A"\ndistance_m = 1\n', "A is listed twice"),
        ('[[chute]]\nid = "a b"\ndistance_m = 1\n', "chute a b, field id"),
        ('[[chute]]\nid = "Z"\ndistance_m = -1\n', "chute Z, field distance_m"),
        ('[[chute]]\nid = "Z"\npurpose = "reject"\ndistance_m = 1\n', "exactly one chute is for reject"),
        ("[[chute]\n", "cannot be read"),
    ],
)
def test_a_bad_table_is_refused_with_chute_and_field(tmp_path: Path, change: str, named: str):
    """A table that contradicts itself names the chute and the field."""
    good = (
        'valid_from = 2026-01-01\n[[chute]]\nid = "A"\ndistance_m = 1\n'
        '[[chute]]\nid = "NO"\npurpose = "reject"\ndistance_m = 1\n'
    )
    file = tmp_path / "chutes.toml"
    file.write_text(good + change, encoding="utf-8")
    with pytest.raises(ChuteTableError, match="chute") as refused:
        load_chutes(file)
    assert named in refused.value.message
