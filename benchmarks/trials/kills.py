"""Killed programs: what is lost or counted twice."""

from __future__ import annotations

from benchmarks.chaos import Trial as Wire
from benchmarks.chaos import run_trial
from benchmarks.trials.trial import Trial, TrialResult, TrialSettings, at_most, exactly, noted


def broker_killed(settings: TrialSettings) -> TrialResult:
    """Kill the broker, which keeps nothing, again and again while kiosks record drop-offs."""
    wire = Wire(
        events=settings.size(5000, 300),
        kiosks=settings.size(40, 8),
        kills=settings.size(5, 2),
        broker=settings.broker,
        seed=settings.seed,
        database_url=settings.database_url,
    )
    outcome = run_trial(wire, settings.folder)
    lost = outcome.missing + outcome.waiting + outcome.put_aside
    return TrialResult(
        (
            exactly("recorded", outcome.recorded, wire.events, "events"),
            exactly("lost", lost, 0, "events"),
            exactly("counted twice", outcome.duplicate, 0, "events"),
            exactly("stowaways", outcome.stowaway, 0, "events"),
            exactly("lines of the broker about dropped messages", outcome.broker_drops, 0),
            at_most("drained in", outcome.drain_s, 30, "s"),
            noted("kills of the broker", outcome.kills),
            noted("duplicates absorbed", outcome.resent_and_absorbed, "events"),
        )
    )


TRIALS: tuple[Trial, ...] = (
    Trial("R3", "the broker is killed 5 times in 5,000 events and keeps nothing", broker_killed),
)
