"""The courier's handheld in a real browser, with and without network."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

PHONE = (390, 844)


@pytest.fixture(scope="module")
def in_the_valley(published: Any, browse: Any) -> tuple[Any, Any]:
    """A courier finishes stops with and without signal, and closes the page in between."""
    courier, route = _courier_of(published, 1)
    return browse("workOffline", size=PHONE, courier=courier), route


def _courier_of(world: Any, number: int) -> tuple[dict[str, str], Any]:
    route = world.route(number)
    return world.login(route.courier_id), route


def test_hh_14_work_done_without_signal_waits_on_the_phone_and_arrives_later(published: Any, in_the_valley: Any):
    """A stop finished in a valley survives closing the page there, and reaches the ledger when the signal is back."""
    seen, route = in_the_valley
    assert seen.outside == []
    assert seen.complaints == []
    assert seen.result["afterReload"] == str(seen.result["parcels"]) != "0"
    assert seen.result["afterSignal"] == "0"
    assert seen.result["online"] == "true"
    done = [parcel_id for stop in route.stops[:2] for parcel_id in stop.stop.parcel_ids]
    assert {published.status(parcel_id) for parcel_id in done} <= {"delivered", "stored", "accepted"}


def test_web_12_buttons_of_the_handheld_are_large_enough_for_gloves(in_the_valley: Any):
    """Every button of the handheld is at least 44 pixels high, and an automatic check finds nothing serious."""
    seen, _route = in_the_valley
    assert seen.result["small"] == []
    assert seen.result["mistakes"] == []


def test_a_failed_attempt_needs_a_cause_before_it_can_be_confirmed(published: Any, browse: Any):
    """Not delivered: the confirm button appears only with a cause, and the ledger then knows cause and next action."""
    courier, route = _courier_of(published, 3)
    seen = browse("failedAttempt", size=PHONE, courier=courier)
    assert seen.outside == []
    assert seen.result["before"] == 0
    first = route.stops[0].stop.parcel_ids
    assert {published.status(parcel_id) for parcel_id in first} == {"attempted"}
    assert seen.result["parcels"] == len(first)


def test_hh_20_a_scan_opens_its_parcel_wherever_the_focus_is(published: Any, browse: Any):
    """A scan gun's code opens the parcel's stop and chooses that parcel; a foreign code is said to be foreign."""
    courier, route = _courier_of(published, 4)
    waybill = published.parcel(route.stops[-1].stop.parcel_ids[0]).waybill
    seen = browse("scanGun", size=PHONE, courier=courier, waybill=waybill)
    assert waybill in seen.result["found"]
    assert any(waybill in one for one in seen.result["chosen"])
    assert "不在今天的路线上" in seen.result["unknown"]


def test_hh_13_a_changed_route_waits_until_the_courier_accepts_it(published: Any, browse: Any):
    """A kiosk's parcel put on the route is told as a change; the list stays as it was until the courier accepts it."""
    courier, _route = _courier_of(published, published.drop_off(2).route_number)
    seen = browse("acceptChange", size=PHONE, courier=courier, act=lambda: published.drop_off(2))
    assert seen.outside == []
    assert "新增停靠点" in seen.result["notice"] or "增加" in seen.result["notice"]
    assert seen.result["untouched"] == seen.result["before"]
    kept = [label for label in seen.result["after"] if label in seen.result["before"]]
    assert kept == seen.result["before"]


def test_hh_13_a_refused_change_reaches_the_dispatcher_with_its_reason(published: Any, browse: Any):
    """A courier refuses a change, which needs a reason; the dispatcher's list shows it first and leads to the route."""
    courier, _route = _courier_of(published, published.drop_off(4).route_number)
    seen = browse("refuseChange", size=PHONE, courier=courier, act=lambda: published.drop_off(4))
    assert seen.outside == []
    assert seen.result["changes"] >= 1
    assert seen.result["silent"], "without a reason nothing can be sent"
    assert seen.result["mistakes"] == []
    answers = browse("couriersAnswers")
    assert answers.outside == []
    assert answers.complaints == []
    assert answers.result["states"][0] == "refused"
    assert "道路不通" in answers.result["refused"]
    assert answers.result["mistakes"] == []
