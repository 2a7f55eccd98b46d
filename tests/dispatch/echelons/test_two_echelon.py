"""Trunk runs and couriers' routes are planned together, and an independent checker follows every parcel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.two_echelon_exact import exact_cost, lower_bound
from dispatch.echelons.checker import EchelonRule, check_two_echelon
from dispatch.echelons.errors import CutOffError, DepotUnreachableError, EchelonCapacityError, EchelonModelError
from dispatch.echelons.joint import Effort, solve_separately, solve_two_echelon
from dispatch.echelons.problem import TimetabledRun, TransferDepot, TwoEchelonProblem, classical_problem
from routing.formats import generate_two_echelon
from routing.problem import UNREACHABLE, Profile

MakeCounty = Callable[..., TwoEchelonProblem]
SMALL = Effort(rounds=12, iterations=800, recombine_every=4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_small_benchmark_instances_are_solved_to_the_optimum(seed: int) -> None:
    """Up to ten customers the joint plan costs exactly what the exact model proves to be least."""
    problem = classical_problem(generate_two_echelon("small", 9, 2, seed, "random", "sliced"))
    plan = solve_two_echelon(problem, Effort(20, 2_000, 5))
    assert check_two_echelon(problem, plan) == ()
    assert plan.cost == pytest.approx(exact_cost(problem), abs=0.5)


def test_the_lower_bound_lies_below_the_optimum() -> None:
    """The bound by column generation never exceeds what the exact model finds."""
    problem = classical_problem(generate_two_echelon("small", 8, 2, 5, "quadrants", "forbidden"))
    optimum = exact_cost(problem)
    assert optimum is not None
    assert 0.5 * optimum < lower_bound(problem) <= optimum + 1


def test_joint_planning_is_never_dearer_than_depot_by_depot() -> None:
    """Planned together, a medium instance costs no more than with every customer bound to the nearest satellite."""
    problem = classical_problem(generate_two_echelon("medium", 25, 3, 4, "centroids", "sliced"))
    joint, separate = solve_two_echelon(problem, SMALL), solve_separately(problem, SMALL)
    assert check_two_echelon(problem, joint) == ()
    assert joint.cost <= separate.cost


def test_freight_that_exceeds_one_truck_is_split_over_several() -> None:
    """A satellite that needs more than one truck holds is served by several, each parcel accounted for."""
    instance = replace(generate_two_echelon("split", 30, 2, 1), truck_capacity=60, trucks=8)
    problem = classical_problem(instance)
    plan = solve_two_echelon(problem, SMALL)
    assert check_two_echelon(problem, plan) == ()
    calls = [depot for run in plan.runs for depot in run.depots]
    assert max(calls.count(depot) for depot in calls) > 1


def test_couriers_leave_when_their_freight_is_sorted_and_are_back_before_the_run(make_county: MakeCounty) -> None:
    """With times, sorting and collections, every rule of the checker holds and collections reach the cut-off."""
    problem = make_county()
    plan = solve_two_echelon(problem, SMALL)
    assert check_two_echelon(problem, plan) == ()
    assert plan.unassigned == ()
    backs = [run for run in plan.runs if run.direction == "back"]
    collected = {one.task for one in plan.carriages if plan.runs[one.run].direction == "back"}
    direct = {task for route in plan.routes if route.depot == 0 for task in route.tasks}
    assert {0, 3} <= collected | direct
    assert all(run.ends_s <= 17 * 3600 for run in backs)


def test_a_bus_with_room_is_used_instead_of_a_truck(make_county: MakeCounty, morning_bus: TimetabledRun) -> None:
    """A cheap timetabled bus takes freight, at its own times."""
    depots = tuple(one for one in make_county().depots if not one.direct)
    bus = replace(morning_bus, calls=((0, 25_200), (1, 28_800)), capacity=(100_000, 100))
    problem = make_county(depots=depots, timetable=(bus,))
    plan = solve_two_echelon(problem, SMALL)
    assert check_two_echelon(problem, plan) == ()
    assert any(run.timetabled for run in plan.runs)


def test_equal_seeds_give_equal_plans(make_county: MakeCounty) -> None:
    """The same county planned twice with one seed has the same runs and routes."""
    assert solve_two_echelon(make_county(), SMALL, 3) == solve_two_echelon(make_county(), SMALL, 3)


def test_a_depot_that_no_run_reaches_is_named(make_county: MakeCounty) -> None:
    """When the road to a township depot is missing, planning says which depot and what to do."""
    county = make_county()
    metres = county.profiles[0].distance_m.copy()
    metres[0, 1] = metres[2, 1] = UNREACHABLE
    problem = make_county(profiles=(Profile("road", metres, county.profiles[0].duration_s),))
    with pytest.raises(DepotUnreachableError, match="east"):
        solve_two_echelon(problem, SMALL)


def test_a_load_above_every_vehicle_is_named(make_county: MakeCounty) -> None:
    """A stop that no courier's vehicle could carry is refused by name."""
    county = make_county()
    tasks = (replace(county.tasks[0], delivery=(90_000, 10)), *county.tasks[1:])
    with pytest.raises(EchelonCapacityError, match="stop3"):
        solve_two_echelon(make_county(tasks=tasks), SMALL)


def test_a_cut_off_before_anything_could_be_back_is_named(make_county: MakeCounty) -> None:
    """A line-haul that leaves minutes after midnight cannot be reached from a depot."""
    with pytest.raises(CutOffError, match="no run gets back"):
        solve_two_echelon(make_county(back_by_s=600), SMALL)


def test_trunks_that_are_too_small_are_named(make_county: MakeCounty) -> None:
    """With trunk vehicles for five parcels and no route from the centre the day cannot be carried."""
    county = make_county()
    depots = tuple(one for one in county.depots if not one.direct)
    trunks = (replace(county.trunks[0], capacity=(1_000_000, 5)),)
    with pytest.raises(EchelonCapacityError):
        solve_two_echelon(make_county(depots=depots, trunks=trunks), SMALL)


def test_two_depots_of_one_name_are_refused(make_county: MakeCounty) -> None:
    """A township covered by two depots of one id is refused."""
    with pytest.raises(EchelonModelError, match="east"):
        make_county(depots=(TransferDepot("east", 1), TransferDepot("east", 2)))


def test_a_bus_that_is_somewhere_before_it_left_is_refused(make_county: MakeCounty, morning_bus: TimetabledRun) -> None:
    """A timetable whose calls are not in order of time cannot be meant."""
    with pytest.raises(EchelonModelError, match="order of time"):
        make_county(timetable=(replace(morning_bus, centre_s=40_000),))


@pytest.mark.parametrize("rule", ["not_sorted", "run_overload", "freight_mismatch", "task_lost", "cost", "run_times"])
def test_the_checker_finds_each_broken_rule(make_county: MakeCounty, rule: str) -> None:
    """A plan spoilt in one way is refused for exactly that."""
    depots = tuple(one for one in make_county().depots if not one.direct)
    problem = make_county(depots=depots)
    plan = solve_two_echelon(problem, SMALL)
    assert check_two_echelon(problem, plan) == ()
    first_out = next(one for one in plan.carriages if plan.runs[one.run].direction == "out")
    spoilt = {
        "not_sorted": lambda: replace(
            plan, routes=tuple(replace(route, start_s=route.start_s - 7_200) for route in plan.routes)
        ),
        "run_overload": lambda: replace(plan, carriages=plan.carriages * 40),
        "freight_mismatch": lambda: replace(plan, carriages=tuple(c for c in plan.carriages if c != first_out)),
        "task_lost": lambda: replace(plan, routes=plan.routes[1:]),
        "cost": lambda: replace(plan, trunk_cost=plan.trunk_cost - 1),
        "run_times": lambda: replace(plan, runs=tuple(replace(run, starts_s=run.starts_s - 60) for run in plan.runs)),
    }[rule]()
    assert EchelonRule(rule) in {one.rule for one in check_two_echelon(problem, spoilt)}


def test_unit_costs_of_a_file_become_whole_costs() -> None:
    """A fraction of a unit cost that we cannot state exactly is refused."""
    with pytest.raises(EchelonModelError, match="whole number"):
        classical_problem(replace(generate_two_echelon("x", 5, 2, 1), truck_cost=1.5))


def test_distances_are_thousandths_of_the_files_units() -> None:
    """A classical problem keeps the file's distances to three decimals."""
    instance = generate_two_echelon("x", 5, 2, 1)
    points = instance.points()
    problem = classical_problem(instance)
    expected = np.hypot(*(points[0] - points[1])) * 1_000
    assert problem.profiles[0].distance_m[0, 1] == pytest.approx(expected, abs=0.51)


def test_stops_that_one_van_cannot_serve_are_left_out_and_named(make_county: MakeCounty) -> None:
    """With one small van and stops that may be left out, the plan holds and says which stops stay behind."""
    county = make_county()
    tasks = tuple(replace(task, required=False, prize=10**9) for task in county.tasks)
    couriers = (replace(county.couriers[0], count=1),)
    problem = make_county(tasks=tasks, couriers=couriers)
    plan = solve_two_echelon(problem, SMALL)
    assert check_two_echelon(problem, plan) == ()
    assert plan.unassigned
    assert plan.left_out_cost == 10**9 * len(plan.unassigned)


@given(
    seed=st.integers(0, 10_000),
    room=st.integers(25, 120),
    sorted_per_hour=st.sampled_from([None, 20, 200]),
    back_by_h=st.integers(12, 20),
    direct=st.booleans(),
    bus=st.booleans(),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_county_the_checker_agrees(
    make_county: MakeCounty,
    morning_bus: TimetabledRun,
    seed: int,
    room: int,
    sorted_per_hour: int | None,
    back_by_h: int,
    direct: bool,
    bus: bool,
) -> None:
    """Random lorries, sorting speeds, cut-offs and buses give plans that hold, or a named refusal."""
    county = make_county()
    depots = tuple(
        replace(one, sorted_per_hour=None if one.direct else sorted_per_hour)
        for one in county.depots
        if direct or not one.direct
    )
    calls = tuple((depot - (not direct), call) for depot, call in morning_bus.calls)
    problem = make_county(
        depots=depots,
        trunks=(replace(county.trunks[0], count=4, capacity=(1_000 * room, room)),),
        timetable=(replace(morning_bus, calls=calls),) if bus else (),
        tasks=tuple(replace(task, required=False, prize=10**9) for task in county.tasks),
        back_by_s=back_by_h * 3600,
    )
    plan = solve_two_echelon(problem, Effort(3, 200, 2), seed)
    assert check_two_echelon(problem, plan) == ()
