"""Presence: what births, wills and silence tell of a device.

Truth is what was heard and when; a will only speeds it up, and the death of an earlier connection says
nothing about the present one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.schemas import Birth
from firmware_bridge.server.model import DevicePresence, DeviceProgress
from kernel.clock import Clock
from kernel.db import Database

ONLINE = "online"
LOST = "lost"
DISCONNECTED = "disconnected"
SILENT = "silent"

#: A birth is repeated every ten minutes; two missed ones mean that nobody speaks.
SILENCE: Final = timedelta(minutes=21)


class PresenceBook:
    """Keeps the last word of every device."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def note(self, birth: Birth) -> int:
        """Take a birth, an orderly good-bye or a death; return up to which number the store is committed."""
        with self._database.begin() as session:
            row = session.get(DevicePresence, birth.dev, with_for_update=True)
            if birth.kind == "death" and (row is None or (birth.boot, birth.connection) != (row.boot, row.connection)):
                return 0  # of an earlier connection
            if row is None:
                row = self._new(session, birth)
            self._rewrite(row, birth)
            progress = session.get(DeviceProgress, (birth.dev, birth.store))
            return progress.contiguous if progress is not None else 0

    def mark_silent(self) -> int:
        """Mark devices that nobody heard for too long; return how many were marked now."""
        now = self._clock.now()
        query = select(DevicePresence).where(DevicePresence.state == ONLINE, DevicePresence.heard_at < now - SILENCE)
        with self._database.read() as session:  # look before writing: an idle server stands in nobody's way
            if session.scalars(query.limit(1)).first() is None:
                return 0
        with self._database.begin() as session:
            rows = session.scalars(query).all()
            for row in rows:
                row.state, row.since = SILENT, now
            return len(rows)

    def _new(self, session: Session, birth: Birth) -> DevicePresence:
        now = self._clock.now()
        row = DevicePresence(device_id=birth.dev, state="", since=now)
        self._rewrite(row, birth)
        session.add(row)
        return row

    def _rewrite(self, row: DevicePresence, birth: Birth) -> None:
        now = self._clock.now()
        state = {"birth": ONLINE, "death": LOST}.get(birth.kind, DISCONNECTED)
        if row.state != state:
            row.state, row.since = state, now
        row.heard_at = now
        row.store, row.boot, row.connection = birth.store, birth.boot, birth.connection
        row.firmware, row.description = birth.firmware, birth.description
