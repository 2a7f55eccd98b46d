"""Killed brokers cost nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos import Trial, run_trial
from benchmarks.chaos_all import Storm, run_storm
from firmware_bridge.broker.mosquitto import find_mosquitto

pytestmark = pytest.mark.integration


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(request: pytest.FixtureRequest) -> str:
    """Name a broker that is on this machine."""
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    return str(request.param)


def test_a_killed_broker_costs_no_drop_off(broker: str, tmp_path: Path) -> None:
    """400 drop-offs of 10 kiosks while the broker is killed twice without memory: none lost, none counted twice."""
    trial = Trial(kiosks=10, events=400, per_s=120, kills=2, outage_s=0.5, broker=broker)  # type: ignore[arg-type]
    outcome = run_trial(trial, tmp_path)
    assert (outcome.missing, outcome.duplicate, outcome.stowaway, outcome.waiting) == (0, 0, 0, 0)
    assert outcome.kills == 2
    assert outcome.held, outcome


@pytest.mark.slow
def test_the_acceptance_of_the_first_day(tmp_path: Path) -> None:
    """2,000 drop-offs of 40 kiosks while the broker is killed three times: none lost, none counted twice."""
    outcome = run_trial(Trial(), tmp_path)
    assert (outcome.recorded, outcome.kills) == (2000, 3)
    assert outcome.held, outcome


@pytest.mark.slow
def test_everything_killed_costs_no_drop_off(tmp_path: Path) -> None:
    """While broker, server and kiosks are all killed with -9 again and again, none is lost and none counts twice."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    storm = Storm(kiosks=8, groups=2, events=400, per_s=40, broker_kills=1, server_kills=2, kiosk_kills=3)
    damage = run_storm(storm, tmp_path)
    assert (damage.missing, damage.duplicate, damage.stowaway, damage.gaps) == (0, 0, 0, 0)
    assert damage.held, damage
