"""The routing solver: problem and solution classes, checker, numba core. Pure: arrays in, plan out.

Importing this package does not import numba; the first call of :func:`solve` or :func:`warm_up` does.
"""

from __future__ import annotations

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
    "to_fen",
]
