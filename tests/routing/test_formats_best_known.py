"""Every best-known plan we hold is recomputed by the checker: costs to the unit, and not one broken rule."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks.sets import ARCHIVE, unpack
from routing.checker import check
from routing.formats import read_benchmark, read_instance, read_plan_file

# Costs of these files are one tenth, a hundred-thousandth, or exactly the problem's units; see the data's README.
FAMILIES = {
    "CVRP": 88,
    "HFVRP": 88,
    "GVRP": 22,
    "MDVRPTW": 28,
    "MTVRPTWR": 171,
    "VRPB": 6,
    "VRPTW": 6,
    "PCVRPTW": 4,
}
TABLES = {
    "GehringHomberger_200": 60,
    "GehringHomberger_400": 60,
    "LiLim_100": 56,
    "LiLim_200": 60,
    "LiLim_400": 58,
    "LiLim_1000": 4,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the benchmark archive outside the project, or skip and say so."""
    if not ARCHIVE.is_file():
        pytest.skip("../shared/data/bench.tar.xz is missing")
    return unpack(tmp_path_factory.mktemp("bench"))


def stated_cost(family: str, cost: float) -> float:
    """Bring a solution file's cost to the units of the problem."""
    if family == "VRPTW":
        return round(10 * cost)
    if family == "HFVRP" and cost < 1e8:
        return 1e5 * cost
    return cost


@pytest.mark.parametrize("family", FAMILIES)
def test_published_plans_cost_what_they_say(bench: Path, family: str) -> None:
    """Each best-known plan of the family keeps every rule and costs exactly what its file says."""
    paths = sorted((bench / "PyVRP" / family).glob("*.vrp"))
    assert len(paths) == FAMILIES[family]
    # Published costs of mixed fleets have two decimals of the unscaled value, ours are sums of rounded legs.
    tolerance = 1e-6 if family == "HFVRP" else 0
    for path in paths:
        made, plan = read_benchmark(path), read_plan_file(path.with_suffix(".sol"))
        report = check(made.problem, made.solution(plan))
        assert report.violations == (), path.name
        assert report.complete, path.name
        assert plan.cost is not None
        expected = stated_cost(family, plan.cost)
        assert abs(report.cost.total - expected) <= tolerance * expected, path.name


@pytest.mark.parametrize("family", TABLES)
def test_tabled_plans_hold_in_doubles(bench: Path, family: str) -> None:
    """Each plan of SINTEF's tables keeps every rule and has the length and number of routes of the table."""
    rows = [
        row
        for row in csv.DictReader((bench / family / "bks.csv").read_text(encoding="utf-8").splitlines())
        if row["file"]
    ]
    assert len(rows) == TABLES[family]
    for row in rows:
        # Distances cut off after four decimals: no time grows, and a sum of k legs loses less than k units.
        made = read_benchmark(bench / family / "instances" / f"{row['instance']}.txt", rounding="floor")
        solution = made.solution(read_plan_file(bench / family / "bks" / row["file"]))
        report = check(made.problem, solution)
        assert report.violations == (), row["instance"]
        assert report.complete, row["instance"]
        assert len(solution.routes) == int(row["routes"])
        lost = float(row["distance"]) * 10_000 - report.cost.total
        assert -1 <= lost <= made.problem.task_count + len(solution.routes) + 1, row["instance"]


def test_plans_written_as_node_lists_are_the_same_plans(bench: Path) -> None:
    """Writing a plan in the file's numbers and reading it again changes nothing."""
    for name in ("HFVRP/X101-FSMFD", "MDVRPTW/PR11A", "MTVRPTWR/C201R0.25", "CVRP/X-n101-k25"):
        path = bench / "PyVRP" / f"{name}.vrp"
        made, plan = read_benchmark(path), read_plan_file(path.with_suffix(".sol"))
        lists = made.plan_routes(made.solution(plan))
        assert [route for route in lists if route] == [list(route) for route in plan.routes if route]


def test_every_section_of_every_file_is_read(bench: Path) -> None:
    """No file of the archive has a section that the reader passed over."""
    notes = {path.name: read_instance(path).notes for path in (bench / "PyVRP").glob("*/*.vrp")}
    assert {name: note for name, note in notes.items() if note} == {}
