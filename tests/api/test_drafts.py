"""Drafts over HTTP: a dispatcher's own program tweaks a plan, a courier's handheld pulls the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from api.auth.model import User
from api.services import Services
from dispatch.plans.summary import VersionSummary
from kernel.db import Base

Client = httpx.Client
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def draft(services: Services, published: VersionSummary, dispatcher: Client) -> dict[str, Any]:
    """Open a draft on the plan in force."""
    with services.database.begin() as session:
        Base.metadata.create_all(session.connection())
    opened = dispatcher.post(
        f"/versions/{published.version_id}/drafts", json={"name": "try"}, headers={"Idempotency-Key": "open-1"}
    )
    assert opened.status_code == 201, opened.text
    return {**opened.json(), "etag": opened.headers["ETag"]}


def headers(etag: str, key: str) -> dict[str, str]:
    """Write the headers a change needs."""
    return {"If-Match": etag, "Idempotency-Key": key}


def edit(client: Client, draft: dict[str, Any], key: str, etag: str | None = None, **body: Any) -> httpx.Response:
    """Send an edit."""
    return client.post(f"/drafts/{draft['id']}:edit", json=body, headers=headers(etag or draft["etag"], key))


def keys_of(client: Client, draft: dict[str, Any], vehicle: str = "v-1") -> list[str]:
    """Give the stops of a route in a draft."""
    return [stop["key"] for stop in client.get(f"/drafts/{draft['id']}/routes/{vehicle}").json()["route"]]


def finished(client: Client, answer: httpx.Response) -> dict[str, Any]:
    """Wait for an operation to end well."""
    assert answer.status_code == 202, answer.text
    for _ in range(5400):  # on a fresh machine the first search compiles its rules
        state = client.get(answer.headers["Location"].removeprefix("/api/v1")).json()
        if state["state"] not in ("pending", "running"):
            assert state["state"] == "succeeded", state
            return dict(state["result"])
        time.sleep(0.1)
    raise AssertionError("the operation did not end")


def test_api_04_edits_need_the_present_tag(dispatcher: Client, draft: dict[str, Any]) -> None:
    """Without a tag an edit is asked for one; with an old one it is told the present tag and where the diff is."""
    command = {"kind": "reverse", "vehicle": "v-1"}
    missing = dispatcher.post(
        f"/drafts/{draft['id']}:edit", json={"command": command}, headers={"Idempotency-Key": "a"}
    )
    assert missing.status_code == 428
    done = edit(dispatcher, draft, "b", command=command, override=True, reason="try")
    assert done.status_code == 200, done.text
    stale = edit(dispatcher, draft, "c", command=command, override=True, reason="try")
    assert stale.status_code == 412
    assert stale.json()["params"]["etag"] == done.headers["ETag"]
    assert stale.json()["params"]["diff"] == f"/api/v1/drafts/{draft['id']}/diff"
    diff = dispatcher.get(f"/drafts/{draft['id']}/diff").json()
    assert diff["disturbance"]["moved_order"] > 0


def test_api_03_an_edit_sent_twice_is_done_once(dispatcher: Client, draft: dict[str, Any]) -> None:
    """A repeated request with the same key gets the first answer again; the draft has one step."""
    command = {"kind": "reverse", "vehicle": "v-1"}
    answers = [edit(dispatcher, draft, "same", command=command, override=True, reason="try") for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert dispatcher.get(f"/drafts/{draft['id']}").json()["steps"] == 1


def test_m_04_a_try_and_an_edit_tell_the_same(dispatcher: Client, draft: dict[str, Any]) -> None:
    """Trying an edit tells cost, arrivals and violations; a violating one is refused with them unless overridden."""
    keys = keys_of(dispatcher, draft)
    command = {"kind": "swap", "first": keys[0], "second": keys[1]}
    tried = dispatcher.post(f"/drafts/{draft['id']}:try", json={"command": command}).json()
    done = edit(dispatcher, draft, "a", command=command).json()
    assert tried["added_fen"] == done["added_fen"]
    assert [one["arrival_s"] for one in tried["routes"][0]["route"]] == [
        one["arrival_s"] for one in done["routes"][0]["route"]
    ]
    shift = {"kind": "shift", "vehicle": "v-1", "start_s": 28_800, "end_s": 28_900}
    etag = dispatcher.get(f"/drafts/{draft['id']}").headers["ETag"]
    refused = edit(dispatcher, draft, "b", etag, command=shift)
    assert (refused.status_code, refused.json()["code"]) == (409, "edit_violates")
    assert refused.json()["params"]["violations"][0]["code"] == "shift"
    forced = edit(dispatcher, draft, "c", etag, command=shift, override=True, reason="agreed").json()
    assert forced["new_flaws"][0]["code"] == "shift"
    step = dispatcher.get(f"/drafts/{draft['id']}/steps").json()["items"][-1]
    assert (step["override"], step["reason"]) == (True, "agreed")


def test_m_08_undo_copy_save_publish_and_roll_back(
    services: Services, dispatcher: Client, draft: dict[str, Any], published: VersionSummary
) -> None:
    """A draft is taken back, copied, saved as a version and published; rolling back makes one more version."""
    first = edit(dispatcher, draft, "a", command={"kind": "reverse", "vehicle": "v-1"}, override=True, reason="x")
    undone = dispatcher.post(f"/drafts/{draft['id']}:undo", json={}, headers=headers(first.headers["ETag"], "u"))
    assert undone.json()["draft"]["can_redo"] == 1
    again = dispatcher.post(f"/drafts/{draft['id']}:redo", json={}, headers=headers(undone.headers["ETag"], "r"))
    copy = dispatcher.post(f"/drafts/{draft['id']}:copy", json={}, headers={"Idempotency-Key": "k"}).json()
    assert copy["figures"] == again.json()["draft"]["figures"]
    against = dispatcher.get(f"/drafts/{copy['id']}/diff", params={"against": draft["id"]}).json()
    assert against["disturbance"]["moved_order"] == 0
    saved = dispatcher.post(
        f"/drafts/{draft['id']}:save",
        json={"publish": True, "reason": "shorter"},
        headers=headers(again.headers["ETag"], "s"),
    )
    assert saved.status_code == 200, saved.text
    assert (saved.json()["kind"], saved.json()["published"]) == ("edited", True)
    versions = dispatcher.get(
        f"/versions/{saved.json()['version_id']}/diff", params={"against": published.version_id}
    ).json()
    assert versions["routes"][0]["changes"]
    back = dispatcher.post(
        f"/plans/{published.plan_id}:rollback",
        json={"version_id": published.version_id, "reason": "not shorter"},
        headers={"Idempotency-Key": "back"},
    ).json()
    assert (back["kind"], back["published"], back["digest"]) == ("rollback", True, published.digest)


def offers(client: Client, published: VersionSummary) -> dict[str, dict[str, Any]]:
    """Give what couriers were asked and answered, by courier."""
    items = client.get(f"/plans/{published.plan_id}/offers").json()["items"]
    return {one["courier_id"]: one for one in items}


def test_a_draft_is_drawn_as_it_stands_and_as_it_would_be(dispatcher: Client, draft: dict[str, Any]) -> None:
    """The map of a draft has a line for each route and a point for each stop; another order has another line."""
    features = dispatcher.get(f"/drafts/{draft['id']}/map").json()["features"]
    lines = {one["properties"]["vehicle_id"]: one for one in features if one["properties"]["feature"] == "route"}
    keys = keys_of(dispatcher, draft)
    drawn = [one["properties"]["key"] for one in features if one["properties"].get("vehicle_id") == "v-1"
             and one["properties"]["feature"] == "stop"]  # fmt: skip
    assert drawn == keys
    same = dispatcher.post(f"/drafts/{draft['id']}:draw", json={"orders": {"v-1": keys}}).json()["features"]
    assert same == [lines["v-1"]]
    turned = dispatcher.post(f"/drafts/{draft['id']}:draw", json={"orders": {"v-1": keys[::-1]}}).json()["features"]
    assert turned[0]["geometry"] != lines["v-1"]["geometry"]
    one_route = dispatcher.get(f"/drafts/{draft['id']}/map", params={"vehicle": "v-1"}).json()["features"]
    assert {one["properties"].get("vehicle_id", "v-1") for one in one_route} == {"v-1"}
    unknown = dispatcher.get(f"/drafts/{draft['id']}/map", params={"vehicle": "v-none"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "edit_command")


def test_hh_13_the_courier_pulls_answers_and_the_dispatcher_sees_it(
    services: Services, dispatcher: Client, draft: dict[str, Any], client_of: Callable[[str], Client],
    published: VersionSummary,
) -> None:  # fmt: skip
    """After publishing, the handheld shows the changes; a refusal with its reason reaches the dispatcher."""
    with services.database.begin() as session:
        session.execute(update(User).where(User.role == "courier").values(courier_id="c-1", region="qianjiang"))
    assert {one["state"] for one in offers(dispatcher, published).values()} == {"known"}
    done = edit(dispatcher, draft, "a", command={"kind": "reverse", "vehicle": "v-1"}, override=True, reason="x")
    dispatcher.post(f"/drafts/{draft['id']}:save", json={"publish": True}, headers=headers(done.headers["ETag"], "s"))
    assert offers(dispatcher, published)["c-1"]["state"] == "waiting"
    courier = client_of("courier")
    day = published.day.isoformat()
    route = courier.get("/courier/route", params={"day": day, "seen": published.version_id}).json()
    assert {one["kind"] for one in route["changes"]} <= {"order_moved", "eta_moved"}
    assert route["changes"]
    said = courier.post(
        "/courier/route:answer",
        json={
            "day": day,
            "route_id": route["route_id"],
            "answer": "refused",
            "reason": "bridge",
            "seen": published.version_id,
        },
        headers={"Idempotency-Key": "answer"},
    )
    assert said.status_code == 200, said.text
    (entry,) = dispatcher.get(f"/plans/{published.plan_id}/answers").json()["items"]
    offer = offers(dispatcher, published)["c-1"]
    assert (offer["state"], offer["reason"], len(offer["changes"])) == ("refused", "bridge", len(route["changes"]))
    assert (entry["answer"], entry["reason"], len(entry["changes"])) == ("refused", "bridge", len(route["changes"]))


def test_m_06_an_operation_proposes_and_a_part_is_accepted(dispatcher: Client, draft: dict[str, Any]) -> None:
    """Re-optimising runs as an operation with progress; its proposal is accepted as one edit."""
    done = edit(dispatcher, draft, "a", command={"kind": "reverse", "vehicle": "v-1", "last": 1})
    if done.status_code == 409:
        done = edit(
            dispatcher, draft, "b", command={"kind": "reverse", "vehicle": "v-1", "last": 1}, override=True, reason="x"
        )
    order = {"seconds": 0.6, "level": "vehicle", "budget": {"moved_vehicle": 20}}
    started = dispatcher.post(f"/drafts/{draft['id']}:optimize", json=order, headers={"Idempotency-Key": "o"})
    result = finished(dispatcher, started)
    assert result["chosen"]["within_budget"]
    assert result["unrestricted"]["cost_fen"] <= result["chosen"]["cost_fen"]
    shown = dispatcher.get(f"/drafts/{draft['id']}/proposals/{result['proposal_id']}").json()
    assert shown["body"]["gap_percent"] == result["gap_percent"]
    if result["parts"]:
        accepted = dispatcher.post(
            f"/drafts/{draft['id']}:accept",
            json={"proposal_id": result["proposal_id"], "parts": [0]},
            headers=headers(done.headers["ETag"], "acc"),
        )
        assert accepted.status_code == 200, accepted.text
        assert accepted.json()["draft"]["figures"]["cost_fen"] == result["chosen"]["cost_fen"]


def test_m_06_an_event_is_planned_and_published(
    dispatcher: Client, draft: dict[str, Any], published: VersionSummary
) -> None:
    """Freight that comes two hours late is one request: routes depart later, and the outcome is in force."""
    body = {
        "event": {"kind": "late_trunk", "all": True, "ready_s": 36_000},
        "publish": True,
        "optimize": {"seconds": 0.6},
    }
    started = dispatcher.post(f"/plans/{published.plan_id}:event", json=body, headers={"Idempotency-Key": "e"})
    result = finished(dispatcher, started)
    assert result["published"] is not None
    routes = dispatcher.get(f"/versions/{result['published']}/routes").json()["items"]
    assert min(route["start_s"] for route in routes) >= 36_000
    assert dispatcher.get(f"/plans/{published.plan_id}/state").json()["state"] == "published"


def test_places_and_explanations_answer_a_stop_or_a_parcel(
    dispatcher: Client, draft: dict[str, Any], published: VersionSummary
) -> None:
    """A stop is asked about by its key or by a parcel's id, in a draft and in a version."""
    key = keys_of(dispatcher, draft)[0]
    places = dispatcher.get(f"/drafts/{draft['id']}/places", params={"stop": key}).json()["items"]
    assert [one["added_fen"] for one in places] == sorted(one["added_fen"] for one in places)
    here = dispatcher.get(f"/drafts/{draft['id']}/explanation", params={"stop": key}).json()
    there = dispatcher.get(f"/versions/{published.version_id}/explanation", params={"stop": key}).json()
    assert here["planned"]
    assert there["saving_fen"] == here["saving_fen"]
    assert here["sentence_zh"]


def test_bad_requests_are_named_and_change_nothing(dispatcher: Client, draft: dict[str, Any]) -> None:
    """Unknown stops, kinds, drafts and contradictory locks are problems with a code; the draft has no step."""
    key = keys_of(dispatcher, draft)[0]
    for number, (command, status, code) in enumerate(
        [
            ({"kind": "move", "stops": ["nothing"], "vehicle": "v-1"}, 400, "edit_command"),
            ({"kind": "fly"}, 400, "edit_command"),
            ({"kind": "lock", "stops": [key], "vehicle": "v-9", "level": "vehicle"}, 400, "edit_command"),
        ]
    ):
        answer = edit(dispatcher, draft, f"bad-{number}", command=command)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert dispatcher.get("/drafts/none").json()["code"] == "draft_not_found"
    assert dispatcher.get(f"/drafts/{draft['id']}").json()["steps"] == 0


def test_a_closed_day_takes_no_drafts(dispatcher: Client, draft: dict[str, Any], published: VersionSummary) -> None:
    """Once a plan's day is closed its versions stay as they are."""
    closed = dispatcher.post(
        f"/plans/{published.plan_id}:close", json={"reason": "done"}, headers={"Idempotency-Key": "close"}
    )
    assert closed.json()["state"] == "closed"
    again = dispatcher.post(f"/versions/{published.version_id}/drafts", json={}, headers={"Idempotency-Key": "open-2"})
    assert (again.status_code, again.json()["code"]) == (409, "plan_closed")
