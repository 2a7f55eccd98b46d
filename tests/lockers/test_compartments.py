"""Sizes of compartments."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from lockers.compartments import Box, CompartmentSize, smallest_fitting

_SIDE = st.integers(10, 700)


@given(_SIDE, _SIDE, _SIDE)
@settings(max_examples=50, deadline=None)
def test_turning_a_parcel_changes_nothing(length: int, width: int, height: int) -> None:
    """However a parcel is turned, it gets the same size of box."""
    sizes = {smallest_fitting(Box(*sides)) for sides in permutations((length, width, height))}
    assert len(sizes) == 1


def test_a_shoe_box_takes_a_medium_compartment() -> None:
    """A shoe box is too high for a small compartment and fits a medium one; boots take a large one."""
    assert smallest_fitting(Box(330, 210, 120)) is CompartmentSize.M
    assert smallest_fitting(Box(330, 250, 200)) is CompartmentSize.L


def test_a_bicycle_fits_nowhere() -> None:
    """What is larger than the largest compartment gets none."""
    assert smallest_fitting(Box(1400, 700, 200)) is None


def test_bigger_classes_hold_more() -> None:
    """Size classes are listed by rising volume."""
    volumes = [size.box.volume_cm3 for size in CompartmentSize]
    assert volumes == sorted(volumes)
