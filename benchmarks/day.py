r"""Measures our core against PyVRP and OR-Tools on the very same day: same problem, time, core and judge.

    python -m benchmarks.day --problem day.npz --seconds 20 --seeds 1,2 --peers pyvrp,ortools \
        --peers-python ../peers/bin/python --json day.json

Each solver runs in a process of its own on one pinned core, one after another in rotating order. Whatever a
solver says of its plan, the cost printed is the one our checker computes from the routes alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from routing.checker import check
from routing.problem import UNITS_PER_FEN, Problem
from routing.problem_io import load_problem, save_problem
from routing.schedule import departure_s
from routing.solution import Route, Solution, Trip

PROJECT = Path(__file__).resolve().parent.parent
OURS = "cunda"
MODULES = {"cunda": "cunda_run", "pyvrp": "pyvrp_run", "ortools": "ortools_run"}


def plan_of(problem: Problem, routes: list[dict[str, Any]]) -> Solution:
    """Give a peer's routes vehicles of their types and the departures that waste least."""
    following = list(problem.first_vehicle_of_type)
    made = []
    for item in routes:
        kind = problem.vehicle_types[item["type"]]
        vehicle = following[item["type"]]
        following[item["type"]] += 1
        trips = (Trip(tuple(item["tasks"]), kind.start_depot),)
        made.append(Route(vehicle, trips, departure_s(problem, vehicle, trips)))
    placed = {task for route in made for task in route.tasks}
    return Solution(tuple(made), tuple(task for task in range(problem.task_count) if task not in placed))


def run_one(
    solver: str, python: str, path: Path, problem: Problem, options: argparse.Namespace, seed: int
) -> dict[str, Any]:
    """Run one solver once and judge what it gives."""
    out = path.with_name(f"{solver}-{seed}.json")
    command = [
        python,
        "-m",
        f"benchmarks.peers.{MODULES[solver]}",
        str(path),
        str(options.seconds),
        str(seed),
        str(out),
    ]
    if options.core >= 0:
        command = ["taskset", "-c", str(options.core), *command]
    one_thread = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | one_thread, capture_output=True, text=True, check=False
    )
    row: dict[str, Any] = {"solver": solver, "seed": seed, "limit_s": options.seconds}
    if done.returncode or not out.exists():
        return row | {"cost": None, "error": done.stderr.strip().splitlines()[-1:] or ["no answer"]}
    answer = json.loads(out.read_text())
    row |= {name: answer.get(name) for name in ("seconds", "cpu_s", "iterations", "said_cost", "compile_s")}
    if answer["routes"] is None:
        return row | {"cost": None, "error": ["no solution"]}
    plan = plan_of(problem, answer["routes"])
    report = check(problem, plan)
    return row | {
        "cost": report.cost.total if report.feasible and report.complete else None,
        "feasible": report.feasible,
        "missing": len(report.missing),
        "left_out": len(plan.unassigned),
        "routes": len(plan.routes),
        "distance_m": report.distance_m,
        "duration_s": report.duration_s,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Write the rows and the means for people."""
    lines = ["solver    seed  cost (yuan) routes left out  wall s   cpu s its"]
    for row in rows:
        cost = "none" if row["cost"] is None else f"{row['cost'] / UNITS_PER_FEN / 100:.2f}"
        figures = [row.get(name) for name in ("routes", "left_out", "seconds", "cpu_s", "iterations")]
        routes, left, wall, cpu, its = ("-" if value is None else value for value in figures)
        wall, cpu = (f"{value:.1f}" if isinstance(value, float) else value for value in (wall, cpu))
        lines.append(
            f"{row['solver']:9s} {row['seed']:>4d} {cost:>12s} {routes!s:>6s} {left!s:>8s} {wall:>7s} {cpu:>7s} {its}"
        )
    ours = mean_cost(rows, OURS)
    for solver in dict.fromkeys(row["solver"] for row in rows):
        mean = mean_cost(rows, solver)
        if mean is not None and ours is not None:
            lines.append(
                f"mean {solver}: {mean / UNITS_PER_FEN / 100:.2f} ({100 * (mean / ours - 1):+.2f} % against ours)"
            )
    return "\n".join(lines)


def mean_cost(rows: list[dict[str, Any]], solver: str) -> float | None:
    """Return a solver's mean cost, None unless every run of it gave a plan that holds."""
    costs = [row["cost"] for row in rows if row["solver"] == solver]
    return float(np.mean(costs)) if costs and all(cost is not None for cost in costs) else None


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison; exit 0 if our mean cost is the lowest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", type=Path, required=True, help=".npz of routing.problem_io, or a dumped folder")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--peers", default="pyvrp,ortools")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the peers installed")
    parser.add_argument("--core", type=int, default=0, help="core to pin every run to; -1 leaves that to the system")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    problem = read(options.problem)
    solvers = [OURS, *(name for name in options.peers.split(",") if name)]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        save_problem(problem, path)
        for turn, seed in enumerate(int(seed) for seed in options.seeds.split(",")):
            for solver in solvers[turn % len(solvers) :] + solvers[: turn % len(solvers)]:
                python = sys.executable if solver == OURS else options.peers_python
                rows.append(run_one(solver, python, path, problem, options, seed))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if options.json:
        summary = {
            "problem": str(options.problem), "tasks": problem.task_count, "vehicles": problem.vehicle_count,
            "machine": f"{platform.machine()} {platform.processor()}", "python": platform.python_version(),
            "runs": rows,
        }  # fmt: skip
        options.json.write_text(json.dumps(summary, indent=1))
    ours = mean_cost(rows, OURS)
    others = [mean_cost(rows, solver) for solver in solvers[1:]]
    return 0 if ours is not None and all(other is None or ours < other for other in others) else 1


def read(path: Path) -> Problem:
    """Read a problem saved by routing, or a day dumped by planning."""
    if path.is_dir():
        from dispatch.plans.problem import read_problem

        return read_problem(path)
    return load_problem(path)


if __name__ == "__main__":
    sys.exit(main())
