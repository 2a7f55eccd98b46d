"""From an OpenStreetMap extract to a region: roads, places, townships, county centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from kernel.progress import Progress, silent
from maps.boundaries import Area, assign, read_boundary_file, township_areas
from maps.errors import NoPlacesError, NoRoadsError
from maps.geodesy import FloatArray, as_points, straight_m
from maps.graph import RoadGraph, cut_at_junctions
from maps.osm_read import OsmContent, OsmPlace, read_extract
from maps.places import PLACE_KINDS, Place, Township

OSM_ATTRIBUTION = "© OpenStreetMap contributors"


@dataclass(frozen=True)
class ImportedCounty:
    """What an import found, before it is stored."""

    depot: Place
    townships: tuple[Township, ...]
    places: tuple[Place, ...]
    graph: RoadGraph
    notes: tuple[str, ...]


def read_county(
    path: Path,
    boundary: Path | None = None,
    depot: tuple[float, float] | None = None,
    progress: Progress = silent,
) -> ImportedCounty:
    """Read a county from an extract.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm.bz2`` or ``.osm``.
    boundary
        GeoJSON in WGS-84. Several polygons are the townships; a single one limits the county, and the
        townships come from the extract.
    depot
        Longitude and latitude of the county centre; else the town tagged as capital, else the largest.

    Raises
    ------
    OsmFileError, NoRoadsError, NoPlacesError
        If the extract cannot be used.
    BoundaryOpenError, BoundaryFileError
        If a township has no proper boundary.
    CoordinateError
        If ``depot`` is not a position.
    """
    if depot is not None:
        as_points([depot], "depot")
    drawn = read_boundary_file(boundary) if boundary is not None else []
    content = read_extract(path, progress)
    progress("building the road network", 0, 1)
    graph = cut_at_junctions(content.ways)
    if graph.edge_count == 0:
        raise NoRoadsError(f"{path.name}: no road a vehicle may use", path=path.name)
    if not content.places:
        raise NoPlacesError(f"{path.name}: no town, village or hamlet", path=path.name)
    progress("building the road network", 1, 1)
    return _settle(content, drawn, depot, graph)


def _settle(
    content: OsmContent, drawn: list[Area], depot: tuple[float, float] | None, graph: RoadGraph
) -> ImportedCounty:
    notes = []
    if content.cut_ways:
        notes.append(f"roads that lead out of the extract, cut at its edge: {content.cut_ways}")
    nodes, outside = _inside_limit(content.places, drawn)
    areas = drawn if len(drawn) > 1 else township_areas(content.boundaries, _positions(nodes))
    if not areas:
        notes.append("no township boundaries: every place belongs to its nearest town")
    membership = assign(areas, _positions(nodes)) if areas else _nearest_town(nodes)
    outside += int((membership < 0).sum())
    if outside:
        notes.append(f"places outside every township, left out: {outside}")
    nodes = [node for node, index in zip(nodes, membership, strict=True) if index >= 0]
    membership = membership[membership >= 0]
    if not nodes:
        raise NoPlacesError("no town, village or hamlet lies inside the boundary")
    townships = _townships(areas, nodes, membership) if areas else _towns_as_townships(nodes)
    places = tuple(
        Place(f"n{node.node_id}", node.name, node.kind, townships[index].id, node.lon, node.lat, node.population)
        for node, index in zip(nodes, membership, strict=True)
    )
    centre = _county_centre(nodes, places, depot)
    order = {township.id: index for index, township in enumerate(townships)}
    places = tuple(sorted(places, key=lambda p: (order[p.township_id], PLACE_KINDS.index(p.kind), p.id)))
    return ImportedCounty(centre, townships, places, graph, tuple(notes))


def _positions(nodes: Sequence[OsmPlace]) -> FloatArray:
    return np.array([(node.lon, node.lat) for node in nodes], dtype=np.float64).reshape(-1, 2)


def _inside_limit(places: list[OsmPlace], drawn: list[Area]) -> tuple[list[OsmPlace], int]:
    """Keep the places inside a single drawn polygon; without one, all."""
    if len(drawn) != 1:
        return places, 0
    inside = shapely.contains_xy(drawn[0].polygon, _positions(places))
    kept = [place for place, good in zip(places, inside, strict=True) if good]
    return kept, len(places) - len(kept)


def _seats(nodes: Sequence[OsmPlace]) -> list[int]:
    towns = [index for index, node in enumerate(nodes) if node.kind == "town"]
    return towns or [0]


def _nearest_town(nodes: Sequence[OsmPlace]) -> NDArray[np.int64]:
    if not nodes:
        return np.empty(0, dtype=np.int64)
    points = _positions(nodes)
    distance = straight_m(points[:, None, :], points[_seats(nodes)][None, :, :])
    return np.asarray(distance.argmin(axis=1), dtype=np.int64)


def _towns_as_townships(nodes: Sequence[OsmPlace]) -> tuple[Township, ...]:
    return tuple(
        Township(f"n{nodes[index].node_id}", nodes[index].name, nodes[index].lon, nodes[index].lat)
        for index in _seats(nodes)
    )


def _townships(areas: Sequence[Area], nodes: Sequence[OsmPlace], membership: NDArray[np.int64]) -> tuple[Township, ...]:
    """Make townships of areas; the seat is the named centre, else the largest place inside, else the middle."""
    townships = []
    for index, area in enumerate(areas):
        inside = [node for node, owner in zip(nodes, membership, strict=True) if owner == index]
        named = [node for node in inside if node.node_id == area.centre_node]
        seat = named or sorted(inside, key=lambda node: (PLACE_KINDS.index(node.kind), -(node.population or 0)))
        if seat:
            lon, lat = seat[0].lon, seat[0].lat
        else:
            middle = area.polygon.representative_point()
            lon, lat = middle.x, middle.y
        townships.append(Township(area.id, area.name, lon, lat, area.rings))
    return tuple(townships)


def _county_centre(nodes: Sequence[OsmPlace], places: Sequence[Place], depot: tuple[float, float] | None) -> Place:
    """Find the county centre: the given point, else the capital, else the largest town, else the largest place."""
    ranked = sorted(
        zip(nodes, places, strict=True),
        key=lambda pair: (
            not pair[0].capital, PLACE_KINDS.index(pair[0].kind), -(pair[0].population or 0), pair[0].node_id,
        ),
    )  # fmt: skip
    largest = ranked[0][1]
    if depot is not None:
        at = straight_m(_positions(nodes), np.array(depot, dtype=np.float64))
        near = places[int(at.argmin())]
        return Place("depot", f"{near.name} centre", "county", near.township_id, float(depot[0]), float(depot[1]))
    return replace(largest, id="depot", kind="county", population=None)
