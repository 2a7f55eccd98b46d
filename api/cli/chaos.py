"""`cunda chaos`: the trials of reliability and security, run against real processes."""

from __future__ import annotations

import json as json_text
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import ends_on_sigterm, plain, say, table

if TYPE_CHECKING:
    from benchmarks.trials.trial import Trial, TrialReport

app = typer.Typer(
    help="Try reliability and security with real processes: kills, faults, attacks (混沌试验).", no_args_is_help=True
)


class ScaleChoice(StrEnum):
    """How big the trials are."""

    FULL = "full"
    SMALL = "small"


class BrokerChoice(StrEnum):
    """Which broker the trials start."""

    AUTO = "auto"
    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


JsonFile = Annotated[Path | None, typer.Option("--json", help="Write figures and machine there as JSON.")]
ScaleOption = Annotated[ScaleChoice, typer.Option("--scale", help="full as required, or small: seconds each.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything that is drawn at random.")]
BrokerOption = Annotated[BrokerChoice, typer.Option("--broker", help="Broker to start.")]
DatabaseOption = Annotated[
    str | None, typer.Option("--database-url", help="Empty database for the server; a SQLite file when absent.")
]


@app.command("list")
def list_trials() -> None:
    """Name all trials."""
    from benchmarks.trials.registry import TRIALS

    for line in table(["trial", "what happens"], [[trial.name, trial.title] for trial in TRIALS]):
        print(line)


@app.command("run")
def run(
    names: Annotated[list[str], typer.Argument(help="Names of trials, for example R3 A1.")],
    json: JsonFile = None,
    scale: ScaleOption = ScaleChoice.FULL,
    seed: SeedOption = 1,
    broker: BrokerOption = BrokerChoice.AUTO,
    database_url: DatabaseOption = None,
) -> None:
    """Run some trials; exit code 1 when one fails."""
    from benchmarks.trials.registry import TRIALS
    from benchmarks.trials.trial import choose

    _run(choose(TRIALS, names), json, scale, seed, broker, database_url)


@app.command("all")
def run_all(
    json: JsonFile = None,
    scale: ScaleOption = ScaleChoice.FULL,
    seed: SeedOption = 1,
    broker: BrokerOption = BrokerChoice.AUTO,
    database_url: DatabaseOption = None,
) -> None:
    """Run every trial; exit code 1 when one fails."""
    from benchmarks.trials.registry import TRIALS

    _run(TRIALS, json, scale, seed, broker, database_url)


def _run(
    trials: Sequence[Trial],
    json: Path | None,
    scale: ScaleChoice,
    seed: int,
    broker: BrokerChoice,
    database_url: str | None,
) -> None:
    from api.cli.terminal import progress_bars
    from benchmarks.trials.trial import TrialSettings, machine, run_one
    from kernel.log import set_up_logging

    set_up_logging("critical", "text")  # killed brokers are no news here
    about: dict[str, Any] = machine() | {"scale": scale.value, "seed": seed}
    reports: list[TrialReport] = []
    with ends_on_sigterm(), tempfile.TemporaryDirectory(prefix="cunda-chaos-") as folder:
        for number, trial in enumerate(trials, 1):
            say(f"[{number}/{len(trials)}] {trial.name}: {trial.title}")
            with progress_bars(False) as progress:
                settings = TrialSettings(Path(folder), scale.value, seed, broker.value, database_url, progress)
                report = run_one(trial, settings)
            reports.append(report)
            say(f"[{number}/{len(trials)}] {trial.name}: {report.outcome}, {report.seconds} s {report.error}".rstrip())
            if json is not None:  # after each trial: a long run that is broken off keeps what it found
                document = {"about": about, "trials": [_document(one) for one in reports]}
                json.write_text(json_text.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for line in _lines(reports):
        print(line)
    if any(report.outcome == "failed" for report in reports):
        raise typer.Exit(1)


def _document(report: TrialReport) -> dict[str, Any]:
    return plain(report) | {"outcome": report.outcome}  # type: ignore[no-any-return]


def _lines(reports: Sequence[TrialReport]) -> list[str]:
    rows: list[list[Any]] = []
    for report in reports:
        for figure in report.result.figures:
            verdict = ("held" if figure.held else "FAILED") if figure.required else ""
            rows.append([report.name, figure.name, f"{figure.measured} {figure.unit}", figure.required, verdict])
        if report.result.skipped or report.error:
            rows.append([report.name, report.result.skipped or report.error, "", "", report.outcome.upper()])
    counted = {name: sum(report.outcome == name for report in reports) for name in ("held", "failed", "skipped")}
    summary = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
    return [*table(["trial", "figure", "measured", "required", ""], rows), "", summary]
