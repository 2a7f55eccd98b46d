"""A two-echelon plan for people: a document, tables of runs and routes, and a map of both echelons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from dispatch.echelons.county import CountyDay
from dispatch.echelons.plan import CourierRoute, TrunkRun, TwoEchelonPlan
from dispatch.plans.matrices import Roads
from kernel.money import Fen, format_yuan
from maps.picture import LonLat, MapPicture, PictureDot, PictureLine
from routing.problem import to_fen

RUN_COLUMNS: Final = ("run", "direction", "calls", "leaves", "ends", "km", "parcels", "yuan")
ROUTE_COLUMNS: Final = ("route", "vehicle", "from", "stops", "parcels", "leaves", "back", "km", "yuan")
_TRUNK, _BUS, _BACK = "#c8553d", "#d99c1c", "#8a5aab"
_ROUTES: Final = ("#1b6ca8", "#2a9d62", "#4a8f8f", "#6b8e23", "#3f6fb5", "#2c7a7b")
_TOLERANCE_M: Final = 30.0


def echelon_document(county: CountyDay, plan: TwoEchelonPlan) -> dict[str, Any]:
    """Return figures, runs, routes and what is left, ready for JSON; moments are seconds since local midnight."""
    problem = county.problem
    return {
        "source": county.matrices.source,
        "seed": plan.seed,
        "cost_fen": to_fen(plan.cost - plan.left_out_cost),
        "trunk_cost_fen": to_fen(plan.trunk_cost),
        "route_cost_fen": to_fen(plan.route_cost),
        "depot_cost_fen": to_fen(plan.depot_cost),
        "back_by_s": problem.back_by_s,
        "missed_cut_offs": list(county.missed_cut_offs),
        "depots": [
            {
                "id": problem.depots[depot].id,
                "name": problem.depots[depot].name,
                "direct": problem.depots[depot].direct,
                "stops": sum(len(route.tasks) for route in plan.routes if route.depot == depot),
            }
            for depot in sorted({route.depot for route in plan.routes})
        ],
        "runs": [_run(county, plan, number) for number in range(len(plan.runs))],
        "routes": [_route(county, route) for route in plan.routes],
        "left_out": [
            {"stop": county.stops[task].key, "name": county.stops[task].name, "reason": "LESS_VALUABLE"}
            for task in plan.unassigned
        ]
        + [{"stop": stop.key, "name": stop.name, "reason": "UNREACHABLE_BY_ROAD"} for stop in county.unreachable],
    }


def run_rows(county: CountyDay, plan: TwoEchelonPlan) -> list[list[Any]]:
    """Return the trunk runs as a table."""
    rows = []
    for number, run in enumerate(plan.runs):
        calls = ", ".join(
            f"{_name(county, depot)} {clock_text(call)}" for depot, call in zip(run.depots, run.calls_s, strict=True)
        )
        rows.append(
            [
                run.kind,
                run.direction,
                calls,
                clock_text(run.starts_s),
                clock_text(run.ends_s),
                round(run.distance_m / 1000),
                _carried(plan, number),
                _yuan(run.cost),
            ]
        )
    return rows


def route_rows(county: CountyDay, plan: TwoEchelonPlan) -> list[list[Any]]:
    """Return the couriers' routes as a table."""
    return [
        [
            number,
            county.problem.couriers[route.kind].id,
            _name(county, route.depot),
            len(route.tasks),
            _parcels(county, route),
            clock_text(route.start_s),
            clock_text(route.end_s),
            round(route.distance_m / 1000),
            _yuan(route.cost),
        ]
        for number, route in enumerate(plan.routes, start=1)
    ]


def echelon_map(county: CountyDay, plan: TwoEchelonPlan, roads: Roads, title: str) -> MapPicture:
    """Draw trunk runs, couriers' routes along the roads, depots and stops."""
    points = county.matrices.points
    names = sorted(county.matrices.profiles)
    problem = county.problem
    lines = [
        PictureLine(
            _along(
                roads,
                [points[problem.depots[route.depot].location], *_doors(county, route)],
                names[profile],
                closed=True,
            ),
            _ROUTES[number % len(_ROUTES)],
            1.5,
            f"route {number + 1} from {_name(county, route.depot)}",
            {"kind": "route", "route": number + 1, "stops": len(route.tasks)},
        )
        for number, route in enumerate(plan.routes)
        for profile in (problem.couriers[route.kind].profile,)
    ]
    lines += [_run_line(county, run, roads, names) for run in plan.runs]
    used = {route.depot for route in plan.routes}
    dots = [
        PictureDot((stop.lon, stop.lat), "#444444", 1.6, stop.name, {"kind": "stop", "key": stop.key})
        for stop in county.stops
    ]
    dots += [
        PictureDot(
            points[one.location],
            "#000000" if one.direct else (_TRUNK if index in used else "#bbbbbb"),
            7.0 if one.direct else 5.0,
            _name(county, index),
            {"kind": "depot", "depot": one.id, "used": index in used},
        )
        for index, one in enumerate(problem.depots)
    ]
    legend = (
        (_TRUNK, "trunk run, depot in use"),
        (_BUS, "timetabled run"),
        (_BACK, "run back to the centre"),
        (_ROUTES[0], "couriers' routes"),
    )
    return MapPicture(title, tuple(lines), tuple(dots), legend)


def clock_text(second: int) -> str:
    """Write a second of the day as a time of day."""
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"


def _yuan(units: int) -> str:
    return format_yuan(Fen(to_fen(units)))


def _run(county: CountyDay, plan: TwoEchelonPlan, number: int) -> dict[str, Any]:
    run = plan.runs[number]
    return {
        "kind": run.kind,
        "direction": run.direction,
        "timetabled": run.timetabled,
        "starts_s": run.starts_s,
        "ends_s": run.ends_s,
        "calls": [
            {"depot": county.problem.depots[depot].id, "arrives_s": call}
            for depot, call in zip(run.depots, run.calls_s, strict=True)
        ],
        "distance_m": run.distance_m,
        "parcels": _carried(plan, number),
        "cost_fen": to_fen(run.cost),
    }


def _route(county: CountyDay, route: CourierRoute) -> dict[str, Any]:
    return {
        "vehicle_type": county.problem.couriers[route.kind].id,
        "depot": county.problem.depots[route.depot].id,
        "start_s": route.start_s,
        "end_s": route.end_s,
        "distance_m": route.distance_m,
        "cost_fen": to_fen(route.cost),
        "stops": [county.stops[task].key for task in route.tasks],
    }


def _carried(plan: TwoEchelonPlan, number: int) -> int:
    return sum(one.amount[-1] for one in plan.carriages if one.run == number)


def _parcels(county: CountyDay, route: CourierRoute) -> int:
    return sum(len(county.stops[task].parcel_ids) for task in route.tasks)


def _name(county: CountyDay, depot: int) -> str:
    one = county.problem.depots[depot]
    return one.name or one.id


def _doors(county: CountyDay, route: CourierRoute) -> list[LonLat]:
    return [(county.stops[task].lon, county.stops[task].lat) for task in route.tasks]


def _run_line(county: CountyDay, run: TrunkRun, roads: Roads, names: Sequence[str]) -> PictureLine:
    problem, points = county.problem, county.matrices.points
    stops = [points[problem.depots[depot].location] for depot in run.depots]
    centre = points[problem.centre]
    way = [centre, *stops] if run.direction == "out" or not run.timetabled else [*stops, centre]
    profile = names[0] if run.timetabled else names[next(t.profile for t in problem.trunks if t.id == run.kind)]
    colour = _BUS if run.timetabled else (_TRUNK if run.direction == "out" else _BACK)
    return PictureLine(
        _along(roads, way, profile, closed=not run.timetabled),
        colour,
        3.5,
        f"{run.kind} {run.direction} {clock_text(run.starts_s)}",
        {"kind": "run", "run": run.kind, "direction": run.direction},
    )


def _along(roads: Roads, way: Sequence[LonLat], profile: str, *, closed: bool) -> tuple[LonLat, ...]:
    points = [*way, way[0]] if closed else list(way)
    path = roads.route(points, profile).simplified(_TOLERANCE_M)
    return tuple((round(float(lon), 6), round(float(lat), 6)) for lon, lat in path.coordinates)
