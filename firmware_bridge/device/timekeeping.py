"""The server's time as a device may believe it.

Only signed statements count. Between them the monotonic clock runs on; the device's own clock orders and
expires nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from firmware_bridge.device.store import DeviceStore, StoredEvent
from firmware_bridge.schemas import ClockReport
from kernel.clock import Clock


@dataclass(frozen=True)
class _Anchor:
    server: datetime
    mono_s: float


class ServerTime:
    """Last signed server time plus the monotonic clock, never below what was ever seen.

    A statement is never early: it was true when it was signed. So a late or replayed one cannot put time
    forward, and only an answer to our own question (its nonce proves it is new) may put it back a little.
    """

    def __init__(self, store: DeviceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._floor = store.time_floor()
        self._anchor: _Anchor | None = None

    @property
    def synced(self) -> bool:
        """Tell whether this process has heard the server's time."""
        return self._anchor is not None

    def now(self) -> datetime | None:
        """Return the server's time, None before it was ever heard in this process."""
        if self._anchor is None:
            return None
        passed = timedelta(seconds=self._clock.monotonic_s() - self._anchor.mono_s)
        estimate = self._anchor.server + passed
        return max(estimate, self._floor) if self._floor else estimate

    def hear(self, server_time: datetime, *, fresh: bool) -> None:
        """Take a signed statement of the server's time.

        Parameters
        ----------
        fresh
            True when it answers a question of ours, so that it cannot be a replay.
        """
        if self._floor is None or server_time > self._floor:
            self._floor = server_time
        current = self.now()
        if fresh or current is None or server_time > current:
            self._anchor = _Anchor(server_time, self._clock.monotonic_s())

    def offset_ms(self, device_time: datetime, mono_ms: int) -> int | None:
        """Return server time minus device time at a moment of this process, None when unknown."""
        if self._anchor is None:
            return None
        server = self._anchor.server + timedelta(milliseconds=mono_ms - self._anchor.mono_s * 1000)
        return round((server - device_time) / timedelta(milliseconds=1))

    def report_for(self, event: StoredEvent) -> ClockReport:
        """Say what is known of the clock at an event, with today's knowledge if it is of this process."""
        offset_ms = event.offset_ms
        if event.boot == self._store.boot:
            better = self.offset_ms(event.ts, event.mono_ms)
            offset_ms = offset_ms if better is None else better
        return ClockReport(synced=offset_ms is not None, offset_ms=offset_ms or 0)
