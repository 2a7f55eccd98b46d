"""What engines on a road network share: points in mid-edge, matrices, lines, closures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from maps.engines.protocol import Matrix, Path, Snaps, Source
from maps.engines.snapping import RoadLines, closed_edges, named, snap_warnings
from maps.engines.weights import UNREACHABLE, IntArray, Metric, share, unpack, weigh
from maps.geodesy import FloatArray, as_points
from maps.graph import RoadGraph

_ROWS_AT_ONCE = 2048
"""Sources worked on together: bounds the memory of a matrix beyond its answer."""
_AT_END = 1e-9
"""Fraction of an edge; nearer to its end than this a point is at the junction."""


@dataclass(frozen=True)
class Terminals:
    """Points of a matrix with their ways onto the junctions (sources) or from them (destinations).

    Column 0 uses the edge along its line: sources leave by its head, destinations are entered from its
    tail. Column 1 is the other way round.

    Attributes
    ----------
    edge : shape (n,), int32
    fraction : shape (n,), float64
    node : shape (n, 2), int32
        Junction, -1 for none.
    cost : shape (n, 2), int64
        Weight between point and junction, `UNREACHABLE` for none.
    """

    edge: NDArray[np.int32]
    fraction: FloatArray
    node: NDArray[np.int32]
    cost: IntArray

    def part(self, which: slice) -> Terminals:
        """Return some of the points."""
        return Terminals(self.edge[which], self.fraction[which], self.node[which], self.cost[which])


@dataclass(frozen=True)
class Leg:
    """One path between two points through at least one junction.

    Attributes
    ----------
    weight
        Of all of it; `UNREACHABLE` when there is none.
    leave, enter
        Column of the terminals used at either end.
    edges
        Whole edges between, each with whether it is driven against its line.
    """

    weight: int
    leave: int = 0
    enter: int = 0
    edges: tuple[tuple[int, bool], ...] = ()


class NetworkEngine(ABC):
    """Base of the engines that run on a :class:`~maps.graph.RoadGraph`.

    A subclass answers :meth:`between` and :meth:`legs`; all else is here, so engines differ in speed only.

    Parameters
    ----------
    graph
        The road network.
    closed : shape (e,), bool
        Edges nobody may use; none when omitted.
    base
        Engine for the same graph without closures. It does the snapping, so that a point keeps its road
        when that road is closed.
    """

    def __init__(self, graph: RoadGraph, closed: NDArray[np.bool_] | None = None, base: Self | None = None) -> None:
        self.graph = graph
        self.closed = closed if closed is not None else np.zeros(graph.edge_count, dtype=bool)
        self.base: Self | None = base
        self.lines: RoadLines = base.lines if base is not None else RoadLines(graph)
        self._metrics: dict[str, Metric] = {}

    @property
    def source(self) -> Source:
        """Return ``road``."""
        return "road"

    @abstractmethod
    def between(self, profile: str, src: Terminals, dst: Terminals) -> IntArray:
        """Return weights of the fastest paths through junctions, shape (n, m)."""

    @abstractmethod
    def legs(self, profile: str, src: Terminals, dst: Terminals) -> list[Leg]:
        """Return the fastest path through junctions from each source to the destination of its index."""

    def metric(self, profile: str) -> Metric:
        """Return the weights of a profile, made at the first call."""
        if profile not in self._metrics:
            self._metrics[profile] = weigh(self.graph, profile, self.closed)
        return self._metrics[profile]

    def snap(self, points: ArrayLike, profile: str = "van") -> Snaps:
        """Bring points onto the nearest road the profile may use and come back from.

        Roads outside the main network are passed over. Farther than 2 km from any road a point is not
        reachable.
        """
        core = self.metric(profile).core
        open_core = self.base.metric(profile).core if self.base is not None else core
        return self.lines.snap(as_points(points), profile, open_core, core)

    def matrix(self, src: ArrayLike, dst: ArrayLike, profile: str = "van") -> Matrix:
        """Compute time and distance of the fastest paths between every source and every destination."""
        sources, targets = self.snap(as_points(src, "src"), profile), self.snap(as_points(dst, "dst"), profile)
        leaving, arriving = self._leaving(profile, sources), self._arriving(profile, targets)
        time_s = np.empty((len(sources.edge), len(targets.edge)), dtype=np.float32)
        dist_m = np.empty_like(time_s)
        for low in range(0, len(time_s), _ROWS_AT_ONCE):
            block = slice(low, low + _ROWS_AT_ONCE)
            time_s[block], dist_m[block] = unpack(self._weights(profile, leaving.part(block), arriving))
        warnings = (*snap_warnings(sources, "src"), *snap_warnings(targets, "dst"), *_gaps(time_s, sources, targets))
        return Matrix(time_s, dist_m, "road", warnings)

    def _weights(self, profile: str, src: Terminals, dst: Terminals) -> IntArray:
        """Return weights of the fastest paths, shape (n, m), those along a single edge included."""
        weight = self.between(profile, src, dst)
        rows, columns = np.nonzero((src.edge[:, None] == dst.edge[None, :]) & (src.edge >= 0)[:, None])
        direct = self._along(profile, src.edge[rows], src.fraction[rows], dst.fraction[columns])
        weight[rows, columns] = np.minimum(weight[rows, columns], direct)
        return weight

    def route(self, points: ArrayLike, profile: str = "van") -> Path:
        """Find the fastest drive through points in their order, with its line."""
        snaps = self.snap(points, profile)
        if len(snaps.edge) < 2:
            nothing = np.empty(0, dtype=np.float32)
            offsets = np.zeros(len(snaps.edge), dtype=np.int64)
            return Path(snaps.lonlat, offsets, nothing, nothing, "road", snap_warnings(snaps, "points"))
        src = self._leaving(profile, snaps).part(slice(0, -1))
        dst = self._arriving(profile, snaps).part(slice(1, None))
        legs = self.legs(profile, src, dst)
        direct = np.full(len(legs), UNREACHABLE)
        same = np.flatnonzero((src.edge == dst.edge) & (src.edge >= 0))
        direct[same] = self._along(profile, src.edge[same], src.fraction[same], dst.fraction[same])
        weight = np.minimum(direct, [leg.weight for leg in legs])
        pieces, offsets = [snaps.lonlat[:1]], np.zeros(len(snaps.edge), dtype=np.int64)
        for index, leg in enumerate(legs):
            line = self._line(snaps, index, None if direct[index] <= leg.weight else leg)
            pieces.append(line[1:])
            offsets[index + 1] = offsets[index] + len(line) - 1
        time_s, dist_m = unpack(weight)
        gaps = tuple(f"no road from point {i} to point {i + 1}: that line is straight" for i in _infinite(time_s))
        warnings = (*snap_warnings(snaps, "points"), *gaps)
        return Path(np.concatenate(pieces), offsets, time_s, dist_m, "road", warnings)

    def with_closures(self, closed: Sequence[int] | BaseGeometry) -> Self:
        """Return an engine for the same roads with some more of them closed.

        Raises
        ------
        ClosureError
            If an edge id does not exist.
        """
        return type(self)(self.graph, self.closure_mask(closed), self.base or self)

    def closure_mask(self, closed: Sequence[int] | BaseGeometry) -> NDArray[np.bool_]:
        """Return which edges are closed when some more are, shape (e,)."""
        mask = self.closed.copy()
        mask[closed_edges(self.lines, self.graph.edge_count, closed)] = True
        return mask

    def _leaving(self, profile: str, snaps: Snaps) -> Terminals:
        metric, edge = self.metric(profile), np.maximum(snaps.edge, 0)
        forward, backward = metric.forward[edge], metric.backward[edge]
        cost = np.stack([forward - share(forward, snaps.fraction), share(backward, snaps.fraction)], axis=1)
        node = np.stack([self.graph.head[edge], self.graph.tail[edge]], axis=1)
        at_node = np.stack([snaps.fraction > 1.0 - _AT_END, snaps.fraction < _AT_END], axis=1)
        return _terminals(snaps, node, cost, np.stack([forward, backward], axis=1) < UNREACHABLE, at_node)

    def _arriving(self, profile: str, snaps: Snaps) -> Terminals:
        metric, edge = self.metric(profile), np.maximum(snaps.edge, 0)
        forward, backward = metric.forward[edge], metric.backward[edge]
        cost = np.stack([share(forward, snaps.fraction), backward - share(backward, snaps.fraction)], axis=1)
        node = np.stack([self.graph.tail[edge], self.graph.head[edge]], axis=1)
        at_node = np.stack([snaps.fraction < _AT_END, snaps.fraction > 1.0 - _AT_END], axis=1)
        return _terminals(snaps, node, cost, np.stack([forward, backward], axis=1) < UNREACHABLE, at_node)

    def _along(self, profile: str, edge: NDArray[np.int32], begin: FloatArray, end: FloatArray) -> IntArray:
        """Return the weight of driving along one edge between two positions on it."""
        metric = self.metric(profile)
        forward, backward = metric.forward[edge], metric.backward[edge]
        ahead = np.where(forward < UNREACHABLE, share(forward, end) - share(forward, begin), UNREACHABLE)
        behind = np.where(backward < UNREACHABLE, share(backward, begin) - share(backward, end), UNREACHABLE)
        ahead[end < begin] = UNREACHABLE
        behind[end > begin] = UNREACHABLE
        return np.minimum(ahead, behind)

    def _line(self, snaps: Snaps, index: int, leg: Leg | None) -> FloatArray:
        """Return the line of leg ``index``, from point to point; straight when there is no path."""
        ends = snaps.lonlat[index : index + 2]
        (first, last), (begin, end) = snaps.edge[index : index + 2], snaps.fraction[index : index + 2]
        if leg is None and first >= 0 and first == last:
            inner = [self.lines.stretch(int(first), float(begin), float(end))]
        elif leg is None or leg.weight >= UNREACHABLE:
            inner = []
        else:
            whole = [self.graph.line(edge)[:: -1 if back else 1] for edge, back in leg.edges]
            out = self.lines.stretch(int(first), float(begin), 1.0 - leg.leave)
            into = self.lines.stretch(int(last), float(leg.enter), float(end))
            inner = [out, *whole, into]
        line = np.concatenate([ends[:1], *inner, ends[1:]])
        moves = np.ones(len(line), dtype=bool)
        moves[1:-1] = np.abs(np.diff(line, axis=0)).max(axis=1)[:-1] > 1e-8  # 1 mm: the same point twice
        return line[moves]


def _terminals(
    snaps: Snaps, node: NDArray[np.int32], cost: IntArray, allowed: NDArray[np.bool_], at_node: NDArray[np.bool_]
) -> Terminals:
    """Put terminals together; a point at the very end of a road is at the junction, whatever the one-way says."""
    open_ = allowed | (at_node & allowed.any(axis=1, keepdims=True))
    open_ &= (snaps.edge >= 0)[:, None]
    cost = np.where(at_node, 0, cost)
    return Terminals(
        snaps.edge, snaps.fraction, np.where(open_, node, -1).astype(np.int32), np.where(open_, cost, UNREACHABLE)
    )


def column_of(terminals: Terminals, row: int, node: int) -> int:
    """Return which of a point's two links ends at a junction, the cheaper if both do."""
    cost = np.where(terminals.node[row] == node, terminals.cost[row], UNREACHABLE)
    return int(cost.argmin())


def _infinite(time_s: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.flatnonzero(np.isinf(time_s))


def _gaps(time_s: NDArray[np.float32], sources: Snaps, targets: Snaps) -> tuple[str, ...]:
    """Name pairs without a path whose ends look fine one by one."""
    rows, columns = np.nonzero(np.isinf(time_s) & sources.reachable[:, None] & targets.reachable[None, :])
    if not len(rows):
        return ()
    return (f"no path between src {named(np.unique(rows))} and dst {named(np.unique(columns))}",)
