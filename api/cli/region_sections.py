"""`cunda region sections`: courier sections of equal work."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import JsonFlag, emit, ready_services, table, write_file


def sections(
    count: Annotated[int, typer.Option("--count", min=1, help="How many sections, one per courier.")],
    region: Annotated[str, typer.Option("--region", "-r", help="Name of the region.")] = "demo",
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another design.")] = 1,
    geojson: Annotated[Path | None, typer.Option("--geojson", help="Write the sections to this file.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write a map of them: SVG, or PNG by its name.")] = None,
    json: JsonFlag = False,
) -> None:
    """Cut a county into connected courier sections (段道) of equal work, from parcels by village."""
    from api.siting import parcels_by_place
    from maps.sections.design import design_sections
    from maps.sections.survey import (
        DESIGN_COLUMNS,
        design_document,
        design_geojson,
        design_picture,
        design_rows,
        survey_sections,
    )
    from maps.siting.survey import demand_from_population

    with ready_services() as services, services.database.read() as session:
        county = services.regions.load(region)
        records, days = parcels_by_place(session, county)
    if records:
        stops = {place_id: amount / days for place_id, amount in records if county.place(place_id).located}
        source = f"parcels of {days} days in the database"
    else:
        stops = {point.id: point.weight / 100 for point in demand_from_population(county)[0]}
        source = "inhabitants, one stop a day for each hundred, for no parcels were imported yet"
    problem = survey_sections(county, stops, count)
    design = design_sections(problem, count, seed)
    if geojson is not None:
        write_file(geojson, json_text.dumps(design_geojson(problem, design), ensure_ascii=False))
    if svg is not None:
        write_file(svg, design_picture(problem, design, f"{county.title}: {count} sections").svg())
    lines = [
        *table(DESIGN_COLUMNS, design_rows(problem, design)),
        "",
        f"work: {source}",
        f"largest {design.max_over_mean:.2f}, smallest {design.min_over_mean:.2f} of the mean; "
        f"{design.mean_min_to_centre:.1f} minutes from work to its section's centre",
        *(["minutes are ESTIMATED: the region has no roads"] if problem.source != "road" else []),
        *(f"note: {note}" for note in (*problem.notes, *design.notes)),
    ]
    emit({"region": region, "work_from": source, "seed": seed} | design_document(problem, design), json, lines)
