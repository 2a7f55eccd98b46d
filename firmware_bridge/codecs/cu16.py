"""KERONG CU16: 16 locks with item sensors.

``02 ADDR CMD 03 SUM`` with ADDR = board << 4 | lock index; 31 opens, 30 asks for the status, answered by
``02 ADDR 35 L1-8 L9-16 I1-8 I9-16 03 SUM``. The sum covers all earlier bytes and comes after ETX; the value of
ETX also occurs inside data and address, so frames are cut by length. No answer to an opening is relied on.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import (
    MORE,
    NO_FRAME,
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
from firmware_bridge.codecs.checks import sum8

_STX: Final = 0x02
_ETX: Final = 0x03
_ASK: Final = 0x30
_UNLOCK: Final = 0x31
_STATUS: Final = 0x35
_ADDRESSES: Final = range(16)
_LOCKS: Final = range(1, 17)
_STATUS_BYTES: Final = 9


class Cu16:
    """Codec of KERONG CU16; a set lock bit means locked, so ``one_is_open`` is False by the sheet."""

    family = "cu16"
    line = Line(19200)
    capabilities = Capabilities(sensor=True, unsolicited=False, check="sum", echoes_unlock=False, items=True)
    longest = _STATUS_BYTES

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Open one lock."""
        checked_lock(settings, lock, _ADDRESSES, _LOCKS)
        frame = _closed(bytes((_STX, settings.address << 4 | lock - 1, _UNLOCK, _ETX)))
        return Request(frame, Purpose.UNLOCK, settings, lock, expects_reply=False)

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Read all doors and items with one request."""
        checked_lock(settings, 1, _ADDRESSES, _LOCKS)
        frame = _closed(bytes((_STX, settings.address << 4, _ASK, _ETX)))
        return (Request(frame, Purpose.READ, settings),)

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by command: the only answer is the status."""
        if not buffer or (buffer[0] == _STX and len(buffer) < 3):
            return MORE
        return _STATUS_BYTES if buffer[0] == _STX and buffer[2] == _STATUS else NO_FRAME

    def valid(self, frame: bytes) -> bool:
        """Compare head, ETX and sum."""
        if len(frame) != _STATUS_BYTES or frame[0] != _STX or frame[-2] != _ETX:
            return False
        return sum8(frame[:-1]) == frame[-1]

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read the status of the board that was asked."""
        if request is None or request.purpose is not Purpose.READ:
            return None
        settings = request.settings
        if frame[1] >> 4 != settings.address or frame[2] != _STATUS:
            return None
        bits = int.from_bytes(frame[3:5], "little")
        items = int.from_bytes(frame[5:7], "little")
        locks = range(1, settings.locks + 1)
        return States(
            {lock: door_of(bool(bits >> (lock - 1) & 1), settings) for lock in locks},
            {lock: bool(items >> (lock - 1) & 1) for lock in locks},
        )


def _closed(head: bytes) -> bytes:
    return head + bytes((sum8(head),))
