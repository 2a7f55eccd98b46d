"""Measures promised weekdays against serving every village on every service day.

    python -m benchmarks.weekdays --region-root FOLDER --region demo --json weekdays.json

Volume: the mean of twelve generated manifests of 3,000 parcels of five companies; fleet: the demo fleet. Without
``--region-root`` the demo county is built in a temporary folder. Exit code 0 when every promise is kept or listed,
the week is at least 8 % cheaper, and the longest route is at most 1.2 times the mean.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dispatch.fleet.demo import demo_fleet
from dispatch.parcels.generator import generate_manifest
from dispatch.weekdays.checker import check_week
from dispatch.weekdays.problem import WeekPlan
from dispatch.weekdays.search import WeekEffort, plan_every_day, plan_week
from dispatch.weekdays.survey import WeekSurvey, survey_week
from maps.region import Region
from maps.store import RegionStore
from routing import to_fen, warm_up

FIRST = date(2026, 11, 23)
SAMPLE_DAYS = 12
SHORT_OF_FLEET = 0.9


def mean_arrivals(region: Region, parcels: int) -> dict[str, tuple[float, ...]]:
    """Return the mean parcels a day of every place over some generated manifests, the same on all weekdays."""
    towns = {township.id: township.name for township in region.townships}
    ids = {(place.name, towns.get(place.township_id, "")): place.id for place in region.places}
    counts: dict[str, int] = {}
    for number in range(SAMPLE_DAYS):
        for row in generate_manifest(region, parcels, 5, 1, FIRST + timedelta(days=number)):
            place = ids[row["village"], row["township"]]
            counts[place] = counts.get(place, 0) + 1
    return {place: (count / SAMPLE_DAYS,) * 7 for place, count in counts.items()}


def figures(plan: WeekPlan, survey: WeekSurvey) -> dict[str, Any]:
    """Return what a week is compared by."""
    routes = [route for day in plan.days.values() for route in day]
    return {
        "cost_fen": to_fen(plan.cost),
        "cost_before_even_routes_fen": to_fen(plan.stats.get("cost_before_even_routes", plan.cost)),
        "routes": len(routes),
        "kilometres": round(sum(route.distance_m for route in routes) / 1000),
        "hours": round(sum(route.duration_s for route in routes) / 3600, 1),
        "visits": sum(len(set(route.villages)) for route in routes),
        "route_spread": round(plan.route_spread, 3),
        "day_spread": round(plan.day_spread, 3),
        "unreached": [asdict(one) for one in (*plan.unreached, *survey.unlocated)],
        "broken_rules": [str(one) for one in check_week(survey.problem, plan)],
        "changed": len(plan.changed),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit 0 when the acceptance figures are reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--region-root", type=Path, help="folder of imported regions; the demo county is built if absent"
    )
    parser.add_argument("--region", default="demo")
    parser.add_argument("--parcels", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        store = RegionStore(options.region_root or Path(folder))
        region = store.load(options.region) if options.region_root else store.build_demo(options.region)
        fleet = demo_fleet(region.name, options.parcels)
        survey = survey_week(region, mean_arrivals(region, options.parcels), fleet)
    warm_up()
    began = time.perf_counter()
    every = plan_every_day(survey.problem, WeekEffort(), options.seed)
    middle = time.perf_counter()
    week = plan_week(survey.problem, WeekEffort(), options.seed)
    document: dict[str, Any] = {
        "machine": f"{platform.machine()} {platform.processor()}",
        "region": region.name,
        "villages": len(survey.problem.villages),
        "promised": {
            str(visits): sum(village.visits == visits for village in survey.problem.villages) for visits in (2, 3, 6)
        },
        "every_day": figures(every, survey) | {"seconds": round(middle - began, 1)},
        "weekdays": figures(week, survey) | {"seconds": round(time.perf_counter() - middle, 1)},
    }
    saved = 100 * (1 - week.cost / every.cost)
    document["saved_percent"] = round(saved, 2)
    print(json.dumps(document, indent=1, ensure_ascii=False))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False))
    broken = document["weekdays"]["broken_rules"]
    return 0 if saved >= 8 and week.route_spread <= 1.2 and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
