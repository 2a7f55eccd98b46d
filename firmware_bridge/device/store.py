"""The device's database: events that wait for the server, local state, and what must survive a power cut.

One SQLite file in WAL mode with ``synchronous=FULL``. An event and the local change it tells of are one
transaction; its number comes from SQLite's own counter, which never goes back and never skips.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from firmware_bridge.errors import OutboxFullError, PersonalDataError
from firmware_bridge.payload import write_object
from kernel.clock import Clock
from kernel.ids import Ids
from kernel.log import get_logger
from kernel.privacy import personal_data_in

log = get_logger("firmware_bridge.device")

RESERVE_BYTES: Final = 2 * 1024 * 1024
_STORE_ID_CHARS: Final = 12
_DISK_EVERY_S: Final = 5.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    boot INTEGER NOT NULL,
    ts TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    class TEXT NOT NULL,
    type TEXT NOT NULL,
    schema INTEGER NOT NULL,
    txn TEXT,
    offline INTEGER NOT NULL,
    offset_ms INTEGER,
    body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS dead_event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL
);
"""

_COLUMNS: Final = "SELECT seq, id, boot, ts, mono_ms, class, type, schema, txn, offline, offset_ms, body FROM event "
_ONE: Final = _COLUMNS + "WHERE seq = ?"
_LIVE: Final = _COLUMNS + "WHERE seq > ? AND boot = ? AND offline = 0 ORDER BY seq LIMIT ?"
_BACKLOG: Final = _COLUMNS + "WHERE seq > ? AND (boot <> ? OR offline = 1) ORDER BY seq LIMIT ?"


@dataclass(frozen=True)
class Fact:
    """Something that happened at the device and has no number yet.

    Parameters
    ----------
    kind
        Class of the event, last part of its topic, for example ``parcel``.
    type
        Its type, past tense, for example ``parcel.dropped``.
    txn
        Business transaction it belongs to, for example one customer's session.
    """

    kind: str
    type: str
    body: Mapping[str, Any]
    txn: str | None = None
    schema: int = 1


@dataclass(frozen=True)
class StoredEvent:
    """An event in the outbox."""

    seq: int
    id: str
    boot: int
    ts: datetime
    mono_ms: int
    kind: str
    type: str
    schema: int
    txn: str | None
    offline: bool
    offset_ms: int | None
    body: dict[str, Any]


class DeviceStore:
    """Outbox and local state in one file.

    Parameters
    ----------
    path
        The database file; made with its folder when missing.
    reserve_bytes
        Size of a file kept beside it, freed when the disk is full.

    Notes
    -----
    Opening raises and commits the boot number before anything can be sent. A damaged file is set aside
    under another name and a new store begins, with another store id: its numbers start again at 1 and
    must not be taken for the old ones.
    """

    def __init__(self, path: Path, clock: Clock, ids: Ids, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._clock = clock
        self._ids = ids
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.quarantined = _set_aside_if_damaged(path)
        self._database = _open(path)
        self._reserve = path.with_name(path.name + ".reserve")
        self.deposits_refused = False
        self._reserve_bytes = reserve_bytes
        self._keep_reserve(reserve_bytes)
        self.store_id, self.boot = self._begin_boot()
        self._newest = {True: self.next_seq() - 1, False: 0}
        self._looked_s = float("-inf")

    def record(
        self,
        fact: Fact,
        changes: Mapping[str, Any] | None = None,
        *,
        offline: bool = False,
        offset_ms: int | None = None,
    ) -> StoredEvent:
        """Write an event and the local changes it tells of, in one transaction.

        Parameters
        ----------
        changes
            Local state to set by key; None removes a key.
        offline
            Whether the server is out of reach now.
        offset_ms
            Server time minus device time, when known.

        Raises
        ------
        PersonalDataError
            If the body holds a name, phone, address or code.
        OutboxFullError
            If the disk is full; nothing was written.
        """
        body = dict(fact.body)
        if found := next(personal_data_in(body), None):
            raise PersonalDataError(f"event {fact.type}: body field {found} holds personal data", field=found)
        text = write_object(body).decode("utf-8")
        now, mono_ms = self._clock.now(), int(self._clock.monotonic_s() * 1000)
        values = (
            self._ids.new(), self.boot, now.isoformat(timespec="milliseconds"), mono_ms,
            fact.kind, fact.type, fact.schema, fact.txn, int(offline), offset_ms, text,
        )  # fmt: skip
        with self._writing() as cursor:
            cursor.execute(
                "INSERT INTO event (id, boot, ts, mono_ms, class, type, schema, txn, offline, offset_ms, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            seq = int(cursor.lastrowid or 0)
            _apply(cursor, changes or {})
        self._newest[offline] = seq
        return _event((seq, *values))

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set local state without an event; None removes a key."""
        with self._writing() as cursor:
            _apply(cursor, changes)

    def state(self, key: str) -> Any:
        """Return a piece of local state, None when there is none."""
        rows = self._read("SELECT value FROM state WHERE key = ?", (key,))
        return json.loads(rows[0][0]) if rows else None

    def waiting(self, after_seq: int, limit: int, *, backlog: bool) -> list[StoredEvent]:
        """Return the next events of one lane, oldest first.

        Parameters
        ----------
        after_seq
            Only events with a higher number.
        backlog
            True: stored while offline or by an earlier process; False: the live ones.
        """
        rows = self._read(_BACKLOG if backlog else _LIVE, (after_seq, self.boot, limit))
        return [_event(row) for row in rows]

    def newest(self, *, backlog: bool) -> int:
        """Return the highest number of a lane, so that an empty lane costs no query."""
        return self._newest[backlog]

    def get(self, seq: int) -> StoredEvent | None:
        """Return one waiting event."""
        rows = self._read(_ONE, (seq,))
        return _event(rows[0]) if rows else None

    def count(self) -> int:
        """Return how many events wait for the server."""
        return int(self._read("SELECT count(*) FROM event")[0][0])

    def oldest_age_s(self, now: datetime) -> float:
        """Return how long ago, by the device's clock, the oldest waiting event happened; 0 when none waits."""
        rows = self._read("SELECT ts FROM event ORDER BY seq LIMIT 1")
        return max(0.0, (now - datetime.fromisoformat(rows[0][0])).total_seconds()) if rows else 0.0

    def dead(self) -> list[tuple[int, str, str]]:
        """Return number, id and type of the events that the server put aside for a person."""
        return [(int(seq), id_, type_) for seq, id_, type_ in self._read("SELECT seq, id, type FROM dead_event")]

    def next_seq(self) -> int:
        """Return the number the next event will get."""
        rows = self._read("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
        return int(rows[0][0]) + 1 if rows else 1

    def settle(self, stored: Iterable[int], dead: Iterable[int] = (), server_time: datetime | None = None) -> None:
        """Delete events that the server has committed; keep a copy of those it put aside."""
        with self._writing() as cursor:
            for seq in dead:
                cursor.execute(
                    "INSERT OR IGNORE INTO dead_event SELECT seq, id, type, body FROM event WHERE seq = ?", (seq,)
                )
                cursor.execute("DELETE FROM event WHERE seq = ?", (seq,))
            cursor.executemany("DELETE FROM event WHERE seq = ?", [(seq,) for seq in stored])
            if server_time is not None:
                _raise_floor(cursor, server_time)

    def time_floor(self) -> datetime | None:
        """Return the latest server time ever seen, signed; time never goes below it."""
        rows = self._read("SELECT value FROM meta WHERE key = 'time_floor'")
        return datetime.fromisoformat(rows[0][0]) if rows else None

    def raise_time_floor(self, server_time: datetime) -> None:
        """Remember a server time."""
        with self._writing() as cursor:
            _raise_floor(cursor, server_time)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """Open one durable transaction, for the tables of other parts of the device program.

        Whatever is recorded or changed inside the block belongs to it.
        """
        with self._writing() as cursor:
            yield cursor

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read rows of those tables."""
        return self._read(sql, values)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            cursor = self._database.cursor()
            try:
                if self._database.in_transaction:  # inside another block of this thread: one transaction with it
                    yield cursor
                else:
                    yield from self._outermost(cursor)
            finally:
                cursor.close()

    def _outermost(self, cursor: sqlite3.Cursor) -> Iterator[sqlite3.Cursor]:
        try:
            cursor.execute("BEGIN IMMEDIATE")
            yield cursor
            cursor.execute("COMMIT")
        except BaseException as problem:
            if self._database.in_transaction:
                cursor.execute("ROLLBACK")
            if isinstance(problem, sqlite3.OperationalError) and "full" in str(problem):
                self._free_reserve()
                raise OutboxFullError("the device's disk is full; the event was not recorded") from problem
            raise

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    def _begin_boot(self) -> tuple[str, int]:
        with self._writing() as cursor:
            known = dict(cursor.execute("SELECT key, value FROM meta WHERE key IN ('store', 'boot')").fetchall())
            store = str(known.get("store") or self._ids.new().replace("-", "")[-_STORE_ID_CHARS:])
            boot = int(known.get("boot", 0)) + 1
            cursor.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [("store", store), ("boot", boot)])
        return store, boot

    def _keep_reserve(self, size: int) -> None:
        if self._reserve.exists() and self._reserve.stat().st_size >= size:
            self.deposits_refused = False
            return
        try:
            self._reserve.write_bytes(bytes(size))
            self.deposits_refused = False
        except OSError:
            self._reserve.unlink(missing_ok=True)
            self.deposits_refused = True

    def _free_reserve(self) -> None:
        # Collections must still be recorded: the reserve makes room for them, deposits stay refused.
        self._reserve.unlink(missing_ok=True)
        self.deposits_refused = True
        log.error("disk_full", store=self.store_id)

    def free_bytes(self) -> int:
        """Return how much room the disk has."""
        return shutil.disk_usage(self._path.parent).free

    def watch_disk(self, now_s: float) -> None:
        """Look from time to time whether there is room: refuse deposits early, take them again when there is."""
        if now_s - self._looked_s < _DISK_EVERY_S:
            return
        self._looked_s = now_s
        free = self.free_bytes()
        if free < self._reserve_bytes and not self.deposits_refused:
            self.deposits_refused = True
            log.error("disk_nearly_full", store=self.store_id, free_bytes=free)
        elif self.deposits_refused and free > 2 * self._reserve_bytes:
            self._keep_reserve(self._reserve_bytes)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=15)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000"):
        database.execute(f"PRAGMA {pragma}").fetchall()
    database.executescript(_SCHEMA)
    return database


def _set_aside_if_damaged(path: Path) -> Path | None:
    """Move a damaged database out of the way; return where it went."""
    if not path.exists():
        return None
    try:
        database = sqlite3.connect(path, timeout=15)
        try:
            healthy = database.execute("PRAGMA quick_check").fetchone() == ("ok",)
        finally:
            database.close()
    except sqlite3.DatabaseError:
        healthy = False
    if healthy:
        return None
    number = 1
    while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    log.error("store_damaged", set_aside=target.name)
    return target


def _apply(cursor: sqlite3.Cursor, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            cursor.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            cursor.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, json.dumps(value, ensure_ascii=False)))


def _raise_floor(cursor: sqlite3.Cursor, server_time: datetime) -> None:
    row = cursor.execute("SELECT value FROM meta WHERE key = 'time_floor'").fetchone()
    if row is None or datetime.fromisoformat(row[0]) < server_time:
        cursor.execute("INSERT OR REPLACE INTO meta VALUES ('time_floor', ?)", (server_time.isoformat(),))


def _event(row: Sequence[Any]) -> StoredEvent:
    seq, id_, boot, ts, mono_ms, kind, type_, schema, txn, offline, offset_ms, body = row
    return StoredEvent(
        seq, id_, boot, datetime.fromisoformat(ts), mono_ms, kind, type_, schema, txn, bool(offline), offset_ms,
        json.loads(body),
    )  # fmt: skip
