"""Importing extracts: what becomes of their roads and places, and what broken ones are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maps.boundaries import read_boundary_file
from maps.errors import (
    BoundaryFileError,
    BoundaryOpenError,
    CoordinateError,
    NoPlacesError,
    NoRoadsError,
    OsmFileError,
)  # fmt: skip
from maps.osm_import import read_county

Write = Callable[..., Path]

SQUARE = {101: (-500, -500), 102: (1500, -500), 103: (1500, 1500), 104: (-500, 1500)}
BORDER = {"type": "boundary", "boundary": "administrative", "admin_level": "8"}


def county(**changes: Any) -> dict[str, Any]:
    """Describe a crossroads with a town, a village and a township boundary; ``changes`` replace parts."""
    nodes = {
        1: (0, 0, {}), 2: (1000, 0, {}), 3: (500, 0, {}), 4: (500, 800, {}),
        50: (480, 20, {"place": "town", "name": "霞溪镇", "population": "9,000"}),
        51: (500, 780, {"place": "village", "name": "云湾村"}),
        **{ident: (x, y, {}) for ident, (x, y) in SQUARE.items()},
    }  # fmt: skip
    ways = {
        10: ([1, 3, 2], {"highway": "secondary"}),
        11: ([3, 4], {"highway": "unclassified"}),
        20: ([101, 102, 103], {}),
        21: ([101, 104, 103], {}),
    }
    relations = {
        30: ([("w", 20, "outer"), ("w", 21, "outer"), ("n", 50, "admin_centre")], {**BORDER, "name": "霞溪镇"})
    }
    return {"nodes": nodes, "ways": ways, "relations": relations, **changes}


def test_roads_are_cut_where_they_cross(write_extract: Write) -> None:
    """A road that another one leaves in its middle becomes two edges; bends stay inside an edge."""
    graph = read_county(write_extract(**county())).graph
    assert graph.edge_count == 3
    assert graph.node_count == 4
    assert sorted(graph.way_id.tolist()) == [10, 10, 11]
    np.testing.assert_allclose(np.sort(graph.length_m), [500, 500, 800], atol=1)


def test_places_and_townships_come_with_stable_ids(write_extract: Write) -> None:
    """A village keeps the id of its node, a township that of its relation, whatever else changes."""
    found = read_county(write_extract(**county()))
    assert [(place.id, place.name, place.kind, place.township_id) for place in found.places] == [
        ("n50", "霞溪镇", "town", "r30"), ("n51", "云湾村", "village", "r30"),
    ]  # fmt: skip
    assert found.places[0].population == 9000
    assert [(town.id, town.name) for town in found.townships] == [("r30", "霞溪镇")]
    assert found.townships[0].lonlat == found.places[0].lonlat
    assert found.depot.kind == "county"
    assert found.depot.lonlat == found.places[0].lonlat


def test_a_place_outside_every_township_is_left_out_and_counted(write_extract: Write) -> None:
    """A village of the neighbouring county is not ours, and the import says it was there."""
    parts = county()
    parts["nodes"][52] = (9000, 9000, {"place": "village", "name": "远村"})
    found = read_county(write_extract(**parts))
    assert "n52" not in {place.id for place in found.places}
    assert any(note == "places outside every township, left out: 1" for note in found.notes)


def test_an_enclave_belongs_to_the_township_it_lies_in(write_extract: Write) -> None:
    """A hole in a township's area is not part of it."""
    parts = county()
    hole = {201: (900, 900), 202: (1200, 900), 203: (1200, 1200), 204: (900, 1200)}
    parts["nodes"] |= {ident: (x, y, {}) for ident, (x, y) in hole.items()}
    parts["nodes"][53] = (1050, 1050, {"place": "hamlet", "name": "飞地"})
    parts["ways"][22] = ([201, 202, 203, 204, 201], {})
    parts["relations"][30][0].append(("w", 22, "inner"))
    parts["relations"][31] = ([("w", 22, "outer")], {**BORDER, "name": "飞地乡"})
    owners = {place.id: place.township_id for place in read_county(write_extract(**parts)).places}
    assert owners == {"n50": "r30", "n51": "r30", "n53": "r31"}


def test_a_boundary_that_does_not_close_is_named_with_its_gap(write_extract: Write) -> None:
    """A township whose boundary has a gap stops the import and says where the gap is."""
    parts = county()
    parts["ways"][21] = ([101, 104], {})
    with pytest.raises(BoundaryOpenError, match=r"霞溪镇 \(relation 30\) does not close; it is open at") as caught:
        read_county(write_extract(**parts))
    assert "--boundary" in caught.value.remedy


def test_a_boundary_cut_off_by_the_extract_is_passed_over(write_extract: Write) -> None:
    """A neighbour's boundary whose ways are not all in the file is not an error."""
    parts = county()
    parts["relations"][31] = ([("w", 20, "outer"), ("w", 99, "outer")], {**BORDER, "name": "邻镇"})
    assert [town.id for town in read_county(write_extract(**parts)).townships] == ["r30"]


def test_village_committees_are_no_townships(write_extract: Write) -> None:
    """Boundaries of single villages in the data do not turn every village into a township."""
    parts = county()
    for number, x in enumerate((300, 450)):
        corners = {
            301 + 10 * number + i: xy for i, xy in enumerate([(x, -90), (x + 140, -90), (x + 140, 900), (x, 900)])
        }
        parts["nodes"] |= {ident: (*xy, {}) for ident, xy in corners.items()}
        parts["ways"][40 + number] = ([*corners, next(iter(corners))], {})
        parts["relations"][50 + number] = (
            [("w", 40 + number, "outer")], {**BORDER, "admin_level": "10", "name": f"{number}村"},
        )  # fmt: skip
    assert [town.id for town in read_county(write_extract(**parts)).townships] == ["r30"]


def test_without_boundaries_places_belong_to_their_nearest_town(write_extract: Write) -> None:
    """An extract without township boundaries still gives a county one can plan, and says so."""
    parts = county(relations={})
    parts["nodes"][54] = (5000, 0, {"place": "town", "name": "苍场镇"})
    parts["nodes"][55] = (4500, 0, {"place": "village", "name": "石湾村"})
    found = read_county(write_extract(**parts))
    assert {place.id: place.township_id for place in found.places}["n55"] == "n54"
    assert any("nearest town" in note for note in found.notes)


def test_roads_leading_out_of_the_extract_are_cut_not_bridged(write_extract: Write) -> None:
    """Where nodes are missing a road ends; its two halves are not joined by a line through the air."""
    parts = county()
    parts["ways"][12] = ([4, 2, 999, 1], {"highway": "tertiary"})
    found = read_county(write_extract(**parts))
    assert sum(found.graph.way_id == 12) == 1
    assert any(note == "roads that lead out of the extract, cut at its edge: 1" for note in found.notes)


class TestBoundaryFile:
    """Townships given as GeoJSON."""

    @pytest.fixture
    def geojson(self, tmp_path: Path, at: Callable[..., np.ndarray]) -> Callable[..., Path]:
        """Give a function that writes boxes in metres as named polygons."""

        def write(**boxes: tuple[float, float, float, float]) -> Path:
            features = []
            for name, (x0, y0, x1, y1) in boxes.items():
                ring = at((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)).tolist()
                geometry = {"type": "Polygon", "coordinates": [ring]}
                features.append({"type": "Feature", "properties": {"name": name}, "geometry": geometry})
            path = tmp_path / "townships.geojson"
            path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
            return path

        return write

    def test_several_polygons_are_the_townships(self, write_extract: Write, geojson: Callable[..., Path]) -> None:
        """Polygons given on the command line replace the boundaries of the extract."""
        file = geojson(南镇=(-900, -900, 1900, 400), 北镇=(-900, 400, 1900, 1900))
        found = read_county(write_extract(**county()), file)
        assert {place.name: place.township_id for place in found.places} == {"霞溪镇": "b1", "云湾村": "b2"}
        assert [town.name for town in found.townships] == ["南镇", "北镇"]

    def test_a_single_polygon_limits_the_county(self, write_extract: Write, geojson: Callable[..., Path]) -> None:
        """One polygon cuts a county out of a larger extract; its townships come from the extract."""
        found = read_county(write_extract(**county()), geojson(县=(-900, -900, 1900, 400)))
        assert [place.id for place in found.places] == ["n50"]
        assert [town.id for town in found.townships] == ["r30"]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "not GeoJSON"),
            ("[1, 2]", "not a GeoJSON object"),
            ('{"type": "FeatureCollection", "features": []}', "no features"),
            ('{"type": "Feature", "geometry": null}', "not a geometry"),
            ('{"type": "LineString", "coordinates": [[0, 0], [1, 1]]}', "area 1.*not a polygon"),
            ('{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}', "Self-intersection"),
            ('{"type": "Polygon", "coordinates": [[[0, 0], [900000, 0], [900000, 9], [0, 0]]]}', "not in degrees"),
            ('{"type": "GeometryCollection", "geometries": []}', "not a polygon"),
        ],
    )  # fmt: skip
    def test_files_that_are_no_areas_say_why(self, write_extract: Write, tmp_path: Path, text: str, words: str) -> None:
        """A boundary file that cannot be used names the feature and the reason."""
        path = tmp_path / "broken.geojson"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BoundaryFileError, match=words):
            read_county(write_extract(**county()), path)

    def test_a_ring_that_does_not_close_is_refused(self, write_extract: Write, tmp_path: Path) -> None:
        """A polygon whose last corner is not its first is called open, not closed silently."""
        path = tmp_path / "open.geojson"
        path.write_text('{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}', encoding="utf-8")
        with pytest.raises(BoundaryOpenError, match="does not close"):
            read_county(write_extract(**county()), path)

    def test_names_and_codes_are_found_under_their_usual_keys(self, china_tables: Path) -> None:
        """The official county polygons keep their official names and codes."""
        areas = read_boundary_file(china_tables / "counties_tianditu_cgcs2000.geojson")
        assert {"潜江市", "磐安县"} <= {area.name for area in areas}
        assert "330727" in {area.id for area in areas}

    def test_a_missing_file_is_named(self, write_extract: Write, tmp_path: Path) -> None:
        """A boundary file that is not there is named."""
        with pytest.raises(BoundaryFileError, match=r"nothing\.geojson"):
            read_county(write_extract(**county()), tmp_path / "nothing.geojson")


class TestCountyCentre:
    """Where routes begin."""

    def test_the_capital_wins_over_larger_towns(self, write_extract: Write) -> None:
        """The town tagged as seat of the county is its centre even when another has more people."""
        parts = county(relations={})
        parts["nodes"][54] = (900, 0, {"place": "town", "name": "城关镇", "capital": "6"})
        assert read_county(write_extract(**parts)).depot.name == "城关镇"

    def test_a_given_point_wins_over_all(self, write_extract: Write, at: Callable[..., np.ndarray]) -> None:
        """The operator's sorting centre is where the operator says."""
        lon, lat = at((950, 10))[0]
        depot = read_county(write_extract(**county()), depot=(lon, lat)).depot
        assert depot.lonlat == (lon, lat)
        assert depot.township_id == "r30"

    def test_a_given_point_must_be_a_position(self, write_extract: Write) -> None:
        """Latitude and longitude given the wrong way round are refused where that shows."""
        with pytest.raises(CoordinateError, match="depot"):
            read_county(write_extract(**county()), depot=(30.0, 109.0))


class TestBrokenExtracts:
    """Files that are not what they should be."""

    def test_a_missing_file(self, tmp_path: Path) -> None:
        """A path that leads nowhere is named."""
        with pytest.raises(OsmFileError, match="no such file"):
            read_county(tmp_path / "nothing.osm.pbf")

    def test_a_folder(self, tmp_path: Path) -> None:
        """A folder is not an extract."""
        with pytest.raises(OsmFileError):
            read_county(tmp_path)

    def test_an_empty_file(self, tmp_path: Path) -> None:
        """A download that never began is called empty."""
        path = tmp_path / "empty.osm.pbf"
        path.touch()
        with pytest.raises(OsmFileError, match="empty"):
            read_county(path)

    @pytest.mark.parametrize("name", ["noise.osm.pbf", "noise.osm", "noise.txt"])
    def test_a_file_of_another_kind(self, tmp_path: Path, name: str) -> None:
        """A file that only carries the name of an extract is refused."""
        path = tmp_path / name
        path.write_bytes(b"\x00\x00\x00\x0dthis is no map at all" * 50)
        with pytest.raises(OsmFileError, match=name):
            read_county(path)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_truncated_file(self, write_extract: Write, share: float) -> None:
        """A download that broke off is noticed, not half imported."""
        path = write_extract(**county())
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(OsmFileError) as caught:
            read_county(path)
        assert "Download the extract again" in caught.value.remedy

    def test_flipped_bytes(self, write_extract: Write) -> None:
        """A file damaged in its middle is refused."""
        path = write_extract(**county())
        data = bytearray(path.read_bytes())
        for index in range(len(data) // 2, len(data) // 2 + 40):
            data[index] ^= 0xFF
        path.write_bytes(bytes(data))
        with pytest.raises(OsmFileError):
            read_county(path)

    def test_an_extract_without_roads(self, write_extract: Write) -> None:
        """Places alone make no road region; the remedy names the other import."""
        with pytest.raises(NoRoadsError) as caught:
            read_county(write_extract(**county(ways={}, relations={})))
        assert "CSV" in caught.value.remedy

    def test_an_extract_without_places(self, write_extract: Write) -> None:
        """Roads without a single settlement have nothing to deliver to."""
        parts = county(relations={})
        del parts["nodes"][50], parts["nodes"][51]
        with pytest.raises(NoPlacesError):
            read_county(write_extract(**parts))
