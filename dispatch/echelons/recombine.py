"""Choose routes and trunk tours together among all that are known: the set-partitioning model over a pool."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from dispatch.echelons.linear import GAP, LinearModelState
from dispatch.echelons.plan import CourierRoute
from dispatch.echelons.problem import TwoEchelonProblem
from dispatch.echelons.trunks import MANY_TOURS, ROUGH_GAP, Tour, TourBookState, bind_vehicles, trunk_vehicles, usable

RECOMBINE_S: Final = 30.0
"""Seconds HiGHS may take."""
MOST_ROUTES: Final = 4_000
"""Newest routes that take part; older ones were beaten or belong to prices long gone."""


class RoutePoolState:
    """Every route found so far, each set of tasks from one depot once, the cheapest."""

    def __init__(self) -> None:
        self._routes: dict[tuple[int, int, frozenset[int]], CourierRoute] = {}

    def add(self, routes: Iterable[CourierRoute]) -> None:
        """Remember routes."""
        for route in routes:
            key = route.kind, route.depot, frozenset(route.tasks)
            known = self._routes.pop(key, None)
            self._routes[key] = route if known is None or route.cost <= known.cost else known

    @property
    def routes(self) -> list[CourierRoute]:
        """Return the newest routes."""
        return list(self._routes.values())[-MOST_ROUTES:]


def recombine(problem: TwoEchelonProblem, book: TourBookState, pool: RoutePoolState) -> list[CourierRoute] | None:
    """Return the routes of the cheapest plan over the pool and all tours; None when the model finds none.

    Notes
    -----
    Each dimension of freight may be split over runs in its own proportions here, and sorting times are not looked
    at: what comes out is completed and judged like every other candidate.
    """
    routes = pool.routes
    if not routes:
        return None
    model = LinearModelState()
    columns = [model.variable(_route_price(problem, route), 1, whole=True) for route in routes]
    _cover(model, problem, routes, columns)
    _limit_vehicles(model, problem, routes, columns)
    _open_depots(model, problem, routes, columns)
    vehicles = trunk_vehicles(model, problem)
    offers: list[tuple[Tour, int]] = []
    for direction in ("out", "back"):
        offers += _carry(model, problem, book, routes, columns, back=direction == "back")
    bind_vehicles(model, problem, offers, vehicles)
    values = model.solve(RECOMBINE_S, GAP if len(offers) < MANY_TOURS else ROUGH_GAP)
    if values is None:
        return None
    return [route for route, column in zip(routes, columns, strict=True) if values[column] > 0.5]


def _route_price(problem: TwoEchelonProblem, route: CourierRoute) -> int:
    tasks = list(route.tasks)
    units = int((problem.deliveries + problem.pickups)[tasks, -1].sum())
    return route.cost + units * problem.depots[route.depot].unit_cost


def _cover(model: LinearModelState, problem: TwoEchelonProblem, routes: list[CourierRoute], columns: list[int]) -> None:
    covering: list[dict[int, float]] = [{} for _ in problem.tasks]
    for route, column in zip(routes, columns, strict=True):
        for task in route.tasks:
            covering[task][column] = 1.0
    for one, terms in zip(problem.tasks, covering, strict=True):
        if not one.required:
            terms[model.variable(one.prize, 1)] = 1.0
        model.row(terms, 1.0, 1.0)


def _limit_vehicles(
    model: LinearModelState, problem: TwoEchelonProblem, routes: list[CourierRoute], columns: list[int]
) -> None:
    for kind, one in enumerate(problem.couriers):
        model.row(_where(routes, columns, kind=kind), high=one.count)
    for depot, at in enumerate(problem.depots):
        if at.most_vehicles is not None:
            model.row(_where(routes, columns, depot=depot), high=at.most_vehicles)


def _where(
    routes: list[CourierRoute], columns: list[int], *, kind: int | None = None, depot: int | None = None
) -> dict[int, float]:
    return {
        column: 1.0
        for route, column in zip(routes, columns, strict=True)
        if (kind is None or route.kind == kind) and (depot is None or route.depot == depot)
    }


def _open_depots(
    model: LinearModelState, problem: TwoEchelonProblem, routes: list[CourierRoute], columns: list[int]
) -> None:
    for depot, at in enumerate(problem.depots):
        if at.open_cost:
            opened = model.variable(at.open_cost, 1, whole=True)
            for column in _where(routes, columns, depot=depot):
                model.row({column: 1.0, opened: -1.0}, high=0.0)
        if at.capacity is not None:
            for dimension, room in enumerate(at.capacity):
                terms = {
                    column: float(problem.deliveries[list(route.tasks), dimension].sum())
                    for route, column in zip(routes, columns, strict=True)
                    if route.depot == depot
                }
                model.row(terms, high=room)


def _carry(
    model: LinearModelState,
    problem: TwoEchelonProblem,
    book: TourBookState,
    routes: list[CourierRoute],
    columns: list[int],
    *,
    back: bool,
) -> list[tuple[Tour, int]]:
    """Offer every tour and ask that what routes of a depot need is carried there."""
    amounts = problem.pickups if back else problem.deliveries
    depots = {route.depot for route in routes if amounts[list(route.tasks)].any()}
    depots = {depot for depot in depots if not problem.depots[depot].direct}
    brought: dict[tuple[int, int], dict[int, float]] = {}
    offers = []
    for tour in book.tours("back" if back else "out", depots):
        runs = model.variable(tour.cost, 1 if tour.timetabled else np.inf, whole=True)
        offers.append((tour, runs))
        for dimension, room in enumerate(usable(tour)):
            terms = {runs: -float(room)}
            for depot in tour.depots:
                part = model.variable(0)
                terms[part] = 1.0
                brought.setdefault((depot, dimension), {})[part] = 1.0
            model.row(terms, high=0.0)
    for depot in depots:
        for dimension in range(len(problem.dimensions)):
            needed = {
                column: -float(amounts[list(route.tasks), dimension].sum())
                for route, column in zip(routes, columns, strict=True)
                if route.depot == depot
            }
            model.row({**brought.get((depot, dimension), {}), **needed}, 0.0, 0.0)
    return offers
