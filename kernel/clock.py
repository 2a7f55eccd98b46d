"""Clocks: the only place where Cunda reads the time.

Everything else takes a :class:`Clock`. :class:`SystemClock` serves programs, :class:`ManualClock` serves
tests and simulations.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Something that knows the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds on a counter that never goes back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the machine's monotonic counter in seconds."""
        return time.monotonic()


@dataclass
class ManualClock:
    """A clock that moves only when told."""

    instant: datetime
    elapsed_s: float = 0.0

    def now(self) -> datetime:
        """Return the moment last set."""
        return self.instant.astimezone(UTC)

    def monotonic_s(self) -> float:
        """Return the seconds this clock was moved forward in all."""
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.instant += timedelta(seconds=seconds)
        self.elapsed_s += seconds

    def set(self, instant: datetime) -> None:
        """Jump to a moment, also backwards, as a device clock may; the monotonic counter stays."""
        self.instant = instant


def day_start(day: date, zone: str) -> datetime:
    """Return local midnight of a day, in UTC; seconds of a plan count from it.

    Raises
    ------
    zoneinfo.ZoneInfoNotFoundError
        If the zone name is unknown.
    """
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def at_second(day: date, second: int, zone: str) -> datetime:
    """Return the moment that lies ``second`` seconds after the day's start, in the region's zone."""
    return (day_start(day, zone) + timedelta(seconds=second)).astimezone(ZoneInfo(zone))


def second_of(moment: datetime, day: date, zone: str) -> int:
    """Return how many whole seconds after the day's start a moment lies; negative before it."""
    return int((moment - day_start(day, zone)).total_seconds() // 1)


def rfc3339(moment: datetime, zone: str = "UTC") -> str:
    """Write a moment as RFC 3339 with the zone's offset, to the millisecond when there is a fraction."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
