"""What the activity report asks of the wire: commands without outcome, dead letters, forks, gaps, confirmed outages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.stations.activity import WireDay
from firmware_bridge.server.alarms import FORK, GAP
from firmware_bridge.server.command_states import UNKNOWN
from firmware_bridge.server.model import DeadLetter, Device, DeviceAlarm, DeviceCommand, DevicePresence
from firmware_bridge.server.presence import ONLINE
from lockers.activity import Outage

#: A device nobody heard for so long is out for certain (DEV-033).
CONFIRMED: Final = timedelta(hours=2)


class DeviceWire:
    """Reads the tables of the bridge."""

    def of_day(self, session: Session, sites: Sequence[str], begin: datetime, end: datetime) -> Mapping[str, WireDay]:
        """Return commands, unknown outcomes and faults of a day, by site."""
        site_of = self._sites(session, sites)
        devices = list(site_of)
        commands, unknown, faults = Counter[str](), Counter[str](), Counter[str]()
        states = (
            select(DeviceCommand.device_id, DeviceCommand.state, func.count())
            .where(DeviceCommand.device_id.in_(devices), DeviceCommand.issued_at >= begin)
            .where(DeviceCommand.issued_at < end)
            .group_by(DeviceCommand.device_id, DeviceCommand.state)
        )
        for device_id, state, count in session.execute(states):
            commands[site_of[device_id]] += count
            unknown[site_of[device_id]] += count if state == UNKNOWN else 0
        letters = (
            select(DeadLetter.device_id, func.count())
            .where(DeadLetter.device_id.in_(devices), DeadLetter.received_at >= begin, DeadLetter.received_at < end)
            .group_by(DeadLetter.device_id)
        )
        alarms = (
            select(DeviceAlarm.device_id, func.count())
            .where(DeviceAlarm.device_id.in_(devices), DeviceAlarm.kind.in_((FORK, GAP)))
            .where(DeviceAlarm.opened_at >= begin, DeviceAlarm.opened_at < end)
            .group_by(DeviceAlarm.device_id)
        )
        for query in (letters, alarms):
            for owner, count in session.execute(query):
                faults[site_of[str(owner)]] += count
        return {site: WireDay(commands[site], unknown[site], faults[site]) for site in {*commands, *faults}}

    def outages(self, session: Session, sites: Sequence[str], now: datetime) -> Sequence[Outage]:
        """Return outages that are confirmed and last, from the moment the device was last heard."""
        site_of = self._sites(session, sites)
        query = select(DevicePresence).where(
            DevicePresence.device_id.in_(list(site_of)), DevicePresence.state != ONLINE,
            DevicePresence.heard_at < now - CONFIRMED,
        )  # fmt: skip
        return [Outage(site_of[row.device_id], "outage", row.heard_at) for row in session.scalars(query)]

    @staticmethod
    def _sites(session: Session, sites: Sequence[str]) -> dict[str, str]:
        query = select(Device.id, Device.site_id).where(Device.site_id.in_(list(sites)))
        return {device_id: str(site_id) for device_id, site_id in session.execute(query)}
