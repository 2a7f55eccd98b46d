"""What a route carries, in all and on board along the way, and whether more fits."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import COLLECTED, LEN
from .compiled import inner
from .features import BACK, LINKED, MIXED, PAIR, RICH


@inner
def refresh_loads(data, state, r):
    """Recompute what a route carries."""
    dims = data.delivery.shape[1]
    seq = state.seq
    length = state.rint[r, LEN]
    if RICH:
        return
    for d in range(dims):
        out = 0
        for k in range(1, length + 1):
            out += data.delivery[seq[r, k], d]
        state.load[r, d, 0] = out
        if LINKED:
            state.carried[d, r] = out
        if BACK:
            taken = 0
            for k in range(1, length + 1):
                taken += data.pickup[seq[r, k], d]
            state.load[r, d, 1] = taken
        if MIXED or PAIR:
            taken = 0
            for k in range(1, length + 1):
                taken += data.pickup[seq[r, k], d]
            state.load[r, d, 1] = taken
    if (MIXED or PAIR) and length > 0:
        refresh_peaks(data, state, r, 1, length)


@inner
def has_peaks(data):
    """Tell whether more can be on board under way than at the begin, so that it is noted along each route."""
    return (MIXED or PAIR) and not RICH and data.rules[COLLECTED] > 0


@inner
def refresh_peaks(data, state, r, first, last):
    """Recompute what is on board along a route after a change.

    As with times, only the entries ``first..last`` are new or have lost a neighbour, and each pass ends where it
    finds nothing changed any more. What the route is brought in all must be up to date.
    """
    seq = state.seq
    peak = state.peak
    length = state.rint[r, LEN]
    if not has_peaks(data):
        for d in range(data.delivery.shape[1]):
            state.load[r, d, 2] = state.load[r, d, 0]  # never more on board than at the begin
        return
    for d in range(data.delivery.shape[1]):
        now = state.load[r, d, 0]
        high = now
        begin = 1
        if first > 1 and peak[seq[r, 1], d, 2] == now + data.change[seq[r, 1], d]:
            # Leaving with as much as before, the vehicle carries the same up to the change.
            begin = first
            now = peak[seq[r, first - 1], d, 2]
            high = peak[seq[r, first - 1], d, 0]
        end = length
        for k in range(begin, length + 1):
            x = seq[r, k]
            now += data.change[x, d]
            high = max(high, now)
            same = k > last and peak[x, d, 2] == now and peak[x, d, 0] == high
            peak[x, d, 0] = high
            peak[x, d, 2] = now
            if same:
                end = k
                break
        state.load[r, d, 2] = peak[seq[r, length], d, 0]
        high = peak[seq[r, length], d, 2] if end == length else peak[seq[r, end + 1], d, 1]
        for k in range(end, 0, -1):
            x = seq[r, k]
            high = max(high, peak[x, d, 2])
            same = k < begin and peak[x, d, 1] == high
            peak[x, d, 1] = high
            if same:
                break


@inner
def fits_loads(data, state, r, c, x, u):
    """Tell whether the route can carry task ``x`` placed after node ``u``."""
    for d in range(data.delivery.shape[1]):
        q = data.delivery[x, d]
        p = data.pickup[x, d]
        if u >= data.n:
            before = state.load[r, d, 0]
            after = state.load[r, d, 2]
        else:
            before = state.peak[u, d, 0]
            after = state.peak[u, d, 1]
        if max(before, state.load[r, d, 0]) + q > data.capacity[c, d] or after + p > data.capacity[c, d]:
            return False
    return True


@inner
def room_for(data, state, r, c, u, q):
    """Tell whether the shipment of ``q`` fits into the load on board after node ``u``."""
    for dim in range(data.delivery.shape[1]):
        if u >= data.n:
            now = state.load[r, dim, 0]
        else:
            now = state.peak[u, dim, 2]
        if now + data.change[q, dim] > data.capacity[c, dim]:
            return False
    return True
