"""Land of the demo county: a river, its side valleys and the mountains between, on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from maps.geodesy import FloatArray

STEP_M = 250.0
WIDTH_M, HEIGHT_M = 58_000.0, 46_000.0

_RIVER_FALL = 0.0015
_STREAM_FALL = 0.016
_RIDGE_M = 620.0
"""Height a slope reaches far from any valley."""
_SLOPE_LENGTH_M = 1_300.0
_WIGGLE_RAD = 0.45


@dataclass(frozen=True)
class Terrain:
    """The land on a grid of `STEP_M`; metres, x east, y north, origin at the south-west corner.

    Attributes
    ----------
    x, y, height_m, above_valley_m : shape (rows, columns)
        Position, height over sea and height over the nearest valley floor of each grid point.
    inside : shape (rows, columns), bool
        Whether the point belongs to the county.
    river : shape (p, 2)
    streams
        Lines of the side valleys, each of shape (p, 2), from the mouth up.
    """

    x: FloatArray
    y: FloatArray
    height_m: FloatArray
    above_valley_m: FloatArray
    inside: NDArray[np.bool_]
    river: FloatArray
    streams: tuple[FloatArray, ...]

    @property
    def points(self) -> FloatArray:
        """Return all grid points, shape (rows × columns, 2)."""
        return np.stack([self.x.ravel(), self.y.ravel()], axis=1)

    @cached_property
    def water(self) -> shapely.Geometry:
        """Return the river's bed with its banks, where nothing is built."""
        return shapely.LineString(self.river).buffer(45.0)


def raise_land(rng: np.random.Generator) -> Terrain:
    """Make a river, side valleys, and mountains."""
    river = _river(rng)
    streams, beds = _streams(rng, river)
    x, y = np.meshgrid(np.arange(0.0, WIDTH_M + 1, STEP_M), np.arange(0.0, HEIGHT_M + 1, STEP_M))
    floor = np.concatenate([river, *streams])
    bed = np.concatenate([_river_bed(river), *beds])
    distance, nearest = cKDTree(floor).query(np.stack([x.ravel(), y.ravel()], axis=1))
    distance, bed_here = distance.reshape(x.shape), gaussian_filter(bed[nearest].reshape(x.shape), 3.0)
    rough = _noise(rng, x.shape, (2.5, 6.0, 16.0), (0.3, 0.5, 0.6))
    slope = 1.0 - np.exp(-np.maximum(distance - 150.0, 0.0) / _SLOPE_LENGTH_M)
    above = _RIDGE_M * slope * np.clip(1.0 + 0.55 * rough, 0.25, 2.0)
    return Terrain(x, y, bed_here + above, above, _county(rng, x, y), river, tuple(streams))


def _river(rng: np.random.Generator) -> FloatArray:
    phase = rng.uniform(0, 2 * np.pi, size=3)
    x = np.arange(0.0, WIDTH_M + 1, 125.0)
    y = 0.47 * HEIGHT_M + 4_200 * np.sin(2 * np.pi * x / 43_000 + phase[0])
    y += 1_300 * np.sin(2 * np.pi * x / 10_500 + phase[1]) + 420 * np.sin(2 * np.pi * x / 4_300 + phase[2])
    return np.stack([x, y], axis=1)


def _river_bed(river: FloatArray) -> FloatArray:
    bed: FloatArray = 420.0 - _RIVER_FALL * river[:, 0]
    return bed


def _streams(rng: np.random.Generator, river: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
    """Grow side valleys from both banks, and smaller ones from those."""
    streams: list[FloatArray] = []
    beds: list[FloatArray] = []
    at, side = rng.uniform(1_500, 3_000), 1.0
    river_bed = _river_bed(river)
    while at < WIDTH_M - 1_500:
        index = int(np.searchsorted(river[:, 0], at))
        heading = side * np.pi / 2 + rng.normal(0.0, 0.3)
        stream = _grow(rng, river[index], heading, rng.uniform(11_000, 24_000), streams)
        streams.append(stream)
        beds.append(river_bed[index] + _STREAM_FALL * _along(stream))
        for share in rng.uniform(0.2, 0.85, size=rng.integers(2, 5)):
            joint = int(share * (len(stream) - 1))
            turn = heading + rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.3)
            branch = _grow(rng, stream[joint], turn, rng.uniform(3_000, 8_500), streams)
            streams.append(branch)
            beds.append(beds[-1][min(joint, len(beds[-1]) - 1)] + 1.5 * _STREAM_FALL * _along(branch))
        at += rng.uniform(1_900, 3_300)
        side = -side
    return streams, beds


def _grow(
    rng: np.random.Generator, start: FloatArray, heading: float, length_m: float, others: list[FloatArray]
) -> FloatArray:
    """Let a valley wander uphill from its mouth; it ends at the edge of the land or short of another valley."""
    steps = int(length_m / 125.0)
    angle = heading + _WIGGLE_RAD * _noise(rng, (steps,), (5.0, 18.0), (0.8, 1.0))
    moves = 125.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    line: FloatArray = start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    out = np.flatnonzero((line < 0).any(axis=1) | (line[:, 0] > WIDTH_M) | (line[:, 1] > HEIGHT_M))
    line = line[: max(int(out[0]), 2)] if len(out) else line
    if others and len(line) > 12:
        apart, _ = cKDTree(np.concatenate(others)).query(line[8:])
        met = np.flatnonzero(apart < 900.0)
        met = met[met > 8]
        line = line[: int(met[0]) + 8] if len(met) else line
    return line


def _along(line: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])


def _noise(
    rng: np.random.Generator, shape: tuple[int, ...], widths: tuple[float, ...], shares: tuple[float, ...]
) -> FloatArray:
    total = np.zeros(shape)
    for width, share in zip(widths, shares, strict=True):
        layer = gaussian_filter(rng.normal(size=shape), width)
        total += share * layer / layer.std()
    return total


def _county(rng: np.random.Generator, x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """Draw a wavy outline around the middle of the land."""
    u, v = (x - WIDTH_M / 2) / (WIDTH_M / 2), (y - HEIGHT_M / 2) / (HEIGHT_M / 2)
    angle = np.arctan2(v, u)
    radius = np.full(x.shape, 0.93)
    for waves in (2, 3, 5, 8, 13):
        radius += 0.11 / waves * np.sin(waves * angle + rng.uniform(0, 2 * np.pi))
    inside: NDArray[np.bool_] = (np.abs(u) ** 3 + np.abs(v) ** 3) ** (1 / 3) < np.minimum(radius, 0.985)
    return inside
