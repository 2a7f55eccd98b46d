"""A county on the screen: its list entry, its places, its roads."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from api.services import Services


def test_a_region_is_listed_with_its_source(two_villages: str, dispatcher: httpx.Client) -> None:
    """A dispatcher sees each region, and that its distances are estimates when it has no roads."""
    items = dispatcher.get("/regions").json()["items"]
    assert [item["name"] for item in items] == [two_villages]
    assert items[0]["source"] == "geodesic"
    assert items[0]["unlocated_count"] == 1
    assert dispatcher.get(f"/regions/{two_villages}").json() == items[0]


def test_places_are_points_on_a_map(two_villages: str, dispatcher: httpx.Client) -> None:
    """Villages with a position are GeoJSON points in WGS-84, the others are listed and not drawn."""
    answer = dispatcher.get(f"/regions/{two_villages}/places")
    found = answer.json()
    names = {feature["properties"]["name"]: feature["geometry"]["coordinates"] for feature in found["features"]}
    assert names["东村"] == [112.91, 30.41]
    assert [place["name"] for place in found["unlocated"]] == ["无坐标村"]
    again = dispatcher.get(f"/regions/{two_villages}/places", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_a_region_without_roads_draws_none(two_villages: str, dispatcher: httpx.Client) -> None:
    """Where there is no road network the map layer is empty instead of invented."""
    assert dispatcher.get(f"/regions/{two_villages}/roads").json()["features"] == []


def test_an_unknown_region_is_not_found(dispatcher: httpx.Client) -> None:
    """A region that was never imported is not found, whatever its name looks like."""
    assert dispatcher.get("/regions/atlantis").json()["code"] == "region_not_found"
    assert dispatcher.get("/regions/..%2f..%2fetc").status_code == 404


def test_a_login_bound_to_a_region_sees_no_other(
    two_villages: str, services: Services, client_of: Callable[[str], httpx.Client]
) -> None:
    """A dispatcher of another county cannot tell that this one exists."""
    from sqlalchemy import update

    from api.auth.model import User

    with services.database.begin() as session:
        session.execute(update(User).where(User.username == "dispatcher-1").values(region="elsewhere"))
    client = client_of("dispatcher")
    assert client.get("/regions").json()["items"] == []
    assert client.get(f"/regions/{two_villages}").status_code == 404
    assert client.get(f"/regions/{two_villages}/places").status_code == 404
