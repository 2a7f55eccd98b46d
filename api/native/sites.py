"""Kiosks, stations and cabinets, and what was last heard of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth.access import ServicesDep, allow
from api.auth.service import Identity
from api.native.fleet import RegionQuery
from api.native.form import View, problems
from api.native.scope import check_region
from firmware_bridge.server.model import Device, DevicePresence
from lockers.registry.model import Site

router = APIRouter(tags=["sites"])


class SiteView(View):
    """A kiosk, station or cabinet; `heard_at` says how old the rest of the presence is."""

    id: str
    region: str
    kind: Literal["kiosk", "station", "cabinet"]
    scene: str
    name: str
    place_id: str
    lon: float
    lat: float
    compartments: dict[str, int]
    status: str
    device_id: str | None
    presence: str | None
    heard_at: datetime | None
    firmware: str | None


class SiteList(View):
    """The sites of a region, by id."""

    items: list[SiteView]


@router.get("/sites", responses=problems(404))
def list_sites(
    services: ServicesDep,
    region: RegionQuery,
    kind: Annotated[Literal["kiosk", "station", "cabinet"] | None, Query()] = None,
    identity: Identity = allow("dispatcher", "admin", "station"),
) -> SiteList:
    """List a region's kiosks, stations and cabinets with what was last heard of each."""
    check_region(identity, region)
    with services.database.read() as session:
        found = sites_with_presence(session, region, kind)
        mine = [pair for pair in found if identity.role != "station" or pair[0].id == identity.site_id]
        return SiteList(items=[_view(site, presence) for site, presence in mine])


def sites_with_presence(
    session: Session, region: str, kind: str | None
) -> Sequence[tuple[Site, DevicePresence | None]]:
    """Return a region's sites with the presence of their device, None where no device was heard."""
    query = (
        select(Site, DevicePresence)
        .outerjoin(Device, Device.site_id == Site.id)
        .outerjoin(DevicePresence, DevicePresence.device_id == Device.id)
        .where(Site.region == region)
        .order_by(Site.id)
    )
    if kind is not None:
        query = query.where(Site.kind == kind)
    return [(site, presence) for site, presence in session.execute(query)]


def _view(site: Site, presence: DevicePresence | None) -> SiteView:
    return SiteView(
        id=site.id,
        region=site.region,
        kind=site.kind,  # type: ignore[arg-type]  # the table's check constraint keeps it so
        scene=site.scene,
        name=site.name,
        place_id=site.place_id,
        lon=site.lon,
        lat=site.lat,
        compartments=site.compartments,
        status=site.status,
        device_id=presence.device_id if presence is not None else None,
        presence=presence.state if presence is not None else None,
        heard_at=presence.heard_at if presence is not None else None,
        firmware=presence.firmware if presence is not None else None,
    )
