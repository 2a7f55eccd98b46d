"""Customizable contraction hierarchy that carries time and length together.

The contraction order comes from ``routingkit-cch``, whose own metric holds one 31-bit number per arc.
That is enough for times alone; here the same hierarchy is customised with the two-in-one weights of
:mod:`maps.engines.weights`, so a matrix yields the exact length of the fastest path beside its time.

Sources: Dibbelt, Strasser, Wagner, *Customizable Contraction Hierarchies*, ACM JEA 21 (2016); elimination
tree queries as in its section 7. Ranks replace node numbers throughout: a node is its rank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from maps.engines.weights import UNREACHABLE, IntArray

_NONE = UNREACHABLE


@dataclass(frozen=True)
class Hierarchy:
    """What depends on the roads only, not on speeds or closures.

    Attributes
    ----------
    rank : shape (n,), int32
        Rank of each junction of the graph; higher is more important.
    first : shape (n + 1,), int32
        Upward arcs of rank r are ``first[r] .. first[r + 1]``.
    low, high : shape (m,), int32
        Ends of the upward arcs; sorted by low, then high.
    parent : shape (n,), int32
        Lowest higher neighbour, -1 at a root: the elimination tree.
    depth : shape (n,), int32
        Steps to the root.
    """

    rank: NDArray[np.int32]
    first: NDArray[np.int32]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    parent: NDArray[np.int32]
    depth: NDArray[np.int32]

    def arc(self, low: int, high: int) -> int:
        """Return the index of an upward arc that exists."""
        begin, end = self.first[low], self.first[low + 1]
        return int(begin + np.searchsorted(self.high[begin:end], high))

    def arcs(self, low: NDArray[np.int32], high: NDArray[np.int32]) -> IntArray:
        """Return the indices of upward arcs that exist, shape (k,)."""
        size = len(self.parent) + 1
        keys = self.low.astype(np.int64) * size + self.high
        return np.searchsorted(keys, low.astype(np.int64) * size + high)


def build_hierarchy(order: NDArray[np.int32], tail: NDArray[np.int32], head: NDArray[np.int32]) -> Hierarchy:
    """Contract the junctions in order.

    Parameters
    ----------
    order : shape (n,)
        Junctions from least to most important.
    tail, head : shape (a,)
        Arcs of the graph; their direction does not matter.
    """
    count = len(order)
    rank = np.empty(count, dtype=np.int32)
    rank[order] = np.arange(count, dtype=np.int32)
    higher: list[set[int]] = [set() for _ in range(count)]
    for a, b in zip(rank[tail].tolist(), rank[head].tolist(), strict=True):
        if a != b:
            higher[min(a, b)].add(max(a, b))
    parent = np.full(count, -1, dtype=np.int32)
    for node, above in enumerate(higher):
        if above:
            lowest = min(above)
            parent[node] = lowest
            higher[lowest] |= above  # removing a node joins all its higher neighbours
            higher[lowest].discard(lowest)
    first = np.zeros(count + 1, dtype=np.int32)
    first[1:] = np.cumsum([len(above) for above in higher])
    high = np.fromiter((node for above in higher for node in sorted(above)), dtype=np.int32, count=int(first[-1]))
    depth = np.zeros(count, dtype=np.int32)
    for node in range(count - 1, -1, -1):
        if parent[node] >= 0:
            depth[node] = depth[parent[node]] + 1
    low = np.repeat(np.arange(count, dtype=np.int32), np.diff(first))
    return Hierarchy(rank, first, low, high, parent, depth)


@dataclass(frozen=True)
class Customised:
    """A hierarchy with weights.

    Attributes
    ----------
    up, down : shape (m,), int64
        Weight of each upward arc from its low to its high end, and back.
    up_via, down_via : shape (m,), int32
        The rank a shortcut runs through, or ``-1 - arc`` for an arc of the graph.
    """

    up: IntArray
    down: IntArray
    up_via: NDArray[np.int32]
    down_via: NDArray[np.int32]


def customise(hierarchy: Hierarchy, tail: NDArray[np.int32], head: NDArray[np.int32], weight: IntArray) -> Customised:
    """Give a hierarchy the weights of a graph's arcs; closed ones have `UNREACHABLE`."""
    size = len(hierarchy.low)
    arcs = Customised(
        np.full(size, _NONE), np.full(size, _NONE), np.full(size, -1, np.int32), np.full(size, -1, np.int32)
    )
    low, high = hierarchy.rank[tail], hierarchy.rank[head]
    for upward, weights, via in ((True, arcs.up, arcs.up_via), (False, arcs.down, arcs.down_via)):
        # Heaviest first: of parallel arcs the lightest is written last and stays.
        chosen = np.flatnonzero((low < high) if upward else (low > high))
        chosen = chosen[np.argsort(-weight[chosen], kind="stable")]
        at = hierarchy.arcs(np.minimum(low, high)[chosen], np.maximum(low, high)[chosen])
        weights[at] = weight[chosen]
        via[at] = -1 - chosen
    relax(hierarchy.first, hierarchy.high, arcs.up, arcs.down, arcs.up_via, arcs.down_via)
    return arcs


def _relax(
    first: NDArray[np.int32],
    high: NDArray[np.int32],
    up: IntArray,
    down: IntArray,
    up_via: NDArray[np.int32],
    down_via: NDArray[np.int32],
) -> None:
    """Let every lower triangle shorten its upper side, from the least important node up."""
    for node in range(len(first) - 1):
        end = first[node + 1]
        for i in range(first[node], end):
            k = first[high[i]]
            for j in range(i + 1, end):
                while high[k] != high[j]:
                    k += 1
                there = down[i] + up[j]
                if there < up[k]:
                    up[k] = there
                    up_via[k] = node
                back = down[j] + up[i]
                if back < down[k]:
                    down[k] = back
                    down_via[k] = node


def _sweep(
    first: NDArray[np.int32],
    high: NDArray[np.int32],
    parent: NDArray[np.int32],
    depth: NDArray[np.int32],
    weight: IntArray,
    node: NDArray[np.int32],
    cost: IntArray,
    label: IntArray,
    chain: NDArray[np.int32],
    reached_by: NDArray[np.int32],
) -> None:
    """Label every ancestor of each point with the weight between them.

    The two junctions of a point are neighbours, so one is the ancestor of the other and a single walk up
    the elimination tree settles both. Row i of ``label``, ``chain`` and ``reached_by`` is indexed by depth:
    weight, rank and the arc that gave the weight (-1: the point itself).
    """
    for i in range(len(node)):
        start = -1
        for column in range(2):
            at = node[i, column]
            if at >= 0:
                label[i, depth[at]] = min(label[i, depth[at]], cost[i, column])
                if start < 0 or at < start:
                    start = at
        while start >= 0:
            here = label[i, depth[start]]
            chain[i, depth[start]] = start
            for arc in range(first[start], first[start + 1]):
                above = depth[high[arc]]
                if here + weight[arc] < label[i, above]:
                    label[i, above] = here + weight[arc]
                    reached_by[i, above] = arc
            start = parent[start]


def _meet(
    source: IntArray,
    source_chain: NDArray[np.int32],
    target: IntArray,
    target_chain: NDArray[np.int32],
    best: IntArray,
) -> None:
    """Join labels: the fastest path runs over a common ancestor, and those are a common prefix of the chains."""
    for i in range(source.shape[0]):
        for j in range(target.shape[0]):
            found = best[i, j]
            for k in range(source.shape[1]):
                if source_chain[i, k] != target_chain[j, k] or source_chain[i, k] < 0:
                    break
                total = source[i, k] + target[j, k]
                if total < found:
                    found = total
            best[i, j] = found


relax: Callable[..., None] = njit(cache=True, nogil=True)(_relax)
sweep: Callable[..., None] = njit(cache=True, nogil=True)(_sweep)
meet: Callable[..., None] = njit(cache=True, nogil=True)(_meet)


@dataclass(frozen=True)
class Labels:
    """Weights between points and all their ancestors; rows are points, columns depths."""

    weight: IntArray
    chain: NDArray[np.int32]
    reached_by: NDArray[np.int32]


def label_points(hierarchy: Hierarchy, weight: IntArray, node: NDArray[np.int32], cost: IntArray) -> Labels:
    """Label points.

    Parameters
    ----------
    weight : shape (m,)
        ``up`` for sources, ``down`` for destinations.
    node, cost : shape (n, 2)
        Junction ranks of each point, -1 for none, and the weight to them.
    """
    width = int(hierarchy.depth.max(initial=0)) + 1
    shape = (len(node), width)
    labels = Labels(np.full(shape, _NONE), np.full(shape, -1, np.int32), np.full(shape, -1, np.int32))
    sweep(
        hierarchy.first, hierarchy.high, hierarchy.parent, hierarchy.depth, weight, node, cost,
        labels.weight, labels.chain, labels.reached_by,
    )  # fmt: skip
    return labels


def unpack_path(
    hierarchy: Hierarchy, arcs: Customised, source: Labels, target: Labels, row: int
) -> tuple[int, int, list[int]]:
    """Return the first and last junction (as ranks) and the graph's arcs of one path.

    Parameters
    ----------
    source, target
        Labels between which a path exists, row by row.
    """
    same = (source.chain[row] == target.chain[row]) & (source.chain[row] >= 0)
    total = np.where(same, source.weight[row] + target.weight[row], 2 * _NONE)
    top = int(source.chain[row, int(total.argmin())])
    rising = _climb(hierarchy, source.reached_by[row], top)
    falling = _climb(hierarchy, target.reached_by[row], top)
    first = int(hierarchy.low[rising[-1]]) if rising else top
    last = int(hierarchy.low[falling[-1]]) if falling else top
    steps = [(arc, True) for arc in reversed(rising)] + [(arc, False) for arc in falling]
    return first, last, _expand(hierarchy, arcs, steps)


def _climb(hierarchy: Hierarchy, reached_by: NDArray[np.int32], top: int) -> list[int]:
    """Return the upward arcs that led from a point to one of its ancestors, last first."""
    arcs = []
    while (arc := int(reached_by[hierarchy.depth[top]])) >= 0:
        arcs.append(arc)
        top = int(hierarchy.low[arc])
    return arcs


def _expand(hierarchy: Hierarchy, arcs: Customised, steps: Sequence[tuple[int, bool]]) -> list[int]:
    """Replace shortcuts by what they stand for, until only arcs of the graph are left."""
    stack, found = list(reversed(steps)), []
    while stack:
        arc, upward = stack.pop()
        via = int((arcs.up_via if upward else arcs.down_via)[arc])
        if via < 0:
            found.append(-1 - via)
            continue
        low, high = int(hierarchy.low[arc]), int(hierarchy.high[arc])
        begin, end = (low, high) if upward else (high, low)
        stack.append((hierarchy.arc(via, end), True))
        stack.append((hierarchy.arc(via, begin), False))
    return found
