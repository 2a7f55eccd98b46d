"""The default engine: a customizable contraction hierarchy, ordered by ``routingkit-cch``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from maps.engines.hierarchy import (
    Customised,
    Hierarchy,
    Labels,
    build_hierarchy,
    customise,
    label_points,
    meet,
    unpack_path,
)  # fmt: skip
from maps.engines.network import Leg, NetworkEngine, Terminals, column_of
from maps.engines.weights import UNREACHABLE, IntArray
from maps.graph import RoadGraph, RoadWay, cut_at_junctions
from maps.osm_tags import CAR, CLASS_CODE, RoadTags


def contraction_order(graph: RoadGraph) -> NDArray[np.int32] | None:
    """Order the junctions of a network by nested dissection; None when ``routingkit-cch`` is not installed.

    This is the slow part of preparing a network, so a region keeps it.
    """
    try:
        import routingkit_cch
    except ImportError:
        return None
    tail, head = graph.arcs.tail, graph.arcs.head
    lon, lat = graph.node_lonlat.T
    # The library answers wrong input with a panic that no `except Exception` stops: be sure before calling.
    ends = np.concatenate([tail, head])
    if len(ends) == 0 or ends.min() < 0 or ends.max() >= graph.node_count or not np.isfinite(graph.node_lonlat).all():
        return None
    order = routingkit_cch.compute_order_inertial(
        graph.node_count, tail.tolist(), head.tolist(), lat.tolist(), lon.tolist()
    )
    return np.array(order, dtype=np.int32)


def warm_up() -> None:
    """Compile this engine's numeric kernels, or load them from numba's cache, on a network of one road."""
    road = RoadWay(1, [1, 2], [(0.0, 0.0), (0.01, 0.0)], RoadTags(CLASS_CODE["residential"], 3, CAR, 0.0))
    graph = cut_at_junctions([road])
    order = np.arange(graph.node_count, dtype=np.int32)
    CchEngine(graph, order).matrix(graph.node_lonlat, graph.node_lonlat)


@dataclass(frozen=True)
class _Side:
    """Labelled sources and destinations of one request."""

    arcs: Customised
    source: Labels
    target: Labels


class CchEngine(NetworkEngine):
    """Fastest paths by a contraction hierarchy; closing roads costs milliseconds.

    Parameters
    ----------
    graph
        The road network.
    order : shape (n,)
        What `contraction_order` returned for it.
    """

    def __init__(
        self,
        graph: RoadGraph,
        order: NDArray[np.int32],
        closed: NDArray[np.bool_] | None = None,
        base: Self | None = None,
    ) -> None:
        super().__init__(graph, closed, base)
        self._order = order
        self.hierarchy: Hierarchy = (
            base.hierarchy if base is not None else build_hierarchy(order, graph.arcs.tail, graph.arcs.head)
        )
        self._customised: dict[str, Customised] = {}

    def with_closures(self, closed: Sequence[int] | BaseGeometry) -> Self:
        """Return an engine for the same roads with some more of them closed.

        Raises
        ------
        ClosureError
            If an edge id does not exist.
        """
        return type(self)(self.graph, self._order, self.closure_mask(closed), self.base or self)

    def between(self, profile: str, src: Terminals, dst: Terminals) -> IntArray:
        """Return weights of the fastest paths through junctions, shape (n, m)."""
        side = self._label(profile, src, dst)
        best = np.full((len(src.edge), len(dst.edge)), UNREACHABLE, dtype=np.int64)
        meet(side.source.weight, side.source.chain, side.target.weight, side.target.chain, best)
        return best

    def legs(self, profile: str, src: Terminals, dst: Terminals) -> list[Leg]:
        """Return the fastest path through junctions from each source to the destination of its index."""
        side = self._label(profile, src, dst)
        return [self._leg(side, src, dst, row) for row in range(len(src.edge))]

    def _leg(self, side: _Side, src: Terminals, dst: Terminals, row: int) -> Leg:
        best = np.full((1, 1), UNREACHABLE, dtype=np.int64)
        one = slice(row, row + 1)
        meet(side.source.weight[one], side.source.chain[one], side.target.weight[one], side.target.chain[one], best)
        if best[0, 0] >= UNREACHABLE:
            return Leg(UNREACHABLE)
        first, last, path = unpack_path(self.hierarchy, side.arcs, side.source, side.target, row)
        arcs = self.graph.arcs
        edges = tuple((int(arcs.edge[arc]), bool(arcs.backward[arc])) for arc in path)
        leave = column_of(src, row, self._order[first])
        enter = column_of(dst, row, self._order[last])
        return Leg(int(best[0, 0]), leave, enter, edges)

    def _arcs(self, profile: str) -> Customised:
        if profile not in self._customised:
            metric, arcs = self.metric(profile), self.graph.arcs
            weight = np.where(arcs.backward, metric.backward[arcs.edge], metric.forward[arcs.edge])
            self._customised[profile] = customise(self.hierarchy, arcs.tail, arcs.head, weight)
        return self._customised[profile]

    def _label(self, profile: str, src: Terminals, dst: Terminals) -> _Side:
        arcs = self._arcs(profile)
        return _Side(
            arcs,
            label_points(self.hierarchy, arcs.up, self._ranks(src.node), src.cost),
            label_points(self.hierarchy, arcs.down, self._ranks(dst.node), dst.cost),
        )

    def _ranks(self, node: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(node >= 0, self.hierarchy.rank[node], -1).astype(np.int32)
