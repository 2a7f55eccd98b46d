"""Routes as they were before an iteration: saved at the first change, put back after a rejection."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import BEFORE, CLS, LEN, NARROW, NSAVED, ROUTE_COLUMNS, STAMP, TRIP_COLUMNS, WIDE
from .bounds import BOUNDED, note_arcs
from .compiled import inner
from .features import LINKED, RICH, TRIPS, TW
from .loads import has_peaks
from .slots import close_slot, open_slot

WIDTH = WIDE if TW else NARROW
COLUMNS = TRIP_COLUMNS if TRIPS else ROUTE_COLUMNS


@inner
def save_route(data, state, r):
    """Remember a route once per iteration, before its first change."""
    info = state.info
    if state.saved_stamp[r] == info[STAMP]:
        return
    state.saved_stamp[r] = info[STAMP]
    i = info[NSAVED]
    info[NSAVED] = i + 1
    state.saved[i] = r
    for k in range(COLUMNS):
        state.saved_rint[i, k] = state.rint[r, k]
    length = state.rint[r, LEN]
    if length == 0:
        return
    if LINKED:
        for d in range(state.load.shape[1]):
            state.saved_load[i, d, 0] = state.load[r, d, 0]
        return
    for d in range(state.load.shape[1]):
        for k in range(3):
            state.saved_load[i, d, k] = state.load[r, d, k]
    for k in range(length + 2):
        state.saved_seq[i, k] = state.seq[r, k]
    for k in range(length):
        x = state.seq[r, k + 1]
        if RICH and x >= data.n:
            continue
        for w in range(WIDTH):
            state.saved_node[i, k, w] = state.node[x, w]
        if has_peaks(data):
            for d in range(state.load.shape[1]):
                state.saved_peak[i, k, d, 0] = state.peak[x, d, 0]
                state.saved_peak[i, k, d, 1] = state.peak[x, d, 1]
                state.saved_peak[i, k, d, 2] = state.peak[x, d, 2]


@inner
def restore_routes(data, state):
    """Put back every saved route; slots and vehicles taken or freed go back too."""
    info = state.info
    for i in range(info[NSAVED]):
        r = state.saved[i]
        was = state.saved_rint[i, LEN]
        now = state.rint[r, LEN]
        if was == 0 and now > 0:
            close_slot(state, r)
        elif was > 0 and now == 0:
            open_slot(state, r, state.saved_rint[i, CLS])
        elif was > 0 and state.rint[r, CLS] != state.saved_rint[i, CLS]:
            state.free_vehicles[state.rint[r, CLS]] += 1
            state.free_vehicles[state.saved_rint[i, CLS]] -= 1
        if TRIPS:
            state.free_vehicles[0] += int(now > 0 and state.rint[r, BEFORE] < 0)
            state.free_vehicles[0] -= int(was > 0 and state.saved_rint[i, BEFORE] < 0)
    for i in range(info[NSAVED]):
        r = state.saved[i]
        length = state.saved_rint[i, LEN]
        for k in range(COLUMNS):
            state.rint[r, k] = state.saved_rint[i, k]
        if length == 0:
            continue
        if LINKED:
            for d in range(state.load.shape[1]):
                state.load[r, d, 0] = state.saved_load[i, d, 0]
                state.carried[d, r] = state.load[r, d, 0]
            continue
        for d in range(state.load.shape[1]):
            for k in range(3):
                state.load[r, d, k] = state.saved_load[i, d, k]
        for k in range(length + 2):
            state.seq[r, k] = state.saved_seq[i, k]
        for k in range(length):
            x = state.seq[r, k + 1]
            if RICH and x >= data.n:
                continue
            for w in range(WIDTH):
                state.node[x, w] = state.saved_node[i, k, w]
            if BOUNDED:
                note_arcs(data, state, x)
            if has_peaks(data):
                for d in range(state.load.shape[1]):
                    state.peak[x, d, 0] = state.saved_peak[i, k, d, 0]
                    state.peak[x, d, 1] = state.saved_peak[i, k, d, 1]
                    state.peak[x, d, 2] = state.saved_peak[i, k, d, 2]
