"""From a device's words about doors and customers to the desks of stations and kiosks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from dispatch.stations.cells import CellEvent
from dispatch.stations.sending import TOLD_BY_KIOSKS, KioskTold
from dispatch.stations.service import Stations
from firmware_bridge.schemas import AccessGranted, DoorEvent, Event
from firmware_bridge.server.enrolment import KnownDevice
from firmware_bridge.server.happening import EventHandler
from lockers.book import Occupancy
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import SiteKind

_DOORS: Final = ("door.opened", "door.closed")


class DoorHandler:
    """Applies ``door.opened`` and ``door.closed`` to a station's or cabinet's cells; a kiosk keeps its own book."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str | None:
        """Apply it in the caller's transaction; doors that are no cells (entrance, dock) change no book."""
        body = DoorEvent.model_validate(event.body)
        site = SiteRepository(session).get(device.site_id or device.address.device)
        cells = self._stations.cells
        if site.kind == SiteKind.KIOSK or all(row.cell != body.target for row in cells.cells(session, site)):
            return None
        inside = Occupancy(body.inside) if body.inside is not None else Occupancy.UNKNOWN
        told = CellEvent(
            site.id, body.target, f"device:{device.address.device}", fact_at, event.store, event.seq, body.by_hand,
            inside,
        )  # fmt: skip
        if event.type == "door.opened":
            cells.door_seen_open(session, told)
        else:
            cells.door_seen_shut(session, told)
        return f"cell:{site.id}/{body.target}"


class AccessHandler:
    """Notes that a device accepted an offline code: the server's codes for that parcel end."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str | None:
        """Apply it in the caller's transaction."""
        body = AccessGranted.model_validate(event.body)
        self._stations.codes.revoke_all(session, body.parcel_id)
        site_id = device.site_id or device.address.device
        self._stations.journal.note(
            session, site_id, "access.granted", f"device:{device.address.device}", fact_at, cell=body.target,
            parcel_id=body.parcel_id, offline=event.offline,
        )  # fmt: skip
        return f"parcel:{body.parcel_id}"


class KioskHandler:
    """Applies what a kiosk's program tells of its sessions, paper, doors and waybills."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str | None:
        """Apply it in the caller's transaction."""
        site_id = device.site_id or device.address.device
        told = KioskTold(event.type, event.body, fact_at, f"device:{device.address.device}", event.txn, event.seq)
        self._stations.sending.tell(session, site_id, told)
        return f"sending:{event.txn}" if event.txn is not None else None


def station_handlers(stations: Stations) -> Mapping[str, EventHandler]:
    """Return what to do with each event type that concerns stations and kiosks."""
    doors, kiosk = DoorHandler(stations), KioskHandler(stations)
    handlers: dict[str, EventHandler] = {type_: kiosk for type_ in TOLD_BY_KIOSKS}
    return handlers | dict.fromkeys(_DOORS, doors) | {"access.granted": AccessHandler(stations)}
