"""Estimates without roads."""

from __future__ import annotations

import numpy as np
import pytest
from shapely import box

from maps.engines.geodesic import ESTIMATE_WARNING, TERRAINS, GeodesicEngine
from maps.geodesy import LocalFrame, straight_m

FRAME = LocalFrame(112.9, 30.4)


@pytest.mark.parametrize("terrain", list(TERRAINS))
def test_farther_is_never_nearer(terrain: str) -> None:
    """Times and distances grow with the straight line, over all distance bands."""
    line = FRAME.to_degrees(np.stack([np.linspace(0, 60_000, 600), np.zeros(600)], axis=1))
    for profile in ("van", "etrike"):
        matrix = GeodesicEngine(terrain).matrix(line[:1], line, profile)
        assert (np.diff(matrix.time_s[0]) > 0).all()
        assert (np.diff(matrix.dist_m[0]) > 0).all()


def test_mountain_roads_are_longer_than_those_of_the_plain() -> None:
    """The same villages are farther apart by road in mountains than in a plain."""
    points = FRAME.to_degrees(np.array([[0, 0], [5_000, 0]]))
    detour = {name: GeodesicEngine(name).matrix(points, points).dist_m[0, 1] / 5_000 for name in ("flat", "mountain")}
    assert 1.4 < detour["flat"] < detour["mountain"] < 1.8


def test_every_answer_says_it_is_an_estimate() -> None:
    """Matrix and route carry the label that must show wherever the numbers show."""
    engine = GeodesicEngine("hilly")
    points = FRAME.to_degrees(np.array([[0, 0], [5_000, 0]]))
    for answer in (engine.matrix(points, points), engine.route(points)):
        assert answer.source == "geodesic"
        assert ESTIMATE_WARNING in answer.warnings


def test_a_closed_road_cannot_be_considered_and_that_is_said() -> None:
    """A landslide in a region without roads changes no number, so every answer warns."""
    engine = GeodesicEngine().with_closures(box(112, 30, 113, 31))
    assert any("closed roads are not considered" in text for text in engine.route([(112.9, 30.4)]).warnings)


def test_straight_lines_agree_with_the_ellipsoid() -> None:
    """Flat distances are within a thousandth of geodesics over a county's width."""
    geod = pytest.importorskip("pyproj", reason="pyproj is not installed").Geod(ellps="WGS84")
    rng = np.random.default_rng(3)
    a, b = rng.uniform([109, 29], [110.5, 30.5], size=(2, 500, 2))
    _, _, expected = geod.inv(*a.T, *b.T)
    np.testing.assert_allclose(straight_m(a, b), expected, rtol=0.001)
