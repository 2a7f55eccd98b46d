"""Pictures of plans show every stop at its place, also when nobody gave coordinates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from api.plan_plot import draw_plan, points_of
from routing import Problem, ProblemBuilder, Route, Solution, Trip


def three_stops(coordinates: bool, distances: bool = True) -> Problem:
    """Give a depot and three stops on a cross, with legs, and with or without coordinates."""
    at = np.array([[0, 0], [30, 0], [0, 40], [-30, 0]])
    legs = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    builder = ProblemBuilder(("count",)).profile("van", legs if distances else 0 * legs, legs).depot("centre", 0)
    builder.vehicle_type("van", count=1, capacity=9, cost_per_m=1)
    for place in range(1, 4):
        builder.task(f"stop {place}", place, delivery=1)
    return (builder.coordinates(at) if coordinates else builder).build()


def test_without_coordinates_places_lie_as_far_apart_as_they_are() -> None:
    """A problem that brings distances only, or times only, is drawn true to them."""
    for distances in (True, False):
        points = points_of(three_stops(coordinates=False, distances=distances))
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        assert np.allclose(apart[1], [30, 0, 50, 60], atol=1e-6)


def test_a_plan_is_a_picture_with_coloured_routes(tmp_path: Path) -> None:
    """Routes are in colour, and a stop nobody serves is red."""
    plan = Solution((Route(0, (Trip((0, 1), 0),)),), (2,))
    draw_plan(three_stops(coordinates=True), plan, tmp_path / "plan.png", "a day")
    with Image.open(tmp_path / "plan.png") as picture:
        colours = {colour for _, colour in picture.getcolors(1 << 24) or ()}
    assert any(isinstance(colour, tuple) and max(colour) - min(colour) > 100 for colour in colours)
    assert (190, 30, 30) in colours


def test_one_place_is_drawn_too(tmp_path: Path) -> None:
    """Everything at one place, and nobody driving, is a picture as well."""
    builder = ProblemBuilder(("count",)).profile("van", [[0]], [[0]]).depot("centre", 0)
    builder.vehicle_type("van", count=1, capacity=9, cost_per_m=1).task("here", 0, delivery=1)
    draw_plan(builder.build(), Solution((), (0,)), tmp_path / "one.png", "one")
    assert (tmp_path / "one.png").stat().st_size > 0
