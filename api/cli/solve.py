"""`cunda solve` and `cunda bench`: the solver on problem files, and against its peers."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.terminal import JsonFlag, emit, progress_bars, say

if TYPE_CHECKING:
    from kernel.progress import Progress
    from routing.problem import Problem
    from routing.solution import Result


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("solve")(solve_file)
    app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)


def solve_file(
    file: Annotated[Path, typer.Argument(help="VRPLIB, Solomon, Li & Lim, or VROOM JSON with matrices.")],
    seconds: Annotated[float, typer.Option("--seconds", min=0.01, help="Time the solver gets.")] = 10.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the solver.")] = 1,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of the solver.")] = 1,
    rounding: Annotated[
        str | None,
        typer.Option("--rounding", help="How a benchmark's distances become integers; its usual way if absent."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="File for the plan: .sol, or VROOM's answer for VROOM JSON.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Solve a problem file and judge the plan by the independent checker."""
    from routing.formats.files import detect_format, read_text

    is_vroom = detect_format(read_text(file), file.name) == "vroom"
    limits = {"seconds": seconds, "seed": seed, "threads": threads}
    with progress_bars(json) as progress:
        found, plan = _vroom(file, limits, progress) if is_vroom else _benchmark(file, rounding, limits, progress)
    if output is not None:
        output.write_text(plan, encoding="utf-8")
        say(f"wrote {output}")
    state = "feasible" if found["feasible"] else f"NOT feasible: {found['violations']}"
    lines = [
        f"{file.name}: cost {found['cost']}, {found['routes']} routes, {found['unassigned']} left out, {state}",
        f"  {found['iterations']} iterations in {found['runtime_s']} s, seed {seed}",
    ]
    emit(found | {"plan": plan}, json, lines)


def _vroom(file: Path, limits: dict[str, Any], progress: Progress) -> tuple[dict[str, Any], str]:
    from routing.formats import ProblemFileError, read_vroom, write_vroom
    from routing.formats.files import read_text

    try:
        document = json_text.loads(read_text(file))
    except (ValueError, RecursionError) as problem:
        raise ProblemFileError(f"{file.name}: is not JSON ({problem})") from problem
    read = read_vroom(document)
    result, found = _solved(read.problem, limits, progress)
    return found, json_text.dumps(write_vroom(read, result.solution), ensure_ascii=False)


def _benchmark(
    file: Path, rounding: str | None, limits: dict[str, Any], progress: Progress
) -> tuple[dict[str, Any], str]:
    from routing.formats import read_benchmark, write_plan

    read = read_benchmark(file, "auto", rounding)
    result, found = _solved(read.problem, limits, progress)
    return found, write_plan(read.plan_routes(result.solution), found["cost"])


def _solved(problem: Problem, limits: dict[str, Any], progress: Progress) -> tuple[Result, dict[str, Any]]:
    from api.solving import prepare_solver
    from routing import solve
    from routing.checker import check
    from routing.stop import MaxRuntime

    progress("compile", 0, 1)
    prepare_solver()
    result = solve(problem, MaxRuntime(limits["seconds"]), limits["seed"], threads=limits["threads"], progress=progress)
    report = check(problem, result.solution)
    return result, {
        "cost": report.cost.total,
        "feasible": report.feasible and report.complete,
        "violations": sorted(code.value for code in report.by_code()),
        "routes": len(result.solution.routes),
        "unassigned": len(result.solution.unassigned),
        "iterations": result.iterations,
        "runtime_s": round(result.runtime_s, 3),
        **limits,
    }


def bench(context: typer.Context) -> None:
    """Run the solver and its peers side by side; arguments as `python -m benchmarks.suites --help` lists them."""
    from benchmarks.suites import main as run_suites

    code = run_suites(context.args or ["--help"])
    if code:
        raise typer.Exit(code)
