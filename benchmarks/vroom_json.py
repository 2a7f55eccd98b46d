"""Compares our plans of VROOM JSON files with VROOM's own, on a made problem of 200 jobs and on files named.

    python -m benchmarks.vroom_json --peers-python PATH [FILE ...] [--json out.jsonl]

VROOM runs with exploration 5 and one thread on the very same text, until it ends by itself; ours gets the processor
time that VROOM took (at least ``--least`` seconds), so that a busy machine favours nobody. Documents with coordinates
only are given straight legs at 60 km/h. The costs are VROOM's, ours as our answer in its format states it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from routing import solve
from routing.checker import check
from routing.formats import read_vroom, write_vroom
from routing.stop import MaxCpuTime, MaxIterations

METRES_PER_DEGREE = 111_320.0
METRES_PER_S = 60 / 3.6
DAY_S = (8 * 3600, 18 * 3600)
THEIRS = """
import json, sys, time, vroom
model = vroom.Input.from_json(sys.argv[1])
began, cpu = time.perf_counter(), time.process_time()
plan = model.solve(exploration_level=5, nb_threads=1)
wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
found = plan.to_dict()["summary"]
print(json.dumps({"cost": found["cost"], "unassigned": found["unassigned"], "wall_s": wall_s, "cpu_s": cpu_s}))
"""


def made_document(jobs: int, seed: int) -> dict[str, Any]:
    """Make a county's day in VROOM's words: windows, skills, priorities, two loads, vans that differ in hours."""
    draw = np.random.default_rng(seed)

    def somewhere() -> list[float]:
        return [round(112.9 + float(draw.normal(0, 0.12)), 6), round(30.4 + float(draw.normal(0, 0.1)), 6)]

    centre = [112.9, 30.4]
    vehicles = [
        {
            "id": number, "start": centre, "end": centre, "capacity": [22, 400],
            "skills": [1, 2] if number % 3 else [1], "time_window": [DAY_S[0] + 1800 * (number % 2), DAY_S[1]],
        }
        for number in range(1, 15)
    ]  # fmt: skip
    documents = []
    for number in range(1, jobs + 1):
        opens_s = int(draw.integers(8, 15)) * 3600
        load = [1, int(draw.integers(1, 40))]
        job: dict[str, Any] = {"id": number, "location": somewhere(), "service": int(draw.integers(60, 300))}
        job["pickup" if number % 5 == 0 else "delivery"] = load
        if number % 3:
            job["time_windows"] = [[opens_s, opens_s + int(draw.integers(2, 5)) * 3600]]
        if number % 11 == 0:
            job["skills"] = [2]
        documents.append(job)
    return {"vehicles": vehicles, "jobs": documents}


def with_matrix(document: dict[str, Any]) -> dict[str, Any]:
    """Replace coordinates by indices of a matrix of straight legs; documents that bring a matrix stay as they are."""
    if "matrix" in document or "matrices" in document:
        return document
    made: dict[str, Any] = json.loads(json.dumps(document))
    number_of: dict[tuple[float, float], int] = {}

    def index(step: dict[str, Any], name: str) -> None:
        if name in step:
            place = tuple(step.pop(name))
            step[f"{name}_index"] = number_of.setdefault(place, len(number_of))

    for vehicle in made["vehicles"]:
        index(vehicle, "start")
        index(vehicle, "end")
    for step in [*made.get("jobs", ()), *(s[end] for s in made.get("shipments", ()) for end in ("pickup", "delivery"))]:
        index(step, "location")
    at = np.array(list(number_of)) * METRES_PER_DEGREE
    at[:, 0] *= np.cos(np.radians(at[:, 1].mean() / METRES_PER_DEGREE))
    far_m = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    return made | {"matrices": {"car": {"durations": np.rint(far_m / METRES_PER_S).astype(int).tolist()}}}


def compare(name: str, document: dict[str, Any], python: str, least_s: float, seed: int) -> dict[str, Any]:
    """Run both on one document."""
    document = with_matrix(document)
    with tempfile.TemporaryDirectory(prefix="cunda-vroom-") as folder:
        file = Path(folder) / "problem.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run([python, "-c", THEIRS, str(file)], capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout.strip().splitlines()[-1])
    read = read_vroom(document)
    solve(read.problem, MaxIterations(1))
    limit_s = max(least_s, theirs["cpu_s"])
    began_s, cpu_s = time.perf_counter(), time.process_time()
    result = solve(read.problem, MaxCpuTime(limit_s), seed=seed)
    took = {"wall_s": round(time.perf_counter() - began_s, 3), "cpu_s": round(time.process_time() - cpu_s, 3)}
    ours = write_vroom(read, result.solution)["summary"]
    return {
        "name": name, "jobs": read.problem.task_count, "feasible": check(read.problem, result.solution).feasible,
        "cost": ours["cost"], "unassigned": ours["unassigned"], **took, "limit_s": round(limit_s, 3),
        "vroom_cost": theirs["cost"], "vroom_unassigned": theirs["unassigned"],
        "vroom_wall_s": round(theirs["wall_s"], 3), "vroom_cpu_s": round(theirs["cpu_s"], 3),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("files", nargs="*", type=Path, help="VROOM JSON documents")
    made.add_argument("--peers-python", required=True, help="interpreter with pyvroom")
    made.add_argument("--jobs", default="200", help="sizes of made problems, with commas between them")
    made.add_argument("--seed", type=int, default=1, help="of the made problems and of our search")
    made.add_argument("--least", type=float, default=0.2, help="least seconds of ours")
    made.add_argument("--json", type=Path, help="append one JSON line for each document to this file")
    given = made.parse_args(arguments)
    documents = [(file.name, json.loads(file.read_text(encoding="utf-8"))) for file in given.files]
    documents += [(f"made {size}", made_document(int(size), given.seed)) for size in given.jobs.split(",") if size]
    for name, document in documents:
        line = compare(name, document, given.peers_python, given.least, given.seed)
        print(json.dumps(line), flush=True)
        if given.json is not None:
            with given.json.open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
