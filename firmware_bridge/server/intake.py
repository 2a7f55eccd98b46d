"""Taking in what devices say: check, store once, hand to the rooms, and say what is committed.

:class:`Intake` works on batches. Each event is stored together with all its effects in one savepoint of one
transaction; the receipts it returns are for messages whose transaction has committed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dispatch.custody.repository import insert_many, insert_new
from firmware_bridge.errors import (
    DuplicateEventError,
    ForkError,
    PayloadError,
    PayloadTooLargeError,
    SignatureError,
    TopicError,
    UnknownDeadLetterError,
)
from firmware_bridge.payload import parse_object
from firmware_bridge.schemas import MAX_LISTED, Ack, Event, check_event_body, parse_message
from firmware_bridge.server.alarms import (
    BAD_SIGNATURE,
    CLOCK_SKEW,
    FORK,
    GAP,
    WRONG_TOPIC,
    close_alarm,
    raise_alarm,
)
from firmware_bridge.server.enrolment import Keyring, KnownDevice
from firmware_bridge.server.happening import BatchHandler, EventHandler, Happening, apply_all
from firmware_bridge.server.model import DeadLetter, DeviceAlarm, DeviceProgress, InboundEvent
from firmware_bridge.server.sequences import SeqSet
from firmware_bridge.signing import Direction, unseal
from firmware_bridge.topics import ParsedTopic, parse_topic
from kernel.clock import Clock
from kernel.db import Database
from kernel.errors import CundaError, InternalError, UnavailableError
from kernel.events import queue_writers
from kernel.log import get_logger

log = get_logger("firmware_bridge.server")

SKEW_ALARM: Final = timedelta(minutes=2)
GAP_ALARM: Final = timedelta(minutes=10)
_PROGRESS: Final = (
    DeviceProgress.device_id,
    DeviceProgress.store,
    DeviceProgress.contiguous,
    DeviceProgress.ahead,
    DeviceProgress.gap_since,
)
_PROGRESS_TABLE: Final = cast(Table, DeviceProgress.__table__)
_KEEP_PROGRESS: Final = (
    update(_PROGRESS_TABLE)
    .where(_PROGRESS_TABLE.c.device_id == bindparam("b_device"), _PROGRESS_TABLE.c.store == bindparam("b_store"))
    .values({name: bindparam(name) for name in ("contiguous", "ahead", "gap_since", "updated_at")})
)
_STORE_ID: Final = re.compile(r"[a-z0-9]{4,32}")
_MAX_SEQ: Final = 2**53
_KEPT_UNSIGNED: Final = 50  # letters of one open alarm; more of the same teaches nothing
_KEPT_RAW: Final = 4096  # of an unsigned message: enough to see what it was, too little to fill a disk with


_Store = tuple[str, str]  # device and its store


@dataclass(frozen=True)
class Arrival:
    """One message as the broker handed it over."""

    topic: str
    payload: bytes


@dataclass(frozen=True)
class _Opened:
    device: KnownDevice
    kind: str
    event: Event
    raw: bytes
    digest: str

    @property
    def store(self) -> _Store:
        return self.device.address.device, self.event.store


@dataclass(frozen=True)
class _Refused:
    """A message that no event could be read from."""

    topic: str
    raw: bytes
    reason: str
    detail: str
    signed: bool
    owner: str | None = None
    store: str | None = None
    seq: int | None = None


@dataclass(frozen=True)
class Applied:
    """An event that was stored for the first time: its type and what it is about."""

    type: str
    subject: str | None


@dataclass
class _ShelfState:
    """What has arrived of one store; locked until the transaction ends."""

    seqs: SeqSet
    gap_since: datetime | None
    changed: bool = False

    def add(self, seq: int) -> None:
        self.seqs, self.changed = self.seqs.with_seq(seq), True


_Shelves = dict[_Store, _ShelfState]


@dataclass
class BatchState:
    """What a batch came to; to be used only after its transaction committed."""

    applied: list[Applied] = field(default_factory=list)
    acks: dict[_Store, SeqSet] = field(default_factory=dict)
    dead: dict[_Store, list[int | str]] = field(default_factory=dict)
    duplicates: int = 0
    put_aside: int = 0

    def note_dead(self, device: str, store: str, entry: int | str) -> None:
        """Note that an event was put aside, to be told to its device."""
        entries = self.dead.setdefault((device, store), [])
        if entry not in entries and len(entries) < MAX_LISTED:
            entries.append(entry)


class Intake:
    """Stores batches of messages.

    Parameters
    ----------
    handlers
        What to do with each known event type; other types are stored as they are.
    """

    def __init__(
        self, database: Database, keyring: Keyring, clock: Clock, handlers: Mapping[str, EventHandler]
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._handlers = handlers
        self._stores_seen: set[_Store] = set()

    def take(self, arrivals: Sequence[Arrival]) -> BatchState:
        """Store a batch in one transaction and return what it came to.

        Raises
        ------
        DatabaseUnavailableError
            If the database does not answer; nothing was stored.
        """
        opened = [self._open(arrival) for arrival in arrivals]
        batch = BatchState()
        readable = sorted((one for one in opened if isinstance(one, _Opened)), key=_place)
        stores = sorted({key for message in opened if (key := _store_of(message)) is not None})
        with self._database.begin() as session:
            # Locks come in one order - stores, then the log, then what handlers touch - so that workers that share
            # devices or parcels wait for each other and never in a circle.
            shelves = self._locked(session, stores)
            fresh, again = _sorted_out(readable, shelves)
            if fresh:
                queue_writers(session)
            self._apply_surely(session, fresh, batch)
            for message in again:
                self._compare(session, message, batch)
            for refused in opened:
                if isinstance(refused, _Refused):
                    self._put_aside_unread(session, refused, shelves, batch)
            self._watch_clocks(session, fresh)
            self._keep(session, shelves)
        self._stores_seen.update(stores)
        for message in readable:
            batch.acks[message.store] = shelves[message.store].seqs
        return batch

    def acknowledgement(self, store: str, seqs: SeqSet, dead: Sequence[int | str] = ()) -> Ack:
        """Say what of a store is committed."""
        upto, missing = seqs.acknowledgement()
        return Ack(store=store, upto=upto, missing=missing, dead=tuple(dead), server_time=self._clock.now())

    def standing(self, active_within: timedelta) -> list[tuple[str, str, SeqSet]]:
        """Return device, store and what has arrived, for stores heard of lately."""
        since = self._clock.now() - active_within
        with self._database.read() as session:
            rows = session.scalars(select(DeviceProgress).where(DeviceProgress.updated_at >= since)).all()
            return [(row.device_id, row.store, _seqs(row)) for row in rows]

    def alarm_old_gaps(self) -> int:
        """Raise an alarm for every store whose gap was not filled in time; return how many are open."""
        now = self._clock.now()
        query = select(DeviceProgress).where(DeviceProgress.gap_since <= now - GAP_ALARM)
        with self._database.read() as session:  # look before writing: an idle server stands in nobody's way
            if session.scalars(query.limit(1)).first() is None:
                return 0
        with self._database.begin() as session:
            rows = session.scalars(query).all()
            for row in rows:
                first = _seqs(row).gaps()[0]
                raise_alarm(session, row.device_id, GAP, row.store, f"missing from {first[0]} to {first[1]}", now)
            return len(rows)

    def replay(self, dead_letter_id: int) -> Applied:
        """Try a dead letter again after its cause was removed.

        Raises
        ------
        UnknownDeadLetterError
            If there is none, it was replayed before, or it was never signed by a device.
        CundaError
            Whatever still stands in the way; the letter stays.
        """
        with self._database.begin() as session:
            letter = session.get(DeadLetter, dead_letter_id)
            if letter is None or letter.replayed_at is not None or not letter.signed:
                raise UnknownDeadLetterError(f"no dead letter {dead_letter_id} can be replayed", id=dead_letter_id)
            parsed = parse_topic(letter.topic)
            device = self._keyring.device(parsed.address.device)
            if device is None:
                raise UnknownDeadLetterError(f"the device of dead letter {dead_letter_id} is not active")
            event = parse_message(Event, letter.raw)
            message = _Opened(device, parsed.rest, event, letter.raw, _fact_digest(event))
            queue_writers(session)
            [applied] = self._apply(session, [message])
            letter.replayed_at = self._clock.now()
            return applied

    def _open(self, arrival: Arrival) -> _Opened | _Refused:
        try:
            parsed = parse_topic(arrival.topic)
        except TopicError as problem:
            return _Refused(arrival.topic, arrival.payload, "topic", problem.message, signed=False)
        device = self._keyring.device(parsed.address.device)
        try:
            raw = unseal(
                lambda kid: device.key if device is not None and device.key.kid == kid else None,
                Direction.EVENT,
                arrival.topic,
                arrival.payload,
            )
        except (SignatureError, PayloadError, PayloadTooLargeError) as problem:
            owner = device.address.device if device else None
            return _Refused(arrival.topic, arrival.payload, problem.code, problem.message, signed=False, owner=owner)
        assert device is not None  # no key, no signature
        return _read(device, parsed, arrival.topic, raw)

    def _apply_surely(self, session: Session, messages: Sequence[_Opened], batch: BatchState) -> None:
        """Store events with all their effects; one that cannot be is put aside and takes no neighbour with it.

        All are tried at once; when that fails, each half for itself, down to the one that is to blame.
        """
        if not messages:
            return
        try:
            with session.begin_nested():
                batch.applied.extend(self._apply(session, messages))
        except (CundaError, IntegrityError) as problem:
            if isinstance(problem, UnavailableError | InternalError):
                raise
            if len(messages) > 1:
                middle = len(messages) // 2
                self._apply_surely(session, messages[:middle], batch)
                self._apply_surely(session, messages[middle:], batch)
            else:
                self._put_aside(session, messages[0], problem)
                batch.put_aside += 1
                batch.note_dead(*messages[0].store, messages[0].event.seq)

    def _apply(self, session: Session, messages: Sequence[_Opened]) -> list[Applied]:
        now = self._clock.now()
        together: dict[str, list[tuple[_Opened, Happening]]] = {}
        for message in messages:
            body = check_event_body(message.event)
            happening = Happening(message.event, message.device, _corrected(message.event, now), body)
            # Types that are not taken in bulk keep the order of their device: a door opens before it shuts.
            bulk = isinstance(self._handlers.get(message.event.type), BatchHandler)
            together.setdefault(message.event.type if bulk else "", []).append((message, happening))
        _refuse_known_ids(session, messages)
        rows = []
        for kind, pairs in together.items():
            happenings = [happening for _, happening in pairs]
            runs = [happenings] if kind else [[one] for one in happenings]
            subjects = [
                subject for run in runs for subject in apply_all(self._handlers.get(run[0].event.type), session, run)
            ]
            for (message, happening), subject in zip(pairs, subjects, strict=True):
                rows.append(_inbox_row(message, happening, subject, now))
        insert_many(session, InboundEvent, rows)
        return [Applied(row["type"], row["subject"]) for row in rows]

    def _compare(self, session: Session, message: _Opened, batch: BatchState) -> None:
        """Tell a retry from a twin: the same number with other content is a cloned device or an old backup."""
        device, event = message.device.address.device, message.event
        where = (InboundEvent.device_id == device, InboundEvent.store == event.store, InboundEvent.seq == event.seq)
        stored = session.scalars(select(InboundEvent.digest).where(*where)).first()
        if stored == message.digest:
            batch.duplicates += 1
            return
        if stored is None:  # it was put aside before: the device has not heard of that yet
            batch.note_dead(device, event.store, event.seq)
            return
        now = self._clock.now()
        detail = f"number {event.seq} of store {event.store} holds another event; compare dead letters"
        raise_alarm(session, device, FORK, event.store, detail, now)
        self._put_aside(session, message, ForkError(detail, seq=event.seq))
        batch.put_aside += 1
        batch.note_dead(device, event.store, event.seq)

    def _locked(self, session: Session, stores: Sequence[_Store]) -> _Shelves:
        if not stores:
            return {}
        now = self._clock.now()
        fresh: list[dict[str, Any]] = [
            {"device_id": device, "store": store, "contiguous": 0, "ahead": [], "gap_since": None, "updated_at": now}
            for device, store in stores
            if (device, store) not in self._stores_seen
        ]
        insert_new(session, DeviceProgress, fresh)  # before locking what is there, in one order: see `take`
        query = (
            select(*_PROGRESS)
            .where(DeviceProgress.device_id.in_({device for device, _ in stores}))
            .order_by(DeviceProgress.device_id, DeviceProgress.store)
            .with_for_update()
        )
        wanted, found = set(stores), {}
        for device, store, contiguous, ahead, gap_since in session.execute(query):
            if (device, store) in wanted:
                found[device, store] = _ShelfState(_seq_set(contiguous, ahead), gap_since)
        return found

    def _keep(self, session: Session, shelves: _Shelves) -> None:
        """Write down what has arrived, and since when something is missing before it."""
        now, rows = self._clock.now(), []
        for (device, store), shelf in shelves.items():
            if not shelf.changed:
                continue
            ahead = shelf.seqs.ahead
            if not ahead and shelf.gap_since is not None:
                close_alarm(session, device, GAP, store, now)
            rows.append(
                {
                    "b_device": device,
                    "b_store": store,
                    "contiguous": shelf.seqs.contiguous,
                    "ahead": [list(run) for run in ahead],
                    "gap_since": (shelf.gap_since or now) if ahead else None,
                    "updated_at": now,
                }
            )
        if rows:
            session.execute(_KEEP_PROGRESS, rows)

    def _watch_clocks(self, session: Session, messages: Sequence[_Opened]) -> None:
        """Raise an alarm for every clock that is far off, and close those of clocks that are right again."""
        synced = [message for message in messages if message.event.clock.synced]
        if not synced:
            return
        now, limit_ms = self._clock.now(), SKEW_ALARM / timedelta(milliseconds=1)
        query = select(DeviceAlarm.device_id).where(
            DeviceAlarm.kind == CLOCK_SKEW,
            DeviceAlarm.closed_at.is_(None),
            DeviceAlarm.device_id.in_({message.device.address.device for message in synced}),
        )
        alarmed = set(session.scalars(query))
        for message in synced:
            device, event = message.device.address.device, message.event
            if abs(event.clock.offset_ms) > limit_ms:
                raise_alarm(session, device, CLOCK_SKEW, "clock", f"off by {event.clock.offset_ms} ms", now)
                alarmed.add(device)
            elif device in alarmed and not event.historical:
                close_alarm(session, device, CLOCK_SKEW, "clock", now)
                alarmed.discard(device)

    def _put_aside(self, session: Session, message: _Opened, problem: Exception) -> None:
        reason = problem.code if isinstance(problem, CundaError) else "constraint"
        text = problem.message if isinstance(problem, CundaError) else "a constraint of the database"
        device, event = message.device, message.event
        _add_letter(
            session,
            DeadLetter(
                device_id=device.address.device,
                store=event.store,
                seq=event.seq,
                event_id=event.id,
                topic=device.address.event(message.kind),
                reason=reason,
                detail=text,
                received_at=self._clock.now(),
                signed=True,
                digest=message.digest,
                raw=message.raw,
            ),
        )
        log.warning("event_put_aside", device=device.address.device, seq=event.seq, error_code=reason)

    def _put_aside_unread(self, session: Session, refused: _Refused, shelves: _Shelves, batch: BatchState) -> None:
        now = self._clock.now()
        digest = hashlib.sha256(refused.raw).hexdigest()
        batch.put_aside += 1
        if self._alarm_refused(session, refused, now) <= _KEPT_UNSIGNED or refused.signed:
            letter = DeadLetter(
                device_id=refused.owner,
                store=refused.store,
                seq=refused.seq,
                topic=refused.topic[:160],
                reason=refused.reason,
                detail=refused.detail,
                received_at=now,
                signed=refused.signed,
                digest=digest,
                raw=refused.raw if refused.signed else refused.raw[:_KEPT_RAW],
            )
            _add_letter(session, letter)
        if refused.signed and refused.owner is not None:
            self._answer_unread(session, refused.owner, refused, digest, shelves, batch)

    @staticmethod
    def _alarm_refused(session: Session, refused: _Refused, now: datetime) -> int:
        """Raise the alarm a refusal deserves; return how often it was raised since it opened."""
        owner = refused.owner or "unknown"
        if refused.reason == WRONG_TOPIC:
            return raise_alarm(session, owner, WRONG_TOPIC, "topic", refused.detail, now)
        if not refused.signed:
            return raise_alarm(session, owner, BAD_SIGNATURE, "events", refused.detail, now)
        return 0

    @staticmethod
    def _answer_unread(
        session: Session, device: str, refused: _Refused, digest: str, shelves: _Shelves, batch: BatchState
    ) -> None:
        """Tell the device that an event of its own was put aside: by number, else by digest to all its stores."""
        if refused.store is not None and refused.seq is not None:
            shelf = shelves[device, refused.store]
            shelf.add(refused.seq)
            batch.acks[device, refused.store] = shelf.seqs
            batch.note_dead(device, refused.store, refused.seq)
            return
        # Only the store that holds these very bytes will find them by their digest.
        rows = session.scalars(select(DeviceProgress).where(DeviceProgress.device_id == device)).all()
        known = {row.store: _seqs(row) for row in rows}
        if refused.store is not None:
            known.setdefault(refused.store, SeqSet())
        for store, seqs in known.items():
            batch.acks.setdefault((device, store), seqs)
            batch.note_dead(device, store, f"sha256:{digest}")


def _read(device: KnownDevice, parsed: ParsedTopic, topic: str, raw: bytes) -> _Opened | _Refused:
    owner = device.address.device
    try:
        event = parse_message(Event, raw)
    except (PayloadError, PayloadTooLargeError) as problem:
        store, seq = _whose(raw)
        return _Refused(topic, raw, problem.code, problem.message, signed=True, owner=owner, store=store, seq=seq)
    if event.dev != owner or parsed.address != device.address:
        detail = f"a message of {event.dev} came on the topic of {owner} in {parsed.address.area}"
        return _Refused(topic, raw, WRONG_TOPIC, detail, signed=True, owner=owner)
    return _Opened(device, parsed.rest, event, raw, _fact_digest(event))


def _place(message: _Opened) -> tuple[str, str, int]:
    return *message.store, message.event.seq


def _sorted_out(messages: Sequence[_Opened], shelves: _Shelves) -> tuple[list[_Opened], list[_Opened]]:
    """Tell events that arrive for the first time from those whose number has arrived before."""
    fresh: list[_Opened] = []
    again: list[_Opened] = []
    for message in messages:
        shelf = shelves[message.store]
        if message.event.seq in shelf.seqs:
            again.append(message)
        else:
            shelf.add(message.event.seq)
            fresh.append(message)
    return fresh, again


def _refuse_known_ids(session: Session, messages: Sequence[_Opened]) -> None:
    ids = [message.event.id for message in messages]
    known = set(session.scalars(select(InboundEvent.id).where(InboundEvent.id.in_(ids))))
    for ident in ids:
        if ident in known:
            raise DuplicateEventError(f"event {ident} is stored under another number", event=ident)
        known.add(ident)


def _inbox_row(message: _Opened, happening: Happening, subject: str | None, now: datetime) -> dict[str, Any]:
    event = message.event
    return {
        "id": event.id,
        "device_id": message.device.address.device,
        "store": event.store,
        "seq": event.seq,
        "boot": event.boot,
        "kind": message.kind,
        "type": event.type,
        "schema_version": event.schema_version,
        "txn": event.txn,
        "device_at": event.ts,
        "corrected_at": happening.fact_at,
        "received_at": now,
        "clock_synced": event.clock.synced,
        "historical": event.historical,
        "subject": subject,
        "digest": message.digest,
        "raw": message.raw,
    }


def _store_of(message: _Opened | _Refused) -> tuple[str, str] | None:
    """Name the device and store whose progress a message may change."""
    if isinstance(message, _Opened):
        return message.store
    if message.signed and message.owner is not None and message.store is not None and message.seq is not None:
        return message.owner, message.store
    return None


def _whose(raw: bytes) -> tuple[str | None, int | None]:
    """Read store and number from an event that is wrong elsewhere, as far as they can be read."""
    try:
        value = parse_object(raw)
    except (PayloadError, PayloadTooLargeError):
        return None, None
    store, seq = value.get("store"), value.get("seq")
    if not isinstance(store, str) or _STORE_ID.fullmatch(store) is None:
        return None, None
    return store, seq if isinstance(seq, int) and 1 <= seq <= _MAX_SEQ else None


def _fact_digest(event: Event) -> str:
    text = json.dumps(event.fact(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _corrected(event: Event, received_at: datetime) -> datetime:
    """Return when the fact happened, on the server's clock; never later than it was received.

    Without a synchronised clock the device's word counts for nothing: then it is the moment of receipt.
    """
    if not event.clock.synced:
        return received_at
    try:
        return min(event.ts + timedelta(milliseconds=event.clock.offset_ms), received_at)
    except OverflowError:
        return received_at


def _seqs(row: DeviceProgress) -> SeqSet:
    return _seq_set(row.contiguous, row.ahead)


def _seq_set(contiguous: int, ahead: Sequence[Sequence[int]]) -> SeqSet:
    return SeqSet(contiguous, tuple((int(first), int(last)) for first, last in ahead))


def _add_letter(session: Session, letter: DeadLetter) -> None:
    query = select(DeadLetter.id).where(DeadLetter.topic == letter.topic, DeadLetter.digest == letter.digest)
    if session.scalars(query).first() is None:
        session.add(letter)
        session.flush()
