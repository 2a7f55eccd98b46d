"""Legs between points of a plane, computed when asked for: the matrix of a problem too large to hold one.

30,000 places have 900 million pairs, 3.6 GB as int32, and a search looks at few of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


class PlaneLegs:
    """What a read-only int32 matrix of rounded straight legs would answer, without holding it.

    Reading one entry or a block by index arrays (``legs[origin, target]``, ``legs[np.ix_(rows, columns)]``)
    works as with an array; anything else that wants an array gets the full matrix made.

    Parameters
    ----------
    points : shape (locations, 2)
        In any unit; not lon/lat.
    factor
        Metres, or seconds, per unit; legs are rounded to the nearest integer.
    """

    ndim = 2
    dtype = np.dtype(np.int32)

    def __init__(self, points: NDArray[np.float64], factor: float = 1.0) -> None:
        self._points = np.ascontiguousarray(points, dtype=np.float64)
        self._factor = factor

    @property
    def shape(self) -> tuple[int, int]:
        """Return the shape the matrix would have."""
        return (len(self._points), len(self._points))

    @property
    def size(self) -> int:
        """Return the number of pairs."""
        return len(self._points) ** 2

    def __getitem__(self, pair: tuple[Any, Any]) -> Any:
        """Compute the legs of one pair, or of all pairs two index arrays broadcast to."""
        origin, target = pair
        across = self._points[origin, 0] - self._points[target, 0]
        if not self._factor:
            return np.zeros_like(across, dtype=np.int32)
        along = self._points[origin, 1] - self._points[target, 1]
        return np.floor(np.sqrt(across * across + along * along) * self._factor + 0.5).astype(np.int32)

    def item(self, origin: int, target: int) -> int:
        """Return one leg as a plain integer."""
        return int(self[origin, target])

    def min(self) -> int:
        """Return a lower bound of all legs."""
        return 0

    def max(self, initial: int = 0) -> int:
        """Return an upper bound of all legs: the diagonal of the box around the points."""
        if not len(self._points):
            return initial
        wide, high = self._points.max(axis=0) - self._points.min(axis=0)
        return max(initial, math.ceil(math.hypot(wide, high) * self._factor))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Make the full matrix, for small problems."""
        every = np.arange(len(self._points))
        return np.asarray(self[every[:, None], every[None, :]], dtype=dtype or np.int32)
