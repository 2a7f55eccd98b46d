"""`cunda chart`: the amounts of any report as bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import write_file
from api.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("chart")(chart)


def chart(
    report: Annotated[Path, typer.Argument(metavar="report", help="What a report wrote as JSON, or a line each.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: SVG, or PNG if it ends in .png.")],
    rows: Annotated[
        str | None, typer.Option("--rows", help="Where the rows are, dots between names; else the first list.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="Field that names a row; else its first text.")] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", help="Field to draw, repeatable; else its first four numbers.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading; the file's name when absent.")] = None,
) -> None:
    """Draw the amounts of a report as bars, each amount on a scale of its own."""
    from api.charts import chart_of

    try:
        text = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as refused:
        raise UsageError(f"{report} cannot be read: {refused}", remedy="Name a report's JSON file.") from None
    write_file(output, chart_of(text, title or report.stem, rows=rows, label=label, values=value or ()).svg())
