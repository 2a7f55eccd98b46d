"""Fixtures of the maps room: small road networks, small extracts, the demo county, Andorra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import osmium
import pytest
from osmium.osm.mutable import Node, Relation, Way

from maps.engines.cch import CchEngine, contraction_order
from maps.engines.dijkstra import DijkstraEngine
from maps.engines.geodesic import GeodesicEngine
from maps.engines.protocol import RoadEngine
from maps.geodesy import LocalFrame
from maps.graph import RoadGraph, RoadWay, cut_at_junctions
from maps.osm_tags import CAR, CLASS_CODE, FORWARD, MOTORCYCLE, RoadTags
from maps.region import Region
from maps.store import RegionStore

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FRAME = LocalFrame(109.6, 29.9)

RoadSpec = tuple[Sequence[int], str, int]
ExtractWriter = Callable[..., Path]


@pytest.fixture
def at() -> Callable[..., np.ndarray]:
    """Give a function from metres east and north of a corner to degrees."""

    def degrees(*xy: tuple[float, float]) -> np.ndarray:
        return FRAME.to_degrees(np.array(xy, dtype=float).reshape(-1, 2))

    return degrees


@pytest.fixture
def make_graph() -> Callable[..., RoadGraph]:
    """Give a function that builds a network from points in metres and roads (points, class, directions)."""

    def build(points: Sequence[tuple[float, float]], roads: Sequence[RoadSpec]) -> RoadGraph:
        lonlat = FRAME.to_degrees(np.array(points, dtype=float))
        return cut_at_junctions([
            RoadWay(
                way_id=100 + number, refs=list(refs), lonlat=[tuple(lonlat[ref]) for ref in refs],
                tags=RoadTags(CLASS_CODE[name], directions, CAR | MOTORCYCLE, 0.0),
            )
            for number, (refs, name, directions) in enumerate(roads)
        ])  # fmt: skip

    return build


@pytest.fixture
def two_banks_one_bridge(make_graph: Callable[..., RoadGraph]) -> RoadGraph:
    """Give two roads along a river, 1 km long and 200 m apart, joined by a bridge at their west end."""
    points = [(0, 0), (1000, 0), (0, 200), (1000, 200)]
    return make_graph(points, [((0, 1), "secondary", 3), ((2, 3), "secondary", 3), ((0, 2), "secondary", 3)])


@pytest.fixture
def one_way_block(make_graph: Callable[..., RoadGraph]) -> RoadGraph:
    """Give a square block of 400 m sides driven counter-clockwise only."""
    points = [(0, 0), (400, 0), (400, 400), (0, 400)]
    roads = [((a, b), "residential", FORWARD) for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))]
    return make_graph(points, roads)


def engine_of(kind: str, graph: RoadGraph) -> RoadEngine:
    """Build one of the embedded engines."""
    if kind == "geodesic":
        return GeodesicEngine("mountain")
    if kind == "dijkstra":
        return DijkstraEngine(graph)
    order = contraction_order(graph)
    if order is None:
        pytest.skip("routingkit-cch is not installed")
    return CchEngine(graph, order)


@pytest.fixture(params=["cch", "dijkstra", "geodesic"])
def make_engine(request: pytest.FixtureRequest) -> Callable[[RoadGraph], RoadEngine]:
    """Give each embedded engine in turn, as a function of the network."""
    return lambda graph: engine_of(request.param, graph)


@pytest.fixture(params=["cch", "dijkstra"])
def make_road_engine(request: pytest.FixtureRequest) -> Callable[[RoadGraph], RoadEngine]:
    """Give each engine that runs on roads in turn."""
    return lambda graph: engine_of(request.param, graph)


@pytest.fixture
def write_extract(tmp_path: Path) -> ExtractWriter:
    """Give a function that writes a small extract: nodes in metres with tags, ways, relations."""

    def write(
        nodes: dict[int, tuple[float, float, dict[str, str]]],
        ways: dict[int, tuple[list[int], dict[str, str]]],
        relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] | None = None,
        name: str = "small.osm.pbf",
    ) -> Path:
        path = tmp_path / name
        with osmium.SimpleWriter(str(path), overwrite=True) as writer:
            for ident, (x, y, tags) in sorted(nodes.items()):
                lon, lat = FRAME.to_degrees(np.array([[x, y]]))[0]
                writer.add_node(Node(id=ident, version=1, location=(float(lon), float(lat)), tags=tags))
            for ident, (refs, tags) in sorted(ways.items()):
                writer.add_way(Way(id=ident, version=1, nodes=refs, tags=tags))
            for ident, (members, tags) in sorted((relations or {}).items()):
                writer.add_relation(Relation(id=ident, version=1, members=members, tags=tags))
        return path

    return write


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> RegionStore:
    """Give a store that holds the demo county of seed 1."""
    store = RegionStore(tmp_path_factory.mktemp("demo-regions"))
    store.build_demo("demo", seed=1)
    return store


@pytest.fixture(scope="session")
def demo_region(demo_store: RegionStore) -> Region:
    """Give the demo county."""
    return demo_store.load("demo")


@pytest.fixture(scope="session")
def andorra(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """Give Andorra as imported from the shared extract, or skip and say so."""
    path = SHARED_DATA / "regions" / "andorra" / "andorra-2025-01-18.osm.pbf"
    if not path.exists():
        pytest.skip("../shared/data/regions/andorra/andorra-2025-01-18.osm.pbf is missing")
    return RegionStore(tmp_path_factory.mktemp("andorra")).import_osm(path, "andorra", zone="Europe/Andorra")


@pytest.fixture(scope="session")
def china_tables() -> Path:
    """Give the folder of real village tables, or skip and say so."""
    path = SHARED_DATA / "china"
    if not path.is_dir():
        pytest.skip("../shared/data/china is missing")
    return path
