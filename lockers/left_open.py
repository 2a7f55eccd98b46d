"""A door left open: what is done about it, and when. One alarm per door, closed by shutting it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LeftOpen(StrEnum):
    """Tiers, mildest first."""

    NO = "no"
    BEEP = "beep"
    KEEPER = "keeper"
    TICKET = "ticket"


@dataclass(frozen=True)
class LeftOpenRules:
    """Seconds after which each tier begins."""

    beep_s: int = 60
    keeper_s: int = 300
    ticket_s: int = 1800

    def tier(self, open_s: float) -> LeftOpen:
        """Return the tier of a door that has stood open for so long."""
        if open_s >= self.ticket_s:
            return LeftOpen.TICKET
        if open_s >= self.keeper_s:
            return LeftOpen.KEEPER
        return LeftOpen.BEEP if open_s >= self.beep_s else LeftOpen.NO
