"""Distances on the ellipsoid and flat coordinates in metres around one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maps.errors import CoordinateError

FloatArray = NDArray[np.float64]


def metres_per_degree(lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return metres per degree of longitude and of latitude on the WGS-84 ellipsoid.

    Notes
    -----
    Series of the meridian and parallel arcs, within 1 cm per degree (Snyder, Map Projections, 1987, p. 25).
    """
    phi = np.radians(lat)
    per_lon = 111_412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    per_lat = 111_132.954 - 559.822 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi)
    return per_lon, per_lat


def straight_m(from_lonlat: FloatArray, to_lonlat: FloatArray) -> FloatArray:
    """Return straight distances in metres between points of equal or broadcastable shape (..., 2).

    Flat at the middle latitude: within 0.1 % over the 200 km a county may measure.
    """
    per_lon, per_lat = metres_per_degree((from_lonlat[..., 1] + to_lonlat[..., 1]) / 2)
    dx = (to_lonlat[..., 0] - from_lonlat[..., 0]) * per_lon
    dy = (to_lonlat[..., 1] - from_lonlat[..., 1]) * per_lat
    distance: FloatArray = np.hypot(dx, dy)
    return distance


@dataclass(frozen=True)
class LocalFrame:
    """Flat metres around one latitude: x east, y north; good for nearest-neighbour work in a county."""

    lon: float
    lat: float

    @classmethod
    def around(cls, lonlat: FloatArray) -> LocalFrame:
        """Centre a frame on the middle of some points' extent."""
        low, high = lonlat.min(axis=0), lonlat.max(axis=0)
        return cls(lon=float(low[0] + high[0]) / 2, lat=float(low[1] + high[1]) / 2)

    @property
    def _scale(self) -> FloatArray:
        return np.array([float(part) for part in metres_per_degree(np.float64(self.lat))])  # type: ignore[arg-type]

    def to_metres(self, lonlat: FloatArray) -> FloatArray:
        """Convert degrees to metres."""
        flat: FloatArray = (lonlat - np.array([self.lon, self.lat])) * self._scale
        return flat

    def to_degrees(self, metres: FloatArray) -> FloatArray:
        """Convert metres to degrees."""
        lonlat: FloatArray = metres / self._scale + np.array([self.lon, self.lat])
        return lonlat


def as_points(points: ArrayLike, what: str = "points") -> FloatArray:
    """Check that something is a list of positions and return it as an array of shape (n, 2).

    Raises
    ------
    CoordinateError
        If it has another shape, or a position is not finite or not on the globe; names the first one.
    """
    try:
        lonlat = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise CoordinateError(f"{what}: positions must be numbers") from problem
    if lonlat.size == 0:
        return lonlat.reshape(0, 2)
    if lonlat.ndim != 2 or lonlat.shape[1] != 2:
        raise CoordinateError(f"{what}: expected pairs of longitude and latitude, got shape {lonlat.shape}")
    with np.errstate(invalid="ignore"):
        good = np.isfinite(lonlat).all(axis=1) & (np.abs(lonlat[:, 0]) <= 180) & (np.abs(lonlat[:, 1]) <= 90)
    if not good.all():
        first = int(np.flatnonzero(~good)[0])
        lon, lat = lonlat[first]
        raise CoordinateError(f"{what}[{first}]: ({lon}, {lat}) is not a longitude and latitude", index=first)
    return lonlat
