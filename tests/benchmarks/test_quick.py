"""The made days and documents of the small benchmarks are real problems, and times of processes are measured."""

from __future__ import annotations

import json

from benchmarks.quick import day, in_new_process
from benchmarks.vroom_json import made_document, with_matrix
from routing.formats import read_vroom


def test_a_made_day_is_the_same_for_everybody() -> None:
    """The quick benchmark's day depends on its seed only, and most stops have a window of two to four hours."""
    problem = day(50, 3)
    again = day(50, 3)
    assert problem.tasks == again.tasks
    lengths_h = [(closes_s - opens_s) / 3600 for task in problem.tasks for opens_s, closes_s in task.windows]
    assert sum(2 <= hours <= 4 for hours in lengths_h) == 34
    assert day(50, 4).tasks != problem.tasks


def test_a_process_of_its_own_is_timed() -> None:
    """What a new process takes is told in wall and processor seconds."""
    took = in_new_process("sum(range(10))")
    assert took["wall_s"] > 0
    assert took["cpu_s"] > 0


def test_a_made_document_is_vrooms_kind() -> None:
    """The made VROOM problem reads as one of its jobs and vans, with straight legs where it had coordinates."""
    document = made_document(20, 1)
    read = read_vroom(with_matrix(document))
    assert read.problem.task_count == 20
    assert read.problem.vehicle_count == 14
    legs = with_matrix(document)["matrices"]["car"]["durations"]
    assert all(legs[i][i] == 0 for i in range(len(legs)))
    assert max(map(max, legs)) > 600


def test_a_document_with_a_matrix_is_left_alone() -> None:
    """A document that brings its own legs is compared with those."""
    document = {"vehicles": [], "jobs": [], "matrix": [[0, 1], [1, 0]]}
    assert with_matrix(document) == document
    assert "location" in json.dumps(made_document(3, 1))
