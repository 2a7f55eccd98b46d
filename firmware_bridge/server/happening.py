"""What the intake hands to a room: an event that is genuine and new, whose effects are to be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from pydantic import BaseModel
from sqlalchemy.orm import Session

from firmware_bridge.schemas import Event
from firmware_bridge.server.enrolment import KnownDevice


@dataclass(frozen=True)
class Happening:
    """An event, its device, and when it happened by the server's clock.

    Parameters
    ----------
    body
        The event's body as its schema read it; None for a type without schema.
    """

    event: Event
    device: KnownDevice
    fact_at: datetime
    body: BaseModel | None = None


class EventHandler(Protocol):
    """What a room does with one type of event."""

    def apply(self, session: Session, event: Event, device: KnownDevice, fact_at: datetime) -> str | None:
        """Write the event's effects in the caller's transaction; return the id of what it is about.

        An error of ours puts the event aside and undoes what was written for it.
        """
        ...


@runtime_checkable
class BatchHandler(Protocol):
    """A handler that also takes many events at once, for types that come by the hundred a second."""

    def apply_many(self, session: Session, happenings: Sequence[Happening]) -> Sequence[str | None]:
        """Write the effects of all, or raise; then each is tried again among fewer, and at last alone."""
        ...


def apply_all(handler: EventHandler | None, session: Session, happenings: Sequence[Happening]) -> Sequence[str | None]:
    """Hand events of one type to its handler; a type without handler has no effects."""
    if handler is None:
        return [None] * len(happenings)
    if isinstance(handler, BatchHandler):
        return handler.apply_many(session, happenings)
    return [handler.apply(session, one.event, one.device, one.fact_at) for one in happenings]
