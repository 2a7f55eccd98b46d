"""Designing sections after Hess et al. (1965): transport problem, medoids, repair, exchange at borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment, linprog

from maps.errors import SectionsImpossibleError
from maps.geodesy import FloatArray
from maps.sections.borders import exchange_borders
from maps.sections.problem import SectionProblem, is_connected, parts_of

MOST_OVER_MEAN = 1.10
LEAST_OVER_MEAN = 0.90
_SLACK = 0.05
_ROUNDS = 15
_STARTS = 6

IndexArray = NDArray[np.int64]


@dataclass(frozen=True)
class SectionDesign:
    """A county cut into sections.

    Attributes
    ----------
    section_of : shape (cells,)
        Number of each cell's section, from 0.
    centres : shape (sections,)
        The cell of each section that lies best for its work.
    load_min : shape (sections,)
        Minutes of work.
    max_over_mean, min_over_mean
        Largest and smallest load over the mean one.
    mean_min_to_centre
        Minutes from work to its centre.
    even
        Whether every load lies between 0.9 and 1.1 of the mean.
    notes
        Why it is not even, where that is not the design's fault.
    """

    section_of: IndexArray
    centres: IndexArray
    load_min: FloatArray
    max_over_mean: float
    min_over_mean: float
    mean_min_to_centre: float
    even: bool
    notes: tuple[str, ...] = ()


def design_sections(
    problem: SectionProblem,
    count: int,
    seed: int = 1,
    before: IndexArray | None = None,
    keep: float = 1.0,
) -> SectionDesign:
    """Cut a county into connected sections of equal work.

    Parameters
    ----------
    count
        How many sections, one per courier.
    seed
        Equal seed, equal design.
    before : shape (cells,)
        Sections as they are today, numbered below ``count``: they are evened out rather than made anew, and a
        village that leaves its courier counts against the design.
    keep
        How much it counts; 0 not at all.

    Raises
    ------
    SectionsImpossibleError
        If there are more sections than cells, or ``before`` does not fit the cells.
    """
    if not 1 <= count <= len(problem.cells):
        raise SectionsImpossibleError(f"{len(problem.cells)} cells cannot make {count} sections", count=count)
    rng = np.random.default_rng(seed)
    if before is not None:
        start = _checked_before(problem, count, before)
        found = exchange_borders(problem, _repaired(problem, start, count), count, rng, start, keep)
        return _design(problem, found, count)
    designs = []
    for first in _first_centres(problem, rng):
        found = exchange_borders(problem, _hess(problem, count, first), count, rng)
        designs.append(_design(problem, found, count))
        if designs[-1].even:
            break
    return min(designs, key=lambda one: (not one.even, one.max_over_mean - one.min_over_mean, one.mean_min_to_centre))


def _checked_before(problem: SectionProblem, count: int, before: IndexArray) -> IndexArray:
    start = np.asarray(before, dtype=np.int64)
    if start.shape != (len(problem.cells),) or (start.size and (start.min() < 0 or start.max() >= count)):
        raise SectionsImpossibleError(f"the sections before do not fit {len(problem.cells)} cells and {count} sections")
    return start.copy()


def _first_centres(problem: SectionProblem, rng: np.random.Generator) -> list[int]:
    """Return where the first centre lies: at the county's edge, then anywhere."""
    middle = int(np.argmin(problem.minutes @ problem.work))
    others = rng.permutation(len(problem.cells))[: _STARTS - 1].tolist()
    return [int(np.argmax(problem.minutes[middle])), *others]


def _hess(problem: SectionProblem, count: int, first: int) -> IndexArray:
    centres = _farthest_first(problem, count, first)
    section_of = np.zeros(len(problem.cells), dtype=np.int64)
    for _ in range(_ROUNDS):
        section_of = _transported(problem, centres)
        moved = _medoids(problem, section_of, centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    section_of[centres] = np.arange(count)
    return _repaired(problem, section_of, count)


def _farthest_first(problem: SectionProblem, count: int, first: int) -> IndexArray:
    """Choose centres far from each other (Gonzalez 1985), each another cell."""
    centres = [first]
    away = problem.minutes[first].copy()
    while len(centres) < count:
        away[centres] = -1.0
        centres.append(int(np.argmax(away)))
        away = np.minimum(away, problem.minutes[centres[-1]])
    return np.array(centres, dtype=np.int64)


def _transported(problem: SectionProblem, centres: IndexArray) -> IndexArray:
    """Share work out to centres, within 2.5 % of the mean load and with the fewest minutes.

    A cell that is shared goes where most of it goes.
    """
    n, k = len(problem.cells), len(centres)
    to_centre = problem.minutes[:, centres]
    columns = np.arange(n * k)
    each = sparse.csr_array((np.ones(n * k), (columns // k, columns)), shape=(n, n * k))
    load = sparse.csr_array((np.repeat(problem.work, k), (columns % k, columns)), shape=(k, n * k))
    mean = float(problem.work.sum()) / k
    answer = linprog(
        (problem.work[:, None] * to_centre + 1e-6 * to_centre).ravel(),
        A_eq=each, b_eq=np.ones(n), A_ub=sparse.vstack([load, -load]),
        b_ub=np.concatenate([np.full(k, mean * (1 + _SLACK / 2)), np.full(k, -mean * (1 - _SLACK / 2))]),
        bounds=(0.0, None), method="highs",
    )  # fmt: skip
    share = answer.x.reshape(n, k) if answer.x is not None else -to_centre
    return np.asarray(np.lexsort((np.broadcast_to(np.arange(k), (n, k)), to_centre, -share.round(9)))[:, 0])


def _medoids(problem: SectionProblem, section_of: IndexArray, centres: IndexArray) -> IndexArray:
    """Return the best lying cell of each section; an empty section keeps its centre."""
    moved = centres.copy()
    for section in range(len(centres)):
        members = np.flatnonzero(section_of == section)
        if len(members):
            moved[section] = members[int(np.argmin(problem.work[members] @ problem.minutes[np.ix_(members, members)]))]
    return moved


def _repaired(problem: SectionProblem, section_of: IndexArray, count: int) -> IndexArray:
    """Give stray parts, and cells of sections that are missing, to neighbours; the largest part of each stays.

    Cells are given away one by one, to the neighbouring section with the least load.
    """
    part = parts_of(problem.neighbours, section_of)
    settled = np.full(len(section_of), -1, dtype=np.int64)
    weight = np.bincount(part, weights=problem.work + 1e-9)
    for section in range(count):
        mine = np.unique(part[section_of == section])
        if len(mine):
            settled[part == mine[int(np.argmax(weight[mine]))]] = section
    _found_missing(problem, settled, count)
    load = np.bincount(settled[settled >= 0], weights=problem.work[settled >= 0], minlength=count)
    while (stray := np.flatnonzero(settled < 0)).size:
        edge = [(load[settled[b]], a, settled[b]) for a in stray for b in problem.neighbours[a] if settled[b] >= 0]
        _, cell, section = min(edge)
        settled[cell] = section
        load[section] += problem.work[cell]
    return settled


def _found_missing(problem: SectionProblem, settled: IndexArray, count: int) -> None:
    """Begin each section that has no cell at one its present section can spare."""
    for section in range(count):
        if (settled == section).any():
            continue
        free = np.flatnonzero(settled < 0)
        if len(free):
            settled[free[0]] = section
            continue
        for cell in np.argsort(-problem.work, kind="stable").tolist():
            rest = set(np.flatnonzero(settled == settled[cell]).tolist()) - {cell}
            if rest and is_connected(problem.neighbours, rest):
                settled[cell] = section
                break


def _design(problem: SectionProblem, section_of: IndexArray, count: int) -> SectionDesign:
    centres = _medoids(problem, section_of, np.zeros(count, dtype=np.int64))
    load = np.bincount(section_of, weights=problem.work, minlength=count).astype(np.float64)
    mean = float(load.mean())
    most, least = (float(load.max()) / mean, float(load.min()) / mean) if mean > 0 else (1.0, 1.0)
    to_centre = problem.minutes[np.arange(len(section_of)), centres[section_of]]
    total = float(problem.work.sum())
    return SectionDesign(
        section_of=section_of,
        centres=centres,
        load_min=load,
        max_over_mean=most,
        min_over_mean=least,
        mean_min_to_centre=float(problem.work @ to_centre) / total if total > 0 else float(to_centre.mean()),
        even=most <= MOST_OVER_MEAN and least >= LEAST_OVER_MEAN,
        notes=_too_large(problem, mean),
    )


def _too_large(problem: SectionProblem, mean: float) -> tuple[str, ...]:
    large = [cell for cell in problem.cells if cell.work_min > MOST_OVER_MEAN * mean]
    if not large:
        return ()
    named = ", ".join(f"{cell.name} ({cell.work_min / mean:.2f})" for cell in large[:8])
    return (f"cells with more work than a section should have, so loads cannot be even: {named}",)


@dataclass(frozen=True)
class Stability:
    """How much of a county keeps its courier from one design to the next.

    Attributes
    ----------
    kept
        Share of the work, sections matched so that it is largest; 1 is no change.
    moved : shape (m,)
        Cells that change.
    matched
        Section afterwards of each section before; -1 where one has gone.
    """

    kept: float
    moved: IndexArray
    matched: tuple[int, ...]


def stability(before: IndexArray, after: IndexArray, work: FloatArray) -> Stability:
    """Compare two designs of the same cells, whatever their sections' numbers.

    Sections are matched by the most work they share (assignment problem; Kuhn 1955).

    Raises
    ------
    SectionsImpossibleError
        If the designs are not of the same cells.
    """
    if not before.shape == after.shape == work.shape:
        raise SectionsImpossibleError("the two designs are not of the same cells")
    if not len(before):
        return Stability(1.0, np.zeros(0, dtype=np.int64), ())
    shared = np.zeros((int(before.max()) + 1, int(after.max()) + 1))
    np.add.at(shared, (before, after), work + 1e-12)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    matched = np.full(len(shared), -1, dtype=np.int64)
    matched[rows] = columns
    same = matched[before] == after
    total = float(work.sum())
    kept = float(work[same].sum()) / total if total > 0 else float(same.mean())
    return Stability(kept, np.flatnonzero(~same), tuple(matched.tolist()))


def measured_work(problem: SectionProblem, design: SectionDesign, route_min: FloatArray) -> FloatArray:
    """Return the work of cells after routes were driven, or solved, through each section.

    A section whose route takes a tenth longer than its load had said makes each of its cells a tenth more
    work. Two or three rounds of designing and measuring suffice.

    Parameters
    ----------
    route_min : shape (sections,)
        Minutes of each section's route.
    """
    if route_min.shape != design.load_min.shape:
        raise SectionsImpossibleError(f"{len(design.load_min)} sections, but {route_min.size} routes")
    factor = np.divide(route_min, design.load_min, out=np.ones_like(route_min), where=design.load_min > 0)
    return problem.work * factor[design.section_of]
