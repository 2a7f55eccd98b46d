"""What the activity report asks of the wire: commands without outcome, dead letters, forks, gaps, outages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.stations.activity import WireDay
from dispatch.stations.sending import note_outage
from firmware_bridge.server.alarms import FORK, GAP
from firmware_bridge.server.command_states import UNKNOWN
from firmware_bridge.server.model import DeadLetter, Device, DeviceAlarm, DeviceCommand, DevicePresence
from firmware_bridge.server.presence import ONLINE, OUTAGE


def keep_outages(session: Session) -> None:
    """Write down confirmed outages of sites (DEV-033), from when the device was last heard until it is back."""
    query = (
        select(Device.site_id, DevicePresence.state, DevicePresence.since, DevicePresence.heard_at)
        .join(DevicePresence, DevicePresence.device_id == Device.id)
        .where(Device.site_id.is_not(None), DevicePresence.state.in_((ONLINE, OUTAGE)))
    )
    for site_id, state, since, heard_at in session.execute(query).all():
        out = state == OUTAGE
        note_outage(session, str(site_id), "outage", heard_at if out else since, began=out)


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

    @staticmethod
    def _sites(session: Session, sites: Sequence[str]) -> dict[str, str]:
        query = select(Device.id, Device.site_id).where(Device.site_id.in_(list(sites)))
        return {device_id: str(site_id) for device_id, site_id in session.execute(query)}
