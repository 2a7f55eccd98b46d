"""`cunda plan`: a day's routes."""

from __future__ import annotations

from datetime import date as date_type
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import plan_edits
from api.cli.terminal import JsonFlag, emit, plain, progress_bars, ready_services, write_file

if TYPE_CHECKING:
    from api.services import Services
    from dispatch.plans.summary import VersionSummary


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module: `cunda plan --region …` plans, its subcommands edit."""
    group = typer.Typer(help="Plan a day, or edit a plan.", invoke_without_command=True)
    group.callback(invoke_without_command=True)(plan)
    plan_edits.add_to(group)
    app.add_typer(group, name="plan")


def plan(
    context: typer.Context,
    region: Annotated[str | None, typer.Option("--region", "-r", help="Name of the region.")] = None,
    date: Annotated[
        datetime | None, typer.Option("--date", "-d", formats=["%Y-%m-%d"], help="Day, YYYY-MM-DD; today when absent.")
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Put the version in force.")] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="Time the solver gets; the setting when absent.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the solver.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            help="Write the day's problem (ids and numbers, nobody's name) to this folder instead of planning it: "
            "for benchmarks and reports.",
        ),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Write a map of the routes: SVG, or PNG by its name.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Plan a day: stops, road matrix, solver, independent check, an immutable version."""
    if context.invoked_subcommand is not None:
        return
    if region is None:
        raise typer.BadParameter("name the region to plan", param_hint="--region")
    from api.manifests import today_in
    from dispatch.plans.service import PlanSettings

    with ready_services() as services:
        found = services.regions.load(region)
        day = date.date() if date is not None else today_in(services.clock, found.zone)
        settings = PlanSettings(
            seconds=seconds or services.settings.solve_seconds,
            seed=services.settings.solve_seed if seed is None else seed,
            threads=services.settings.worker_threads,
        )
        if export is not None:
            return _export(services, region, day, export, json)
        with progress_bars(json) as progress:
            made = services.planner.make_plan(
                region, day, actor="user:cli", reason=reason, settings=settings, progress=progress
            )
        if publish:
            made = services.planner.publish(made.version_id, actor="user:cli", reason=reason)
        if svg is not None:
            from api.plan_picture import version_picture

            write_file(svg, version_picture(services, made.version_id, found).svg())
    emit(plain(made.as_dict()), json, _lines(made))


def _export(services: Services, region: str, day: date_type, folder: Path, json: bool) -> None:
    from dispatch.plans.problem import dump_day

    with progress_bars(json) as progress:
        prepared = services.planner.prepare(region, day, progress=progress)
    dump_day(prepared.problem, folder)
    stops = len(prepared.problem.stops)
    emit({"folder": str(folder), "stops": stops}, json, [f"{region} {day}: {stops} stops written to {folder}"])


def _lines(made: VersionSummary) -> list[str]:
    state = "in force" if made.published else "draft; put it in force with --publish or over the API"
    lines = [
        f"{made.region} {made.day}, version {made.number} ({state})",
        f"  {made.routes} routes, {made.stops} stops, {made.parcels_planned} parcels; "
        f"{made.parcels_unassigned} on no route",
        *(f"    {count} {code}" for code, count in made.reasons.items()),
        f"  {made.distance_m // 1000} km, {made.duration_s // 3600} h {made.duration_s % 3600 // 60} min",
        f"  cost {_yuan(made.cost_fen)} yuan",
    ]
    if "habit" in made.statistics:
        lines.append("  " + _steadiness(made.statistics["habit"]))
    if made.source != "road":
        lines.append("  times and distances are ESTIMATES: this region has no roads, or not everywhere")
    seconds: dict[str, Any] = made.statistics.get("seconds", {})
    if seconds:
        lines.append("  " + ", ".join(f"{name.removesuffix('_s')} {took:.1f} s" for name, took in seconds.items()))
    lines += [f"  note: {warning}" for warning in made.warnings[:10]]
    return [*lines, f"  version id {made.version_id}"]


def _steadiness(habit: dict[str, Any]) -> str:
    """Say how steady a plan is, and how much of it is beyond its bounds."""
    steady = habit["stability"]
    shares = {"with their courier": steady["habitual_share"], "in the usual order": steady["ordered_share"]}
    known = [f"{100 * share:.1f} % {what}" for what, share in shares.items() if share is not None]
    over = f"{habit['exceeded_count']} beyond bounds (cunda habit stability --plan)"
    return f"habit {habit['number']}: " + ", ".join([*known, over])


def _yuan(fen: int) -> str:
    from kernel.money import Fen, format_yuan

    return format_yuan(Fen(fen))
