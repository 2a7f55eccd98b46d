"""Regions kept open: the roads of a county are read once, not at each request."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from maps.engines.network import NetworkEngine
from maps.osm_tags import ROAD_CLASSES
from maps.region import Region
from maps.store import RegionStore

_METRES_PER_DEGREE = 111_320.0


class RegionCatalog:
    """Regions of a store, opened once and again when they were imported anew.

    Parameters
    ----------
    root
        The folder of imported regions.
    """

    def __init__(self, root: Path) -> None:
        self.store = RegionStore(root)
        self._root = root
        self._guard = threading.Lock()
        self._open: dict[str, tuple[float, Region]] = {}
        self._roads: dict[tuple[str, str, int], dict[str, Any]] = {}

    def names(self) -> list[str]:
        """Return the names of all imported regions, sorted."""
        return self.store.names()

    def load(self, name: str) -> Region:
        """Return a region; the same object until it is imported again.

        Raises
        ------
        RegionNotFoundError, RegionNameError, RegionDataError
            If there is none of that name, or its files are damaged.
        """
        stamp = self._stamp(name)
        with self._guard:
            known = self._open.get(name)
            if known is not None and known[0] == stamp:
                return known[1]
        region = self.store.load(name)
        with self._guard:
            self._open[name] = (stamp, region)
        return region

    def roads(self, name: str, tolerance_m: int) -> dict[str, Any]:
        """Return a region's roads as GeoJSON, one feature per road class, simplified.

        Parameters
        ----------
        tolerance_m
            How far a simplified line may leave the road, metres.
        """
        region = self.load(name)
        key = (name, region.version, tolerance_m)
        with self._guard:
            known = self._roads.get(key)
        if known is None:
            known = roads_geojson(region, tolerance_m)
            with self._guard:
                self._roads = {other: kept for other, kept in self._roads.items() if other[0] != name} | {key: known}
        return known

    def _stamp(self, name: str) -> float:
        try:
            return (self._root / name / "region.json").stat().st_mtime_ns
        except (OSError, ValueError):
            return 0.0


def roads_geojson(region: Region, tolerance_m: int) -> dict[str, Any]:
    """Draw the router's own network, so that a map needs no tiles (WEB-01); empty without roads."""
    engine = region.engine() if region.source == "road" else None
    features = []
    if isinstance(engine, NetworkEngine):
        graph = engine.graph
        owner = np.repeat(np.arange(graph.edge_count), np.diff(graph.shape_offset))
        lines = shapely.simplify(
            shapely.linestrings(graph.shape_lonlat, indices=owner), tolerance_m / _METRES_PER_DEGREE
        )
        for code, kind in enumerate(ROAD_CLASSES):
            mine = lines[graph.class_code == code]
            if len(mine):
                features.append({"type": "Feature", "properties": {"class": kind}, "geometry": _multi_line(mine)})
    return {
        "type": "FeatureCollection",
        "attribution": region.attribution,
        "features": features,
    }


def _multi_line(lines: Any) -> dict[str, Any]:
    coordinates = [np.round(shapely.get_coordinates(line), 5).tolist() for line in lines]
    return {"type": "MultiLineString", "coordinates": coordinates}
