"""Places of a county without road data, from two tables: villages and towns."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from maps.datum import convert
from maps.errors import PlacesFileError
from maps.places import Place, Township

_VILLAGE_COLUMNS = ("code", "name", "town_code", "lon", "lat")
_TOWN_COLUMNS = ("code", "name", "lon", "lat")
_MOST_ROWS = 100_000
_SAYS_YES = {"1", "true", "yes"}


@dataclass(frozen=True)
class ListedCounty:
    """Townships and places as the tables give them."""

    depot: Place
    townships: tuple[Township, ...]
    places: tuple[Place, ...]
    notes: tuple[str, ...]

    def in_wgs84(self, datum: str, depot_too: bool) -> ListedCounty:
        """Return the same county with its positions converted from another datum.

        Parameters
        ----------
        depot_too
            Whether the county centre comes from the tables; one that was given is WGS-84 already.
        """
        if datum == "wgs84":
            return self
        return ListedCounty(
            _moved(self.depot, datum) if depot_too else self.depot,
            tuple(_moved(township, datum) for township in self.townships),
            tuple(_moved(place, datum) for place in self.places),
            self.notes,
        )


_Positioned = TypeVar("_Positioned", Place, Township)


def _moved(thing: _Positioned, datum: str) -> _Positioned:
    if thing.lon is None:
        return thing
    lon, lat = (round(float(degrees), 7) for degrees in convert([thing.lonlat], datum)[0])
    return replace(thing, lon=lon, lat=lat)


def read_tables(
    villages_csv: Path, towns_csv: Path, depot: tuple[float, float] | None = None, datum: str = "wgs84"
) -> ListedCounty:
    """Read villages (``code,name,town_code,lon,lat[,suspect]``) and towns (``code,name,lon,lat``).

    Further columns are ignored. Empty coordinates, and the point 0, 0, mean unknown. The county centre is
    ``depot`` (WGS-84), else the first town with coordinates: official lists begin with the county seat.

    Parameters
    ----------
    datum
        What the tables' coordinates are in; they are converted to WGS-84.

    Raises
    ------
    PlacesFileError
        If a table cannot be read, a column is missing, or a value is wrong; names file, line and column.
    """
    townships: dict[str, Township] = {}
    for line, row in _rows(towns_csv, _TOWN_COLUMNS):
        lon, lat = _position(towns_csv, line, row)
        code = _new_code(towns_csv, line, row, townships)
        townships[code] = Township(code, _text(towns_csv, line, row, "name"), lon, lat)
    places: dict[str, Place] = {}
    for line, row in _rows(villages_csv, _VILLAGE_COLUMNS):
        place = _village(villages_csv, line, row, townships, places)
        places[place.id] = place
    if not places:
        raise PlacesFileError(f"{villages_csv.name}: no villages", file=villages_csv.name)
    listed = _with_doubts(places)
    centre = _centre(towns_csv, townships, depot)
    return ListedCounty(centre, tuple(townships.values()), listed, _notes(listed))


@dataclass(frozen=True)
class PlacesTable:
    """A table of places in CSV, read as lists of villages are.

    Attributes
    ----------
    columns
        Names that must be in its header.
    """

    path: Path
    columns: tuple[str, ...]

    def rows(self) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Yield line numbers and rows; empty lines are passed over.

        Raises
        ------
        PlacesFileError
            If the table cannot be read or a column is missing.
        """
        return _rows(self.path, self.columns)

    def text(self, line: int, row: Mapping[str, str], column: str) -> str:
        """Return a cell's text.

        Raises
        ------
        PlacesFileError
            If it is empty.
        """
        return _text(self.path, line, row, column)

    def position(self, line: int, row: Mapping[str, str]) -> tuple[float, float] | tuple[None, None]:
        """Return ``lon`` and ``lat``; empty cells and 0, 0 are unknown.

        Raises
        ------
        PlacesFileError
            If they are no position.
        """
        return _position(self.path, line, row)

    def number(self, line: int, row: Mapping[str, str], column: str) -> float | None:
        """Return a cell's number, which is not negative; None when the cell or the column is missing.

        Raises
        ------
        PlacesFileError
            If it is no such number.
        """
        text = str(row.get(column) or "").strip()
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise PlacesFileError(
                f"{self.path.name} line {line}: {column} = {text!r} is not a number of 0 or more", line=line,
                column=column,
            )  # fmt: skip
        return value


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield line numbers and rows."""
    reader = csv.DictReader(io.StringIO(_content(path)), restval="")
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise PlacesFileError(f"{path.name}: no column {', '.join(missing)}", file=path.name, columns=missing)
        for count, row in enumerate(reader):
            if count >= _MOST_ROWS:
                raise PlacesFileError(f"{path.name}: more than {_MOST_ROWS} rows", file=path.name)
            if any(isinstance(value, str) and value.strip() for value in row.values()):
                yield reader.line_num, row
    except csv.Error as problem:
        raise PlacesFileError(f"{path.name} line {reader.line_num}: {problem}", file=path.name) from problem


def _content(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise PlacesFileError(f"{path.name}: {problem.strerror}", file=path.name) from problem
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PlacesFileError(f"{path.name}: neither UTF-8 nor GB18030", file=path.name)


def _village(
    path: Path, line: int, row: Mapping[str, str], townships: Mapping[str, Township], places: Mapping[str, Place]
) -> Place:
    town = _text(path, line, row, "town_code")
    if town not in townships:
        raise PlacesFileError(f"{path.name} line {line}: town_code {town} is not in the towns table", line=line)
    lon, lat = _position(path, line, row)
    suspect = str(row.get("suspect") or "").strip().lower() in _SAYS_YES
    note = "position unknown" if lon is None else "position doubted by its source" if suspect else ""
    return Place(
        _new_code(path, line, row, places), _text(path, line, row, "name"), "village", town, lon, lat,
        suspect=suspect, note=note,
    )  # fmt: skip


def _text(path: Path, line: int, row: Mapping[str, str], column: str) -> str:
    value = str(row[column] or "").strip()
    if not value:
        raise PlacesFileError(f"{path.name} line {line}: {column} is empty", line=line, column=column)
    return value


def _new_code(path: Path, line: int, row: Mapping[str, str], known: Mapping[str, object]) -> str:
    code = _text(path, line, row, "code")
    if code in known:
        raise PlacesFileError(f"{path.name} line {line}: code {code} occurs twice", line=line, column="code")
    return code


def _position(path: Path, line: int, row: Mapping[str, str]) -> tuple[float, float] | tuple[None, None]:
    lon_text, lat_text = str(row["lon"] or "").strip(), str(row["lat"] or "").strip()
    if not lon_text and not lat_text:
        return None, None
    try:
        lon, lat = float(lon_text), float(lat_text)
    except ValueError:
        lon = lat = math.nan
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise PlacesFileError(
            f"{path.name} line {line}: lon, lat = {lon_text!r}, {lat_text!r} is not a position", line=line, column="lon"
        )
    return (None, None) if lon == lat == 0.0 else (lon, lat)


def _with_doubts(places: Mapping[str, Place]) -> tuple[Place, ...]:
    """Say of places that share one point that they do."""
    at: dict[tuple[float | None, float | None], list[Place]] = defaultdict(list)
    for place in places.values():
        if place.located:
            at[place.lon, place.lat].append(place)
    shared = {place.id: group for group in at.values() if len(group) > 1 for place in group}
    return tuple(_noted(place, shared.get(place.id, [])) for place in places.values())


def _noted(place: Place, group: list[Place]) -> Place:
    others = "、".join(other.name for other in group if other.id != place.id)
    if not others:
        return place
    note = "; ".join(part for part in (place.note, f"same point as {others}") if part)
    return Place(place.id, place.name, place.kind, place.township_id, place.lon, place.lat, None, place.suspect, note)


def _centre(path: Path, townships: Mapping[str, Township], depot: tuple[float, float] | None) -> Place:
    located = [town for town in townships.values() if town.lon is not None]
    if depot is not None and townships:
        seat = located[0] if located else next(iter(townships.values()))
        return Place("depot", "county centre", "county", seat.id, float(depot[0]), float(depot[1]))
    if not located:
        raise PlacesFileError(
            f"{path.name}: no town has coordinates, so there is no county centre", file=path.name,
            remedy="Give the county centre with --depot LON,LAT, or coordinates to a town.",
        )  # fmt: skip
    return Place("depot", located[0].name, "county", located[0].id, located[0].lon, located[0].lat)


def _notes(places: tuple[Place, ...]) -> tuple[str, ...]:
    unknown = sum(not place.located for place in places)
    suspect = sum(place.suspect for place in places)
    shared = sum("same point" in place.note for place in places)
    said = (
        (unknown, "places without coordinates, not to be driven to until they get some"),
        (suspect, "places whose position the source doubts"),
        (shared, "places that share their point with another"),
    )
    return tuple(f"{text}: {count}" for count, text in said if count)
