"""Trials of lines and doors, in small: what they measure holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz import SUBJECTS, fuzz
from benchmarks.trials import lines
from benchmarks.trials.trial import TrialSettings


@pytest.mark.parametrize("trial", lines.TRIALS, ids=lambda trial: trial.name)
def test_the_trial_holds_in_small(trial: lines.Trial, tmp_path: Path) -> None:
    """Doors that misbehave are told apart, spoilt lines recover, no corrupt frame is believed."""
    result = trial.run(TrialSettings(tmp_path, scale="small"))
    assert [figure for figure in result.figures if not figure.held] == []
    assert result.held


@pytest.mark.parametrize("family", sorted(SUBJECTS))
def test_no_codec_breaks_on_corrupt_frames(family: str) -> None:
    """Two thousand corrupt frames raise nothing in any codec, and none with a wrong check is accepted."""
    tally = fuzz(family, 2_000, seed=7)
    assert (tally.raised, tally.wrong_check_accepted) == (0, 0)
