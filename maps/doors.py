"""Plausible front doors near a place, for generated parcels: beside its lanes, or scattered without roads."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from maps.engines.weights import weigh
from maps.geodesy import FloatArray, LocalFrame, straight_m
from maps.graph import RoadGraph
from maps.osm_tags import CLASS_CODE
from maps.places import Place

DoorSampler = Callable[[Place, int, int], FloatArray]
"""Samples ``n`` doors of a place by seed, shape (n, 2)."""

# Houses per metre of road, relative: lanes are lined, through roads thinly, fast roads not at all.
_HOUSES = {"residential": 10.0, "living_street": 10.0, "unclassified": 3.0, "service": 2.0, "tertiary": 1.5,
           "track": 1.0, "secondary": 1.0, "primary": 0.5, "road": 1.0, "path": 0.3}  # fmt: skip
_SPREAD_M = {"county": 900.0, "town": 600.0, "village": 250.0, "hamlet": 150.0, "isolated_dwelling": 80.0}
_SETBACK_M = (6.0, 14.0)
_SCATTER_M = 160.0
_FARTHEST_M = 400.0


class LaneDoors:
    """Doors along the roads of a network, denser on lanes and near the middle of the place."""

    def __init__(self, graph: RoadGraph) -> None:
        table = np.zeros(len(CLASS_CODE))
        for name, density in _HOUSES.items():
            table[CLASS_CODE[name]] = density
        core = weigh(graph, "van", np.zeros(graph.edge_count, dtype=bool)).core
        self._graph = graph
        self._houses = np.where(core, table[graph.class_code] * graph.length_m, 0.0)
        middle = (graph.shape_offset[:-1] + graph.shape_offset[1:]) // 2
        self._middle = graph.shape_lonlat[middle]

    def __call__(self, place: Place, n: int, seed: int) -> FloatArray:
        """Sample doors of one place."""
        rng = _generator(place, seed)
        distance = straight_m(self._middle, np.array(place.lonlat))
        spread = _SPREAD_M.get(place.kind, 250.0)
        # The nearest road always takes part, however lonely the place.
        reach = np.maximum(distance - distance[self._houses > 0].min(initial=np.inf), 0.0) / spread
        weight = self._houses * np.exp(-0.5 * reach**2) * (reach < 4.0)
        if not weight.sum() > 0:
            return _scattered(place, n, rng)
        edges = rng.choice(len(weight), size=n, p=weight / weight.sum())
        at, side = rng.random(n), rng.uniform(*_SETBACK_M, size=n) * rng.choice([-1.0, 1.0], size=n)
        doors = [
            _beside(self._graph.line(edge), share, away) for edge, share, away in zip(edges, at, side, strict=True)
        ]
        return np.array(doors).reshape(-1, 2)


def scattered_doors(place: Place, n: int, seed: int) -> FloatArray:
    """Sample doors around a place without roads, within some 400 m."""
    return _scattered(place, n, _generator(place, seed))


def _generator(place: Place, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(place.id.encode())])


def _scattered(place: Place, n: int, rng: np.random.Generator) -> FloatArray:
    lon, lat = place.lonlat
    offset = rng.normal(0.0, _SCATTER_M, size=(n, 2))
    length = np.maximum(np.hypot(offset[:, 0], offset[:, 1]), 1e-9)
    return LocalFrame(lon, lat).to_degrees(offset * np.minimum(1.0, _FARTHEST_M / length)[:, None])


def _beside(line: FloatArray, share: float, away_m: float) -> NDArray[np.float64]:
    """Return the point ``away_m`` metres to the left of a line's point at a share of its length."""
    frame = LocalFrame(*line[0])
    flat = frame.to_metres(line)
    step = np.hypot(*np.diff(flat, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(step)])
    piece = min(int(np.searchsorted(along, share * along[-1], side="right")) - 1, len(step) - 1)
    direction = (flat[piece + 1] - flat[piece]) / max(step[piece], 1e-9)
    foot = flat[piece] + direction * (share * along[-1] - along[piece])
    return frame.to_degrees(foot + away_m * np.array([-direction[1], direction[0]]))
