"""The ledger's door: each fact once, whoever sends it and however often."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.custody.model import CustodyConflict, CustodyEvent, CustodyStanding
from dispatch.custody.projection import custody_state
from dispatch.custody.repository import CustodyRepository, standing_row
from dispatch.errors import CustodyEventError, ParcelUnknownError
from dispatch.parcels.model import Parcel
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.events import events_after

_NAIVE = datetime(2026, 3, 4)  # noqa: DTZ001 - a moment without a zone is what is refused


def _count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_fact_is_stored_with_its_new_state(database: Database, ledger: Ledger, drop_off: NewCustodyEvent) -> None:
    """A drop-off is recorded, the answer changes, and the change feed tells of it."""
    with database.begin() as session:
        done = ledger.append(session, drop_off)
    assert done.outcome == "stored"
    assert done.state is not None
    assert (done.state.who, done.state.next_step) == ("site:qj-kiosk-017", "collect")
    with database.read() as session:
        kinds = [event.kind for event in events_after(session, 0)]
        stored = session.get_one(CustodyEvent, drop_off.event_id)
        assert (stored.device_id, stored.store, stored.seq) == ("qj-kiosk-017", "b41e", 7)
    assert kinds == ["custody.announced", "custody.accepted_from_sender"]


def test_hh_05_a_retry_of_the_same_event_changes_nothing(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent, clock: ManualClock
) -> None:
    """The same event sent again, later and with a better clock offset, is a duplicate and leaves no trace."""
    with database.begin() as session:
        ledger.append(session, drop_off)
    clock.advance(40)
    again = replace(drop_off, uploaded_at=clock.now(), clock_offset_ms=-140)
    with database.begin() as session:
        assert ledger.append(session, again).outcome == "duplicate"
    with database.read() as session:
        assert _count(session, CustodyEvent) == 2
        assert len(events_after(session, 0)) == 2


def test_hh_05_same_id_with_other_content_is_a_conflict_and_a_security_event(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent
) -> None:
    """An id that comes back with another story is kept aside and reported once; the first story stands."""
    other = replace(drop_off, to_custodian="site:somewhere-else")
    with database.begin() as session:
        ledger.append(session, drop_off)
        assert ledger.append(session, other).outcome == "conflict"
        assert ledger.append(session, other).outcome == "conflict"
    with database.read() as session:
        kept = session.scalars(select(CustodyConflict)).all()
        assert [(copy.kind, copy.copy["to_custodian"]) for copy in kept] == [("other_content", "site:somewhere-else")]
        assert session.get_one(CustodyEvent, drop_off.event_id).to_custodian == "site:qj-kiosk-017"
        assert [event.kind for event in events_after(session, 0)].count("custody.conflict_found") == 1


def test_dev_008_a_fork_is_detected_and_not_overwritten(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent
) -> None:
    """A cloned kiosk that uses an outbox position twice is found out by the position, not only by the id."""
    clone = replace(drop_off, event_id="0193f0c2-0000-7000-8000-0000000000bb")
    with database.begin() as session:
        ledger.append(session, drop_off)
        assert ledger.append(session, clone).outcome == "conflict"
    with database.read() as session:
        kept = session.scalars(select(CustodyConflict)).one()
        assert (kept.kind, kept.stored_event_id) == ("fork", drop_off.event_id)
        assert _count(session, CustodyEvent) == 2


def test_dev_004_a_new_store_may_count_from_one_again(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent
) -> None:
    """A kiosk whose memory card was replaced starts its numbers anew without being taken for a duplicate."""
    new_card = replace(drop_off, event_id="0193f0c2-0000-7000-8000-0000000000cc", store="77aa")
    with database.begin() as session:
        assert ledger.append(session, drop_off).outcome == "stored"
        assert ledger.append(session, new_card).outcome == "stored"


def test_dev_009_uniqueness_lives_in_the_database(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent
) -> None:
    """Even code that goes around the ledger cannot store an outbox position twice."""
    with database.begin() as session:
        ledger.append(session, drop_off)
    copy = {column.key: None for column in CustodyEvent.__table__.columns}
    with database.read() as session:
        stored = session.get_one(CustodyEvent, drop_off.event_id)
        copy = {name: getattr(stored, name) for name in copy} | {"event_id": "another"}
    with pytest.raises(IntegrityError), database.begin() as session:
        session.add(CustodyEvent(**copy))


@pytest.mark.parametrize("statement", [update(CustodyEvent).values(actor="x"), delete(CustodyEvent)])
def test_events_cannot_be_changed_or_deleted(database: Database, parcel_id: str, statement: object) -> None:
    """The database itself refuses to rewrite history."""
    with pytest.raises(IntegrityError, match="append-only"), database.begin() as session:
        session.execute(statement)  # type: ignore[call-overload]


def test_the_standing_is_what_the_events_add_up_to(
    database: Database, ledger: Ledger, parcel_id: str, clock: ManualClock
) -> None:
    """The list a dispatcher sees equals the recomputed answer after every event."""
    steps = [
        {"type": "arrived", "to_custodian": "office:centre"},
        {"type": "sectioned", "section": "S07"},
        {"type": "loaded", "to_custodian": "courier:li"},
        {"type": "attempted", "cause": "NO_ANSWER", "next_action": "redeliver", "next_on": date(2026, 3, 5)},
    ]
    for step in steps:
        clock.advance(60)
        with database.begin() as session:
            ledger.append(session, NewCustodyEvent(fact_at=clock.now(), actor="u:1", parcel_id=parcel_id, **step))  # type: ignore[arg-type]
        with database.read() as session:
            standing = session.get_one(CustodyStanding, parcel_id)
            expected = standing_row(parcel_id, custody_state(CustodyRepository(session).facts(parcel_id)))
            assert {name: getattr(standing, name) for name in expected} == expected


def test_a_whole_import_is_announced_as_if_one_by_one(
    database: Database, ledger: Ledger, parcel_id: str, clock: ManualClock
) -> None:
    """Parcels announced together, some by their company and some waiting at a sender, each get their own answer."""
    with database.begin() as session:
        first = session.get_one(Parcel, parcel_id)
        values = {column.key: getattr(first, column.key) for column in Parcel.__table__.columns}
        others = [values | {"id": f"p{number}", "waybill": f"YL10000{number}"} for number in range(6)]
        session.add_all(Parcel(**other) for other in others)
        session.flush()
        ledger.announce(
            session,
            [
                NewCustodyEvent(
                    "announced", clock.now() + timedelta(seconds=number % 2), "user:1", parcel_id=f"p{number}",
                    to_custodian=["company:yunlu", "sender"][number % 3 == 0], place=[None, "place:v1"][number % 2],
                )
                for number in range(6)
            ],
        )  # fmt: skip
    with database.read() as session:
        for number in range(6):
            standing = session.get_one(CustodyStanding, f"p{number}")
            expected = standing_row(f"p{number}", custody_state(CustodyRepository(session).facts(f"p{number}")))
            assert {name: getattr(standing, name) for name in expected} == expected


def test_two_workers_with_the_same_event_store_it_once(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent
) -> None:
    """Two ingest workers that receive one event at the same time count it once, and neither fails."""
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        with database.begin() as session:
            outcomes.append(ledger.append(session, drop_off).outcome)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert sorted(outcomes) == ["duplicate", "stored"]


def test_workers_that_bring_the_same_events_in_opposite_order_never_block_each_other(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent, parcel_id: str
) -> None:
    """Two transactions of the same events, one the other way round, both end, and each event counts once."""
    scans = [
        replace(drop_off, event_id=f"0193f0c2-0000-7000-8000-{seq:012d}", seq=seq, type="counted") for seq in range(20)
    ]
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def work(part: list[NewCustodyEvent]) -> None:
        for start in range(0, len(part), 4):
            together.wait(30)
            with database.begin() as session:
                done = [ledger.append(session, scan) for scan in part[start : start + 2]]
                done += ledger.append_many(session, part[start + 2 : start + 4])
            outcomes.extend(one.outcome for one in done)

    forward, backward = list(scans), [scan for start in range(0, 20, 4) for scan in scans[start : start + 4][::-1]]
    workers = [threading.Thread(target=work, args=(part,)) for part in (forward, backward)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert (outcomes.count("stored"), outcomes.count("duplicate")) == (20, 20)


def test_many_facts_at_once_are_the_same_as_one_by_one(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent, parcel_id: str
) -> None:
    """In one call: a new fact is stored, its copy a duplicate, another content under its id or number a conflict."""
    again, other = replace(drop_off, uploaded_at=drop_off.fact_at), replace(drop_off, to_custodian="site:elsewhere")
    clone = replace(drop_off, event_id="0193f0c2-0000-7000-8000-0000000000bb")
    later = replace(drop_off, event_id="0193f0c2-0000-7000-8000-0000000000cc", seq=8, type="held")
    with database.begin() as session:
        before = session.get_one(CustodyStanding, parcel_id)
        assert before.status == "announced"
        done = ledger.append_many(session, [drop_off, again, other, clone, later])
        assert before.status == "held", "what was read before is refreshed"
    assert [one.outcome for one in done] == ["stored", "duplicate", "conflict", "conflict", "stored"]
    assert done[0].state == done[4].state
    with database.read() as session:
        kinds = [entry.kind for entry in events_after(session, 0)]
        assert kinds == [
            "custody.announced", "custody.accepted_from_sender", "custody.held", "custody.conflict_found",
            "custody.conflict_found",
        ]  # fmt: skip


def test_events_of_one_parcel_at_the_same_time_do_not_miss_each_other(
    database: Database, ledger: Ledger, parcel_id: str, clock: ManualClock
) -> None:
    """When office and courier scan one parcel in the same second, the answer rests on both scans."""
    together = threading.Barrier(4)

    def work(number: int) -> None:
        together.wait()
        at = clock.now() + timedelta(seconds=number)
        new = NewCustodyEvent("arrived", at, f"user:{number}", parcel_id=parcel_id, to_custodian=f"office:{number}")
        with database.begin() as session:
            ledger.append(session, replace(new, event_id=f"e{number}"))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    with database.read() as session:
        state = custody_state(CustodyRepository(session).facts(parcel_id))
        assert (state.who, session.get_one(CustodyStanding, parcel_id).custodian) == ("office:4", "office:4")


def test_nothing_of_a_failed_transaction_remains(database: Database, ledger: Ledger, drop_off: NewCustodyEvent) -> None:
    """When the transaction around an append fails, neither event nor standing nor log entry is there."""

    class PowerCutError(Exception):
        pass

    with pytest.raises(PowerCutError), database.begin() as session:
        ledger.append(session, drop_off)
        raise PowerCutError
    with database.read() as session:
        assert _count(session, CustodyEvent) == 1
        assert session.scalars(select(CustodyStanding.status)).all() == ["announced"]


def test_an_event_for_an_unknown_parcel_is_refused_by_name(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent
) -> None:
    """An event that names a parcel nobody knows says so instead of breaking a constraint."""
    with pytest.raises(ParcelUnknownError, match="no-such"), database.begin() as session:
        ledger.append(session, replace(drop_off, parcel_id="no-such"))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "teleported"},
        {"to_custodian": None},
        {"seq": None},
        {"event_id": None},
        {"fact_at": _NAIVE},
        {"uploaded_at": _NAIVE},
        {"next_action": "forget"},
        {"actor": ""},
        {"body": {"weight": float("nan")}},
        {"body": {"when": object()}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_event_that_cannot_be_true_is_refused(
    sqlite_database: Database, ledger: Ledger, clock: ManualClock, change: dict[str, object]
) -> None:
    """Unknown types, missing fields, half an outbox position and times without zone never reach the table."""
    whole = NewCustodyEvent(
        "surplus_scanned",
        clock.now(),
        "device:d",
        event_id="e",
        device_id="d",
        store="s",
        seq=1,
        to_custodian="office:c",
    )
    with pytest.raises(CustodyEventError), sqlite_database.begin() as session:
        ledger.append(session, replace(whole, **change))  # type: ignore[arg-type]


def test_an_unknown_code_is_recorded_as_a_surplus_scan(
    sqlite_database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    """A label nobody announced is written down without a parcel, not refused."""
    scan = NewCustodyEvent("surplus_scanned", clock.now(), "courier:li", to_custodian="office:c", body={"scan": 1})
    with sqlite_database.begin() as session:
        assert ledger.append(session, scan).state is None
        assert events_after(session, 0)[0].subject.startswith("custody_event:")


def test_a_correction_with_foreign_fields_is_refused_at_the_door(
    sqlite_database: Database, ledger: Ledger, clock: ManualClock
) -> None:
    """A correction that could never be applied does not get into the ledger."""
    wrong = NewCustodyEvent("corrected", clock.now(), "u:1", corrects="e1", body={"values": {"seq": 3}})
    with pytest.raises(CustodyEventError, match="seq"), sqlite_database.begin() as session:
        ledger.append(session, wrong)


def test_a_fact_may_be_older_than_its_arrival(
    database: Database, ledger: Ledger, drop_off: NewCustodyEvent, clock: ManualClock
) -> None:
    """A drop-off made forty minutes ago without network keeps its own time beside the time it arrived."""
    before = clock.now() - timedelta(minutes=40)
    with database.begin() as session:
        ledger.append(session, replace(drop_off, fact_at=before))
    with database.read() as session:
        stored = session.get_one(CustodyEvent, drop_off.event_id)
        assert (stored.fact_at, stored.received_at) == (before, clock.now())
