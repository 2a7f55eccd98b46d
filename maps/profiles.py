"""Vehicle profiles: what a vehicle may use, and how fast it is there.

Speeds are estimates until they are calibrated on couriers' positions. They describe an average over
bends, gradients and villages, not what a sign allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from maps.errors import ProfileError
from maps.osm_tags import CAR, MOTORCYCLE, ROAD_CLASSES

SIGNED_SHARE = 0.8
"""Share of a signed limit that is driven on average (reference/maps, section 3)."""

_CLASS_KMH: Mapping[str, float] = MappingProxyType({
    "motorway": 95.0, "trunk": 65.0, "primary": 55.0, "secondary": 45.0, "tertiary": 36.0, "unclassified": 28.0,
    "residential": 22.0, "living_street": 10.0, "service": 15.0, "road": 25.0, "track": 14.0, "path": 10.0,
    "motorway_link": 50.0, "trunk_link": 45.0, "primary_link": 40.0, "secondary_link": 35.0, "tertiary_link": 30.0,
})  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """One kind of vehicle on the road.

    Attributes
    ----------
    access
        Bit of :mod:`maps.osm_tags` an edge must carry.
    cap_kmh
        Speed it never exceeds.
    refused
        Road classes closed to it by law.
    class_kmh
        Average speed by road class where no limit is signed; others take the common table.
    """

    name: str
    access: int
    cap_kmh: float
    refused: frozenset[str] = frozenset()
    class_kmh: Mapping[str, float] = field(default_factory=dict)

    def speeds_kmh(self, class_code: NDArray[np.uint8], maxspeed_kmh: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the speed on each edge, 0 where its class is closed to this vehicle."""
        table = np.array(
            [0.0 if name in self.refused else self.class_kmh.get(name, _CLASS_KMH[name]) for name in ROAD_CLASSES]
        )
        by_class = table[class_code]
        signed = np.where(maxspeed_kmh > 0, maxspeed_kmh * SIGNED_SHARE, by_class)
        return np.where(by_class > 0, np.minimum(signed, self.cap_kmh), 0.0)


PROFILES: Mapping[str, Profile] = MappingProxyType({
    profile.name: profile
    for profile in (
        Profile("van", CAR, cap_kmh=90.0),
        # Electric tricycle (电动三轮车): limited by its controller, kept off fast roads.
        Profile(
            "etrike", MOTORCYCLE, cap_kmh=25.0, refused=frozenset({"motorway", "motorway_link"}),
            class_kmh={"track": 12.0, "path": 10.0},
        ),
        Profile(
            "motorcycle", MOTORCYCLE, cap_kmh=60.0, refused=frozenset({"motorway", "motorway_link"}),
            class_kmh={"track": 18.0, "path": 12.0},
        ),
    )
})  # fmt: skip


def profile_of(name: str) -> Profile:
    """Return a profile by name.

    Raises
    ------
    ProfileError
        If there is none.
    """
    try:
        return PROFILES[name]
    except KeyError:
        raise ProfileError(f"unknown vehicle profile {name!r}", name=name) from None
