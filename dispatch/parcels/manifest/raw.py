"""A row as it stands in the file, before anything is understood."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawRow:
    """Cells of one row with its line; ``fault`` says why the row could not even be split into cells."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""
