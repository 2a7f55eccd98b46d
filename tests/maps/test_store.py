"""Keeping regions: what an import replaces, and what a failed one leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from maps.errors import (
    CoordinateError,
    OsmFileError,
    PlaceNotFoundError,
    RegionDataError,
    RegionNameError,
    RegionNotFoundError,
    RegionStorageError,
    TerrainError,
)  # fmt: skip
from maps.places import Place
from maps.region import Region
from maps.store import RegionStore

TOWNS = "code,name,lon,lat\n1,园林街道,112.89,30.42\n"
VILLAGES = "code,name,town_code,lon,lat\n11,甲村,1,112.9,30.4\n"


@pytest.fixture
def store(tmp_path: Path) -> RegionStore:
    """Give an empty store."""
    return RegionStore(tmp_path / "regions")


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """Give tables of one village in one township."""
    paths = tmp_path / "villages.csv", tmp_path / "towns.csv"
    for path, text in zip(paths, (VILLAGES, TOWNS), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@pytest.fixture
def demo_extract(demo_store: RegionStore, tmp_path: Path) -> Path:
    """Give the extract of the demo county."""
    return demo_store.folder("demo") / "demo.osm.pbf"


def test_an_empty_store_has_no_regions(store: RegionStore) -> None:
    """Before the first import there is nothing to list, and a missing region is called missing."""
    assert store.names() == []
    with pytest.raises(RegionNotFoundError) as caught:
        store.load("nowhere")
    assert "cunda region" in caught.value.remedy


@pytest.mark.parametrize("name", ["", "..", "a/b", "Demo", "x" * 41, "-x", "区", "a b"])
def test_names_that_are_no_folder_names_are_refused(store: RegionStore, tables: tuple[Path, Path], name: str) -> None:
    """A region name cannot lead out of the store."""
    with pytest.raises(RegionNameError):
        store.import_csv(*tables, name)
    with pytest.raises(RegionNameError):
        store.load(name)


def test_a_region_reads_back_as_it_was_imported(store: RegionStore, tables: tuple[Path, Path]) -> None:
    """What is loaded later equals what the import returned."""
    region = store.import_csv(*tables, "qianjiang", terrain="flat", title="潜江市", attribution="nobody")
    assert store.load("qianjiang") == region
    assert store.names() == ["qianjiang"]
    assert (region.title, region.attribution, region.zone) == ("潜江市", "nobody", "Asia/Shanghai")


def test_an_import_replaces_the_region(store: RegionStore, tables: tuple[Path, Path]) -> None:
    """Importing again under one name replaces places and version together."""
    before = store.import_csv(*tables, "county")
    tables[0].write_text(VILLAGES + "12,乙村,1,,\n", encoding="utf-8")
    after = store.import_csv(*tables, "county")
    assert after.version != before.version
    assert len(store.load("county").places) == 2


def test_equal_input_gives_an_equal_version(store: RegionStore, demo_extract: Path, demo_region: Region) -> None:
    """Importing the same extract twice changes nothing a plan could notice."""
    first = store.import_osm(demo_extract, "first")
    assert store.import_osm(demo_extract, "first").version == first.version
    assert first.places == demo_region.places


def test_a_failed_import_leaves_the_region_and_no_litter(
    store: RegionStore, demo_extract: Path, tmp_path: Path
) -> None:
    """A broken extract changes nothing: the old region still answers, and no half-built folder stays."""
    kept = store.import_osm(demo_extract, "county")
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(demo_extract.read_bytes()[:100_000])
    with pytest.raises(OsmFileError):
        store.import_osm(broken, "county")
    assert store.load("county").version == kept.version
    root = tmp_path / "regions"
    assert [path.name for path in root.iterdir()] == ["county"]
    assert store.load("county").engine().snap([kept.depot.lonlat]).reachable[0]


def test_a_region_opened_before_a_re_import_still_answers(store: RegionStore, demo_extract: Path, at: object) -> None:
    """A server that read the region before somebody re-imported it can still load its roads."""
    store.import_osm(demo_extract, "county")
    opened = store.load("county")
    first = opened.places[0]
    store.import_osm(demo_extract, "county", depot=first.lonlat)
    assert opened.engine().snap([first.lonlat]).reachable[0]


def test_a_centre_far_from_roads_is_refused(store: RegionStore, demo_extract: Path) -> None:
    """A county centre on another continent is told at import, not at the first plan."""
    with pytest.raises(CoordinateError, match="farther than 2000 m"):
        store.import_osm(demo_extract, "county", depot=(10.0, 50.0))


def test_a_disk_that_refuses_is_named(tmp_path: Path, tables: tuple[Path, Path]) -> None:
    """When the folder of regions cannot be made the import says so and how to help."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(RegionStorageError) as caught:
        RegionStore(tmp_path / "file" / "regions").import_csv(*tables, "county")
    assert "free space" in caught.value.remedy


def test_unknown_terrain_is_refused(store: RegionStore, tables: tuple[Path, Path]) -> None:
    """A terrain class that does not exist is refused before anything is read."""
    with pytest.raises(TerrainError):
        store.import_csv(*tables, "county", terrain="lunar")


@pytest.mark.parametrize("text", ["", "{}", '{"format": 999}', "[1]"])
def test_a_damaged_record_is_named_and_not_guessed(store: RegionStore, tables: tuple[Path, Path], text: str) -> None:
    """A region whose record was cut or written by a later Cunda asks for a new import."""
    store.import_csv(*tables, "county")
    (store.folder("county") / "region.json").write_text(text, encoding="utf-8")
    with pytest.raises(RegionDataError) as caught:
        store.load("county")
    assert "Import the region again" in caught.value.remedy


def test_damaged_roads_are_named(store: RegionStore, demo_extract: Path) -> None:
    """A road archive that was cut is noticed when the roads are first needed."""
    region = store.import_osm(demo_extract, "county")
    archive = next(store.folder("county").glob("roads-*.npz"))
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(RegionDataError, match=r"roads-.*cannot be read"):
        store.load("county").engine()
    del region


def test_without_the_fast_library_the_plain_engine_answers(store: RegionStore, demo_extract: Path) -> None:
    """A region stored without a contraction order is answered by the slower engine with the same numbers."""
    region = store.import_osm(demo_extract, "county")
    points = np.array([place.lonlat for place in region.places[:20]])
    expected = region.engine().matrix(points, points)
    archive = next(store.folder("county").glob("roads-*.npz"))
    with np.load(archive) as arrays:
        content = dict(arrays)
    np.savez(archive, **{**content, "contraction_order": np.empty(0, np.int32)})
    plain = store.load("county").engine()
    assert type(plain).__name__ == "DijkstraEngine"
    np.testing.assert_array_equal(plain.matrix(points, points).dist_m, expected.dist_m)


def test_progress_is_reported_from_beginning_to_end(store: RegionStore, demo_extract: Path) -> None:
    """A dispatcher sees every stage of an import, and the last report of each is complete."""
    seen: dict[str, tuple[int, int | None]] = {}

    def listen(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        seen[stage] = (done, total)

    store.import_osm(demo_extract, "county", progress=listen)
    assert list(seen) == [
        "reading boundaries", "reading roads and places", "building the road network", "ordering junctions",
        "storing the region",
    ]  # fmt: skip
    assert all(done == total for done, total in seen.values())


def test_asking_for_what_is_not_there_names_it(demo_region: Region) -> None:
    """An unknown place or township id is an error that says which."""
    with pytest.raises(PlaceNotFoundError, match="n999999"):
        demo_region.place("n999999")
    with pytest.raises(PlaceNotFoundError, match="r999999"):
        demo_region.township("r999999")


def test_a_region_made_by_hand_has_no_engine() -> None:
    """A region that was never imported says so instead of inventing distances."""
    centre = Place("depot", "centre", "county", "t", 109.0, 30.0)
    region = Region("x", "x", "UTC", "road", "", centre, (), ())
    with pytest.raises(RegionDataError):
        region.engine()


def test_the_record_is_plain_json(demo_store: RegionStore) -> None:
    """Another program can read the places of a region without Cunda."""
    record = json.loads((demo_store.folder("demo") / "region.json").read_text(encoding="utf-8"))
    assert {"name", "places", "townships", "depot", "attribution", "version"} <= set(record)
