"""Presence: what births, heartbeats, wills and silence tell of a device.

Truth is what was heard and when. A will only speeds it up, after a grace in which a device may come back unnoticed,
and the death of an earlier connection says nothing about the present one. Silence counts only while the server itself
could hear: a broken broker is not a thousand broken kiosks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from firmware_bridge.schemas import Birth, Health
from firmware_bridge.server.alarms import FLAPPING, OFFLINE, close_alarm, raise_alarm
from firmware_bridge.server.model import Device, DeviceAlarm, DevicePresence, DeviceProgress
from kernel.clock import Clock
from kernel.db import Database

ONLINE: Final = "online"
SUSPECT: Final = "suspect"
GONE: Final = "offline"
OUTAGE: Final = "outage"
DISCONNECTED: Final = "disconnected"
#: Every tier with what it says; the documentation prints it.
TIERS: Final[Mapping[str, str]] = {
    ONLINE: "heard within two heartbeats",
    SUSPECT: "two heartbeats missed",
    GONE: "not heard for five minutes, or its connection broke and it did not come back within the grace",
    OUTAGE: "not heard for two hours: counts as down",
    DISCONNECTED: "said good-bye in order",
}

HEARTBEAT: Final = timedelta(seconds=30)
SUSPECT_AFTER: Final = HEARTBEAT * 2.5  # two missed, and half of one for the way
OFFLINE_AFTER: Final = timedelta(minutes=5)
OUTAGE_AFTER: Final = timedelta(hours=2)
GRACE: Final = timedelta(seconds=30)
FLAP_WINDOW: Final = timedelta(minutes=10)
FLAP_CONNECTS: Final = 5
_SUBJECT: Final = "connection"
_RANK: Final = {ONLINE: 0, SUSPECT: 1, DISCONNECTED: 2, GONE: 3, OUTAGE: 4}


@dataclass(frozen=True)
class Silence:
    """How long a device was not heard, and for how long its connection is known to be broken, if it is."""

    heard_ago: timedelta
    died_ago: timedelta | None = None


def tier_of(silence: Silence) -> str:
    """Return the tier that silence alone gives."""
    if silence.heard_ago >= OUTAGE_AFTER:
        return OUTAGE
    if silence.heard_ago >= OFFLINE_AFTER or (silence.died_ago is not None and silence.died_ago >= GRACE):
        return GONE
    return SUSPECT if silence.heard_ago >= SUSPECT_AFTER else ONLINE


class PresenceBook:
    """Keeps the last word of every device and the tier it is in."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def note(self, birth: Birth) -> int:
        """Take a birth, an orderly good-bye or a death; return up to which number the store is committed."""
        return self.note_many([birth])[0]

    def note_many(self, births: Sequence[Birth]) -> list[int]:
        """Take many in one transaction, in their order: after an outage a whole county's come at once."""
        now = self._clock.now()
        devices = sorted({birth.dev for birth in births})  # one order for all: two bridges cannot block each other
        query = select(DevicePresence).where(DevicePresence.device_id.in_(devices)).order_by(DevicePresence.device_id)
        with self._database.begin() as session:
            known = {row.device_id: row for row in session.scalars(query.with_for_update())}
            for birth in births:
                self._note(session, known, birth, now)
            session.flush()
            progress = select(DeviceProgress).where(DeviceProgress.device_id.in_(devices))
            committed = {(row.device_id, row.store): row.contiguous for row in session.scalars(progress)}
        return [committed.get((birth.dev, birth.store), 0) for birth in births]

    def _note(self, session: Session, known: dict[str, DevicePresence], birth: Birth, now: datetime) -> None:
        row = known.get(birth.dev)
        same = row is not None and (birth.boot, birth.connection) == (row.boot, row.connection)
        if birth.kind == "death":
            if row is not None and same and row.state != DISCONNECTED:
                row.died_at = row.died_at or now  # the grace begins; until it is over nothing has happened
            return
        if row is None:
            row = known[birth.dev] = DevicePresence(device_id=birth.dev, state=ONLINE, since=now, connects=[])
            session.add(row)
        row.store, row.boot, row.connection = birth.store, birth.boot, birth.connection
        row.firmware, row.description = birth.firmware, birth.description
        if birth.kind == "birth":
            self._alive(session, row, now)
            if not same:
                self._count_connect(session, row, now)
        else:
            row.heard_at, row.died_at = now, None
            self._move(row, DISCONNECTED, now)

    def hear(self, session: Session, beats: Mapping[str, Health]) -> None:
        """Take heartbeats; one of an earlier connection says nothing about the present one."""
        now = self._clock.now()
        rows = session.scalars(select(DevicePresence).where(DevicePresence.device_id.in_(list(beats)))).all()
        for row in rows:
            beat = beats[row.device_id]
            if (beat.boot, beat.connection) == (row.boot, row.connection) and beat.store == row.store:
                self._alive(session, row, now)

    def sweep(self, hearing_since: datetime) -> int:
        """Let silence count; return how many devices changed their tier.

        Parameters
        ----------
        hearing_since
            Since when the server can hear without a break: silence before that is the server's own.
        """
        now = self._clock.now()
        query = select(DevicePresence).where(
            DevicePresence.state != OUTAGE,
            or_(DevicePresence.heard_at <= now - SUSPECT_AFTER, DevicePresence.died_at.is_not(None)),
        )
        with self._database.read() as session:  # look before writing: an idle server stands in nobody's way
            quiet = session.scalars(query.limit(1)).first() is None
            alarmed = session.scalars(_open(FLAPPING).limit(1)).first() or session.scalars(_open_of_revoked()).first()
        if quiet and alarmed is None:
            return 0
        with self._database.begin() as session:
            changed = sum(self._judge(session, row, now, hearing_since) for row in session.scalars(query).all())
            self._close_flapping(session, now)
            for device_id in session.scalars(_open_of_revoked()).all():
                close_alarm(session, device_id, OFFLINE, _SUBJECT, now, "revoked")
            return changed

    def _judge(self, session: Session, row: DevicePresence, now: datetime, hearing_since: datetime) -> bool:
        died_ago = now - row.died_at if row.died_at is not None else None
        tier = tier_of(Silence(now - max(row.heard_at, hearing_since), died_ago))
        if _RANK[tier] <= _RANK[row.state] or (row.state == DISCONNECTED and tier == GONE):
            return False
        self._move(row, tier, now)
        if tier in (GONE, OUTAGE):
            detail = f"{TIERS[tier]}; last heard {row.heard_at:%Y-%m-%d %H:%M:%S} UTC"
            raise_alarm(session, row.device_id, OFFLINE, _SUBJECT, detail, now)
        return True

    def _alive(self, session: Session, row: DevicePresence, now: datetime) -> None:
        if row.state in (GONE, OUTAGE):
            close_alarm(session, row.device_id, OFFLINE, _SUBJECT, now)
        row.heard_at, row.died_at = now, None
        self._move(row, ONLINE, now)

    @staticmethod
    def _move(row: DevicePresence, state: str, now: datetime) -> None:
        if row.state != state:
            row.state, row.since = state, now

    @staticmethod
    def _count_connect(session: Session, row: DevicePresence, now: datetime) -> None:
        recent = [moment for moment in row.connects if datetime.fromisoformat(moment) > now - FLAP_WINDOW]
        row.connects = [*recent[-50:], now.isoformat()]
        if len(row.connects) >= FLAP_CONNECTS:
            detail = f"{len(row.connects)} connections within {FLAP_WINDOW.seconds // 60} minutes"
            raise_alarm(session, row.device_id, FLAPPING, _SUBJECT, detail, now)

    @staticmethod
    def _close_flapping(session: Session, now: datetime) -> None:
        for device_id in session.scalars(_open(FLAPPING)).all():
            row = session.get(DevicePresence, device_id)
            last = row.connects[-1] if row is not None and row.connects else None
            if last is None or datetime.fromisoformat(last) <= now - FLAP_WINDOW:
                close_alarm(session, device_id, FLAPPING, _SUBJECT, now)


def _open(kind: str) -> Select[str]:
    return select(DeviceAlarm.device_id).where(DeviceAlarm.kind == kind, DeviceAlarm.closed_at.is_(None))


def _open_of_revoked() -> Select[str]:
    """Nobody waits for a device that was revoked."""
    return _open(OFFLINE).join(Device, Device.id == DeviceAlarm.device_id).where(Device.status != "active")
