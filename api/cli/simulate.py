"""`cunda simulate`: a whole day against the real API, by a clock of its own."""

from __future__ import annotations

import json as json_text
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal import JsonFlag, current_settings, emit, ends_on_sigterm, plain, progress_bars, say, table
from api.errors import UsageError

if TYPE_CHECKING:
    from api.simulation.run import SimulatedDay

app = typer.Typer(help="Play whole days against the real API.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Play whole days against the real API."""


@app.command("day")
def day(
    region: Annotated[
        str, typer.Option("--region", "-r", help="Region; `demo` is built when it is not there.")
    ] = "demo",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds give equal days, to the byte.")] = 1,
    parcels: Annotated[int, typer.Option("--parcels", min=20, help="Parcels of the morning's manifest.")] = 3000,
    companies: Annotated[int, typer.Option("--companies", min=1, max=8, help="Of how many companies.")] = 5,
    drop_offs: Annotated[int, typer.Option("--drop-offs", min=0, help="Parcels left at kiosks during the day.")] = 45,
    orders: Annotated[int, typer.Option("--orders", min=0, help="Orders to collect that come during the day.")] = 16,
    date: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day to play.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for day.json and the pages.")] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the day's database in this new folder, to look at it later.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Play a day: noise, failed attempts, drop-offs, new orders, a landslide, a breakdown, a late trunk run.

    A server is started on a free port; dispatcher and couriers are programs that use its HTTP API. Nothing of your
    own database is touched. Exit code 1 when a parcel is not accounted for or a plan version is lost.
    """
    from api.simulation.options import DEFAULT_DAY, DayOptions
    from api.simulation.run import simulate_day

    options = DayOptions(
        region=region, seed=seed, day=DEFAULT_DAY if date is None else date.date(), parcels=parcels,
        companies=companies, drop_offs=drop_offs, orders=orders,
    )  # fmt: skip
    if keep is not None and keep.exists():
        raise UsageError(f"{keep} is there already", remedy="Name a folder that does not exist.")
    regions = current_settings(log_level="warning").regions_dir
    with ends_on_sigterm(), progress_bars(json) as progress, tempfile.TemporaryDirectory(prefix="cunda-day-") as home:
        played = simulate_day(options, regions, Path(home) if keep is None else keep, progress)
    if output is not None:
        for path in played.write(output):
            say(f"wrote {path}")
    _tell(played, json)
    if not played.report["ok"]:
        raise typer.Exit(1)


def _tell(played: SimulatedDay, as_json: bool) -> None:
    from api.simulation import report as reporting

    report, figures = played.report, played.report["figures"]
    places = report["account"]["places"]
    identities = report["account"]["identities"]
    now, morning = figures["against_plan_in_force"], figures["against_morning_plan"]
    held = sum(one["holds"] for one in identities)
    lines = [
        *table(reporting.COURIER_COLUMNS, reporting.courier_rows(report)),
        "",
        *table(reporting.INCIDENT_COLUMNS, reporting.incident_rows(report)),
        "",
        f"{figures['stops_visited']} stops; on time against the plan in force {now['on_time_percent']} %, "
        f"against the morning's {morning['on_time_percent']} %; windows kept {figures['windows_kept_percent']} %",
        f"km: planned {figures['planned_m'] / 1000:.0f}, last plan {figures['last_plan_m'] / 1000:.0f}, "
        f"driven {figures['driven_m'] / 1000:.0f}",
        f"{report['account']['parcels']} parcels: " + ", ".join(f"{count} {name}" for name, count in places.items()),
        f"{held} of {len(identities)} identities hold (CUS-21 to CUS-23); "
        f"{len(report['account']['unexplained'])} parcels unexplained",
        f"{report['plan']['versions']} plan versions, {len(report['plan']['lost'])} lost",
        f"SHA-256 {played.digest}",
    ]
    say(f"took {json_text.dumps(plain(played.timings_s))} s")
    emit({"sha256": played.digest, **report}, as_json, lines)
