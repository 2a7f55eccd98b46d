"""A plan in somebody's hands: an immutable board of routes that every edit turns into another board.

Only the routes an edit touches are timed and judged anew, so an edit costs the same in a small county and in a large
one. Whether rules are broken is said by the independent checker, route by route, in its own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from dispatch.demand.reasons import Certainty, Reason, ReasonCode
from dispatch.demand.stops import Stop
from dispatch.plans.errors import EditCommandError
from dispatch.plans.locks import Locks, broken_locks
from dispatch.plans.routes import PlannedRoute, Visit, lay_out
from dispatch.plans.scene import Scene, Van
from routing.checker import ViolationCode, check_route
from routing.problem import Problem
from routing.schedule import departure_s
from routing.solution import Route, Solution, Trip

_LEFT_OUT: Final = Reason(ReasonCode.LESS_VALUABLE, Certainty.HEURISTIC)


@dataclass(frozen=True)
class Flaw:
    """One broken rule, in the checker's vocabulary with the plan's own names.

    Attributes
    ----------
    code
        A value of :class:`routing.checker.ViolationCode`.
    amount
        By how much, in the unit the code names.
    """

    code: str
    message: str
    vehicle_id: str | None = None
    stop_key: str | None = None
    amount: int = 1
    dimension: str | None = None

    @property
    def subject(self) -> tuple[str, str | None, str | None, str | None]:
        """Return what makes two flaws the same one, whatever their amounts."""
        return self.code, self.vehicle_id, self.stop_key, self.dimension

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Lane:
    """What one vehicle still does, timed and judged.

    Attributes
    ----------
    keys
        Stops in the order of driving, those done excluded.
    start_s
        When it leaves the depot, or the last stop that is done.
    route
        The vehicle's whole day; None when it has none.
    """

    keys: tuple[str, ...]
    start_s: int
    route: PlannedRoute | None
    flaws: tuple[Flaw, ...]

    @property
    def cost_fen(self) -> int:
        """Return what the vehicle's day costs."""
        return 0 if self.route is None else self.route.cost.total_fen


@dataclass(frozen=True, eq=False)
class Board:
    """All routes of a plan, and what is on none.

    Attributes
    ----------
    lanes
        One for each vehicle of the scene, by vehicle id.
    labels
        By vehicle id: the number on the parcels of each stop, by key. Printed numbers stay.
    keeps_departure
        Whether routes depart when published, unless that breaks a rule that another departure keeps.
    reasons
        Why waiting stops are on no route, by key.
    parcel_reasons
        Why parcels that are at no stop at all are on no route, by parcel.
    closures
        GeoJSON geometries nobody may drive through.
    """

    scene: Scene
    lanes: Mapping[str, Lane]
    labels: Mapping[str, Mapping[str, int]]
    keeps_departure: bool
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    parcel_reasons: Mapping[str, Reason] = field(default_factory=dict)
    locks: Locks = field(default_factory=Locks)
    closures: tuple[Mapping[str, Any], ...] = ()

    # -- looking ------------------------------------------------------------------------------------------

    @cached_property
    def place_of(self) -> dict[str, str]:
        """Return the vehicle of each planned stop."""
        return {key: vehicle_id for vehicle_id, lane in self.lanes.items() for key in lane.keys}

    @cached_property
    def waiting(self) -> tuple[str, ...]:
        """Return the keys of stops on no route."""
        return tuple(stop.key for stop in self.scene.stops if stop.key not in self.place_of)

    @cached_property
    def routes(self) -> tuple[PlannedRoute, ...]:
        """Return all routes by number."""
        found = [lane.route for lane in self.lanes.values() if lane.route is not None]
        return tuple(sorted(found, key=lambda route: route.number))

    @cached_property
    def flaws(self) -> tuple[Flaw, ...]:
        """Return every rule the board breaks, locks included."""
        own = [flaw for lane in self.lanes.values() for flaw in lane.flaws]
        return (*own, *self._broken_locks())

    @cached_property
    def cost_fen(self) -> int:
        """Return what all routes cost."""
        return sum(lane.cost_fen for lane in self.lanes.values())

    @property
    def late_s(self) -> int:
        """Return the seconds by which all stops still to do are late."""
        return sum(one.late_s for lane in self.lanes.values() for one in self.ahead(lane))

    def ahead(self, lane: Lane) -> tuple[Any, ...]:
        """Return the planned stops of a lane that are still to do."""
        return () if lane.route is None else lane.route.stops[len(lane.route.stops) - len(lane.keys) :]

    def van(self, vehicle_id: str) -> Van:
        """Return a vehicle.

        Raises
        ------
        EditCommandError
            If the plan's day has none of this id.
        """
        index = self.scene.van_index.get(vehicle_id)
        if index is None:
            raise EditCommandError(f"field vehicle: there is no vehicle {vehicle_id}", field="vehicle", id=vehicle_id)
        return self.scene.vans[index]

    def stop(self, key: str) -> Stop:
        """Return a stop that is still to do, by its key or by one of its parcels.

        Raises
        ------
        EditCommandError
            If there is none, or it is done.
        """
        found = self.scene.stop_of.get(key) or self._stop_of_parcel.get(key)
        if found is None:
            done = any(one.stop.key == key for van in self.scene.vans for one in van.done)
            what = "is done or under way, it never moves" if done else "is not in this plan"
            raise EditCommandError(f"field stop: stop {key} {what}", field="stop", id=key, done=done)
        return found

    @cached_property
    def _stop_of_parcel(self) -> dict[str, Stop]:
        return {parcel_id: stop for stop in self.scene.stops for parcel_id in stop.parcel_ids}

    def solution(self) -> Solution:
        """Return the board as the solver writes plans."""
        routes = tuple(self.route_of(van, self.lanes[van.id]) for van in self.scene.vans if self.lanes[van.id].keys)
        placed = {task for route in routes for task in route.tasks}
        left = tuple(task for task in range(len(self.scene.tasks)) if task not in placed)
        return Solution(routes, left)

    def route_of(self, van: Van, lane: Lane) -> Route:
        """Return one lane as the solver writes routes."""
        index = self.scene.van_index[van.id]
        kind = self.scene.problem.vehicle_types[index]
        tasks = tuple(self.scene.task_of[key] for key in lane.keys)
        return Route(index, (Trip(tasks, kind.start_depot),), lane.start_s)

    def _broken_locks(self) -> list[Flaw]:
        if not self.locks.stops and not self.locks.closed:
            return []
        orders = {
            vehicle_id: [(one.stop.key, one.start_s) for one in self.ahead(lane)]
            for vehicle_id, lane in self.lanes.items()
        }
        return [
            Flaw(ViolationCode.LOCK.value, broken.message, broken.vehicle_id, broken.key)
            for broken in broken_locks(self.locks, orders)
        ]

    # -- changing -----------------------------------------------------------------------------------------

    def with_orders(
        self,
        orders: Mapping[str, Sequence[str]],
        *,
        starts_s: Mapping[str, int] | None = None,
        reasons: Mapping[str, Reason] | None = None,
    ) -> Board:
        """Return the board with some vehicles serving other stops.

        Parameters
        ----------
        orders
            By vehicle id, stop keys in the order of driving.
        starts_s
            Departures to keep; others are chosen.
        reasons
            Why stops that are on no route any more are left out.
        """
        changed = dict(self.lanes)
        labels = dict(self.labels)
        highest = max((van.number for van in self.scene.vans), default=0)
        vans = {van.id: van for van in self.scene.vans}
        for vehicle_id, keys in orders.items():
            van = self.van(vehicle_id)
            if keys and not van.number:
                highest += 1
                van = replace(van, number=highest)
                vans[vehicle_id] = van
            labels[vehicle_id] = _labels(keys, self.labels.get(vehicle_id, {}), van)
            start_s = (starts_s or {}).get(vehicle_id)
            changed[vehicle_id] = self._judge(van, tuple(keys), labels[vehicle_id], start_s)
        scene = self.scene
        for van in self.scene.vans:
            if vans[van.id] is not van:
                scene = scene.with_van(vans[van.id])
        board = replace(self, scene=scene, lanes=changed, labels=labels)
        return board.with_reasons(reasons or {})

    def with_reasons(self, reasons: Mapping[str, Reason]) -> Board:
        """Return the board with reasons for exactly the stops that wait."""
        known = {**self.reasons, **reasons}
        return replace(self, reasons={key: known.get(key, _LEFT_OUT) for key in self.waiting})

    def with_scene(self, scene: Scene, *, anew: Iterable[str] | None = None) -> Board:
        """Return the board over other vehicles, stops or roads; stops cut off by the change leave their routes.

        Parameters
        ----------
        anew
            Vehicles whose routes the change concerns; all when omitted.
        """
        wanted = [van.id for van in scene.vans] if anew is None else [*anew]
        lanes = {van.id: self.lanes.get(van.id, Lane((), 0, None, ())) for van in scene.vans}
        board = replace(self, scene=scene, lanes=lanes)
        cut = {key: Reason(ReasonCode.UNREACHABLE_BY_ROAD) for key in scene.cut_off}
        orders = {
            vehicle_id: [key for key in lanes[vehicle_id].keys if key in scene.task_of]
            for vehicle_id in wanted
            if vehicle_id in lanes
        }
        return board.with_orders(orders, reasons=cut)

    def without_departures(self) -> Board:
        """Return the board with departures free to move."""
        return replace(self, keeps_departure=False)

    def _judge(self, van: Van, keys: tuple[str, ...], labels: Mapping[str, int], start_s: int | None) -> Lane:
        scene = self.scene
        if not keys and not van.done:
            return Lane((), 0, None, ())
        problem, index = scene.problem, scene.van_index[van.id]
        tasks = tuple(scene.task_of[key] for key in keys)
        trips = (Trip(tasks, problem.vehicle_types[index].start_depot),)
        if van.leaves_s is not None:
            start_s = van.leaves_s
        elif start_s is None:
            start_s = self._departure(van, Route(index, trips, 0))
        route = Route(index, trips, start_s)
        flaws = [
            Flaw(
                violation.code.value,
                violation.message,
                van.id,
                None if violation.task is None else scene.tasks[violation.task].key,
                violation.amount,
                violation.dimension,
            )
            for violation in (check_route(problem, route, {}).violations if keys else ())
        ]
        if keys and not van.in_service:
            flaws.append(Flaw(ViolationCode.UNKNOWN_VEHICLE.value, f"vehicle {van.id} is out of service", van.id))
        return Lane(keys, start_s, _planned(scene, van, keys, labels, start_s), tuple(flaws))

    def _departure(self, van: Van, route: Route) -> int:
        """Keep the published departure where it breaks no more than the best one, else leave when it is best.

        A van never leaves before its goods are there, however late it gets: what it does not have it cannot deliver.
        """
        problem = self.scene.problem
        best_s = departure_s(problem, route.vehicle, route.trips)
        held = self.lanes[van.id]
        if not self.keeps_departure or held.route is None or held.start_s == best_s:
            return best_s
        kept, best = (_broken(problem, replace(route, start_s=start_s)) for start_s in (held.start_s, best_s))
        return held.start_s if kept <= best else best_s


def first_board(
    scene: Scene,
    routes: Mapping[str, Sequence[str]],
    starts_s: Mapping[str, int],
    labels: Mapping[str, Mapping[str, int]],
    *,
    keeps_departure: bool,
    reasons: Mapping[str, Reason],
    parcel_reasons: Mapping[str, Reason],
    locks: Locks,
    closures: tuple[Mapping[str, Any], ...] = (),
) -> Board:
    """Lay a stored plan out on a board."""
    empty = {van.id: Lane((), 0, None, ()) for van in scene.vans}
    bare = Board(scene, empty, labels, keeps_departure, reasons, parcel_reasons, locks, closures)
    orders = {van.id: routes.get(van.id, ()) for van in scene.vans if routes.get(van.id) or van.done}
    return bare.with_orders(orders, starts_s=starts_s)


def _labels(keys: Sequence[str], printed: Mapping[str, int], van: Van) -> dict[str, int]:
    """Give each stop its number: the printed one, else the next free one of the vehicle, never one used before."""
    taken = max([*printed.values(), *(one.visit.label for one in van.done)], default=0)
    found: dict[str, int] = dict(printed)
    for key in keys:
        if key not in found:
            taken += 1
            found[key] = taken
    return found


def _planned(scene: Scene, van: Van, keys: Sequence[str], labels: Mapping[str, int], start_s: int) -> PlannedRoute:
    here, visits = scene.position(van), []
    for key in keys:
        stop = scene.stop_of[key]
        row = scene.row(stop)
        visits.append(Visit(stop, labels[key], scene.leg(van.kind.profile, here, row)))
        here = row
    return PlannedRoute(
        number=van.number,
        vehicle_id=van.id,
        courier_id=van.courier_id,
        kind=van.kind,
        start_s=van.start_s if van.has_left else start_s,
        stops=van.done + lay_out(visits, start_s),
        back=scene.leg(van.kind.profile, here, 0),
    )


def _broken(problem: Problem, route: Route) -> tuple[int, int]:
    """Return by how much a route leaves before its goods are there, and by how much it breaks rules in all."""
    found = check_route(problem, route, {}).violations
    early = sum(one.amount for one in found if one.code is ViolationCode.RELEASE)
    return early, sum(one.amount for one in found)
