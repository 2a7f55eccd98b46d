"""From a region to a siting problem: demand points, candidates and the road minutes between them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from maps.csv_import import PlacesTable
from maps.errors import PlacesFileError, SitingInputError
from maps.geodesy import LocalFrame, as_points
from maps.places import Place
from maps.region import Region
from maps.siting.problem import Candidate, DemandPoint, SitingProblem
from maps.siting.scenes import SCENES, check_scene

DemandRecord = tuple[str | tuple[float, float], float]
"""A place's id, or a longitude and latitude in WGS-84, and how much demand began there."""

RESIDENTS = "residents"
_NAMED = 8
_PEOPLE_UNKNOWN = 1_000
_TOWN_PEOPLE_UNKNOWN = 10_000
_PEOPLE_PER = {
    "pharmacy": (2_300, 1, 6),
    "convenience_store": (3_000, 1, 5),
    "speciality_shop": (10_000, 1, 3),
    "school": (10_000, 1, 3),
    "hotel": (20_000, 1, 2),
    "station": (100_000, 1, 1),
    "office": (30_000, 0, 2),
    "industrial_park": (30_000, 0, 1),
}
"""How many inhabitants of a town have one such place between them, and how many a town has at least and at
most: our assumption, for want of a list. Scenic spots cannot be guessed from inhabitants."""


def demand_from_history(
    region: Region, records: Iterable[DemandRecord], days: float = 1.0
) -> tuple[tuple[DemandPoint, ...], tuple[str, ...]]:
    """Gather history into one demand point per place, in parcels a day.

    Points are counted to the nearest place with a position.

    Parameters
    ----------
    records
        Places or points with what began there over all days.
    days
        How many days the history spans.

    Returns
    -------
    Demand points, and notes on what could not be located.

    Raises
    ------
    SitingInputError
        If days or an amount is not positive; names the record.
    PlaceNotFoundError, CoordinateError
        If a record's place is not in the region, or its point is none.
    """
    if not days > 0:
        raise SitingInputError(f"a history of {days} days")
    amounts: dict[str, float] = defaultdict(float)
    points: list[tuple[float, float]] = []
    point_amounts: list[float] = []
    for where, amount in records:
        if not (math.isfinite(amount) and amount >= 0):
            raise SitingInputError(f"demand at {where}: {amount} is not an amount")
        if isinstance(where, str):
            amounts[region.place(where).id] += amount
        else:
            points.append(where)
            point_amounts.append(amount)
    for place, amount in zip(_nearest_places(region, points), point_amounts, strict=True):
        amounts[place.id] += amount
    return _points(region, {place_id: amount / days for place_id, amount in amounts.items()})


def demand_from_population(region: Region) -> tuple[tuple[DemandPoint, ...], tuple[str, ...]]:
    """Take every place's inhabitants for its demand; places without a figure count 1,000."""
    unknown = sum(place.population is None for place in region.places)
    amounts = {place.id: float(place.population or _PEOPLE_UNKNOWN) for place in region.places}
    demands, notes = _points(region, amounts)
    if unknown:
        notes = (*notes, f"places without a number of inhabitants, counted as {_PEOPLE_UNKNOWN}: {unknown}")
    return demands, notes


def _nearest_places(region: Region, points: Sequence[tuple[float, float]]) -> list[Place]:
    if not points:
        return []
    places = region.located_places
    if not places:
        raise SitingInputError(f"region {region.name} has no place with a position")
    lonlat = as_points([place.lonlat for place in places])
    frame = LocalFrame.around(lonlat)
    _, nearest = cKDTree(frame.to_metres(lonlat)).query(frame.to_metres(as_points(points)))
    return [places[index] for index in np.asarray(nearest).tolist()]


def _points(region: Region, amounts: dict[str, float]) -> tuple[tuple[DemandPoint, ...], tuple[str, ...]]:
    demands, lost = [], []
    for place_id, amount in sorted(amounts.items()):
        place = region.place(place_id)
        if place.located:
            demands.append(DemandPoint(place.id, place.name, *place.lonlat, amount))
        elif amount > 0:
            lost.append((amount, place.name))
    if not lost:
        return tuple(demands), ()
    names = ", ".join(name for _, name in sorted(lost, reverse=True)[:_NAMED])
    more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    share = sum(amount for amount, _ in lost) / max(sum(amounts.values()), 1e-12)
    return tuple(demands), (f"left out, for their position is unknown ({share:.0%} of the demand): {names}{more}",)


def assumed_candidates(region: Region, seed: int = 1) -> tuple[Candidate, ...]:
    """Suppose where kiosks could stand: at every village, and in towns by their size.

    A village has its service point, at the village. How many shops, schools and the like a town has is
    guessed from its inhabitants, and their doors are drawn along its lanes by seed; all of that is marked
    ``assumed``. Before money is spent, somebody goes and looks, or brings a list for :func:`read_candidates`.
    """
    villages = [
        Candidate(f"{place.id}/village_service_point", f"{place.name}{SCENES['village_service_point']}",
                  "village_service_point", place.id, *place.lonlat, assumed=True)
        for place in region.located_places
        if place.kind == "village"
    ]  # fmt: skip
    return (*villages, *_in_towns(region, seed), *_at_seats(region))


def _in_towns(region: Region, seed: int) -> list[Candidate]:
    found = []
    for place in region.located_places:
        if place.kind not in ("town", "county"):
            continue
        scenes = _scenes_of(place.population or _TOWN_PEOPLE_UNKNOWN)
        doors = region.door_points(place.id, len(scenes), seed).tolist()
        for (scene, number), (lon, lat) in zip(scenes, doors, strict=True):
            found.append(_supposed(place.id, place.name, scene, number, lon, lat))
    return found


def _at_seats(region: Region) -> list[Candidate]:
    """Suppose shops at the seats of townships, where the source lists no towns as places."""
    if any(place.kind in ("town", "county") for place in region.places):
        return []
    return [
        _supposed(township.id, township.name, scene, number, *township.lonlat)
        for township in region.townships
        if township.lon is not None
        for scene, number in _scenes_of(_TOWN_PEOPLE_UNKNOWN)
    ]


def _scenes_of(people: int) -> list[tuple[str, int]]:
    counts = {scene: min(most, max(least, people // per)) for scene, (per, least, most) in _PEOPLE_PER.items()}
    return [(scene, number) for scene, count in counts.items() for number in range(1, count + 1)]


def _supposed(place_id: str, place_name: str, scene: str, number: int, lon: float, lat: float) -> Candidate:
    return Candidate(
        f"{place_id}/{scene}/{number}", f"{place_name}{SCENES[scene]}{number}", scene, place_id,
        round(lon, 6), round(lat, 6), assumed=True,
    )  # fmt: skip


@dataclass(frozen=True)
class SeenPlace:
    """A place somebody looked at, as on a list; the fields are those of :class:`Candidate`."""

    id: str
    name: str
    scene: str
    lon: float
    lat: float
    capacity: float | None = None
    cost_fen: int = 0


def seen_candidates(seen: Sequence[SeenPlace], region: Region) -> tuple[Candidate, ...]:
    """Return places somebody looked at as candidates of the village each is nearest to.

    Raises
    ------
    SitingInputError
        If a scene is none of the ten.
    """
    homes = _nearest_places(region, [(one.lon, one.lat) for one in seen])
    return tuple(
        Candidate(
            one.id, one.name, check_scene(one.scene, one.id), home.id, one.lon, one.lat,
            capacity=one.capacity, cost_fen=one.cost_fen,
        )
        for one, home in zip(seen, homes, strict=True)
    )  # fmt: skip


def read_candidates(path: Path) -> tuple[SeenPlace, ...]:
    """Read a list of places kiosks could stand in.

    CSV with ``name``, ``scene``, ``lon``, ``lat`` (WGS-84) and optional ``capacity`` (in the demand's unit)
    and ``cost_fen``; further columns are ignored.

    Raises
    ------
    PlacesFileError
        If the table cannot be read; names file, line and column.
    SitingInputError
        If a scene is none of the ten.
    """
    table = PlacesTable(path, ("name", "scene", "lon", "lat"))
    seen = []
    for line, row in table.rows():
        lon, lat = table.position(line, row)
        if lon is None or lat is None:
            continue
        scene = check_scene(table.text(line, row, "scene"), f"{path.name} line {line}")
        capacity, cost_fen = table.number(line, row, "capacity"), _whole_fen(table, line, row)
        name = table.text(line, row, "name")
        seen.append(SeenPlace(f"{path.stem}:{line}", name, scene, lon, lat, capacity, cost_fen))
    return tuple(seen)


def _whole_fen(table: PlacesTable, line: int, row: Mapping[str, str]) -> int:
    amount = table.number(line, row, "cost_fen") or 0
    if amount != int(amount):
        raise PlacesFileError(f"{table.path.name} line {line}: cost_fen is not a whole number", line=line)
    return int(amount)


def survey(
    region: Region,
    demands: Sequence[DemandPoint],
    candidates: Sequence[Candidate],
    demand_unit: str = "parcels a day",
    profile: str = "etrike",
    notes: tuple[str, ...] = (),
) -> SitingProblem:
    """Measure the road minutes from demand to candidates.

    Parameters
    ----------
    profile
        What people come on; in a county an electric tricycle or two-wheeler.

    Raises
    ------
    SitingInputError
        If there is no demand, or there are no candidates.
    """
    if not demands or not candidates:
        raise SitingInputError(f"region {region.name}: {len(demands)} demand points and {len(candidates)} candidates")
    matrix = region.engine().matrix(
        [(one.lon, one.lat) for one in demands], [(one.lon, one.lat) for one in candidates], profile
    )
    warnings = matrix.warnings if matrix.source != "road" else ()
    return SitingProblem(
        tuple(demands), tuple(candidates), matrix.time_s.astype(np.float64) / 60.0, matrix.source, demand_unit,
        region.attribution, (*notes, *warnings),
    )  # fmt: skip
