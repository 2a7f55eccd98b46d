"""Measures a county's day over two echelons: from the centre alone, by lorries to townships, and with buses.

    python -m benchmarks.county_echelons --region-root FOLDER --parcels 3000 --json county.json

The demo fleet and one generated manifest; lorries as in the network a region has by default; one bus out and one back
for each township at a price for each use, with room for 60 parcels. Every plan is judged by the independent checker.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from dispatch.demand.parcel import Channel, Direction, DueParcel
from dispatch.demand.stops import Stop, build_stops
from dispatch.echelons.checker import check_two_echelon
from dispatch.echelons.county import county_day
from dispatch.echelons.joint import Effort, solve_separately, solve_two_echelon
from dispatch.echelons.network import BusSpec, CallSpec, Network, default_network
from dispatch.echelons.plan import TwoEchelonPlan
from dispatch.echelons.problem import TwoEchelonProblem
from dispatch.fleet.demo import demo_fleet
from dispatch.fleet.fleet import Fleet, Load
from dispatch.parcels.generator import generate_manifest
from dispatch.plans.sources import place_points, recipient_key
from maps.region import Region
from maps.store import RegionStore
from routing import to_fen, warm_up

DAY = date(2026, 11, 23)
BUS_ROOM = (150_000, 1_200_000, 60)
BUS_FEN = 3_000
BUS_OUT_S, BUS_HOUR_S, BUS_BACK_S = 23_400, 3_600, 64_800


def generated_stops(region: Region, parcels: int, fleet: Fleet, day: date = DAY) -> tuple[Stop, ...]:
    """Return the stops of one generated manifest."""
    towns = {township.id: township.name for township in region.townships}
    ids = {(place.name, towns.get(place.township_id, "")): place.id for place in region.places}
    directions: dict[str, Direction] = {"deliver": "deliver", "collect": "collect"}
    channels: dict[str, Channel] = {"door": "door", "station": "station", "cabinet": "cabinet"}
    due = [
        DueParcel(
            id=f"p{number}",
            direction=directions[row["direction"]],
            due_day=day,
            load=Load(int(row["weight_g"]), int(row["volume_cm3"]), 1),
            recipient_key=recipient_key(row["recipient_name"], row["recipient_phone"], row["address"]),
            place_id=ids[row["village"], row["township"]],
            lon=float(row["lon"]) if row["lon"] else None,
            lat=float(row["lat"]) if row["lat"] else None,
            channel=channels[row["channel"]],
            consent=bool(row["consent"]),
        )
        for number, row in enumerate(generate_manifest(region, parcels, 5, 1, day))
    ]
    places = place_points((*region.places, region.depot))
    return build_stops(due, day, places, {}, [(kind.id, kind.capacity) for kind in fleet.used_types]).stops


def networks(region: Region) -> dict[str, Network]:
    """Return the ways of working that are compared."""
    lorries = default_network(region)
    buses = [
        BusSpec(
            id=f"bus-{'out' if outward else 'back'}-{depot.id}",
            outward=outward,
            centre=BUS_OUT_S if outward else BUS_BACK_S,
            calls=(CallSpec(depot=depot.id, at=BUS_OUT_S + BUS_HOUR_S if outward else BUS_BACK_S - BUS_HOUR_S),),
            capacity=BUS_ROOM,
            price_fen=BUS_FEN,
        )
        for depot in lorries.depots
        for outward in (True, False)
    ]
    return {
        "centre and lorries": lorries,
        "townships by lorry only": lorries.model_copy(update={"direct": False}),
        "centre, lorries and buses": lorries.model_copy(update={"buses": tuple(buses)}),
    }


def row(name: str, problem: TwoEchelonProblem, plan: TwoEchelonPlan, seconds: float) -> dict[str, Any]:
    """Return what a plan is compared by."""
    return {
        "plan": name,
        "cost_fen": to_fen(plan.cost - plan.left_out_cost),
        "trunk_fen": to_fen(plan.trunk_cost),
        "runs": len(plan.runs),
        "buses": sum(run.timetabled for run in plan.runs),
        "routes": len(plan.routes),
        "depots": len({route.depot for route in plan.routes}),
        "left_out": len(plan.unassigned),
        "broken_rules": [one.rule.value for one in check_two_echelon(problem, plan)],
        "seconds": round(seconds, 1),
    }


def compare(region: Region, stops: Sequence[Stop], fleet: Fleet, effort: Effort) -> list[dict[str, Any]]:
    """Plan the day in every way."""
    rows = []
    for name, network in networks(region).items():
        problem = county_day(region, network, stops, fleet, collecting=["yunlu"]).problem
        began = time.perf_counter()
        plan = solve_two_echelon(problem, effort)
        rows.append(row(f"{name}, joint", problem, plan, time.perf_counter() - began))
        if not network.direct:
            began = time.perf_counter()
            plan = solve_separately(problem, replace(effort, iterations=effort.iterations * effort.rounds // 3))
            rows.append(row(f"{name}, by township", problem, plan, time.perf_counter() - began))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison; exit 0 when no plan breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--region-root", type=Path, help="folder of imported regions; the demo county is built if absent"
    )
    parser.add_argument("--region", default="demo")
    parser.add_argument("--parcels", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=6_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        store = RegionStore(options.region_root or Path(folder))
        region = store.load(options.region) if options.region_root else store.build_demo(options.region)
        fleet = demo_fleet(region.name, options.parcels)
        stops = generated_stops(region, options.parcels, fleet)
        rows = compare(region, stops, fleet, Effort(options.rounds, options.iterations, 4))
    print("| plan | yuan | trunk | runs (buses) | routes | depots | left out | s |\n|---|---|---|---|---|---|---|---|")
    for one in rows:
        yuan = f"{one['cost_fen'] / 100:,.2f} | {one['trunk_fen'] / 100:,.2f}"
        counts = f"{one['runs']} ({one['buses']}) | {one['routes']} | {one['depots']} | {one['left_out']}"
        print(f"| {one['plan']} | {yuan} | {counts} | {one['seconds']} |")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1))
    return 1 if any(one["broken_rules"] for one in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
