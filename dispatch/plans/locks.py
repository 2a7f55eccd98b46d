"""What a re-plan must keep: four levels for stops and routes, set by a dispatcher or implied by facts.

====== ========= ===== ========================= =====
level  meaning   van   order                     times
====== ========= ===== ========================= =====
free   自由      –     –                         –
vehicle 锁车     fixed –                         –
sequence 锁序    fixed fixed, nothing between    –
fixed  锁定      fixed fixed                     fixed
====== ========= ===== ========================= =====

Facts lock by themselves: what is done or under way is no task any more (see :mod:`dispatch.plans.scene`), what is
loaded stays on its vehicle, and a route its courier has accepted keeps its order until a dispatcher reopens it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Literal

from dispatch.plans.errors import ContradictoryLocksError

TIME_TOLERANCE_S: Final = 60
"""A stop with fixed times may move by rounding, not by more."""

LockSource = Literal["dispatcher", "loaded", "accepted"]


class LockLevel(StrEnum):
    """How much of a stop is fixed."""

    FREE = "free"
    VEHICLE = "vehicle"
    SEQUENCE = "sequence"
    FIXED = "fixed"

    @property
    def rank(self) -> int:
        """Return 0 for free up to 3 for fixed."""
        return list(LockLevel).index(self)


@dataclass(frozen=True)
class StopLock:
    """What is fixed of one stop, and how things were when it was.

    Attributes
    ----------
    rank
        Its place on the route then: locked stops keep that order among themselves.
    after
        Key of the stop before it then, None at the head of the route.
    start_s
        Start of work then.
    source
        Who or what locked it.
    """

    level: LockLevel
    vehicle_id: str
    rank: int
    after: str | None
    start_s: int
    source: LockSource = "dispatcher"


@dataclass(frozen=True)
class Locks:
    """All locks of a plan.

    Attributes
    ----------
    stops
        By stop key; free stops have none.
    closed
        Vehicles whose route takes nothing more, because it is locked as a whole at ``sequence`` or ``fixed``.
    """

    stops: Mapping[str, StopLock] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    def level(self, key: str) -> LockLevel:
        """Return the level of a stop."""
        found = self.stops.get(key)
        return LockLevel.FREE if found is None else found.level

    def with_stops(self, more: Mapping[str, StopLock]) -> Locks:
        """Return the locks with some stops locked anew.

        Raises
        ------
        ContradictoryLocksError
            If a stop that facts hold is to be loosened, or bound to another vehicle.
        """
        for key, lock in more.items():
            held = self.stops.get(key)
            if held is None or held.source == "dispatcher":
                continue
            floor = LockLevel.VEHICLE if held.source == "loaded" else LockLevel.FREE
            if lock.level.rank < floor.rank or (held.source == "loaded" and lock.vehicle_id != held.vehicle_id):
                raise ContradictoryLocksError(
                    f"stop {key} is {held.source} on vehicle {held.vehicle_id}, it cannot be {lock.level.value}"
                    + (f" on {lock.vehicle_id}" if lock.vehicle_id != held.vehicle_id else ""),
                    stop=key,
                    vehicle=held.vehicle_id,
                    level=lock.level.value,
                    source=held.source,
                )
        kept = dict(self.stops)
        for key, lock in more.items():
            held = self.stops.get(key)
            source = held.source if held is not None and held.source == "loaded" else lock.source
            kept[key] = replace(lock, source=source)
        return replace(self, stops={key: lock for key, lock in kept.items() if lock.level is not LockLevel.FREE})

    def with_closed(self, vehicle_id: str, *, closed: bool) -> Locks:
        """Return the locks with a route closed or opened for more stops."""
        return replace(self, closed=self.closed | {vehicle_id} if closed else self.closed - {vehicle_id})

    def without(self, keys: Iterable[str]) -> Locks:
        """Return the locks without those of some stops."""
        gone = set(keys)
        return replace(self, stops={key: lock for key, lock in self.stops.items() if key not in gone})

    def as_dict(self) -> dict[str, Any]:
        """Return what a dispatcher locked, as plain JSON; facts lock again by themselves."""
        return {
            "stops": {
                key: {
                    "level": lock.level.value,
                    "vehicle": lock.vehicle_id,
                    "rank": lock.rank,
                    "after": lock.after,
                    "start_s": lock.start_s,
                }
                for key, lock in sorted(self.stops.items())
                if lock.source == "dispatcher"
            },
            "closed": sorted(self.closed),
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Locks:
        """Read what `as_dict` wrote."""
        stops = {
            key: StopLock(LockLevel(one["level"]), one["vehicle"], one["rank"], one["after"], one["start_s"])
            for key, one in body.get("stops", {}).items()
        }
        return cls(stops, frozenset(body.get("closed", ())))


@dataclass(frozen=True)
class BrokenLock:
    """A lock that an order of stops does not keep."""

    key: str
    vehicle_id: str
    message: str


def broken_locks(locks: Locks, routes: Mapping[str, Sequence[tuple[str, int]]]) -> list[BrokenLock]:
    """List the locks that routes do not keep.

    Parameters
    ----------
    routes
        By vehicle id: key and start of work of each stop still to do, in the order of driving.
    """
    found: list[BrokenLock] = []
    place_of = {key: vehicle_id for vehicle_id, stops in routes.items() for key, _ in stops}
    for key, lock in locks.stops.items():
        here = place_of.get(key)
        if here != lock.vehicle_id:
            where = "left out" if here is None else f"on {here}"
            found.append(BrokenLock(key, lock.vehicle_id, f"stop {key} is locked to {lock.vehicle_id}, but {where}"))
    for vehicle_id, stops in routes.items():
        found += _broken_order(locks, vehicle_id, stops)
    return found


def _broken_order(locks: Locks, vehicle_id: str, stops: Sequence[tuple[str, int]]) -> list[BrokenLock]:
    found: list[BrokenLock] = []
    highest, before = -1, None
    for key, start_s in stops:
        lock = locks.stops.get(key)
        if lock is None or lock.vehicle_id != vehicle_id:
            if vehicle_id in locks.closed:
                found.append(BrokenLock(key, vehicle_id, f"the route of {vehicle_id} is locked, it takes nothing"))
            before = key
            continue
        if lock.level.rank >= LockLevel.SEQUENCE.rank:
            ordered = locks.level(lock.after).rank >= LockLevel.SEQUENCE.rank if lock.after is not None else False
            if lock.rank < highest or (ordered and lock.after != before):
                found.append(BrokenLock(key, vehicle_id, f"stop {key} has lost its locked place in the order"))
            highest = max(highest, lock.rank)
        if lock.level is LockLevel.FIXED and abs(start_s - lock.start_s) > TIME_TOLERANCE_S:
            found.append(BrokenLock(key, vehicle_id, f"stop {key} starts {abs(start_s - lock.start_s)} s off its time"))
        before = key
    return found
