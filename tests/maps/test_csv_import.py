"""Regions from tables of villages and towns, without roads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from maps.csv_import import read_tables
from maps.errors import PlacesFileError, PlaceUnlocatedError
from maps.store import RegionStore

TOWNS = "code,name,lon,lat,source\n1,园林街道,112.89,30.42,x\n2,王场镇,112.80,30.50,x\n3,远镇,,,\n"
VILLAGES = "code,name,town_code,lon,lat,suspect\n11,甲村,1,112.9,30.4,\n12,乙村,1,,,\n21,丙村,2,112.8,30.5,1\n"


@pytest.fixture
def tables(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Give a function that writes both tables."""

    def write(villages: str | bytes = VILLAGES, towns: str | bytes = TOWNS) -> tuple[Path, Path]:
        paths = tmp_path / "villages.csv", tmp_path / "towns.csv"
        for path, text in zip(paths, (villages, towns), strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return paths

    return write


def test_unknown_positions_stay_unknown(tables: Callable[..., tuple[Path, Path]]) -> None:
    """A village without coordinates is listed without any, and using it as a point names it."""
    listed = read_tables(*tables())
    unknown = listed.places[1]
    assert (unknown.lon, unknown.lat, unknown.located) == (None, None, False)
    with pytest.raises(PlaceUnlocatedError, match="乙村"):
        _ = unknown.lonlat
    assert any(note.startswith("places without coordinates") and note.endswith(": 1") for note in listed.notes)


def test_zero_zero_is_unknown_not_the_gulf_of_guinea(tables: Callable[..., tuple[Path, Path]]) -> None:
    """A table that writes 0 for unknown does not put a village into the sea."""
    listed = read_tables(*tables(VILLAGES.replace("112.9,30.4", "0,0")))
    assert not listed.places[0].located


def test_doubted_positions_are_flagged(tables: Callable[..., tuple[Path, Path]]) -> None:
    """What the source marks as suspect stays marked, with a reason to read."""
    place = read_tables(*tables()).places[2]
    assert place.suspect
    assert place.note


def test_shared_points_are_noted(tables: Callable[..., tuple[Path, Path]]) -> None:
    """Two villages on one point are both kept, and each names the other."""
    listed = read_tables(*tables(VILLAGES + "22,丁村,2,112.8,30.5,\n"))
    assert listed.places[3].note == "same point as 丙村"


def test_the_first_town_with_a_position_is_the_centre(tables: Callable[..., tuple[Path, Path]]) -> None:
    """Official lists begin with the county seat; the operator can say otherwise."""
    assert read_tables(*tables()).depot.name == "园林街道"
    assert read_tables(*tables(), depot=(112.7, 30.3)).depot.lonlat == (112.7, 30.3)


def test_gb18030_tables_are_read(tables: Callable[..., tuple[Path, Path]]) -> None:
    """A table saved by a Chinese office program needs no conversion."""
    listed = read_tables(*tables(VILLAGES.encode("gb18030"), TOWNS.encode("gb18030")))
    assert listed.places[0].name == "甲村"


@pytest.mark.parametrize(
    ("villages", "towns", "words"),
    [
        ("", TOWNS, "no column code"),
        ("code,name,town_code,lon,lat\n", TOWNS, "no villages"),
        (VILLAGES.replace("town_code", "town"), TOWNS, "no column town_code"),
        (VILLAGES + "13,戊村,9,,,\n", TOWNS, "line 5: town_code 9 is not in the towns table"),
        (VILLAGES + "11,又村,1,,,\n", TOWNS, "line 5: code 11 occurs twice"),
        (VILLAGES + "13,,1,,,\n", TOWNS, "line 5: name is empty"),
        (VILLAGES + "13,戊村,1,112.9,,\n", TOWNS, "line 5: lon, lat"),
        (VILLAGES + "13,戊村,1,abc,30,\n", TOWNS, "line 5: lon, lat = 'abc', '30'"),
        (VILLAGES + "13,戊村,1,30.5,112.9,\n", TOWNS, "line 5: lon, lat"),
        (VILLAGES + "13,戊村,1,nan,nan,\n", TOWNS, "line 5: lon, lat"),
        (b"\xff\xfe\x00\x80" * 8, TOWNS, "neither UTF-8 nor GB18030"),
        (VILLAGES, "code,name,lon,lat\n1,甲镇,,\n2,乙镇,,\n", "no town has coordinates"),
    ],
)
def test_wrong_tables_say_where(
    tables: Callable[..., tuple[Path, Path]], villages: str | bytes, towns: str, words: str
) -> None:
    """Each mistake names the file, the line and the column."""
    with pytest.raises(PlacesFileError, match=words):
        read_tables(*tables(villages, towns))


def test_a_missing_table_is_named(tables: Callable[..., tuple[Path, Path]], tmp_path: Path) -> None:
    """A table that is not there is named."""
    with pytest.raises(PlacesFileError, match=r"none\.csv"):
        read_tables(tmp_path / "none.csv", tables()[1])


def test_a_region_without_roads_says_so_everywhere(tables: Callable[..., tuple[Path, Path]], tmp_path: Path) -> None:
    """The region, its engine and every matrix of it are labelled as estimates."""
    region = RegionStore(tmp_path / "regions").import_csv(*tables(), "qianjiang", terrain="flat")
    assert region.source == "geodesic"
    assert region.terrain == "flat"
    matrix = region.engine().matrix([region.depot.lonlat], [place.lonlat for place in region.located_places])
    assert matrix.source == "geodesic"
    assert "estimated" in matrix.warnings[0]


def test_real_tables_of_qianjiang(china_tables: Path, tmp_path: Path) -> None:
    """The 466 villages of 潜江 import with 174 unlocated and 4 suspect ones, none at longitude 0."""
    store = RegionStore(tmp_path / "regions")
    region = store.import_csv(
        china_tables / "429005_villages.csv", china_tables / "429005_towns.csv", "qianjiang", terrain="flat"
    )
    assert len(region.places) == 466
    assert len(region.unlocated_places) == 174
    assert sum(place.suspect for place in region.places) == 4
    assert all(place.lon is not None and place.lon > 112 for place in region.located_places)
    assert len(region.townships) == 24
