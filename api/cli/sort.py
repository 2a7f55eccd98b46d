"""`cunda sort`: sort plans from the published plan, and the chute table."""

from __future__ import annotations

import json as json_module
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, progress_bars, ready_services, table

if TYPE_CHECKING:
    from dispatch.sorting.chutes import ChuteTable
    from dispatch.sorting.plan import SortPlan

app = typer.Typer(help="Sort plans: parcel, chute, bag and loading position.", no_args_is_help=True)
chutes = typer.Typer(help="The chute table of a sorting table.", no_args_is_help=True)
app.add_typer(chutes, name="chutes")

RegionOption = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
TableFile = Annotated[Path, typer.Argument(help="TOML file; docs/sorting.md describes it.")]


@app.command("plan")
def plan(
    region: RegionOption,
    date: Annotated[
        datetime | None, typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day, YYYY-MM-DD; today when absent.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Write chute overview, load sheets and bag labels, with barcodes.")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write one line for each parcel.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write everything as JSON; - prints it.")] = None,
) -> None:
    """Make the sort plan of what is published for a day: printed, for a sheet, for a program."""
    from api.manifests import today_in
    from dispatch.sorting.exports import sort_plan_csv, sort_plan_json

    with ready_services() as services:
        found = services.regions.load(region)
        day = date.date() if date is not None else today_in(services.clock, found.zone)
        made = services.sorting.sort_plan(region, day)
    if csv is not None:
        csv.write_text(sort_plan_csv(made), encoding="utf-8-sig", newline="")
    printed = json is not None and str(json) == "-"
    if json is not None and not printed:
        json.write_text(json_module.dumps(sort_plan_json(made), ensure_ascii=False, indent=1), encoding="utf-8")
    if pdf is not None:
        from dispatch.sorting.printing import sort_plan_pdf

        with progress_bars(printed) as progress:
            pdf.write_bytes(sort_plan_pdf(made, progress))
    emit(sort_plan_json(made) if printed else None, printed, _lines(made))


def _lines(made: SortPlan) -> list[str]:
    rows = [
        (route.wave, route.chute, route.number, route.plate, route.courier, len(route.parcels), len(route.bags))
        for route in sorted(made.routes, key=lambda one: (one.wave, one.chute))
    ]
    return [
        f"{made.region} {made.day}, plan version {made.version_number}: {len(made.parcels)} parcels to sort, "
        f"{made.waves} wave(s), {made.walked_m / 1000:.1f} km from scanner to chutes",
        "",
        *table(("wave", "chute", "route", "vehicle", "courier", "parcels", "bags"), rows),
    ]


@chutes.command("check")
def check(file: TableFile, json: JsonFlag = False) -> None:
    """Check a chute table without loading it."""
    from dispatch.sorting.chutes import load_chutes

    _tell(load_chutes(file), json)


@chutes.command("load")
def load(file: TableFile, region: RegionOption, json: JsonFlag = False) -> None:
    """Give a region another chute table, from the day it names on; a bad file changes nothing."""
    from dispatch.sorting.chutes import load_chutes
    from dispatch.sorting.tables import keep_chutes

    checked = load_chutes(file)
    with ready_services() as services:
        services.regions.load(region)
        with services.database.begin() as session:
            number = keep_chutes(session, region, checked, actor="user:cli", now=services.clock.now())
    _tell(checked, json, {"region": region, "number": number})


@chutes.command("show")
def show(region: RegionOption, json: JsonFlag = False) -> None:
    """Show the chute table in force today."""
    from api.manifests import today_in
    from dispatch.sorting.tables import chutes_in_force

    with ready_services() as services:
        zone = services.regions.load(region).zone
        with services.database.read() as session:
            number, found = chutes_in_force(session, region, today_in(services.clock, zone))
    _tell(found, json, {"region": region, "number": number})


def _tell(found: ChuteTable, json: bool, more: dict[str, Any] | None = None) -> None:
    body = (more or {}) | found.model_dump(mode="json")
    purposes = [one.purpose for one in found.chute]
    counts = [f"{purposes.count(kind)} {kind}" for kind in dict.fromkeys(purposes)]
    lines = [
        f"chutes from {found.valid_from}: {', '.join(counts)}; bags of at most {found.bag.most_parcels} parcels, "
        f"{found.bag.most_weight_g / 1000:.1f} kg",
        *table(("chute", "purpose", "metres"), [(one.id, one.purpose, one.distance_m) for one in found.chute]),
    ]
    emit(body, json, lines)
