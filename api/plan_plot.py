"""Draws a plan of a problem file as a PNG picture: routes as coloured lines, stops as dots, depots as squares."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from routing.problem import UNREACHABLE, Problem
from routing.solution import Route, Solution

SIZE: Final = 1200
MARGIN: Final = 40
GOLDEN: Final = 0.618033988749895  # colours of neighbouring routes lie far apart on the colour circle
FREE: Final = (190, 30, 30)
DEPOT: Final = (0, 0, 0)


def draw_plan(problem: Problem, solution: Solution, path: Path, title: str) -> None:
    """Write the picture as PNG.

    A problem without coordinates is drawn from its distances, so that near places lie near each other.
    """
    places = _scaled(points_of(problem))
    picture = Image.new("RGB", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(picture)
    for number, route in enumerate(solution.routes):
        line = [places[location] for location in _locations(problem, route)]
        pen.line(line, fill=_colour(number), width=2, joint="curve")
    dot = 3 if problem.task_count <= 1000 else 1
    for task in problem.tasks:
        _dot(pen, places[task.location], dot, (90, 90, 90))
    for left in solution.unassigned:
        _dot(pen, places[problem.tasks[left].location], dot + 2, FREE)
    for depot in problem.depots:
        x, y = places[depot.location]
        pen.rectangle((x - 6, y - 6, x + 6, y + 6), fill=DEPOT)
    pen.text((MARGIN, 6), title, fill=DEPOT, font=ImageFont.load_default(size=20))
    picture.save(path, format="PNG")


def points_of(problem: Problem) -> NDArray[np.float64]:
    """Return a point for each location, shape (locations, 2).

    Without coordinates: classical scaling (Torgerson 1952) of the distances there and back.
    """
    if problem.coordinates is not None:
        return np.asarray(problem.coordinates, dtype=np.float64)[:, :2]
    legs = np.asarray(problem.profiles[0].distance_m, dtype=np.float64)
    if not legs.any():
        legs = np.asarray(problem.profiles[0].duration_s, dtype=np.float64)
    known = legs[legs < UNREACHABLE]
    legs = np.minimum(legs, known.max(initial=0.0))
    square = ((legs + legs.T) / 2) ** 2
    centred = -0.5 * (square - square.mean(axis=0) - square.mean(axis=1)[:, None] + square.mean())
    values, vectors = np.linalg.eigh(centred)
    count = min(2, values.size)
    points = vectors[:, -count:] * np.sqrt(np.maximum(values[-count:], 0.0))
    return np.pad(points, ((0, 0), (0, 2 - count)))


def _scaled(points: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Fit points into the picture, north up."""
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (SIZE - 2 * MARGIN) / max(float((high - low).max()), 1e-9)
    return [(MARGIN + (x - low[0]) * scale, SIZE - MARGIN - (y - low[1]) * scale) for x, y in points.tolist()]


def _locations(problem: Problem, route: Route) -> list[int]:
    """List where a route goes, depots included; an open route ends at its last stop."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    found = []
    for trip in route.trips:
        found.append(problem.depots[trip.depot].location)
        found += [problem.tasks[task].location for task in trip.tasks]
    if kind.end_depot is not None:
        found.append(problem.depots[kind.end_depot].location)
    return found


def _colour(number: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN % 1.0, 0.75, 0.75)
    return int(255 * red), int(255 * green), int(255 * blue)


def _dot(pen: Any, place: tuple[float, float], radius: int, colour: tuple[int, int, int]) -> None:
    x, y = place
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
