"""Making a plan: every parcel ends on a route or has a reason, and the version never changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from dispatch.demand.reasons import ReasonCode
from dispatch.fleet.errors import NoFleetError
from dispatch.fleet.model import Vehicle
from dispatch.plans.content import read_solution
from dispatch.plans.errors import NothingDueError, PlanRejectedError, PlanVersionNotFoundError
from dispatch.plans.model import WRITTEN_ONCE, PlanStop, PlanStopParcel, PlanUnassigned, PlanVersion
from dispatch.plans.problem import dump_day, read_problem
from dispatch.plans.repository import PlanRepository
from dispatch.plans.summary import summarise
from kernel.events import events_after
from routing.solution import Result, Solution

HOUR = 3600


def planned_parcels(office: Any, version_id: str) -> list[str]:
    """List the parcels on routes of a version, by the stored routes."""
    with office.database.read() as session:
        repository = PlanRepository(session)
        routes = repository.routes(repository.version(version_id))
        return [parcel_id for stored in routes for parcel_id in stored.route.parcel_ids]


def reasons(office: Any, version_id: str) -> dict[str, ReasonCode]:
    """Give the reason code of each unassigned parcel of a version."""
    with office.database.read() as session:
        repository = PlanRepository(session)
        found = repository.reasons(repository.version(version_id))
        return {parcel_id: reason.code for parcel_id, reason in found.items()}


def test_a_day_is_planned_stored_and_read_back(office_on_both_databases: Any, day: date) -> None:
    """Deliveries, a village station and a kiosk's drop-off become routes; what is read back is what was planned."""
    office = office_on_both_databases
    doors = office.add_parcels(5)
    station = office.add_parcels(3, channel="station", channel_site_id="lower-station", consent_reference="c1")
    drop_off = office.drop_off()
    summary = office.planner.make_plan("valley", day, actor="user:d1", reason="first plan")
    assert sorted(planned_parcels(office, summary.version_id)) == sorted([*doors, *station, *drop_off])
    assert (summary.parcels_planned, summary.parcels_unassigned, summary.number) == (9, 0, 1)
    assert summary.source == "road"
    assert summary.cost_fen == sum(summary.cost.values()) > 0
    assert summary.parent_id is None
    assert not summary.published
    with office.database.read() as session:
        repository = PlanRepository(session)
        for stored in repository.routes(repository.version(summary.version_id)):
            assert stored.route.digest() == stored.digest
            line, source = repository.line(stored.geometry_id or "")
            assert source == "road"
            assert len(line.leg_offsets) == len(stored.route.stops) + 2
            np.testing.assert_allclose(line.coordinates[-1], [110.0, 27.0])
        assert [event.kind for event in events_after(session, 0, 1000) if event.kind.startswith("plan.")] == [
            "plan.made"
        ]


def test_what_cannot_be_planned_has_a_reason(two_villages_one_bridge: Any, day: date) -> None:
    """Unreachable, unplaced, unasked and oversized parcels are listed with the reason; the others are planned."""
    office = two_villages_one_bridge
    (fine,) = office.add_parcels(1)
    (island,) = office.add_parcels(1, place_id="island", lon=121.0, lat=27.0)
    (lost,) = office.add_parcels(1, place_id="lost", lon=None, lat=None)
    (doubtful,) = office.add_parcels(1, position_confidence="doubtful")
    (unasked,) = office.add_parcels(1, channel="station", channel_site_id="lower-station")
    (pallet,) = office.add_parcels(1, weight_g=700_000)
    (late,) = office.add_parcels(1, window_start_s=5 * HOUR, window_end_s=6 * HOUR)
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    assert planned_parcels(office, summary.version_id) == [fine]
    assert reasons(office, summary.version_id) == {
        island: ReasonCode.UNREACHABLE_BY_ROAD,
        lost: ReasonCode.POSITION_UNCONFIRMED,
        doubtful: ReasonCode.POSITION_UNCONFIRMED,
        unasked: ReasonCode.NO_CONSENT,
        pallet: ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY,
        late: ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS,
    }
    assert summary.reasons["POSITION_UNCONFIRMED"] == 2


def test_a_day_on_which_nothing_can_be_driven_is_a_plan_of_reasons(two_villages_one_bridge: Any, day: date) -> None:
    """When every parcel waits for a person the plan has no route, a reason for each, and can be published."""
    office = two_villages_one_bridge
    office.add_parcels(3, position_confidence="doubtful")
    office.drop_off("kiosk-a", position_confidence="exact", channel_site_id="kiosk-gone")
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    assert (summary.routes, summary.cost_fen, summary.parcels_planned) == (0, 0, 0)
    assert summary.reasons == {"POSITION_UNCONFIRMED": 3, "SITE_NOT_IN_SERVICE": 1}
    assert office.planner.publish(summary.version_id, actor="user:d1").published
    (parcel,) = office.drop_off("kiosk-a")
    result = office.planner.insert_collections("valley", day, [parcel], actor="device:test")
    assert result.refused[parcel].code is ReasonCode.NO_VEHICLE


def test_a_tour_longer_than_the_shift_is_proved_impossible(one_van_office: Callable[..., Any], day: date) -> None:
    """A door so far that even a van of its own is not back in time says by how much."""
    office = one_van_office()
    (far,) = office.add_parcels(1, lon=112.0, lat=27.0)
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    with office.database.read() as session:
        repository = PlanRepository(session)
        reason = repository.reasons(repository.version(summary.version_id))[far]
    assert reason.code is ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT
    assert reason.certainty == "proved"
    assert reason.amount == 2 * 20_000 + 105 - 10 * HOUR


def test_a_tour_longer_than_one_charge_is_proved_impossible(one_van_office: Callable[..., Any], day: date) -> None:
    """A door beyond the range of every vehicle says by how many metres."""
    office = one_van_office(max_distance_m=1)
    (far,) = office.add_parcels(1)
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    with office.database.read() as session:
        repository = PlanRepository(session)
        reason = repository.reasons(repository.version(summary.version_id))[far]
    assert reason.code is ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT
    assert (reason.certainty, reason.amount is not None and reason.amount > 0) == ("proved", True)


def test_too_few_vehicles_leave_the_rest_with_a_likely_reason(one_van_office: Callable[..., Any], day: date) -> None:
    """When the only van is full, the rest waits because others came first, and that is not called proved."""
    office = one_van_office(max_stops=2)
    office.add_parcels(5)
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    assert (summary.parcels_planned, summary.reasons) == (2, {"LESS_VALUABLE": 3})


def test_nothing_due_and_no_vehicle_are_named(two_villages_one_bridge: Any, day: date) -> None:
    """Planning a day without parcels, or a region without vehicles, says which of both is missing."""
    office = two_villages_one_bridge
    with pytest.raises(NothingDueError, match="2026-03-04"):
        office.planner.make_plan("valley", day, actor="user:d1")
    office.add_parcels(1)
    with office.database.begin() as session:
        session.execute(update(Vehicle).values(active=False))
    with pytest.raises(NoFleetError, match="valley"):
        office.planner.make_plan("valley", day, actor="user:d1")


def test_equal_input_and_seed_give_an_equal_digest(two_villages_one_bridge: Any, day: date) -> None:
    """Planning the same day twice with one seed gives two versions with one digest."""
    office = two_villages_one_bridge
    office.add_parcels(8)
    first = office.planner.make_plan("valley", day, actor="user:d1")
    office.clock.advance(600)
    second = office.planner.make_plan("valley", day, actor="user:d2")
    assert first.digest == second.digest
    assert (first.number, second.number) == (1, 2)
    office.add_parcels(1)
    assert office.planner.make_plan("valley", day, actor="user:d1").digest != first.digest


def test_a_parcel_with_an_outcome_is_not_planned_again(two_villages_one_bridge: Any, day: date) -> None:
    """A delivered parcel is not due any more, one to be tried again tomorrow neither; both leave the plan."""
    from dispatch.custody.events import NewCustodyEvent

    office = two_villages_one_bridge
    done, tomorrow, left = office.add_parcels(3)
    with office.database.begin() as session:
        office.ledger.append(
            session, NewCustodyEvent("delivered", office.clock.now(), "courier:c-van-1", parcel_id=done)
        )
        office.ledger.append(
            session,
            NewCustodyEvent(
                "attempted",
                office.clock.now(),
                "courier:c-van-1",
                parcel_id=tomorrow,
                cause="NOBODY_HOME",
                next_action="redeliver",
                next_on=date(2026, 3, 5),
            ),
        )
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    assert planned_parcels(office, summary.version_id) == [left]


def test_a_plan_that_breaks_a_rule_is_not_stored(two_villages_one_bridge: Any, day: date) -> None:
    """If the solver overloads a van the independent checker refuses the plan and nothing is written."""
    office = two_villages_one_bridge
    office.add_parcels(70)

    def careless(problem: Any, seconds: float, **_: Any) -> Result:
        everything = Solution.from_orders(problem, [list(range(problem.task_count))])
        return Result(everything, 0, 0, iterations=1, runtime_s=0.0, seed=1, threads=1)

    office.planner._solver = careless
    with pytest.raises(PlanRejectedError, match="breaks"):
        office.planner.make_plan("valley", day, actor="user:d1")
    with office.database.read() as session:
        assert session.scalars(select(PlanVersion)).all() == []


def test_a_lost_stop_is_caught_by_the_checker(two_villages_one_bridge: Any, day: date) -> None:
    """A solver that forgets a stop is found out before anything is stored."""
    office = two_villages_one_bridge
    office.add_parcels(3)
    prepared = office.planner.prepare("valley", day)
    forgetful = Solution((Solution.from_orders(prepared.problem.problem, [[0]]).routes), ())
    with pytest.raises(PlanRejectedError):
        read_solution("valley", day, "road", [], {}, prepared.problem, forgetful)


def test_versions_cannot_be_changed_or_deleted(office_on_both_databases: Any, day: date) -> None:
    """The database itself refuses to change or delete anything of a stored version."""
    office = office_on_both_databases
    office.add_parcels(2)
    office.add_parcels(1, position_confidence="doubtful")
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    office.planner.publish(summary.version_id, actor="user:d1")
    held = {kind for kind in WRITTEN_ONCE if _count(office, kind) > 0}
    assert {PlanVersion, PlanStop, PlanStopParcel, PlanUnassigned} < held
    for kind in held:
        column = next(iter(kind.__table__.columns))
        with pytest.raises(DBAPIError, match="immutable"), office.database.begin() as session:
            session.execute(update(kind).values({column.name: column}))
        with pytest.raises(DBAPIError, match="immutable"), office.database.begin() as session:
            session.execute(delete(kind))


def _count(office: Any, kind: Any) -> int:
    with office.database.read() as session:
        return int(session.scalar(text(f"SELECT count(*) FROM {kind.__tablename__}")))


def test_stops_far_from_a_road_are_named_to_the_dispatcher(two_villages_one_bridge: Any, day: date) -> None:
    """A plan says which of its stops lies far from any road, by village and key instead of by matrix row."""
    office = two_villages_one_bridge
    office.add_parcels(2)
    assert office.planner.make_plan("valley", day, actor="user:d1").warnings == ()
    office.add_parcels(1, lat=27.6)
    (warning,) = office.planner.make_plan("valley", day, actor="user:d1").warnings
    assert warning.startswith("上坝村 (door-")
    assert warning.endswith("lies 600 m from the nearest road")


def test_an_unknown_version_is_named(two_villages_one_bridge: Any) -> None:
    """Asking for a version nobody made names it."""
    with two_villages_one_bridge.database.read() as session, pytest.raises(PlanVersionNotFoundError, match="v9"):
        summarise(session, "v9")


def test_the_day_problem_survives_a_round_trip_through_a_file(two_villages_one_bridge: Any, day: date) -> None:
    """A day's problem written for a benchmark is the same problem when read back, and names nobody."""
    office = two_villages_one_bridge
    office.add_parcels(4)
    office.drop_off()
    prepared = office.planner.prepare("valley", day).problem
    dump_day(prepared, office.folder / "dump")
    problem, again = prepared.problem, read_problem(office.folder / "dump")
    assert (again.tasks, again.vehicle_types, again.depots) == (problem.tasks, problem.vehicle_types, problem.depots)
    for ours, theirs in zip(problem.profiles, again.profiles, strict=True):
        np.testing.assert_array_equal(ours.duration_s, theirs.duration_s)
        np.testing.assert_array_equal(ours.distance_m, theirs.distance_m)
    written = (office.folder / "dump" / "day.json").read_text(encoding="utf-8")
    assert len(json.loads(written)["tasks"]) == len(again.tasks)
    assert "张" not in written


def test_matrices_of_a_day_are_measured_once(two_villages_one_bridge: Any, day: date) -> None:
    """Planning the same places again takes the road matrices from disk; damaged files are measured anew."""
    office = two_villages_one_bridge
    office.add_parcels(3)
    first = office.planner.prepare("valley", day).matrices
    path = office.planner._matrices.path(first.digest)
    assert path.is_file()
    assert office.planner.prepare("valley", day).matrices is first
    path.write_bytes(b"not a matrix")
    office.planner._matrices._load.cache_clear()
    again = office.planner.prepare("valley", day).matrices
    np.testing.assert_array_equal(first.profiles["van"].time_s, again.profiles["van"].time_s)


any_parcel = st.fixed_dictionaries(
    {
        "place_id": st.sampled_from(["upper", "lower", "island", "lost"]),
        "lon": st.sampled_from([None, 110.01, 110.06, 121.0]),
        "lat": st.sampled_from([27.0, 27.05]),
        "position_confidence": st.sampled_from(["exact", "doubtful"]),
        "channel": st.sampled_from(["door", "station", "cabinet"]),
        "channel_site_id": st.sampled_from([None, "lower-station", "kiosk-a"]),
        "consent_reference": st.sampled_from([None, "c1"]),
        "direction": st.sampled_from(["deliver", "collect"]),
        "weight_g": st.sampled_from([500, 150_000, 700_000]),
        "window_start_s": st.sampled_from([None, 9 * HOUR, 17 * HOUR]),
        "window_end_s": st.sampled_from([None, 10 * HOUR, 18 * HOUR]),
    }
)


@given(parcels=st.lists(any_parcel, min_size=1, max_size=25))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_parcel_is_on_a_route_or_has_a_reason_exactly_once(
    two_villages_one_bridge: Any, day: date, parcels: list[dict[str, Any]]
) -> None:
    """Whatever a day brings, its plan accounts for each parcel exactly once."""
    office = two_villages_one_bridge
    for one in parcels:
        office.add_parcels(1, **one)
    with office.database.read() as session:
        from dispatch.plans.sources import load_day

        due = sorted(one.id for one in load_day(session, office.shelf.load("valley"), day).parcels)
    summary = office.planner.make_plan("valley", day, actor="user:d1")
    on_routes = planned_parcels(office, summary.version_id)
    assert sorted([*on_routes, *reasons(office, summary.version_id)]) == due
