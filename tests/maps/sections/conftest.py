"""Fixtures of sections: villages in rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from maps.sections.problem import Cell, SectionProblem


@pytest.fixture
def grid() -> Callable[[int, int], SectionProblem]:
    """Give a function that lays out equal villages in rows, each bordering on the four around it."""

    def make(rows: int, columns: int) -> SectionProblem:
        at = np.array([(x, y) for y in range(rows) for x in range(columns)], dtype=float)
        minutes = np.abs(at[:, None, :] - at[None, :, :]).sum(axis=2) * 5.0
        near = tuple(tuple(np.flatnonzero(row == 5.0).tolist()) for row in minutes)
        cells = tuple(Cell(f"v{i}", f"v{i}", f"村{i}", 110 + x / 20, 30 + y / 20, 30.0) for i, (x, y) in enumerate(at))
        return SectionProblem(cells, minutes, near)

    return make
