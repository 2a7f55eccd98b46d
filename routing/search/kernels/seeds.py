"""Where a ruin begins: at the worse placed of two random tasks.

What a good plan still lacks is not spread evenly. A task that lies between its nearest neighbours has little to gain;
one with a leg much longer than the way to its nearest neighbour lies where the plan is stretched. So of two tasks drawn
the one with the longer stretch is taken: every part of the plan is looked at, the stretched ones more often. Legs from
and to a terminal do not count, as every route has two of them.

Source: taking out what costs most as in Shaw (1998) and Ropke and Pisinger (2006); a contest of two instead of an order
of all is ours.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import CNXT, CPRV, NXT, PRV, RID
from .bounds import NOWHERE
from .chance import below
from .compiled import inner
from .features import PAIR


@inner
def stretch(data, state, x):
    """Return by how much the longer leg between ``x`` and a task beside it exceeds the way to its nearest neighbour."""
    node = state.node
    longest = NOWHERE
    if node[x, PRV] < data.n:
        longest = int(node[x, CPRV])
    if node[x, NXT] < data.n:
        longest = max(longest, int(node[x, CNXT]))
    return longest - int(data.cost[0, x, data.near[x, 0]])


@inner
def draw_seed(data, state):
    """Draw the task near which strings are taken out; one without a route counts as well placed as any."""
    seed = below(state.rng, data.n)
    if PAIR:
        return seed
    rival = below(state.rng, data.n)
    comparable = data.near.shape[1] > 0 and state.node[seed, RID] >= 0 and state.node[rival, RID] >= 0
    if comparable and stretch(data, state, rival) > stretch(data, state, seed):
        return rival
    return seed
