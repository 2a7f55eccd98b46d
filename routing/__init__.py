"""The routing solver: problem and solution classes, checker, numba core. Pure: arrays in, plan out.

Importing this package does not import numba; the first call of :func:`solve` or :func:`warm_up` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.builder import ProblemBuilder
from routing.problem import (
    ALWAYS,
    HORIZON_S,
    UNITS_PER_FEN,
    UNREACHABLE,
    Alternatives,
    Backhaul,
    Balance,
    Break,
    Depot,
    Disturbance,
    Lock,
    LockKind,
    Problem,
    Profile,
    Shipment,
    Task,
    VehicleType,
    fen,
    per_hour,
    per_km,
    to_fen,
)
from routing.solution import Result, Route, Solution, Trip

if TYPE_CHECKING:
    from routing.search.running import Progress, SearchParams
    from routing.stop import StopRule


def solve(
    problem: Problem,
    stop: StopRule,
    seed: int = 0,
    initial: Solution | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    params: SearchParams | None = None,
) -> Result:
    """Search for the cheapest plan of a problem until the stopping rule says so.

    Parameters
    ----------
    stop
        From :mod:`routing.stop`. With a rule that reads no clock, equal problem, seed, threads and
        iterations give the equal plan on every machine.
    initial
        A plan to start from; parts of it that break a rule are left out and planned anew.
    progress
        Called from the searching thread some 50 times a second as ``progress("solve", done, 1000, note)``.

    Returns
    -------
    The best plan found. A problem without a complete plan gives the best partial one, with the tasks left
    out in ``solution.unassigned`` and the number of required ones among them in ``missing``.

    Raises
    ------
    InvalidPlanError
        If ``initial`` does not belong to the problem.
    """
    from routing.search.parts import solve as run

    return run(problem, stop, seed, initial, threads, progress, params)


def warm_up() -> float:
    """Compile (or load from the cache) every kernel a day of dispatching needs; return the seconds it took."""
    from routing.search.warmup import warm_up as run

    return run()


__all__ = [
    "ALWAYS",
    "HORIZON_S",
    "UNITS_PER_FEN",
    "UNREACHABLE",
    "Alternatives",
    "Backhaul",
    "Balance",
    "Break",
    "Depot",
    "Disturbance",
    "Lock",
    "LockKind",
    "Problem",
    "ProblemBuilder",
    "Profile",
    "Result",
    "Route",
    "Shipment",
    "Solution",
    "Task",
    "Trip",
    "VehicleType",
    "fen",
    "per_hour",
    "per_km",
    "solve",
    "to_fen",
    "warm_up",
]
