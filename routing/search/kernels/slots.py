"""Which route slots, vehicles and tasks are taken and which are free."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import CLS, NABSENT, NFREE, NONE, NROUTES, TOP
from .compiled import inner
from .features import TRIPS


@inner
def take_slot(state):
    """Return a free route slot (it stays on the stack until it is opened), NONE if there is none."""
    if state.info[NFREE] == 0:
        return NONE
    return int(state.free_slots[state.info[NFREE] - 1])


@inner
def open_slot(state, r, c):
    """Take one slot off the stack of free ones and one vehicle of its class."""
    info = state.info
    k = info[NFREE] - 1
    # The wanted slot is on top except while an undo reopens several: look for it from the top.
    while state.free_slots[k] != r:
        k -= 1
    state.free_slots[k] = state.free_slots[info[NFREE] - 1]
    info[NFREE] -= 1
    info[TOP] = max(info[TOP], r + 1)
    state.used_pos[r] = info[NROUTES]
    state.used_list[info[NROUTES]] = r
    info[NROUTES] += 1
    if not TRIPS:
        state.free_vehicles[c] -= 1


@inner
def close_slot(state, r):
    """Give an emptied slot and its vehicle back."""
    info = state.info
    state.free_slots[info[NFREE]] = r
    info[NFREE] += 1
    k = state.used_pos[r]
    last = state.used_list[info[NROUTES] - 1]
    state.used_list[k] = last
    state.used_pos[last] = k
    state.used_pos[r] = NONE
    info[NROUTES] -= 1
    if not TRIPS:
        state.free_vehicles[state.rint[r, CLS]] += 1


@inner
def add_absent(state, x):
    """Put a task on the list of those without a route."""
    info = state.info
    state.absent_pos[x] = info[NABSENT]
    state.absent[info[NABSENT]] = x
    info[NABSENT] += 1


@inner
def drop_absent(state, x):
    """Take a task off the list of those without a route."""
    info = state.info
    k = state.absent_pos[x]
    last = state.absent[info[NABSENT] - 1]
    state.absent[k] = last
    state.absent_pos[last] = k
    state.absent_pos[x] = NONE
    info[NABSENT] -= 1
