"""Write plans as VROOM's answer, with VROOM's own keys only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from routing.checker import BreakSchedule, CheckReport, RouteReport, StopSchedule, Violation, ViolationCode, check
from routing.formats.vroom import COST_UNITS, VroomProblem
from routing.problem import Problem, VehicleType
from routing.solution import Solution

_CAUSES: dict[ViolationCode, str] = {
    ViolationCode.LATE: "delay",
    ViolationCode.SHIFT: "delay",
    ViolationCode.DEPOT_CLOSED: "delay",
    ViolationCode.BREAK_LATE: "delay",
    ViolationCode.OVERLOAD: "load",
    ViolationCode.MAX_TASKS: "max_tasks",
    ViolationCode.SKILL_MISSING: "skills",
    ViolationCode.VEHICLE_NOT_ALLOWED: "skills",
    ViolationCode.SHIPMENT_ORDER: "precedence",
    ViolationCode.SHIPMENT_SPLIT: "precedence",
    ViolationCode.BREAK_MISSING: "missing_break",
    ViolationCode.MAX_DRIVING: "max_travel_time",
    ViolationCode.MAX_DISTANCE: "max_distance",
}
_TIMED = ("delay", "lead_time")


@dataclass(frozen=True)
class ComputingTimes:
    """Milliseconds spent; two clients refuse answers without them."""

    loading: int = 0
    solving: int = 0
    routing: int = 0

    def as_dict(self) -> dict[str, int]:
        """Give them as VROOM writes them."""
        return {"loading": self.loading, "solving": self.solving, "routing": self.routing}


def write_vroom(
    vroom: VroomProblem,
    solution: Solution,
    *,
    report: CheckReport | None = None,
    times: ComputingTimes | None = None,
    plan_mode: bool = False,
) -> dict[str, Any]:
    """Write a plan as VROOM's answer.

    Parameters
    ----------
    report
        What the checker said; computed when omitted.
    plan_mode
        State violations, as VROOM does when it only checks a given plan. A solved plan has none.
    """
    report = report or check(vroom.problem, solution)
    routes = [
        _RouteWriter(vroom, schedule.vehicle, RouteReport(schedule, (), report.cost), report, plan_mode).write()
        for schedule in report.schedules
    ]
    unassigned = [_left_out(vroom, task) for task in sorted(solution.unassigned)]
    sums = {name: sum(route[name] for route in routes) for name in _SUMS if all(name in route for route in routes)}
    summary: dict[str, Any] = {
        **{name: sums.get(name, 0) for name in _SUMS if name != "distance"},
        "routes": len(routes),
        "unassigned": len(unassigned),
        "delivery": _added(vroom.problem, (route["delivery"] for route in routes)),
        "pickup": _added(vroom.problem, (route["pickup"] for route in routes)),
        "violations": _causes(report.violations, []) if plan_mode else [],
        "computing_times": (times or ComputingTimes()).as_dict(),
    }
    summary["amount"] = summary["delivery"]
    if vroom.shows_distance:
        summary["distance"] = sums.get("distance", 0)
    return {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}


_SUMS = ("cost", "setup", "service", "duration", "waiting_time", "priority", "distance")


def vroom_error(code: int, message: str) -> dict[str, Any]:
    """Write VROOM's error envelope: 1 internal, 2 input, 3 routing."""
    return {"code": code, "error": message}


def _left_out(vroom: VroomProblem, task: int) -> dict[str, Any]:
    it = vroom.tasks[task]
    described = {} if it.description is None else {"description": it.description}
    return {"id": it.id, "type": it.kind, **it.place.as_dict(), **described}


def _added(problem: Problem, amounts: Iterable[list[int]]) -> list[int]:
    total = [0] * len(problem.dimensions)
    for amount in amounts:
        total = [a + b for a, b in zip(total, amount, strict=True)]
    return total


def _causes(violations: Iterable[Violation], among: list[str]) -> list[dict[str, Any]]:
    """Name broken rules in VROOM's words; rules VROOM does not have keep their own code."""
    found = []
    for violation in violations:
        cause = _CAUSES.get(violation.code, str(violation.code))
        if violation.code is ViolationCode.SHIFT and "before" in violation.message:
            cause = "lead_time"
        if among and cause not in among:
            continue
        found.append({"cause": cause, "duration": violation.amount} if cause in _TIMED else {"cause": cause})
    return found


class _RouteWriter:
    """Writes one route step by step, carrying travel time and distance so far."""

    def __init__(
        self, vroom: VroomProblem, vehicle: int, route: RouteReport, whole: CheckReport, plan_mode: bool
    ) -> None:
        self.vroom = vroom
        self.number = vehicle
        self.vehicle = vroom.vehicles[vehicle]
        self.kind: VehicleType = vroom.problem.vehicle_types[vroom.problem.type_of_vehicle[vehicle]]
        self.profile = vroom.problem.profiles[self.kind.profile]
        self.schedule = route.schedule
        self.broken = [v for v in whole.violations if v.vehicle == vehicle] if plan_mode else []
        self.location = vroom.problem.depots[self.kind.start_depot].location
        self.previous: int | None = None  # where the stop before was, None at the depot
        self.free_s = self.schedule.start_s
        self.travel_s = self.distance_m = self.setup_s = self.service_s = self.waiting_s = 0
        self.load = list(self.schedule.trips[0].start_load)
        self.steps: list[dict[str, Any]] = []

    def write(self) -> dict[str, Any]:
        if self.vehicle.start is not None:
            self._add("start", self.schedule.start_s, self.vehicle.start.as_dict())
        breaks = list(self.schedule.breaks)
        for position, stop in enumerate(self.schedule.stops):
            self._take(breaks, position)
            self._stop(stop)
        self._take(breaks, len(self.schedule.stops))
        if self.vehicle.end is not None and self.kind.end_depot is not None:
            arrival_s = self._travel(self.vroom.problem.depots[self.kind.end_depot].location)
            self.load = self._end_load()
            self._add("end", arrival_s, self.vehicle.end.as_dict())
        described = {} if self.vehicle.description is None else {"description": self.vehicle.description}
        distance = {"distance": self.distance_m} if self.vroom.shows_distance else {}
        delivery, pickup = self._amounts()
        return {
            "vehicle": self.vehicle.id,
            "cost": self._cost() // COST_UNITS,
            "setup": self.setup_s,
            "service": self.service_s,
            "duration": self.travel_s,
            "waiting_time": self.waiting_s,
            "priority": sum(self.vroom.tasks[stop.task].priority for stop in self.schedule.stops),
            "delivery": delivery,
            "pickup": pickup,
            "amount": delivery,
            **distance,
            **described,
            "steps": self.steps,
            "violations": _causes(self.broken, []),
        }

    def _cost(self) -> int:
        kind, schedule = self.kind, self.schedule
        prices = self.vroom.problem.task_prices
        row = self.vroom.problem.type_of_vehicle[self.number]
        territory = 0 if prices is None else sum(int(prices[row, stop.task]) for stop in schedule.stops)
        driven = kind.cost_per_m * schedule.distance_m + kind.cost_per_driving_s * schedule.driving_s
        return kind.fixed_cost + driven + territory

    def _travel(self, target: int) -> int:
        """Drive on and return the arrival."""
        distance_m, duration_s = self.profile.leg(self.location, target)
        self.location = target
        self.distance_m += distance_m
        self.travel_s += duration_s
        return self.free_s + duration_s

    def _stop(self, stop: StopSchedule) -> None:
        task = self.vroom.tasks[stop.task]
        it = self.vroom.problem.tasks[stop.task]
        arrival_s = self._travel(it.location)
        setup_s = 0 if self.previous == it.location else task.setup_s
        self.previous = it.location
        service_s = stop.departure_s - stop.start_s - setup_s
        self.setup_s += setup_s
        self.service_s += service_s
        self.waiting_s += stop.wait_s
        self.load = list(stop.load)
        self.free_s = stop.departure_s
        about = {**task.place.as_dict(), "id": task.id, "job": task.id}
        if task.description is not None:
            about["description"] = task.description
        broken = [violation for violation in self.broken if violation.task == stop.task]
        self._add(task.kind, arrival_s, about, setup_s, service_s, stop.wait_s, broken)

    def _take(self, breaks: list[BreakSchedule], position: int) -> None:
        while breaks and breaks[0].position == position:
            rest = breaks.pop(0)
            about: dict[str, Any] = {"id": self.vehicle.break_ids[rest.break_index]}
            if (text := self.vehicle.break_descriptions[rest.break_index]) is not None:
                about["description"] = text
            self.waiting_s += rest.start_s - self.free_s
            self.service_s += rest.end_s - rest.start_s
            self._add("break", self.free_s, about, 0, rest.end_s - rest.start_s, rest.start_s - self.free_s)
            self.free_s = rest.end_s

    def _add(
        self,
        kind: str,
        arrival_s: int,
        about: dict[str, Any],
        setup_s: int = 0,
        service_s: int = 0,
        waiting_s: int = 0,
        broken: Iterable[Violation] = (),
    ) -> None:
        step = {
            "type": kind,
            "arrival": arrival_s + self.vroom.offset_s,
            "duration": self.travel_s,
            "setup": setup_s,
            "service": service_s,
            "waiting_time": waiting_s,
            "load": list(self.load),
            **about,
            "violations": _causes(broken, []),
        }
        if self.vroom.shows_distance:
            step["distance"] = self.distance_m
        self.steps.append(step)

    def _amounts(self) -> tuple[list[int], list[int]]:
        problem = self.vroom.problem
        served = {stop.task for stop in self.schedule.stops}
        delivery = _added(problem, (list(problem.tasks[task].delivery) for task in served))
        pickup = _added(problem, (list(problem.tasks[task].pickup) for task in served))
        shipped = [shipment for shipment in problem.shipments if shipment.pickup_task in served]
        for shipment in shipped:
            delivery = [a + b for a, b in zip(delivery, shipment.amount, strict=True)]
            pickup = [a + b for a, b in zip(pickup, shipment.amount, strict=True)]
        return delivery, pickup

    def _end_load(self) -> list[int]:
        """Give what is on board at the end: what was collected for the depot."""
        return list(self.schedule.stops[-1].load) if self.schedule.stops else self.load
