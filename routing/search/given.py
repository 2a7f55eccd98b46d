"""Routes a search begins with: those of a start plan that keep the rules, and those that locks ask for."""

from __future__ import annotations

from routing.costs import route_keeps_rules
from routing.errors import InvalidPlanError
from routing.problem import LockKind, Problem
from routing.schedule import departure_s, schedule
from routing.search.kernels import arrays as a
from routing.search.model import Model
from routing.search.state import write_orders
from routing.search.variants import kernels
from routing.solution import Route, Solution


def orders_given(model: Model, state: a.State, initial: Solution | None) -> list[tuple[int, list[int]]]:
    """Collect the routes a search begins with: locked ones, and those of a start plan that keep the rules."""
    orders: list[tuple[int, list[int]]] = []
    locked: set[int] = set()
    given = {_class_of(model, route.vehicle): route for route in (initial.routes if initial is not None else ())}
    for c, tasks in model.frozen_orders:
        entries = list(tasks)
        if c in given and _keeps_locks(model, given[c]) and _stands(model, state, c, _entries(model, given[c])):
            entries = _entries(model, given[c])
        locked.update(x for x in entries if x < model.data.n)
        if _stands(model, state, c, entries):
            orders.append((c, entries))
        else:
            # A lock that contradicts the problem is reported as missing tasks, never broken silently.
            model.data.allowed[:, list(tasks)] = 0
    taken = {c for c, _ in orders}
    free = {c: int(model.data.cls[c, a.COUNT]) for c in range(len(model.classes))}
    for c in taken:
        free[c] -= 1
    placed = set(locked)
    companions = (*model.problem.same_vehicle, *(group.tasks for group in model.problem.alternatives))
    for route in initial.routes if initial is not None else ():
        c = _class_of(model, route.vehicle)
        entries = _entries(model, route)
        tasks_of = [x for x in entries if x < model.data.n]
        if free[c] <= 0 or placed.intersection(tasks_of) or not _allowed_route(model, c, route, tasks_of):
            continue
        if any(placed.intersection(group) and set(tasks_of).intersection(group) for group in companions):
            continue
        if not model.flags.rich or _stands(model, state, c, entries):
            orders.append((c, entries))
            placed.update(tasks_of)
            free[c] -= 1
    return orders


def _keeps_locks(model: Model, route: Route) -> bool:
    """Tell whether a route of a start plan has its vehicle's locked tasks where the locks want them."""
    tasks = list(route.tasks)
    for lock in model.problem.locks:
        if lock.vehicle != route.vehicle or lock.kind is LockKind.VEHICLE:
            continue
        wanted = list(lock.tasks)
        if lock.kind is LockKind.ROUTE and tasks != wanted:
            return False
        if lock.kind is LockKind.PREFIX and tasks[: len(wanted)] != wanted:
            return False
        if [task for task in tasks if task in wanted] != wanted:
            return False
    return _allowed_route(model, _class_of(model, route.vehicle), route, tasks)


def _class_of(model: Model, vehicle: int) -> int:
    for c, group in enumerate(model.classes):
        if vehicle in group.vehicles:
            return c
    raise InvalidPlanError(f"the start plan names vehicle {vehicle}, which the problem does not have")


def _entries(model: Model, route: Route) -> list[int]:
    """Write a route as the kernels do: trips one after another, reload terminals between."""
    entries: list[int] = []
    for number, trip in enumerate(route.trips):
        if number:
            entries.append(model.data.n + trip.depot)
        for task in trip.tasks:
            if not 0 <= task < model.data.n:
                raise InvalidPlanError(f"the start plan names task {task}, which the problem does not have")
            entries.append(task)
    return entries


def _allowed_route(model: Model, c: int, route: Route, tasks: list[int]) -> bool:
    problem = model.problem
    if not tasks or not all(model.data.allowed[c, x] for x in tasks) or len(set(tasks)) < len(tasks):
        return False
    if len({int(model.data.lead[x]) for x in tasks}) < len(tasks):
        return False
    if model.flags.trips and not _trips_are_allowed(problem, route):
        return False
    on_board = set(tasks)
    if any(on_board.issuperset(pair) for pair in problem.incompatible):
        return False
    for shipment in problem.shipments:
        ends = (shipment.pickup_task, shipment.delivery_task)
        if (ends[0] in on_board) != (ends[1] in on_board):
            return False
        if ends[0] in on_board and tasks.index(ends[0]) > tasks.index(ends[1]):
            return False
    if model.flags.rich:
        return True
    start_s = departure_s(problem, route.vehicle, route.trips)
    timed = Route(route.vehicle, route.trips, start_s)
    return route_keeps_rules(problem, timed, schedule(problem, timed))


def _trips_are_allowed(problem: Problem, route: Route) -> bool:
    """Tell whether a route's trips are as many as allowed, none empty, all from the depot it begins at."""
    kind = problem.vehicle_types[problem.type_of_vehicle[route.vehicle]]
    most = kind.max_trips if kind.reload_depots else 1
    return len(route.trips) <= most and all(trip.tasks and trip.depot == kind.start_depot for trip in route.trips)


def _stands(model: Model, state: a.State, c: int, entries: list[int]) -> bool:
    """Tell whether a route keeps all rules, by walking along it."""
    write_orders(model.data, state, [(c, entries)])
    kernels(model.flags).search(model.data, state, a.EXAMINE, 0, 0.0, 1.0, 1.0, 1)
    state.best_len[0] = 0
    return bool(state.info[a.HOLDS])
