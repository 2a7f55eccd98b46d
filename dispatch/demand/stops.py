"""Parcels to stops (停靠点): merge what is visited together, sum its load and work, say what cannot be planned."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from dispatch.demand.errors import DuplicateParcelError, UnaccountedParcelsError
from dispatch.demand.parcel import SITE_CHANNELS, DueParcel, PlacePoint, SitePoint, StopKind
from dispatch.demand.reasons import Fix, Reason, ReasonCode
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.windows import ALL_DAY, DAY_S, Windows, intersection, longest_s
from dispatch.fleet.fleet import Load

PositionSource = Literal["parcel", "site", "place"]

MIN_COMMON_WINDOW_S: Final = 1800
"""Parcels share a visit only when their windows leave the courier at least this much room in common."""
_UNCONFIRMED: Final = Reason(ReasonCode.POSITION_UNCONFIRMED, fix=Fix("position", "confirm it on the map"))
_KEY_DIGITS: Final = 20
_SAME_DOOR_DECIMALS: Final = 4  # about 10 m


@dataclass(frozen=True)
class Stop:
    """One visit: everything a courier drops and takes at one place in one go.

    Attributes
    ----------
    key
        Stable over re-planning of the same parcels; holds no personal data.
    position_source
        What the position is: the parcel's own, the site's, or the village's centre for want of a better one.
    deliveries, collections
        Parcel ids in order.
    setup_s, service_s
        Parking, walking up and calling; work for the parcels. Two stops at one point are set up twice: they
        are two doors whose exact place nobody knows, or two visits at different hours.
    windows
        When work may start.
    priority
        The highest of its parcels.
    skills
        What the vehicle must have: everything any of its parcels asks for.
    """

    key: str
    kind: StopKind
    name: str
    place_id: str
    site_id: str | None
    lon: float
    lat: float
    position_source: PositionSource
    deliveries: tuple[str, ...]
    collections: tuple[str, ...]
    delivery_load: Load
    collection_load: Load
    setup_s: int
    service_s: int
    windows: Windows = ALL_DAY
    priority: int = 0
    skills: frozenset[str] = frozenset()

    @property
    def work_s(self) -> int:
        """Return how long the courier is busy here."""
        return self.setup_s + self.service_s

    @property
    def parcel_ids(self) -> tuple[str, ...]:
        """Return all its parcels, deliveries first."""
        return self.deliveries + self.collections


@dataclass(frozen=True)
class Demand:
    """What a day asks for: stops, and a reason for each parcel that is on none."""

    stops: tuple[Stop, ...]
    reasons: Mapping[str, Reason] = field(default_factory=dict)


@dataclass(frozen=True)
class _Spot:
    key: str
    kind: StopKind
    name: str
    place_id: str
    site_id: str | None
    lon: float
    lat: float
    source: PositionSource
    windows: Windows = ALL_DAY


@dataclass(frozen=True)
class _County:
    places: Mapping[str, PlacePoint]
    sites: Mapping[str, SitePoint]
    open_sites: Mapping[tuple[str, str], SitePoint]


def build_stops(
    parcels: Sequence[DueParcel],
    day: date,
    places: Mapping[str, PlacePoint],
    sites: Mapping[str, SitePoint],
    capacities: Sequence[tuple[str, Load]],
    times: ServiceTimes | None = None,
) -> Demand:
    """Merge parcels into stops; every parcel ends in exactly one stop or gets a reason.

    Parameters
    ----------
    places, sites
        By id, for the plan's day.
    capacities
        Id and capacity of each vehicle type that has a vehicle.

    Returns
    -------
    Stops sorted by key. Parcels whose windows have too little in common become separate stops at one
    place, and so do loads that no single vehicle could carry together.

    Raises
    ------
    DuplicateParcelError
        If a parcel id occurs twice.
    """
    _check_unique(parcels)
    times = times or ServiceTimes()
    county = _County(places, sites, _open_sites(sites))
    reasons: dict[str, Reason] = {}
    at_spot: dict[str, tuple[_Spot, list[DueParcel]]] = {}
    for parcel in sorted(parcels, key=lambda one: one.id):
        spot = _place_parcel(parcel, day, county)
        reason = spot if isinstance(spot, Reason) else _too_large(parcel, capacities)
        if reason is not None:
            reasons[parcel.id] = reason
        elif isinstance(spot, _Spot):
            at_spot.setdefault(spot.key, (spot, []))[1].append(parcel)  # the first one's point serves all
    stops: list[Stop] = []
    for spot, here in at_spot.values():
        stops.extend(_stops_at(spot, here, [capacity for _, capacity in capacities], times, reasons))
    demand = Demand(tuple(sorted(stops, key=lambda stop: stop.key)), reasons)
    check_accounted((parcel.id for parcel in parcels), demand.stops, demand.reasons)
    return demand


def check_accounted(parcel_ids: Iterable[str], visited: Iterable[Stop], reasons: Mapping[str, Reason]) -> None:
    """Check that every parcel is at exactly one visited stop or has a reason, and no other parcel is.

    Raises
    ------
    UnaccountedParcelsError
        Naming up to ten parcels of each kind of mistake.
    """
    wanted = set(parcel_ids)
    counted: dict[str, int] = defaultdict(int)
    for stop in visited:
        for parcel_id in stop.parcel_ids:
            counted[parcel_id] += 1
    for parcel_id in reasons:
        counted[parcel_id] += 1
    missing = sorted(wanted - counted.keys())
    doubled = sorted(parcel_id for parcel_id, times in counted.items() if times > 1)
    foreign = sorted(counted.keys() - wanted)
    if missing or doubled or foreign:
        raise UnaccountedParcelsError(
            f"parcels not accounted for: {len(missing)} missing, {len(doubled)} counted twice, {len(foreign)} unknown",
            missing=missing[:10],
            doubled=doubled[:10],
            foreign=foreign[:10],
        )


def _check_unique(parcels: Sequence[DueParcel]) -> None:
    seen: set[str] = set()
    for parcel in parcels:
        if parcel.id in seen:
            raise DuplicateParcelError(f"parcel {parcel.id} was given twice", parcel=parcel.id)
        seen.add(parcel.id)


def _place_parcel(parcel: DueParcel, day: date, county: _County) -> _Spot | Reason:
    if parcel.due_day > day:
        return Reason(ReasonCode.NOT_DUE, fix=Fix("due_day", parcel.due_day.isoformat()))
    if parcel.channel in SITE_CHANNELS or parcel.channel_site_id is not None:
        return _spot_of_site(parcel, county)
    return _spot_of_door(parcel, county.places)


def _spot_of_site(parcel: DueParcel, county: _County) -> _Spot | Reason:
    if parcel.direction == "deliver" and not parcel.consent:
        return Reason(ReasonCode.NO_CONSENT, fix=Fix("consent", "ask the recipient, or deliver to the door"))
    if parcel.channel_site_id is None:
        site = county.open_sites.get((parcel.place_id, parcel.channel))
        if site is None:
            return _spot_of_village_point(parcel, county.places)
    else:
        site = county.sites.get(parcel.channel_site_id)
    if site is None or not site.in_service:
        return Reason(ReasonCode.SITE_NOT_IN_SERVICE, fix=Fix("channel_site_id", "another site, or the door"))
    if not site.windows:
        return Reason(ReasonCode.NOT_A_SERVICE_DAY, fix=Fix("due_day", "next day the site is open"))
    return _Spot(
        key=f"site-{site.id}",
        kind=site.kind,
        name=site.name,
        place_id=site.place_id,
        site_id=site.id,
        lon=site.lon,
        lat=site.lat,
        source="site",
        windows=site.windows,
    )


def _open_sites(sites: Mapping[str, SitePoint]) -> dict[tuple[str, str], SitePoint]:
    """Find the station and the cabinet that a parcel means which names only its village: the first one open."""
    found: dict[tuple[str, str], SitePoint] = {}
    for _, site in sorted(sites.items()):
        if site.in_service and site.windows:
            found.setdefault((site.place_id, site.kind.value), site)
    return found


def _spot_of_village_point(parcel: DueParcel, places: Mapping[str, PlacePoint]) -> _Spot | Reason:
    """Take the village's own point for a station or cabinet that nobody registered here."""
    place = places.get(parcel.place_id)
    if place is None or place.suspect or place.lon is None or place.lat is None:
        return _UNCONFIRMED
    return _Spot(
        key=f"{parcel.channel}-{place.id}",
        kind=StopKind(parcel.channel),
        name=place.name,
        place_id=place.id,
        site_id=None,
        lon=place.lon,
        lat=place.lat,
        source="place",
    )


def _spot_of_door(parcel: DueParcel, places: Mapping[str, PlacePoint]) -> _Spot | Reason:
    place = places.get(parcel.place_id)
    lon, lat, source = parcel.lon, parcel.lat, "parcel"
    if lon is not None and lat is not None:
        doubtful = parcel.doubtful
    elif place is not None:
        lon, lat, source, doubtful = place.lon, place.lat, "place", place.suspect
    else:
        doubtful = True
    if doubtful or lon is None or lat is None:
        return _UNCONFIRMED
    return _Spot(
        key="door-" + _digest(parcel.place_id, parcel.recipient_key, lon, lat),
        kind=StopKind.DOOR,
        name=place.name if place is not None else parcel.place_id,
        place_id=parcel.place_id,
        site_id=None,
        lon=lon,
        lat=lat,
        source="parcel" if source == "parcel" else "place",
    )


def _digest(place_id: str, recipient_key: str, lon: float, lat: float) -> str:
    text = f"{place_id}|{recipient_key}|{lon:.{_SAME_DOOR_DECIMALS}f}|{lat:.{_SAME_DOOR_DECIMALS}f}"
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def _too_large(parcel: DueParcel, capacities: Sequence[tuple[str, Load]]) -> Reason | None:
    if not capacities:
        return Reason(ReasonCode.NO_VEHICLE, fix=Fix("vehicles", "add a vehicle"))
    if any(parcel.load.fits(capacity) for _, capacity in capacities):
        return None
    name, capacity = max(capacities, key=lambda one: (one[1].weight_g, one[1].volume_cm3, one[0]))
    dimension = parcel.load.exceeded(capacity) or "weight_g"
    amount = getattr(parcel.load, dimension) - getattr(capacity, dimension)
    return Reason(
        ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY,
        vehicle=name,
        dimension=dimension,
        amount=amount,
        fix=Fix(f"capacity_{dimension}", f"+{amount}"),
    )


def _stops_at(
    spot: _Spot,
    parcels: Sequence[DueParcel],
    capacities: Sequence[Load],
    times: ServiceTimes,
    reasons: dict[str, Reason],
) -> list[Stop]:
    groups = _group_by_window(spot, parcels, reasons)
    stops = []
    for group_number, (windows, members) in enumerate(groups, start=1):
        parts = _split_by_capacity(members, capacities)
        for part_number, part in enumerate(parts, start=1):
            suffix = f"-w{group_number}" if len(groups) > 1 else ""
            suffix += f"-p{part_number}" if len(parts) > 1 else ""
            stops.append(_stop(spot, suffix, windows, part, times))
    return stops


def _group_by_window(
    spot: _Spot, parcels: Sequence[DueParcel], reasons: dict[str, Reason]
) -> list[tuple[Windows, list[DueParcel]]]:
    """Put each parcel, the least flexible first, into the first group that keeps enough room in common."""
    wanted = []
    for parcel in parcels:
        own = intersection(spot.windows, (_window_of(parcel),))
        if own:
            wanted.append((longest_s(own), parcel.id, own, parcel))
        else:
            reasons[parcel.id] = Reason(
                ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS, fix=Fix("window", "widen it")
            )
    groups: list[tuple[Windows, list[DueParcel]]] = []
    for length_s, _, own, parcel in sorted(wanted, key=lambda one: (one[0], one[1])):
        for index, (windows, members) in enumerate(groups):
            common = intersection(windows, own)
            if longest_s(common) >= min(MIN_COMMON_WINDOW_S, length_s, longest_s(windows)):
                groups[index] = (common, [*members, parcel])
                break
        else:
            groups.append((own, [parcel]))
    return groups


def _window_of(parcel: DueParcel) -> tuple[int, int]:
    start_s = 0 if parcel.window_start_s is None else parcel.window_start_s
    end_s = DAY_S if parcel.window_end_s is None else parcel.window_end_s
    if parcel.deadline_s is not None and parcel.deadline_s >= start_s:  # an appointment may lie after the deadline
        end_s = min(end_s, parcel.deadline_s)
    return start_s, end_s


def _split_by_capacity(parcels: Sequence[DueParcel], capacities: Sequence[Load]) -> list[list[DueParcel]]:
    if _fits_together(parcels, capacities):
        return [list(parcels)]
    parts: list[list[DueParcel]] = []
    for parcel in sorted(parcels, key=lambda one: (-one.load.weight_g, -one.load.volume_cm3, one.id)):
        for part in parts:
            if _fits_together([*part, parcel], capacities):
                part.append(parcel)
                break
        else:
            parts.append([parcel])
    return parts


def _fits_together(parcels: Sequence[DueParcel], capacities: Sequence[Load]) -> bool:
    delivery, collection = _loads(parcels)
    return any(delivery.fits(capacity) and collection.fits(capacity) for capacity in capacities)


def _loads(parcels: Sequence[DueParcel]) -> tuple[Load, Load]:
    sums = {"deliver": Load(), "collect": Load()}
    for parcel in parcels:
        sums[parcel.direction] += parcel.load
    return sums["deliver"], sums["collect"]


def _stop(spot: _Spot, suffix: str, windows: Windows, parcels: Sequence[DueParcel], times: ServiceTimes) -> Stop:
    deliveries = tuple(sorted(one.id for one in parcels if one.direction == "deliver"))
    collections = tuple(sorted(one.id for one in parcels if one.direction == "collect"))
    delivery_load, collection_load = _loads(parcels)
    return Stop(
        key=spot.key + suffix,
        kind=spot.kind,
        name=spot.name,
        place_id=spot.place_id,
        site_id=spot.site_id,
        lon=spot.lon,
        lat=spot.lat,
        position_source=spot.source,
        deliveries=deliveries,
        collections=collections,
        delivery_load=delivery_load,
        collection_load=collection_load,
        setup_s=times.of(spot.kind).setup_s,
        service_s=times.work_s(spot.kind, len(deliveries), len(collections)),
        windows=windows,
        priority=max(one.priority for one in parcels),
        skills=frozenset().union(*(one.skills for one in parcels)),
    )
