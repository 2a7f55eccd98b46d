"""Edits of a plan as commands: each turns a board into another board and repairs nothing by itself.

A command is plain JSON, ``{"kind": "move", …}``, so that a screen, a dispatcher's own program and the database's
record of a draft all say the same. :data:`EDITS` lists them; the documentation is printed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from dispatch.demand.reasons import Certainty, Fix, Reason, ReasonCode
from dispatch.demand.stops import Demand, Stop
from dispatch.fleet.fleet import Load
from dispatch.plans.board import Board, Flaw
from dispatch.plans.errors import ContradictoryLocksError, EditCommandError, EditViolatesError
from dispatch.plans.locks import LockLevel, StopLock
from dispatch.plans.matrices import DayMatrices, Point
from dispatch.plans.scene import Scene, Van
from routing.insertion import Place, places_for
from routing.problem import per_hour, per_km

Command = Mapping[str, Any]

MOST_STOPS: Final = 500
_DAY_S: Final = 86_400
_TAKEN_OFF: Final = Reason(ReasonCode.TAKEN_OFF, Certainty.PROVED, fix=Fix("insert", "put it on a route again"))


class Workshop(Protocol):
    """What edits need beyond the board: roads and parcels."""

    def close_roads(self, matrices: DayMatrices, closures: Sequence[Mapping[str, Any]]) -> DayMatrices:
        """Return the matrices of the same points with roads closed."""
        ...

    def with_points(
        self, matrices: DayMatrices, points: Sequence[Point], closures: Sequence[Mapping[str, Any]]
    ) -> DayMatrices:
        """Return the matrices with more points."""
        ...

    def demand(self, parcel_ids: Sequence[str], taken: set[str]) -> Demand:
        """Return parcels as stops with keys that are free."""
        ...

    def van(self, vehicle_id: str) -> Van:
        """Return a vehicle of the region's fleet that the plan does not know yet."""
        ...

    def courier(self, courier_id: str) -> str:
        """Return the courier's id when the region has this courier."""
        ...


Edit = Callable[[Board, "Form", Workshop], Board]


@dataclass(frozen=True)
class EditKind:
    """One kind of edit: what it does, its fields, and its function."""

    act: Edit
    purpose: str
    fields: tuple[str, ...]


class Form:
    """Reads the fields of a command; what is missing or of another kind is refused by its name."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def text(self, name: str) -> str:
        """Return a field that must be there."""
        found = self.optional(name)
        if found is None:
            raise self._wrong(name, "is missing")
        return found

    def optional(self, name: str) -> str | None:
        """Return a field that may be absent."""
        found = self._command.get(name)
        if found is not None and not isinstance(found, str):
            raise self._wrong(name, "must be text")
        return found

    def texts(self, name: str) -> list[str]:
        """Return a list of distinct texts that must not be empty."""
        found = self._command.get(name)
        if not isinstance(found, Sequence) or isinstance(found, str) or not found:
            raise self._wrong(name, "must be a list with at least one entry")
        if any(not isinstance(one, str) for one in found) or len(set(found)) < len(found):
            raise self._wrong(name, "must list texts, each once")
        if len(found) > MOST_STOPS:
            raise self._wrong(name, f"has more than {MOST_STOPS} entries")
        return list(found)

    def whole(self, name: str, low: int = 0, high: int = 10_000) -> int:
        """Return a whole number that must be there."""
        found = self.optional_whole(name, low, high)
        if found is None:
            raise self._wrong(name, "is missing")
        return found

    def optional_whole(self, name: str, low: int = 0, high: int = 10_000) -> int | None:
        """Return a whole number that may be absent."""
        found = self._command.get(name)
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
            raise self._wrong(name, f"must be a whole number from {low} to {high}")
        return found

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return an object that must be there."""
        found = self._command.get(name)
        if not isinstance(found, Mapping):
            raise self._wrong(name, "must be an object")
        return found

    def has(self, name: str) -> bool:
        """Tell whether a field is given and not null."""
        return self._command.get(name) is not None

    def _wrong(self, name: str, how: str) -> EditCommandError:
        kind = self._command.get("kind")
        return EditCommandError(f"edit {kind}: field {name} {how}", field=name, kind=kind)


def apply_edit(board: Board, command: Command, workshop: Workshop, *, override: bool = False) -> Board:
    """Return the board after an edit.

    Parameters
    ----------
    override
        Whether the edit may break rules that were kept before.

    Raises
    ------
    EditCommandError
        If the command names what is not there; the message says which field.
    EditViolatesError
        If it breaks a rule more than before, and that is not overridden; params hold the violations and figures.
    ContradictoryLocksError
        If it is a lock that contradicts another one or a fact.
    """
    kind = EDITS.get(str(command.get("kind")))
    if kind is None:
        raise EditCommandError(f"there is no edit {command.get('kind')!r}", field="kind", known=sorted(EDITS))
    unknown = sorted(set(command) - {"kind", *kind.fields})
    if unknown:
        raise EditCommandError(f"edit {command['kind']}: field {unknown[0]} is unknown", field=unknown[0])
    after = kind.act(board, Form(command), workshop)
    worse = worsened(board, after)
    if worse and not override:
        raise EditViolatesError(
            f"edit {command['kind']} breaks {len(worse)} rules: {worse[0].message}",
            violations=[flaw.as_dict() for flaw in worse],
            added_fen=after.cost_fen - board.cost_fen,
            late_s=after.late_s,
        )
    return after


def worsened(before: Board, after: Board) -> tuple[Flaw, ...]:
    """Return the rules an edit breaks that were kept, or that it breaks more."""
    known: dict[Any, int] = {}
    for flaw in before.flaws:
        known[flaw.subject] = max(flaw.amount, known.get(flaw.subject, 0))
    return tuple(flaw for flaw in after.flaws if flaw.amount > known.get(flaw.subject, 0))


def best_places(
    board: Board, key: str, limit: int = 5, vehicle_id: str | None = None, *, idle_too: bool = True
) -> tuple[Place, ...]:
    """Rank the places for a stop that waits, cheapest first, over all vehicles or one.

    A place breaks no rule and no lock; the other stops keep vehicle and order.

    Parameters
    ----------
    idle_too
        Whether a vehicle that has nothing to do may be sent.
    """
    scene = board.scene
    task = scene.task_of.get(key)
    if task is None:
        return ()
    open_vans = {
        index
        for index, van in enumerate(scene.vans)
        if van.takes_more and van.id not in board.locks.closed and vehicle_id in (None, van.id)
    }
    solution = board.solution()
    routes = tuple(route for route in solution.routes if route.vehicle in open_vans)
    idle = [index for index in sorted(open_vans) if not board.lanes[scene.vans[index].id].keys]
    at_depot = [index for index in idle if not scene.vans[index].has_left]
    found = places_for(
        scene.problem,
        replace(solution, routes=routes),
        task,
        keep_departure=board.keeps_departure,
        spare_vehicles=_one_of_each_kind(scene, at_depot) if idle_too else (),
        free=lambda vehicle, position: _may_go(board, vehicle, position),
        limit=limit,
    )
    turning = [_turn(board, index, key) for index in idle if scene.vans[index].has_left]
    ranked = sorted([*found, *(place for place in turning if place is not None)], key=lambda place: place.cost_delta)
    return tuple(ranked[:limit])


def _turn(board: Board, index: int, key: str) -> Place | None:
    """Send a vehicle that has driven all there was to do somewhere else before it drives home."""
    van = board.scene.vans[index]
    after = board.with_orders({van.id: [key]})
    home, route = board.lanes[van.id].route, after.lanes[van.id].route
    assert home is not None  # it has left, so it has a route
    assert route is not None
    if worsened(board, after):
        return None
    more_m, more_s = route.distance_m - home.distance_m, route.end_s - home.end_s
    units = per_km(van.kind.per_km_fen) * more_m + per_hour(van.kind.per_hour_fen) * more_s
    lane = after.lanes[van.id]
    return Place(board.scene.task_of[key], index, 0, 0, units, route.stops[-1].start_s, after.route_of(van, lane), ())


def _one_of_each_kind(scene: Scene, idle: Sequence[int]) -> list[int]:
    """Keep the first of several idle vehicles that stand at the depot and are all the same."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for index in idle:
        van = scene.vans[index]
        sort = (van.kind, van.id if van.has_left else None)
        if sort not in seen:
            seen.add(sort)
            kept.append(index)
    return kept


def _may_go(board: Board, vehicle: int, position: int) -> bool:
    """Tell whether a stop may be put at a position: not between two stops locked in sequence."""
    keys = board.lanes[board.scene.vans[vehicle].id].keys
    if position >= len(keys):
        return True
    after = board.locks.stops.get(keys[position])
    if after is None or after.level.rank < LockLevel.SEQUENCE.rank:
        return True
    before = keys[position - 1] if position else None
    held = board.locks.level(before).rank >= LockLevel.SEQUENCE.rank if before is not None else False
    return after.level is not LockLevel.FIXED and not (held and after.after == before)


# -- the edits --------------------------------------------------------------------------------------------


def _keys(board: Board, form: Form, name: str = "stops") -> list[str]:
    return [board.stop(key).key for key in form.texts(name)]


def _target(board: Board, vehicle_id: str) -> Van:
    van = board.van(vehicle_id)
    if van.away:
        raise EditCommandError(f"vehicle {vehicle_id} is on its way back", field="vehicle", id=vehicle_id)
    return van


def _planned(board: Board, key: str) -> str:
    vehicle_id = board.place_of.get(key)
    if vehicle_id is None:
        raise EditCommandError(f"stop {key} is on no route; insert it instead", field="stop", id=key)
    return vehicle_id


def _reachable(board: Board, keys: Sequence[str]) -> None:
    for key in keys:
        if key in board.scene.cut_off:
            raise EditCommandError(f"stop {key} has no road there and back", field="stop", id=key)


def _move(board: Board, form: Form, _workshop: Workshop) -> Board:
    keys, vehicle_id = _keys(board, form), form.text("vehicle")
    _target(board, vehicle_id)
    _reachable(board, keys)
    gone = set(keys)
    orders = {
        one: [key for key in board.lanes[one].keys if key not in gone]
        for one in {board.place_of[key] for key in keys if key in board.place_of} | {vehicle_id}
    }
    position = form.optional_whole("position")
    if position is None:
        return _move_to_best(board, orders, keys, vehicle_id)
    if position > len(orders[vehicle_id]):
        raise EditCommandError(f"field position: the route has {len(orders[vehicle_id])} other stops", field="position")
    orders[vehicle_id][position:position] = keys
    return board.with_orders(orders)


def _move_to_best(board: Board, orders: dict[str, list[str]], keys: Sequence[str], vehicle_id: str) -> Board:
    """Put stops one after the other at their cheapest place on a route, at its end where nothing fits."""
    taken_off = board.with_orders(orders)
    for key in keys:
        found = best_places(taken_off, key, 1, vehicle_id)
        order = list(taken_off.lanes[vehicle_id].keys)
        order.insert(found[0].position if found else len(order), key)
        taken_off = taken_off.with_orders({vehicle_id: order})
    return taken_off


def _insert(board: Board, form: Form, workshop: Workshop) -> Board:
    key = board.stop(form.text("stop")).key
    if key in board.place_of:
        raise EditCommandError(f"stop {key} is on a route already; move it instead", field="stop", id=key)
    _reachable(board, [key])
    vehicle_id = form.optional("vehicle")
    if vehicle_id is not None:
        return _move(board, _as_move(form, key, vehicle_id), workshop)
    found = best_places(board, key, 1)
    if not found:
        raise EditViolatesError(f"stop {key} fits on no route as things are", stop=key, violations=[])
    chosen = board.scene.vans[found[0].vehicle].id
    order = list(board.lanes[chosen].keys)
    order.insert(found[0].position, key)
    return board.with_orders({chosen: order})


def _as_move(form: Form, key: str, vehicle_id: str) -> Form:
    position = form.optional_whole("position")
    return Form({"kind": "insert", "stops": [key], "vehicle": vehicle_id, "position": position})


def _swap(board: Board, form: Form, _workshop: Workshop) -> Board:
    first, second = board.stop(form.text("first")).key, board.stop(form.text("second")).key
    swapped = {first: second, second: first}
    vehicles = {_planned(board, first), _planned(board, second)}
    return board.with_orders({one: [swapped.get(key, key) for key in board.lanes[one].keys] for one in vehicles})


def _remove(board: Board, form: Form, _workshop: Workshop) -> Board:
    keys = _keys(board, form)
    vehicles = {_planned(board, key) for key in keys}
    orders = {one: [key for key in board.lanes[one].keys if key not in keys] for one in vehicles}
    return board.with_orders(orders, reasons=dict.fromkeys(keys, _TAKEN_OFF))


def _reverse(board: Board, form: Form, _workshop: Workshop) -> Board:
    vehicle_id = form.text("vehicle")
    board.van(vehicle_id)
    keys = list(board.lanes[vehicle_id].keys)
    first = form.optional_whole("first") or 0
    last = form.optional_whole("last")
    end = len(keys) if last is None else last + 1
    if not first < end <= len(keys):
        raise EditCommandError(f"field last: the route has {len(keys)} stops ahead", field="last")
    keys[first:end] = keys[first:end][::-1]
    return board.with_orders({vehicle_id: keys})


def _split(board: Board, form: Form, _workshop: Workshop) -> Board:
    vehicle_id, other = form.text("vehicle"), form.text("to")
    board.van(vehicle_id)
    _target(board, other)
    keys = board.lanes[vehicle_id].keys
    position = form.whole("position", 1)
    if position >= len(keys) or vehicle_id == other:
        raise EditCommandError(f"field position: the route has {len(keys)} stops ahead", field="position")
    return board.with_orders({vehicle_id: keys[:position], other: (*board.lanes[other].keys, *keys[position:])})


def _merge(board: Board, form: Form, _workshop: Workshop) -> Board:
    vehicle_id, into = form.text("vehicle"), form.text("into")
    board.van(vehicle_id)
    _target(board, into)
    if vehicle_id == into:
        raise EditCommandError("field into: is the same vehicle", field="into")
    return board.with_orders({vehicle_id: (), into: (*board.lanes[into].keys, *board.lanes[vehicle_id].keys)})


def _courier(board: Board, form: Form, workshop: Workshop) -> Board:
    vehicle_id = form.text("vehicle")
    courier_id = form.optional("courier")
    van = board.van(vehicle_id)
    if courier_id is not None:
        workshop.courier(courier_id)
    scene = board.scene
    exchanged = [one for one in scene.vans if one.courier_id == courier_id and courier_id and one.id != vehicle_id]
    for other in exchanged:  # nobody drives two vehicles: they change places
        scene = scene.with_van(replace(other, courier_id=van.courier_id))
    scene = scene.with_van(replace(van, courier_id=courier_id))
    return board.with_scene(scene, anew=[vehicle_id, *(one.id for one in exchanged)])


def _vehicle(board: Board, form: Form, _workshop: Workshop) -> Board:
    vehicle_id, other = form.text("vehicle"), form.text("to")
    van, new = board.van(vehicle_id), _target(board, other)
    if board.lanes[other].keys or other == vehicle_id:
        raise EditCommandError(f"field to: vehicle {other} has a route already", field="to", id=other)
    scene = board.scene
    if not van.has_left:
        scene = scene.with_van(replace(new, courier_id=van.courier_id, number=new.number or van.number))
        scene = scene.with_van(replace(van, courier_id=new.courier_id, number=0 if not new.number else van.number))
    changed = board.with_scene(scene, anew=[])
    return changed.with_orders({vehicle_id: (), other: board.lanes[vehicle_id].keys})


def _close(board: Board, form: Form, workshop: Workshop) -> Board:
    closures = (*board.closures, dict(form.mapping("area")))
    matrices = workshop.close_roads(board.scene.matrices, closures)
    scene = replace(board.scene, matrices=matrices)
    return replace(board, closures=closures).with_scene(scene)


def _add_vehicle(board: Board, form: Form, workshop: Workshop) -> Board:
    vehicle_id = form.text("vehicle")
    index = board.scene.van_index.get(vehicle_id)
    van = workshop.van(vehicle_id) if index is None else replace(board.scene.vans[index], in_service=True)
    return board.with_scene(board.scene.with_van(van), anew=[vehicle_id])


def _remove_vehicle(board: Board, form: Form, _workshop: Workshop) -> Board:
    return _out_of_service(board, form.text("vehicle"), handed_over=False)


def _breakdown(board: Board, form: Form, _workshop: Workshop) -> Board:
    return _out_of_service(board, form.text("vehicle"), handed_over=True)


def _out_of_service(board: Board, vehicle_id: str, *, handed_over: bool) -> Board:
    van, left = board.van(vehicle_id), board.lanes[vehicle_id].keys
    emptied = board.with_orders(
        {vehicle_id: ()}, reasons=dict.fromkeys(left, Reason(ReasonCode.VEHICLE_OUT_OF_SERVICE))
    )
    scene = emptied.scene.with_van(replace(emptied.van(vehicle_id), in_service=False, away=True))
    if handed_over:  # their goods stand beside the road: facts bind them to no vehicle any more
        if van.has_left:
            scene = replace(scene, handed_over=scene.handed_over | set(left))
        emptied = replace(emptied, locks=emptied.locks.without(left))
    return emptied.with_scene(scene, anew=[])


def _shift(board: Board, form: Form, _workshop: Workshop) -> Board:
    vehicle_id = form.text("vehicle")
    van = board.van(vehicle_id)
    start_s, end_s = form.whole("start_s", 0, 2 * _DAY_S), form.whole("end_s", 0, 2 * _DAY_S)
    if start_s >= end_s:
        raise EditCommandError("field end_s: must lie after start_s", field="end_s")
    kind = replace(van.kind, shift_start_s=start_s, shift_end_s=end_s)
    return board.with_scene(board.scene.with_van(replace(van, kind=kind)), anew=[vehicle_id])


def _release(board: Board, form: Form, _workshop: Workshop) -> Board:
    ready_s = form.whole("ready_s", 0, 2 * _DAY_S)
    keys = [stop.key for stop in board.scene.stops if stop.deliveries] if form.has("all") else _keys(board, form)
    left = {key for van in board.scene.vans if van.has_left for key in van.loaded}
    late = {key: ready_s for key in keys if key not in left}
    scene = board.scene.with_releases(late)
    anew = sorted({board.place_of[key] for key in late if key in board.place_of})
    return board.with_scene(scene, anew=anew)


def _add(board: Board, form: Form, workshop: Workshop) -> Board:
    parcel_ids = form.texts("parcels")
    here = {parcel_id for stop in board.scene.stops for parcel_id in stop.parcel_ids}
    known = here | {p for van in board.scene.vans for one in van.done for p in one.stop.parcel_ids}
    taken = {stop.key for stop in board.scene.stops} | {one.stop.key for van in board.scene.vans for one in van.done}
    demand = workshop.demand([one for one in parcel_ids if one not in known], taken)
    reasons = {**{key: why for key, why in board.parcel_reasons.items() if key not in parcel_ids}, **demand.reasons}
    fresh = replace(board, parcel_reasons=reasons)
    return _with_stops(fresh, demand.stops, workshop)


def _retry(board: Board, form: Form, workshop: Workshop) -> Board:
    """Plan a second visit today for a stop whose attempt failed; its parcels leave the stop that is done."""
    key, after_s = form.text("stop"), form.optional_whole("after_s", 0, 2 * _DAY_S)
    van = next((van for van in board.scene.vans for one in van.done if one.stop.key == key), None)
    if van is None:
        raise EditCommandError(f"field stop: stop {key} is not done, there is nothing to repeat", field="stop", id=key)
    stop = next(one.stop for one in van.done if one.stop.key == key)
    again, remaining = stop, _emptied(stop)
    taken = {one.key for one in board.scene.stops} | {one.stop.key for each in board.scene.vans for one in each.done}
    number = 2
    while f"{key}-v{number}" in taken:
        number += 1
    windows = again.windows if after_s is None else ((after_s, max(after_s, again.windows[-1][1])),)
    again = replace(again, key=f"{key}-v{number}", windows=windows)
    done = tuple(
        replace(one, visit=replace(one.visit, stop=remaining)) if one.stop.key == key else one for one in van.done
    )
    scene = board.scene.with_van(replace(van, done=done, loaded=van.loaded | {again.key}))
    return _with_stops(board.with_scene(scene, anew=[van.id]), [again], workshop)


def _emptied(stop: Stop) -> Stop:
    """Return a stop that has been visited in vain: it keeps its place and times, its parcels move on."""
    return replace(stop, deliveries=(), collections=(), delivery_load=Load(), collection_load=Load())


def _with_stops(board: Board, stops: Sequence[Stop], workshop: Workshop) -> Board:
    if not stops:
        return board.with_reasons({})
    points = [(stop.lon, stop.lat) for stop in stops]
    matrices = workshop.with_points(board.scene.matrices, points, board.closures)
    scene = replace(board.scene, matrices=matrices).with_stops(stops)
    return board.with_scene(scene, anew=[])


def _lock(board: Board, form: Form, _workshop: Workshop) -> Board:
    try:
        level = LockLevel(form.text("level"))
    except ValueError:
        raise EditCommandError("field level: must be free, vehicle, sequence or fixed", field="level") from None
    vehicle_id = form.optional("vehicle")
    if form.has("stops"):
        return replace(board, locks=board.locks.with_stops(_locks_of(board, _keys(board, form), level, vehicle_id)))
    if vehicle_id is None:
        raise EditCommandError("edit lock: name stops or a vehicle", field="stops")
    board.van(vehicle_id)
    keys = board.lanes[vehicle_id].keys
    locks = board.locks.with_stops(_locks_of(board, keys, level, vehicle_id))
    return replace(board, locks=locks.with_closed(vehicle_id, closed=level.rank >= LockLevel.SEQUENCE.rank))


def _locks_of(board: Board, keys: Sequence[str], level: LockLevel, vehicle_id: str | None) -> dict[str, StopLock]:
    """Return the locks of stops as they are now, or bound to a vehicle they are still to come to."""
    found = {}
    for key in keys:
        here = board.place_of.get(key)
        wanted = vehicle_id or here
        if wanted is None and level is not LockLevel.FREE:
            raise ContradictoryLocksError(f"stop {key} is on no route, it cannot be {level.value}", stop=key)
        if wanted is not None and wanted != here and level.rank >= LockLevel.SEQUENCE.rank:
            raise ContradictoryLocksError(
                f"stop {key} is on {here}, its order on {wanted} cannot be locked", stop=key, vehicle=wanted
            )
        if wanted is not None and level is not LockLevel.FREE:
            _check_lockable(board, key, wanted)
        lane = board.lanes[here] if here is not None else None
        rank = lane.keys.index(key) if lane is not None else 0
        start_s = board.ahead(lane)[rank].start_s if lane is not None else 0
        after = lane.keys[rank - 1] if lane is not None and rank else None
        found[key] = StopLock(level, wanted or "", rank, after, start_s)
    return found


def _check_lockable(board: Board, key: str, vehicle_id: str) -> None:
    van = board.van(vehicle_id)
    if not van.in_service or not board.scene.allows(van, board.stop(key)):
        raise ContradictoryLocksError(
            f"stop {key} cannot be locked to {vehicle_id}, which cannot serve it", stop=key, vehicle=vehicle_id
        )
    held = board.locks.stops.get(key)
    if held is not None and held.vehicle_id != vehicle_id and held.level.rank >= LockLevel.SEQUENCE.rank:
        raise ContradictoryLocksError(
            f"stop {key} is locked in its order on {held.vehicle_id}, it cannot be locked to {vehicle_id}",
            stop=key,
            vehicle=held.vehicle_id,
        )


def _adopt(board: Board, form: Form, _workshop: Workshop) -> Board:
    orders = {
        str(vehicle_id): [board.stop(key).key for key in keys] for vehicle_id, keys in form.mapping("orders").items()
    }
    for vehicle_id in orders:
        board.van(vehicle_id)
    planned = [key for keys in orders.values() for key in keys]
    elsewhere = {key for one, lane in board.lanes.items() if one not in orders for key in lane.keys}
    doubled = sorted(elsewhere & set(planned)) or sorted({key for key in planned if planned.count(key) > 1})
    if doubled:
        raise EditCommandError(f"field orders: stop {doubled[0]} would be on two routes", field="orders", id=doubled[0])
    _reachable(board, planned)
    starts_s = {str(vehicle_id): int(start) for vehicle_id, start in form.mapping("starts_s").items()}
    return board.with_orders(orders, starts_s=starts_s)


EDITS: Final[Mapping[str, EditKind]] = {
    "move": EditKind(
        _move, "Put stops on a vehicle, at a position or at the best one.", ("stops", "vehicle", "position")
    ),
    "swap": EditKind(_swap, "Exchange the places of two stops.", ("first", "second")),
    "insert": EditKind(
        _insert, "Put a waiting stop (or a parcel's) on a route, the best one if none is named.",
        ("stop", "vehicle", "position"),
    ),
    "remove": EditKind(_remove, "Take stops off their routes; they wait.", ("stops",)),
    "reverse": EditKind(_reverse, "Drive a route, or a part of it, the other way round.", ("vehicle", "first", "last")),
    "split": EditKind(_split, "Give the stops from a position on to another vehicle.", ("vehicle", "position", "to")),
    "merge": EditKind(_merge, "Give a vehicle's stops to another one, behind its own.", ("vehicle", "into")),
    "courier": EditKind(_courier, "Say who drives; two couriers change places.", ("vehicle", "courier")),
    "vehicle": EditKind(_vehicle, "Drive a route with another vehicle, by the same courier.", ("vehicle", "to")),
    "close": EditKind(_close, "Close the roads that a GeoJSON point, line or area touches.", ("area",)),
    "add_vehicle": EditKind(_add_vehicle, "Take a vehicle into service for this day.", ("vehicle",)),
    "remove_vehicle": EditKind(_remove_vehicle, "Take a vehicle out of service; its stops wait.", ("vehicle",)),
    "shift": EditKind(_shift, "Change a vehicle's shift of this day.", ("vehicle", "start_s", "end_s")),
    "lock": EditKind(_lock, "Lock stops, or a whole route, at a level.", ("stops", "vehicle", "level")),
    "add": EditKind(_add, "Take parcels into the plan that came after it was made; they wait.", ("parcels",)),
    "retry": EditKind(_retry, "Plan a second visit today after a failed attempt.", ("stop", "after_s")),
    "breakdown": EditKind(
        _breakdown, "A vehicle is out of order where it is; its stops wait, its goods change vehicles.", ("vehicle",)
    ),
    "release": EditKind(
        _release, "Freight comes late: stops (or all deliveries) leave the depot no earlier.",
        ("stops", "all", "ready_s"),
    ),
    "adopt": EditKind(_adopt, "Take over routes as a re-optimisation proposed them.", ("orders", "starts_s")),
}  # fmt: skip
"""Every kind of edit by name."""
