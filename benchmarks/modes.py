"""Measures `cunda modes compare` and the shares of a joint cost.

    python -m benchmarks.modes --region-root FOLDER --region demo --json modes.json

Demand: 20 generated days of 3,000 parcels of five companies; vehicle types: the demo fleet's. Without
``--region-root`` the demo county is built in a temporary folder. Exit code 0 when the comparison took at most ten
minutes and joint delivery costs at most what separate delivery costs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dispatch.fleet.demo import demo_fleet
from dispatch.sharing.compare import Comparison, Effort, compare_modes
from dispatch.sharing.demand import DayDemand, generated_day
from dispatch.sharing.drive import plan_drive
from dispatch.sharing.policy import default_policy
from dispatch.sharing.report import comparison_document, comparison_lines
from dispatch.sharing.shares.choices import ShareRule
from dispatch.sharing.shares.executed import ExecutedPrices
from dispatch.sharing.shares.rules import share_cost
from dispatch.sharing.visits import village_visits
from maps.store import RegionStore
from routing import warm_up

FIRST = date(2026, 11, 23)
LONGEST_S = 600


def share_figures(found: Comparison, demand: DayDemand, iterations: int, seed: int) -> list[dict[str, Any]]:
    """Share one joint day's cost by every rule, with the seconds it took and who would be better off alone."""
    county = found.county
    visits = village_visits(county, list(enumerate(demand.parcels)), {}).visits
    routes = plan_drive(county, visits, county.kinds, iterations, seed).shared_routes(county)
    figures = []
    for rule in ShareRule:
        began_s = time.perf_counter()
        shares = share_cost(rule, routes, ExecutedPrices(routes), seed)
        figures.append(
            {
                "rule": rule.value,
                "seconds": round(time.perf_counter() - began_s, 2),
                "total_fen": shares.total_fen,
                "shares_fen": dict(shares.shares_fen),
                "alone_fen": dict(shares.alone_fen),
                "coalitions_better_off": len(shares.complaints),
                "largest_gain_fen": shares.complaints[0].better_off_fen if shares.complaints else 0,
                "adds_up": sum(shares.shares_fen.values()) == shares.total_fen,
            }
        )
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit 0 when the acceptance figures are reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--region-root", type=Path, help="folder of imported regions; the demo county is built if absent"
    )
    parser.add_argument("--region", default="demo")
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--parcels", type=int, default=3_000)
    parser.add_argument("--companies", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=Effort.iterations)
    parser.add_argument("--processes", type=int, default=Effort.processes)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        store = RegionStore(options.region_root or Path(folder))
        region = store.load(options.region) if options.region_root else store.build_demo(options.region)
        kinds = demo_fleet(region.name, options.parcels).types
        began_s = time.perf_counter()
        demands = [
            generated_day(region, options.parcels, options.companies, options.seed, FIRST + timedelta(days=number))
            for number in range(options.days)
        ]
        found = compare_modes(
            region, kinds, default_policy(region.name), demands,
            effort=Effort(options.iterations, options.processes), seed=options.seed,
        )  # fmt: skip
        seconds = time.perf_counter() - began_s
    cpu = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    document = comparison_document(found, title=region.title, townships=region.townships, parcels=options.parcels)
    totals = {one["id"]: one["total"] for one in document["scenarios"]}
    report = {
        "machine": f"{platform.machine()} {platform.processor()}",
        "load": os.getloadavg(),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in cpu), 1),
        "comparison": {name: document[name] for name in document if name != "map"},
        "shares_of_the_first_day": share_figures(found, demands[0], options.iterations, options.seed),
    }
    print("\n".join(comparison_lines(document, _table)))
    print(json.dumps({name: value for name, value in report.items() if name != "comparison"}, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    cheaper = totals["joint"]["cost_fen"] <= totals["separate"]["cost_fen"]
    return 0 if cheaper and seconds <= LONGEST_S else 1


def _table(headings: Any, rows: Any) -> list[str]:
    return ["\t".join("-" if cell is None else str(cell) for cell in row) for row in [headings, *rows]]


if __name__ == "__main__":
    sys.exit(main())
