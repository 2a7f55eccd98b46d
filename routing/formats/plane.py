"""A benchmark instance as its file states it: points in a plane and numbers per node, before any rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from routing.formats.errors import ProblemFileError

Convention = Literal["round", "dimacs", "exact", "floor"]
CONVENTIONS: tuple[Convention, ...] = ("round", "dimacs", "exact", "floor")

# Doubles are kept to three decimals, the convention of PyVRP's "exact"; "floor" keeps four, the number of
# decimals in SINTEF's tables.
_SCALE: dict[Convention, int] = {"round": 1, "dimacs": 10, "exact": 1_000, "floor": 10_000}
# 10 d of two points 0.1 apart is 0.9999…; the DIMACS evaluators add the same hair before they truncate.
_HAIR = 1e-9


@dataclass(frozen=True)
class Rounding:
    """How real distances become the integers a problem is stated in.

    Parameters
    ----------
    convention
        ``round`` nearest integer, floor(d + 0.5) (X, VRPB, GVRP) · ``dimacs`` floor(10 d) (Gehring and
        Homberger 1000, PCVRPTW, MTVRPTWR) · ``exact`` nearest of 1000 d (MDVRPTW, HFVRP, Li and Lim) ·
        ``floor`` floor(10,000 d), for judging plans that were made in doubles: no time grows, so a plan
        that holds in doubles holds here.
    safe_times
        Round travel times up instead, so that every plan that holds in the integers holds in doubles too.
    """

    convention: Convention
    safe_times: bool = False

    @property
    def scale(self) -> int:
        """Integer units per unit of the file."""
        return _SCALE[self.convention]

    def distances(self, exact: NDArray[np.float64]) -> NDArray[np.int64]:
        """Round real distances; shape is kept."""
        scaled = exact * self.scale
        truncates = self.convention in ("dimacs", "floor")
        return np.floor(scaled + (_HAIR if truncates else 0.5)).astype(np.int64)

    def travel_times(self, exact: NDArray[np.float64]) -> NDArray[np.int64]:
        """Round the same distances as times; equal to :meth:`distances` unless times are made safe."""
        if not self.safe_times:
            return self.distances(exact)
        return np.ceil(exact * self.scale - 1e-6).astype(np.int64)

    def number(self, value: float) -> int:
        """Scale one time or amount of the file; a fraction that does not fit is rounded to nearest."""
        return math.floor(value * self.scale + 0.5)


@dataclass(frozen=True)
class PlaneVehicle:
    """One vehicle row of a file.

    Parameters
    ----------
    depot, reloads
        Node indices, counted from 0.
    max_duration
        In the file's own units, or None for no limit.
    """

    capacity: int
    depot: int = 0
    fixed_cost: int = 0
    unit_distance_cost: int = 1
    max_duration: float | None = None
    reloads: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlaneInstance:
    """Everything a benchmark file says, in its own units; node indices count from 0.

    Parameters
    ----------
    kind
        The problem's usual name: CVRP, VRPTW, HFVRP, MDVRPTW, MTVRPTWR, VRPB, PCVRPTW, GVRP, PDPTW.
    xy : shape (n, 2)
        Coordinates, empty when the file gives a matrix only.
    matrix : shape (n, n) or None
        Given distances of an ``EXPLICIT`` file.
    vehicles
        One entry per vehicle in the file's order; a solution file of the same family refers to this order.
    fleet_is_limited
        False when the file names no number of vehicles: ``vehicles`` then holds the single kind there is.
    pickups
        Amount fetched at each node and brought back to the depot (backhaul).
    pairs
        (pickup node, delivery node), the amount being ``demand`` of the pickup.
    groups
        Nodes of which exactly one is to be visited.
    backhaul_last
        Deliveries come before pickups in each route, and no route consists of pickups only.
    """

    name: str
    kind: str
    xy: NDArray[np.float64]
    demand: tuple[int, ...]
    vehicles: tuple[PlaneVehicle, ...]
    depots: tuple[int, ...] = (0,)
    fleet_is_limited: bool = False
    matrix: NDArray[np.float64] | None = None
    windows: tuple[tuple[float, float], ...] = ()
    service: tuple[float, ...] = ()
    releases: tuple[float, ...] = ()
    prizes: tuple[int, ...] = ()
    pickups: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    backhaul_last: bool = False
    comment: str = ""
    edge_weights: Literal["euclid", "ceil", "explicit"] = "euclid"
    notes: tuple[str, ...] = field(default=())

    @property
    def size(self) -> int:
        """Number of nodes, depots included."""
        return len(self.demand)

    @property
    def customers(self) -> tuple[int, ...]:
        """Node indices that are not depots, in the file's order."""
        depots = set(self.depots)
        return tuple(node for node in range(self.size) if node not in depots)

    def exact_distances(self) -> NDArray[np.float64]:
        """Compute the real distances, shape (n, n), row = from."""
        if self.matrix is not None:
            return self.matrix
        across = self.xy[:, None, :] - self.xy[None, :, :]
        exact: NDArray[np.float64] = np.sqrt(np.square(across).sum(axis=-1))
        return np.ceil(exact) if self.edge_weights == "ceil" else exact

    def usual_rounding(self) -> Rounding:
        """Give the convention in which this family's best-known costs are published."""
        if self.edge_weights == "explicit":
            return Rounding("round")
        exact = {"MDVRPTW": Rounding("exact"), "HFVRP": Rounding("exact"), "PDPTW": Rounding("exact", safe_times=True)}
        if self.kind in exact:
            return exact[self.kind]
        return Rounding("dimacs" if self.windows else "round")


def whole(text: str, where: str) -> int:
    """Read an integer that a file may write as ``12`` or ``12.0``.

    Raises
    ------
    ProblemFileError
        If it is no whole number; `where` opens the message.
    """
    value = number(text, where)
    if not value.is_integer():
        raise ProblemFileError(f"{where}: expected a whole number, found {text!r}")
    return int(value)


def number(text: str, where: str) -> float:
    """Read a finite number.

    Raises
    ------
    ProblemFileError
        If it is none; `where` opens the message.
    """
    try:
        value = float(text)
    except ValueError:
        raise ProblemFileError(f"{where}: expected a number, found {text!r}") from None
    if not math.isfinite(value):
        raise ProblemFileError(f"{where}: expected a finite number, found {text!r}")
    return value
