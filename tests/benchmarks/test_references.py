"""The yardstick: the cheapest plan published or recorded, whoever found it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import references
from benchmarks.references import Reference, References, best, main, read, renewed, take, write
from benchmarks.sets import SUITES, Entry
from benchmarks.suites import SuiteOptions, _earlier
from benchmarks.table import markdown

KNOWN = Reference(900, 7, "pyvrp 0.14.1", 60.0, "2026-11-20", "abc")


def run(cost: int | None, **more: Any) -> dict[str, Any]:
    """Give one recorded run of an instance whose published plan costs 1000."""
    return {
        "solver": "cunda", "version": "1.0", "set": "LILIM", "instance": "lr1_2_7", "n": 200, "seed": 1,
        "limit_s": 30.0, "machine": "a processor", "commit": "def", "feasible": cost is not None, "cost": cost,
        "reference": 1000, "gap_percent": None if cost is None else 100 * (cost / 1000 - 1), "routes": 9,
        "iterations": 1000, "t_solve_s": 30.0, "cpu_s": 30.0, "disturbed": False, "clock": "cpu", "trouble": None,
    } | more  # fmt: skip


def test_only_cheaper_checked_runs_are_recorded() -> None:
    """A run counts if the checker passed it and it beats what is published and what was recorded."""
    known: References = {}
    assert take(known, [run(None), run(1000), run(1200)], "2026-11-21") == []
    found = take(known, [run(950), run(940, date="2026-11-19"), run(945)], "2026-11-21")
    assert [line["cost"] for line in found] == [950, 940]
    assert known == {"LILIM": {"lr1_2_7": Reference(940, 9, "cunda 1.0", 30.0, "2026-11-19", "def")}}


def test_suites_whose_published_plans_are_the_best_are_left_alone() -> None:
    """Below the published cost of another suite is a mistake to look into, not a record."""
    known: References = {}
    assert take(known, [run(1, set="X")], "2026-11-21") == []
    assert known == {}


def test_the_cheaper_of_published_and_recorded_is_the_yardstick() -> None:
    """A record never makes a published plan look better than it is, nor the other way round."""
    known = {"LILIM": {"lr1_2_7": KNOWN}}
    assert best("LILIM", "lr1_2_7", 1000, known) == (900, "pyvrp 0.14.1")
    assert best("LILIM", "lr1_2_7", 900, known) == (900, "published")
    assert best("LILIM", "lr1_2_7", None, known) == (900, "pyvrp 0.14.1")
    assert best("GH", "lr1_2_7", None, known) == (None, "published")


def test_old_runs_are_measured_again_when_the_yardstick_moves() -> None:
    """The table of a resumed suite compares all its runs with the same reference, and says whose it is."""
    known = {"LILIM": {"lr1_2_7": KNOWN}}
    line = renewed(run(990), known)
    assert (line["reference"], line["reference_by"]) == (900, "pyvrp 0.14.1")
    assert line["gap_percent"] == pytest.approx(10)
    assert renewed(line, known) == line
    assert renewed(run(None), known)["gap_percent"] is None
    assert "For 1 of 1 instances the gap is to the cheapest plan recorded" in markdown([line], "LILIM")
    assert "recorded" not in markdown([run(990)], "LILIM")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """The file keeps every figure, and the command adds the cheaper runs of several files to it."""
    kept, one, two = tmp_path / "references.json", tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    assert read(kept) == {}
    known = {"LILIM": {"lr1_2_7": KNOWN, "lc1_2_1": replace(KNOWN, cost=5)}}
    write(known, kept)
    assert read(kept) == known
    one.write_text(json.dumps(run(950)) + "\n")
    two.write_text(json.dumps(run(850)) + "\n" + json.dumps(run(80, set="GH", reference=None)) + "\n")
    assert main(["--from", f"{one},{two}", "--to", str(kept)]) == 0
    assert {suite: {name: row.cost for name, row in rows.items()} for suite, rows in read(kept).items()} == {
        "GH": {"lr1_2_7": 80},
        "LILIM": {"lc1_2_1": 5, "lr1_2_7": 850},
    }


def test_a_resumed_suite_takes_the_new_yardstick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of an interrupted run are measured against the references of today."""
    kept, out = tmp_path / "references.json", tmp_path / "out.jsonl"
    write({"LILIM": {"lr1_2_7": KNOWN}}, kept)
    out.write_text(json.dumps(run(990)) + "\n")
    monkeypatch.setattr(references.read, "__defaults__", (kept,))
    options = SuiteOptions("LILIM", 30.0, (), "lr1_2_7", (1,), "python", out, None, None, resume=True, clock="cpu")
    assert [line["reference"] for line in _earlier(options)] == [900]


def test_the_kept_file_holds_costs_of_known_suites_only() -> None:
    """What the project ships is sound: known suites, positive costs, plans with routes, and a solver's name."""
    for suite, rows in read().items():
        assert suite in references.SUITES_RECORDED
        assert suite in SUITES
        for row in rows.values():
            assert row.cost > 0
            assert row.routes > 0
            assert row.solver


def test_an_instance_is_loaded_with_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever loads an instance gets the recorded cost where that is cheaper than the published routes."""
    kept = tmp_path / "references.json"
    write({"LILIM": {"tiny": KNOWN}}, kept)
    monkeypatch.setattr(references.read, "__defaults__", (kept,))
    path = tmp_path / "tiny.txt"
    path.write_text("1 10 1\n0 0 0 0 0 100 0 0 0\n1 3 4 5 0 100 0 0 2\n2 6 8 -5 0 100 0 1 0\n")
    made, cost, found_by = Entry("tiny", path, None).load(SUITES["LILIM"])
    assert made.problem.task_count == 2
    assert (cost, found_by) == (900, "pyvrp 0.14.1")
