"""Tell how much of what a bound leaves open the best known plans use, to judge what very large problems can gain.

    python -m benchmarks.reach [--bench FOLDER] [--instances all] [--json out.jsonl]

Nobody knows the best plan of ten thousand made customers. For the public X instances good ones are known, so both are
compared with savings and 2-opt there (``large.py``): by how much the best known plan is cheaper, and by how much any
plan could be at most by the bound of Haimovich and Rinnooy Kan (1985).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.large import least_length, length, savings, two_opt
from benchmarks.sets import SUITES, Entry, SetsError, chosen, unpack

SIZES = (100, 250, 500, 800, 1_100)
"""Customers between which instances stand in one row."""


@dataclass(frozen=True)
class Reach:
    """By how many percent the best known plan is cheaper than savings and 2-opt, and any plan can be at most."""

    instance: str
    customers: int
    cheaper_percent: float
    no_plan_cheaper_by_percent: float


def reach(entry: Entry) -> Reach:
    """Compare the best known plan of an X instance and the bound with savings and 2-opt."""
    made, best, _ = entry.load(SUITES["X"])
    if best is None:
        raise SetsError(f"{entry.name}: no plan is known; put its .sol file beside the instance")
    instance = made.instance
    amounts, capacity = np.array(instance.demand[1:], dtype=np.int64), instance.vehicles[0].capacity
    rough = length(instance.xy, [two_opt(instance.xy, route) for route in savings(instance.xy, amounts, capacity)])
    least = least_length(instance.xy, amounts, capacity)
    return Reach(entry.name, len(amounts), 100 * (1 - best / rough), 100 * (1 - least / rough))


def table(found: Sequence[Reach]) -> str:
    """Write the means by size, with the share of the bound the best known plans use."""
    lines = ["| customers | instances | best known plan cheaper by % | bound % | share |", "|---|---|---|---|---|"]
    for least, most in pairwise(SIZES):
        those = [one for one in found if least <= one.customers < most]
        if those:
            gain = fmean(one.cheaper_percent for one in those)
            bound = fmean(one.no_plan_cheaper_by_percent for one in those)
            lines.append(f"| {least} to {most - 1} | {len(those)} | {gain:.2f} | {bound:.2f} | {gain / bound:.2f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--bench", type=Path, help="folder of the unpacked sets, else the shared archive")
    made.add_argument("--instances", default="all", help="all, sample, short, or names with commas between them")
    made.add_argument("--json", type=Path, help="write one JSON line for each instance to this file")
    given = made.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = given.bench or unpack(Path(folder))
            found = [reach(entry) for entry in chosen(SUITES["X"], bench, given.instances)]
    except SetsError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    print(table(found))
    if given.json is not None:
        given.json.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
