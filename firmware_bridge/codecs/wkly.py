"""WKLY: frames that start with these four letters and carry their own length.

``57 4B 4C 59 LEN ADDR CMD DATA… xor``, LEN being the whole frame. 82 opens one, 84 asks for all, 83 for one; 85
is the board's own report (channel and state, no status byte). 86 to 89 keep things open or open several in turn,
and users disagree about 88: none of them can be made here. Some take the xor over address, command and data
only; that is equal only when LEN is 09.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import (
    MORE,
    NO_FRAME,
    Answered,
    BoardSettings,
    Capabilities,
    Changed,
    Door,
    Line,
    Purpose,
    Reading,
    Request,
    States,
    checked_lock,
    door_of,
)
from firmware_bridge.codecs.checks import xor8

_HEAD: Final = b"WKLY"
_OPEN_ONE: Final = 0x82
_ASK_ONE: Final = 0x83
_ASK_ALL: Final = 0x84
_CHANGED: Final = 0x85
_OK: Final = 0x00
_FAILED: Final = 0xFF
_ADDRESSES: Final = range(32)
_LOCKS: Final = range(1, 49)
_SHORTEST: Final = 8
_LONGEST: Final = 10 + 48


class Wkly:
    """Codec of WKLY boards; by their sheet 00 is open and 01 closed, so ``one_is_open`` is False."""

    family = "wkly"
    line = Line(9600)
    capabilities = Capabilities(sensor=True, unsolicited=True, check="xor", echoes_unlock=False)
    longest = _LONGEST

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Open one channel."""
        checked_lock(settings, lock, _ADDRESSES, _LOCKS)
        return Request(_frame(settings, _OPEN_ONE, bytes((lock,))), Purpose.UNLOCK, settings, lock)

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Ask for all channels with one request."""
        checked_lock(settings, 1, _ADDRESSES, _LOCKS)
        return (Request(_frame(settings, _ASK_ALL, b""), Purpose.READ, settings),)

    def read_one(self, settings: BoardSettings, lock: int) -> Request:
        """Ask for one channel."""
        checked_lock(settings, lock, _ADDRESSES, _LOCKS)
        return Request(_frame(settings, _ASK_ONE, bytes((lock,))), Purpose.READ, settings, lock)

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by the frame's own length, when that can be one."""
        if buffer[:4] != _HEAD[: len(buffer)]:
            return NO_FRAME
        if len(buffer) < 5:
            return MORE
        return buffer[4] if _SHORTEST <= buffer[4] <= _LONGEST else NO_FRAME

    def valid(self, frame: bytes) -> bool:
        """Compare head, length and check byte."""
        if len(frame) < _SHORTEST or frame[:4] != _HEAD or frame[4] != len(frame):
            return False
        return xor8(frame[:-1]) == frame[-1]

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read the board's own report, or an answer to the pending request."""
        address, command, data = frame[5], frame[6], frame[7:-1]
        if command == _CHANGED:
            # Polarity of a report is that of the pending board, or the sheet's when nothing is pending.
            return _report(address, data, request)
        if request is None or address != request.settings.address or command != request.frame[6]:
            return None
        if command == _ASK_ALL:
            return _all_channels(data, request.settings)
        if len(data) != 3 or data[1] != request.lock:
            return None
        if command == _OPEN_ONE:
            return Answered(data[1], refused=data[0] == _FAILED, reason="board reports failure" if data[0] else "")
        return States({data[1]: _door(data[2], request.settings)}) if data[0] == _OK else None


def _report(address: int, data: bytes, request: Request | None) -> Reading | None:
    if len(data) != 2 or data[0] not in _LOCKS:
        return None
    settings = request.settings if request is not None else BoardSettings(address, data[0])
    return Changed(address, data[0], _door(data[1], settings))


def _all_channels(data: bytes, settings: BoardSettings) -> Reading | None:
    if len(data) < 2 or data[0] != _OK or len(data) != 2 + data[1] or data[1] < settings.locks:
        return None
    return States({lock: _door(data[1 + lock], settings) for lock in range(1, settings.locks + 1)})


def _door(value: int, settings: BoardSettings) -> Door:
    return door_of(bool(value), settings) if value in (0, 1) else Door.UNKNOWN


def _frame(settings: BoardSettings, command: int, data: bytes) -> bytes:
    head = _HEAD + bytes((_SHORTEST + len(data), settings.address, command)) + data
    return head + bytes((xor8(head),))
