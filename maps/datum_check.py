"""Finding out that points are not in the datum their source declares.

A file in GCJ-02 that says WGS-84 puts every point some 540 m off, a Baidu file more than a kilometre. One
point cannot show that, many together do: converted from their true datum they lie on roads, or in the
villages they are said to be in; converted from another one they lie beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from maps.datum import DATUMS, convert, in_china_box
from maps.engines.protocol import REFUSE_SNAP_M, Snaps
from maps.errors import DatumDoubtError, DatumError
from maps.geodesy import FloatArray, LocalFrame, as_points, straight_m

DistanceTo = Callable[[FloatArray], FloatArray]
"""Metres of points (n, 2) in WGS-84 to what they ought to lie at, shape (n,)."""
Verdict = Literal["agrees", "doubtful", "unchecked"]

LEAST_POINTS = 8
"""Fewer points say nothing: that all of eight lie nearer by chance happens once in 256 times."""
CLEARLY_NEARER = 0.5
"""Another datum must bring the median distance below this share of the declared one's."""
CLEARLY_MORE = 0.75
"""Another datum must bring at least this share of the points nearer."""
_NAMES = {"wgs84": "WGS-84", "gcj02": "GCJ-02", "bd09": "BD-09"}


class _Snapping(Protocol):
    def snap(self, points: ArrayLike, profile: str = "van") -> Snaps: ...


@dataclass(frozen=True)
class DatumFinding:
    """What comparing points with roads or known places says about their datum.

    Attributes
    ----------
    verdict
        ``doubtful``: another datum fits clearly better; ``unchecked``: too few points to tell, or none in China.
    likely
        The datum that fits best; the declared one unless the verdict is ``doubtful``.
    median_m
        Median distance by datum; empty when unchecked.
    nearer_share
        Share of the points that ``likely`` brings nearer than the declared datum does.
    compared
        How many points were compared.
    """

    declared: str
    likely: str
    verdict: Verdict
    median_m: Mapping[str, float]
    nearer_share: float
    compared: int


def to_roads(engine: _Snapping) -> DistanceTo:
    """Measure to the nearest road a car may use; beyond 2 km counts as 2 km."""

    def distance(lonlat: FloatArray) -> FloatArray:
        return np.minimum(engine.snap(lonlat).distance_m.astype(np.float64), REFUSE_SNAP_M)

    return distance


def to_places(places: ArrayLike) -> DistanceTo:
    """Measure to the nearest of some places, shape (m, 2) in WGS-84."""
    known = as_points(places, "places")
    frame = LocalFrame.around(known)
    tree = cKDTree(frame.to_metres(known))

    def distance(lonlat: FloatArray) -> FloatArray:
        metres, _ = tree.query(frame.to_metres(lonlat))
        return np.asarray(metres, dtype=np.float64)

    return distance


def to_partners(partners: ArrayLike) -> DistanceTo:
    """Measure each point to its own partner, shape (n, 2) in WGS-84: its village, or itself in a better source."""
    own = as_points(partners, "partners")
    return lambda lonlat: straight_m(lonlat, own)


def likely_datum(points: ArrayLike, declared: str, roads_or_places: DistanceTo) -> DatumFinding:
    """Compare points with what they should lie at, once for each datum they might be in.

    Another datum is called likely only when it is clearly better: its median distance is at most half the
    declared one's, and it brings three points of four nearer. Points along a road say little about shifts
    along that road, hence medians over many.

    Parameters
    ----------
    points : shape (n, 2)
        As the source gives them, unconverted.
    declared
        ``wgs84``, ``gcj02`` or ``bd09``.
    roads_or_places
        From :func:`to_roads`, :func:`to_places` or :func:`to_partners`.

    Raises
    ------
    DatumError
        If the declared datum is unknown.
    CoordinateError
        If a point is not a position.
    """
    if declared not in DATUMS:
        raise DatumError(f"unknown datum {declared!r}", name=declared)
    given = as_points(points)
    inside = in_china_box(given)
    if int(inside.sum()) < LEAST_POINTS:
        return DatumFinding(declared, declared, "unchecked", {}, 0.0, int(inside.sum()))
    away = {name: roads_or_places(convert(given, name))[inside] for name in DATUMS}
    return _judged(declared, away)


def _judged(declared: str, away: Mapping[str, FloatArray]) -> DatumFinding:
    median = {name: float(np.median(metres)) for name, metres in away.items()}
    best = min(DATUMS, key=lambda name: (median[name], name != declared))
    nearer = float(np.mean(away[best] < away[declared]))
    clear = best != declared and median[best] <= CLEARLY_NEARER * median[declared] and nearer >= CLEARLY_MORE
    likely = best if clear else declared
    verdict: Verdict = "doubtful" if clear else "agrees"
    return DatumFinding(declared, likely, verdict, median, nearer if clear else 0.0, len(away[declared]))


def refuse_doubtful(finding: DatumFinding, what: str, override: str) -> None:
    """Stop when a finding is doubtful; a person decides which datum it is.

    Parameters
    ----------
    what
        The file or manifest, for the message.
    override
        What to give when the declared datum is right after all, for the remedy.

    Raises
    ------
    DatumDoubtError
        Naming the likely datum and the distances.
    """
    if finding.verdict != "doubtful":
        return
    declared, likely = _NAMES[finding.declared], _NAMES[finding.likely]
    raise DatumDoubtError(
        f"{what}: declared as {declared}, but the points fit {likely}: read so, half of them lie within "
        f"{finding.median_m[finding.likely]:.0f} m of where they should, as {declared} only within "
        f"{finding.median_m[finding.declared]:.0f} m ({finding.compared} points)",
        remedy=f"Give the datum {finding.likely}. If {declared} is right nevertheless, {override}.",
        declared=finding.declared, likely=finding.likely, compared=finding.compared,
    )  # fmt: skip
