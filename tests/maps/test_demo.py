"""The generated county is a mountain county, and always the same one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely

from maps.demo.county import generate_county, write_county
from maps.demo.passage import BRIDGES
from maps.engines.network import NetworkEngine
from maps.osm_tags import ROAD_CLASSES
from maps.region import Region
from maps.store import RegionStore


@pytest.fixture(scope="session")
def roads(demo_region: Region) -> NetworkEngine:
    """Give the demo county's engine."""
    engine = demo_region.engine()
    assert isinstance(engine, NetworkEngine)
    return engine


def test_the_county_has_the_promised_size(demo_region: Region, roads: NetworkEngine) -> None:
    """At least 14 townships, 250 villages, hamlets, and 1,500 km of roads of all classes."""
    kinds = Counter(place.kind for place in demo_region.places)
    assert len(demo_region.townships) >= 14
    assert kinds["village"] >= 250
    assert kinds["hamlet"] >= 100
    assert roads.graph.length_m.sum() >= 1_500_000
    classes = {ROAD_CLASSES[code] for code in np.unique(roads.graph.class_code)}
    assert classes >= {"trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "track"}


def test_the_county_town_has_one_ways_and_a_roundabout(demo_region: Region, roads: NetworkEngine) -> None:
    """Within 1.5 km of the county centre there are one-way streets and speed limits."""
    near = np.hypot(*((roads.graph.node_lonlat - demo_region.depot.lonlat) * [96_000, 111_000]).T) < 1_500
    one_way = roads.graph.directions != 3
    assert (one_way & near[roads.graph.tail]).sum() > 10
    assert (roads.graph.maxspeed_kmh > 0).sum() > 100


def test_every_township_is_a_closed_area_with_its_places_inside(demo_region: Region) -> None:
    """Townships are polygons, and each place lies in the one it belongs to, but for a few metres of border."""
    areas = {
        town.id: shapely.union_all([shapely.Polygon(ring) for ring in town.rings]) for town in demo_region.townships
    }
    outside = [
        place.name for place in demo_region.places
        if shapely.distance(areas[place.township_id], shapely.Point(*place.lonlat)) > 0.004
    ]  # fmt: skip
    assert not outside
    assert all(area.is_valid and area.area > 0 for area in areas.values())


def test_names_do_not_repeat_within_a_township(demo_region: Region) -> None:
    """An address of township and village is enough to find the village."""
    names = Counter((place.township_id, place.name) for place in demo_region.places)
    assert max(names.values()) == 1
    assert len({town.name for town in demo_region.townships}) == len(demo_region.townships)


def test_the_river_has_few_bridges(demo_store: RegionStore) -> None:
    """All roads over the river are bridges, and there are only a handful of places to cross."""
    bridges, river = [], None
    objects = osmium.FileProcessor(demo_store.folder("demo") / "demo.osm.pbf", osmium.osm.NODE | osmium.osm.WAY)
    for item in objects.with_locations():
        if item.is_way() and ("highway" in item.tags or item.tags.get("waterway") == "river"):
            line = shapely.LineString([(node.lon, node.lat) for node in item.nodes])
            if "waterway" in item.tags:
                river = line
            else:
                bridges.append((item.tags.get("bridge") == "yes", line))
    crossing = [is_bridge for is_bridge, line in bridges if line.intersects(river)]
    assert 3 <= len(crossing) <= 2 * BRIDGES
    assert all(crossing)


def test_every_place_can_be_driven_to(demo_region: Region, roads: NetworkEngine) -> None:
    """A van gets from the county centre to every village and back; mountain roads are twice the straight line."""
    points = np.array([place.lonlat for place in demo_region.places])
    there, back = roads.matrix([demo_region.depot.lonlat], points), roads.matrix(points, [demo_region.depot.lonlat])
    assert np.isfinite(there.time_s).all()
    assert np.isfinite(back.time_s).all()
    assert 1800 < there.time_s.max() < 4 * 3600


def test_one_seed_gives_one_county(tmp_path: Path, demo_store: RegionStore) -> None:
    """The same seed writes the same file byte by byte, another seed another county."""
    again, other = tmp_path / "again.osm.pbf", tmp_path / "other.osm.pbf"
    write_county(generate_county(1), again)
    write_county(generate_county(2), other)
    first = (demo_store.folder("demo") / "demo.osm.pbf").read_bytes()
    assert again.read_bytes() == first
    assert other.read_bytes() != first


def test_both_engines_agree_on_the_county(demo_region: Region, roads: NetworkEngine) -> None:
    """On 60 random doors the fast engine and the plain one give the same times and distances."""
    from maps.engines.dijkstra import DijkstraEngine

    doors = np.concatenate([demo_region.door_points(place.id, 1, 3) for place in demo_region.places[::8]])
    plain = DijkstraEngine(roads.graph)
    for profile in ("van", "etrike", "motorcycle"):
        fast, slow = roads.matrix(doors, doors, profile), plain.matrix(doors, doors, profile)
        np.testing.assert_array_equal(fast.time_s, slow.time_s)
        np.testing.assert_array_equal(fast.dist_m, slow.dist_m)


def test_it_is_never_called_openstreetmap(demo_region: Region) -> None:
    """The county is our own work, and its attribution says so."""
    assert demo_region.attribution == "Generated by Cunda"
