"""The stations' part of the composition root: the secret of their codes, and doors behind the command desk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.custody.ledger import Ledger
from dispatch.parcels.service import ParcelService
from dispatch.stations.model import StationCell, StationDock, StationVisit
from dispatch.stations.service import Stations, build_stations
from firmware_bridge.errors import UnknownDeviceError
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.enrolment import ACTIVE, Keyring
from firmware_bridge.server.model import Device
from firmware_bridge.server.wire_report import keep_outages
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import CundaError
from kernel.ids import Ids
from kernel.log import get_logger
from kernel.settings import Settings, keep_secret
from lockers.registry.model import Site

_TICK_S = 15.0


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


def device_master(settings: Settings) -> bytes:
    """Return the secret that all device keys are derived from, made at the first call."""
    return keep_secret(settings.home / "devices.secret").encode()


def wire_stations(
    settings: Settings, database: Database, clock: Clock, ids: Ids, ledger: Ledger, parcels: ParcelService
) -> Stations:
    """Wire the desks of all stations."""
    doors = DeviceDoors(CommandDesk(database, Keyring(database, device_master(settings), clock), clock, ids))
    secret = keep_secret(settings.home / "codes.secret").encode()
    return build_stations(secret, clock, ids, ledger, parcels, opener=doors)


def tick_stations(database: Database, stations: Stations) -> int:
    """Do what time asks for at every site in use, each in its own transaction; return how many sites were looked at."""
    with database.begin() as session:
        keep_outages(session)
    with database.read() as session:
        used = sorted(
            {*session.scalars(select(StationCell.site_id).distinct()), *session.scalars(select(StationVisit.site_id)),
             *session.scalars(select(StationDock.site_id))}
        )  # fmt: skip
    for site_id in used:
        with database.begin() as session:
            stations.tick(session, session.get_one(Site, site_id))
    return len(used)


@contextmanager
def ticking_stations(database: Database, stations: Stations) -> Iterator[None]:
    """Let time pass at all stations for the length of a block, in a thread of its own."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(_TICK_S):
            try:
                tick_stations(database, stations)
            except CundaError as problem:
                get_logger("api").warning("station_tick_failed", error_code=problem.code, detail=problem.message)
            except Exception as problem:  # time must go on at all other stations
                get_logger("api").error("station_tick_broke", exc_info=(type(problem), problem, problem.__traceback__))

    thread = threading.Thread(target=work, name="cunda-stations", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)
