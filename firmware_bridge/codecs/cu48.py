"""CU48 and SCU: experimental, because their only source contradicts itself.

CU48 asks ``02 DEV 00 60 03 SUM`` and opens ``02 DEV LOCK 61 03 SUM``, lock counted from 0. Where the data of its
answer (75) begin is told in two ways; here they follow the command, as in CU16: ``02 DEV LOCK 75 D1 … D6 03 SUM``,
48 bits, 1 closed. SCU, one lock per board, opens with ``F5 DEV 00 71 00 5F SUM 00``; of its status only a sample with
a wrong sum is known, so it is never asked.
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
    refuse_unless_allowed,
)
from firmware_bridge.codecs.checks import sum8

_STX: Final = 0x02
_ETX: Final = 0x03
_ASK: Final = 0x60
_UNLOCK: Final = 0x61
_STATUS: Final = 0x75
_STATUS_BYTES: Final = 12
_LOCKS: Final = range(1, 49)
_SCU_HEAD: Final = 0xF5
_SCU_UNLOCK: Final = 0x71
_SCU_TAIL: Final = 0x5F


class Cu48:
    """Codec of the CU 48-lock board; a set bit means closed, so ``one_is_open`` is False by the source."""

    family = "cu48"
    line = Line(19200)
    capabilities = Capabilities(sensor=True, unsolicited=False, check="sum", echoes_unlock=False, experimental=True)
    longest = _STATUS_BYTES
    _ADDRESSES = range(256)

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Open one lock; no answer is known."""
        refuse_unless_allowed(settings, self.family)
        checked_lock(settings, lock, self._ADDRESSES, _LOCKS)
        frame = _closed(bytes((_STX, settings.address, lock - 1, _UNLOCK, _ETX)))
        return Request(frame, Purpose.UNLOCK, settings, lock, expects_reply=False)

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Read all doors with one request."""
        refuse_unless_allowed(settings, self.family)
        checked_lock(settings, 1, self._ADDRESSES, _LOCKS)
        return (Request(_closed(bytes((_STX, settings.address, 0, _ASK, _ETX))), Purpose.READ, settings),)

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by command: the only answer is the status."""
        if not buffer or (buffer[0] == _STX and len(buffer) < 4):
            return MORE
        return _STATUS_BYTES if buffer[0] == _STX and buffer[3] == _STATUS else NO_FRAME

    def valid(self, frame: bytes) -> bool:
        """Compare head, ETX and sum."""
        if len(frame) != _STATUS_BYTES or frame[0] != _STX or frame[-2] != _ETX:
            return False
        return sum8(frame[:-1]) == frame[-1]

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Read the status of the board that was asked."""
        if request is None or request.purpose is not Purpose.READ or frame[1] != request.settings.address:
            return None
        bits = int.from_bytes(frame[4:10], "little")
        locks = range(1, request.settings.locks + 1)
        return States({lock: door_of(bool(bits >> (lock - 1) & 1), request.settings) for lock in locks})


class Scu:
    """Codec of the SCU single-lock board, which can be opened and not be asked."""

    family = "scu"
    line = Line(19200)
    capabilities = Capabilities(sensor=False, unsolicited=False, check="sum", echoes_unlock=False, experimental=True)
    longest = 8
    _ADDRESSES = range(1, 256)

    def unlock(self, settings: BoardSettings, lock: int) -> Request:
        """Open the board's only lock; no answer is known."""
        refuse_unless_allowed(settings, self.family)
        checked_lock(settings, lock, self._ADDRESSES, range(1, 2))
        frame = _closed(bytes((_SCU_HEAD, settings.address, 0, _SCU_UNLOCK, 0, _SCU_TAIL))) + bytes(1)
        return Request(frame, Purpose.UNLOCK, settings, lock, expects_reply=False)

    def reads(self, settings: BoardSettings) -> tuple[Request, ...]:
        """Return no request: no frame that asks for the state is vouched for."""
        return ()

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Find no frames: no answer is known."""
        return NO_FRAME

    def valid(self, frame: bytes) -> bool:
        """Compare head, tail and sum."""
        return len(frame) == self.longest and frame[0] == _SCU_HEAD and sum8(frame[:6]) == frame[6] and not frame[7]

    def understand(self, frame: bytes, request: Request | None) -> Reading | None:
        """Understand nothing."""
        return None


def _closed(head: bytes) -> bytes:
    return head + bytes((sum8(head),))
