"""A county as a comparison of modes sees it: villages, hand-over points, vehicle types, roads between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dispatch.demand.service_times import ServiceTimes
from dispatch.echelons.fleet import profiles_of
from dispatch.fleet.fleet import TypeSpec
from dispatch.plans.matrices import compute_matrices, distinct, rounded
from dispatch.sharing.errors import ComparisonError
from kernel.progress import Progress, silent
from maps.places import Place
from maps.region import Region
from routing.problem import UNREACHABLE, Profile

CENTRE_ROW = 0


@dataclass(frozen=True)
class Assumptions:
    """What a comparison takes for granted, printed with every result; house estimates, a county's own to set.

    Attributes
    ----------
    between_doors_m, between_doors_s
        Way from one door or counter of a village to the next; it costs time and kilometres.
    hand_over_s, hand_over_parcel_s
        At a township's hand-over point: opening and sealing, and counting each parcel.
    undelivered_fen
        What a parcel left behind counts for when the best mix is chosen; it is in no reported cost.
    """

    service_times: ServiceTimes = field(default_factory=ServiceTimes)
    between_doors_m: int = 150
    between_doors_s: int = 30
    hand_over_s: int = 300
    hand_over_parcel_s: int = 2
    undelivered_fen: int = 3_000


@dataclass(frozen=True)
class Village:
    """A place parcels go to; `row` is its row of the matrices, None where no vehicle gets to."""

    id: str
    name: str
    township: str
    row: int | None


@dataclass(frozen=True, eq=False)
class County:
    """Everything about a county that is the same on all days.

    Attributes
    ----------
    seats
        Row of each township's hand-over point.
    kinds
        Vehicle types, with the index of their road profile in `profiles`.
    """

    region: str
    villages: Mapping[str, Village]
    townships: Mapping[str, str]
    seats: Mapping[str, int]
    kinds: tuple[TypeSpec, ...]
    profile_of: Mapping[str, int]
    profiles: tuple[Profile, ...]
    source: str
    assumptions: Assumptions

    def profile(self, kind: TypeSpec) -> Profile:
        """Return the road matrices of a vehicle type."""
        return self.profiles[self.profile_of[kind.profile]]

    def reaches(self, kind: TypeSpec, row: int, start: int = CENTRE_ROW) -> bool:
        """Tell whether a vehicle type gets from a start to a row and back."""
        profile = self.profile(kind)
        return max(*profile.leg(start, row), *profile.leg(row, start)) < UNREACHABLE


def survey_county(
    region: Region,
    kinds: Sequence[TypeSpec],
    assumptions: Assumptions | None = None,
    progress: Progress = silent,
) -> County:
    """Measure the roads between a county's centre, villages and hand-over points.

    Raises
    ------
    ComparisonError
        If there is no vehicle type or no township.
    PlaceUnlocatedError
        If the county centre has no position.
    """
    if not kinds or not region.townships:
        raise ComparisonError(f"region {region.name} has no vehicle type or no township", region=region.name)
    centre = rounded(*region.depot.lonlat)
    places = list({place.id: place for place in (*region.places, region.depot)}.values())
    at = {place.id: rounded(*place.lonlat) for place in places if place.located and not place.suspect}
    seats = {town.id: _seat(region, town.id, at) for town in region.townships}
    known_seats = {town: point for town, point in seats.items() if point is not None}
    points = distinct([centre, *at.values(), *known_seats.values()])
    matrices = compute_matrices(region.engine(), points, sorted({kind.profile for kind in kinds}), progress=progress)
    rows = matrices.index()
    names, profiles = profiles_of(matrices)
    county = County(
        region=region.name,
        villages={},
        townships={town.id: town.name for town in region.townships},
        seats={town: rows[point] for town, point in known_seats.items()},
        kinds=tuple(kinds),
        profile_of={name: index for index, name in enumerate(names)},
        profiles=profiles,
        source=matrices.source,
        assumptions=assumptions or Assumptions(),
    )
    villages = {place.id: _village(place, rows.get(at.get(place.id, (0.0, 0.0))), county) for place in places}
    return County(**{**vars(county), "villages": villages})


def _seat(region: Region, township: str, at: Mapping[str, tuple[float, float]]) -> tuple[float, float] | None:
    """Return a township's seat, or its first village with a position where the seat is not known."""
    town = region.township(township)
    if town.lon is not None and town.lat is not None:
        return rounded(town.lon, town.lat)
    return next((at[place.id] for place in region.places_in(township) if place.id in at), None)


def _village(place: Place, row: int | None, county: County) -> Village:
    reached = row is not None and any(county.reaches(kind, row) for kind in county.kinds)
    township = place.township_id if place.township_id in county.townships else ""
    return Village(place.id, place.name, township, row if reached else None)
