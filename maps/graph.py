"""The road network of a region as flat arrays.

An *edge* is a piece of road between two junctions. An *arc* is the use of an edge in one direction.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maps.errors import RegionDataError
from maps.geodesy import FloatArray, straight_m
from maps.osm_tags import BACKWARD, FORWARD, RoadTags


@dataclass(frozen=True)
class RoadWay:
    """One way of the source, before it is cut at junctions."""

    way_id: int
    refs: Sequence[int]
    lonlat: Sequence[tuple[float, float]]
    tags: RoadTags


@dataclass(frozen=True)
class RoadGraph:
    """Nodes and edges of a road network.

    Attributes
    ----------
    node_lonlat : shape (n, 2), float64
        Junctions and road ends, WGS-84 degrees.
    tail, head : shape (e,), int32
        First and last node of each edge.
    length_m : shape (e,), float64
    class_code : shape (e,), uint8
        Index into :data:`maps.osm_tags.ROAD_CLASSES`.
    maxspeed_kmh : shape (e,), float32
        Signed limit, 0 when unknown.
    directions, access : shape (e,), uint8
        Bits of :mod:`maps.osm_tags`.
    way_id : shape (e,), int64
        Way of the source the edge was cut from.
    shape_offset : shape (e + 1,), int64
        The line of edge i is ``shape_lonlat[shape_offset[i] : shape_offset[i + 1]]``.
    shape_lonlat : shape (p, 2), float64
    """

    node_lonlat: FloatArray
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_m: FloatArray
    class_code: NDArray[np.uint8]
    maxspeed_kmh: NDArray[np.float32]
    directions: NDArray[np.uint8]
    access: NDArray[np.uint8]
    way_id: NDArray[np.int64]
    shape_offset: NDArray[np.int64]
    shape_lonlat: FloatArray

    @property
    def node_count(self) -> int:
        """Return how many junctions and road ends there are."""
        return len(self.node_lonlat)

    @property
    def edge_count(self) -> int:
        """Return how many edges there are."""
        return len(self.tail)

    @cached_property
    def arcs(self) -> Arcs:
        """Return the directed arcs, forward ones first."""
        forward = np.flatnonzero(self.directions & FORWARD)
        backward = np.flatnonzero(self.directions & BACKWARD)
        return Arcs(
            edge=np.concatenate([forward, backward]).astype(np.int32),
            backward=np.repeat([False, True], [len(forward), len(backward)]),
            tail=np.concatenate([self.tail[forward], self.head[backward]]),
            head=np.concatenate([self.head[forward], self.tail[backward]]),
        )

    def line(self, edge: int) -> FloatArray:
        """Return the line of one edge, shape (p, 2), from its first node to its last."""
        line: FloatArray = self.shape_lonlat[self.shape_offset[edge] : self.shape_offset[edge + 1]]
        return line


@dataclass(frozen=True)
class Arcs:
    """Directed arcs of a graph, all arrays of shape (a,)."""

    edge: NDArray[np.int32]
    backward: NDArray[np.bool_]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]

    @property
    def count(self) -> int:
        """Return how many arcs there are."""
        return len(self.edge)


def save_roads(path: Path, graph: RoadGraph, order: NDArray[np.int32] | None) -> None:
    """Write a network, and the contraction order when there is one, to a numpy archive."""
    arrays = {item.name: getattr(graph, item.name) for item in fields(graph)}
    np.savez(path, contraction_order=np.empty(0, np.int32) if order is None else order, **arrays)


def load_roads(path: Path) -> tuple[RoadGraph, NDArray[np.int32] | None]:
    """Read what :func:`save_roads` wrote.

    Raises
    ------
    RegionDataError
        If the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            graph = RoadGraph(**{item.name: archive[item.name] for item in fields(RoadGraph)})
            order = archive["contraction_order"]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as problem:
        raise RegionDataError(f"road network {path.name} cannot be read: {problem}", path=path.name) from problem
    return graph, order if len(order) == graph.node_count else None


def cut_at_junctions(ways: Sequence[RoadWay]) -> RoadGraph:
    """Build a graph: every node that two ways share, that a way passes twice or ends at, becomes a junction.

    Ways of fewer than two nodes are left out. An empty list gives an empty graph.
    """
    ways = [way for way in ways if len(way.refs) >= 2]
    refs = np.fromiter((ref for way in ways for ref in way.refs), dtype=np.int64)
    lonlat = np.array([point for way in ways for point in way.lonlat], dtype=np.float64).reshape(-1, 2)
    way_of = np.repeat(np.arange(len(ways)), [len(way.refs) for way in ways])
    first = np.ones(len(refs), dtype=bool)
    first[1:] = way_of[1:] != way_of[:-1]
    last = np.roll(first, -1)
    _, node_of, uses = np.unique(refs, return_inverse=True, return_counts=True)
    junction = first | last | (uses[node_of] > 1)
    begins = np.flatnonzero(junction & ~last)
    ends = np.flatnonzero(junction & ~first)
    return _assemble(ways, lonlat, way_of, node_of, begins, ends)


def _assemble(
    ways: Sequence[RoadWay],
    lonlat: FloatArray,
    way_of: NDArray[np.int64],
    node_of: NDArray[np.int64],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> RoadGraph:
    """Turn stretches ``begins[i] .. ends[i]`` of the concatenated ways into edges."""
    ends_at = np.concatenate([begins, ends])
    _, sample, node = np.unique(node_of[ends_at], return_index=True, return_inverse=True)
    counts = ends - begins + 1
    offset = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    point = np.arange(offset[-1]) - np.repeat(offset[:-1] - begins, counts)
    step_m = np.zeros(len(lonlat))
    step_m[1:] = np.cumsum(straight_m(lonlat[:-1], lonlat[1:])) if len(lonlat) else 0.0
    tags = [ways[index].tags for index in way_of[begins]]
    return RoadGraph(
        node_lonlat=lonlat[ends_at[sample]],
        tail=node[: len(begins)].astype(np.int32),
        head=node[len(begins) :].astype(np.int32),
        length_m=step_m[ends] - step_m[begins],
        class_code=np.array([tag.class_code for tag in tags], dtype=np.uint8),
        maxspeed_kmh=np.array([tag.maxspeed_kmh for tag in tags], dtype=np.float32),
        directions=np.array([tag.directions for tag in tags], dtype=np.uint8),
        access=np.array([tag.access for tag in tags], dtype=np.uint8),
        way_id=np.array([ways[index].way_id for index in way_of[begins]], dtype=np.int64),
        shape_offset=offset,
        shape_lonlat=lonlat[point],
    )
