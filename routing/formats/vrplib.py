"""Read CVRPLIB / VRPLIB text, in the dialects of the X, HFVRP, MDVRPTW, MTVRPTWR, VRPB, PCVRPTW and GVRP sets.

Source of the layout: Reinelt's TSPLIB 95 manual for the headers, the instance files themselves for the rest.
The reader is tolerant where files differ (blanks and tabs around ``:``, trailing tabs, Windows line ends, a list
that ends in -1 or not) and strict where a mistake would change the problem: every node needs exactly one row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from routing.formats.errors import ProblemFileError, UnsupportedFieldError
from routing.formats.plane import PlaneInstance, PlaneVehicle, number, whole

Value = TypeVar("Value")

_HEADER = re.compile(r"^([A-Z][A-Z_0-9]*)\s*:\s*(.*)$")
_SECTION = re.compile(r"^[A-Z][A-Z_]*_SECTION\s*:?$")
_WEIGHTS: dict[str, Literal["euclid", "ceil", "explicit"]] = {
    "EUC_2D": "euclid",
    "CEIL_2D": "ceil",
    "EXPLICIT": "explicit",
}
# Nodes beyond this would need more memory for their matrix than any machine we plan for.
MAX_NODES = 40_000


@dataclass(frozen=True)
class Row:
    """One line of a section: its words and where it stands."""

    words: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class VrplibDocument:
    """Headers and sections of a VRPLIB file, words not yet understood."""

    source: str
    headers: dict[str, str]
    sections: dict[str, tuple[Row, ...]]

    def where(self, section: str, row: Row | None = None) -> str:
        """Say where in the file something stands."""
        return f"{self.source}, {section}" if row is None else f"{self.source}, {section}, line {row.line}"


def parse_vrplib(text: str, source: str = "problem") -> VrplibDocument:
    """Split VRPLIB text into headers and sections.

    Raises
    ------
    ProblemFileError
        If a line is neither header nor section nor row, or a section comes twice.
    """
    headers: dict[str, str] = {}
    sections: dict[str, list[Row]] = {}
    rows: list[Row] | None = None
    for at, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line == "EOF":
            break
        if not line:
            continue
        if _SECTION.match(line):
            name = line.rstrip(": \t")
            if name in sections:
                raise ProblemFileError(f"{source}, line {at}: {name} comes twice")
            rows = sections.setdefault(name, [])
        elif found := _HEADER.match(line):
            headers[found[1]] = found[2].strip()
            rows = None
        elif rows is None:
            raise ProblemFileError(f"{source}, line {at}: expected a header or a section, found {line[:40]!r}")
        else:
            rows.append(Row(tuple(line.split()), at))
    return VrplibDocument(source, headers, {name: tuple(rows) for name, rows in sections.items()})


def read_vrplib(text: str, source: str = "problem") -> PlaneInstance:
    """Read a VRPLIB problem.

    Raises
    ------
    ProblemFileError
        If a header or row is missing, comes twice or is no number.
    UnsupportedFieldError
        If distances are given in a way we do not compute.
    """
    return _Reader(parse_vrplib(text, source)).instance()


class _Reader:
    """Turns one document into an instance; a class only because every step needs document and node index."""

    def __init__(self, document: VrplibDocument) -> None:
        self.document = document
        self.size = self._dimension()
        self.index = self._node_index()
        self.depots = self._depots()
        self.windows = self._windows()

    def instance(self) -> PlaneInstance:
        headers = self.document.headers
        vehicles, limited = self._vehicles()
        return PlaneInstance(
            name=headers.get("NAME", self.document.source).strip('"') or self.document.source,
            kind=headers.get("TYPE", "CVRP").upper(),
            xy=self._coordinates(),
            demand=self._whole_column("DEMAND_SECTION"),
            vehicles=vehicles,
            depots=self.depots,
            fleet_is_limited=limited,
            matrix=self._matrix(),
            windows=self.windows,
            service=self._service(),
            releases=self._optional("RELEASE_TIME_SECTION", number),
            prizes=self._optional("PRIZE_SECTION", whole),
            pickups=self._optional("BACKHAUL_SECTION", whole),
            groups=self._groups(),
            backhaul_last="BACKHAUL_SECTION" in self.document.sections,
            comment=headers.get("COMMENT", ""),
            edge_weights=self._edge_weights(),
            notes=self._notes(),
        )

    def _header(self, name: str) -> str:
        try:
            return self.document.headers[name]
        except KeyError:
            raise ProblemFileError(f"{self.document.source}: the header {name} is missing") from None

    def _rows(self, section: str) -> tuple[Row, ...]:
        try:
            return self.document.sections[section]
        except KeyError:
            raise ProblemFileError(f"{self.document.source}: {section} is missing") from None

    def _dimension(self) -> int:
        size = whole(self._header("DIMENSION"), f"{self.document.source}, DIMENSION")
        if not 1 <= size <= MAX_NODES:
            raise ProblemFileError(f"{self.document.source}, DIMENSION: {size} is not between 1 and {MAX_NODES}")
        return size

    def _edge_weights(self) -> Literal["euclid", "ceil", "explicit"]:
        kind = self.document.headers.get("EDGE_WEIGHT_TYPE", "EUC_2D").upper()
        if kind not in _WEIGHTS:
            known = ", ".join(_WEIGHTS)
            raise UnsupportedFieldError(f"{self.document.source}, EDGE_WEIGHT_TYPE: {kind!r} is none of {known}")
        return _WEIGHTS[kind]

    def _node_index(self) -> dict[int, int]:
        """Map node numbers of the file to indices from 0 in the order of their first complete list."""
        section = "NODE_COORD_SECTION" if "NODE_COORD_SECTION" in self.document.sections else "DEMAND_SECTION"
        index: dict[int, int] = {}
        for row in self._rows(section):
            node = whole(row.words[0], self.document.where(section, row))
            if node in index:
                raise ProblemFileError(f"{self.document.where(section, row)}: node {node} comes twice")
            index[node] = len(index)
        if len(index) != self.size:
            raise ProblemFileError(f"{self.document.where(section)}: {len(index)} rows, but DIMENSION says {self.size}")
        return index

    def _node(self, text: str, where: str) -> int:
        node = whole(text, where)
        if node not in self.index:
            raise ProblemFileError(f"{where}: there is no node {node}")
        return self.index[node]

    def _table(self, section: str, columns: int) -> list[tuple[tuple[str, ...], str]]:
        """Bring a section with one row per node into node order; each entry has `columns` words and its place."""
        found: dict[int, tuple[tuple[str, ...], str]] = {}
        for row in self._rows(section):
            where = self.document.where(section, row)
            if len(row.words) < columns + 1:
                raise ProblemFileError(f"{where}: expected {columns + 1} columns, found {len(row.words)}")
            node = self._node(row.words[0], where)
            if node in found:
                raise ProblemFileError(f"{where}: node {row.words[0]} comes twice")
            found[node] = (row.words[1:], where)
        if len(found) != self.size:
            raise ProblemFileError(
                f"{self.document.where(section)}: rows for {len(found)} nodes, but DIMENSION says {self.size}"
            )
        return [found[node] for node in range(self.size)]

    def _whole_column(self, section: str) -> tuple[int, ...]:
        return tuple(whole(words[0], where) for words, where in self._table(section, 1))

    def _optional(self, section: str, read: Callable[[str, str], Value]) -> tuple[Value, ...]:
        if section not in self.document.sections:
            return ()
        return tuple(read(words[0], where) for words, where in self._table(section, 1))

    def _coordinates(self) -> NDArray[np.float64]:
        if self._edge_weights() == "explicit" and "NODE_COORD_SECTION" not in self.document.sections:
            return np.empty((0, 2))
        table = self._table("NODE_COORD_SECTION", 2)
        return np.array([[number(words[0], where), number(words[1], where)] for words, where in table])

    def _depots(self) -> tuple[int, ...]:
        depots: list[int] = []
        for row in self.document.sections.get("DEPOT_SECTION", ()):
            for word in row.words:
                if word == "-1":
                    break
                depots.append(self._node(word, self.document.where("DEPOT_SECTION", row)))
        return tuple(depots) or (0,)

    def _windows(self) -> tuple[tuple[float, float], ...]:
        if "TIME_WINDOW_SECTION" not in self.document.sections:
            return ()
        table = self._table("TIME_WINDOW_SECTION", 2)
        return tuple((number(words[0], where), number(words[1], where)) for words, where in table)

    def _service(self) -> tuple[float, ...]:
        if "SERVICE_TIME_SECTION" in self.document.sections:
            return self._optional("SERVICE_TIME_SECTION", number)
        if "SERVICE_TIME" not in self.document.headers:
            return ()
        each = number(self.document.headers["SERVICE_TIME"], f"{self.document.source}, SERVICE_TIME")
        return tuple(0.0 if node in self.depots else each for node in range(self.size))

    def _groups(self) -> tuple[tuple[int, ...], ...]:
        groups = []
        for row in self.document.sections.get("MUTUALLY_EXCLUSIVE_GROUP_SECTION", ()):
            where = self.document.where("MUTUALLY_EXCLUSIVE_GROUP_SECTION", row)
            members = tuple(self._node(word, where) for word in row.words[1:])
            if not set(members) & set(self.depots):
                groups.append(members)
        return tuple(groups)

    def _notes(self) -> tuple[str, ...]:
        known = {"NODE_COORD", "DEMAND", "DEPOT", "TIME_WINDOW", "SERVICE_TIME", "RELEASE_TIME", "PRIZE", "BACKHAUL",
                 "MUTUALLY_EXCLUSIVE_GROUP", "EDGE_WEIGHT", "CAPACITY", "VEHICLES_DEPOT", "VEHICLES_FIXED_COST",
                 "VEHICLES_UNIT_DISTANCE_COST", "VEHICLES_RELOAD_DEPOT", "VEHICLES_MAX_DURATION",
                 "DISPLAY_DATA"}  # fmt: skip
        unread = sorted(name for name in self.document.sections if name.removesuffix("_SECTION") not in known)
        return tuple(f"{name} was not read" for name in unread)

    def _vehicles(self) -> tuple[tuple[PlaneVehicle, ...], bool]:
        """Read the fleet; without a number of vehicles there is one entry, which may be used any number of times."""
        headers = self.document.headers
        given = headers.get("VEHICLES", headers.get("NUM_VEHICLES"))
        count = 1 if given is None else whole(given, f"{self.document.source}, VEHICLES")
        if count < 1:
            raise ProblemFileError(f"{self.document.source}, VEHICLES: at least one is needed, found {count}")
        where = self.document.source
        capacity = self._per_vehicle("CAPACITY", count, whole)
        fixed = self._per_vehicle("VEHICLES_FIXED_COST", count, whole, 0)
        unit = self._per_vehicle("VEHICLES_UNIT_DISTANCE_COST", count, whole, 1)
        longest = self._per_vehicle("VEHICLES_MAX_DURATION", count, number, None)
        depot = self._per_vehicle("VEHICLES_DEPOT", count, self._node, self.depots[0])
        reloads = self._reloads(count)
        if "DISTANCE" in headers:  # the route limit of the classic sets; service time counts towards it
            longest = [number(headers["DISTANCE"], f"{where}, DISTANCE")] * count
        vehicles = tuple(
            PlaneVehicle(capacity[k], depot[k], fixed[k], unit[k], longest[k], reloads[k]) for k in range(count)
        )
        return vehicles, given is not None

    def _per_vehicle(
        self, name: str, count: int, read: Callable[[str, str], Value], default: Value | None = None
    ) -> list[Value]:
        """Read a value that is one header for all vehicles, or a section with one row per vehicle."""
        section = f"{name}_SECTION"
        if section in self.document.sections:
            rows = self._rows(section)
            if len(rows) != count or any(len(row.words) < 2 for row in rows):
                raise ProblemFileError(
                    f"{self.document.where(section)}: expected {count} rows of two columns, found {len(rows)} rows"
                )
            return [read(row.words[1], self.document.where(section, row)) for row in rows]
        if name in self.document.headers:
            return [read(self.document.headers[name], f"{self.document.source}, {name}")] * count
        if name == "CAPACITY":
            raise ProblemFileError(f"{self.document.source}: neither CAPACITY nor CAPACITY_SECTION is there")
        return [default] * count  # type: ignore[list-item]  # None only where Value includes it

    def _reloads(self, count: int) -> list[tuple[int, ...]]:
        section = "VEHICLES_RELOAD_DEPOT_SECTION"
        if section not in self.document.sections:
            return [()] * count
        rows = self._rows(section)
        if len(rows) != count:
            raise ProblemFileError(f"{self.document.where(section)}: {len(rows)} rows for {count} vehicles")
        return [
            tuple(self._node(word, self.document.where(section, row)) for word in row.words[1:] if word != "-1")
            for row in rows
        ]

    def _matrix(self) -> NDArray[np.float64] | None:
        if self._edge_weights() != "explicit":
            return None
        where = self.document.where("EDGE_WEIGHT_SECTION")
        values = [number(word, where) for row in self._rows("EDGE_WEIGHT_SECTION") for word in row.words]
        return fill_matrix(values, self.size, self.document.headers.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX"), where)


def fill_matrix(values: list[float], size: int, layout: str, where: str) -> NDArray[np.float64]:
    """Lay out explicit edge weights as a full matrix, shape (size, size).

    Raises
    ------
    ProblemFileError
        If the number of values does not fit the layout.
    UnsupportedFieldError
        If the layout is not one of TSPLIB's row and column layouts.
    """
    matrix = np.zeros((size, size))
    if layout == "FULL_MATRIX":
        cells = [(i, j) for i in range(size) for j in range(size)]
    elif layout in ("LOWER_ROW", "UPPER_COL"):
        cells = [(i, j) for i in range(size) for j in range(i)]
    elif layout in ("LOWER_DIAG_ROW", "UPPER_DIAG_COL"):
        cells = [(i, j) for i in range(size) for j in range(i + 1)]
    elif layout in ("UPPER_ROW", "LOWER_COL"):
        cells = [(i, j) for i in range(size) for j in range(i + 1, size)]
    elif layout in ("UPPER_DIAG_ROW", "LOWER_DIAG_COL"):
        cells = [(i, j) for i in range(size) for j in range(i, size)]
    else:
        raise UnsupportedFieldError(f"{where}: EDGE_WEIGHT_FORMAT {layout!r} is not a row or column layout")
    if len(values) != len(cells):
        raise ProblemFileError(f"{where}: {layout} of {size} nodes needs {len(cells)} numbers, found {len(values)}")
    for (i, j), value in zip(cells, values, strict=True):
        matrix[i, j] = value
        if layout != "FULL_MATRIX":
            matrix[j, i] = value
    return matrix
