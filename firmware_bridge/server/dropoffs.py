"""From a drop-off at a kiosk to a parcel that waits for a courier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dispatch.custody.events import NewCustodyEvent
from dispatch.custody.ledger import Ledger
from dispatch.parcels.model import CABINET, STATION
from dispatch.parcels.service import NewCollection, ParcelService
from dispatch.products.service import default_product
from firmware_bridge.schemas import Event
from firmware_bridge.server.enrolment import KnownDevice
from firmware_bridge.server.happening import Happening
from kernel.clock import Clock
from kernel.ids import Ids
from lockers.dropoffs import DropOff, parse_drop_off
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import SiteKind

_PRODUCTS_KEPT_S: Final = 60.0


class DropOffHandler:
    """Turns ``parcel.dropped`` into a parcel to collect and a custody event, in the caller's transaction.

    Parameters
    ----------
    zone
        Time zone whose calendar day a drop-off belongs to.
    """

    def __init__(self, ids: Ids, clock: Clock, zone: str) -> None:
        self._parcels = ParcelService(ids, clock)
        self._ledger = Ledger(ids, clock)
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._products: tuple[float, dict[date, str]] = (float("-inf"), {})

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str:
        """Record one drop-off and return its parcel's id.

        Raises
        ------
        InvalidDropOffError, UnknownSiteError, CompanyUnknownError, CollectionConflictError
            If the statement cannot be used as it stands; nothing was written then.
        """
        return self.apply_many(session, [Happening(event, device, fact_at)])[0]

    def apply_many(self, session: Session, happenings: Sequence[Happening]) -> list[str]:
        """Record several drop-offs in a handful of statements and return their parcels' ids.

        Raises
        ------
        InvalidDropOffError, UnknownSiteError, CompanyUnknownError, CollectionConflictError
            If one of them cannot be used as it stands; the caller then undoes the others too.
        """
        drops = [_drop_off(happening) for happening in happenings]
        sites = SiteRepository(session).by_ids(_site_id(happening) for happening in happenings)
        collections = [
            self._collection(session, drop, sites[_site_id(happening)], happening.fact_at)
            for drop, happening in zip(drops, happenings, strict=True)
        ]
        parcel_ids = self._parcels.register_collections(session, collections)
        self._ledger.append_many(
            session,
            [
                _custody_event(happening, drop, sites[_site_id(happening)], parcel_id)
                for happening, drop, parcel_id in zip(happenings, drops, parcel_ids, strict=True)
            ],
        )
        return parcel_ids

    def _collection(self, session: Session, drop: DropOff, site: Site, fact_at: datetime) -> NewCollection:
        due_day = fact_at.astimezone(self._zone).date()
        return NewCollection(
            region=site.region,
            company_id=drop.company,
            waybill=drop.waybill,
            place_id=site.place_id,
            product=self._product(session, due_day),
            due_day=due_day,
            weight_g=drop.weight_g,
            volume_cm3=drop.billed_volume_cm3,
            channel=STATION if site.kind == SiteKind.STATION else CABINET,
            channel_site_id=site.id,
            lon=site.lon,
            lat=site.lat,
        )

    def _product(self, session: Session, day: date) -> str:
        """Return the day's default product, looked up once a minute: products change seldom, drop-offs are many."""
        looked_s, known = self._products
        now_s = self._clock.monotonic_s()
        if now_s - looked_s > _PRODUCTS_KEPT_S:
            self._products = (now_s, known := {})
        if day not in known:
            known[day] = default_product(session, "collect", day).code
        return known[day]


def _drop_off(happening: Happening) -> DropOff:
    body = happening.body
    return body if isinstance(body, DropOff) else parse_drop_off(happening.event.body)


def _site_id(happening: Happening) -> str:
    return happening.device.site_id or happening.device.address.device


def _custody_event(happening: Happening, drop: DropOff, site: Site, parcel_id: str) -> NewCustodyEvent:
    event, device = happening.event, happening.device
    optional = {"return_platform": drop.return_platform, "proof": drop.proof}
    return NewCustodyEvent(
        type="accepted_from_sender",
        fact_at=happening.fact_at,
        actor=f"device:{device.address.device}",
        parcel_id=parcel_id,
        event_id=event.id,
        device_id=device.address.device,
        store=event.store,
        seq=event.seq,
        device_at=event.ts,
        clock_offset_ms=event.clock.offset_ms if event.clock.synced else None,
        place=f"site:{site.id}",
        from_custodian="sender",
        to_custodian=f"site:{site.id}",
        body={
            "compartment": drop.compartment,
            "item_class": drop.item_class.value,
            "declared_value_fen": drop.declared_value_fen,
            "weight_provisional": drop.weight_provisional,
            "txn": event.txn,
        }
        | {name: value for name, value in optional.items() if value is not None},
    )
