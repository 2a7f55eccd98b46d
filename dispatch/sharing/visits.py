"""From a day's parcels and modes to visits: one for each village (or hand-over point), its doors as calls."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.demand.parcel import StopKind
from dispatch.fleet.fleet import Load
from dispatch.sharing.county import County
from dispatch.sharing.demand import Consignment
from dispatch.sharing.policy import StationTerms
from dispatch.sharing.shares.executed import Part, SharedCall

Parcels = Sequence[tuple[int, Consignment]]
"""Parcels with their number on the day."""

LONGEST_VISIT_S: Final = 2 * 3600
MOST_AT_A_VISIT: Final = 100
"""A village with more work or parcels is visited in parts, so that several vehicles can share a town."""
_MOST_AT_A_CALL: Final = 60
_HAND_OVER: Final = "hand-over/"


@dataclass(frozen=True)
class Visit:
    """Everything one vehicle does at one village or hand-over point.

    Attributes
    ----------
    key
        Equal on all days for the same place and part, so that a day can begin with the routes of the day before.
    parcels
        Numbers of its parcels.
    """

    key: str
    township: str
    row: int
    calls: tuple[SharedCall, ...]
    parcels: tuple[int, ...]
    delivery: Load
    collection: Load

    @property
    def work_s(self) -> int:
        """Return how long the courier is busy there."""
        return sum(call.work_s for call in self.calls)

    @property
    def is_hand_over(self) -> bool:
        """Tell whether a sealed set changes hands here instead of parcels being delivered."""
        return self.key.startswith(_HAND_OVER)

    @property
    def way_m(self) -> int:
        """Return the metres between its doors."""
        return sum(call.way_m for call in self.calls)


@dataclass(frozen=True)
class Handed:
    """What becomes of parcels before anybody drives.

    Attributes
    ----------
    visits
        In the order of their keys.
    at_station
        Numbers of the parcels handed to village stations.
    unreached
        Numbers of the parcels whose village no vehicle gets to.
    """

    visits: tuple[Visit, ...]
    at_station: frozenset[int]
    unreached: tuple[int, ...]


def village_visits(county: County, parcels: Parcels, stations: Mapping[str, StationTerms]) -> Handed:
    """Make the visits of villages.

    Parameters
    ----------
    stations
        By township, the terms where one station serves all (station-reuse); elsewhere parcels go where they
        are addressed to.
    """
    by_place: dict[str, list[tuple[int, Consignment]]] = defaultdict(list)
    for number, parcel in parcels:
        by_place[parcel.place].append((number, parcel))
    visits: list[Visit] = []
    at_station: set[int] = set()
    unreached: list[int] = []
    for place, here in sorted(by_place.items()):
        village = county.villages[place]
        if village.row is None:
            unreached += [number for number, _ in here]
            continue
        channels = _channels(here, stations.get(village.township))
        at_station |= {number for number, kind in channels.items() if kind is StopKind.STATION}
        calls = _calls(county, here, channels)
        visits += _in_parts(county, place, village.township, village.row, calls, dict(here))
    return Handed(tuple(visits), frozenset(at_station), tuple(unreached))


def _channels(here: Parcels, terms: StationTerms | None) -> dict[int, StopKind]:
    """Return where each parcel is handed over; where a station serves all, as many as agree and as it takes."""
    kinds = {number: StopKind(parcel.channel) for number, parcel in here}
    if terms is None:
        return kinds
    room = terms.capacity_at(here[0][1].place)
    wanted = [(number, parcel) for number, parcel in here if parcel.station_allowed]
    first = [number for number, parcel in wanted if parcel.channel != "door"]
    agreeing = [n for n, p in wanted if p.channel == "door" and _agrees(p.recipient, terms.consent_percent)]
    at_station = set([*first, *agreeing][:room])
    for number in kinds:
        if number in at_station:
            kinds[number] = StopKind.STATION
        elif kinds[number] is not StopKind.DOOR:
            kinds[number] = StopKind.DOOR  # no room, or a cabinet that the station replaces
    return kinds


def _agrees(recipient: str, percent: int) -> bool:
    """Decide once for each recipient, so that the same people agree on every day."""
    return int.from_bytes(hashlib.sha256(recipient.encode()).digest()[:4], "big") % 100 < percent


def _calls(county: County, here: Parcels, channels: Mapping[int, StopKind]) -> list[tuple[SharedCall, tuple[int, ...]]]:
    groups: dict[tuple[StopKind, str], list[tuple[int, Consignment]]] = defaultdict(list)
    for number, parcel in here:
        kind = channels[number]
        groups[kind, parcel.recipient if kind is StopKind.DOOR else ""].append((number, parcel))
    calls = []
    for (kind, _), members in sorted(groups.items()):
        for start in range(0, len(members), _MOST_AT_A_CALL):
            part = members[start : start + _MOST_AT_A_CALL]
            calls.append((_call(county, kind, part), tuple(number for number, _ in part)))
    return calls


def _call(county: County, kind: StopKind, members: Parcels) -> SharedCall:
    taken = county.assumptions
    times = taken.service_times.of(kind)
    parts = parts_of(members, times.per_delivery_s, times.per_collection_s)
    return SharedCall(times.setup_s + taken.between_doors_s, taken.between_doors_m, parts)


def parts_of(members: Parcels, per_delivery_s: int, per_collection_s: int) -> dict[str, Part]:
    """Sum what each company has at a call."""
    parts: dict[str, Part] = {}
    for _, parcel in members:
        own = Part(per_collection_s if parcel.collect else per_delivery_s, 1, parcel.weight_g)
        parts[parcel.company] = parts[parcel.company] + own if parcel.company in parts else own
    return parts


def _in_parts(
    county: County,
    place: str,
    township: str,
    row: int,
    calls: Sequence[tuple[SharedCall, tuple[int, ...]]],
    known: Mapping[int, Consignment],
) -> list[Visit]:
    """Put calls together until a visit is long or large enough."""
    room = _room(county)
    visits: list[Visit] = []
    held: list[tuple[SharedCall, tuple[int, ...]]] = []
    for call, numbers in calls:
        wanted = [*held, (call, numbers)]
        if held and not _fits(wanted, known, room):
            visits.append(_visit(f"{place}/{len(visits)}", township, row, held, known))
            wanted = [(call, numbers)]
        held = wanted
    if held:
        visits.append(_visit(f"{place}/{len(visits)}", township, row, held, known))
    return visits


def _room(county: County) -> Load:
    """Return what every vehicle type can take to one visit."""
    capacities = [kind.capacity for kind in county.kinds]
    return Load(
        min(one.weight_g for one in capacities),
        min(one.volume_cm3 for one in capacities),
        min(MOST_AT_A_VISIT, *(one.count for one in capacities)),
    )


def _fits(calls: Sequence[tuple[SharedCall, tuple[int, ...]]], known: Mapping[int, Consignment], room: Load) -> bool:
    numbers = [number for _, some in calls for number in some]
    work_s = sum(call.work_s for call, _ in calls)
    load = load_of(known[number] for number in numbers)
    return work_s <= LONGEST_VISIT_S and load.fits(room)


def _visit(
    key: str,
    township: str,
    row: int,
    calls: Sequence[tuple[SharedCall, tuple[int, ...]]],
    known: Mapping[int, Consignment],
) -> Visit:
    numbers = tuple(number for _, some in calls for number in some)
    return Visit(
        key,
        township,
        row,
        tuple(call for call, _ in calls),
        numbers,
        load_of(known[number] for number in numbers if not known[number].collect),
        load_of(known[number] for number in numbers if known[number].collect),
    )


def load_of(parcels: Iterable[Consignment]) -> Load:
    """Add up what parcels weigh and take."""
    weight_g = volume_cm3 = count = 0
    for parcel in parcels:
        weight_g += parcel.weight_g
        volume_cm3 += parcel.volume_cm3
        count += 1
    return Load(weight_g, volume_cm3, count)


def hand_over_visits(county: County, parcels: Parcels) -> tuple[tuple[Visit, ...], tuple[int, ...]]:
    """Make the trunk's visits of hand-over points: sealed sets that are counted, as large as the largest type takes.

    Returns
    -------
    The visits, and the numbers of parcels whose township has no point a vehicle gets to.
    """
    taken = county.assumptions
    largest = max((kind.capacity for kind in county.kinds), key=lambda one: (one.weight_g, one.volume_cm3))
    by_township: dict[str, list[tuple[int, Consignment]]] = defaultdict(list)
    for number, parcel in parcels:
        by_township[county.villages[parcel.place].township].append((number, parcel))
    visits: list[Visit] = []
    unreached: list[int] = []
    for township, here in sorted(by_township.items()):
        row = county.seats.get(township)
        if row is None or not any(county.reaches(kind, row) for kind in county.kinds):
            unreached += [number for number, _ in here]
            continue
        for part_number, part in enumerate(_sets(here, largest)):
            call = SharedCall(taken.hand_over_s, 0, parts_of(part, taken.hand_over_parcel_s, taken.hand_over_parcel_s))
            numbers = tuple(number for number, _ in part)
            visits.append(_visit(f"{_HAND_OVER}{township}/{part_number}", township, row, [(call, numbers)], dict(part)))
    return tuple(visits), tuple(unreached)


def _sets(here: Parcels, room: Load) -> list[list[tuple[int, Consignment]]]:
    sets: list[list[tuple[int, Consignment]]] = [[]]
    load = Load()
    for number, parcel in here:
        own = Load(parcel.weight_g, parcel.volume_cm3, 1)
        if sets[-1] and not (load + own).fits(room):
            sets.append([])
            load = Load()
        sets[-1].append((number, parcel))
        load += own
    return sets
