"""What goes wrong on a simulated day: a late trunk run, a landslide, a breakdown; chosen so that it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np

from api.simulation.roads import LonLat, closed
from maps.engines.protocol import RoadEngine

_LATE_SHARE: Final = 0.08
"""A late trunk run brings about this share of the day."""
_CANDIDATES: Final = 8
_SHORTEST_LEG_M: Final = 1_500


@dataclass(frozen=True)
class Landslide:
    """A road that closes.

    Attributes
    ----------
    delay_s
        Seconds it adds to all drives from the depot to the stops ahead.
    cut_off
        Stops ahead to which no road leads any more.
    """

    point: LonLat
    delay_s: int
    cut_off: int


def late_township(stops: Sequence[Mapping[str, Any]], township_of: Mapping[str, str]) -> str:
    """Choose the township whose freight comes late: the one with about the share of a trunk run.

    Parameters
    ----------
    stops
        The stops of all routes, as the API shows them.
    """
    load: dict[str, int] = {}
    for stop in stops:
        township = township_of.get(stop["place_id"], "")
        load[township] = load.get(township, 0) + len(stop["deliveries"])
    wanted = _LATE_SHARE * sum(load.values())
    return min(sorted(load), key=lambda one: abs(load[one] - wanted))


def choose_landslide(
    roads: RoadEngine, depot: LonLat, legs: Sequence[tuple[LonLat, LonLat, int]], rng: Random
) -> Landslide | None:
    """Choose where a road closes: of some drives still ahead, the one whose loss strands fewest and delays most.

    Parameters
    ----------
    legs
        Drives ahead: from, to, metres.

    Returns
    -------
    The landslide, or nothing when no closure on these drives delays anybody.
    """
    ends = sorted({leg[1] for leg in legs})
    long_ones = sorted(leg for leg in legs if leg[2] >= _SHORTEST_LEG_M)
    if not long_ones:
        return None
    before = _there_and_back(roads, depot, ends)
    tried: dict[LonLat, Landslide] = {}
    for start, end, _ in rng.sample(long_ones, min(_CANDIDATES, len(long_ones))):
        point = _middle(roads, start, end)
        after = _there_and_back(closed(roads, point), depot, ends)
        lost = np.isinf(after) & ~np.isinf(before)
        more = np.where(np.isinf(after) | np.isinf(before), 0.0, after - before)
        tried[point] = Landslide(point, round(float(more.sum())), int(lost.sum()))
    felt = [one for one in tried.values() if one.delay_s > 0]
    return min(felt or tried.values(), key=lambda one: (one.cut_off, -one.delay_s, one.point))


def _middle(roads: RoadEngine, start: LonLat, end: LonLat) -> LonLat:
    """Return a point in the middle of the drive, on a piece of road and not on a junction."""
    line = roads.route(np.array([start, end]), "van").coordinates
    at = max(1, len(line) // 2)
    middle = (line[at - 1] + line[at]) / 2
    return float(middle[0]), float(middle[1])


def _there_and_back(roads: RoadEngine, depot: LonLat, ends: Sequence[LonLat]) -> Any:
    here, there = np.array([depot]), np.array(ends)
    return roads.matrix(here, there, "van").time_s[0] + roads.matrix(there, here, "van").time_s[:, 0]
