"""Diagnosis from afar: a device is asked for a report by a signed command that moves nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.device.gate import REPORT, WHOLE
from firmware_bridge.errors import UnknownAlarmError
from firmware_bridge.schemas import DeviceReported, Event
from firmware_bridge.server.alarms import STORE_REPLACED, close_alarm, open_alarms, raise_alarm
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.enrolment import KnownDevice
from firmware_bridge.server.model import (
    Device,
    DeviceAlarm,
    DeviceCommand,
    DeviceConfig,
    DevicePresence,
    DeviceTelemetry,
    InboundEvent,
)
from firmware_bridge.server.presence import GONE, ONLINE, OUTAGE
from kernel.clock import Clock

REPORT_TTL_S = 60

HealthGrade = Literal["good", "watch", "bad"]


@dataclass(frozen=True)
class DeviceLine:
    """One device in the list: who, how, and since when."""

    id: str
    area: str
    site_id: str | None
    status: str
    presence: str | None
    since: datetime | None
    heard_at: datetime | None
    firmware: str | None
    grade: HealthGrade
    alarms: tuple[str, ...]
    waiting: int | None
    rss_kb: int | None
    config_version: int
    config_in_force: int


def ask_for_report(desk: CommandDesk, session: Session, device_id: str, actor: str) -> str:
    """Ask a device how it is; return the command's id, by which the report is found."""
    return desk.issue(session, device_id, WHOLE, actor, "diagnosis", ttl_s=REPORT_TTL_S, expect="any", op=REPORT)


def report_of(session: Session, command_id: str) -> dict[str, Any] | None:
    """Return the report that a command asked for, None before it is here."""
    query = select(InboundEvent.raw).where(
        InboundEvent.type == "device.reported", InboundEvent.subject == f"command:{command_id}"
    )
    raw = session.scalars(query).first()
    return dict(json.loads(raw)["body"]["report"]) if raw is not None else None


def device_lines(session: Session, region: str | None) -> list[DeviceLine]:
    """Return all devices of a region, or of all, with their health, by id."""
    query = (
        select(Device, DevicePresence, DeviceTelemetry, DeviceConfig)
        .outerjoin(DevicePresence, DevicePresence.device_id == Device.id)
        .outerjoin(DeviceTelemetry, (DeviceTelemetry.device_id == Device.id) & (DeviceTelemetry.kind == "health"))
        .outerjoin(DeviceConfig, DeviceConfig.device_id == Device.id)
        .order_by(Device.id)
    )
    if region is not None:
        query = query.where(Device.area == region)
    alarms: dict[str, list[str]] = {}
    for alarm in open_alarms(session):
        alarms.setdefault(alarm.device_id, []).append(alarm.kind)
    return [
        _line(device, presence, health, config, tuple(sorted(set(alarms.get(device.id, ())))))
        for device, presence, health, config in session.execute(query)
    ]


def telemetry_of(session: Session, device_id: str) -> dict[str, DeviceTelemetry]:
    """Return the newest telemetry of a device by kind."""
    query = select(DeviceTelemetry).where(DeviceTelemetry.device_id == device_id)
    return {row.kind: row for row in session.scalars(query)}


def alarms_of(session: Session, device_id: str, limit: int = 50) -> Sequence[DeviceAlarm]:
    """Return a device's alarms, open ones first, newest first."""
    query = select(DeviceAlarm).where(DeviceAlarm.device_id == device_id)
    order = (DeviceAlarm.closed_at.is_not(None), DeviceAlarm.id.desc())
    return session.scalars(query.order_by(*order).limit(limit)).all()


def commands_of(session: Session, device_id: str, limit: int = 50) -> Sequence[DeviceCommand]:
    """Return a device's commands, newest first."""
    query = select(DeviceCommand).where(DeviceCommand.device_id == device_id).order_by(DeviceCommand.ctr.desc())
    return session.scalars(query.limit(limit)).all()


def close_by_person(session: Session, device_id: str, alarm_id: int, actor: str, now: datetime) -> DeviceAlarm:
    """Close an alarm because a person has dealt with its cause.

    Raises
    ------
    UnknownAlarmError
        If the device has no such open alarm.
    """
    alarm = session.get(DeviceAlarm, alarm_id)
    if alarm is None or alarm.device_id != device_id or alarm.closed_at is not None:
        raise UnknownAlarmError(f"device {device_id} has no open alarm {alarm_id}", alarm=alarm_id)
    close_alarm(session, device_id, alarm.kind, alarm.subject, now, actor)
    return alarm


def grade_of(presence: str | None, alarms: Sequence[str]) -> HealthGrade:
    """Grade a device: bad needs somebody today, watch is worth a look."""
    if presence in (GONE, OUTAGE) or any(kind.startswith("security.") or kind == "disk_full" for kind in alarms):
        return "bad"
    return "good" if presence == ONLINE and not alarms else "watch"


class DeviceReportedHandler:
    """Files a report under the command that asked for it."""

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str:
        """Return the command's name; the report itself is in the inbox."""
        return f"command:{DeviceReported.model_validate(event.body).cmd_id}"


class StoreReplacedHandler:
    """Raises the alarm for a device whose database was damaged; a person closes it after looking at the disk."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str | None:
        """Raise it in the caller's transaction."""
        detail = "the store was damaged and a new one began; look at the disk or card"
        raise_alarm(session, device.address.device, STORE_REPLACED, "store", detail, self._clock.now())
        return None


def _line(
    device: Device,
    presence: DevicePresence | None,
    health: DeviceTelemetry | None,
    config: DeviceConfig | None,
    alarms: tuple[str, ...],
) -> DeviceLine:
    state = presence.state if presence is not None else None
    told = health.body if health is not None else {}
    return DeviceLine(
        id=device.id,
        area=device.area,
        site_id=device.site_id,
        status=device.status,
        presence=state,
        since=presence.since if presence is not None else None,
        heard_at=presence.heard_at if presence is not None else None,
        firmware=presence.firmware if presence is not None else None,
        grade=grade_of(state, alarms),
        alarms=alarms,
        waiting=told.get("waiting"),
        rss_kb=told.get("rss_kb"),
        config_version=config.version if config is not None else 0,
        config_in_force=config.in_force if config is not None else 0,
    )
