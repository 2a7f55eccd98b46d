"""What commands share with the person in front of them: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.errors import UsageError
from kernel.clock import SystemClock
from kernel.progress import Progress, silent

if TYPE_CHECKING:
    from api.services import Services
    from kernel.settings import Settings

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
_PLAIN_GAP_S = 2.0


def own_stdout() -> None:
    """Keep standard output for this program's answers: what compiled libraries print goes to standard error instead.

    HiGHS, for one, now and then writes a line of its own there, which would make a JSON document unreadable.
    """
    ours = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(ours, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)


def current_settings(**overrides: Any) -> Settings:
    """Read the settings and set up the logs by them."""
    from kernel.log import set_up_logging
    from kernel.settings import load_settings

    settings = load_settings(**{name: value for name, value in overrides.items() if value is not None})
    set_up_logging(settings.log_level, settings.log_format)
    return settings


@contextmanager
def ready_services(**overrides: Any) -> Iterator[Services]:
    """Give every service over a database of the right schema; a new database is set up first.

    Raises
    ------
    DatabaseOutdatedError
        If the database holds data of another version; upgrading is the operator's decision.
    """
    from api.bootstrap import open_services, require_schema

    with open_services(current_settings(**overrides)) as services:
        require_schema(services.database)
        yield services


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Let a polite kill end the block as Ctrl-C does, so that what it started is stopped too.

    A shell starts background jobs with Ctrl-C switched off; here it counts again.
    """
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def emit(document: Any, as_json: bool, lines: Sequence[str] = ()) -> None:
    """Print a result: the document with ``--json``, else the lines."""
    if as_json:
        print(json.dumps(plain(document), ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))
        return
    for line in lines:
        print(line)


def plain(document: Any) -> Any:
    """Turn dataclasses, moments, paths and enums into what JSON knows."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(document)


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lay rows out in columns; East Asian characters count as two."""
    cells = [[str(cell) if cell is not None else "-" for cell in row] for row in [headings, *rows]]
    widths = [max(_width(row[index]) for row in cells) for index in range(len(headings))]
    return ["  ".join(cell + " " * (widths[i] - _width(cell)) for i, cell in enumerate(row)).rstrip() for row in cells]


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


@contextmanager
def progress_bars(as_json: bool) -> Iterator[Progress]:
    """Show progress on stderr: bars on a terminal, plain lines elsewhere, nothing with ``--json``."""
    if as_json:
        yield silent
    elif sys.stderr.isatty():
        with _rich_bars() as bars:
            yield bars
    else:
        yield _PlainLinesState()


@contextmanager
def _rich_bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int | None = None, note: str = "") -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, note=note)
            bars.update(tasks[stage], completed=done, total=total, note=note)

        yield tell


class _PlainLinesState:
    """Progress as lines, at most one every two seconds within a stage."""

    def __init__(self) -> None:
        self._stage = ""
        self._told_s = float("-inf")
        self._clock = SystemClock()

    def __call__(self, stage: str, done: int, total: int | None = None, note: str = "") -> None:
        now_s = self._clock.monotonic_s()
        if stage == self._stage and now_s - self._told_s < _PLAIN_GAP_S and done != total:
            return
        self._stage, self._told_s = stage, now_s
        amount = f" {done}/{total}" if total is not None else (f" {done}" if done else "")
        say(f"{stage}{amount}{'  ' + note if note else ''}")


def say(line: str) -> None:
    """Tell the person something that is not the result."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def library_prints_to_stderr() -> Iterator[None]:
    """Keep what HiGHS prints now and then out of the result, which a program may read."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def write_file(path: Path, text: str) -> None:
    """Write a report's file and say so; an SVG picture becomes PNG when the name ends in ``.png``.

    Raises
    ------
    UsageError
        If it cannot be written; names it.
    """
    try:
        if path.suffix.lower() == ".png" and text.startswith("<svg"):
            from api.charts import png_of

            path.write_bytes(png_of(text))
        else:
            path.write_text(text, encoding="utf-8")
    except OSError as refused:
        raise UsageError(f"{path} cannot be written: {refused.strerror}", remedy="Name another file.") from refused
    say(f"wrote {path}")


def report_error(error: Mapping[str, Any], as_json: bool) -> None:
    """Print an error with its remedy on stderr."""
    if as_json:
        print(json.dumps({"error": plain(error)}, ensure_ascii=False), file=sys.stderr)
        return
    print(f"cunda: {error['message']} [{error['code']}]", file=sys.stderr)
    print(f"  {error['remedy']}", file=sys.stderr)
