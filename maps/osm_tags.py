"""What the tags of an OpenStreetMap way mean for a vehicle.

Follows the OSM wiki pages "Key:access", "Key:oneway", "Key:maxspeed" as of 2025.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ROAD_CLASSES = (
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street",
    "service", "road", "track", "path", "motorway_link", "trunk_link", "primary_link", "secondary_link",
    "tertiary_link",
)  # fmt: skip
"""Classes a vehicle may find itself on; a road's class code is the index here."""

CLASS_CODE = {name: code for code, name in enumerate(ROAD_CLASSES)}

FORWARD, BACKWARD = 1, 2
CAR, MOTORCYCLE = 1, 2

_REFUSED = {"no", "private", "agricultural", "forestry", "military", "permit", "emergency"}
_GRANTED = {"yes", "designated", "permissive", "destination", "delivery", "customers", "official"}
# Soft field and forest lanes are left to two and three wheels; an ungraded one may be a village's only road.
_SOFT_TRACKS = {"grade3", "grade4", "grade5"}
_NARROW = {"path", "footway", "bridleway", "cycleway", "pedestrian"}

_CAR_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
_MOTORCYCLE_KEYS = ("motorcycle", "moped", "motor_vehicle", "vehicle", "access")

_SPEED = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh)?\s*$")
_KMH_PER_MPH = 1.609344
_WALKING_KMH = 6.0


@dataclass(frozen=True)
class RoadTags:
    """One way, as a vehicle sees it.

    Attributes
    ----------
    class_code
        Index into :data:`ROAD_CLASSES`.
    directions
        Bits `FORWARD` and `BACKWARD` along the way's nodes.
    access
        Bits `CAR` and `MOTORCYCLE`.
    maxspeed_kmh
        Signed limit, 0 when untagged or unreadable.
    """

    class_code: int
    directions: int
    access: int
    maxspeed_kmh: float


def read_road(tags: Mapping[str, str]) -> RoadTags | None:
    """Interpret a way's tags; None when no vehicle of ours may use it."""
    highway = tags.get("highway", "")
    name = "path" if highway in _NARROW else highway
    if name not in CLASS_CODE or tags.get("area") == "yes":
        return None
    access = _access(highway, tags)
    if not access:
        return None
    return RoadTags(CLASS_CODE[name], directions(highway, tags), access, read_speed(tags.get("maxspeed", "")))


def directions(highway: str, tags: Mapping[str, str]) -> int:
    """Return the directions a way may be driven in, along its nodes.

    One-way by tag, else implied on motorways and roundabouts.
    """
    oneway = tags.get("oneway", "")
    if oneway in ("yes", "1", "true"):
        return FORWARD
    if oneway in ("-1", "reverse"):
        return BACKWARD
    if oneway in ("no", "0", "false"):
        return FORWARD | BACKWARD
    implied = highway == "motorway" or tags.get("junction") in ("roundabout", "circular")
    return FORWARD if implied else FORWARD | BACKWARD


def read_speed(text: str) -> float:
    """Read a speed limit in km/h; 0 when there is none or it is not a number."""
    if text == "walk":
        return _WALKING_KMH
    match = _SPEED.match(text)
    if match is None:
        return 0.0
    value = float(match[1]) * (_KMH_PER_MPH if match[2] == "mph" else 1.0)
    return min(max(value, 5.0), 130.0)


def _access(highway: str, tags: Mapping[str, str]) -> int:
    car = _granted(_CAR_KEYS, tags)
    motorcycle = _granted(_MOTORCYCLE_KEYS, tags)
    if highway in _NARROW:  # built for feet: closed unless a sign opens it
        car_open, motorcycle_open = False, _granted(_MOTORCYCLE_KEYS[:3], tags) is True
    elif highway == "track":
        firm = tags.get("tracktype") not in _SOFT_TRACKS
        car_open = car if car is not None else firm
        motorcycle_open = motorcycle is not False
    else:
        car_open, motorcycle_open = car is not False, motorcycle is not False
    return (CAR if car_open else 0) | (MOTORCYCLE if motorcycle_open else 0)


def _granted(keys: tuple[str, ...], tags: Mapping[str, str]) -> bool | None:
    """Return what the most specific access key says; None when none says anything."""
    for key in keys:
        value = tags.get(key)
        if value in _REFUSED:
            return False
        if value in _GRANTED:
            return True
    return None
