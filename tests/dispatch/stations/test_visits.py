"""Visits, vehicles and counts of a 24-hour station."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.parcels.model import Parcel
from dispatch.stations.cells import DepositCheck
from dispatch.stations.docks import differences
from dispatch.stations.errors import StationStateError
from dispatch.stations.model import StationFact
from kernel.db import Database
from lockers.codes import entry_code
from lockers.dock import DockManifest, DockVisit, proof
from lockers.registry.model import Site

STATION = "station-1"


def put_in(county: Database, stations: Any, parcel_id: str) -> str:
    """Scan a parcel in and give its cell."""
    with county.begin() as session:
        site, parcel = session.get_one(Site, STATION), session.get_one(Parcel, parcel_id)
        return str(stations.cells.deposit(session, site, parcel, DepositCheck(), "user:keeper").cell)


@pytest.fixture
def waiting(county: Database, stations: Any, parcel: Any) -> list[str]:
    """Store three parcels at the station."""
    made = [parcel() for _ in range(3)]
    for parcel_id in made:
        put_in(county, stations, parcel_id)
    return made


@pytest.fixture
def visitor(county: Database, stations: Any, waiting: list[str]) -> Any:
    """Give a visitor's pass for two of the parcels, and a way to present its present code."""
    clock = stations.journal._clock
    with county.begin() as session:
        made = stations.visits.issue_pass(session, STATION, "person:1", waiting[:2], timedelta(hours=24), "user:k")
        key, pass_id = stations.visits.pass_key(made), made.id

    def enter(at: str = STATION, digits: str | None = None, account: str = "account:1") -> Any:
        shown = digits or entry_code(key, STATION, clock.now())
        with county.begin() as session:
            found = stations.visits.enter(session, session.get_one(Site, at), pass_id, shown, account)
            return found.verdict, found.visit.id if found.visit else None, found.full

    enter.key, enter.pass_id = key, pass_id  # type: ignore[attr-defined]
    return enter


def walk(county: Database, stations: Any, visit_id: str, *events: str) -> tuple[str, list[str]]:
    """Walk a visit through events."""
    told: list[str] = []
    with county.begin() as session:
        for event in events:
            done = stations.visits.step(session, visit_id, event, "device:station-1")
            told += done.facts
        return stations.visits.visit(session, visit_id).state, told


def test_a_night_at_the_station(county: Any, stations: Any, visitor: Any, waiting: Any, status: Any, doors: Any):
    """Door by moving code, light on one's own cells, scan, exit that agrees: one visit holds all of it."""
    verdict, visit_id, _ = visitor()
    assert (verdict, doors.asked) == ("open", [(STATION, "entrance")])
    assert walk(county, stations, visit_id, "entered", "identified", "lights_on")[0] == "lit"
    with county.read() as session:
        orders = stations.visits.lights(session, STATION)
        assert [len(order.cells) for order in orders] == [2]
    with county.begin() as session:
        assert stations.visits.take(session, visit_id, waiting[2]).facts == ("pick.wrong",)
        assert stations.visits.take(session, visit_id, waiting[0]).facts == ("parcel.collected",)
        assert stations.visits.leave_scan(session, visit_id, frozenset(waiting[:1]), "d").facts == ("visit.reconciled",)
    assert walk(county, stations, visit_id, "exited") == ("left", ["visit.ended", "lights.off"])
    assert [status(parcel_id)[0] for parcel_id in waiting] == ["collected", "stored", "stored"]
    with county.read() as session:
        facts = session.scalars(select(StationFact).where(StationFact.visit_id == visit_id).order_by(StationFact.id))
        assert [fact.type for fact in facts] == [
            "entry.admitted", "visit.started", "lights.lit", "pick.wrong", "parcel.collected", "visit.reconciled",
            "visit.ended", "lights.off",
        ]  # fmt: skip


def test_s6_an_entrance_code_is_no_screenshot(county: Any, stations: Any, visitor: Any):
    """The same code again, an old one, and one for another station are refused; one step of drift is borne."""
    clock = stations.journal._clock
    code = entry_code(visitor.key, STATION, clock.now())
    with county.begin() as session:
        other = session.get_one(Site, STATION)
        session.add(Site(**{c.name: getattr(other, c.name) for c in Site.__table__.columns} | {"id": "station-2"}))
    assert visitor(at="station-2", digits=code)[0] == "wrong"
    assert visitor(digits=code)[0] == "open"
    assert visitor(digits=code, account="account:2")[0] == "used"
    clock.advance(30)
    assert visitor(digits=code, account="account:3")[0] == "used"
    assert visitor(digits=entry_code(visitor.key, STATION, clock.now() + timedelta(seconds=30)))[0] == "open"
    clock.advance(600)
    stale = entry_code(visitor.key, STATION, clock.now() - timedelta(seconds=61))
    assert visitor(digits=stale, account="account:4")[0] == "wrong"


def test_a_revoked_pass_opens_nothing(county: Any, stations: Any, visitor: Any, doors: Any):
    """A customer whose code was taken back is refused at the door, and nothing was unlocked."""
    with county.begin() as session:
        stations.visits.revoke_pass(session, visitor.pass_id, "user:keeper")
    assert visitor()[0] == "revoked"
    assert doors.asked == []


def test_a_full_station_lets_nobody_in_and_everybody_out(county: Any, stations: Any, visitor: Any):
    """The seventh visitor waits; whoever is inside leaves at any moment, and a fire ends every visit at once."""
    clock, inside = stations.journal._clock, []
    for _ in range(6):
        inside.append(visitor()[1])
        clock.advance(31)
    assert visitor()[2] is True
    for visit_id in inside:
        walk(county, stations, visit_id, "entered")
    assert walk(county, stations, inside[0], "exited")[0] == "left"
    assert walk(county, stations, inside[1], "fire") == ("left", ["visit.ended", "lights.off", "door.released"])
    clock.advance(31)
    assert visitor()[2] is False


def test_law_08_an_unscanned_exit_is_an_alarm_with_a_clip_and_no_lock_in(county: Any, stations: Any, visitor: Any):
    """Who leaves without scanning is not held: the keeper gets an alarm, and the moment's clip is named (LAW-08)."""
    visit_id = visitor()[1]
    walk(county, stations, visit_id, "entered", "identified", "lights_on")
    assert walk(county, stations, visit_id, "exited")[0] == "left"
    with county.read() as session:
        assert [alarm.kind for alarm in stations.journal.alarms(session, STATION)] == ["exit_unscanned"]
        fact = session.scalars(select(StationFact).where(StationFact.type == "exit.unscanned")).one()
        assert fact.body["clip"].startswith(f"{STATION}/2026-03-0")


def test_a_long_stay_is_told_once(county: Any, stations: Any, visitor: Any):
    """After a quarter of an hour the keeper is told, once; a visitor who never came in is forgotten."""
    clock = stations.journal._clock
    visit_id = visitor()[1]
    walk(county, stations, visit_id, "entered")
    clock.advance(31)
    never = visitor()[1]
    clock.advance(900)
    for expected in (1, 0):
        with county.begin() as session:
            assert stations.visits.overstayed(session, session.get_one(Site, STATION)) == expected
    with county.read() as session:
        assert [visit.id for visit in stations.visits.present(session, STATION)] == [visit_id]
        assert never != visit_id


def test_two_visitors_have_two_colours(county: Any, stations: Any, visitor: Any):
    """Two people inside at once see two colours, and the cell both want blinks."""
    for _ in range(2):
        visit_id = visitor()[1]
        walk(county, stations, visit_id, "entered", "identified", "lights_on")
        stations.journal._clock.advance(31)
    with county.read() as session:
        orders = stations.visits.lights(session, STATION)
        assert [order.pattern for order in orders] == ["blink"]
        assert len({visit.colour for visit in stations.visits.present(session, STATION)}) == 2


def test_a_vehicle_hands_over_a_manifest_and_leaves(county: Any, stations: Any, waiting: Any, parcel: Any, status: Any):
    """Both sides prove themselves, each piece is scanned, a missing one holds the vehicle, custody changes."""
    brought, clock = parcel(), stations.journal._clock
    with county.begin() as session:
        manifest = DockManifest(frozenset({brought}), frozenset(waiting[:1]))
        run = stations.docks.expect(session, STATION, "uv-7", manifest, clock.now() + timedelta(minutes=9), "user:k")
        dock_id, code, key = run.id, stations.docks.code(run), stations.docks.vehicle_key("uv-7")
        assert stations.docks.tick(session, STATION) == 1
    visit = DockVisit(dock_id, STATION, "uv-7", manifest)
    with county.begin() as session:
        stations.docks.step(session, dock_id, "vehicle_seen", "device:station-1")
        _, answer = stations.docks.greet(session, dock_id, proof(key, "vehicle", visit, code), "device:station-1")
        assert answer == proof(key, "station", visit, code)
        stations.docks.step(session, dock_id, "confirmed", "user:keeper")
        stations.docks.scan(session, dock_id, brought, "user:keeper", unloading=True)
        row = stations.docks.reconcile(session, dock_id, "user:keeper")
        assert (row.state, differences(row)["not_loaded"]) == ("open", waiting[:1])
        assert [alarm.kind for alarm in stations.journal.alarms(session, STATION)] == ["dock_mismatch"]
        stations.docks.scan(session, dock_id, waiting[0], "user:keeper", unloading=False)
        assert stations.docks.reconcile(session, dock_id, "user:keeper").state == "reconciled"
        for event in ("doors_closed", "released", "vehicle_gone"):
            stations.docks.step(session, dock_id, event, "device:station-1")
        assert list(stations.journal.alarms(session, STATION)) == []
    assert (status(brought)[1], status(waiting[0])[1]) == ("site:station-1", "vehicle:uv-7")


def test_a_vehicle_that_proves_nothing_is_refused_and_told(county: Any, stations: Any, parcel: Any):
    """A vehicle with a wrong proof gets no door; the refusal is an alarm."""
    with county.begin() as session:
        manifest = DockManifest(frozenset({parcel.__name__}))
        at = stations.journal._clock.now()
        run = stations.docks.expect(session, STATION, "uv-7", manifest, at, "user:k")
        stations.docks.step(session, run.id, "vehicle_seen", "device:station-1")
        row, answer = stations.docks.greet(session, run.id, "00" * 32, "device:station-1")
        assert (row.state, answer) == ("refused", None)
        assert [alarm.kind for alarm in stations.journal.alarms(session, STATION)] == ["vehicle_refused"]


def test_a_count_is_signed_with_what_it_found(county: Any, stations: Any, waiting: Any, parcel: Any):
    """Missing, surplus and wrong cells are listed under the keeper's name; what moved meanwhile is no difference."""
    fresh = parcel()
    with county.begin() as session:
        site = session.get_one(Site, STATION)
        count_id = stations.counts.begin(session, site, "user:keeper").id
        assert list(stations.counts.zones(session, site)) == ["A", "B", "C", "D"]
        with pytest.raises(StationStateError, match="runs already"):
            stations.counts.begin(session, site, "user:keeper")
    stations.journal._clock.advance(1)
    put_in(county, stations, fresh)
    with county.begin() as session:
        stations.cells.hand_over(session, STATION, waiting[0], "user:keeper", {"identity": "checked"})
        stations.counts.scan(session, count_id, {waiting[1]: "B-07", "SURPLUS1": "A-09"})
        row, found = stations.counts.close(session, count_id, "user:keeper")
        assert (row.closed_by, row.result["came"], row.result["went"]) == ("user:keeper", 1, 1)
        assert (found.missing, found.surplus, list(found.wrong_cell)) == ((waiting[2],), ("SURPLUS1",), [waiting[1]])
