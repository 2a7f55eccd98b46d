"""Clocks and days."""

from __future__ import annotations

from datetime import UTC, date, datetime

from kernel.clock import ManualClock, SystemClock, at_second, day_start, rfc3339, second_of

DAY = date(2026, 3, 4)


def test_a_day_starts_at_local_midnight() -> None:
    """A plan's second 0 is midnight where the vans drive."""
    assert day_start(DAY, "Asia/Shanghai") == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


def test_seconds_and_moments_convert_both_ways() -> None:
    """An arrival time in seconds and on the clock are the same moment."""
    moment = at_second(DAY, 9 * 3600 + 61, "Asia/Shanghai")
    assert rfc3339(moment, "Asia/Shanghai") == "2026-03-04T09:01:01+08:00"
    assert second_of(moment, DAY, "Asia/Shanghai") == 9 * 3600 + 61
    assert second_of(day_start(DAY, "Asia/Shanghai"), date(2026, 3, 5), "Asia/Shanghai") == -86_400


def test_a_manual_clock_moves_only_when_told() -> None:
    """A simulated day goes as fast as the simulation wants; its counter never goes back."""
    clock = ManualClock(datetime(2026, 3, 4, tzinfo=UTC))
    clock.advance(90)
    clock.set(datetime(1970, 1, 1, tzinfo=UTC))
    assert clock.now().year == 1970
    assert clock.monotonic_s() == 90


def test_the_system_clock_is_aware() -> None:
    """A moment from the machine always carries its zone."""
    assert SystemClock().now().tzinfo is UTC
    assert SystemClock().monotonic_s() <= SystemClock().monotonic_s()
