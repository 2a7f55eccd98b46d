"""A board in figures and lists: what an edit answers, on a screen or to a program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatch.plans.board import Board, Lane
from dispatch.plans.locks import LockLevel
from dispatch.plans.routes import PlannedRoute, PlannedStop
from dispatch.plans.scene import Van


def figures_of(board: Board) -> dict[str, int]:
    """Sum a board up."""
    routes = board.routes
    late = [one for lane in board.lanes.values() for one in board.ahead(lane) if one.late_s]
    waiting = sum(len(board.stop(key).parcel_ids) for key in board.waiting)
    return {
        "cost_fen": board.cost_fen,
        "distance_m": sum(route.distance_m for route in routes),
        "duration_s": sum(route.end_s - route.start_s for route in routes),
        "routes": len(routes),
        "stops": sum(len(route.stops) for route in routes),
        "parcels": sum(_parcels(route) for route in routes),
        "unassigned": waiting + len(board.parcel_reasons),
        "late_stops": len(late),
        "late_s": sum(one.late_s for one in late),
        "violations": len(board.flaws),
    }


def _parcels(route: PlannedRoute) -> int:
    return sum(len(one.stop.deliveries) + len(one.stop.collections) for one in route.stops)


def touched(before: Board, after: Board) -> list[str]:
    """Return the vehicles whose routes differ, by id."""
    return sorted(
        vehicle_id
        for vehicle_id, lane in after.lanes.items()
        if (old := before.lanes.get(vehicle_id)) is not lane and (old is None or old.route != lane.route)
    )


def vehicles_of(board: Board) -> list[dict[str, Any]]:
    """Return every vehicle of the day with its route in figures."""
    return [_vehicle(board, van, board.lanes[van.id]) for van in board.scene.vans]


def _vehicle(board: Board, van: Van, lane: Lane) -> dict[str, Any]:
    route = lane.route
    return {
        "vehicle_id": van.id,
        "vehicle_type_id": van.kind.id,
        "number": van.number,
        "courier_id": van.courier_id,
        "shift_start_s": van.kind.shift_start_s,
        "shift_end_s": van.kind.shift_end_s,
        "in_service": van.in_service,
        "has_left": van.has_left,
        "locked": van.id in board.locks.closed,
        "done": len(van.done),
        "stops": 0 if route is None else len(route.stops),
        "parcels": 0 if route is None else _parcels(route),
        "start_s": None if route is None else route.start_s,
        "end_s": None if route is None else route.end_s,
        "distance_m": 0 if route is None else route.distance_m,
        "cost_fen": lane.cost_fen,
        "late_s": sum(one.late_s for one in board.ahead(lane)),
        "violations": len(lane.flaws),
    }


def route_of(board: Board, vehicle_id: str) -> dict[str, Any]:
    """Return one vehicle's route with its stops, times, locks and broken rules.

    Raises
    ------
    EditCommandError
        If there is no such vehicle.
    """
    van = board.van(vehicle_id)
    lane = board.lanes[van.id]
    stops = [] if lane.route is None else _stops(board, lane.route, len(van.done))
    flaws = [flaw.as_dict() for flaw in board.flaws if flaw.vehicle_id == vehicle_id]
    return _vehicle(board, van, lane) | {"route": stops, "flaws": flaws}


def _stops(board: Board, route: PlannedRoute, done: int) -> list[dict[str, Any]]:
    return [_stop(board, place, one, done=place < done) for place, one in enumerate(route.stops)]


def _stop(board: Board, place: int, one: PlannedStop, *, done: bool) -> dict[str, Any]:
    stop, lock = one.stop, board.locks.stops.get(one.stop.key)
    return {
        "position": place,
        "label": one.visit.label,
        "key": stop.key,
        "name": stop.name,
        "kind": stop.kind.value,
        "lon": stop.lon,
        "lat": stop.lat,
        "arrival_s": one.arrival_s,
        "start_s": one.start_s,
        "departure_s": one.departure_s,
        "late_s": one.late_s,
        "windows": [list(window) for window in stop.windows],
        "deliveries": len(stop.deliveries),
        "collections": len(stop.collections),
        "done": done,
        "lock": LockLevel.FIXED.value if done else LockLevel.FREE.value if lock is None else lock.level.value,
        "lock_source": "done" if done else None if lock is None else lock.source,
    }


def waiting_of(board: Board, keys: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return the stops on no route with their reasons."""
    return [
        {
            "key": key,
            "name": board.stop(key).name,
            "kind": board.stop(key).kind.value,
            "lon": board.stop(key).lon,
            "lat": board.stop(key).lat,
            "parcels": list(board.stop(key).parcel_ids),
            "reason": board.reasons[key].as_dict()
            | {"sentence_en": board.reasons[key].sentence("en"), "sentence_zh": board.reasons[key].sentence("zh")},
        }
        for key in (board.waiting if keys is None else keys)
    ]
