"""Reading an OpenStreetMap extract: roads, places and administrative boundaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium

from kernel.progress import Progress
from maps.errors import OsmFileError
from maps.graph import RoadWay
from maps.osm_tags import read_road

SETTLEMENTS = {"city": "town", "town": "town", "village": "village", "hamlet": "hamlet",
               "isolated_dwelling": "isolated_dwelling"}  # fmt: skip
"""Values of ``place`` that are settlements, and the kind of place they become."""

_REPORT_EVERY = 20_000


@dataclass(frozen=True)
class OsmPlace:
    """A ``place`` node."""

    node_id: int
    name: str
    kind: str
    lon: float
    lat: float
    population: int | None
    capital: bool


@dataclass
class OsmBoundary:
    """An administrative boundary relation; lines are filled in as its ways are met."""

    relation_id: int
    name: str
    level: int
    outer: list[int]
    inner: list[int]
    centre_node: int | None
    lines: dict[int, list[tuple[int, float, float]]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Return whether every way of it is in the file; the extract's edge cuts off the others."""
        return bool(self.outer) and len(self.lines) == len({*self.outer, *self.inner})


@dataclass
class OsmContent:
    """What one extract holds for us."""

    ways: list[RoadWay] = field(default_factory=list)
    places: list[OsmPlace] = field(default_factory=list)
    boundaries: list[OsmBoundary] = field(default_factory=list)
    cut_ways: int = 0


def read_extract(path: Path, progress: Progress) -> OsmContent:
    """Read roads, settlements and boundaries of an extract.

    Relations are read first, for they name the ways that make a boundary; then all else in one pass.

    Raises
    ------
    OsmFileError
        If the file is missing, empty, damaged or cut short.
    """
    if not path.is_file():
        raise OsmFileError(f"{path.name}: no such file", path=path.name, remedy="Check the path of the extract.")
    if path.stat().st_size == 0:
        raise OsmFileError(f"{path.name}: the file is empty", path=path.name)
    content = OsmContent()
    with _named_failures(path):
        content.boundaries = list(_boundaries(path))
        progress("reading boundaries", len(content.boundaries), len(content.boundaries))
        _read_objects(path, content, progress)
    return content


@contextmanager
def _named_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except RuntimeError as problem:  # all of libosmium's own
        raise OsmFileError(f"{path.name}: {problem}", path=path.name) from problem
    except (OSError, ValueError) as problem:
        raise OsmFileError(f"{path.name}: cannot be read: {problem}", path=path.name) from problem


def _boundaries(path: Path) -> Iterator[OsmBoundary]:
    only = osmium.filter.TagFilter(("boundary", "administrative"))
    relation: Any  # the reader's own types do not say that only relations come
    for relation in osmium.FileProcessor(path, osmium.osm.RELATION).with_filter(only):
        level = relation.tags.get("admin_level", "")
        if not level.isdecimal() or relation.tags.get("type", "") not in ("boundary", "multipolygon"):
            continue
        members = list(relation.members)
        centre = [member.ref for member in members if member.type == "n" and member.role in ("admin_centre", "label")]
        yield OsmBoundary(
            relation_id=relation.id,
            name=_name(relation.tags) or f"relation {relation.id}",
            level=int(level),
            outer=[member.ref for member in members if member.type == "w" and member.role in ("outer", "")],
            inner=[member.ref for member in members if member.type == "w" and member.role == "inner"],
            centre_node=centre[0] if centre else None,
        )


def _read_objects(path: Path, content: OsmContent, progress: Progress) -> None:
    borders: dict[int, list[OsmBoundary]] = {}
    for boundary in content.boundaries:
        for way_id in (*boundary.outer, *boundary.inner):
            borders.setdefault(way_id, []).append(boundary)
    # Location handling needs the nodes; the filter spares Python from seeing those without a place.
    objects = osmium.FileProcessor(path, osmium.osm.NODE | osmium.osm.WAY).with_locations()
    objects.with_filter(_SettlementsAndWays(set(borders)))
    item: Any
    for seen, item in enumerate(objects):
        if seen % _REPORT_EVERY == 0:
            progress("reading roads and places", seen)
        if item.is_node():
            _take_place(item, content)
        else:
            _take_way(item, content, borders.get(item.id, ()))
    progress("reading roads and places", len(content.ways), len(content.ways))


class _SettlementsAndWays:
    """Filter that lets through place nodes, roads and ways of boundaries."""

    def __init__(self, borders: set[int]) -> None:
        self._borders = borders

    def node(self, item: osmium.osm.Node) -> bool:
        return not (item.tags and "place" in item.tags)

    def way(self, item: osmium.osm.Way) -> bool:
        return "highway" not in item.tags and item.id not in self._borders


def _take_place(node: Any, content: OsmContent) -> None:
    kind = SETTLEMENTS.get(node.tags.get("place", ""))
    name = _name(node.tags)
    if kind is None or not name or not node.location.valid():
        return
    population = node.tags.get("population", "").replace(",", "").replace(" ", "")
    content.places.append(
        OsmPlace(
            node_id=node.id, name=name, kind=kind, lon=node.location.lon, lat=node.location.lat,
            population=int(population) if population.isdecimal() else None,
            capital=node.tags.get("capital", "no") not in ("no", ""),
        )
    )  # fmt: skip


def _take_way(way: Any, content: OsmContent, borders: Iterable[OsmBoundary]) -> None:
    runs = _runs(way)
    for boundary in borders:
        if len(runs) == 1 and len(runs[0]) == len(way.nodes):
            boundary.lines[way.id] = runs[0]
    tags = dict(way.tags)
    road = read_road(tags)
    if road is None:
        return
    content.cut_ways += sum(len(run) for run in runs) < len(way.nodes)
    for run in runs:
        content.ways.append(RoadWay(way.id, [ref for ref, _, _ in run], [(lon, lat) for _, lon, lat in run], road))


def _runs(way: Any) -> list[list[tuple[int, float, float]]]:
    """Return the stretches of a way whose nodes are in the file, as (node, lon, lat)."""
    runs: list[list[tuple[int, float, float]]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append((node.ref, node.lon, node.lat))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _name(tags: Any) -> str:
    return str(tags.get("name") or tags.get("name:zh") or tags.get("name:en") or "")
