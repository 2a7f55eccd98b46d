"""From a board to a stored version: routes a board did not touch are shared with the version before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from dispatch.demand.reasons import Reason
from dispatch.demand.stops import check_accounted
from dispatch.plans.board import Board
from dispatch.plans.content import content_digest
from dispatch.plans.geometry import line_through
from dispatch.plans.loading import SKILLS, Atlas
from dispatch.plans.model import PlanVersion
from dispatch.plans.repository import NewRoute, PlanRepository, RouteShelf, StoredRoute
from dispatch.plans.routes import PlannedRoute, Visit
from kernel.ids import Ids

_TERMS: Final = ("fixed_fen", "distance_fen", "duration_fen")


def reasons_by_parcel(board: Board) -> dict[str, Reason]:
    """Return why each parcel on no route is left out."""
    found = dict(board.parcel_reasons)
    for key in board.waiting:
        found |= dict.fromkeys(board.stop(key).parcel_ids, board.reasons[key])
    return found


def store_board(
    session: Session,
    base: PlanVersion,
    origin: Board,
    board: Board,
    atlas: Atlas,
    *,
    ids: Ids,
    shelf: RouteShelf,
    kind: str,
    parent_id: str | None,
    now: datetime,
    actor: str,
    reason: str,
    software: Mapping[str, str],
    notes: Mapping[str, Any],
    printed: bool,
) -> str:
    """Store a board as a new version and return its id, in the caller's transaction.

    Parameters
    ----------
    base
        The version the board was laid out from.
    origin
        The board as it was laid out: what equals it is not written again.
    notes
        Goes into the version's statistics: steps, overrides, figures of a re-optimisation.
    printed
        Whether the numbers on the parcels are printed and stay; otherwise they follow the order of driving.

    Raises
    ------
    UnaccountedParcelsError
        If a parcel were lost or on two routes.
    """
    repository = PlanRepository(session)
    stored = repository.routes(base, shelf=shelf)
    chosen = _chosen(stored, origin, board, printed=printed)
    routes = [route for route, _ in chosen]
    reasons = reasons_by_parcel(board)
    old_reasons = repository.reasons(base)
    due = {parcel_id for route in routes for parcel_id in route.parcel_ids} | reasons.keys()
    visited = (one.stop for route in routes for one in route.stops)
    check_accounted(due | old_reasons.keys() | _parcels(stored), visited, reasons)
    kept = [same.id for _, same in chosen if same is not None]
    made = [(route, _before(stored, route)) for route, same in chosen if same is None]
    new = [
        NewRoute(
            ids.new(), route, None if before is None else before.id, _line(repository, board, atlas, route, before)
        )
        for route, before in made
    ]
    costs = [route.cost.as_dict() for route in routes]
    cost = {name: sum(one[name] for one in costs) for name in _TERMS}
    version_id = ids.new()
    own_reasons = reasons != old_reasons
    codes = {parcel_id: why.code.value for parcel_id, why in reasons.items()}
    plan = repository.plan_of(base.plan_id)
    row = {
        "id": version_id,
        "plan_id": base.plan_id,
        "number": repository.next_number(base.plan_id),
        "parent_id": parent_id,
        "kind": kind,
        "created_at": now,
        "actor": actor,
        "reason": reason,
        "seed": base.seed,
        "source": board.scene.matrices.source,
        "cost_fen": sum(cost.values()),
        "cost": cost,
        "statistics": dict(notes),
        "assumptions": assumptions_of(base, board),
        "software": dict(software),
        "digest": content_digest(
            plan.region, plan.day, board.scene.matrices.source, [route.digest() for route in routes], codes
        ),
        "reasons_of": version_id if own_reasons else base.reasons_of,
    }
    repository.add_version(row, new, kept)
    if own_reasons:
        repository.add_reasons(version_id, reasons)
    return version_id


def assumptions_of(base: PlanVersion, board: Board) -> dict[str, Any]:
    """Return what a board assumes: as its base, with its own shifts, closures, locks and late freight."""
    plain = {
        kind_id: (body["shift_start_s"], body["shift_end_s"]) for kind_id, body in base.assumptions["types"].items()
    }
    vehicles = {
        van.id: {
            "shift_start_s": van.kind.shift_start_s,
            "shift_end_s": van.kind.shift_end_s,
            "in_service": van.in_service,
        }
        for van in board.scene.vans
        if not van.in_service or plain.get(van.kind.id) != (van.kind.shift_start_s, van.kind.shift_end_s)
    }
    matrix = board.scene.matrices.digest or base.assumptions["matrix"]
    changes: dict[str, Any] = {
        "vehicles": vehicles,
        "closures": [dict(one) for one in board.closures],
        "locks": board.locks.as_dict() if board.locks.as_dict() != {"stops": {}, "closed": []} else {},
        "releases": dict(board.scene.releases),
        "handed_over": sorted(board.scene.handed_over),
        SKILLS: base.assumptions.get(SKILLS, {})
        | {stop.key: sorted(stop.skills) for stop in board.scene.stops if stop.skills},
    }
    bare = {name: value for name, value in base.assumptions.items() if name not in changes}
    return bare | {"matrix": matrix} | {name: value for name, value in changes.items() if value}


def _parcels(stored: Sequence[StoredRoute]) -> set[str]:
    return {parcel_id for one in stored for parcel_id in one.route.parcel_ids}


def _chosen(
    stored: Sequence[StoredRoute], origin: Board, board: Board, *, printed: bool
) -> list[tuple[PlannedRoute, StoredRoute | None]]:
    """Give each route of the board, as it is stored where nothing of it changed."""
    found: list[tuple[PlannedRoute, StoredRoute | None]] = []
    for route in board.routes:
        same = _before(stored, route)
        lane = origin.lanes.get(route.vehicle_id)
        if same is not None and lane is not None and lane.route == route:
            found.append((same.route, same))
        else:
            found.append((route if printed else _numbered(route), None))
    return found


def _numbered(route: PlannedRoute) -> PlannedRoute:
    """Number a route's stops in the order of driving."""
    return replace(
        route,
        stops=tuple(
            replace(one, visit=Visit(one.stop, label, one.visit.leg)) for label, one in enumerate(route.stops, start=1)
        ),
    )


def _before(stored: Sequence[StoredRoute], route: PlannedRoute) -> StoredRoute | None:
    return next((one for one in stored if one.route.vehicle_id == route.vehicle_id), None)


def _line(
    repository: PlanRepository, board: Board, atlas: Atlas, route: PlannedRoute, before: StoredRoute | None
) -> str | None:
    """Draw a route, changing only the leg of a single new stop where that is all that changed."""
    roads = atlas.roads(board.closures)
    points = [atlas.depot, *(one.visit.point for one in route.stops), atlas.depot]
    if before is not None and before.geometry_id is not None:
        old = [atlas.depot, *(one.visit.point for one in before.route.stops), atlas.depot]
        if points == old and not board.closures:
            return before.geometry_id
        place = next((at for at, (one, other) in enumerate(zip(points, old, strict=False)) if one != other), 0)
        if points[:place] + points[place + 1 :] == old and not board.closures:
            line, source = repository.line(before.geometry_id)
            detour, its = line_through(roads, points[place - 1 : place + 2], route.kind.profile)
            return repository.add_line(line.with_detour(place - 1, detour), source if source == its else "mixed")
    return repository.add_line(*line_through(roads, points, route.kind.profile))
