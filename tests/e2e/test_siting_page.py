"""The page of siting, looked at by a real browser."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def siting(published: Any, browse: Any) -> Any:
    """A dispatcher asks for three kiosks and looks at what comes."""
    return browse("sitingPage")


def test_a_study_is_asked_for_and_seen(siting: Any) -> None:
    """An empty page says what to do; then three places come, with what they reach, and one can be pointed at."""
    assert siting.result["empty"]
    assert siting.result["places"] == 3
    assert "3" in siting.result["summary"]
    assert siting.result["chosen"] == 1
    assert siting.pictures == ["siting.png"]


def test_the_page_can_be_read_by_everybody(siting: Any) -> None:
    """Nothing on the page hinders people with assistive technology, and only our server was asked."""
    assert siting.result["mistakes"] == []
    assert (siting.outside, siting.complaints) == ([], [])
