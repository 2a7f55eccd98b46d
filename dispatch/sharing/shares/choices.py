"""What somebody who shares a cost chooses: the rule, and how coalitions are priced. Imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum


class ShareRule(StrEnum):
    """How a common cost is shared."""

    PER_PARCEL = "per-parcel"
    PER_KG = "per-kg"
    STOP_SHARE = "stop-share"
    STAND_ALONE = "stand-alone"
    MARGINAL = "marginal"
    SHAPLEY = "shapley"
    NUCLEOLUS = "nucleolus"


class Pricing(StrEnum):
    """How a coalition is priced: on the routes as driven without the others' stops, or by a search of its own."""

    EXECUTED = "executed"
    SOLVER = "solver"
