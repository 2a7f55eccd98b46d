"""A task left out comes with the reason and with the cheapest change that would take it along."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import UNREACHABLE, Problem, ProblemBuilder, Solution
from routing.checker import check
from routing.departure import depart_late
from routing.explain import Explanation, Fix, ReasonCode, explain
from routing.solution import Route, Trip

PLACES = 7
LEGS = [[10 * abs(a - b) for b in range(PLACES)] for a in range(PLACES)]


def road(**van: Any) -> ProblemBuilder:
    """Give a depot at the end of a straight road and one van of 10 kg."""
    fields = {"count": 1, "capacity": 10, "cost_per_m": 1} | van
    return ProblemBuilder(("kg",)).profile("van", LEGS, LEGS).depot("centre", 0).vehicle_type("van", **fields)


def only(problem: Problem, *order: int) -> Explanation:
    """Explain the one task that a single route leaves out."""
    (found,) = explain(problem, Solution.from_orders(problem, [order] if order else []))
    return found


@pytest.mark.parametrize(
    ("van", "task", "code", "amount", "dimension"),
    [
        ({}, {"delivery": 12}, "DEMAND_EXCEEDS_VEHICLE_CAPACITY", 2, "kg"),
        ({}, {"pickup": 13}, "DEMAND_EXCEEDS_VEHICLE_CAPACITY", 3, "kg"),
        ({}, {"skills": ["cold"]}, "SKILL_MISSING", 1, "cold"),
        ({"forbidden_tasks": frozenset([0])}, {}, "VEHICLE_NOT_ALLOWED", 1, None),
        ({}, {"windows": [(0, 15)]}, "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS", 5, None),
        ({"shift_end_s": 30}, {}, "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS", 10, None),
        ({}, {"windows": [(0, 25)], "release_s": 10}, "RELEASED_TOO_LATE", 5, None),
        ({"max_duration_s": 35}, {}, "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT", 5, None),
        ({"max_distance_m": 33}, {}, "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT", 7, None),
        ({"max_driving_s": 31}, {}, "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TRAVEL_DURATION_LIMIT", 9, None),
        ({"max_tasks": 0}, {}, "CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TASK_LIMIT", 1, None),
    ],
)
def test_impossible_tasks_are_proved(
    van: dict[str, Any], task: dict[str, Any], code: str, amount: int, dimension: str | None
) -> None:
    """A task that no van could ever serve alone says which limit stands in the way and by how much."""
    found = only(road(**van).task("a", 2, **task).build())
    (reason,) = found.reasons
    assert (reason.code, reason.certainty, reason.amount, reason.dimension) == (code, "proved", amount, dimension)
    assert found.certainty == "proved"


def test_no_vehicle_at_all() -> None:
    """Without vehicles nothing else needs to be said."""
    (reason,) = only(road(count=0).task("a", 2).build()).reasons
    assert reason.code is ReasonCode.NO_VEHICLE


def test_no_road_is_a_proof_even_beside_another_vehicle_type() -> None:
    """A valley without a road for the tricycle is unreachable for it, and the van's reason is its own."""
    blocked = np.array(LEGS)
    blocked[2, :] = blocked[:, 2] = UNREACHABLE
    builder = ProblemBuilder(("kg",)).profile("van", LEGS, LEGS).profile("trike", blocked, blocked).depot("centre", 0)
    builder.vehicle_type("van", capacity=1).vehicle_type("trike", capacity=9, profile="trike")
    codes = [reason.code for reason in only(builder.task("a", 2, delivery=5).build()).reasons]
    assert codes == [ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY, ReasonCode.UNREACHABLE_BY_ROAD]


def test_a_proof_uses_the_shortest_way_not_the_direct_leg() -> None:
    """Where a detour over another place is faster than the direct road, nothing false is proved."""
    legs = np.array(LEGS)
    legs[0, 2] = legs[2, 0] = 500
    builder = ProblemBuilder(("kg",)).profile("van", legs, legs).depot("centre", 0)
    builder.vehicle_type("van", capacity=10, max_duration_s=45)
    found = only(builder.task("a", 2).build())
    assert [reason.certainty for reason in found.reasons] == ["heuristic"]


def test_full_van_says_how_many_kilograms_are_missing() -> None:
    """When the only van is full, the reason is its load in this plan, and more room or a van is the fix."""
    problem = road().task("a", 1, delivery=6).task("b", 2, delivery=7).build()
    found = only(problem, 0)
    (reason,) = found.reasons
    assert (reason.code, reason.certainty) == ("DEMAND_EXCEEDS_VEHICLE_CAPACITY", "heuristic")
    assert (reason.amount, reason.dimension) == (3, "kg")
    assert {fix.constraint: (fix.change, fix.cost) for fix in found.fixes} == {"capacity": (3, 20), "vehicle": (1, 40)}
    assert str(found.fix) == "capacity +3 kg"


def test_short_shift_says_how_many_minutes_are_missing() -> None:
    """When the day is too short, the fix is a longer shift by that much."""
    problem = road(shift_end_s=90).task("a", 1, service_s=40).task("b", 3, service_s=40).build()
    found = only(problem, 0)
    assert found.reasons[0].code is ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS
    (fix,) = [fix for fix in found.fixes if fix.constraint == "shift_end_s"]
    assert (fix.change, fix.vehicle) == (60 + 80 - 90, 0)
    assert str(fix) == "shift_end_s +1 min"


def test_fix_may_be_somebody_elses_window() -> None:
    """Serving a task first can make another one late: the fix names that one's window."""
    problem = road().task("a", 5, windows=[(0, 50)]).task("b", 1, service_s=20, windows=[(0, 30)]).build()
    assert "windows of a" in {fix.constraint for fix in only(problem, 0).fixes}


def test_one_missing_skill_is_a_fix() -> None:
    """A fix may be to give the driver a skill."""
    problem = road().task("a", 1).task("b", 2, skills=["id-check"]).build()
    assert ("skills", 1, 20) in {(fix.constraint, fix.change, fix.cost) for fix in only(problem, 0).fixes}


def test_free_omission_and_bad_bargains_say_so() -> None:
    """An optional task is left out because that is free, or because it costs more than it is worth."""
    assert only(road().task("a", 2, required=False).build()).reasons[0].code is ReasonCode.ZERO_PENALTY_COST
    (reason,) = only(road().task("a", 2, required=False, prize=30).build()).reasons
    assert (reason.code, reason.certainty, reason.amount) == (ReasonCode.LESS_VALUABLE, "heuristic", 10)


def test_task_that_fits_is_said_to_fit() -> None:
    """If the search has missed a place, the explanation shows it instead of inventing a reason."""
    found = only(road().task("a", 1).task("b", 2).build(), 0)
    assert found.reasons == ()
    assert found.fix in [Fix("none", 0, "", 0, position, 20, 0, "proved") for position in (0, 1)]
    assert found.certainty == "heuristic"


def test_locks_and_groups_are_named() -> None:
    """A frozen route and an unwelcome companion are reasons too."""
    locked = road().task("a", 1).task("b", 2).lock("route", 0, ["a"]).build()
    assert only(locked, 0).reasons[0].code is ReasonCode.VEHICLE_ROUTE_IS_FULLY_SEQUENCE_CONSTRAINED
    apart = road().task("a", 1).task("b", 2).incompatible("a", "b").build()
    found = only(apart, 0)
    assert found.reasons[0].code is ReasonCode.EXCLUDED_BY_OTHER_TASK
    assert {fix.constraint for fix in found.fixes} == {"incompatible", "vehicle"}


def test_lock_to_another_type_is_proved() -> None:
    """A task bound to the van is no task for the tricycle."""
    builder = road().vehicle_type("trike", capacity=3).task("a", 1, delivery=12).lock("vehicle", 0, ["a"])
    codes = {reason.code for reason in only(builder.build()).reasons}
    assert ReasonCode.SKIPPED_IN_INJECTED_SOLUTION_CONSTRAINT in codes


def test_shipment_is_explained_as_one() -> None:
    """Both ends of a shipment say the same, with places for both in the fix."""
    problem = road(max_distance_m=70).task("a", 1).task("from", 5).task("to", 2).shipment("s", "from", "to", 3).build()
    one, other = explain(problem, Solution.from_orders(problem, [(0,)]))
    assert one.reasons == other.reasons
    assert one.reasons[0].code is ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT
    assert one.reasons[0].amount == 30


def test_alternative_not_chosen_needs_no_reason() -> None:
    """The cabinet is not left out when the parcel goes to the door."""
    problem = road().task("door", 1).task("cabinet", 2).alternatives("parcel", ["door", "cabinet"]).build()
    assert explain(problem, Solution.from_orders(problem, [(0,)])) == ()
    assert len(explain(problem, Solution.from_orders(problem, []))) == 2


def test_disturbance_counts_stops_that_move_by_more_than_the_tolerance() -> None:
    """A fix says how many customers would be visited at another time."""
    builder = road().task("a", 1).task("b", 2, service_s=1000).task("c", 3).task("d", 4)
    found = only(builder.build(), 0, 2, 3)
    assert found.fix is not None
    assert found.fix.disturbance == 2


def test_every_reason_code_is_described() -> None:
    """Whoever meets a reason finds it on the checker's page."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "solver" / "checker.md").read_text(encoding="utf-8")
    assert [code for code in ReasonCode if f"`{code}`" not in page] == []


def relaxed(problem: Problem, fix: Fix) -> Problem | None:
    """Apply a fix to its problem, if it is one that a field can express."""
    assert fix.vehicle is not None
    index = problem.type_of_vehicle[fix.vehicle]
    kind = problem.vehicle_types[index]
    if fix.constraint == "capacity":
        kind = replace(kind, capacity=(kind.capacity[0] + fix.change,))
    elif fix.constraint in ("shift_end_s", "max_distance_m", "max_duration_s", "max_driving_s", "max_tasks"):
        kind = replace(kind, **{fix.constraint: getattr(kind, fix.constraint) + fix.change})
    elif fix.constraint.startswith("windows of "):
        at = problem.task_index[fix.constraint.removeprefix("windows of ")]
        task = problem.tasks[at]
        wider = replace(task, windows=((task.windows[0][0], task.windows[0][1] + fix.change),))
        return replace(problem, tasks=(*problem.tasks[:at], wider, *problem.tasks[at + 1 :]))
    elif fix.constraint != "none":
        return None
    types = (*problem.vehicle_types[:index], kind, *problem.vehicle_types[index + 1 :])
    return replace(problem, vehicle_types=types)


@st.composite
def tight_days(draw: st.DrawFn) -> Problem:
    """Give random small days in which not everything fits."""
    van = {
        "count": 1,
        "capacity": draw(st.integers(4, 12)),
        "shift_end_s": draw(st.integers(60, 200)),
        "max_distance_m": draw(st.integers(60, 200)),
        "max_tasks": draw(st.integers(1, 4)),
    }
    builder = road(**van)
    for number in range(4):
        open_s = draw(st.integers(0, 80))
        builder.task(
            f"t{number}",
            draw(st.integers(1, PLACES - 1)),
            delivery=draw(st.integers(0, 6)),
            service_s=draw(st.integers(0, 30)),
            windows=[(open_s, open_s + draw(st.integers(5, 120)))],
        )
    return builder.build()


@settings(max_examples=50, deadline=None)
@given(problem=tight_days())
def test_every_fix_works(problem: Problem) -> None:
    """Whatever change is offered, making it really lets the task in, at the stated price."""
    solution = Solution((), tuple(range(4)))
    for task in range(4):  # a plan made greedily from the explanations themselves
        (found,) = explain(problem, solution, [task])
        for fix in found.fixes:
            if fix.vehicle is None or fix.position is None:
                continue
            changed = relaxed(problem, fix)
            if changed is None:
                continue
            order = list(solution.routes[0].tasks) if solution.routes else []
            order.insert(fix.position, task)
            starts = {route.start_s for route in solution.routes}
            routes = [Route(0, (Trip(tuple(order), 0),), start_s) for start_s in {0, *starts}]
            routes.append(depart_late(changed, routes[0]))
            rest = tuple(t for t in range(4) if t not in order)
            reports = [check(changed, Solution((one,), rest)) for one in routes]
            assert any(report.feasible for report in reports)
            before = check(problem, solution).cost.total
            assert reports[0].cost.total - before == fix.cost
        fitting = found.fix
        if fitting is not None and fitting.constraint == "none":
            order = list(solution.routes[0].tasks) if solution.routes else []
            assert fitting.position is not None
            order.insert(fitting.position, task)
            rest = tuple(t for t in range(4) if t not in order)
            options = [Route(0, (Trip(tuple(order), 0),), 0)]
            options.append(depart_late(problem, options[0]))
            solution = next(
                plan for plan in (Solution((one,), rest) for one in options) if check(problem, plan).feasible
            )


@settings(max_examples=50, deadline=None)
@given(problem=tight_days())
def test_what_is_proved_holds_in_every_plan(problem: Problem) -> None:
    """A task whose absence is proved is in no feasible plan of all those there are."""
    served: set[int] = set()
    for size in range(1, 5):
        for order in permutations(range(4), size):
            route = depart_late(problem, Route(0, (Trip(order, 0),)))
            rest = tuple(t for t in range(4) if t not in order)
            if check(problem, Solution((route,), rest)).feasible:
                served |= set(order)
    for found in explain(problem, Solution((), tuple(range(4)))):
        if found.certainty == "proved":
            assert found.task not in served


def test_a_fix_says_whether_less_would_do() -> None:
    """Two kilograms too many are proved; a full van might be emptied another way, so its fix is heuristic."""
    heavy = only(road().task("a", 2, delivery=12).build())
    assert heavy.fix is not None
    assert (str(heavy.fix), heavy.fix.certainty) == ("capacity +2 kg", "proved")
    full = only(road().task("a", 2, delivery=7).task("b", 3, delivery=5).build(), 0)
    (fix,) = [fix for fix in full.fixes if fix.constraint == "capacity"]
    assert (fix.change, fix.certainty) == (2, "heuristic")


def test_a_vehicle_type_without_vehicles_is_named() -> None:
    """A kind of vehicle of which there is none today is given as the reason it takes nothing."""
    builder = road().vehicle_type("trike", count=0, capacity=50, cost_per_m=1)
    found = only(builder.task("a", 2, delivery=12).build())
    assert (ReasonCode.VEHICLE_IGNORED, "trike") in [(reason.code, reason.dimension) for reason in found.reasons]
    assert found.certainty == "proved"
