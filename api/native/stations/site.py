"""The site a call is about, and whether the caller may deal with it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from api.auth.service import Identity
from dispatch.errors import ParcelUnknownError
from dispatch.parcels.model import Parcel
from dispatch.stations.cells import parcels_named
from dispatch.stations.errors import StationStateError
from dispatch.stations.model import StationCount, StationDock, StationVisit
from lockers.errors import UnknownSiteError
from lockers.registry.model import Site
from lockers.registry.repository import SiteRepository


def site_of(session: Session, identity: Identity, site_id: str) -> Site:
    """Return a site the caller may deal with.

    Raises
    ------
    UnknownSiteError
        If there is none, it lies in another region, or it is another keeper's: what is not theirs does not exist.
    """
    site = SiteRepository(session).get(site_id)
    foreign = identity.region is not None and identity.region != site.region
    if foreign or (identity.role == "station" and identity.site_id != site_id):
        raise UnknownSiteError(f"there is no site {site_id}", site=site_id)
    return site


def must_be_of(row: StationVisit | StationDock | StationCount, site_id: str) -> None:
    """Refuse what belongs to another site.

    Raises
    ------
    UnknownSiteError
        If it does: what is not this site's does not exist here.
    """
    if row.site_id != site_id:
        raise UnknownSiteError(f"site {site_id} has nothing of this id", site=site_id)


def parcel_named(session: Session, site: Site, key: str) -> Parcel:
    """Return the one parcel with this id or waybill.

    Raises
    ------
    ParcelUnknownError
        If there is none.
    StationStateError
        If there are several; the error lists their ids.
    """
    found = parcels_named(session, site.region, key)
    if not found:
        raise ParcelUnknownError(f"no parcel is known as {key!r}", key=key)
    if len(found) > 1:
        raise StationStateError(
            f"{len(found)} parcels are known as {key}: name one by its id",
            remedy="Search for it and choose the parcel.",
            candidates=[parcel.id for parcel in found],
        )
    return found[0]


def id_or_key(session: Session, site: Site, key: str) -> str:
    """Return the id of the first parcel with this id or waybill, or the key itself if there is none."""
    found = parcels_named(session, site.region, key)
    return found[0].id if found else key
