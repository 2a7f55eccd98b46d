"""Takes manifests in: gives the importer the region's places and sites, and one transaction per file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from api.region_catalog import RegionCatalog
from dispatch.parcels.generator import INVENTED_COMPANIES
from dispatch.parcels.manifest.gazetteer import Gazetteer
from dispatch.parcels.manifest.importer import ImportOptions, ImportReport, ManifestImporter, Position, PositionJudge
from dispatch.parcels.service import ParcelService
from kernel.clock import Clock
from kernel.db import Database
from kernel.progress import Progress, silent
from lockers.registry.repository import SiteRepository
from lockers.registry.scenes import SiteStatus
from maps.datum_check import LEAST_POINTS, likely_datum, refuse_doubtful, to_places, to_roads
from maps.region import Region


@dataclass(frozen=True)
class ManifestOrder:
    """How one file is to be taken in; see :class:`ImportOptions` for the fields.

    Parameters
    ----------
    day
        Due day of rows that state none; today in the region when None.
    trust_datum
        Whether positions are taken in the datum they declare although another one fits them better.
    """

    region: str
    actor: str
    day: date | None = None
    mapping: Mapping[str, str] | None = None
    register_companies: bool = False
    default_company: str | None = None
    only_company: str | None = None
    check_only: bool = False
    trust_datum: bool = False


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
        DatumDoubtError
            If the positions fit another datum than the declared one, unless the order says to trust it.
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
                judge_positions=None if order.trust_datum else _datum_judge(region, file_name),
            )
            return self.importer.run(session, data, file_name, options, progress)

    def register_invented_companies(self) -> None:
        """Register the companies that generated manifests name."""
        with self.database.begin() as session:
            for company_id, name in INVENTED_COMPANIES:
                self.parcels.register_company(session, company_id, name)


def _datum_judge(region: Region, file_name: str) -> PositionJudge:
    """Hold positions against the region's roads, or its places where it has no roads."""

    def judge(datum: str, given: Sequence[Position]) -> None:
        if len(given) < LEAST_POINTS:
            return
        spots = [(place.lon, place.lat) for place in region.places if place.lon is not None and place.lat is not None]
        measure = to_roads(region.engine()) if region.source == "road" else to_places(spots)
        refuse_doubtful(likely_datum(given, datum, measure), file_name, "import again and say that it is to be trusted")

    return judge


def today_in(clock: Clock, zone: str) -> date:
    """Return the present day in a zone."""
    from zoneinfo import ZoneInfo

    return clock.now().astimezone(ZoneInfo(zone)).date()
