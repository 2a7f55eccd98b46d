"""The dispatcher's console in a real browser, against the real server."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def planning(published: Any, browse: Any) -> Any:
    """A dispatcher plans and publishes the day after the published one, in Chinese, then switches to English."""
    return browse("planDay", day=published.open_day.isoformat())


@pytest.fixture(scope="module")
def keyboard(published: Any, browse: Any) -> Any:
    """A dispatcher opens a route, a stop and its parcels without a mouse."""
    return browse("byKeyboard")


def _quiet(seen: Any) -> None:
    assert seen.outside == [], "the browser asked another origin than ours"
    assert seen.complaints == []


def test_web_02_planning_and_publishing_a_day_asks_nobody_but_our_server(world: Any, planning: Any):
    """A dispatcher plans a day and publishes it, in Chinese and in English, without leaving our server."""
    seen = planning
    _quiet(seen)
    assert seen.result["draft"]["published"] == "false"
    assert seen.result["published"] == "true"
    assert seen.result["routes"] == seen.result["timelineRows"] > 0
    assert seen.result["assigned"] == str(world.planned_parcels(world.open_day))
    assert (seen.result["language"], seen.result["stored"]) == ("zh-CN", "en")
    assert seen.pictures == ["console-en.png", "console-zh.png"]


def test_web_01_the_map_without_tiles_names_where_its_roads_are_from(world: Any, planning: Any):
    """The map draws our own road network, and says where it comes from."""
    region = world.services.regions.load("demo")
    assert planning.result["attribution"] == region.attribution


def test_web_11_a_route_and_its_parcels_are_reached_with_the_keyboard_alone(keyboard: Any):
    """Without a mouse one opens a route, a stop and its parcels; list, map and timeline show the same choice."""
    seen = keyboard
    _quiet(seen)
    assert seen.result["pressed"] == "true"
    assert seen.result["timelinePressed"] == 1
    assert seen.result["moved"], "arrow keys walk along the timeline"
    assert seen.result["parcels"] >= 1
    assert "route=" in seen.result["hash"]
    assert "stop=" in seen.result["hash"]


def test_the_console_shows_no_recipient_in_clear(keyboard: Any):
    """Names and phone numbers in a stop's parcels are masked."""
    people = keyboard.result["phones"]
    assert people
    assert all("*" in person for person in people)


def test_web_12_screens_have_no_serious_accessibility_mistake(planning: Any, keyboard: Any):
    """An automatic check of contrast, names and roles finds nothing serious on the dispatcher's screens."""
    assert planning.result["mistakes"] == []
    assert keyboard.result["mistakes"] == []


def test_a_drop_off_put_on_a_route_shows_without_reloading_the_page(published: Any, browse: Any):
    """While the dispatcher looks at the live tab, a kiosk's parcel appears with its place, and the figures follow."""
    dropped: list[Any] = []
    seen = browse("watchDay", act=lambda: dropped.append(published.drop_off(1)))
    _quiet(seen)
    assert int(seen.result["after"].replace(",", "")) == int(seen.result["before"].replace(",", "")) + 1
    assert any(dropped[0].waybill in row for row in seen.result["feed"])
    assert any("寄件已插入路线" in row for row in seen.result["feed"])
    assert not seen.result["reloaded"]


def test_the_search_answers_where_a_parcel_is(published: Any, browse: Any):
    """A waybill typed behind a slash gives place, custodian, since when and what next; an unknown one is told so."""
    waybill = published.parcel(published.route(1).parcel_ids[0]).waybill
    seen = browse("findParcel", waybill=waybill)
    _quiet(seen)
    assert all(word in seen.result["answer"] for word in ("位置", "责任人", "起始时间", "下一步", "已预报"))
    assert "没有找到" in seen.result["unknown"]


def test_distances_without_roads_are_labelled_as_estimates(world: Any, browse: Any):
    """A region imported without roads says on the map that its distances are estimated."""
    seen = browse("regionWithoutRoads", region=world.without_roads)
    _quiet(seen)
    assert "按直线估算，无路网" in seen.result["label"]


def test_web_13_a_refused_login_is_explained_in_both_languages(world: Any, browse: Any):
    """A wrong password is explained in Chinese and, after switching, in English."""
    seen = browse("wrongPassword")
    assert seen.result["zh"] == "用户名或密码不正确。"
    assert seen.result["en"] == "User name and password do not belong together."


def test_a_station_sees_its_parcels_and_finds_one(published: Any, browse: Any):
    """The station's screen lists the parcels it holds or expects, of every company, and finds one by its waybill."""
    seen = browse("stationList", waybill=published.drop_off(0).waybill)
    _quiet(seen)
    assert seen.result["all"] >= 1
    assert seen.result["found"] == 1
    assert seen.result["mistakes"] == []


def test_web_12_every_page_fits_a_phone_and_a_desk_in_both_languages(published: Any, browse: Any):
    """Each page of the menu is opened by keyboard, narrow and wide: nothing sticks out and nothing is unlabelled."""
    seen = browse("everyPage")
    assert seen.outside == [], "the browser asked another origin than ours"
    assert seen.complaints == []
    assert {"plan", "edit", "answers", "county"} <= set(seen.result["views"])
    assert seen.result["wrong"] == []
