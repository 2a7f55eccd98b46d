"""Read the layouts of Solomon / Gehring-Homberger and of Li & Lim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routing.formats.errors import ProblemFileError
from routing.formats.plane import PlaneInstance, PlaneVehicle, whole

_SOLOMON_COLUMNS = 7
_LILIM_COLUMNS = 9


@dataclass(frozen=True)
class _NumberRow:
    values: tuple[float, ...]
    where: str


def read_solomon(text: str, source: str = "problem") -> PlaneInstance:
    """Read a Solomon layout: fleet and capacity, then id, x, y, demand, ready, due and service per node.

    Raises
    ------
    ProblemFileError
        If the fleet row or the nodes are missing or do not count from 0.
    """
    fleet, nodes = _fleet_and_nodes(text, source, _SOLOMON_COLUMNS)
    name = text.lstrip("\ufeff").lstrip().splitlines()[0].strip()
    return _instance(name or source, "VRPTW", fleet, nodes, ())


def read_lilim(text: str, source: str = "problem") -> PlaneInstance:
    """Read a Li & Lim layout: like Solomon's rows, with the pickup and delivery partner in two more columns.

    Raises
    ------
    ProblemFileError
        If a partner is missing, not mutual, or carries another amount.
    """
    fleet, nodes = _fleet_and_nodes(text, source, _LILIM_COLUMNS)
    pairs = []
    for node, row in enumerate(nodes):
        pickup, delivery = int(row.values[7]), int(row.values[8])
        if delivery == 0:
            continue
        if not 0 < delivery < len(nodes) or int(nodes[delivery].values[7]) != node or pickup != 0:
            raise ProblemFileError(f"{row.where}: node {node} names {delivery} as its delivery, but not the reverse")
        if row.values[3] + nodes[delivery].values[3] != 0:
            raise ProblemFileError(f"{row.where}: pickup {node} and delivery {delivery} carry different amounts")
        pairs.append((node, delivery))
    if 2 * len(pairs) != len(nodes) - 1:
        raise ProblemFileError(f"{source}: {len(nodes) - 1} customers, but {len(pairs)} complete pairs")
    return _instance(source, "PDPTW", fleet, nodes, tuple(pairs))


def _fleet_and_nodes(text: str, source: str, columns: int) -> tuple[_NumberRow, list[_NumberRow]]:
    rows = _number_rows(text, source)
    nodes = [row for row in rows[1:] if len(row.values) >= columns]
    if not rows or len(rows[0].values) < 2 or not nodes:
        raise ProblemFileError(f"{source}: expected a row with fleet and capacity, then rows of {columns} numbers")
    if len(nodes) != len(rows) - 1:
        short = next(row for row in rows[1:] if len(row.values) < columns)
        raise ProblemFileError(f"{short.where}: expected {columns} columns, found {len(short.values)}")
    for expected, row in enumerate(nodes):
        if row.values[0] != expected:
            raise ProblemFileError(f"{row.where}: expected node {expected}, found {row.values[0]:g}")
    return rows[0], nodes


def _number_rows(text: str, source: str) -> list[_NumberRow]:
    """Keep the lines that consist of numbers only; titles between them are passed over."""
    rows = []
    for at, line in enumerate(text.splitlines(), start=1):
        try:
            values = tuple(float(word) for word in line.split())
        except ValueError:
            continue
        if values and np.isfinite(values).all():
            rows.append(_NumberRow(values, f"{source}, line {at}"))
        elif values:
            raise ProblemFileError(f"{source}, line {at}: a number is not finite")
    return rows


def _instance(
    name: str, kind: str, fleet: _NumberRow, nodes: list[_NumberRow], pairs: tuple[tuple[int, int], ...]
) -> PlaneInstance:
    count, capacity = (whole(repr(value), fleet.where) for value in fleet.values[:2])
    if count < 1:
        raise ProblemFileError(f"{fleet.where}: at least one vehicle is needed, found {count}")
    return PlaneInstance(
        name=name,
        kind=kind,
        xy=np.array([row.values[1:3] for row in nodes]),
        demand=tuple(whole(repr(row.values[3]), row.where) for row in nodes),
        vehicles=(PlaneVehicle(capacity),) * count,
        fleet_is_limited=True,
        windows=tuple((row.values[4], row.values[5]) for row in nodes),
        service=tuple(row.values[6] for row in nodes),
        pairs=pairs,
    )
