"""A whole day against the real API: everything that goes wrong does, nothing is lost, and it repeats to the byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from api.simulation.options import DayOptions
from api.simulation.run import SimulatedDay, simulate_day

# Two days take some seconds; a machine that must compile the solver first takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def days(grid_regions: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulatedDay, SimulatedDay]:
    """Play the same small day twice."""
    options = DayOptions(
        region="grid", seed=3, parcels=110, companies=3, fleet_for=400, kiosks=5, active_kiosks=3, drop_offs=5,
        orders=4, plan_seconds=0.4, replan_seconds=0.4, failed_percent=20.0, callback_percent=80.0,
    )  # fmt: skip
    homes = [tmp_path_factory.mktemp("day") for _ in range(2)]
    first, second = (simulate_day(options, grid_regions, home) for home in homes)
    return first, second


@pytest.fixture(scope="module")
def report(days: tuple[SimulatedDay, SimulatedDay]) -> Mapping[str, Any]:
    """Give the first day's report."""
    return days[0].report


def test_two_days_of_one_seed_are_equal_to_the_byte(days: tuple[SimulatedDay, SimulatedDay]) -> None:
    """Whoever plays a day again sees the very same day."""
    first, second = days
    assert json.dumps(first.report, sort_keys=True) == json.dumps(second.report, sort_keys=True)
    assert first.digest == second.digest
    assert first.pages == second.pages


def test_cus_21_22_23_every_parcel_is_accounted_for(report: Mapping[str, Any]) -> None:
    """In the evening the office, the deliveries and every vehicle balance, and no parcel is unexplained."""
    found = report["account"]
    assert found["unexplained"] == {}
    assert [one for one in found["identities"] if not one["holds"]] == []
    assert {one["code"] for one in found["identities"]} == {"CUS-21", "CUS-22", "CUS-23"}
    assert sum(found["places"].values()) == found["parcels"] == 110 + 5 + 4
    assert report["refused_reports"] == []
    assert report["ok"]


def test_no_plan_version_is_lost_or_changed(report: Mapping[str, Any]) -> None:
    """Every version of the day is still there, numbered without a gap, and reads as it did when it was made."""
    plan = report["plan"]
    assert plan["lost"] == []
    assert [one["number"] for one in plan["items"]] == list(range(1, plan["versions"] + 1))
    assert all(one["readable"] and one["unchanged"] for one in plan["items"])
    assert plan["versions"] > len(report["incidents"])


def test_everything_that_was_to_go_wrong_went_wrong(report: Mapping[str, Any]) -> None:
    """The day had a late trunk run, new orders, a landslide and a breakdown, each with what it disturbed."""
    kinds = {one["kind"] for one in report["incidents"]}
    assert {"late_trunk", "new_order", "closed_road", "breakdown"} <= kinds
    assert report["trouble"]["landslide"] is not None
    assert report["trouble"]["breakdown"] is not None
    assert all(set(one["disturbance"]) >= {"moved_vehicle", "dropped"} for one in report["incidents"])


def test_arrivals_are_compared_with_the_plan_that_was_in_force(report: Mapping[str, Any]) -> None:
    """Each stop tells what the morning promised, what was promised when the courier left for it, and what was."""
    assert report["stops"]
    assert all(one["left_s"] >= one["began_s"] >= one["arrived_s"] for one in report["stops"])
    now, morning = report["figures"]["against_plan_in_force"], report["figures"]["against_morning_plan"]
    assert now["stops"] == len(report["stops"]) >= morning["stops"] > 0
    assert report["figures"]["driven_m"] > 0


def test_the_pages_show_map_and_charts_in_both_languages(days: tuple[SimulatedDay, SimulatedDay]) -> None:
    """The report can be looked at in Chinese and in English, and fetches nothing from elsewhere."""
    pages = days[0].pages
    assert set(pages) == {"zh", "en"}
    assert 'lang="zh-CN"' in pages["zh"]
    for text in pages.values():
        assert text.count("<svg") == 4
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_report_and_timings_are_kept_apart(days: tuple[SimulatedDay, SimulatedDay], tmp_path: Path) -> None:
    """What the machine took stands in a file of its own, so that the report's bytes repeat."""
    files = days[0].write(tmp_path / "out")
    assert {path.name for path in files} == {"day.json", "timings.json", "day.zh.html", "day.en.html"}
    assert (tmp_path / "out" / "day.json").read_bytes() == days[1].write(tmp_path / "again")[0].read_bytes()
