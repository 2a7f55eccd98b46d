"""Makes the mutable arrays of one search and moves plans in and out of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from routing.search.kernels import arrays as a
from routing.search.variants import Features

MOST_TOUCHED = 256
REMEMBERED = 128
"""Routes for which a shipment's cheapest places are remembered, a power of two."""


def seed_bits(seed: int) -> NDArray[np.uint64]:
    """Spread a seed over 64 bits (splitmix64, Steele et al. 2014); never zero."""
    z = (seed + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return np.array([(z ^ (z >> 31)) or 1], dtype=np.uint64)


def slot_count(data: a.Data) -> int:
    """Return how many routes a plan can have at once."""
    return max(1, min(int(data.cls[:, a.COUNT].sum()), int(data.n)))


def trip_count(data: a.Data) -> int:
    """Return how many trips a plan can have at once."""
    return max(1, min(int(data.cls[:, a.COUNT].sum()) * int(data.cls[:, a.MAXTRIPS].max()), int(data.n)))


def new_state(data: a.Data, flags: Features, leads: NDArray[np.int32], seed: int, longest: int) -> a.State:
    """Make a state with an empty plan: every task absent.

    Parameters
    ----------
    leads
        Tasks that stand for themselves, their shipment or their alternatives.
    longest
        Most tasks a route can hold for now; see ``a.GROW``.
    """
    n, slots = data.n, trip_count(data) if flags.trips else slot_count(data)
    dims = data.delivery.shape[1]
    width = a.WIDE if flags.tw else a.NARROW
    # A change of one trip may shift any other trip of its vehicle, and nothing asks whether there is room for that.
    touched = slots + 2 if flags.trips else min(slots, MOST_TOUCHED) + 2
    columns = a.TRIP_COLUMNS if flags.trips else a.ROUTE_COLUMNS
    number = data.cost.dtype
    loaded = flags.mixed and not flags.rich
    peak = (n, dims, 3) if loaded else (1, dims, 3)
    saved_peak = (touched, longest, dims, 3) if loaded else (1, 1, dims, 3)
    node = np.zeros((n, width), dtype=number)
    node[:, a.RID] = a.NONE
    extra = np.zeros(slots + 1, dtype=np.int64)
    extra[0] = a.FULL  # beside a task without a route there is no place
    # On links alone a trial saves rows of tasks instead of routes, see kernels/links.py.
    rows, routes = (n, 0) if flags == Features() else (0, touched)
    info = np.zeros(a.INFO_SIZE, dtype=np.int64)
    info[a.NFREE] = slots
    info[a.NABSENT] = leads.size
    info[a.CUR] = int(data.prize.sum())
    info[a.BEST] = info[a.CUR]
    info[a.NABSENT_BEST] = leads.size
    absent = np.zeros(n, dtype=np.int32)
    absent[: leads.size] = leads
    absent_pos = np.full(n, a.NONE, dtype=np.int32)
    absent_pos[leads] = np.arange(leads.size)
    return a.State(
        node=node,
        seq=np.zeros((slots, longest + 2), dtype=np.int32),
        rint=np.zeros((slots, columns), dtype=np.int64),
        load=np.zeros((slots, dims, 3), dtype=np.int64),
        toll=np.zeros((2, max(1, dims))),
        peak=np.zeros(peak, dtype=np.int64),
        free_slots=np.arange(slots - 1, -1, -1, dtype=np.int32),
        used_pos=np.full(slots, a.NONE, dtype=np.int32),
        used_list=np.zeros(slots, dtype=np.int32),
        free_vehicles=data.cls[:, a.OPENS].copy(),
        absent=absent,
        absent_pos=absent_pos,
        removed=np.zeros(n + 1, dtype=np.int32),
        was_absent=np.zeros(n, dtype=np.uint8),
        mark=np.zeros(n, dtype=np.int64),
        order=np.zeros(n + 1, dtype=np.int64),
        saved=np.zeros(touched, dtype=np.int32),
        saved_stamp=np.zeros(slots, dtype=np.int64),
        saved_seq=np.zeros((routes, longest + 2), dtype=np.int32),
        saved_rint=np.zeros((touched, columns), dtype=np.int64),
        saved_load=np.zeros((touched, dims, 3), dtype=np.int64),
        saved_node=np.zeros((routes, longest, width), dtype=number),
        saved_peak=np.zeros(saved_peak, dtype=np.int64),
        row_stamp=np.zeros(rows, dtype=np.int64),
        row_of=np.zeros(rows, dtype=np.int32),
        saved_row=np.zeros((rows, a.NARROW), dtype=number),
        reach=np.zeros(n, dtype=number),
        home=np.zeros(n, dtype=number),
        seat=np.zeros(n, dtype=np.int32),
        extra=extra,
        carried=np.zeros((dims, slots), dtype=np.int64),
        picked=np.zeros(data.near.shape[1] + 1, dtype=np.int32),
        line=np.zeros(longest + 8, dtype=np.int32),
        event=np.zeros((2 * longest + 16, 4), dtype=np.int64),
        visit=np.zeros(slots, dtype=np.int64),
        by_class=np.zeros((slots, data.cls.shape[0]), dtype=np.int64),
        by_class_of=np.zeros(slots, dtype=np.int64),
        larger=np.zeros((slots, 2), dtype=np.int64),
        detour=np.zeros((longest + 2, 2), dtype=np.int64),
        known=np.zeros((n, REMEMBERED, 3) if flags.pair and not flags.rich else (1, 1, 3), dtype=np.int64),
        dirty=np.zeros(slots, dtype=np.int32),
        dirty_mark=np.zeros(slots, dtype=np.uint8),
        best_seq=np.zeros((slots, longest + 2), dtype=np.int32),
        best_len=np.zeros(slots, dtype=np.int64),
        best_cls=np.zeros(slots, dtype=np.int64),
        best_before=np.full(slots if flags.trips else 0, a.NONE, dtype=np.int32),
        info=info,
        rng=seed_bits(seed),
    )


def best_orders(state: a.State) -> list[tuple[int, list[int]]]:
    """Return the best plan as (class, tasks in order) of each used route."""
    routes = {
        int(r): [int(x) for x in state.best_seq[r, 1 : int(state.best_len[r]) + 1]]
        for r in np.flatnonzero(state.best_len)
    }
    if not state.best_before.size:
        return [(int(state.best_cls[r]), entries) for r, entries in routes.items()]
    after = {int(state.best_before[r]): r for r in routes if state.best_before[r] >= 0}
    days = []
    for head in (r for r in routes if state.best_before[r] < 0):
        entries, r = routes[head], head
        while r in after:
            r = after[r]
            entries = [*entries, int(state.seq[r, 0]), *routes[r]]
        days.append((0, entries))
    return days


def write_orders(data: a.Data, state: a.State, orders: list[tuple[int, list[int]]]) -> None:
    """Write routes where the kernels take a plan from (``anneal.LOAD``)."""
    rows = _as_trips(data, orders) if state.best_before.size else [(c, tasks, a.NONE) for c, tasks in orders]
    for r, (c, tasks, before) in enumerate(rows):
        state.best_cls[r] = c
        state.best_len[r] = len(tasks)
        state.best_seq[r, 1 : len(tasks) + 1] = tasks
        if state.best_before.size:
            state.best_before[r] = before


def _as_trips(data: a.Data, orders: list[tuple[int, list[int]]]) -> list[tuple[int, list[int], int]]:
    """Cut routes at their reloads into (class, tasks, number of the trip before)."""
    rows: list[tuple[int, list[int], int]] = []
    for c, entries in orders:
        tasks: list[int] = []
        before = a.NONE
        for x in entries:
            if x < data.n:
                tasks.append(x)
            else:
                rows.append((c, tasks, before))
                before, tasks = len(rows) - 1, []
        rows.append((c, tasks, before))
    return rows


def keep_present(state: a.State) -> None:
    """Take the present plan for the best one."""
    state.best_len[:] = 0
    used = state.used_list[: int(state.info[a.NROUTES])]
    state.best_len[used] = state.rint[used, a.LEN]
    state.best_cls[used] = state.rint[used, a.CLS]
    state.best_seq[used] = state.seq[used]
    if state.best_before.size:
        state.best_before[used] = state.rint[used, a.BEFORE]
    state.info[a.BEST], state.info[a.NABSENT_BEST] = state.info[a.CUR], state.info[a.NABSENT]
