# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201
"""Questions about the windows of one task."""

from __future__ import annotations

from .arrays import NONE
from .compiled import inner


@inner
def next_start(data, x, t):
    """Return the earliest start of work at ``x`` for an arrival at ``t``, NONE if all windows are over."""
    w = data.windows
    if t <= w[x, 1]:
        return max(t, w[x, 0])
    for k in range(1, data.window_count[x]):
        if t <= w[x, 2 * k + 1]:
            return max(t, w[x, 2 * k])
    return NONE


@inner
def latest_start(data, x, t):
    """Return the latest start of work at ``x`` that is not after ``t``, NONE if there is none."""
    w = data.windows
    k = data.window_count[x] - 1
    while k >= 0:
        if t >= w[x, 2 * k]:
            return min(t, w[x, 2 * k + 1])
        k -= 1
    return NONE
