"""Which tasks are tried beside which: the nearest ones, and those a new one may be served on the way to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.problem import HORIZON_S
from routing.search.kernels import arrays as a

USUAL = 50, 20
"""Numbers of either kind where only arcs matter (docs/solver/experiments.md),"""
OF_FEW = 50, 50
"""the same where tasks are few,"""
OF_PATCH = 40, 10
"""and in a part of a plan that is searched again and again."""
FEW = 200
"""Tasks of a problem that has iterations to spare, and where one vehicle too many weighs most."""
NEAREST_ALONE = 100
"""Number of nearest ones, and none on the way, where a task fits beside few of its neighbours."""
NEVER = 1 << 60
"""Cost that keeps a task out of a list."""
BLOCK = 1 << 22
"""Entries of matrices that are worked on at a time."""


class Nearness(NamedTuple):
    """What the kernels know of each task's neighbours, see :class:`routing.search.kernels.arrays.Data`."""

    near: NDArray[np.int32]
    apart: NDArray[Any]
    away: NDArray[np.int64]


def widths(n: int, near_count: int | None, choosy: bool, of_patch: bool) -> tuple[int, int]:
    """Choose how many nearest tasks, and how many on the way, are listed where only arcs matter.

    Parameters
    ----------
    near_count
        The number of nearest ones somebody asks for, or None.
    choosy
        Whether a task fits beside few of its neighbours.
    of_patch
        Whether the problem is a patch of a larger one.
    """
    if near_count or choosy:
        return near_count or NEAREST_ALONE, 0
    if of_patch:
        return OF_PATCH
    return OF_FEW if n <= FEW else USUAL


def by_arcs(cost: NDArray[Any], cls: NDArray[np.int64], n: int, nearest: int, on_the_way: int) -> Nearness:
    """List the tasks with the cheapest arcs, and those before or after which a task is on the way to a terminal.

    The arcs from and to a depot are the longest of all. A task that lies along one of them costs little there,
    however far the stop at its other end may be, so the nearest alone would hide good places.

    Returns
    -------
    Nearness, tasks in the order of the arcs to them, the cheaper of both directions and of all vehicles.
    """
    listed = min(nearest, max(0, n - 1))
    width = min(nearest + on_the_way, max(0, n - 1))
    near = np.zeros((n, width), dtype=np.int32)
    apart = np.zeros((n, width), dtype=cost.dtype)
    cheapest = np.minimum(cost[:, :n, :n], cost[:, :n, :n].transpose(0, 2, 1)).min(axis=0)
    for rows in _blocks(n) if width else ():
        arcs = cheapest[rows].astype(np.int64)
        own = (np.arange(arcs.shape[0]), np.arange(rows.start, rows.stop))
        arcs[own] = NEVER
        chosen = np.argpartition(arcs, listed - 1, axis=1)[:, :listed]
        farthest = np.take_along_axis(arcs, chosen, axis=1).max(axis=1, keepdims=True)
        if width > listed:
            detour = _detours(cost, cls, n, rows)
            np.put_along_axis(detour, chosen, NEVER, axis=1)
            detour[own] = NEVER
            more = np.argpartition(detour, width - listed - 1, axis=1)[:, : width - listed]
            chosen = np.concatenate([chosen, more], axis=1)
        ways = np.take_along_axis(arcs, chosen, axis=1)
        order = np.argsort(ways, axis=1, kind="stable")
        near[rows] = np.take_along_axis(chosen, order, axis=1)
        ways = np.take_along_axis(ways, order, axis=1)
        # Who is not on the list may be nearer than those on the way to a depot, but not than all of the nearest.
        apart[rows] = ways + np.minimum(ways, farthest)
    return Nearness(near, apart, _away(cost, cls, n))


def _blocks(n: int) -> Iterator[slice]:
    """Cut n rows into blocks that fit into memory."""
    block = max(1, BLOCK // n)
    for start in range(0, n, block):
        yield slice(start, min(n, start + block))


def _detours(cost: NDArray[Any], cls: NDArray[np.int64], n: int, rows: slice) -> NDArray[np.int64]:
    """Return what each of some tasks costs between each task and a terminal, with the vehicle that suits best."""
    least = np.full((rows.stop - rows.start, n), NEVER, dtype=np.int64)
    for matrix, start, end in sorted({(int(c[a.CM]), int(c[a.START]), int(c[a.END])) for c in cls}):
        layer = cost[matrix]
        out, home = layer[start, :n].astype(np.int64), layer[:n, end].astype(np.int64)
        np.minimum(least, out[rows, None] + layer[rows, :n] - out[None, :], out=least)
        np.minimum(least, layer[:n, rows].T + home[rows, None] - home[None, :], out=least)
    return least


def _away(cost: NDArray[Any], cls: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return twice the cheapest arc between each task and a terminal, either way and with any vehicle, shape (n,)."""
    away = np.full(n, NEVER >> 1, dtype=np.int64)
    for c in cls:
        layer = cost[c[a.CM]]
        away = np.minimum(away, np.minimum(layer[c[a.START], :n], layer[:n, c[a.END]]))
    return 2 * away


def by_arcs_and_times(
    cost: NDArray[Any],
    time: NDArray[np.int32],
    windows: NDArray[np.int32],
    service: NDArray[np.int32],
    n: int,
    count: int,
    wait_weight: float = 0.2,
    warp_weight: float = 1.0,
) -> Nearness:
    """List the nearest tasks of each task, nearest first, shape (n, min(count, n − 1)).

    Nearness of i before j is arc cost + 0.2 × waiting + 1.0 × time warp (after HGS-DIMACS, Kool et al.
    2022), the smaller of both directions and of all classes, so that it is symmetric. The kernels put no bound
    on such neighbours.
    """
    width = min(count, max(0, n - 1))
    out = np.zeros((n, width), dtype=np.int32)
    listed = Nearness(out, np.zeros((1, 1), dtype=cost.dtype), np.zeros(1, dtype=np.int64))
    if width == 0:
        return listed
    base = cost[0, :n, :n] if cost.shape[0] == 1 else cost[:, :n, :n].min(axis=0)
    travel = time[0, :n, :n] if time.shape[0] == 1 else time[:, :n, :n].min(axis=0)
    total_time = float(np.minimum(travel, HORIZON_S).sum(dtype=np.float64))
    rate = float(np.minimum(base, a.FAR_COST).sum(dtype=np.float64)) / max(1.0, total_time)
    work = service.min(axis=0).astype(np.int64)
    first, last = windows[:, 0].astype(np.int64), windows.max(axis=1).astype(np.int64)
    for rows in _blocks(n):
        forward = base[rows].astype(np.float64)
        backward = base[:, rows].T.astype(np.float64)
        ahead = travel[rows].astype(np.int64) + work[rows, None]
        behind = travel[:, rows].T.astype(np.int64) + work[None, :]
        forward += rate * (
            wait_weight * np.maximum(0, first[None, :] - ahead - last[rows, None])
            + warp_weight * np.maximum(0, first[rows, None] + ahead - last[None, :])
        )
        backward += rate * (
            wait_weight * np.maximum(0, first[rows, None] - behind - last[None, :])
            + warp_weight * np.maximum(0, first[None, :] + behind - last[rows, None])
        )
        nearness = np.minimum(forward, backward)
        nearness[np.arange(nearness.shape[0]), np.arange(rows.start, rows.stop)] = np.inf
        part = np.argpartition(nearness, width - 1, axis=1)[:, :width]
        rank = np.argsort(np.take_along_axis(nearness, part, axis=1), axis=1, kind="stable")
        out[rows] = np.take_along_axis(part, rank, axis=1)
    return listed
