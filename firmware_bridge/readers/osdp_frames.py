"""Frames of OSDP, the Open Supervised Device Protocol of door readers.

``53 ADDR LEN_L LEN_H CTRL [security block] CODE DATA… [MAC 4] CRC_L CRC_H``; bit 7 of the address marks a reply,
bits 0 and 1 of CTRL are the sequence, 04 a CRC instead of a one-byte sum, 08 a security block.
Source: IEC 60839-11-5, as libosdp 3.2.9 speaks it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from firmware_bridge.codecs.board import MORE, NO_FRAME, Request
from firmware_bridge.codecs.checks import crc16_osdp

_START: Final = 0x53
_REPLY: Final = 0x80
_BROADCAST: Final = 0x7F
_SEQUENCE: Final = 0x03
_CRC: Final = 0x04
_SECURITY: Final = 0x08
_HEAD_BYTES: Final = 5
_SHORTEST: Final = 7
MAC_BYTES: Final = 4
#: Readers' frames are short; a longer "length" is noise that looked like a start.
LONGEST: Final = 256
#: From this security block on a frame ends with a MAC.
_FIRST_WITH_MAC: Final = 0x15
_LAST_BLOCK: Final = 0x18


class Command(IntEnum):
    """What a panel says."""

    POLL = 0x60
    ID = 0x61
    CAPABILITIES = 0x62
    LOCAL_STATUS = 0x64
    OUTPUT = 0x68
    LED = 0x69
    BUZZER = 0x6A
    KEY_SET = 0x75
    CHALLENGE = 0x76
    SERVER_CRYPTOGRAM = 0x77


class Reply(IntEnum):
    """What a reader says."""

    ACK = 0x40
    NAK = 0x41
    ID = 0x45
    CAPABILITIES = 0x46
    LOCAL_STATUS = 0x48
    RAW_CARD = 0x50
    KEYPAD = 0x53
    CLIENT_CRYPTOGRAM = 0x76
    INITIAL_MAC = 0x78
    BUSY = 0x79


@dataclass(frozen=True)
class OsdpFrame:
    """One frame.

    Parameters
    ----------
    security
        Type of the security block and its data; empty without one.
    mac
        The four bytes of the message authentication code; empty where the block has none.
    """

    address: int
    sequence: int
    code: int
    data: bytes = b""
    reply: bool = False
    security: bytes = b""
    mac: bytes = b""
    crc: bool = True

    @property
    def has_mac(self) -> bool:
        """Tell whether its security block asks for a MAC."""
        return bool(self.security) and _FIRST_WITH_MAC <= self.security[0] <= _LAST_BLOCK


def encode(frame: OsdpFrame, sign: Callable[[bytes], bytes] | None = None) -> bytes:
    """Make the bytes of a frame.

    Parameters
    ----------
    sign
        Computes the MAC over everything before it, when the frame's security block asks for one and ``mac`` is empty.
    """
    block = bytes((len(frame.security) + 1,)) + frame.security if frame.security else b""
    body = block + bytes((frame.code,)) + frame.data
    check_bytes = 2 if frame.crc else 1
    total = _HEAD_BYTES + len(body) + (MAC_BYTES if frame.has_mac else 0) + check_bytes
    control = frame.sequence & _SEQUENCE | (_CRC if frame.crc else 0) | (_SECURITY if block else 0)
    address = frame.address | (_REPLY if frame.reply else 0)
    said = bytes((_START, address)) + total.to_bytes(2, "little") + bytes((control,)) + body
    if frame.has_mac:
        said += frame.mac or (sign(said) if sign is not None else bytes(MAC_BYTES))
    return said + _check(said, frame.crc)


def decode(raw: bytes) -> OsdpFrame | None:
    """Read the bytes of one whole frame; None when length, check or security block do not fit."""
    if not FRAMING.valid(raw):
        return None
    control = raw[4]
    crc = bool(control & _CRC)
    body = raw[_HEAD_BYTES : -2 if crc else -1]
    security = b""
    if control & _SECURITY:
        if not 2 <= body[0] < len(body):
            return None
        security, body = body[1 : body[0]], body[body[0] :]
    mac = b""
    if security and _FIRST_WITH_MAC <= security[0] <= _LAST_BLOCK:
        if len(body) <= MAC_BYTES:
            return None
        body, mac = body[:-MAC_BYTES], body[-MAC_BYTES:]
    return OsdpFrame(
        raw[1] & _BROADCAST, control & _SEQUENCE, body[0], body[1:], bool(raw[1] & _REPLY), security, mac, crc
    )


def signed_part(raw: bytes) -> bytes:
    """Return what the MAC of a frame with CRC covers: everything before it."""
    return raw[: -2 - MAC_BYTES]


class OsdpFraming:
    """Cuts OSDP frames out of a stream; the leading FF that some send is skipped as noise."""

    longest = LONGEST

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure by the frame's own length, when that can be one."""
        if buffer[:1] not in (b"", bytes((_START,))):
            return NO_FRAME
        if len(buffer) < 4:
            return MORE
        length = int.from_bytes(buffer[2:4], "little")
        return length if _SHORTEST <= length <= LONGEST else NO_FRAME

    def valid(self, frame: bytes) -> bool:
        """Compare start, length and CRC or sum."""
        if len(frame) < _SHORTEST or frame[0] != _START or int.from_bytes(frame[2:4], "little") != len(frame):
            return False
        crc = bool(frame[4] & _CRC)
        if crc and len(frame) < _SHORTEST + 1:
            return False
        check = _check(frame[: -2 if crc else -1], crc)
        return frame[-len(check) :] == check


FRAMING: Final = OsdpFraming()


def _check(said: bytes, crc: bool) -> bytes:
    return crc16_osdp(said) if crc else bytes((-sum(said) & 0xFF,))
