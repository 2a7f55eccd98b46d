"""Several annealings one after another in one budget, the best of which counts.

Where a problem is small one annealing is long enough in a fraction of the budget, and ends in this or that plan by
chance; a few shorter ones find a better plan more often than one long (docs/solver/experiments.md).
"""

from __future__ import annotations

from routing.search.annealing import Annealing
from routing.search.answers import split_cost
from routing.search.model import Model
from routing.search.running import SEED_STRIDE, Progress, RunState, SearchParams
from routing.search.slices import Slice
from routing.search.variants import Features
from routing.stop import SearchState, StopRule

MOST = 6
ENOUGH = 2_000
"""Iterations for each task that make an annealing of a very small problem long enough."""
LARGER = 300
"""Tasks from which on it takes many more: what one annealing ends with differs less the larger the problem is."""


def iterations_per_s(flags: Features) -> int:
    """Return about how many iterations a thread makes, to tell what a time limit is worth."""
    if flags.rich:
        return 25_000
    return 80_000 if flags.pair or flags.mixed else 250_000


def descent_count(model: Model, stop: StopRule) -> int:
    """Choose how many annealings share a budget: one, unless the problem is small for it."""
    now = SearchState(0.0, 0.0, 0, 0)
    budget = min(stop.iterations_left(now), stop.seconds_left(now) * iterations_per_s(model.flags))
    enough = ENOUGH * max(1, model.data.n) * (1.0 + (model.data.n / LARGER) ** 2)
    return int(min(MOST, max(1.0, budget / enough)))


def best_descent(
    model: Model, stop: StopRule, run: RunState, seed: int, params: SearchParams, progress: Progress | None, count: int
) -> Annealing:
    """Anneal several times from scratch, each with an equal share of the budget; return the best search."""
    found: Annealing | None = None
    for number in range(count):
        share = Slice(stop, number / count, (number + 1) / count)
        search = Annealing(model, share, run, seed + number * SEED_STRIDE, params, _later(progress, number, count))
        search.begin(None, stop)
        search.let_overload_if_tight()
        search.go_on(1.0)
        if found is None or split_cost(model, search.state) < split_cost(model, found.state):
            found = search
        if stop.fraction(run.seen()) >= 1.0:
            break
    assert found is not None
    return found


def _later(progress: Progress | None, number: int, count: int) -> Progress | None:
    """Tell a listener of the whole what one of several annealings tells."""
    if progress is None:
        return None

    def tell(stage: str, done: int, total: int | None = None, note: str = "") -> None:
        whole = None if total is None else total * count
        progress(stage, done + number * (total or 0), whole, note)

    return tell
