"""The editing page in a real browser, against the real server."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_m_04_a_stop_is_moved_with_the_keyboard_and_the_plan_saved(published: Any, browse: Any):
    """A move is tried, done, taken back and repeated; places, reasons, locks and differences show; it is saved."""
    seen = browse("editPlan")
    assert seen.outside == [], "the browser asked another origin than ours"
    assert seen.complaints == []
    found = seen.result
    assert found["keptBefore"] == "0", "trying an edit changes nothing"
    assert found["added"].lstrip("-").isdigit()
    before, moved = found["before"], found["moved"]
    # Stops the vehicle is past cannot be moved, and how many those are depends on the hour.
    place = before.index(found["pushed"])
    wanted = [*before[: place - 1], before[place], before[place - 1], *before[place + 1 :]]
    assert place > 0
    assert moved == wanted, f"{before} became {moved}"
    assert found["undone"] == before
    assert found["places"] >= 1
    assert found["dragged"] == 2, "a stop dragged to another vehicle touches both routes"
    assert found["variants"] == 2, "the copy stands beside the draft it was made of"
    assert int(found["saved"]) >= 2
    assert found["mistakes"] == []
    assert seen.pictures == ["editing-en.png", "editing-zh.png"]
