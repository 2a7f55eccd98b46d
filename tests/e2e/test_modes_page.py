"""The console's page of modes in a real browser, against the real server."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_a_manager_compares_modes_and_sees_them_drawn(world: Any, published: Any, browse: Any) -> None:
    """A small comparison is started, followed and shown: bars, table, map, gains, assumptions; a reload keeps it."""
    seen = browse("modesPage")

    assert seen.outside == [], "the browser asked another origin than ours"
    assert seen.complaints == []
    assert seen.result["ways"] == 5
    assert seen.result["companies"] == 2
    assert seen.result["assumptions"] >= 12
    assert seen.result["townships"] == len(world.services.regions.load("demo").townships)
    assert seen.result["mistakes"] == []
    assert seen.pictures == ["modes-mix.png", "modes-zh.png"]
