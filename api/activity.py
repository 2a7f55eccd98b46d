"""The activity report over everything that is wired: ledger, registry, devices, places."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from api.services import Services
from dispatch.stations.activity import Grouping, Kind, region_report
from firmware_bridge.server.wire_report import DeviceWire
from kernel.errors import CundaError
from lockers.activity import ActivityReport
from lockers.registry.model import Site


def activity_report(
    services: Services, region: str, day: date, by: Grouping = "branch", kind: Kind = "kiosk"
) -> ActivityReport:
    """Compute a region's report of one day; a site's branch is the township it lies in."""
    zone, branch_of = _townships(services, region)
    with services.database.read() as session:
        return region_report(session, region, day, zone, services.clock.now(), by, DeviceWire(), branch_of, kind)


def _townships(services: Services, region: str) -> tuple[str, Callable[[Site], str]]:
    """Return the region's zone and who lies in which township; a region that is not imported has places only."""
    try:
        county = services.regions.load(region)
    except CundaError:
        return services.settings.zone, lambda site: site.place_id
    names = {township.id: township.name for township in county.townships}
    township_of = {place.id: names.get(place.township_id, place.township_id) for place in county.places}
    return county.zone, lambda site: township_of.get(site.place_id, site.place_id)
