"""Benchmarks compare like with like: fixed samples, costs from the checker, tables from the recorded lines only."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.peers.exchange import enough_vehicles, read_answer, run_peer, used_features, write_problem
from benchmarks.sets import ARCHIVE, SUITES, Entry, chosen, entries, unpack
from benchmarks.suites import Run, judge, main, measure_cold, parser, pinned
from benchmarks.table import compare, markdown, solver_rows
from routing import Problem, ProblemBuilder, Solution
from routing.checker import check

LEGS = [[10 * abs(a - b) for b in range(4)] for a in range(4)]


@pytest.fixture
def two_vans() -> Problem:
    """Give three stops in a row and two kinds of vans."""
    builder = ProblemBuilder(("kg",)).profile("van", LEGS, LEGS).depot("centre", 0)
    builder.vehicle_type("small", count=2, capacity=5, cost_per_m=1).vehicle_type("big", capacity=9, cost_per_m=2)
    for place in (1, 2, 3):
        builder.task(f"t{place}", place, delivery=3, windows=[(40, 80)])
    return builder.build()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the benchmark sets, or skip and say so."""
    if not ARCHIVE.is_file():
        pytest.skip("../shared/data/bench.tar.xz is missing")
    return unpack(tmp_path_factory.mktemp("sets"))


def test_routes_that_come_back_get_vehicles_and_departures(two_vans: Problem) -> None:
    """A peer's routes become a plan of ours, on vehicles of the type it named, leaving as late as they may."""
    answer = {
        "version": "1", "wall_s": 1.0, "cpu_s": 1.0, "iterations": 5,
        "routes": [{"type": 1, "trips": [[0, 2, 1]]}, {"type": 0, "trips": [[0, 0]]}],
    }  # fmt: skip
    run = read_answer(two_vans, "peer", answer)
    assert run.solution is not None
    assert [(route.vehicle, route.tasks, route.start_s) for route in run.solution.routes] == [
        (2, (2, 1), 10),
        (0, (0,), 30),
    ]
    assert check(two_vans, run.solution).cost.total == 2 * 60 + 20


def test_silence_and_refusal_are_told_apart(two_vans: Problem) -> None:
    """A peer without words for a rule is not a peer that failed."""
    refused = read_answer(two_vans, "peer", {"version": "1", "unsupported": "no trips"})
    silent = read_answer(
        two_vans, "peer", {"version": "1", "nothing": "no plan", "wall_s": 1, "cpu_s": 1, "iterations": None}
    )
    assert (refused.solution, refused.unsupported, refused.problem_with) == (None, True, "no trips")
    assert (silent.solution, silent.unsupported, silent.problem_with) == (None, False, "no plan")


def test_a_problem_reaches_the_peers_complete(two_vans: Problem, tmp_path: Path) -> None:
    """Everything a peer must know is in the folder it is given."""
    write_problem(two_vans, tmp_path, load_factor=10)
    text = json.loads((tmp_path / "problem.json").read_text())
    assert text["timed"]
    assert text["load_factor"] == 10
    assert [kind["count"] for kind in text["vehicle_types"]] == [2, 1]
    assert text["tasks"][0]["windows"] == [[40, 80]]
    assert np.load(tmp_path / "distance_0.npy").tolist() == LEGS


def test_rules_peers_may_not_know_are_listed() -> None:
    """A peer can refuse a problem by the names of the rules in it."""
    builder = ProblemBuilder(("kg",)).profile("van", LEGS, LEGS).depot("centre", 0)
    builder.vehicle_type("van", open_route=True, max_tasks=3, reload_depots=["centre"], max_trips=2)
    builder.task("a", 1, required=False, prize=4, release_s=3, skills=["cold"])
    assert used_features(builder.build()) == [
        "skills", "max_tasks", "open routes", "several trips", "release times", "optional tasks"
    ]  # fmt: skip


def test_peers_get_enough_vehicles_of_an_unlimited_fleet() -> None:
    """An unlimited fleet is cut to what any good plan could use, and never where windows may need more."""
    builder = ProblemBuilder(("kg",)).profile("van", LEGS).depot("centre", 0)
    builder.vehicle_type("van", count=900, capacity=10)
    for number in range(30):
        builder.task(f"t{number}", 1, delivery=5)
    assert enough_vehicles(builder.build()) == 15 + 12


def test_a_missing_interpreter_or_peer_is_a_failed_run_not_a_crash(two_vans: Problem, tmp_path: Path) -> None:
    """When a peer is not installed the table says so and the others go on."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no such solver' >&2\nexit 3\n")
    broken.chmod(0o755)
    run = run_peer(two_vans, "pyvrp", 1, 1, broken)
    assert (run.solution, run.problem_with) == (None, "failed: no such solver")


def test_only_the_checkers_verdict_counts(two_vans: Problem) -> None:
    """A plan that leaves a stop out or breaks a rule is a failure whatever its solver says."""
    good = Solution.from_orders(two_vans, [(0,), (1,), (2,)], starts_s=[30, 20, 10])
    late = Solution.from_orders(two_vans, [(0,), (1,), (2,)], starts_s=[90, 20, 10])
    short = Solution.from_orders(two_vans, [(0,), (1,)], starts_s=[30, 20])
    lines = [judge(two_vans, Run("1", plan, None, 1.0, 1.0, 7), 160) for plan in (good, late, short)]
    assert [line["feasible"] for line in lines] == [True, False, False]
    assert lines[0]["gap_percent"] == 100 * (180 / 160 - 1)
    assert "late" in lines[1]["trouble"]
    assert "1 tasks left out" in lines[2]["trouble"]


def line(solver: str, instance: str, gap: float | None, **more: Any) -> dict[str, Any]:
    """Give one recorded run."""
    return {
        "solver": solver, "version": "1.0", "set": "X", "instance": instance, "n": 100 * int(instance), "seed": 1,
        "limit_s": 10.0, "machine": "a processor", "commit": "abc", "feasible": gap is not None, "gap_percent": gap,
        "iterations": 1000, "t_solve_s": 10.0, "cpu_s": 10.0, "disturbed": False, "clock": "wall",
        "trouble": None,
    } | more  # fmt: skip


def test_gaps_are_averaged_over_seeds_then_instances() -> None:
    """Each instance counts once however many seeds it was run with, and not at all if one seed failed."""
    lines = [line("cunda", "1", 1.0), line("cunda", "1", 3.0, seed=2), line("cunda", "2", 4.0)]
    lines += [line("cunda", "3", 1.0), line("cunda", "3", None, seed=2)]
    (row,) = solver_rows(lines)
    assert row.gaps == {"1": 2.0, "2": 4.0}
    assert (row.runs, row.failures, row.iterations_per_s) == (5, 1, 100.0)


def test_solvers_are_compared_on_common_instances_only() -> None:
    """An instance only one of the two has solved says nothing about the other."""
    lines = [line("cunda", "1", 1.0), line("cunda", "2", 2.0), line("cunda", "3", 50.0)]
    lines += [line("pyvrp", "1", 2.0), line("pyvrp", "2", 2.0), line("pyvrp", "3", None)]
    ours, theirs = solver_rows(lines)
    it = compare(ours, theirs)
    assert (it.instances, it.wins, it.ties, it.losses) == (2, 1, 1, 0)
    assert it.ratio == 0.75
    assert it.low is not None
    assert it.high is not None
    assert it.low <= 0.75 <= it.high


def test_table_says_under_which_conditions_it_was_made() -> None:
    """Limit, seeds, machine, commit, failures and disturbed runs stand beside the figures."""
    lines = [line("cunda", "1", 0.5), line("cunda", "9", 1.5, disturbed=True), line("vroom", "1", None)]
    text = markdown(lines, "X")
    for part in ("10 s of wall time", "seeds [1]", "a processor", "commit abc", "1 of 3 runs were disturbed",
                 "| cunda 1.0 | 2 of 2 | 1.00 | 1.50 | 0.50 | – | 1.50 | 100 |", "0 of 2",
                 "no instance solved"):  # fmt: skip
        assert part in text
    assert "No runs" in markdown([], "X")


def test_processor_time_is_said_to_be_processor_time(two_vans: Problem) -> None:
    """On a shared machine the limit may count processor seconds, and the table says so."""
    text = markdown([line("cunda", "1", 0.5, clock="cpu")], "X")
    assert "10 s of processor time" in text
    assert "shared with other work" in text
    plan = Solution.from_orders(two_vans, [(0,), (1,), (2,)], starts_s=[30, 20, 10])
    assert not judge(two_vans, Run("1", plan, None, 9.0, 3.0, 7), 160, "cpu")["disturbed"]
    assert judge(two_vans, Run("1", plan, None, 9.0, 3.0, 7), 160, "wall")["disturbed"]


def test_every_suite_has_its_samples(bench: Path) -> None:
    """The instances named in advance exist, and the short sample is part of what can be run."""
    for suite in SUITES.values():
        known = entries(suite, bench)
        assert set(suite.sample) <= set(known)
        assert set(suite.short) <= set(suite.sample)
        assert len(chosen(suite, bench, "all")) == len(known)
    assert len(SUITES["X"].sample) == 16
    assert {len(suite.short) for suite in SUITES.values()} == {4, 6}


def test_reference_costs_come_from_routes(bench: Path) -> None:
    """The best-known cost is computed from the routes in the units of the problem."""
    suite = SUITES["GH"]
    entry: Entry = entries(suite, bench)["C1_10_2"]
    made, reference, found_by = entry.load(suite)
    assert (reference, found_by) == (413378, "published")
    assert made.problem.task_count == 1000


@pytest.mark.slow
def test_a_run_leaves_lines_and_can_be_resumed(bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A suite writes one line for each run, prints its table, and does not repeat what it has."""
    out = tmp_path / "out.jsonl"
    arguments = ["--suite", "X", "--seconds", "0.3", "--instances", "X-n101-k25", "--bench", str(bench)]
    assert main([*arguments, "--json", str(out)]) == 0
    assert main([*arguments, "--json", str(out), "--resume", "--seeds", "1,2"]) == 0
    lines = [json.loads(text) for text in out.read_text().splitlines()]
    assert [(one["solver"], one["seed"], one["feasible"]) for one in lines] == [("cunda", 1, True), ("cunda", 2, True)]
    assert all(0 <= one["gap_percent"] < 10 for one in lines)
    assert "| cunda" in capsys.readouterr().out


def test_cold_and_warm_starts_are_measured_apart(tmp_path: Path) -> None:
    """The first solve of a machine has no compiled kernels, the second has those of the first."""
    program = """
import json, os, pathlib, sys
cache = pathlib.Path(os.environ["NUMBA_CACHE_DIR"]) / "kernel"
print(json.dumps({"compiled_before": cache.exists(), "given": sys.argv[1:]}))
cache.touch()
"""
    figures = measure_cold(Entry("x", tmp_path / "x.vrp", None), 0.5, program)
    assert [figures[name]["compiled_before"] for name in ("cold", "warm")] == [False, True]
    assert figures["cold"]["given"] == [str(tmp_path / "x.vrp"), "0.5"]


def test_pinning_ends_with_the_run() -> None:
    """After a benchmark the process may use all its cores again."""
    usable = os.sched_getaffinity(0)
    with pinned(min(usable)):
        assert os.sched_getaffinity(0) == {min(usable)}
    assert os.sched_getaffinity(0) == usable


def test_unknown_peers_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt peer stops the run before it starts."""
    assert main(["--suite", "X", "--peers", "hgs"]) == 2
    assert "unknown peers: hgs" in capsys.readouterr().err
    assert parser().parse_args(["--suite", "X"]).peers_python == sys.executable
