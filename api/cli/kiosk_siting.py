"""`cunda kiosks site` and `cunda kiosks sleepers`: where kiosks go, and which ones should go elsewhere."""

from __future__ import annotations

import json as json_text
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from api.cli.terminal import JsonFlag, emit, ready_services, say, table
from api.errors import UsageError

if TYPE_CHECKING:
    from maps.siting.after import Sleeper
    from maps.siting.plan import Model

RegionFlag = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
MinutesFlag = Annotated[float, typer.Option("--minutes", help="Road minutes within which demand counts as covered.")]
PatternFlag = Annotated[str, typer.Option("--pattern", help="any, spread, cluster or anchor; see docs/siting.md.")]
CandidatesFlag = Annotated[
    Path | None, typer.Option("--candidates", help="CSV of places somebody looked at: name, scene, lon, lat.")
]


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
    json: JsonFlag = False,
) -> None:
    """Propose where new kiosks go, from parcels by village and road minutes; existing ones are kept."""
    from api.siting import survey_kiosks
    from maps.siting.forecast import fit_rates
    from maps.siting.plan import site_kiosks
    from maps.siting.problem import SitingRules
    from maps.siting.report import SITE_COLUMNS, plan_document, plan_geojson, site_rows, summary_lines
    from maps.siting.scenes import pattern_of

    rules = SitingRules(budget, minutes, pattern_of(pattern))
    if spacing_m is not None:
        rules = rules.spaced(spacing_m)
    with ready_services() as services, services.database.read() as session:
        found = survey_kiosks(session, services.regions.load(region), candidates)
    plan = site_kiosks(found.problem, rules, cast("Model", model), "swap" if quick else "exact")
    plan = plan.with_forecasts(fit_rates(found.histories))
    if geojson is not None:
        _write(geojson, plan_geojson(plan, found.problem))
    document = {"region": region, "demand_from": found.demand_from} | plan_document(plan, found.problem)
    lines = [
        *table(SITE_COLUMNS, site_rows(replace(plan, sites=plan.new))),
        "",
        f"demand: {found.demand_from}",
        *summary_lines(plan, found.problem),
    ]
    emit(document, json, lines)


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
    from api.siting import survey_kiosks
    from maps.siting.after import sleepers
    from maps.siting.forecast import fit_rates
    from maps.siting.problem import SitingRules
    from maps.siting.scenes import pattern_of

    with ready_services() as services, services.database.read() as session:
        county = services.regions.load(region)
        rates = fit_rates(survey_kiosks(session, county, candidates).histories)
        found = survey_kiosks(session, county, candidates, recent_days=days)
    asleep = sleepers(
        found.problem, SitingRules(0, minutes, pattern_of(pattern)), found.histories, rates, at_most=at_most
    )
    rows = [_sleeper_row(one) for one in asleep]
    headings = ("kiosk", "scene", "drop-offs", "days", "chance", "move to", "gains", "loses")
    awake = f"{len(asleep)} of {len(found.histories)} kiosks with a history sleep; demand: {found.demand_from}"
    emit([_sleeper_document(one) for one in asleep], json, [*table(headings, rows), "", awake])


def _sleeper_row(sleeper: Sleeper) -> tuple[Any, ...]:
    move = sleeper.move
    whereto = (None, None, None) if move is None else (move.candidate.name, f"{move.gained:.1f}", f"{move.lost:.1f}")
    return (
        sleeper.kiosk.id, sleeper.kiosk.scene, sleeper.drop_offs, f"{sleeper.days:g}", f"{sleeper.chance:.1%}",
        *whereto,
    )  # fmt: skip


def _sleeper_document(sleeper: Sleeper) -> dict[str, Any]:
    move = sleeper.move
    return {
        "site_id": sleeper.kiosk.id,
        "scene": sleeper.kiosk.scene,
        "drop_offs": sleeper.drop_offs,
        "days": sleeper.days,
        "chance": round(sleeper.chance, 4),
        "move": None if move is None else {
            "id": move.candidate.id, "name": move.candidate.name, "lon": move.candidate.lon, "lat": move.candidate.lat,
            "gained": round(move.gained, 3), "lost": round(move.lost, 3),
            "drop_offs_a_day": round(move.forecast.mean, 3),
        },
    }  # fmt: skip


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json_text.dumps(document, ensure_ascii=False), encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"{path} cannot be written: {problem.strerror}", remedy="Name another file.") from problem
    say(f"wrote {path}")
