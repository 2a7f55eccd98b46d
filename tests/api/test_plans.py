"""A dispatcher's program plans a day, looks at it and puts it in force."""

from __future__ import annotations

import json
import threading
from datetime import date
from typing import Any

import httpx

from api.services import Services
from dispatch.plans.service import PlanSettings
from dispatch.plans.summary import VersionSummary


def _make(client: httpx.Client, region: str, day: date, key: str = "k", seconds: float = 0.3) -> httpx.Response:
    order = {"region": region, "day": day.isoformat(), "seconds": seconds, "seed": 1}
    return client.post("/plans:make", json=order, headers={"Idempotency-Key": key})


def _listen(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """Read a stream of long work to its end; give the data of each event."""
    with client.stream("GET", path, timeout=120) as answer:
        return [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]


def _publish(client: httpx.Client, plan_id: str, version_id: str, key: str, etag: str | None) -> httpx.Response:
    headers = {"Idempotency-Key": key} | ({"If-Match": etag} if etag else {})
    return client.post(f"/plans/{plan_id}:publish", json={"version_id": version_id}, headers=headers)


def test_api_08_a_day_is_planned_as_long_work(dispatcher: httpx.Client, two_villages: str, due_day: date) -> None:
    """A program starts the planning, follows it to its end and finds every parcel on a route or with a reason."""
    started = _make(dispatcher, two_villages, due_day)
    assert started.status_code == 202
    location = started.headers["Location"].removeprefix("/api/v1")
    events = _listen(dispatcher, location + "/events")
    assert events[-1]["state"] == "succeeded"
    stages = {event["stage"] for event in events if "stage" in event}
    assert "solve" in stages
    ended = dispatcher.get(location).json()
    assert ended["best_cost_fen"] > 0
    made = ended["result"]
    assert made["parcels_planned"] + made["parcels_unassigned"] == 12
    assert made["source"] == "geodesic"
    assert not made["published"]
    replayed = _make(dispatcher, two_villages, due_day)
    assert replayed.json()["id"] == started.json()["id"]
    assert replayed.headers["Idempotency-Replayed"] == "true"


def test_a_day_without_parcels_fails_with_its_reason(
    dispatcher: httpx.Client, two_villages: str, due_day: date
) -> None:
    """Planning a day on which nothing is due ends with a code that says so, and stores nothing."""
    started = _make(dispatcher, two_villages, date(2020, 1, 1))
    events = _listen(dispatcher, started.headers["Location"].removeprefix("/api/v1") + "/events")
    assert events[-1]["state"] == "failed"
    assert events[-1]["problem"]["code"] == "nothing_due"
    assert dispatcher.get("/plans", params={"region": two_villages}).json()["items"] == []
    assert _make(dispatcher, "atlantis", due_day, key="k2").json()["code"] == "region_not_found"


def test_api_08_a_cancelled_search_keeps_its_best_plan(
    dispatcher: httpx.Client, two_villages: str, due_day: date
) -> None:
    """A dispatcher who cannot wait an hour stops the search and gets the plan found until then."""
    started = _make(dispatcher, two_villages, due_day, seconds=3600).json()
    for _ in range(4000):  # the first search of this process may have to compile
        if dispatcher.get(f"/operations/{started['id']}").json()["stage"] == "solve":
            break
        threading.Event().wait(0.05)
    dispatcher.post(f"/operations/{started['id']}:cancel")
    events = _listen(dispatcher, f"/operations/{started['id']}/events")
    assert events[-1]["state"] == "cancelled"
    assert events[-1]["result"]["parcels_planned"] == 12


def test_api_04_publishing_needs_the_present_state(
    dispatcher: httpx.Client, services: Services, published: VersionSummary, two_villages: str, due_day: date
) -> None:
    """A plan is put in force only by somebody who has seen what is in force; a retry is done once."""
    newer = services.planner.make_plan(two_villages, due_day, actor="user:test", settings=PlanSettings(seconds=0.2))
    path = f"/plans/{published.plan_id}"
    assert _publish(dispatcher, published.plan_id, newer.version_id, "a", None).status_code == 428
    stale = _publish(dispatcher, published.plan_id, newer.version_id, "b", '"something old"')
    assert stale.status_code == 412
    etag = dispatcher.get(path).headers["ETag"]
    assert stale.json()["params"]["etag"] == etag
    done = _publish(dispatcher, published.plan_id, newer.version_id, "c", etag)
    assert done.status_code == 200
    assert done.json()["published"]
    assert dispatcher.get(path).json()["in_force"] == newer.version_id
    retry = _publish(dispatcher, published.plan_id, newer.version_id, "c", etag)
    assert (retry.status_code, retry.json()) == (200, done.json())
    unknown = _publish(dispatcher, published.plan_id, "none", "d", dispatcher.get(path).headers["ETag"])
    assert unknown.json()["code"] == "plan_version_not_found"


def test_two_dispatchers_cannot_overwrite_each_other(
    dispatcher: httpx.Client, services: Services, published: VersionSummary, two_villages: str, due_day: date
) -> None:
    """Of two versions made from the same plan only the first can be published; the other is told so."""
    first, second = (
        services.planner.make_plan(two_villages, due_day, actor="user:x", settings=PlanSettings(seconds=0.2, seed=seed))
        for seed in (1, 2)
    )
    path = f"/plans/{published.plan_id}"
    assert _publish(
        dispatcher, published.plan_id, first.version_id, "a", dispatcher.get(path).headers["ETag"]
    ).is_success
    late = _publish(dispatcher, published.plan_id, second.version_id, "b", dispatcher.get(path).headers["ETag"])
    assert late.status_code == 412
    assert late.json()["code"] == "stale_plan"


def test_a_version_shows_its_routes_and_its_map(dispatcher: httpx.Client, published: VersionSummary) -> None:
    """A dispatcher sees each route with its stops in order, its parcels and its line on the map."""
    path = f"/versions/{published.version_id}"
    assert dispatcher.get(path).json()["digest"] == published.digest
    (entry,) = dispatcher.get(f"{path}/routes").json()["items"]
    assert entry["parcels"] == 12
    assert entry["start_at"].endswith("+08:00")
    found = dispatcher.get(f"{path}/routes/{entry['number']}").json()
    assert found["route"] == entry
    assert [stop["position"] for stop in found["stops"]] == list(range(len(found["stops"])))
    assert sum(len(stop["deliveries"]) for stop in found["stops"]) == 12
    assert found["geometry"]["type"] == "LineString"
    assert found["geometry_source"] == "geodesic"
    drawn = dispatcher.get(f"{path}/map")
    kinds = [feature["properties"]["kind"] for feature in drawn.json()["features"]]
    assert kinds == ["route", *["stop"] * len(found["stops"])]
    again = dispatcher.get(f"{path}/map", headers={"If-None-Match": drawn.headers["ETag"]})
    assert again.status_code == 304
    assert dispatcher.get(f"{path}/routes/99").status_code == 404


def test_m_07_an_unassigned_parcel_has_its_reason(
    dispatcher: httpx.Client, services: Services, due_day: date, two_villages: str
) -> None:
    """A parcel that is too heavy for every vehicle is listed with the code, the dimension and what would fix it."""
    from api.manifests import ManifestOrder

    text = (
        "company,waybill,recipient_name,recipient_phone,address,village,weight_g\n"
        "yunlu,HEAVY,张三,15412345678,东村1组1号,东村,900000\n"
    )
    report = services.manifests.take_in(text.encode(), "heavy.csv", ManifestOrder(two_villages, "user:test", due_day))
    assert report.added == 1, report.problems
    made = services.planner.make_plan(two_villages, due_day, actor="user:test", settings=PlanSettings(seconds=0.2))
    page = dispatcher.get(f"/versions/{made.version_id}/unassigned").json()
    assert [item["code"] for item in page["items"]] == ["DEMAND_EXCEEDS_VEHICLE_CAPACITY"]
    assert page["items"][0]["dimension"] == "weight_g"
    assert page["items"][0]["sentence_zh"]
    assert page["next_cursor"] is None


def test_a_dispatcher_of_another_county_sees_no_plan(
    dispatcher: httpx.Client, services: Services, published: VersionSummary
) -> None:
    """Plan, version and operation of another county do not exist for a login bound to its own."""
    from sqlalchemy import update

    from api.auth.model import User

    with services.database.begin() as session:
        operation = services.operations.create(session, "plan", "u-1", {"region": published.region}).id
        session.execute(update(User).where(User.username == "dispatcher-1").values(region="elsewhere"))
    for path in (
        f"/plans/{published.plan_id}", f"/versions/{published.version_id}", f"/versions/{published.version_id}/map",
        f"/operations/{operation}",
    ):  # fmt: skip
        assert dispatcher.get(path).status_code == 404
    assert _publish(dispatcher, published.plan_id, published.version_id, "a", '"x"').status_code == 404
