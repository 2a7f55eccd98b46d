"""Just enough of MQTT 3.1.1 for a thousand devices in one process: what a load generator spends is not measured.

Written from the standard (OASIS MQTT 3.1.1, sections 2 and 3); QoS 1 only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


def connect(client: str, user: str, password: str, keepalive_s: int) -> bytes:
    """Write CONNECT with a clean session."""
    head = _text("MQTT") + bytes([4, 0xC2]) + struct.pack("!H", keepalive_s)
    return _packet(0x10, head + _text(client) + _text(user) + _text(password))


def subscribe(mid: int, topics: tuple[str, ...]) -> bytes:
    """Write SUBSCRIBE at QoS 1."""
    return _packet(0x82, struct.pack("!H", mid) + b"".join(_text(topic) + b"\x01" for topic in topics))


def publish(topic: str, payload: bytes, mid: int, *, retain: bool = False) -> bytes:
    """Write PUBLISH at QoS 1."""
    return _packet(0x33 if retain else 0x32, _text(topic) + struct.pack("!H", mid) + payload)


def puback(mid: int) -> bytes:
    """Write PUBACK."""
    return b"\x40\x02" + struct.pack("!H", mid)


def published(body: bytes) -> tuple[str, int, bytes]:
    """Read topic, message number and payload from the body of a PUBLISH at QoS 1."""
    length = struct.unpack_from("!H", body)[0]
    topic = body[2 : 2 + length].decode()
    return topic, struct.unpack_from("!H", body, 2 + length)[0], body[4 + length :]


def packets(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Cut whole packets off a buffer; yield the type and body of each."""
    while len(buffer) >= 2:
        length, shift, at = 0, 0, 1
        while True:
            if at >= len(buffer):
                return
            byte = buffer[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if not byte & 0x80:
                break
        if len(buffer) < at + length:
            return
        kind, body = buffer[0] >> 4, bytes(buffer[at : at + length])
        del buffer[: at + length]
        yield kind, body


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def _packet(head: int, body: bytes) -> bytes:
    length, size = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        size.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([head]) + bytes(size) + body
