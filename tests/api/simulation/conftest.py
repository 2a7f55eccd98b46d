"""A county small enough to play a whole day of it in seconds: five roads across, five along, a village at each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import osmium
import pytest
from osmium.osm.mutable import Node, Way

from maps.geodesy import LocalFrame
from maps.store import RegionStore

SIDE, STEP_M = 5, 2_500
CENTRE = (2, 2)
TOWNS = {(2, 2): "城关镇", (0, 0): "东坪镇", (4, 4): "西岭镇"}


@pytest.fixture(scope="session")
def grid_regions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of regions that holds the small county, named `grid`."""
    folder = tmp_path_factory.mktemp("grid")
    extract = folder / "grid.osm.pbf"
    frame = LocalFrame(109.6, 29.9)
    with osmium.SimpleWriter(str(extract), overwrite=True) as writer:
        for x in range(SIDE):
            for y in range(SIDE):
                lon, lat = frame.to_degrees(np.array([[x * STEP_M, y * STEP_M]], dtype=float))[0]
                town = TOWNS.get((x, y))
                tags = {"place": "town" if town else "village", "name": town or f"{'甲乙丙丁戊'[x]}{'子丑寅卯辰'[y]}村"}
                population = "20000" if (x, y) == CENTRE else "800"
                ident = 1 + x * SIDE + y
                tags |= {"population": population}
                writer.add_node(Node(id=ident, version=1, location=(float(lon), float(lat)), tags=tags))
        for line in range(SIDE):
            across = [1 + x * SIDE + line for x in range(SIDE)]
            along = [1 + line * SIDE + y for y in range(SIDE)]
            writer.add_way(Way(id=100 + line, version=1, nodes=across, tags={"highway": "secondary"}))
            writer.add_way(Way(id=200 + line, version=1, nodes=along, tags={"highway": "secondary"}))
    RegionStore(folder / "regions").import_osm(extract, "grid", zone="Asia/Shanghai")
    return folder / "regions"
