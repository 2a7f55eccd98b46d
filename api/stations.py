"""The stations' part of the composition root: the secret of their codes, and doors behind the command desk."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.ledger import Ledger
from dispatch.parcels.service import ParcelService
from dispatch.stations.service import Stations, build_stations
from firmware_bridge.errors import UnknownDeviceError
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.enrolment import ACTIVE, Keyring
from firmware_bridge.server.model import Device
from kernel.clock import Clock
from kernel.db import Database
from kernel.ids import Ids
from kernel.settings import Settings, keep_secret


class DeviceDoors:
    """Opens doors by signed commands to the device of a site."""

    def __init__(self, desk: CommandDesk) -> None:
        self._desk = desk

    def open(self, session: Session, site_id: str, cell: str, actor: str, reason: str) -> str | None:
        """Issue the command in the caller's transaction; None where no device of this site was ever heard."""
        query = select(Device.id).where(Device.site_id == site_id, Device.status == ACTIVE).order_by(Device.id)
        device_id = session.scalars(query).first()
        if device_id is None:
            return None
        try:
            return self._desk.issue(session, device_id, cell, actor, reason)
        except UnknownDeviceError:
            return None


def wire_stations(
    settings: Settings, database: Database, clock: Clock, ids: Ids, ledger: Ledger, parcels: ParcelService
) -> Stations:
    """Wire the desks of all stations."""
    master = keep_secret(settings.home / "devices.secret").encode()
    doors = DeviceDoors(CommandDesk(database, Keyring(database, master, clock), clock, ids))
    secret = keep_secret(settings.home / "codes.secret").encode()
    return build_stations(secret, clock, ids, ledger, parcels, opener=doors)
