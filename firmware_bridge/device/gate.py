"""The gate: which commands a device obeys.

A command is obeyed when the server signed it for this very device, store and target, when it is fresh by signed
server time, and when its counter and id were never seen. Everything else is refused with a reason.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from firmware_bridge.device.config import AgentConfig
from firmware_bridge.device.store import DeviceStore
from firmware_bridge.device.timekeeping import ServerTime
from firmware_bridge.errors import PayloadError, PayloadTooLargeError, SignatureError
from firmware_bridge.link import InMessage
from firmware_bridge.schemas import Command, CommandState, RefusalCode, parse_message
from firmware_bridge.signing import Direction, unseal

OPEN: Final = "open"
#: Operations that move nothing; their target is the device as a whole.
REPORT: Final = "report"
REBIRTH: Final = "rebirth"
QUIET: Final = frozenset({REPORT, REBIRTH})
WHOLE: Final = "device"
LONGEST: Final = timedelta(seconds=120)
WINDOW: Final = 64
_KEPT: Final = timedelta(days=7)  # seen ids stay far longer than any command can live

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS command (
    id TEXT PRIMARY KEY,
    op TEXT NOT NULL,
    target TEXT NOT NULL,
    expect TEXT NOT NULL,
    exp TEXT NOT NULL,
    local INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    detail TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Refused:
    """A command that is not obeyed."""

    code: RefusalCode
    cmd_id: str | None = None


@dataclass(frozen=True)
class Known:
    """A command that came again: what became of it is told once more, nothing is done."""

    cmd_id: str
    state: CommandState
    code: RefusalCode | None
    detail: str
    begun: bool = True


@dataclass(frozen=True)
class Accepted:
    """A command to be carried out."""

    command: Command


Verdict = Refused | Known | Accepted


class Gate:
    """Judges commands; remembers counters and ids over restarts.

    Parameters
    ----------
    targets
        Boxes and doors this device has.
    """

    def __init__(self, config: AgentConfig, store: DeviceStore, time: ServerTime, targets: Collection[str]) -> None:
        self._config = config
        self._store = store
        self._time = time
        self._targets = frozenset(targets)
        with store.transaction() as cursor:
            for statement in _TABLES.split(";"):
                cursor.execute(statement)

    def judge(self, message: InMessage, *, born: bool) -> Verdict:
        """Decide about one message on a command topic; an accepted one is remembered before this returns.

        Parameters
        ----------
        born
            Whether the server has answered the birth of this connection.
        """
        if message.retain:
            return Refused(RefusalCode.RETAINED)
        key = self._config.key
        try:
            raw = unseal(lambda kid: key if kid == key.kid else None, Direction.COMMAND, message.topic, message.payload)
        except (SignatureError, PayloadError, PayloadTooLargeError):
            return Refused(RefusalCode.BAD_SIGNATURE)
        try:
            command = parse_message(Command, raw)
        except (PayloadError, PayloadTooLargeError):
            return Refused(RefusalCode.INCOMPLETE)
        return self._judge_command(command, message.topic, born=born)

    def floor(self, counter: int) -> None:
        """Void all counters up to one, as a signed birth reply says."""
        with self._store.transaction() as cursor:
            high, _ = self._counters()
            if counter > high:
                cursor.execute("INSERT OR REPLACE INTO counter VALUES ('high', ?)", (str(counter),))
                cursor.execute("INSERT OR REPLACE INTO counter VALUES ('seen', '0')")
            floor = self._number("floor")
            cursor.execute("INSERT OR REPLACE INTO counter VALUES ('floor', ?)", (str(max(floor, counter)),))

    def _judge_command(self, command: Command, topic: str, *, born: bool) -> Verdict:
        mismatch = self._mismatch(command, topic)
        if mismatch is not None:
            return Refused(mismatch, command.cmd_id)
        now = self._time.now()
        expired = now is not None and now > min(command.exp, command.issued_at + LONGEST)
        known = self._known(command.cmd_id)
        if known is not None and expired:
            return Refused(RefusalCode.REPLAYED, command.cmd_id)
        if known is not None and known.begun:
            return known
        if not born:
            return Refused(RefusalCode.NOT_BORN, command.cmd_id)
        if now is None:
            return Refused(RefusalCode.CLOCK_UNSYNCED, command.cmd_id)
        if expired:
            return Refused(RefusalCode.EXPIRED, command.cmd_id)
        if known is not None:  # the program ended before its intent: nothing was pulsed
            return Accepted(command)
        return self._remember(command, now)

    def _mismatch(self, command: Command, topic: str) -> RefusalCode | None:
        if command.dev != self._config.address.device:
            return RefusalCode.WRONG_DEVICE
        if command.store != self._store.store_id:
            return RefusalCode.WRONG_STORE
        if command.op not in {OPEN, *QUIET} or topic != self._config.address.command(command.op):
            return RefusalCode.UNKNOWN_OP
        fits = command.target == WHOLE if command.op in QUIET else command.target in self._targets
        return None if fits else RefusalCode.WRONG_TARGET

    def _known(self, cmd_id: str) -> Known | None:
        rows = self._store.query("SELECT state, code, detail FROM command WHERE id = ?", (cmd_id,))
        if not rows:
            return None
        state, code, detail = rows[0]
        told = CommandState.ACCEPTED if state == "intent" else CommandState(state)
        return Known(cmd_id, told, RefusalCode(code) if code else None, detail, begun=state != "accepted")

    def _remember(self, command: Command, now: datetime) -> Verdict:
        with self._store.transaction() as cursor:
            high, seen = self._counters()
            ahead = command.ctr - high
            if command.ctr <= self._number("floor") or ahead <= -WINDOW or (ahead <= 0 and seen >> -ahead & 1):
                return Refused(RefusalCode.REPLAYED, command.cmd_id)
            if ahead > 0:
                high, seen = command.ctr, (seen << ahead | 1) if ahead < WINDOW else 1
            else:
                seen |= 1 << -ahead
            seen &= (1 << WINDOW) - 1
            # As texts: SQLite's integers have no room for 64 bits without a sign.
            cursor.execute("INSERT OR REPLACE INTO counter VALUES ('high', ?), ('seen', ?)", (str(high), str(seen)))
            cursor.execute(
                "INSERT INTO command (id, op, target, expect, exp, local, state) VALUES (?, ?, ?, ?, ?, 0, ?)",
                (
                    command.cmd_id,
                    command.op,
                    command.target,
                    command.expect,
                    command.exp.astimezone(UTC).isoformat(),
                    "accepted",
                ),
            )
            cursor.execute("DELETE FROM command WHERE exp < ?", ((now - _KEPT).isoformat(),))
        return Accepted(command)

    def _counters(self) -> tuple[int, int]:
        return self._number("high"), self._number("seen")

    def _number(self, key: str) -> int:
        rows = self._store.query("SELECT value FROM counter WHERE key = ?", (key,))
        return int(rows[0][0]) if rows else 0
