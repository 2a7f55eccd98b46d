"""The best plan so far, of which only routes that changed are copied, and a plan taken over from outside."""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201

from __future__ import annotations

from .arrays import (
    BEFORE,
    BEST,
    BESTAT,
    CLS,
    CUR,
    ITER,
    LEN,
    NABSENT,
    NABSENT_BEST,
    NDIRTY,
    NROUTES,
    NROUTES_BEST,
    NSAVED,
)
from .chain import chain_loaded
from .compiled import inner
from .features import TRIPS
from .refresh import refresh
from .routes import start_empty
from .slots import drop_absent, open_slot


@inner
def note_dirty(state):
    """Remember which routes differ from the best plan's."""
    info = state.info
    for i in range(info[NSAVED]):
        r = state.saved[i]
        if state.dirty_mark[r] == 0:
            state.dirty_mark[r] = 1
            state.dirty[info[NDIRTY]] = r
            info[NDIRTY] += 1


@inner
def store_best(state):
    """Copy the routes that changed since the last best."""
    info = state.info
    for i in range(info[NDIRTY]):
        r = state.dirty[i]
        state.dirty_mark[r] = 0
        length = state.rint[r, LEN]
        state.best_len[r] = length
        state.best_cls[r] = state.rint[r, CLS]
        for k in range(1, length + 1):
            state.best_seq[r, k] = state.seq[r, k]
        if TRIPS:
            state.best_before[r] = state.rint[r, BEFORE]
    info[NDIRTY] = 0
    info[BEST] = info[CUR]
    info[BESTAT] = info[ITER]
    info[NROUTES_BEST] = info[NROUTES]
    info[NABSENT_BEST] = info[NABSENT]


@inner
def load_plan(data, state):
    """Turn the plan in ``best_seq`` into the present plan of an empty state."""
    info = state.info
    for r in range(state.best_len.shape[0]):
        length = state.best_len[r]
        if length == 0:
            continue
        start_empty(data, state, r, state.best_cls[r])
        open_slot(state, r, state.best_cls[r])
        end = state.seq[r, 1]
        for k in range(1, length + 1):
            x = state.best_seq[r, k]
            state.seq[r, k] = x
            if x < data.n:
                lead = data.lead[x]
                if state.absent_pos[lead] >= 0:
                    drop_absent(state, lead)
                    info[CUR] -= data.prize[lead]
        state.seq[r, length + 1] = end
        state.rint[r, LEN] = length
        info[CUR] += refresh(data, state, r)
        state.dirty_mark[r] = 1
        state.dirty[info[NDIRTY]] = r
        info[NDIRTY] += 1
    if TRIPS:
        info[CUR] += chain_loaded(data, state)
