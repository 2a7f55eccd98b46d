"""Gives a saved problem to PyVRP and writes its routes as JSON.

Run as ``PEERS_PYTHON -m benchmarks.peers.pyvrp_run PROBLEM.npz SECONDS SEED OUT.json``. Translated in full:
loads and pickups, windows, service (per vehicle type only where all types agree), shifts, several depots,
vehicle types with fixed, distance and duration cost, duration, distance and task limits, optional prizes,
skills and forbidden tasks (as huge legs in that type's profile, the way PyVRP's documentation advises).
"""

from __future__ import annotations

import json
import math
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from routing.problem import HORIZON_S, UNREACHABLE, Problem, VehicleType
from routing.problem_io import load_problem


def cost_divisor(problem: Problem) -> int:
    """Return what all prices share; peers get prices divided by it, since their penalties are capped."""
    values = [k.fixed_cost for k in problem.vehicle_types]
    values += [k.cost_per_m for k in problem.vehicle_types] + [k.cost_per_s for k in problem.vehicle_types]
    values += [task.prize + task.priority * problem.priority_price for task in problem.tasks]
    return math.gcd(*values) or 1


NO_LEG = 1 << 40  # larger than any cost of the day, small enough for PyVRP's 64-bit sums


def translate(problem: Problem) -> Any:
    """Build PyVRP's ProblemData."""
    pyvrp = import_module("pyvrp")
    unit = cost_divisor(problem)
    places = [task.location for task in problem.tasks] + [depot.location for depot in problem.depots]
    points = np.zeros((problem.location_count, 2)) if problem.coordinates is None else problem.coordinates
    distances, durations = [], []
    types = []
    counted = any(kind.max_tasks is not None for kind in problem.vehicle_types)
    for index, kind in enumerate(problem.vehicle_types):
        distance, duration = _matrices(problem, kind, places)
        distances.append(distance)
        durations.append(duration)
        if kind.count:
            types.append(_vehicle_type(pyvrp, kind, index, counted, unit))
    more = (1,) if counted else ()
    clients = [
        pyvrp.Client(
            location=place,
            delivery=[*task.delivery, *more],
            pickup=[*task.pickup, *(0 for _ in more)],
            service_duration=problem.service_s(0, place, None),
            tw_early=task.windows[0][0],
            tw_late=task.windows[-1][1],
            prize=(task.prize + task.priority * problem.priority_price) // unit,
            required=task.required,
            release_time=task.release_s,
        )
        for place, task in enumerate(problem.tasks)
    ]
    first_depot = problem.task_count
    depots = [
        pyvrp.Depot(location=first_depot + index, tw_early=depot.open_s, tw_late=depot.close_s)
        for index, depot in enumerate(problem.depots)
    ]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(float(points[place][0]), float(points[place][1])) for place in places],
        clients=clients,
        depots=depots,
        vehicle_types=types,
        distance_matrices=distances,
        duration_matrices=durations,
    )


def _vehicle_type(pyvrp: Any, kind: VehicleType, profile: int, counted: bool, unit: int) -> Any:
    limits = {}
    if kind.max_duration_s is not None:
        limits["shift_duration"] = kind.max_duration_s
    if kind.max_distance_m is not None:
        limits["max_distance"] = kind.max_distance_m
    room = [1 << 30 if kind.max_tasks is None else kind.max_tasks] if counted else []
    return pyvrp.VehicleType(
        num_available=kind.count,
        capacity=[*kind.capacity, *room],
        start_depot=kind.start_depot,
        end_depot=kind.end_depot,
        fixed_cost=kind.fixed_cost // unit,
        tw_early=kind.shift_start_s,
        tw_late=min(kind.shift_end_s, HORIZON_S),
        unit_distance_cost=kind.cost_per_m // unit,
        unit_duration_cost=kind.cost_per_s // unit,
        profile=profile,
        **limits,
    )


def _matrices(problem: Problem, kind: VehicleType, places: list[int]) -> tuple[Any, Any]:
    profile = problem.profiles[kind.profile]
    distance = profile.distance_m[np.ix_(places, places)].astype(np.int64)
    duration = profile.duration_s[np.ix_(places, places)].astype(np.int64)
    banned = [
        place
        for place, task in enumerate(problem.tasks)
        if not task.skills <= kind.skills or place in kind.forbidden_tasks
    ]
    gone = (distance >= UNREACHABLE) | (duration >= UNREACHABLE)
    gone[banned, :] = True
    gone[:, banned] = True
    distance[gone] = NO_LEG // max(1, kind.cost_per_m)
    duration[gone] = 4 * HORIZON_S
    np.fill_diagonal(distance, 0)
    np.fill_diagonal(duration, 0)
    return distance, duration


def refuse_what_is_not_translated(problem: Problem) -> None:
    """Raise if the problem has rules this translation leaves out; a peer must not be given another problem."""
    kinds = problem.vehicle_types
    left_out = {
        "several windows": any(len(task.windows) > 1 for task in problem.tasks),
        "service per type": len({kind.service_percent for kind in kinds}) > 1,
        "set-up": any(task.setup_s for task in problem.tasks),
        "late prices": any(task.late_cost_per_s is not None for task in problem.tasks),
        "open routes": any(kind.end_depot is None for kind in kinds),
        "driving prices or limits": any(kind.cost_per_driving_s or kind.max_driving_s for kind in kinds),
        "overtime, breaks or trips": any(k.overtime_cost_per_s or k.breaks or k.max_trips > 1 for k in kinds),
        "relations": bool(
            problem.shipments or problem.alternatives or problem.same_vehicle or problem.incompatible or problem.locks
        ),
        "prices between tasks and plans": bool(problem.balance or problem.disturbance)
        or problem.task_prices is not None,
    }
    names = [name for name, present in left_out.items() if present]
    if names:
        raise SystemExit(f"not translated: {', '.join(names)}")


def main() -> None:
    """Solve and write the outcome."""
    pyvrp = import_module("pyvrp")
    path, seconds, seed, out = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    problem = load_problem(path)
    refuse_what_is_not_translated(problem)
    data = translate(problem)
    began, cpu = time.perf_counter(), time.process_time()
    result = pyvrp.solve(
        data, import_module("pyvrp.stop").MaxRuntime(seconds), seed=seed, collect_stats=False, display=False
    )
    took, used = time.perf_counter() - began, time.process_time() - cpu
    type_index = [index for index, kind in enumerate(problem.vehicle_types) if kind.count]
    routes = [
        {
            "type": type_index[route.vehicle_type()],
            "tasks": [activity.idx for activity in route.schedule() if activity.is_client()],
        }
        for route in result.best.routes()
    ]
    out.write_text(
        json.dumps(
            {
                "routes": routes, "seconds": took, "cpu_s": used, "iterations": result.num_iterations,
                "said_cost": result.cost() * cost_divisor(problem) if result.is_feasible() else None,
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
