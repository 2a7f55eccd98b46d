"""Alarms of devices: few and true, one per cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.server.model import DeviceAlarm
from kernel.events import append_event

FORK = "security.fork"
BAD_SIGNATURE = "security.bad_signature"
WRONG_TOPIC = "security.wrong_topic"
GAP = "gap"
CLOCK_SKEW = "clock_skew"


def raise_alarm(session: Session, device: str, kind: str, subject: str, detail: str, now: datetime) -> int:
    """Open an alarm, or count one more when it is open already; only the opening is announced.

    Returns
    -------
    How often it was raised since it opened.
    """
    alarm = _open_alarm(session, device, kind, subject)
    if alarm is not None:
        alarm.count += 1
        alarm.last_at = now
        return alarm.count
    session.add(
        DeviceAlarm(device_id=device, kind=kind, subject=subject, opened_at=now, last_at=now, count=1, detail=detail)
    )
    body = {"kind": kind, "subject": subject}
    append_event(session, "device.alarm_opened", f"device:{device}", body, fact_at=now, committed_at=now)
    return 1


def close_alarm(session: Session, device: str, kind: str, subject: str, now: datetime, by: str = "evidence") -> None:
    """Close an alarm because the opposite was seen, or because a person says so; without effect when none is open."""
    alarm = _open_alarm(session, device, kind, subject)
    if alarm is None:
        return
    alarm.closed_at, alarm.closed_by = now, by
    body = {"kind": kind, "subject": subject}
    append_event(session, "device.alarm_closed", f"device:{device}", body, fact_at=now, committed_at=now)


def open_alarms(session: Session, device: str | None = None) -> Sequence[DeviceAlarm]:
    """Return the open alarms of one device or of all, oldest first."""
    query = select(DeviceAlarm).where(DeviceAlarm.closed_at.is_(None)).order_by(DeviceAlarm.id)
    if device is not None:
        query = query.where(DeviceAlarm.device_id == device)
    return session.scalars(query).all()


def _open_alarm(session: Session, device: str, kind: str, subject: str) -> DeviceAlarm | None:
    query = select(DeviceAlarm).where(
        DeviceAlarm.device_id == device,
        DeviceAlarm.kind == kind,
        DeviceAlarm.subject == subject,
        DeviceAlarm.closed_at.is_(None),
    )
    return session.scalars(query).first()
