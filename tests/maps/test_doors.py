"""Plausible front doors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maps.errors import PlaceUnlocatedError
from maps.geodesy import straight_m
from maps.region import Region
from maps.store import RegionStore


def test_doors_stand_beside_roads_near_their_village(demo_region: Region) -> None:
    """Most doors of a village lie within 600 m of its middle, none farther than 20 m from a road."""
    village = next(place for place in demo_region.places if place.kind == "village")
    doors = demo_region.door_points(village.id, 200, seed=4)
    snaps = demo_region.engine().snap(doors)
    assert snaps.reachable.all()
    assert snaps.distance_m.max() < 20
    assert np.median(straight_m(doors, np.array(village.lonlat))) < 600


def test_doors_differ_and_repeat_with_the_seed(demo_region: Region) -> None:
    """One seed gives one set of doors, another seed another, and neighbours are not the same house."""
    ident = demo_region.places[0].id
    doors = demo_region.door_points(ident, 50, seed=1)
    np.testing.assert_array_equal(doors, demo_region.door_points(ident, 50, seed=1))
    assert not np.array_equal(doors, demo_region.door_points(ident, 50, seed=2))
    assert len(np.unique(doors, axis=0)) == 50


def test_every_place_has_doors(demo_region: Region) -> None:
    """However lonely the hamlet, a parcel can be addressed to it."""
    for place in demo_region.places:
        assert np.isfinite(demo_region.door_points(place.id, 2, seed=1)).all()
    assert demo_region.door_points(demo_region.places[0].id, 0, seed=1).shape == (0, 2)


def test_without_roads_doors_scatter_around_the_point(tmp_path: Path) -> None:
    """In a region without roads doors lie within 400 m of the village, and unlocated villages have none."""
    villages, towns = tmp_path / "v.csv", tmp_path / "t.csv"
    towns.write_text("code,name,lon,lat\n1,镇,112.89,30.42\n", encoding="utf-8")
    villages.write_text("code,name,town_code,lon,lat\n11,甲村,1,112.9,30.4\n12,乙村,1,,\n", encoding="utf-8")
    region = RegionStore(tmp_path / "regions").import_csv(villages, towns, "county")
    away = straight_m(region.door_points("11", 300, seed=1), np.array([112.9, 30.4]))
    assert away.max() <= 401
    assert away.std() > 20
    with pytest.raises(PlaceUnlocatedError, match="乙村"):
        region.door_points("12", 1, seed=1)
