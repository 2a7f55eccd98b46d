"""Edge weights that carry time and length in one integer, and the network as one profile sees it.

A weight is ``time_cs << 25 | length_dm``: comparing two compares times first and lengths second, adding
two adds both, and sums stay exact even in a float64. So any shortest-path method that handles one number
yields the fastest path and, among equally fast ones, the shortest, with its exact length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from maps.geodesy import FloatArray
from maps.graph import RoadGraph
from maps.osm_tags import BACKWARD, FORWARD
from maps.profiles import profile_of

LENGTH_BITS = 25
"""2^25 dm = 3,355 km of path; the other 28 of a float64's 53 bits hold 745 h."""
LENGTH_MASK = (1 << LENGTH_BITS) - 1
UNREACHABLE = 1 << 52
"""Above every sum of weights; inside the engines it stands for closed and for no path."""

IntArray = NDArray[np.int64]


def pack(time_cs: IntArray, length_dm: IntArray) -> IntArray:
    """Put hundredths of a second and decimetres into one weight each."""
    packed: IntArray = (time_cs << LENGTH_BITS) | length_dm
    return packed


def unpack(weight: IntArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return seconds and metres, ``inf`` where there is no path."""
    none = weight >= UNREACHABLE
    time_s = np.where(none, np.inf, (weight >> LENGTH_BITS) / 100.0).astype(np.float32)
    dist_m = np.where(none, np.inf, (weight & LENGTH_MASK) / 10.0).astype(np.float32)
    return time_s, dist_m


def share(weight: IntArray, fraction: FloatArray) -> IntArray:
    """Return the weight of the first ``fraction`` of edges, in whole units of time and of length."""
    time_cs = np.rint((weight >> LENGTH_BITS) * fraction).astype(np.int64)
    length_dm = np.rint((weight & LENGTH_MASK) * fraction).astype(np.int64)
    return np.where(weight < UNREACHABLE, pack(time_cs, length_dm), UNREACHABLE)


@dataclass(frozen=True)
class Metric:
    """The network as one profile sees it.

    Attributes
    ----------
    forward, backward : shape (e,), int64
        Weight of each edge along and against its line, `UNREACHABLE` where not allowed.
    core : shape (e,), bool
        Edges of the largest part in which every road can be reached from every other.
    """

    forward: IntArray
    backward: IntArray
    core: NDArray[np.bool_]


def weigh(graph: RoadGraph, profile_name: str, closed: NDArray[np.bool_]) -> Metric:
    """Give every edge its weights for a profile.

    Parameters
    ----------
    closed : shape (e,), bool
        Edges nobody may use, as after a landslide.

    Raises
    ------
    ProfileError
        If there is no such profile.
    """
    profile = profile_of(profile_name)
    speed = profile.speeds_kmh(graph.class_code, graph.maxspeed_kmh)
    usable = (speed > 0) & ((graph.access & profile.access) > 0) & ~closed
    # km/h to hundredths of a second per metre is 360; at least 1 keeps every step a step.
    time_cs = np.maximum(np.rint(graph.length_m * 360.0 / np.where(usable, speed, 1.0)), 1.0).astype(np.int64)
    weight = pack(time_cs, np.rint(graph.length_m * 10.0).astype(np.int64))
    forward = np.where(usable & ((graph.directions & FORWARD) > 0), weight, UNREACHABLE)
    backward = np.where(usable & ((graph.directions & BACKWARD) > 0), weight, UNREACHABLE)
    return Metric(forward, backward, _core(graph, forward, backward))


def _core(graph: RoadGraph, forward: IntArray, backward: IntArray) -> NDArray[np.bool_]:
    there, back = forward < UNREACHABLE, backward < UNREACHABLE
    tails = np.concatenate([graph.tail[there], graph.head[back]])
    heads = np.concatenate([graph.head[there], graph.tail[back]])
    if not len(tails):
        return np.zeros(graph.edge_count, dtype=bool)
    shape = (graph.node_count, graph.node_count)
    links = csr_array((np.ones(len(tails), dtype=np.int32), (tails, heads)), shape=shape)
    _, part = connected_components(links, directed=True, connection="strong")
    inner = part[tails] == part[heads]
    largest = int(np.bincount(part[tails[inner]]).argmax()) if inner.any() else -1
    core: NDArray[np.bool_] = (there | back) & (part[graph.tail] == largest) & (part[graph.head] == largest)
    return core
