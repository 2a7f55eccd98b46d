"""A wrong datum is found by what the points lie at."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.progress import silent
from maps.datum import DATUMS, convert
from maps.datum_check import likely_datum, refuse_doubtful, to_partners, to_places, to_roads
from maps.datum_reference import refuse_wrong_datum
from maps.errors import DatumDoubtError, DatumError
from maps.geodesy import straight_m
from maps.places import Place
from maps.region import Region
from maps.store import RegionStore


@pytest.fixture
def village_tables(demo_region: Region, tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """Give a function that writes the demo county's villages as tables in a datum."""

    def write(datum: str) -> tuple[Path, Path]:
        villages = [place for place in demo_region.located_places if place.kind == "village"]
        lonlat = convert([place.lonlat for place in villages], "wgs84", datum)
        paths = tmp_path / f"villages-{datum}.csv", tmp_path / "towns.csv"
        with paths[0].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["code", "name", "town_code", "lon", "lat"])
            for place, (lon, lat) in zip(villages, lonlat.tolist(), strict=True):
                writer.writerow([place.id, place.name, "1", f"{lon:.6f}", f"{lat:.6f}"])
        lon, lat = convert([demo_region.depot.lonlat], "wgs84", datum)[0].tolist()
        paths[1].write_text(f"code,name,lon,lat\n1,城关镇,{lon:.6f},{lat:.6f}\n", encoding="utf-8")
        return paths

    return write


@pytest.mark.parametrize("true_datum", DATUMS)
@pytest.mark.parametrize("declared", DATUMS)
def test_villages_on_roads_show_their_datum(demo_region: Region, true_datum: str, declared: str) -> None:
    """Villages of a county with roads betray every wrong declaration and confirm every right one."""
    lonlat = [place.lonlat for place in demo_region.located_places]
    finding = likely_datum(convert(lonlat, "wgs84", true_datum), declared, to_roads(demo_region.engine()))
    assert finding.likely == true_datum
    assert finding.verdict == ("agrees" if declared == true_datum else "doubtful")
    assert finding.compared == len(lonlat)


@pytest.mark.parametrize("true_datum", DATUMS)
def test_doors_of_parcels_show_their_datum(demo_region: Region, true_datum: str) -> None:
    """The exact points of a manifest are compared with the roads, and with the villages they are addressed to."""
    some = demo_region.located_places[::20]
    doors = np.concatenate([demo_region.door_points(place.id, 3, seed=5) for place in some])
    homes = np.repeat([place.lonlat for place in some], 3, axis=0)
    given_points = convert(doors, "wgs84", true_datum)
    for reference in (to_roads(demo_region.engine()), to_partners(homes)):
        assert likely_datum(given_points, "wgs84", reference).likely == true_datum


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000), true_datum=st.sampled_from(DATUMS), declared=st.sampled_from(DATUMS),
    lon=st.floats(98, 122), lat=st.floats(22, 45),
)  # fmt: skip
def test_places_known_to_100_m_show_the_datum_anywhere_in_china(
    seed: int, true_datum: str, declared: str, lon: float, lat: float
) -> None:
    """Wherever in China a county lies, points near known places are read where they are, to within their noise."""
    rng = np.random.default_rng(seed)
    known = np.array([lon, lat]) + rng.uniform(-0.2, 0.2, (40, 2))
    points = convert(known + rng.normal(0, 0.0005, known.shape), "wgs84", true_datum)
    likely = likely_datum(points, declared, to_partners(known)).likely
    # In places the shift itself is as small as the noise (some 70 m): then both readings are right enough.
    apart_m = np.median(straight_m(convert(points, likely), convert(points, true_datum)))
    assert apart_m < 250


def test_few_points_and_points_abroad_say_nothing(andorra: Region) -> None:
    """Where nothing is shifted, or too few points are there, the declared datum stands and is called unchecked."""
    abroad = likely_datum([place.lonlat for place in andorra.located_places], "wgs84", to_roads(andorra.engine()))
    assert (abroad.verdict, abroad.likely) == ("unchecked", "wgs84")
    few = likely_datum([(109.6, 29.9)] * 7, "gcj02", to_places([(109.6, 29.9)]))
    assert (few.verdict, few.likely) == ("unchecked", "gcj02")


def test_points_that_fit_nothing_are_left_to_their_declaration() -> None:
    """Points far from everything known are no ground to call another datum likely."""
    rng = np.random.default_rng(3)
    points = np.array([110.0, 30.0]) + rng.uniform(-0.2, 0.2, (60, 2))
    finding = likely_datum(points, "wgs84", to_places(np.array([[111.0, 31.0], [111.1, 31.1]])))
    assert finding.verdict == "agrees"
    refuse_doubtful(finding, "points.csv", "say so")


def test_an_unknown_datum_is_named() -> None:
    """A datum nobody knows is refused by name."""
    with pytest.raises(DatumError, match="cgcs"):
        likely_datum([(110.0, 30.0)], "cgcs", to_places([(110.0, 30.0)]))


def test_a_table_in_the_wrong_datum_is_stopped_and_can_be_overridden(
    demo_store: RegionStore, village_tables: Callable[[str], tuple[Path, Path]], tmp_path: Path, demo_region: Region
) -> None:
    """A GCJ-02 table declared as WGS-84 is refused, taken when declared right, and taken when trusted."""
    tables = village_tables("gcj02")
    with pytest.raises(DatumDoubtError, match=r"villages-gcj02\.csv: declared as WGS-84, but the points fit GCJ-02"):
        demo_store.import_csv(*tables, "shifted")
    assert "shifted" not in demo_store.names()

    right = demo_store.import_csv(*tables, "right", datum="gcj02")
    true = {place.id: place.lonlat for place in demo_region.places}
    for place in right.places:
        np.testing.assert_allclose(place.lonlat, true[place.id], atol=2e-6)
    np.testing.assert_allclose(right.depot.lonlat, demo_region.depot.lonlat, atol=2e-6)

    trusted = demo_store.import_csv(*tables, "trusted", trust_datum=True)
    assert trusted.places[0].lonlat != right.places[0].lonlat


def test_without_anything_known_a_table_is_taken_and_progress_says_so(
    village_tables: Callable[[str], tuple[Path, Path]], tmp_path: Path
) -> None:
    """The first region of an installation cannot be compared with anything; the import tells that."""
    told: list[str] = []
    RegionStore(tmp_path / "empty").import_csv(
        *village_tables("gcj02"), "first", progress=lambda stage, done, total=None, note="": told.append(note)
    )
    assert any("to compare with" in note for note in told)


def test_villages_of_one_name_in_a_region_without_roads_are_compared(
    village_tables: Callable[[str], tuple[Path, Path]], tmp_path: Path
) -> None:
    """A trusted list of the same county, though without roads, shows the datum of a new one."""
    store = RegionStore(tmp_path / "lists")
    store.import_csv(*village_tables("wgs84"), "trusted")
    with pytest.raises(DatumDoubtError, match="BD-09"):
        store.import_csv(*village_tables("bd09"), "new")


def test_a_depot_that_was_given_is_not_converted(
    village_tables: Callable[[str], tuple[Path, Path]], tmp_path: Path
) -> None:
    """--depot is WGS-84 whatever the tables are in."""
    region = RegionStore(tmp_path / "given").import_csv(
        *village_tables("gcj02"), "given", datum="gcj02", depot=(109.6, 29.9)
    )
    assert region.depot.lonlat == (109.6, 29.9)


def test_real_villages_agree_with_themselves(china_tables: Path, tmp_path: Path) -> None:
    """The 潜江 list, imported twice, agrees with itself; declared as Baidu's it does not."""
    store = RegionStore(tmp_path / "regions")
    tables = china_tables / "429005_villages.csv", china_tables / "429005_towns.csv"
    store.import_csv(*tables, "one", terrain="flat")
    store.import_csv(*tables, "two", terrain="flat")
    with pytest.raises(DatumDoubtError, match="WGS-84"):
        store.import_csv(*tables, "three", terrain="flat", datum="bd09")


def test_places_without_position_are_passed_over(demo_region: Region) -> None:
    """Unlocated places take no part in the comparison."""
    places = [*demo_region.places[:50], Place("x", "无名村", "village", "1", None, None)]
    finding = refuse_wrong_datum(places, "wgs84", [demo_region], "list.csv", silent)
    assert finding is not None
    assert finding.compared == 50
