"""Drafts: edits one after the other, taken back, repeated, overridden, copied, saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dispatch.plans.drafts import DraftView, PlanDesk, Who
from dispatch.plans.edits import EDITS
from dispatch.plans.errors import (
    ContradictoryLocksError,
    DraftClosedError,
    DraftStaleError,
    EditCommandError,
    EditViolatesError,
    NothingToUndoError,
    PlanUnderWayError,
    StalePlanError,
)
from dispatch.plans.figures import figures_of
from dispatch.plans.model import PlanVersion
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import PlanSettings

WHO = Who("user:li", "because")
HOUR = 3600


@pytest.fixture
def version_id(two_villages_one_bridge: Any, day: Any) -> str:
    """Plan and publish a day of nine doors up the hill and a station, on two vans and a tricycle."""
    office = two_villages_one_bridge
    office.add_parcels(9)
    office.add_parcels(3, place_id="lower", lon=110.10, lat=27.0, channel="station", consent_reference="c")
    made = office.planner.make_plan("valley", day, actor="user:test", settings=PlanSettings())
    office.planner.publish(made.version_id, actor="user:test")
    return str(made.version_id)


@pytest.fixture
def draft(desk: PlanDesk, version_id: str) -> DraftView:
    """Open a draft on the plan in force, at 07:00."""
    return desk.open(version_id, WHO, name="my draft")


def busiest(view: DraftView) -> str:
    """Give the vehicle with most to do."""
    return max(view.board.lanes, key=lambda name: len(view.board.lanes[name].keys))


def idle(view: DraftView, kind: str = "van") -> str:
    """Give a vehicle with nothing to do."""
    return next(name for name, lane in view.board.lanes.items() if not lane.keys and name.startswith(kind))


def test_m_04_a_move_tells_cost_and_times_before_it_is_done(desk: PlanDesk, draft: DraftView) -> None:
    """Trying a move changes nothing; doing it gives the very figures the try promised."""
    name = busiest(draft)
    key = draft.board.lanes[name].keys[-1]
    command = {"kind": "move", "stops": [key], "vehicle": name, "position": 0}
    before, tried = desk.attempt(draft.id, command)
    assert desk.read(draft.id).steps == 0
    _, done = desk.edit(draft.id, command, WHO)
    assert (done.board.lanes[name].keys[0], done.steps) == (key, 1)
    assert figures_of(done.board) == figures_of(tried)
    assert before.cost_fen != done.board.cost_fen


def test_m_04_a_violating_edit_is_refused_unless_marked_and_reasoned(desk: PlanDesk, draft: DraftView) -> None:
    """A shift that ends before its route is refused with the rule it breaks; as an override it is kept and marked."""
    name = busiest(draft)
    command = {"kind": "shift", "vehicle": name, "start_s": 8 * HOUR, "end_s": 8 * HOUR + 60}
    with pytest.raises(EditViolatesError) as refused:
        desk.edit(draft.id, command, WHO)
    assert {one["code"] for one in refused.value.params["violations"]} == {"shift"}
    assert desk.read(draft.id).steps == 0
    with pytest.raises(EditCommandError):
        desk.edit(draft.id, command, Who("user:li"), override=True)
    _, done = desk.edit(draft.id, command, Who("user:li", "the driver agreed to stay"), override=True)
    assert [flaw.code for flaw in done.board.flaws] == ["shift"]
    (step,) = desk.record(draft.id)
    assert (step.override, step.reason, step.actor) == (True, "the driver agreed to stay", "user:li")


def test_m_08_undo_and_redo_are_unlimited_and_recorded(desk: PlanDesk, draft: DraftView) -> None:
    """Twelve edits are taken back to the first board and repeated to the last; the record names every step."""
    name = busiest(draft)
    for _ in range(12):
        desk.edit(draft.id, {"kind": "reverse", "vehicle": name, "first": 0, "last": 2}, WHO)
    desk.edit(draft.id, {"kind": "reverse", "vehicle": name}, WHO)
    last = desk.read(draft.id).board.lanes[name].keys
    for _ in range(13):
        desk.turn(draft.id, "undo", WHO)
    assert desk.read(draft.id).board.lanes[name].keys == draft.board.lanes[name].keys
    with pytest.raises(NothingToUndoError):
        desk.turn(draft.id, "undo", WHO)
    for _ in range(13):
        desk.turn(draft.id, "redo", WHO)
    assert desk.read(draft.id).board.lanes[name].keys == last
    acts = [step.act for step in desk.record(draft.id)]
    assert acts == ["edit"] * 13 + ["undo"] * 13 + ["redo"] * 13


def test_another_process_follows_the_record_to_the_same_board(
    desk: PlanDesk, draft: DraftView, two_villages_one_bridge: Any, desk_for: Callable[..., PlanDesk]
) -> None:
    """After a restart a draft looks as it did: the record alone makes the board, undone steps included."""
    name = busiest(draft)
    desk.edit(draft.id, {"kind": "split", "vehicle": name, "position": 2, "to": idle(draft)}, WHO)
    desk.edit(draft.id, {"kind": "reverse", "vehicle": name}, WHO)
    desk.turn(draft.id, "undo", WHO)
    here, there = desk.read(draft.id), desk_for(two_villages_one_bridge).read(draft.id)
    assert {one: lane.route for one, lane in here.board.lanes.items()} == {
        one: lane.route for one, lane in there.board.lanes.items()
    }
    assert (there.can_undo, there.can_redo) == (1, 1)


def test_every_kind_of_edit_keeps_every_parcel(desk: PlanDesk, draft: DraftView, two_villages_one_bridge: Any) -> None:
    """Move, swap, insert, remove, reverse, split, merge and the rest lose no parcel and count none twice."""
    name, other = busiest(draft), idle(draft)
    keys = draft.board.lanes[name].keys
    (late,) = two_villages_one_bridge.add_parcels(1)
    commands: list[dict[str, Any]] = [
        {"kind": "swap", "first": keys[0], "second": keys[1]},
        {"kind": "remove", "stops": [keys[2]]},
        {"kind": "insert", "stop": keys[2]},
        {"kind": "move", "stops": [keys[3], keys[4]], "vehicle": other},
        {"kind": "merge", "vehicle": other, "into": name},
        {"kind": "split", "vehicle": name, "position": 3, "to": other},
        {"kind": "vehicle", "vehicle": other, "to": next(iter({*draft.board.lanes} - {name, other}))},
        {"kind": "courier", "vehicle": name, "courier": "c-van-2"},
        {"kind": "shift", "vehicle": name, "start_s": 8 * HOUR, "end_s": 19 * HOUR},
        {"kind": "release", "all": True, "ready_s": 9 * HOUR},
        {"kind": "add", "parcels": [late]},
        {"kind": "insert", "stop": late},
        {"kind": "lock", "vehicle": name, "level": "vehicle"},
        {"kind": "remove_vehicle", "vehicle": other},
        {"kind": "add_vehicle", "vehicle": other},
    ]
    wanted = {one for route in draft.board.routes for one in route.parcel_ids}
    for command in commands:
        _, view = desk.edit(draft.id, command, WHO, override=True)
        planned = [one for route in view.board.routes for one in route.parcel_ids]
        waiting = [one for key in view.board.waiting for one in view.board.stop(key).parcel_ids]
        assert len(planned) == len(set(planned)), command
        assert {*planned, *waiting} >= wanted, command
        assert not set(planned) & set(waiting), command
    departures = [lane.start_s for lane in view.board.lanes.values() if lane.keys]
    assert departures
    assert min(departures) >= 9 * HOUR
    assert late in {one for route in view.board.routes for one in route.parcel_ids}
    assert {command["kind"] for command in commands} < EDITS.keys()


def test_unknown_things_are_named_and_change_nothing(desk: PlanDesk, draft: DraftView) -> None:
    """An edit with an unknown stop, vehicle, field or kind says which; the draft and the plan in force stay."""
    name = busiest(draft)
    for command, field in (
        ({"kind": "move", "stops": ["door-x"], "vehicle": name}, "stop"),
        ({"kind": "move", "stops": [draft.board.lanes[name].keys[0]], "vehicle": "van-99"}, "vehicle"),
        ({"kind": "reverse", "vehicle": name, "colour": "red"}, "colour"),
        ({"kind": "teleport"}, "kind"),
        ({"kind": "lock", "stops": [draft.board.lanes[name].keys[0]], "level": "very"}, "level"),
        ({"kind": "courier", "vehicle": name, "courier": "nobody"}, "courier"),
        ({"kind": "close", "area": {"type": "Circle"}}, "area"),
    ):
        with pytest.raises(EditCommandError) as refused:
            desk.edit(draft.id, command, WHO)
        assert refused.value.params["field"] == field
    assert desk.read(draft.id).steps == 0


def test_api_04_two_dispatchers_cannot_overwrite_each_other(desk: PlanDesk, draft: DraftView) -> None:
    """Who edits a draft as it was before somebody else's step is refused and told the present step."""
    name = busiest(draft)
    desk.edit(draft.id, {"kind": "reverse", "vehicle": name}, Who("user:li"), expected=0)
    with pytest.raises(DraftStaleError) as refused:
        desk.edit(draft.id, {"kind": "reverse", "vehicle": name}, Who("user:wang"), expected=0)
    assert refused.value.params["present"] == 1


def test_m_08_a_saved_draft_is_an_immutable_version_that_can_be_rolled_back(
    desk: PlanDesk, draft: DraftView, version_id: str, two_villages_one_bridge: Any
) -> None:
    """Saving makes a version that may be published; rolling back makes one more, with the content of the old one."""
    name, other = busiest(draft), idle(draft)
    desk.edit(draft.id, {"kind": "split", "vehicle": name, "position": 4, "to": other}, WHO)
    saved = desk.save(draft.id, WHO, publish=True)
    assert (saved.kind, saved.published, saved.routes) == ("edited", True, len(draft.board.routes) + 1)
    with pytest.raises(DraftClosedError):
        desk.edit(draft.id, {"kind": "reverse", "vehicle": name}, WHO)
    back = desk.roll_back(version_id, Who("user:li", "it was better before"))
    assert (back.number, back.kind, back.published) == (saved.number + 1, "rollback", True)
    with two_villages_one_bridge.database.read() as session:
        repository = PlanRepository(session)
        versions = [repository.version(one) for one in (version_id, back.version_id)]
        routes = [[one.id for one in repository.routes(one)] for one in versions]
        assert routes[0] == routes[1]
        assert versions[0].digest == versions[1].digest
        assert session.get_one(PlanVersion, back.version_id).parent_id == saved.version_id


def test_labels_on_parcels_stay_when_a_published_plan_is_edited(
    desk: PlanDesk, draft: DraftView, two_villages_one_bridge: Any
) -> None:
    """Numbers are printed: stops that stay keep theirs in any order, a stop from elsewhere gets the next free one."""
    name, other = busiest(draft), idle(draft)
    keys = draft.board.lanes[name].keys
    desk.edit(draft.id, {"kind": "reverse", "vehicle": name}, WHO)
    desk.edit(draft.id, {"kind": "move", "stops": [keys[0]], "vehicle": other}, WHO)
    saved = desk.save(draft.id, WHO)
    with two_villages_one_bridge.database.read() as session:
        repository = PlanRepository(session)
        stored = {one.route.vehicle_id: one.route for one in repository.routes(repository.version(saved.version_id))}
    labels = {one.stop.key: one.visit.label for one in stored[name].stops}
    assert [labels[key] for key in keys[1:]] == list(range(2, len(keys) + 1))
    assert [one.visit.label for one in stored[other].stops] == [1]


def test_a_draft_on_what_is_no_longer_in_force_cannot_be_saved(
    desk: PlanDesk, draft: DraftView, version_id: str
) -> None:
    """Somebody else published meanwhile: the older draft is refused and the plan in force stays."""
    other = desk.open(version_id, Who("user:wang"))
    desk.edit(other.id, {"kind": "reverse", "vehicle": busiest(other)}, WHO)
    desk.edit(draft.id, {"kind": "reverse", "vehicle": busiest(draft), "last": 2}, WHO)
    desk.save(other.id, WHO, publish=True)
    with pytest.raises(StalePlanError):
        desk.save(draft.id, WHO, publish=True)


def test_what_if_copies_go_their_own_way_and_are_compared(desk: PlanDesk, draft: DraftView) -> None:
    """A copy has the same edits; a further edit shows in the difference between the two, not in the original."""
    name = busiest(draft)
    desk.edit(draft.id, {"kind": "reverse", "vehicle": name}, WHO)
    copy = desk.copy(draft.id, WHO, name="with a second van")
    assert desk.difference(copy.id, draft.id).disturbance.as_dict() == dict.fromkeys(
        ("moved_vehicle", "moved_order", "eta_shift", "couriers", "dropped"), 0
    )
    moved = copy.board.lanes[name].keys[:2]
    desk.edit(copy.id, {"kind": "move", "stops": list(moved), "vehicle": idle(copy)}, WHO)
    found = desk.difference(copy.id, draft.id)
    assert found.disturbance.moved_vehicle == sum(len(copy.board.stop(key).parcel_ids) for key in moved)
    assert {one.stop_key for one in found.parcels} == set(moved)
    assert desk.read(draft.id).steps == 1


def test_m_05_locks_hold_in_every_edit_and_contradictions_are_named(desk: PlanDesk, draft: DraftView) -> None:
    """A locked stop is not moved without an override; a lock that contradicts another one is an error by name."""
    name, other = busiest(draft), idle(draft)
    keys = draft.board.lanes[name].keys
    desk.edit(draft.id, {"kind": "lock", "stops": list(keys[:3]), "level": "sequence"}, WHO)
    with pytest.raises(EditViolatesError) as refused:
        desk.edit(draft.id, {"kind": "move", "stops": [keys[1]], "vehicle": other}, WHO)
    assert {one["code"] for one in refused.value.params["violations"]} == {"lock"}
    with pytest.raises(EditViolatesError):
        desk.edit(draft.id, {"kind": "move", "stops": [keys[5]], "vehicle": name, "position": 1}, WHO)
    desk.edit(draft.id, {"kind": "move", "stops": [keys[5]], "vehicle": name, "position": 3}, WHO)
    with pytest.raises(ContradictoryLocksError):
        desk.edit(draft.id, {"kind": "lock", "stops": [keys[0]], "vehicle": other, "level": "vehicle"}, WHO)
    desk.edit(draft.id, {"kind": "lock", "vehicle": name, "level": "fixed"}, WHO)
    with pytest.raises(EditViolatesError):
        desk.edit(draft.id, {"kind": "release", "all": True, "ready_s": 10 * HOUR}, WHO)
    desk.edit(draft.id, {"kind": "lock", "vehicle": name, "level": "free"}, WHO)
    desk.edit(draft.id, {"kind": "move", "stops": [keys[1]], "vehicle": other}, WHO)


def test_m_05_what_is_loaded_or_done_is_locked_by_itself(
    desk: PlanDesk, version_id: str, two_villages_one_bridge: Any, day: Any
) -> None:
    """At noon done stops are no longer edited at all, and loaded ones stay on their van, whatever a dispatcher asks."""
    from dispatch.custody.events import NewCustodyEvent

    office = two_villages_one_bridge
    with office.database.begin() as session:
        repository = PlanRepository(session)
        route = repository.routes(repository.version(version_id))[0].route
        for parcel_id in route.parcel_ids:
            event = NewCustodyEvent(
                "loaded",
                office.clock.now(),
                "courier:x",
                parcel_id=parcel_id,
                to_custodian=f"courier:{route.courier_id}",
            )
            office.ledger.append(session, event)
    office.clock.advance((route.stops[2].departure_s - 7 * HOUR) + 1)
    view = desk.open(version_id, WHO)
    van = view.board.van(route.vehicle_id)
    assert van.has_left
    assert len(van.done) >= 3
    with pytest.raises(EditCommandError) as refused:
        desk.edit(view.id, {"kind": "remove", "stops": [van.done[0].stop.key]}, WHO)
    assert refused.value.params["done"] is True
    ahead = view.board.lanes[route.vehicle_id].keys
    with pytest.raises(ContradictoryLocksError):
        desk.edit(view.id, {"kind": "lock", "stops": [ahead[0]], "level": "free"}, WHO)
    with pytest.raises(EditViolatesError) as refused_move:
        desk.edit(view.id, {"kind": "move", "stops": [ahead[0]], "vehicle": idle(view)}, WHO)
    assert "lock" in {one["code"] for one in refused_move.value.params["violations"]}


def test_work_done_meanwhile_is_not_moved_by_publishing(
    desk: PlanDesk, draft: DraftView, version_id: str, two_villages_one_bridge: Any, day: Any
) -> None:
    """A draft that moves a stop which is done by the time it is published is refused; the plan in force stays."""
    from dispatch.plans.outcomes import OutcomeReport, report_outcome

    office, name = two_villages_one_bridge, busiest(draft)
    key = draft.board.lanes[name].keys[0]
    desk.edit(draft.id, {"kind": "move", "stops": [key], "vehicle": idle(draft)}, WHO)
    with office.database.begin() as session:
        courier = draft.board.van(name).courier_id
        event_id = "00000000-0000-7000-8000-00000000abcd"
        report = OutcomeReport(event_id, "delivered", draft.board.stop(key).parcel_ids[0], day, office.clock.now())
        report_outcome(session, office.ledger, str(courier), report)
    with pytest.raises(PlanUnderWayError) as refused:
        desk.save(draft.id, WHO, publish=True)
    assert refused.value.params["stops"] == [key]


def test_the_insertion_list_ranks_places_and_names_who_is_affected(desk: PlanDesk, draft: DraftView) -> None:
    """For a stop taken in hand the best places come cheapest first, each with the stops it would delay."""
    name = busiest(draft)
    keys = draft.board.lanes[name].keys
    places = desk.places(draft.id, keys[4], 5)
    assert len(places) == 5
    assert [one.added_fen for one in places] == sorted(one.added_fen for one in places)
    on_route = next(one for one in places if one.vehicle_id == name and one.position < 5)
    assert {key for key, _ in on_route.affected} <= set(keys)
