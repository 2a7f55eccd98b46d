"""Gives a saved problem to our own core and writes its routes as JSON, the way peers are run.

Run as ``python -m benchmarks.peers.cunda_run PROBLEM.npz SECONDS SEED OUT.json``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from routing import solve
from routing.problem_io import load_problem
from routing.stop import MaxIterations, MaxRuntime


def main() -> None:
    """Solve and write the outcome; compile time is taken before and reported apart."""
    path, seconds, seed, out = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    problem = load_problem(path)
    began = time.perf_counter()
    solve(problem, MaxIterations(1))
    warm = time.perf_counter() - began
    began, cpu = time.perf_counter(), time.process_time()
    result = solve(problem, MaxRuntime(seconds), seed)
    took, used = time.perf_counter() - began, time.process_time() - cpu
    routes = [
        {"type": problem.type_of_vehicle[route.vehicle], "tasks": list(route.tasks)} for route in result.solution.routes
    ]
    out.write_text(
        json.dumps(
            {
                "routes": routes, "seconds": took, "cpu_s": used, "iterations": result.iterations,
                "said_cost": result.cost, "compile_s": warm,
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
