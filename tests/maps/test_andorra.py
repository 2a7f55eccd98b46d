"""A real extract: Andorra, © OpenStreetMap contributors."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from maps.engines.cch import CchEngine
from maps.engines.dijkstra import DijkstraEngine
from maps.geodesy import straight_m
from maps.osm_tags import FORWARD
from maps.region import Region


@pytest.fixture
def roads(andorra: Region) -> CchEngine:
    """Give Andorra's engine."""
    engine = andorra.engine()
    assert isinstance(engine, CchEngine)
    return engine


def test_parishes_become_townships_and_settlements_become_places(andorra: Region) -> None:
    """Andorra has 7 parishes, 7 towns, 34 villages, 27 hamlets and 5 isolated dwellings."""
    assert len(andorra.townships) == 7
    assert Counter(place.kind for place in andorra.places) == {
        "town": 7, "village": 34, "hamlet": 27, "isolated_dwelling": 5,
    }  # fmt: skip
    assert andorra.depot.name == "Andorra la Vella"
    assert andorra.township(andorra.place(andorra.places[0].id).township_id)
    assert "OpenStreetMap" in andorra.attribution


def test_nearly_all_settlements_are_reachable(andorra: Region, roads: CchEngine) -> None:
    """At least 95 in 100 settlements lie within 500 m of a road and can be driven to and back from."""
    points = np.array([place.lonlat for place in andorra.places])
    there, back = roads.matrix([andorra.depot.lonlat], points), roads.matrix(points, [andorra.depot.lonlat])
    good = np.isfinite(there.time_s[0]) & np.isfinite(back.time_s[:, 0])
    assert good.mean() >= 0.95
    near = roads.snap(points).distance_m <= 500
    assert (good & near).mean() >= 0.93


def test_times_equal_those_of_scipy_on_500_random_pairs(andorra: Region, roads: CchEngine) -> None:
    """On 500 random pairs of junctions our matrix equals scipy's Dijkstra on the plain arcs to the second."""
    graph, metric, arcs = roads.graph, roads.metric("van"), roads.graph.arcs
    weight = np.where(arcs.backward, metric.backward[arcs.edge], metric.forward[arcs.edge])
    best: dict[tuple[int, int], float] = {}
    for tail, head, value in zip(arcs.tail.tolist(), arcs.head.tolist(), weight.tolist(), strict=True):
        if value < 1 << 52:
            best[tail, head] = min(best.get((tail, head), np.inf), (value >> 25) / 100)
    pairs = np.array(list(best))
    links = csr_array((list(best.values()), (pairs[:, 0], pairs[:, 1])), shape=(graph.node_count, graph.node_count))
    core = np.unique(np.concatenate([graph.tail[metric.core], graph.head[metric.core]]))
    rng = np.random.default_rng(11)
    sources, targets = rng.choice(core, 25), rng.choice(core, 20)
    expected = dijkstra(links, indices=sources)[:, targets]
    matrix = roads.matrix(graph.node_lonlat[sources], graph.node_lonlat[targets])
    assert expected.size == 500
    np.testing.assert_allclose(matrix.time_s, expected, atol=1.0)


def test_both_engines_agree_on_doors(andorra: Region, roads: CchEngine) -> None:
    """Between random doors the fast engine and the plain one agree in time and distance."""
    doors = np.concatenate([andorra.door_points(place.id, 2, 1) for place in andorra.places])
    fast, plain = roads.matrix(doors, doors), DijkstraEngine(roads.graph).matrix(doors, doors)
    np.testing.assert_array_equal(fast.time_s, plain.time_s)
    np.testing.assert_array_equal(fast.dist_m, plain.dist_m)


def test_one_way_streets_are_left_at_their_end(roads: CchEngine) -> None:
    """Driving back on a one-way street means leaving it at its end and entering it again at its beginning."""
    graph, core = roads.graph, roads.metric("van").core
    one_way = np.flatnonzero((graph.directions == FORWARD) & core & (graph.length_m > 150))[:60]
    checked = 0
    for edge in one_way:
        line = graph.line(edge)
        if len(line) < 4 or roads.snap(line[[1, -2]]).edge.tolist() != [edge, edge]:
            continue
        path = roads.route(line[[-2, 1]])
        assert straight_m(path.coordinates, line[-1]).min() < 1
        assert straight_m(path.coordinates, line[0]).min() < 1
        checked += 1
    assert checked > 10


def test_detours_are_those_of_mountains(andorra: Region, roads: CchEngine) -> None:
    """Between settlements 3 km apart and more, roads measure 1.3 to 2.2 times the straight line at the median."""
    points = np.array([place.lonlat for place in andorra.places])
    straight = straight_m(points[:, None], points[None, :])
    ratio = roads.matrix(points, points).dist_m[straight > 3_000] / straight[straight > 3_000]
    assert 1.3 < np.median(ratio) < 2.2
