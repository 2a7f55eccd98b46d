"""The main loop: ruin strings, recreate near the hole, accept by simulated annealing, undo if not.

Sources: Christiaens and Vanden Berghe (2020), slack induction by string removals; do and undo by saving
the touched routes only, so that an iteration costs the same whatever the size of the plan.
"""

# numba infers all types here; annotations would be decoration
# ruff: noqa: ANN001, ANN201, ANN202

from __future__ import annotations

from routing.search.kernels.arrays import (
    ACCEPTED,
    BEST,
    BESTAT,
    CLS,
    CUR,
    IMPROVED,
    INF,
    ITER,
    LEN,
    NABSENT,
    NABSENT_BEST,
    NDIRTY,
    NONE,
    NREM,
    NROUTES,
    NROUTES_BEST,
    NSAVED,
    POS,
    RID,
    STAMP,
)
from routing.search.kernels.chance import below, exponential, unit
from routing.search.kernels.compiled import entry, inner
from routing.search.kernels.places import best_place
from routing.search.kernels.routes import (
    add_absent,
    compact,
    drop_absent,
    insert_at,
    open_slot,
    refresh,
    restore_routes,
    save_route,
    start_empty,
)

ANNEAL, LOAD, CONSTRUCT = range(3)


@inner
def take_out(data, state, x, stamp):
    """Mark one task (and its partner) for removal, unless it is frozen or marked already."""
    if state.mark[x] == stamp or data.frozen[x]:
        return
    state.mark[x] = stamp
    state.removed[state.info[NREM]] = x
    state.was_absent[x] = 0
    state.info[NREM] += 1


@inner
def ruin_route(data, state, flags, r, x, size, stamp):
    """Remove a string of ``size`` tasks that holds ``x``, sometimes leaving a middle part standing."""
    length = state.rint[r, LEN]
    k = state.node[x, POS]
    keep = 0
    if size > 1 and size < length and unit(state.rng) < 0.5:
        keep = 1
        while size + keep < length and unit(state.rng) > 0.01:
            keep += 1
    window = size + keep
    low = max(1, k - window + 1)
    high = min(k, length - window + 1)
    first = low + below(state.rng, high - low + 1)
    skip_from = first + window
    if keep > 0:
        skip_from = first + below(state.rng, size + 1)
    for i in range(first, first + window):
        if i < skip_from or i >= skip_from + keep:
            take_out(data, state, state.seq[r, i], stamp)
    save_route(state, flags, r)
    return compact(data, state, flags, r, stamp)


@inner
def ruin(data, state, flags, mean_removed, longest):
    """Remove strings from routes near a random task; return the cost change."""
    info = state.info
    n = data.n
    stamp = info[STAMP]
    rng = state.rng
    info[NREM] = 0
    info[NSAVED] = 0
    present = n - info[NABSENT]
    delta = 0
    seed = below(rng, n)
    if present > 0 and info[NROUTES] > 0:
        mean_length = present // info[NROUTES]
        ls = max(1, min(longest, mean_length))
        strings = 1 + int(unit(rng) * (4.0 * mean_removed / (1.0 + ls) - 1.0))
        i = -1
        while strings > 0 and i < data.near.shape[1]:
            x = seed if i < 0 else data.near[seed, i]
            i += 1
            r = state.node[x, RID]
            if r < 0 or state.saved_stamp[r] == stamp:
                continue
            cap = min(state.rint[r, LEN], ls)
            size = 1 + below(rng, cap)
            delta += ruin_route(data, state, flags, r, x, size, stamp)
            strings -= 1
    if info[NABSENT] > 0:
        call_absent(data, state, seed, stamp)
    return delta


@inner
def call_absent(data, state, seed, stamp):
    """Let some tasks without a route try again: those near the seed, else random ones."""
    info = state.info
    taken = 0
    i = -1
    while taken < 8 and i < data.near.shape[1]:
        x = seed if i < 0 else data.near[seed, i]
        i += 1
        if state.node[x, RID] < 0 and state.mark[x] != stamp and state.absent_pos[x] >= 0:
            taken += 1
            state.mark[x] = stamp
            state.was_absent[x] = 1
            state.removed[info[NREM]] = x
            info[NREM] += 1
    if taken < 2:
        x = state.absent[below(state.rng, info[NABSENT])]
        if state.mark[x] != stamp:
            state.mark[x] = stamp
            state.was_absent[x] = 1
            state.removed[info[NREM]] = x
            info[NREM] += 1


@inner
def sort_removed(data, state):
    """Order the removed tasks by one of the keys, drawn by weight; kind 0 is random."""
    rng = state.rng
    count = state.info[NREM]
    draw = below(rng, data.key_weights[data.key_weights.shape[0] - 1])
    kind = 0
    while data.key_weights[kind] <= draw:
        kind += 1
    removed = state.removed
    order = state.order
    for i in range(count):
        x = removed[i]
        key = below(rng, 1 << 30) if kind == 0 else data.keys[kind, x]
        k = i
        while k > 0 and order[k - 1] > key:
            order[k] = order[k - 1]
            removed[k] = removed[k - 1]
            k -= 1
        order[k] = key
        removed[k] = x


@inner
def put_in(data, state, flags, x, r, place, c):
    """Carry out an insertion found by ``best_place``; return the cost change."""
    save_route(state, flags, r)
    if place == 0:
        start_empty(data, state, r, c)
        open_slot(state, r, c)
        return insert_at(data, state, flags, r, 1, x)
    k = state.node[place - 1, POS] if place > 0 else state.node[-place - 1, POS] + 1
    return insert_at(data, state, flags, r, k, x)


@inner
def recreate(data, state, flags, heat):
    """Insert the removed tasks again, each at its cheapest place; return the cost change."""
    info = state.info
    delta = 0
    sort_removed(data, state)
    for i in range(info[NREM]):
        x = state.removed[i]
        price = data.prize[x]
        limit = INF
        if price < INF:
            limit = price + int(heat * exponential(state.rng, data.minus_log))
        _, r, place, c = best_place(data, state, flags, x, limit, True)
        if r < 0:
            if state.was_absent[x] == 0:
                add_absent(state, x)
                delta += price
            continue
        delta += put_in(data, state, flags, x, r, place, c)
        if state.was_absent[x]:
            drop_absent(state, x)
            delta -= price
    return delta


@inner
def undo(data, state, flags):
    """Take back everything this iteration did."""
    for i in range(state.info[NREM]):
        x = state.removed[i]
        if state.was_absent[x]:
            if state.absent_pos[x] < 0:
                add_absent(state, x)
                state.node[x, RID] = NONE
        elif state.absent_pos[x] >= 0:
            drop_absent(state, x)
    restore_routes(state, flags)


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
    info[NDIRTY] = 0
    info[BEST] = info[CUR]
    info[BESTAT] = info[ITER]
    info[NROUTES_BEST] = info[NROUTES]
    info[NABSENT_BEST] = info[NABSENT]


@inner
def load_plan(data, state, flags):
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
            drop_absent(state, x)
            info[CUR] -= data.prize[x]
        state.seq[r, length + 1] = end
        state.rint[r, LEN] = length
        info[CUR] += refresh(data, state, flags, r)
        state.dirty_mark[r] = 1
        state.dirty[info[NDIRTY]] = r
        info[NDIRTY] += 1


@inner
def construct(data, state, flags):
    """Insert every absent task that fits into the present plan, in random order."""
    info = state.info
    count = info[NABSENT]
    for i in range(count):
        state.removed[i] = state.absent[i]
    for i in range(count - 1, 0, -1):
        k = below(state.rng, i + 1)
        x = state.removed[i]
        state.removed[i] = state.removed[k]
        state.removed[k] = x
    for i in range(count):
        x = state.removed[i]
        info[NSAVED] = 0
        info[STAMP] += 1
        _, r, place, c = best_place(data, state, flags, x, data.prize[x], False)
        if r >= 0:
            info[CUR] += put_in(data, state, flags, x, r, place, c) - data.prize[x]
            drop_absent(state, x)
            note_dirty(state)


@inner
def iterate(data, state, flags, heat, mean_removed, longest):
    """Do one iteration: ruin, recreate, accept or undo."""
    info = state.info
    info[STAMP] += 1
    info[ITER] += 1
    delta = ruin(data, state, flags, mean_removed, longest)
    delta += recreate(data, state, flags, heat)
    if delta < heat * exponential(state.rng, data.minus_log):
        info[CUR] += delta
        note_dirty(state)
        info[ACCEPTED] += 1
        if info[CUR] < info[BEST]:
            store_best(state)
            info[IMPROVED] += 1
    else:
        undo(data, state, flags)


@entry
def search(data, state, flags, task, iterations, heat, cooling, mean_removed, longest):
    """Do a piece of the search; one entry for all, so that everything is compiled once.

    Parameters
    ----------
    task
        ANNEAL: that many iterations, the temperature falling by ``cooling`` each. LOAD: take the plan in
        ``best_seq``. CONSTRUCT: insert what is absent and call the outcome the best plan.
    """
    if task == LOAD:
        load_plan(data, state, flags)
    if task == CONSTRUCT:
        construct(data, state, flags)
        store_best(state)
    for _ in range(iterations):
        iterate(data, state, flags, heat, mean_removed, longest)
        heat *= cooling
