"""How hard it is to get across the demo county's land: slopes, and a river with few bridges."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from maps.demo.terrain import STEP_M, Terrain

IntArray = NDArray[np.int64]

BRIDGES = 7
_GRADE = 0.055
"""Grade that doubles the cost of a road."""
_STEEPEST = 30.0


def grid_links(terrain: Terrain, diagonal: bool = True, keep_off_water: bool = True) -> csr_array:
    """Return the cost of going from each grid point inside the county to its neighbours.

    Steep ground costs more; crossing the river is possible at a few places only.
    """
    rows, columns = terrain.x.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    pairs = [(index[:, :-1], index[:, 1:]), (index[:-1], index[1:])]
    if diagonal:
        pairs += [(index[:-1, :-1], index[1:, 1:]), (index[:-1, 1:], index[1:, :-1])]
    tail = np.concatenate([a.ravel() for a, _ in pairs])
    head = np.concatenate([b.ravel() for _, b in pairs])
    inside = terrain.inside.ravel()
    both = inside[tail] & inside[head]
    tail, head = tail[both], head[both]
    if keep_off_water:
        dry = _dry(terrain, tail, head)
        tail, head = tail[dry], head[dry]
    points, height = terrain.points, terrain.height_m.ravel()
    length = np.hypot(*(points[head] - points[tail]).T)
    grade = np.abs(height[head] - height[tail]) / length
    climb = (height[head] + height[tail]) / 2 - 300.0
    cost = length * np.minimum(1.0 + (grade / _GRADE) ** 2, _STEEPEST) * (1.0 + np.maximum(climb, 0.0) / 2_500.0)
    return csr_array((cost, (tail, head)), shape=(len(points), len(points)))


def _dry(terrain: Terrain, tail: IntArray, head: IntArray) -> NDArray[np.bool_]:
    """Return the links that keep off the river, and the one link of each bridge."""
    points = terrain.points
    segments = shapely.linestrings(np.stack([points[tail], points[head]], axis=1))
    river = shapely.LineString(terrain.river)
    wet = np.zeros(len(segments), dtype=bool)
    wet[shapely.STRtree(segments).query(river, predicate="dwithin", distance=60.0)] = True
    crossing = np.flatnonzero(
        wet & shapely.intersects(segments, river) & (np.hypot(*(points[head] - points[tail]).T) <= STEP_M)
    )
    dry: NDArray[np.bool_] = ~wet
    inside = terrain.river[shapely.contains_xy(shapely.box(*_inner_box(terrain)), terrain.river)]
    for share in (np.arange(BRIDGES) + 0.5) / BRIDGES:
        goal = inside[int(share * (len(inside) - 1))]
        middle = (points[tail[crossing]] + points[head[crossing]]) / 2
        near = crossing[np.argsort(np.hypot(*(middle - goal).T))[:6]]
        ends_dry = shapely.distance(shapely.points(points[tail[near]]), river) + shapely.distance(
            shapely.points(points[head[near]]), river
        )
        dry[near[int(ends_dry.argmax())]] = True
    return dry


def _inner_box(terrain: Terrain) -> tuple[float, float, float, float]:
    x, y = terrain.x[terrain.inside], terrain.y[terrain.inside]
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())
