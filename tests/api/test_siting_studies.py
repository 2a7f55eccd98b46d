"""Siting studies over HTTP: made, kept, and held against the drop-offs that came later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.services import Services
from dispatch.parcels.model import CABINET, COLLECT, Company, Parcel
from lockers.registry.model import Site

Following = Callable[[httpx.Client, str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def study(dispatcher: httpx.Client, two_villages: str, due_day: date, carry_out: Following) -> dict[str, Any]:
    """Give a study of two new kiosks in the county where one stands already."""
    order = {"region": two_villages, "budget": 2, "within_min": 5.0}
    done = carry_out(dispatcher, "/siting:plan", order)
    assert done["state"] == "succeeded", done["problem"]
    found: dict[str, Any] = dispatcher.get(f"/siting/{done['result']['study_id']}").json()
    return found


@pytest.fixture
def take_in(services: Services, two_villages: str) -> Callable[[str, date, int], None]:
    """Give a function that stores drop-offs of a kiosk on a day."""

    def store(kiosk: str, day: date, count: int) -> None:
        with services.database.begin() as session:
            assert session.get(Company, "yunlu") is not None
            for number in range(count):
                session.add(
                    Parcel(
                        id=f"{kiosk}-{day}-{number}", region=two_villages, company_id="yunlu",
                        waybill=f"D{kiosk}{day}{number}", product="standard", direction=COLLECT, channel=CABINET,
                        channel_site_id=kiosk, place_id="429005100201", weight_g=500, volume_cm3=900, due_day=day,
                        imported_at=services.clock.now(),
                    )
                )  # fmt: skip

    return store


def test_a_study_is_kept_with_its_kiosks_forecasts_and_map(
    study: dict[str, Any], dispatcher: httpx.Client, two_villages: str
) -> None:
    """What was proposed can be read again: kiosks with expected drop-offs, what was asked, and a map."""
    new = [one for one in study["document"]["sites"] if not one["existing"]]
    assert new
    assert all(one["drop_offs_low"] <= one["drop_offs_a_day"] <= one["drop_offs_high"] for one in new)
    assert study["request"]["budget"] == 2
    kinds = {feature["properties"]["kind"] for feature in study["document"]["map"]["features"]}
    assert kinds == {"kiosk", "demand"}
    listed = dispatcher.get("/siting", params={"region": two_villages}).json()["items"]
    assert [(one["id"], one["number"]) for one in listed] == [(study["id"], 1)]


def test_forecasts_are_held_against_what_came(
    study: dict[str, Any], dispatcher: httpx.Client, services: Services, two_villages: str,
    take_in: Callable[[str, date, int], None],
) -> None:  # fmt: skip
    """A kiosk put up where one was proposed is judged by that forecast; drop-offs of earlier days do not count."""
    place = next(one for one in study["document"]["sites"] if not one["existing"])
    made = date.fromisoformat(study["day"])
    with services.database.begin() as session:
        session.add(
            Site(
                id="kiosk-9", region=two_villages, kind="kiosk", scene=place["scene"], name="新柜",
                place_id=place["place_id"], lon=place["lon"] + 0.0005, lat=place["lat"], compartments={}, opening=[],
                status="active", registered_at=services.clock.now() + timedelta(days=1),
            )
        )  # fmt: skip
    take_in("kiosk-9", made, 50)
    for day in range(1, 11):
        take_in("kiosk-9", made + timedelta(days=day), 40)
    facts = dispatcher.get(f"/siting/{study['id']}/facts").json()
    (row,) = [one for one in facts["kiosks"] if one["site_id"] == "kiosk-9"]
    assert (row["actual"], row["days"], row["standing"]) == (400, 10.0, "above")
    assert row["expected"] == pytest.approx(10 * place["drop_offs_a_day"], rel=0.01)


def test_a_kiosk_that_takes_in_nothing_is_listed(
    dispatcher: httpx.Client, due_day: date, two_villages: str, take_in: Callable[[str, date, int], None]
) -> None:
    """A kiosk with its last drop-off weeks ago sleeps; every kiosk with a history is watched."""
    take_in("kiosk-1", due_day - timedelta(days=60), 3)
    take_in("other", due_day, 1)  # the calendar goes on, of a site that is not registered
    asleep = dispatcher.get("/siting/sleepers", params={"region": two_villages, "days": 28}).json()
    assert asleep["watched"] == 1
    assert [(one["site_id"], one["drop_offs"], one["days"]) for one in asleep["items"]] == [("kiosk-1", 0, 28.0)]


def test_what_cannot_be_sited_is_said_at_once(dispatcher: httpx.Client, two_villages: str) -> None:
    """A scene nobody knows and a region that is not there are problems with a remedy; no study is kept."""
    seen = [{"id": "a", "name": "药房", "scene": "bank", "lon": 112.9, "lat": 30.4}]
    head = {"Idempotency-Key": "one"}
    order = {"region": "nowhere", "budget": 1}
    assert dispatcher.post("/siting:plan", json=order, headers=head).status_code == 404
    assert dispatcher.get("/siting/nothing").json()["code"] == "siting_study_not_found"
    bad = dispatcher.post(
        "/siting:plan",
        json={"region": two_villages, "budget": 1, "candidates": seen},
        headers={"Idempotency-Key": "two"},
    )
    assert bad.status_code == 400
    assert "bank" in bad.text
    assert dispatcher.get("/siting", params={"region": two_villages}).json()["items"] == []
