"""The question every customer asks: where is it, who has it, since when, what next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.custody.whereabouts import where_is
from dispatch.errors import ParcelUnknownError
from kernel.clock import ManualClock
from kernel.db import Database


def test_the_answer_names_place_holder_time_and_next_step(
    database: Database, ledger: Ledger, parcel_id: str, clock: ManualClock
) -> None:
    """Asked by waybill or by id, the ledger answers all four questions."""
    clock.advance(3600)
    arrived = NewCustodyEvent(
        "arrived", clock.now(), "user:sorter", parcel_id=parcel_id, to_custodian="office:centre", place="office:centre"
    )
    with database.begin() as session:
        ledger.append(session, arrived)
    with database.read() as session:
        (by_waybill,) = where_is(session, "YL000001")
        (by_id,) = where_is(session, parcel_id)
    assert by_waybill == by_id
    state = by_waybill.state
    assert (state.where, state.who, state.since, state.next_step) == (
        "office:centre", "office:centre", clock.now(), "section",
    )  # fmt: skip
    assert [fact.type for fact in by_waybill.history] == ["announced", "arrived"]
    assert "in the office, not assigned" in by_waybill.sentence()
    assert "自 2026-03-04T08:00:00+08:00；下一步：下段" in by_waybill.sentence("zh", "Asia/Shanghai")


def test_another_companys_parcel_does_not_exist(database: Database, parcel_id: str) -> None:
    """A company that asks for somebody else's waybill hears that there is none."""
    with database.read() as session:
        assert where_is(session, "YL000001", company_id="yunlu")
        with pytest.raises(ParcelUnknownError):
            where_is(session, "YL000001", company_id="hefeng")


def test_cus_04_the_answer_can_be_asked_as_it_was_known(
    database: Database, ledger: Ledger, parcel_id: str, clock: ManualClock
) -> None:
    """Before the late scan arrived the ledger believed something else, and still says so when asked."""
    before = clock.now() + timedelta(minutes=5)
    clock.advance(7200)
    late = NewCustodyEvent("arrived", before, "user:sorter", parcel_id=parcel_id, to_custodian="office:centre")
    with database.begin() as session:
        ledger.append(session, late)
    with database.read() as session:
        (then,) = where_is(session, parcel_id, known_at=before + timedelta(hours=1))
        (now,) = where_is(session, parcel_id)
    assert (then.state.status, now.state.status) == ("announced", "in_office")
    assert now.state.since == before


def test_an_unknown_waybill_is_said_to_be_unknown(sqlite_database: Database) -> None:
    """A mistyped number gets a clear answer."""
    with sqlite_database.read() as session, pytest.raises(ParcelUnknownError, match="XX1"):
        where_is(session, "XX1")


def test_a_promise_shows_its_day(database: Database, ledger: Ledger, parcel_id: str, clock: ManualClock) -> None:
    """After a failed attempt the sentence says when it is tried again, in both languages."""
    failed = NewCustodyEvent(
        "attempted", clock.now(), "courier:li", parcel_id=parcel_id, cause="NO_ANSWER", next_action="redeliver",
        next_on=(clock.now() + timedelta(days=2)).date(),
    )  # fmt: skip
    with database.begin() as session:
        ledger.append(session, failed)
        (answer,) = where_is(session, parcel_id)
    assert answer.sentence().endswith("next: try again on 2026-03-05")
    assert answer.sentence("zh").endswith("下一步：再投（2026-03-05）")
