"""What every road engine answers, whatever it is made of.

Time is the metric: paths are fastest paths, and distance is measured along them. Among equally fast
paths the shortest counts, so that two engines agree to the decimetre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from maps.geodesy import LocalFrame

Source = Literal["road", "geodesic", "mixed"]
"""``road``: all of it on roads; ``geodesic``: an estimate from straight lines; ``mixed``: some of both."""

WARN_SNAP_M = 500.0
"""Farther from a road than this, a point is warned about."""
REFUSE_SNAP_M = 2_000.0
"""Farther from a road than this, a point is not reachable: most likely a wrong datum or county."""


@dataclass(frozen=True)
class Snaps:
    """Points brought onto the road network.

    Attributes
    ----------
    edge : shape (n,), int32
        Road edge, or -1 where there is none within reach (and for engines without roads).
    fraction : shape (n,), float64
        Position along the edge's geometry, 0 at its first node, 1 at its last.
    distance_m : shape (n,), float32
        How far the point lies from the road.
    reachable : shape (n,), bool
        Whether a vehicle of the profile can come here and leave again.
    lonlat : shape (n, 2), float64
        The point on the road, WGS-84; the input where there is none.
    """

    edge: NDArray[np.int32]
    fraction: NDArray[np.float64]
    distance_m: NDArray[np.float32]
    reachable: NDArray[np.bool_]
    lonlat: NDArray[np.float64]


@dataclass(frozen=True)
class Matrix:
    """Travel between every source and every destination.

    Attributes
    ----------
    time_s : shape (n, m), float32
        Seconds of the fastest path; ``inf`` where there is none.
    dist_m : shape (n, m), float32
        Metres along that same path; ``inf`` where there is none.
    source
        Whether roads stand behind the numbers; show it wherever they show.
    warnings
        Sentences for the dispatcher, naming points by their index.
    """

    time_s: NDArray[np.float32]
    dist_m: NDArray[np.float32]
    source: Source
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Path:
    """A drive through points in the given order.

    Attributes
    ----------
    coordinates : shape (p, 2), float64
        The line on the map, WGS-84 (lon, lat).
    leg_offsets : shape (k,), int64
        Index into ``coordinates`` of each of the k points; leg i is
        ``coordinates[leg_offsets[i] : leg_offsets[i + 1] + 1]``.
    leg_time_s, leg_dist_m : shape (k - 1,), float32
        ``inf`` where there is no road: the line is then straight.
    """

    coordinates: NDArray[np.float64]
    leg_offsets: NDArray[np.int64]
    leg_time_s: NDArray[np.float32]
    leg_dist_m: NDArray[np.float32]
    source: Source
    warnings: tuple[str, ...] = ()

    def simplified(self, tolerance_m: float) -> Path:
        """Return the same drive with a line of fewer points, for screens.

        Parameters
        ----------
        tolerance_m
            How far the line may leave the road (Douglas, Peucker 1973). Points of the drive stay; times and
            distances are those of the road.
        """
        if len(self.leg_offsets) < 2:
            return self
        frame = LocalFrame.around(self.coordinates)
        pieces, offsets = [self.coordinates[:1]], [0]
        for begin, end in pairwise(self.leg_offsets.tolist()):
            leg = shapely.LineString(frame.to_metres(self.coordinates[begin : end + 1]))
            kept = shapely.get_coordinates(shapely.simplify(leg, tolerance_m, preserve_topology=False))
            line = frame.to_degrees(kept)
            line[-1] = self.coordinates[end]
            pieces.append(line[1:])
            offsets.append(offsets[-1] + len(line) - 1)
        return replace(self, coordinates=np.concatenate(pieces), leg_offsets=np.array(offsets, dtype=np.int64))


class RoadEngine(Protocol):
    """Something that knows how to get around in one region.

    Points are arrays of shape (n, 2) with longitude and latitude in WGS-84 degrees. Profiles are those
    of :mod:`maps.profiles`. Every method raises `CoordinateError` naming the first point that is not
    finite or not on the globe, and `ProfileError` for an unknown profile.
    """

    @property
    def source(self) -> Source:
        """Return what stands behind the answers."""
        ...

    def snap(self, points: ArrayLike, profile: str = "van") -> Snaps:
        """Bring points onto the nearest road the profile may use and come back from."""
        ...

    def matrix(self, src: ArrayLike, dst: ArrayLike, profile: str = "van") -> Matrix:
        """Compute time and distance between every source and every destination."""
        ...

    def route(self, points: ArrayLike, profile: str = "van") -> Path:
        """Find the fastest drive through points in their order, with its line."""
        ...

    def with_closures(self, closed: Sequence[int] | BaseGeometry) -> RoadEngine:
        """Return an engine for the same roads with some closed, as after a landslide.

        Parameters
        ----------
        closed
            Edge ids as `snap` returns them, or a geometry in WGS-84: every edge it touches is closed.
        """
        ...
