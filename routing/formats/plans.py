"""Read and write files of routes: CVRPLIB ``.sol`` and the text of SINTEF's tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from routing.formats.errors import PlanFileError

_ROUTE = re.compile(r"^route\s*#?\s*(\d+)\s*:\s*(.*)$", re.IGNORECASE)
_COST = re.compile(r"^cost\s*:?\s+([0-9.eE+]+)\s*$", re.IGNORECASE)
_REMARK = re.compile(r"^([A-Za-z][A-Za-z ]*?)\s*:\s*(.*)$")


@dataclass(frozen=True)
class PlanFile:
    """Routes as a file states them.

    Parameters
    ----------
    routes
        Node indices per route, counted as the file counts them: from 0, depots first. Empty routes are kept,
        because in some families route k belongs to vehicle k. A depot inside a route is a reload.
    cost
        The stated cost in the file's own unit; None when there is none.
    """

    routes: tuple[tuple[int, ...], ...]
    cost: float | None
    remarks: dict[str, str]


def read_plan(text: str, source: str = "plan") -> PlanFile:
    """Read ``Route #k: i j …`` or ``Route k : i j …`` lines with their cost and remarks.

    Raises
    ------
    PlanFileError
        If there is no route, a route's number goes back or a stop is no number.
    """
    routes: list[tuple[int, ...]] = []
    last = -1  # SINTEF's files begin at 0 or 1 and leave numbers out, but they never go back
    cost: float | None = None
    remarks: dict[str, str] = {}
    for at, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if found := _ROUTE.match(line):
            if int(found[1]) <= last:
                raise PlanFileError(f"{source}, line {at}: route {found[1]} comes after route {last}")
            last = int(found[1])
            routes.append(_stops(found[2], f"{source}, line {at}"))
        elif found := _COST.match(line):
            cost = float(found[1])
        elif found := _REMARK.match(line):
            remarks[found[1]] = found[2]
    if not routes:
        raise PlanFileError(f"{source}: there is no line that begins with 'Route'")
    return PlanFile(tuple(routes), cost, remarks)


def _stops(words: str, where: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in words.split())
    except ValueError:
        raise PlanFileError(f"{where}: a stop is not a whole number") from None


def write_plan(routes: Sequence[Sequence[int]], cost: float | int) -> str:
    """Write routes in CVRPLIB's ``.sol`` form, empty routes included."""
    lines = [f"Route #{k}: {' '.join(map(str, route))}".rstrip() for k, route in enumerate(routes, start=1)]
    return "\n".join([*lines, f"Cost {cost}"]) + "\n"
