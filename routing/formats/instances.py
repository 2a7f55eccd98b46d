"""Turn a benchmark instance into a Problem under a rounding convention, and routes of its files into plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from routing.builder import ProblemBuilder
from routing.departure import depart_late
from routing.formats.errors import PlanFileError, ProblemFileError
from routing.formats.plane import PlaneInstance, PlaneVehicle, Rounding
from routing.formats.plans import PlanFile
from routing.problem import HORIZON_S, Backhaul, Problem
from routing.solution import Route, Solution, Trip


@dataclass(frozen=True)
class BenchmarkProblem:
    """A benchmark instance together with the problem made of it.

    Attributes
    ----------
    rounding
        The convention the problem's integers were made with; costs are in its units (times the unit
        distance cost where vehicles have one of their own).
    vehicle_of_row
        The problem's vehicle number of each vehicle of the file.
    """

    instance: PlaneInstance
    problem: Problem
    rounding: Rounding
    vehicle_of_row: tuple[int, ...]

    def task_of_node(self, node: int) -> int:
        """Give the task of a node number as solution files use it (from 0, depots first).

        Raises
        ------
        PlanFileError
            If there is no such customer.
        """
        try:
            return self.problem.task_index[str(node)]
        except KeyError:
            raise PlanFileError(f"{self.instance.name}: there is no customer {node}") from None

    def solution(self, plan: PlanFile) -> Solution:
        """Make a plan of a solution file's routes.

        Route k goes to vehicle k of the file (empty routes are passed over); a depot within a route is a
        reload. Each route departs as late as it can without ending later.

        Raises
        ------
        PlanFileError
            If a route names a node that does not exist, or there are more routes than vehicles.
        """
        routes = []
        for row, nodes in enumerate(plan.routes):
            if not nodes:
                continue
            vehicle = row if not self.instance.fleet_is_limited else self._vehicle(row)
            trips = self._trips(vehicle, nodes)
            routes.append(depart_late(self.problem, Route(vehicle, trips)))
        served = {task for route in routes for task in route.tasks}
        return Solution(tuple(routes), tuple(t for t in range(self.problem.task_count) if t not in served))

    def plan_routes(self, solution: Solution) -> list[list[int]]:
        """Write a plan as node lists, one per vehicle row of the file when the fleet is limited.

        The reverse of :meth:`solution`: what this returns can be written as a ``.sol`` file.
        """
        by_vehicle = {route.vehicle: self._nodes(route) for route in solution.routes}
        if not self.instance.fleet_is_limited:
            return [by_vehicle[vehicle] for vehicle in sorted(by_vehicle)]
        rows = [by_vehicle.get(vehicle, []) for vehicle in self.vehicle_of_row]
        if len(self.problem.vehicle_types) == 1:  # rows are alike: no need to keep the empty ones
            return [row for row in rows if row]
        return rows

    def _nodes(self, route: Route) -> list[int]:
        nodes: list[int] = []
        for number, trip in enumerate(route.trips):
            if number:
                nodes.append(self.problem.depots[trip.depot].location)
            nodes += [self.problem.tasks[task].location for task in trip.tasks]
        return nodes

    def _vehicle(self, row: int) -> int:
        if row >= len(self.vehicle_of_row):
            raise PlanFileError(f"{self.instance.name}: route {row + 1}, but only {len(self.vehicle_of_row)} vehicles")
        return self.vehicle_of_row[row]

    def _trips(self, vehicle: int, nodes: Sequence[int]) -> tuple[Trip, ...]:
        depots = {node: index for index, node in enumerate(self.instance.depots)}
        trips: list[tuple[int, list[int]]] = [
            (self.problem.vehicle_types[self.problem.type_of_vehicle[vehicle]].start_depot, [])
        ]
        for node in nodes:
            if node in depots:
                trips.append((depots[node], []))
            else:
                trips[-1][1].append(self.task_of_node(node))
        # Some files write a depot twice in a row, or a depot at an end: a trip without tasks is none.
        return tuple(Trip(tuple(tasks), depot) for depot, tasks in trips if tasks)


def make_problem(instance: PlaneInstance, rounding: Rounding | None = None) -> BenchmarkProblem:
    """Make the problem an instance means.

    Parameters
    ----------
    rounding
        The family's usual convention when omitted (:meth:`PlaneInstance.usual_rounding`).

    Notes
    -----
    Objective: distance times each vehicle's unit distance cost, plus fixed costs, plus prizes not collected;
    never the number of vehicles. Tasks carry the node number of solution files as id. Prizes and fixed costs
    are scaled like distances. Without windows or a duration limit, driving takes no time.

    Raises
    ------
    ProblemFileError
        If a depot is given as a customer or a demand does not fit any vehicle type's sense.
    """
    rounding = rounding or instance.usual_rounding()
    builder = ProblemBuilder(("load",))
    exact = instance.exact_distances()
    timed = bool(instance.windows) or any(vehicle.max_duration is not None for vehicle in instance.vehicles)
    builder.profile("road", rounding.distances(exact), rounding.travel_times(exact) if timed else None)
    if len(instance.xy):
        builder.coordinates(instance.xy)
    for depot in instance.depots:
        open_s, close_s = _window(instance, depot, rounding)
        builder.depot(str(depot), depot, open_s=open_s, close_s=close_s)
    kinds = _add_vehicles(builder, instance, rounding)
    _add_tasks(builder, instance, rounding)
    if instance.backhaul_last:
        builder.backhaul(Backhaul.LINEHAUL_REQUIRED)
    problem = builder.build()
    return BenchmarkProblem(instance, problem, rounding, _vehicle_of_row(instance, kinds, problem))


def _window(instance: PlaneInstance, node: int, rounding: Rounding) -> tuple[int, int]:
    if not instance.windows:
        return 0, HORIZON_S
    open_, close = instance.windows[node]
    return rounding.number(open_), rounding.number(close)


def _add_vehicles(builder: ProblemBuilder, instance: PlaneInstance, rounding: Rounding) -> dict[PlaneVehicle, int]:
    """Add one vehicle type for each kind of vehicle row, in the order of their first rows."""
    kinds: dict[PlaneVehicle, int] = {}
    for vehicle in instance.vehicles:
        kinds[vehicle] = kinds.get(vehicle, 0) + 1
    customers = max(1, len(instance.customers))
    for number, (vehicle, count) in enumerate(kinds.items()):
        if vehicle.depot not in instance.depots:
            raise ProblemFileError(f"{instance.name}: a vehicle starts at node {vehicle.depot}, which is no depot")
        open_s, close_s = _window(instance, vehicle.depot, rounding)
        builder.vehicle_type(
            f"kind {number + 1}",
            # A fleet without limit is one vehicle per customer; more could never be used.
            count=count if instance.fleet_is_limited else customers,
            capacity=vehicle.capacity,
            start_depot=str(vehicle.depot),
            end_depot=str(vehicle.depot),
            reload_depots=tuple(str(depot) for depot in vehicle.reloads),
            max_trips=customers if vehicle.reloads else 1,
            shift_start_s=open_s,
            shift_end_s=close_s,
            max_duration_s=None if vehicle.max_duration is None else rounding.number(vehicle.max_duration),
            fixed_cost=rounding.number(vehicle.fixed_cost),
            cost_per_m=vehicle.unit_distance_cost,
        )
    return {vehicle: number for number, vehicle in enumerate(kinds)}


def _add_tasks(builder: ProblemBuilder, instance: PlaneInstance, rounding: Rounding) -> None:
    paired = {node for pair in instance.pairs for node in pair}
    for node in instance.customers:
        builder.task(
            str(node),
            node,
            delivery=0 if node in paired else instance.demand[node],
            pickup=instance.pickups[node] if instance.pickups else 0,
            windows=[_window(instance, node, rounding)],
            service_s=rounding.number(instance.service[node]) if instance.service else 0,
            release_s=rounding.number(instance.releases[node]) if instance.releases else 0,
            required=not instance.prizes,
            prize=rounding.number(instance.prizes[node]) if instance.prizes else 0,
        )
    for pickup, delivery in instance.pairs:
        builder.shipment(f"{pickup}-{delivery}", str(pickup), str(delivery), instance.demand[pickup])
    for number, group in enumerate(instance.groups, start=1):
        if len(group) > 1:
            builder.alternatives(f"group {number}", [str(node) for node in group])


def _vehicle_of_row(instance: PlaneInstance, kinds: dict[PlaneVehicle, int], problem: Problem) -> tuple[int, ...]:
    next_free = list(problem.first_vehicle_of_type)
    rows = []
    for vehicle in instance.vehicles:
        kind = kinds[vehicle]
        rows.append(next_free[kind])
        next_free[kind] += 1
    return tuple(rows)
