"""The local authorisation list: who may open what while the server is out of reach."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from firmware_bridge.device.store import DeviceStore
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.grants import credential_digest, list_digest
from firmware_bridge.schemas import Grant, ListUpdate
from firmware_bridge.signing import DeviceKey
from kernel.clock import Clock

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS grant_line (
    id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    digest TEXT NOT NULL,
    until TEXT NOT NULL
) WITHOUT ROWID;
"""
_KEY: Final = "local_list"

Taken = Literal["taken", "old", "other_base", "digest"]


@dataclass(frozen=True)
class Allowance:
    """Whether a credential opens something: the grant, or why not."""

    grant: str | None
    reason: Literal["allowed", "no_list", "list_expired", "unknown", "grant_expired"]


class LocalList:
    """The list as this device has it.

    Notes
    -----
    Time is the server's when it was heard in this process; else the device's own clock, never before the latest
    server time ever seen, so that turning it back revives nothing.
    """

    def __init__(self, store: DeviceStore, clock: Clock, server_time: ServerTime, key: DeviceKey) -> None:
        self._store = store
        self._clock = clock
        self._time = server_time
        self._key = key
        with store.transaction() as cursor:
            cursor.execute(_TABLES)

    @property
    def version(self) -> int:
        """Return the version of the list, 0 when there is none."""
        return int(self._kept().get("version", 0))

    def take(self, update: ListUpdate) -> Taken:
        """Take a whole list or a difference; what does not lead to the promised list changes nothing."""
        if update.version <= self.version:
            return "old"
        if update.base is not None and update.base != self.version:
            return "other_base"
        lines = {} if update.base is None else {grant.id: grant for grant in self.grants()}
        lines.update({grant.id: grant for grant in update.grants})
        for gone in update.removed:
            lines.pop(gone, None)
        if list_digest(lines.values()) != update.digest:
            return "digest"
        with self._store.transaction() as cursor:
            cursor.execute("DELETE FROM grant_line")
            cursor.executemany(
                "INSERT INTO grant_line VALUES (?, ?, ?, ?)",
                [(one.id, one.target, one.digest, one.until.astimezone(UTC).isoformat()) for one in lines.values()],
            )
            self._store.change({_KEY: {"version": update.version, "expires_at": update.expires_at.isoformat()}})
        return "taken"

    def grants(self) -> list[Grant]:
        """Return all lines by id."""
        rows = self._store.query("SELECT id, target, digest, until FROM grant_line ORDER BY id")
        return [
            Grant(id=id_, target=target, digest=digest, until=datetime.fromisoformat(until))
            for id_, target, digest, until in rows
        ]

    def judge(self, credential: str, target: str) -> Allowance:
        """Tell whether a credential opens a box or door now."""
        kept, now = self._kept(), self._now()
        if not kept:
            return Allowance(None, "no_list")
        if now > datetime.fromisoformat(kept["expires_at"]):
            return Allowance(None, "list_expired")
        digest = credential_digest(self._key, credential)
        rows = self._store.query("SELECT id, digest, until FROM grant_line WHERE target = ? ORDER BY id", (target,))
        found = [(id_, until) for id_, line, until in rows if hmac.compare_digest(line, digest)]
        valid = [id_ for id_, until in found if now <= datetime.fromisoformat(until)]
        if valid:
            return Allowance(valid[0], "allowed")
        return Allowance(None, "grant_expired" if found else "unknown")

    def _kept(self) -> dict[str, str]:
        return dict(self._store.state(_KEY) or {})

    def _now(self) -> datetime:
        heard = self._time.now()
        if heard is not None:
            return heard
        floor, own = self._store.time_floor(), self._clock.now()
        return max(floor, own) if floor is not None else own
