"""What a simulated day is made of; every share and spread is our estimate, to be replaced by the tenant's own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from math import exp
from random import Random
from typing import Any, Final

DEFAULT_DAY: Final = date(2026, 3, 4)


@dataclass(frozen=True)
class DayOptions:
    """How large a day is, how rough it is, and how hard the dispatcher searches.

    Attributes
    ----------
    fleet_for
        Parcels a day that the fleet is sized for; as many as come when it is 0.
    kiosks
        Sending kiosks in the county; ``active_kiosks`` of them take drop-offs on this day.
    plan_seconds, replan_seconds
        Search for the morning's plan and for each change, in seconds of a quiet machine; see
        :func:`api.simulation.search.by_steps`.
    travel_sigma, service_sigma
        Spread of the noise on each drive and on each stop: standard deviation of its logarithm.
    travel_bias
        Median of a drive against the road engine's time: queues, tractors, a gate.
    failed_percent, full_percent
        Doors where nobody is, and cabinets that are full.
    callback_percent
        Of the recipients who were not there, how many ring up to be visited again today.
    silent_percent
        Villages without signal: what happens there is reported from the next stop.
    tolerance_s
        An arrival within this of the plan in force is on time.
    """

    region: str = "demo"
    seed: int = 1
    day: date = DEFAULT_DAY
    parcels: int = 3000
    companies: int = 5
    fleet_for: int = 0
    kiosks: int = 40
    active_kiosks: int = 15
    drop_offs: int = 45
    orders: int = 16
    plan_seconds: float = 10.0
    replan_seconds: float = 2.5
    travel_sigma: float = 0.12
    travel_bias: float = 1.03
    service_sigma: float = 0.25
    failed_percent: float = 4.0
    full_percent: float = 1.0
    callback_percent: float = 35.0
    silent_percent: float = 10.0
    tolerance_s: int = 900

    def as_dict(self) -> dict[str, Any]:
        """Return them as plain JSON."""
        return asdict(self) | {"day": self.day.isoformat()}


@dataclass(frozen=True)
class Draws:
    """Chance by name: what is drawn for one thing does not depend on what was drawn before."""

    seed: int

    def of(self, *name: object) -> Random:
        """Return the stream of random numbers that belongs to a name."""
        return Random("/".join(str(part) for part in (self.seed, *name)))  # noqa: S311 - a game, not a secret

    def chance(self, percent: float, *name: object) -> bool:
        """Tell whether something that happens in so many of a hundred cases happens here."""
        return self.of(*name).random() * 100 < percent

    def factor(self, sigma: float, *name: object) -> float:
        """Return a log-normal factor with mean 1."""
        return exp(self.of(*name).gauss(-sigma * sigma / 2, sigma))
