"""Township and county boundaries of the demo county, as ways that neighbours share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from maps.demo.terrain import STEP_M, Terrain
from maps.geodesy import FloatArray

_SIMPLER_M = 620.0


@dataclass(frozen=True)
class Borders:
    """Border lines and who they bound.

    Attributes
    ----------
    lines
        Each of shape (p, 2), in metres.
    townships
        For each township the indices of its lines.
    county
        Indices of the lines around the county.
    """

    lines: tuple[FloatArray, ...]
    townships: tuple[tuple[int, ...], ...]
    county: tuple[int, ...]


def draw_borders(terrain: Terrain, owner: NDArray[np.int64], count: int) -> Borders:
    """Draw the borders between the grid points of different townships.

    Parameters
    ----------
    owner : shape (grid points,)
        Township index of each grid point, -1 outside the county.
    """
    half = STEP_M / 2
    cells = []
    for township in range(count):
        x, y = terrain.points[owner == township].T
        cells.append(shapely.union_all(shapely.box(x - half, y - half, x + half, y + half)))
    areas = shapely.coverage_simplify(np.array(cells, dtype=object), _SIMPLER_M)
    edges = shapely.line_merge(shapely.union_all(shapely.boundary(areas)))
    lines = [shapely.get_coordinates(part) for part in shapely.get_parts(edges)]
    middles = shapely.line_interpolate_point(shapely.get_parts(edges), 0.5, normalized=True)
    touching = [np.flatnonzero(shapely.dwithin(area, middles, 0.01)) for area in areas]
    uses = np.bincount(np.concatenate(touching), minlength=len(lines))
    return Borders(
        tuple(lines),
        tuple(tuple(int(line) for line in group) for group in touching),
        tuple(int(line) for line in np.flatnonzero(uses == 1)),
    )
