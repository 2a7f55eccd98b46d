"""Road matrices of a day: one pair of integer matrices for each vehicle profile, kept on disk by digest.

The matrices of a published version answer insertions later in the day, so they also cover the region's
sites. A digest over roads, profiles and points names the file: planning the same points again takes them from
there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernel.progress import Progress, silent
from routing.problem import UNREACHABLE

Point = tuple[float, float]
Int32Array = NDArray[np.int32]

_DECIMALS: Final = 6
_FORMAT: Final = "cunda-day-matrix-1"
_IN_MEMORY: Final = 2  # a demo day is some 60 MB; today's and tomorrow's plan are in use at once
_ON_DISK: Final = 8  # older files only save time when the very same points are planned again


class MatrixAnswer(Protocol):
    """What planning reads of a road engine's matrix."""

    @property
    def time_s(self) -> NDArray[np.float32]:
        """Return seconds, shape (n, m), ``inf`` without a road."""
        ...

    @property
    def dist_m(self) -> NDArray[np.float32]:
        """Return metres along the fastest path, shape (n, m)."""
        ...

    @property
    def source(self) -> str:
        """Return ``road``, ``geodesic`` or ``mixed``."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return sentences for the dispatcher."""
        ...


class PathAnswer(Protocol):
    """What planning reads of a road engine's drive."""

    def simplified(self, tolerance_m: float) -> PathAnswer:
        """Return the same drive with a line of fewer points."""
        ...

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """Return the line, shape (p, 2)."""
        ...

    @property
    def leg_offsets(self) -> NDArray[np.int64]:
        """Return the index of each given point in the line."""
        ...

    @property
    def source(self) -> str:
        """Return ``road``, ``geodesic`` or ``mixed``."""
        ...


class SnapAnswer(Protocol):
    """What planning reads of a road engine's snapping."""

    @property
    def distance_m(self) -> NDArray[np.float32]:
        """Return how far each point lies from the road, shape (n,)."""
        ...


class Roads(Protocol):
    """The part of :class:`maps.engines.protocol.RoadEngine` that planning needs."""

    def snap(self, points: ArrayLike, profile: str = "van") -> SnapAnswer:
        """Bring points onto the nearest road."""
        ...

    def matrix(self, src: ArrayLike, dst: ArrayLike, profile: str = "van") -> MatrixAnswer:
        """Compute time and distance between every source and every destination."""
        ...

    def route(self, points: ArrayLike, profile: str = "van") -> PathAnswer:
        """Find the fastest drive through points in their order, with its line."""
        ...


@dataclass(frozen=True, eq=False)
class ProfileMatrix:
    """Travel of one profile between all points of a day, shape (points, points), int32."""

    time_s: Int32Array
    distance_m: Int32Array


@dataclass(frozen=True, eq=False)
class DayMatrices:
    """Travel between the points of a day for each profile.

    Attributes
    ----------
    points
        Longitude and latitude of each row, rounded to six decimals; the depot is row 0.
    source
        ``road``, ``geodesic`` or ``mixed``; shown wherever a plan made from it shows.
    digest
        Name of the file they are kept in.
    """

    points: tuple[Point, ...]
    profiles: Mapping[str, ProfileMatrix]
    source: str
    warnings: tuple[str, ...]
    digest: str

    def index(self) -> dict[Point, int]:
        """Return the row of each point."""
        return {point: row for row, point in enumerate(self.points)}


def rounded(lon: float, lat: float) -> Point:
    """Return a point as the matrices name it."""
    return round(lon, _DECIMALS), round(lat, _DECIMALS)


def distinct(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points, each once, in the order of their first appearance."""
    return tuple(dict.fromkeys(points))


def day_digest(roads: str, points: Sequence[Point], profiles: Sequence[str]) -> str:
    """Return the name of a day's matrices: equal roads, points and profiles give equal names."""
    text = "|".join([_FORMAT, roads, ",".join(sorted(profiles)), *(f"{lon:.6f},{lat:.6f}" for lon, lat in points)])
    return hashlib.sha256(text.encode()).hexdigest()


class MatrixStore:
    """Matrices of planned days in one folder.

    Parameters
    ----------
    folder
        Made when first written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._load = lru_cache(maxsize=_IN_MEMORY)(self._read)

    def obtain(
        self,
        roads: Roads,
        roads_version: str,
        points: Sequence[Point],
        profiles: Sequence[str],
        progress: Progress = silent,
    ) -> DayMatrices:
        """Return the matrices between points, from disk when they were computed before.

        Parameters
        ----------
        roads_version
            Fingerprint of the road data; other data, other file.
        points
            Distinct and rounded, see `rounded` and `distinct`.
        """
        digest = day_digest(roads_version, points, profiles)
        known = self.find(digest)
        if known is not None:
            return known
        matrices = compute_matrices(roads, points, profiles, digest, progress)
        self._write(matrices)
        return self.find(digest) or matrices

    def find(self, digest: str) -> DayMatrices | None:
        """Return kept matrices, nothing when the file is gone or damaged."""
        try:
            return self._load(digest)
        except (OSError, ValueError, KeyError):
            return None

    def path(self, digest: str) -> Path:
        """Return the file of some matrices."""
        return self._folder / f"{digest}.npz"

    def _write(self, matrices: DayMatrices) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, NDArray[np.generic]] = {
            "format": np.array(_FORMAT),
            "points": np.array(matrices.points, dtype=np.float64).reshape(-1, 2),
            "source": np.array(matrices.source),
            "warnings": np.array(matrices.warnings, dtype=np.str_),
            "profiles": np.array(sorted(matrices.profiles), dtype=np.str_),
        }
        for name, matrix in matrices.profiles.items():
            arrays[f"time_s_{name}"] = matrix.time_s
            arrays[f"distance_m_{name}"] = matrix.distance_m
        target = self.path(matrices.digest)
        draft = target.with_suffix(f".{os.getpid()}.part")
        with draft.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        draft.replace(target)  # a reader sees a whole file or none
        kept = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns)
        for old in kept[:-_ON_DISK]:
            old.unlink(missing_ok=True)

    def _read(self, digest: str) -> DayMatrices:
        with np.load(self.path(digest), allow_pickle=False) as kept:
            if str(kept["format"]) != _FORMAT:
                raise ValueError("written by another version")
            profiles = {
                str(name): ProfileMatrix(_frozen(kept[f"time_s_{name}"]), _frozen(kept[f"distance_m_{name}"]))
                for name in kept["profiles"]
            }
            return DayMatrices(
                points=tuple((float(lon), float(lat)) for lon, lat in kept["points"]),
                profiles=profiles,
                source=str(kept["source"]),
                warnings=tuple(str(line) for line in kept["warnings"]),
                digest=digest,
            )


def compute_matrices(
    roads: Roads,
    points: Sequence[Point],
    profiles: Sequence[str],
    digest: str = "",
    progress: Progress = silent,
) -> DayMatrices:
    """Ask the road engine for every profile and turn the answers into integers.

    Notes
    -----
    Times and distances are rounded to whole seconds and metres; a leg without a road becomes
    :data:`routing.problem.UNREACHABLE`. Staying where one is takes nothing.
    """
    where = np.array(points, dtype=np.float64).reshape(-1, 2)
    answers: dict[str, ProfileMatrix] = {}
    sources: set[str] = set()
    warnings: list[str] = []
    for done, name in enumerate(sorted(profiles)):
        progress("matrix", done, len(profiles), name)
        answer = roads.matrix(where, where, name)
        answers[name] = ProfileMatrix(_whole(answer.time_s), _whole(answer.dist_m))
        sources.add(answer.source)
        warnings += [line for line in answer.warnings if line not in warnings]
    progress("matrix", len(profiles), len(profiles))
    source = sources.pop() if len(sources) == 1 else "mixed"
    return DayMatrices(tuple(points), answers, source, tuple(warnings), digest)


def whole_numbers(values: NDArray[np.float32]) -> Int32Array:
    """Round seconds or metres to integers; no road becomes `UNREACHABLE`."""
    return np.where(np.isfinite(values), np.rint(values), np.float32(UNREACHABLE)).astype(np.int32)


def _whole(values: NDArray[np.float32]) -> Int32Array:
    whole = whole_numbers(values)
    np.fill_diagonal(whole, 0)
    return _frozen(whole)


def _frozen(matrix: Int32Array) -> Int32Array:
    matrix.setflags(write=False)
    return matrix
