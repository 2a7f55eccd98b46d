"""Small versions of the device's trials; `cunda chaos run A3 R5 R11 F1` runs the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.trials import agents, power
from benchmarks.trials.trial import Trial, TrialSettings, choose
from firmware_bridge.broker.mosquitto import find_mosquitto

pytestmark = pytest.mark.integration


@pytest.mark.slow
@pytest.mark.parametrize("trial", choose(power.TRIALS, ["A2", "A4", "R10"]), ids=lambda trial: trial.name)
def test_a_cabinet_on_the_bench(trial: Trial, tmp_path: Path) -> None:
    """Whatever is done to one cabinet, no command pulses twice, none lies, and collection goes on."""
    result = trial.run(TrialSettings(folder=tmp_path, scale="small"))
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.held, [figure for figure in result.figures if not figure.held]


@pytest.mark.slow
@pytest.mark.parametrize("trial", choose(agents.TRIALS, ["R8"]), ids=lambda trial: trial.name)
def test_devices_with_a_broker_and_a_server(trial: Trial, tmp_path: Path) -> None:
    """Lying clocks bring nothing out of order and open nothing."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    result = trial.run(TrialSettings(folder=tmp_path, scale="small"))
    assert result.held, [figure for figure in result.figures if not figure.held]
