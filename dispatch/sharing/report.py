"""A comparison as a document, as tables, and as a map of the best mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shapely.geometry import MultiPolygon, Point, Polygon, mapping

from dispatch.sharing.compare import BEST_MIX, Comparison
from dispatch.sharing.figures import Figures
from dispatch.sharing.policy import Mode
from kernel.money import Fen, format_yuan
from maps.places import Township

COLOURS: Final[Mapping[str, str]] = {
    "joint": "#2f6fb3",
    "township-contract": "#c7792b",
    "station-reuse": "#3d8a55",
    "separate": "#8a8f98",
    "best-mix": "#6b4fa3",
    "policy": "#b0487a",
}
_TOLERANCE_DEG: Final = 0.0005  # some 50 m: a map of a county on a page

ASSUMPTIONS: Final[Mapping[str, str]] = {
    "generated_demand": "Demand is {parcels} generated parcels a day of {companies} companies, seed {seed}.",
    "same_demand": "Every way to deliver is simulated on the same parcels.",
    "village_plans": "Plans are made village by village; between two doors of a village {metres} m and {seconds} s "
    "are added.",
    "fleet": "Every fleet starts at the county centre and may use as many vehicles of each type as it takes, at the "
    "fleet's prices.",
    "separate": "Today's way: each company drives to its own doors and stations with its own vehicles.",
    "station": "Where a station serves all, {percent} % of door recipients agree to collect there, up to its capacity; "
    "the commission is {commission} yuan a parcel.",
    "commission": "The commission is paid for every parcel handed to a village station, whatever the mode; a "
    "contractor's rate includes it.",
    "contract": "A contractor is paid by its rate card and drives from the township seat, {minutes} min after the "
    "trunk's arrival.",
    "on_time": "On time: delivered before the product's deadline and within the appointment of the day. Deadlines do "
    "not steer the routes.",
    "left_out": "Sorting, rent and line-haul are the same in every mode and are left out.",
    "shares": "A common fleet's cost is shared by the rule “{rule}”; kilometres, hours and CO2 follow the cost.",
    "co2": "CO2: {source}",
    "roads": "Roads: {source}.",
    "undelivered": "When the best mix is chosen, a parcel left behind counts {yuan} yuan.",
}
"""Every assumption by its code, with the words it is printed in."""


def comparison_document(
    found: Comparison, *, title: str, townships: Sequence[Township], parcels: int | None = None
) -> dict[str, Any]:
    """Return a comparison as plain JSON.

    Parameters
    ----------
    parcels
        Parcels a day when the demand was generated.
    """
    days = len(found.demand_days)
    return {
        "region": found.county.region,
        "title": title,
        "days": [day.isoformat() for day in found.demand_days],
        "companies": list(found.companies),
        "seed": found.seed,
        "iterations": found.iterations,
        "share_rule": found.rule.value,
        "policy_version": found.policy.version,
        "scenarios": [
            {
                "id": name,
                "total": result.total.document(days),
                "companies": {
                    company: _of_company(figures, days) | {"gain_fen": _gain(found, company, figures)}
                    for company, figures in result.companies.items()
                },
            }
            for name, result in found.results.items()
        ],
        "best_mix": [
            {
                "township": town,
                "name": found.county.townships[town],
                "mode": mode.value,
                "counts_fen": {
                    name: result.townships_fen.get(town, 0)
                    for name, result in found.results.items()
                    if name in set(Mode) - {Mode.SEPARATE}
                },
            }
            for town, mode in found.mix.items()
        ],
        "tried_fen": dict(found.tried_fen),
        "assumptions": assumptions(found, parcels),
        "map": mix_map(found.mix, townships),
    }


def _of_company(figures: Figures, days: int) -> dict[str, Any]:
    document = figures.document(days)
    if not figures.vehicle_days:  # a shared vehicle is nobody's
        document |= dict.fromkeys(("vehicle_days", "most_vehicles", "vehicles_a_day"))
    return document


def _gain(found: Comparison, company: str, figures: Figures) -> int:
    return found.results[Mode.SEPARATE.value].companies[company].cost_fen - figures.cost_fen


def assumptions(found: Comparison, parcels: int | None) -> list[dict[str, Any]]:
    """Return what the comparison took for granted: code, values, and the sentence."""
    taken, station = found.county.assumptions, found.policy.station
    hand_over_s = max((one.hand_over_s for one in found.policy.contractors), default=None)
    given: dict[str, dict[str, Any]] = {
        "generated_demand": {"parcels": parcels, "companies": len(found.companies), "seed": found.seed},
        "same_demand": {},
        "village_plans": {"metres": taken.between_doors_m, "seconds": taken.between_doors_s},
        "fleet": {},
        "separate": {},
        "station": {"percent": station.consent_percent, "commission": format_yuan(Fen(station.commission_fen))},
        "commission": {},
        "contract": {"minutes": None if hand_over_s is None else hand_over_s // 60},
        "on_time": {},
        "left_out": {},
        "shares": {"rule": found.rule.value},
        "co2": {"source": found.policy.emissions.source},
        "roads": {"source": found.county.source},
        "undelivered": {"yuan": format_yuan(Fen(taken.undelivered_fen))},
    }
    return [
        {"code": code, "params": values, "text": ASSUMPTIONS[code].format(**values)}
        for code, values in given.items()
        if None not in values.values()
    ]


def mix_map(mix: Mapping[str, Mode], townships: Sequence[Township]) -> dict[str, Any]:
    """Return the townships with their mode as GeoJSON: areas where their boundary is known, else their seats."""
    features = []
    for town in townships:
        mode, area = mix.get(town.id), _area(town)
        if mode is not None and area is not None:
            inside = area.representative_point()
            properties = {
                "township": town.id,
                "name": town.name,
                "mode": mode.value,
                "colour": COLOURS[mode.value],
                "label_at": [inside.x, inside.y],
            }
            features.append({"type": "Feature", "geometry": mapping(area), "properties": properties})
    return {"type": "FeatureCollection", "features": features}


def _area(town: Township) -> MultiPolygon | Point | None:
    if town.rings:
        area = MultiPolygon([Polygon(ring) for ring in town.rings]).simplify(_TOLERANCE_DEG)
        return area if isinstance(area, MultiPolygon) else MultiPolygon([area])
    return None if town.lon is None or town.lat is None else Point(town.lon, town.lat)


MODE_COLUMNS: Final = (
    "way", "yuan", "yuan/parcel", "fees", "commission", "km", "hours", "vehicles/day", "on time", "parcels/stop",
    "CO2 kg", "villages",
)  # fmt: skip


def mode_rows(document: Mapping[str, Any]) -> list[list[Any]]:
    """Return the table of ways to deliver."""
    return [[one["id"], *_row(one["total"])] for one in document["scenarios"]]


def _row(total: Mapping[str, Any]) -> list[Any]:
    return [
        format_yuan(Fen(total["cost_fen"])),
        None if total["cost_fen_per_parcel"] is None else f"{total['cost_fen_per_parcel'] / 100:.2f}",
        format_yuan(Fen(total["fees_fen"])),
        format_yuan(Fen(total["commissions_fen"])),
        round(total["distance_m"] / 1000),
        round(total["duration_s"] / 3600),
        total["vehicles_a_day"],
        _percent(total["on_time_share"]),
        total["parcels_per_stop"],
        round(total["co2_g"] / 1000),
        f"{total['villages_reached']}/{total['villages_due']}",
    ]


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f} %"


COMPANY_COLUMNS: Final = ("way", "company", "parcels", "yuan", "gain", "km", "hours", "on time", "CO2 kg", "villages")


def company_rows(document: Mapping[str, Any]) -> list[list[Any]]:
    """Return what each company pays and gains under each way to deliver."""
    return [
        [
            one["id"],
            company,
            figures["parcels"],
            format_yuan(Fen(figures["cost_fen"])),
            format_yuan(Fen(figures["gain_fen"])),
            round(figures["distance_m"] / 1000),
            round(figures["duration_s"] / 3600),
            _percent(figures["on_time_share"]),
            round(figures["co2_g"] / 1000),
            f"{figures['villages_reached']}/{figures['villages_due']}",
        ]
        for one in document["scenarios"]
        for company, figures in one["companies"].items()
    ]


MIX_COLUMNS: Final = ("township", "name", "mode", "joint", "township-contract", "station-reuse")


def mix_rows(document: Mapping[str, Any]) -> list[list[Any]]:
    """Return the best mix: each township's mode, and what it counts for under each."""
    return [
        [
            one["township"],
            one["name"],
            one["mode"],
            *(
                format_yuan(Fen(one["counts_fen"][mode])) if mode in one["counts_fen"] else None
                for mode in MIX_COLUMNS[3:]
            ),
        ]
        for one in document["best_mix"]
    ]


def comparison_lines(document: Mapping[str, Any], table: Any) -> list[str]:
    """Return the printed report; `table` lays columns out."""
    lines = [
        f"{document['title']}: {len(document['days'])} days from {document['days'][0]}, "
        f"{len(document['companies'])} companies, seed {document['seed']}",
        "",
        *table(MODE_COLUMNS, mode_rows(document)),
        "",
        *table(COMPANY_COLUMNS, company_rows(document)),
        "",
    ]
    if document["best_mix"]:
        lines += [*table(MIX_COLUMNS, mix_rows(document)), ""]
    else:
        lines += [f"{BEST_MIX}: not looked for, the comparison was stopped", ""]
    return [*lines, "Assumptions:", *(f"  {one['text']}" for one in document["assumptions"])]
