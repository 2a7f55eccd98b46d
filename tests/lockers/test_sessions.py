"""Sending at a kiosk, visiting a station."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.clock import ManualClock
from lockers.errors import ImpossibleStepError
from lockers.sending import SENDING, CollectionBalance, KioskHealth, SendingSession, advance, times_out
from lockers.visit import VISIT, StationRules, Visit, admits, exit_scan, proceed, scan


@pytest.fixture
def session(clock: ManualClock) -> SendingSession:
    """Give a session that has not begun."""
    return SendingSession("s-1", clock.now())


def run(session: SendingSession, clock: ManualClock, *events: str) -> tuple[SendingSession, list[str]]:
    """Walk a session through events."""
    facts: list[str] = []
    for event in events:
        learned = {"identity_proven": {"proof": "rn-1"}, "label_printed": {"waybill": "SF1"}}.get(event, {})
        session, told = advance(session, event, clock.now(), **learned)
        facts += told
    return session, facts


TO_DOOR = (
    "identity_proven", "item_declared", "price_agreed", "label_printed", "label_scanned", "weighed", "door_opened",
)  # fmt: skip


def test_a_parcel_is_sent(session: SendingSession, clock: ManualClock) -> None:
    """From the proven identity to the receipt; dropped is said when the sensors have seen it."""
    done, facts = run(session, clock, *TO_DOOR, "shut_occupied", "receipt_given")
    assert (done.state, done.proof, done.waybill) == ("receipted", "rn-1", "SF1")
    assert facts == ["session.started", "waybill.assigned", "parcel.dropped"]


def test_law_06_no_door_without_proven_identity(session: SendingSession, clock: ManualClock) -> None:
    """The door opens only for a sender whose identity was proven, and a proof is a reference, never empty."""
    for event in ("door_opened", "item_declared", "label_printed"):
        with pytest.raises(ImpossibleStepError):
            run(session, clock, event)
    with pytest.raises(ImpossibleStepError, match="proof"):
        advance(session, "identity_proven", clock.now())


@pytest.mark.parametrize("steps", range(1, 7))
def test_giving_up_before_the_door_voids_the_waybill(session: SendingSession, clock: ManualClock, steps: int) -> None:
    """Whoever gives up, or is slow, or loses power before the door leaves nothing behind; a printed waybill is void."""
    for event in ("given_up", "timed_out", "power_back"):
        begun, _ = run(session, clock, *TO_DOOR[:steps])
        ended, facts = advance(begun, event, clock.now())
        assert ended.state == "voided"
        assert ("waybill.voided" in facts) == (begun.waybill is not None)


def test_after_the_door_only_sensors_or_a_person_decide(session: SendingSession, clock: ManualClock) -> None:
    """With the door open a power cut or a blind sensor makes the session unclear, never a drop-off, never a void."""
    opened, _ = run(session, clock, *TO_DOOR)
    for event in ("power_back", "shut_unseen"):
        unclear, facts = advance(opened, event, clock.now())
        assert (unclear.state, facts) == ("unclear", ("session.unclear",))
        assert not SENDING.may("unclear", "door_opened")
    with pytest.raises(ImpossibleStepError):
        advance(opened, "given_up", clock.now())
    again, _ = advance(opened, "shut_empty", clock.now())
    assert again.state == "weighed"


def test_a_label_is_printed_again_once(session: SendingSession, clock: ManualClock) -> None:
    """After a jam the label is printed again under the same waybill, once."""
    labelled, _ = run(session, clock, *TO_DOOR[:4], "label_reprinted")
    assert labelled.waybill == "SF1"
    with pytest.raises(ImpossibleStepError, match="once"):
        advance(labelled, "label_reprinted", clock.now())


def test_patience_ends(session: SendingSession, clock: ManualClock) -> None:
    """A customer has a minute after the identity check; an open door has no such end."""
    begun, _ = run(session, clock, "identity_proven")
    assert not times_out(begun, clock.now() + timedelta(seconds=59))
    assert times_out(begun, clock.now() + timedelta(seconds=60))
    opened, _ = run(session, clock, *TO_DOOR)
    assert not times_out(opened, clock.now() + timedelta(hours=1))


@pytest.mark.parametrize(
    ("health", "hindrance"),
    [
        (KioskHealth(), None),
        (KioskHealth(paper=False), "no_paper"),
        (KioskHealth(free_boxes=0), "full"),
        (KioskHealth(network=False), "no_waybills"),
        (KioskHealth(network=False, waybills_in_stock=3), None),
        (KioskHealth(scale=False), None),
        (KioskHealth(door_left_open=True), "door_left_open"),
    ],
)
def test_a_kiosk_refuses_before_it_asks(health: KioskHealth, hindrance: str | None) -> None:
    """Full, no paper, a door left open, or no network and no waybills: said at once; a broken scale is no reason."""
    assert health.hindrance() == hindrance


def test_what_was_dropped_is_accepted_refused_or_missing() -> None:
    """A courier's emptying balances only when every dropped parcel is accepted or refused and none is over."""
    dropped = frozenset({"a", "b", "c"})
    balance = CollectionBalance(dropped, frozenset({"a"}), frozenset({"b"}))
    assert (balance.missing, balance.surplus, balance.balanced) == ({"c"}, set(), False)
    assert CollectionBalance(dropped, frozenset({"a", "c"}), frozenset({"b"})).balanced
    assert CollectionBalance(dropped, dropped, frozenset({"x"})).surplus == {"x"}
    assert not CollectionBalance(dropped, dropped, frozenset({"a"})).balanced


@pytest.fixture
def visit() -> Visit:
    """Give a visitor whose cells are lit."""
    visit = Visit("v-1", "station-1", wanted=frozenset({"p-1", "p-2"}))
    for event in ("code_valid", "entered", "identified", "lights_on"):
        visit, _ = proceed(visit, event)
    return visit


def test_a_visitor_takes_what_is_theirs(visit: Visit) -> None:
    """Light, scan, exit scan, out: each parcel is collected once, and the visit is reconciled."""
    visit, facts = scan(visit, "p-1")
    assert facts == ("parcel.collected",)
    assert scan(visit, "p-1")[1] == ()
    visit, facts = scan(visit, "p-9")
    assert facts == ("pick.wrong",)
    visit, facts = exit_scan(visit, frozenset({"p-1"}))
    assert (visit.state, facts) == ("reconciled", ("visit.reconciled",))
    assert proceed(visit, "exited")[1] == ("visit.ended", "lights.off")


def test_leaving_is_never_impossible(visit: Visit) -> None:
    """Whoever is inside can leave at any moment; an unscanned exit is an alarm, not a lock."""
    outside = ("invited", "admitted", "left", "refused")
    for state in VISIT.states:
        for event in ("exited", "fire"):
            assert VISIT.may(state, event) == (state not in outside)
    carrying, _ = scan(visit, "p-1")
    assert "exit.unscanned" in proceed(carrying, "exited")[1]
    asked, facts = exit_scan(carrying, frozenset({"p-1", "p-7"}))
    assert (asked.state, facts) == ("taken", ("exit.mismatch",))
    assert "door.released" in proceed(carrying, "fire")[1]


def test_a_call_for_help_changes_nothing_else(visit: Visit) -> None:
    """Calling for help or staying long leaves the visit where it is."""
    for event in ("help_called", "stayed_too_long"):
        assert proceed(visit, event)[0] == visit


def test_a_refused_code_opens_nothing() -> None:
    """A revoked or wrong code ends the visit before it begins."""
    refused, facts = proceed(Visit("v-2", "station-1"), "code_invalid")
    assert facts == ("entry.refused",)
    with pytest.raises(ImpossibleStepError):
        proceed(refused, "entered")
    with pytest.raises(ImpossibleStepError):
        scan(replace(refused, wanted=frozenset({"p"})), "x")


def test_a_station_admits_as_many_as_it_holds() -> None:
    """The seventh visitor waits outside."""
    assert [admits(inside, StationRules()) for inside in (0, 5, 6)] == [True, True, False]
