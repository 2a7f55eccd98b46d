"""The life of a command as the server knows it: a table, printed by the documentation.

Never optimistic: "sent" says only that bytes left, "accepted" that the device will try, "actuated" that a coil was
pulsed. Only "confirmed" says that the door was seen opening.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

QUEUED: Final = "queued"
SENT: Final = "sent"
ACCEPTED: Final = "accepted"
ACTUATED: Final = "actuated"
CONFIRMED: Final = "confirmed"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
REFUSED: Final = "refused"
EXPIRED: Final = "expired"

STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        QUEUED: "asked for, not sent yet",
        SENT: "on its way",
        ACCEPTED: "the device will try",
        ACTUATED: "the coil was pulsed; the door has not spoken yet",
        CONFIRMED: "the door was seen opening; or the report that was asked for is here",
        FAILED: "pulsed, and the door was seen closed; or the board refused",
        UNKNOWN: "pulsed or about to be, and nothing was seen: a person decides",
        REFUSED: "the device did not obey, and says why",
        EXPIRED: "its time ran out and nothing was heard",
    }
)
"""Every state with what it says, and no more than that."""

ENDS: Final = frozenset({CONFIRMED, FAILED, UNKNOWN, REFUSED, EXPIRED})
"""States that only a resolution follows."""

_ORDER: Final = {QUEUED: 0, SENT: 1, ACCEPTED: 2, ACTUATED: 3}


@dataclass(frozen=True)
class Advance:
    """What a piece of evidence does to a command.

    Parameters
    ----------
    state
        The state from now on.
    resolution
        Set when evidence comes after an end: the end stays on record, this is what is known now.
    late
        Evidence contradicts "expired": an alarm.
    """

    state: str
    resolution: str | None = None
    late: bool = False


def advance(state: str, evidence: str) -> Advance:
    """Apply evidence to a state.

    Evidence may come twice, late or out of order: going back is ignored, an end is never rewritten. After
    ``expired`` and ``unknown`` the device's own later word becomes the resolution.
    """
    if state in ENDS:
        stronger = evidence in ENDS and evidence != state and state in {EXPIRED, UNKNOWN} and evidence != EXPIRED
        pulsed_late = state == EXPIRED and evidence == ACTUATED
        if stronger or pulsed_late:
            acted = evidence not in {REFUSED}
            return Advance(state, resolution=evidence, late=state == EXPIRED and acted)
        return Advance(state)
    if evidence in ENDS or _ORDER[evidence] > _ORDER[state]:
        return Advance(evidence)
    return Advance(state)
