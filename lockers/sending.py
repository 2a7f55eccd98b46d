"""A sending session at a kiosk (寄件): from the customer's QR to the receipt, as a table.

The flow is our design by analogy; no public description of 寄件宝 was found. The door opens only for a verified
sender, and a drop-off is claimed only when sensors say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from lockers.errors import ImpossibleStepError
from lockers.machine import Machine, Step

_BEFORE_LABEL: Final = ("identified", "declared", "priced")
_BEFORE_DOOR: Final = ("labelled", "stuck", "weighed")

SENDING: Final = Machine(
    "sending session",
    "idle",
    MappingProxyType(
        {
            "idle": "nobody is there",
            "identified": "the sender's identity was proven; only a reference is kept",
            "declared": "item, quantity and value are stated, or a return code was read",
            "priced": "the price was shown and agreed; a return costs nothing here",
            "labelled": "the label is printed, with a masked recipient",
            "stuck": "the kiosk scanned its own label on the parcel",
            "weighed": "the scale has spoken, or said that it cannot",
            "open": "the door was opened for the parcel",
            "dropped": "item seen, door shut: the parcel is the kiosk's",
            "receipted": "the customer has the receipt",
            "unclear": "the door was open and nothing certain was seen: a person decides",
            "voided": "given up; a printed waybill is void",
        }
    ),
    (
        Step(("idle",), "identity_proven", "identified", ("session.started",)),
        Step(("identified",), "item_declared", "declared"),
        Step(("declared",), "price_agreed", "priced"),
        Step(("priced",), "label_printed", "labelled", ("waybill.assigned",)),
        Step(("labelled",), "label_reprinted", "labelled", ("label.reprinted",), "once, same waybill"),
        Step(("labelled",), "label_scanned", "stuck"),
        Step(("stuck",), "weighed", "weighed"),
        Step(("weighed",), "door_opened", "open"),
        Step(("open",), "shut_occupied", "dropped", ("parcel.dropped",)),
        Step(("open",), "shut_empty", "weighed", ("deposit.empty",), "nothing was put in; the door may open again"),
        Step(("open",), "shut_unseen", "unclear", ("session.unclear",), "no sensor spoke: photo, a person decides"),
        Step(("open",), "power_back", "unclear", ("session.unclear",), "never re-opened by itself"),
        Step(("dropped",), "receipt_given", "receipted"),
        Step(("dropped",), "timed_out", "receipted", (), "the receipt waits in the customer's account"),
        Step(_BEFORE_LABEL, "given_up", "voided", ("session.voided",)),
        Step(_BEFORE_LABEL, "timed_out", "voided", ("session.voided",)),
        Step(_BEFORE_LABEL, "power_back", "voided", ("session.voided",)),
        Step(_BEFORE_DOOR, "given_up", "voided", ("session.voided", "waybill.voided")),
        Step(_BEFORE_DOOR, "timed_out", "voided", ("session.voided", "waybill.voided")),
        Step(_BEFORE_DOOR, "power_back", "voided", ("session.voided", "waybill.voided")),
        Step(("unclear",), "settled_dropped", "dropped", ("parcel.dropped",), "a person, with a reason"),
        Step(("unclear",), "settled_voided", "voided", ("session.voided", "waybill.voided"), "a person, with a reason"),
    ),
)
"""The sending session."""

#: Seconds a customer may take in each state; the door's own tiers rule while it is open.
PATIENCE_S: Final[MappingProxyType[str, int]] = MappingProxyType(
    {"identified": 60, "declared": 120, "priced": 60, "labelled": 180, "stuck": 60, "weighed": 60, "dropped": 30}
)
_REPRINTS: Final = 1


@dataclass(frozen=True)
class KioskHealth:
    """What the kiosk can do at this moment."""

    paper: bool = True
    scale: bool = True
    network: bool = True
    free_boxes: int = 1
    waybills_in_stock: int = 0
    door_left_open: bool = False

    def hindrance(self) -> str | None:
        """Say why no new session may begin, before anything was asked of the customer; None when one may."""
        if self.door_left_open:
            return "door_left_open"
        if self.free_boxes < 1:
            return "full"
        if not self.paper:
            return "no_paper"
        return "no_waybills" if not self.network and self.waybills_in_stock < 1 else None


@dataclass(frozen=True)
class SendingSession:
    """One customer's session.

    Parameters
    ----------
    proof
        Reference of the identity check.
    weight_provisional
        The scale failed its zero check: the price is provisional, and the courier weighs at collection.
    """

    id: str
    since: datetime
    state: str = SENDING.start
    proof: str | None = None
    waybill: str | None = None
    reprints: int = 0
    weight_provisional: bool = False


def advance(
    session: SendingSession, event: str, now: datetime, **learned: str | bool
) -> tuple[SendingSession, tuple[str, ...]]:
    """Apply an event and return the session and the facts to be recorded.

    Parameters
    ----------
    learned
        ``proof`` with ``identity_proven``, ``waybill`` with ``label_printed``, ``weight_provisional`` with
        ``weighed``.

    Raises
    ------
    ImpossibleStepError
        If the event cannot happen now, or what it must bring is missing.
    """
    step = SENDING.step(session.state, event)
    needed = {"identity_proven": "proof", "label_printed": "waybill"}.get(event)
    if needed is not None and not learned.get(needed):
        raise ImpossibleStepError(f"{event} needs a {needed}", event=event, field=needed)
    if event == "label_reprinted" and session.reprints >= _REPRINTS:
        raise ImpossibleStepError("a label is re-printed once", event=event)
    reprints = session.reprints + (event == "label_reprinted")
    after = replace(session, state=step.after, since=now, reprints=reprints, **learned)  # type: ignore[arg-type]
    return after, step.emits


def times_out(session: SendingSession, now: datetime) -> bool:
    """Tell whether the customer has taken longer than the state allows."""
    patience_s = PATIENCE_S.get(session.state)
    return patience_s is not None and now - session.since >= timedelta(seconds=patience_s)


@dataclass(frozen=True)
class CollectionBalance:
    """A courier's emptying of a kiosk: what was dropped must be accepted, refused or missing."""

    dropped: frozenset[str]
    accepted: frozenset[str]
    refused: frozenset[str]

    @property
    def missing(self) -> frozenset[str]:
        """Return waybills that were dropped and not found."""
        return self.dropped - self.accepted - self.refused

    @property
    def surplus(self) -> frozenset[str]:
        """Return waybills that were found and never dropped."""
        return (self.accepted | self.refused) - self.dropped

    @property
    def balanced(self) -> bool:
        """Tell whether every parcel is explained."""
        return not self.missing and not self.surplus and not self.accepted & self.refused
