"""The port of a light strip: what a shelf shows, and where its cells are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from firmware_bridge.peripherals.errors import LightLayoutError


@dataclass(frozen=True, order=True)
class Colour:
    """A colour as the lamps mix it, 0 to 255 each."""

    red: int
    green: int
    blue: int

    @classmethod
    def of(cls, text: str) -> Colour:
        """Read six hexadecimal digits."""
        red, green, blue = bytes.fromhex(text)
        return cls(red, green, blue)

    @property
    def hex(self) -> str:
        """Return six hexadecimal digits."""
        return bytes((self.red, self.green, self.blue)).hex().upper()


DARK: Final = Colour(0, 0, 0)


@dataclass(frozen=True)
class Segment:
    """Lamps from ``first`` to before ``end`` in one colour."""

    first: int
    end: int
    colour: Colour


class LightStrip(Protocol):
    """A strip of lamps.

    Both methods return whether the strip's controller confirmed; False means "sent, and nothing is known".
    """

    def show(self, segments: Sequence[Segment]) -> bool:
        """Show these segments and nothing else.

        Raises
        ------
        LightsError
            If the controller cannot be reached.
        """
        ...

    def off(self) -> bool:
        """Make the whole strip dark.

        Raises
        ------
        LightsError
            If the controller cannot be reached.
        """
        ...


@dataclass(frozen=True)
class StripLayout:
    """Which lamps belong to which cell.

    Parameters
    ----------
    lamps
        How many the strip has.
    cells
        First lamp and the one after the last, by cell.

    Raises
    ------
    LightLayoutError
        If two cells share a lamp, or one lies outside the strip or is empty.
    """

    lamps: int
    cells: Mapping[str, tuple[int, int]]

    def __post_init__(self) -> None:
        before, end_before = "", 0
        for cell, (first, end) in sorted(self.cells.items(), key=lambda item: item[1]):
            if not 0 <= first < end <= self.lamps:
                raise LightLayoutError(f"cell {cell} lies outside the strip of {self.lamps} lamps", cell=cell)
            if first < end_before:
                raise LightLayoutError(f"cells {before} and {cell} share lamps", cell=cell)
            before, end_before = cell, end

    @classmethod
    def read(cls, described: Mapping[str, object]) -> StripLayout:
        """Read the table ``lamps = 120`` and ``cells = {"a-1" = [0, 8], …}`` of a configuration file.

        Raises
        ------
        LightLayoutError
            If it lacks something or contradicts itself.
        """
        lamps, cells = described.get("lamps"), described.get("cells")
        if not isinstance(lamps, int) or not isinstance(cells, Mapping):
            raise LightLayoutError("a strip needs lamps and cells", field="lamps")
        ranges: dict[str, tuple[int, int]] = {}
        for cell, span in cells.items():
            if not isinstance(span, Sequence) or len(span) != 2 or not all(isinstance(edge, int) for edge in span):
                raise LightLayoutError(f"cell {cell} needs first lamp and the one after the last", cell=str(cell))
            ranges[str(cell)] = (span[0], span[1])
        return cls(lamps, ranges)

    def span(self, cell: str) -> tuple[int, int]:
        """Return a cell's lamps.

        Raises
        ------
        LightLayoutError
            If the cell has none.
        """
        span = self.cells.get(cell)
        if span is None:
            raise LightLayoutError(f"cell {cell} has no lamps", cell=cell)
        return span
