"""The content of a plan version as a value: routes, reasons, and the identity that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from dispatch.demand.reasons import Certainty, Fix, Reason, ReasonCode
from dispatch.demand.stops import Stop, check_accounted
from dispatch.fleet.fleet import TypeSpec
from dispatch.plans.errors import PlanRejectedError
from dispatch.plans.problem import DayProblem
from dispatch.plans.routes import Leg, PlannedRoute, Visit, digest_of, lay_out, start_of_work
from routing.checker import CheckReport, RouteSchedule, check
from routing.problem import UNREACHABLE
from routing.solution import Solution

_SHOWN_VIOLATIONS = 5


@dataclass(frozen=True)
class PlanContent:
    """What a version holds.

    Attributes
    ----------
    reasons
        Why, for each parcel that is on no route.
    """

    region: str
    day: date
    source: str
    routes: tuple[PlannedRoute, ...]
    reasons: Mapping[str, Reason]

    @property
    def cost_fen(self) -> int:
        """Return what all routes cost."""
        return sum(route.cost.total_fen for route in self.routes)

    @property
    def planned_parcels(self) -> int:
        """Return the number of parcels on routes."""
        return sum(len(route.parcel_ids) for route in self.routes)

    def cost(self) -> dict[str, int]:
        """Return the cost by term."""
        terms = [route.cost.as_dict() for route in self.routes]
        names = ("fixed_fen", "distance_fen", "duration_fen")
        return {name: sum(term[name] for term in terms) for name in names}

    def digest(self) -> str:
        """Return a fingerprint: equal input and seed give equal digests, whoever plans and whenever."""
        return content_digest(
            self.region,
            self.day,
            self.source,
            [route.digest() for route in self.routes],
            {parcel_id: reason.code.value for parcel_id, reason in self.reasons.items()},
        )


def content_digest(region: str, day: date, source: str, route_digests: Sequence[str], codes: Mapping[str, str]) -> str:
    """Return the fingerprint of a version from the fingerprints of its routes and its reason codes."""
    return digest_of([region, day.isoformat(), source, sorted(route_digests), dict(sorted(codes.items()))])


def read_solution(
    region: str,
    day: date,
    source: str,
    parcel_ids: Iterable[str],
    reasons: Mapping[str, Reason],
    problem: DayProblem,
    solution: Solution,
) -> tuple[PlanContent, CheckReport]:
    """Turn a solver's answer into the content of a version, after the independent checker agreed.

    Parameters
    ----------
    parcel_ids
        Every parcel that was due; each must end on one route or with one reason.
    reasons
        Reasons known before solving.

    Raises
    ------
    PlanRejectedError
        If the checker finds a rule broken, or the times laid out here differ from the checker's.
    UnaccountedParcelsError
        If a parcel is lost or counted twice.
    """
    report = check(problem.problem, solution)
    if not report.feasible:
        named = "; ".join(violation.message for violation in report.violations[:_SHOWN_VIOLATIONS])
        raise PlanRejectedError(
            f"the plan of {region} for {day} breaks {len(report.violations)} rules: {named}",
            violations=[violation.code.value for violation in report.violations[:_SHOWN_VIOLATIONS]],
        )
    routes = tuple(_planned(number, problem, schedule) for number, schedule in enumerate(_by_vehicle(report), start=1))
    all_reasons = dict(reasons) | dict(problem.reasons)
    for task in solution.unassigned:
        all_reasons |= dict.fromkeys(problem.stops[task].parcel_ids, explain_left_out(task, problem))
    content = PlanContent(region, day, source, routes, dict(sorted(all_reasons.items())))
    check_accounted(parcel_ids, (one.stop for route in routes for one in route.stops), content.reasons)
    return content, report


def _by_vehicle(report: CheckReport) -> list[RouteSchedule]:
    return sorted((one for one in report.schedules if one.stops), key=lambda schedule: schedule.vehicle)


def _planned(number: int, problem: DayProblem, schedule: RouteSchedule) -> PlannedRoute:
    vehicle, kind = problem.vehicles[schedule.vehicle], problem.type_of(schedule.vehicle)
    tasks = [stop.task for stop in schedule.stops]
    rows = [0, *(problem.locations[task] for task in tasks), 0]
    legs = [_leg(problem, kind, origin, target) for origin, target in pairwise(rows)]
    visits = [
        Visit(problem.stops[task], label, leg)
        for label, (task, leg) in enumerate(zip(tasks, legs, strict=False), start=1)
    ]
    route = PlannedRoute(
        number=number,
        vehicle_id=vehicle.id,
        courier_id=vehicle.courier_id,
        kind=kind,
        start_s=schedule.start_s,
        stops=lay_out(visits, schedule.start_s),
        back=legs[-1],
    )
    mine = [(one.arrival_s, one.start_s, one.departure_s) for one in route.stops]
    theirs = [(stop.arrival_s, stop.start_s, stop.departure_s) for stop in schedule.stops]
    if mine != theirs or (route.end_s, route.distance_m) != (schedule.end_s, schedule.distance_m):
        raise PlanRejectedError(f"route {number}: its times differ from the checker's", vehicle=vehicle.id)
    return route


def _leg(problem: DayProblem, kind: TypeSpec, origin: int, target: int) -> Leg:
    matrix = problem.matrices.profiles[kind.profile]
    return Leg(int(matrix.distance_m[origin, target]), int(matrix.time_s[origin, target]))


def explain_left_out(task: int, problem: DayProblem) -> Reason:
    """Say why the solver left a stop out; where several vehicle types fail, the one that comes nearest.

    Notes
    -----
    A stop that no vehicle could serve even alone, leaving at the start of its shift on the fastest road, cannot
    be served in any plan: that is proved. Otherwise others were worth more with the vehicles there are, which
    no search can prove.
    """
    stop, row = problem.stops[task], problem.locations[task]
    skilled = {problem.type_of(at).id for at, one in enumerate(problem.vehicles) if stop.skills <= one.skills}
    if not skilled:
        return Reason(ReasonCode.SKILL_MISSING, fix=Fix("skills", "+" + "+".join(sorted(stop.skills))))
    obstacles = [_obstacle(stop, row, problem, kind) for kind in problem.types if kind.id in skilled]
    possible = [one for one in obstacles if one is None]
    named = [one for one in obstacles if one is not None]
    if possible or not named:
        return Reason(ReasonCode.LESS_VALUABLE, Certainty.HEURISTIC, fix=Fix("vehicles", "add a vehicle"))
    return min(named, key=_how_far_off)


def _how_far_off(reason: Reason) -> tuple[bool, bool, int]:
    return reason.code is ReasonCode.UNREACHABLE_BY_ROAD, reason.dimension is not None, reason.amount or 0


def _obstacle(stop: Stop, row: int, problem: DayProblem, kind: TypeSpec) -> Reason | None:
    """Return what keeps a vehicle type from serving a stop alone, nothing when it could."""
    out, home = _leg(problem, kind, 0, row), _leg(problem, kind, row, 0)
    if max(out.time_s, home.time_s) >= UNREACHABLE:
        return Reason(ReasonCode.UNREACHABLE_BY_ROAD, vehicle=kind.id)
    for load in (stop.delivery_load, stop.collection_load):
        dimension = load.exceeded(kind.capacity)
        if dimension is not None:
            amount = getattr(load, dimension) - getattr(kind.capacity, dimension)
            return Reason(
                ReasonCode.DEMAND_EXCEEDS_VEHICLE_CAPACITY, vehicle=kind.id, dimension=dimension, amount=amount
            )
    start_s, late_s = start_of_work(stop.windows, kind.shift_start_s + out.time_s)
    if late_s:
        return Reason(
            ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_TIME_WINDOWS,
            vehicle=kind.id,
            amount=late_s,
            fix=Fix("shift_start_s", f"-{late_s}"),
        )
    over_s = start_s + stop.work_s + home.time_s - kind.shift_end_s
    if over_s > 0:
        return Reason(
            ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DURATION_LIMIT,
            vehicle=kind.id,
            amount=over_s,
            fix=Fix("shift_end_s", f"+{over_s}"),
        )
    over_m = out.distance_m + home.distance_m - kind.max_distance_m if kind.max_distance_m is not None else 0
    if over_m > 0:
        return Reason(
            ReasonCode.CANNOT_BE_PERFORMED_WITHIN_VEHICLE_DISTANCE_LIMIT,
            vehicle=kind.id,
            amount=over_m,
            fix=Fix("max_distance_m", f"+{over_m}"),
        )
    return None
