"""Promises over HTTP: flags of a running day, and predictions in the feed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from api.services import Services
from dispatch.plans.summary import VersionSummary
from kernel.clock import ManualClock

Client = Callable[[str], httpx.Client]


def _local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 4, hour - 8, minute, tzinfo=UTC)  # Shanghai


def _lateness(client: httpx.Client, plan_id: str) -> dict[str, Any]:
    answer = client.get(f"/plans/{plan_id}/lateness")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_svc_10_a_day_shows_its_promises(published: VersionSummary, client_of: Client, clock: ManualClock):
    """In the morning nothing is in danger; when nobody reports, prediction, risk and breach come one after another."""
    morning = _lateness(client_of("dispatcher"), published.plan_id)
    assert (morning["promises"], morning["items"]) == (12, [])
    clock.set(_local(19, 59))
    evening = _lateness(client_of("dispatcher"), published.plan_id)
    assert evening["counts"]["at_risk"] == 12
    assert 0 < evening["counts"]["predicted_late"] < 12, "the stop at hand may still make it"
    first = evening["items"][0]
    assert (first["predicted_late"], first["eta_source"], first["basis"]) == (True, "overdue", "manifest")
    assert first["remedies"][0] == "swap"
    clock.set(_local(20, 30))
    night = _lateness(client_of("dispatcher"), published.plan_id)
    assert (night["counts"]["breached"], night["counts"]["open_breaches"]) == (12, 12)


def test_svc_11_late_feedback_shows_both_figures(
    services: Services, published: VersionSummary, client_of: Client, clock: ManualClock
):
    """A delivery made at seven and uploaded at nine counts as known late, not as late."""
    clock.set(_local(19))
    route = client_of("courier").get("/courier/route", params={"day": "2026-03-04"}).json()
    parcel = route["stops"][0]["parcels"][0]["id"]
    clock.set(_local(21))
    report = {
        "event_id": "01958f00-0000-7000-8000-000000000001", "kind": "delivered", "parcel_id": parcel,
        "day": "2026-03-04", "fact_at": _local(19).isoformat(),
    }  # fmt: skip
    answer = client_of("courier").post("/courier/events", json={"events": [report]})
    assert answer.json()["items"][0]["outcome"] == "stored", answer.text
    counts = _lateness(client_of("dispatcher"), published.plan_id)["counts"]
    assert (counts["late_feedback"], counts["breached"], counts["known_breached"]) == (1, 11, 12)


def test_svc_13_a_prediction_is_work_before_the_customer_asks(
    services: Services, published: VersionSummary, client_of: Client, clock: ManualClock
):
    """What becomes late is told once in the feed with what can be done; a courier's late report tells it by itself."""
    clock.set(_local(19, 50))
    courier = client_of("courier")
    parcel = courier.get("/courier/route", params={"day": "2026-03-04"}).json()["stops"][0]["parcels"][0]["id"]
    report = {
        "event_id": "01958f00-0000-7000-8000-000000000002", "kind": "delivered", "parcel_id": parcel,
        "day": "2026-03-04", "fact_at": _local(19, 59).isoformat(),
    }  # fmt: skip
    clock.set(_local(19, 59))
    courier = client_of("courier")
    assert courier.post("/courier/events", json={"events": [report]}).json()["items"][0]["outcome"] == "stored"
    dispatcher = client_of("dispatcher")
    told = _told(dispatcher)
    assert told, "the courier's report alone told the dispatcher"
    assert all(one["body"]["remedies"][-1] == "call" for one in told)
    again = dispatcher.post(f"/plans/{published.plan_id}:watch", headers={"Idempotency-Key": "watch-1"})
    assert again.status_code == 200, again.text
    assert again.json()["begun"] == [], "nothing is told twice"
    assert len(_told(dispatcher)) == len(told)


def _told(client: httpx.Client) -> list[dict[str, Any]]:
    entries = client.get("/events", params={"limit": 500}).json()["items"]
    return [one for one in entries if one["kind"] == "promise.predicted_late"]
