"""Deadlines and skills in a day's plan: kept where any vehicle can, given up openly where none can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from dispatch.demand.parcel import DueParcel
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import Fleet
from dispatch.plans.matrices import DayMatrices, rounded
from dispatch.plans.problem import DayProblem
from routing.problem import UNREACHABLE
from routing.solution import Solution


def without_deadline(parcels: Sequence[DueParcel], late: Collection[str]) -> tuple[DueParcel, ...]:
    """Return the parcels, some of them without their deadline."""
    given_up = frozenset(late)
    return tuple(replace(one, deadline_s=None) if one.id in given_up else one for one in parcels)


def without_skills(parcels: Iterable[DueParcel]) -> tuple[DueParcel, ...]:
    """Return the parcels without what they ask of a vehicle."""
    return tuple(replace(one, skills=frozenset()) if one.skills else one for one in parcels)


def skill_notes(parcels: Iterable[DueParcel]) -> tuple[str, ...]:
    """Say which skills nobody could check, because the region records no equipment."""
    asked = Counter(skill for parcel in parcels for skill in parcel.skills)
    return tuple(
        f"{count} parcels need a vehicle with {skill}, which was not checked: the region records no equipment"
        for skill, count in sorted(asked.items())
    )


def beyond_deadline(
    parcels: Sequence[DueParcel], stops: Sequence[Stop], fleet: Fleet, matrices: DayMatrices
) -> frozenset[str]:
    """Give the parcels whose deadline no vehicle keeps, even driving there straight at the start of its shift."""
    bound = {one.id for one in parcels if one.deadline_s is not None}
    rows = matrices.index()
    found: set[str] = set()
    for stop in stops:
        mine = bound.intersection(stop.parcel_ids)
        if mine and not _reached(stop, rows[rounded(stop.lon, stop.lat)], fleet, matrices):
            found |= mine
    return frozenset(found)


def _reached(stop: Stop, row: int, fleet: Fleet, matrices: DayMatrices) -> bool:
    arrivals = [
        kind.shift_start_s + int(matrices.profiles[kind.profile].time_s[0, row])
        for kind in fleet.used_types
        if int(matrices.profiles[kind.profile].time_s[0, row]) < UNREACHABLE
    ]
    # Where no road leads at all the deadline is not what keeps the parcel from being delivered.
    return not arrivals or min(arrivals) <= stop.windows[-1][1]


def left_out_by_deadline(parcels: Sequence[DueParcel], problem: DayProblem, solution: Solution) -> frozenset[str]:
    """Give the parcels with a deadline at stops that a plan leaves out: without it they may fit."""
    bound: Mapping[str, int] = {one.id: one.deadline_s for one in parcels if one.deadline_s is not None}
    return frozenset(
        parcel_id for task in solution.unassigned for parcel_id in problem.stops[task].parcel_ids if parcel_id in bound
    )
