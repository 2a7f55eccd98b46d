"""Roads of the demo county: cheapest paths over the land, joined, classified and drawn as lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay, cKDTree

from maps.demo.passage import grid_links
from maps.demo.settlements import Settlement
from maps.demo.terrain import Terrain
from maps.geodesy import FloatArray

IntArray = NDArray[np.int64]

CLASSES = ("trunk", "primary", "secondary", "tertiary", "unclassified", "track")
_REUSE = 0.32
"""Cost of an existing road against fresh ground; small, so that roads join early."""
_PASSES, _LINKS = 6, 22
_FURTHEST = 6.0
"""Cost per metre of straight line above which nobody builds a short cut."""


@dataclass(frozen=True)
class Line:
    """A road before weaving: its points in metres, shape (p, 2), and its tags."""

    points: FloatArray
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class NetworkState:
    """Roads chosen so far: links of the grid with their class, and which points are on a road."""

    links: csr_array
    rank: dict[tuple[int, int], int] = field(default_factory=dict)
    on_road: set[int] = field(default_factory=set)

    def costs(self) -> csr_array:
        """Return the links with existing roads made cheap."""
        cost = self.links.copy()
        if self.rank:
            pairs = np.array(sorted(self.rank), dtype=np.int64)
            row, column = pairs.T
            for a, b in ((row, column), (column, row)):
                at = _positions(cost, a, b)
                cost.data[at[at >= 0]] *= _REUSE
        return cost

    def add(self, path: list[int], rank: int) -> None:
        """Build a path; an existing better road keeps its class."""
        for a, b in pairwise(path):
            key = (min(a, b), max(a, b))
            self.rank[key] = min(self.rank.get(key, rank), rank)
        self.on_road.update(path)


def _positions(matrix: csr_array, row: IntArray, column: IntArray) -> IntArray:
    """Return where entries are stored, -1 for absent ones."""
    keys = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * matrix.shape[1] + matrix.indices
    order = np.argsort(keys)
    wanted = row * matrix.shape[1] + column
    at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    return np.where(keys[order][at] == wanted, order[at], -1)


def lay_roads(terrain: Terrain, places: list[Settlement]) -> NetworkState:
    """Connect everything: trunk road, primary road, towns, passes, villages, hamlets, some short cuts."""
    links = grid_links(terrain)
    links.sort_indices()
    state = NetworkState(links)
    towns = [place.node for place in places if place.kind == "town"]
    for rank, ends in enumerate(_gates(terrain)):
        for gate in ends:
            state.add(_path(links, towns[0], gate), rank)
    _connect(state, towns, 2, batch=1)
    _short_cuts(terrain, state, towns, 3, _PASSES, 22_000.0)
    villages = [place.node for place in places if place.kind == "village"]
    _connect(state, villages, 4, batch=40)
    _short_cuts(terrain, state, villages, 4, _LINKS, 4_500.0)
    _connect(state, [place.node for place in places if place.kind == "hamlet"], 5, batch=70)
    _promote(state, places)
    return state


def _gates(terrain: Terrain) -> tuple[tuple[int, int], tuple[int, int]]:
    """Choose where the trunk road (west, east) and the primary road (north, south) leave the county."""
    points, inside = terrain.points, np.flatnonzero(terrain.inside.ravel())
    x, y = points[inside].T
    apart, _ = cKDTree(terrain.river).query(points[inside])
    valley = terrain.above_valley_m.ravel()[inside] + 0.05 * np.maximum(apart, 300.0)
    middle = np.abs(x - np.median(x)) / 20.0
    west = inside[np.argmin(3 * (x - x.min()) + valley)]
    east = inside[np.argmin(3 * (x.max() - x) + valley)]
    low = terrain.above_valley_m.ravel()[inside] + middle
    north = inside[np.argmin(3 * (y.max() - y) + low)]
    south = inside[np.argmin(3 * (y - y.min()) + low)]
    return (int(west), int(east)), (int(north), int(south))


def _path(links: csr_array, start: int, goal: int) -> list[int]:
    _, before = dijkstra(links, directed=False, indices=start, return_predecessors=True)
    return _walk(before, goal)


def _walk(before: NDArray[np.int32], node: int) -> list[int]:
    path = [node]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path


def _connect(state: NetworkState, nodes: list[int], rank: int, batch: int) -> None:
    """Connect points to the network, the nearest of them first, ``batch`` at a time."""
    left = [node for node in nodes if node not in state.on_road]
    while left:
        cost, before, _ = dijkstra(
            state.costs(), directed=False, indices=sorted(state.on_road), min_only=True, return_predecessors=True
        )
        left.sort(key=lambda node: (cost[node], node))
        for node in left[:batch]:
            state.add(_walk(before, node), rank)
        left = [node for node in left[batch:] if node not in state.on_road]


def _short_cuts(terrain: Terrain, state: NetworkState, nodes: list[int], rank: int, count: int, reach_m: float) -> None:
    """Build roads between neighbours that are near over land but far on roads."""
    points = terrain.points[nodes]
    corners = Delaunay(points).simplices
    pairs = {(min(a, b), max(a, b)) for tri in corners.tolist() for a, b in zip(tri, tri[1:] + tri[:1], strict=True)}
    near = sorted(pair for pair in pairs if np.hypot(*(points[pair[0]] - points[pair[1]])) < reach_m)
    roads, furthest = _roads_only(state), _FURTHEST * reach_m
    gain = []
    for a in sorted({a for a, _ in near}):
        over_land = dijkstra(state.links, directed=False, indices=nodes[a], limit=furthest)
        on_roads = dijkstra(roads, directed=False, indices=nodes[a], limit=10 * furthest)
        goals = [b for first, b in near if first == a]
        gain += [(over_land[nodes[b]] / on_roads[nodes[b]], a, b) for b in goals if over_land[nodes[b]] < furthest]
    used: set[int] = set()
    for _, a, b in sorted(gain):
        if not used & {a, b} and count:
            state.add(_path(state.costs(), nodes[a], nodes[b]), rank)
            used |= {a, b}
            count -= 1


def _roads_only(state: NetworkState) -> csr_array:
    pairs = np.array(sorted(state.rank), dtype=np.int64)
    at = np.maximum(_positions(state.links, *pairs.T), _positions(state.links, *pairs.T[::-1]))
    return csr_array((state.links.data[at], (pairs[:, 0], pairs[:, 1])), shape=state.links.shape)


def _promote(state: NetworkState, places: list[Settlement]) -> None:
    """Class the minor roads by how many places hang on them, seen from the county town."""
    before = dijkstra(_roads_only(state), directed=False, indices=places[0].node, return_predecessors=True)[1]
    load: dict[tuple[int, int], int] = {}
    for place in places:
        path = _walk(before, place.node)
        for a, b in pairwise(path):
            key = (min(a, b), max(a, b))
            load[key] = load.get(key, 0) + (3 if place.kind != "hamlet" else 1)
    for key, rank in state.rank.items():
        if rank >= 4 and load.get(key, 0) >= 18:
            state.rank[key] = 3
        elif rank == 5 and load.get(key, 0) >= 3:
            state.rank[key] = 4
