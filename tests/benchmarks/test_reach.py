"""What the best known plans gain over savings and 2-opt, and what a bound leaves open."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.large import length, savings, two_opt
from benchmarks.reach import Reach, main, reach, table
from benchmarks.sets import Entry, SetsError
from benchmarks.x_generator import make
from routing.formats.plane import PlaneInstance, PlaneVehicle
from routing.formats.plane_write import write_vrplib
from routing.formats.plans import write_plan


def entry(folder: Path, worse_by_one_route: bool) -> tuple[Entry, int, int]:
    """Write a made instance and a plan for it; return it with the costs of savings and of the plan."""
    made = make(120, seed=2)
    instance = PlaneInstance(
        "made", "CVRP", made.points, (0, *map(int, made.amounts)), (PlaneVehicle(made.capacity),)
    )  # fmt: skip
    rough = [two_opt(made.points, route) for route in savings(made.points, made.amounts, made.capacity)]
    plan = [*rough[1:], rough[0][:1], rough[0][1:]] if worse_by_one_route else rough
    (folder / "made.vrp").write_text(write_vrplib(instance), encoding="utf-8")
    (folder / "made.sol").write_text(write_plan(plan, 0), encoding="utf-8")
    return (
        Entry("made", folder / "made.vrp", folder / "made.sol"),
        length(made.points, rough),
        length(made.points, plan),
    )


@pytest.mark.parametrize("worse_by_one_route", [False, True])
def test_a_known_plan_is_compared_with_savings(worse_by_one_route: bool, tmp_path: Path) -> None:
    """The plan's cost is the checker's, not the file's; the bound leaves more open than any plan takes."""
    made, rough, cost = entry(tmp_path, worse_by_one_route)
    found = reach(made)
    assert found.customers == 120
    assert found.cheaper_percent == pytest.approx(100 * (1 - cost / rough))
    assert (found.cheaper_percent < 0) == worse_by_one_route
    assert found.cheaper_percent < found.no_plan_cheaper_by_percent < 100


def test_an_instance_without_a_known_plan_is_refused(tmp_path: Path) -> None:
    """The message says what is missing and where to put it."""
    made, _, _ = entry(tmp_path, worse_by_one_route=False)
    with pytest.raises(SetsError, match=r"made: no plan is known; put its \.sol file beside"):
        reach(Entry("made", made.path, None))


def test_rows_hold_the_sizes_there_are() -> None:
    """Each row gives the means of its sizes, and the share is that of the means."""
    found = [Reach("a", 100, 4.0, 20.0), Reach("b", 249, 6.0, 30.0), Reach("c", 800, 5.0, 10.0)]
    assert table(found).splitlines()[2:] == [
        "| 100 to 249 | 2 | 5.00 | 25.00 | 0.20 |",
        "| 800 to 1099 | 1 | 5.00 | 10.00 | 0.50 |",
    ]


def test_what_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty folder and an unknown name end with a sentence that says which and what to do."""
    assert main(["--bench", str(tmp_path)]) == 2
    assert "holds no instance of X; name the folder" in capsys.readouterr().err
    (tmp_path / "PyVRP" / "CVRP").mkdir(parents=True)
    entry(tmp_path / "PyVRP" / "CVRP", worse_by_one_route=False)
    assert main(["--bench", str(tmp_path), "--instances", "made,maid"]) == 2
    assert "X has no maid; it has 1 instances: made" in capsys.readouterr().err
    assert main(["--bench", str(tmp_path), "--instances", "made"]) == 0
    assert "| 100 to 249 | 1 | 0.00 |" in capsys.readouterr().out
