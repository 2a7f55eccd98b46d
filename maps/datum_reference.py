"""What is known here that the places of a new table can be compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from kernel.progress import Progress
from maps.datum_check import LEAST_POINTS, DatumFinding, likely_datum, refuse_doubtful, to_partners, to_roads
from maps.errors import RegionDataError
from maps.geodesy import FloatArray, as_points
from maps.places import Place
from maps.region import Region

_STAGE = "checking the datum"
_MARGIN_DEG = 0.05  # some 5 km: villages at the county's edge lie outside the rectangle of the others
_COVERED = 0.5


def refuse_wrong_datum(
    places: Sequence[Place], declared: str, known: Iterable[Region], what: str, progress: Progress
) -> DatumFinding | None:
    """Compare places with regions of the same county that are here already, those with roads first.

    Without such a region nothing can be said, and progress says that.

    Parameters
    ----------
    places
        As their table gives them, unconverted.
    what
        The table's name, for the message.

    Returns
    -------
    The finding, or None when there was nothing to compare with.

    Raises
    ------
    DatumDoubtError
        If another datum than the declared one fits clearly better.
    """
    located = [place for place in places if place.located]
    lonlat = as_points([place.lonlat for place in located])
    covering = [region for region in known if _covers(region, lonlat)]
    for region in sorted(covering, key=lambda region: region.source != "road"):
        finding = _compared(located, lonlat, declared, region)
        if finding is not None and finding.verdict != "unchecked":
            refuse_doubtful(finding, what, "trust it with --trust-datum")
            progress(_STAGE, 1, 1, f"agrees with region {region.name}")
            return finding
    progress(_STAGE, 1, 1, "no roads and no known places here to compare with")
    return None


def _covers(region: Region, lonlat: FloatArray) -> bool:
    if len(lonlat) < LEAST_POINTS or not region.located_places:
        return False
    theirs = as_points([place.lonlat for place in region.located_places])
    low, high = theirs.min(axis=0) - _MARGIN_DEG, theirs.max(axis=0) + _MARGIN_DEG
    return bool(np.mean(((lonlat >= low) & (lonlat <= high)).all(axis=1)) >= _COVERED)


def _compared(located: Sequence[Place], lonlat: FloatArray, declared: str, region: Region) -> DatumFinding | None:
    if region.source == "road":
        try:
            return likely_datum(lonlat, declared, to_roads(region.engine()))
        except RegionDataError:  # a damaged region elsewhere is no reason to refuse this one
            return None
    partners = _by_unique_name(region.located_places)
    mine = _by_unique_name(located)
    both = [name for name in mine if name in partners]
    if len(both) < LEAST_POINTS:
        return None
    points = [mine[name].lonlat for name in both]
    return likely_datum(points, declared, to_partners([partners[name].lonlat for name in both]))


def _by_unique_name(places: Sequence[Place]) -> dict[str, Place]:
    counts = Counter(place.name for place in places)
    return {place.name: place for place in places if counts[place.name] == 1}
