"""What a dispatcher should know about the roads under a plan: estimates, and stops far from any road."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dispatch.demand.stops import Stop
from dispatch.plans.matrices import DayMatrices, Roads
from maps.engines.protocol import WARN_SNAP_M

_MOST: Final = 20


def road_notes(roads: Roads, matrices: DayMatrices, stops: Sequence[Stop]) -> tuple[str, ...]:
    """Return sentences for the dispatcher.

    Notes
    -----
    The road engine names points by their row; here a stop is named by its place and key, once for all profiles.
    """
    general = () if matrices.source == "road" else matrices.warnings
    if not stops:
        return general
    points = np.array([(stop.lon, stop.lat) for stop in stops])
    away_m = np.max([roads.snap(points, profile).distance_m for profile in sorted(matrices.profiles)], axis=0)
    far = sorted(
        (stop.name, stop.key, round(float(metres)))
        for stop, metres in zip(stops, away_m, strict=True)
        if metres > WARN_SNAP_M
    )
    named = tuple(f"{name} ({key}) lies {metres} m from the nearest road" for name, key, metres in far[:_MOST])
    more = (f"{len(far) - _MOST} more stops lie far from a road",) if len(far) > _MOST else ()
    return (*general, *named, *more)
