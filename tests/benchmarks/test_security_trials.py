"""The trials of security, each a small one: what an attacker with much in his hands achieves is nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.trials import forgery, security
from benchmarks.trials.trial import Broker, TrialResult, TrialSettings, choose
from firmware_bridge.broker.mosquitto import find_mosquitto

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., TrialResult]:
    """Run a trial of the list by its name, small."""

    def small(name: str, broker: Broker = "auto") -> TrialResult:
        (trial,) = choose((*security.TRIALS, *forgery.TRIALS), [name])
        return trial.run(TrialSettings(tmp_path, scale="small", broker=broker))

    return small


@pytest.mark.parametrize("name", ["A5", "S1", "S2", "S3", "S7", "S8", "S9"])
def test_a_security_trial_holds(run: Callable[..., TrialResult], name: str) -> None:
    """Whatever is tried, every figure is as the reference requires."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    result = run(name)
    assert result.held, [figure for figure in result.figures if not figure.held]


def test_on_amqtt_too_a_device_reads_and_writes_its_own_only(run: Callable[..., TrialResult]) -> None:
    """The broker of last resort keeps devices apart as well, also from what it keeps."""
    result = run("S1", "amqtt")
    assert result.held, [figure for figure in result.figures if not figure.held]


def test_without_mosquitto_certificates_are_not_tried(run: Callable[..., TrialResult]) -> None:
    """On amqtt a revoked device is out by its password, and the trial says that certificates were not tried."""
    result = run("S2", "amqtt")
    assert result.held, [figure for figure in result.figures if not figure.held]
    assert any("not tried" in str(figure.measured) for figure in result.figures)
