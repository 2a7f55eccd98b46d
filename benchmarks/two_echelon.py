"""Measures joint planning of two echelons on 20 instances of the classical 2E-VRP form.

    python -m benchmarks.two_echelon --json two_echelon.json [--write-instances FOLDER] [--rounds 60] [--seed 1]

Each instance is planned jointly, and echelon after echelon in two ways: every customer from its nearest satellite
("nearest", as a county divides villages by township) and with the satellites chosen by second-echelon distance alone
("free"). All three are judged by the independent checker. Up to twelve customers the optimum is computed by a
route-based MIP, for all instances a lower bound by column generation.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.two_echelon_exact import MOST_CUSTOMERS, exact_cost, lower_bound
from dispatch.echelons.checker import check_two_echelon
from dispatch.echelons.joint import Effort, solve_separately, solve_two_echelon
from dispatch.echelons.plan import TwoEchelonPlan
from dispatch.echelons.problem import UNITS_PER_DISTANCE, classical_problem
from routing import warm_up
from routing.formats import TwoEchelonInstance, generate_two_echelon, write_two_echelon
from routing.formats.two_echelon import CustomerPattern, SatellitePattern

CUSTOMERS: tuple[CustomerPattern, ...] = ("random", "centroids", "quadrants")
SATELLITES: tuple[SatellitePattern, ...] = ("random", "sliced", "forbidden")
SIZES = ((12, 2, 3), (12, 3, 3), (21, 2, 2), (32, 3, 3), (50, 3, 3), (50, 5, 3), (100, 5, 3))
"""Customers, satellites, instances: the sizes of the published sets 2 to 5; twenty in all."""


@dataclass(frozen=True)
class Row:
    """What one instance gave; costs in the file's units."""

    name: str
    customers: int
    satellites: int
    joint: float
    nearest: float
    free: float
    bound: float
    exact: float | None
    seconds: float
    violations: int
    baseline_violations: int

    @property
    def saved_percent(self) -> float:
        """How much cheaper joint planning is than nearest."""
        return 100 * (1 - self.joint / self.nearest)

    @property
    def saved_free_percent(self) -> float:
        """How much cheaper joint planning is than free."""
        return 100 * (1 - self.joint / self.free)

    @property
    def gap_percent(self) -> float:
        """How far above the lower bound joint planning is."""
        return 100 * (self.joint / self.bound - 1)


def instances() -> list[TwoEchelonInstance]:
    """Make the twenty instances; always the same ones."""
    made: list[TwoEchelonInstance] = []
    for customers, satellites, count in SIZES:
        for _ in range(count):
            number = len(made)
            where, at = CUSTOMERS[number % 3], SATELLITES[number // 3 % 3]
            name = f"E2-n{customers}-s{satellites}-{where[0]}{at[0]}-{number + 1:02d}"
            made.append(generate_two_echelon(name, customers, satellites, number + 1, where, at, number % 2 == 0))
    return made


def measure(instance: TwoEchelonInstance, effort: Effort, seed: int) -> Row:
    """Plan one instance in every way and judge it."""
    problem = classical_problem(instance)
    began = time.perf_counter()
    joint = solve_two_echelon(problem, effort, seed)
    seconds = time.perf_counter() - began
    # The baselines get as much routing search as the joint plan gets in all its rounds.
    plain = Effort(1, effort.iterations * effort.rounds // 3)
    nearest = solve_separately(problem, plain, seed)
    free = solve_separately(problem, plain, seed, nearest=False)
    small = len(instance.customers) <= MOST_CUSTOMERS
    exact = exact_cost(problem) if small else None
    return Row(
        instance.name,
        len(instance.customers),
        len(instance.satellites),
        _units(joint),
        _units(nearest),
        _units(free),
        lower_bound(problem) / UNITS_PER_DISTANCE,
        None if exact is None else exact / UNITS_PER_DISTANCE,
        seconds,
        len(check_two_echelon(problem, joint)),
        len(check_two_echelon(problem, nearest)) + len(check_two_echelon(problem, free)),
    )


def _units(plan: TwoEchelonPlan) -> float:
    return plan.cost / UNITS_PER_DISTANCE


def table(rows: list[Row]) -> str:
    """Write the rows as a Markdown table with means."""
    lines = [
        "| instance | joint | nearest | free | bound | exact | against nearest % | against free % | over bound % | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        exact = "–" if row.exact is None else f"{row.exact:.2f}"
        lines.append(
            f"| {row.name} | {row.joint:.2f} | {row.nearest:.2f} | {row.free:.2f} | {row.bound:.2f} | {exact} | "
            f"{row.saved_percent:.2f} | {row.saved_free_percent:.2f} | {row.gap_percent:.2f} | {row.seconds:.1f} |"
        )
    for name, some in (("all", rows), ("more than 12 customers", [row for row in rows if row.customers > 12])):
        if some:
            means = [
                sum(value) / len(some)
                for value in zip(*((r.saved_percent, r.saved_free_percent, r.gap_percent) for r in some), strict=True)
            ]
            lines.append(f"| mean, {name} | | | | | | {means[0]:.2f} | {means[1]:.2f} | {means[2]:.2f} | |")
    small = [row for row in rows if row.exact is not None]
    equal = sum(row.exact is not None and abs(row.joint - row.exact) < 1e-3 for row in small)
    lines += [
        "",
        f"Equal to the exact model: {equal} of {len(small)}. Rules broken by joint plans: "
        f"{sum(row.violations for row in rows)}; by plans made separately, which use more vehicles than there are and "
        f"are compared all the same: {sum(row.baseline_violations for row in rows)}.",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit 0 when the acceptance figures are reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write-instances", type=Path, help="write the instances' files to this folder")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--iterations", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    warm_up()
    rows = []
    for instance in instances():
        if options.write_instances is not None:
            options.write_instances.mkdir(parents=True, exist_ok=True)
            (options.write_instances / f"{instance.name}.dat").write_text(write_two_echelon(instance))
        rows.append(measure(instance, Effort(options.rounds, options.iterations), options.seed))
        print(f"{rows[-1].name}: {rows[-1].joint:.2f}, {rows[-1].saved_percent:.2f} %", file=sys.stderr, flush=True)
    print(table(rows))
    if options.json is not None:
        document: dict[str, Any] = {
            "machine": f"{platform.machine()} {platform.processor()}",
            "python": platform.python_version(),
            "seed": options.seed,
            "rounds": options.rounds,
            "iterations": options.iterations,
            "rows": [vars(row) | {"saved_percent": row.saved_percent} for row in rows],
        }
        options.json.write_text(json.dumps(document, indent=1))
    mean = sum(row.saved_percent for row in rows) / len(rows)
    exact = all(row.exact is None or abs(row.joint - row.exact) < 1e-3 for row in rows)
    return 0 if mean >= 5 and exact and not any(row.violations for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
