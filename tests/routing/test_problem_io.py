"""A saved problem is the same problem when it is read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from routing import Balance, Break, Disturbance, Problem, ProblemBuilder, Route, Solution, Trip
from routing.errors import InvalidProblemError
from routing.problem_io import load_problem, save_problem, solution_from_dict, solution_to_dict


@pytest.fixture
def rich_day() -> Problem:
    """Give a day that uses a bit of everything."""
    legs = np.arange(25).reshape(5, 5) % 7
    builder = ProblemBuilder(("weight_g", "count")).profile("van", legs, legs * 2).coordinates(np.eye(5, 2))
    builder.depot("centre", 0, reload_s=5)
    builder.vehicle_type(
        "van", count=2, capacity=(9, 9), skills=["cold"], reload_depots=["centre"], max_trips=2, cost_per_m=3,
        breaks=[Break("noon", 10, 20, 3)],
    )  # fmt: skip
    for place in range(1, 5):
        builder.task(f"stop {place}", place, delivery=(1, 1), windows=[(0, 5), (7, 90)], skills=["cold"])
    builder.shipment("parcel", "stop 1", "stop 2", (1, 1)).alternatives("door or station", ["stop 3", "stop 4"])
    builder.incompatible("stop 1", "stop 3").lock("vehicle", 1, ["stop 1"]).task_price("van", "stop 1", 4)
    builder.balance(Balance("tasks", 2, 1)).backhaul("linehaul_first")
    builder.disturbance(Disturbance(np.zeros(4, np.int32), np.full(4, -1, np.int32), np.zeros(4, np.int64), 3, 2, 1))
    return builder.forbid("van", "stop 4").build()


def test_a_problem_survives_saving(rich_day: Problem, tmp_path: Path) -> None:
    """Every rule of a day is still there after a night on disk."""
    path = tmp_path / "day.npz"
    save_problem(rich_day, path)
    again = load_problem(path)
    arrays = ("profiles", "disturbance", "task_prices", "coordinates")
    for name in Problem.__dataclass_fields__:
        if name not in arrays:
            assert getattr(again, name) == getattr(rich_day, name), name
    assert np.array_equal(again.profiles[0].duration_s, rich_day.profiles[0].duration_s)
    assert np.array_equal(again.task_prices, rich_day.task_prices)
    assert again.disturbance is not None
    assert again.disturbance.order_price == 2


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """A file that is no problem is named, not half read."""
    path = tmp_path / "day.npz"
    path.write_bytes(b"not a zip")
    with pytest.raises(InvalidProblemError, match=r"day\.npz"):
        load_problem(path)


def test_a_plan_survives_json() -> None:
    """A plan written as JSON is the same plan when read."""
    plan = Solution((Route(1, (Trip((0, 2), 0), Trip((1,), 0)), 7, ((1, 0),)),), (3,))
    assert solution_from_dict(json.loads(json.dumps(solution_to_dict(plan)))) == plan
