"""Doors: what is known of them, and when it counts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.bus.doors import DEBOUNCE_S, DoorMoved, DoorsState
from firmware_bridge.codecs.board import Door

O, C, U = Door.OPEN, Door.CLOSED, Door.UNKNOWN  # noqa: E741


def settled(door: Door = C) -> DoorsState:
    """Give two doors in a known state."""
    doors = DoorsState(2)
    doors.read({1: door, 2: door}, 0.0)
    doors.read({1: door, 2: door}, 1.0)
    return doors


def test_dev_208_bounce_makes_no_event() -> None:
    """A contact that flickers makes no event until it has settled, and then exactly one."""
    doors, events = settled(), []
    for number, seen in enumerate((O, C, O, C, O, O, O, O)):
        events += doors.read({1: seen}, 10.0 + number * 0.03)
    assert events == [DoorMoved(1, C, O)]


def test_dev_211_weak_check_needs_two_reads() -> None:
    """One reading, however it came about, changes nothing; a second equal one 50 ms later does."""
    doors = settled()
    assert doors.read({1: O}, 10.0) == []
    assert doors.door(1) is C
    assert doors.read({1: O}, 10.0 + DEBOUNCE_S / 2) == []
    assert doors.read({1: C}, 10.2) == []
    assert not doors.unsettled()
    doors.read({1: O}, 11.0)
    assert doors.read({1: O}, 11.0 + DEBOUNCE_S) == [DoorMoved(1, C, O)]


def test_dev_035_children_unknown_when_root_lost() -> None:
    """When a board falls silent its doors are unknown at once, never "still closed"."""
    doors = settled()
    assert doors.lost() == [DoorMoved(1, C, U), DoorMoved(2, C, U)]
    assert doors.lost() == []
    assert doors.all() == {1: U, 2: U}
    doors.read({1: C}, 20.0)
    assert doors.read({1: C}, 20.1) == [DoorMoved(1, U, C)]
    assert doors.door(2) is U


@given(st.lists(st.sampled_from([O, C, U]), max_size=30))
@settings(max_examples=50, deadline=None)
def test_events_tell_the_whole_story(seen: list[Door]) -> None:
    """Replaying the events gives the known state, and each begins where the one before ended."""
    doors, state = DoorsState(1), U
    for number, door in enumerate(seen):
        for event in doors.read({1: door}, number * 0.06):
            assert event.before is state
            assert event.now is not state
            state = event.now
    assert doors.door(1) is state


def test_a_lock_that_does_not_exist_is_ignored() -> None:
    """A reading about a lock the board does not have is dropped."""
    assert settled().read({9: O}, 2.0) == []
