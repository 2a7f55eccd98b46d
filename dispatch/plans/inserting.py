"""A drop-off of the running day becomes part of the published plan, or gets a reason.

A loaded van keeps its order: the new stop goes between stops that are still ahead, or the parcels join a stop that
visits the same site anyway. What is done or under way does not move. The place is the cheapest of all allowed ones,
exactly (:func:`routing.insertion.places_for`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from dispatch.demand.reasons import Certainty, Reason, ReasonCode
from dispatch.demand.service_times import ServiceTimes
from dispatch.demand.stops import Stop
from dispatch.fleet.fleet import Load
from dispatch.parcels.model import COLLECT, Parcel
from dispatch.parcels.repository import ParcelRepository
from dispatch.plans.board import Board
from dispatch.plans.edits import best_places, worsened
from dispatch.plans.errors import NotACollectionError
from dispatch.plans.loading import Atlas, demand_of, free_key, load_board, stop_points
from dispatch.plans.model import Plan, PlanVersion
from dispatch.plans.repository import PlanRepository, RouteShelf
from dispatch.plans.scene import Van
from dispatch.plans.storing import store_board
from kernel.ids import Ids
from routing.problem import per_hour

_TOO_LATE: Final = ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS
_LESS_MAY_FIT: Final = frozenset(
    {
        ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY,
        _TOO_LATE,
    }
)
"""Reasons that may hold for many parcels at once and not for fewer."""


@dataclass(frozen=True)
class InsertedStop:
    """Where some drop-offs went: ``extended`` when they joined a stop that was there already."""

    route_id: str
    route_number: int
    vehicle_id: str
    courier_id: str | None
    position: int
    stop_key: str
    extended: bool
    arrival_s: int
    added_fen: int
    parcel_ids: tuple[str, ...]


@dataclass(frozen=True)
class Insertion:
    """What became of some drop-offs.

    Attributes
    ----------
    version_id, number
        The new version in force; None when nothing changed.
    present
        Parcels that were on a route already.
    refused
        Why the others wait for the next plan.
    """

    region: str
    plan_id: str
    version_id: str | None = None
    number: int | None = None
    inserted: tuple[InsertedStop, ...] = ()
    present: tuple[str, ...] = ()
    refused: Mapping[str, Reason] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """A board with one more collection on it.

    Attributes
    ----------
    position
        Of the stop among all of the vehicle's day.
    extended
        Whether the parcels joined a stop that was there already.
    added_units
        What it adds to the plan, in cost units of :mod:`routing.problem`.
    """

    board: Board
    vehicle_id: str
    key: str
    position: int
    extended: bool
    added_units: int


def join(board: Board, new: Stop, times: ServiceTimes) -> Joined | Reason:
    """Put a collection on a board where it costs least, or say why there is no place.

    Parameters
    ----------
    board
        Its matrices know the stop's point.
    new
        The collection as a stop of its own, with a key that is free.

    Returns
    -------
    The board with it, or a reason: ``proved`` when it holds whatever the order of the stops, ``heuristic`` when
    another order might have served it.
    """
    waiting = board.with_scene(board.scene.with_stops([new]), anew=[])
    best: Joined | None = None
    for vehicle_id, key in _at_the_same_site(board, new):
        extended = _extend(board, vehicle_id, key, new, times)
        if extended is not None and (best is None or extended.added_units < best.added_units):
            best = extended
    found = best_places(waiting, new.key, 1, idle_too=False)
    if found and (best is None or found[0].cost_delta < best.added_units):
        van = waiting.scene.vans[found[0].vehicle]
        order = list(waiting.lanes[van.id].keys)
        order.insert(found[0].position, new.key)
        changed = waiting.with_orders({van.id: order}, starts_s={van.id: found[0].route.start_s})
        position = len(van.done) + found[0].position
        return Joined(changed, van.id, new.key, position, False, found[0].cost_delta)
    return best if best is not None else _why_not(waiting, new)


def extended_stop(stop: Stop, new: Stop, times: ServiceTimes) -> Stop:
    """Return a stop that also takes the collections of another one at the same site."""
    return replace(
        stop,
        collections=tuple(sorted({*stop.collections, *new.collections})),
        collection_load=stop.collection_load + new.collection_load,
        service_s=stop.service_s + times.work_s(new.kind, 0, len(new.collections)),
        priority=max(stop.priority, new.priority),
    )


def _at_the_same_site(board: Board, new: Stop) -> list[tuple[str, str]]:
    if new.site_id is None:
        return []
    return [
        (vehicle_id, key)
        for vehicle_id, lane in board.lanes.items()
        for key in lane.keys
        if board.scene.stop_of[key].site_id == new.site_id
    ]


def _extend(board: Board, vehicle_id: str, key: str, new: Stop, times: ServiceTimes) -> Joined | None:
    before = board.lanes[vehicle_id]
    longer = extended_stop(board.scene.stop_of[key], new, times)
    kept = replace(board, keeps_departure=True)
    after = kept.with_scene(board.scene.with_stops([longer]), anew=[vehicle_id])
    if worsened(board, after):
        return None
    van, route, old = after.van(vehicle_id), after.lanes[vehicle_id].route, before.route
    assert route is not None  # a lane with stops has a route
    assert old is not None
    more_s = route.end_s - old.end_s
    position = len(van.done) + before.keys.index(key)
    units = per_hour(van.kind.per_hour_fen) * more_s
    return Joined(replace(after, keeps_departure=board.keeps_departure), vehicle_id, key, position, True, units)


def insert_into(
    session: Session,
    plan: Plan,
    version: PlanVersion,
    atlas: Atlas,
    parcel_ids: Sequence[str],
    *,
    shelf: RouteShelf,
    ids: Ids,
    now: datetime,
    actor: str,
    reason: str,
    software: Mapping[str, str],
) -> Insertion:
    """Insert drop-offs of one site into a version in force, in the caller's transaction.

    Returns
    -------
    The new version's id, not yet published, or None when nothing could be inserted.

    Raises
    ------
    NotACollectionError
        If a parcel is not to be collected at a site.
    """
    repository = PlanRepository(session)
    present = repository.planned_parcels(version.id, parcel_ids)
    parcels = _collections(session, plan.region, [one for one in parcel_ids if one not in present])
    result = Insertion(plan.region, plan.id, present=tuple(sorted(present)))
    if not parcels:
        return result
    # A courier may refuse a changed route; an order he accepted is no reason to leave a parcel behind.
    origin = load_board(session, plan, version, atlas, shelf=shelf, now=now, waiting=False, answers=False)
    known = repository.reasons(version)
    bare = replace(origin, parcel_reasons={key: why for key, why in known.items() if key not in parcel_ids})
    state = _InsertingState(bare)
    _insert(session, plan, version, atlas, parcels, state)
    _note_refusals(repository, state.refused, version, ids, now)
    if state.joined:
        refused = {key: why for key, why in known.items() if key in state.refused}
        board = replace(state.board, parcel_reasons={**state.board.parcel_reasons, **refused})
        version_id = store_board(
            session, version, origin, board, atlas, ids=ids, shelf=shelf, kind="insertion", parent_id=version.id,
            now=now, actor=actor, reason=reason, software=software, notes={}, printed=True,
        )  # fmt: skip
        result = _told(repository, result, version_id, origin, state)
    return replace(result, refused=state.refused)


@dataclass
class _InsertingState:
    """The board while several stops are inserted one after the other."""

    board: Board
    joined: list[tuple[Joined, Stop]] = field(default_factory=list)
    refused: dict[str, Reason] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)


def _insert(
    session: Session, plan: Plan, version: PlanVersion, atlas: Atlas, parcels: Sequence[Parcel], state: _InsertingState
) -> None:
    """Insert parcels of one site, all in one stop where possible, else in smaller parts.

    What no van can collect by its deadline is collected late rather than left behind, as in a day's plan.
    """
    times = ServiceTimes.from_dict(version.assumptions["service_times"])
    demand = demand_of(session, plan, version, atlas.region, parcels, state.late)
    state.refused.update(demand.reasons)
    for one in demand.stops:
        scene = state.board.scene
        taken = {stop.key for stop in scene.stops} | {done.stop.key for van in scene.vans for done in van.done}
        stop = replace(one, key=free_key(one.key, taken))
        profiles = sorted(scene.matrices.profiles)
        matrices = atlas.matrices(scene.matrices, stop_points([stop]), profiles, state.board.closures)
        found = join(replace(state.board, scene=replace(scene, matrices=matrices)), stop, times)
        if isinstance(found, Joined):
            state.board = found.board
            state.joined.append((found, stop))
            continue
        here = [parcel for parcel in parcels if parcel.id in stop.parcel_ids]
        if len(here) == 1 and found.code is _TOO_LATE and here[0].id not in state.late:
            state.late.add(here[0].id)
            _insert(session, plan, version, atlas, here, state)
        elif len(here) == 1 or found.code not in _LESS_MAY_FIT:
            state.refused.update(dict.fromkeys(stop.parcel_ids, found))
        else:
            _insert(session, plan, version, atlas, here[: len(here) // 2], state)
            _insert(session, plan, version, atlas, here[len(here) // 2 :], state)


def _told(
    repository: PlanRepository, result: Insertion, version_id: str, origin: Board, state: _InsertingState
) -> Insertion:
    made = repository.version(version_id)
    route_ids = {one.route.vehicle_id: one.id for one in repository.routes(made)}
    inserted = []
    for joined, stop in state.joined:
        route, before = joined.board.lanes[joined.vehicle_id].route, origin.lanes[joined.vehicle_id]
        assert route is not None  # it has at least the new stop
        inserted.append(
            InsertedStop(
                route_id=route_ids[joined.vehicle_id],
                route_number=route.number,
                vehicle_id=joined.vehicle_id,
                courier_id=route.courier_id,
                position=joined.position,
                stop_key=joined.key,
                extended=joined.extended,
                arrival_s=route.stops[joined.position].arrival_s,
                added_fen=route.cost.total_fen - before.cost_fen,
                parcel_ids=stop.parcel_ids,
            )
        )
    return replace(result, version_id=version_id, number=made.number, inserted=tuple(inserted))


def _collections(session: Session, region: str, parcel_ids: Sequence[str]) -> list[Parcel]:
    found = ParcelRepository(session).by_ids(parcel_ids)
    missing = sorted(set(parcel_ids) - {parcel.id for parcel in found})
    wrong = [one.id for one in found if (one.direction, one.region) != (COLLECT, region) or not one.channel_site_id]
    if missing or wrong:
        named = (missing or wrong)[0]
        raise NotACollectionError(f"parcel {named} does not wait at a site of {region}", parcel=named)
    return found


def _note_refusals(
    repository: PlanRepository, refused: Mapping[str, Reason], version: PlanVersion, ids: Ids, now: datetime
) -> None:
    for parcel_id, reason in sorted(refused.items()):
        repository.add_refusal(
            {
                "id": ids.new(),
                "version_id": version.id,
                "parcel_id": parcel_id,
                "refused_at": now,
                "code": reason.code.value,
                "reason": reason.as_dict(),
            }
        )


def _why_not(board: Board, new: Stop) -> Reason:
    driving = [van for van in board.scene.vans if board.lanes[van.id].route is not None]
    under_way = [van for van in driving if van.takes_more]
    if not driving:
        return Reason(ReasonCode.NO_VEHICLE)
    if not under_way:
        return Reason(ReasonCode.RELEASED_TOO_LATE)
    if new.key in board.scene.cut_off:
        return Reason(ReasonCode.UNREACHABLE_BY_ROAD)
    gaps = [_capacity_gap(board, van, new.collection_load) for van in driving]
    known = [gap for gap in gaps if gap is not None]
    if len(known) == len(gaps):
        dimension, amount = min(known, key=lambda gap: gap[1])
        code = ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY
        return Reason(code, Certainty.HEURISTIC, dimension=dimension, amount=amount)
    return Reason(_TOO_LATE, Certainty.HEURISTIC)


def _capacity_gap(board: Board, van: Van, more: Load) -> tuple[str, int] | None:
    """Return what is missing when the load is taken as late as possible, nothing when it fits then."""
    route = board.lanes[van.id].route
    assert route is not None
    last = (route.loads_after[-1] if route.stops else Load()) + more
    dimension = last.exceeded(van.kind.capacity)
    if dimension is None:
        return None
    return dimension, getattr(last, dimension) - getattr(van.kind.capacity, dimension)
