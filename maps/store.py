"""The folder of imported regions.

A region is ``region.json`` and, with roads, one ``roads-<version>.npz``. The JSON names the archive it
belongs to and is replaced last and at once, so a reader sees the old region or the new one, never a mix.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernel.progress import Progress, silent
from maps.csv_import import read_tables
from maps.datum import convert
from maps.datum_reference import refuse_wrong_datum
from maps.demo.county import DEMO_ATTRIBUTION, DEMO_TITLE, generate_county, write_county
from maps.doors import LaneDoors, scattered_doors
from maps.engines.cch import CchEngine, contraction_order
from maps.engines.dijkstra import DijkstraEngine
from maps.engines.geodesic import GeodesicEngine, terrain_of
from maps.engines.network import NetworkEngine
from maps.engines.protocol import REFUSE_SNAP_M, WARN_SNAP_M
from maps.errors import CoordinateError, RegionDataError, RegionNameError, RegionNotFoundError, RegionStorageError
from maps.geodesy import as_points
from maps.graph import RoadGraph, load_roads, save_roads
from maps.import_lock import sole_import
from maps.osm_import import OSM_ATTRIBUTION, read_county
from maps.places import Place, Township
from maps.region import Region

# A region's name is also the area in its devices' MQTT topics: the same letters and lengths.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{2,31}")
_FORMAT = 1
_RECORD = "region.json"


class RegionStore:
    """Regions in a folder; each import replaces a region as a whole.

    Parameters
    ----------
    root
        The folder; made at the first import.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """Return the names of all imported regions, sorted."""
        if not self._root.is_dir():
            return []
        return sorted(path.parent.name for path in self._root.glob(f"*/{_RECORD}") if _NAME.fullmatch(path.parent.name))

    def folder(self, name: str) -> Path:
        """Return the folder of a region, whether it exists or not.

        Raises
        ------
        RegionNameError
            If the name cannot be used.
        """
        _check_name(name)
        return self._root / name

    def load(self, name: str) -> Region:
        """Return a region; its roads are read at the first use of its engine.

        Raises
        ------
        RegionNotFoundError
            If no region of that name was imported.
        RegionDataError
            If its files are damaged.
        """
        path = self.folder(name) / _RECORD
        if not path.is_file():
            raise RegionNotFoundError(f"there is no region {name}", name=name)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] != _FORMAT:
                raise RegionDataError(f"region {name} was stored by another version of Cunda", name=name)
            return self._open(record)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise RegionDataError(f"region {name}: {path.name} cannot be read: {problem}", name=name) from problem

    def import_osm(
        self,
        path: Path,
        name: str,
        boundary: Path | None = None,
        *,
        depot: tuple[float, float] | None = None,
        title: str | None = None,
        zone: str = "Asia/Shanghai",
        attribution: str = OSM_ATTRIBUTION,
        progress: Progress = silent,
    ) -> Region:
        """Import an OpenStreetMap extract, replacing a region of that name.

        Parameters
        ----------
        boundary
            GeoJSON: several polygons are the townships, a single one limits the county.
        depot
            Longitude and latitude of the county centre; found in the extract when omitted.

        Raises
        ------
        RegionNameError, CoordinateError
            If an argument cannot be used.
        RegionBusyError
            If another import under that name is under way.
        OsmFileError, NoRoadsError, NoPlacesError, BoundaryOpenError, BoundaryFileError
            If the input cannot be used; what was stored under the name stays.
        """
        _check_name(name)
        with sole_import(self._root, name):
            return self._import_osm(path, name, boundary, depot, title, zone, attribution, progress)

    def _import_osm(
        self, path: Path, name: str, boundary: Path | None, depot: tuple[float, float] | None, title: str | None,
        zone: str, attribution: str, progress: Progress,
    ) -> Region:  # fmt: skip
        county = read_county(path, boundary, depot, progress)
        progress("ordering junctions", 0, 1)
        order = contraction_order(county.graph)
        notes = (*county.notes, *_reach(road_engine(county.graph, order), county.depot, county.places))
        progress("ordering junctions", 1, 1)
        region = Region(
            name, title or county.depot.name, zone, "road", attribution, county.depot, county.townships,
            county.places, notes=notes,
        )  # fmt: skip
        return self._store(region, county.graph, order, progress)

    def build_demo(self, name: str = "demo", seed: int = 1, progress: Progress = silent) -> Region:
        """Generate the fictional mountain county, write it as ``.osm.pbf`` and import that.

        The extract stays in the region's folder as ``demo.osm.pbf``.

        Raises
        ------
        RegionNameError
            If the name cannot be used.
        RegionBusyError
            If another import under that name is under way.
        """
        _check_name(name)
        with sole_import(self._root, name), _staging(self._root, name) as (staged, final):
            county = generate_county(seed, progress)
            extract = staged / "demo.osm.pbf"
            write_county(county, extract)
            region = self._import_osm(
                extract, name, None, None, DEMO_TITLE, "Asia/Shanghai", DEMO_ATTRIBUTION, progress
            )
            os.replace(extract, final / extract.name)
        return region

    def import_csv(
        self,
        villages_csv: Path,
        towns_csv: Path,
        name: str,
        terrain: str = "hilly",
        *,
        depot: tuple[float, float] | None = None,
        title: str | None = None,
        zone: str = "Asia/Shanghai",
        attribution: str | None = None,
        datum: str = "wgs84",
        trust_datum: bool = False,
        progress: Progress = silent,
    ) -> Region:
        """Import villages and towns of a county without road data, replacing a region of that name.

        Parameters
        ----------
        terrain
            ``flat``, ``hilly`` or ``mountain``: how distances are estimated.
        datum
            What the tables' coordinates are in: ``wgs84``, ``gcj02`` or ``bd09``. ``depot`` is WGS-84 always.
        trust_datum
            Do not compare the points with roads and places that are known here.

        Raises
        ------
        RegionNameError, TerrainError, CoordinateError, DatumError
            If an argument cannot be used.
        RegionBusyError
            If another import under that name is under way.
        DatumDoubtError
            If the points fit another datum clearly better than the declared one.
        PlacesFileError
            If a table cannot be used; what was stored under the name stays.
        """
        _check_name(name)
        terrain_of(terrain)
        if depot is not None:
            as_points([depot], "depot")
        convert([], datum)  # refuses an unknown name
        progress("reading places", 0, 2)
        listed = read_tables(villages_csv, towns_csv, depot)
        progress("reading places", 2, 2)
        if not trust_datum:
            known = (self.load(other) for other in self.names())
            refuse_wrong_datum(listed.places, datum, known, villages_csv.name, progress)
        listed = listed.in_wgs84(datum, depot_too=depot is None)
        region = Region(
            name, title or listed.depot.name, zone, "geodesic", attribution or f"Places: {villages_csv.name}",
            listed.depot, listed.townships, listed.places, notes=listed.notes, terrain=terrain,
        )  # fmt: skip
        with sole_import(self._root, name):
            return self._store(region, None, None, progress)

    def _open(self, record: dict[str, Any]) -> Region:
        townships = tuple(Township(**{**item, "rings": _rings(item["rings"])}) for item in record["townships"])
        region = Region(
            name=record["name"], title=record["title"], zone=record["zone"], source=record["source"],
            attribution=record["attribution"], depot=Place(**record["depot"]), townships=townships,
            places=tuple(Place(**item) for item in record["places"]),
            version=record["version"], notes=tuple(record["notes"]), terrain=record["terrain"],
        )  # fmt: skip
        if region.source == "geodesic":
            return replace(
                region, open_engine=partial(GeodesicEngine, record["terrain"]), open_doors=lambda: scattered_doors
            )
        roads = cache(partial(load_roads, self._root / region.name / record["roads"]))
        return replace(region, open_engine=lambda: road_engine(*roads()), open_doors=lambda: LaneDoors(roads()[0]))

    def _store(
        self, region: Region, graph: RoadGraph | None, order: NDArray[np.int32] | None, progress: Progress
    ) -> Region:
        progress("storing the region", 0, 1)
        record = _record(region)
        record["version"] = _fingerprint(record, graph)
        with _staging(self._root, region.name) as (staged, final):
            if graph is not None:
                record["roads"] = f"roads-{record['version']}.npz"
                save_roads(staged / record["roads"], graph, order)
            final.mkdir(exist_ok=True)
            before = _roads_of(final)
            text = json.dumps(record, ensure_ascii=False, indent=1)
            (staged / _RECORD).write_text(text, encoding="utf-8")
            for path in sorted(staged.iterdir(), key=lambda path: path.name == _RECORD):  # the record last
                os.replace(path, final / path.name)
        _tidy(final, {record["roads"], before})
        progress("storing the region", 1, 1)
        return self._open(record)


def road_engine(graph: RoadGraph, order: NDArray[np.int32] | None) -> NetworkEngine:
    """Return the fast engine when there is a contraction order for it, else the plain one."""
    return DijkstraEngine(graph) if order is None else CchEngine(graph, order)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RegionNameError(f"{name!r} cannot be the name of a region", name=name)


def _rings(rings: list[list[list[float]]]) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(tuple((lon, lat) for lon, lat in ring) for ring in rings)


def _reach(engine: NetworkEngine, depot: Place, places: Sequence[Place]) -> tuple[str, ...]:
    """Say which places lie far from roads.

    Raises
    ------
    CoordinateError
        If that is the county centre, for then nothing can be planned.
    """
    snaps = engine.snap([depot.lonlat, *(place.lonlat for place in places)])
    if not snaps.reachable[0]:
        lon, lat = depot.lonlat
        raise CoordinateError(
            f"county centre {depot.name} ({lon}, {lat}) lies farther than {REFUSE_SNAP_M:.0f} m from any road",
            remedy="Give the county centre with --depot LON,LAT.",
        )
    off = [place.name for place, good in zip(places, snaps.reachable[1:], strict=True) if not good]
    far = [
        place.name
        for place, away in zip(places, snaps.distance_m[1:], strict=True)
        if REFUSE_SNAP_M >= away > WARN_SNAP_M
    ]
    said = (
        (off, f"farther than {REFUSE_SNAP_M:.0f} m from any road, not reachable"),
        (far, f"farther than {WARN_SNAP_M:.0f} m from a road"),
    )
    return tuple(f"places {text}: {', '.join(names)}" for names, text in said if names)


def _record(region: Region) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "name": region.name,
        "title": region.title,
        "zone": region.zone,
        "source": region.source,
        "attribution": region.attribution,
        "terrain": region.terrain,
        "notes": list(region.notes),
        "roads": "",
        "depot": asdict(region.depot),
        "townships": [asdict(township) for township in region.townships],
        "places": [asdict(place) for place in region.places],
    }


def _fingerprint(record: dict[str, Any], graph: RoadGraph | None) -> str:
    digest = hashlib.sha256(json.dumps(record, ensure_ascii=False, sort_keys=True).encode())
    for item in fields(graph) if graph is not None else ():
        digest.update(getattr(graph, item.name).tobytes())
    return digest.hexdigest()[:16]


@contextmanager
def _staging(root: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Give a folder to build in, on the same disk, and the region's own; the first is gone afterwards.

    Raises
    ------
    RegionStorageError
        If the disk refuses; nothing is left of what was being built.
    """
    staged: Path | None = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
        yield staged, root / name
    except OSError as problem:
        raise RegionStorageError(f"region {name} cannot be written: {problem}", name=name) from problem
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)


def _roads_of(folder: Path) -> str:
    """Return the archive a stored region names; empty when there is none."""
    try:
        return str(json.loads((folder / _RECORD).read_text(encoding="utf-8"))["roads"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _tidy(folder: Path, keep: set[str]) -> None:
    """Remove archives of older imports; the last one stays for programs that still have it open."""
    for path in folder.glob("roads-*.npz"):
        if path.name not in keep:
            path.unlink(missing_ok=True)
