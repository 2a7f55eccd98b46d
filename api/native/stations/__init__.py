"""A station's counter and its 24-hour side: search, scan-in, take-out, cells, overdue, counts, visits, vehicles."""

from api.native.stations import counter, counts, docks, keeping, visits
from api.native.stations.site import site_of

__all__ = ["PARTS", "site_of"]

PARTS = (counter, keeping, counts, visits, docks)
