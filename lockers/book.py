"""A compartment's three facts: its door and what lies in it come from sensors, its book from events.

Where they disagree it is an alarm for a person; nothing is silently corrected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lockers.errors import ImpossibleStepError
from lockers.machine import Machine, Step


class Door(StrEnum):
    """What a door's sensor says."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Occupancy(StrEnum):
    """What the sensor inside says."""

    EMPTY = "empty"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


_UNTOUCHED: Final = ("free", "reserved", "stored", "expired", "blocked")

BOOK: Final = Machine(
    "compartment",
    "free",
    MappingProxyType(
        {
            "free": "may be offered",
            "reserved": "kept for one parcel",
            "depositing": "the door was opened to put it in",
            "stored": "the parcel waits",
            "collecting": "the door was opened for whoever fetches it",
            "expired": "kept longer than promised; still collectable by rule",
            "returning": "a courier fetches it back",
            "blocked": "out of service until somebody clears it",
            "disputed": "facts disagree; not offered until a person settles it",
        }
    ),
    (
        Step(("free",), "reserve", "reserved"),
        Step(("reserved",), "time_out", "free", ("reservation.ended",)),
        Step(("reserved",), "open_to_deposit", "depositing"),
        Step(("depositing",), "shut_occupied", "stored", ("parcel.deposited",)),
        Step(("depositing",), "shut_empty", "reserved", ("deposit.empty",), "nothing was put in"),
        Step(("depositing",), "shut_unseen", "depositing", (), "no sensor inside: the courier must say so"),
        Step(("depositing",), "deposit_said", "stored", ("parcel.deposited",), "only after the door was shut"),
        Step(("depositing",), "seen_elsewhere", "disputed", ("deposit.misaligned",), "the parcel lies in another box"),
        Step(("stored", "expired"), "open_to_collect", "collecting", (), "a valid code, or the keeper"),
        Step(("stored",), "retention_over", "expired", ("parcel.overdue",)),
        Step(("collecting",), "shut_empty", "free", ("parcel.collected",)),
        Step(("collecting",), "shut_occupied", "stored", ("parcel.not_taken",)),
        Step(
            ("collecting",), "shut_unseen", "free", ("parcel.collected",), "the door's word alone; said so in the event"
        ),
        Step(("collecting",), "never_opened", "stored", (), "the lock failed or nobody pulled"),
        Step(("expired",), "open_to_return", "returning", (), "a courier's code"),
        Step(("returning",), "shut_empty", "free", ("parcel.fetched_back",)),
        Step(("returning",), "shut_occupied", "expired", ("parcel.not_taken",)),
        Step(("returning",), "shut_unseen", "free", ("parcel.fetched_back",), "the courier's scan is the evidence"),
        Step(("returning",), "never_opened", "expired"),
        Step(("free", "reserved"), "block", "blocked", ("compartment.blocked",), "fault or maintenance, with a reason"),
        Step(("blocked",), "clear", "free", ("compartment.cleared",), "a reason, and sensors say closed and empty"),
        Step(_UNTOUCHED, "opened_without_right", "disputed", ("door.forced",)),
        Step(("disputed",), "settle_free", "free", ("dispute.settled",), "a person, with a reason"),
        Step(("disputed",), "settle_stored", "stored", ("dispute.settled",), "a person, with a reason"),
        Step(("disputed",), "settle_blocked", "blocked", ("dispute.settled",), "a person, with a reason"),
    ),
)
"""The book of a compartment (格口)."""

_OPENERS: Final = {"open_to_deposit": "depositing", "open_to_collect": "collecting", "open_to_return": "returning"}
_WORKING: Final = frozenset(_OPENERS.values())


@dataclass(frozen=True)
class Compartment:
    """One compartment: three separate facts, and the parcel its book speaks of.

    Parameters
    ----------
    opened
        Whether the door was seen open since the present business began.
    doubts
        Disagreements between sensors and book, open until a person settles them.
    """

    id: str
    door: Door = Door.UNKNOWN
    occupancy: Occupancy = Occupancy.UNKNOWN
    book: str = BOOK.start
    parcel_id: str | None = None
    opened: bool = False
    doubts: tuple[str, ...] = ()

    @property
    def offered(self) -> bool:
        """Tell whether a parcel may be sent here: free by the book, and no sensor says otherwise."""
        return self.book == "free" and self.door is not Door.OPEN and self.occupancy is not Occupancy.OCCUPIED


@dataclass(frozen=True)
class Outcome:
    """A compartment after something happened, and what is to be recorded."""

    compartment: Compartment
    facts: tuple[str, ...] = ()


def reserve(compartment: Compartment, parcel_id: str) -> Outcome:
    """Keep a compartment for one parcel.

    Raises
    ------
    ImpossibleStepError
        If it is not free, or a sensor says that it is not empty and shut.
    """
    if not compartment.offered:
        raise ImpossibleStepError(f"compartment {compartment.id} cannot be offered", state=compartment.book)
    return _walk(replace(compartment, parcel_id=parcel_id), "reserve")


def decide(compartment: Compartment, event: str) -> Outcome:
    """Apply what a person, a code or a timer decided.

    Raises
    ------
    ImpossibleStepError
        If it cannot happen now: the table does not have it, or sensors contradict it.
    """
    if event == "clear" and (compartment.door, compartment.occupancy) != (Door.CLOSED, Occupancy.EMPTY):
        raise ImpossibleStepError(f"compartment {compartment.id} is not seen closed and empty", event=event)
    if event == "deposit_said" and (not compartment.opened or compartment.door is Door.OPEN):
        raise ImpossibleStepError(f"the door of compartment {compartment.id} was not opened and shut", event=event)
    if event == "never_opened" and compartment.opened:
        raise ImpossibleStepError(f"the door of compartment {compartment.id} was seen open", event=event)
    if event in _OPENERS and compartment.door is Door.OPEN:
        raise ImpossibleStepError(f"the door of compartment {compartment.id} stands open already", event=event)
    return _walk(replace(compartment, opened=False) if event in _OPENERS else compartment, event)


def door_opened(compartment: Compartment) -> Outcome:
    """Apply that the door was seen open: by right when business is in hand, else it is a dispute."""
    # Hands are inside now: what the sensor said before counts no more.
    seen = replace(compartment, door=Door.OPEN, occupancy=Occupancy.UNKNOWN)
    if compartment.book in _WORKING:
        return Outcome(replace(seen, opened=True))
    if compartment.door is Door.CLOSED and BOOK.may(compartment.book, "opened_without_right"):
        return _walk(seen, "opened_without_right")
    return Outcome(seen)


def door_shut(compartment: Compartment, inside: Occupancy = Occupancy.UNKNOWN) -> Outcome:
    """Apply that the door was seen shut.

    Parameters
    ----------
    inside
        What the sensor inside said after the door was shut; unknown where there is none.
    """
    seen = replace(compartment, door=Door.CLOSED, occupancy=inside)
    if compartment.opened and compartment.book in _WORKING:
        word = {Occupancy.OCCUPIED: "occupied", Occupancy.EMPTY: "empty"}.get(inside, "unseen")
        return _walk(seen, f"shut_{word}")
    return occupancy_seen(seen, inside)


def occupancy_seen(compartment: Compartment, occupancy: Occupancy) -> Outcome:
    """Apply what the sensor inside says; a disagreement with the book is a doubt, and recorded once."""
    seen = replace(compartment, occupancy=occupancy)
    doubt = _doubt(seen)
    if doubt is None or doubt in compartment.doubts:
        return Outcome(seen)
    return Outcome(replace(seen, doubts=(*seen.doubts, doubt)), (f"doubt.{doubt}",))


def controller_lost(compartment: Compartment) -> Outcome:
    """Doubt both sensors because their board is silent; the book is unchanged."""
    return Outcome(replace(compartment, door=Door.UNKNOWN, occupancy=Occupancy.UNKNOWN))


def _walk(compartment: Compartment, event: str) -> Outcome:
    step = BOOK.step(compartment.book, event)
    after = replace(compartment, book=step.after)
    if step.after == "free":
        after = replace(after, parcel_id=None, opened=False, doubts=())
    elif step.after not in _WORKING:
        after = replace(after, opened=False)
    return Outcome(after, step.emits)


def _doubt(compartment: Compartment) -> str | None:
    if compartment.door is Door.OPEN:
        return None  # hands are inside
    if compartment.book == "free" and compartment.occupancy is Occupancy.OCCUPIED:
        return "parcel_without_book"
    if compartment.book in ("stored", "expired") and compartment.occupancy is Occupancy.EMPTY:
        return "book_without_parcel"
    return None
