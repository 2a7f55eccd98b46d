"""What changed between two routes of one courier, as a list to accept (HH-13)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dispatch.plans.routes import PlannedRoute, PlannedStop

ETA_TOLERANCE_S: Final = 900
"""A stop's arrival must move by more than this to count as a change."""

ChangeKind = Literal["stop_added", "stop_removed", "parcels_added", "parcels_removed", "order_moved", "eta_moved"]


@dataclass(frozen=True)
class RouteChange:
    """One change of a courier's route.

    Attributes
    ----------
    label
        Number on the parcels of the stop concerned.
    parcel_ids
        Parcels that came or went.
    shift_s
        By how much the arrival moved, later is positive.
    """

    kind: ChangeKind
    stop_key: str
    label: int
    name: str
    parcel_ids: tuple[str, ...] = ()
    shift_s: int = 0


def route_changes(
    before: PlannedRoute, after: PlannedRoute, tolerance_s: int = ETA_TOLERANCE_S
) -> tuple[RouteChange, ...]:
    """List what a courier who knows one route must learn about another, in the order of the new route.

    Notes
    -----
    A stop counts as moved in order when it leaves the longest common order of both routes, so an insertion moves
    nothing else.
    """
    old = {one.stop.key: one for one in before.stops}
    new = {one.stop.key: one for one in after.stops}
    places = {key: place for place, key in enumerate(old)}
    common = [key for key in new if key in old]
    keeping = longest_rising([places[key] for key in common])
    steady = {common[index] for index in keeping}
    changes: list[RouteChange] = []
    for key, one in new.items():
        earlier = old.get(key)
        if earlier is None:
            changes.append(_change("stop_added", one, one.stop.parcel_ids))
        else:
            changes += _of_stop(earlier, one, tolerance_s, moved=key not in steady)
    changes += [_change("stop_removed", one, one.stop.parcel_ids) for key, one in old.items() if key not in new]
    return tuple(changes)


def _of_stop(before: PlannedStop, after: PlannedStop, tolerance_s: int, *, moved: bool) -> list[RouteChange]:
    changes = []
    came = tuple(sorted(set(after.stop.parcel_ids) - set(before.stop.parcel_ids)))
    went = tuple(sorted(set(before.stop.parcel_ids) - set(after.stop.parcel_ids)))
    if came:
        changes.append(_change("parcels_added", after, came))
    if went:
        changes.append(_change("parcels_removed", after, went))
    if moved:
        changes.append(_change("order_moved", after))
    shift_s = after.arrival_s - before.arrival_s
    if abs(shift_s) > tolerance_s:
        changes.append(_change("eta_moved", after, shift_s=shift_s))
    return changes


def _change(kind: ChangeKind, one: PlannedStop, parcel_ids: tuple[str, ...] = (), shift_s: int = 0) -> RouteChange:
    return RouteChange(kind, one.stop.key, one.visit.label, one.stop.name, parcel_ids, shift_s)


def longest_rising(values: Sequence[int]) -> list[int]:
    """Return the indices of a longest rising subsequence (Fredman 1975, patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, value in enumerate(values):
        place = bisect_left(tails, value)
        before.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[place], ends[place] = value, index
    chain, at = [], ends[-1] if ends else -1
    while at >= 0:
        chain.append(at)
        at = before[at]
    return chain[::-1]
