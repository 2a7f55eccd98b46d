"""Bringing points onto roads, and lines along roads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from maps.engines.protocol import REFUSE_SNAP_M, WARN_SNAP_M, Snaps
from maps.errors import ClosureError
from maps.geodesy import FloatArray, LocalFrame
from maps.graph import RoadGraph

_NAMED_POINTS = 10


class RoadLines:
    """The lines of a network in local metres, indexed for nearest-road queries."""

    def __init__(self, graph: RoadGraph) -> None:
        self._graph = graph
        self._trees: dict[str, tuple[NDArray[np.int64], shapely.STRtree]] = {}

    @cached_property
    def frame(self) -> LocalFrame:
        """Return the flat frame all lines are in."""
        return LocalFrame.around(self._graph.node_lonlat)

    @cached_property
    def lines(self) -> NDArray[np.object_]:
        """Return one line string per edge, in metres."""
        owner = np.repeat(np.arange(self._graph.edge_count), np.diff(self._graph.shape_offset))
        lines: NDArray[np.object_] = shapely.linestrings(self.frame.to_metres(self._graph.shape_lonlat), indices=owner)
        return lines

    def snap(self, lonlat: FloatArray, profile: str, core: NDArray[np.bool_], reachable: NDArray[np.bool_]) -> Snaps:
        """Bring points onto the nearest of a profile's edges.

        Parameters
        ----------
        core : shape (e,), bool
            Edges points may be brought to; must not change for a profile between calls.
        reachable : shape (e,), bool
            Edges a vehicle can come to and leave again today.
        """
        if profile not in self._trees:
            edges = np.flatnonzero(core)
            self._trees[profile] = edges, shapely.STRtree(self.lines[edges])
        edges, tree = self._trees[profile]
        dots = shapely.points(self.frame.to_metres(lonlat)) if len(lonlat) else np.empty(0, dtype=object)
        which, nearest = tree.query_nearest(dots, max_distance=REFUSE_SNAP_M, all_matches=False)
        edge = np.full(len(lonlat), -1, dtype=np.int32)
        edge[which] = edges[nearest]
        lines = self.lines[edge[which]]
        fraction = np.zeros(len(lonlat))
        fraction[which] = shapely.line_locate_point(lines, dots[which], normalized=True)
        feet = shapely.line_interpolate_point(lines, fraction[which], normalized=True)
        distance = np.full(len(lonlat), np.inf, dtype=np.float32)
        distance[which] = shapely.distance(feet, dots[which])
        on_road = lonlat.copy()
        on_road[which] = self.frame.to_degrees(shapely.get_coordinates(feet))
        return Snaps(edge, fraction, distance, (edge >= 0) & reachable[np.maximum(edge, 0)], on_road)

    def stretch(self, edge: int, begin: float, end: float) -> FloatArray:
        """Return the line along one edge between two fractions, in degrees; against the edge if end < begin."""
        piece = substring(self.lines[edge], begin, end, normalized=True)
        return self.frame.to_degrees(shapely.get_coordinates(piece))

    def edges_touching(self, area: BaseGeometry) -> NDArray[np.int64]:
        """Return the edges a geometry in degrees touches."""
        flat = shapely.transform(area, self.frame.to_metres)
        return np.flatnonzero(shapely.intersects(self.lines, flat))


def closed_edges(lines: RoadLines, edge_count: int, closed: Sequence[int] | BaseGeometry) -> NDArray[np.int64]:
    """Return the edges a closure names.

    Raises
    ------
    ClosureError
        If an edge id does not exist.
    """
    if isinstance(closed, BaseGeometry):
        return lines.edges_touching(closed)
    edges = np.asarray(list(closed), dtype=np.int64)
    wrong = edges[(edges < 0) | (edges >= edge_count)]
    if len(wrong):
        raise ClosureError(f"there is no road edge {int(wrong[0])}", edge=int(wrong[0]))
    return edges


def snap_warnings(snaps: Snaps, what: str) -> tuple[str, ...]:
    """Say which points lie far from any road, or where no vehicle gets to."""
    off = snaps.edge < 0
    far = ~off & (snaps.distance_m > WARN_SNAP_M)
    cut = ~off & ~snaps.reachable
    said = (
        (off, f"farther than {REFUSE_SNAP_M:.0f} m from any road, so not reachable"),
        (far, f"farther than {WARN_SNAP_M:.0f} m from the nearest road"),
        (cut, "on a road that is closed or cut off"),
    )
    return tuple(f"{what} {named(np.flatnonzero(mask))}: {text}" for mask, text in said if mask.any())


def named(indices: NDArray[np.int64]) -> str:
    """List indices for a reader, the first ten of them."""
    shown = ", ".join(str(index) for index in indices[:_NAMED_POINTS])
    more = len(indices) - _NAMED_POINTS
    return f"{shown} and {more} more" if more > 0 else shown
