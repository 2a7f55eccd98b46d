"""Cells of stations and cabinets against parcels, consent, codes and the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from dispatch.parcels.model import Parcel
from dispatch.stations.cells import CellEvent, DepositCheck
from dispatch.stations.errors import (
    CodeRefusedError,
    DepositRefusedError,
    NoCellFreeError,
    NotHereError,
    StationStateError,
)
from dispatch.stations.model import StationFact, StationNotice
from dispatch.stations.service import Stations
from kernel.clock import ManualClock
from kernel.db import Database
from lockers.book import Occupancy
from lockers.codes import CodeKind
from lockers.compartments import CompartmentSize
from lockers.registry.model import Site

FINE = DepositCheck()
PICK_UP = (CodeKind.PICK_UP, CodeKind.PROXY)


def deposit(county: Database, stations: Stations, parcel_id: str, site_id: str = "station-1") -> Any:
    """Scan a parcel in."""
    with county.begin() as session:
        site, parcel = session.get_one(Site, site_id), session.get_one(Parcel, parcel_id)
        done = stations.cells.deposit(session, site, parcel, FINE, "user:keeper")
        return done.cell, stations.codes.digits(done.code) if done.code else None


def door(
    county: Database, stations: Stations, cell: str, seq: int, *, inside: str | None = None, by_hand: bool = False
):
    """Let the cabinet's sensors speak: shut with what lies inside, or open."""
    told = {"site_id": "cabinet-1", "cell": cell, "actor": "device:cabinet-1", "store": "abcd", "seq": seq}
    with county.begin() as session:
        at = stations.journal._clock.now()
        if inside is None:
            row = stations.cells.door_seen_open(session, CellEvent(**told, at=at, by_hand=by_hand))
        else:
            row = stations.cells.door_seen_shut(session, CellEvent(**told, at=at, inside=Occupancy(inside)))
        return row.book


def take(county: Database, stations: Stations, digits: str, site_id: str = "station-1", account: str = "account:1"):
    """Present a code and open what it opens; refusals are committed too."""
    with county.begin() as session:
        rules = stations.cells.policy(session, site_id).guess_rules
        presented = stations.codes.present(session, PICK_UP, site_id, digits, account, rules)
        if presented.code is not None:
            stations.cells.open_for(session, presented.code, "recipient:code")
    return presented


def said(county: Database, site_id: str = "station-1") -> list[str]:
    """Give what happened at a site, in order."""
    with county.read() as session:
        query = select(StationFact.type).where(StationFact.site_id == site_id).order_by(StationFact.id)
        return list(session.scalars(query))


def alarms(county: Database, stations: Stations, site_id: str) -> list[str]:
    """Give the kinds of alarms that stand."""
    with county.read() as session:
        return [alarm.kind for alarm in stations.journal.alarms(session, site_id)]


def test_a_shelf_takes_in_and_hands_out_against_the_ledger(county: Any, stations: Any, parcel: Any, status: Any):
    """The keeper scans a parcel in, the recipient's code takes it out, and the ledger follows at each step."""
    parcel_id = parcel()
    cell, digits = deposit(county, stations, parcel_id)
    assert status(parcel_id) == ("stored", "site:station-1")
    assert take(county, stations, digits).verdict == "open"
    assert status(parcel_id) == ("collected", "recipient")
    assert said(county) == ["parcel.deposited", "parcel.collected"]
    with county.read() as session:
        rows = {row.cell: row.book for row in stations.cells.cells(session, session.get_one(Site, "station-1"))}
    assert (rows[cell], len(rows)) == ("free", 100)


def test_a_code_opens_once(county: Any, stations: Any, parcel: Any):
    """The same code a second time opens nothing, and nobody is told why."""
    _, digits = deposit(county, stations, parcel())
    take(county, stations, digits)
    again = take(county, stations, digits)
    assert again.verdict == "used"
    with pytest.raises(CodeRefusedError, match="opens nothing"):
        again.must_open()


def test_law_01_and_law_02_no_deposit_without_consent(county: Any, stations: Any, parcel: Any, status: Any):
    """Neither cabinet nor station takes a parcel without consent; a later consent opens, a withdrawn one shuts."""
    from dispatch.custody.events import NewCustodyEvent

    ledger, clock = stations.cells._ledger, stations.journal._clock
    parcel_id = parcel(consent=None)
    for site_id in ("station-1", "cabinet-1"):
        with pytest.raises(DepositRefusedError, match="no_consent"):
            deposit(county, stations, parcel_id, site_id)
    with county.begin() as session:
        ledger.append(session, NewCustodyEvent("consent_given", clock.now(), "user:keeper", parcel_id=parcel_id,
                                               consent_reference="CALL-7"))  # fmt: skip
    deposit(county, stations, parcel_id)
    assert status(parcel_id)[0] == "stored"
    other = parcel(consent="C-2")
    clock.advance(60)
    with county.begin() as session:
        ledger.append(session, NewCustodyEvent("consent_withdrawn", clock.now(), "user:keeper", parcel_id=other))
    with pytest.raises(DepositRefusedError, match="no_consent"):
        deposit(county, stations, other)


def test_law_03_override_needs_the_agreements_reference(county: Any, stations: Any, parcel: Any):
    """A valuable parcel waits for the sender's agreement; a damaged one never goes in; the reference is on record."""
    valuable = parcel(declared_value_fen=500_000)

    def scan(check: DepositCheck) -> Any:
        with county.begin() as session:
            site, found = session.get_one(Site, "station-1"), session.get_one(Parcel, valuable)
            return stations.cells.deposit(session, site, found, check, "user:keeper")

    with pytest.raises(DepositRefusedError, match="valuable"):
        scan(FINE)
    with pytest.raises(DepositRefusedError, match="damaged"):
        scan(DepositCheck(damaged=True, agreement_reference="A-9"))
    scan(DepositCheck(agreement_reference="A-9"))
    with county.read() as session:
        fact = session.scalars(select(StationFact).where(StationFact.type == "parcel.deposited")).one()
        assert fact.body["agreement"] == "A-9"


def test_a_cabinet_believes_its_sensors_only(county: Any, stations: Any, parcel: Any, status: Any, doors: Any):
    """In a cabinet a parcel is stored when the door was shut on it and collected when the door was shut on nothing."""
    parcel_id = parcel(channel="cabinet", channel_site_id="cabinet-1")
    cell, digits = deposit(county, stations, parcel_id, "cabinet-1")
    assert (cell, digits, doors.asked) == ("S-01", None, [("cabinet-1", "S-01")])
    assert status(parcel_id)[0] == "announced"
    assert door(county, stations, cell, 1) == "depositing"
    assert door(county, stations, cell, 2, inside="occupied") == "stored"
    assert status(parcel_id) == ("stored", "site:cabinet-1")
    with county.read() as session:
        code = session.get_one(Parcel, parcel_id)
        notice = session.scalars(select(StationNotice)).one()
        digits = stations.codes._digits(notice.code_id)
        assert code.id == notice.parcel_id
    assert take(county, stations, digits, "cabinet-1").verdict == "open"
    assert status(parcel_id)[0] == "stored"
    door(county, stations, cell, 3)
    door(county, stations, cell, 4, inside="empty")
    assert status(parcel_id)[0] == "collected"


def test_an_empty_deposit_is_asked_again(county: Any, stations: Any, parcel: Any, status: Any):
    """A door shut on nothing deposits nothing; the reservation stands and ends by itself."""
    parcel_id = parcel()
    cell, _ = deposit(county, stations, parcel_id, "cabinet-1")
    door(county, stations, cell, 1)
    assert door(county, stations, cell, 2, inside="empty") == "reserved"
    assert status(parcel_id)[0] == "announced"
    stations.journal._clock.advance(901)
    with county.begin() as session:
        assert stations.tick(session, session.get_one(Site, "cabinet-1"))["reservations"] == 1


def test_what_was_not_taken_gets_a_new_code(county: Any, stations: Any, parcel: Any, status: Any):
    """Who opens and leaves the parcel has not collected it: it stays stored, with a new code, the old one is used."""
    parcel_id = parcel()
    cell, _ = deposit(county, stations, parcel_id, "cabinet-1")
    door(county, stations, cell, 1)
    door(county, stations, cell, 2, inside="occupied")
    with county.read() as session:
        first = session.scalars(select(StationNotice.code_id)).one()
    digits = stations.codes._digits(first)
    take(county, stations, digits, "cabinet-1")
    door(county, stations, cell, 3)
    assert door(county, stations, cell, 4, inside="occupied") == "stored"
    assert take(county, stations, digits, "cabinet-1").verdict == "used"
    with county.read() as session:
        newer = session.scalars(select(StationNotice.code_id).order_by(StationNotice.id.desc())).first()
    assert take(county, stations, stations.codes._digits(newer), "cabinet-1").verdict == "open"
    assert status(parcel_id)[0] == "stored"


def test_a_lock_that_never_opened_keeps_the_parcel(county: Any, stations: Any, parcel: Any):
    """A lock that was asked and never seen open is an alarm; the parcel is still there, and a new code is sent."""
    cell, _ = deposit(county, stations, parcel(), "cabinet-1")
    door(county, stations, cell, 1)
    door(county, stations, cell, 2, inside="occupied")
    with county.read() as session:
        digits = stations.codes._digits(session.scalars(select(StationNotice.code_id)).one())
    take(county, stations, digits, "cabinet-1")
    stations.journal._clock.advance(61)
    with county.begin() as session:
        assert stations.tick(session, session.get_one(Site, "cabinet-1"))["locks"] == 1
    assert alarms(county, stations, "cabinet-1") == ["lock_failed"]


def test_a_silent_device_uses_no_code_up(county: Any, stations: Any, parcel: Any, doors: Any):
    """When the cabinet cannot be asked to open, the code is not spent: it opens when the cabinet is back."""
    cell, _ = deposit(county, stations, parcel(), "cabinet-1")
    door(county, stations, cell, 1)
    door(county, stations, cell, 2, inside="occupied")
    with county.read() as session:
        digits = stations.codes._digits(session.scalars(select(StationNotice.code_id)).one())
    doors.reachable = False
    with pytest.raises(StationStateError, match="cannot be asked"):
        take(county, stations, digits, "cabinet-1")
    doors.reachable = True
    assert take(county, stations, digits, "cabinet-1").verdict == "open"


def test_a_forced_door_is_a_dispute_a_person_settles(county: Any, stations: Any, parcel: Any):
    """A door opened by hand over a stored parcel is an alarm and a dispute; only a person with a reason ends both."""
    cell, _ = deposit(county, stations, parcel(), "cabinet-1")
    door(county, stations, cell, 1)
    door(county, stations, cell, 2, inside="occupied")
    assert door(county, stations, cell, 3, by_hand=True) == "disputed"
    assert alarms(county, stations, "cabinet-1") == ["forced"]
    with county.begin() as session, pytest.raises(StationStateError, match="reason"):
        stations.cells.decide(session, "cabinet-1", cell, "settle_stored", "user:keeper", "")
    with county.begin() as session:
        row = stations.cells.decide(session, "cabinet-1", cell, "settle_stored", "user:keeper", "still_inside")
        assert row.book == "stored"
    assert alarms(county, stations, "cabinet-1") == []


def test_a7_a_parcel_in_the_wrong_box_enters_the_misalignment_flow(county: Any, stations: Any, parcel: Any):
    """A parcel seen in another box than its own makes both wait for a person, and neither is offered meanwhile."""
    cell, _ = deposit(county, stations, parcel(), "cabinet-1")
    door(county, stations, cell, 1)
    with county.begin() as session:
        stations.cells.seen_elsewhere(session, "cabinet-1", cell, "S-02", "device:cabinet-1")
    assert set(alarms(county, stations, "cabinet-1")) == {"misaligned"}
    second, last = parcel(), parcel()
    with county.begin() as session:
        site, another = session.get_one(Site, "cabinet-1"), session.get_one(Parcel, second)
        assert stations.cells.reserve(session, site, another, CompartmentSize.S).cell == "L-01"
        third = session.get_one(Parcel, last)
        with pytest.raises(NoCellFreeError):
            stations.cells.reserve(session, site, third, CompartmentSize.S)


def test_a_late_word_of_a_door_is_history(county: Any, stations: Any, parcel: Any):
    """An older event of the same device that comes late changes nothing: the newer one has been believed."""
    cell, _ = deposit(county, stations, parcel(), "cabinet-1")
    door(county, stations, cell, 5)
    door(county, stations, cell, 6, inside="occupied")
    assert door(county, stations, cell, 4) == "stored"


def test_law_05_retention_reminds_and_ends_and_returns(county: Any, stations: Any, parcel: Any, status: Any):
    """A day: a reminder. Three: a call and overdue, still collectable. Then the courier's own code takes it back."""
    parcel_id = parcel()
    cell, digits = deposit(county, stations, parcel_id)
    clock = stations.journal._clock
    for hours in (24, 48):
        clock.advance(hours * 3600)
        with county.begin() as session:
            stations.tick(session, session.get_one(Site, "station-1"))
    with county.read() as session:
        kinds = list(session.scalars(select(StationNotice.kind).order_by(StationNotice.id)))
        assert kinds == ["stored", "reminder", "call"]
        overdue = stations.cells.overdue(session, session.get_one(Site, "station-1"))
        assert [row.cell for row in overdue] == [cell]
    assert status(parcel_id)[0] == "not_taken"
    with county.begin() as session:
        code = stations.cells.start_return(session, "station-1", parcel_id, "user:keeper", "NOT_TAKEN")
        courier = stations.codes.digits(code)
    assert take(county, stations, digits).verdict == "revoked"
    assert take(county, stations, courier).verdict == "wrong"
    with county.begin() as session:
        rules = stations.cells.policy(session, "station-1").guess_rules
        shown = stations.codes.present(session, (CodeKind.COURIER,), "station-1", courier, "account:c", rules)
        stations.cells.open_for(session, shown.must_open(), "courier:c-1")
    assert status(parcel_id) == ("returning", "courier:c-1")


def test_law_11_a_proxy_code_serves_once_and_can_be_taken_back(county: Any, stations: Any, parcel: Any, status: Any):
    """A neighbour's code opens the one parcel once; a revoked one opens nothing; who took what is on record."""
    from datetime import timedelta

    parcel_id = parcel()
    cell, _ = deposit(county, stations, parcel_id)
    made = []
    for _ in range(2):
        with county.begin() as session:
            code = stations.codes.issue(session, CodeKind.PROXY, "station-1", cell, parcel_id, timedelta(hours=24), "u")
            made.append((code.id, stations.codes.digits(code)))
    with county.begin() as session:
        stations.codes.revoke(session, made[0][0])
    assert take(county, stations, made[0][1]).verdict == "revoked"
    assert take(county, stations, made[1][1]).verdict == "open"
    with county.read() as session:
        fact = session.scalars(select(StationFact).where(StationFact.type == "parcel.collected")).one()
        assert (fact.body["code"], fact.body["code_kind"], fact.actor) == (made[1][0], "proxy", "recipient:code")
    assert status(parcel_id)[0] == "collected"


def test_s4_guessing_is_limited_per_cabinet_and_per_account(county: Any, stations: Any, parcel: Any):
    """Five wrong codes lock the cabinet and the account; right codes wait too, other cabinets work, and it grows."""
    clock: ManualClock = stations.journal._clock
    _, digits = deposit(county, stations, parcel())
    for number in range(5):
        assert take(county, stations, f"{number:08d}", account="account:guesser").verdict == "wrong"
    locked = take(county, stations, digits, account="account:owner")
    assert (locked.verdict, locked.locked_s) == ("locked_out", 600)
    assert take(county, stations, "00000009", "cabinet-1", "account:guesser").verdict == "locked_out"
    assert take(county, stations, "00000009", "cabinet-1", "account:other").verdict == "wrong"
    clock.advance(600)
    assert take(county, stations, digits, account="account:owner").verdict == "open"
    for number in range(5):
        take(county, stations, f"{number:08d}", account=f"account:{number}")
    assert take(county, stations, "00000000", account="account:x").locked_s == 1200


def test_reservation_takes_the_smallest_box_that_fits(county: Any, stations: Any, parcel: Any):
    """A small parcel takes a small box while there is one; asked twice it keeps its box; elsewhere it is not here."""
    parcel_id = parcel(volume_cm3=30_000)
    with county.begin() as session:
        site, large = session.get_one(Site, "cabinet-1"), session.get_one(Parcel, parcel_id)
        row = stations.cells.reserve(session, site, large, CompartmentSize.L)
        assert (row.cell, stations.cells.reserve(session, site, large, CompartmentSize.L).cell) == ("L-01", "L-01")
    with county.begin() as session, pytest.raises(NotHereError):
        stations.cells.cell_of(session, "station-1", parcel_id)


def test_a_door_left_open_is_one_alarm_that_shutting_ends(county: Any, stations: Any, parcel: Any):
    """Five minutes open is one alarm, thirty the same one again; shutting the door closes it."""
    cell, _ = deposit(county, stations, parcel(), "cabinet-1")
    door(county, stations, cell, 1)
    for seconds, kinds in ((60, []), (240, ["door_left_open"]), (1500, ["door_left_open"])):
        stations.journal._clock.advance(seconds)
        with county.begin() as session:
            stations.tick(session, session.get_one(Site, "cabinet-1"))
        assert alarms(county, stations, "cabinet-1") == kinds
    door(county, stations, cell, 2, inside="occupied")
    assert alarms(county, stations, "cabinet-1") == []


def test_two_couriers_at_one_cabinet_never_get_one_box(county: Any, stations: Any, parcel: Any):
    """Two couriers scanning at the same moment get different boxes, and the fourth parcel finds none free."""
    from concurrent.futures import ThreadPoolExecutor

    parcels = [parcel() for _ in range(4)]

    def scan(parcel_id: str) -> str:
        try:
            return str(deposit(county, stations, parcel_id, "cabinet-1")[0])
        except NoCellFreeError:
            return "none"

    with ThreadPoolExecutor(2) as couriers:
        cells = list(couriers.map(scan, parcels))
    assert sorted(cells) == ["L-01", "S-01", "S-02", "none"]
