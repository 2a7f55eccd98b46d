"""Re-planning under a disturbance budget, events of the running day, explanations, couriers' answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dispatch.plans.answering import answer_route, answers_of
from dispatch.plans.courier import courier_route
from dispatch.plans.difference import Budget, disturbance_between
from dispatch.plans.drafts import PlanDesk, Who
from dispatch.plans.dynamic import handle_event, optimise
from dispatch.plans.errors import NoOfferError, PlanClosedError, ProposalStaleError
from dispatch.plans.explaining import Explainer
from dispatch.plans.lifecycle import close_plan, plan_state
from dispatch.plans.loading import Atlas, load_board
from dispatch.plans.locks import LockLevel
from dispatch.plans.replanning import ReplanOrder
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import PlanSettings
from routing.solution import Result

WHO = Who("user:li", "landslide")
HOUR = 3600
Search = Callable[..., Result]


@pytest.fixture
def day_in_force(two_villages_one_bridge: Any, day: Any) -> str:
    """Publish a day of ten doors up the hill, four down the valley and a station, and give its version's id."""
    office = two_villages_one_bridge
    office.add_parcels(10)
    office.add_parcels(4, place_id="lower", address="下坝村", lon=110.11)
    office.add_parcels(3, place_id="lower", lon=110.10, lat=27.0, channel="station", consent_reference="c")
    made = office.planner.make_plan("valley", day, actor="user:test", settings=PlanSettings())
    office.planner.publish(made.version_id, actor="user:test")
    return str(made.version_id)


def plan_id_of(office: Any, day: Any) -> str:
    """Give the id of the day's plan."""
    with office.database.read() as session:
        return str(PlanRepository(session).plan("valley", day).id)


def test_m_06_a_re_optimisation_is_a_proposal_with_its_price(desk: PlanDesk, day_in_force: str, search: Search) -> None:
    """Re-optimising leaves the draft alone; it proposes routes, what they disturb, and what freedom would have cost."""
    view = desk.open(day_in_force, WHO)
    name = max(view.board.lanes, key=lambda one: len(view.board.lanes[one].keys))
    keys = view.board.lanes[name].keys
    desk.edit(view.id, {"kind": "move", "stops": [keys[-1]], "vehicle": name, "position": 0}, WHO)
    proposal_id, found = optimise(desk, view.id, ReplanOrder(seconds=1), search, WHO)
    assert desk.read(view.id).steps == 1
    assert found.chosen.within_budget
    assert 100 * found.chosen.cost_fen <= 102 * desk.read(view.id).board.cost_fen
    assert {one.level for one in found.tried} >= {"times", "sequence", "vehicle"}
    assert found.unrestricted.cost_fen <= found.chosen.cost_fen
    assert 0 <= found.gap_percent <= 2
    assert all(found.as_dict()["parts"])
    _, after = desk.accept(view.id, proposal_id, WHO)
    assert after.board.cost_fen == found.chosen.cost_fen


def test_m_06_a_part_can_be_accepted_and_an_edited_draft_needs_a_new_proposal(
    desk: PlanDesk, day_in_force: str, search: Search
) -> None:
    """Parts are vehicles that exchange stops; after an edit of another kind an old proposal is refused."""
    view = desk.open(day_in_force, WHO)
    for name, lane in view.board.lanes.items():
        if len(lane.keys) > 2:
            desk.edit(view.id, {"kind": "reverse", "vehicle": name, "first": 0, "last": 2}, WHO, override=True)
    order = ReplanOrder(level="sequence", seconds=1, budget=Budget(weights_fen={}))
    proposal_id, found = optimise(desk, view.id, order, search, WHO)
    if found.parts:
        _, after = desk.accept(view.id, proposal_id, WHO, parts=[0])
        untouched = set(after.board.lanes) - set(found.parts[0])
        assert all(after.board.lanes[one].route == desk.read(view.id).board.lanes[one].route for one in untouched)
    name = next(one for one, lane in view.board.lanes.items() if len(lane.keys) > 2)
    desk.edit(view.id, {"kind": "reverse", "vehicle": name}, WHO, override=True)
    with pytest.raises(ProposalStaleError):
        desk.accept(view.id, proposal_id, WHO)


def test_m_06_locked_stops_stay_where_they_are(desk: PlanDesk, day_in_force: str, search: Search) -> None:
    """A route locked in its order comes out of a free re-optimisation as it went in."""
    view = desk.open(day_in_force, WHO)
    name = max(view.board.lanes, key=lambda one: len(view.board.lanes[one].keys))
    desk.edit(view.id, {"kind": "reverse", "vehicle": name}, WHO, override=True)
    keys = desk.read(view.id).board.lanes[name].keys
    desk.edit(view.id, {"kind": "lock", "vehicle": name, "level": "sequence"}, WHO)
    _, found = optimise(desk, view.id, ReplanOrder(seconds=1, budget=Budget(weights_fen={})), search, WHO)
    assert found.chosen.board.lanes[name].keys == keys
    assert not found.chosen.flaws


def test_a_tight_budget_moves_no_more_than_it_allows(desk: PlanDesk, day_in_force: str, search: Search) -> None:
    """With no parcel allowed to change its vehicle none does, and the price against freedom is told."""
    view = desk.open(day_in_force, WHO)
    order = ReplanOrder(seconds=1, budget=Budget({"moved_vehicle": 0, "moved_order": 0, "dropped": 0}))
    _, found = optimise(desk, view.id, order, search, WHO)
    assert found.chosen.within_budget
    assert found.chosen.disturbance.moved_vehicle == 0
    assert found.chosen.disturbance.moved_order == 0


def test_an_insertion_disturbs_nobody_else(desk: PlanDesk, day_in_force: str) -> None:
    """A stop put between two others counts as no moved stop: the others keep their common order."""
    view = desk.open(day_in_force, WHO)
    name = max(view.board.lanes, key=lambda one: len(view.board.lanes[one].keys))
    keys = view.board.lanes[name].keys
    without = view.board.with_orders({name: keys[:3] + keys[4:]})
    found = disturbance_between(without.routes, view.board.routes, 86_400)
    assert (found.moved_order, found.moved_vehicle, found.dropped, found.couriers) == (0, 0, 0, 1)


def test_a_landslide_cuts_a_village_off_and_the_rest_is_re_planned(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any, search: Search
) -> None:
    """Stops behind a closed road wait with that reason, and only routes it concerns change; all parcels stay known."""
    area = {
        "type": "Polygon",
        "coordinates": [[[110.105, 26.9], [110.2, 26.9], [110.2, 27.1], [110.105, 27.1], [110.105, 26.9]]],
    }
    order = ReplanOrder(seconds=1, budget=Budget({"moved_vehicle": 5}))
    plan_id = plan_id_of(two_villages_one_bridge, day)
    made = handle_event(desk, plan_id, {"kind": "closed_road", "area": area}, order, search, WHO, publish=True)
    board = made.draft.board
    assert {board.reasons[key].code.value for key in board.waiting} == {"UNREACHABLE_BY_ROAD"}
    assert made.replan.chosen.disturbance.moved_vehicle <= 5
    assert made.published is not None
    assert made.published.reasons == {"UNREACHABLE_BY_ROAD": 4}
    assert made.published.parcels_planned == 13
    later = desk.open(made.published.version_id, WHO)
    assert len(later.board.closures) == 1
    assert later.board.scene.cut_off == board.scene.cut_off


def test_a_breakdown_gives_the_stops_to_others(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any, search: Search
) -> None:
    """A van that breaks down before it leaves does nothing more; its stops are served by other vehicles."""
    view = desk.open(day_in_force, WHO)
    name = max(view.board.lanes, key=lambda one: len(view.board.lanes[one].keys))
    plan_id = plan_id_of(two_villages_one_bridge, day)
    made = handle_event(desk, plan_id, {"kind": "breakdown", "vehicle": name}, ReplanOrder(seconds=1), search, WHO)
    assert made.published is None
    assert made.draft.board.lanes[name].keys == ()
    assert not made.draft.board.waiting
    assert not made.draft.board.flaws


def test_a_failed_attempt_is_tried_again_the_same_day(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any, search: Search
) -> None:
    """The first visit stays as it was, without its parcels; a second one is planned after the hour agreed."""
    office = two_villages_one_bridge
    with office.database.read() as session:
        repository = PlanRepository(session)
        route = repository.routes(repository.version(day_in_force))[0].route
    office.clock.advance(route.stops[0].departure_s - 7 * HOUR + 1)
    key = route.stops[0].stop.key
    plan_id = plan_id_of(office, day)
    event = {"kind": "failed_attempt", "stop": key, "after_s": 11 * HOUR}
    made = handle_event(desk, plan_id, event, ReplanOrder(seconds=1), search, WHO, publish=True)
    assert made.published is not None
    board = made.draft.board
    again = next(one for lane in board.lanes.values() for one in board.ahead(lane) if one.stop.key == f"{key}-v2")
    assert again.start_s >= 11 * HOUR
    assert board.place_of[f"{key}-v2"] == route.vehicle_id
    assert made.published.parcels_planned == 17


def test_late_freight_leaves_the_depot_no_earlier(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any, search: Search
) -> None:
    """When the trunk run is two hours late, every route that carries deliveries departs after it."""
    plan_id = plan_id_of(two_villages_one_bridge, day)
    event = {"kind": "late_trunk", "all": True, "ready_s": 10 * HOUR}
    made = handle_event(desk, plan_id, event, ReplanOrder(seconds=1), search, WHO)
    starts = [lane.start_s for lane in made.draft.board.lanes.values() if lane.keys]
    assert starts
    assert min(starts) >= 10 * HOUR
    assert not made.draft.board.flaws


def test_freight_that_comes_at_the_end_of_the_shift_is_waited_for(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any, search: Search
) -> None:
    """Where waiting breaks more than leaving early would, the van still waits: it cannot deliver what it lacks."""
    plan_id = plan_id_of(two_villages_one_bridge, day)
    event = {"kind": "late_trunk", "all": True, "ready_s": 23 * HOUR}
    made = handle_event(desk, plan_id, event, ReplanOrder(level="times", seconds=1), search, WHO)
    starts = [lane.start_s for lane in made.draft.board.lanes.values() if lane.keys]
    assert all(start_s >= 23 * HOUR for start_s in starts)
    assert all(flaw.code != "release" for flaw in made.draft.board.flaws)


def test_new_orders_are_put_where_they_cost_least(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any, search: Search
) -> None:
    """Two parcels that come at seven are on routes at once; nobody else's order changes."""
    office = two_villages_one_bridge
    parcels = office.add_parcels(2, lon=110.06)
    plan_id = plan_id_of(office, day)
    order = ReplanOrder(level="times", seconds=1)
    made = handle_event(desk, plan_id, {"kind": "new_order", "parcels": parcels}, order, search, WHO, publish=True)
    assert made.published is not None
    assert {one for route in made.draft.board.routes for one in route.parcel_ids} >= set(parcels)
    disturbed = made.replan.chosen.disturbance
    assert (disturbed.moved_vehicle, disturbed.moved_order, disturbed.dropped) == (0, 0, 0)


def test_hh_13_a_courier_accepts_or_refuses_a_changed_route(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any
) -> None:
    """A refusal comes back with its reason; what a courier accepted keeps its order in the next draft."""
    office = two_villages_one_bridge
    view = desk.open(day_in_force, WHO)
    name = max(view.board.lanes, key=lambda one: len(view.board.lanes[one].keys))
    courier = str(view.board.van(name).courier_id)
    desk.edit(view.id, {"kind": "reverse", "vehicle": name}, WHO, override=True)
    desk.save(view.id, WHO, publish=True)
    with office.database.begin() as session:
        shown = courier_route(session, courier, day, seen_version_id=day_in_force)
        assert shown.changes
        with pytest.raises(NoOfferError):
            answer_route(
                session, office.ids, courier, day, "another-route", "accepted",
                reason="", seen_version_id=None, now=office.clock.now(),
            )  # fmt: skip
        answered = answer_route(
            session, office.ids, courier, day, shown.route_id, "accepted",
            reason="", seen_version_id=day_in_force, now=office.clock.now(),
        )  # fmt: skip
        again = answer_route(
            session, office.ids, courier, day, shown.route_id, "refused",
            reason="too far", seen_version_id=day_in_force, now=office.clock.now(),
        )  # fmt: skip
        assert (answered.answer, again.answer) == ("accepted", "accepted")
        (kept,) = answers_of(session, shown.plan_id)
        assert len(kept.changes) == len(shown.changes)
    board = desk.open(shown.version_id, WHO).board
    assert {board.locks.stops[key].level for key in board.lanes[name].keys} == {LockLevel.SEQUENCE}


def test_m_07_explanations_name_reason_price_and_what_would_give_way(desk: PlanDesk, day_in_force: str) -> None:
    """A planned stop is explained by what it costs here and elsewhere, an unplanned one by what would serve it."""
    explainer = Explainer()
    view = desk.open(day_in_force, WHO)
    key = view.board.lanes[max(view.board.lanes, key=lambda one: len(view.board.lanes[one].keys))].keys[1]
    planned = explainer.explain(view.board, view.board.stop(key).parcel_ids[0])
    assert planned.planned
    assert planned.stop_key == key
    assert planned.saving_fen is not None
    prices = [one["more_fen"] for one in planned.alternatives]
    assert prices
    assert prices == sorted(prices)
    assert planned.time is not None
    assert planned.time["rule"] in ("order", "window", "lock")


def test_m_07_a_stop_without_room_is_explained_with_its_fix(
    one_van_office: Callable[..., Any], desk_for: Callable[..., PlanDesk], day: Any
) -> None:
    """With one van limited to three stops, the fourth is told: one more stop allowed would serve it, at this price."""
    office = one_van_office(max_stops=3)
    office.add_parcels(5)
    made = office.planner.make_plan("valley", day, actor="user:test", settings=PlanSettings())
    view = desk_for(office).open(made.version_id, WHO)
    key = view.board.waiting[0]
    found = Explainer().explain(view.board, key)
    assert not found.planned
    assert {one["code"] for one in found.reasons} == {"CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TASK_LIMIT"}
    fix = next(one for one in found.fixes if one["constraint"] == "max_tasks")
    assert fix["certainty"] in ("proved", "heuristic")
    assert fix["change"] == 1
    assert 0 < fix["cost_fen"] < 5_000
    assert found.displaces
    assert found.displaces[0]["stop_key"] in view.board.place_of


def test_a_plan_lives_from_draft_to_closed(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any
) -> None:
    """A plan is published, runs from the first departure, and once closed takes no more drafts."""
    office = two_villages_one_bridge
    with office.database.begin() as session:
        plan = PlanRepository(session).plan("valley", day)
        assert plan_state(session, plan, office.clock.now()) == "published"
        office.clock.advance(3 * HOUR)
        assert plan_state(session, plan, office.clock.now()) == "running"
        close_plan(session, plan, actor="user:li", reason="done", now=office.clock.now())
        close_plan(session, plan, actor="user:li", reason="twice", now=office.clock.now())
        assert plan_state(session, plan, office.clock.now()) == "closed"
    with pytest.raises(PlanClosedError):
        desk.open(day_in_force, WHO)


def test_a_board_says_what_its_stored_version_says(
    desk: PlanDesk, day_in_force: str, two_villages_one_bridge: Any, day: Any
) -> None:
    """Laid out and not touched, every route of a version has the same stops, times, labels and cost."""
    office = two_villages_one_bridge
    with office.database.read() as session:
        repository = PlanRepository(session)
        version = repository.version(day_in_force)
        plan = repository.plan_of(version.plan_id)
        atlas: Atlas = desk.atlas("valley")
        board = load_board(session, plan, version, atlas)
        stored = [one.route for one in repository.routes(version)]
        cost_fen = version.cost_fen
    assert list(board.routes) == stored
    assert board.cost_fen == cost_fen
    assert not board.flaws
