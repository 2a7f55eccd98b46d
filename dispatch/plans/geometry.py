"""Lines of routes on the map: packed for the database, unpacked to GeoJSON, spliced when a stop is inserted."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dispatch.plans.matrices import Roads

_SCALE: Final = 1e6  # six decimals: 0.1 m
_TOLERANCE_M: Final = 5.0  # a screen shows no more; a fifth of the points remain
_LEVEL: Final = 1  # coordinates differ little from point to point; more effort gains almost nothing


@dataclass(frozen=True, eq=False)
class RouteLine:
    """The line of one route from the depot over its stops and back.

    Attributes
    ----------
    coordinates : shape (p, 2), float64
        Longitude and latitude, WGS-84.
    leg_offsets : shape (stops + 2,), int64
        Index into ``coordinates`` of the depot, each stop and the depot again.
    """

    coordinates: NDArray[np.float64]
    leg_offsets: NDArray[np.int64]

    def geojson(self) -> dict[str, Any]:
        """Return the line as a GeoJSON LineString with six decimals."""
        points = np.round(self.coordinates, 6)
        if len(points) == 1:  # a line has at least two positions (RFC 7946)
            points = np.repeat(points, 2, axis=0)
        return {"type": "LineString", "coordinates": points.tolist()}

    def with_detour(self, position: int, detour: RouteLine) -> RouteLine:
        """Return the line with one leg replaced by a drive over one more point.

        Parameters
        ----------
        position
            Leg that is replaced: 0 leads from the depot to the first stop.
        detour
            A line over three points: start of the leg, new stop, end of the leg.
        """
        start, end = int(self.leg_offsets[position]), int(self.leg_offsets[position + 1])
        points = np.concatenate([self.coordinates[:start], detour.coordinates, self.coordinates[end + 1 :]])
        grown = len(detour.coordinates) - (end - start + 1)
        offsets = np.concatenate(
            [
                self.leg_offsets[:position],
                detour.leg_offsets + start,
                self.leg_offsets[position + 2 :] + grown,
            ]
        )
        return RouteLine(points, offsets.astype(np.int64))


def line_through(roads: Roads, points: ArrayLike, profile: str) -> tuple[RouteLine, str]:
    """Draw the drive through points in their order; give the line and what stands behind it.

    Parameters
    ----------
    points
        Shape (k, 2), longitude and latitude.

    Returns
    -------
    The line, off the road by five metres at most, and ``road``, ``geodesic`` or ``mixed``.
    """
    path = roads.route(points, profile).simplified(_TOLERANCE_M)
    return RouteLine(path.coordinates, path.leg_offsets), path.source


def pack(line: RouteLine) -> bytes:
    """Return the line as compressed differences of integers; equal lines give equal bytes."""
    whole = np.round(line.coordinates * _SCALE).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=0).astype(np.int32)
    head = np.array([len(line.leg_offsets), len(whole)], dtype=np.int32)
    parts = (head, line.leg_offsets.astype(np.int32), steps)
    return zlib.compress(b"".join(part.astype("<i4").tobytes() for part in parts), _LEVEL)


def unpack(packed: bytes) -> RouteLine:
    """Return the line that `pack` wrote."""
    numbers = np.frombuffer(zlib.decompress(packed), dtype="<i4").astype(np.int64)
    legs, points = int(numbers[0]), int(numbers[1])
    offsets = numbers[2 : 2 + legs]
    steps = numbers[2 + legs :].reshape(points, 2)
    return RouteLine(np.cumsum(steps, axis=0) / _SCALE, offsets)


def digest_of(packed: bytes) -> str:
    """Return the id of a packed line."""
    return hashlib.sha256(packed).hexdigest()
