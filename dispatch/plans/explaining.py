"""Answers to a dispatcher's whys: why this route, why this time, why not served, what would serve it, at what price.

For a stop on a route: what it costs there, what the next best places would cost, and which rule sets its time. For a
stop on none: what stands in its way (proved or likely), which single change would serve it, and which stop it would
push out. :func:`routing.explain.explain` judges the nearest routes and one idle vehicle of each kind, not all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dispatch.plans.board import Board
from dispatch.plans.edits import best_places
from dispatch.plans.problem import left_out_fen
from dispatch.plans.routes import PlannedStop
from kernel.money import Fen, format_yuan
from routing.alone import AloneBounds, Paths
from routing.explain import Explanation, explain
from routing.problem import Problem, to_fen
from routing.solution import Route, Solution, Trip

_NEAREST: Final = 3
_EVICTIONS: Final = 6
_ALTERNATIVES: Final = 3


@dataclass(frozen=True)
class StopExplanation:
    """Why a stop is where it is, or why it is nowhere.

    Attributes
    ----------
    planned
        Whether it is on a route; decides which of the other fields mean something.
    saving_fen
        What the plan would cost less without it.
    alternatives
        Next best places, each with what moving there would cost more.
    time
        What sets the time: departure, drive, waiting, window, lateness.
    reasons, fixes
        What stands in its way for each vehicle looked at; single changes that would serve it, cheapest first.
    displaces
        Stops of which leaving one out would make room, with what that would come to.
    """

    stop_key: str
    planned: bool
    certainty: str
    saving_fen: int | None
    vehicle_id: str | None
    time: dict[str, Any] | None
    alternatives: tuple[dict[str, Any], ...]
    reasons: tuple[dict[str, Any], ...]
    fixes: tuple[dict[str, Any], ...]
    displaces: tuple[dict[str, Any], ...]
    sentence_en: str
    sentence_zh: str


class Explainer:
    """Explains stops of boards over the same roads; shortest paths are kept between questions."""

    def __init__(self) -> None:
        self._paths: dict[str, Paths] = {}

    def explain(self, board: Board, key: str) -> StopExplanation:
        """Explain a stop, or the stop of a parcel.

        Raises
        ------
        EditCommandError
            If the plan has neither, or the stop is done.
        """
        found = board.stop(key).key
        return _planned(board, found) if found in board.place_of else self._waiting(board, found)

    def _waiting(self, board: Board, key: str) -> StopExplanation:
        known = board.reasons[key]
        if key in board.scene.cut_off:
            reason = known.as_dict() | {"amount": None}
            return _told_waiting(board, key, "proved", (reason,), (), ())
        vans = _nearest(board, key)
        keys = [one for index in vans for one in board.lanes[board.scene.vans[index].id].keys] + [key]
        problem = board.scene.problem_of(vans, keys)
        task_of = {one: task for task, one in enumerate(keys)}
        routes = tuple(
            Route(number, (_trip(problem, number, [task_of[one] for one in lane.keys]),), lane.start_s)
            for number, index in enumerate(vans)
            if (lane := board.lanes[board.scene.vans[index].id]).keys
        )
        bounds = AloneBounds(problem, self._paths_of(board))
        (said,) = explain(problem, Solution(routes, (task_of[key],)), [task_of[key]], bounds=bounds)
        names = [board.scene.vans[index].id for index in vans]
        # A vehicle on the road was looked at only if it is near, so what holds for all looked at is not proved.
        certainty = "heuristic" if any(van.has_left and van.takes_more for van in board.scene.vans) else said.certainty
        return _told_waiting(
            board, key, certainty, _reasons(said, names), _fixes(said, names, left_out_fen(board.stop(key))),
            _displaced(board, key, [name for name in names if board.lanes[name].keys]),
        )  # fmt: skip

    def _paths_of(self, board: Board) -> Paths:
        matrices = board.scene.matrices
        name = matrices.digest or str(id(matrices))
        if name not in self._paths:
            self._paths = {name: {}}  # one set of roads at a time: a county's paths are some megabytes
        return self._paths[name]


def _trip(problem: Problem, vehicle: int, tasks: Sequence[int]) -> Trip:
    return Trip(tuple(tasks), problem.vehicle_types[vehicle].start_depot)


def _reasons(said: Explanation, names: Sequence[str]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "code": one.code.value,
            "certainty": one.certainty,
            "vehicle": None if one.vehicle is None else names[one.vehicle],
            "dimension": one.dimension,
            "amount": to_fen(one.amount) if one.code.value == "LESS_VALUABLE" else one.amount,
        }
        for one in said.reasons
    )


def _fixes(said: Explanation, names: Sequence[str], price_fen: int) -> tuple[dict[str, Any], ...]:
    """Write fixes with the rise in the plan's cost; the price of leaving it out is no saving of anybody's."""
    return tuple(
        {
            "constraint": one.constraint,
            "change": one.change,
            "unit": one.unit,
            "vehicle": None if one.vehicle is None else names[one.vehicle],
            "position": one.position,
            "cost_fen": to_fen(one.cost) + price_fen,
            "disturbance": one.disturbance,
            "certainty": one.certainty,
        }
        for one in said.fixes
    )


def _nearest(board: Board, key: str) -> list[int]:
    """Choose the vehicles to look at: those whose routes pass nearest, and an idle one of each kind."""
    scene = board.scene
    here = scene.row(scene.stop_of[key])
    detours: list[tuple[int, int]] = []
    idle: dict[Any, int] = {}
    for index, van in enumerate(scene.vans):
        keys = board.lanes[van.id].keys
        if not van.takes_more or not scene.allows(van, scene.stop_of[key]):
            continue
        if not keys:
            idle.setdefault((van.kind, van.id if van.has_left else None), index)
            continue
        rows = np.array([scene.position(van), *(scene.row(scene.stop_of[one]) for one in keys), 0])
        times = scene.matrices.profiles[van.kind.profile].time_s  # two legs of no road still fit 32 bits
        longer = times[rows[:-1], here] + times[here, rows[1:]] - times[rows[:-1], rows[1:]]
        detours.append((int(longer.min()), index))
    return [*(index for _, index in sorted(detours)[:_NEAREST]), *sorted(idle.values())]


def _displaced(board: Board, key: str, names: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Try which stop, left out in its place, would make room: those that weigh least first."""
    if best_places(board, key, 1):
        return ()
    candidates = sorted(
        (left_out_fen(board.stop(one)), one, name)
        for name in names
        for one in board.lanes[name].keys
        if one not in board.locks.stops
    )
    found = []
    for price, one, name in candidates[:_EVICTIONS]:
        without = board.with_orders({name: [other for other in board.lanes[name].keys if other != one]})
        places = best_places(without, key, 1, name)
        if places:
            added_fen = without.cost_fen + to_fen(places[0].cost_delta) - board.cost_fen
            found.append(
                {
                    "stop_key": one,
                    "name": board.stop(one).name,
                    "vehicle": name,
                    "parcels": len(board.stop(one).parcel_ids),
                    "added_fen": added_fen,
                    "left_out_fen": price,
                }
            )
    return tuple(sorted(found, key=lambda entry: (entry["left_out_fen"], entry["added_fen"])))


def _planned(board: Board, key: str) -> StopExplanation:
    name = board.place_of[key]
    lane = board.lanes[name]
    at = lane.keys.index(key)
    one: PlannedStop = board.ahead(lane)[at]
    without = board.with_orders({name: [other for other in lane.keys if other != key]})
    saving_fen = board.cost_fen - without.cost_fen
    places: list[dict[str, Any]] = [
        {
            "vehicle": board.scene.vans[place.vehicle].id,
            "number": board.scene.vans[place.vehicle].number,
            "position": place.position,
            "more_fen": to_fen(place.cost_delta) - saving_fen,
            "start_s": place.start_s,
        }
        for place in best_places(without, key, _ALTERNATIVES + 1)
    ]
    elsewhere = [place for place in places if (place["vehicle"], place["position"]) != (name, at)][:_ALTERNATIVES]
    time = _time_of(board, key, one, at)
    number = board.van(name).number
    more = format_yuan(Fen(min(place["more_fen"] for place in elsewhere))) if elsewhere else None
    saving = format_yuan(Fen(saving_fen))
    return StopExplanation(
        stop_key=key,
        planned=True,
        certainty="proved",
        saving_fen=saving_fen,
        vehicle_id=name,
        time=time,
        alternatives=tuple(elsewhere),
        reasons=(),
        fixes=(),
        displaces=(),
        sentence_en=f"Route {number} serves it for {saving} yuan; "
        + (f"the next best place costs {more} yuan more." if more else "it fits nowhere else as things are."),
        sentence_zh=f"由{number}号路线服务，成本{saving}元；"
        + (f"次优位置多{more}元。" if more else "按现状无其他可行位置。"),
    )


def _time_of(board: Board, key: str, one: PlannedStop, at: int) -> dict[str, Any]:
    lane = board.lanes[board.place_of[key]]
    lock = board.locks.stops.get(key)
    waits_s = one.start_s - one.arrival_s
    rule = "window" if waits_s > 0 else "lock" if lock is not None and lock.level.rank > 1 else "order"
    return {
        "rule": rule,
        "leaves_s": lane.start_s,
        "stops_before": at,
        "drive_s": one.visit.leg.time_s,
        "arrival_s": one.arrival_s,
        "waits_s": max(0, waits_s),
        "start_s": one.start_s,
        "late_s": one.late_s,
        "windows": [list(window) for window in one.stop.windows],
        "lock": None if lock is None else lock.level.value,
    }


def _told_waiting(
    board: Board,
    key: str,
    certainty: str,
    reasons: tuple[dict[str, Any], ...],
    fixes: tuple[dict[str, Any], ...],
    displaces: tuple[dict[str, Any], ...],
) -> StopExplanation:
    known = board.reasons[key]
    return StopExplanation(
        stop_key=key,
        planned=False,
        certainty=certainty,
        saving_fen=None,
        vehicle_id=None,
        time=None,
        alternatives=(),
        reasons=reasons,
        fixes=fixes,
        displaces=displaces,
        sentence_en=known.sentence("en"),
        sentence_zh=known.sentence("zh"),
    )
