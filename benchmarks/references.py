"""The cheapest plan known of each instance, where published plans minimise something else than we do.

    python -m benchmarks.references --from a.jsonl,b.jsonl [--to references.json]

The published plans of GH (200 and 400 customers) and LILIM have the fewest vehicles, so a search for distance alone
goes below them and a gap to them says little. ``references.json`` keeps, for each instance, the cheapest plan that any
solver has ever been recorded with: cost in the problem's units, routes, who found it, seconds, date, commit. The
command takes the lines that ``benchmarks.suites`` writes, whose costs come from the checker, and keeps what is cheaper
than both the published plan and the one recorded so far. Gaps are measured against the cheaper of these two.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.table import PUBLISHED, Line

RECORDED = Path(__file__).with_name("references.json")
SUITES_RECORDED = ("GH", "LILIM")
"""Suites whose published plans minimise vehicles first; elsewhere everybody compares with the published cost."""


@dataclass(frozen=True)
class Reference:
    """The cheapest plan recorded of one instance.

    Attributes
    ----------
    cost
        In the problem's units, from the checker.
    seconds
        Limit of the run that found it.
    """

    cost: int
    routes: int
    solver: str
    seconds: float
    date: str
    commit: str


References = dict[str, dict[str, Reference]]
"""By suite and instance."""


def read(path: Path = RECORDED) -> References:
    """Read what is recorded; nothing if there is no file."""
    if not path.is_file():
        return {}
    text = json.loads(path.read_text(encoding="utf-8"))
    return {suite: {name: Reference(**row) for name, row in rows.items()} for suite, rows in text.items()}


def write(known: References, path: Path = RECORDED) -> None:
    """Write references in order of names, one line for each, so that changes can be read."""
    suites = []
    for suite, rows in sorted(known.items()):
        lines = [f"    {json.dumps(name)}: {json.dumps(asdict(row))}" for name, row in sorted(rows.items())]
        suites.append(f"  {json.dumps(suite)}: {{\n" + ",\n".join(lines) + "\n  }")
    path.write_text("{\n" + ",\n".join(suites) + "\n}\n", encoding="utf-8")


def best(suite: str, instance: str, published: int | None, known: References | None = None) -> tuple[int | None, str]:
    """Return the cost to measure against and who found it: the published plan's or, if cheaper, the recorded one."""
    found = (read() if known is None else known).get(suite, {}).get(instance)
    if found is None or (published is not None and published <= found.cost):
        return published, PUBLISHED
    return found.cost, found.solver


def take(known: References, lines: Iterable[Line], date: str) -> list[Line]:
    """Record the runs that are cheaper than all before them, and return these.

    Parameters
    ----------
    date
        For lines that carry none.
    """
    news = []
    for line in lines:
        if line["set"] not in SUITES_RECORDED or not line["feasible"]:
            continue
        before, _ = best(line["set"], line["instance"], line["reference"], known)
        if before is not None and line["cost"] >= before:
            continue
        known.setdefault(line["set"], {})[line["instance"]] = Reference(
            line["cost"], line["routes"], f"{line['solver']} {line['version']}", float(line["limit_s"]),
            line.get("date", date), line["commit"],
        )  # fmt: skip
        news.append(line)
    return news


def renewed(line: Line, known: References) -> Line:
    """Measure a recorded run against what is known by now."""
    published = line["reference"]
    reference, by = best(line["set"], line["instance"], published, known)
    if reference == published:
        by = line.get("reference_by", PUBLISHED)
    gap = None if line["cost"] is None or not reference else 100 * (line["cost"] / reference - 1)
    return line | {"reference": reference, "reference_by": by, "gap_percent": gap}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--from", dest="source", required=True, help="files of JSON lines, with commas between them")
    made.add_argument("--to", type=Path, default=RECORDED, help="the file of references")
    given = made.parse_args(arguments)
    known = read(given.to)
    lines = []
    for name in given.source.split(","):
        lines += [json.loads(text) for text in Path(name).read_text(encoding="utf-8").splitlines()]
    for line in take(known, lines, datetime.now(UTC).date().isoformat()):
        print(f"{line['instance']:>16} {line['solver']:>8} {line['cost']:>12,} in {line['routes']} routes")
    write(known, given.to)
    return 0


if __name__ == "__main__":
    sys.exit(main())
