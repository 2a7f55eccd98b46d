"""Three flags on a promise, never merged (SVC-10): predicted late, at risk, breached; and late feedback (SVC-11).

A prediction comes and goes with the estimated arrival; a breach stays. Both are functions of facts alone, so whoever
looks later, or on another machine, sees the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from dispatch.promises.clocks import RunningClock

HYSTERESIS: Final = timedelta(minutes=5)
"""A prediction ends only when the arrival is this much before the deadline, so that it does not flicker."""

EtaSource = Literal["plan", "reports", "overdue", "none"]
"""Where an arrival comes from: the plan alone, the plan moved by what the courier reported, a vehicle that should have
been heard of by now, or nothing because the parcel is on no route."""


@dataclass(frozen=True)
class Outcome:
    """That the promise was fulfilled: when it happened, and when the ledger learned it."""

    fact_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class Estimate:
    """Estimated arrivals of one stop as the day went on, oldest first; the last one holds now."""

    arrivals: tuple[datetime, ...] = ()
    source: EtaSource = "none"

    @property
    def latest(self) -> datetime | None:
        """Return the arrival that holds now."""
        return self.arrivals[-1] if self.arrivals else None


@dataclass(frozen=True)
class PromiseFlags:
    """How a promise stands.

    Attributes
    ----------
    breached
        The deadline passed without the fact; stays for ever.
    open
        Nothing happened yet: a breach waits for its outcome.
    late_feedback
        It happened in time and was reported after the deadline: known as a breach meanwhile, none by the facts.
    """

    predicted_late: bool
    at_risk: bool
    breached: bool
    open: bool
    late_feedback: bool

    @property
    def any(self) -> bool:
        """Tell whether somebody should look."""
        return self.predicted_late or self.at_risk or self.breached or self.late_feedback


def judge(
    clock: RunningClock, warn_percent: int, now: datetime, outcome: Outcome | None, estimate: Estimate
) -> PromiseFlags:
    """Raise the flags of one promise at a moment.

    Parameters
    ----------
    outcome
        As the ledger knows it; None while there is none.
    """
    if outcome is not None and outcome.fact_at <= now:
        in_time = outcome.fact_at <= clock.deadline_at
        return PromiseFlags(
            predicted_late=False,
            at_risk=False,
            breached=not in_time,
            open=False,
            late_feedback=in_time and outcome.received_at > clock.deadline_at,
        )
    return PromiseFlags(
        predicted_late=predicted_late(estimate.arrivals, clock.deadline_at),
        at_risk=used_percent(clock, now) >= warn_percent,
        breached=now > clock.deadline_at,
        open=True,
        late_feedback=False,
    )


def predicted_late(arrivals: Sequence[datetime], deadline_at: datetime, margin: timedelta = HYSTERESIS) -> bool:
    """Follow a prediction through all estimates: it begins past the deadline and ends a margin before it."""
    late = False
    for arrival in arrivals:
        if arrival > deadline_at:
            late = True
        elif arrival <= deadline_at - margin:
            late = False
    return late


def used_percent(clock: RunningClock, now: datetime) -> int:
    """Return how much of the time is used up, in whole percent; 100 and more after the deadline."""
    whole = (clock.deadline_at - clock.started_at).total_seconds()
    if whole <= 0:
        return 100 if now >= clock.deadline_at else 0
    return int(100 * (now - clock.started_at).total_seconds() // whole)
