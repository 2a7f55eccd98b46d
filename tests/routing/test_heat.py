"""Searches begin and end as hot as their problem needs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from routing import ProblemBuilder
from routing.search.heat import suited
from routing.search.model import Model, compile_problem
from routing.search.running import SearchParams
from routing.search.state import new_state


def villages(starts: tuple[int, ...], windows: bool = True) -> Model:
    """Give a dozen stops, with hours or without, and a van at each of some places."""
    points = np.random.default_rng(1).integers(0, 1000, (15, 2))
    builder = ProblemBuilder(("count",)).plane_profile("van", points)
    for place in (0, 1, 2):
        builder.depot(f"depot {place}", place)
    for number, place in enumerate(starts):
        builder.vehicle_type(f"van {number}", count=2, capacity=9, cost_per_m=1, start_depot=f"depot {place}")
    hours: dict[str, Any] = {"windows": [(0, 5_000)]} if windows else {}
    for place in range(3, 15):
        builder.task(f"stop {place}", place, delivery=1, **hours)
    return compile_problem(builder.build())


def settings(model: Model, params: SearchParams) -> tuple[float, float]:
    """Return the temperatures between which a search of a problem falls."""
    own = suited(params, model, new_state(model.data, model.flags, model.leads, 1, model.data.n + 2))
    assert own.cycles == params.cycles
    return own.start_heat, own.end_heat


def test_timed_routes_of_several_depots_are_searched_hotter() -> None:
    """Only with hours and depots at several places; vans of two kinds at one place change nothing."""
    usual = SearchParams()
    assert settings(villages((0, 1, 2)), usual) == (pytest.approx(1.0), pytest.approx(0.02))
    for model in (villages((1, 1)), villages((0,)), villages((0, 1, 2), windows=False)):
        assert settings(model, usual) == (usual.start_heat, usual.end_heat)


def test_a_fall_cut_in_pieces_stays_one_fall() -> None:
    """Where one round ends the next one begins, and no round gets hotter."""
    model, rounds = villages((0, 2)), 7
    heats = [0.5 * 0.01 ** (number / rounds) for number in range(rounds + 1)]
    pieces = [settings(model, SearchParams(start_heat=begin, end_heat=end)) for begin, end in pairwise(heats)]
    assert pieces[0][0] == pytest.approx(1.0)
    assert pieces[-1][1] == pytest.approx(0.02)
    for (begin, end), (following, _) in zip(pieces, [*pieces[1:], (pieces[-1][1], 0.0)], strict=True):
        assert end < begin
        assert end == pytest.approx(following)
