"""Two echelons and promised weekdays over HTTP and on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from api.cli.main import main
from api.services import Services

_keys = count(1)


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    return client.post(path, json=body, headers={"Idempotency-Key": f"k{next(_keys)}"})


def test_a_day_is_planned_over_both_echelons(
    dispatcher: httpx.Client, two_villages: str, due_day: date, carry_out: Callable[..., dict[str, Any]]
) -> None:
    """A dispatcher starts it, follows the operation and gets runs, routes and a map; nothing due is lost."""
    body = {"region": two_villages, "day": due_day.isoformat(), "rounds": 2, "iterations": 200, "with_map": True}
    done = carry_out(dispatcher, "/echelons:plan", body)
    assert done["state"] == "succeeded", done["problem"]
    result = done["result"]
    stops = [stop for route in result["routes"] for stop in route["stops"]]
    assert len(stops) == len(set(stops)) > 0
    assert result["left_out"] == []
    assert {feature["properties"]["kind"] for feature in result["map"]["features"]} >= {"route", "stop", "depot"}


def test_freight_goes_by_lorry_when_the_county_says_so(
    dispatcher: httpx.Client, two_villages: str, due_day: date, carry_out: Callable[..., dict[str, Any]]
) -> None:
    """With a network of one depot and no routes from the centre, a trunk run carries everything."""
    network = dispatcher.get("/echelons/network", params={"region": two_villages}).json()
    depot = {"id": "west", "name": "西站", "township_id": "429005100", "lon": 112.89, "lat": 30.39}
    network |= {"direct": False, "depot": [depot]}
    body = {"region": two_villages, "day": due_day.isoformat(), "rounds": 2, "iterations": 200, "network": network}
    done = carry_out(dispatcher, "/echelons:plan", body)
    assert done["state"] == "succeeded", done["problem"]
    assert sum(run["parcels"] for run in done["result"]["runs"]) == 12
    assert {route["depot"] for route in done["result"]["routes"]} == {"west"}


def test_a_township_covered_twice_is_refused(dispatcher: httpx.Client, two_villages: str, due_day: date) -> None:
    """A network with two depots for one township is refused before anything is planned."""
    depots = [
        {"id": name, "name": name, "township_id": "429005100", "lon": 112.9, "lat": 30.4} for name in ("one", "two")
    ]
    network = {"region": two_villages, "depot": depots}
    answer = _post(
        dispatcher, "/echelons:plan", {"region": two_villages, "day": due_day.isoformat(), "network": network}
    )
    assert answer.status_code == 422
    assert "covered by two depots" in answer.text


def test_a_networks_of_another_region_ends_with_a_named_problem(
    dispatcher: httpx.Client, two_villages: str, due_day: date, carry_out: Callable[..., dict[str, Any]]
) -> None:
    """What only planning can see ends the operation with the error's code and remedy."""
    body = {"region": two_villages, "day": due_day.isoformat(), "network": {"region": "elsewhere"}}
    done = carry_out(dispatcher, "/echelons:plan", body)
    assert done["state"] == "failed"
    assert done["problem"]["code"] == "echelon_model"


def test_weekdays_are_planned_accepted_and_listed(
    dispatcher: httpx.Client, two_villages: str, due_day: date, carry_out: Callable[..., dict[str, Any]]
) -> None:
    """A version is made as long work, accepted once however often it is asked, and listed with its patterns."""
    done = carry_out(dispatcher, "/weekdays:plan", {"region": two_villages, "rounds": 1})
    assert done["state"] == "succeeded", done["problem"]
    version = done["result"]["version_id"]
    before = dispatcher.get("/weekdays", params={"region": two_villages}).json()
    assert (before["in_force"], before["items"][0]["id"]) == (None, version)
    first = _post(dispatcher, "/weekdays:accept", {"version_id": version, "reason": "spring"})
    again = _post(dispatcher, "/weekdays:accept", {"version_id": version})
    assert first.status_code == again.status_code == 200, first.text
    assert first.json()["accepted_at"] == again.json()["accepted_at"]
    after = dispatcher.get("/weekdays", params={"region": two_villages}).json()
    assert after["in_force"] == version
    assert len(after["patterns"]) == 2


def test_an_unknown_version_of_weekdays_does_not_exist(dispatcher: httpx.Client) -> None:
    """Accepting what nobody made is answered with 404 and the error's code."""
    answer = _post(dispatcher, "/weekdays:accept", {"version_id": "none"})
    assert (answer.status_code, answer.json()["code"]) == (404, "weekday_version_not_found")


def test_couriers_do_not_choose_weekdays(client_of: Callable[[str], httpx.Client], two_villages: str) -> None:
    """Planning weekdays is a dispatcher's work."""
    answer = _post(client_of("courier"), "/weekdays:plan", {"region": two_villages})
    assert answer.status_code == 403


def test_both_are_commands_with_pictures(
    services: Services,
    two_villages: str,
    due_day: date,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`cunda echelons plan` and `cunda weekdays plan` print what they did and write readable pictures."""
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))
    services.database.close()
    svg, geojson = tmp_path / "map.svg", tmp_path / "map.geojson"
    common = ["--region", two_villages, "--rounds", "1", "--svg", str(svg), "--geojson", str(geojson), "--json"]
    assert main(["echelons", "plan", "--date", due_day.isoformat(), "--iterations", "200", *common]) == 0
    assert json.loads(capsys.readouterr().out)["cost_fen"] > 0
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert json.loads(geojson.read_text(encoding="utf-8"))["type"] == "FeatureCollection"
    assert main(["weekdays", "plan", *common]) == 0
    version = json.loads(capsys.readouterr().out)["version_id"]
    assert main(["weekdays", "accept", version]) == 0
    assert main(["echelons", "network", "--region", two_villages]) == 0
