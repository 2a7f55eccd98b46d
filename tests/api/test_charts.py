"""Charts of reports and maps of plans: what a person can hang on a wall."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from api.charts import BarChart, Panel, chart_of, png_of
from api.cli.main import main
from api.errors import ChartError
from api.plan_picture import region_picture, version_picture
from api.services import Services
from dispatch.plans.summary import VersionSummary

DAYS = {
    "region": "demo",
    "days": [{"day": "Mon", "km": 12, "cost": {"fen": 100}}, {"day": "Tue", "km": -3.5, "cost": {}}],
}


def texts(svg: str) -> list[str]:
    """Give what stands written in a picture."""
    return [one.text or "" for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("text")]


def test_a_chart_finds_rows_names_and_numbers_by_itself() -> None:
    """The first list of a report becomes bars, named by its first text; values are also written."""
    chart = chart_of(json.dumps(DAYS), "week")
    assert chart.labels == ("Mon", "Tue")
    assert [(one.name, one.values) for one in chart.panels] == [("km", (12, -3.5)), ("cost.fen", (100, None))]
    assert {"week", "Mon", "Tue", "km", "12", "-3.5", "–"} <= set(texts(chart.svg()))


def test_a_chart_of_lines_and_of_an_object_of_objects() -> None:
    """A benchmark's file with a document a line, and figures under names, are drawn as well."""
    lines = '{"name": "a", "gap": "1.5 %"}\n{"name": "b", "gap": "2"}\n'
    assert chart_of(lines, "gaps", values=["gap"]).panels[0].values == (1.5, 2.0)
    nested = chart_of(json.dumps({"terms": {"trunk": {"yuan": 3}, "routes": {"yuan": 4}}}), "t", rows="terms")
    assert (nested.labels, nested.panels[0].values) == (("trunk", "routes"), (3.0, 4.0))


@pytest.mark.parametrize("asked", [{"rows": "nights"}, {"label": "weekday"}, {"values": ["hours"]}], ids=str)
def test_what_a_chart_does_not_find_is_named_with_what_there_is(asked: dict[str, Any]) -> None:
    """A misspelt name is refused, and the names there are come along."""
    with pytest.raises(ChartError) as refused:
        chart_of(json.dumps(DAYS), "week", **asked)
    assert refused.value.params["known"]


def test_a_file_that_is_no_json_is_refused() -> None:
    """A file of something else is named as such."""
    with pytest.raises(ChartError, match="no JSON"):
        chart_of("day,km\nMon,12\n", "week")


def test_negative_amounts_run_to_the_left() -> None:
    """A saving is drawn on the other side of the line than a cost."""
    svg = BarChart("gain", ("a", "b"), (Panel("yuan", (5.0, -5.0)),)).svg()
    bars = [one for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("rect")][1:]
    assert float(bars[0].get("x", 0)) == pytest.approx(float(bars[1].get("x", 0)) + float(bars[1].get("width", 0)))


def test_a_plan_and_its_county_are_drawn_and_become_png(services: Services, published: VersionSummary) -> None:
    """The map of a version has every route with its figures; a PNG is made of it without a browser."""
    region = services.regions.load(published.region)
    drawn = version_picture(services, published.version_id, region)
    assert len(drawn.legend) == published.routes
    assert region.attribution in drawn.title
    assert len(region_picture(region).dots) >= 2
    assert png_of(drawn.svg())[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_command_writes_svg_or_png(tmp_path: Path) -> None:
    """The name of the file says which picture is wanted."""
    (tmp_path / "week.json").write_text(json.dumps(DAYS), encoding="utf-8")
    for name in ("week.svg", "week.png"):
        assert main(["chart", str(tmp_path / "week.json"), "--output", str(tmp_path / name)]) == 0
    assert "Mon" in texts((tmp_path / "week.svg").read_text(encoding="utf-8"))
    assert (tmp_path / "week.png").read_bytes()[1:4] == b"PNG"
