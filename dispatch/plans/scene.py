"""The rest of a day as a routing problem: every vehicle from where it will be free, every stop not yet done.

A plan that is driven already is planned from here on: what is done or under way is behind the vehicle and is no
task any more, so no search and no edit can move it. A vehicle that has left carries its goods: it may take
collections on the way, but no delivery that is not on board.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import DIMENSIONS, Load, TypeSpec
from dispatch.plans.matrices import DayMatrices, Point, rounded
from dispatch.plans.problem import DEPOT, left_out_fen
from dispatch.plans.routes import Leg, PlannedRoute, PlannedStop, total
from routing.builder import ProblemBuilder
from routing.problem import UNREACHABLE, Problem, fen, per_hour, per_km

_END_OF_DAY_S: Final = 2 * 86_400


@dataclass(frozen=True)
class Van:
    """One vehicle as the rest of its day finds it.

    Attributes
    ----------
    kind
        Its type with its own shift of this day.
    number
        What people call its route, 0 before it has one.
    done
        Stops that are done or under way; they never move.
    start_s
        Departure from the depot of a vehicle that has left.
    leaves_s
        When it leaves the last of `done`; None while it stands at the depot.
    away
        On its way back: nothing can be added.
    loaded
        Keys of the stops whose deliveries are on board of a vehicle that has left.
    in_service
        Whether it may be used at all today.
    skills
        What it has along.
    """

    id: str
    kind: TypeSpec
    courier_id: str | None = None
    number: int = 0
    done: tuple[PlannedStop, ...] = ()
    start_s: int = 0
    leaves_s: int | None = None
    away: bool = False
    loaded: frozenset[str] = frozenset()
    in_service: bool = True
    skills: frozenset[str] = frozenset()

    @property
    def has_left(self) -> bool:
        """Tell whether it has left the depot."""
        return self.leaves_s is not None

    @property
    def takes_more(self) -> bool:
        """Tell whether a stop could be added at all."""
        return self.in_service and not self.away

    @property
    def collected(self) -> Load:
        """Return what it has collected so far."""
        return total(one.stop.collection_load for one in self.done)


@dataclass(frozen=True, eq=False)
class Scene:
    """Vehicles, stops and roads from some moment on.

    Attributes
    ----------
    stops
        Everything that is still to do, planned or waiting.
    releases
        By stop key, when its freight is at the depot, seconds since the day's start.
    handed_over
        Keys of deliveries whose goods change vehicles on the road after a breakdown; any vehicle may take them.
    now_s
        Nobody leaves the depot before this moment of the day.
    """

    vans: tuple[Van, ...]
    stops: tuple[Stop, ...]
    matrices: DayMatrices
    releases: Mapping[str, int] = field(default_factory=dict)
    handed_over: frozenset[str] = frozenset()
    now_s: int = 0

    @cached_property
    def rows(self) -> dict[Point, int]:
        """Return the row of each point."""
        return self.matrices.index()

    @cached_property
    def van_index(self) -> dict[str, int]:
        """Return the number of each vehicle in the problem."""
        return {van.id: index for index, van in enumerate(self.vans)}

    @cached_property
    def stop_of(self) -> dict[str, Stop]:
        """Return each stop by its key."""
        return {stop.key: stop for stop in self.stops}

    @cached_property
    def cut_off(self) -> frozenset[str]:
        """Return the keys of stops to which no vehicle has a road there and back."""
        return frozenset(stop.key for stop in self.stops if not self._profiles_reaching(stop))

    @cached_property
    def tasks(self) -> tuple[Stop, ...]:
        """Return the stops in the order of the problem's tasks."""
        return tuple(stop for stop in self.stops if stop.key not in self.cut_off)

    @cached_property
    def task_of(self) -> dict[str, int]:
        """Return the task of each stop key."""
        return {stop.key: task for task, stop in enumerate(self.tasks)}

    @cached_property
    def problem(self) -> Problem:
        """Return the routing problem: one vehicle type for each vehicle, tasks as in `tasks`."""
        return self.problem_of(range(len(self.vans)), [stop.key for stop in self.tasks])

    def problem_of(
        self,
        vans: Iterable[int],
        keys: Sequence[str],
        *,
        windows: Mapping[str, tuple[int, int]] | None = None,
    ) -> Problem:
        """Build the routing problem of some vehicles and stops.

        Parameters
        ----------
        windows
            Narrower windows for some stops.
        """
        windows = windows or {}
        builder = ProblemBuilder(DIMENSIONS).coordinates(self.matrices.points)
        for name, matrix in sorted(self.matrices.profiles.items()):
            builder.profile(name, matrix.distance_m, matrix.time_s)
        builder.depot(DEPOT, 0)
        chosen = list(vans)
        for index in chosen:
            self._add_van(builder, self.vans[index])
        for key in keys:
            self._add_task(builder, self.stop_of[key], windows.get(key))
        for index in chosen:
            for key in self._forbidden(self.vans[index], keys):
                builder.forbid(self.vans[index].id, key)
        return builder.build()

    def _forbidden(self, van: Van, keys: Sequence[str]) -> list[str]:
        """List the stops a vehicle may not serve; see `allows`."""
        profile = van.kind.profile
        unreached = self._unreached.get(profile, frozenset())
        if not van.has_left:
            return [key for key in keys if key in unreached] if unreached else []
        return [key for key in keys if not self.allows(van, self.stop_of[key])]

    @cached_property
    def _unreached(self) -> dict[str, frozenset[str]]:
        """Return for each profile the stops it does not get to."""
        reaching = [(stop.key, self._profiles_reaching(stop)) for stop in self.stops]
        names = {van.kind.profile for van in self.vans}
        return {name: frozenset(key for key, some in reaching if name not in some) for name in names}

    def allows(self, van: Van, stop: Stop) -> bool:
        """Tell whether a vehicle may serve a stop at all: roads, and goods that are where it is."""
        if van.kind.profile not in self._profiles_reaching(stop):
            return False
        on_board = not stop.deliveries or stop.key in van.loaded or stop.key in self.handed_over
        return on_board or not van.has_left

    def position(self, van: Van) -> int:
        """Return the matrix row where a vehicle is free."""
        return self.rows[van.done[-1].visit.point] if van.done else 0

    def leg(self, profile: str, origin: int, target: int) -> Leg:
        """Return the drive between two rows."""
        matrix = self.matrices.profiles[profile]
        return Leg(int(matrix.distance_m[origin, target]), int(matrix.time_s[origin, target]))

    def row(self, stop: Stop) -> int:
        """Return the matrix row of a stop."""
        return self.rows[rounded(stop.lon, stop.lat)]

    def with_van(self, van: Van) -> Scene:
        """Return the scene with one vehicle changed or added."""
        others = {one.id: one for one in self.vans}
        before = others.get(van.id)
        others[van.id] = van
        fresh = replace(self, vans=tuple(others.values()))
        if before is not None and _same_place(before, van) and _profiles(fresh) == _profiles(self):
            fresh.take_over(self, van, before)
        return fresh

    def take_over(self, known: Scene, van: Van, before: Van) -> None:
        """Keep what another driver, number or shift of one vehicle does not change."""
        for name in _KEPT:
            if name in known.__dict__:
                self.__dict__[name] = known.__dict__[name]
        problem = known.__dict__.get("problem")
        if problem is None:
            return
        if van.kind != before.kind:
            kinds = list(problem.vehicle_types)
            start_s = kinds[self.van_index[van.id]].shift_start_s if van.has_left else self._leaves_s(van)
            index = self.van_index[van.id]
            end_s = max(van.kind.shift_end_s, start_s + 1)
            kinds[index] = replace(kinds[index], shift_start_s=start_s, shift_end_s=end_s)
            problem = replace(problem, vehicle_types=tuple(kinds))
        self.__dict__["problem"] = problem

    def _leaves_s(self, van: Van) -> int:
        return max(van.kind.shift_start_s, self.now_s)

    def with_releases(self, late: Mapping[str, int]) -> Scene:
        """Return the scene with the freight of some stops at the depot at other times."""
        fresh = replace(self, releases={**self.releases, **late})
        for name in _KEPT:
            if name in self.__dict__:
                fresh.__dict__[name] = self.__dict__[name]
        problem = self.__dict__.get("problem")
        if problem is not None:
            tasks = tuple(replace(one, release_s=late[one.id]) if one.id in late else one for one in problem.tasks)
            fresh.__dict__["problem"] = replace(problem, tasks=tasks)
        return fresh

    def with_stops(self, stops: Iterable[Stop]) -> Scene:
        """Return the scene with stops changed or added; the matrices must know their points."""
        known = dict(self.stop_of)
        known.update((stop.key, stop) for stop in stops)
        return replace(self, stops=tuple(known.values()))

    def _profiles_reaching(self, stop: Stop) -> frozenset[str]:
        return self._reaching[self.row(stop)]

    @cached_property
    def _reaching(self) -> list[frozenset[str]]:
        """Return for each row the profiles that get there from the depot and back."""
        used = sorted({van.kind.profile for van in self.vans if van.in_service})
        found: list[set[str]] = [set() for _ in self.matrices.points]
        for name in used:
            times = self.matrices.profiles[name].time_s
            for row in ((times[0] < UNREACHABLE) & (times[:, 0] < UNREACHABLE)).nonzero()[0]:
                found[int(row)].add(name)
        return [frozenset(names) for names in found]

    def _add_van(self, builder: ProblemBuilder, van: Van) -> None:
        kind = van.kind
        start, shift_start_s = DEPOT, self._leaves_s(van)
        if van.leaves_s is not None:
            start, shift_start_s = f"after-{van.id}", van.leaves_s
            builder.depot(start, self.position(van))
        room = kind.capacity - van.collected
        driven_m = sum(one.visit.leg.distance_m for one in van.done)
        builder.vehicle_type(
            van.id,
            count=1,
            capacity=[max(0, amount) for amount in room.as_list()],
            profile=kind.profile,
            start_depot=start,
            end_depot=DEPOT,
            shift_start_s=shift_start_s,
            shift_end_s=max(kind.shift_end_s, shift_start_s + 1),
            max_tasks=None if kind.max_stops is None else max(0, kind.max_stops - len(van.done)),
            max_distance_m=None if kind.max_distance_m is None else max(0, kind.max_distance_m - driven_m),
            fixed_cost=0 if van.has_left else fen(kind.fixed_fen),  # that of a vehicle on the road is spent
            cost_per_m=per_km(kind.per_km_fen),
            cost_per_s=per_hour(kind.per_hour_fen),
            skills=van.skills,
        )

    def _add_task(self, builder: ProblemBuilder, stop: Stop, window: tuple[int, int] | None) -> None:
        builder.task(
            stop.key,
            self.row(stop),
            delivery=stop.delivery_load.as_list(),
            pickup=stop.collection_load.as_list(),
            windows=stop.windows if window is None else (window,),
            service_s=stop.work_s,
            release_s=self.releases.get(stop.key, 0),
            required=False,
            prize=fen(left_out_fen(stop)),
            skills=stop.skills,
        )


_KEPT: Final = ("rows", "van_index", "stop_of", "cut_off", "tasks", "task_of", "_reaching", "_unreached")
"""What is worked out once and holds as long as stops, roads and the vehicles' places do."""


def _same_place(before: Van, after: Van) -> bool:
    """Tell whether two states of a vehicle differ in nothing but driver, number, service and shift."""
    plain = replace(after.kind, shift_start_s=before.kind.shift_start_s, shift_end_s=before.kind.shift_end_s)
    return plain == before.kind and (after.done, after.leaves_s, after.loaded) == (
        before.done,
        before.leaves_s,
        before.loaded,
    )


def _profiles(scene: Scene) -> frozenset[str]:
    return frozenset(van.kind.profile for van in scene.vans if van.in_service)


def van_of(route: PlannedRoute, fixed: int, delay_s: int) -> Van:
    """Return the vehicle of a published route as some moment finds it.

    Parameters
    ----------
    fixed
        Leading stops that are done or under way; one more than there are when it is on its way back.
    delay_s
        By how much the last of them ended later than planned.
    """
    done = route.stops[:fixed]
    leaves_s = None
    if fixed:
        leaves_s = min((done[-1].departure_s if done else route.start_s) + delay_s, _END_OF_DAY_S)
    return Van(
        id=route.vehicle_id,
        kind=route.kind,
        courier_id=route.courier_id,
        number=route.number,
        done=done,
        start_s=route.start_s,
        leaves_s=leaves_s,
        away=fixed > len(route.stops),
        loaded=frozenset(one.stop.key for one in route.stops[fixed:]) if fixed else frozenset(),
    )
