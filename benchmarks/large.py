"""Plan very large made problems and compare with savings and 2-opt.

    python -m benchmarks.large --customers 10000,30000 --seconds 60 [--seeds 1,2,3] [--threads N] [--clock cpu]
        [--json out.jsonl] [--plot curves.svg]

The problems are made by the rules of the X set (``x_generator.py``), one of each size for each seed. The comparison is
Clarke and Wright's savings over each customer's 100 nearest, then 2-opt in each route; a lower bound tells by how much
any plan can be cheaper at most. Each runs in a process of its own, whose greatest memory is reported.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.x_generator import Points, make

NEAR = 100


def legs(points: Points, a: Any, b: Any) -> Any:
    """Give rounded straight legs."""
    return np.floor(np.hypot(*(points[a] - points[b]).T) + 0.5).astype(np.int64)


def savings(points: Points, amounts: NDArray[np.int64], capacity: int) -> list[list[int]]:
    """Make routes by Clarke and Wright (1964), parallel version, over each customer's nearest."""
    from scipy.spatial import cKDTree

    count = len(points) - 1
    _, near = cKDTree(points[1:]).query(points[1:], k=min(NEAR + 1, count))
    one = np.repeat(np.arange(1, count + 1), near.shape[1] - 1)
    other = near[:, 1:].ravel() + 1
    one, other = one[one < other], other[one < other]
    saved = legs(points, 0, one) + legs(points, 0, other) - legs(points, one, other)
    order = np.argsort(-saved, kind="stable")
    routes = {customer: [customer] for customer in range(1, count + 1)}
    load = {customer: int(amounts[customer - 1]) for customer in routes}
    of = list(range(count + 1))
    for i, j in zip(one[order].tolist(), other[order].tolist(), strict=True):
        a, b = of[i], of[j]
        if a == b or load[a] + load[b] > capacity:
            continue
        first, second = routes[a], routes[b]
        if i not in (first[0], first[-1]) or j not in (second[0], second[-1]):
            continue
        if first[-1] != i:
            first.reverse()
        if second[0] != j:
            second.reverse()
        first += second
        load[a] += load.pop(b)
        for customer in routes.pop(b):
            of[customer] = a
    return list(routes.values())


def two_opt(points: Points, route: list[int]) -> list[int]:
    """Reverse pieces of one route while that shortens it."""
    tour = np.array([0, *route, 0])
    better = True
    while better:
        better = False
        for i in range(len(tour) - 3):
            ends = np.arange(i + 2, len(tour) - 1)
            gain = (
                legs(points, tour[i], tour[i + 1])
                + legs(points, tour[ends], tour[ends + 1])
                - legs(points, tour[i], tour[ends])
                - legs(points, tour[i + 1], tour[ends + 1])
            )
            if gain.size and gain.max() > 0:
                j = int(ends[gain.argmax()])
                tour[i + 1 : j + 1] = tour[i + 1 : j + 1][::-1]
                better = True
    return [int(customer) for customer in tour[1:-1]]


def length(points: Points, routes: Sequence[Sequence[int]]) -> int:
    """Add up the legs of all routes."""
    return sum(int(legs(points, np.array([0, *route]), np.array([*route, 0])).sum()) for route in routes)


def least_length(points: Points, amounts: NDArray[np.int64], capacity: int) -> int:
    """Return a length that no plan undercuts: each route goes to its farthest customer and back.

    Source: Haimovich and Rinnooy Kan (1985), less half a unit for each rounded leg, at most two a customer.
    """
    away = np.hypot(*(points[1:] - points[0]).T)
    return math.floor(2 * float(away @ amounts) / capacity) - len(amounts)


def run_one(customers: int, seconds: float, seed: int, threads: int, clock: str) -> dict[str, Any]:
    """Plan one made problem both ways and return the figures."""
    from routing import ProblemBuilder, solve
    from routing.checker import check
    from routing.stop import MaxCpuTime, MaxIterations, MaxRuntime

    made = make(customers, seed)
    points, amounts, capacity = made.points, made.amounts, made.capacity
    builder = ProblemBuilder(("load",)).plane_profile("plane", points).depot("depot", 0)
    builder.vehicle_type("van", count=customers, capacity=capacity, cost_per_m=1)
    for customer in range(1, customers + 1):
        builder.task(str(customer), customer, delivery=int(amounts[customer - 1]))
    problem = builder.build()
    small = ProblemBuilder(("load",)).plane_profile("plane", points[:4]).depot("depot", 0)
    small.vehicle_type("van", count=3, capacity=capacity, cost_per_m=1)
    for customer in range(1, 4):
        small.task(str(customer), customer, delivery=1)
    solve(small.build(), MaxIterations(1))
    stop = MaxCpuTime(seconds) if clock == "cpu" else MaxRuntime(seconds)
    began, cpu = time.perf_counter(), time.process_time()
    result = solve(problem, stop, seed=seed, threads=threads)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report = check(problem, result.solution)
    began = time.process_time()
    rough = [two_opt(points, route) for route in savings(points, amounts, capacity)]
    rough_s, rough_cost = time.process_time() - began, length(points, rough)
    least = least_length(points, amounts, capacity)
    cost = report.cost.total
    return {
        "customers": customers, "kind": made.kind, "seed": seed, "threads": threads, "limit_s": seconds, "clock": clock,
        "feasible": report.feasible and report.complete, "cost": cost, "routes": len(result.solution.routes),
        "iterations": result.iterations, "wall_s": round(took_s, 2), "cpu_s": round(cpu_s, 2),
        "peak_mib": round(peak_mib), "savings_cost": rough_cost, "savings_routes": len(rough),
        "savings_cpu_s": round(rough_s, 2), "cheaper_percent": round(100 * (1 - cost / rough_cost), 2),
        "least_cost": least, "no_plan_cheaper_by_percent": round(100 * (1 - least / rough_cost), 2),
        "history": result.history,
    }  # fmt: skip


def plot(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw cost against iterations as SVG, in percent of savings and 2-opt, a colour for each size.

    Iterations, as the seconds of a busy machine say little.
    """
    sizes = sorted({line["customers"] for line in lines})
    curves = [
        (
            line["customers"],
            [(step[1], 100 * step[3] / line["savings_cost"]) for step in line["history"] if not step[2]],
        )
        for line in lines
    ]
    points = [point for _, curve in curves for point in curve]
    last = max(at for at, _ in points)
    low, high = min(100.0, *(cost for _, cost in points)), max(100.0, *(cost for _, cost in points))
    span = max(high - low, 0.1)

    def at(iterations: float, percent: float) -> str:
        return f"{60 + 520 * iterations / last:.1f},{20 + 280 * (high - percent) / span:.1f}"

    drawn = [f'<polyline points="{at(0, 100)} {at(last, 100)}" stroke="grey" stroke-dasharray="4"/>']
    until = f"{last / 1e6:.1f} million iterations"
    texts = [f'<text x="60" y="335">0</text><text x="580" y="335" text-anchor="end">{until}</text>']
    for level in sorted({low, 100.0, high}):
        texts.append(f'<text x="5" y="{25 + 280 * (high - level) / span:.1f}">{level:.1f} %</text>')
    colours = {size: f"hsl({number * 137 % 360} 70% 40%)" for number, size in enumerate(sizes)}
    for size, curve in curves:
        drawn.append(f'<polyline points="{" ".join(at(*point) for point in curve)}" stroke="{colours[size]}"/>')
    for number, size in enumerate(sizes):
        texts.append(f'<text x="{100 + 150 * number}" y="335" fill="{colours[size]}">{size:,} customers</text>')
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="350" font-family="sans-serif" font-size="13">'
    path.write_text(
        f'{head}<g fill="none" stroke-width="1.5">{"".join(drawn)}</g>{"".join(texts)}</svg>\n', encoding="utf-8"
    )


def _in_new_process(customers: int, seed: int, given: argparse.Namespace) -> Any:
    """Run one problem in a process of its own, so that the memory it tells is its own."""
    command = [sys.executable, "-m", "benchmarks.large", "--here", "--customers", str(customers)]
    command += ["--seconds", str(given.seconds), "--seeds", str(seed)]
    command += ["--threads", str(given.threads), "--clock", given.clock]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--customers", default="10000,30000", help="sizes with commas between them")
    made.add_argument("--seconds", type=float, default=60.0, help="limit of each run")
    made.add_argument("--seeds", default="1", help="of the problems and of the search, with commas between them")
    made.add_argument("--threads", type=int, default=1, help="parts searched at once")
    made.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what the seconds count")
    made.add_argument("--json", type=Path, help="append one JSON line for each run to this file")
    made.add_argument("--plot", type=Path, help="draw the cost curves into this file")
    made.add_argument("--here", action="store_true", help="run in this process (one size, one seed)")
    given = made.parse_args(arguments)
    lines = []
    seeds = [int(seed) for seed in given.seeds.split(",")]
    for customers, seed in product((int(size) for size in given.customers.split(",")), seeds):
        if given.here:
            lines.append(run_one(customers, given.seconds, seed, given.threads, given.clock))
        else:
            lines.append(_in_new_process(customers, seed, given))
        print(json.dumps(lines[-1]), flush=True)
        if given.json is not None and not given.here:
            with given.json.open("a", encoding="utf-8") as out:
                out.write(json.dumps(lines[-1]) + "\n")
    if given.plot is not None:
        plot(lines, given.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
