"""Which cells shine for whom: one colour per visitor, one pattern for a cell that two visitors want."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

#: The five of Okabe and Ito's colours (2008, "Color universal design") whose closest pair is farthest apart, with and
#: without each kind of colour blindness; a sixth would bring it from 0.131 down to 0.086 (OKLab). The first visitors
#: get those that differ most.
COLOURS: Final = ("0072B2", "F0E442", "D55E00", "56B4E9", "E69F00")
SHARED: Final = "FFFFFF"
LIT_S: Final = 120


@dataclass(frozen=True)
class LightOrder:
    """What a strip is asked to show: some cells, one colour, for a while.

    Parameters
    ----------
    pattern
        ``steady``, or ``blink`` for a cell that more than one visitor wants: whoever scans first takes it.
    visit
        Whose light it is, ``shared`` for a cell of several visitors.
    """

    cells: tuple[str, ...]
    colour: str
    pattern: str
    ttl_s: int
    visit: str


def free_colour(in_use: Collection[str]) -> str | None:
    """Return a colour nobody inside has, None when all are taken: then that visitor reads the cell numbers."""
    return next((colour for colour in COLOURS if colour not in in_use), None)


def light_orders(wanted: Mapping[str, Collection[str]], colours: Mapping[str, str]) -> tuple[LightOrder, ...]:
    """Return what a station's strips show for everybody inside.

    Parameters
    ----------
    wanted
        Cells by visit.
    colours
        Colour by visit; a visit without one is not lit.
    """
    owners: dict[str, list[str]] = {}
    for visit in sorted(wanted):
        for cell in wanted[visit]:
            if visit in colours:
                owners.setdefault(cell, []).append(visit)
    orders = [
        LightOrder(cells, colours[visit], "steady", LIT_S, visit)
        for visit in sorted(colours)
        if (cells := tuple(sorted(cell for cell, mine in owners.items() if mine == [visit])))
    ]
    shared = tuple(sorted(cell for cell, mine in owners.items() if len(mine) > 1))
    return (*orders, LightOrder(shared, SHARED, "blink", LIT_S, "shared")) if shared else tuple(orders)
