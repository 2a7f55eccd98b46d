"""Kernels never count from the end of an array: compiled, a negative index would be read as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routing import Problem
from routing.search.first import construct
from routing.search.kernels import arrays as a
from routing.search.model import compile_problem
from routing.search.state import new_state
from routing.search.variants import kernels

PROJECT = Path(__file__).resolve().parents[2]


class FromTheFront(np.ndarray[Any, Any]):
    """An array that refuses negative indices; numpy itself refuses those that are too large."""

    def __getitem__(self, at: Any) -> Any:
        """Read an entry."""
        self.refuse(at)
        return super().__getitem__(at)

    def __setitem__(self, at: Any, value: Any) -> None:
        """Write an entry."""
        self.refuse(at)
        super().__setitem__(at, value)

    @staticmethod
    def refuse(at: Any) -> None:
        """Raise for a negative number among the indices."""
        whole = at if isinstance(at, tuple) else (at,)
        if any(isinstance(index, (int, np.integer)) and index < 0 for index in whole):
            raise IndexError(f"a kernel asked for entry {at}")


def guarded(arrays: Any) -> Any:
    """Guard every array of Data or State."""
    return type(arrays)(*(part.view(FromTheFront) if isinstance(part, np.ndarray) else part for part in arrays))


def search_guarded(problem: Problem, steps: int) -> None:
    """Search with guarded arrays, hot first and cold then, so that all is accepted and all is undone."""
    model = compile_problem(problem)
    state = guarded(new_state(model.data, model.flags, model.leads, 3, 2 * problem.task_count + 4))
    construct(model, state, 3)
    for heat in (300.0, 0.0):
        kernels(model.flags).search(guarded(model.data), state, a.ANNEAL, steps, heat, 1.0, 6.0, 6)


def search_everything() -> None:
    """Search every kind of problem the brute force knows, and larger ones with tails to exchange."""
    from test_brute_force import VARIANTS
    from test_search_modes import day, deliveries_first, fleet, many_short_legs, several_trips

    for variant in VARIANTS:
        search_guarded(variant(1), 60)
    for problem in (day(), fleet(), deliveries_first(), several_trips(), several_trips(most=2)):
        search_guarded(problem, 60)
    for rules in ("loads", "windows", "shipments"):
        search_guarded(many_short_legs(rules), 40)


def test_no_kernel_counts_from_the_end() -> None:
    """Interpreted, over every kind of problem, no index is negative; compiled, nobody would notice (compiled.py)."""
    code = (
        "import sys; sys.path.insert(0, 'tests/routing'); from test_kernel_indices import search_everything; "
        "search_everything(); print('fine')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == "fine", done.stderr[-2000:]


def test_the_guard_refuses() -> None:
    """A guarded array answers a negative index with an error, whether it is alone or one of several."""
    array = np.zeros((3, 3)).view(FromTheFront)
    for at in (-1, (0, -1), (np.int32(-2), 0)):
        with pytest.raises(IndexError, match="asked for entry"):
            array[at]
