"""A visit to a 24-hour station (自助驿站): one object over door, shelf light, parcels and exit, as a table.

Leaving is always possible, by hardware; the program only records it. Who leaves with an unscanned parcel raises an
alarm with a clip, and is never locked in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lockers.machine import SAME, Machine, Step

_INSIDE: Final = ("inside", "known", "lit", "taken", "reconciled")

VISIT: Final = Machine(
    "visit",
    "invited",
    MappingProxyType(
        {
            "invited": "a code for the entrance was given out",
            "admitted": "the code was valid; the door is unlocked",
            "inside": "the door was opened and shut behind somebody",
            "known": "identity or waybill was scanned: whose parcels are meant is known",
            "lit": "the visitor's cells shine in the visitor's colour",
            "taken": "cells were reached or parcels scanned",
            "reconciled": "the exit scan agrees with what was to be taken",
            "left": "the visitor is outside",
            "refused": "the code was wrong, used, expired or for another station",
        }
    ),
    (
        Step(("invited",), "code_valid", "admitted", ("entry.admitted",)),
        Step(("invited",), "code_invalid", "refused", ("entry.refused",)),
        Step(("admitted",), "entered", "inside", ("visit.started",)),
        Step(("admitted",), "did_not_enter", "left", ("entry.unused",)),
        Step(("inside",), "identified", "known"),
        Step(("known",), "lights_on", "lit", ("lights.lit",)),
        Step(("lit",), "lights_on", "lit", ("lights.lit",), "sent again while the visit lasts"),
        Step(("lit", "taken"), "parcel_scanned", "taken", ("parcel.collected",)),
        Step(("inside", "known", "lit", "taken"), "exit_scan_agrees", "reconciled", ("visit.reconciled",)),
        Step(
            ("inside", "known", "lit", "taken"), "exit_scan_differs", "taken", ("exit.mismatch",), "asked to scan again"
        ),
        Step(("reconciled",), "exited", "left", ("visit.ended", "lights.off")),
        Step(("inside", "known"), "exited", "left", ("visit.ended", "lights.off"), "nothing was lit, nothing is owed"),
        Step(("lit", "taken"), "exited", "left", ("visit.ended", "lights.off", "exit.unscanned"), "alarm with clip"),
        Step(_INSIDE, "fire", "left", ("visit.ended", "lights.off", "door.released")),
        Step(_INSIDE, "help_called", SAME, ("help.called",), "child, elder, anybody"),
        Step(_INSIDE, "stayed_too_long", SAME, ("visit.overstayed",)),
    ),
)
"""The visit."""


@dataclass(frozen=True)
class StationRules:
    """Limits of a station."""

    most_visitors: int = 6
    stay_s: int = 900
    door_s: int = 15


@dataclass(frozen=True)
class Visit:
    """One visitor's stay.

    Parameters
    ----------
    wanted
        Parcels that are the visitor's.
    taken
        Parcels scanned so far.
    """

    id: str
    station: str
    state: str = VISIT.start
    wanted: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()


def proceed(visit: Visit, event: str) -> tuple[Visit, tuple[str, ...]]:
    """Apply an event; return the visit and the facts to be recorded.

    Raises
    ------
    ImpossibleStepError
        If it cannot happen now. An exit never is impossible once somebody is inside.
    """
    step = VISIT.step(visit.state, event)
    return replace(visit, state=step.after), step.emits


def scan(visit: Visit, parcel_id: str) -> tuple[Visit, tuple[str, ...]]:
    """Apply the scan of a parcel: one's own is collected, another's is told and stays.

    Raises
    ------
    ImpossibleStepError
        If nothing is lit.
    """
    if parcel_id not in visit.wanted:
        VISIT.step(visit.state, "parcel_scanned")
        return visit, ("pick.wrong",)
    after, facts = proceed(visit, "parcel_scanned")
    again = parcel_id in visit.taken
    return replace(after, taken=visit.taken | {parcel_id}), () if again else facts


def exit_scan(visit: Visit, carried: frozenset[str]) -> tuple[Visit, tuple[str, ...]]:
    """Compare what is carried out with what was scanned.

    Raises
    ------
    ImpossibleStepError
        If the visitor is not inside.
    """
    return proceed(visit, "exit_scan_agrees" if carried == visit.taken else "exit_scan_differs")


def admits(visitors: int, rules: StationRules) -> bool:
    """Tell whether one more may come in."""
    return visitors < rules.most_visitors
