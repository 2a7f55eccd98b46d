"""Measures what a dispatcher waits for when a problem is small: a plan, an insertion, the first solve, compiling.

    python -m benchmarks.quick [--seeds 1,2,3] [--long 60] [--clock cpu] [--cold] [--json quick.json]

A made day has doors at random in a square of 20 km, windows of two to four hours for two stops in three, and vans paid
by kilometre and hour. *plan*: 50 stops in half a second against the best of a long search. *insert*: one stop more in
a published plan of ten routes. *first*: a new process imports the package and solves ten stops, with kernels cached.
*cold*: the same with an empty cache, once per machine. With ``--clock cpu`` limits count processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from routing import ALWAYS, Problem, ProblemBuilder, solve, warm_up
from routing.checker import check
from routing.insertion import insert_tasks
from routing.solution import Route, Solution
from routing.stop import MaxCpuTime, MaxIterations, MaxRuntime, StopRule

SIDE_M = 20_000
SECONDS_PER_M = 0.12  # 30 km/h
FIRST = "import routing, benchmarks.quick as quick; from routing.stop import MaxIterations; " + (
    "routing.solve(quick.day(10, 1), MaxIterations(100))"
)
COLD = "import routing; routing.warm_up()"


def day(stops: int, seed: int, vans: int = 12) -> Problem:
    """Make a day of some stops with windows, served by vans paid by kilometre and hour."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, SIDE_M, (stops + 1, 2))
    far_m = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)) * 1.3
    builder = ProblemBuilder(("count",)).profile("van", far_m, far_m * SECONDS_PER_M).depot("centre", 0)
    builder.vehicle_type(
        "van", count=vans, capacity=max(15, 23 * stops // (20 * vans)), fixed_cost=60_000, cost_per_m=8, cost_per_s=80,
        shift_start_s=7 * 3600, shift_end_s=19 * 3600, max_duration_s=9 * 3600,
    )  # fmt: skip
    for place in range(1, stops + 1):
        opens_s = int(draw.integers(8, 15)) * 3600
        windows = ((opens_s, opens_s + int(draw.integers(2, 5)) * 3600),) if place % 3 else ALWAYS
        builder.task(f"stop {place}", place, delivery=1, service_s=int(draw.integers(60, 300)), windows=windows)
    return builder.build()


def measure_plans(seeds: Sequence[int], short_s: float, long_s: float, rule: Callable[[float], StopRule]) -> list[Any]:
    """Plan days of 50 stops twice, in a short and in a long time; the gap is that of the short plan to the better."""
    lines = []
    for seed in seeds:
        problem = day(50, seed)
        began_s, cpu_s = time.perf_counter(), time.process_time()
        quick = solve(problem, rule(short_s), seed=1)
        took_s, used_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        slow = solve(problem, rule(long_s), seed=2)
        clean = all(check(problem, result.solution).feasible and not result.missing for result in (quick, slow))
        lines.append({
            "seed": seed, "clean": clean, "cost": quick.cost, "long_cost": slow.cost, "wall_s": round(took_s, 3),
            "cpu_s": round(used_s, 3), "gap_percent": round(100 * (quick.cost / min(quick.cost, slow.cost) - 1), 3),
        })  # fmt: skip
    return lines


def measure_insertions(rounds: int) -> dict[str, Any]:
    """Insert one stop into a plan of ten routes again and again, each time another stop."""
    problem = day(400, 7, vans=10)
    full = solve(problem, MaxIterations(3000), seed=1).solution
    wall_ms, cpu_ms = [], []
    for task in range(rounds):
        routes = tuple(_without(full, task))
        before = Solution(routes, (*full.unassigned, task))
        began_s, cpu_s = time.perf_counter(), time.process_time()
        done = insert_tasks(problem, before, [task])
        cpu_ms.append(1000 * (time.process_time() - cpu_s))
        wall_ms.append(1000 * (time.perf_counter() - began_s))
        if not done.places and not done.refused:
            raise SystemExit("an insertion vanished")
    return {
        "routes": len(full.routes), "stops": problem.task_count, "rounds": rounds,
        "wall_ms": _spread(wall_ms), "cpu_ms": _spread(cpu_ms),
    }  # fmt: skip


def _without(plan: Solution, task: int) -> Iterator[Route]:
    for route in plan.routes:
        trips = tuple(replace(trip, tasks=tuple(t for t in trip.tasks if t != task)) for trip in route.trips)
        yield replace(route, trips=trips)


def _spread(values: list[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(values, share)), 2) for name, share in (("p50", 50), ("p99", 99))}


def in_new_process(program: str, cache: str | None = None) -> dict[str, float]:
    """Run a line of Python in a process of its own and return its wall and processor seconds."""
    before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | ({} if cache is None else {"NUMBA_CACHE_DIR": cache})
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {"wall_s": round(time.perf_counter() - began_s, 2), "cpu_s": round(cpu_s, 2)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seeds", default="1,2,3", help="of the made days")
    made.add_argument("--short", type=float, default=0.48, help="limit of the quick plan, just under half a second")
    made.add_argument("--long", type=float, default=60.0, help="seconds of the plan it is measured against")
    made.add_argument("--rounds", type=int, default=200, help="insertions")
    made.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what the seconds count")
    made.add_argument("--cold", action="store_true", help="compile everything into an empty cache as well")
    made.add_argument("--json", type=Path, help="write the figures to this file")
    given = made.parse_args(arguments)
    warm_up()
    rule: Callable[[float], StopRule] = MaxCpuTime if given.clock == "cpu" else MaxRuntime
    found: dict[str, Any] = {"clock": given.clock, "python": platform.python_version(), "short_s": given.short}
    found["insert"] = measure_insertions(given.rounds)
    print("insert", found["insert"], flush=True)
    found["first"] = [in_new_process(FIRST) for _ in range(3)]
    print("first", found["first"], flush=True)
    found["plan"] = measure_plans([int(seed) for seed in given.seeds.split(",")], given.short, given.long, rule)
    print("plan", *found["plan"], sep="\n", flush=True)
    if given.cold:
        with tempfile.TemporaryDirectory(prefix="cunda-cold-") as cache:
            found["cold"] = in_new_process(COLD, cache)
        print("cold", found["cold"], flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
