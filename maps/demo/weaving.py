"""Weaving of lines into one network: wherever two meet or cross, both get the same node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from maps.demo.roads import Line
from maps.geodesy import FloatArray

_SAME_M = 0.4
"""Points nearer than this are one node."""


@dataclass(frozen=True)
class Web:
    """Nodes in metres, shape (n, 2), and ways as node indices with tags."""

    nodes: FloatArray
    ways: tuple[tuple[tuple[int, ...], dict[str, str]], ...]


def weave(lines: list[Line]) -> Web:
    """Join lines at their crossings and touching ends, and drop what is not connected to the rest."""
    drawn = np.array([shapely.LineString(line.points) for line in lines], dtype=object)
    extra = _meetings(drawn)
    pieces = [_with_points(line.points, extra.get(index, [])) for index, line in enumerate(lines)]
    owner = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    points = np.concatenate(pieces)
    pairs = cKDTree(points).query_pairs(_SAME_M, output_type="ndarray")
    count, node = _groups(len(points), pairs)
    nodes = np.stack(
        [np.bincount(node, points[:, axis], count) / np.bincount(node, minlength=count) for axis in (0, 1)], axis=1
    )
    ways = [_without_repeats(node[owner == index]) for index in range(len(pieces))]
    return _largest(nodes, ways, lines)


def _meetings(drawn: NDArray[np.object_]) -> dict[int, list[FloatArray]]:
    """Find for each line the points where another meets it."""
    tree = shapely.STRtree(drawn)
    first, second = tree.query(drawn, predicate="dwithin", distance=_SAME_M)
    apart = first != second
    first, second = first[apart], second[apart]
    found: dict[int, list[FloatArray]] = {}
    crossings = shapely.intersection(drawn[first], drawn[second])
    for a, shape in zip(first, crossings, strict=True):
        found.setdefault(int(a), []).extend(shapely.get_coordinates(shape))
    for a, b in zip(first, second, strict=True):
        ends = shapely.get_coordinates(drawn[b])[[0, -1]]
        touching = shapely.distance(drawn[a], shapely.points(ends)) <= _SAME_M
        found.setdefault(int(a), []).extend(ends[touching])
    return found


def _with_points(points: FloatArray, extra: list[FloatArray]) -> FloatArray:
    """Insert points into a line where they lie along it."""
    if not extra:
        return points
    line = shapely.LineString(points)
    everything = np.concatenate([points, np.array(extra)])
    step = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    along = np.concatenate([step, shapely.line_locate_point(line, shapely.points(np.array(extra)))])
    return everything[np.argsort(along, kind="stable")]


def _groups(count: int, pairs: NDArray[np.int64]) -> tuple[int, NDArray[np.int32]]:
    links = csr_array((np.ones(len(pairs), dtype=np.int32), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    groups, member = connected_components(links, directed=False)
    return int(groups), np.asarray(member, dtype=np.int32)


def _without_repeats(nodes: NDArray[np.int32]) -> NDArray[np.int32]:
    moves = np.concatenate([[True], nodes[1:] != nodes[:-1]])
    return np.asarray(nodes[moves], dtype=np.int32)


def _largest(nodes: FloatArray, ways: list[NDArray[np.int32]], lines: list[Line]) -> Web:
    tail = np.concatenate([way[:-1] for way in ways])
    head = np.concatenate([way[1:] for way in ways])
    _, part = _groups(len(nodes), np.stack([tail, head], axis=1))
    main = np.bincount(part[tail]).argmax()
    kept = tuple(
        (tuple(int(node) for node in way), line.tags)
        for way, line in zip(ways, lines, strict=True)
        if len(way) > 1 and part[way[0]] == main
    )
    return Web(nodes, kept)
