"""What one route costs and which limits it breaks, term by term, in plain Python.

For product code that changes published routes by a stop or two. The checker judges the outcome with code
of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from routing.problem import UNREACHABLE, Backhaul, Problem, VehicleType
from routing.schedule import RouteSchedule, schedule
from routing.solution import Route


def route_cost(problem: Problem, route: Route, times: RouteSchedule | None = None) -> int:
    """Return the cost of one route in cost units: everything of the plan's cost but what is left out."""
    times = schedule(problem, route) if times is None else times
    if not times.visits:
        return 0
    kind_index = problem.type_of_vehicle[route.vehicle]
    kind = problem.vehicle_types[kind_index]
    cost = kind.fixed_cost + kind.trip_cost * (len(route.trips) - 1)
    cost += kind.cost_per_m * times.distance_m + kind.cost_per_driving_s * times.driving_s
    cost += kind.cost_per_s * times.duration_s
    if kind.overtime_after_s is not None:
        cost += kind.overtime_cost_per_s * max(0, times.duration_s - kind.overtime_after_s)
    if problem.task_prices is not None:
        cost += sum(int(problem.task_prices[kind_index, visit.task]) for visit in times.visits)
    cost += sum(visit.late_s * (problem.tasks[visit.task].late_cost_per_s or 0) for visit in times.visits)
    return cost + _balance_cost(problem, times) + _disturbance_cost(problem, route, times)


def _balance_cost(problem: Problem, times: RouteSchedule) -> int:
    if problem.balance is None:
        return 0
    measure = {"tasks": len(times.visits), "distance_m": times.distance_m, "duration_s": times.duration_s}
    return problem.balance.price * abs(measure[problem.balance.measure] - problem.balance.target)


def _disturbance_cost(problem: Problem, route: Route, times: RouteSchedule) -> int:
    it = problem.disturbance
    if it is None:
        return 0
    cost = 0
    before: dict[int, int] = {}
    for trip in route.trips:
        before |= dict(zip(trip.tasks, (-1, *trip.tasks), strict=False))
    for visit in times.visits:
        if it.vehicle_of_task[visit.task] < 0:
            continue
        cost += it.vehicle_price * (int(it.vehicle_of_task[visit.task]) != route.vehicle)
        cost += it.order_price * (int(it.predecessor_of_task[visit.task]) != before[visit.task])
        cost += it.start_price_per_s * abs(visit.start_s - int(it.start_of_task_s[visit.task]))
    return cost


def route_keeps_rules(problem: Problem, route: Route, times: RouteSchedule) -> bool:
    """Tell whether a route keeps every rule that concerns it alone; locks and groups are not looked at."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    return (
        all(_task_is_allowed(problem, kind, task) for task in route.tasks)
        and _hours_are_kept(problem, kind, times)
        and all(_loads_fit(problem, kind, trip.tasks) for trip in route.trips)
        and all(_backhaul_is_kept(problem, trip.tasks) for trip in route.trips)
    )


def _task_is_allowed(problem: Problem, kind: VehicleType, task: int) -> bool:
    return problem.tasks[task].skills <= kind.skills and task not in kind.forbidden_tasks


def _hours_are_kept(problem: Problem, kind: VehicleType, times: RouteSchedule) -> bool:
    def over(value: int, limit: int | None) -> bool:
        return limit is not None and value > limit

    if any(visit.late_s and problem.tasks[visit.task].late_cost_per_s is None for visit in times.visits):
        return False
    if any(visit.leg_s >= UNREACHABLE or visit.leg_m >= UNREACHABLE for visit in times.visits):
        return False
    last = kind.shift_end_s
    if kind.end_depot is not None:
        last = min(last, problem.depots[kind.end_depot].close_s)
    return not (
        times.end_s > last
        or over(times.duration_s, kind.max_duration_s)
        or over(times.distance_m, kind.max_distance_m)
        or over(times.driving_s, kind.max_driving_s)
        or over(len(times.visits), kind.max_tasks)
    )


def trip_loads(problem: Problem, tasks: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the load on board at the start of a trip and after each task, one number per dimension."""
    dims = range(len(problem.dimensions))
    load = [sum(problem.tasks[task].delivery[d] for task in tasks) for d in dims]
    yield tuple(load)
    for index in tasks:
        task = problem.tasks[index]
        for d in dims:
            load[d] += task.pickup[d] - task.delivery[d]
        if index in problem.shipment_of_task:
            shipment = problem.shipments[problem.shipment_of_task[index]]
            sign = 1 if shipment.pickup_task == index else -1
            for d in dims:
                load[d] += sign * shipment.amount[d]
        yield tuple(load)


def _loads_fit(problem: Problem, kind: VehicleType, tasks: tuple[int, ...]) -> bool:
    return all(
        on_board <= room
        for loads in trip_loads(problem, tasks)
        for on_board, room in zip(loads, kind.capacity, strict=True)
    )


def _backhaul_is_kept(problem: Problem, tasks: tuple[int, ...]) -> bool:
    if problem.backhaul is Backhaul.MIXED:
        return True
    collecting = False
    delivered = False
    for index in tasks:
        task = problem.tasks[index]
        if any(task.delivery):
            delivered = True
            if collecting:
                return False
        collecting = collecting or any(task.pickup)
    return delivered or not collecting or problem.backhaul is Backhaul.LINEHAUL_FIRST
