"""The routing problem of a day: stops, fleet and roads as the solver wants them, with the way back.

``day_problem`` is what planning, benchmarks and bug reports share: the same stops, fleet and matrices always
give the same :class:`routing.problem.Problem`. `dump_day` writes it to a folder that needs no database and names
nobody: tasks carry the stops' keys, which are digests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dispatch.demand.reasons import Fix, Reason, ReasonCode
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import DIMENSIONS, Fleet, TypeSpec, VehicleSpec
from dispatch.plans.matrices import DayMatrices, Point, distinct, rounded
from routing.builder import ProblemBuilder
from routing.problem import UNREACHABLE, Problem, fen, per_hour, per_km
from routing.problem_io import load_problem, save_problem

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
        The fleet's type of each vehicle type of the problem (once for each set of skills) and vehicle of each vehicle
        number.
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
    groups = _groups(fleet)
    rows = matrices.index()
    reached = [(with_one_window(stop), rows[rounded(stop.lon, stop.lat)]) for stop in stops]
    open_profiles = {stop.key: _profiles_reaching(row, matrices) for stop, row in reached}
    tasks = [(stop, row) for stop, row in reached if open_profiles[stop.key] & set(fleet.profiles)]
    builder = ProblemBuilder(DIMENSIONS).coordinates(matrices.points)
    for name, matrix in sorted(matrices.profiles.items()):
        builder.profile(name, matrix.distance_m, matrix.time_s)
    builder.depot(DEPOT, 0)
    vehicles: list[VehicleSpec] = []
    for name, kind, of_type in groups:
        vehicles += of_type
        _add_type(builder, name, kind, of_type)
    for stop, row in tasks:
        _add_task(builder, stop, row)
        for name, kind, _ in groups:
            if kind.profile not in open_profiles[stop.key]:
                builder.forbid(name, stop.key)
    unreached = {stop.key for stop, _ in reached} - {stop.key for stop, _ in tasks}
    return DayProblem(
        problem=builder.build(),
        stops=tuple(stop for stop, _ in tasks),
        types=tuple(kind for _, kind, _ in groups),
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


def _groups(fleet: Fleet) -> list[tuple[str, TypeSpec, list[VehicleSpec]]]:
    """Part the vehicles into what the solver calls types: equal type, equal skills."""
    found: dict[tuple[str, tuple[str, ...]], list[VehicleSpec]] = {}
    for vehicle in fleet.vehicles:
        found.setdefault((vehicle.type_id, tuple(sorted(vehicle.skills))), []).append(vehicle)
    return [
        ("+".join((kind.id, *skills)), kind, found[type_id, skills])
        for kind in fleet.used_types
        for type_id, skills in sorted(found)
        if type_id == kind.id
    ]


def with_one_window(stop: Stop) -> Stop:
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


def _add_type(builder: ProblemBuilder, name: str, kind: TypeSpec, vehicles: Sequence[VehicleSpec]) -> None:
    builder.vehicle_type(
        name,
        count=len(vehicles),
        skills=vehicles[0].skills,
        capacity=kind.capacity.as_list(),
        profile=kind.profile,
        shift_start_s=kind.shift_start_s,
        shift_end_s=kind.shift_end_s,
        max_tasks=kind.max_stops,
        max_distance_m=kind.max_distance_m,
        fixed_cost=fen(kind.fixed_fen),
        cost_per_m=per_km(kind.per_km_fen),
        cost_per_s=per_hour(kind.per_hour_fen),
    )


def _add_task(builder: ProblemBuilder, stop: Stop, row: int) -> None:
    builder.task(
        stop.key,
        row,
        delivery=stop.delivery_load.as_list(),
        pickup=stop.collection_load.as_list(),
        windows=stop.windows,
        service_s=stop.work_s,
        required=False,
        prize=fen(left_out_fen(stop)),
        skills=stop.skills,
    )


def left_out_fen(stop: Stop) -> int:
    """Return the price at which a stop may be left out: above any detour, so only a lack of vehicles does it."""
    return LEFT_OUT_STOP_FEN + LEFT_OUT_PARCEL_FEN * len(stop.parcel_ids) + LEFT_OUT_PRIORITY_FEN * stop.priority


_PROBLEM_FILE: Final = "problem.npz"
_MEANING_FILE: Final = "day.json"


def dump_day(day: DayProblem, folder: Path) -> None:
    """Write a day for a benchmark or a bug report: the problem, and what its numbers stand for.

    ``problem.npz`` is what :func:`routing.problem_io.load_problem` reads; ``day.json`` lists the vehicle of each
    number and stop and parcels of each task. Ids only, no names, phones or addresses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_problem(day.problem, folder / _PROBLEM_FILE)
    meaning = {
        "vehicles": [vehicle.id for vehicle in day.vehicles],
        "tasks": [
            {
                "stop": stop.key,
                "kind": stop.kind.value,
                "deliveries": list(stop.deliveries),
                "collections": list(stop.collections),
            }
            for stop in day.stops
        ],
    }
    (folder / _MEANING_FILE).write_text(json.dumps(meaning, indent=1), encoding="utf-8")


def read_problem(folder: Path) -> Problem:
    """Read the problem of a day that `dump_day` wrote.

    Raises
    ------
    InvalidProblemError
        If the folder holds no such problem.
    """
    return load_problem(folder / _PROBLEM_FILE)
