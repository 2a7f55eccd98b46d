"""Plans in somebody's hands as lines and points for a map: a draft as it stands, or as it would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.plans.board import Board
from dispatch.plans.figures import route_of, waiting_of
from dispatch.plans.geometry import line_through
from dispatch.plans.loading import Atlas


def draft_features(board: Board, atlas: Atlas, vehicle_ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Draw vehicles' routes and stops, and the stops that wait, as GeoJSON features.

    Parameters
    ----------
    vehicle_ids
        Whose routes; every vehicle's when omitted. Stops that wait are always drawn.

    Raises
    ------
    EditCommandError
        If there is no such vehicle.
    """
    wanted = [van.id for van in board.scene.vans] if vehicle_ids is None else [board.van(one).id for one in vehicle_ids]
    orders = {one: board.lanes[one].keys for one in wanted if board.lanes[one].route is not None}
    features = route_features(board, atlas, orders)
    for vehicle_id in orders:
        route = route_of(board, vehicle_id)
        shared = {"vehicle_id": vehicle_id, "number": route["number"], "feature": "stop"}
        for stop in route["route"]:
            features.append(_point(stop, shared | stop))
    for stop in waiting_of(board):
        features.append(_point(stop, {"feature": "waiting", "key": stop["key"], "name": stop["name"]}))
    return features


def route_features(board: Board, atlas: Atlas, orders: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Draw the drives of vehicles through stops in an order, whatever the board says; what is done comes first.

    Parameters
    ----------
    orders
        By vehicle id, keys of stops still to do; a vehicle without any and with nothing done is not drawn.

    Raises
    ------
    EditCommandError
        If there is no such vehicle or stop.
    """
    roads = atlas.roads(board.closures)
    features = []
    for vehicle_id, keys in orders.items():
        van = board.van(vehicle_id)
        points = [one.visit.point for one in van.done]
        points += [(stop.lon, stop.lat) for stop in (board.stop(key) for key in keys)]
        if not points:
            continue
        line, source = line_through(roads, [atlas.depot, *points, atlas.depot], van.kind.profile)
        properties = {"feature": "route", "vehicle_id": vehicle_id, "number": van.number, "source": source}
        features.append({"type": "Feature", "geometry": line.geojson(), "properties": properties})
    return features


def _point(stop: Mapping[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [stop["lon"], stop["lat"]]},
        "properties": properties,
    }
