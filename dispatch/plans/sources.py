"""What a day's plan is made from: due parcels, the region's places and sites, the fleet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from sqlalchemy.orm import Session

from dispatch.demand.parcel import Channel, Direction, DueParcel, PlacePoint, SitePoint, StopKind
from dispatch.demand.windows import ALL_DAY, DAY_S, Windows, normalised
from dispatch.fleet.fleet import Fleet, Load
from dispatch.fleet.repository import FleetRepository
from dispatch.parcels.model import Parcel
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.matrices import Point
from dispatch.promises.clocks import Promise, area_classes
from dispatch.promises.reading import promises_for
from kernel.clock import second_of
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository
from maps.places import Place
from maps.region import Region

_CONFIRMED: Final = frozenset({"exact", "village", "site", "confirmed"})
"""Judgements of a position that may be routed; any other waits for a person."""
_IN_SERVICE: Final = "active"
PRIORITY_STEP: Final = 10
"""Points of a product's priority (0 to 100) that make one of a stop's: enough to outweigh two more doors' parcels."""


@dataclass(frozen=True)
class DayInput:
    """Everything a day's plan depends on besides roads and the solver.

    Attributes
    ----------
    places, sites
        By id; sites with their opening hours of the day.
    depot
        Longitude and latitude of the county centre.
    """

    day: date
    parcels: tuple[DueParcel, ...]
    places: Mapping[str, PlacePoint]
    sites: Mapping[str, SitePoint]
    fleet: Fleet
    depot: Point

    @property
    def site_points(self) -> tuple[Point, ...]:
        """Return where the sites in service stand, in the order of their ids."""
        return tuple((site.lon, site.lat) for _, site in sorted(self.sites.items()) if site.in_service)


def load_day(session: Session, region: Region, day: date) -> DayInput:
    """Read what is due in a region on a day.

    Raises
    ------
    PlaceUnlocatedError
        If the region's county centre has no position.
    InvalidFleetError
        If the stored fleet contradicts itself.
    """
    repository = ParcelRepository(session)
    waiting = [*repository.to_deliver(region.name, day), *repository.to_collect(region.name, day)]
    promises = promises_for(session, region.name, day, waiting, area_classes(region), region.zone)
    return DayInput(
        day=day,
        parcels=tuple(due_parcel(parcel, promises[parcel.id], day, region.zone) for parcel in waiting),
        places=place_points((*region.places, region.depot)),
        sites=site_points(SiteRepository(session).in_region(region.name), day),
        fleet=FleetRepository(session).load(region.name),
        depot=region.depot.lonlat,
    )


def due_parcel(parcel: Parcel, promise: Promise, day: date, zone: str) -> DueParcel:
    """Return what planning on a day knows about a stored parcel and what it was promised."""
    deadline_s = None if promise.clock is None else second_of(promise.clock.deadline_at, day, zone)
    located = parcel.lon is not None and parcel.lat is not None
    return DueParcel(
        id=parcel.id,
        direction=cast(Direction, parcel.direction),
        due_day=parcel.due_day,
        load=Load(parcel.weight_g, parcel.volume_cm3, 1),
        recipient_key=recipient_key(parcel.recipient_name, parcel.recipient_phone, parcel.address),
        place_id=parcel.place_id,
        lon=parcel.lon,
        lat=parcel.lat,
        doubtful=located and parcel.position_confidence not in _CONFIRMED,
        channel=cast(Channel, parcel.channel),
        channel_site_id=parcel.channel_site_id,
        consent=bool(parcel.consent_reference),
        window_start_s=parcel.window_start_s,
        window_end_s=parcel.window_end_s,
        priority=promise.priority // PRIORITY_STEP,
        deadline_s=deadline_s if deadline_s is not None and 0 <= deadline_s < DAY_S else None,
        skills=promise.skills,
    )


def recipient_key(name: str, phone: str, address: str) -> str:
    """Return a digest that is equal for parcels to one recipient: the phone decides, else name and address."""
    digits = re.sub(r"\D", "", phone)[-11:]
    text = f"phone:{digits}" if len(digits) >= 7 else f"name:{name.strip()}|{address.strip()}"
    return hashlib.sha256(text.encode()).hexdigest()


def place_points(places: Iterable[Place]) -> dict[str, PlacePoint]:
    """Return places by id as demand wants them."""
    return {one.id: PlacePoint(one.id, one.name, one.lon, one.lat, one.suspect) for one in places}


def site_points(sites: Iterable[Site], day: date) -> dict[str, SitePoint]:
    """Return sites by id with their opening hours of a day."""
    return {
        site.id: SitePoint(
            id=site.id,
            kind=StopKind(site.kind),
            name=site.name,
            place_id=site.place_id,
            lon=site.lon,
            lat=site.lat,
            windows=opening_on(site, day),
            in_service=site.status == _IN_SERVICE,
        )
        for site in sites
    }


def opening_on(site: Site, day: date) -> Windows:
    """Return a site's opening hours of a day; a site without listed hours is open at all hours."""
    if not site.opening:
        return ALL_DAY
    return normalised((open_s, close_s) for weekday, open_s, close_s in site.opening if weekday == day.weekday())
