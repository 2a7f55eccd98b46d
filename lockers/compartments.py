"""Compartments (格口): their sizes and what fits into them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CompartmentSize(StrEnum):
    """Size class of a compartment, smallest first."""

    S = "S"
    M = "M"
    L = "L"
    XL = "XL"

    @property
    def box(self) -> Box:
        """Return the usable inside of this class."""
        return _BOXES[self]


@dataclass(frozen=True)
class Box:
    """Inner measures of a compartment or outer measures of a parcel, in millimetres."""

    length_mm: int
    width_mm: int
    height_mm: int

    @property
    def volume_cm3(self) -> int:
        """Return the volume, rounded down."""
        return self.length_mm * self.width_mm * self.height_mm // 1000

    def fits_into(self, other: Box) -> bool:
        """Tell whether this box fits into another one in any of the six right-angled positions."""
        mine = sorted((self.length_mm, self.width_mm, self.height_mm))
        theirs = sorted((other.length_mm, other.width_mm, other.height_mm))
        return all(a <= b for a, b in zip(mine, theirs, strict=True))


# House defaults in the usual proportions of Chinese cabinets; a cabinet's own measures replace them.
_BOXES = {
    CompartmentSize.S: Box(450, 340, 80),
    CompartmentSize.M: Box(450, 340, 190),
    CompartmentSize.L: Box(450, 340, 290),
    CompartmentSize.XL: Box(450, 340, 640),
}


def smallest_fitting(parcel: Box) -> CompartmentSize | None:
    """Return the smallest class a parcel fits into, nothing when it fits into none."""
    for size in CompartmentSize:
        if parcel.fits_into(size.box):
            return size
    return None
