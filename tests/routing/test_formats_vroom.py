"""VROOM JSON is read as VROOM means it, answered with VROOM's keys, and refused with the path to what is wrong."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from routing.builder import ProblemBuilder
from routing.checker import check
from routing.errors import InvalidProblemError
from routing.formats import (
    UnsupportedFieldError,
    VroomInputError,
    problem_to_vroom,
    read_vroom,
    vroom_error,
    write_vroom,
)
from routing.solution import Solution

MATRIX = [[0, 10, 20, 30], [10, 0, 5, 25], [20, 5, 0, 15], [30, 25, 15, 0]]


def small() -> dict[str, Any]:
    """Give a document with one vehicle, two jobs and a shipment."""
    return {
        "vehicles": [{"id": 7, "start_index": 0, "end_index": 0, "capacity": [4], "description": "van Ä"}],
        "jobs": [
            {"id": 1, "location_index": 1, "delivery": [1], "service": 300, "setup": 5, "description": '{"a": 1}'},
            {"id": 2, "location_index": 2, "pickup": [2], "time_windows": [[900, 1000], [100, 200]]},
        ],
        "shipments": [
            {
                "amount": [1],
                "pickup": {"id": 1, "location_index": 2, "service": 10},
                "delivery": {"id": 1, "location_index": 3},
            }
        ],
        "matrices": {"car": {"durations": MATRIX}},
    }


def changed(path: str, value: Any) -> dict[str, Any]:
    """Give the small document with one field set; a path like ``jobs.0.id``."""
    document = small()
    at: Any = document
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        at = at[part]
    at[last] = value
    return document


def test_fields_become_tasks_and_vehicles() -> None:
    """Amounts, windows, work and pairs arrive in the problem with nothing lost."""
    vroom = read_vroom(small())
    job, second, pickup, delivery = vroom.problem.tasks
    assert (job.delivery, job.pickup, job.service_s, job.setup_s) == ((1,), (0,), 300, 5)
    assert second.windows == ((100, 200), (900, 1000))
    assert (pickup.location, delivery.location) == (2, 3)
    assert vroom.problem.shipments[0].amount == (1,)
    assert [(task.kind, task.id) for task in vroom.tasks] == [("job", 1), ("job", 2), ("pickup", 1), ("delivery", 1)]


def test_default_cost_is_travel_seconds() -> None:
    """Without prices a plan costs the seconds it drives, as VROOM counts."""
    vroom = read_vroom(small())
    answer = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0, 2, 1, 3)]))
    assert answer["summary"]["cost"] == answer["summary"]["duration"] == 10 + 5 + 0 + 15 + 30


def test_answer_has_the_fields_clients_read() -> None:
    """Steps, loads, waiting, set-up and descriptions come back as VROOM writes them."""
    vroom = read_vroom(small())
    answer = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0, 1)]))
    assert answer["code"] == 0
    assert set(answer["summary"]) == {
        "cost", "routes", "unassigned", "setup", "service", "duration", "waiting_time", "priority", "violations",
        "delivery", "pickup", "amount", "computing_times",
    }  # fmt: skip
    assert answer["summary"]["unassigned"] == 2
    assert [(left["id"], left["type"]) for left in answer["unassigned"]] == [(1, "pickup"), (1, "delivery")]
    (route,) = answer["routes"]
    assert (route["vehicle"], route["description"], route["setup"], route["service"]) == (7, "van Ä", 5, 300)
    start, first, second, end = route["steps"]
    assert (start["type"], start["load"], start["arrival"]) == ("start", [1], 0)
    assert (first["id"], first["job"], first["description"]) == (1, 1, '{"a": 1}')
    assert (second["arrival"], second["waiting_time"], second["load"]) == (320, 580, [2])
    assert (end["type"], end["arrival"], end["duration"]) == ("end", 920, 35)
    assert answer["summary"]["violations"] == []


def test_setup_at_one_place_is_paid_once() -> None:
    """A second task at the same place needs no set-up, in the times as in the answer."""
    document = changed("jobs.1", {"id": 2, "location_index": 1, "setup": 7, "service": 1})
    vroom = read_vroom(document)
    (route,) = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0, 1)]))["routes"]
    assert [step["setup"] for step in route["steps"]] == [0, 5, 0, 0]
    assert [step["service"] for step in route["steps"]] == [0, 300, 1, 0]


def test_epoch_times_are_moved_and_moved_back() -> None:
    """Unix times fit, and the answer speaks in them."""
    document = changed("vehicles.0.time_window", [1_600_416_000, 1_600_430_400])
    document["jobs"][1].pop("time_windows")
    vroom = read_vroom(document)
    shift = vroom.problem.vehicle_types[0].shift_start_s
    answer = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0,)], starts_s=[shift]))
    assert answer["routes"][0]["steps"][0]["arrival"] == 1_600_416_000


def test_prices_are_exact() -> None:
    """Fixed, per hour, per kilometre and per hour of work add up without rounding in between."""
    document = changed("vehicles.0.costs", {"fixed": 100, "per_hour": 7200, "per_km": 500, "per_task_hour": 36})
    document["jobs"][0].pop("setup")
    document["matrices"]["car"]["distances"] = [[1000 * value for value in row] for row in MATRIX]
    vroom = read_vroom(document)
    answer = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0,)]))
    assert answer["summary"]["cost"] == 100 + 20 * 2 + 20 * 500 + 3
    assert answer["summary"]["distance"] == 20_000


def test_cost_matrix_replaces_travel_seconds() -> None:
    """Own costs per leg are what is minimised; times stay times."""
    document = changed("matrices.car.costs", [[10 * value for value in row] for row in MATRIX])
    vroom = read_vroom(document)
    answer = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0,)]))
    assert (answer["summary"]["cost"], answer["summary"]["duration"]) == (200, 20)
    document["vehicles"][0]["costs"] = {"per_hour": 7}
    with pytest.raises(VroomInputError, match=r"vehicles\[0\].costs.per_hour"):
        read_vroom(document)


def test_speed_factor_scales_travel() -> None:
    """A vehicle twice as fast needs half the time, and vehicles of other speeds are not touched."""
    document = small()
    document["vehicles"].append(document["vehicles"][0] | {"id": 8, "speed_factor": 2})
    vroom = read_vroom(document)
    answer = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0,), (1,)]))
    assert [route["duration"] for route in answer["routes"]] == [20, 20]


def test_missing_start_or_end() -> None:
    """A vehicle without an end stops at its last task, one without a start appears at its first."""
    document = small()
    document["vehicles"] = [{"id": 1, "start_index": 0, "capacity": [4]}, {"id": 2, "end_index": 3, "capacity": [4]}]
    vroom = read_vroom(document)
    first, second = write_vroom(vroom, Solution.from_orders(vroom.problem, [(0,), (1,)]))["routes"]
    assert [step["type"] for step in first["steps"]] == ["start", "job"]
    assert [step["type"] for step in second["steps"]] == ["job", "end"]
    assert (first["duration"], second["duration"]) == (10, 15)


def test_coordinates_are_asked_of_a_road_engine() -> None:
    """A document without matrices is planned on whatever roads are given, each place asked for once."""
    asked: list[tuple[int, str]] = []

    def roads(points: NDArray[np.float64], profile: str) -> tuple[NDArray[Any], NDArray[Any]]:
        asked.append((len(points), profile))
        return np.full((len(points), len(points)), 7.4), np.full((len(points), len(points)), np.inf)

    document = {
        "vehicles": [{"id": 1, "start": [1.0, 2.0], "end": [1.0, 2.0]}],
        "jobs": [{"id": 1, "location": [1.5, 2.5]}, {"id": 2, "location": [1.5, 2.5]}],
    }
    with pytest.raises(VroomInputError, match="no road network"):
        read_vroom(document)
    vroom = read_vroom(document | {"jobs": document["jobs"][:1]}, lambda p, name: (roads(p, name)[0],) * 2)
    assert asked == [(2, "car")]
    assert int(vroom.problem.profiles[0].duration_s[0, 1]) == 7


def test_given_steps_are_checked_in_plan_mode() -> None:
    """A plan sent along comes back with VROOM's names for what is wrong with it."""
    steps = [{"type": "start"}, {"type": "delivery", "id": 1}, {"type": "pickup", "id": 1}, {"type": "job", "id": 2},
             {"type": "end"}]  # fmt: skip
    document = changed("vehicles.0.steps", steps)
    document["jobs"][1] |= {"time_windows": [[0, 10]], "pickup": [5]}
    vroom = read_vroom(document)
    assert vroom.given is not None
    answer = write_vroom(vroom, vroom.given, plan_mode=True)
    causes = {violation["cause"]: violation for violation in answer["routes"][0]["violations"]}
    assert set(causes) == {"delay", "load", "precedence"}
    assert causes["delay"]["duration"] == 30 + 15 + 10 - 10
    assert write_vroom(vroom, vroom.given)["routes"][0]["violations"] == []


def test_breaks_are_read_and_written() -> None:
    """A driver's rest keeps its id and stands in the steps."""
    rest = {"id": 3, "time_windows": [[50, 400]], "service": 60, "description": "tea"}
    document = changed("vehicles.0.breaks", [rest])
    document["vehicles"][0]["steps"] = [{"type": "job", "id": 1}, {"type": "break", "id": 3}]
    vroom = read_vroom(document)
    assert vroom.given is not None
    assert check(vroom.problem, vroom.given).feasible
    (route,) = write_vroom(vroom, vroom.given)["routes"]
    assert [(step["type"], step["arrival"], step["service"]) for step in route["steps"]] == [
        ("start", 0, 0), ("job", 10, 300), ("break", 315, 60), ("end", 385, 0),
    ]  # fmt: skip


def test_priorities_make_the_important_task_the_dearer_one_to_leave() -> None:
    """Where priorities differ, leaving out the higher one costs more; equal ones leave all tasks required."""
    equal = read_vroom(small()).problem
    assert all(task.required for task in equal.tasks)
    ranked = read_vroom(changed("jobs.0.priority", 10)).problem
    assert ranked.tasks[0].priority > ranked.tasks[1].priority > 0
    assert not any(task.required for task in ranked.tasks)


def test_only_profile_may_carry_another_name() -> None:
    """The client of openrouteservice calls its profile driving-car and sends one nameless matrix."""
    document = changed("vehicles.0.profile", "driving-car")
    document["matrix"] = document.pop("matrices")["car"]["durations"]
    assert read_vroom(document).problem.profiles[0].duration_s[0, 1] == 10


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("vehicles", [], "vehicles"),
        ("vehicles", None, "vehicles"),
        ("jobs", {}, "jobs"),
        ("jobs.0", 5, "jobs[0]"),
        ("jobs.0.id", -1, "jobs[0].id"),
        ("jobs.0.id", "1", "jobs[0].id"),
        ("jobs.0.id", True, "jobs[0].id"),
        ("jobs.0.id", 2, "jobs[1].id"),
        ("jobs.0.service", 1.5, "jobs[0].service"),
        ("jobs.0.service", 2**32, "jobs[0].service"),
        ("jobs.0.delivery", [1, 2], "jobs[0].delivery"),
        ("jobs.0.delivery", [-1], "jobs[0].delivery[0]"),
        ("jobs.0.priority", 101, "jobs[0].priority"),
        ("jobs.0.skills", ["a"], "jobs[0].skills[0]"),
        ("jobs.0.description", 5, "jobs[0].description"),
        ("jobs.0.location_index", 4, "jobs[0].location_index"),
        ("jobs.0.location_index", None, "jobs[0].location"),
        ("jobs.0.location", [1], "jobs[0].location"),
        ("jobs.0.location", [1, float("nan")], "jobs[0].location"),
        ("jobs.1.time_windows", [], "jobs[1].time_windows"),
        ("jobs.1.time_windows", [[5, 1]], "jobs[1].time_windows[0]"),
        ("jobs.1.time_windows", [[5]], "jobs[1].time_windows[0]"),
        ("jobs.1.time_windows", [[0, 5], [5, 9]], "jobs[1].time_windows"),
        ("shipments.0.pickup", None, "shipments[0].pickup"),
        ("shipments.0.delivery", [], "shipments[0].delivery"),
        ("shipments.0.amount", [1, 2], "shipments[0].amount"),
        ("vehicles.0.id", None, "vehicles[0].id"),
        ("vehicles.0.speed_factor", 0, "vehicles[0].speed_factor"),
        ("vehicles.0.speed_factor", 6, "vehicles[0].speed_factor"),
        ("vehicles.0.time_window", [9, 1], "vehicles[0].time_window"),
        ("vehicles.0.costs", 5, "vehicles[0].costs"),
        ("vehicles.0.costs", {"fixed": -1}, "vehicles[0].costs.fixed"),
        ("vehicles.0.profile", "bike", "matrices.bike"),
        ("vehicles.0.steps", [{"type": "fly"}], "vehicles[0].steps[0].type"),
        ("vehicles.0.steps", [{"type": "job", "id": 9}], "vehicles[0].steps[0].id"),
        ("vehicles.0.steps", [{"type": "job", "id": 1}, {"type": "job", "id": 1}], "vehicles[0].steps[1].id"),
        ("vehicles.0.steps", [{"type": "break", "id": 1}], "vehicles[0].steps[0].id"),
        ("matrices.car.durations", [[0, 1]], "matrices.car.durations"),
        ("matrices.car.durations", [[0, 1], [1, None]], "matrices.car.durations[1]"),
        ("matrices.car.distances", [[0]], "matrices"),
        ("matrices.car", {}, "matrices.car.durations"),
        ("matrices.truck", {"durations": MATRIX, "distances": MATRIX}, "matrices"),
    ],
)
def test_wrong_fields_are_named_by_their_path(path: str, value: Any, field: str) -> None:
    """A client learns which field of its document is wrong, always as an input error."""
    with pytest.raises(VroomInputError) as caught:
        read_vroom(changed(path, value))
    assert caught.value.params["field"] == field
    assert field in caught.value.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vehicles.0.breaks", [{"id": 1, "time_windows": [[0, 1], [5, 9]]}]),
        ("vehicles.0.breaks", [{"id": 1, "max_load": [1]}]),
        ("vehicles.0.costs", {"per_task_hour": 5}),
    ],
)
def test_fields_beyond_our_model_are_refused_not_bent(path: str, value: Any) -> None:
    """What we cannot express exactly is said, instead of planning something else."""
    with pytest.raises(UnsupportedFieldError):
        read_vroom(changed(path, value))


def test_work_times_by_vehicle_type_count_when_all_vehicles_agree() -> None:
    """Times per vehicle type are taken for the one type there is, and refused where types differ."""
    document = changed("vehicles.0.type", "van")
    document["jobs"][0]["service_per_type"] = {"van": 11, "bike": 12}
    assert read_vroom(document).problem.tasks[0].service_s == 11
    document["vehicles"].append({"id": 9, "start_index": 0, "capacity": [4], "type": "bike"})
    with pytest.raises(UnsupportedFieldError, match="service_per_type"):
        read_vroom(document)


def test_unknown_fields_are_ignored() -> None:
    """Clients send extras of their own; those do not matter."""
    assert read_vroom(small() | {"options": {"g": True}, "x": 1}).problem.task_count == 4


def test_error_envelope() -> None:
    """Errors use VROOM's two keys."""
    assert vroom_error(2, "bad") == {"code": 2, "error": "bad"}


values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**33), st.floats(), st.text(max_size=3), st.just([]), st.just({}),
    st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(data=st.data(), value=values)
def test_mutated_documents_never_crash(data: st.DataObject, value: Any) -> None:
    """Whatever a client sends, the answer is a problem or an input error with a message."""
    document: Any = copy.deepcopy(small())
    at: Any = document
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], (dict, list)) or not at[key] or data.draw(st.booleans()):
            at[key] = value
            break
        at = at[key]
    with suppress(VroomInputError, UnsupportedFieldError, InvalidProblemError):
        assert read_vroom(document).problem.task_count


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Give random valid documents with matrices."""
    size = draw(st.integers(2, 5))
    place = st.integers(0, size - 1)
    seconds = st.integers(0, 500)
    matrix = [[0 if i == j else draw(st.integers(1, 99)) for j in range(size)] for i in range(size)]

    def window() -> list[int]:
        open_s = draw(seconds)
        return [open_s, open_s + draw(seconds)]

    def stop(identity: int) -> dict[str, Any]:
        return {"id": identity, "location_index": draw(place), "setup": draw(st.integers(0, 5)),
                "service": draw(seconds), "time_windows": [window()], "description": f"stop {identity}"}  # fmt: skip

    def job(identity: int) -> dict[str, Any]:
        amounts = {"delivery": [draw(st.integers(0, 3))], "pickup": [draw(st.integers(0, 3))]}
        return stop(identity) | amounts | {"skills": draw(st.lists(st.integers(0, 2), unique=True))}

    jobs = [job(i) for i in range(draw(st.integers(1, 4)))]
    shipments = [{"amount": [draw(st.integers(0, 3))], "pickup": stop(i), "delivery": stop(i)}
                 for i in range(draw(st.integers(0, 2)))]  # fmt: skip
    vehicles = [{"id": i, "start_index": draw(place), "end_index": draw(place), "capacity": [draw(st.integers(3, 9))],
                 "time_window": window(), "skills": [0, 1, 2], "max_tasks": draw(st.integers(1, 9))}
                for i in range(draw(st.integers(1, 3)))]  # fmt: skip
    return {"vehicles": vehicles, "jobs": jobs, "shipments": shipments, "matrices": {"car": {"durations": matrix}}}


@settings(max_examples=40, deadline=None)
@given(document=documents())
def test_api_21_a_problem_written_and_read_again_costs_the_same(document: dict[str, Any]) -> None:
    """A valid document survives our model: written out and read again, every plan is judged the same."""
    vroom = read_vroom(document)
    again = read_vroom(problem_to_vroom(vroom.problem)[0])
    jobs = [at for at, task in enumerate(vroom.tasks) if task.kind == "job"]
    for orders in ([tuple(jobs)], [(task,) for task in jobs][: vroom.problem.vehicle_count]):
        plan = Solution.from_orders(vroom.problem, orders)
        one, other = check(vroom.problem, plan), check(again.problem, plan)
        assert one.by_code() == other.by_code()
        assert write_vroom(vroom, plan)["summary"]["duration"] == write_vroom(again, plan)["summary"]["duration"]


@settings(max_examples=40, deadline=None)
@given(document=documents())
def test_api_21_our_answer_fed_back_as_steps_is_judged_alike(document: dict[str, Any]) -> None:
    """An answer sent back as steps is the same plan, with the same verdict."""
    vroom = read_vroom(document)
    plan = Solution.from_orders(vroom.problem, [tuple(range(vroom.problem.task_count))])
    answer = write_vroom(vroom, plan)
    for route in answer["routes"]:
        (vehicle,) = [v for v in document["vehicles"] if v["id"] == route["vehicle"]]
        vehicle["steps"] = [{key: step[key] for key in ("type", "id") if key in step} for step in route["steps"]]
    given_plan = read_vroom(document).given
    assert given_plan is not None
    assert [route.tasks for route in given_plan.routes] == [route.tasks for route in plan.routes]


def test_problems_beyond_vroom_are_refused_with_a_list() -> None:
    """Writing a problem that VROOM cannot state names every rule that stands in the way."""
    builder = ProblemBuilder(("kg",)).profile("van", MATRIX, MATRIX).depot("centre", 0)
    builder.vehicle_type("van", cost_per_s=1).task("a", 1, required=False, prize=5, release_s=3)
    with pytest.raises(UnsupportedFieldError, match="prize, release times, prices of duration"):
        problem_to_vroom(builder.build())
