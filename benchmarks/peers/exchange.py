"""Hand a problem to a peer's interpreter and take its routes back as a plan of ours."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from routing.departure import depart_late
from routing.problem import Alternatives, Depot, Problem, Shipment, Task, VehicleType
from routing.solution import Route, Solution, Trip

PROGRAM = Path(__file__).with_name("program.py")
PEERS = ("pyvrp", "vroom", "ortools")
# Beyond its limit a peer gets this long to build its model and print its routes.
PATIENCE_S = 600.0


@dataclass(frozen=True)
class PeerRun:
    """What a peer gave back.

    Attributes
    ----------
    solution
        None when it found nothing or cannot state the problem; `problem_with` says which.
    wall_s, cpu_s
        Of its solve call only.
    """

    solver: str
    version: str
    solution: Solution | None
    problem_with: str | None
    wall_s: float
    cpu_s: float
    iterations: int | None = None
    unsupported: bool = field(default=False)


def run_peer(
    problem: Problem,
    solver: str,
    seconds: float,
    seed: int,
    python: str | Path,
    *,
    load_factor: int = 1,
    clock: str = "wall",
) -> PeerRun:
    """Run one peer on a problem in its own interpreter, on the cores this process may use.

    Parameters
    ----------
    python
        The interpreter that has the peer installed.
    load_factor
        PyVRP is given all loads times this. Its own reader scales loads like distances, and its penalties,
        which are bounded, cannot otherwise outweigh distances held in thousandths.
    clock
        ``wall``, or ``cpu`` to count processor seconds where the peer can.
    """
    with tempfile.TemporaryDirectory(prefix="cunda-peer-") as name:
        folder = Path(name)
        write_problem(problem, folder, load_factor)
        command = [str(python), str(PROGRAM), name, "--solver", solver, "--seconds", str(seconds)]
        command += ["--seed", str(seed), "--clock", clock]
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=os.environ | one_thread, check=False,
                timeout=3 * seconds + PATIENCE_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return PeerRun(solver, "", None, "did not stop", seconds, seconds)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        return PeerRun(solver, "", None, f"failed: {last[0]}", 0.0, 0.0)
    return read_answer(problem, solver, json.loads(done.stdout.strip().splitlines()[-1]))


def read_answer(problem: Problem, solver: str, answer: dict[str, Any]) -> PeerRun:
    """Make a plan of a peer's routes; each departs as late as it can without ending later."""
    version = answer["version"]
    if "unsupported" in answer:
        return PeerRun(solver, version, None, answer["unsupported"], 0.0, 0.0, unsupported=True)
    solution = None
    if "routes" in answer:
        free = list(problem.first_vehicle_of_type)
        routes = []
        for found in answer["routes"]:
            vehicle = free[found["type"]]
            free[found["type"]] += 1
            trips = tuple(Trip(tuple(trip[1:]), trip[0]) for trip in found["trips"])
            routes.append(depart_late(problem, Route(vehicle, trips)))
        served = {task for route in routes for task in route.tasks}
        solution = Solution(tuple(routes), tuple(t for t in range(problem.task_count) if t not in served))
    return PeerRun(
        solver, version, solution, answer.get("nothing"), answer["wall_s"], answer["cpu_s"], answer["iterations"]
    )


def write_problem(problem: Problem, folder: Path, load_factor: int = 1) -> None:
    """Write a problem where the peers' program finds it: one JSON file and one array for each matrix."""
    for number, profile in enumerate(problem.profiles):
        np.save(folder / f"distance_{number}.npy", profile.distance_m)
        np.save(folder / f"duration_{number}.npy", profile.duration_s)
    skills = sorted(
        {s for task in problem.tasks for s in task.skills} | {s for k in problem.vehicle_types for s in k.skills}
    )
    number_of = {skill: number for number, skill in enumerate(skills)}
    points = problem.coordinates if problem.coordinates is not None else np.zeros((problem.location_count, 2))
    text = {
        "dimensions": list(problem.dimensions),
        "coordinates": points.tolist(),
        "depots": [_depot(depot) for depot in problem.depots],
        "vehicle_types": [_kind(kind, number_of) for kind in problem.vehicle_types],
        "tasks": [_task(problem, task, number_of) for task in problem.tasks],
        "shipments": [_shipment(shipment) for shipment in problem.shipments],
        "alternatives": [_group(problem, group) for group in problem.alternatives],
        "load_factor": load_factor,
        "backhaul": str(problem.backhaul),
        "features": used_features(problem),
        "release": any(task.release_s for task in problem.tasks),
        "timed": is_timed(problem),
        "enough_vehicles": enough_vehicles(problem),
    }
    (folder / "problem.json").write_text(json.dumps(text), encoding="utf-8")


def is_timed(problem: Problem) -> bool:
    """Tell whether any time of the problem can matter."""
    moving = any(int(profile.duration_s.max(initial=0)) for profile in problem.profiles)
    return moving or any(task.service_s or task.setup_s for task in problem.tasks)


def enough_vehicles(problem: Problem) -> int:
    """Bound the vehicles of one type that peers are given where the fleet is practically unlimited.

    Thirty percent, at least twelve, above the least number by load: more slows some peers down, fewer can
    leave them without a start. Problems with windows get all their vehicles.
    """
    if is_timed(problem):
        return sum(kind.count for kind in problem.vehicle_types)
    least = 1
    for d in range(len(problem.dimensions)):
        total = sum(task.delivery[d] for task in problem.tasks)
        least = max(least, -(-total // max(1, min(kind.capacity[d] for kind in problem.vehicle_types))))
    return least + max(12, -(-3 * least // 10))


def used_features(problem: Problem) -> list[str]:
    """Name what a peer would have to know to solve this very problem."""
    kinds, tasks = problem.vehicle_types, problem.tasks
    used = {
        "skills": any(task.skills for task in tasks) or any(kind.forbidden_tasks for kind in kinds),
        "max_driving_s": any(kind.max_driving_s is not None for kind in kinds),
        "max_tasks": any(kind.max_tasks is not None for kind in kinds),
        "max_duration_s": any(kind.max_duration_s is not None for kind in kinds),
        "max_distance_m": any(kind.max_distance_m is not None for kind in kinds),
        "price of duration": any(kind.cost_per_s for kind in kinds),
        "overtime": any(kind.overtime_after_s is not None and kind.overtime_cost_per_s for kind in kinds),
        "working speeds": any(kind.service_percent != 100 for kind in kinds),
        "open routes": any(kind.end_depot is None for kind in kinds),
        "breaks": any(kind.breaks for kind in kinds),
        "several trips": any(kind.reload_depots and kind.max_trips > 1 for kind in kinds),
        "release times": any(task.release_s for task in tasks),
        "soft windows": any(task.late_cost_per_s is not None for task in tasks),
        "set-up times": any(task.setup_s for task in tasks),
        "optional tasks": any(not task.required for task in tasks),
        "alternatives": bool(problem.alternatives),
        "locks": bool(problem.locks),
        "pairs of tasks": bool(problem.same_vehicle or problem.incompatible),
        "prices beside the route": problem.task_prices is not None
        or problem.balance is not None
        or problem.disturbance is not None,
    }
    return [name for name, value in used.items() if value]


def _depot(depot: Depot) -> dict[str, Any]:
    return {"location": depot.location, "open_s": depot.open_s, "close_s": depot.close_s, "reload_s": depot.reload_s}


_KIND_FIELDS = (
    "count", "start_depot", "end_depot", "profile", "max_trips", "shift_start_s", "shift_end_s", "max_duration_s",
    "max_distance_m", "max_driving_s", "max_tasks", "fixed_cost", "cost_per_m", "cost_per_s", "cost_per_driving_s",
)  # fmt: skip


def _kind(kind: VehicleType, number_of: dict[str, int]) -> dict[str, Any]:
    fields = {name: getattr(kind, name) for name in _KIND_FIELDS}
    lists = {"capacity": list(kind.capacity), "reload_depots": list(kind.reload_depots)}
    return fields | lists | {"skill_numbers": [number_of[skill] for skill in kind.skills]}


def _task(problem: Problem, task: Task, number_of: dict[str, int]) -> dict[str, Any]:
    return {
        "location": task.location,
        "delivery": list(task.delivery),
        "pickup": list(task.pickup),
        "windows": [list(window) for window in task.windows],
        "service_s": task.service_s,
        "setup_s": task.setup_s,
        "release_s": task.release_s,
        "required": task.required,
        "prize": 0 if task.required else task.prize + task.priority * problem.priority_price,
        "skill_numbers": [number_of[skill] for skill in task.skills],
    }


def _shipment(shipment: Shipment) -> dict[str, Any]:
    return {"pickup": shipment.pickup_task, "delivery": shipment.delivery_task, "amount": list(shipment.amount)}


def _group(problem: Problem, group: Alternatives) -> dict[str, Any]:
    prize = group.prize + group.priority * problem.priority_price
    return {"tasks": list(group.tasks), "required": group.required, "prize": prize}
