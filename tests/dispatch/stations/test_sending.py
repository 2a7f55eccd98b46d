"""Kiosks at the server: waybills, sessions, settling, couriers' collections; and the rules as data."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.parcels.model import Parcel
from dispatch.stations.errors import StationPolicyError, StationStateError, UnknownCollectionRunError
from dispatch.stations.model import SiteOutage
from dispatch.stations.policy import load_policies
from dispatch.stations.search import due_notices, notice_sent, search
from dispatch.stations.sending import Inspected, KioskTold
from kernel.db import Database
from lockers.dropoffs import DropOff
from lockers.registry.model import Site

DAY = date(2026, 3, 4)
KIOSK = "kiosk-1"


def drop(number: int, **more: object) -> DropOff:
    """Make a drop-off's statement."""
    body = {
        "waybill": f"KB{number:04d}", "company": "yunlu", "weight_g": 640, "size": "S", "compartment": "A1",
        "item_class": "clothing", "proof": f"rn-{number}",
    }  # fmt: skip
    return DropOff.model_validate(body | more)


def hand_in(county: Database, stations: Any, *numbers: int) -> list[str]:
    """Let parcels be dropped at the kiosk."""
    with county.begin() as session:
        site = session.get_one(Site, KIOSK)
        return [stations.sending.take_in(session, site, drop(number), "device:kiosk-1", DAY) for number in numbers]


def tell(county: Database, stations: Any, type_: str, seq: int, txn: str | None = None, **body: object) -> None:
    """Let the kiosk tell a fact."""
    with county.begin() as session:
        at = stations.journal._clock.now()
        stations.sending.tell(session, KIOSK, KioskTold(type_, body, at, "device:kiosk-1", txn, seq))


def test_law_06_nothing_is_taken_in_without_a_proof(county: Any, stations: Any):
    """A parcel is taken in only from a sender whose identity was proven; the proof is a reference."""
    with county.begin() as session, pytest.raises(StationStateError, match="proven"):
        stations.sending.take_in(session, session.get_one(Site, KIOSK), drop(1, proof=None), "user:keeper", DAY)


def test_a_courier_empties_a_kiosk_and_it_balances(county: Any, stations: Any, status: Any):
    """Dropped = accepted + refused + missing: each goes into the ledger under the courier's name."""
    one, two, three = hand_in(county, stations, 1, 2, 3)
    with county.begin() as session:
        run = stations.sending.begin_collection(session, session.get_one(Site, KIOSK), "c-1")
        assert run.dropped == sorted([one, two, three])
        words = [
            Inspected("11111111-0000-7000-8000-000000000001", one, True, inspected=True, weighed_g=700),
            Inspected("11111111-0000-7000-8000-000000000002", two, False, cause="PROHIBITED"),
        ]
        balance = stations.sending.close_collection(session, run, DAY, words, ["X1"])
        assert (balance.missing, balance.balanced) == (frozenset({three}), False)
        assert run.result["surplus"] == ["X1"]
        run_id = run.id
        assert session.get_one(Parcel, one).weight_g == 700
    assert [status(parcel_id) for parcel_id in (one, two, three)] == [
        ("accepted", "courier:c-1"), ("returning", "site:kiosk-1"), ("held", "site:kiosk-1"),
    ]  # fmt: skip
    with county.read() as session:
        assert [(alarm.kind, alarm.subject) for alarm in stations.journal.alarms(session, KIOSK)] == [
            ("missing", three)
        ]
        with pytest.raises(UnknownCollectionRunError):
            stations.sending.collection(session, run_id, "c-2")


@pytest.mark.parametrize(
    ("word", "why"),
    [({"accepted": True}, "not inspected"), ({"accepted": False, "cause": "UGLY"}, "refusal needs one of")],
)
def test_law_07_nothing_is_accepted_uninspected_or_refused_without_reason(
    county: Any, stations: Any, word: dict[str, Any], why: str
):
    """A courier opens and checks what is accepted, and refuses with a reason from the list."""
    (one,) = hand_in(county, stations, 1)
    with county.begin() as session, pytest.raises(StationStateError, match=why):
        run = stations.sending.begin_collection(session, session.get_one(Site, KIOSK), "c-1")
        stations.sending.close_collection(
            session, run, DAY, [Inspected("11111111-0000-7000-8000-000000000001", one, **word)]
        )


def test_waybills_are_used_or_void_once(county: Any, stations: Any):
    """Numbers a company issued beforehand are in stock once, and are used or void afterwards, never both ways."""
    with county.begin() as session:
        assert stations.sending.stock(session, KIOSK, "yunlu", ["KB1", "KB2"], "user:d") == 2
        assert stations.sending.stock(session, KIOSK, "yunlu", ["KB2"], "user:d") == 0
    tell(county, stations, "waybill.voided", 3, "t-1", state="voided", company="yunlu", waybill="KB1")
    tell(county, stations, "waybill.assigned", 2, "t-1", state="labelled", company="yunlu", waybill="KB1")
    with county.read() as session:
        assert [(row.waybill, row.state) for row in stations.sending.stocked(session, KIOSK)] == [
            ("KB1", "void"), ("KB2", "stocked"),
        ]  # fmt: skip
        assert [(row.id, row.state) for row in stations.sending.sendings(session, KIOSK)] == [("t-1", "voided")]


@pytest.mark.parametrize("dropped", [True, False])
def test_an_unclear_session_waits_for_a_person(county: Any, stations: Any, status: Any, dropped: bool):
    """After a power cut at the open door a person says, with a reason, whether the parcel lies there."""
    tell(county, stations, "session.unclear", 5, "t-9", state="unclear", company="yunlu", waybill="KB0009", cell="A1")
    with county.begin() as session:
        site = session.get_one(Site, KIOSK)
        with pytest.raises(StationStateError):
            stations.sending.settle(session, site, "t-9", None, "user:keeper", "")
        given = drop(9) if dropped else None
        row = stations.sending.settle(session, site, "t-9", given, "user:keeper", "looked_inside")
        assert row.state == ("dropped" if dropped else "voided")
        assert list(stations.journal.alarms(session, KIOSK)) == []
        found = session.scalars(select(Parcel.id).where(Parcel.waybill == "KB0009")).first()
    assert (found is not None and status(found) == ("accepted", "site:kiosk-1")) == dropped


def test_a_kiosk_without_paper_is_one_alarm_and_counted_time(county: Any, stations: Any):
    """Paper out is one alarm until it is refilled, and the time between counts as unable to print."""
    tell(county, stations, "paper.out", 1)
    stations.journal._clock.advance(3600)
    tell(county, stations, "paper.out", 2)
    with county.read() as session:
        assert [(a.kind, a.count) for a in stations.journal.alarms(session, KIOSK)] == [("no_paper", 2)]
    tell(county, stations, "paper.refilled", 3)
    with county.read() as session:
        assert list(stations.journal.alarms(session, KIOSK)) == []
        outage = session.scalars(select(SiteOutage)).one()
        assert outage.ended_at - outage.began_at == timedelta(hours=1)


def test_law_11_a_phone_tail_shows_several_candidates(county: Any, stations: Any, parcel: Any):
    """The last digits of a phone show every parcel they may mean, of all companies, with names and phones masked."""
    parcel()
    parcel(company_id="lanque", recipient_phone="15499999101", recipient_name="王秀英")
    with county.read() as session:
        site, now = session.get_one(Site, "station-1"), stations.journal._clock.now()
        found = search(session, site, "9101", stations.policies, now)
        assert [(one.company_id, one.recipient_name) for one in found] == [("yunlu", "李**"), ("lanque", "王**")]
        assert all("9101" not in one.recipient_phone for one in found)
        assert len(search(session, site, "yl00", stations.policies, now)) == 2
        assert search(session, site, "", stations.policies, now) == []


def test_law_04_one_message_says_place_code_deadline_and_charge(county: Any, stations: Any, parcel: Any):
    """The recipient's one message names place, code, deadline and what longer keeping costs; sent is sent."""
    from dispatch.stations.cells import DepositCheck

    parcel_id = parcel()
    with county.begin() as session:
        site, found = session.get_one(Site, "station-1"), session.get_one(Parcel, parcel_id)
        done = stations.cells.deposit(session, site, found, DepositCheck(), "user:keeper")
        digits = stations.codes.digits(done.code)
    with county.begin() as session:
        (notice,) = due_notices(session, stations.codes, stations.policies, "Asia/Shanghai")
        for part in ("石桥station", digits, "2026-03-07T07:00:00+08:00", "免费"):
            assert part in notice.text_zh
        assert digits in notice.text_en
        assert notice_sent(session, notice.id, stations.journal._clock.now())
        assert due_notices(session, stations.codes, stations.policies, "Asia/Shanghai") == []


def test_every_law_is_a_setting_with_source_and_date() -> None:
    """Each reading of the law stands in the one file of rules with its source and the day it was read."""
    laws = dict(load_policies().common.laws())
    assert sorted(laws) == [f"LAW-{number:02d}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)]
    assert all(law.source and law.read_on.year >= 2025 for law in laws.values())


def test_law_10_a_region_may_say_otherwise(tmp_path: Path) -> None:
    """A region's own rules replace the common ones setting by setting; a charge within the promised time is refused."""
    text = (Path(__file__).resolve().parents[3] / "dispatch/stations/policy.toml").read_text("utf-8")
    own = tmp_path / "policy.toml"
    own.write_text(text + '\n[[region]]\nname = "guangzhou"\n[region.attempts]\nfree = 3\n', "utf-8")
    policies = load_policies(own)
    assert (policies.of("guangzhou").attempts.free, policies.of("demo").attempts.free) == (3, 2)
    own.write_text(text.replace("free_h = 72", "free_h = 12"), "utf-8")
    with pytest.raises(StationPolicyError, match="free_h"):
        load_policies(own)
