"""Conversion between datums."""

from __future__ import annotations

import numpy as np
import pytest

from maps.datum import convert
from maps.errors import CoordinateError, DatumError
from maps.geodesy import straight_m

RNG = np.random.default_rng(5)
ZHEJIANG = np.stack([RNG.uniform(118, 122, 2000), RNG.uniform(27, 31, 2000)], axis=1)


@pytest.mark.parametrize(("datum", "low", "high"), [("gcj02", 450, 625), ("bd09", 1050, 1240)])
def test_the_shift_has_the_published_size(datum: str, low: float, high: float) -> None:
    """In Zhejiang GCJ-02 lies some 540 m and BD-09 some 1,130 m from WGS-84."""
    shift = straight_m(ZHEJIANG, convert(ZHEJIANG, "wgs84", datum))
    assert low < shift.min() < shift.max() < high


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_there_and_back_again_is_exact_to_a_millimetre(datum: str) -> None:
    """A point converted to a Chinese datum and back is where it was."""
    back = convert(convert(ZHEJIANG, "wgs84", datum), datum)
    assert straight_m(ZHEJIANG, back).max() < 0.001


def test_known_points_convert_as_published() -> None:
    """The point 116.404, 39.915 in Beijing converts to the values everybody's converter gives."""
    point = [[116.404, 39.915]]
    np.testing.assert_allclose(convert(point, "wgs84", "gcj02"), [[116.41024450, 39.91640428]], atol=1e-8)
    np.testing.assert_allclose(convert(point, "bd09", "gcj02"), [[116.39762729, 39.90865674]], atol=1e-7)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_outside_china_nothing_is_shifted(datum: str) -> None:
    """A point in Andorra stays where it is whatever datum it claims."""
    point = np.array([[1.52, 42.5]])
    np.testing.assert_array_equal(convert(point, datum), point)
    np.testing.assert_array_equal(convert(point, "wgs84", datum), point)


def test_the_input_is_not_changed() -> None:
    """Converting gives new points and leaves the given ones alone."""
    points = ZHEJIANG.copy()
    convert(points, "wgs84", "wgs84")[:] = 0
    convert(points, "gcj02")
    np.testing.assert_array_equal(points, ZHEJIANG)


def test_no_points_convert_to_no_points() -> None:
    """An empty list stays empty."""
    assert convert([], "gcj02").shape == (0, 2)


def test_wrong_datums_and_positions_are_refused() -> None:
    """A datum with an unknown name is refused, and so is a point that is none."""
    with pytest.raises(DatumError, match="cgcs"):
        convert(ZHEJIANG, "cgcs")
    with pytest.raises(CoordinateError):
        convert([[np.inf, 30.0]], "gcj02")
