"""Engine on scipy's Dijkstra: the reference in tests, and the fallback without the fast engine."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from maps.engines.network import Leg, NetworkEngine, Terminals, column_of
from maps.engines.weights import UNREACHABLE, IntArray

_ROWS_AT_ONCE = 256
_STEP = 1
"""Added to the links between points and junctions, for scipy may take a stored zero for no link."""


class DijkstraEngine(NetworkEngine):
    """Fastest paths by Dijkstra's algorithm; simple, exact, slow on large networks."""

    def between(self, profile: str, src: Terminals, dst: Terminals) -> IntArray:
        """Return weights of the fastest paths through junctions, shape (n, m)."""
        links = self._links(profile, src, dst)
        begin, end = self.graph.node_count, self.graph.node_count + len(src.edge)
        weight = np.full((len(src.edge), len(dst.edge)), UNREACHABLE, dtype=np.int64)
        for low in range(begin, end, _ROWS_AT_ONCE):
            rows = np.arange(low, min(low + _ROWS_AT_ONCE, end))
            found = dijkstra(links, indices=rows)[:, end:]
            weight[rows - begin] = np.where(np.isfinite(found), found - 2 * _STEP, UNREACHABLE)
        return weight

    def legs(self, profile: str, src: Terminals, dst: Terminals) -> list[Leg]:
        """Return the fastest path through junctions from each source to the destination of its index."""
        links = self._links(profile, src, dst)
        begin, end = self.graph.node_count, self.graph.node_count + len(src.edge)
        found = []
        for index in range(len(src.edge)):
            distance, before = dijkstra(links, indices=begin + index, return_predecessors=True)
            if np.isfinite(distance[end + index]):
                nodes = _walk_back(before, end + index)
                found.append(self._leg(profile, src, dst, index, nodes, int(distance[end + index]) - 2 * _STEP))
            else:
                found.append(Leg(UNREACHABLE))
        return found

    def _links(self, profile: str, src: Terminals, dst: Terminals) -> csr_array:
        """Return the network with one more node per source and per destination.

        Nothing leads into a source's node or out of a destination's, so no path runs through them.
        """
        metric, arcs = self.metric(profile), self.graph.arcs
        weight = np.where(arcs.backward, metric.backward[arcs.edge], metric.forward[arcs.edge])
        sources = np.repeat(np.arange(len(src.edge)), 2) + self.graph.node_count
        targets = np.repeat(np.arange(len(dst.edge)), 2) + self.graph.node_count + len(src.edge)
        tail = np.concatenate([arcs.tail, sources, dst.node.ravel()])
        head = np.concatenate([arcs.head, src.node.ravel(), targets])
        cost = np.concatenate([weight, src.cost.ravel() + _STEP, dst.cost.ravel() + _STEP])
        return _smallest(tail, head, cost, self.graph.node_count + len(src.edge) + len(dst.edge))

    def _leg(self, profile: str, src: Terminals, dst: Terminals, index: int, nodes: list[int], weight: int) -> Leg:
        """Describe a path given as source, junctions, destination."""
        leave = column_of(src, index, nodes[1])
        enter = column_of(dst, index, nodes[-2])
        pairs = pairwise(nodes[1:-1])
        return Leg(weight, leave, enter, tuple(self._edge_between(profile, tail, head) for tail, head in pairs))

    def _edge_between(self, profile: str, tail: int, head: int) -> tuple[int, bool]:
        metric, arcs = self.metric(profile), self.graph.arcs
        candidates = np.flatnonzero((arcs.tail == tail) & (arcs.head == head))
        edges, backward = arcs.edge[candidates], arcs.backward[candidates]
        best = int(np.where(backward, metric.backward[edges], metric.forward[edges]).argmin())
        return int(edges[best]), bool(backward[best])


def _smallest(tail: NDArray[np.int32], head: NDArray[np.int32], cost: IntArray, count: int) -> csr_array:
    """Build a sparse matrix of the smallest cost per pair; scipy would add parallel ones up."""
    open_ = (tail >= 0) & (head >= 0) & (tail != head) & (cost < UNREACHABLE)
    tail, head, cost = tail[open_], head[open_], cost[open_]
    order = np.lexsort((cost, head, tail))
    tail, head, cost = tail[order], head[order], cost[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    return csr_array((cost[first].astype(np.float64), (tail[first], head[first])), shape=(count, count))


def _walk_back(before: NDArray[np.int32], node: int) -> list[int]:
    nodes = [node]
    while before[nodes[-1]] >= 0:
        nodes.append(int(before[nodes[-1]]))
    return nodes[::-1]
