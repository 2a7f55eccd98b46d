"""Stopping rules: when a search has used up what it was given.

A rule answers one question: which *fraction* of the budget is used? The search stops at 1 and cools its
temperature along the way, so a rule must be able to tell how far it is, not only whether it is over.
"""

from routing.stop.rules import (
    AllOf,
    FirstOf,
    MaxCpuTime,
    MaxIterations,
    MaxRuntime,
    NoImprovement,
    SearchState,
    StopRule,
)

__all__ = [
    "AllOf",
    "FirstOf",
    "MaxCpuTime",
    "MaxIterations",
    "MaxRuntime",
    "NoImprovement",
    "SearchState",
    "StopRule",
]
