"""The ledger's answer for one parcel: where is it, who has it, since when, what next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch.custody.events import NEXT_STEP_TITLES, STATUS_TITLES
from dispatch.custody.projection import CustodyFact, CustodyState, as_known, custody_state, in_order
from dispatch.custody.repository import CustodyRepository
from dispatch.errors import ParcelUnknownError
from dispatch.parcels.model import Parcel
from kernel.clock import rfc3339


@dataclass(frozen=True)
class Whereabouts:
    """One parcel's answer, with the events it rests on in their order."""

    parcel_id: str
    company_id: str
    waybill: str
    piece: int
    pieces: int
    state: CustodyState
    history: tuple[CustodyFact, ...]

    def sentence(self, language: str = "en", zone: str = "UTC") -> str:
        """Say the answer in one line, in ``en`` or ``zh``, in a zone's time; holders and places stay ``kind:id``."""
        state = self.state
        column = 1 if language == "zh" else 0
        status, step = STATUS_TITLES[state.status][column], NEXT_STEP_TITLES[state.next_step][column]
        since = rfc3339(state.since.replace(microsecond=0), zone)
        if language == "zh":
            until = f"（{state.next_on.isoformat()}）" if state.next_on else ""
            return (
                f"{self.waybill}：{status}；位置 {state.where}；责任人 {state.who}，自 {since}；下一步：{step}{until}"
            )
        until = f" on {state.next_on.isoformat()}" if state.next_on else ""
        return f"{self.waybill}: {status}; at {state.where}, with {state.who} since {since}; next: {step}{until}"


def where_is(
    session: Session, key: str, *, company_id: str | None = None, known_at: datetime | None = None
) -> Sequence[Whereabouts]:
    """Answer for every piece under a waybill, or for one parcel by its id.

    Parameters
    ----------
    key
        Waybill or parcel id.
    company_id
        Limits the answer to one company's parcels; others do not exist for the caller.
    known_at
        Answers with what the ledger had received by then instead of all it knows now (CUS-04).

    Raises
    ------
    ParcelUnknownError
        If nothing is known under this key (by then).
    """
    query = select(Parcel).where(or_(Parcel.id == key, Parcel.waybill == key))
    if company_id is not None:
        query = query.where(Parcel.company_id == company_id)
    parcels = session.scalars(query.order_by(Parcel.company_id, Parcel.waybill, Parcel.piece)).all()
    events = CustodyRepository(session).facts_of_many([parcel.id for parcel in parcels])
    answers = []
    for parcel in parcels:
        facts = events[parcel.id] if known_at is None else as_known(events[parcel.id], known_at)
        if facts:
            answers.append(_answer(parcel, facts))
    if not answers:
        raise ParcelUnknownError(f"no parcel is known as {key!r}", key=key)
    return answers


def _answer(parcel: Parcel, facts: list[CustodyFact]) -> Whereabouts:
    return Whereabouts(
        parcel_id=parcel.id,
        company_id=parcel.company_id,
        waybill=parcel.waybill,
        piece=parcel.piece,
        pieces=parcel.pieces,
        state=custody_state(facts),
        history=tuple(fact for _, fact in in_order(facts)),
    )
