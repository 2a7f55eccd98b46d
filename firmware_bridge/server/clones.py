"""Clones: two programs that answer to one name, found by their births.

A program's boot number and its connections only rise, and both are in every birth. When the numbers of a store go
back, or one boot number shows two starts, a second program runs on a copy of the first one's disk: a cloned device or
a restored backup. A clone that sends events is found by their numbers too (the same alarm).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from firmware_bridge.schemas import Birth
from firmware_bridge.server.alarms import FORK, raise_alarm
from kernel.clock import Clock
from kernel.db import Database
from kernel.log import get_logger

log = get_logger("firmware_bridge.server")


@dataclass(frozen=True)
class _Heard:
    store: str
    boot: int
    connection: int
    start: str

    def precedes(self, birth: Birth) -> bool:
        """Tell whether the program heard of may have sent this birth too, or an earlier run of it."""
        if birth.store != self.store:
            return True
        same_program = birth.start == self.start or not (birth.start and self.start)
        if birth.boot == self.boot:
            return same_program and birth.connection >= self.connection
        return birth.boot > self.boot


class CloneWatch:
    """Compares each birth with the one before; belongs to one thread.

    Notes
    -----
    What was heard is kept in memory: a broker hands one reader the births of a name in their order, while several
    readers of one table would see each other's future.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._heard: dict[str, _Heard] = {}

    def look(self, birth: Birth) -> bool:
        """Take a birth; return whether it shows a clone, which raises the alarm that locks the device."""
        if birth.kind != "birth":
            return False
        before = self._heard.get(birth.dev)
        self._heard[birth.dev] = _Heard(birth.store, birth.boot, birth.connection, birth.start)
        if before is None or before.precedes(birth):
            return False
        log.error("device_cloned", device=birth.dev, boot=birth.boot, connection=birth.connection)
        with self._database.begin() as session:
            self._raise(session, birth)
        return True

    def _raise(self, session: Session, birth: Birth) -> None:
        detail = f"two programs run on store {birth.store}: boot {birth.boot}, connection {birth.connection}"
        raise_alarm(session, birth.dev, FORK, birth.store, detail, self._clock.now())
