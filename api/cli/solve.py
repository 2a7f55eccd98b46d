"""`cunda solve` and `cunda bench`: the solver on problem files, and against its peers."""

from __future__ import annotations

import json as json_text
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from api.cli.terminal import JsonFlag, emit, progress_bars, say

if TYPE_CHECKING:
    from kernel.progress import Progress
    from routing.formats import FormatName
    from routing.problem import Problem
    from routing.solution import Result, Solution


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
    format: Annotated[
        str, typer.Option("--format", help="auto looks at the text; else vrplib, solomon, lilim or vroom.")
    ] = "auto",
    output: Annotated[
        Path | None, typer.Option("--output", help="File for the plan: .sol, or VROOM's answer for VROOM JSON.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="File for a picture of the plan, .png.")] = None,
    json: JsonFlag = False,
) -> None:
    """Solve a problem file and judge the plan by the independent checker.

    With a best-known plan beside it (the same name, ending in .sol), the gap to it is told as well.
    """
    from routing.formats.files import detect_format, read_text

    name = detect_format(read_text(file), file.name) if format == "auto" else format
    limits = {"seconds": seconds, "seed": seed, "threads": threads}
    with progress_bars(json) as progress:
        if name == "vroom":
            solved = _vroom(file, limits, progress)
        else:
            solved = _benchmark(file, name, rounding, limits, progress)
    found = solved.found
    if output is not None:
        output.write_text(solved.text, encoding="utf-8")
        say(f"wrote {output}")
    if plot is not None:
        from api.plan_plot import draw_plan

        draw_plan(solved.problem, solved.solution, plot, f"{file.name}: cost {found['cost']}")
        say(f"wrote {plot}")
    state = "feasible" if found["feasible"] else f"NOT feasible: {found['violations']}"
    lines = [
        f"{file.name}: cost {found['cost']}, {found['routes']} routes, {found['unassigned']} left out, {state}",
        f"  {found['iterations']} iterations in {found['runtime_s']} s, seed {seed}",
    ]
    if "gap_percent" in found:
        lines.append(f"  {found['gap_percent']:+.2f} % to the plan beside it, {found['best_known']}")
    emit(found | {"plan": solved.text}, json, lines)


@dataclass(frozen=True)
class Solved:
    """A plan of a file: what is told of it, and its text in the file's own kind of plan."""

    problem: Problem
    solution: Solution
    found: dict[str, Any]
    text: str


def _vroom(file: Path, limits: dict[str, Any], progress: Progress) -> Solved:
    from routing.formats import ProblemFileError, read_vroom, write_vroom
    from routing.formats.files import read_text

    try:
        document = json_text.loads(read_text(file))
    except (ValueError, RecursionError) as problem:
        raise ProblemFileError(f"{file.name}: is not JSON ({problem})") from problem
    read = read_vroom(document)
    result, found = _solved(read.problem, limits, progress)
    text = json_text.dumps(write_vroom(read, result.solution), ensure_ascii=False)
    return Solved(read.problem, result.solution, found, text)


def _benchmark(file: Path, name: str, rounding: str | None, limits: dict[str, Any], progress: Progress) -> Solved:
    from routing.checker import check
    from routing.formats import read_benchmark, read_plan_file, write_plan

    read = read_benchmark(file, cast("FormatName", name), rounding)
    result, found = _solved(read.problem, limits, progress)
    beside = file.with_suffix(".sol")
    if beside.is_file():
        known = check(read.problem, read.solution(read_plan_file(beside))).cost.total
        found |= {"best_known": known, "gap_percent": round(100 * (found["cost"] / known - 1), 4)}
    return Solved(read.problem, result.solution, found, write_plan(read.plan_routes(result.solution), found["cost"]))


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
