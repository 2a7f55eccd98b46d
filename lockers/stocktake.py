"""Stock-take by light (亮灯盘点): what the book says lies here against what was scanned.

The station works on while it is counted: what came or went meanwhile is known from events and is no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StockDifferences:
    """What a count found; empty means that book and shelves agree.

    Parameters
    ----------
    missing
        Parcels the book has and nobody scanned.
    surplus
        Parcels that were scanned and the book does not have.
    wrong_cell
        For each parcel found elsewhere: the book's cell and the cell it lies in.
    """

    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    wrong_cell: Mapping[str, tuple[str, str]]

    @property
    def agrees(self) -> bool:
        """Tell whether nothing differs."""
        return not (self.missing or self.surplus or self.wrong_cell)


def compare(
    book: Mapping[str, str],
    seen: Mapping[str, str],
    came: Mapping[str, str] | None = None,
    went: Collection[str] = (),
) -> StockDifferences:
    """Compare the book at the beginning of a count with what was scanned.

    Parameters
    ----------
    book, seen, came
        Cell by parcel.
    came, went
        Parcels put in and taken out while the count went on; a scan before or after is both right.
    """
    arrived = dict(came or {})
    expected = {parcel: cell for parcel, cell in book.items() if parcel not in went}
    known = expected | arrived
    return StockDifferences(
        missing=tuple(sorted(parcel for parcel in expected if parcel not in seen)),
        surplus=tuple(sorted(parcel for parcel in seen if parcel not in known and parcel not in went)),
        wrong_cell={
            parcel: (known[parcel], cell)
            for parcel, cell in sorted(seen.items())
            if parcel in known and cell not in (known[parcel], book.get(parcel))
        },
    )


def zones(cells: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Split cells into the zones that are lit one after the other: what stands before the first hyphen."""
    found: dict[str, list[str]] = {}
    for cell in sorted(cells):
        found.setdefault(cell.partition("-")[0], []).append(cell)
    return {zone: tuple(members) for zone, members in found.items()}
