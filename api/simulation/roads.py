"""The roads as they really are today, which the dispatcher learns later, if at all."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
from shapely.geometry import Point as ShapelyPoint

from maps.engines.protocol import RoadEngine

LonLat = tuple[float, float]

_NEAR_DEG = 0.00005  # as a plan reads a point that closes a road: some five metres
_LINE_TOLERANCE_M = 25.0  # what a picture of a county shows


@dataclass(frozen=True)
class Drive:
    """A drive from one point to another, without noise."""

    time_s: float
    distance_m: int
    line: tuple[LonLat, ...]


class TrueRoads:
    """A county's roads, of which one may be closed for some hours."""

    def __init__(self, open_roads: RoadEngine) -> None:
        self._open = open_roads
        self._now = open_roads
        self.closed_at: LonLat | None = None

    def close(self, point: LonLat) -> None:
        """Close the road at a point."""
        self.closed_at = point
        self._now = closed(self._open, point)

    def clear(self) -> None:
        """Open the road again."""
        self._now = self._open

    def drive(self, points: list[LonLat], profile: str) -> Drive | None:
        """Return the fastest drive through points, nothing when there is no road."""
        path = self._now.route(np.array(points), profile)
        time_s = float(path.leg_time_s.sum())
        if not isfinite(time_s):
            return None
        line = path.simplified(_LINE_TOLERANCE_M).coordinates
        return Drive(time_s, round(float(path.leg_dist_m.sum())), tuple((float(x), float(y)) for x, y in line))


def closed(roads: RoadEngine, point: LonLat) -> RoadEngine:
    """Return roads of which the one at a point is closed."""
    return roads.with_closures(ShapelyPoint(*point).buffer(_NEAR_DEG))
