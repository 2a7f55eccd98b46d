"""A compartment's book, door and inside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockers.book import (
    BOOK,
    Compartment,
    Door,
    Occupancy,
    Outcome,
    controller_lost,
    decide,
    door_opened,
    door_shut,
    occupancy_seen,
    reserve,
)
from lockers.errors import ImpossibleStepError

EMPTY, OCCUPIED, UNSEEN = Occupancy.EMPTY, Occupancy.OCCUPIED, Occupancy.UNKNOWN
NEW = Compartment("c3-12", Door.CLOSED, EMPTY)


def told(*outcomes: Outcome) -> list[str]:
    """Collect what was recorded."""
    return [fact for outcome in outcomes for fact in outcome.facts]


def stored(inside: Occupancy = OCCUPIED) -> Compartment:
    """Give a compartment with a parcel in it."""
    opened = door_opened(decide(reserve(NEW, "p-1").compartment, "open_to_deposit").compartment).compartment
    return door_shut(opened, inside).compartment


def apply(box: Compartment, event: str) -> Outcome:
    """Apply a sensor's word or a decision by its name."""
    seen = {"shut_empty": EMPTY, "shut_occupied": OCCUPIED, "shut_unseen": UNSEEN}
    if event in seen:
        return door_shut(box, seen[event])
    if event == "opened":
        return door_opened(box)
    return controller_lost(box) if event == "lost" else decide(box, event)


def test_a_parcel_goes_in_and_comes_out() -> None:
    """Reserved, put in, fetched: each step is recorded when sensors have seen it, and the box is free again."""
    box = stored()
    assert (box.book, box.parcel_id) == ("stored", "p-1")
    opened = door_opened(decide(box, "open_to_collect").compartment)
    taken = door_shut(opened.compartment, EMPTY)
    assert told(opened, taken) == ["parcel.collected"]
    assert taken.compartment == NEW


def test_nothing_put_in_is_no_deposit() -> None:
    """A courier who shuts the door on an empty box has deposited nothing; the reservation stands."""
    opened = door_opened(decide(reserve(NEW, "p-1").compartment, "open_to_deposit").compartment).compartment
    outcome = door_shut(opened, EMPTY)
    assert (outcome.compartment.book, outcome.facts) == ("reserved", ("deposit.empty",))


def test_what_lies_there_still_was_not_taken() -> None:
    """A customer who opens and leaves the parcel has not collected it."""
    opened = door_opened(decide(stored(), "open_to_collect").compartment).compartment
    outcome = door_shut(opened, OCCUPIED)
    assert (outcome.compartment.book, outcome.facts) == ("stored", ("parcel.not_taken",))


def test_never_collected_without_a_door_event() -> None:
    """A box whose door never was seen open is never emptied in the book, whatever is claimed."""
    collecting = decide(stored(), "open_to_collect").compartment
    assert door_shut(collecting, EMPTY).compartment.book == "collecting"
    assert decide(collecting, "never_opened").compartment.book == "stored"
    opened = door_opened(collecting).compartment
    with pytest.raises(ImpossibleStepError):
        decide(opened, "never_opened")


def test_without_a_sensor_inside_the_courier_says_so() -> None:
    """Where nobody sees inside, a deposit counts when the courier says so after the door was opened and shut."""
    depositing = decide(reserve(NEW, "p-1").compartment, "open_to_deposit").compartment
    with pytest.raises(ImpossibleStepError):
        decide(depositing, "deposit_said")
    opened = door_opened(depositing).compartment
    with pytest.raises(ImpossibleStepError):
        decide(opened, "deposit_said")
    shut = door_shut(opened, UNSEEN).compartment
    assert (shut.book, decide(shut, "deposit_said").facts) == ("depositing", ("parcel.deposited",))


@pytest.mark.parametrize("book", ["free", "reserved", "stored", "expired", "blocked"])
def test_an_opening_without_right_is_a_dispute(book: str) -> None:
    """A door that opens although nobody was allowed to is a forced door; only a person ends the dispute."""
    forced = door_opened(replace(NEW, book=book))
    assert (forced.compartment.book, forced.facts) == ("disputed", ("door.forced",))
    shut = door_shut(forced.compartment, EMPTY).compartment
    assert shut.book == "disputed"
    assert not shut.offered
    assert decide(shut, "settle_free").compartment.book == "free"


def test_a_silent_board_changes_no_book() -> None:
    """When the controller is lost, door and inside are unknown and the parcel is still the box's."""
    lost = controller_lost(stored()).compartment
    assert (lost.door, lost.occupancy, lost.book, lost.parcel_id) == (Door.UNKNOWN, UNSEEN, "stored", "p-1")
    # Found open when the board is back: nobody saw it opening, so it is no evidence of force.
    assert door_opened(lost).compartment.book == "stored"


def test_sensor_and_book_disagree_aloud() -> None:
    """A parcel in a free box and an empty box that should hold one are doubts, told once and never corrected."""
    strange = occupancy_seen(NEW, OCCUPIED)
    assert (strange.compartment.book, strange.facts) == ("free", ("doubt.parcel_without_book",))
    assert not strange.compartment.offered
    assert occupancy_seen(strange.compartment, OCCUPIED).facts == ()
    vanished = occupancy_seen(stored(), EMPTY)
    assert (vanished.compartment.book, vanished.facts) == ("stored", ("doubt.book_without_parcel",))


def test_only_an_empty_shut_box_is_offered_or_cleared() -> None:
    """A box that stands open or holds something is neither given away nor put back into service."""
    for box in (replace(NEW, door=Door.OPEN), replace(NEW, occupancy=OCCUPIED), replace(NEW, book="blocked")):
        with pytest.raises(ImpossibleStepError):
            reserve(box, "p-2")
    blocked = replace(NEW, book="blocked")
    assert decide(blocked, "clear").compartment.book == "free"
    for door, inside in ((Door.OPEN, EMPTY), (Door.CLOSED, OCCUPIED), (Door.UNKNOWN, EMPTY), (Door.CLOSED, UNSEEN)):
        with pytest.raises(ImpossibleStepError):
            decide(replace(blocked, door=door, occupancy=inside), "clear")


def test_an_open_door_is_not_opened() -> None:
    """A box that stands open is not opened again for anybody."""
    with pytest.raises(ImpossibleStepError, match="stands open"):
        decide(replace(stored(), door=Door.OPEN), "open_to_collect")


_DECISIONS = st.sampled_from([event for event in BOOK.events if not event.startswith("shut_")])
_SEEN = st.sampled_from(["opened", "shut_empty", "shut_occupied", "shut_unseen", "lost"])


@given(st.lists(st.one_of(_DECISIONS, _SEEN), max_size=30))
@settings(max_examples=100, deadline=None)
def test_no_story_loses_a_parcel(story: list[str]) -> None:
    """Whatever happens in whatever order, a parcel leaves the book only through a door that was seen open."""
    box, opened_since = reserve(NEW, "p-1").compartment, False
    for event in story:
        before = box
        try:
            outcome = apply(box, event)
        except ImpossibleStepError:
            continue
        box = outcome.compartment
        opened_since = event == "opened" or (opened_since and box.book != "stored")
        gone = {"parcel.collected", "parcel.fetched_back"} & set(outcome.facts)
        assert not gone or opened_since
        assert box.book in BOOK.states
        if before.book in ("stored", "expired") and box.book == "free":
            raise AssertionError("a stored parcel vanished in one step")
