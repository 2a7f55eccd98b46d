"""Write a problem as a VROOM JSON document, for peers and for whoever keeps such files."""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np

from routing.formats.errors import UnsupportedFieldError
from routing.problem import ALWAYS, HORIZON_S, UNREACHABLE, Backhaul, Problem, Task, VehicleType

_MOST = 2**32 - 1


def problem_to_vroom(problem: Problem) -> tuple[dict[str, Any], int]:
    """Write a problem as a VROOM document with matrices.

    Jobs carry the task index as id, vehicles their number. Costs go into a cost matrix for each profile and
    price, divided by their greatest common divisor.

    Returns
    -------
    The document, and the number of our cost units in one unit of the document's costs.

    Raises
    ------
    UnsupportedFieldError
        If the problem has a rule VROOM does not; all of them are named.
    """
    if missing := _beyond_vroom(problem):
        raise UnsupportedFieldError(f"VROOM has no {', '.join(missing)}", features=missing)
    used = sorted({_price(kind) for kind in problem.vehicle_types})
    costs = {price: _costs(problem, price) for price in used}
    unit = gcd(*(int(np.gcd.reduce(matrix, axis=None)) for matrix in costs.values()))
    unit = gcd(unit, *(kind.fixed_cost for kind in problem.vehicle_types)) or 1
    if any(int(matrix.max()) // unit > _MOST for matrix in costs.values() if matrix.size):
        raise UnsupportedFieldError(
            "VROOM keeps costs in 32 bits; the problem's costs are too fine", features=["costs"]
        )
    skills = _skill_numbers(problem)
    document = {
        "vehicles": [
            _vehicle(problem, problem.vehicle_types[kind], number, unit, skills)
            for number, kind in enumerate(problem.type_of_vehicle)
        ],
        "jobs": [_job(task, at, skills) for at, task in enumerate(problem.tasks) if at not in problem.shipment_of_task],
        "shipments": [
            {
                "amount": list(shipment.amount),
                "pickup": _ends(problem.tasks[shipment.pickup_task], shipment.pickup_task),
                "delivery": _ends(problem.tasks[shipment.delivery_task], shipment.delivery_task),
                "skills": sorted(skills[skill] for skill in problem.tasks[shipment.pickup_task].skills),
            }
            for shipment in problem.shipments
        ],
        "matrices": {
            _profile(price): {
                "durations": problem.profiles[price[0]].duration_s.tolist(),
                "costs": np.where(_no_road(problem, price), UNREACHABLE, matrix // unit).tolist(),
            }
            for price, matrix in costs.items()
        },
    }
    return document, unit


_Price = tuple[int, int, int]


def _price(kind: VehicleType) -> _Price:
    return kind.profile, kind.cost_per_m, kind.cost_per_driving_s


def _profile(price: _Price) -> str:
    return "profile {} at {} and {}".format(*price)


def _costs(problem: Problem, price: _Price) -> Any:
    profile, per_m, per_s = price
    matrices = problem.profiles[profile]
    costs = per_m * matrices.distance_m.astype(np.int64) + per_s * matrices.duration_s.astype(np.int64)
    return np.where(_no_road(problem, price), 0, costs)


def _no_road(problem: Problem, price: _Price) -> Any:
    matrices = problem.profiles[price[0]]
    return (matrices.duration_s >= UNREACHABLE) | (matrices.distance_m >= UNREACHABLE)


def _beyond_vroom(problem: Problem) -> list[str]:
    """Name every used rule that a VROOM document cannot state."""
    kinds, tasks = problem.vehicle_types, problem.tasks
    used = {
        "alternatives": problem.alternatives,
        "same-vehicle groups": problem.same_vehicle,
        "incompatible pairs": problem.incompatible,
        "locks": problem.locks,
        "disturbance prices": problem.disturbance,
        "balance": problem.balance,
        "territory prices": problem.task_prices is not None,
        "backhaul order": problem.backhaul is not Backhaul.MIXED,
        "optional tasks with a prize": any(not task.required for task in tasks),
        "soft windows": any(task.late_cost_per_s is not None for task in tasks),
        "release times": any(task.release_s for task in tasks),
        "several trips": any(kind.reload_depots for kind in kinds),
        "prices of duration": any(kind.cost_per_s or kind.overtime_cost_per_s for kind in kinds),
        "limits of duration": any(kind.max_duration_s is not None for kind in kinds),
        "limits of distance beside a cost matrix": any(kind.max_distance_m is not None for kind in kinds),
        "working speeds": any(kind.service_percent != 100 for kind in kinds),
        "forbidden tasks": any(kind.forbidden_tasks for kind in kinds),
        "closing hours for departures": any(
            problem.depots[kind.start_depot].close_s < _shift(problem, kind)[1] for kind in kinds
        ),
        "skills on one end of a shipment": any(
            tasks[s.pickup_task].skills != tasks[s.delivery_task].skills for s in problem.shipments
        ),
    }
    return [name for name, value in used.items() if value]


def _window(open_s: int, close_s: int) -> list[int]:
    return [open_s, min(close_s, HORIZON_S)]


def _skill_numbers(problem: Problem) -> dict[str, int]:
    """Number all skills in alphabetical order; VROOM knows them by numbers only."""
    named = {skill for task in problem.tasks for skill in task.skills}
    named |= {skill for kind in problem.vehicle_types for skill in kind.skills}
    return {skill: number for number, skill in enumerate(sorted(named))}


def _shift(problem: Problem, kind: VehicleType) -> list[int]:
    """Fold the depots' hours into the one window a VROOM vehicle has."""
    start = problem.depots[kind.start_depot]
    open_s, close_s = max(kind.shift_start_s, start.open_s), kind.shift_end_s
    if kind.end_depot is not None:
        close_s = min(close_s, problem.depots[kind.end_depot].close_s)
    return _window(open_s, close_s)


def _vehicle(problem: Problem, kind: VehicleType, number: int, unit: int, skills: dict[str, int]) -> dict[str, Any]:
    start = problem.depots[kind.start_depot]
    vehicle: dict[str, Any] = {
        "id": number,
        "profile": _profile(_price(kind)),
        "start_index": start.location,
        "capacity": [min(amount, _MOST) for amount in kind.capacity],
        "time_window": _shift(problem, kind),
        "skills": sorted(skills[skill] for skill in kind.skills),
    }
    if kind.end_depot is not None:
        vehicle["end_index"] = problem.depots[kind.end_depot].location
    for name, limit in (("max_tasks", kind.max_tasks), ("max_travel_time", kind.max_driving_s)):
        if limit is not None:
            vehicle[name] = limit
    if kind.fixed_cost:
        vehicle["costs"] = {"fixed": kind.fixed_cost // unit}
    if kind.breaks:
        vehicle["breaks"] = [
            {"id": at, "time_windows": [_window(rest.earliest_s, rest.latest_s)], "service": rest.duration_s}
            for at, rest in enumerate(kind.breaks)
        ]
    return vehicle


def _ends(task: Task, index: int) -> dict[str, Any]:
    end: dict[str, Any] = {
        "id": index,
        "description": task.id,
        "location_index": task.location,
        "setup": task.setup_s,
        "service": task.service_s,
    }
    if task.windows != ALWAYS:
        end["time_windows"] = [_window(open_s, close_s) for open_s, close_s in task.windows]
    return end


def _job(task: Task, index: int, skills: dict[str, int]) -> dict[str, Any]:
    return _ends(task, index) | {
        "delivery": list(task.delivery),
        "pickup": list(task.pickup),
        "skills": sorted(skills[skill] for skill in task.skills),
    }
