"""What siting decides on: demand, candidates, road minutes between them, and the rules."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maps.engines.protocol import Source
from maps.errors import SitingInputError
from maps.geodesy import FloatArray, as_points, straight_m
from maps.siting.scenes import PATTERNS, Pattern, check_scene

_BEYOND_FARTHEST_MIN = 60.0


@dataclass(frozen=True)
class DemandPoint:
    """Where parcels begin.

    Attributes
    ----------
    weight
        How much, in the problem's ``demand_unit``.
    """

    id: str
    name: str
    lon: float
    lat: float
    weight: float


@dataclass(frozen=True)
class Candidate:
    """A place a kiosk stands in, or could.

    Attributes
    ----------
    scene
        One of the ten of :data:`maps.siting.scenes.SCENES`.
    existing
        It stands already and is kept.
    assumed
        Nobody has seen it: supposed from the size of its town, position included.
    capacity
        Demand it can serve at most, in the problem's unit; None when that does not matter.
    cost_fen
        Fixed cost of putting a kiosk there.
    """

    id: str
    name: str
    scene: str
    place_id: str
    lon: float
    lat: float
    existing: bool = False
    assumed: bool = False
    capacity: float | None = None
    cost_fen: int = 0


@dataclass(frozen=True)
class SitingProblem:
    """Demand, candidates and the way between.

    Attributes
    ----------
    minutes : shape (demands, candidates)
        Road minutes from demand to candidate; ``inf`` where there is no road.
    source
        Whether roads stand behind the minutes; show it with every result.
    demand_unit
        What weights count, such as ``parcels a day`` or ``residents``.
    notes
        What a reader of the result has to know about the input.
    """

    demands: tuple[DemandPoint, ...]
    candidates: tuple[Candidate, ...]
    minutes: FloatArray
    source: Source = "road"
    demand_unit: str = "parcels a day"
    attribution: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises
        ------
        SitingInputError
            Naming the demand point or candidate.
        """
        if self.minutes.shape != (len(self.demands), len(self.candidates)):
            raise SitingInputError(
                f"minutes have shape {self.minutes.shape}, not {len(self.demands)} demand points by "
                f"{len(self.candidates)} candidates"
            )
        if np.isnan(self.minutes).any() or (self.minutes < 0).any():
            raise SitingInputError("minutes must not be negative or undefined")
        for demand in self.demands:
            if not (math.isfinite(demand.weight) and demand.weight >= 0):
                raise SitingInputError(
                    f"demand point {demand.id}: weight {demand.weight} is not possible", id=demand.id
                )
        for candidate in self.candidates:
            check_scene(candidate.scene, f"candidate {candidate.id}")
            if candidate.cost_fen < 0 or (candidate.capacity is not None and candidate.capacity < 0):
                raise SitingInputError(f"candidate {candidate.id}: capacity or cost is negative", id=candidate.id)
        if len({candidate.id for candidate in self.candidates}) < len(self.candidates):
            raise SitingInputError("two candidates have one id")

    @cached_property
    def weight(self) -> FloatArray:
        """Return the demand, shape (demands,)."""
        return np.array([demand.weight for demand in self.demands], dtype=np.float64)

    @cached_property
    def existing(self) -> NDArray[np.bool_]:
        """Return which candidates stand already, shape (candidates,)."""
        return np.array([candidate.existing for candidate in self.candidates], dtype=np.bool_)

    @cached_property
    def capacity(self) -> FloatArray:
        """Return what each candidate can serve, ``inf`` where it does not matter, shape (candidates,)."""
        unlimited = (math.inf if one.capacity is None else one.capacity for one in self.candidates)
        return np.fromiter(unlimited, dtype=np.float64, count=len(self.candidates))

    @property
    def capacitated(self) -> bool:
        """Return whether capacities bind at all."""
        return bool(np.isfinite(self.capacity).any())

    @cached_property
    def apart_m(self) -> FloatArray:
        """Return straight metres between candidates, shape (candidates, candidates)."""
        lonlat = as_points([(one.lon, one.lat) for one in self.candidates])
        return straight_m(lonlat[:, None, :], lonlat[None, :, :])

    def unserved_min(self) -> float:
        """Return the minutes an unserved point counts with in the median model: an hour beyond the farthest road."""
        finite = self.minutes[np.isfinite(self.minutes)]
        return float(finite.max(initial=0.0)) + _BEYOND_FARTHEST_MIN


@dataclass(frozen=True)
class SitingRules:
    """What a plan must keep.

    Attributes
    ----------
    budget
        New kiosks at most.
    within_min
        Road minutes within which demand counts as covered.
    pattern
        Where and how new kiosks stand.
    spend_fen
        Fixed cost of all new kiosks at most; None for no limit.
    """

    budget: int
    within_min: float = 15.0
    pattern: Pattern = PATTERNS["any"]
    spend_fen: int | None = None

    def __post_init__(self) -> None:
        """Refuse impossible numbers.

        Raises
        ------
        SitingInputError
            Naming the rule.
        """
        if self.budget < 0:
            raise SitingInputError(f"budget {self.budget} is negative")
        if not (math.isfinite(self.within_min) and self.within_min > 0):
            raise SitingInputError(f"within {self.within_min} minutes is not a limit")
        if self.spend_fen is not None and self.spend_fen < 0:
            raise SitingInputError("the amount to spend is negative")

    def spaced(self, min_spacing_m: float) -> SitingRules:
        """Return the same rules with another minimum spacing."""
        return replace(self, pattern=replace(self.pattern, min_spacing_m=min_spacing_m))


def too_close(problem: SitingProblem, rules: SitingRules) -> NDArray[np.bool_]:
    """Return which pairs of candidates may not both be open, shape (candidates, candidates).

    Existing kiosks are kept however close they stand to each other.
    """
    close = problem.apart_m < rules.pattern.min_spacing_m
    close &= ~(problem.existing[:, None] & problem.existing[None, :])
    np.fill_diagonal(close, False)
    return close


def usable(problem: SitingProblem, rules: SitingRules) -> NDArray[np.bool_]:
    """Return which candidates may be open: existing ones, and those the pattern allows beside them."""
    allowed = np.array([one.scene in rules.pattern.scenes for one in problem.candidates], dtype=np.bool_)
    beside = ~too_close(problem, rules)[:, problem.existing].any(axis=1)
    return np.asarray(problem.existing | (allowed & beside), dtype=np.bool_)


def cluster_partners(problem: SitingProblem, rules: SitingRules) -> NDArray[np.bool_]:
    """Return who counts as a neighbour of one scene in whose cluster, shape (candidates, candidates)."""
    scenes = np.array([one.scene for one in problem.candidates])
    near = (problem.apart_m <= rules.pattern.cluster_m) & (scenes[:, None] == scenes[None, :])
    np.fill_diagonal(near, False)
    return np.asarray(near, dtype=np.bool_)


def rules_broken(problem: SitingProblem, rules: SitingRules, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    """Say which rules a choice of candidates breaks, shape (candidates,); nothing when it keeps all."""
    new = chosen & ~problem.existing
    spent = sum(one.cost_fen for one, is_new in zip(problem.candidates, new, strict=True) if is_new)
    partners = cluster_partners(problem, rules)[:, chosen].sum(axis=1) + 1
    broken = {
        "an existing kiosk is given up": bool((problem.existing & ~chosen).any()),
        "more new kiosks than the budget": int(new.sum()) > rules.budget,
        "a scene the pattern does not allow": bool((chosen & ~usable(problem, rules)).any()),
        "two kiosks closer than the spacing": bool(too_close(problem, rules)[np.ix_(chosen, chosen)].any()),
        "more spent than allowed": rules.spend_fen is not None and spent > rules.spend_fen,
        "a cluster too small": bool((new & (partners < rules.pattern.cluster_size)).any()),
    }
    return tuple(text for text, is_broken in broken.items() if is_broken)
