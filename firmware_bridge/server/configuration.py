"""Configuration: what a device is to have, and what it says of it; nothing here moves anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from firmware_bridge.device.settings import DeviceSettings
from firmware_bridge.errors import DeviceSettingsError, UnknownDeviceError
from firmware_bridge.schemas import ConfigReport, DesiredSettings, Health, first_problem
from firmware_bridge.server.alarms import CONFIG_REFUSED, close_alarm, raise_alarm
from firmware_bridge.server.model import Device, DeviceConfig, DevicePresence
from firmware_bridge.server.presence import ONLINE
from kernel.clock import Clock
from kernel.events import append_event

_SUBJECT = "config"


class ConfigDesk:
    """Wishes for settings, in the caller's transaction, and what became of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def wish(self, session: Session, device_id: str, settings: Mapping[str, Any], actor: str) -> int:
        """Say which settings a device is to have from now on, all of them; return the new version.

        Raises
        ------
        UnknownDeviceError
            If there is no such device.
        DeviceSettingsError
            If no device takes them.
        """
        if session.get(Device, device_id) is None:
            raise UnknownDeviceError(f"there is no device {device_id}", device=device_id)
        checked = checked_settings(settings)
        now = self._clock.now()
        row = session.get(DeviceConfig, device_id, with_for_update=True)
        if row is None:
            row = DeviceConfig(device_id=device_id, version=0, in_force=0, heard=0, errors={}, reported_at=None)
            session.add(row)
        # A device that heard a higher version under a lost database would ignore anything lower.
        row.version = max(row.version, row.heard) + 1
        row.settings, row.set_by, row.set_at = checked, actor[:80], now
        session.flush()
        body = {"version": row.version, "settings": sorted(checked)}
        append_event(session, "device.config_wished", f"device:{device_id}", body, fact_at=now, committed_at=now)
        return row.version

    def hear(self, session: Session, report: ConfigReport) -> None:
        """Take a device's word on its settings."""
        row = session.get(DeviceConfig, report.dev)
        if row is None:
            return
        now = self._clock.now()
        row.in_force, row.heard, row.errors, row.reported_at = report.version, report.heard, dict(report.errors), now
        if row.heard >= row.version and report.errors:
            detail = "; ".join(f"{name}: {why}" for name, why in sorted(report.errors.items()))
            raise_alarm(session, report.dev, CONFIG_REFUSED, _SUBJECT, detail, now)
        elif row.in_force == row.version:
            close_alarm(session, report.dev, CONFIG_REFUSED, _SUBJECT, now)

    def hear_beats(self, session: Session, beats: Mapping[str, Health]) -> None:
        """Take from heartbeats which versions are in force: a device whose store was lost has none any more."""
        for row in session.scalars(select(DeviceConfig).where(DeviceConfig.device_id.in_(list(beats)))):
            beat = beats[row.device_id]
            if (row.in_force, row.heard) != (beat.config_version, beat.config_heard):
                row.in_force, row.heard, row.reported_at = beat.config_version, beat.config_heard, self._clock.now()

    def version(self, session: Session, device_id: str) -> int:
        """Return the newest version wished for, 0 when there is none."""
        row = session.get(DeviceConfig, device_id)
        return row.version if row is not None else 0

    @staticmethod
    def due(session: Session) -> list[DesiredSettings]:
        """Return what devices that are online have not heard yet."""
        query = (
            select(DeviceConfig)
            .join(DevicePresence, DevicePresence.device_id == DeviceConfig.device_id)
            .where(DevicePresence.state == ONLINE, DeviceConfig.heard < DeviceConfig.version)
        )
        return [
            DesiredSettings(dev=row.device_id, version=row.version, settings=row.settings)
            for row in session.scalars(query)
        ]


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in the form they travel in.

    Raises
    ------
    DeviceSettingsError
        If a name or value is wrong; names it.
    """
    try:
        return DeviceSettings.model_validate(dict(settings)).model_dump(mode="json", exclude_unset=True)
    except ValidationError as problem:
        raise DeviceSettingsError(f"settings: {first_problem(problem)}") from problem
