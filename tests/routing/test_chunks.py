"""A search looks at the clock often enough to keep a limit, and loads nothing it does not need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from routing.search.annealing import _chunk_size, _next_chunk
from routing.search.running import SearchParams
from routing.search.slices import Slice
from routing.stop import AllOf, FirstOf, MaxIterations, MaxRuntime, SearchState, StopRule

CHUNK, PACE = 5_000, 250_000


def chunk(stop: StopRule, elapsed_s: float, iterations: int = 0) -> int:
    """Return how many iterations come next after so much of the time."""
    seen = SearchState(elapsed_s, elapsed_s, iterations, 0)
    return _next_chunk(stop, seen, SearchParams(), CHUNK, PACE, stop.fraction(seen), 0.01)[0]


def test_a_search_goes_on_in_whole_chunks_until_time_gets_short() -> None:
    """Far from the limit a chunk is whole; near it, it takes no more than half of what is left."""
    assert chunk(MaxRuntime(10), 5.0) == CHUNK
    assert chunk(MaxRuntime(10), 10 - 0.016) == pytest.approx(0.008 * PACE, rel=0.01)
    assert chunk(MaxRuntime(10), 10 - 0.001) == pytest.approx(0.0005 * PACE, rel=0.02)


def test_a_search_always_goes_on() -> None:
    """Not even the last microsecond gives a chunk of nothing, or the search would stand still."""
    assert chunk(MaxRuntime(10), 10 - 1e-7) == 1
    assert chunk(MaxRuntime(10), 10.1) == 1


def test_rules_without_a_clock_leave_chunks_whole() -> None:
    """Where both of two rules must be met there may be no end in time; iterations are never exceeded."""
    assert chunk(AllOf(MaxRuntime(10), MaxIterations(100_000)), 9.9999) == CHUNK
    assert chunk(Slice(AllOf(MaxRuntime(10), MaxIterations(100_000)), 0.0, 0.5), 9.0, 20_000) == CHUNK
    assert chunk(FirstOf(MaxRuntime(10), MaxIterations(100)), 1.0, 70) == 30
    assert chunk(MaxIterations(100_000), 0.0, 98_000) == 2_000


def test_a_shortened_chunk_says_nothing_about_the_pace() -> None:
    """Chunks grow with the pace, at most four times at once, and stay as they are after one that was cut short."""
    assert _chunk_size(1_000, 1_000, 0.01) == 2_000
    assert _chunk_size(1_000, 1_000, 0.0001) == 4_000
    assert _chunk_size(1_000, 300, 0.5) == 1_000


@pytest.mark.parametrize(
    ("first", "loaded"),
    [("routing.solve(warmup.sample_problems()[0], MaxIterations(1))", False), ("routing.warm_up()", True)],
)
def test_small_plans_do_not_wait_for_scipys_solvers(first: str, loaded: bool) -> None:
    """Loading them takes a third of a second: a small plan does without, and after a warm-up they are there."""
    imports = "import sys, routing; from routing.search import warmup; from routing.stop import MaxIterations"
    done = subprocess.run(
        [sys.executable, "-c", f"{imports}; {first}; print('scipy.optimize' in sys.modules)"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (str(loaded), "")
