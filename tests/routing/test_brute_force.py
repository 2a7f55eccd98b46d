"""On small problems of each kind the solver finds the best of all plans there are.

The oracle knows nothing of searching: it walks every order of every subset of tasks on every vehicle, every way of
cutting it into trips and every departure at which something changes, keeps the cheapest that the checker lets pass,
and combines the vehicles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations
from typing import Any

import numpy as np
import pytest

from routing import Balance, Break, Disturbance, Problem, ProblemBuilder, solve
from routing.checker import CheckReport, ViolationCode, check
from routing.solution import Route, Solution, Trip
from routing.stop import MaxIterations

# Each kind of rule has kernels of its own to compile, so this is among the slow tests on a fresh machine.
# The first test of a kind compiles its kernels, which takes minutes on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SEEDS = range(4)
ITERATIONS = 3000


@dataclass(frozen=True)
class Best:
    """The best plan there is: fewest required tasks missing, then least cost."""

    missing: int
    cost: int


def trip_cuts(problem: Problem, vehicle: int, order: tuple[int, ...]) -> Iterator[tuple[Trip, ...]]:
    """Give every way of cutting an order into trips, with every reload depot before each further one."""
    kind = problem.vehicle_types[problem.type_of_vehicle[vehicle]]
    most = min(kind.max_trips, len(order)) if kind.reload_depots else 1
    for trips in range(1, most + 1):
        for cuts in combinations(range(1, len(order)), trips - 1):
            bounds = [0, *cuts, len(order)]
            pieces = [order[a:b] for a, b in pairwise(bounds)]
            made: list[tuple[Trip, ...]] = [(Trip(pieces[0], kind.start_depot),)]
            for piece in pieces[1:]:
                made = [(*before, Trip(piece, depot)) for before in made for depot in kind.reload_depots]
            yield from made


def departures(problem: Problem, vehicle: int, trips: tuple[Trip, ...]) -> set[int]:
    """Give every departure at which a wait ends, a window closes or a price changes."""
    kind = problem.vehicle_types[problem.type_of_vehicle[vehicle]]
    released_s = max(problem.tasks[task].release_s for task in trips[0].tasks)
    earliest_s = max(kind.shift_start_s, problem.depots[kind.start_depot].open_s, released_s)
    found = {earliest_s}
    (schedule,) = check(problem, Solution((Route(vehicle, trips, earliest_s),))).schedules
    moments = [schedule.end_s, kind.shift_end_s]
    for stop in schedule.stops:
        moments += [moment for window in problem.tasks[stop.task].windows for moment in window]
        if problem.disturbance is not None:
            moments.append(int(problem.disturbance.start_of_task_s[stop.task]))
    travelled_s = 0  # from departure to each stop if nobody waited
    for stop, before in zip(schedule.stops, [None, *schedule.stops], strict=False):
        travelled_s += stop.arrival_s - (earliest_s if before is None else before.departure_s)
        found |= {moment - travelled_s for moment in moments}
        travelled_s += stop.departure_s - stop.start_s
    return {start_s for start_s in found if earliest_s <= start_s <= min(kind.shift_end_s, earliest_s + 5000)}


def break_places(problem: Problem, vehicle: int, stops: int) -> list[tuple[tuple[int, int], ...]]:
    """Give every way of taking or leaving out the vehicle's one break."""
    kind = problem.vehicle_types[problem.type_of_vehicle[vehicle]]
    if not kind.breaks:
        return [()]
    return [(), *(((position, 0),) for position in range(stops + 1))]


def own_mistakes(report: CheckReport, tasks: tuple[int, ...]) -> bool:
    """Tell whether a lone route breaks a rule; locks on tasks elsewhere are judged on the whole plan."""
    return any(v.code is not ViolationCode.LOCK or v.task in tasks for v in report.violations)


def best_route(problem: Problem, vehicle: int, tasks: tuple[int, ...]) -> tuple[int, Route] | None:
    """Find the cheapest feasible route of one vehicle over exactly these tasks."""
    best: tuple[int, Route] | None = None
    rest = tuple(task for task in range(problem.task_count) if task not in tasks)
    for order in permutations(tasks):
        for trips in trip_cuts(problem, vehicle, order):
            for start_s in departures(problem, vehicle, trips):
                for breaks in break_places(problem, vehicle, len(order)):
                    route = Route(vehicle, trips, start_s, breaks)
                    report = check(problem, Solution((route,), rest))
                    if own_mistakes(report, tasks):
                        continue
                    cost = report.cost.total - report.cost.left_out
                    if best is None or cost < best[0]:
                        best = cost, route
    return best


def all_plans(problem: Problem) -> Iterator[Solution]:
    """Give the cheapest plan of every way of sharing tasks out among vehicles."""
    everything = tuple(range(problem.task_count))
    subsets = [c for size in range(1, len(everything) + 1) for c in combinations(everything, size)]
    routes = {
        (vehicle, subset): found
        for vehicle in range(problem.vehicle_count)
        for subset in subsets
        if (found := best_route(problem, vehicle, subset)) is not None
    }

    def share(vehicle: int, left: tuple[int, ...], chosen: tuple[Route, ...]) -> Iterator[Solution]:
        if vehicle == problem.vehicle_count:
            yield Solution(chosen, left)
            return
        yield from share(vehicle + 1, left, chosen)
        for subset in subsets:
            if (vehicle, subset) in routes and set(subset) <= set(left):
                after = tuple(task for task in left if task not in subset)
                yield from share(vehicle + 1, after, (*chosen, routes[vehicle, subset][1]))

    yield from share(0, everything, ())


def best_plan(problem: Problem) -> Best:
    """Find the best plan among all there are."""
    verdicts = (check(problem, plan) for plan in all_plans(problem))
    missing, cost = min((len(verdict.missing), verdict.cost.total) for verdict in verdicts if verdict.feasible)
    return Best(missing, cost)


class Draw:
    """A builder with random places and roads, and the random numbers for the rest."""

    def __init__(self, seed: int, tasks: int = 5) -> None:
        self.random = np.random.default_rng(seed)
        points = self.random.integers(0, 100, (tasks + 2, 2))
        far = np.abs(points[:, None] - points[None]).sum(-1)
        self.legs = (far * self.random.uniform(1.0, 1.4, far.shape)).astype(np.int64)
        self.slow = (self.legs * 2).astype(np.int64)
        self.tasks = tasks
        builder = ProblemBuilder(("kg", "count")).profile("van", self.legs, self.legs)
        self.builder = builder.profile("trike", self.legs, self.slow).depot("centre", 0).depot("side", tasks + 1)

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return int(self.random.integers(low, high + 1))

    def vans(self, **fields: Any) -> Draw:
        """Add two vans."""
        self.builder.vehicle_type("van", **({"count": 2, "capacity": (12, 4), "cost_per_m": 1} | fields))
        return self

    def stops(self, **fields: Callable[[], Any]) -> Problem:
        """Add the stops, drawing each field, and build."""
        for place in range(1, self.tasks + 1):
            drawn = {"delivery": (self.whole(1, 5), 1)} | {name: draw() for name, draw in fields.items()}
            self.builder.task(f"t{place}", place, **drawn)
        return self.builder.build()

    def window(self) -> list[tuple[int, int]]:
        """Draw one window."""
        open_s = self.whole(0, 250)
        return [(open_s, open_s + self.whole(40, 160))]

    def two_windows(self) -> list[tuple[int, int]]:
        """Draw two windows apart from each other."""
        (first,) = self.window()
        return [first, (first[1] + 30, first[1] + 90)]


def capacity(seed: int) -> Problem:
    """Loads in two dimensions."""
    return Draw(seed).vans().stops()


def windows(seed: int) -> Problem:
    """Hard windows, service times and a shift."""
    draw = Draw(seed)
    return draw.vans(shift_end_s=420).stops(windows=draw.window, service_s=lambda: draw.whole(0, 20))


def several_windows(seed: int) -> Problem:
    """Two windows for each stop."""
    draw = Draw(seed, tasks=4)
    return draw.vans().stops(windows=draw.two_windows, service_s=lambda: draw.whole(0, 20))


def duration(seed: int) -> Problem:
    """A price per hour, overtime and a longest day, with windows."""
    draw = Draw(seed)
    draw.vans(cost_per_s=1, cost_per_driving_s=1, max_duration_s=400, overtime_after_s=150, overtime_cost_per_s=3)
    return draw.stops(windows=draw.window, service_s=lambda: draw.whole(0, 20))


def limits(seed: int) -> Problem:
    """Distance, driving and stop limits so tight that not all is served."""
    draw = Draw(seed)
    return draw.vans(max_distance_m=230, max_driving_s=220, max_tasks=3).stops()


def mixed_fleet(seed: int) -> Problem:
    """A dear fast van and a cheap slow tricycle from different depots, one of them an open route."""
    draw = Draw(seed)
    draw.vans(count=1, fixed_cost=60, cost_per_driving_s=1)
    draw.builder.vehicle_type(
        "trike", count=1, capacity=(8, 3), cost_per_m=1, profile="trike", start_depot="side", fixed_cost=20,
        open_route=True, service_percent=150, shift_end_s=300,
    )  # fmt: skip
    return draw.stops(service_s=lambda: draw.whole(0, 20))


def collections(seed: int) -> Problem:
    """Deliveries and collections mixed on one tour."""
    draw = Draw(seed)
    return draw.vans(count=1, capacity=(9, 9)).stops(
        delivery=lambda: (draw.whole(0, 3), 1), pickup=lambda: (draw.whole(0, 4), 0)
    )


def optional(seed: int) -> Problem:
    """Stops that may be left out at a price."""
    draw = Draw(seed)
    return draw.vans().stops(required=lambda: bool(draw.whole(0, 1)), prize=lambda: draw.whole(0, 120))


def skills(seed: int) -> Problem:
    """Skills and forbidden pairs."""
    draw = Draw(seed).vans(count=1, skills=["cold"])
    draw.builder.vehicle_type("plain", count=1, capacity=(12, 4), cost_per_m=1, forbidden_tasks=frozenset([0]))
    return draw.stops(skills=lambda: ["cold"] if draw.whole(0, 2) == 0 else [])


def territory(seed: int) -> Problem:
    """A price for stops on an unfamiliar vehicle."""
    draw = Draw(seed)
    draw.vans(count=1)
    draw.builder.vehicle_type("other", count=1, capacity=(12, 4), cost_per_m=1)
    draw.stops()
    for place in range(1, draw.tasks + 1):
        draw.builder.task_price("other", f"t{place}", draw.whole(0, 90))
    return draw.builder.build()


def soft_windows(seed: int) -> Problem:
    """Windows that may be missed at a price."""
    draw = Draw(seed)
    return draw.vans().stops(windows=draw.window, late_cost_per_s=lambda: draw.whole(0, 2))


def setup(seed: int) -> Problem:
    """Set-up once for stops at one place."""
    draw = Draw(seed).vans(cost_per_s=1)
    for number in range(5):
        draw.builder.task(f"t{number}", 1 + number // 2, delivery=(2, 1), setup_s=draw.whole(0, 30), service_s=3)
    return draw.builder.build()


def releases(seed: int) -> Problem:
    """Goods that arrive at the depot during the day."""
    draw = Draw(seed)
    return draw.vans(cost_per_s=1).stops(release_s=lambda: draw.whole(0, 200))


def trips(seed: int) -> Problem:
    """One van that reloads at its depot."""
    draw = Draw(seed, tasks=4)
    draw.vans(count=1, capacity=(7, 2), reload_depots=["centre"], max_trips=3, trip_cost=5)
    return draw.stops(release_s=lambda: draw.whole(0, 100), windows=draw.window)


def trip_depots(seed: int) -> Problem:
    """One van that reloads at either of two depots."""
    draw = Draw(seed, tasks=4)
    draw.vans(count=1, capacity=(7, 2), reload_depots=["centre", "side"], max_trips=3)
    return draw.stops()


def shipments(seed: int) -> Problem:
    """Two pairs from door to door and one delivery."""
    draw = Draw(seed).vans()
    for name in ("a", "b", "c", "d"):
        draw.builder.task(name, "abcd".index(name) + 1, windows=[(0, draw.whole(150, 500))])
    draw.builder.shipment("ab", "a", "b", (draw.whole(1, 9), 1)).shipment("cd", "c", "d", (draw.whole(1, 9), 1))
    return draw.builder.task("e", 5, delivery=(4, 1)).build()


def alternatives(seed: int) -> Problem:
    """Door or cabinet, and one parcel that may be left out."""
    draw = Draw(seed)
    draw.vans().stops()
    draw.builder.alternatives("one", ["t1", "t2"]).alternatives("two", ["t3", "t4"], required=False, prize=40)
    return draw.builder.build()


def groups(seed: int) -> Problem:
    """Tasks that belong together and tasks that must not meet."""
    draw = Draw(seed)
    draw.vans().stops()
    return draw.builder.same_vehicle(["t1", "t2"]).incompatible("t2", "t3").build()


def alternatives_in_groups(seed: int) -> Problem:
    """A door that must be on its neighbour's vehicle, with a cabinet that need not."""
    draw = Draw(seed)
    draw.vans(capacity=(12, 3)).stops()
    draw.builder.alternatives("one", ["t1", "t2"]).alternatives("two", ["t3", "t4"])
    return draw.builder.same_vehicle(["t1", "t5"]).same_vehicle(["t2", "t3"]).build()


def locks(seed: int) -> Problem:
    """Things a dispatcher has fixed."""
    draw = Draw(seed)
    draw.vans().stops(delivery=lambda: (2, 0))
    draw.builder.lock("prefix", 0, ["t1", "t2"]).lock("vehicle", 1, ["t3"]).lock("order", 1, ["t5", "t4"])
    return draw.builder.build()


def backhaul(seed: int) -> Problem:
    """Deliveries before collections."""
    draw = Draw(seed)
    draw.vans()
    for place in range(1, 6):
        load = (draw.whole(1, 5), 1)
        draw.builder.task(f"t{place}", place, **({"delivery": load} if place < 4 else {"pickup": load}))
    return draw.builder.backhaul("linehaul_required").build()


def breaks(seed: int) -> Problem:
    """A rest at noon."""
    draw = Draw(seed, tasks=4)
    return draw.vans(breaks=[Break("noon", 60, 120, 30)], cost_per_s=1).stops()


def balance(seed: int) -> Problem:
    """A price for uneven work."""
    draw = Draw(seed)
    draw.vans().stops()
    return draw.builder.balance(Balance("distance_m", 120, 2)).build()


def disturbance(seed: int) -> Problem:
    """A price for differing from what couriers have seen."""
    draw = Draw(seed)
    draw.vans().stops()
    reference = Disturbance(
        np.array([0, 0, 1, 1, -1], dtype=np.int32),
        np.array([-1, 0, -1, 2, -1], dtype=np.int32),
        np.array([50, 90, 40, 120, 0], dtype=np.int64),
        vehicle_price=30,
        order_price=10,
        start_price_per_s=1,
    )
    return draw.builder.disturbance(reference).build()


VARIANTS = (
    capacity, windows, several_windows, duration, limits, mixed_fleet, collections, optional, skills, territory,
    soft_windows, setup, releases, trips, trip_depots, shipments, alternatives, groups, alternatives_in_groups,
    locks, backhaul, breaks, balance, disturbance,
)  # fmt: skip


@pytest.mark.parametrize(
    ("variant", "seed"),
    [pytest.param(v, seed, id=f"{v.__name__}-{seed}") for v in VARIANTS for seed in SEEDS],
)
def test_solver_reaches_the_best_plan_there_is(variant: Callable[[int], Problem], seed: int) -> None:
    """On a small problem of this kind no plan is better than the solver's."""
    problem = variant(seed)
    result = solve(problem, MaxIterations(ITERATIONS), seed=seed)
    report = check(problem, result.solution)
    assert report.violations == ()
    best = best_plan(problem)
    assert (len(report.missing), report.cost.total) == (best.missing, best.cost)
    assert (result.missing, result.cost) == (best.missing, best.cost)


def test_oracle_agrees_with_a_day_worked_out_by_hand() -> None:
    """Three stops on a line, 5 kg each, two vans of 10 kg: the far two together, the near one alone."""
    legs = [[10 * abs(a - b) for b in range(4)] for a in range(4)]
    builder = ProblemBuilder(("kg",)).profile("van", legs, legs).depot("centre", 0)
    builder.vehicle_type("van", count=2, capacity=10, cost_per_m=1)
    for place in (1, 2, 3):
        builder.task(f"t{place}", place, delivery=5)
    assert best_plan(builder.build()) == Best(0, 60 + 20)


def test_dropping_a_rule_never_makes_the_best_plan_dearer() -> None:
    """Without windows, or with a bigger van, the best plan is at most as dear."""
    for seed in range(3):
        draw = Draw(seed, tasks=4)
        tight = draw.vans(shift_end_s=420).stops(windows=draw.window)
        draw = Draw(seed, tasks=4)
        loose = draw.vans(shift_end_s=420).stops(windows=lambda: [(0, 1000)])
        one, other = best_plan(tight), best_plan(loose)
        assert (other.missing, other.cost) <= (one.missing, one.cost) or other.missing < one.missing
