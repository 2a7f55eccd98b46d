"""What sections are made of: villages with their work, the minutes between them, and who is whose neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from maps.engines.protocol import Source
from maps.errors import SectionsImpossibleError
from maps.geodesy import FloatArray

DETOUR = 0.08
"""A village lies between two others when going through it takes at most this share longer: the road leads
through it. With more, villages beside a road cut the road, and valleys hang on single villages; measured on
the demo county, loads then stay up to 17 % off the mean."""
_LEAST_MIN = 1e-3  # parts of one town lie zero minutes apart; a graph needs something to hold on to


@dataclass(frozen=True)
class Cell:
    """A village, or a part of a town too large for one courier.

    Attributes
    ----------
    id
        Unique; ``place/1`` for the first part of a town.
    work_min
        Minutes of work on an average day: serving, and driving there.
    """

    id: str
    place_id: str
    name: str
    lon: float
    lat: float
    work_min: float


@dataclass(frozen=True)
class SectionProblem:
    """Cells to be shared out.

    Attributes
    ----------
    minutes : shape (cells, cells)
        Road minutes, the mean of both directions.
    neighbours : per cell
        Indices of the cells it borders on by road, sorted.
    notes
        What a reader has to know, such as places left out.
    """

    cells: tuple[Cell, ...]
    minutes: FloatArray
    neighbours: tuple[tuple[int, ...], ...]
    source: Source = "road"
    attribution: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no connected sections can be made of.

        Raises
        ------
        SectionsImpossibleError
            If sizes disagree, minutes or work are not finite and positive, or cells hang together in no way; names one.
        """
        n = len(self.cells)
        if self.minutes.shape != (n, n) or len(self.neighbours) != n:
            raise SectionsImpossibleError(f"{n} cells, but minutes of shape {self.minutes.shape}")
        if not (np.isfinite(self.minutes).all() and (self.minutes >= 0).all()):
            row = int(np.flatnonzero(~np.isfinite(self.minutes).all(axis=1) | (self.minutes < 0).any(axis=1))[0])
            raise SectionsImpossibleError(f"no road leads from {self.cells[row].name} to every other cell")
        for cell in self.cells:
            if not (np.isfinite(cell.work_min) and cell.work_min >= 0):
                raise SectionsImpossibleError(f"cell {cell.id} ({cell.name}): work {cell.work_min} is not possible")
        if n and not is_connected(self.neighbours, range(n)):
            raise SectionsImpossibleError("the cells do not hang together: neighbours fall into several groups")

    @cached_property
    def work(self) -> FloatArray:
        """Return the minutes of work of each cell, shape (cells,)."""
        return np.array([cell.work_min for cell in self.cells], dtype=np.float64)

    def reworked(self, work_min: Sequence[float]) -> SectionProblem:
        """Return the same cells with other work, as measured by driving routes through sections."""
        cells = tuple(replace(cell, work_min=float(work)) for cell, work in zip(self.cells, work_min, strict=True))
        return replace(self, cells=cells)


def is_connected(neighbours: Sequence[Sequence[int]], members: Sequence[int] | range | set[int]) -> bool:
    """Return whether cells hang together by neighbours among themselves; no cell at all does."""
    inside = set(members)
    if not inside:
        return True
    reached = {next(iter(inside))}
    waiting = list(reached)
    while waiting:
        for other in neighbours[waiting.pop()]:
            if other in inside and other not in reached:
                reached.add(other)
                waiting.append(other)
    return len(reached) == len(inside)


def road_neighbours(minutes: FloatArray, detour: float = DETOUR) -> tuple[tuple[int, ...], ...]:
    """Find which cells border on each other by road.

    Two are neighbours when no third lies between them, that is when going through any other takes more than
    ``detour`` longer; and so are those that a shortest network between all needs (Kruskal 1956).

    Parameters
    ----------
    minutes : shape (cells, cells)
        Symmetric and finite; kilometres do as well.
    """
    n = len(minutes)
    between = np.zeros((n, n), dtype=np.bool_)
    limit = minutes * (1 + detour)
    for third in range(n):
        through = (minutes[:, third, None] + minutes[None, third, :]) <= limit
        elsewhere = minutes[third] > 0  # a village at the very same point lies between nobody
        between |= through & elsewhere[:, None] & elsewhere[None, :]
    tree = minimum_spanning_tree(sparse.csr_array(np.maximum(minutes, _LEAST_MIN))).toarray() > 0
    near = ~between | tree | tree.T
    np.fill_diagonal(near, False)
    return tuple(tuple(np.flatnonzero(row).tolist()) for row in near)


def parts_of(neighbours: Sequence[Sequence[int]], section_of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the connected parts of equal section, shape (cells,)."""
    pairs = [(a, b) for a, others in enumerate(neighbours) for b in others if section_of[a] == section_of[b]]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    n = len(section_of)
    _, part = connected_components(sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n, n)), False)
    return np.asarray(part, dtype=np.int64)
