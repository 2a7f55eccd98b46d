"""The trials of stations and their codes, small."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.trials.station import TRIALS
from benchmarks.trials.trial import Trial, TrialSettings, run_one


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_trial_of_stations_holds(trial: Trial, tmp_path: Path) -> None:
    """Every figure of the trial is as required, at its small size."""
    report = run_one(trial, TrialSettings(folder=tmp_path, scale="small"))
    missed = [f"{one.name}: {one.measured}, required {one.required}" for one in report.result.figures if not one.held]
    assert (report.error, missed, report.outcome) == ("", [], "held")
