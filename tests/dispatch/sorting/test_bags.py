"""Bags and loading positions: last in, first out."""

from __future__ import annotations

from dispatch.sorting.bags import fill_bags, stow
from dispatch.sorting.chutes import BagLimits

LIMITS = BagLimits(most_parcels=3, most_weight_g=5_000, most_volume_cm3=100_000)


def test_what_is_delivered_last_is_loaded_first(piece):
    """The last stop's parcel lies deepest, the first stop's uppermost."""
    places = stow(fill_bags([piece(f"p{stop}", stop) for stop in range(7)], LIMITS))
    by_loading = sorted(places, key=lambda name: places[name].load_order)
    assert by_loading == [f"p{stop}" for stop in reversed(range(7))]
    assert [places[f"p{stop}"].bag_order for stop in (0, 6)] == [3, 1]


def test_a_bag_is_closed_when_it_is_full(piece):
    """Neither pieces nor weight of a bag exceed its limits; what is heavier than a bag travels alone."""
    bags = fill_bags([piece("a", 0), piece("b", 0, 4_500), piece("c", 1), piece("huge", 2, 30_000)], LIMITS)
    assert [[one.parcel_id for one in bag.pieces] for bag in bags] == [["a"], ["b"], ["c"], ["huge"]]


def test_cold_goods_have_bags_of_their_own_and_are_loaded_last(piece):
    """What comes from the cold store goes in last, so that it is outside for the shortest time (S10)."""
    pieces = [piece("p", 0), piece("cold", 5, kind="cold", expires_s=50_000), piece("ring", 3, kind="listed")]
    places = stow(fill_bags(pieces, LIMITS))
    assert len({place.bag for place in places.values()}) == 3
    assert sorted(places, key=lambda name: places[name].load_order) == ["p", "ring", "cold"]


def test_at_one_stop_what_expires_first_comes_out_first(piece):
    """Of flowers for one station the batch that wilts first lies uppermost (freshest first in)."""
    wilting = {"b": 70_000, "a": 80_000, "c": 60_000}
    pieces = [piece(name, 0, kind="cold", expires_s=until) for name, until in wilting.items()]
    places = stow(fill_bags(pieces, LIMITS))
    assert sorted(places, key=lambda name: places[name].load_order) == ["a", "b", "c"]


def test_a_filled_bag_is_never_refilled(piece):
    """A parcel that was added later gets a new bag; those that were bagged keep theirs, whatever the new order."""
    first = fill_bags([piece("a", 0), piece("b", 1)], LIMITS)
    known = {one.parcel_id: bag.number for bag in first for one in bag.pieces}
    again = fill_bags([piece("b", 0), piece("new", 1), piece("a", 2)], LIMITS, known)
    assert {one.parcel_id: bag.number for bag in again for one in bag.pieces} == {"a": 1, "b": 1, "new": 2}


def test_a_bag_whose_parcels_all_left_is_gone(piece):
    """A bag of which everything moved to other vehicles is not printed any more, and its number not used again."""
    known = {"a": 1, "b": 2}
    bags = fill_bags([piece("b", 0), piece("c", 1)], LIMITS, known)
    assert [bag.number for bag in bags] == [2, 3]
