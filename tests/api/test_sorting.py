"""Sort plans over HTTP: what is printed, what a scan is answered, who may ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

import api.tables  # noqa: F401 - every table is known
from api.services import Services
from dispatch.custody.events import NewCustodyEvent
from dispatch.fleet.model import Courier, Vehicle
from dispatch.plans.drafts import Who
from dispatch.plans.repository import PlanRepository
from dispatch.plans.service import PlanSettings
from dispatch.plans.summary import VersionSummary
from dispatch.sorting.desk import SortingDesk
from dispatch.sorting.errors import NoSortPlanError
from kernel.db import Base

REGION = "qianjiang"
DAY = "2026-03-04"
CHUTES = {
    "region": REGION,
    "valid_from": "2026-01-01",
    "chute": [
        {"id": "A1", "distance_m": 1},
        {"id": "A2", "distance_m": 2},
        {"id": "REST", "purpose": "rest", "distance_m": 3},
        {"id": "NO", "purpose": "reject", "distance_m": 1},
    ],
}


@pytest.fixture
def sorted_day(services: Services, due_day: date, dispatcher: httpx.Client) -> VersionSummary:
    """Publish the day with a second van that stays empty, and a table of two chutes."""
    Base.metadata.create_all(services.database.engine)
    with services.database.begin() as session:
        session.add(Courier(id="c-2", region=REGION, name="王芳"))
        session.flush()
        session.add(Vehicle(id="v-2", region=REGION, type_id="van", plate="村A0002", courier_id="c-2"))
    made = services.planner.make_plan(REGION, due_day, actor="user:test", settings=PlanSettings(seconds=0.3))
    loaded = dispatcher.post("/sorting/chutes", json=CHUTES, headers={"Idempotency-Key": "chutes-1"})
    assert loaded.status_code == 201, loaded.text
    return services.planner.publish(made.version_id, actor="user:test")


Scan = Callable[..., dict[str, Any]]


@pytest.fixture
def scan(dispatcher: httpx.Client) -> Scan:
    """Give a scanner at the table."""

    def read(code: str, **more: Any) -> dict[str, Any]:
        answer = dispatcher.get("/sorting/scan", params={"region": REGION, "day": DAY, "code": code, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return read


def _plan(dispatcher: httpx.Client) -> dict[str, Any]:
    answer = dispatcher.get("/sorting/plan", params={"region": REGION, "day": DAY})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _report(services: Services, parcel_id: str, kind: str, **more: Any) -> None:
    event = NewCustodyEvent(kind, services.clock.now(), "user:test", parcel_id=parcel_id, **more)
    with services.database.begin() as session:
        services.ledger.append(session, event)


def test_the_sort_plan_holds_every_delivery_once(sorted_day: VersionSummary, dispatcher: httpx.Client):
    """Every parcel on a published route has one chute, one bag and one place in the vehicle."""
    plan = _plan(dispatcher)
    everything = dispatcher.get("/sorting/export", params={"region": REGION, "day": DAY, "form": "json"}).json()
    assert plan["version_id"] == sorted_day.version_id
    assert plan["parcels"] == len(everything["items"]) == 12
    for route in plan["routes"]:
        mine = [item for item in everything["items"] if item["route"] == route["number"]]
        by_loading = sorted(mine, key=lambda one: one["load_order"])
        assert [item["load_order"] for item in by_loading] == list(range(1, len(mine) + 1))
        positions = [item["stop_position"] for item in by_loading]
        assert positions == sorted(positions, reverse=True), "last in, first out"


def test_the_files_hold_every_parcel(sorted_day: VersionSummary, dispatcher: httpx.Client):
    """The sheet has a line for each parcel; the PDF begins as one and has labels; asking again gives equal bytes."""
    params = {"region": REGION, "day": DAY}
    lines = dispatcher.get("/sorting/export", params=params).content.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + 12
    assert lines[0].startswith("wave,chute,route,")
    first = dispatcher.get("/sorting/export", params=params | {"form": "pdf"})
    assert first.headers["content-type"] == "application/pdf"
    assert first.content.startswith(b"%PDF-")
    assert dispatcher.get("/sorting/export", params=params | {"form": "pdf"}).content == first.content


def test_the_manifest_prints_without_javascript_and_shows_nobody_in_full(
    sorted_day: VersionSummary, dispatcher: httpx.Client
):
    """A route's manifest has barcodes and masked names in both languages, and neither scripts nor foreign addresses."""
    number = _plan(dispatcher)["routes"][0]["number"]
    params = {"region": REGION, "day": DAY, "route": number}
    chinese = dispatcher.get("/sorting/manifest", params=params)
    english = dispatcher.get("/sorting/manifest", params=params | {"language": "en"})
    assert "装车顺序" in chinese.text
    assert "Order of loading" in english.text
    for page in (chinese.text, english.text):
        assert page.count('<svg class="code"') >= 12
        assert "张*" in page
        assert "张三" not in page
        assert "15412345678" not in page
        assert "<script" not in page
        assert "http" not in page
    missing = dispatcher.get("/sorting/manifest", params=params | {"route": 99})
    assert missing.json()["code"] == "no_such_sort_route"


def test_a_scan_names_one_chute(sorted_day: VersionSummary, scan: Scan):
    """A parcel answers its chute in two languages; a stranger, and a parcel in the wrong chute, are told as such."""
    found = scan("yl0001")
    assert (found["outcome"], found["go"], found["chute"]) == ("sort", True, "A1")
    assert (found["sentence_zh"], found["sentence_en"]) == ("放入 A1 格口", "Into chute A1")
    assert found["parcel"]["waybill"] == "YL0001"
    assert scan("YL0001-1-1")["parcel"] == found["parcel"]
    assert scan(found["parcel_id"])["parcel"] == found["parcel"]
    stranger = scan("XX999999")
    assert (stranger["outcome"], stranger["go"], stranger["chute"]) == ("unknown", False, "NO")
    assert "无预报" in stranger["sentence_zh"]
    assert scan("YL0002", at="A1")["outcome"] == "sort"
    wrong = scan("YL0002", at="A2")
    assert (wrong["outcome"], wrong["chute"]) == ("wrong_chute", "A1")
    assert "A2" in wrong["sentence_en"]


def test_what_is_loaded_held_or_finished_is_not_sorted(services: Services, sorted_day: VersionSummary, scan: Scan):
    """What is on a vehicle stays there; what was stopped or delivered goes to the reject chute with the reason."""
    loaded, held, done = (scan(code)["parcel_id"] for code in ("YL0003", "YL0004", "YL0005"))
    _report(services, loaded, "loaded", to_custodian="courier:c-1")
    _report(services, held, "held")
    _report(services, done, "delivered")
    found = scan("YL0003")
    assert (found["outcome"], found["go"], found["chute"]) == ("already_loaded", False, "")
    assert (scan("YL0004")["outcome"], scan("YL0004")["params"]["reason"]) == ("cancelled", "held")
    assert scan("YL0005")["outcome"] == "finished"


def test_a_change_after_publication_is_told(services: Services, sorted_day: VersionSummary, scan: Scan):
    """A stop that moved to the other van goes to that van's chute, and one taken off waits; the rest keeps its own."""
    who, day = Who("user:test", "客户要求"), date.fromisoformat(DAY)
    moving, kept = scan("YL0006"), scan("YL0001")
    second = _edited(services, sorted_day.version_id, moving["parcel_id"], who, {"kind": "move", "vehicle": "v-2"})
    moved = scan("YL0006")
    assert (moved["outcome"], moved["go"], moved["chute"]) == ("changed", True, "A2")
    assert moved["params"]["was"] == "A1"
    assert scan("YL0001")["parcel"]["bag"] == kept["parcel"]["bag"]
    _edited(services, second, kept["parcel_id"], who, {"kind": "remove"})
    off = scan("YL0001")
    assert (off["outcome"], off["params"]["reason_code"], off["chute"]) == ("cancelled", "TAKEN_OFF", "NO")
    assert "TAKEN_OFF" not in off["sentence_zh"]
    followed = services.sorting.sort_plan(REGION, day)
    fresh = SortingDesk(services.database, lambda _: {}).sort_plan(REGION, day)
    assert fresh.digest() == followed.digest(), "a process that reads every publication at once finds the same"


def _edited(services: Services, version_id: str, parcel_id: str, who: Who, edit: dict[str, Any]) -> str:
    """Change one parcel's stop and publish; gives the version in force."""
    draft = services.desk.open(version_id, who, name="change")
    command = edit | {"stops": [_stop_key(services, version_id, parcel_id)]}
    services.desk.edit(draft.id, command, who, override=True)
    return services.desk.save(draft.id, who, publish=True).version_id


def _stop_key(services: Services, version_id: str, parcel_id: str) -> str:
    with services.database.read() as session:
        repository = PlanRepository(session)
        return next(
            one.stop.key
            for stored in repository.routes(repository.version(version_id))
            for one in stored.route.stops
            if parcel_id in one.stop.parcel_ids
        )


def test_a_bad_chute_table_changes_nothing(sorted_day: VersionSummary, dispatcher: httpx.Client):
    """A table with a chute twice is refused whole, and the one in force stays."""
    bad = CHUTES | {"chute": [*CHUTES["chute"], {"id": "A1", "distance_m": 9}]}  # type: ignore[misc]
    refused = dispatcher.post("/sorting/chutes", json=bad, headers={"Idempotency-Key": "chutes-2"})
    assert refused.status_code == 422
    assert refused.json()["code"] == "chute_table"
    present = dispatcher.get("/sorting/chutes", params={"region": REGION, "day": DAY}).json()
    assert present["number"] == 1


def test_nothing_published_is_an_error_with_a_name(services: Services, due_day: date):
    """Before anything is published there is nothing to sort."""
    Base.metadata.create_all(services.database.engine)
    with pytest.raises(NoSortPlanError):
        services.sorting.sort_plan(REGION, due_day)
