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

from .arrays import CNXT, CPRV, NXT, PRV
from .compiled import inner
from .features import LINKED, PAIR, RICH, TW

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
    state.reach[x] = max(NOWHERE if first else before, NOWHERE if last else after)
    state.home[x] = max(2 * before if first else NOWHERE, 2 * after if last else NOWHERE)


@inner
def pick(data, state, x, first, last, found):
    """Write which of its neighbours ``first..last - 1`` ``x`` may cost less than ``found`` beside to ``state.picked``.

    A loop of its own over small arrays, without branches: most neighbours are passed over here, and which of them
    are not cannot be foreseen.

    Returns
    -------
    How many there are.
    """
    near = data.near
    apart = data.apart
    reach = state.reach
    home = state.home
    seat = state.seat
    extra = state.extra
    picked = state.picked
    further = 2 * found - data.away[x]
    count = 0
    for i in range(first, last):
        j = near[x, i]
        both = int(apart[x, i])
        if LINKED:
            both += extra[seat[j]]
        picked[count] = j
        count += int((both < found + int(reach[j])) | (both < further + int(home[j])))
    return count
