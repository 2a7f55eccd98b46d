"""A drop-off of the running day: inserted where it costs least, nothing loaded reordered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from dispatch.demand.reasons import ReasonCode
from dispatch.fleet.fleet import Load
from dispatch.plans.courier import courier_route
from dispatch.plans.errors import NotACollectionError, PlanNotFoundError, StalePlanError
from dispatch.plans.model import PlanRoute, PlanStop, PlanVersion
from dispatch.plans.outcomes import OutcomeReport, report_outcome
from dispatch.plans.repository import PlanRepository
from dispatch.plans.running import plan_in_force, waiting_by_site
from dispatch.plans.summary import summarise
from kernel.events import events_after
from lockers.registry.model import Site

HOUR = 3600


def publish_day(office: Any, day: date) -> Any:
    """Plan and publish the day."""
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    return office.planner.publish(summary.version_id, actor="user:d1")


def insert(office: Any, day: date, parcels: list[str]) -> Any:
    """Insert drop-offs."""
    return office.planner.insert_collections("valley", day, parcels, actor="device:test", reason="drop-off")


def stop_keys(office: Any, version_id: str) -> dict[str, list[str]]:
    """Give each vehicle's stop keys in the order of driving."""
    with office.database.read() as session:
        repository = PlanRepository(session)
        routes = repository.routes(repository.version(version_id))
        return {stored.route.vehicle_id: [one.stop.key for one in stored.route.stops] for stored in routes}


@pytest.fixture
def running_office(two_villages_one_bridge: Any, day: date) -> Any:
    """Give an office whose day of eight doors and one station is published, at 07:00."""
    office = two_villages_one_bridge
    office.add_parcels(8)
    office.add_parcels(2, channel="station", channel_site_id="lower-station", consent_reference="c1")
    publish_day(office, day)
    return office


def test_a_drop_off_after_publishing_joins_a_route_without_reordering(office_on_both_databases: Any, day: date) -> None:
    """A kiosk's drop-off becomes one more stop of a published route; all other stops keep vehicle and order."""
    office = office_on_both_databases
    office.add_parcels(8)
    before = publish_day(office, day)
    (parcel,) = office.drop_off("kiosk-a")
    result = insert(office, day, [parcel])
    assert result.refused == {}
    (where,) = result.inserted
    old, new = stop_keys(office, before.version_id), stop_keys(office, result.version_id)
    assert where.stop_key == "site-kiosk-a"
    assert {vehicle: [key for key in keys if key != where.stop_key] for vehicle, keys in new.items()} == old
    with office.database.read() as session:
        summary = summarise(session, result.version_id)
        assert (summary.number, summary.parent_id, summary.published) == (2, before.version_id, True)
        assert summary.parcels_planned == 9
        assert summary.cost_fen == before.cost_fen + where.added_fen
        kinds = [event.kind for event in events_after(session, 0, 1000) if event.kind.startswith("plan.")]
        assert kinds == ["plan.made", "plan.published", "plan.published"]


def test_untouched_routes_are_shared_between_versions(running_office: Any, day: date) -> None:
    """An insertion writes the one route it changes; the others are the very same rows in both versions."""
    office = running_office
    with office.database.read() as session:
        routes = session.scalar(select(func.count(PlanRoute.id)))
    insert(office, day, office.drop_off("kiosk-a"))
    with office.database.read() as session:
        assert session.scalar(select(func.count(PlanRoute.id))) == routes + 1


def test_the_courier_sees_the_new_stop_and_what_changed(running_office: Any, day: date) -> None:
    """After an insertion the courier's next pull shows the stop with a new label and a list of changes."""
    office = running_office
    (where,) = insert(office, day, office.drop_off("kiosk-a")).inserted
    with office.database.read() as session:
        route = courier_route(session, where.courier_id, day)
        unseen = courier_route(session, where.courier_id, day, seen_version_id=route.version_id)
    stop = route.stops[where.position]
    assert stop.key == where.stop_key
    assert stop.label == len(route.stops)
    assert ("stop_added", stop.key) in {(change.kind, change.stop_key) for change in route.changes}
    assert not {"order_moved", "stop_removed"} & {change.kind for change in route.changes}
    assert unseen.changes == ()
    geometry = np.array(route.geometry["coordinates"])
    assert any(np.allclose(point, [110.03, 27.0]) for point in geometry)


def test_other_couriers_keep_their_fingerprint(running_office: Any, day: date) -> None:
    """A stop inserted for one courier changes nothing in what another courier pulls."""
    office = running_office
    office.add_parcels(60)
    publish_day(office, day)
    with office.database.read() as session:
        version = PlanRepository(session).version(summarise(session, _in_force(office, day)).version_id)
        couriers = [stored.route.courier_id for stored in PlanRepository(session).routes(version)]
        etags = {courier: courier_route(session, courier, day).etag for courier in couriers}
    assert len(couriers) > 1
    (where,) = insert(office, day, office.drop_off("kiosk-a")).inserted
    with office.database.read() as session:
        changed = {courier for courier in couriers if courier_route(session, courier, day).etag != etags[courier]}
    assert changed == {where.courier_id}


def _in_force(office: Any, day: date) -> str:
    with office.database.read() as session:
        repository = PlanRepository(session)
        current = repository.publication(repository.plan("valley", day).id)
        assert current is not None
        return str(current.version_id)


def test_more_drop_offs_of_one_kiosk_extend_its_stop(running_office: Any, day: date) -> None:
    """The second drop-off at a kiosk joins the stop that the first one made; the line on the map stays."""
    office = running_office
    first = insert(office, day, office.drop_off("kiosk-a")).inserted[0]
    second = insert(office, day, office.drop_off("kiosk-a", count=2)).inserted[0]
    assert (first.extended, second.extended) == (False, True)
    assert second.stop_key == first.stop_key
    with office.database.read() as session:
        route = courier_route(session, first.courier_id, day)
    (stop,) = [stop for stop in route.stops if stop.key == first.stop_key]
    assert len(stop.parcels) == 3
    assert stop.departure_s - stop.start_s == 90 + 3 * 25


def test_inserting_twice_changes_nothing(running_office: Any, day: date) -> None:
    """A drop-off reported twice is on one route, once, and the second call makes no version."""
    office = running_office
    parcels = office.drop_off("kiosk-a")
    first = insert(office, day, parcels)
    again = insert(office, day, parcels)
    assert (again.version_id, again.present) == (None, tuple(parcels))
    assert _in_force(office, day) == first.version_id


def test_what_is_done_or_under_way_does_not_move(one_van_office: Callable[..., Any], day: date) -> None:
    """At noon a drop-off goes behind everything the van has done or is driving to, by the clock and by reports."""
    office = one_van_office()
    office.add_parcels(10)
    published = publish_day(office, day)
    with office.database.read() as session:
        repository = PlanRepository(session)
        (stored,) = repository.routes(repository.version(published.version_id))
    fourth = stored.route.stops[3]
    office.clock.advance(HOUR + fourth.departure_s - 8 * HOUR + 1)
    by_clock = insert(office, day, office.drop_off("kiosk-a")).inserted[0]
    assert by_clock.position >= 5
    eighth = stored.route.stops[7]
    made = OutcomeReport("e-1", "delivered", eighth.stop.deliveries[0], day, office.clock.now())
    with office.database.begin() as session:
        report_outcome(session, office.ledger, "c-van-1", made)
    by_report = insert(office, day, office.drop_off("kiosk-b")).inserted[0]
    order = stop_keys(office, _in_force(office, day))["van-1"]
    assert order.index("site-kiosk-b") > order.index(eighth.stop.key)
    assert by_report.position == order.index("site-kiosk-b")
    assert [key for key in order if key.startswith("door")] == [one.stop.key for one in stored.route.stops]


def test_after_the_last_vehicle_is_back_a_drop_off_waits(running_office: Any, day: date) -> None:
    """In the evening a drop-off is refused with its reason and stays listed as waiting for the next plan."""
    office = running_office
    office.clock.advance(12 * HOUR)
    (parcel,) = office.drop_off("kiosk-a")
    result = insert(office, day, [parcel])
    assert result.version_id is None
    assert result.refused[parcel].code is ReasonCode.RELEASED_TOO_LATE
    assert insert(office, day, [parcel]).refused[parcel].code is ReasonCode.RELEASED_TOO_LATE
    with office.database.read() as session:
        repository = PlanRepository(session)
        (refusal,) = repository.refusals(repository.plan("valley", day).id)
        assert (refusal.parcel_id, refusal.code) == (parcel, "RELEASED_TOO_LATE")
        assert waiting_by_site(session, "valley", day) == {"kiosk-a": [parcel]}
        assert plan_in_force(session, "valley", office.clock.now(), "Asia/Shanghai") is None
    tomorrow = office.planner.make_plan("valley", day + timedelta(days=1), actor="user:d1")
    with office.database.read() as session:
        assert parcel in PlanRepository(session).planned_parcels(tomorrow.version_id, [parcel])


def test_a_full_van_takes_a_collection_only_where_there_is_room(one_van_office: Callable[..., Any], day: date) -> None:
    """A van that leaves full collects after it has delivered enough: the peak load never exceeds the van."""
    office = one_van_office(capacity=Load(10_000, 100_000, 100))
    office.add_parcels(10)
    publish_day(office, day)
    parcels = office.drop_off("kiosk-a", weight_g=4_000)
    (where,) = insert(office, day, parcels).inserted
    with office.database.read() as session:
        repository = PlanRepository(session)
        (stored,) = repository.routes(repository.version(_in_force(office, day)))
    assert where.position >= 4
    assert stored.route.peak_load.weight_g == 10_000
    refused = insert(office, day, office.drop_off("kiosk-b", weight_g=9_000))
    assert [reason.code for reason in refused.refused.values()] == [ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY]


def test_what_does_not_fit_together_is_taken_as_far_as_it_fits(one_van_office: Callable[..., Any], day: date) -> None:
    """Of six drop-offs at one kiosk a nearly full van takes the four that fit; two wait with their reason."""
    office = one_van_office(capacity=Load(10_000, 100_000, 100))
    office.add_parcels(1, weight_g=2_000)
    office.drop_off("kiosk-b", weight_g=2_000)
    publish_day(office, day)
    result = insert(office, day, office.drop_off("kiosk-a", count=6, weight_g=2_000))
    assert sum(len(one.parcel_ids) for one in result.inserted) == 4
    assert {reason.code for reason in result.refused.values()} == {ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY}
    assert len(result.refused) == 2
    with office.database.read() as session:
        repository = PlanRepository(session)
        (stored,) = repository.routes(repository.version(_in_force(office, day)))
    assert stored.route.peak_load.weight_g == 10_000


def test_no_promise_is_broken_for_a_drop_off(one_van_office: Callable[..., Any], day: date) -> None:
    """A drop-off that would make a promised door late goes behind it; one that nobody reaches in time is refused."""
    office = one_van_office()
    first_s = 8 * HOUR + 1_010
    office.add_parcels(1, window_start_s=8 * HOUR, window_end_s=first_s)
    office.add_parcels(1, channel="station", channel_site_id="lower-station", consent_reference="c1")
    assert publish_day(office, day).parcels_unassigned == 0
    (where,) = insert(office, day, office.drop_off("kiosk-a")).inserted
    with office.database.read() as session:
        repository = PlanRepository(session)
        (stored,) = repository.routes(repository.version(_in_force(office, day)))
    assert where.position > 0
    assert all(one.late_s == 0 for one in stored.route.stops)
    with office.database.begin() as session:
        site = session.get_one(Site, "kiosk-b")
        site.opening = [[day.weekday(), 8 * HOUR, 8 * HOUR + 60]]
    (late,) = office.drop_off("kiosk-b")
    reason = insert(office, day, [late]).refused[late]
    assert reason.code is ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS


def test_a_shift_is_not_prolonged(one_van_office: Callable[..., Any], day: date) -> None:
    """A drop-off whose detour ends after the shift is refused, with the shift as the reason."""
    office = one_van_office(shift_end_s=8 * HOUR + 2_400)
    office.add_parcels(1)
    publish_day(office, day)
    (far,) = office.drop_off("kiosk-b")
    assert insert(office, day, [far]).version_id is None


def test_a_site_the_matrices_do_not_know_is_measured_on_the_spot(running_office: Any, day: date) -> None:
    """A kiosk registered after planning, or a lost matrix file, does not keep a drop-off from being inserted."""
    office = running_office
    with office.database.begin() as session:
        session.add(
            Site(
                id="kiosk-new", region="valley", kind="kiosk", scene="pharmacy", name="新店", place_id="upper",
                lon=110.041, lat=27.031, compartments={}, opening=[], status="active", registered_at=office.clock.now(),
            )
        )  # fmt: skip
    assert insert(office, day, office.drop_off("kiosk-new")).refused == {}
    for path in (office.folder / "matrices").glob("*.npz"):
        path.unlink()
    office.planner._matrices._load.cache_clear()
    assert insert(office, day, office.drop_off("kiosk-b")).refused == {}


def test_waiting_drop_offs_are_caught_up(running_office: Any, day: date) -> None:
    """Drop-offs that were stored while the program was down are inserted at the next start, site by site."""
    office = running_office
    at_a, at_b = office.drop_off("kiosk-a", count=2), office.drop_off("kiosk-b")
    results = office.planner.insert_waiting("valley", day, actor="system:start")
    assert [sorted(parcel for one in result.inserted for parcel in one.parcel_ids) for result in results] == [
        at_a,
        at_b,
    ]
    assert office.planner.insert_waiting("valley", day, actor="system:start") == []


def test_a_planned_parcel_that_was_left_out_can_be_inserted_later(
    one_van_office: Callable[..., Any], day: date
) -> None:
    """A collection the plan had no room for loses its reason once it is inserted."""
    office = one_van_office(max_stops=3)
    office.add_parcels(3)
    (parcel,) = office.drop_off("kiosk-a")
    summary = publish_day(office, day)
    assert summary.parcels_unassigned == 1
    with office.database.read() as session:
        repository = PlanRepository(session)
        left = set(repository.reasons(repository.version(summary.version_id)))
    assert (left == {parcel}) == (insert(office, day, [parcel]).version_id is None)


def test_deliveries_and_unknown_parcels_are_not_inserted(running_office: Any, day: date) -> None:
    """Only what waits at a site of the region is inserted; anything else is refused by its id."""
    office = running_office
    with pytest.raises(NotACollectionError, match="nothing"):
        insert(office, day, ["nothing"])
    with pytest.raises(NotACollectionError):
        insert(office, day, office.add_parcels(1))
    with pytest.raises(PlanNotFoundError):
        insert(office, day + timedelta(days=1), office.drop_off())


def test_a_version_made_from_an_older_one_cannot_be_published(running_office: Any, day: date) -> None:
    """Two dispatchers cannot overwrite each other: who planned before an insertion must plan again."""
    office = running_office
    office.add_parcels(1)
    draft = office.planner.make_plan("valley", day, actor="user:d2")
    insert(office, day, office.drop_off("kiosk-a"))
    with pytest.raises(StalePlanError) as refused:
        office.planner.publish(draft.version_id, actor="user:d2")
    assert refused.value.params["in_force"] == _in_force(office, day)
    fresh = office.planner.make_plan("valley", day, actor="user:d2")
    with pytest.raises(StalePlanError):
        office.planner.publish(fresh.version_id, actor="user:d2", expected=draft.version_id)
    assert office.planner.publish(fresh.version_id, actor="user:d2").published
    assert office.planner.publish(fresh.version_id, actor="user:d2").published
    with office.database.read() as session:
        repository = PlanRepository(session)
        plan = repository.plan("valley", day)
        assert [one.sequence for one in repository.publications(plan.id)] == [1, 2, 3]
        assert [one.number for one in repository.versions(plan.id)] == [1, 2, 3, 4]


def test_the_running_plan_is_found(running_office: Any, day: date) -> None:
    """Before and during the day its plan is in force; drafts of other days are not."""
    office = running_office
    with office.database.read() as session:
        plan = plan_in_force(session, "valley", office.clock.now(), "Asia/Shanghai")
        assert plan is not None
        assert plan.day == day
        assert plan_in_force(session, "valley", office.clock.now() - timedelta(days=2), "Asia/Shanghai") is not None
        assert session.scalars(select(PlanStop.position)).first() is not None
        assert session.scalars(select(PlanVersion.number)).all() == [1]
