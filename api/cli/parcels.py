"""`cunda parcels`: manifests, and where a parcel is."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal import JsonFlag, current_settings, emit, plain, progress_bars, ready_services, say, table
from api.errors import UsageError

if TYPE_CHECKING:
    from dispatch.parcels.manifest.importer import ImportReport

app = typer.Typer(help="Parcels: generate, import, find, list.", no_args_is_help=True)

RegionOption = Annotated[str, typer.Option("--region", "-r", help="Name of the region.")]
DayOption = Annotated[
    datetime | None, typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day, YYYY-MM-DD; today when absent.")
]
_SHOWN_PROBLEMS = 20


@app.command("generate")
def generate(
    region: RegionOption,
    parcels: Annotated[int, typer.Option("--parcels", help="How many.")] = 3000,
    companies: Annotated[int, typer.Option("--companies", help="Of how many companies.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another day.")] = 1,
    date: DayOption = None,
    output: Annotated[Path | None, typer.Option("--output", help="File to write; standard output when absent.")] = None,
) -> None:
    """Write a realistic manifest of invented people as CSV."""
    from api.manifests import today_in
    from dispatch.parcels.generator import generate_manifest, write_manifest_csv
    from kernel.clock import SystemClock
    from maps.store import RegionStore

    found = RegionStore(current_settings().regions_dir).load(region)
    day = date.date() if date is not None else today_in(SystemClock(), found.zone)
    rows = generate_manifest(found, parcels, companies, seed, day)
    if output is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        write_manifest_csv(rows, sys.stdout)
    else:
        with output.open("w", encoding="utf-8", newline="") as file:
            say(f"wrote {write_manifest_csv(rows, file)} parcels to {output}")


@app.command("import")
def import_manifest(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GB18030) or XLSX.")],
    region: RegionOption = "demo",
    date: DayOption = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="OURS=THEIRS, maps a column whose header is not recognised; repeatable."),
    ] = None,
    company: Annotated[str | None, typer.Option("--company", help="Company of rows that state none.")] = None,
    known_companies_only: Annotated[
        bool, typer.Option("--known-companies-only", help="Refuse rows of companies that are not registered.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only report; store nothing.")] = False,
    trust_datum: Annotated[
        bool, typer.Option("--trust-datum", help="Take positions as declared although another datum fits them better.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Import a manifest; good rows are kept, bad ones come back with line, column and reason."""
    from api.manifests import ManifestOrder
    from dispatch.parcels.manifest.table import ManifestLimits, read_manifest_file

    order = ManifestOrder(
        region=region,
        actor="user:cli",
        day=date.date() if date is not None else None,
        mapping=_mapping(column or []),
        register_companies=not known_companies_only,
        default_company=company,
        check_only=check,
        trust_datum=trust_datum,
    )
    with ready_services() as services, progress_bars(json) as progress:
        limits = ManifestLimits(services.settings.import_max_bytes, services.settings.import_max_rows)
        data = read_manifest_file(file, limits)
        report = services.manifests.take_in(data, file.name, order, progress)
    emit(report.as_dict(), json, _report_lines(report))


@app.command("where")
def where(
    key: Annotated[str, typer.Argument(help="Waybill or parcel id.")],
    chinese: Annotated[bool, typer.Option("--zh", help="Answer in Chinese.")] = False,
    json: JsonFlag = False,
) -> None:
    """Answer where a parcel is, who has it, since when, and what comes next."""
    from dispatch.custody.whereabouts import where_is

    with ready_services() as services, services.database.read() as session:
        answers = where_is(session, key)
    document = [
        {
            "parcel_id": one.parcel_id,
            "company_id": one.company_id,
            "waybill": one.waybill,
            "piece": one.piece,
            "pieces": one.pieces,
            **plain(one.state),
            "history": plain(one.history),
        }
        for one in answers
    ]
    emit(document, json, [one.sentence("zh" if chinese else "en") for one in answers])


@app.command("list")
def list_parcels(
    region: RegionOption,
    date: DayOption = None,
    status: Annotated[str | None, typer.Option("--status", help="Only of this status.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most parcels shown.")] = 50,
    json: JsonFlag = False,
) -> None:
    """List parcels of a region with what the ledger says of them."""
    from sqlalchemy import select

    from dispatch.custody.model import CustodyStanding
    from dispatch.parcels.model import Parcel

    query = select(Parcel, CustodyStanding).join(CustodyStanding, CustodyStanding.parcel_id == Parcel.id)
    query = query.where(Parcel.region == region).order_by(Parcel.id).limit(limit)
    if date is not None:
        query = query.where(Parcel.due_day == date.date())
    if status is not None:
        query = query.where(CustodyStanding.status == status)
    with ready_services() as services, services.database.read() as session:
        rows = [
            (
                parcel.waybill, f"{parcel.piece}/{parcel.pieces}", parcel.company_id, parcel.direction, parcel.due_day,
                standing.status, standing.custodian, standing.next_step,
            )
            for parcel, standing in session.execute(query)
        ]  # fmt: skip
    names = ("waybill", "piece", "company", "direction", "due_day", "status", "custodian", "next_step")
    emit([dict(zip(names, row, strict=True)) for row in rows], json, table(names, rows))


def _mapping(columns: list[str]) -> dict[str, str] | None:
    pairs = [entry.partition("=") for entry in columns]
    wrong = [name for name, sign, header in pairs if not (name and sign and header)]
    if wrong:
        raise UsageError(f"--column {wrong[0]!r} is not OURS=THEIRS", remedy="For example --column waybill=运单号.")
    return {name: header for name, _, header in pairs} or None


def _report_lines(report: ImportReport) -> list[str]:
    encoding = f", {report.encoding}" if report.encoding else ""
    lines = [
        f"{report.file_name} ({report.file_format}{encoding}): {report.rows_read} rows",
        f"  added {report.added}, unchanged {report.unchanged}, differing {report.differing}, "
        f"rejected {report.rejected}" + ("  (nothing stored: --check)" if report.import_id is None else ""),
    ]
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        lines.append(f"  line {problem.line}, {problem.column}: {problem.message}  [{problem.code}]")
    left = len(report.problems) - _SHOWN_PROBLEMS
    if left > 0:
        lines.append(f"  … and {left} more; --json lists all")
    return lines
