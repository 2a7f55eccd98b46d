"""Engine without roads: straight lines times a detour, labelled as the estimate it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from maps.engines.protocol import Matrix, Path, Snaps, Source
from maps.errors import ClosureError, TerrainError
from maps.geodesy import FloatArray, as_points, straight_m
from maps.profiles import profile_of

ESTIMATE_WARNING = "estimated from straight lines: this region has no road data"


@dataclass(frozen=True)
class Terrain:
    """How crooked and slow the roads of a landscape are.

    Attributes
    ----------
    detour
        Road length over straight line at the distances of :data:`BAND_KM`.
    start_s, per_km_s
        Driving time is ``start_s + per_km_s`` × straight kilometres.
    """

    detour: tuple[float, ...]
    start_s: float
    per_km_s: float


BAND_KM = (0.5, 2.0, 6.5, 15.0)
"""Middles of the bands below 1, 1 to 3, 3 to 10 and above 10 km."""

TERRAINS: Mapping[str, Terrain] = MappingProxyType(
    {
        # Medians measured on fastest routes in Porto, an Alpine valley and Andorra (road data of 2015 to 2025).
        # In mountains half of the trips differ by more than a sixth: clustering yes, promised times no.
        "flat": Terrain((1.56, 1.56, 1.50, 1.40), 129.0, 61.5),
        "hilly": Terrain((1.60, 1.75, 1.31, 1.24), 57.0, 80.0),
        "mountain": Terrain((2.03, 1.75, 1.66, 1.59), 36.0, 93.0),
    }
)

_START_FROM_KM = 0.3
"""Shorter trips than were measured take their part of the starting time, so that a step away takes no minute."""


def terrain_of(name: str) -> Terrain:
    """Return a terrain class by name.

    Raises
    ------
    TerrainError
        If there is none.
    """
    try:
        return TERRAINS[name]
    except KeyError:
        raise TerrainError(f"unknown terrain class {name!r}", name=name) from None


class GeodesicEngine:
    """Estimates for a region without roads; every answer says ``geodesic``.

    Parameters
    ----------
    terrain
        Name of a class in :data:`TERRAINS`.
    warnings
        Further sentences every answer carries.
    """

    def __init__(self, terrain: str = "hilly", warnings: tuple[str, ...] = ()) -> None:
        self.terrain = terrain_of(terrain)
        self._warnings = (ESTIMATE_WARNING, *warnings)
        self._terrain_name = terrain

    @property
    def source(self) -> Source:
        """Return ``geodesic``."""
        return "geodesic"

    def snap(self, points: ArrayLike, profile: str = "van") -> Snaps:
        """Return the points themselves: without roads every point is as good as another."""
        profile_of(profile)
        lonlat = as_points(points)
        count = len(lonlat)
        return Snaps(
            np.full(count, -1, dtype=np.int32), np.zeros(count), np.zeros(count, dtype=np.float32),
            np.ones(count, dtype=bool), lonlat,
        )  # fmt: skip

    def matrix(self, src: ArrayLike, dst: ArrayLike, profile: str = "van") -> Matrix:
        """Estimate time and distance between every source and every destination."""
        sources, targets = as_points(src, "src"), as_points(dst, "dst")
        time_s, dist_m = self._estimate(straight_m(sources[:, None, :], targets[None, :, :]), profile)
        return Matrix(time_s, dist_m, "geodesic", self._warnings)

    def route(self, points: ArrayLike, profile: str = "van") -> Path:
        """Connect the points by straight lines."""
        lonlat = as_points(points)
        time_s, dist_m = self._estimate(straight_m(lonlat[:-1], lonlat[1:]), profile)
        return Path(lonlat, np.arange(len(lonlat)), time_s, dist_m, "geodesic", self._warnings)

    def with_closures(self, closed: Sequence[int] | BaseGeometry) -> GeodesicEngine:
        """Return an engine that says it cannot know what the closure means.

        Raises
        ------
        ClosureError
            If edges are named: there are none.
        """
        if not isinstance(closed, BaseGeometry) and len(closed):
            raise ClosureError(f"there is no road edge {closed[0]}: the region has no roads", edge=int(closed[0]))
        return GeodesicEngine(self._terrain_name, ("closed roads are not considered: the region has no road data",))

    def _estimate(self, straight: FloatArray, profile: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        km = straight / 1000.0
        dist_m = straight * np.interp(km, BAND_KM, self.terrain.detour)
        time_s = self.terrain.start_s * np.minimum(km / _START_FROM_KM, 1.0) + self.terrain.per_km_s * km
        slowest_s = dist_m * 3.6 / profile_of(profile).cap_kmh
        return np.maximum(time_s, slowest_s).astype(np.float32), dist_m.astype(np.float32)
