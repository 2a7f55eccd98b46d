"""Sets of time windows."""

from __future__ import annotations

from dispatch.demand.windows import intersection, longest_s, normalised


def test_overlapping_windows_become_one() -> None:
    """Windows that touch or overlap are one window, and one that ends before it starts is none."""
    assert normalised([(10, 20), (0, 5), (5, 8), (30, 29)]) == ((0, 8), (10, 20))


def test_the_common_part_of_opening_hours_and_a_wish_is_kept() -> None:
    """A shop with a lunch break and a wish around noon leave two short windows."""
    assert intersection(((8, 12), (14, 18)), ((11, 15),)) == ((11, 12), (14, 15))
    assert intersection(((8, 12),), ((13, 15),)) == ()


def test_the_longest_window_counts() -> None:
    """The room a courier has is the longest window; no window at all is less than a moment."""
    assert longest_s(((8, 12), (14, 20))) == 6
    assert longest_s(()) == -1
