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
CODE_REUSED = "security.enrolment_code_reused"
GAP = "gap"
CLOCK_SKEW = "clock_skew"
OFFLINE = "offline"
FLAPPING = "flapping"
DISK_FULL = "disk_full"
OUTBOX_STUCK = "outbox_stuck"
STORE_REPLACED = "store_replaced"
CONFIG_REFUSED = "config_refused"


def raise_alarm(session: Session, device: str, kind: str, subject: str, detail: str, now: datetime) -> int:
    """Open an alarm, or count one more when it is open already; only the opening is announced.

    Returns
    -------
    How often it was raised since it opened.
    """
    alarm = _open_alarm(session, device, kind, subject)
    if alarm is not None:
        alarm.count += 1
        alarm.last_at, alarm.detail = now, detail
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


def locked_devices(session: Session) -> frozenset[str]:
    """Name the devices of which two answer to one name: until a person settles it, nothing is opened from afar."""
    query = select(DeviceAlarm.device_id).where(DeviceAlarm.kind == FORK, DeviceAlarm.closed_at.is_(None))
    return frozenset(session.scalars(query))


def settle_fork(session: Session, device: str, now: datetime, by: str) -> int:
    """Close the alarms that lock a device, because a person has decided which one is real; return how many."""
    alarms = [alarm for alarm in open_alarms(session, device) if alarm.kind == FORK]
    for alarm in alarms:
        close_alarm(session, device, FORK, alarm.subject, now, by)
    return len(alarms)


def _open_alarm(session: Session, device: str, kind: str, subject: str) -> DeviceAlarm | None:
    query = select(DeviceAlarm).where(
        DeviceAlarm.device_id == device,
        DeviceAlarm.kind == kind,
        DeviceAlarm.subject == subject,
        DeviceAlarm.closed_at.is_(None),
    )
    return session.scalars(query).first()
