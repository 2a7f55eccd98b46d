"""The page of sections and habit, looked at by a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dispatch.habit.service import HabitService

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
AHEAD = timedelta(days=21)
"""From when the version holds: no other test plans that far ahead."""


@pytest.fixture(scope="module")
def habit(published: Any, browse: Any) -> Any:
    """A dispatcher looks at sections learned from the published day and puts them in force."""
    services = published.services
    service = HabitService(services.database, services.ids, services.clock)
    region = services.regions.load("demo")
    version = service.learn(region, published.day + AHEAD, actor="user:test")
    kinds = len({finding.code for finding in service.check(version.id, region)})
    return browse("habitPage", day=(published.day + AHEAD).isoformat(), kinds=kinds), kinds


def test_sections_are_seen_and_put_in_force(habit: Any) -> None:
    """Every section is listed and drawn, one can be pointed at, and what does not fit is told."""
    seen, kinds = habit
    assert seen.result["sections"] > 1
    assert seen.result["chosen"] == 1
    assert seen.result["findings"] == kinds >= 1
    assert seen.pictures == ["habit.png"]


def test_the_page_can_be_read_by_everybody(habit: Any) -> None:
    """Nothing on the page hinders people with assistive technology, and only our server was asked."""
    seen, _ = habit
    assert seen.result["mistakes"] == []
    assert (seen.outside, seen.complaints) == ([], [])
