"""A plan is put together from routes seen one by one (``search/recombine.py``, ``search/sightings.py``)."""

from __future__ import annotations

import time
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, solve
from routing.checker import check
from routing.costs import route_cost, route_keeps_rules
from routing.schedule import schedule
from routing.search import patches, sightings
from routing.search import recombine as recombination
from routing.search.annealing import Annealing
from routing.search.answers import split_cost, to_solution
from routing.search.first import loaded
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.search.pieces import Part, Piece
from routing.search.recombine import recombine
from routing.search.running import RunState, SearchParams
from routing.search.sightings import RouteWatch, Sighting, Sightings
from routing.solution import Route, Trip
from routing.stop import MaxIterations

KINDS: dict[str, dict[str, Any]] = {
    "loads": {},
    "hours": {"windows": True},
    "fleet": {"trike": True},
    "fleet, hours": {"trike": True, "windows": True},
    "paid time": {"windows": True, "cost_per_s": 2},
    "limits": {"max_distance_m": 4_000},
    "collections": {"pickups": True},
    "late prices": {"windows": True, "late": 3},
}


def villages(seed: int, stops: int, optional: int = 0, vans: int | None = None, **more: Any) -> Problem:
    """Make stops in a square with one of some rules that concern single routes."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (stops + 1, 2)).astype(np.float64)
    prices = {key: more[key] for key in ("cost_per_s", "max_distance_m") if key in more}
    builder = ProblemBuilder(("load",)).plane_profile("road", points, seconds_per_unit=1.0).depot("depot", 0)
    fleet = stops if vans is None else vans
    builder.vehicle_type("van", count=fleet, capacity=30, cost_per_m=1, fixed_cost=300, **prices)
    if more.get("trike"):
        builder.vehicle_type("trike", count=2, capacity=14, cost_per_m=1, fixed_cost=50, **prices)
    for stop in range(1, stops + 1):
        opens = int(draw.integers(0, 3_000))
        rest: dict[str, Any] = {"windows": [(opens, opens + 2_500)]} if more.get("windows") else {}
        if more.get("late"):
            rest["late_cost_per_s"] = more["late"]
        amount = int(draw.integers(5, 13))
        rest["pickup" if more.get("pickups") and stop % 3 == 0 else "delivery"] = amount
        builder.task(str(stop), stop, required=stop > optional, prize=350, **rest)
    return builder.build()


def every_route(problem: Problem) -> list[Sighting]:
    """Price the cheapest order of each set of tasks that a vehicle of each kind can serve."""
    found = []
    for kind, it in enumerate(problem.vehicle_types):
        first = problem.first_vehicle_of_type[kind]
        for size in range(1, problem.task_count + 1):
            for chosen in combinations(range(problem.task_count), size):
                routes = [Route(first, (Trip(order, it.start_depot),)) for order in permutations(chosen)]
                fit = [r for r in routes if route_keeps_rules(problem, r, schedule(problem, r))]
                if fit:
                    best = min(fit, key=lambda route: route_cost(problem, route))
                    found.append(Sighting(kind, best.tasks, route_cost(problem, best)))
    return found


def cheapest_by_trial(problem: Problem, routes: list[Sighting]) -> int:
    """Find the price of the cheapest plan of some routes by trying all, fleet and prizes included."""
    counts = [kind.count for kind in problem.vehicle_types]
    required = {i for i, task in enumerate(problem.tasks) if task.required}
    best = [1 << 60]

    def go_on(at: int, left: frozenset[int], used: tuple[int, ...], cost: int) -> None:
        if cost >= best[0]:
            return
        if not left & required:
            best[0] = min(best[0], cost + problem.left_out_cost(sorted(left)))
        for i in range(at, len(routes)):
            kind, tasks, price = routes[i]
            if used[kind] < counts[kind] and left.issuperset(tasks):
                more = tuple(u + (k == kind) for k, u in enumerate(used))
                go_on(i + 1, left - frozenset(tasks), more, cost + price)

    go_on(0, frozenset(range(problem.task_count)), (0,) * len(counts), 0)
    return best[0]


@pytest.mark.parametrize("optional", [0, 2])
@pytest.mark.parametrize("trike", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_of_all_routes_the_cheapest_plan_is_made(seed: int, trike: bool, optional: int) -> None:
    """With every possible route at hand the outcome is the best plan there is, of the vehicles there are."""
    problem = villages(seed, 6, optional, vans=2, trike=trike)
    routes = every_route(problem)
    wanted = cheapest_by_trial(problem, routes)
    model = compile_problem(problem)
    if wanted >= 1 << 60:
        assert recombine(model, routes, 1_000_000) is None
        return
    orders = recombine(model, routes, wanted + 500)
    assert orders is not None
    state = loaded(model, orders, 0)
    report = check(problem, to_solution(model, state))
    assert report.feasible, report.violations
    assert report.complete
    assert report.cost.total == wanted == split_cost(model, state)[1]
    assert recombine(model, routes, wanted) is None, "nothing is cheaper than the cheapest"


def test_the_better_halves_of_two_plans_come_together() -> None:
    """One plan is good in the east, the other in the west: the outcome is good in both."""
    points = [(0, 0), (100, 0), (200, 0), (100, 50), (200, 50), (-100, 0), (-200, 0), (-100, 50), (-200, 50)]
    builder = ProblemBuilder(("count",)).plane_profile("road", np.array(points, dtype=np.float64)).depot("depot", 0)
    builder.vehicle_type("van", count=4, capacity=2, cost_per_m=1)
    for place in range(1, 9):
        builder.task(f"stop {place}", place, delivery=1)
    problem = builder.build()
    good_east = [(0, 1), (2, 3), (4, 7), (5, 6)]
    good_west = [(0, 3), (1, 2), (4, 5), (6, 7)]
    priced = {order: route_cost(problem, Route(0, (Trip(order, 0),))) for order in [*good_east, *good_west]}
    before = min(sum(priced[order] for order in plan) for plan in (good_east, good_west))
    orders = recombine(compile_problem(problem), [Sighting(0, order, priced[order]) for order in priced], before)
    assert orders is not None
    assert {tuple(tasks) for _, tasks in orders} == {(0, 1), (2, 3), (4, 5), (6, 7)}


def watched(problem: Problem, iterations: int = 20_000, seed: int = 1) -> tuple[Annealing, RouteWatch]:
    """Anneal a problem and watch it closely."""
    model = compile_problem(problem)
    stop = MaxIterations(iterations)
    search = Annealing(model, stop, RunState(time.perf_counter(), time.thread_time()), seed, SearchParams())
    search.begin(None, stop)
    search.let_overload()
    search.watch = watch = RouteWatch(model)
    watch.begins, watch.every = 0.2, 10
    search.go_on(1.0)
    return search, watch


@pytest.mark.parametrize("rules", KINDS.values(), ids=KINDS)
def test_what_is_noted_is_a_route_and_its_price(rules: dict[str, Any]) -> None:
    """Whatever rules there are, a noted route keeps them, and costs what is noted."""
    problem = villages(3, 40, optional=4, **rules)
    search, watch = watched(problem)
    noted = list(watch.routes())
    assert len(noted) > 20
    for kind, tasks, cost in noted:
        orders = [(kind, list(tasks))]
        solution = to_solution(search.model, loaded(search.model, orders, 0))
        (route,) = solution.routes
        assert route.tasks == tasks
        assert route_keeps_rules(problem, route, schedule(problem, route))
        assert route_cost(problem, route) == cost


@pytest.mark.parametrize("rules", KINDS.values(), ids=KINDS)
def test_a_plan_of_noted_routes_is_clean(rules: dict[str, Any]) -> None:
    """What is put together of two searches keeps the rules, and costs what it seems to; some plans get better."""
    better = 0
    for seed in range(24):
        if better == 3:
            break
        problem = villages(seed, 60, optional=4, **rules)
        (search, first), (other, second) = (watched(problem, 4_000, number) for number in (1, 2))
        missing, cost = min(split_cost(each.model, each.state) for each in (search, other))
        if missing:
            continue
        orders = recombine(search.model, [*first.routes(), *second.routes()], cost)
        if orders is None:
            continue
        better += 1
        state = loaded(search.model, orders, 0)
        report = check(problem, to_solution(search.model, state))
        assert report.feasible, report.violations
        assert report.complete
        assert report.cost.total == split_cost(search.model, state)[1] < cost
    assert better


def test_overloaded_routes_are_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """While vehicles may be overloaded for a price, only routes that fit are worth noting."""
    overloaded: list[int] = []
    look = RouteWatch.look

    def count_and_look(self: RouteWatch, state: a.State) -> None:
        overloaded.append(int(state.info[a.OVERLOADED]))
        look(self, state)

    monkeypatch.setattr(RouteWatch, "look", count_and_look)
    problem = villages(1, 30, vans=14)
    _, watch = watched(problem)
    assert max(overloaded) > 0, "nothing was overloaded"
    amounts = [task.delivery[0] for task in problem.tasks]
    assert all(sum(amounts[task] for task in route.tasks) <= 30 for route in watch.routes())


def test_sightings_pass_from_part_to_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes seen in one part serve another that has all of their tasks; the cheapest order stays, the oldest goes."""
    problem = villages(2, 8, trike=True)
    van, trike = problem.first_vehicle_of_type
    one = Part(problem, [Piece((task,)) for task in (4, 2, 6, 0)], [van, trike])
    other = Part(problem, [Piece((task,)) for task in (0, 1, 2, 4)], [van])
    seen = Sightings()
    seen.add(one, [Sighting(0, (0, 1), 90), Sighting(0, (1, 0), 80), Sighting(1, (0, 3), 70), Sighting(0, (2,), 60)])
    assert sorted(seen.within(one)) == [(0, (1, 0), 80), (0, (2,), 60), (1, (0, 3), 70)]
    assert list(seen.within(other)) == [(0, (2, 3), 80)], "tasks 2 and 4, by a van; the trike is not in this part"
    monkeypatch.setattr(sightings, "MOST", 2)
    seen.add(one, [Sighting(0, (0, 1), 95), Sighting(0, (3,), 10)])
    assert sorted(seen.within(one)) == [(0, (1, 0), 80), (0, (3,), 10)]


@pytest.mark.parametrize("trips", [1, 3])
def test_trips_of_one_vehicle_are_not_recombined(trips: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where vehicles reload a route is a whole day; patches of such problems are left as annealing has made them."""
    asked: list[int] = []

    def ask(*given: Any) -> None:
        asked.append(given[2])

    monkeypatch.setattr(recombination, "recombine", ask)
    monkeypatch.setattr(patches, "FIRST", 100)
    monkeypatch.setattr(patches, "PER_TASK", 40)
    builder = ProblemBuilder(("load",))
    draw = np.random.default_rng(1)
    builder.plane_profile("road", draw.integers(0, 1000, (201, 2)).astype(np.float64)).depot("depot", 0)
    day: dict[str, Any] = {"reload_depots": ("depot",), "max_trips": trips} if trips > 1 else {}
    builder.vehicle_type("van", count=41, capacity=5, cost_per_m=1, **day)
    for stop in range(1, 201):
        builder.task(str(stop), stop, delivery=1)
    problem = builder.build()
    result = solve(problem, MaxIterations(80_000), seed=1)
    assert result.stats["patches"] > 2
    assert bool(asked) == (trips == 1)
    report = check(problem, result.solution)
    assert report.feasible
    assert report.cost.total == result.cost
