"""`cunda echelons` and `cunda weekdays`: trunk runs with couriers' routes, and promised weekdays."""

from __future__ import annotations

import json as json_text
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import (
    JsonFlag,
    emit,
    library_prints_to_stderr,
    plain,
    progress_bars,
    ready_services,
    table,
    write_file,
)
from kernel.money import format_yuan

if TYPE_CHECKING:
    from maps.picture import MapPicture

echelons = typer.Typer(help="Two echelons: trunk runs to township depots, and routes from there.", no_args_is_help=True)
weekdays = typer.Typer(help="Promised weekdays of low-volume villages: make, accept, show.", no_args_is_help=True)

RegionOption = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Another seed is another search.")]
GeojsonOption = Annotated[Path | None, typer.Option("--geojson", help="Write the map as GeoJSON to this file.")]
SvgOption = Annotated[Path | None, typer.Option("--svg", help="Write the map to this file: SVG, or PNG by its name.")]


@echelons.command("plan")
def plan_echelons(
    region: RegionOption,
    date: Annotated[
        datetime | None, typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day, YYYY-MM-DD; today when absent.")
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option("--network", help="TOML file of depots, trunks and buses; every township seat when absent."),
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of the search.")] = 12,
    iterations: Annotated[int, typer.Option("--iterations", min=1, help="Routing iterations in a round.")] = 6_000,
    seed: SeedOption = 1,
    geojson: GeojsonOption = None,
    svg: SvgOption = None,
    json: JsonFlag = False,
) -> None:
    """Plan a day over both echelons: runs, transfer and sorting, routes released when their freight is there."""
    from api.manifests import today_in
    from dispatch.echelons import report
    from dispatch.echelons.joint import Effort
    from dispatch.echelons.network import load_network
    from dispatch.echelons.service import plan_county_day

    given = None if network is None else load_network(network)
    with ready_services() as services, progress_bars(json) as progress:
        county_region = services.regions.load(region)
        day = date.date() if date is not None else today_in(services.clock, county_region.zone)
        with library_prints_to_stderr():
            county, plan = plan_county_day(
                services.database, services.planner, county_region, day,
                network=given, effort=Effort(rounds, iterations, 4), seed=seed, progress=progress,
            )  # fmt: skip
    picture = report.echelon_map(county, plan, county_region.engine(), f"{county_region.title} {day}")
    _draw(picture, geojson, svg)
    document = {"region": region, "day": day.isoformat()} | report.echelon_document(county, plan)
    lines = [
        *table(report.RUN_COLUMNS, report.run_rows(county, plan)),
        "",
        *table(report.ROUTE_COLUMNS, report.route_rows(county, plan)),
        "",
        f"trunk {format_yuan(document['trunk_cost_fen'])}, routes {format_yuan(document['route_cost_fen'])}, "
        f"together {format_yuan(document['cost_fen'])} yuan; {len(document['left_out'])} stops left out",
        *(f"the cut-off of {company} cannot be reached" for company in county.missed_cut_offs),
        *(["times are ESTIMATED: the region has no roads"] if county.matrices.source != "road" else []),
    ]
    emit(plain(document), json, lines)


@echelons.command("network")
def show_network(region: RegionOption) -> None:
    """Print the network a region has without a file of its own, as JSON to copy figures from."""
    from dispatch.echelons.network import default_network

    with ready_services() as services:
        found = default_network(services.regions.load(region))
    emit(found.model_dump(mode="json", by_alias=True), True)


@weekdays.command("plan")
def plan_weekdays(
    region: RegionOption,
    accept: Annotated[bool, typer.Option("--accept", help="Put the weekdays in force at once.")] = False,
    daily_from: Annotated[
        float, typer.Option("--daily-from", min=0, help="Parcels a day from which a village is served daily.")
    ] = 6.0,
    thrice_from: Annotated[
        float, typer.Option("--thrice-from", min=0, help="Parcels a day from which it is served three times a week.")
    ] = 3.0,
    change_fen: Annotated[
        int, typer.Option("--change-fen", min=0, help="Price in fen of giving a village other days than it knows.")
    ] = 2_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds of the search.")] = 3,
    seed: SeedOption = 1,
    geojson: GeojsonOption = None,
    svg: SvgOption = None,
    json: JsonFlag = False,
) -> None:
    """Choose the weekdays of every village by cost and balance, from the parcels imported so far."""
    from dispatch.weekdays import report
    from dispatch.weekdays.search import WeekEffort
    from dispatch.weekdays.service import WeekdayService
    from dispatch.weekdays.survey import RhythmRule

    with ready_services() as services, progress_bars(json) as progress:
        found = services.regions.load(region)
        service = WeekdayService(services.database, services.ids, services.clock)
        with library_prints_to_stderr():
            made = service.make(
                found, actor="user:cli", rule=RhythmRule(daily_from, thrice_from), effort=WeekEffort(rounds=rounds),
                change_fen=change_fen, seed=seed, progress=progress,
            )  # fmt: skip
        if accept:
            service.accept(made.version_id, actor="user:cli")
    _draw(report.week_map(made.survey, made.plan, f"{found.title}: weekdays"), geojson, svg)
    document = report.week_document(made.survey, made.plan, made.every_day)
    missed = report.all_unreached(made.survey, made.plan)
    lines = [
        *table(report.VILLAGE_COLUMNS, report.village_rows(made.survey, made.plan)),
        "",
        *table(report.DAY_COLUMNS, report.day_rows(made.plan)),
        "",
        f"a week costs {format_yuan(document['cost_fen'])} yuan, {document['saved_percent']} % below serving every "
        f"village every day; longest route {document['route_spread']:.2f} of the mean",
        f"{len(made.plan.changed)} villages get other days than they know",
        f"version {made.number} ({made.version_id})" + (" is in force" if accept else ", not yet accepted"),
        *(table(report.UNREACHED_COLUMNS, report.unreached_rows(missed)) if missed else ["every promise is kept"]),
    ]
    emit(plain({"version_id": made.version_id, "number": made.number} | document), json, lines)


@weekdays.command("accept")
def accept_weekdays(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    json: JsonFlag = False,
) -> None:
    """Put a version of weekdays in force; planning leaves other villages for their next service day from then on."""
    from dispatch.weekdays.service import WeekdayService

    with ready_services() as services:
        service = WeekdayService(services.database, services.ids, services.clock)
        accepted = service.accept(version, actor="user:cli", reason=reason)
    document: dict[str, Any] = {"version_id": accepted.version_id, "region": accepted.region}
    emit(document, json, [f"weekdays {accepted.version_id} are in force in {accepted.region}"])


def _draw(picture: MapPicture, geojson: Path | None, svg: Path | None) -> None:
    if geojson is not None:
        write_file(geojson, json_text.dumps(picture.geojson(), ensure_ascii=False))
    if svg is not None:
        write_file(svg, picture.svg())
