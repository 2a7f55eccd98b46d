"""A siting plan as rows of a table, as JSON and as GeoJSON."""

from __future__ import annotations

from typing import Any

from maps.picture import MapPicture, PictureDot
from maps.siting.plan import ChosenSite, SitingPlan
from maps.siting.problem import SitingProblem
from maps.siting.scenes import SCENES

_COLOURS = {"stands": "#0072b2", "new": "#d55e00", "covered": "#b8c4cc", "beyond": "#cc79a7"}
SITE_COLUMNS = ("kiosk", "scene", "at", "demand", "minutes", "drop-offs a day", "90 in 100 days", "state")


def site_rows(plan: SitingPlan) -> list[tuple[str, ...]]:
    """Return one row per kiosk, in the columns of :data:`SITE_COLUMNS`."""
    return [_row(site, number) for number, site in enumerate(plan.sites, start=1)]


def _row(site: ChosenSite, number: int | str) -> tuple[str, ...]:
    candidate, forecast = site.candidate, site.forecast
    return (
        f"{number} {candidate.name}",
        SCENES[candidate.scene],
        f"{candidate.lon:.5f}, {candidate.lat:.5f}",
        f"{site.weight:,.1f}",
        "-" if site.mean_min is None else f"{site.mean_min:.1f}",
        "-" if forecast is None else f"{forecast.mean:.2f}",
        "-" if forecast is None else f"{forecast.low:.2f} to {forecast.high:.2f}",
        "stands" if candidate.existing else "to be found there" if candidate.assumed else "new",
    )


def summary_lines(plan: SitingPlan, problem: SitingProblem) -> list[str]:
    """Say in a few sentences what the plan reaches and how sure it is."""
    rules = plan.rules
    share = plan.covered / plan.total if plan.total else 0.0
    lines = [
        f"{len(plan.new)} new kiosks, {len(plan.sites) - len(plan.new)} stand already; model {plan.model}, "
        f"pattern {rules.pattern.name} ({rules.pattern.zh}), {_proof(plan)}",
        f"within {rules.within_min:g} minutes: {plan.covered:,.1f} of {plan.total:,.1f} {problem.demand_unit} "
        f"({share:.1%})" + ("" if plan.mean_min is None else f"; on average {plan.mean_min:.1f} minutes"),
    ]
    if plan.uncovered:
        named = ", ".join(
            f"{item.demand.name} ({'no road' if item.nearest_min is None else f'{item.nearest_min:.0f} min'})"
            for item in plan.uncovered[:8]
        )
        more = f" and {len(plan.uncovered) - 8} more" if len(plan.uncovered) > 8 else ""
        lines.append(f"beyond: {named}{more}")
    expected = [site.forecast for site in plan.new if site.forecast is not None]
    if expected:
        lines.append(f"expected drop-offs of the new ones: {sum(one.mean for one in expected):.1f} a day in all")
    if problem.source != "road":
        lines.append("minutes are ESTIMATED: the region has no roads")
    return [*lines, *(f"note: {note}" for note in problem.notes)]


def _proof(plan: SitingPlan) -> str:
    if plan.proven:
        return "proven best"
    if plan.bound is None:
        return "found by exchange, not proven"
    return f"not proven: at best {plan.bound:,.1f} against {plan.objective:,.1f}"


def plan_document(plan: SitingPlan, problem: SitingProblem) -> dict[str, Any]:
    """Return the plan for JSON."""
    return {
        "model": plan.model,
        "method": plan.method,
        "pattern": plan.rules.pattern.name,
        "budget": plan.rules.budget,
        "within_min": plan.rules.within_min,
        "source": problem.source,
        "demand_unit": problem.demand_unit,
        "covered": round(plan.covered, 3),
        "total": round(plan.total, 3),
        "mean_min": None if plan.mean_min is None else round(plan.mean_min, 2),
        "objective": round(plan.objective, 3),
        "bound": None if plan.bound is None else round(plan.bound, 3),
        "proven": plan.proven,
        "sites": [_site(site) | {"lon": site.candidate.lon, "lat": site.candidate.lat} for site in plan.sites],
        "uncovered": [
            {"place_id": item.demand.id, "name": item.demand.name, "demand": round(item.demand.weight, 3),
             "nearest_min": None if item.nearest_min is None else round(item.nearest_min, 1)}
            for item in plan.uncovered
        ],
        "attribution": problem.attribution,
        "notes": list(problem.notes),
    }  # fmt: skip


def plan_geojson(plan: SitingPlan, problem: SitingProblem) -> dict[str, Any]:
    """Return kiosks and demand as points for a map (RFC 7946), with the attribution to show."""
    beyond = {item.demand.id for item in plan.uncovered}
    kiosks = [_feature(site.candidate.lon, site.candidate.lat, {"kind": "kiosk"} | _site(site)) for site in plan.sites]
    demand = [
        _feature(one.lon, one.lat, {
            "kind": "demand", "place_id": one.id, "name": one.name, "weight": round(one.weight, 3),
            "covered": one.id not in beyond,
        })
        for one in problem.demands
    ]  # fmt: skip
    return {"type": "FeatureCollection", "attribution": problem.attribution, "features": [*kiosks, *demand]}


def _feature(lon: float, lat: float, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties}


def _site(site: ChosenSite) -> dict[str, Any]:
    candidate, forecast = site.candidate, site.forecast
    return {
        "id": candidate.id,
        "name": candidate.name,
        "scene": candidate.scene,
        "place_id": candidate.place_id,
        "existing": candidate.existing,
        "assumed": candidate.assumed,
        "demand": round(site.weight, 3),
        "mean_min": None if site.mean_min is None else round(site.mean_min, 2),
        "drop_offs_a_day": None if forecast is None else round(forecast.mean, 3),
        "drop_offs_low": None if forecast is None else round(forecast.low, 3),
        "drop_offs_high": None if forecast is None else round(forecast.high, 3),
    }


def _dot(site: ChosenSite, colour: str, number: str) -> PictureDot:
    place = site.candidate
    label = " · ".join(_row(site, number)).strip()
    return PictureDot((place.lon, place.lat), colour, 6.0, label, text=number)


def plan_picture(plan: SitingPlan, problem: SitingProblem, title: str) -> MapPicture:
    """Return a map of demand, the more the larger, with the kiosks on it; the attribution is part of its title."""
    beyond = {item.demand.id for item in plan.uncovered}
    most = max((one.weight for one in problem.demands), default=1.0) or 1.0
    demand = [
        PictureDot(
            (one.lon, one.lat), _COLOURS["beyond" if one.id in beyond else "covered"],
            2.0 + 8.0 * (one.weight / most) ** 0.5, f"{one.name}: {one.weight:,.1f} {problem.demand_unit}",
        )
        for one in problem.demands
    ]  # fmt: skip
    stands = [site for site in plan.sites if site.candidate.existing]
    kiosks = [
        *(_dot(site, _COLOURS["stands"], "") for site in stands),
        *(_dot(site, _COLOURS["new"], str(number)) for number, site in enumerate(plan.new, start=1)),
    ]
    minutes = f"{plan.rules.within_min:g}"
    legend = (
        (_COLOURS["stands"], "kiosk that stands"), (_COLOURS["new"], "new kiosk"),
        (_COLOURS["covered"], f"demand within {minutes} minutes"), (_COLOURS["beyond"], "demand beyond"),
    )  # fmt: skip
    return MapPicture(f"{title} · {problem.attribution}", (), (*demand, *kiosks), legend)
