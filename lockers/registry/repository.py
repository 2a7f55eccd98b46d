"""Reading and writing the registry of sites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lockers.compartments import CompartmentSize
from lockers.errors import InvalidSiteError, SiteExistsError, UnknownSiteError
from lockers.registry.model import Site
from lockers.registry.scenes import Scene, SiteKind, SiteStatus

SITE_ID: Final = re.compile(r"[a-z0-9-]{3,32}")
_DAY_S: Final = 86_400


class SiteRepository:
    """Sites of one database, inside the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, site: Site) -> Site:
        """Register a site.

        Raises
        ------
        InvalidSiteError
            If a field is outside its closed list or range; names site and field.
        SiteExistsError
            If the id is taken.
        """
        check_site(site)
        if self._session.get(Site, site.id) is not None:
            raise SiteExistsError(f"site {site.id} is registered already", site=site.id)
        self._session.add(site)
        self._session.flush()
        return site

    def get(self, site_id: str) -> Site:
        """Return one site.

        Raises
        ------
        UnknownSiteError
            If there is none with this id.
        """
        site = self._session.get(Site, site_id)
        if site is None:
            raise UnknownSiteError(f"there is no site {site_id}", site=site_id)
        return site

    def by_ids(self, site_ids: Iterable[str]) -> dict[str, Site]:
        """Return several sites by id.

        Raises
        ------
        UnknownSiteError
            If one of them does not exist; names the first.
        """
        wanted = sorted(set(site_ids))
        found = {site.id: site for site in self._session.scalars(select(Site).where(Site.id.in_(wanted)))}
        for site_id in wanted:
            if site_id not in found:
                raise UnknownSiteError(f"there is no site {site_id}", site=site_id)
        return found

    def in_region(self, region: str, kind: SiteKind | None = None) -> Sequence[Site]:
        """Return a region's sites in the order of their ids, all kinds unless one is named."""
        query = select(Site).where(Site.region == region).order_by(Site.id)
        if kind is not None:
            query = query.where(Site.kind == kind.value)
        return self._session.scalars(query).all()


def check_site(site: Site) -> None:
    """Refuse a registration whose fields cannot be true.

    Raises
    ------
    InvalidSiteError
        Naming the site and the field.
    """
    problems = {
        "id": SITE_ID.fullmatch(site.id) is None,
        "kind": site.kind not in set(SiteKind),
        "scene": site.scene not in set(Scene),
        "status": site.status not in set(SiteStatus),
        "lon": not -180 <= site.lon <= 180,
        "lat": not -90 <= site.lat <= 90,
        "compartments": not _valid_compartments(site.compartments),
        "opening": not all(_valid_hours(hours) for hours in site.opening),
    }
    for field, wrong in problems.items():
        if wrong:
            raise InvalidSiteError(f"site {site.id}: {field} is not valid", site=site.id, field=field)


def _valid_compartments(counts: dict[str, int]) -> bool:
    return all(size in set(CompartmentSize) and 0 <= count <= 500 for size, count in counts.items())


def _valid_hours(hours: Sequence[int]) -> bool:
    if len(hours) != 3:
        return False
    weekday, open_s, close_s = hours
    return 0 <= weekday <= 6 and 0 <= open_s < close_s <= _DAY_S
