"""Codes at the device itself, with or without network: what was used and who guessed survives every restart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from firmware_bridge.device.store import DeviceStore, Fact
from firmware_bridge.device.timekeeping import ServerTime
from kernel.clock import Clock
from lockers.codes import CodeVerdict, Guesses, GuessLimitState, GuessRules, WaitingParcel, present_offline

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS used_code (mark TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS guesses (subject TEXT PRIMARY KEY, kept TEXT NOT NULL) WITHOUT ROWID;
"""


class CodeGuard:
    """Judges offline codes.

    Parameters
    ----------
    keys
        The cabinet's present code key and, for a while after a rotation, the one before.
    length
        Length of a code's window, agreed with the server.

    Notes
    -----
    Time is the server's when it was heard in this process, else the device's own: offline codes are for cabinets
    without network, and :data:`lockers.codes.DRIFT` bears with a clock that runs badly. A code is marked as used,
    durably, before this says that it opens.
    """

    def __init__(
        self,
        store: DeviceStore,
        clock: Clock,
        server_time: ServerTime,
        keys: Sequence[bytes],
        length: timedelta,
        rules: GuessRules = GuessRules(),  # noqa: B008 - frozen
    ) -> None:
        self._store = store
        self._clock = clock
        self._time = server_time
        self._keys = tuple(keys)
        self._length = length
        self._rules = rules
        with store.transaction() as cursor:
            for statement in _TABLES.split(";"):
                cursor.execute(statement)

    def try_code(
        self, digits: str, parcels: Sequence[WaitingParcel], cabinet: str, account: str | None = None
    ) -> tuple[CodeVerdict, WaitingParcel | None]:
        """Judge a code; when it opens, it is used up and on record.

        Parameters
        ----------
        parcels
            What lies in this cabinet, by its local list.
        account
            Who presents it, when known; guesses count for both.
        """
        now = self._now()
        subjects = [f"cabinet:{cabinet}", *([f"account:{account}"] if account else [])]
        with self._store.transaction() as cursor:
            limits = GuessLimitState(self._rules, {subject: self._guesses(subject) for subject in subjects})
            if not limits.free(subjects, now):
                return CodeVerdict.LOCKED_OUT, None
            used = frozenset(str(row[0]) for row in self._store.query("SELECT mark FROM used_code"))
            verdict, parcel, mark = present_offline(digits, parcels, self._keys, now, self._length, used)
            for subject, guesses in limits.note(subjects, verdict, now).items():
                cursor.execute("INSERT OR REPLACE INTO guesses VALUES (?, ?)", (subject, _written(guesses)))
            if mark is not None and parcel is not None:
                cursor.execute("INSERT INTO used_code VALUES (?, ?)", (mark, now.isoformat()))
                body = {"target": parcel.compartment, "parcel_id": parcel.parcel_id}
                self._store.record(Fact("access", "access.granted", body), offline=not self._time.synced)
        return verdict, parcel

    def forget_parcel(self, compartment: str, parcel_id: str) -> None:
        """Drop the marks of a parcel that is gone, so that the list stays short."""
        with self._store.transaction() as cursor:
            cursor.execute("DELETE FROM used_code WHERE mark LIKE ? ESCAPE '!'", (_prefix(compartment, parcel_id),))

    def _now(self) -> datetime:
        return self._time.now() or self._clock.now()

    def _guesses(self, subject: str) -> Guesses:
        rows = self._store.query("SELECT kept FROM guesses WHERE subject = ?", (subject,))
        return _read(rows[0][0]) if rows else Guesses()


def _written(guesses: Guesses) -> str:
    return json.dumps(asdict(guesses), default=datetime.isoformat)


def _read(text: str) -> Guesses:
    kept: dict[str, Any] = json.loads(text)
    until = kept["locked_until"]
    return Guesses(
        tuple(datetime.fromisoformat(moment) for moment in kept["wrong_at"]),
        datetime.fromisoformat(until) if until else None,
        int(kept["lock_outs"]),
    )


def _prefix(compartment: str, parcel_id: str) -> str:
    text = f"{compartment}/{parcel_id}/"
    for special in ("!", "%", "_"):
        text = text.replace(special, f"!{special}")
    return f"{text}%"
