"""Takes manifests in: gives the importer the region's places and sites, and one transaction per file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from api.region_catalog import RegionCatalog
from dispatch.parcels.generator import INVENTED_COMPANIES
from dispatch.parcels.manifest.gazetteer import Gazetteer
from dispatch.parcels.manifest.importer import ImportOptions, ImportReport, ManifestImporter
from dispatch.parcels.service import ParcelService
from kernel.clock import Clock
from kernel.db import Database
from kernel.progress import Progress, silent
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import SiteStatus


@dataclass(frozen=True)
class ManifestOrder:
    """How one file is to be taken in; see :class:`ImportOptions` for the fields.

    Parameters
    ----------
    day
        Due day of rows that state none; today in the region when None.
    """

    region: str
    actor: str
    day: date | None = None
    mapping: Mapping[str, str] | None = None
    register_companies: bool = False
    default_company: str | None = None
    only_company: str | None = None
    check_only: bool = False


@dataclass(frozen=True)
class ManifestDesk:
    """Imports manifests for people who name a region and hand over bytes."""

    database: Database
    clock: Clock
    regions: RegionCatalog
    importer: ManifestImporter
    parcels: ParcelService

    def take_in(self, data: bytes, file_name: str, order: ManifestOrder, progress: Progress = silent) -> ImportReport:
        """Import a file in one transaction: a file that fails leaves no trace.

        Raises
        ------
        RegionNotFoundError
            If there is no such region.
        ManifestError, ManifestMappingError
            If the file as a whole, or the mapping, cannot be used.
        """
        region = self.regions.load(order.region)
        day = order.day or today_in(self.clock, region.zone)
        with self.database.begin() as session:
            sites = SiteRepository(session).in_region(order.region)
            options = ImportOptions(
                region=order.region,
                day=day,
                gazetteer=Gazetteer.of(region),
                actor=order.actor,
                mapping=order.mapping,
                register_companies=order.register_companies,
                default_company=order.default_company,
                only_company=order.only_company,
                site_ids={site.id for site in sites if site.status == SiteStatus.ACTIVE} or None,
                check_only=order.check_only,
            )
            return self.importer.run(session, data, file_name, options, progress)

    def register_invented_companies(self) -> None:
        """Register the companies that generated manifests name."""
        with self.database.begin() as session:
            for company_id, name in INVENTED_COMPANIES:
                self.parcels.register_company(session, company_id, name)


def today_in(clock: Clock, zone: str) -> date:
    """Return the present day in a zone."""
    from zoneinfo import ZoneInfo

    return clock.now().astimezone(ZoneInfo(zone)).date()
