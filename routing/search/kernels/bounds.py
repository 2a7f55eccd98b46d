"""A bound on what a task costs beside a neighbour, by which most neighbours are passed over unseen.

Between ``j`` and another task ``x`` costs the ways to both, less the arc that falls away. Neighbours are looked at in
the order of the ways to them, so a task not yet looked at is at least as far as ``j``, or not on the list and then at
least as far as the last of the nearest: ``Data.apart`` is the sum of both ways. Between ``j`` and a terminal ``x``
costs at least the way to ``j`` and its own way to a terminal, less that arc. So each task on a route notes its longest
arc of either kind, and two comparisons tell that a neighbour is not worth a closer look.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import CNXT, CPRV, HOME, NXT, PRV, REACH
from .compiled import inner
from .features import PAIR, RICH, TW

BOUNDED = not (TW or PAIR or RICH)
"""Whether neighbours come in the order of the arcs to them, and an arc is all that a place costs."""
ALWAYS = 12
"""Nearest neighbours that are looked at without asking: the answer would be unforeseeable there."""
NOWHERE = -(1 << 30)
"""Longest arc of a task that has none of the kind."""


@inner
def note_arcs(data, state, x):
    """Note the longer arc between ``x`` and a task beside it, and twice the longer one to a terminal."""
    node = state.node
    before = node[x, CPRV]
    after = node[x, CNXT]
    first = node[x, PRV] >= data.n
    last = node[x, NXT] >= data.n
    node[x, REACH] = max(NOWHERE if first else before, NOWHERE if last else after)
    node[x, HOME] = max(2 * before if first else NOWHERE, 2 * after if last else NOWHERE)


@inner
def too_far(data, state, x, i, j, found):
    """Tell whether ``x`` costs at least ``found`` on both sides of ``j``, its neighbour number ``i``."""
    least = int(data.apart[x, i]) - found
    return least >= state.node[j, REACH] and least - found + data.away[x] >= state.node[j, HOME]
