"""The search counts right at every step, and decides the same compiled and interpreted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from routing import Problem, ProblemBuilder, solve
from routing.checker import check
from routing.problem import HORIZON_S
from routing.search.answers import to_solution
from routing.search.first import construct, load
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.search.state import best_orders, keep_present, new_state
from routing.search.variants import kernels
from routing.solution import Route, Solution, Trip
from routing.stop import MaxIterations

PROJECT = Path(__file__).resolve().parents[2]


def day(stops: int = 12) -> Problem:
    """Give a small day with two kinds of vehicles, windows, pickups, paid hours and optional stops."""
    draw = np.random.default_rng(2)
    points = draw.integers(0, 1000, (stops + 1, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    builder = ProblemBuilder(("count",)).profile("van", far, far).depot("centre", 0)
    builder.vehicle_type("van", count=3, capacity=5, cost_per_m=2, cost_per_s=1, fixed_cost=300, shift_end_s=9000)
    builder.vehicle_type("trike", count=2, capacity=3, cost_per_m=1, cost_per_s=1, max_duration_s=3000)
    for place in range(1, stops + 1):
        opens = int(draw.integers(0, 3000))
        load = {"pickup": 1} if place % 3 == 0 else {"delivery": 1}
        builder.task(
            f"stop {place}", place, windows=[(opens, opens + 2500)], service_s=30, required=place % 4 > 0,
            prize=400, **load,
        )  # fmt: skip
    return builder.build()


def around(stops: int, seed: int) -> ProblemBuilder:
    """Give places around a depot, without vehicles."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 1000, (stops + 1, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    return ProblemBuilder(("count",)).profile("van", far, far).depot("centre", 0)


def fleet() -> Problem:
    """Give fifteen stops and four kinds of vehicles, two of them few, that differ in room and prices."""
    builder = around(15, 5)
    for kind, (count, capacity, fixed, per_m) in enumerate(
        [(15, 4, 100, 4), (2, 7, 300, 4), (1, 11, 500, 5), (3, 9, 900, 3)]
    ):
        builder.vehicle_type(f"kind {kind}", count=count, capacity=capacity, fixed_cost=fixed, cost_per_m=per_m)
    for place in range(1, 16):
        builder.task(f"stop {place}", place, delivery=1 + place % 3)
    return builder.build()


def deliveries_first() -> Problem:
    """Give fifteen stops, a third of them collections that come last and never alone."""
    builder = around(15, 6).vehicle_type("van", count=6, capacity=7, cost_per_m=1).backhaul("linehaul_required")
    for place in range(1, 16):
        builder.task(f"stop {place}", place, **{"pickup" if place % 3 == 0 else "delivery": 1 + place % 2})
    return builder.build()


def many_short_legs(rules: str, stops: int = 60) -> Problem:
    """Give a symmetric town with loads only, with windows too, or with shipments between its places."""
    draw = np.random.default_rng(5)
    points = draw.integers(0, 1000, (stops + 1, 2))
    far = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1)).round()
    builder = ProblemBuilder(("count",)).profile("van", far, far).depot("centre", 0)
    room, home = (3, 12_000) if rules == "shipments" else (40, HORIZON_S)
    builder.vehicle_type("van", count=stops, capacity=room, cost_per_m=1, fixed_cost=50, shift_end_s=home)
    for place in range(1, stops + 1):
        opens = int(draw.integers(0, 6000)) if rules == "windows" else 0
        closes = 2 * opens + 9000 if rules == "windows" else HORIZON_S
        load = 0 if rules == "shipments" else 1 + place % 3
        builder.task(f"stop {place}", place, windows=[(opens, closes)], delivery=load)
        if rules == "shipments" and place % 2 == 0:
            builder.shipment(f"parcel {place}", f"stop {place - 1}", f"stop {place}", amount=1 + place % 3)
    return builder.build()


def several_trips(stops: int = 30, release: bool = True, most: int = 100) -> Problem:
    """Give few vans that reload, with windows, goods that come during the day, and prices of vans and trips."""
    draw = np.random.default_rng(7)
    builder = around(stops, 8).depot("hub", 0, open_s=100, close_s=14_000, reload_s=120)
    builder.vehicle_type(
        "van", count=6, capacity=9, cost_per_m=1, fixed_cost=300, trip_cost=40, reload_depots=["hub"], max_trips=most,
        start_depot="hub",
    )  # fmt: skip
    for place in range(1, stops + 1):
        ready = int(draw.integers(0, 5000)) if release and place % 3 else 0
        opens = ready + int(draw.integers(500, 4000))
        builder.task(
            f"stop {place}", place, windows=[(opens, opens + 3000)], service_s=50, delivery=1 + place % 4,
            release_s=ready, required=place % 7 > 0, prize=900,
        )  # fmt: skip
    return builder.build()


def costs_agree(problem: Problem, heat: float, steps: int = 150) -> None:
    """Compare after every single iteration, accepted or undone, the search's own cost with the checker's."""
    model = compile_problem(problem)
    state = new_state(model.data, model.flags, model.leads, 3, problem.task_count + 4)
    construct(model, state, 3)
    search = kernels(model.flags).search
    for _ in range(steps):
        search(model.data, state, a.ANNEAL, 1, heat, 1.0, 6.0, 6)
        state.best_len[:] = 0
        for r in state.used_list[: int(state.info[a.NROUTES])]:
            length = int(state.rint[r, a.LEN])
            state.best_len[r], state.best_cls[r] = length, state.rint[r, a.CLS]
            state.best_seq[r, 1 : length + 1] = state.seq[r, 1 : length + 1]
            if state.best_before.size:
                state.best_before[r] = state.rint[r, a.BEFORE]
        report = check(problem, to_solution(model, state))
        assert report.feasible, report.violations
        missing = sum(int(model.data.prize[task]) for task in report.missing)
        assert int(state.info[a.CUR]) * model.scale == report.cost.total + missing * model.scale


def test_the_running_cost_is_the_cost_of_the_plan() -> None:
    """After every single change of a mixed day, kept or taken back, the search knows what its plan costs."""
    costs_agree(day(), 300.0)


@pytest.mark.slow
def test_exchanged_tails_are_priced_and_taken_back_rightly() -> None:
    """Routes that swap ends, split, join or are driven backwards cost what the checker says, whatever the rules."""
    code = (
        "import sys; sys.path.insert(0, 'tests/routing'); from test_search_modes import costs_agree, many_short_legs\n"
        "for rules in ('loads', 'windows', 'shipments'): costs_agree(many_short_legs(rules), 3000.0)\n"
        "print('fine')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=PROJECT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "fine", done.stderr[-2000:]


def test_the_running_cost_is_right_for_fleets_and_collections() -> None:
    """So it is while routes change over to other vehicles, and with collections after deliveries (interpreted)."""
    code = (
        "import sys; sys.path.insert(0, 'tests/routing'); "
        "from test_search_modes import costs_agree, deliveries_first, fleet; "
        "costs_agree(fleet(), 300.0, 400); costs_agree(deliveries_first(), 300.0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def times_stand(problem: Problem, heat: float, steps: int) -> None:
    """Compare after every single iteration all that is kept of the trips with the same plan loaded afresh."""
    model = compile_problem(problem)
    assert model.flags.trips
    state, other = (new_state(model.data, model.flags, model.leads, 3, 100) for _ in range(2))
    construct(model, state, 3)
    for _ in range(steps):
        kernels(model.flags).search(model.data, state, a.ANNEAL, 1, heat, 1.0, 6.0, 6)
        keep_present(state)
        other = new_state(model.data, model.flags, model.leads, 3, 100)
        load(model, other, best_orders(state))
        assert state.info[a.CUR] == other.info[a.CUR]
        assert state.free_vehicles[0] == other.free_vehicles[0]
        on = np.flatnonzero(state.node[:, a.RID] >= 0)
        of_task = [a.POS, a.CPRV, a.CNXT, a.DEP, a.LT, a.TPRV, a.SVC, a.LASTS, a.IDLE, a.START_BY]
        assert (state.node[on][:, of_task] == other.node[on][:, of_task]).all()
        slot, same = state.node[on, a.RID], other.node[on, a.RID]
        of_trip = [a.BEGIN, a.DUE, a.RELEASE, a.LEN, a.BASE]
        assert (state.rint[slot][:, of_trip] == other.rint[same][:, of_trip]).all()
        assert (state.load[slot] == other.load[same]).all()


def start_plans_stand() -> None:
    """Begin with a plan made before, and with plans whose trips are too many, empty or from elsewhere."""
    problem = several_trips(most=2)
    first = solve(problem, MaxIterations(40), seed=1)
    again = solve(problem, MaxIterations(1), seed=2, initial=first.solution)
    assert (again.missing, again.cost) <= (first.missing, first.cost)
    hub = problem.vehicle_types[0].start_depot
    for tasks, depot in ((((2,), (5,), (8,)), hub), (((2,), ()), hub), (((2,), (5,)), 1 - hub)):
        trips = tuple(Trip(group, depot if number else hub) for number, group in enumerate(tasks))
        result = solve(problem, MaxIterations(1), initial=Solution((Route(0, trips, 5000),)))
        assert check(problem, result.solution).feasible


def test_the_running_cost_and_the_times_are_right_for_several_trips() -> None:
    """So it is while trips are filled, cut, moved to other vehicles and dropped, and their times are kept right."""
    code = (
        "import sys; sys.path.insert(0, 'tests/routing')\n"
        "from test_search_modes import costs_agree, several_trips, start_plans_stand, times_stand\n"
        "for rules in ({}, {'release': False}, {'most': 2}, {'most': 1}):\n"
        "    for heat in (300.0, 30.0): costs_agree(several_trips(**rules), heat)\n"
        "    times_stand(several_trips(**rules), 100.0, 150)\n"
        "start_plans_stand(); print('fine')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=PROJECT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "fine", done.stderr[-2000:]


def routes_of(problem: Problem) -> list[list[int]]:
    """Plan with a fixed seed and number of iterations."""
    result = solve(problem, MaxIterations(60), seed=4)
    return [[route.vehicle, route.start_s, *route.tasks] for route in result.solution.routes]


@pytest.mark.slow
def test_compiled_and_interpreted_search_agree() -> None:
    """The same seed gives the same plan without the compiler."""
    code = (
        "import json, sys; sys.path.insert(0, 'tests/routing'); "
        "from test_search_modes import day, routes_of, several_trips; "
        "print(json.dumps([routes_of(day()), routes_of(several_trips())]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == [routes_of(day()), routes_of(several_trips())]


FUZZ = """
import random, sys
sys.path.insert(0, "tests/routing")
from test_search_rules import RULES, approved, small_day
from routing import solve
from routing.errors import ContradictionError
from routing.stop import MaxIterations
draw = random.Random(11)
done = 0
while done < 40:
    rules = [rule for rule in RULES if draw.random() < 0.25]
    seed = draw.randrange(1000)
    try:
        problem = small_day(seed, *rules)
    except ContradictionError:
        continue
    done += 1
    first = solve(problem, MaxIterations(20), seed=seed)
    if not {"locks", "route"}.intersection(rules):
        approved(problem, first)
        again = solve(problem, MaxIterations(2), seed=seed, initial=first.solution)
        approved(problem, again)
        assert (again.missing, again.cost) <= (first.missing, first.cost), rules
print("fine")
"""


@pytest.mark.slow
def test_random_combinations_of_rules_hold() -> None:
    """Forty days with rules thrown together: no plan breaks one, and planning on never makes it worse."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FUZZ], cwd=PROJECT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "fine", done.stderr[-2000:]
