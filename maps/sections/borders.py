"""Exchange of cells at the borders of sections, so that loads become even and sections stay compact."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from maps.sections.problem import SectionProblem

IndexArray = NDArray[np.int64]

_WITHIN = 0.05
"""Loads this near to the mean are even enough; beyond, unevenness counts very much."""
_UNEVEN, _BEYOND, _COMPACT = 1.0, 60.0, 0.6
_HEAT, _COLD = 0.1, 0.0005
_TRIES_PER_CELL = 100
_PASSES = 6
_TINY = 1e-12


class _BorderState:
    """A division under change, with what it costs.

    The cost is the unevenness of loads (squared, much more beyond 5 %), the minutes of work to its section's
    centre over what they were at the start, and the share of work that left its courier times ``keep``.
    """

    def __init__(
        self, problem: SectionProblem, section_of: IndexArray, count: int, home: IndexArray | None, keep: float
    ) -> None:
        self.problem = problem
        self.section_of = section_of.copy()
        self.members = [set(np.flatnonzero(section_of == section).tolist()) for section in range(count)]
        self.load: list[float] = np.bincount(section_of, weights=problem.work, minlength=count).tolist()
        self._work: list[float] = problem.work.tolist()
        self._total = max(sum(self._work), 1e-12)
        self._mean = self._total / count
        self._home = home
        self._keep = keep
        self._scale = 1.0
        self.recentre()
        self._scale = max(sum(self._work[i] * self._to_centre(i, section_of[i]) for i in range(len(section_of))), 1e-12)

    def recentre(self) -> None:
        """Find the best lying cell of each section."""
        minutes, work = self.problem.minutes, self.problem.work
        self._centres: list[int] = []
        for members in self.members:
            mine = np.array(sorted(members), dtype=np.int64)
            self._centres.append(int(mine[int(np.argmin(work[mine] @ minutes[np.ix_(mine, mine)]))]))
        self._minutes: list[list[float]] = minutes[:, self._centres].tolist()

    def _to_centre(self, cell: int, section: int) -> float:
        return self._minutes[cell][section]

    def uneven(self, load: float) -> float:
        """Return what a section's load costs."""
        off = abs(load / self._mean - 1.0)
        beyond = max(0.0, off - _WITHIN)
        return float(_UNEVEN * off * off + _BEYOND * beyond * beyond)

    def cost_of(self, group: Collection[int], target: int) -> float:
        """Return how much dearer the division becomes when cells of one section change to another."""
        source = int(self.section_of[next(iter(group))])
        work = sum(self._work[cell] for cell in group)
        change = self.uneven(self.load[source] - work) + self.uneven(self.load[target] + work)
        change -= self.uneven(self.load[source]) + self.uneven(self.load[target])
        for cell in group:
            amount = self._work[cell]
            farther = self._to_centre(cell, target) - self._to_centre(cell, source)
            change += _COMPACT * amount * farther / self._scale
            if self._home is not None:
                left = int(self._home[cell] != target) - int(self._home[cell] != source)
                change += self._keep * left * amount / self._total
        return change

    def cut_off(self, cell: int) -> list[list[int]] | None:
        """Return the parts of a section that only a cell connects to the rest; None when there is no rest.

        The largest part, by work, is the rest and not among them.
        """
        rest = self.members[int(self.section_of[cell])] - {cell}
        if not rest:
            return None
        inside = [other for other in self.problem.neighbours[cell] if other in rest]
        if len(inside) == 1:
            return []
        parts = []
        while inside:
            part = self._reached(inside[0], rest)
            parts.append(part)
            inside = [other for other in inside if other not in part]
        parts.sort(key=lambda part: (-sum(self._work[one] for one in part), min(part)))
        return [sorted(part) for part in parts[1:]]

    def _reached(self, start: int, inside: set[int]) -> set[int]:
        reached, waiting = {start}, [start]
        while waiting:
            for other in self.problem.neighbours[waiting.pop()]:
                if other in inside and other not in reached:
                    reached.add(other)
                    waiting.append(other)
        return reached

    def move(self, group: Collection[int], target: int) -> None:
        """Give cells of one section to another."""
        source = int(self.section_of[next(iter(group))])
        for cell in group:
            self.members[source].discard(cell)
            self.members[target].add(cell)
            self.section_of[cell] = target
            self.load[source] -= self._work[cell]
            self.load[target] += self._work[cell]

    def targets(self, cells: Collection[int]) -> list[int]:
        """Return the other sections cells of one section border on, sorted."""
        mine = int(self.section_of[next(iter(cells))])
        return sorted({int(self.section_of[b]) for a in cells for b in self.problem.neighbours[a]} - {mine})

    def give(self, cell: int, target: int) -> tuple[float, list[tuple[list[int], int]]] | None:
        """Give a cell to a section, and what it leaves cut off to whoever is best to take it.

        A village at the mouth of a side valley thus takes the valley along, or leaves it to a third section.

        Returns
        -------
        What that costs, and how to undo it; None when the cell is all there is of its section.
        """
        parts = self.cut_off(cell)
        if parts is None:
            return None
        source = int(self.section_of[cell])
        change = self.cost_of([cell], target)
        self.move([cell], target)
        undo = [([cell], source)]
        for part in parts:
            costs = [(self.cost_of(part, other), other) for other in self.targets(part)]
            cost, best = min(costs)
            self.move(part, best)
            change += cost
            undo.append((part, source))
        return change, undo

    def undo(self, steps: Collection[tuple[list[int], int]]) -> None:
        """Take back what `give` did."""
        for group, section in steps:
            self.move(group, section)


def exchange_borders(
    problem: SectionProblem,
    section_of: IndexArray,
    count: int,
    rng: np.random.Generator,
    home: IndexArray | None = None,
    keep: float = 0.0,
) -> IndexArray:
    """Even out connected sections by giving cells, and exchanging cells, across their borders.

    Simulated annealing (Kirkpatrick et al. 1983) first, for evening out goes through other sections; then only
    what helps. Every step leaves every section connected and not empty.

    Parameters
    ----------
    home : shape (cells,)
        Sections whose couriers the cells are used to.
    keep
        What leaving them costs, for all work of the county.
    """
    if count < 2:
        return section_of
    state = _BorderState(problem, section_of, count, home, keep)
    _anneal(state, rng)
    for _ in range(_PASSES):
        state.recentre()
        if not _improve(state, rng):
            break
    return state.section_of


def _anneal(state: _BorderState, rng: np.random.Generator) -> None:
    n = len(state.section_of)
    tries = _TRIES_PER_CELL * n
    cells = rng.integers(n, size=tries).tolist()
    luck = rng.random(tries).tolist()
    choice = rng.random(tries).tolist()
    for step in range(tries):
        if step % (tries // 4) == 0:
            state.recentre()
        cell = cells[step]
        targets = state.targets([cell])
        if not targets:
            continue
        heat = _HEAT * (_COLD / _HEAT) ** (step / tries)
        given = state.give(cell, targets[int(choice[step] * len(targets))])
        if given is not None and not (given[0] <= 0 or luck[step] < math.exp(-given[0] / heat)):
            state.undo(given[1])


def _improve(state: _BorderState, rng: np.random.Generator) -> bool:
    """Make every move and every exchange of two cells that helps, once round; say whether any did."""
    helped = False
    for cell in rng.permutation(len(state.section_of)).tolist():
        helped |= any(_helped(state, cell, target) for target in state.targets([cell]))
    return helped


def _helped(state: _BorderState, cell: int, target: int) -> bool:
    """Give a cell to a section, alone or for another cell in return, if that helps."""
    source = int(state.section_of[cell])
    if source == target:  # an earlier exchange has brought it here
        return False
    given = state.give(cell, target)
    if given is None:
        return False
    if given[0] < -_TINY:
        return True
    back = {b for a in state.members[source] for b in state.problem.neighbours[a] if b in state.members[target]}
    moved = {one for group, _ in given[1] for one in group}
    for other in sorted(back - moved):
        returned = state.give(other, source)
        if returned is None:
            continue
        if given[0] + returned[0] < -_TINY:
            return True
        state.undo(returned[1])
    state.undo(given[1])
    return False
