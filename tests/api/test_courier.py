"""A courier's handheld: pulls the route, reports what happened, learns what changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from api.auth.model import User
from api.services import Services
from dispatch.custody.events import NewCustodyEvent
from dispatch.parcels.service import NewCollection
from dispatch.plans.summary import VersionSummary
from kernel.clock import rfc3339
from kernel.ids import SystemIds

DAY = "2026-03-04"


@pytest.fixture
def courier(client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    """Give the handheld of courier c-1."""
    return client_of("courier")


def _pull(client: httpx.Client, etag: str | None = None, **params: str) -> httpx.Response:
    headers = {"If-None-Match": etag} if etag else {}
    return client.get("/courier/route", params={"day": DAY, **params}, headers=headers)


def _fact(services: Services, kind: str, parcel_id: str, **more: Any) -> dict[str, Any]:
    moment = rfc3339(services.clock.now() + timedelta(hours=2), "Asia/Shanghai")
    return {"event_id": SystemIds().new(), "kind": kind, "parcel_id": parcel_id, "day": DAY, "fact_at": moment, **more}


def _report(client: httpx.Client, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post("/courier/events", json={"events": list(rows)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def _a_parcel(client: httpx.Client) -> str:
    return str(_pull(client).json()["stops"][0]["parcels"][0]["id"])


def _drop_off(services: Services, region: str) -> str:
    """Let a customer leave a parcel at the kiosk, and insert it as the desk does."""
    new = NewCollection(
        region=region, company_id="yunlu", waybill="KIOSK1", place_id="429005100201", product="return",
        due_day=services.clock.now().date(), weight_g=800, volume_cm3=3000, channel="cabinet",
        channel_site_id="kiosk-1", lon=112.912, lat=30.412,
    )  # fmt: skip
    with services.database.begin() as session:
        parcel_id = services.parcels.register_collection(session, new)
        accepted = NewCustodyEvent(
            "accepted_from_sender", services.clock.now(), "device:kiosk-1", parcel_id, place="site:kiosk-1",
            from_custodian="sender", to_custodian="site:kiosk-1",
        )  # fmt: skip
        services.ledger.append(session, accepted)
    return parcel_id


def test_a_route_is_pulled_whole(courier: httpx.Client, published: VersionSummary) -> None:
    """A courier gets the stops in order with parcels, arrival times and a line, names and phones masked."""
    answer = _pull(courier)
    assert answer.status_code == 200
    route = answer.json()
    assert route["courier_id"] == "c-1"
    assert [stop["position"] for stop in route["stops"]] == list(range(len(route["stops"])))
    parcels = [parcel for stop in route["stops"] for parcel in stop["parcels"]]
    assert len(parcels) == 12
    assert {parcel["recipient_name"] for parcel in parcels} == {"张*"}
    assert "15412345678" not in answer.text
    assert route["stops"][0]["arrival"].startswith("2026-03-04T")
    assert route["geometry"]["type"] == "LineString"


def test_nothing_is_sent_twice(courier: httpx.Client, published: VersionSummary) -> None:
    """A handheld that has the route gets an empty answer until something changes."""
    first = _pull(courier)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    again = _pull(courier, tag)
    assert (again.status_code, again.content) == (304, b"")
    assert _pull(courier, '"other"').status_code == 200


def test_hh_03_each_row_is_answered_for_itself(
    courier: httpx.Client, services: Services, published: VersionSummary
) -> None:
    """Good rows are stored once, a repeat is a duplicate, and a senseless row holds up no other."""
    parcel = _a_parcel(courier)
    good = _fact(services, "loaded", parcel)
    senseless = _fact(services, "loaded", "no-such-parcel")
    malformed = {"event_id": SystemIds().new(), "kind": "eaten", "extra": 1}
    items = _report(courier, good, senseless, malformed, {})
    assert [item["outcome"] for item in items] == ["stored", "rejected", "rejected", "rejected"]
    assert [item["event_id"] for item in items] == [
        good["event_id"], senseless["event_id"], malformed["event_id"], None,
    ]  # fmt: skip
    assert items[1]["problem"]["code"] == "parcel_not_on_route"
    pointers = {error["pointer"] for error in items[2]["problem"]["errors"]}
    assert {"/kind", "/extra", "/parcel_id"} <= pointers
    assert [item["outcome"] for item in _report(courier, good)] == ["duplicate"]


def test_hh_05_another_content_under_the_same_id_is_refused(
    courier: httpx.Client, services: Services, published: VersionSummary
) -> None:
    """Nobody can rewrite a stored fact by sending its id again with something else."""
    parcel = _a_parcel(courier)
    loaded = _fact(services, "loaded", parcel)
    _report(courier, loaded)
    (item,) = _report(courier, loaded | {"kind": "delivered"})
    assert item["outcome"] == "rejected"
    assert item["problem"]["code"] == "event_conflict"


def test_an_outcome_shows_in_ledger_and_route(
    courier: httpx.Client, dispatcher: httpx.Client, services: Services, published: VersionSummary
) -> None:
    """After a delivery the ledger names the recipient, and the courier's route shows the stop as done."""
    tag = _pull(courier).headers["ETag"]
    parcel = _a_parcel(courier)
    _report(courier, _fact(services, "loaded", parcel), _fact(services, "delivered", parcel))
    (found,) = dispatcher.get(f"/parcels/{parcel}/custody").json()["items"]
    assert (found["status"], found["who"], found["next_step"]) == ("delivered", "recipient", "none")
    assert found["history"][-1]["actor"] == "courier:c-1"
    changed = _pull(courier, tag)
    assert changed.status_code == 200
    assert changed.json()["stops"][0]["done"]


def test_m_12_a_failed_attempt_needs_cause_and_next_action(
    courier: httpx.Client, services: Services, published: VersionSummary
) -> None:
    """A courier cannot report a failure without saying why and what comes next."""
    parcel = _a_parcel(courier)
    (item,) = _report(courier, _fact(services, "attempted", parcel))
    assert item["outcome"] == "rejected"
    assert item["problem"]["code"] == "custody_event"
    (item,) = _report(courier, _fact(services, "attempted", parcel, cause="NOBODY_HOME", next_action="redeliver"))
    assert item["outcome"] == "stored"


def test_api_13_the_courier_comes_from_the_login(
    courier: httpx.Client, services: Services, published: VersionSummary
) -> None:
    """Nobody can report in another courier's name: the body has no such field, and the login decides."""
    parcel = _a_parcel(courier)
    (item,) = _report(courier, _fact(services, "loaded", parcel) | {"courier_id": "c-2"})
    assert item["outcome"] == "rejected"
    with services.database.begin() as session:
        session.execute(update(User).where(User.username == "courier-1").values(courier_id="c-2"))
    assert _pull(courier).json()["code"] == "unknown_courier"
    with services.database.begin() as session:
        session.execute(update(User).where(User.username == "courier-1").values(courier_id=None))
    assert _pull(courier).json()["code"] == "no_courier"


def test_a_drop_off_shows_in_the_next_pull(
    courier: httpx.Client, services: Services, published: VersionSummary
) -> None:
    """A parcel handed in at a kiosk joins the route that passes; the stops that were there keep their order."""
    before = _pull(courier)
    parcel = _drop_off(services, published.region)
    assert _pull(courier, before.headers["ETag"]).status_code == 304
    services.planner.insert_collections(published.region, published.day, [parcel], actor="system:test")
    after = _pull(courier, before.headers["ETag"], seen=before.json()["version_id"])
    assert after.status_code == 200
    old = [(stop["key"], stop["label"]) for stop in before.json()["stops"]]
    new = [(stop["key"], stop["label"]) for stop in after.json()["stops"]]
    assert [entry for entry in new if entry in old] == old
    assert [change["kind"] for change in after.json()["changes"]] == ["stop_added"]
    assert after.json()["changes"][0]["parcel_ids"] == [parcel]


def test_a_day_without_a_route_is_not_found(courier: httpx.Client, due_day: object) -> None:
    """Before anything is published a courier is told that there is no route yet."""
    assert _pull(courier).json()["code"] == "no_route"


def test_too_many_rows_are_refused(courier: httpx.Client) -> None:
    """A batch has at most 500 rows; the handheld sends the rest afterwards."""
    answer = courier.post("/courier/events", json={"events": [{}] * 501})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/events"


def test_m_11_the_route_says_what_has_to_be_shown(published: VersionSummary, client_of: Callable[[str], httpx.Client]):
    """Each parcel at a stop tells its product, what its hand-over needs here, and until when it is promised."""
    route = client_of("courier").get("/courier/route", params={"day": "2026-03-04"}).json()
    parcel = route["stops"][0]["parcels"][0]
    assert parcel["products"] == ["village_standard"]
    assert parcel["evidence"] == {"photo": "enabled", "signature": "enabled"}
    assert (parcel["bring"], parcel["deadline_at"]) == ([], "2026-03-04T20:00:00+08:00")
