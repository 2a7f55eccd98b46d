"""Where a parcel is and who has it, as a pure function of its events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.custody.events import EVENT_TYPES, NEXT_ACTIONS, NEXT_STEP_TITLES, STATUS_TITLES
from dispatch.custody.projection import CustodyFact, as_happened, as_known, corrected_values, custody_state
from dispatch.errors import CustodyEventError

FactMaker = Callable[..., CustodyFact]
OFFICE, LI, WANG = "office:centre", "courier:li", "courier:wang"


@pytest.fixture
def delivery_day(fact: FactMaker) -> list[CustodyFact]:
    """Give an ordinary day: announced, arrived, assigned, handed to a courier, loaded, out, delivered."""
    return [
        fact("announced", 0, to_custodian="company:yunlu"),
        fact("arrived", 10, to_custodian=OFFICE),
        fact("sectioned", 20, section="S07"),
        fact("handed_over", 30, from_custodian=OFFICE, to_custodian=LI),
        fact("received", 31, from_custodian=OFFICE, to_custodian=LI),
        fact("loaded", 40, place="vehicle:v3"),
        fact("departed", 50),
        fact("delivered", 120, place="place:v1"),
    ]


def test_an_ordinary_day_ends_with_the_recipient(delivery_day: list[CustodyFact], morning: datetime) -> None:
    """After delivery the recipient has the parcel and nothing is left to do."""
    state = custody_state(delivery_day)
    assert (state.status, state.who, state.where, state.next_step) == ("delivered", "recipient", "place:v1", "none")
    assert state.since == morning + timedelta(minutes=120)
    assert state.is_closed
    assert state.doubts == ()


@pytest.mark.parametrize(
    ("events", "status", "who", "next_step"),
    [
        (1, "announced", "company:yunlu", "await_arrival"),
        (2, "in_office", OFFICE, "section"),
        (3, "sectioned", OFFICE, "load"),
        (4, "sectioned", OFFICE, "receive"),
        (5, "sectioned", LI, "load"),
        (6, "loaded", LI, "depart"),
        (7, "out_for_delivery", LI, "deliver"),
    ],
)
def test_every_step_of_the_day_says_what_comes_next(
    delivery_day: list[CustodyFact], events: int, status: str, who: str, next_step: str
) -> None:
    """At each scan of a day the answer names status, holder and next step."""
    state = custody_state(delivery_day[:events])
    assert (state.status, state.who, state.next_step) == (status, who, next_step)


_MINUTES = st.integers(min_value=0, max_value=12)
_CUSTODIANS = st.sampled_from([OFFICE, LI, WANG, "site:s1", "company:yunlu"])


@st.composite
def some_events(draw: st.DrawFn) -> list[CustodyFact]:
    """Draw events of two devices and the server, with clocks that jump and corrections that cross."""
    events = []
    for number in range(draw(st.integers(min_value=1, max_value=9))):
        type_ = draw(st.sampled_from(sorted(set(EVENT_TYPES) - {"corrected"})))
        device = draw(st.sampled_from([None, "dev-a", "dev-b"]))
        at = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(minutes=draw(_MINUTES))
        events.append(
            CustodyFact(
                event_id=f"e{number}", type=type_, fact_at=at, received_at=at, device_id=device,
                store=device and "s1", seq=number if device else None, from_custodian=draw(_CUSTODIANS),
                to_custodian=draw(_CUSTODIANS), section="S1", cause="NO_ANSWER", amount_fen=100,
                next_action=draw(st.sampled_from([None, *NEXT_ACTIONS])) if type_ == "attempted" else None,
            )
        )  # fmt: skip
    for number in range(draw(st.integers(min_value=0, max_value=3))):
        at = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(minutes=draw(_MINUTES))
        target = draw(st.sampled_from([*(event.event_id for event in events), "c0", "c1"]))
        body = draw(st.sampled_from([{"void": True}, {"values": {"to_custodian": WANG}}, {"values": {"type": "held"}}]))
        events.append(CustodyFact(f"c{number}", "corrected", at, at, corrects=target, body=body))
    return events


@settings(max_examples=50, deadline=None)
@given(events=some_events(), order=st.randoms(use_true_random=False))
def test_cus_01_state_is_independent_of_arrival_order(events: list[CustodyFact], order: object) -> None:
    """However the events of a day arrive, the parcel is in the same place with the same person."""
    shuffled = list(events)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    try:
        expected = custody_state(events)
    except CustodyEventError:  # corrections may void every event there is
        with pytest.raises(CustodyEventError):
            custody_state(shuffled)
        return
    assert custody_state(shuffled) == expected


@settings(max_examples=50, deadline=None)
@given(events=some_events())
def test_cus_02_exactly_one_custodian_at_any_time(events: list[CustodyFact]) -> None:
    """After any events whatever, one holder is named, and only ones that an event brought in."""
    named = {OFFICE, LI, WANG, "site:s1", "company:yunlu", "recipient", "sender", "unknown"}
    for end in range(1, len(events) + 1):
        try:
            state = custody_state(events[:end])
        except CustodyEventError:
            continue
        assert state.who in named
        assert state.status in STATUS_TITLES
        assert state.next_step in NEXT_STEP_TITLES


def test_cus_02_hand_over_is_open_between_its_two_scans(fact: FactMaker) -> None:
    """Between giving and taking the giver still answers for the parcel, and the hand-over shows as open."""
    arrived = fact("arrived", 1, to_custodian=OFFICE)
    given_out = fact("handed_over", 2, from_custodian=OFFICE, to_custodian=LI)
    taken = fact("received", 3, from_custodian=OFFICE, to_custodian=LI)

    open_state = custody_state([arrived, given_out])
    assert open_state.who == OFFICE
    assert open_state.open_transfer is not None
    assert open_state.open_transfer.missing == "received"

    closed = custody_state([arrived, given_out, taken])
    assert (closed.who, closed.open_transfer) == (LI, None)


def test_cus_02_taken_without_being_given_stays_open(fact: FactMaker) -> None:
    """A courier who scanned a parcel nobody gave has it; the missing half is asked for and closes it."""
    arrived = fact("arrived", 1, to_custodian=OFFICE)
    taken = fact("received", 2, from_custodian=OFFICE, to_custodian=LI)
    state = custody_state([arrived, taken])
    assert (state.who, state.next_step) == (LI, "confirm_hand_over")

    late_half = fact("handed_over", 3, from_custodian=OFFICE, to_custodian=LI)
    assert custody_state([arrived, taken, late_half]).open_transfer is None


def test_cus_04_a_late_event_restates_the_past_and_both_values_are_kept(fact: FactMaker, morning: datetime) -> None:
    """A scan that arrives hours late changes the answer, and what was believed before can still be asked."""
    arrived = fact("arrived", 1, to_custodian=OFFICE)
    loaded = fact("loaded", 30, to_custodian=LI)
    late = fact("returned_to_office", 20, to_custodian=OFFICE, received_at=morning + timedelta(hours=3))
    events = [arrived, late, loaded]

    believed_at_noon = custody_state(as_known(events, morning + timedelta(hours=1)))
    assert believed_at_noon.who == LI
    at_minute_25 = custody_state(as_happened(events, morning + timedelta(minutes=25)))
    assert at_minute_25.last_event_id == late.event_id
    assert custody_state(events).who == LI


def test_hh_06_an_outbox_keeps_its_order_when_its_clock_was_set_back(fact: FactMaker) -> None:
    """A phone whose clock jumps back an hour between two scans cannot undo the second one."""
    outbox = {"device_id": "phone-1", "store": "s1"}
    loaded = fact("loaded", 60, seq=1, to_custodian=LI, **outbox)
    delivered = fact("delivered", 5, seq=2, **outbox)
    assert custody_state([delivered, loaded]).status == "delivered"


def test_a_failed_attempt_keeps_its_promise_through_the_return_to_the_office(fact: FactMaker) -> None:
    """A parcel brought back after a failed attempt still says on which day it is tried again."""
    tomorrow = date(2026, 3, 5)
    state = custody_state(
        [
            fact("loaded", 1, to_custodian=LI),
            fact("attempted", 2, cause="NOBODY_HOME", next_action="redeliver", next_on=tomorrow),
            fact("returned_to_office", 3, to_custodian=OFFICE),
        ]
    )
    assert (state.status, state.next_step, state.next_on, state.attempts) == ("in_office", "redeliver", tomorrow, 1)


@pytest.mark.parametrize(
    ("steps", "next_step"),
    [
        ([("announced", "sender")], "collect"),
        ([("accepted_from_sender", "site:k1")], "collect"),
        ([("accepted_from_sender", "site:k1"), ("received", LI)], "bring_in"),
        ([("accepted_from_sender", "site:k1"), ("received", LI), ("arrived", OFFICE)], "pass_on"),
        ([("accepted_from_sender", "site:k1"), ("received", LI), ("forwarded", "company:yunlu")], "none"),
    ],
    ids=["waits at a door", "waits in a kiosk", "with the courier", "in the office", "passed on"],
)
def test_a_collected_parcel_flows_towards_its_company(
    fact: FactMaker, steps: list[tuple[str, str]], next_step: str
) -> None:
    """A parcel handed in by a customer is collected, brought in and passed on, never sent out for delivery."""
    events, holder = [], None
    for minute, (type_, custodian) in enumerate(steps):
        key = "t1" if type_ == "received" else None
        if key:
            events.append(fact("handed_over", minute, from_custodian=holder, to_custodian=custodian, transfer_id=key))
        events.append(fact(type_, minute, from_custodian=holder, to_custodian=custodian, transfer_id=key))
        holder = custodian
    assert custody_state(events).next_step == next_step


def test_a_giver_who_did_not_have_it_leaves_a_doubt(fact: FactMaker) -> None:
    """A hand-over by somebody who was not the holder counts, and is marked for a person to look at."""
    events = [fact("arrived", 1, to_custodian=OFFICE)]
    events.append(fact("received", 2, from_custodian=WANG, to_custodian=LI))
    state = custody_state(events)
    assert state.who == LI
    assert [(doubt.says, doubt.believed) for doubt in state.doubts] == [(WANG, OFFICE)]


def test_a_correction_voids_or_replaces_and_can_itself_be_undone(fact: FactMaker) -> None:
    """A wrong scan is corrected by another event, and the correction by a third; nothing is erased."""
    arrived = fact("arrived", 1, to_custodian=OFFICE)
    wrong = fact("delivered", 2)
    void = fact("corrected", 3, corrects=wrong.event_id, body={"void": True})
    undo = fact("corrected", 4, corrects=void.event_id, body={"void": True})
    replaced = fact("corrected", 3, corrects=arrived.event_id, body={"values": {"to_custodian": "office:east"}})

    assert custody_state([arrived, wrong, void]).status == "in_office"
    assert custody_state([arrived, wrong, void, undo]).status == "delivered"
    assert custody_state([arrived, replaced]).who == "office:east"


def test_cus_04_what_had_happened_by_noon_is_told_with_todays_knowledge(fact: FactMaker, morning: datetime) -> None:
    """A correction made in the evening also corrects what is said about the morning."""
    arrived = fact("arrived", 1, to_custodian=OFFICE)
    wrong = fact("delivered", 20)
    void = fact("corrected", 600, corrects=wrong.event_id, body={"void": True})
    assert custody_state(as_happened([arrived, wrong, void], morning + timedelta(minutes=30))).who == OFFICE
    assert custody_state(as_known([arrived, wrong, void], morning + timedelta(minutes=30))).who == "recipient"


@pytest.mark.parametrize(
    "values",
    [
        {"parcel_id": "x"},
        {"type": "vanished"},
        {"fact_at": "noon"},
        {"fact_at": "2026-03-04T10:00:00"},
        {"next_on": "x"},
    ],
    ids=["foreign field", "unknown type", "no time", "no zone", "no day"],
)
def test_a_correction_that_cannot_be_meant_is_refused(values: dict[str, str]) -> None:
    """A correction may only change what an event says about custody, with readable values."""
    with pytest.raises(CustodyEventError):
        corrected_values({"values": values})


def test_a_correction_reads_times_and_days() -> None:
    """A correction can move an event to another moment or promise another day."""
    values = corrected_values({"values": {"fact_at": "2026-03-04T10:00:00+08:00", "next_on": "2026-03-05"}})
    assert values == {"fact_at": datetime(2026, 3, 4, 2, tzinfo=UTC), "next_on": date(2026, 3, 5)}


def test_money_and_consent_add_up(fact: FactMaker) -> None:
    """The state says what was cashed for a parcel and which consent stands."""
    events = [
        fact("announced", 0, to_custodian="company:yunlu", consent_reference="C1"),
        fact("money_taken", 1, amount_fen=5000),
        fact("money_refunded", 2, amount_fen=1000),
    ]
    state = custody_state(events)
    assert (state.money_taken_fen, state.consent_reference) == (4000, "C1")
    assert custody_state([*events, fact("consent_withdrawn", 3)]).consent_reference is None


def test_a_parcel_nobody_reported_has_no_state() -> None:
    """Without a single event there is no answer, and that is an error, not an invented holder."""
    with pytest.raises(CustodyEventError):
        custody_state([])


def test_the_vocabulary_is_closed() -> None:
    """Every status an event can bring about, and every action, has its titles in both languages."""
    assert {kind.status for kind in EVENT_TYPES.values() if kind.status} <= set(STATUS_TITLES)
    assert set(NEXT_ACTIONS) <= set(NEXT_STEP_TITLES)
