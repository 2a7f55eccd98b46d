"""The routing problem of a day: stops, fleet and roads as the solver wants them, with the way back.

``day_problem`` is what planning, benchmarks and bug reports share: the same stops, fleet and matrices always
give the same :class:`routing.problem.Problem`, and `dump_problem` writes it to a folder that needs no database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dispatch.demand.reasons import Fix, Reason, ReasonCode
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import DIMENSIONS, Fleet, TypeSpec, VehicleSpec
from dispatch.plans.matrices import DayMatrices, Point, distinct, rounded
from routing.builder import ProblemBuilder, matrix_int32
from routing.problem import (
    UNREACHABLE,
    Depot,
    Problem,
    Profile,
    Task,
    VehicleType,
    fen,
    per_hour,
    per_km,
)

LEFT_OUT_STOP_FEN: Final = 100_000
"""Price of leaving a stop out: more than a vehicle of its own to the farthest village costs."""
LEFT_OUT_PARCEL_FEN: Final = 10_000
"""Added for each of its parcels, so that a station outweighs a door."""
LEFT_OUT_PRIORITY_FEN: Final = 20_000
"""Added for each point of its priority."""
DEPOT: Final = "depot"


@dataclass(frozen=True, eq=False)
class DayProblem:
    """A day's routing problem and what its numbers mean.

    Attributes
    ----------
    stops
        The stop of each task, with the one window it is planned in.
    types, vehicles
        The fleet's type of each vehicle type and vehicle of each vehicle number.
    locations
        Row of the matrices of each task's place; the depot is row 0.
    reasons
        For each parcel whose stop no vehicle can reach by road, why; such stops are no tasks.
    """

    problem: Problem
    stops: tuple[Stop, ...]
    types: tuple[TypeSpec, ...]
    vehicles: tuple[VehicleSpec, ...]
    matrices: DayMatrices
    locations: tuple[int, ...]
    reasons: Mapping[str, Reason]

    def type_of(self, vehicle: int) -> TypeSpec:
        """Return the fleet's type of a vehicle number."""
        return self.types[self.problem.type_of_vehicle[vehicle]]


def day_points(depot: Point, stops: Sequence[Stop], more: Sequence[Point] = ()) -> tuple[Point, ...]:
    """Return the distinct points a day needs roads between: the depot first, then stops, then more places."""
    places = [rounded(stop.lon, stop.lat) for stop in stops]
    return distinct([rounded(*depot), *places, *(rounded(*point) for point in more)])


def day_problem(stops: Sequence[Stop], fleet: Fleet, matrices: DayMatrices) -> DayProblem:
    """Build the routing problem of a day.

    Parameters
    ----------
    stops
        As `dispatch.demand.stops.build_stops` gave them.
    matrices
        Over at least the depot (row 0) and every stop, for every profile of the fleet.

    Notes
    -----
    Every task may be left out at a price above any detour, so a day with too few vehicles still gives the
    best plan for the parcels that fit. Vehicles are numbered by type, then by id.
    """
    types = fleet.used_types
    rows = matrices.index()
    reached = [(_with_one_window(stop), rows[rounded(stop.lon, stop.lat)]) for stop in stops]
    open_profiles = {stop.key: _profiles_reaching(row, matrices) for stop, row in reached}
    tasks = [(stop, row) for stop, row in reached if open_profiles[stop.key] & set(fleet.profiles)]
    builder = ProblemBuilder(DIMENSIONS).coordinates(matrices.points)
    for name, matrix in sorted(matrices.profiles.items()):
        builder.profile(name, matrix.distance_m, matrix.time_s)
    builder.depot(DEPOT, 0)
    vehicles: list[VehicleSpec] = []
    for kind in types:
        of_type = [vehicle for vehicle in fleet.vehicles if vehicle.type_id == kind.id]
        vehicles += of_type
        _add_type(builder, kind, len(of_type))
    for stop, row in tasks:
        _add_task(builder, stop, row)
        for kind in types:
            if kind.profile not in open_profiles[stop.key]:
                builder.forbid(kind.id, stop.key)
    unreached = {stop.key for stop, _ in reached} - {stop.key for stop, _ in tasks}
    return DayProblem(
        problem=builder.build(),
        stops=tuple(stop for stop, _ in tasks),
        types=types,
        vehicles=tuple(vehicles),
        matrices=matrices,
        locations=tuple(row for _, row in tasks),
        reasons={
            parcel_id: Reason(ReasonCode.UNREACHABLE_BY_ROAD, fix=Fix("position", "confirm it, or add the road"))
            for stop in stops
            if stop.key in unreached
            for parcel_id in stop.parcel_ids
        },
    )


def _with_one_window(stop: Stop) -> Stop:
    """Keep the longest window: the search handles several only where nobody is paid for the time."""
    if len(stop.windows) == 1:
        return stop
    longest = max(stop.windows, key=lambda window: (window[1] - window[0], -window[0]))
    return replace(stop, windows=(longest,))


def _profiles_reaching(row: int, matrices: DayMatrices) -> set[str]:
    return {
        name
        for name, matrix in matrices.profiles.items()
        if int(matrix.time_s[0, row]) < UNREACHABLE and int(matrix.time_s[row, 0]) < UNREACHABLE
    }


def _add_type(builder: ProblemBuilder, kind: TypeSpec, count: int) -> None:
    builder.vehicle_type(
        kind.id,
        count=count,
        capacity=kind.capacity.as_list(),
        profile=kind.profile,
        shift_start_s=kind.shift_start_s,
        shift_end_s=kind.shift_end_s,
        max_tasks=kind.max_stops,
        fixed_cost=fen(kind.fixed_fen),
        cost_per_m=per_km(kind.per_km_fen),
        cost_per_s=per_hour(kind.per_hour_fen),
    )


def _add_task(builder: ProblemBuilder, stop: Stop, row: int) -> None:
    price = LEFT_OUT_STOP_FEN + LEFT_OUT_PARCEL_FEN * len(stop.parcel_ids) + LEFT_OUT_PRIORITY_FEN * stop.priority
    builder.task(
        stop.key,
        row,
        delivery=stop.delivery_load.as_list(),
        pickup=stop.collection_load.as_list(),
        windows=stop.windows,
        service_s=stop.work_s,
        required=False,
        prize=fen(price),
    )


_PROBLEM_FILE: Final = "problem.json"
_MATRICES_FILE: Final = "matrices.npz"


def dump_problem(problem: Problem, folder: Path) -> None:
    """Write a day's problem as ``problem.json`` and ``matrices.npz``.

    The files hold ids, places, loads and times, no names, phones or addresses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    body = {
        "dimensions": list(problem.dimensions),
        "depots": [asdict(depot) for depot in problem.depots],
        "vehicle_types": [_plain(asdict(kind)) for kind in problem.vehicle_types],
        "tasks": [_plain(asdict(task)) for task in problem.tasks],
        "profiles": [profile.id for profile in problem.profiles],
    }
    text = json.dumps(body, ensure_ascii=False, indent=1)
    (folder / _PROBLEM_FILE).write_text(text, encoding="utf-8")
    arrays = {f"time_s_{profile.id}": profile.duration_s for profile in problem.profiles}
    arrays |= {f"distance_m_{profile.id}": profile.distance_m for profile in problem.profiles}
    np.savez(folder / _MATRICES_FILE, allow_pickle=False, coordinates=np.array(problem.coordinates), **arrays)


def read_problem(folder: Path) -> Problem:
    """Read a problem that `dump_problem` wrote."""
    body = json.loads((folder / _PROBLEM_FILE).read_text(encoding="utf-8"))
    with np.load(folder / _MATRICES_FILE, allow_pickle=False) as arrays:
        coordinates = arrays["coordinates"]
        profiles = tuple(
            Profile(
                name,
                matrix_int32(arrays[f"distance_m_{name}"], name, "distance_m"),
                matrix_int32(arrays[f"time_s_{name}"], name, "time_s"),
            )
            for name in body["profiles"]
        )
    return Problem(
        tasks=tuple(Task(**_frozen(task)) for task in body["tasks"]),
        depots=tuple(Depot(**depot) for depot in body["depots"]),
        vehicle_types=tuple(VehicleType(**_frozen(kind)) for kind in body["vehicle_types"]),
        profiles=profiles,
        dimensions=tuple(body["dimensions"]),
        coordinates=coordinates,
    )


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in fields.items()}


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    sets = {name: frozenset(fields[name]) for name in ("skills", "forbidden_tasks") if name in fields}
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    if "windows" in fields:
        lists["windows"] = tuple((open_s, close_s) for open_s, close_s in fields["windows"])
    return fields | lists | sets
