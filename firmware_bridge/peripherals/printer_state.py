"""What a printer can be in."""

from __future__ import annotations

from enum import StrEnum


class PrinterState(StrEnum):
    """One word for what a printer says of itself."""

    READY = "ready"
    BUSY = "busy"
    PAPER_LOW = "paper_low"
    PAPER_OUT = "paper_out"
    JAM = "jam"
    COVER_OPEN = "cover_open"
    STOPPED = "stopped"
    SILENT = "silent"

    @property
    def can_print(self) -> bool:
        """Tell whether a label sent now may be expected to come out."""
        return self in (PrinterState.READY, PrinterState.PAPER_LOW)
