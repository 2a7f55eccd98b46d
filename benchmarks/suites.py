"""Run our solver and its peers side by side on the benchmark sets, one pinned core each.

    python -m benchmarks.suites --suite X|GH|LILIM|MD|HF|VRPB|MT|PC --seconds 10 --peers pyvrp,vroom,ortools
        [--instances sample|short|all|NAME,NAME] [--seeds 1,2] [--json out.jsonl] [--peers-python PATH] [--core K]

For each instance all solvers run one after another on the same core, each alone, in an order that rotates from
instance to instance. All costs are computed by the checker from the routes that came back. Each run appends one
JSON line; the table is made of those lines only. `--resume` passes over what the file already holds, `--cold`
measures one first solve in a new process with an empty kernel cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import references
from benchmarks.peers.exchange import PEERS, run_peer
from benchmarks.sets import SUITES, Entry, SetsError, Suite, chosen, unpack
from benchmarks.table import OURS, Line, markdown
from routing.checker import CheckReport, check
from routing.errors import UnsupportedFeatureError
from routing.formats import BenchmarkProblem
from routing.problem import Problem
from routing.solution import Solution

DISTURBED = 1.03


@dataclass(frozen=True)
class SuiteOptions:
    """What to run.

    Attributes
    ----------
    peers_python
        Interpreter that has the peers installed.
    core
        The core everything is pinned to.
    """

    suite: str
    seconds: float
    peers: tuple[str, ...]
    instances: str
    seeds: tuple[int, ...]
    peers_python: str
    json: Path | None
    bench: Path | None
    core: int | None
    resume: bool = False
    clock: str = "wall"


@dataclass(frozen=True)
class Run:
    """One solver's answer before it is judged."""

    version: str
    solution: Solution | None
    trouble: str | None
    wall_s: float
    cpu_s: float
    iterations: int | None


def run_suite(options: SuiteOptions) -> list[Line]:
    """Run a suite and return its JSON lines, those of an earlier, resumed run included."""
    with pinned(options.core):
        return _run_pinned(options)


def _run_pinned(options: SuiteOptions) -> list[Line]:
    lines = _earlier(options)
    known = {(line["solver"], line["instance"], line["seed"]) for line in lines}
    suite = SUITES[options.suite]
    with tempfile.TemporaryDirectory(prefix="cunda-bench-") as folder:
        bench = options.bench or unpack(Path(folder))
        for at, entry in enumerate(chosen(suite, bench, options.instances)):
            solvers = [OURS, *options.peers]
            turn = at % len(solvers)
            todo = [
                (solver, seed)
                for seed in options.seeds
                for solver in solvers[turn:] + solvers[:turn]
                if (solver, entry.name, seed) not in known
            ]
            if todo:
                lines += _run_instance(suite, entry, todo, options)
    return lines


def _earlier(options: SuiteOptions) -> list[Line]:
    """Read what an interrupted run has left, if it is to be resumed."""
    if not (options.resume and options.json and options.json.is_file()):
        return []
    lines = [json.loads(text) for text in options.json.read_text(encoding="utf-8").splitlines()]
    known = references.read()
    kept = [line for line in lines if line["set"] == options.suite and _same_limit(line, options)]
    return [references.renewed(line, known) for line in kept]


def _same_limit(line: Line, options: SuiteOptions) -> bool:
    return bool(line["limit_s"] == options.seconds and line["clock"] == options.clock)


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keep this process and all it starts on one core, the last usable one when none is named."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(usable) if core is None else core})
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def _run_instance(suite: Suite, entry: Entry, todo: Sequence[tuple[str, int]], options: SuiteOptions) -> list[Line]:
    made, reference, found_by = entry.load(suite)
    lines = []
    for solver, seed in todo:
        if solver == OURS:
            run = run_ours(made.problem, options.seconds, seed, options.clock)
        else:
            run = _run_theirs(made, solver, seed, options)
        line = judge(made.problem, run, reference, options.clock)
        line |= {
            "solver": solver, "version": run.version, "set": suite.name, "instance": entry.name,
            "n": made.problem.task_count, "seed": seed, "limit_s": options.seconds, "machine": machine(),
            "python": platform.python_version(), "commit": commit(), "reference_by": found_by,
            "date": datetime.now(UTC).date().isoformat(),
        }  # fmt: skip
        lines.append(line)
        print(_progress(line), flush=True)
        if options.json is not None:
            with options.json.open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
    return lines


def run_ours(problem: Problem, seconds: float, seed: int, clock: str = "wall") -> Run:
    """Run our solver with its kernels already compiled."""
    from routing import solve
    from routing.stop import MaxCpuTime, MaxIterations, MaxRuntime

    mine = own_version()
    try:
        solve(problem, MaxIterations(1), seed=seed)
    except UnsupportedFeatureError as refused:
        return Run(mine, None, refused.message, 0.0, 0.0, None)
    wall, cpu = time.perf_counter(), time.process_time()
    result = solve(problem, MaxCpuTime(seconds) if clock == "cpu" else MaxRuntime(seconds), seed=seed)
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return Run(mine, result.solution, None, wall_s, cpu_s, result.iterations)


def _run_theirs(made: BenchmarkProblem, solver: str, seed: int, options: SuiteOptions) -> Run:
    peer = run_peer(
        made.problem, solver, options.seconds, seed, options.peers_python,
        load_factor=made.rounding.scale, clock=options.clock,
    )  # fmt: skip
    return Run(peer.version, peer.solution, peer.problem_with, peer.wall_s, peer.cpu_s, peer.iterations)


def judge(problem: Problem, run: Run, reference: int | None, clock: str = "wall") -> Line:
    """Price a run by the checker; a plan that breaks a rule or leaves out a required task is a failure."""
    report: CheckReport | None = None if run.solution is None else check(problem, run.solution)
    good = report is not None and report.feasible and report.complete
    cost = report.cost.total if report is not None and good else None
    trouble = run.trouble
    if report is not None and not good:
        broken = ", ".join(report.by_code()) or f"{len(report.missing)} tasks left out"
        trouble = f"not feasible: {broken}"
    return {
        "cost": cost,
        "feasible": good,
        "reference": reference,
        "gap_percent": None if cost is None or not reference else 100 * (cost / reference - 1),
        "routes": None if run.solution is None else len(run.solution.routes),
        "iterations": run.iterations,
        "t_solve_s": round(run.wall_s, 3),
        "cpu_s": round(run.cpu_s, 3),
        "clock": clock,
        "disturbed": clock == "wall" and run.wall_s > DISTURBED * run.cpu_s + 0.05,
        "trouble": trouble,
    }


def own_version() -> str:
    """Give our version, as installed."""
    try:
        return version("cunda")
    except PackageNotFoundError:
        return "source"


def machine() -> str:
    """Name the processor."""
    names = Path("/proc/cpuinfo")
    text = names.read_text(encoding="utf-8") if names.is_file() else ""
    for line in text.splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return f"{platform.machine()}, {os.cpu_count()} cores"


def commit() -> str:
    """Give the commit of the source, or 'unknown' outside a working copy."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def _progress(line: Line) -> str:
    gap = "–" if line["gap_percent"] is None else f"{line['gap_percent']:+.2f} %"
    rest = f" ({line['trouble']})" if line["trouble"] else ""
    flag = " disturbed" if line["disturbed"] else ""
    name = f"{line['instance']:>16} {line['solver']:>8} seed {line['seed']}"
    return f"{name} {line['t_solve_s']:7.1f} s {gap:>10}{rest}{flag}"


FIRST_SOLVE = """
import sys, time, json
began = time.perf_counter()
from routing.formats import read_problem
from routing import solve
from routing.stop import MaxRuntime
problem = read_problem(sys.argv[1])
read_s = time.perf_counter() - began
solve(problem, MaxRuntime(float(sys.argv[2])))
total_s, cpu_s = time.perf_counter() - began, time.process_time()
print(json.dumps({"read_s": read_s, "total_s": total_s, "cpu_s": cpu_s}))
"""


def measure_cold(entry: Entry, seconds: float, program: str = FIRST_SOLVE) -> dict[str, Any]:
    """Measure a first solve in a new process, once with an empty kernel cache and once with the filled one."""
    figures: dict[str, Any] = {"limit_s": seconds}
    with tempfile.TemporaryDirectory(prefix="cunda-cold-") as cache:
        for name in ("cold", "warm"):
            done = subprocess.run(
                [sys.executable, "-c", program, str(entry.path), str(seconds)],
                env=os.environ | {"NUMBA_CACHE_DIR": cache},
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            figures[name] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--suite", required=True, choices=sorted(SUITES), help="which set")
    made.add_argument("--seconds", type=float, default=10.0, help="wall seconds of each run")
    made.add_argument("--peers", default="", help=f"of {', '.join(PEERS)}, with commas between them")
    made.add_argument("--instances", default="sample", help="sample, short, all, or names with commas between them")
    made.add_argument("--seeds", default="1", help="seeds with commas between them")
    made.add_argument("--json", type=Path, help="append one JSON line for each run to this file")
    made.add_argument("--peers-python", default=sys.executable, help="interpreter that has the peers installed")
    made.add_argument("--bench", type=Path, help="folder of the unpacked sets, else the shared archive")
    made.add_argument("--core", type=int, help="core to pin everything to; the last usable one without it")
    made.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what the seconds count")
    made.add_argument("--resume", action="store_true", help="pass over runs the JSON file already holds")
    made.add_argument("--cold", action="store_true", help="only measure a first solve in a new process")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    given = parser().parse_args(arguments)
    peers = tuple(name for name in given.peers.split(",") if name)
    if unknown := [name for name in peers if name not in PEERS]:
        print(f"unknown peers: {', '.join(unknown)}; known are {', '.join(PEERS)}", file=sys.stderr)
        return 2
    seeds = tuple(int(seed) for seed in given.seeds.split(","))
    options = SuiteOptions(
        given.suite, given.seconds, peers, given.instances, seeds, given.peers_python, given.json, given.bench,
        given.core, given.resume, given.clock,
    )  # fmt: skip
    try:
        _run(options, cold=given.cold)
    except SetsError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    return 0


def _run(options: SuiteOptions, cold: bool) -> None:
    """Print the table of a suite, or what its first instance takes with an empty kernel cache."""
    suite = SUITES[options.suite]
    if cold:
        with tempfile.TemporaryDirectory(prefix="cunda-bench-") as folder:
            entry = chosen(suite, options.bench or unpack(Path(folder)), options.instances)[0]
            print(json.dumps({"instance": entry.name, **measure_cold(entry, options.seconds)}))
        return
    lines = run_suite(options)
    print()
    print(markdown(lines, f"{suite.name}, {options.seconds:g} s: {suite.note}"))


if __name__ == "__main__":
    sys.exit(main())
