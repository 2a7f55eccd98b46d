"""From a region, its volume and its fleet to the week to be planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dispatch.echelons.fleet import courier_kinds, profiles_of
from dispatch.fleet.errors import NoFleetError
from dispatch.fleet.fleet import Fleet
from dispatch.plans.matrices import DayMatrices, compute_matrices, day_digest, distinct, rounded
from dispatch.weekdays.patterns import DAYS, Pattern
from dispatch.weekdays.problem import Unreached, Village, WeekProblem, Work
from kernel.progress import Progress, silent
from maps.region import Region
from routing.problem import fen

CHANGE_FEN: Final = 2_000
"""Price of giving a village other days than its people know; a house default."""


@dataclass(frozen=True)
class RhythmRule:
    """Which rhythm a village is promised, by its mean parcels a day; house defaults, a county's own to set.

    Attributes
    ----------
    daily_from, thrice_from
        Parcels a day from which it is served on every service day, and three times a week; below, twice.
    longest_gap_thrice, longest_gap_twice
        The most days between two visits.
    """

    daily_from: float = 6.0
    thrice_from: float = 3.0
    longest_gap_thrice: int = 3
    longest_gap_twice: int = 4

    def promise(self, parcels_a_day: float, service_days: int) -> tuple[int, int]:
        """Return visits a week and the longest gap promised to a village."""
        if parcels_a_day >= self.daily_from:
            return service_days, DAYS
        if parcels_a_day >= self.thrice_from:
            return min(3, service_days), self.longest_gap_thrice
        return min(2, service_days), self.longest_gap_twice


@dataclass(frozen=True, eq=False)
class WeekSurvey:
    """A week to be planned, and the villages that cannot even be stated because nobody knows where they are."""

    problem: WeekProblem
    unlocated: tuple[Unreached, ...]
    source: str


def survey_week(
    region: Region,
    arrivals: Mapping[str, tuple[float, ...]],
    fleet: Fleet,
    *,
    rule: RhythmRule | None = None,
    previous: Mapping[str, Pattern] | None = None,
    service_days: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    work: Work | None = None,
    change_fen: int = CHANGE_FEN,
    progress: Progress = silent,
) -> WeekSurvey:
    """Gather what weekdays are chosen by.

    Parameters
    ----------
    arrivals
        Mean parcels arriving on each weekday by place id, seven numbers each, Monday first.
    previous
        Patterns that people know, by place id.
    change_fen
        Price of giving a village another pattern, once, counted against one week's cost.

    Raises
    ------
    NoFleetError
        If the region has no vehicle.
    PlaceUnlocatedError
        If the county centre has no position.
    """
    if not fleet.vehicles:
        raise NoFleetError(f"region {region.name} has no vehicle", region=region.name)
    rule, previous = rule or RhythmRule(), previous or {}
    places = [place for place in region.places if sum(arrivals.get(place.id, ())) > 0]
    located = [place for place in places if place.lon is not None and place.lat is not None and not place.suspect]
    unlocated = tuple(Unreached(place.id, place.name, "NO_POSITION") for place in places if place not in set(located))
    points = distinct([rounded(*region.depot.lonlat), *(rounded(*place.lonlat) for place in located)])
    matrices = _matrices(region, points, fleet, progress)
    rows = matrices.index()
    names, profiles = profiles_of(matrices)
    villages = []
    for place in located:
        week = arrivals[place.id]
        visits, gap = rule.promise(sum(week) / DAYS, len(service_days))
        lon, lat = place.lonlat
        villages.append(
            Village(place.id, place.name, rows[rounded(lon, lat)], week, visits, gap, previous.get(place.id), lon, lat)
        )
    problem = WeekProblem(
        villages=tuple(villages),
        centre=0,
        kinds=courier_kinds(fleet, names),
        profiles=profiles,
        service_days=service_days,
        work=work or Work(),
        change_price=fen(change_fen),
    )
    return WeekSurvey(problem, unlocated, matrices.source)


def _matrices(region: Region, points: tuple[tuple[float, float], ...], fleet: Fleet, progress: Progress) -> DayMatrices:
    digest = day_digest(region.version, points, fleet.profiles)
    return compute_matrices(region.engine(), points, fleet.profiles, digest, progress)
