"""Where a parcel is, who has it, since when and what comes next: a pure function of its events.

The answer depends on the set of events alone, never on the order of their arrival (CUS-01). Events of one
device keep the order of its outbox (``seq``), whatever its clock said; the outboxes are merged by corrected
fact time. A late event therefore restates the past, and :func:`as_known` gives back what was believed
before it came (CUS-04).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from dispatch.custody.events import CLOSED_STATUSES, EVENT_TYPES
from dispatch.errors import CustodyEventError

NOBODY_KNOWN = "unknown"
"""Custodian and place before any event names one."""


@dataclass(frozen=True)
class CustodyFact:
    """What the projection reads of one stored event."""

    event_id: str
    type: str
    fact_at: datetime
    received_at: datetime
    actor: str = ""
    device_id: str | None = None
    store: str | None = None
    seq: int | None = None
    place: str | None = None
    from_custodian: str | None = None
    to_custodian: str | None = None
    transfer_id: str | None = None
    section: str | None = None
    cause: str | None = None
    next_action: str | None = None
    next_on: date | None = None
    amount_fen: int | None = None
    consent_reference: str | None = None
    corrects: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenTransfer:
    """A hand-over of which one half is missing (交接未闭合)."""

    key: str
    from_custodian: str
    to_custodian: str
    since: datetime
    missing: str


@dataclass(frozen=True)
class Doubt:
    """An event that does not fit what was believed before it; it counts, and a person should look."""

    event_id: str
    says: str
    believed: str


@dataclass(frozen=True)
class CustodyState:
    """What a parcel's events add up to.

    ``where`` and ``who`` are ``kind:id``; ``since`` is when either of them or the status last changed.
    """

    status: str
    where: str
    who: str
    since: datetime
    next_step: str
    next_on: date | None
    cause: str | None
    attempts: int
    section: str | None
    consent_reference: str | None
    money_taken_fen: int
    open_transfer: OpenTransfer | None
    doubts: tuple[Doubt, ...]
    last_event_id: str

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing more is owed."""
        return self.status in CLOSED_STATUSES


@dataclass
class _FoldState:
    since: datetime
    status: str = "unannounced"
    where: str = NOBODY_KNOWN
    who: str = NOBODY_KNOWN
    outbound: bool = False
    next_action: str | None = None
    next_on: date | None = None
    cause: str | None = None
    attempts: int = 0
    section: str | None = None
    consent_reference: str | None = None
    money_taken_fen: int = 0
    open_transfer: OpenTransfer | None = None
    doubts: list[Doubt] = field(default_factory=list)
    last_event_id: str = ""


def custody_state(events: Iterable[CustodyFact]) -> CustodyState:
    """Fold a parcel's events into its state.

    Parameters
    ----------
    events
        All events of one parcel, in any order.

    Raises
    ------
    CustodyEventError
        If there is no event: a parcel nobody reported has no custodian.
    """
    ordered = in_order(_corrected(list(events)))
    if not ordered:
        raise CustodyEventError("a parcel without a custody event has no state")
    fold = _FoldState(since=ordered[0][0])
    for moment, fact in ordered:
        _apply(fold, moment, fact)
    return _finished(fold)


def as_known(events: Iterable[CustodyFact], moment: datetime) -> list[CustodyFact]:
    """Give the events the ledger had received by a moment: what was believed then."""
    return [fact for fact in events if fact.received_at <= moment]


def as_happened(events: Iterable[CustodyFact], moment: datetime) -> list[CustodyFact]:
    """Give the events that, by what is known now, had happened by a moment; corrections are applied."""
    known_now = in_order(_corrected(list(events)))
    return [fact for at, fact in known_now if at <= moment and fact.type != "corrected"]


def in_order(events: Sequence[CustodyFact]) -> list[tuple[datetime, CustodyFact]]:
    """Put events into the one order that depends on the events alone.

    Returns
    -------
    Pairs of effective moment and event. Within one outbox the effective moment never goes back, so a
    device whose clock was set back in between cannot reorder its own acts (HH-06, DEV-015).
    """
    outboxes: dict[tuple[str, str], list[CustodyFact]] = defaultdict(list)
    placed: list[tuple[datetime, CustodyFact]] = []
    for fact in events:
        if fact.device_id is None:
            placed.append((fact.fact_at, fact))
        else:
            outboxes[fact.device_id, fact.store or ""].append(fact)
    for outbox in outboxes.values():
        outbox.sort(key=lambda fact: (fact.seq or 0, fact.event_id))
        latest = outbox[0].fact_at
        for fact in outbox:
            latest = max(latest, fact.fact_at)
            placed.append((latest, fact))
    placed.sort(key=lambda pair: (pair[0], *_rank(pair[1])))
    return placed


def _rank(fact: CustodyFact) -> tuple[str, str, int, str]:
    return (fact.device_id or "", fact.store or "", fact.seq or 0, fact.event_id)


_CORRECTABLE = frozenset(
    {"type", "fact_at", "place", "from_custodian", "to_custodian", "transfer_id", "section", "cause", "next_action"}
    | {"next_on", "amount_fen", "consent_reference"}
)


def _corrected(events: list[CustodyFact]) -> list[CustodyFact]:
    """Apply corrections: the last one in force for an event wins, and a correction can be corrected."""
    in_force: dict[str, CustodyFact] = {}
    for _, fact in reversed(in_order([fact for fact in events if fact.type == "corrected"])):
        undone = in_force.get(fact.event_id)
        if fact.corrects is not None and (undone is None or not undone.body.get("void")):
            in_force.setdefault(fact.corrects, fact)
    kept = []
    for fact in events:
        correction = in_force.get(fact.event_id)
        if fact.type == "corrected" or correction is None:
            kept.append(fact)
        elif not correction.body.get("void"):
            kept.append(replace(fact, **corrected_values(correction.body)))
    return kept


def corrected_values(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read the replacement values of a correction.

    Raises
    ------
    CustodyEventError
        If a value names a field that cannot be corrected or a time that cannot be read.
    """
    values = dict(body.get("values") or {})
    unknown = sorted(set(values) - _CORRECTABLE)
    if unknown:
        raise CustodyEventError(f"a correction cannot change {', '.join(unknown)}", fields=unknown)
    if values.get("type", "arrived") not in EVENT_TYPES:
        raise CustodyEventError(f"a correction names the unknown event type {values['type']!r}")
    try:
        if "fact_at" in values:
            values["fact_at"] = datetime.fromisoformat(values["fact_at"])
        if values.get("next_on"):
            values["next_on"] = date.fromisoformat(values["next_on"])
    except (TypeError, ValueError) as problem:
        raise CustodyEventError(f"a correction carries an unreadable time: {problem}") from problem
    if "fact_at" in values and values["fact_at"].tzinfo is None:
        raise CustodyEventError("a correction's fact_at has no time zone")
    return values


def _apply(fold: _FoldState, moment: datetime, fact: CustodyFact) -> None:
    kind = EVENT_TYPES[fact.type]
    before = (fold.status, fold.where, fold.who)
    if fact.type == "handed_over":
        _open_or_close(fold, moment, fact, "received", to_be_done=fold.who != fact.to_custodian)
    elif fact.type == "received":
        _open_or_close(fold, moment, fact, "handed_over", to_be_done=True)
    if kind.takes_custody:
        _take(fold, fact, fact.to_custodian or kind.custodian)
    if fact.place:
        fold.where = fact.place
    if kind.status is not None:
        _enter(fold, fact, kind.status)
    _note(fold, fact)
    if (fold.status, fold.where, fold.who) != before:
        fold.since = moment
    fold.last_event_id = fact.event_id


def _take(fold: _FoldState, fact: CustodyFact, custodian: str) -> None:
    """Move custody; say so when the giver was not the one who had it."""
    said = fact.from_custodian
    if said and said != fold.who and fold.who != NOBODY_KNOWN:
        fold.doubts.append(Doubt(fact.event_id, says=said, believed=fold.who))
    if custodian and custodian != fold.who:
        fold.who = custodian
        fold.where = custodian
        if fact.type != "received":
            fold.open_transfer = None  # a scan by the next holder ends whatever hand-over hung


def _open_or_close(fold: _FoldState, moment: datetime, fact: CustodyFact, other: str, *, to_be_done: bool) -> None:
    """Pair the two halves of a hand-over, whichever came first."""
    giver, taker = fact.from_custodian or NOBODY_KNOWN, fact.to_custodian or NOBODY_KNOWN
    key = fact.transfer_id or f"{giver}>{taker}"
    waiting = fold.open_transfer
    if waiting is not None and waiting.key == key and waiting.missing == fact.type:
        fold.open_transfer = None
    elif to_be_done:
        fold.open_transfer = OpenTransfer(key, giver, taker, moment, missing=other)


def _enter(fold: _FoldState, fact: CustodyFact, status: str) -> None:
    fold.status = status
    fold.cause = fact.cause
    if status == "attempted":
        fold.attempts += 1
    if status == "accepted" or (status == "announced" and fact.to_custodian == "sender"):
        fold.outbound = True
    # What was promised after a failed attempt holds until the parcel moves on from the office.
    if fact.next_action is not None or fact.type != "returned_to_office":
        fold.next_action, fold.next_on = fact.next_action, fact.next_on
    if fact.type == "unsectioned":
        fold.section = None


def _note(fold: _FoldState, fact: CustodyFact) -> None:
    fold.section = fact.section or fold.section
    fold.consent_reference = fact.consent_reference or fold.consent_reference
    if fact.type == "consent_withdrawn":
        fold.consent_reference = None
    elif fact.type == "money_taken":
        fold.money_taken_fen += fact.amount_fen or 0
    elif fact.type == "money_refunded":
        fold.money_taken_fen -= fact.amount_fen or 0


_STEP_AFTER = {
    "unannounced": "investigate",
    "announced": "await_arrival",
    "in_office": "section",
    "sectioned": "load",
    "loaded": "depart",
    "out_for_delivery": "deliver",
    "attempted": "investigate",
    "stored": "await_collection",
    "not_taken": "take_back",
    "held": "release",
    "returning": "hand_back",
}
_OUTBOUND_STEP_AT = {
    "sender": "collect",
    "site": "collect",
    "courier": "bring_in",
    "vehicle": "bring_in",
    "office": "pass_on",
}


def _next_step(fold: _FoldState) -> str:
    if fold.status in CLOSED_STATUSES:
        return "none"
    if fold.open_transfer is not None:
        return "receive" if fold.open_transfer.missing == "received" else "confirm_hand_over"
    if fold.next_action is not None:
        return fold.next_action
    if fold.outbound:
        return _OUTBOUND_STEP_AT.get(fold.who.partition(":")[0], "bring_in")
    return _STEP_AFTER[fold.status]


_COPIED_AS_IS = tuple(entry.name for entry in fields(CustodyState) if entry.name not in {"next_step", "doubts"})


def _finished(fold: _FoldState) -> CustodyState:
    kept = {name: getattr(fold, name) for name in _COPIED_AS_IS}
    return CustodyState(next_step=_next_step(fold), doubts=tuple(fold.doubts), **kept)
