"""Telemetry on the server: the newest value of each kind, written in batches, and the alarms it gives rise to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.errors import PayloadError
from firmware_bridge.schemas import ConfigReport, Description, DoorStates, Health, Message, parse_message
from firmware_bridge.server.alarms import DISK_FULL, OUTBOX_STUCK, close_alarm, raise_alarm
from firmware_bridge.server.model import DeviceTelemetry
from kernel.clock import Clock

#: Kinds that are kept, with the message of each; another kind is thrown away.
KINDS: Final[Mapping[str, type[Message]]] = {
    "health": Health,
    "doors": DoorStates,
    "description": Description,
    "config": ConfigReport,
}
STUCK_S: Final = 600
_SUBJECT: Final = "store"


class TelemetryBook:
    """Gathers telemetry and writes what is newest; whatever is older was never missed.

    Notes
    -----
    Belongs to one thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[tuple[str, str], tuple[Any, str]] = {}
        self._alarmed: dict[tuple[str, str], bool] = {}

    def take(self, device_id: str, kind: str, raw: bytes) -> None:
        """Take one value whose signature was checked.

        Raises
        ------
        PayloadError, PayloadTooLargeError
            If the kind is unknown, the value wrong, or it speaks of another device.
        """
        if kind not in KINDS:
            raise PayloadError("kind", f"there is no telemetry {kind}")
        value: Any = parse_message(KINDS[kind], raw)
        if value.dev != device_id:
            raise PayloadError("dev", "telemetry of another device")
        self._waiting[device_id, kind] = (value, hashlib.sha256(raw).hexdigest())

    def taken(self, kind: str) -> dict[str, Any]:
        """Return what waits of one kind, by device."""
        return {device: value for (device, one), (value, _) in self._waiting.items() if one == kind}

    def write(self, session: Session) -> int:
        """Write what waits in the caller's transaction; call :meth:`forget` after its commit."""
        now = self._clock.now()
        devices = {device for device, _ in self._waiting}
        query = select(DeviceTelemetry).where(DeviceTelemetry.device_id.in_(devices))
        known = {(row.device_id, row.kind): row for row in session.scalars(query)}
        for key, (value, digest) in self._waiting.items():
            row = known.get(key)
            if row is None:
                row = DeviceTelemetry(device_id=key[0], kind=key[1])
                session.add(row)
            row.received_at, row.digest, row.body = now, digest, value.model_dump(mode="json")
        for device, health in self.taken("health").items():
            self._alarm(session, device, DISK_FULL, health.deposits_refused, "disk full: deposits are refused")
            stuck = health.waiting > 0 and health.oldest_s > STUCK_S
            self._alarm(session, device, OUTBOX_STUCK, stuck, f"{health.waiting} events wait for {health.oldest_s} s")
        return len(self._waiting)

    def forget(self) -> None:
        """Forget what was written."""
        self._waiting.clear()

    def _alarm(self, session: Session, device: str, kind: str, holds: bool, detail: str) -> None:
        # Only a change is told: a heartbeat that says the same again is no new evidence.
        if self._alarmed.get((device, kind)) == holds:
            return
        now = self._clock.now()
        if holds:
            raise_alarm(session, device, kind, _SUBJECT, detail, now)
        else:
            close_alarm(session, device, kind, _SUBJECT, now)
        self._alarmed[device, kind] = holds
