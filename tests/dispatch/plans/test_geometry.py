"""Lines on the map: packed, spliced, and shown."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.plans.geometry import RouteLine, digest_of, pack, unpack

degrees = st.floats(-180, 180, allow_nan=False)


@given(st.lists(st.tuples(degrees, degrees), min_size=1, max_size=50))
@settings(max_examples=50)
def test_a_packed_line_comes_back_to_the_decimetre(points: list[tuple[float, float]]) -> None:
    """A stored line is the line that was driven, to six decimals, and equal lines have equal ids."""
    line = RouteLine(np.array(points), np.array([0, len(points) - 1]))
    again = unpack(pack(line))
    np.testing.assert_allclose(again.coordinates, line.coordinates, atol=6e-7)
    np.testing.assert_array_equal(again.leg_offsets, line.leg_offsets)
    assert digest_of(pack(line)) == digest_of(pack(again))


def test_a_detour_replaces_one_leg_only() -> None:
    """A stop put into the second leg bends that leg and leaves the others as they were."""
    line = RouteLine(np.array([[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]], float), np.array([0, 2, 4]))
    detour = RouteLine(np.array([[2, 0], [2, 1], [3, 1], [4, 0]], float), np.array([0, 2, 3]))
    bent = line.with_detour(1, detour)
    assert bent.coordinates.tolist() == [[0, 0], [1, 0], [2, 0], [2, 1], [3, 1], [4, 0]]
    assert bent.leg_offsets.tolist() == [0, 2, 4, 5]
    first = line.with_detour(0, RouteLine(np.array([[0, 0], [0, 1], [2, 0]], float), np.array([0, 1, 2])))
    assert first.coordinates.tolist() == [[0, 0], [0, 1], [2, 0], [3, 0], [4, 0]]
    assert first.leg_offsets.tolist() == [0, 1, 2, 4]


def test_even_a_standing_van_has_a_line() -> None:
    """A route that never leaves its point is still a valid GeoJSON line with two positions."""
    line = RouteLine(np.array([[110.0, 27.0]]), np.array([0, 0]))
    assert line.geojson() == {"type": "LineString", "coordinates": [[110.0, 27.0], [110.0, 27.0]]}
