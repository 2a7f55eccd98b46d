"""One contract for every road engine, and what only engines on roads can promise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from maps.engines.cch import CchEngine, contraction_order, warm_up
from maps.engines.dijkstra import DijkstraEngine
from maps.engines.protocol import RoadEngine
from maps.errors import ClosureError, CoordinateError, ProfileError
from maps.geodesy import LocalFrame, straight_m
from maps.graph import RoadGraph, RoadWay, cut_at_junctions
from maps.osm_tags import CAR, CLASS_CODE, MOTORCYCLE, RoadTags

Degrees = Callable[..., np.ndarray]
MakeEngine = Callable[[RoadGraph], RoadEngine]


class TestContract:
    """What callers may rely on whatever the engine is made of."""

    def test_matrix_has_a_row_per_source_and_a_column_per_destination(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """A matrix of two depots and three doors has two rows and three columns of finite numbers."""
        engine = make_engine(two_banks_one_bridge)
        matrix = engine.matrix(at((0, 0), (900, 0)), at((10, 200), (500, 200), (900, 210)))
        assert matrix.time_s.shape == matrix.dist_m.shape == (2, 3)
        assert matrix.time_s.dtype == matrix.dist_m.dtype == np.float32
        assert np.isfinite(matrix.time_s).all()
        assert matrix.source == engine.source

    def test_a_point_is_no_drive_away_from_itself(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """Two parcels for the same door cost no travel between them."""
        points = at((300, 0), (700, 200))
        matrix = make_engine(two_banks_one_bridge).matrix(points, points)
        assert np.diag(matrix.time_s).tolist() == [0, 0]
        assert np.diag(matrix.dist_m).tolist() == [0, 0]

    def test_route_repeats_what_the_matrix_says(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """The legs of a drawn route take exactly the times and distances the plan was made with."""
        engine = make_engine(two_banks_one_bridge)
        points = at((900, 5), (100, 195), (800, 205), (820, 205))
        matrix, path = engine.matrix(points, points), engine.route(points)
        steps = np.arange(3)
        np.testing.assert_array_equal(path.leg_time_s, matrix.time_s[steps, steps + 1])
        np.testing.assert_array_equal(path.leg_dist_m, matrix.dist_m[steps, steps + 1])
        assert len(path.leg_offsets) == 4
        assert path.leg_offsets[0] == 0
        assert path.leg_offsets[-1] == len(path.coordinates) - 1

    @pytest.mark.parametrize("count", [0, 1])
    def test_a_route_of_fewer_than_two_stops_has_no_legs(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees, count: int
    ) -> None:
        """A courier with nothing to do gets an empty route, not an error."""
        path = make_engine(two_banks_one_bridge).route(at((1, 1))[:count])
        assert len(path.coordinates) == len(path.leg_offsets) == count
        assert len(path.leg_time_s) == 0

    def test_no_points_give_an_empty_matrix(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """A day without parcels gives an empty matrix."""
        matrix = make_engine(two_banks_one_bridge).matrix(at((0, 0)), [])
        assert matrix.time_s.shape == (1, 0)

    @pytest.mark.parametrize(
        "bad", [[(np.nan, 30.0)], [(109.0, 91.0)], [(200.0, 0.0)], [(1.0, 2.0, 3.0)], [("a", "b")]]
    )
    def test_what_is_no_position_is_refused(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees, bad: object
    ) -> None:
        """A village without coordinates cannot slip into a matrix as a number."""
        with pytest.raises(CoordinateError):
            make_engine(two_banks_one_bridge).matrix(at((0, 0)), bad)

    def test_a_bad_position_is_named_by_its_index(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """The error says which of the destinations has no position."""
        points = at((0, 0), (1, 1), (2, 2))
        points[2] = np.nan
        with pytest.raises(CoordinateError, match=r"dst\[2\]"):
            make_engine(two_banks_one_bridge).matrix(at((0, 0)), points)

    def test_unknown_profiles_are_refused(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """A misspelt vehicle gets an error, not the speeds of another."""
        with pytest.raises(ProfileError):
            make_engine(two_banks_one_bridge).matrix(at((0, 0)), at((1, 1)), "vann")

    def test_a_tricycle_is_never_faster_than_its_controller_allows(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """An electric tricycle keeps to 25 km/h however good the road."""
        matrix = make_engine(two_banks_one_bridge).matrix(at((0, 0)), at((1000, 0)), "etrike")
        assert matrix.dist_m[0, 0] / matrix.time_s[0, 0] <= 25 / 3.6 + 0.01

    def test_closures_naming_a_road_that_does_not_exist_are_refused(
        self, make_engine: MakeEngine, two_banks_one_bridge: RoadGraph
    ) -> None:
        """A landslide on edge 99 of a network of three is a mistake that is told."""
        with pytest.raises(ClosureError, match="99"):
            make_engine(two_banks_one_bridge).with_closures([99])


class TestRoads:
    """Engines on a road network."""

    def test_the_way_round_by_the_bridge_is_counted(
        self, make_road_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """Two villages that see each other over the river are 1.8 km apart by the only bridge."""
        matrix = make_road_engine(two_banks_one_bridge).matrix(at((800, 0)), at((800, 200)))
        assert matrix.dist_m[0, 0] == pytest.approx(1800, abs=1)

    def test_one_ways_are_respected(self, make_road_engine: MakeEngine, one_way_block: RoadGraph, at: Degrees) -> None:
        """On a one-way block the house just behind is a whole round away."""
        matrix = make_road_engine(one_way_block).matrix(at((100, 0), (300, 0)), at((100, 0), (300, 0)))
        np.testing.assert_allclose(matrix.dist_m, [[0, 200], [1400, 0]], atol=1)

    def test_points_on_one_edge_are_joined_along_it(
        self, make_road_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """Two doors on the same stretch of road are joined directly, in both directions."""
        points = at((200, 0), (450, 0))
        matrix = make_road_engine(two_banks_one_bridge).matrix(points, points)
        np.testing.assert_allclose(matrix.dist_m, [[0, 250], [250, 0]], atol=1)

    def test_the_line_is_as_long_as_the_leg_says(
        self, make_road_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """Measured on the map, each leg of a route has the length the plan counts."""
        path = make_road_engine(two_banks_one_bridge).route(at((800, 0), (600, 200), (900, 200), (10, 0)))
        steps = straight_m(path.coordinates[:-1], path.coordinates[1:])
        drawn = [steps[a:b].sum() for a, b in zip(path.leg_offsets[:-1], path.leg_offsets[1:], strict=True)]
        np.testing.assert_allclose(drawn, path.leg_dist_m, atol=1)

    def test_of_two_parallel_roads_the_faster_counts(
        self, make_road_engine: MakeEngine, make_graph: Callable[..., RoadGraph], at: Degrees
    ) -> None:
        """A lane and a main road between the same two crossings: the main road is driven, not their sum."""
        graph = make_graph(
            [(0, 0), (500, 300), (1000, 0), (1100, 0), (-100, 0)],
            [((0, 2), "residential", 3), ((0, 1, 2), "primary", 3), ((2, 3), "primary", 3), ((4, 0), "primary", 3)],
        )
        engine = make_road_engine(graph)
        matrix, path = engine.matrix(at((-50, 0)), at((1050, 0))), engine.route(at((-50, 0), (1050, 0)))
        assert matrix.dist_m[0, 0] == pytest.approx(100 + 2 * np.hypot(500, 300), abs=1)
        assert straight_m(path.coordinates, at((500, 300))).min() < 1

    def test_a_landslide_sends_everybody_round(
        self, make_road_engine: MakeEngine, make_graph: Callable[..., RoadGraph], at: Degrees
    ) -> None:
        """With one side of a block closed the drive takes the other three, and the open engine is unchanged."""
        corners = [(0, 0), (400, 0), (400, 400), (0, 400)]
        graph = make_graph(corners, [((a, (a + 1) % 4), "tertiary", 3) for a in range(4)])
        engine = make_road_engine(graph)
        points = at((0, 40), (400, 40))
        before = engine.matrix(points, points).dist_m[0, 1]
        closed = engine.with_closures(box(*at((190, -10))[0], *at((210, 10))[0]))
        assert closed.matrix(points, points).dist_m[0, 1] == pytest.approx(400 + 2 * 360, abs=1)
        assert engine.matrix(points, points).dist_m[0, 1] == before == pytest.approx(480, abs=1)

    def test_a_village_behind_a_closed_road_is_unreachable_and_named(
        self, make_road_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """When the bridge is closed the far bank is infinitely far, with a warning, and keeps its own road."""
        engine = make_road_engine(two_banks_one_bridge)
        bridge = int(engine.snap(at((0, 100))).edge[0])
        closed = engine.with_closures([bridge])
        points = at((500, 0), (500, 200))
        matrix = closed.matrix(points, points)
        assert np.isinf(matrix.time_s[0, 1])
        assert np.isinf(matrix.dist_m[0, 1])
        assert matrix.warnings
        np.testing.assert_array_equal(closed.snap(points).edge, engine.snap(points).edge)
        path = closed.route(points)
        assert np.isinf(path.leg_time_s[0])
        assert path.warnings
        np.testing.assert_allclose(path.coordinates[[0, -1]], points, atol=1e-6)

    def test_closures_add_up(self, make_road_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees) -> None:
        """A second landslide does not open the road the first one closed."""
        engine = make_road_engine(two_banks_one_bridge)
        first, second = engine.snap(at((0, 100), (900, 0))).edge.tolist()
        closed = engine.with_closures([first]).with_closures([second])
        assert np.isinf(closed.matrix(at((100, 200)), at((500, 0))).time_s[0, 0])
        assert not closed.snap(at((500, 0))).reachable[0]

    def test_a_point_far_from_roads_is_warned_about_and_a_farther_one_refused(
        self, make_road_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
    ) -> None:
        """At 700 m from a road there is a warning, at 5 km no connection: most likely a wrong datum."""
        engine = make_road_engine(two_banks_one_bridge)
        points = at((500, -700), (500, -5000))
        snaps, matrix = engine.snap(points), engine.matrix(points, at((500, 0)))
        assert snaps.reachable.tolist() == [True, False]
        assert snaps.distance_m[0] == pytest.approx(700, abs=1)
        assert np.isinf(matrix.time_s[:, 0]).tolist() == [False, True]
        assert [text.split(":")[0] for text in matrix.warnings] == ["src 1", "src 0"]

    def test_roads_one_cannot_come_back_from_are_passed_over(
        self, make_road_engine: MakeEngine, make_graph: Callable[..., RoadGraph], at: Degrees
    ) -> None:
        """A door beside a one-way dead end is served from the next road that leads home again."""
        graph = make_graph(
            [(0, 0), (1000, 0), (500, 0), (500, 300)], [((0, 2, 1), "tertiary", 3), ((2, 3), "residential", 1)]
        )
        snaps = make_road_engine(graph).snap(at((500, 250)))
        assert snaps.reachable[0]
        assert snaps.distance_m[0] == pytest.approx(250, abs=1)

    def test_a_footpath_open_to_motorcycles_is_closed_to_vans(self, make_road_engine: MakeEngine, at: Degrees) -> None:
        """The last path to a hamlet carries a motorcycle; a van stops where the road ends."""
        lonlat = at((0, 0), (1000, 0), (1000, 600))
        ways = [
            RoadWay(
                1, [1, 2], [tuple(p) for p in lonlat[:2]], RoadTags(CLASS_CODE["tertiary"], 3, CAR | MOTORCYCLE, 0)
            ),
            RoadWay(2, [2, 3], [tuple(p) for p in lonlat[1:]], RoadTags(CLASS_CODE["path"], 3, MOTORCYCLE, 0)),
        ]
        engine = make_road_engine(cut_at_junctions(ways))
        hamlet = at((1000, 600))
        assert engine.snap(hamlet, "motorcycle").distance_m[0] == pytest.approx(0, abs=1)
        assert engine.snap(hamlet, "van").distance_m[0] == pytest.approx(600, abs=1)


def random_network(seed: int) -> RoadGraph:
    """Make a small network with one-ways, parallel roads, loops and dead ends."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 14))
    frame = LocalFrame(109.6, 29.9)
    lonlat = frame.to_degrees(rng.uniform(0, 3000, size=(count, 2)))
    ways = []
    for number in range(int(rng.integers(count, 3 * count))):
        refs = rng.integers(0, count, size=rng.integers(2, 4)).tolist()
        name = str(rng.choice(["primary", "residential", "track", "unclassified"]))
        tags = RoadTags(
            CLASS_CODE[name], int(rng.choice([1, 2, 3, 3, 3])), CAR | MOTORCYCLE, float(rng.choice([0, 40]))
        )
        ways.append(RoadWay(number, refs, [tuple(lonlat[ref]) for ref in refs], tags))
    return cut_at_junctions(ways)


def brute_force_s(engine: DijkstraEngine, points: np.ndarray) -> np.ndarray:
    """Compute times by Floyd and Warshall on a network that is cut at every point, in plain floats."""
    graph, snaps, metric = engine.graph, engine.snap(points), engine.metric("van")
    size = graph.node_count + len(points)
    time = np.full((size, size), np.inf)
    time[np.arange(size), np.arange(size)] = 0
    for edge in range(graph.edge_count):
        on_edge = [(float(snaps.fraction[i]), graph.node_count + i) for i in np.flatnonzero(snaps.edge == edge)]
        stations = [(0.0, int(graph.tail[edge])), *sorted(on_edge), (1.0, int(graph.head[edge]))]
        forward, backward = (
            (weights[edge] >> 25) / 100 if weights[edge] < 1 << 52 else np.inf
            for weights in (metric.forward, metric.backward)
        )
        for (fa, a), (fb, b) in pairwise(stations):
            at_one_spot = fb - fa < 1e-9 and len(on_edge) > 0
            time[a, b] = min(time[a, b], 0 if at_one_spot else forward * (fb - fa))
            time[b, a] = min(time[b, a], 0 if at_one_spot else backward * (fb - fa))
    for middle in range(size):
        time = np.minimum(time, time[:, middle, None] + time[None, middle])
    return time[graph.node_count :, graph.node_count :]


class TestAgreement:
    """Engines against each other and against brute force."""

    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 10**6))
    def test_both_engines_find_what_trying_everything_finds(self, seed: int) -> None:
        """On random small networks both engines agree with brute force, and with each other to the decimetre."""
        graph = random_network(seed)
        plain = DijkstraEngine(graph)
        order = contraction_order(graph)
        assert order is not None
        fast = CchEngine(graph, order)
        rng = np.random.default_rng(seed)
        points = LocalFrame(109.6, 29.9).to_degrees(rng.uniform(0, 3000, size=(6, 2)))
        expected = brute_force_s(plain, points)
        snaps = plain.snap(points)
        on = snaps.edge >= 0
        matrix, other = plain.matrix(points, points), fast.matrix(points, points)
        np.testing.assert_allclose(matrix.time_s[np.ix_(on, on)], expected[np.ix_(on, on)], atol=0.05)
        np.testing.assert_array_equal(matrix.time_s, other.time_s)
        np.testing.assert_array_equal(matrix.dist_m, other.dist_m)
        np.testing.assert_array_equal(plain.route(points).leg_dist_m, fast.route(points).leg_dist_m)

    @settings(max_examples=25, deadline=None)
    @given(seed=st.integers(0, 10**6), data=st.data())
    def test_both_engines_agree_after_roads_close(self, seed: int, data: st.DataObject) -> None:
        """Whatever roads a landslide closes, both engines still give the same numbers."""
        graph = random_network(seed)
        order = contraction_order(graph)
        assert order is not None
        edges = data.draw(st.lists(st.integers(0, graph.edge_count - 1), max_size=5))
        points = LocalFrame(109.6, 29.9).to_degrees(np.random.default_rng(seed).uniform(0, 3000, size=(6, 2)))
        plain = DijkstraEngine(graph).with_closures(edges).matrix(points, points)
        fast = CchEngine(graph, order).with_closures(edges).matrix(points, points)
        np.testing.assert_array_equal(plain.time_s, fast.time_s)
        np.testing.assert_array_equal(plain.dist_m, fast.dist_m)

    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 10**6))
    def test_the_drawn_line_has_the_length_of_the_path(self, seed: int) -> None:
        """On random networks the line of every leg measures what the leg says."""
        graph = random_network(seed)
        order = contraction_order(graph)
        assert order is not None
        points = LocalFrame(109.6, 29.9).to_degrees(np.random.default_rng(seed).uniform(0, 3000, size=(8, 2)))
        engine = CchEngine(graph, order)
        on_road = engine.snap(points).lonlat[engine.snap(points).edge >= 0]
        path = engine.route(on_road)
        steps = straight_m(path.coordinates[:-1], path.coordinates[1:])
        drawn = np.array([steps[a:b].sum() for a, b in zip(path.leg_offsets[:-1], path.leg_offsets[1:], strict=True)])
        found = np.isfinite(path.leg_dist_m)
        np.testing.assert_allclose(drawn[found], path.leg_dist_m[found], rtol=0.002, atol=3)

    def test_times_are_those_of_routingkit(self) -> None:
        """The times between junctions equal those of routingkit's own contraction hierarchy."""
        routingkit = pytest.importorskip("routingkit_cch", reason="routingkit-cch is not installed")
        graph = random_network(7)
        order = contraction_order(graph)
        assert order is not None
        engine, arcs = CchEngine(graph, order), graph.arcs
        metric = engine.metric("van")
        time_cs = np.where(arcs.backward, metric.backward[arcs.edge], metric.forward[arcs.edge]) >> 25
        hierarchy = routingkit.CCH(order.tolist(), arcs.tail.tolist(), arcs.head.tolist(), False)
        query = routingkit.CCHOneToMany(
            routingkit.CCHMetric(hierarchy, time_cs.tolist()), list(range(graph.node_count))
        )
        theirs = [query.distances_from(node) for node in range(graph.node_count)]
        core = np.flatnonzero(np.bincount(
            np.concatenate([graph.tail[metric.core], graph.head[metric.core]]), minlength=graph.node_count
        ))  # fmt: skip
        ours = engine.matrix(graph.node_lonlat[core], graph.node_lonlat[core]).time_s
        expected = np.array([[theirs[a][b] / 100 for b in core] for a in core])
        np.testing.assert_allclose(ours, expected, atol=0.03)


def test_warming_up_leaves_nothing_to_compile() -> None:
    """Compiling beforehand works on a machine without any region."""
    warm_up()


def test_large_matrices_are_worked_on_in_blocks(
    make_road_engine: MakeEngine, two_banks_one_bridge: RoadGraph, at: Degrees
) -> None:
    """Rows beyond the first two thousand are answered like the first ones."""
    sources = at(*((x, 0) for x in np.linspace(0, 999, 2100)))
    matrix = make_road_engine(two_banks_one_bridge).matrix(sources, at((500, 200)))
    np.testing.assert_allclose(matrix.dist_m[:, 0], np.linspace(0, 999, 2100) + 700, atol=1)


def test_a_simplified_line_keeps_its_stops(
    make_road_engine: MakeEngine, make_graph: Callable[..., RoadGraph], at: Degrees
) -> None:
    """For a screen a winding road is drawn with fewer points, within tolerance, and passes every stop."""
    bends = [(x, 12 * np.sin(x / 40)) for x in range(0, 2001, 10)]
    path = make_road_engine(make_graph(bends, [(tuple(range(len(bends))), "tertiary", 3)])).route(
        at((0, 0), (1000, 0), (1000, 0), (1990, 0))
    )
    light = path.simplified(5.0)
    assert len(light.coordinates) < len(path.coordinates) / 2
    np.testing.assert_allclose(light.coordinates[light.leg_offsets], path.coordinates[path.leg_offsets], atol=1e-9)
    np.testing.assert_array_equal(light.leg_dist_m, path.leg_dist_m)
    drawn = shapely.LineString(light.coordinates)
    assert shapely.distance(drawn, shapely.points(path.coordinates)).max() * 111_000 < 6
    assert path.simplified(0.0).leg_offsets[-1] == len(path.simplified(0.0).coordinates) - 1
