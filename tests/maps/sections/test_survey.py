"""From a region to sections one can look at."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from maps.errors import PlaceNotFoundError, SectionsImpossibleError
from maps.region import Region
from maps.sections.design import design_sections
from maps.sections.problem import is_connected
from maps.sections.survey import (
    DESIGN_COLUMNS,
    design_document,
    design_geojson,
    design_picture,
    design_rows,
    survey_sections,
)
from maps.store import RegionStore


def stops_of(region: Region, total: float = 2_000.0) -> dict[str, float]:
    """Share stops out by inhabitants."""
    people = {place.id: float(place.population or 1_000) for place in region.located_places}
    return {place_id: total * count / sum(people.values()) for place_id, count in people.items()}


@pytest.mark.parametrize("count", [12, 20])
def test_the_demo_county_becomes_even_sections(demo_region: Region, count: int) -> None:
    """A mountain county of 500 settlements is cut within a tenth of the mean, all sections connected by road."""
    problem = survey_sections(demo_region, stops_of(demo_region), count)
    design = design_sections(problem, count)
    for section in range(count):
        assert is_connected(problem.neighbours, np.flatnonzero(design.section_of == section).tolist())
    assert design.max_over_mean <= 1.10
    assert design.min_over_mean >= 0.90
    assert {cell.place_id for cell in problem.cells} == {place.id for place in demo_region.located_places}


def test_andorra_becomes_sections(andorra: Region) -> None:
    """On real mountain roads five sections hang together and are even."""
    problem = survey_sections(andorra, stops_of(andorra, 400.0), 5)
    design = design_sections(problem, 5)
    for section in range(5):
        assert is_connected(problem.neighbours, np.flatnonzero(design.section_of == section).tolist())
    assert design.even


def test_a_county_without_roads_says_who_is_left_out(china_tables: Path, tmp_path: Path) -> None:
    """潜江 becomes sections by estimates; the 174 villages without position are named in none of them."""
    region = RegionStore(tmp_path).import_csv(
        china_tables / "429005_villages.csv", china_tables / "429005_towns.csv", "qianjiang", terrain="flat"
    )
    problem = survey_sections(region, stops_of(region), 10)
    design = design_sections(problem, 10)
    assert design.even
    assert problem.source == "geodesic"
    assert 3 <= np.mean([len(others) for others in problem.neighbours]) <= 8
    assert len({cell.place_id for cell in problem.cells}) == 292
    assert any(note.startswith("in no section, for their position is unknown") for note in problem.notes)


def test_large_towns_are_cut_into_parts(demo_region: Region) -> None:
    """No cell holds more than a fifth of a section's work, parts of a town border on each other and share its work."""
    problem = survey_sections(demo_region, stops_of(demo_region), 12)
    assert problem.work.max() <= 0.2 * problem.work.sum() / 12 + 1e-9
    town = max(demo_region.located_places, key=lambda place: place.population or 0)
    parts = [index for index, cell in enumerate(problem.cells) if cell.place_id == town.id]
    assert len(parts) > 3
    assert all(set(parts) - {index} <= set(problem.neighbours[index]) for index in parts)


def test_a_design_can_be_shown(demo_region: Region) -> None:
    """Table, JSON and map hold every section and every cell once."""
    problem = survey_sections(demo_region, stops_of(demo_region), 6)
    design = design_sections(problem, 6)
    rows = design_rows(problem, design)
    assert [len(row) for row in rows] == [len(DESIGN_COLUMNS)] * 6
    document = json.loads(json.dumps(design_document(problem, design), allow_nan=False))
    assert sorted(cell for one in document["sections"] for cell in one["cells"]) == sorted(c.id for c in problem.cells)
    shown = json.loads(json.dumps(design_geojson(problem, design), allow_nan=False))
    assert len(shown["features"]) == len(problem.cells)
    assert sum(one["properties"]["centre"] for one in shown["features"]) == 6
    drawn = design_picture(problem, design, "six sections")
    assert len(drawn.dots) == len(problem.cells)
    assert {dot.text for dot in drawn.dots} == {"", *(str(number) for number in range(1, 7))}
    colour_of = {cell.id: dot.colour for cell, dot in zip(problem.cells, drawn.dots, strict=True)}
    for cell, near in zip(problem.cells, problem.neighbours, strict=True):
        across = [
            problem.cells[one] for one in near if design.section_of[one] != design.section_of[problem.cells.index(cell)]
        ]
        assert all(colour_of[one.id] != colour_of[cell.id] for one in across)


def test_unknown_places_and_no_sections_are_refused(demo_region: Region) -> None:
    """Stops at a place the county does not have, and zero sections, are named."""
    with pytest.raises(PlaceNotFoundError, match="nowhere"):
        survey_sections(demo_region, {"nowhere": 1.0}, 3)
    with pytest.raises(SectionsImpossibleError, match="0 sections"):
        survey_sections(demo_region, {}, 0)
