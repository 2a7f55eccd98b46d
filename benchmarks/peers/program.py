"""Runs one peer on one exchanged problem. Started by the peers' own interpreter, so it imports nothing of ours.

    python program.py FOLDER --solver pyvrp|vroom|ortools --seconds T --seed S [--clock cpu]

Prints one JSON line: ``{"routes": [{"type": k, "trips": [[depot, task, …], …]}, …], "wall_s", "cpu_s",
"iterations", "version"}``, or ``{"unsupported": "…"}`` when the peer cannot state the problem, or
``{"nothing": "…"}`` when it found no plan. Costs are not reported: the checker prices the routes.

How each peer is driven follows its authors' own benchmarks: PyVRP with a time limit and no display; VROOM with
exploration 5, one thread and the limit as timeout; OR-Tools with a savings start (cheapest insertion where there
are windows or pairs) and guided local search. Deliveries before collections (VRPB) is stated to PyVRP and VROOM by
prohibitive legs, as PyVRP's reader does it. Model building is outside the measured time for all.
"""

# No postponed annotations and no third-party typing here: this file must run in any interpreter that has the solver.
import argparse
import json
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = {"pyvrp": "pyvrp", "vroom": "pyvroom", "ortools": "ortools"}
FOREVER = 1_000_000_000
Routes = list[tuple[int, list[list[int]]]]


class CannotStateError(Exception):
    """The peer has no word for something in the problem."""


@dataclass
class Day:
    """The exchanged problem."""

    folder: Path
    text: dict[str, Any]
    clock: str = "wall"

    @classmethod
    def load(cls, folder: Path, clock: str) -> "Day":
        """Read the problem of a folder."""
        return cls(folder, json.loads((folder / "problem.json").read_text()), clock)

    def matrix(self, profile: int, name: str) -> Any:
        """Give one matrix of a profile, int64."""
        return np.load(self.folder / f"{name}_{profile}.npy").astype(np.int64)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """Give all tasks."""
        return list(self.text["tasks"])

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """Give all vehicle types."""
        return list(self.text["vehicle_types"])

    @property
    def factor(self) -> int:
        """Give what loads are multiplied by for PyVRP, whose penalties expect loads and costs on one scale."""
        return int(self.text["load_factor"])

    @property
    def timed(self) -> bool:
        """Tell whether any time matters."""
        return bool(self.text["timed"])

    def wall_only(self, solver: str) -> None:
        """Stop if processor time is to be measured."""
        if self.clock == "cpu":
            raise CannotStateError(f"{solver} can be limited by wall time only")

    def refuse(self, solver: str, *names: str) -> None:
        """Stop if the problem uses one of these features."""
        if used := [name for name in names if name in self.text["features"]]:
            raise CannotStateError(f"{solver} has no {', '.join(used)}")

    def legs(self, kind: dict[str, Any]) -> Any:
        """Give what a leg costs a vehicle type, with collections kept behind deliveries where that is a rule."""
        costs = kind["cost_per_m"] * self.matrix(kind["profile"], "distance")
        costs = costs + kind["cost_per_driving_s"] * self.matrix(kind["profile"], "duration")
        if self.text["backhaul"] == "mixed":
            return costs
        high = int(costs.max()) * (len(self.tasks) + 1) + 1
        line = [task["location"] for task in self.tasks if any(task["delivery"])]
        back = [task["location"] for task in self.tasks if any(task["pickup"])]
        costs[np.ix_(back, line)] = high
        if self.text["backhaul"] == "linehaul_required":
            costs[np.ix_([depot["location"] for depot in self.text["depots"]], back)] = high
        return costs


@dataclass
class Answer:
    """What a peer found, and how long its solve call took."""

    routes: Routes | None
    wall_s: float
    cpu_s: float
    iterations: int | None = None


class Clock:
    """Measures wall and processor seconds of one call."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self) -> tuple[float, float]:
        """Give wall and processor seconds since the start."""
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


def one_window(task: dict[str, Any], solver: str) -> tuple[int, int]:
    """Give the task's only window."""
    if len(task["windows"]) > 1:
        raise CannotStateError(f"{solver} has no several windows for one task")
    open_s, close_s = task["windows"][0]
    return int(open_s), int(close_s)


class ProcessorTime:
    """A stopping rule for PyVRP that counts processor seconds, for measurements on a machine others use too."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.began_s = seconds, -1.0

    def __call__(self, best_cost: int) -> bool:
        """Tell whether the time is used up; it begins with the first question, as PyVRP's own rule does."""
        if self.began_s < 0:
            self.began_s = time.process_time()
        return time.process_time() - self.began_s > self.seconds


def run_pyvrp(day: Day, seconds: float, seed: int) -> Answer:
    """Build PyVRP's model and solve it."""
    pyvrp, stop = import_module("pyvrp"), import_module("pyvrp.stop")
    day.refuse("PyVRP", "skills", "max_driving_s", "max_tasks", "soft windows", "breaks", "locks", "pairs of tasks",
               "prices beside the route", "set-up times", "working speeds", "open routes",
               "overtime", "several trips to other depots")  # fmt: skip
    paired = {end for shipment in day.text["shipments"] for end in (shipment["pickup"], shipment["delivery"])}
    group_of = {task: g for g, group in enumerate(day.text["alternatives"]) for task in group["tasks"]}
    single = [task for task in range(len(day.tasks)) if task not in paired]
    clients = [
        _pyvrp_client(pyvrp, day.tasks[task], group_of.get(task), day.text["release"], day.factor) for task in single
    ]
    groups = [
        pyvrp.ClientGroup([single.index(task) for task in group["tasks"]], required=group["required"])
        for group in day.text["alternatives"]
    ]
    prices = sorted({(kind["profile"], kind["cost_per_m"], kind["cost_per_driving_s"]) for kind in day.kinds})
    # A plain price per metre stays a price; anything else is folded into the legs.
    plain = day.text["backhaul"] == "mixed" and not any(price[2] for price in prices)
    profiles: list[Any] = sorted({price[0] for price in prices}) if plain else prices
    if plain:
        matrices = [(day.matrix(p, "distance"), day.matrix(p, "duration")) for p in profiles]
    else:
        priced = ({"profile": p, "cost_per_m": m, "cost_per_driving_s": s} for p, m, s in prices)
        matrices = [(day.legs(price), day.matrix(price["profile"], "duration")) for price in priced]
    data = pyvrp.ProblemData(
        [pyvrp.Location(float(x), float(y)) for x, y in day.text["coordinates"]],
        clients,
        [pyvrp.Depot(d["location"], d["open_s"], d["close_s"], d["reload_s"]) for d in day.text["depots"]],
        [_pyvrp_kind(pyvrp, day, kind, profiles, plain) for kind in day.kinds],
        [distance for distance, _ in matrices],
        [duration for _, duration in matrices],
        groups,
        [_pyvrp_shipment(pyvrp, day, shipment) for shipment in day.text["shipments"]],
    )
    rule = ProcessorTime(seconds) if day.clock == "cpu" else stop.MaxRuntime(seconds)
    clock = Clock()
    result = pyvrp.solve(data, rule, seed=seed, collect_stats=False, display=False)
    wall_s, cpu_s = clock.stop()
    return Answer(_pyvrp_routes(day, result.best, single), wall_s, cpu_s, result.num_iterations)


def _scaled(amounts: list[int], factor: int) -> list[int]:
    return [factor * amount for amount in amounts]


def _pyvrp_client(pyvrp: Any, task: dict[str, Any], group: int | None, released: bool, factor: int) -> Any:
    open_s, close_s = one_window(task, "PyVRP")
    return pyvrp.Client(
        task["location"], _scaled(task["delivery"], factor), _scaled(task["pickup"], factor), task["service_s"],
        open_s, close_s, task["release_s"] if released else 0, task["prize"], task["required"] and group is None, group,
    )  # fmt: skip


def _pyvrp_shipment(pyvrp: Any, day: Day, shipment: dict[str, Any]) -> Any:
    pickup, delivery = day.tasks[shipment["pickup"]], day.tasks[shipment["delivery"]]
    return pyvrp.Shipment(
        pickup["location"], delivery["location"], *one_window(pickup, "PyVRP"), pickup["service_s"],
        *one_window(delivery, "PyVRP"), delivery["service_s"], _scaled(shipment["amount"], day.factor),
        pickup["prize"] + delivery["prize"], pickup["required"],
    )  # fmt: skip


def _pyvrp_kind(pyvrp: Any, day: Day, kind: dict[str, Any], profiles: list[Any], plain: bool) -> Any:
    if kind["max_distance_m"] is not None and not plain:
        raise CannotStateError("PyVRP has no limit of distance beside legs priced by time")
    price = (kind["profile"], kind["cost_per_m"], kind["cost_per_driving_s"])
    limits: dict[str, Any] = {}
    if kind["max_duration_s"] is not None:
        limits["shift_duration"] = kind["max_duration_s"]
    if kind["max_distance_m"] is not None:
        limits["max_distance"] = kind["max_distance_m"]
    if kind["reload_depots"]:
        limits |= {"reload_depots": kind["reload_depots"], "max_reloads": kind["max_trips"] - 1}
    return pyvrp.VehicleType(
        num_available=kind["count"],
        capacity=_scaled(kind["capacity"], day.factor),
        start_depot=kind["start_depot"],
        end_depot=kind["end_depot"],
        fixed_cost=kind["fixed_cost"],
        tw_early=kind["shift_start_s"],
        tw_late=kind["shift_end_s"],
        unit_distance_cost=kind["cost_per_m"] if plain else 1,
        unit_duration_cost=kind["cost_per_s"],
        profile=profiles.index(kind["profile"] if plain else price),
        **limits,
    )


def _pyvrp_routes(day: Day, best: Any, single: list[int]) -> Routes | None:
    if not best.is_feasible():
        return None
    routes: Routes = []
    for route in best.routes():
        trips: list[list[int]] = []
        for activity in route.schedule():
            if activity.is_depot():
                trips.append([activity.idx])
            elif activity.is_client():
                trips[-1].append(single[activity.idx])
            else:
                end = "pickup" if activity.is_pickup() else "delivery"
                trips[-1].append(day.text["shipments"][activity.idx][end])
        routes.append((route.vehicle_type(), [trip for trip in trips if len(trip) > 1]))
    return [route for route in routes if route[1]]


def run_vroom(day: Day, seconds: float, seed: int) -> Answer:
    """Build VROOM's model and solve it; it has no seed."""
    day.wall_only("VROOM")
    vroom = import_module("vroom")
    day.refuse("VROOM", "release times", "several trips", "alternatives", "optional tasks", "max_duration_s",
               "price of duration", "soft windows", "locks", "pairs of tasks", "prices beside the route",
               "working speeds", "overtime", "max_distance_m")  # fmt: skip
    model = vroom.Input()
    owner: list[int] = []
    names = [f"type {number}" for number in range(len(day.kinds))]
    unit = _vroom_unit(day)
    for name, kind in zip(names, day.kinds, strict=True):
        model.set_durations_matrix(name, day.matrix(kind["profile"], "duration").astype(np.uint32))
        model.set_costs_matrix(name, np.minimum(day.legs(kind) // unit, 2**31).astype(np.uint32))
    for number, kind in enumerate(day.kinds):
        for _ in range(min(kind["count"], day.text["enough_vehicles"])):
            model.add_vehicle(_vroom_vehicle(vroom, day, kind, names[number], len(owner), unit))
            owner.append(number)
    paired = {end for shipment in day.text["shipments"] for end in (shipment["pickup"], shipment["delivery"])}
    for task, it in enumerate(day.tasks):
        if task not in paired:
            amounts = {"delivery": vroom.Amount(it["delivery"]), "pickup": vroom.Amount(it["pickup"])}
            model.add_job(vroom.Job(**_vroom_step(vroom, day, task), **amounts, skills=set(it["skill_numbers"])))
    for shipment in day.text["shipments"]:
        first, second = (_vroom_step(vroom, day, shipment[end]) for end in ("pickup", "delivery"))
        model.add_job(
            vroom.Shipment(vroom.ShipmentStep(**first), vroom.ShipmentStep(**second), vroom.Amount(shipment["amount"]))
        )
    clock = Clock()
    plan = model.solve(exploration_level=5, nb_threads=1, timeout=timedelta(seconds=seconds))
    wall_s, cpu_s = clock.stop()
    routes: Routes = []
    for route in plan.to_dict()["routes"]:
        tasks = [step["id"] for step in route["steps"] if step["type"] in ("job", "pickup", "delivery")]
        kind_number = owner[route["vehicle"]]
        if tasks:
            routes.append((kind_number, [[day.kinds[kind_number]["start_depot"], *tasks]]))
    return Answer(routes, wall_s, cpu_s)


def _vroom_unit(day: Day) -> int:
    """Divide all costs so that any plan's cost fits 31 bits, as VROOM demands; 1 wherever it fits as it is."""
    vehicles = sum(min(kind["count"], int(day.text["enough_vehicles"])) for kind in day.kinds)
    dearest = max(int(day.legs(kind).max()) + int(kind["fixed_cost"]) for kind in day.kinds)
    total: int = 2 * (len(day.tasks) + vehicles) * dearest
    return max(1, -(-total // 2**31))


def _vroom_vehicle(vroom: Any, day: Day, kind: dict[str, Any], profile: str, number: int, unit: int) -> Any:
    depots = day.text["depots"]
    start = depots[kind["start_depot"]]
    fields: dict[str, Any] = {}
    if kind["end_depot"] is not None:
        fields["end"] = depots[kind["end_depot"]]["location"]
    if day.timed:
        close_s = min(kind["shift_end_s"], start["close_s"])
        fields["time_window"] = vroom.TimeWindow(max(kind["shift_start_s"], start["open_s"]), close_s)
    if kind["max_tasks"] is not None:
        fields["max_tasks"] = kind["max_tasks"]
    if kind["max_driving_s"] is not None:
        fields["max_travel_time"] = kind["max_driving_s"]
    if kind["fixed_cost"]:
        fields["costs"] = vroom.VehicleCosts(fixed=kind["fixed_cost"] // unit)
    return vroom.Vehicle(
        number,
        start=start["location"],
        capacity=kind["capacity"],
        skills=set(kind["skill_numbers"]),
        profile=profile,
        **fields,
    )


def _vroom_step(vroom: Any, day: Day, task: int) -> dict[str, Any]:
    it = day.tasks[task]
    step: dict[str, Any] = {"id": task, "location": it["location"], "default_service": it["service_s"]}
    step["default_setup"] = it["setup_s"]
    if day.timed:
        step["time_windows"] = [vroom.TimeWindow(open_s, close_s) for open_s, close_s in it["windows"]]
    return step


def run_ortools(day: Day, seconds: float, seed: int) -> Answer:
    """Build OR-Tools' routing model and solve it; the seed hardly changes anything."""
    day.wall_only("OR-Tools")
    pywrapcp = import_module("ortools.constraint_solver.pywrapcp")
    enums = import_module("ortools.constraint_solver.routing_enums_pb2")
    day.refuse("our OR-Tools model", "several trips", "breaks", "locks", "pairs of tasks", "soft windows",
               "set-up times", "prices beside the route", "overtime", "skills", "max_tasks",
               "working speeds")  # fmt: skip
    vehicles = [k for k, kind in enumerate(day.kinds) for _ in range(min(kind["count"], day.text["enough_vehicles"]))]
    # Nodes are tasks first, then the depots that are used; the last one is nowhere, the end of open routes. A node
    # that is neither a start nor an end would have to be visited, so there are no others.
    used = sorted({depot for k in vehicles for depot in (day.kinds[k]["start_depot"], day.kinds[k]["end_depot"])
                   if depot is not None})  # fmt: skip
    nodes = [task["location"] for task in day.tasks] + [day.text["depots"][depot]["location"] for depot in used]
    node_of = {depot: len(day.tasks) + at for at, depot in enumerate(used)} | {None: len(nodes)}
    opens = any(day.kinds[k]["end_depot"] is None for k in vehicles)
    starts = [node_of[day.kinds[k]["start_depot"]] for k in vehicles]
    ends = [node_of[day.kinds[k]["end_depot"]] for k in vehicles]
    manager = pywrapcp.RoutingIndexManager(len(nodes) + opens, len(vehicles), starts, ends)
    routing = pywrapcp.RoutingModel(manager)
    _ortools_costs(day, routing, vehicles, nodes)
    _ortools_loads(day, routing, vehicles, len(nodes) + 1 - len(day.tasks))
    timed = day.timed or "price of duration" in day.text["features"]
    if timed:
        _ortools_times(day, manager, routing, vehicles, nodes)
    if "max_distance_m" in day.text["features"] or "max_driving_s" in day.text["features"]:
        _ortools_limits(day, routing, vehicles, nodes)
    _ortools_choices(day, manager, routing, timed)
    search = pywrapcp.DefaultRoutingSearchParameters()
    first = enums.FirstSolutionStrategy
    search.first_solution_strategy = first.PARALLEL_CHEAPEST_INSERTION if timed else first.SAVINGS
    search.local_search_metaheuristic = enums.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.seconds, search.time_limit.nanos = int(seconds), int(seconds % 1 * 1e9)
    routing.solver().ReSeed(seed)
    routing.CloseModelWithParameters(search)
    clock = Clock()
    plan = routing.SolveWithParameters(search)
    wall_s, cpu_s = clock.stop()
    if plan is None:
        return Answer(None, wall_s, cpu_s)
    routes: Routes = []
    for v, k in enumerate(vehicles):
        tasks, at = [], plan.Value(routing.NextVar(routing.Start(v)))
        while not routing.IsEnd(at):
            tasks.append(manager.IndexToNode(at))
            at = plan.Value(routing.NextVar(at))
        if tasks:
            routes.append((k, [[day.kinds[k]["start_depot"], *tasks]]))
    return Answer(routes, wall_s, cpu_s)


def _wide(matrix: Any, nodes: list[int]) -> list[list[int]]:
    """Bring a location matrix to nodes, with a last node that is nowhere: free to reach."""
    wide = np.zeros((len(nodes) + 1, len(nodes) + 1), dtype=np.int64)
    wide[:-1, :-1] = matrix[np.ix_(nodes, nodes)]
    rows: list[list[int]] = wide.tolist()
    return rows


def _ortools_costs(day: Day, routing: Any, vehicles: list[int], nodes: list[int]) -> None:
    evaluators = [routing.RegisterTransitMatrix(_wide(day.legs(kind), nodes)) for kind in day.kinds]
    for v, k in enumerate(vehicles):
        routing.SetArcCostEvaluatorOfVehicle(evaluators[k], v)
        routing.SetFixedCostOfVehicle(day.kinds[k]["fixed_cost"], v)


def _ortools_loads(day: Day, routing: Any, vehicles: list[int], other_nodes: int) -> None:
    """State loads as one sum for deliveries, one for collections and one that rises and falls for shipments."""
    extra = [0] * other_nodes
    mixed = any(any(task["pickup"]) for task in day.tasks) and any(any(task["delivery"]) for task in day.tasks)
    if mixed and day.text["backhaul"] == "mixed":
        raise CannotStateError("our OR-Tools model has no deliveries and collections mixed on one tour")
    for d in range(len(day.text["dimensions"])):
        capacities = [day.kinds[k]["capacity"][d] for k in vehicles]
        shipped = [0] * len(day.tasks)
        for shipment in day.text["shipments"]:
            shipped[shipment["pickup"]], shipped[shipment["delivery"]] = shipment["amount"][d], -shipment["amount"][d]
        for name, change in (
            (f"delivery {d}", [task["delivery"][d] for task in day.tasks]),
            (f"pickup {d}", [task["pickup"][d] for task in day.tasks]),
            (f"shipment {d}", shipped),
        ):
            if any(change):
                callback = routing.RegisterUnaryTransitVector([*change, *extra])
                routing.AddDimensionWithVehicleCapacity(callback, 0, capacities, True, name)


def _ortools_times(day: Day, manager: Any, routing: Any, vehicles: list[int], nodes: list[int]) -> None:
    work = np.zeros(len(nodes) + 1, dtype=np.int64)
    work[: len(day.tasks)] = [task["service_s"] for task in day.tasks]
    spends = []
    for kind in day.kinds:
        travel = np.array(_wide(day.matrix(kind["profile"], "duration"), nodes))
        spends.append(routing.RegisterTransitMatrix((travel + work[:, None]).tolist()))
    horizon = max(min(kind["shift_end_s"], FOREVER) for kind in day.kinds)
    routing.AddDimensionWithVehicleTransits([spends[k] for k in vehicles], horizon, horizon, False, "time")
    clock = routing.GetDimensionOrDie("time")
    for task, it in enumerate(day.tasks):
        windows = it["windows"]
        variable = clock.CumulVar(manager.NodeToIndex(task))
        variable.SetRange(windows[0][0], min(windows[-1][1], horizon))
        for (_, close_s), (open_s, _) in zip(windows, windows[1:]):  # noqa: B905, RUF007 - runs on older Pythons too
            variable.RemoveInterval(close_s + 1, open_s - 1)
        if it["release_s"]:
            raise CannotStateError("our OR-Tools model has no release times")
    for v, k in enumerate(vehicles):
        kind, depot = day.kinds[k], day.text["depots"][day.kinds[k]["start_depot"]]
        early, late = max(kind["shift_start_s"], depot["open_s"]), min(kind["shift_end_s"], horizon)
        clock.CumulVar(routing.Start(v)).SetRange(early, min(late, depot["close_s"]))
        clock.CumulVar(routing.End(v)).SetRange(early, late)
        if kind["max_duration_s"] is not None:
            clock.SetSpanUpperBoundForVehicle(kind["max_duration_s"], v)
        if kind["cost_per_s"]:
            clock.SetSpanCostCoefficientForVehicle(kind["cost_per_s"], v)


def _ortools_limits(day: Day, routing: Any, vehicles: list[int], nodes: list[int]) -> None:
    for limit, matrix in (("max_distance_m", "distance"), ("max_driving_s", "duration")):
        limits = [FOREVER if day.kinds[k][limit] is None else day.kinds[k][limit] for k in vehicles]
        legs = [routing.RegisterTransitMatrix(_wide(day.matrix(k["profile"], matrix), nodes)) for k in day.kinds]
        if any(most < FOREVER for most in limits):
            routing.AddDimensionWithVehicleTransitAndCapacity([legs[k] for k in vehicles], 0, limits, True, limit)


def _ortools_choices(day: Day, manager: Any, routing: Any, timed: bool) -> None:
    in_group = {task for group in day.text["alternatives"] for task in group["tasks"]}
    for task, it in enumerate(day.tasks):
        if not it["required"] and task not in in_group:
            routing.AddDisjunction([manager.NodeToIndex(task)], it["prize"])
    for group in day.text["alternatives"]:
        members = [manager.NodeToIndex(task) for task in group["tasks"]]
        if group["required"]:
            routing.AddDisjunction(members)
        else:
            routing.AddDisjunction(members, group["prize"])
    for shipment in day.text["shipments"]:
        first, second = manager.NodeToIndex(shipment["pickup"]), manager.NodeToIndex(shipment["delivery"])
        routing.AddPickupAndDelivery(first, second)
        routing.solver().Add(routing.VehicleVar(first) == routing.VehicleVar(second))
        if timed:
            clock = routing.GetDimensionOrDie("time")
            routing.solver().Add(clock.CumulVar(first) <= clock.CumulVar(second))


RUN = {"pyvrp": run_pyvrp, "vroom": run_vroom, "ortools": run_ortools}


def main() -> int:
    """Run the peer named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--solver", required=True, choices=sorted(RUN))
    parser.add_argument("--seconds", required=True, type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options = parser.parse_args()
    day = Day.load(options.folder, options.clock)
    line: dict[str, Any] = {"version": version(PACKAGES[options.solver])}
    try:
        answer = RUN[options.solver](day, options.seconds, options.seed)
    except CannotStateError as error:
        print(json.dumps(line | {"unsupported": str(error)}))
        return 0
    line |= {"wall_s": answer.wall_s, "cpu_s": answer.cpu_s, "iterations": answer.iterations}
    if answer.routes is None:
        print(json.dumps(line | {"nothing": "no feasible plan"}))
    else:
        print(json.dumps(line | {"routes": [{"type": k, "trips": trips} for k, trips in answer.routes]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
