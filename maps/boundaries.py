"""Township boundaries: rings from relations, polygons from GeoJSON, and which place lies in which."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from maps.errors import BoundaryFileError, BoundaryOpenError
from maps.geodesy import FloatArray, LocalFrame
from maps.osm_read import OsmBoundary

_NEAR_M = 300.0
"""A place this close outside every township counts to the nearest: boundaries are drawn coarsely."""

_NAME_KEYS = ("name", "NAME", "name:zh", "名称", "short_name", "district_name")
_ID_KEYS = ("id", "code", "adcode", "district_adcode")
_FINEST_LEVEL = 9
"""OSM: level 8 is the township in China; 10 is the village committee, which is a place of ours, no township."""

LonLat = tuple[float, float]
OsmPoint = tuple[int, float, float]


@dataclass(frozen=True)
class Area:
    """The polygon of a township or of the county."""

    id: str
    name: str
    polygon: BaseGeometry
    centre_node: int | None = None

    @property
    def rings(self) -> tuple[tuple[LonLat, ...], ...]:
        """Return the outer rings as (lon, lat) pairs."""
        parts = self.polygon.geoms if isinstance(self.polygon, MultiPolygon) else [self.polygon]
        return tuple(tuple((float(x), float(y)) for x, y in part.exterior.coords) for part in parts)


def closed_area(boundary: OsmBoundary) -> Area:
    """Join the ways of a boundary relation to a polygon.

    Raises
    ------
    BoundaryOpenError
        If the ways leave a gap; names the relation and where the gap is.
    """
    polygon = shapely.difference(_area_of(boundary, boundary.outer), _area_of(boundary, boundary.inner))
    if polygon.is_empty or polygon.area == 0:
        raise BoundaryOpenError(
            f"boundary of {boundary.name} (relation {boundary.relation_id}) encloses nothing",
            relation=boundary.relation_id, name=boundary.name,
        )  # fmt: skip
    return Area(f"r{boundary.relation_id}", boundary.name, polygon, boundary.centre_node)


def _area_of(boundary: OsmBoundary, ways: Sequence[int]) -> BaseGeometry:
    rings = _rings(boundary, {way_id: boundary.lines[way_id] for way_id in ways})
    return shapely.union_all([shapely.make_valid(Polygon(ring)) for ring in rings if len(ring) > 3])


def _rings(boundary: OsmBoundary, lines: Mapping[int, list[OsmPoint]]) -> list[list[LonLat]]:
    """Walk the ways end to end; at every node an even number of ways must meet."""
    ends: dict[int, list[int]] = defaultdict(list)
    closed = []
    for way_id, line in lines.items():
        if len(line) > 1 and line[0][0] == line[-1][0]:
            closed.append([point[1:] for point in line])
        elif len(line) > 1:
            ends[line[0][0]].append(way_id)
            ends[line[-1][0]].append(way_id)
    _refuse_gaps(boundary, ends)
    left = {way_id for ways in ends.values() for way_id in ways}
    while left:
        ring: list[LonLat] = []
        way_id = min(left)
        node = start = lines[way_id][0][0]
        while not ring or node != start:
            left.discard(way_id)
            line = lines[way_id]
            line = line if line[0][0] == node else line[::-1]
            ring.extend(point[1:] for point in line)
            node = line[-1][0]
            way_id = next((other for other in ends[node] if other in left), way_id)
        closed.append(ring)
    return closed


def _refuse_gaps(boundary: OsmBoundary, ends: dict[int, list[int]]) -> None:
    loose = [node for node, ways in ends.items() if len(ways) % 2]
    if not loose:
        return
    line = boundary.lines[ends[loose[0]][0]]
    _, lon, lat = line[0] if line[0][0] == loose[0] else line[-1]
    raise BoundaryOpenError(
        f"boundary of {boundary.name} (relation {boundary.relation_id}) does not close; "
        f"it is open at {lon:.6f}, {lat:.6f} (node {loose[0]})",
        relation=boundary.relation_id, name=boundary.name,
    )  # fmt: skip


def township_areas(boundaries: Sequence[OsmBoundary], places: FloatArray) -> list[Area]:
    """Choose the administrative level that describes townships, and close its polygons.

    That is the level whose areas hold the most of the places; among equals the one with more areas.
    Relations that the extract's edge cut off are left out.

    Parameters
    ----------
    places : shape (n, 2)
        Positions of the settlements.

    Raises
    ------
    BoundaryOpenError
        If a boundary of that level is complete in the file but does not close.
    """
    levels: dict[int, list[OsmBoundary]] = defaultdict(list)
    for boundary in boundaries:
        if boundary.complete and boundary.level <= _FINEST_LEVEL:
            levels[boundary.level].append(boundary)
    best: tuple[int, int, list[Area], BoundaryOpenError | None] = (0, 0, [], None)
    for _, members in sorted(levels.items(), reverse=True):
        areas, broken = _close_all(members)
        held = int((assign(areas, places) >= 0).sum())
        if held and (held, len(areas)) > best[:2]:
            best = (held, len(areas), areas, broken)
    if best[3] is not None:
        raise best[3]
    return best[2]


def _close_all(boundaries: Sequence[OsmBoundary]) -> tuple[list[Area], BoundaryOpenError | None]:
    """Close the boundaries of one level; an open one counts with its hull until its level is chosen."""
    areas, broken = [], None
    for boundary in boundaries:
        try:
            areas.append(closed_area(boundary))
        except BoundaryOpenError as problem:
            broken = broken or problem
            points = [point[1:] for line in boundary.lines.values() for point in line]
            areas.append(Area(f"r{boundary.relation_id}", boundary.name, shapely.MultiPoint(points).convex_hull))
    return areas, broken


def read_boundary_file(path: Path) -> list[Area]:
    """Read areas from GeoJSON: a FeatureCollection, a Feature or a bare polygon.

    Raises
    ------
    BoundaryFileError
        If the file is not GeoJSON, holds no polygon, or a polygon is not valid.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise BoundaryFileError(f"{path.name}: {problem.strerror}", path=path.name) from problem
    except ValueError as problem:
        raise BoundaryFileError(f"{path.name}: not GeoJSON: {problem}", path=path.name) from problem
    if not isinstance(document, dict):
        raise BoundaryFileError(f"{path.name}: not a GeoJSON object", path=path.name)
    features = document.get("features") if document.get("type") == "FeatureCollection" else [document]
    if not isinstance(features, list) or not features:
        raise BoundaryFileError(f"{path.name}: no features", path=path.name)
    return [_area(path.name, number, feature) for number, feature in enumerate(features)]


def _area(file: str, number: int, feature: Any) -> Area:
    entry = feature if isinstance(feature, dict) else {}
    geometry = entry.get("geometry") if entry.get("type") == "Feature" else entry
    properties = entry.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    name = _first(properties, _NAME_KEYS) or f"area {number + 1}"
    try:
        polygon = shape(geometry)
    except Exception as problem:  # shapely raises whatever the JSON made it stumble over
        raise BoundaryFileError(f"{file}: feature {number} ({name}): not a geometry", feature=number) from problem
    if polygon.geom_type not in ("Polygon", "MultiPolygon") or polygon.is_empty:
        raise BoundaryFileError(f"{file}: feature {number} ({name}): not a polygon", feature=number)
    if not _ring_ends_meet(geometry):
        raise BoundaryOpenError(f"{file}: feature {number} ({name}): a ring does not close", feature=number, name=name)
    if not polygon.is_valid:
        reason = shapely.is_valid_reason(polygon)
        raise BoundaryFileError(f"{file}: feature {number} ({name}): {reason}", feature=number)
    low_lon, low_lat, high_lon, high_lat = polygon.bounds
    if low_lon < -180 or high_lon > 180 or low_lat < -90 or high_lat > 90:
        raise BoundaryFileError(f"{file}: feature {number} ({name}): not in degrees", feature=number)
    return Area(_first(properties, _ID_KEYS) or str(entry.get("id") or f"b{number + 1}"), name, polygon)


def _first(properties: Mapping[str, Any], keys: Sequence[str]) -> str:
    return next((str(properties[key]) for key in keys if properties.get(key)), "")


def _ring_ends_meet(geometry: Any) -> bool:
    """Return whether every ring of a GeoJSON polygon ends where it begins; shapely would close it silently."""
    polygons = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}
    return all(ring[0] == ring[-1] for polygon in polygons.get(geometry["type"], []) for ring in polygon)


def assign(areas: Sequence[Area], points: FloatArray) -> NDArray[np.int64]:
    """Find the area each point lies in.

    Parameters
    ----------
    points : shape (n, 2)

    Returns
    -------
    shape (n,), index of the area, or -1 outside all; a point up to 300 m outside goes to the nearest.
    """
    found = np.full(len(points), -1, dtype=np.int64)
    if not areas or not len(points):
        return found
    frame = LocalFrame.around(points)
    polygons = [shapely.transform(area.polygon, frame.to_metres) for area in areas]
    tree = shapely.STRtree(polygons)
    dots = shapely.points(frame.to_metres(points))
    which, area = tree.query_nearest(dots, max_distance=_NEAR_M, all_matches=False)
    found[which] = area
    return found
