"""Habit over HTTP and on the command line: learn, put in force, plan by it, see how steady days are."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from api.cli.main import main
from api.services import Services
from dispatch.plans.service import PlanSettings
from dispatch.plans.summary import VersionSummary

_keys = count(1)


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    return client.post(path, json=body, headers={"Idempotency-Key": f"habit-{next(_keys)}"})


@pytest.fixture
def learned(dispatcher: httpx.Client, published: VersionSummary, two_villages: str, due_day: date) -> dict[str, Any]:
    """Learn a version from the published day, to hold from the next day on."""
    body = {"region": two_villages, "valid_from": (due_day + timedelta(days=1)).isoformat()}
    made = _post(dispatcher, "/habit:learn", body | {"rule": {"territory_fen": 400}})
    assert made.status_code == 201, made.text
    return made.json()


def test_learned_habit_is_shown_and_put_in_force(
    dispatcher: httpx.Client, learned: dict[str, Any], two_villages: str
) -> None:
    """A version is listed with its price, its sections can be read and drawn, and accepting it twice is once."""
    version = f"/habit/versions/{learned['id']}"
    assert learned["rule"]["territory_fen"] == 400
    section = dispatcher.get(version).json()["sections"][0]
    assert {stop["name"] for stop in section["stops"]} <= {"东村", "西村"}
    drawn = dispatcher.get(f"{version}/map").json()
    assert {one["properties"]["kind"] for one in drawn["features"]} >= {"place"}
    assert all(one["remedy"] for one in dispatcher.get(f"{version}/findings").json()["items"])
    first = _post(dispatcher, "/habit:accept", {"version_id": learned["id"], "reason": "spring"})
    again = _post(dispatcher, "/habit:accept", {"version_id": learned["id"]})
    assert first.status_code == again.status_code == 200, first.text
    listed = dispatcher.get("/habit/versions", params={"region": two_villages}).json()
    assert (listed["accepted"], listed["items"][0]["accepted"]) == (learned["id"], True)


def test_a_plan_made_by_habit_says_how_steady_it_is(
    dispatcher: httpx.Client, services: Services, learned: dict[str, Any], two_villages: str, due_day: date
) -> None:
    """The next day's plan carries rule and stability, and the published day appears in the row of days."""
    _post(dispatcher, "/habit:accept", {"version_id": learned["id"]})
    tomorrow = due_day + timedelta(days=1)
    made = services.planner.make_plan(two_villages, tomorrow, actor="user:t", settings=PlanSettings(seconds=0.3))
    services.planner.publish(made.version_id, actor="user:t")
    one = dispatcher.get(f"/versions/{made.version_id}/stability").json()
    assert one["basis"] == "habit 1"
    assert one["habitual_share"] == 1.0
    assert one["planned_with"]["rule"]["territory_fen"] == 400
    span = {"region": two_villages, "first": due_day.isoformat(), "last": tomorrow.isoformat()}
    days = dispatcher.get("/habit/stability", params=span).json()["items"]
    assert [(day["day"], day["plan_version_id"]) for day in days] == [(tomorrow.isoformat(), made.version_id)]


def test_designing_is_long_work(
    dispatcher: httpx.Client, published: VersionSummary, two_villages: str, due_day: date, carry_out: Callable[..., Any]
) -> None:
    """A dispatcher starts a design, follows it and gets a version with its measured spread; too many is refused."""
    body = {"region": two_villages, "valid_from": (due_day + timedelta(days=1)).isoformat(), "count": 1}
    done = carry_out(dispatcher, "/habit:design", body)
    assert done["state"] == "succeeded", done["problem"]
    assert done["result"]["figures"]["connected"] is True
    failed = carry_out(dispatcher, "/habit:design", body | {"count": 9})
    assert (failed["state"], failed["problem"]["code"]) == ("failed", "habit_model")


def test_edited_sections_are_taken_or_refused_by_name(
    dispatcher: httpx.Client, learned: dict[str, Any], two_villages: str
) -> None:
    """What was read can be sent back; a village nobody knows, a contradictory bound and an unknown field are named."""
    document = dispatcher.get(f"/habit/versions/{learned['id']}").json()
    body = {"region": two_villages, "valid_from": document["valid_from"], "sections": document["sections"]}
    taken = _post(dispatcher, "/habit:import", body)
    assert taken.status_code == 201, taken.text
    document["sections"][0]["stops"].append({"place_id": "nowhere"})
    unknown = _post(dispatcher, "/habit:import", body | {"sections": document["sections"]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "master_route_place")
    rule = {"territory_fen": 0, "most_moved_percent": 5}
    bound = _post(dispatcher, "/habit:price", {"version_id": learned["id"], "rule": rule})
    assert (bound.status_code, bound.json()["code"]) == (422, "habit_bound")
    free = _post(dispatcher, "/habit:price", {"version_id": learned["id"], "rule": {"territory_fen": 0}})
    assert free.json()["rule"]["most_moved_percent"] is None
    assert _post(dispatcher, "/habit:price", {"version_id": "none", "rule": {}}).status_code == 404


def test_couriers_do_not_draw_sections(client_of: Callable[[str], httpx.Client], learned: dict[str, Any]) -> None:
    """Whose village it is decides the dispatcher."""
    assert _post(client_of("courier"), "/habit:accept", {"version_id": learned["id"]}).status_code == 403


def test_habit_is_a_command_with_pictures(
    services: Services,
    published: VersionSummary,
    two_villages: str,
    due_day: date,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`cunda habit` learns, shows, exports, imports, prices and measures, with a map and a chart."""
    monkeypatch.setenv("CUNDA_HOME", str(services.settings.home))
    services.database.close()
    tomorrow = (due_day + timedelta(days=1)).isoformat()
    span = ["--region", two_villages, "--from", tomorrow, "--json"]
    assert main(["habit", "learn", "--accept", "--rule", "territory_fen=200", *span]) == 0
    version = json.loads(capsys.readouterr().out)["version_id"]
    svg, geojson, saved = tmp_path / "map.svg", tmp_path / "map.geojson", tmp_path / "sections.json"
    files = ["--svg", str(svg), "--geojson", str(geojson)]
    assert main(["habit", "show", "--region", two_villages, "--version", version, "--json", *files]) == 0
    saved.write_text(capsys.readouterr().out, encoding="utf-8")
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert json.loads(geojson.read_text(encoding="utf-8"))["type"] == "FeatureCollection"
    assert main(["habit", "import", str(saved), *span]) == 0
    capsys.readouterr()
    assert main(["habit", "price", version, "--rule", "territory_fen=0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rule"]["most_moved_percent"] is None
    assert main(["habit", "price", version, "--rule", "territory_fen=many"]) == 2
    assert "territory_fen=many" in capsys.readouterr().err
    assert main(["habit", "check", "--region", two_villages, "--version", version]) == 0
    days = ["--from", due_day.isoformat(), "--until", tomorrow, "--svg", str(svg)]
    assert main(["habit", "stability", "--region", two_villages, *days]) == 0
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert main(["habit", "design", "--count", "1", *span]) == 0
