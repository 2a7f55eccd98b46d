"""Winnsen: short frames without any check.

Open ``90 06 05 station lock 03``, answered ``90 07 85 station lock status 03``; ask ``90 06 12 station lock 03``,
answered ``90 07 92 station status lock 03`` in one revision and with the last two swapped in others: a setting.
Status 1 is open or done, 0 closed or failed, 2 refused because the coil cools down. Nothing protects the bytes,
so only exact length, head, tail, station, lock and function count, and states need two equal reads.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import (
    MORE,
    NO_FRAME,
    Answered,
    BoardSettings,
    Capabilities,
    Line,
    Purpose,
    Reading,
    Request,
    States,
    checked_lock,
    door_of,
)

_HEAD: Final = 0x90
_TAIL: Final = 0x03
_UNLOCK: Final = 0x05
_ASK: Final = 0x12
_ANSWER: Final = 0x80
_REPLY_BYTES: Final = 7
_COOLING: Final = 2
_ADDRESSES: Final = range(5)  # 0 to 3 by switch in most sources, 1 to 4 in one
_LOCKS: Final = range(1, 25)


class Winnsen:
    """Codec of Winnsen boards; status 1 means open, so ``one_is_open`` is True by the sheet."""

    family = "winnsen"
    line = Line(9600)
    capabilities = Capabilities(sensor=True, unsolicited=False, check="none", echoes_unlock=False)
    longest = _REPLY_BYTES

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Open one lock."""
        checked_lock(settings, lock, _ADDRESSES, _LOCKS)
        return Request(_frame(_UNLOCK, settings, lock), Purpose.UNLOCK, settings, lock)

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Ask for every door, one by one: there is no request for all."""
        return tuple(self.read_one(settings, lock) for lock in range(1, settings.locks + 1))

    def read_one(self, settings: BoardSettings, lock: int) -> Request:
        """Ask for one door."""
        checked_lock(settings, lock, _ADDRESSES, _LOCKS)
        return Request(_frame(_ASK, settings, lock), Purpose.READ, settings, lock)

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure: all answers have seven bytes."""
        if buffer[:2] != bytes((_HEAD, _REPLY_BYTES))[: len(buffer)]:
            return NO_FRAME
        return _REPLY_BYTES if len(buffer) >= 2 else MORE

    def valid(self, frame: bytes) -> bool:
        """Compare head, length and tail; there is nothing else to compare."""
        return len(frame) == _REPLY_BYTES and frame[:2] == bytes((_HEAD, _REPLY_BYTES)) and frame[-1] == _TAIL

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read an answer about the station, function and lock that were asked for."""
        if request is None or frame[2] != request.frame[2] | _ANSWER or frame[3] != request.settings.address:
            return None
        unlocking = request.purpose is Purpose.UNLOCK
        lock_first = unlocking or request.settings.lock_before_status
        lock, status = (frame[4], frame[5]) if lock_first else (frame[5], frame[4])
        if lock != request.lock:
            return None
        if unlocking:
            reasons = {0: "board reports failure", _COOLING: "coil cooling down"}
            return Answered(lock, refused=status in reasons, reason=reasons.get(status, "")) if status <= 2 else None
        return States({lock: door_of(bool(status), request.settings)}) if status in (0, 1) else None


def _frame(function: int, settings: BoardSettings, lock: int) -> bytes:
    return bytes((_HEAD, 6, function, settings.address, lock, _TAIL))
