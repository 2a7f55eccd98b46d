"""Signed messages: the exact JSON bytes, the key's id and an HMAC over direction, topic and bytes.

The wire form is ``{"kid":"…","body":"<base64url of the JSON bytes>","sig":"<base64url>"}``: nothing has to
be canonicalised, and the signature is checked before a single byte of the body is parsed. The broker never
holds a key, so whoever runs it can delay or drop messages, and nothing else.

Source: RFC 2104 (HMAC), RFC 4648 section 5 (base64url), RFC 5869 for the idea of labelled derivation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from firmware_bridge.errors import PayloadError, PayloadTooLargeError, SignatureError
from firmware_bridge.payload import MAX_BODY_BYTES, MAX_WIRE_BYTES, parse_object

_KEY_BYTES: Final = 32
_KID: Final = re.compile(r"[a-z0-9.-]{1,64}")


class Direction(StrEnum):
    """What a signed message is for; part of the signature, so none can be passed off as another."""

    EVENT = "evt"
    STATE = "state"
    TELEMETRY = "tel"
    RESPONSE = "rsp"
    ACK = "ack"
    BIRTH_REPLY = "ack/birth"
    COMMAND = "cmd"
    CONFIG = "cfg"


@dataclass(frozen=True)
class DeviceKey:
    """A device's signing key and the id it is named by; the secret never shows in a repr or a log."""

    kid: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if _KID.fullmatch(self.kid) is None or len(self.secret) != _KEY_BYTES:
            raise SignatureError("a device key has an id of a-z, 0-9, dot and hyphen and 32 secret bytes")


#: Answers the key of a kid, or nothing when it is unknown or revoked.
KeyLookup = Callable[[str], DeviceKey | None]


def derive_key(master: bytes, device: str, kid: str, salt: str) -> DeviceKey:
    """Make a device's key from the server's master secret.

    The database holds only ``kid`` and ``salt``: a stolen database opens no door.
    """
    label = b"\x00".join(part.encode() for part in ("cunda/v1 device key", device, kid, salt))
    return DeviceKey(kid, hmac.digest(master, label, hashlib.sha256))


def seal(key: DeviceKey, direction: Direction, topic: str, body: bytes) -> bytes:
    """Sign a body for one topic and return the wire form.

    Raises
    ------
    PayloadTooLargeError
        If the body is longer than a message may be.
    """
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"{len(body)} bytes; {MAX_BODY_BYTES} are accepted", size=len(body))
    signature = _mac(key.secret, direction, topic, body)
    # Key ids are checked when made and base64url needs no escaping, so this is JSON as it stands.
    return f'{{"kid":"{key.kid}","body":"{encode_bytes(body)}","sig":"{encode_bytes(signature)}"}}'.encode()


def unseal(key_of: KeyLookup, direction: Direction, topic: str, wire: bytes) -> bytes:
    """Check a wire message and return the exact bytes that were signed.

    Raises
    ------
    PayloadTooLargeError, PayloadError
        If the wire form is not one.
    SignatureError
        If the key is unknown or the signature does not fit direction, topic and bytes.
    """
    outer = parse_object(wire, MAX_WIRE_BYTES)
    kid, body, signature = (outer.get(name) for name in ("kid", "body", "sig"))
    if not (isinstance(kid, str) and isinstance(body, str) and isinstance(signature, str)):
        raise SignatureError("the message is not signed")
    raw = decode_bytes(body)
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"{len(raw)} bytes; {MAX_BODY_BYTES} are accepted", size=len(raw))
    key = key_of(kid)
    # An unknown key costs the same work as a known one: timing does not tell which ids exist.
    expected = _mac(key.secret if key else bytes(_KEY_BYTES), direction, topic, raw)
    fits = hmac.compare_digest(expected, decode_bytes(signature))
    if key is None or not fits:
        raise SignatureError("the signature does not fit this topic and content")
    return raw


def encode_bytes(raw: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_bytes(text: str) -> bytes:
    """Read base64url without padding, strictly: one text for each content.

    Raises
    ------
    PayloadError
        If the text has other characters or stray bits.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as problem:
        raise PayloadError("base64", "a part is not base64url") from problem
    if encode_bytes(raw) != text:
        raise PayloadError("base64", "a part is not base64url in its only form")
    return raw


def _mac(secret: bytes, direction: Direction, topic: str, body: bytes) -> bytes:
    # Lengths go first, so that no part can borrow bytes from its neighbour.
    parts = (f"cunda/v1/{direction.value}".encode(), topic.encode("utf-8"), body)
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, hashlib.sha256)
