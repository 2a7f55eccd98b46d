"""Plan against actual: what a simulated day came to, as one JSON document that equal seeds make equal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, Final

from api.simulation.account import Account
from api.simulation.courier import CourierAgent, Visit
from api.simulation.day import DayState

FORMAT: Final = "cunda-simulated-day-1"
INCIDENT_COLUMNS: Final = (
    "at", "what", "version", "moved", "order", "later", "couriers", "dropped", "level", "within budget",
)  # fmt: skip
_TERMS: Final = ("moved_vehicle", "moved_order", "eta_shift", "couriers", "dropped")
COURIER_COLUMNS: Final = (
    "courier", "stops", "on time", "planned km", "last plan km", "driven km", "planned back", "last plan back", "back",
)  # fmt: skip


@dataclass(frozen=True)
class Plans:
    """The morning's plan and the last one, as the API tells them."""

    first: Mapping[str, Any]
    last: Mapping[str, Any]
    first_routes: Sequence[Mapping[str, Any]]
    last_routes: Sequence[Mapping[str, Any]]
    morning_s: Mapping[str, int]
    disturbance: Mapping[str, int]


def read_plans(state: DayState) -> Plans:
    """Read the morning's version and the last one."""
    person, first, last = state.dispatcher.person, state.first_version, state.dispatcher.plan.in_force
    first_routes, last_routes = (person.get(f"/versions/{one}/routes")["items"] for one in (first, last))
    details = [person.get(f"/versions/{first}/routes/{one['number']}") for one in first_routes]
    disturbance = person.get(f"/versions/{last}/diff", against=first)["disturbance"]
    return Plans(
        person.get(f"/versions/{first}"),
        person.get(f"/versions/{last}"),
        first_routes,
        last_routes,
        {stop["key"]: stop["arrival_s"] for route in details for stop in route["stops"]},
        disturbance,
    )


def document(state: DayState, found: Account, versions: Mapping[str, Any]) -> dict[str, Any]:
    """Put everything together."""
    plans = read_plans(state)
    agents = sorted((one for one in state.couriers.values() if one.shift.visits), key=lambda one: one.id)
    visits = [visit for one in agents for visit in one.shift.visits]
    refused = [row for one in agents for row in one.handheld.refused]
    return {
        "format": FORMAT,
        "options": state.world.options.as_dict(),
        "region": {"name": state.world.region.name, "title": state.world.region.title, "zone": state.world.region.zone},
        "ok": found.holds and bool(versions["holds"]) and not refused,
        "figures": _figures(state, plans, agents, visits),
        "incidents": list(state.dispatcher.log),
        "trouble": _trouble(state),
        "couriers": [_courier(one, plans) for one in agents],
        "stops": [_stop(visit, plans.morning_s) for visit in visits],
        "refused_reports": refused,
        "account": found.as_dict(),
        "plan": dict(versions),
    }


def as_bytes(report: Mapping[str, Any]) -> bytes:
    """Write the document the same way always."""
    return (json.dumps(report, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def incident_rows(report: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of :data:`INCIDENT_COLUMNS`."""
    return [
        (
            one["at"][11:16], one["reason"] if "reason" in one else one["kind"], one["version"] or "none",
            *(one["disturbance"][name] for name in _TERMS),
            one["level"], "yes" if one["within_budget"] else "no",
        )
        for one in report["incidents"]
    ]  # fmt: skip


def courier_rows(report: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of :data:`COURIER_COLUMNS`."""
    return [
        (
            one["courier"], one["visits"], f"{one['on_time_percent']:.1f} %",
            *(_km(one[name]) for name in ("planned_m", "last_plan_m", "driven_m")),
            *(_clock(one[name]) for name in ("planned_back_s", "last_plan_back_s", "back_s")),
        )
        for one in report["couriers"]
    ]  # fmt: skip


def _figures(state: DayState, plans: Plans, agents: Sequence[CourierAgent], visits: Sequence[Visit]) -> dict[str, Any]:
    tolerance_s = state.world.options.tolerance_s
    late = [one.arrived_s - one.planned_s for one in visits]
    morning = [one.arrived_s - plans.morning_s[one.key] for one in visits if one.key in plans.morning_s]
    return {
        "parcels": len(state.parcels),
        "drop_offs": state.drops,
        "rang_up": state.rang,
        "stops_visited": len(visits),
        "couriers": len(agents),
        "against_plan_in_force": _punctuality(late, tolerance_s),
        "against_morning_plan": _punctuality(morning, tolerance_s),
        "windows_kept_percent": _percent(sum(one.window_kept for one in visits), len(visits)),
        "planned_m": plans.first["distance_m"],
        "last_plan_m": plans.last["distance_m"],
        "driven_m": sum(one.shift.driven_m for one in agents),
        "planned_cost_fen": plans.first["cost_fen"],
        "last_plan_cost_fen": plans.last["cost_fen"],
        "planned_working_s": sum(one["working_s"] for one in plans.first_routes),
        "worked_s": sum(one.shift.working_s for one in agents),
        "drove_s": sum(one.shift.driving_s for one in agents),
        "stuck_s": sum(one.shift.stuck_s for one in agents),
        "disturbance": dict(plans.disturbance),
        "changes_accepted": sum(one.shift.accepted for one in agents),
        "changes_refused": sum(one.shift.refused for one in agents),
        "reports": sum(one.handheld.sent for one in agents),
        "reports_late": sum(one.handheld.late_rows for one in agents),
    }


def _punctuality(late_s: Sequence[int], tolerance_s: int) -> dict[str, Any]:
    """Sum arrivals up: late is later than the plan by more than the tolerance."""
    sizes = sorted(abs(one) for one in late_s)
    return {
        "stops": len(late_s),
        "on_time_percent": _percent(sum(one <= tolerance_s for one in late_s), len(late_s)),
        "mean_s": round(mean(late_s)) if late_s else 0,
        "median_off_s": round(median(sizes)) if sizes else 0,
        "p90_off_s": sizes[int(0.9 * (len(sizes) - 1))] if sizes else 0,
    }


def _trouble(state: DayState) -> dict[str, Any]:
    slide, broken = state.landslide, state.broken
    return {
        "landslide": None
        if slide is None
        else {"point": list(slide.point), "delay_s": slide.delay_s, "cut_off": slide.cut_off},
        "breakdown": None
        if broken is None
        else {"courier": broken.id, "point": list(broken.at), "visited": len(broken.shift.visits)},
        "late_trunk": {
            "township": state.late.get("township"), "parcels": len(state.late.get("parcels", ())),
            "stops": len(state.late.get("stops", ())), "ready_s": state.late.get("ready_s"),
        },
    }  # fmt: skip


def _courier(agent: CourierAgent, plans: Plans) -> dict[str, Any]:
    planned = next((one for one in plans.first_routes if one["courier_id"] == agent.id), None)
    last = next((one for one in plans.last_routes if one["courier_id"] == agent.id), None)
    shift = agent.shift
    return {
        "courier": agent.id,
        "vehicle": agent.vehicle_id,
        "visits": len(shift.visits),
        "on_time_percent": _percent(
            sum(one.arrived_s - one.planned_s <= agent.world.options.tolerance_s for one in shift.visits),
            len(shift.visits),
        ),
        "planned_m": planned["distance_m"] if planned else None,
        "last_plan_m": last["distance_m"] if last else None,
        "driven_m": shift.driven_m,
        "planned_back_s": planned["end_s"] if planned else None,
        "last_plan_back_s": last["end_s"] if last else None,
        "left_s": shift.left_s,
        "back_s": shift.back_s,
        "drove_s": shift.driving_s,
        "worked_s": shift.working_s,
        "stuck_s": shift.stuck_s,
        "accepted": shift.accepted,
        "refused": shift.refused,
        "given_up": list(shift.given_up),
        "reports": agent.handheld.sent,
        "reports_late": agent.handheld.late_rows,
    }


def _stop(visit: Visit, morning_s: Mapping[str, int]) -> dict[str, Any]:
    return {
        "key": visit.key,
        "kind": visit.kind,
        "place_id": visit.place_id,
        "courier": visit.courier_id,
        "version": visit.version,
        "morning_s": morning_s.get(visit.key),
        "planned_s": visit.planned_s,
        "arrived_s": visit.arrived_s,
        "began_s": visit.began_s,
        "left_s": visit.left_s,
        "window_kept": visit.window_kept,
        "outcomes": visit.outcomes,
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 100.0


def _km(metres: int | None) -> str:
    return "-" if metres is None else f"{metres / 1000:.1f}"


def _clock(second: int | None) -> str:
    return "-" if second is None else f"{second // 3600:02d}:{second % 3600 // 60:02d}"
