"""A problem says what is wrong with it, and where."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from routing import HORIZON_S, UNREACHABLE, LockKind, ProblemBuilder, fen, per_hour, per_km, to_fen
from routing.errors import (
    ContradictionError,
    DimensionError,
    DuplicateIdError,
    InvalidProblemError,
    MagnitudeError,
    MatrixShapeError,
    MatrixValueError,
    NegativeValueError,
    UnknownReferenceError,
    UnreachablePlaceError,
    WindowError,
)

LEGS = [[0, 4, 6], [4, 0, 3], [6, 3, 0]]


def two_stops() -> ProblemBuilder:
    """Give a builder with a depot, one van and two stops."""
    return (
        ProblemBuilder(("count",))
        .profile("van", LEGS, LEGS)
        .depot("centre", 0)
        .vehicle_type("van", count=2, capacity=10, cost_per_m=1)
        .task("a", 1, delivery=2)
        .task("b", 2, delivery=3)
    )


def test_builder_makes_a_problem() -> None:
    """A small county is built by names."""
    problem = two_stops().build()
    assert problem.task_count == 2
    assert problem.vehicle_count == 2
    assert problem.type_of_vehicle == (0, 0)
    assert problem.tasks[1].delivery == (3,)
    assert not problem.profiles[0].distance_m.flags.writeable
    assert problem.profiles[0].leg(0, 2) == (6, 6)


def test_prices_per_kilometre_and_hour_are_exact() -> None:
    """A kilometre at 1.80 yuan and an hour at 35 yuan cost exactly that."""
    assert 1000 * per_km(180) == fen(180)
    assert 3600 * per_hour(3500) == fen(3500)
    assert to_fen(fen(7) + 8999) == 7
    assert to_fen(fen(7) + 9000) == 8


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda b: b.task("c", 1, delivery=-1), NegativeValueError, "task 'c': delivery"),
        (lambda b: b.task("c", 1, windows=[(9, 8)]), WindowError, "task 'c': windows"),
        (lambda b: b.task("c", 1, windows=[(0, 8), (7, 9)]), WindowError, "overlap"),
        (lambda b: b.task("c", 1, windows=[]), WindowError, "empty"),
        (lambda b: b.task("c", 7), UnknownReferenceError, "location is 7"),
        (lambda b: b.task("a", 1), DuplicateIdError, "task 'a'"),
        (lambda b: b.task("c", 1, delivery=(1, 2)), DimensionError, "task 'c': delivery"),
        (lambda b: b.task("c", 1, delivery={"weight": 1}), DimensionError, "weight"),
        (lambda b: b.task("c", 1, delivery=1 << 60), MagnitudeError, "dimension 'count'"),
        (lambda b: b.task("c", 1, windows=[(0, 3 * HORIZON_S)]), MagnitudeError, "times"),
        (lambda b: b.vehicle_type("bike", start_depot="moon"), UnknownReferenceError, "'moon'"),
        (lambda b: b.vehicle_type("bike", profile="boat"), UnknownReferenceError, "'boat'"),
        (lambda b: b.vehicle_type("bike", speed=3), UnknownReferenceError, "speed"),
        (lambda b: b.vehicle_type("bike", shift_start_s=5, shift_end_s=4), WindowError, "shift_end_s"),
        (lambda b: b.vehicle_type("bike", fixed_cost=-1), NegativeValueError, "fixed_cost"),
        (lambda b: b.vehicle_type("bike", cost_per_m=1 << 55), MagnitudeError, "costs"),
        (lambda b: b.shipment("s", "a", "z"), UnknownReferenceError, "'z'"),
        (lambda b: b.shipment("s", "a", "b").shipment("t", "a", "b"), ContradictionError, "in a shipment already"),
        (lambda b: b.alternatives("g", []), InvalidProblemError, "empty"),
        (lambda b: b.same_vehicle(["a", "b"]).incompatible("a", "b"), ContradictionError, "must share"),
        (lambda b: b.shipment("s", "a", "b").incompatible("a", "b"), ContradictionError, "must share"),
        (lambda b: b.lock(LockKind.VEHICLE, 9, ["a"]), UnknownReferenceError, "vehicle is 9"),
        (lambda b: b.lock("vehicle", 0, ["a"]).lock("route", 1, ["a"]), ContradictionError, "another lock"),
        (lambda b: b.forbid("van", "z"), UnknownReferenceError, "'z'"),
        (lambda b: b.depot("far", 0, open_s=5, close_s=4), WindowError, "close_s"),
    ],
)
def test_contradictions_are_named(make, error, words) -> None:
    """Each mistake in a problem raises an error that names object and field and gives a remedy."""
    with pytest.raises(error, match=words) as caught:
        make(two_stops()).build()
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("matrix", "error", "words"),
    [
        ([[0, 1], [1, 0], [2, 2]], MatrixShapeError, "square"),
        ([[0.0, float("nan")], [1.0, 0.0]], MatrixValueError, "NaN from location 0 to 1"),
        ([[0, -1], [1, 0]], MatrixValueError, "negative from location 0 to 1"),
        ([[0, 1 << 40], [1, 0]], MatrixValueError, "above"),
    ],
)
def test_bad_matrices_are_named(matrix, error, words) -> None:
    """A matrix with a hole or a wrong shape is refused with the place of the fault."""
    with pytest.raises(error, match=words):
        ProblemBuilder().profile("van", matrix)


def test_matrices_of_different_size_are_refused() -> None:
    """Two profiles must know the same places."""
    with pytest.raises(MatrixShapeError, match="bike"):
        two_stops().profile("bike", [[0]]).build()


def test_a_place_without_a_road_is_refused() -> None:
    """A village behind a closed bridge is named instead of planned."""
    legs = np.array(LEGS)
    legs[:, 2] = UNREACHABLE
    builder = ProblemBuilder().profile("van", legs, legs).depot("centre", 0).vehicle_type("van").task("island", 2)
    with pytest.raises(UnreachablePlaceError, match="island"):
        builder.build()


def test_infinite_legs_become_unreachable() -> None:
    """A road engine's infinity means that there is no road."""
    problem = two_stops().profile("bike", [[0, np.inf, 1], [1, 0, 1], [1.4, 1.5, 0]]).build()
    assert problem.profiles[1].distance_m[0, 1] == UNREACHABLE
    assert problem.profiles[1].distance_m[2].tolist() == [1, 2, 0]


def test_work_takes_setup_once_per_place_scaled_by_type() -> None:
    """Two parcels for one door need the walk only once."""
    problem = (
        two_stops().vehicle_type("slow", capacity=1, service_percent=150).task("c", 2, service_s=30, setup_s=11).build()
    )
    assert problem.service_s(0, 2, None) == 41
    assert problem.service_s(0, 2, 2) == 30
    assert problem.service_s(1, 2, 1) == 62


def test_leaving_out_costs_prizes_and_groups_once() -> None:
    """A plan pays for what it leaves out, alternatives count as one."""
    problem = (
        two_stops()
        .task("c", 1, required=False, prize=5)
        .task("d", 1)
        .task("e", 2)
        .alternatives("door or cabinet", ["d", "e"], required=False, prize=7)
        .build()
    )
    assert problem.left_out_cost([2, 3]) == 5
    assert problem.left_out_cost([2, 3, 4]) == 12
    assert problem.required_missing([0, 2, 3, 4]) == (0,)


def test_importing_the_solver_does_not_import_numba() -> None:
    """A courier's request that only reads a plan never waits for the compiler."""
    code = "import sys, routing; raise SystemExit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
