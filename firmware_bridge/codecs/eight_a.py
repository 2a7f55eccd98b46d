"""Family 8A: the most common board of Chinese cabinets, up to 24 locks.

Open ``8A board lock 11 xor``; read one ``80 board lock 33 xor``, answered ``80 board lock 11|00 xor``; read
all ``80 board 00 33 xor``, answered ``80 board S1 … Sn 33 xor`` where bit 0 of the last state byte is lock 1.
Sources contradict each other on whether 11 means open or closed: polarity is a setting. The answer to a
successful opening equals the command, so an echoing adapter looks like success: it proves nothing.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import (
    MORE,
    NO_FRAME,
    Answered,
    BoardSettings,
    Capabilities,
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

_OPEN: Final = 0x8A
_STATE: Final = 0x80
_SET: Final = 0x11
_CLEAR: Final = 0x00
_READ: Final = 0x33
_ADDRESSES: Final = range(0x01, 0xC9)
_LOCKS: Final = range(1, 25)
_SHORT: Final = 5


class EightA:
    """Codec of family 8A."""

    family = "8a"
    line = Line(9600)
    capabilities = Capabilities(sensor=True, unsolicited=False, check="xor", echoes_unlock=True)
    longest = 8

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Open one lock."""
        checked_lock(settings, lock, _ADDRESSES, _LOCKS)
        return Request(_closed(bytes((_OPEN, settings.address, lock, _SET))), Purpose.UNLOCK, settings, lock)

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Read all doors with one request."""
        checked_lock(settings, 1, _ADDRESSES, _LOCKS)
        return (Request(_closed(bytes((_STATE, settings.address, 0, _READ))), Purpose.READ, settings),)

    def read_one(self, settings: BoardSettings, lock: int) -> Request:
        """Read one door."""
        checked_lock(settings, lock, _ADDRESSES, _LOCKS)
        return Request(_closed(bytes((_STATE, settings.address, lock, _READ))), Purpose.READ, settings, lock)

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by the pending request: answers to "one" and "all" start alike."""
        if not buffer:
            return MORE
        if request is None or buffer[0] != request.frame[0]:
            return NO_FRAME
        reads_all = request.purpose is Purpose.READ and request.lock is None
        return _SHORT - 1 + _state_bytes(request.settings) if reads_all else _SHORT

    def valid(self, frame: bytes) -> bool:
        """Compare the check byte."""
        return len(frame) >= _SHORT and xor8(frame[:-1]) == frame[-1]

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read an answer from the board that was asked, about the lock that was asked for."""
        if request is None or frame[0] != request.frame[0] or frame[1] != request.settings.address:
            return None
        if request.purpose is Purpose.UNLOCK:
            return _answer_to_unlock(frame, request)
        if request.lock is None:
            return _all_states(frame, request.settings)
        if frame[2] != request.lock or frame[3] not in (_SET, _CLEAR):
            return None
        return States({request.lock: door_of(frame[3] == _SET, request.settings)})


def _answer_to_unlock(frame: bytes, request: Request) -> Reading | None:
    if frame[2] != request.lock or frame[3] not in (_SET, _CLEAR):
        return None
    # With either polarity this byte tells the door's state after about a second; the poll will see it too.
    return Answered(frame[2], refused=False)


def _all_states(frame: bytes, settings: BoardSettings) -> Reading | None:
    if frame[-2] != _READ:
        return None
    bits = int.from_bytes(frame[2:-2], "big")
    doors: dict[int, Door] = {
        lock: door_of(bool(bits >> (lock - 1) & 1), settings) for lock in range(1, settings.locks + 1)
    }
    return States(doors)


def _state_bytes(settings: BoardSettings) -> int:
    return 3 if settings.locks <= 24 else 4


def _closed(head: bytes) -> bytes:
    return head + bytes((xor8(head),))
