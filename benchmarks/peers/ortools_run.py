"""Gives a saved problem to OR-Tools' routing library and writes its routes as JSON.

Run as ``PEERS_PYTHON -m benchmarks.peers.ortools_run PROBLEM.npz SECONDS SEED OUT.json``. Same translation
as for PyVRP; parallel cheapest insertion and guided local search, as its guides advise. OR-Tools has no seed.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.pyvrp_run import cost_divisor, refuse_what_is_not_translated
from routing.problem import HORIZON_S, UNREACHABLE, Problem, VehicleType
from routing.problem_io import load_problem


class Translation:
    """OR-Tools' model of a problem: node i is task i, depots follow."""

    def __init__(self, problem: Problem) -> None:
        pywrapcp = import_module("ortools.constraint_solver.pywrapcp")
        self.problem = problem
        self.unit = cost_divisor(problem)
        self.kinds = [problem.vehicle_types[kind] for kind in problem.type_of_vehicle]
        self.places = [task.location for task in problem.tasks] + [depot.location for depot in problem.depots]
        first_depot = problem.task_count
        starts = [first_depot + kind.start_depot for kind in self.kinds]
        ends = [first_depot + int(kind.end_depot or 0) for kind in self.kinds]
        self.manager = pywrapcp.RoutingIndexManager(len(self.places), len(self.kinds), starts, ends)
        self.routing = pywrapcp.RoutingModel(self.manager)
        self._costs()
        self._time()
        for dimension in range(len(problem.dimensions)):
            self._load(dimension)
        self._limits()
        self._optional()

    def _by_type(self, make: Any) -> list[int]:
        """Register one transit matrix per vehicle type and return one per vehicle."""
        known: dict[VehicleType, int] = {}
        for kind in self.kinds:
            if kind not in known:
                known[kind] = self.routing.RegisterTransitMatrix(make(kind).tolist())
        return [known[kind] for kind in self.kinds]

    def _legs(self, kind: VehicleType, name: str) -> Any:
        matrix = getattr(self.problem.profiles[kind.profile], name)[np.ix_(self.places, self.places)].astype(np.int64)
        return np.where(matrix >= UNREACHABLE, 4 * HORIZON_S, matrix)

    def _costs(self) -> None:
        priced = self._by_type(lambda kind: self._legs(kind, "distance_m") * (kind.cost_per_m // self.unit))
        for vehicle, index in enumerate(priced):
            self.routing.SetArcCostEvaluatorOfVehicle(index, vehicle)
            self.routing.SetFixedCostOfVehicle(self.kinds[vehicle].fixed_cost // self.unit, vehicle)

    def _time(self) -> None:
        work = np.array(
            [self.problem.service_s(0, task, None) for task in range(self.problem.task_count)]
            + [0] * len(self.problem.depots)
        )
        transits = self._by_type(lambda kind: self._legs(kind, "duration_s") + work[:, None])
        latest = max(kind.shift_end_s for kind in self.kinds)
        latest = min(latest, max(depot.close_s for depot in self.problem.depots))
        self.routing.AddDimensionWithVehicleTransits(transits, latest, latest, False, "time")
        clock = self.routing.GetDimensionOrDie("time")
        for task, it in enumerate(self.problem.tasks):
            clock.CumulVar(self.manager.NodeToIndex(task)).SetRange(it.windows[0][0], min(it.windows[-1][1], latest))
        for vehicle, kind in enumerate(self.kinds):
            start, end = self.problem.depots[kind.start_depot], self.problem.depots[int(kind.end_depot or 0)]
            low, high = max(kind.shift_start_s, start.open_s), min(kind.shift_end_s, start.close_s, latest)
            clock.CumulVar(self.routing.Start(vehicle)).SetRange(low, high)
            high = min(kind.shift_end_s, end.close_s, latest)
            clock.CumulVar(self.routing.End(vehicle)).SetRange(max(kind.shift_start_s, end.open_s), high)
            clock.SetSpanCostCoefficientForVehicle(kind.cost_per_s // self.unit, vehicle)
            if kind.max_duration_s is not None:
                clock.SetSpanUpperBoundForVehicle(kind.max_duration_s, vehicle)
            self.routing.AddVariableMinimizedByFinalizer(clock.CumulVar(self.routing.End(vehicle)))
            self.routing.AddVariableMaximizedByFinalizer(clock.CumulVar(self.routing.Start(vehicle)))

    def _load(self, dimension: int) -> None:
        depots = [0] * len(self.problem.depots)
        delivered = [task.delivery[dimension] for task in self.problem.tasks] + depots
        picked = [task.pickup[dimension] for task in self.problem.tasks] + depots
        room = [kind.capacity[dimension] for kind in self.kinds]
        change = [p - d for p, d in zip(picked, delivered, strict=True)]
        name = f"load {dimension}"
        if not any(picked):
            index = self.routing.RegisterUnaryTransitVector(delivered)
            self.routing.AddDimensionWithVehicleCapacity(index, 0, room, True, name)
            return
        # What is on board at the start is all that will be delivered: load and pickups end up equal.
        index = self.routing.RegisterUnaryTransitVector(change)
        self.routing.AddDimensionWithVehicleCapacity(index, 0, room, False, name)
        index = self.routing.RegisterUnaryTransitVector(picked)
        self.routing.AddDimensionWithVehicleCapacity(index, 0, room, True, f"picked {dimension}")
        on_board = self.routing.GetDimensionOrDie(name)
        taken = self.routing.GetDimensionOrDie(f"picked {dimension}")
        for vehicle in range(len(self.kinds)):
            end = self.routing.End(vehicle)
            self.routing.solver().Add(on_board.CumulVar(end) == taken.CumulVar(end))

    def _limits(self) -> None:
        if any(kind.max_tasks is not None for kind in self.kinds):
            index = self.routing.RegisterUnaryTransitVector(
                [1] * self.problem.task_count + [0] * len(self.problem.depots)
            )
            most = [self.problem.task_count if k.max_tasks is None else k.max_tasks for k in self.kinds]
            self.routing.AddDimensionWithVehicleCapacity(index, 0, most, True, "tasks")
        if any(kind.max_distance_m is not None for kind in self.kinds):
            far = [4 * HORIZON_S if k.max_distance_m is None else k.max_distance_m for k in self.kinds]
            transits = self._by_type(lambda kind: self._legs(kind, "distance_m"))
            self.routing.AddDimensionWithVehicleTransitAndCapacity(transits, 0, far, True, "distance")

    def _optional(self) -> None:
        for task, it in enumerate(self.problem.tasks):
            index = self.manager.NodeToIndex(task)
            if not it.required:
                price = it.prize + it.priority * self.problem.priority_price
                self.routing.AddDisjunction([index], price // self.unit)
            vehicles = [
                vehicle
                for vehicle, kind in enumerate(self.kinds)
                if it.skills <= kind.skills and task not in kind.forbidden_tasks
            ]
            if len(vehicles) < len(self.kinds):
                self.routing.SetAllowedVehiclesForIndex(vehicles, index)

    def solve(self, seconds: float) -> list[dict[str, Any]] | None:
        """Search; None if no solution was found."""
        pywrapcp = import_module("ortools.constraint_solver.pywrapcp")
        routing_enums_pb2 = import_module("ortools.constraint_solver.routing_enums_pb2")
        search = pywrapcp.DefaultRoutingSearchParameters()
        search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        search.time_limit.seconds, search.time_limit.nanos = int(seconds), int(seconds % 1 * 1e9)
        plan = self.routing.SolveWithParameters(search)
        if plan is None:
            return None
        routes = []
        for vehicle in range(len(self.kinds)):
            tasks, index = [], plan.Value(self.routing.NextVar(self.routing.Start(vehicle)))
            while not self.routing.IsEnd(index):
                tasks.append(self.manager.IndexToNode(index))
                index = plan.Value(self.routing.NextVar(index))
            if tasks:
                routes.append({"type": self.problem.type_of_vehicle[vehicle], "tasks": tasks})
        return routes


def main() -> None:
    """Solve and write the outcome."""
    path, seconds, out = Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[4])
    problem = load_problem(path)
    refuse_what_is_not_translated(problem)
    model = Translation(problem)
    began, cpu = time.perf_counter(), time.process_time()
    routes = model.solve(seconds)
    took, used = time.perf_counter() - began, time.process_time() - cpu
    out.write_text(json.dumps({"routes": routes, "seconds": took, "cpu_s": used, "iterations": None}))


if __name__ == "__main__":
    main()
