"""Read VROOM JSON problems (https://github.com/VROOM-Project/vroom, API text and parser at commit 004faa4b).

A VROOM document says less than our model in most places and the same in others; where it says something the
model has no exact counterpart for, reading it raises :class:`UnsupportedFieldError` instead of planning
something slightly different. docs/solver/formats.md has the list.

Costs: VROOM's unit of cost is ours divided by :data:`COST_UNITS`, without rounding. Times may be seconds of
an epoch; they are moved by :attr:`VroomProblem.offset_s` to fit, and moved back in answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from routing.builder import ProblemBuilder
from routing.formats.errors import UnsupportedFieldError, VroomInputError
from routing.formats.json_fields import Fields, PlaceFields
from routing.problem import HORIZON_S, UNITS_PER_FEN, UNREACHABLE, Break, Problem, Window, fen, per_hour, per_km
from routing.solution import Route, Solution, Trip

COST_UNITS = UNITS_PER_FEN
"""Our cost units in one of VROOM's."""
TaskKind = Literal["job", "pickup", "delivery"]
# VROOM's default profile and what openrouteservice-py calls the same one.
_ONE_PROFILE = {"car", "driving-car"}
# Days kept free before the first window of an epoch-timed problem, for departures that lead up to it.
_LEAD_S = 10 * 86_400


class MatrixSource(Protocol):
    """What answers for travel between coordinates when a problem brings no matrices."""

    def __call__(self, points: NDArray[np.float64], profile: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Give durations in seconds and distances in metres, shape (n, n), between (lon, lat) points."""
        ...


@dataclass(frozen=True)
class VroomTask:
    """What an answer repeats about a task."""

    kind: TaskKind
    id: int
    place: PlaceFields
    description: str | None
    setup_s: int
    service_s: int
    priority: int


@dataclass(frozen=True)
class VroomVehicle:
    """What an answer repeats about a vehicle."""

    id: int
    start: PlaceFields | None
    end: PlaceFields | None
    description: str | None
    break_ids: tuple[int, ...] = ()
    break_descriptions: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class VroomProblem:
    """A VROOM problem as ours, with the way back.

    Attributes
    ----------
    tasks, vehicles
        By task index and vehicle number of the problem.
    offset_s
        Seconds to add to the problem's times to get the document's.
    shows_distance
        Whether VROOM would report distances.
    given
        The plan in the vehicles' ``steps``, or None; each route departs at its shift's start.
    """

    problem: Problem
    tasks: tuple[VroomTask, ...]
    vehicles: tuple[VroomVehicle, ...]
    offset_s: int
    shows_distance: bool
    given: Solution | None


def read_vroom(document: Any, roads: MatrixSource | None = None) -> VroomProblem:
    """Read a parsed VROOM document.

    Parameters
    ----------
    document
        The decoded JSON.
    roads
        Asked for matrices when the document has coordinates only.

    Raises
    ------
    VroomInputError
        If a field is missing, of the wrong kind or out of range; ``params["field"]`` is its path.
    UnsupportedFieldError
        If a field asks for something our model cannot express exactly.
    """
    return _Reader(Fields.of_document(document), roads).read()


@dataclass
class _VehicleState:
    """One vehicle while the document is read: type fields and what answers repeat."""

    fields: dict[str, Any]
    vehicle: VroomVehicle
    source: Fields
    kind: str | None
    costs: dict[str, int] = field(default_factory=dict)


class _Reader:
    """Collects locations, tasks and vehicles of one document, then builds the problem."""

    def __init__(self, document: Fields, roads: MatrixSource | None) -> None:
        self.document = document
        self.roads = roads
        self.jobs = document.objects("jobs")
        self.shipments = document.objects("shipments")
        self.vehicles = document.objects("vehicles")
        if not self.vehicles:
            raise VroomInputError("vehicles: at least one is needed", field="vehicles")
        if not self.jobs and not self.shipments:
            raise VroomInputError("jobs: at least one job or shipment is needed", field="jobs")
        self.dimensions = len(self.vehicles[0].numbers("capacity"))
        self.matrices = _given_matrices(document)
        self.indices: dict[tuple[float, float], int] = {}
        self.offset_s = self._offset_s()
        self.builder = ProblemBuilder(tuple(f"amount {d}" for d in range(self.dimensions)))
        self.tasks: list[VroomTask] = []
        self.profiles: list[str] = []
        self.types: list[tuple[str, list[int]]] = []  # name and member vehicles, as places in the document
        self.nowhere = 0

    def read(self) -> VroomProblem:
        states = [self._vehicle(source, number) for number, source in enumerate(self.vehicles)]
        _refuse_same_ids(self.vehicles, "vehicle")
        kinds = {state.kind for state in states}
        task_rows = self._task_rows(kinds)
        self._add_profiles(states)
        self._add_depots(states)
        numbers = self._add_types(states)
        for row in task_rows:
            self.builder.task(**row)
        for source in self.shipments:
            amount = source.amounts("amount", self.dimensions)
            pickup, delivery = source.object("pickup"), source.object("delivery")
            first, second = pickup.unsigned("id", most=None), delivery.unsigned("id", most=None)
            self.builder.shipment(f"shipment {first}-{second}", f"pickup {first}", f"delivery {second}", amount)
        self._add_task_hours(states)
        problem = self.builder.build()
        order = sorted(range(len(states)), key=lambda at: numbers[at])
        vehicles = tuple(states[at].vehicle for at in order)
        given = self._given(problem, states, numbers)
        return VroomProblem(problem, tuple(self.tasks), vehicles, self.offset_s, self._shows_distance(states), given)

    def _offset_s(self) -> int:
        """Move epoch times towards zero; times that fit the horizon stay as they are."""
        ends = [
            source for shipment in self.shipments for source in (shipment.object("pickup"), shipment.object("delivery"))
        ]
        windows = [w for source in (*self.jobs, *ends) for w in source.windows("time_windows")]
        windows += [w for source in self.vehicles if (w := source.window("time_window")) is not None]
        windows += [w for v in self.vehicles for rest in v.objects("breaks") for w in rest.windows("time_windows")]
        if not windows or max(open_s for open_s, _ in windows) < HORIZON_S // 2:
            return 0
        return max(0, min(open_s for open_s, _ in windows) - _LEAD_S)

    def _window(self, window: Window) -> Window:
        open_s, close_s = window
        return min(open_s - self.offset_s, HORIZON_S), min(close_s - self.offset_s, HORIZON_S)

    def _location(self, place: PlaceFields) -> int:
        """Give the matrix row of a place: its own index, or the next one for new coordinates."""
        if self.matrices:
            if place.index is None:
                raise place.error("location_index", "is needed together with matrices")
            if place.index >= self._matrix_size():
                raise place.error("location_index", f"is {place.index}, the matrices have {self._matrix_size()} rows")
            return place.index
        if place.index is not None:
            raise place.error("location_index", "is allowed only together with matrices")
        assert place.location is not None
        return self.indices.setdefault(place.location, len(self.indices))

    def _matrix_size(self) -> int:
        return len(next(iter(self.matrices.values()))["durations"])

    def _task_rows(self, kinds: set[str | None]) -> list[dict[str, Any]]:
        """Collect the arguments of every task; order: jobs, then both ends of each shipment."""
        _refuse_same_ids(self.jobs, "job")
        _refuse_same_ids([s.object("pickup") for s in self.shipments], "pickup")
        _refuse_same_ids([s.object("delivery") for s in self.shipments], "delivery")
        sources: list[tuple[TaskKind, Fields, Fields]] = [("job", job, job) for job in self.jobs]
        for shipment in self.shipments:
            sources.append(("pickup", shipment.object("pickup"), shipment))
            sources.append(("delivery", shipment.object("delivery"), shipment))
        priorities = {owner.unsigned("priority", 0, most=100) for _, _, owner in sources}
        return [self._task_row(kind, source, owner, kinds, len(priorities) > 1) for kind, source, owner in sources]

    def _task_row(
        self, kind: TaskKind, source: Fields, owner: Fields, kinds: set[str | None], ranked: bool
    ) -> dict[str, Any]:
        place = source.place()
        priority = owner.unsigned("priority", 0, most=100)
        setup_s, service_s = (_work_s(source, name, kinds) for name in ("setup", "service"))
        identity = source.unsigned("id", most=None)
        self.tasks.append(VroomTask(kind, identity, place, source.text("description"), setup_s, service_s, priority))
        windows = [self._window(window) for window in source.windows("time_windows")]
        row: dict[str, Any] = {
            "id": f"{kind} {identity}",
            "location": self._location(place),
            "setup_s": setup_s,
            "service_s": service_s,
            "skills": [str(skill) for skill in owner.numbers("skills")],
        }
        if windows:
            row["windows"] = windows
        if kind == "job":
            row |= self._job_amounts(source)
        if ranked:  # equal priorities order nothing: the number of tasks left out already comes first
            counts = kind != "delivery"
            row |= {"required": False, "priority": (priority + 1) * counts}
        return row

    def _job_amounts(self, source: Fields) -> dict[str, list[int]]:
        delivery = source.amounts("delivery", self.dimensions)
        pickup = source.amounts("pickup", self.dimensions)
        if not (source.has("delivery") or source.has("pickup")):
            delivery = source.amounts("amount", self.dimensions)
        return {"delivery": delivery, "pickup": pickup}

    def _vehicle(self, source: Fields, number: int) -> _VehicleState:
        start, end = source.place_at("start"), source.place_at("end")
        if start is None and end is None:
            raise source.error("start", "or end is needed")
        costs = source.object("costs") if source.has("costs") else Fields({}, f"{source.path}.costs")
        prices = {
            "fixed": costs.unsigned("fixed", 0),
            "per_hour": costs.unsigned("per_hour", 3600),
            "per_km": costs.unsigned("per_km", 0),
            "per_task_hour": costs.unsigned("per_task_hour", 0),
        }
        shift = source.window("time_window")
        fields: dict[str, Any] = {
            "capacity": source.amounts("capacity", self.dimensions),
            "fixed_cost": fen(prices["fixed"]),
            "cost_per_m": per_km(prices["per_km"]),
            "cost_per_driving_s": per_hour(prices["per_hour"]),
            "skills": tuple(str(skill) for skill in source.numbers("skills")),
            "max_tasks": source.limit("max_tasks"),
            "max_driving_s": source.limit("max_travel_time"),
            "max_distance_m": source.limit("max_distance"),
            "profile": (source.text("profile") or "car", _speed(source)),
            "start": None if start is None else self._location(start),
            "end": None if end is None else self._location(end),
            "breaks": tuple(self._break(rest) for rest in source.objects("breaks")),
        }
        if shift is not None:
            fields["shift_start_s"], fields["shift_end_s"] = self._window(shift)
        rests = source.objects("breaks")
        _refuse_same_ids(rests, "break")
        vehicle = VroomVehicle(
            source.unsigned("id", most=None),
            start,
            end,
            source.text("description"),
            tuple(rest.unsigned("id", most=None) for rest in rests),
            tuple(rest.text("description") for rest in rests),
        )
        return _VehicleState(fields, vehicle, source, source.text("type"), prices)

    def _break(self, source: Fields) -> Break:
        windows = source.windows("time_windows")
        if len(windows) > 1 or source.has("max_load"):
            name = "max_load" if source.has("max_load") else "time_windows"
            raise UnsupportedFieldError(f"{source.path}.{name}: a break has one window and no load limit here")
        earliest_s, latest_s = self._window(windows[0]) if windows else (0, HORIZON_S)
        return Break(str(source.unsigned("id", most=None)), earliest_s, latest_s, source.unsigned("service", 0))

    def _add_profiles(self, states: Sequence[_VehicleState]) -> None:
        """Add a matrix pair for each profile and speed, and a row for "nowhere" when a vehicle has no start."""
        nowhere = any(state.fields["start"] is None for state in states)
        self.nowhere = self._matrix_size() if self.matrices else len(self.indices)
        for state in states:
            name, speed = state.fields["profile"]
            key = f"{name} x{speed}"
            state.fields["profile"] = key
            if key in self.profiles:
                continue
            durations, distances = self._matrix_pair(name, state)
            if speed != 1:
                durations = np.where(durations >= UNREACHABLE, UNREACHABLE, np.floor(durations / speed + 0.5))
            if nowhere:
                durations, distances = _with_nowhere(durations), _with_nowhere(distances)
            self.profiles.append(key)
            self.builder.profile(key, distances, durations.astype(np.int64))

    def _matrix_pair(self, name: str, state: _VehicleState) -> tuple[NDArray[Any], NDArray[Any]]:
        """Give durations and distances of a profile; a cost matrix takes the place of unused distances."""
        if not self.matrices:
            if self.roads is None:
                raise VroomInputError(
                    "matrices: the document has coordinates only, and no road network was given",
                    field="matrices",
                    remedy="Send matrices, or plan in a region whose roads are loaded.",
                )
            durations, distances = self.roads(np.array(list(self.indices), dtype=np.float64), name)
            return _whole(durations), _whole(distances)
        given = self.matrices.get(name)
        if given is None and {name, *self.matrices} <= _ONE_PROFILE:
            given = next(iter(self.matrices.values()))
        if given is None:
            raise VroomInputError(f"matrices.{name}: is missing", field=f"matrices.{name}")
        if "costs" in given:
            return given["durations"], self._cost_matrix(name, given, state)
        return given["durations"], given.get("distances", np.zeros_like(given["durations"]))

    def _cost_matrix(self, name: str, given: Mapping[str, NDArray[Any]], state: _VehicleState) -> NDArray[Any]:
        users = [v for v in self.vehicles if (v.text("profile") or "car") == name]
        for source in users:
            costs = source.object("costs") if source.has("costs") else Fields({}, "")
            if costs.unsigned("per_hour", 3600) != 3600:
                raise source.error("costs.per_hour", "cannot be combined with a cost matrix")
            if costs.unsigned("per_km", 0) or source.has("max_distance"):
                raise UnsupportedFieldError(f"{source.path}: a cost matrix leaves no room for distances here")
        return given["costs"]

    def _add_depots(self, states: Sequence[_VehicleState]) -> None:
        places = {state.fields[name] for state in states for name in ("start", "end")}
        for place in sorted(place for place in places if place is not None):
            self.builder.depot(f"place {place}", place)
        if any(state.fields["start"] is None for state in states):
            self.builder.depot("nowhere", self.nowhere)

    def _add_types(self, states: Sequence[_VehicleState]) -> list[int]:
        """Add a vehicle type for each set of equal vehicles; return the vehicle number of each one."""
        members: dict[str, list[int]] = {}
        for at, state in enumerate(states):
            members.setdefault(repr((sorted(state.fields.items()), state.costs["per_task_hour"])), []).append(at)
        numbers = [0] * len(states)
        total = 0
        for kind, group in enumerate(members.values()):
            fields = dict(states[group[0]].fields)
            start, end = fields.pop("start"), fields.pop("end")
            self._use_cost_matrix(fields)
            self.builder.vehicle_type(
                f"kind {kind}",
                count=len(group),
                start_depot="nowhere" if start is None else f"place {start}",
                end_depot=None if end is None else f"place {end}",
                open_route=end is None,
                **fields,
            )
            for at in group:
                numbers[at] = total
                total += 1
            self.types.append((f"kind {kind}", group))
        return numbers

    def _use_cost_matrix(self, fields: dict[str, Any]) -> None:
        name = fields["profile"].rsplit(" x", 1)[0]
        if "costs" in self.matrices.get(name, {}):
            fields["cost_per_m"], fields["cost_per_driving_s"] = COST_UNITS, 0

    def _add_task_hours(self, states: Sequence[_VehicleState]) -> None:
        """Price the time of work; exact as long as no set-up depends on the stop before."""
        for name, group in self.types:
            price = states[group[0]].costs["per_task_hour"]
            if not price:
                continue
            if any(task.setup_s for task in self.tasks):
                path = f"{states[group[0]].source.path}.costs.per_task_hour"
                raise UnsupportedFieldError(f"{path}: cannot be combined with set-up times")
            for task in self.tasks:
                self.builder.task_price(name, f"{task.kind} {task.id}", per_hour(price) * task.service_s)

    def _shows_distance(self, states: Sequence[_VehicleState]) -> bool:
        given = any("distances" in matrices for matrices in self.matrices.values())
        return given or not self.matrices or any(state.costs["per_km"] for state in states)

    def _given(self, problem: Problem, states: Sequence[_VehicleState], numbers: Sequence[int]) -> Solution | None:
        """Read the plan in the vehicles' steps."""
        routes, served = [], set[int]()
        for state, number in zip(states, numbers, strict=True):
            tasks: list[int] = []
            breaks: list[tuple[int, int]] = []
            for step in state.source.objects("steps"):
                kind = step.text("type")
                if kind in ("job", "pickup", "delivery"):
                    tasks.append(_known_step(step, f"{kind} {step.unsigned('id', most=None)}", problem, served))
                elif kind == "break":
                    breaks.append((len(tasks), _break_step(step, state.vehicle)))
                elif kind not in ("start", "end"):
                    raise step.error("type", f"is {kind!r}")
            if tasks:
                kind_ = problem.vehicle_types[problem.type_of_vehicle[number]]
                trip = Trip(tuple(tasks), kind_.start_depot)
                routes.append(Route(number, (trip,), kind_.shift_start_s, tuple(breaks)))
        if not any(state.source.has("steps") for state in states):
            return None
        return Solution(tuple(routes), tuple(t for t in range(problem.task_count) if t not in served))


def _known_step(step: Fields, name: str, problem: Problem, served: set[int]) -> int:
    if name not in problem.task_index:
        raise step.error("id", f"names {name!r}, which does not exist")
    task = problem.task_index[name]
    if task in served:
        raise step.error("id", f"names {name!r} a second time")
    served.add(task)
    return task


def _break_step(step: Fields, vehicle: VroomVehicle) -> int:
    identity = step.unsigned("id", most=None)
    if identity not in vehicle.break_ids:
        raise step.error("id", f"names break {identity}, which vehicle {vehicle.id} does not have")
    return vehicle.break_ids.index(identity)


def _refuse_same_ids(sources: Sequence[Fields], what: str) -> None:
    seen: set[int] = set()
    for source in sources:
        identity = source.unsigned("id", most=None)
        if identity in seen:
            raise source.error("id", f"is {identity}, the id of another {what}")
        seen.add(identity)


def _work_s(source: Fields, name: str, kinds: set[str | None]) -> int:
    """Give set-up or service seconds; times per vehicle type are exact only where all vehicles agree."""
    default = source.unsigned(name, 0)
    per_type = source.times_by_type(f"{name}_per_type")
    values = {per_type.get(kind, default) if kind is not None else default for kind in kinds}
    if len(values) > 1:
        raise UnsupportedFieldError(f"{source.path}.{name}_per_type: differs between the vehicles of this problem")
    return values.pop()


def _speed(source: Fields) -> float:
    """Give the speed factor with the two decimals VROOM keeps."""
    speed = source.decimal("speed_factor", 1.0)
    if not 0 < speed <= 5:
        raise source.error("speed_factor", f"is {speed:g}, not above 0 and at most 5")
    return round(speed, 2) or 0.01


def _given_matrices(document: Fields) -> dict[str, dict[str, NDArray[Any]]]:
    """Read all matrices, checking that they are square and of one size."""
    if document.has("matrices"):
        by_profile = document.object("matrices")
        matrices = {}
        for profile in by_profile.names():
            entry = by_profile.object(profile)
            matrices[profile] = {
                name: entry.matrix(name) for name in ("durations", "distances", "costs") if entry.has(name)
            }
            if "durations" not in matrices[profile]:
                raise entry.error("durations", "is missing")
    elif document.has("matrix"):
        matrices = {"car": {"durations": document.matrix("matrix")}}
    else:
        return {}
    sizes = {len(matrix) for entry in matrices.values() for matrix in entry.values()}
    if len(sizes) > 1:
        raise VroomInputError("matrices: are not all of one size", field="matrices")
    with_distances = {("distances" in entry) for entry in matrices.values()}
    if len(with_distances) > 1:
        raise VroomInputError("matrices: distances are given for some profiles only", field="matrices")
    return matrices


def _whole(matrix: NDArray[Any]) -> NDArray[Any]:
    """Round a road engine's matrix to integers; infinity means there is no road."""
    rounded = np.where(np.isfinite(matrix), np.floor(np.asarray(matrix, dtype=np.float64) + 0.5), UNREACHABLE)
    return rounded.astype(np.int64)


def _with_nowhere(matrix: NDArray[Any]) -> NDArray[Any]:
    """Add a location from which every place is reached at once: the start of vehicles that have none."""
    size = len(matrix)
    wider = np.zeros((size + 1, size + 1), dtype=np.int64)
    wider[:size, :size] = matrix
    wider[:size, size] = UNREACHABLE
    return wider
