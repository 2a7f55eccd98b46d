"""How long a parcel is kept, when its recipient is reminded, and what longer keeping costs (保管期).

Reading of the rules (LAW-05, news summaries): the operator sets a reasonable time and may not charge the recipient
within it. All figures are policy data; the default charge is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.money import Fen
from lockers.errors import RetentionRulesError

NOTHING: Final = Fen(0)


class RetentionStage(StrEnum):
    """What is due for a parcel that waits, mildest first."""

    KEPT = "kept"
    REMIND = "remind"
    CALL = "call"
    RETURN = "return"


@dataclass(frozen=True)
class RetentionRules:
    """A policy for waiting parcels; hours count from the deposit.

    Parameters
    ----------
    promised_h
        What the recipient was promised; afterwards the parcel is overdue, still collectable.
    free_h
        Nothing is charged until then; never less than was promised.
    step_h, step_fen, cap_fen
        Afterwards so much for each begun step, and never more than the cap.

    Raises
    ------
    RetentionRulesError
        If something would be charged within the promised time, or the stages are out of order.
    """

    promised_h: int = 72
    remind_h: int = 24
    call_h: int = 72
    return_h: int = 120
    free_h: int = 72
    step_h: int = 24
    step_fen: Fen = NOTHING
    cap_fen: Fen = NOTHING

    def __post_init__(self) -> None:
        if self.free_h < self.promised_h:
            raise RetentionRulesError(
                f"free_h {self.free_h} is shorter than promised_h {self.promised_h}", field="free_h"
            )
        if not 0 < self.remind_h <= self.call_h <= self.return_h or self.promised_h > self.return_h:
            raise RetentionRulesError("remind_h, call_h and return_h must rise, promised_h before return_h")
        if self.step_h < 1 or self.step_fen < 0 or self.cap_fen < 0:
            raise RetentionRulesError("the charge for keeping longer cannot be negative", field="step_fen")

    def promised_until(self, stored_at: datetime) -> datetime:
        """Return the moment until which the parcel is kept as promised."""
        return stored_at + timedelta(hours=self.promised_h)

    def overdue(self, stored_at: datetime, now: datetime) -> bool:
        """Tell whether the promised time is over."""
        return now >= self.promised_until(stored_at)

    def stage(self, stored_at: datetime, now: datetime) -> RetentionStage:
        """Return what is due now."""
        hours = (now - stored_at) / timedelta(hours=1)
        if hours >= self.return_h:
            return RetentionStage.RETURN
        if hours >= self.call_h:
            return RetentionStage.CALL
        return RetentionStage.REMIND if hours >= self.remind_h else RetentionStage.KEPT

    def charge(self, stored_at: datetime, now: datetime) -> Fen:
        """Return what the recipient owes if the parcel is fetched now."""
        beyond = now - stored_at - timedelta(hours=self.free_h)
        if beyond <= timedelta(0):
            return Fen(0)
        steps = -(-beyond // timedelta(hours=self.step_h))
        return Fen(min(steps * self.step_fen, self.cap_fen))
