"""A courier's day: what the handheld pulls, what it reports, and what a change looks like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.model import CustodyEvent, CustodyStanding
from dispatch.errors import CustodyEventError
from dispatch.fleet.errors import UnknownCourierError
from dispatch.plans.courier import CourierRoute, courier_route
from dispatch.plans.errors import NoRouteError, OutcomeError, ParcelNotOnRouteError, PlanUnderWayError
from dispatch.plans.outcomes import OutcomeReport, report_outcome

COURIER = "c-van-1"


def publish_day(office: Any, day: date) -> str:
    """Plan and publish the day; give the version."""
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    office.planner.publish(summary.version_id, actor="user:d1")
    return str(summary.version_id)


def pull(office: Any, day: date, courier: str = COURIER, **options: Any) -> CourierRoute:
    """Pull a courier's route."""
    with office.database.read() as session:
        return courier_route(session, courier, day, **options)


def report(office: Any, day: date, kind: str, parcel_id: str, event_id: str = "e-1", **more: Any) -> str:
    """Report an outcome and give what became of it."""
    courier = more.pop("courier", COURIER)
    made = OutcomeReport(
        event_id=event_id,
        kind=kind,
        parcel_id=parcel_id,
        day=day,
        fact_at=more.pop("fact_at", office.clock.now()),
        **more,
    )
    with office.database.begin() as session:
        return report_outcome(session, office.ledger, courier, made).outcome


def standing(office: Any, parcel_id: str) -> tuple[str, str]:
    """Give status and custodian of a parcel."""
    with office.database.read() as session:
        row = session.get_one(CustodyStanding, parcel_id)
        return row.status, row.custodian


@pytest.fixture
def published_office(one_van_office: Callable[..., Any], day: date) -> Any:
    """Give an office with one van whose day of three doors, a station and a kiosk is published."""
    office = one_van_office()
    office.add_parcels(3)
    office.add_parcels(2, channel="station", channel_site_id="lower-station", consent_reference="c1")
    office.drop_off()
    publish_day(office, day)
    return office


def test_the_route_has_everything_the_handheld_needs(published_office: Any, day: date) -> None:
    """A courier pulls ordered stops with parcels, times with offset, and a line on the map; names are masked."""
    route = pull(published_office, day)
    body = route.as_dict()
    assert [stop["position"] for stop in body["stops"]] == list(range(5))
    assert [stop["label"] for stop in body["stops"]] == [1, 2, 3, 4, 5]
    assert sum(len(stop["parcels"]) for stop in body["stops"]) == 6
    assert body["start"].startswith("2026-03-04T08:00:00+08:00")
    arrivals = [stop["arrival"] for stop in body["stops"]]
    assert arrivals == sorted(arrivals)
    assert body["geometry"]["type"] == "LineString"
    assert body["geometry"]["coordinates"][0] == [110.0, 27.0]
    assert body["source"] == "road"
    door = body["stops"][0]["parcels"][0]
    assert (door["recipient_name"], door["recipient_phone"][:9]) == ("张**", "154******")
    assert door["address"] == "上坝村"
    assert door["status"] == "announced"
    assert (route.version_number, route.changes) == (1, ())


def test_the_etag_changes_exactly_when_something_changed(published_office: Any, day: date) -> None:
    """Pulling twice gives one fingerprint; a report gives another."""
    first = pull(published_office, day)
    assert pull(published_office, day).etag == first.etag
    report(published_office, day, "delivered", first.stops[0].parcels[0].id)
    second = pull(published_office, day)
    assert second.etag != first.etag
    assert [stop.done for stop in second.stops] == [True, False, False, False, False]
    assert second.stops[0].parcels[0].status == "delivered"


def test_there_is_no_route_before_publishing_nor_for_strangers(two_villages_one_bridge: Any, day: date) -> None:
    """A draft is nobody's route; a courier without a vehicle in the plan and an unknown courier are told apart."""
    office = two_villages_one_bridge
    office.add_parcels(1)
    version = office.planner.make_plan("valley", day, actor="user:d1").version_id
    with pytest.raises(NoRouteError, match="no plan is published"):
        pull(office, day)
    office.planner.publish(version, actor="user:d1")
    drivers = [courier for courier in ("c-van-1", "c-van-2", "c-trike-1") if _has_route(office, day, courier)]
    assert len(drivers) == 1
    with pytest.raises(UnknownCourierError):
        pull(office, day, "nobody")


def _has_route(office: Any, day: date, courier: str) -> bool:
    try:
        pull(office, day, courier)
    except NoRouteError:
        return False
    return True


def test_hh_05_a_report_sent_twice_counts_once(published_office: Any, day: date) -> None:
    """A report is stored once however often the handheld sends it; other content under its id is a conflict."""
    parcel = pull(published_office, day).stops[0].parcels[0].id
    fact_at = published_office.clock.now()
    assert report(published_office, day, "delivered", parcel, fact_at=fact_at) == "stored"
    published_office.clock.advance(60)
    assert report(published_office, day, "delivered", parcel, fact_at=fact_at) == "duplicate"
    changed = report(published_office, day, "attempted", parcel, fact_at=fact_at, cause="REFUSED", next_action="return")
    assert changed == "conflict"
    assert standing(published_office, parcel) == ("delivered", "recipient")


def test_each_kind_of_report_moves_custody(published_office: Any, day: date) -> None:
    """Loaded, delivered, deposited, collected, attempted and brought back each put the parcel where it then is."""
    office = published_office
    route = pull(office, day)
    by_kind = {(stop.kind, parcel.direction): parcel.id for stop in route.stops for parcel in stop.parcels}
    station, kiosk = by_kind["station", "deliver"], by_kind["kiosk", "collect"]
    first, second, third = (stop.parcels[0].id for stop in route.stops if stop.kind == "door")
    steps: list[tuple[str, str, dict[str, Any], tuple[str, str]]] = [
        ("loaded", first, {}, ("loaded", "courier:c-van-1")),
        ("departed", first, {}, ("out_for_delivery", "courier:c-van-1")),
        ("delivered", first, {}, ("delivered", "recipient")),
        ("deposited", station, {}, ("stored", "site:lower-station")),
        ("collected", kiosk, {}, ("accepted", "courier:c-van-1")),
        ("loaded", second, {}, ("loaded", "courier:c-van-1")),
        (
            "attempted",
            second,
            {"cause": "NOBODY_HOME", "next_action": "redeliver", "next_on": day + timedelta(days=1)},
            ("attempted", "courier:c-van-1"),
        ),
        ("returned", second, {}, ("in_office", "office:valley")),
    ]
    for number, (kind, parcel, more, expected) in enumerate(steps):
        office.clock.advance(30)
        assert report(office, day, kind, parcel, f"e-{number}", **more) == "stored"
        assert standing(office, parcel) == expected
    assert third not in {parcel for _, parcel, _, _ in steps}
    with office.database.read() as session:
        event = session.get_one(CustodyEvent, "e-3")
        assert (event.actor, event.route_id, event.stop_id) == ("courier:c-van-1", route.route_id, "site-lower-station")


def test_a_report_that_cannot_be_true_is_refused(published_office: Any, day: date) -> None:
    """Unknown kinds, the wrong direction, a failed attempt without cause, and foreign parcels are refused by name."""
    office = published_office
    route = pull(office, day)
    door = route.stops[0].parcels[0].id
    kiosk = next(stop.parcels[0].id for stop in route.stops if stop.kind == "kiosk")
    with pytest.raises(OutcomeError, match="unknown"):
        report(office, day, "eaten", door)
    with pytest.raises(OutcomeError, match="collect"):
        report(office, day, "delivered", kiosk)
    with pytest.raises(OutcomeError, match="no registered"):
        report(office, day, "deposited", door)
    with pytest.raises(CustodyEventError, match="cause"):
        report(office, day, "attempted", door)
    (foreign,) = office.add_parcels(1)
    with pytest.raises(ParcelNotOnRouteError, match=foreign):
        report(office, day, "delivered", foreign)


def test_a_day_whose_vans_are_loaded_is_not_planned_over(two_villages_one_bridge: Any, day: date) -> None:
    """A new plan that would take a loaded parcel off its van cannot be published; the old one stays in force."""
    office = two_villages_one_bridge
    (parcel,) = office.add_parcels(1)
    in_force = publish_day(office, day)
    courier = next(one for one in ("c-van-1", "c-van-2", "c-trike-1") if _has_route(office, day, one))
    report(office, day, "loaded", parcel, courier=courier)
    office.add_parcels(1)
    newer = office.planner.make_plan("valley", day, actor="user:d1")
    with pytest.raises(PlanUnderWayError, match="1 parcel"):
        office.planner.publish(newer.version_id, actor="user:d1")
    assert pull(office, day, courier).version_id == in_force


def test_hh_13_a_report_for_a_parcel_that_moved_away_is_accepted_and_flagged(
    two_villages_one_bridge: Any, day: date
) -> None:
    """A courier who delivered a parcel that a newer plan took from him is believed, and a retry is the same fact."""
    office = two_villages_one_bridge
    (parcel,) = office.add_parcels(1)
    publish_day(office, day)
    courier = next(one for one in ("c-van-1", "c-van-2", "c-trike-1") if _has_route(office, day, one))
    fact_at = office.clock.now()
    assert report(office, day, "loaded", parcel, "e-1", courier=courier, fact_at=fact_at) == "stored"
    with office.database.begin() as session:
        for kind in ("unloaded", "held"):
            office.clock.advance(10)
            back = NewCustodyEvent(kind, office.clock.now(), "user:d1", parcel_id=parcel, to_custodian="office:valley")
            office.ledger.append(session, back)
    office.add_parcels(1)
    publish_day(office, day)
    delivered = {"courier": courier, "fact_at": fact_at + timedelta(minutes=5)}
    assert report(office, day, "delivered", parcel, "e-2", **delivered) == "stored"
    assert report(office, day, "loaded", parcel, "e-1", courier=courier, fact_at=fact_at) == "duplicate"
    with office.database.read() as session:
        bodies = dict(session.execute(select(CustodyEvent.event_id, CustodyEvent.body)).all())
    assert bodies["e-2"] == {"moved_away": True}
    assert bodies["e-1"] == {}
    assert standing(office, parcel) == ("delivered", "recipient")
