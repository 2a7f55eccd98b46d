"""Sections hang together, are even where they can be, and stay where they were if asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from maps.errors import SectionsImpossibleError
from maps.sections.design import design_sections, measured_work, stability
from maps.sections.problem import Cell, SectionProblem, is_connected, road_neighbours

Grid = Callable[[int, int], SectionProblem]


def random_county(seed: int, cells: int) -> SectionProblem:
    """Scatter villages of unequal work over 30 km."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, 30, (cells, 2))
    minutes = np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1)) * 1.8
    work = rng.lognormal(1.5, 0.6, cells)
    made = (Cell(f"v{i}", f"v{i}", f"村{i}", 110.0, 30.0, float(work[i])) for i in range(cells))
    return SectionProblem(tuple(made), minutes, road_neighbours(minutes))


def assert_sections(problem: SectionProblem, section_of: np.ndarray, count: int) -> None:
    """Judge a division by other means than the design's own: scipy counts the parts of each section."""
    n = len(problem.cells)
    link = sparse.lil_array((n, n))
    for a, others in enumerate(problem.neighbours):
        for b in others:
            link[a, b] = 1
    link = link.tocsr()
    assert set(section_of.tolist()) == set(range(count))
    for section in range(count):
        members = np.flatnonzero(section_of == section)
        assert connected_components(link[members][:, members], directed=False)[0] == 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), cells=st.integers(1, 40), share=st.floats(0.01, 1.0))
def test_every_section_hangs_together_and_every_village_has_one(seed: int, cells: int, share: float) -> None:
    """Whatever the county, each village is in one section, no section is empty, none falls apart."""
    problem, count = random_county(seed, cells), max(1, round(share * cells))
    design = design_sections(problem, count, seed=seed)
    assert_sections(problem, design.section_of, count)
    np.testing.assert_allclose(design.load_min, np.bincount(design.section_of, problem.work, count))
    assert design.max_over_mean >= 1 - 1e-9
    assert design.min_over_mean <= 1 + 1e-9
    assert all(design.section_of[centre] == section for section, centre in enumerate(design.centres))


@pytest.mark.parametrize(("rows", "columns", "count"), [(6, 6, 4), (8, 10, 5), (10, 10, 8)])
def test_equal_villages_make_equal_sections(grid: Grid, rows: int, columns: int, count: int) -> None:
    """On a grid of equal villages the loads differ by no more than one village."""
    problem = grid(rows, columns)
    design = design_sections(problem, count)
    assert_sections(problem, design.section_of, count)
    assert design.load_min.max() - design.load_min.min() <= 30.0 + 1e-9
    assert design.even


@pytest.mark.parametrize("seed", range(5))
def test_a_county_of_many_villages_becomes_even(seed: int) -> None:
    """With twenty villages to a courier, no load is a tenth above or below the mean."""
    problem = random_county(seed, 120)
    design = design_sections(problem, 6)
    assert design.even
    assert design.max_over_mean <= 1.10
    assert design.min_over_mean >= 0.90


@pytest.mark.parametrize("seed", range(4))
def test_two_sections_of_few_villages_are_nearly_the_most_even_ones(seed: int) -> None:
    """Compared with every connected division of ten villages in two, the largest load is within a twentieth."""
    problem = random_county(seed, 10)
    best = np.inf
    for sides in product((0, 1), repeat=9):
        section_of = np.array((0, *sides))
        if section_of.any() and all(
            is_connected(problem.neighbours, np.flatnonzero(section_of == side).tolist()) for side in (0, 1)
        ):
            best = min(best, float(np.bincount(section_of, problem.work).max()))
    design = design_sections(problem, 2)
    assert design.load_min.max() <= best * 1.05


def test_equal_seeds_give_equal_sections() -> None:
    """A design can be repeated from its seed."""
    problem = random_county(4, 50)
    first, again = design_sections(problem, 5, seed=9), design_sections(problem, 5, seed=9)
    np.testing.assert_array_equal(first.section_of, again.section_of)


def test_a_village_with_too_much_work_is_named(grid: Grid) -> None:
    """Where one village alone is more than a courier's day, the design says which."""
    problem = grid(3, 4)
    heavy = replace(problem, cells=(replace(problem.cells[0], work_min=2_000.0), *problem.cells[1:]))
    design = design_sections(heavy, 3)
    assert not design.even
    assert "村0" in design.notes[0]


def test_a_side_valley_moves_as_a_whole() -> None:
    """A village at the mouth of a valley takes the villages behind it along when its section is too large."""
    # Two centres 0 and 1, joined; a valley 2-3-4 hangs on both, its mouth is 2.
    links = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4)]
    near = tuple(tuple(sorted({b for a, b in links if a == i} | {a for a, b in links if b == i})) for i in range(5))
    minutes = np.array([[abs(a - b) * 4.0 for b in range(5)] for a in range(5)])
    cells = tuple(
        Cell(f"v{i}", f"v{i}", f"村{i}", 110.0, 30.0, w) for i, w in enumerate((60.0, 30.0, 10.0, 10.0, 10.0))
    )
    design = design_sections(SectionProblem(cells, minutes, near), 2)
    assert design.load_min.tolist() in ([60.0, 60.0],)


def test_sections_that_are_known_are_changed_little() -> None:
    """When work grows in one corner, evening out what is there moves less work than designing anew."""
    problem = random_county(2, 90)
    today = design_sections(problem, 6)
    grown = problem.reworked(problem.work * np.where(today.section_of == 0, 1.3, 1.0))
    gently = design_sections(grown, 6, before=today.section_of)
    assert_sections(grown, gently.section_of, 6)
    assert gently.even
    kept = stability(today.section_of, gently.section_of, grown.work).kept
    anew = stability(today.section_of, design_sections(grown, 6, seed=5).section_of, grown.work).kept
    assert kept >= 0.85
    assert kept > anew


@settings(max_examples=50, deadline=None)
@given(data=st.data(), cells=st.integers(1, 30), count=st.integers(1, 6))
def test_stability_does_not_depend_on_numbers(data: st.DataObject, cells: int, count: int) -> None:
    """Renaming sections changes nothing, and what is kept and what has moved make up all the work."""
    sections = st.lists(st.integers(0, count - 1), min_size=cells, max_size=cells).map(np.array)
    before, after = data.draw(sections), data.draw(sections)
    work = np.arange(1.0, cells + 1)
    renamed = np.array(data.draw(st.permutations(range(count))))[after]
    found = stability(before, after, work)
    assert found.kept == pytest.approx(stability(before, renamed, work).kept)
    assert found.kept + work[found.moved].sum() / work.sum() == pytest.approx(1.0)
    assert stability(before, before, work).kept == 1.0


def test_measured_routes_correct_the_work_of_their_section(grid: Grid) -> None:
    """Where a route takes twice as long as thought, the work of its villages doubles; a new design gives them less."""
    problem = grid(6, 6)
    design = design_sections(problem, 3)
    route_min = design.load_min * np.array([2.0, 1.0, 1.0])
    again = problem.reworked(measured_work(problem, design, route_min))
    np.testing.assert_allclose(np.bincount(design.section_of, again.work), route_min)
    assert design_sections(again, 3).even


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: design_sections(p, 0), "0 sections"),
        (lambda p: design_sections(p, 10), "9 cells cannot make 10"),
        (lambda p: design_sections(p, 2, before=np.zeros(4, dtype=int)), "do not fit"),
        (lambda p: design_sections(p, 2, before=np.full(9, 2)), "do not fit"),
        (lambda p: replace(p, minutes=p.minutes[:3]), "shape"),
        (lambda p: replace(p, minutes=np.where(p.minutes > 15, np.inf, p.minutes)), "no road leads from 村0"),
        (lambda p: replace(p, neighbours=tuple(() for _ in p.cells)), "hang together"),
        (lambda p: p.reworked([-1.0] * 9), "v0"),
        (lambda p: stability(np.zeros(2), np.zeros(3), np.zeros(2)), "same cells"),
        (lambda p: measured_work(p, design_sections(p, 2), np.ones(3)), "3 routes"),
    ],
)
def test_what_cannot_become_sections_is_named(
    grid: Grid, change: Callable[[SectionProblem], object], words: str
) -> None:
    """Each impossible wish is refused with what is wrong."""
    with pytest.raises(SectionsImpossibleError, match=words):
        change(grid(3, 3))


def test_neighbours_are_those_without_a_village_between(grid: Grid) -> None:
    """On a straight road each village borders on the next one only, and two separate roads are joined once."""
    at = np.array([0.0, 5.0, 10.0, 15.0])
    assert road_neighbours(np.abs(at[:, None] - at[None, :])) == ((1,), (0, 2), (1, 3), (2,))
    far = np.array([0.0, 5.0, 100.0, 105.0])
    assert road_neighbours(np.abs(far[:, None] - far[None, :])) == ((1,), (0, 2), (1, 3), (2,))
