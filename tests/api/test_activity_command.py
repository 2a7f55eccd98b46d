"""`cunda activity report` in its three forms."""

from __future__ import annotations

import csv
import io
import json

import pytest

from api.cli.main import main
from lockers.activity import METRICS


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_the_report_is_printed_as_asked(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The day's report is a table for people, CSV for a sheet, or JSON with every definition."""
    assert main(["activity", "report", "--region", "demo", "--date", "2026-03-04", "--format", form]) == 0
    printed = capsys.readouterr().out
    if form == "json":
        assert set(json.loads(printed)["definitions"]) == set(METRICS)
    elif form == "csv":
        (row,) = csv.DictReader(io.StringIO(printed))
        assert (row["group"], row["day"], row["version"]) == ("total", "2026-03-04", "2")
    else:
        assert "demo on 2026-03-04, as of" in printed
        assert "sleeping: none" in printed


def test_a_wrong_form_is_refused_with_what_may_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks for something else is told what there is."""
    assert main(["activity", "report", "--format", "xml"]) == 2
    assert "table, csv or json" in capsys.readouterr().err
