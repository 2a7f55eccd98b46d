"""`cunda activity`: how much kiosks and stations are used."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from api.cli.terminal import emit, ready_services, table
from api.errors import UsageError

app = typer.Typer(help="Activity of kiosks and stations: the daily report.", no_args_is_help=True)

_SHOWN = (
    "group", "installed", "eligible", "active", "active_share", "active_share_week", "drop_offs", "collected",
    "hours_median", "hours_p90", "open", "oldest_open_hours", "refusal_rate", "return_share", "uptime", "overdue",
    "sleepers", "wire_faults",
)  # fmt: skip


@app.callback()
def _root() -> None:
    """Keep `report` a command of its own."""


@app.command("report")
def report(
    region: Annotated[str, typer.Option("--region", "-r", help="Name of the region.")] = "demo",
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day; today in the region when absent.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Rows stand for: branch, scene or device.")] = "branch",
    kind: Annotated[str, typer.Option("--kind", help="Whose activity: kiosk, station or all.")] = "kiosk",
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Report a day: installed, active, drop-offs, collected, hours, refusals, uptime, overdue, sleepers, wire."""
    from zoneinfo import ZoneInfo

    from api.activity import activity_report
    from dispatch.stations.activity import report_csv, report_document, report_table

    choices = (
        (by, ("branch", "scene", "device")),
        (form, ("table", "csv", "json")),
        (kind, ("kiosk", "station", "all")),
    )
    for given, possible in choices:
        if given not in possible:
            raise UsageError(f"{given} cannot be meant", remedy=f"Give {possible[0]}, {possible[1]} or {possible[2]}.")
    with ready_services() as services:
        zone = services.settings.zone
        wanted = day.date() if day is not None else services.clock.now().astimezone(ZoneInfo(zone)).date()
        found = activity_report(services, region, wanted, by, kind)  # type: ignore[arg-type]  # checked above
    if form == "csv":
        sys.stdout.write(report_csv(found))
        return
    heading, rows = report_table(found)
    picked = [[row[heading.index(name)] or None for name in _SHOWN] for row in rows]
    lines = [
        f"{region} on {found.day}, as of {found.as_of.isoformat(timespec='seconds')}, metrics version {found.version}",
        "",
        *table(_SHOWN, picked),
        "",
        f"sleeping: {', '.join(found.sleeping) or 'none'}",
        f"refused: {_counts(dict(found.refusals))}; returns: {_counts(dict(found.returns))}; "
        f"open: {len(found.open_drops)}",
    ]
    emit(report_document(found), form == "json", lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
