"""Reads the best plan of a state: its price, and its routes with vehicles, departures and breaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from routing.problem import LockKind, Problem
from routing.schedule import departure_s, earliest_departure_s
from routing.search.kernels import arrays as a
from routing.search.model import Model
from routing.search.state import best_orders, write_orders
from routing.search.variants import kernels
from routing.solution import Route, Solution, Trip


def split_cost(model: Model, state: a.State) -> tuple[int, int]:
    """Return (required tasks missing, cost in the problem's units) of the best plan."""
    cost = int(state.info[a.BEST])
    if not int(state.info[a.NABSENT_BEST]):
        return 0, cost * model.scale
    gone = _absent_leads(model, state) & model.required
    missing = int(gone.sum() + (gone & (model.data.side > 0)).sum())
    return missing, (cost - int(model.data.prize[gone].sum())) * model.scale


def _absent_leads(model: Model, state: a.State) -> Any:
    """Return a mask of the leads the best plan leaves out."""
    gone = np.zeros(model.data.n, dtype=bool)
    gone[model.leads] = True
    for _, entries in best_orders(state):
        tasks = [x for x in entries if x < model.data.n]
        gone[model.data.lead[tasks]] = False
    return gone


def to_solution(model: Model, state: a.State) -> Solution:
    """Give routes vehicles, departure times and breaks."""
    problem = model.problem
    following = [list(reversed(group.vehicles)) for group in model.classes]
    routes: list[Route] = []
    seen: set[int] = set()
    for c, entries in sorted(best_orders(state)):
        vehicle = following[c].pop()
        kind = problem.vehicle_types[model.classes[c].kind]
        trips = _trips(model, kind.start_depot, entries)
        if model.flags.rich:
            routes.append(_walked_route(model, state, c, vehicle, entries, trips))
        elif model.flags.tw:
            routes.append(Route(vehicle, trips, departure_s(problem, vehicle, trips)))
        else:  # nobody waits, so leaving later would end later
            routes.append(Route(vehicle, trips, earliest_departure_s(problem, vehicle, trips[0].tasks)))
        seen.update(routes[-1].tasks)
    routes = _without_misplaced(problem, routes, seen)
    left = tuple(task for task in range(problem.task_count) if task not in seen)
    return Solution(tuple(routes), left)


def _trips(model: Model, depot: int, entries: list[int]) -> tuple[Trip, ...]:
    """Cut a route's entries into trips at the reload terminals."""
    trips: list[Trip] = []
    tasks: list[int] = []
    for x in entries:
        if x < model.data.n:
            tasks.append(x)
        else:
            trips.append(Trip(tuple(tasks), depot))
            tasks, depot = [], x - int(model.data.n)
    return (*trips, Trip(tuple(tasks), depot))


def _walked_route(
    model: Model, state: a.State, c: int, vehicle: int, entries: list[int], trips: tuple[Trip, ...]
) -> Route:
    """Read departure and breaks of a route off the walk."""
    kept = (state.best_seq[0].copy(), int(state.best_len[0]), int(state.best_cls[0]))
    write_orders(model.data, state, [(c, entries)])
    kernels(model.flags).search(model.data, state, a.EXAMINE, 0, 0.0, 1.0, 1.0, 1)
    state.best_seq[0], state.best_len[0], state.best_cls[0] = kept
    kind = model.problem.vehicle_types[model.classes[c].kind]
    order = sorted(range(len(kind.breaks)), key=lambda b: (kind.breaks[b].latest_s, kind.breaks[b].earliest_s))
    breaks = []
    place = 0
    for e in range(int(state.info[a.EVENTS])):
        what = int(state.event[e, a.EV_WHAT])
        if what == a.EV_BREAK:
            breaks.append((place, order[int(state.event[e, a.EV_TRAVEL])]))
        elif what < model.data.n:
            place += 1
    return Route(vehicle, trips, int(state.info[a.DEPARTS]), tuple(breaks))


def _without_misplaced(problem: Problem, routes: list[Route], seen: set[int]) -> list[Route]:
    """Drop tasks that are not at the position a lock wants: better left out and named than in the wrong place."""
    for lock in problem.locks:
        if lock.kind is not LockKind.POSITION:
            continue
        for index, route in enumerate(routes):
            task = lock.tasks[0]
            if task in route.tasks and route.tasks.index(task) != lock.position:
                gone = {task}
                if task in problem.shipment_of_task:
                    shipment = problem.shipments[problem.shipment_of_task[task]]
                    gone = {shipment.pickup_task, shipment.delivery_task}
                trips = tuple(Trip(tuple(t for t in trip.tasks if t not in gone), trip.depot) for trip in route.trips)
                trips = tuple(trip for trip in trips if trip.tasks)
                routes[index] = Route(route.vehicle, trips, departure_s(problem, route.vehicle, trips), ())
                seen -= gone
    return [route for route in routes if route.tasks]
