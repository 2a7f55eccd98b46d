"""`cunda kiosks site`, `studies`, `facts` and `sleepers`: where kiosks go, and what became of them."""

from __future__ import annotations

import json as json_text
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, library_prints_to_stderr, progress_bars, ready_services, table, write_file

if TYPE_CHECKING:
    from api.services import Services
    from api.siting_desk import SitingDesk, SitingOrder
    from maps.siting.after import Sleeper

RegionFlag = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
MinutesFlag = Annotated[float, typer.Option("--minutes", help="Road minutes within which demand counts as covered.")]
PatternFlag = Annotated[str, typer.Option("--pattern", help="any, spread, cluster or anchor; see docs/siting.md.")]
CandidatesFlag = Annotated[
    Path | None, typer.Option("--candidates", help="CSV of places somebody looked at: name, scene, lon, lat.")
]
StudyArgument = Annotated[str, typer.Argument(metavar="study", help="Id of a study, as `cunda kiosks studies` lists.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("site")(site)
    app.command("studies")(studies)
    app.command("facts")(facts)
    app.command("sleepers")(sleeping)


def site(
    budget: Annotated[int, typer.Option("--budget", min=0, help="New kiosks at most.")],
    region: RegionFlag = "demo",
    minutes: MinutesFlag = 15.0,
    model: Annotated[
        str, typer.Option("--model", help="covering: most demand within reach; median: fewest minutes; fewest.")
    ] = "covering",
    pattern: PatternFlag = "any",
    spacing_m: Annotated[
        float | None, typer.Option("--spacing", min=0.0, help="Least metres between kiosks; else the pattern's.")
    ] = None,
    candidates: CandidatesFlag = None,
    quick: Annotated[bool, typer.Option("--quick", help="Answer by exchange at once, without proof.")] = False,
    geojson: Annotated[Path | None, typer.Option("--geojson", help="Write kiosks and demand to this file.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write a map of them to this file.")] = None,
    json: JsonFlag = False,
) -> None:
    """Propose where new kiosks go, from parcels by village and road minutes; existing ones are kept.

    The study is kept: `cunda kiosks facts` holds its forecasts against what came.
    """
    from api.siting_desk import SitingOrder
    from maps.siting.report import SITE_COLUMNS, plan_picture, site_rows, summary_lines

    with ready_services() as services, progress_bars(json) as progress:
        order = SitingOrder(region, budget, minutes, model, pattern, spacing_m, quick)
        order = _with_candidates(services, order, candidates)
        with library_prints_to_stderr():
            made = _desk(services).make(order, actor="system:cli", progress=progress)
        title = services.regions.load(region).title
    if geojson is not None:
        write_file(geojson, json_text.dumps(made.document["map"], ensure_ascii=False))
    if svg is not None:
        write_file(svg, plan_picture(made.plan, made.survey.problem, title).svg())
    document = {"study_id": made.study_id, "number": made.number} | dict(made.document)
    lines = [
        *table(SITE_COLUMNS, site_rows(replace(made.plan, sites=made.plan.new))),
        "",
        f"study {made.number} of {region} ({made.study_id})",
        f"demand: {made.survey.demand_from}",
        *summary_lines(made.plan, made.survey.problem),
    ]
    emit(document, json, lines)


def studies(region: RegionFlag = "demo", json: JsonFlag = False) -> None:
    """List what was proposed for a region, the newest first."""
    with ready_services() as services:
        found = _desk(services).studies(region)
    rows = [
        (one.number, one.id, one.day, one.request["model"], one.request["budget"], len(one.forecasts)) for one in found
    ]
    headings = ("study", "id", "day", "model", "budget", "forecasts")
    document = [dict(zip(headings, row, strict=True)) for row in rows]
    emit(document, json, table(headings, rows) if rows else [f"no studies of {region} yet: `cunda kiosks site`"])


def facts(study: StudyArgument, json: JsonFlag = False) -> None:
    """Hold a study's forecasts against the drop-offs that came later."""
    from api.siting_desk import facts_document

    with ready_services() as services:
        report = _desk(services).facts(study)
    rows = [
        (one.site_id, one.scene, f"{one.days:g}", f"{one.expected:.1f}", f"{one.low} to {one.high}", one.actual,
         one.standing, f"{one.surprise:.1%}")
        for one in report.rows
    ]  # fmt: skip
    headings = ("kiosk", "scene", "days", "expected", "90 in 100", "came", "stands", "chance")
    lines = [
        *table(headings, rows),
        "",
        f"expected {report.expected:,.1f}, came {report.actual:,}; {report.share_within:.0%} within their interval",
    ]
    if report.unobserved:
        lines.append(f"not put up, or without a day since: {', '.join(report.unobserved)}")
    if report.unforecast:
        lines.append(f"put up without a forecast: {', '.join(report.unforecast)}")
    emit(facts_document(report), json, lines)


def sleeping(
    region: RegionFlag = "demo",
    days: Annotated[int, typer.Option("--days", min=14, help="Look at so many last days.")] = 28,
    at_most: Annotated[int, typer.Option("--at-most", min=0, help="So few drop-offs are sleep.")] = 0,
    minutes: MinutesFlag = 15.0,
    pattern: PatternFlag = "any",
    candidates: CandidatesFlag = None,
    json: JsonFlag = False,
) -> None:
    """List kiosks that take in nothing, each with a place where it would reach more people."""
    from api.siting_desk import SitingOrder, sleeper_document

    with ready_services() as services:
        order = _with_candidates(services, SitingOrder(region, 0, minutes, pattern=pattern), candidates)
        asleep, found = _desk(services).sleepers(order, days, at_most)
    headings = ("kiosk", "scene", "drop-offs", "days", "chance", "move to", "gains", "loses")
    awake = f"{len(asleep)} of {len(found.histories)} kiosks with a history sleep; demand: {found.demand_from}"
    emit(
        [sleeper_document(one) for one in asleep],
        json,
        [*table(headings, [_sleeper_row(one) for one in asleep]), "", awake],
    )


def _desk(services: Services) -> SitingDesk:
    from api.siting_desk import SitingDesk

    return SitingDesk(services.database, services.regions, services.ids, services.clock)


def _with_candidates(services: Services, order: SitingOrder, path: Path | None) -> SitingOrder:
    from maps.siting.survey import read_candidates

    return order if path is None else replace(order, candidates=read_candidates(path))


def _sleeper_row(sleeper: Sleeper) -> tuple[Any, ...]:
    move = sleeper.move
    whereto = (None, None, None) if move is None else (move.candidate.name, f"{move.gained:.1f}", f"{move.lost:.1f}")
    return (
        sleeper.kiosk.id, sleeper.kiosk.scene, sleeper.drop_offs, f"{sleeper.days:g}", f"{sleeper.chance:.1%}",
        *whereto,
    )  # fmt: skip
