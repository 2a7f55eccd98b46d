"""Saves any problem without loss into one ``.npz`` file, and plans as JSON.

The file holds the matrices as they are and everything else as one JSON text; no pickle, so a file from
elsewhere cannot run code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from routing.errors import InvalidProblemError
from routing.problem import (
    Alternatives,
    Backhaul,
    Balance,
    Break,
    Depot,
    Disturbance,
    Lock,
    LockKind,
    Problem,
    Profile,
    Shipment,
    Task,
    VehicleType,
)
from routing.solution import Route, Solution, Trip

FORMAT = 1


def save_problem(problem: Problem, path: Path) -> None:
    """Write a problem to ``path`` (suffix ``.npz``)."""
    text = {
        "format": FORMAT,
        "dimensions": list(problem.dimensions),
        "profiles": [profile.id for profile in problem.profiles],
        "depots": [asdict(depot) for depot in problem.depots],
        "vehicle_types": [_plain(asdict(kind)) for kind in problem.vehicle_types],
        "tasks": [_plain(asdict(task)) for task in problem.tasks],
        "shipments": [asdict(shipment) for shipment in problem.shipments],
        "alternatives": [asdict(group) for group in problem.alternatives],
        "same_vehicle": [list(group) for group in problem.same_vehicle],
        "incompatible": [list(pair) for pair in problem.incompatible],
        "locks": [asdict(lock) for lock in problem.locks],
        "balance": None if problem.balance is None else asdict(problem.balance),
        "disturbance": None if problem.disturbance is None else _prices(problem.disturbance),
        "priority_price": problem.priority_price,
        "backhaul": problem.backhaul.value,
    }
    arrays: dict[str, Any] = {"problem": np.frombuffer(json.dumps(text).encode(), dtype=np.uint8)}
    for index, profile in enumerate(problem.profiles):
        arrays[f"distance_m_{index}"] = profile.distance_m
        arrays[f"duration_s_{index}"] = profile.duration_s
    if problem.task_prices is not None:
        arrays["task_prices"] = problem.task_prices
    if problem.coordinates is not None:
        arrays["coordinates"] = problem.coordinates
    if problem.disturbance is not None:
        for name in ("vehicle_of_task", "predecessor_of_task", "start_of_task_s"):
            arrays[name] = getattr(problem.disturbance, name)
    np.savez_compressed(path, **arrays)


def load_problem(path: Path) -> Problem:
    """Read a problem that :func:`save_problem` wrote.

    Raises
    ------
    InvalidProblemError
        If the file is no such file, or its problem contradicts itself.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(arrays["problem"].tobytes())
    except (OSError, ValueError, KeyError) as error:
        raise InvalidProblemError(
            f"file {path.name!r}", "content", f"is no saved problem ({error})", remedy="Save it with save_problem."
        ) from error
    if text.get("format") != FORMAT:
        raise InvalidProblemError(
            f"file {path.name!r}", "format", f"is {text.get('format')}", remedy="Save it again with this version."
        )
    for array in arrays.values():
        array.setflags(write=False)
    return _problem(text, arrays)


def _problem(text: Mapping[str, Any], arrays: Mapping[str, Any]) -> Problem:
    profiles = tuple(
        Profile(name, arrays[f"distance_m_{index}"], arrays[f"duration_s_{index}"])
        for index, name in enumerate(text["profiles"])
    )
    disturbance = None
    if text["disturbance"] is not None:
        disturbance = Disturbance(
            arrays["vehicle_of_task"], arrays["predecessor_of_task"], arrays["start_of_task_s"], **text["disturbance"]
        )
    return Problem(
        tasks=tuple(_task(item) for item in text["tasks"]),
        depots=tuple(Depot(**item) for item in text["depots"]),
        vehicle_types=tuple(_vehicle_type(item) for item in text["vehicle_types"]),
        profiles=profiles,
        dimensions=tuple(text["dimensions"]),
        shipments=tuple(Shipment(**_tuples(item)) for item in text["shipments"]),
        alternatives=tuple(Alternatives(**_tuples(item)) for item in text["alternatives"]),
        same_vehicle=tuple(tuple(group) for group in text["same_vehicle"]),
        incompatible=tuple((first, second) for first, second in text["incompatible"]),
        locks=tuple(Lock(**(_tuples(item) | {"kind": LockKind(item["kind"])})) for item in text["locks"]),
        disturbance=disturbance,
        balance=None if text["balance"] is None else Balance(**text["balance"]),
        task_prices=arrays.get("task_prices"),
        priority_price=text["priority_price"],
        backhaul=Backhaul(text["backhaul"]),
        coordinates=arrays.get("coordinates"),
    )


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """Make sets sorted lists, which JSON knows."""
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in item.items()}


def _tuples(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in item.items()}


def _task(item: Mapping[str, Any]) -> Task:
    windows = tuple((open_s, close_s) for open_s, close_s in item["windows"])
    return Task(**(_tuples(item) | {"windows": windows, "skills": frozenset(item["skills"])}))


def _vehicle_type(item: Mapping[str, Any]) -> VehicleType:
    sets = {name: frozenset(item[name]) for name in ("skills", "forbidden_tasks")}
    return VehicleType(**(_tuples(item) | sets | {"breaks": tuple(Break(**rest) for rest in item["breaks"])}))


def _prices(disturbance: Disturbance) -> dict[str, int]:
    names = [field.name for field in fields(disturbance) if "price" in field.name]
    return {name: getattr(disturbance, name) for name in names}


def solution_to_dict(solution: Solution) -> dict[str, Any]:
    """Return a plan as plain lists and numbers, ready for JSON."""
    return {
        "routes": [
            {
                "vehicle": route.vehicle,
                "start_s": route.start_s,
                "breaks": [list(item) for item in route.breaks],
                "trips": [{"depot": trip.depot, "tasks": list(trip.tasks)} for trip in route.trips],
            }
            for route in solution.routes
        ],
        "unassigned": list(solution.unassigned),
    }


def solution_from_dict(data: Mapping[str, Any]) -> Solution:
    """Return the plan :func:`solution_to_dict` described."""
    routes = tuple(
        Route(
            item["vehicle"],
            tuple(Trip(tuple(trip["tasks"]), trip["depot"]) for trip in item["trips"]),
            item["start_s"],
            tuple((place, which) for place, which in item["breaks"]),
        )
        for item in data["routes"]
    )
    return Solution(routes, tuple(data["unassigned"]))
