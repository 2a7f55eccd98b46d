"""OSDP's secure channel: AES-128, keys of a session, a chain of MACs over both directions.

Panel and reader share a key (SCBK). Each session begins with two random numbers and proofs of the key; from then on
every frame carries four bytes of a MAC that depends on all frames before it, so nothing can be replayed, and data are
encrypted. Source: IEC 60839-11-5, annex on the secure channel, as libosdp 3.2.9 speaks it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Final

from firmware_bridge.peripherals.errors import ReaderKeyError
from firmware_bridge.readers.aes import BLOCK as _BLOCK
from firmware_bridge.readers.aes import decrypt_cbc, encrypt_cbc
from firmware_bridge.readers.osdp_frames import MAC_BYTES, OsdpFrame, encode, signed_part

#: Printed in the standard, so known to everybody: only good for loading a real one.
DEFAULT_KEY: Final = bytes(range(0x30, 0x40))
KEY_BYTES: Final = 16
RANDOM_BYTES: Final = 8
_PAD: Final = b"\x80"
#: Security blocks of frames without and with data, panel and reader.
PANEL_PLAIN, READER_PLAIN, PANEL_DATA, READER_DATA = 0x15, 0x16, 0x17, 0x18


def checked_key(key: bytes) -> bytes:
    """Refuse a key that protects nothing.

    Raises
    ------
    ReaderKeyError
        If it has not 16 bytes, is the default key, or one byte repeated.
    """
    if len(key) != KEY_BYTES:
        raise ReaderKeyError(f"a reader's key has {KEY_BYTES} bytes, not {len(key)}", field="key")
    if key == DEFAULT_KEY or len(set(key)) == 1:
        raise ReaderKeyError("the reader's key is one that everybody knows", field="key")
    return key


@dataclass(frozen=True)
class SessionKeys:
    """Keys of one session, and the random numbers it began with."""

    encryption: bytes
    mac1: bytes
    mac2: bytes
    panel_random: bytes
    reader_random: bytes

    @classmethod
    def derive(cls, key: bytes, panel_random: bytes, reader_random: bytes) -> SessionKeys:
        """Derive them from the shared key and the panel's random number."""
        first, second, third = (
            _encrypted(key, bytes((1, kind)) + panel_random[:6] + bytes(8)) for kind in (0x82, 0x01, 0x02)
        )
        return cls(first, second, third, panel_random, reader_random)

    @property
    def reader_proof(self) -> bytes:
        """Return the cryptogram by which the reader shows that it has the key."""
        return _encrypted(self.encryption, self.panel_random + self.reader_random)

    @property
    def panel_proof(self) -> bytes:
        """Return the cryptogram by which the panel shows that it has the key."""
        return _encrypted(self.encryption, self.reader_random + self.panel_random)

    @property
    def initial_mac(self) -> bytes:
        """Return the first link of the chain of MACs."""
        return _encrypted(self.mac2, _encrypted(self.mac1, self.panel_proof))


class ChannelState:
    """One end of an open channel; both ends keep the last MAC of each direction."""

    def __init__(self, keys: SessionKeys) -> None:
        self._keys = keys
        self._last_command = bytes(_BLOCK)
        self._last_reply = keys.initial_mac

    def seal(self, frame: OsdpFrame) -> bytes:
        """Encrypt a frame's data, sign it and return its bytes; the chain moves on."""
        kinds = (READER_DATA, READER_PLAIN) if frame.reply else (PANEL_DATA, PANEL_PLAIN)
        data = encrypt_cbc(self._keys.encryption, self._vector(frame.reply), _padded(frame.data)) if frame.data else b""
        sealed = replace(frame, data=data, security=bytes((kinds[0] if frame.data else kinds[1],)))
        return encode(sealed, lambda said: self._sign(said, frame.reply)[:MAC_BYTES])

    def open(self, frame: OsdpFrame, raw: bytes) -> OsdpFrame | None:
        """Verify and decrypt a frame; None, and the chain stays, when it was not sealed in this channel."""
        kinds = (READER_PLAIN, READER_DATA) if frame.reply else (PANEL_PLAIN, PANEL_DATA)
        if not frame.crc or len(frame.security) != 1 or frame.security[0] not in kinds:
            return None
        vector = self._vector(frame.reply)
        mac = self._mac(signed_part(raw), frame.reply)
        if not hmac.compare_digest(mac[:MAC_BYTES], frame.mac):
            return None
        self._keep(mac, frame.reply)
        if not frame.data:
            return frame
        if frame.security[0] != kinds[1] or len(frame.data) % _BLOCK:
            return None
        data = _unpadded(decrypt_cbc(self._keys.encryption, vector, frame.data))
        return replace(frame, data=data) if data is not None else None

    def _vector(self, reply: bool) -> bytes:
        return bytes(~byte & 0xFF for byte in (self._last_command if reply else self._last_reply))

    def _sign(self, said: bytes, reply: bool) -> bytes:
        mac = self._mac(said, reply)
        self._keep(mac, reply)
        return mac

    def _mac(self, said: bytes, reply: bool) -> bytes:
        blocks = said if len(said) % _BLOCK == 0 else _padded(said)
        vector = self._last_command if reply else self._last_reply
        if len(blocks) > _BLOCK:
            vector = encrypt_cbc(self._keys.mac1, vector, blocks[:-_BLOCK])[-_BLOCK:]
        return encrypt_cbc(self._keys.mac2, vector, blocks[-_BLOCK:])

    def _keep(self, mac: bytes, reply: bool) -> None:
        if reply:
            self._last_reply = mac
        else:
            self._last_command = mac


def same(one: bytes, other: bytes) -> bool:
    """Compare two proofs in a time that tells nothing."""
    return hmac.compare_digest(one, other)


def _padded(data: bytes) -> bytes:
    data += _PAD
    return data + bytes(-len(data) % _BLOCK)


def _unpadded(data: bytes) -> bytes | None:
    stripped = data.rstrip(b"\0")
    return stripped[:-1] if stripped.endswith(_PAD) else None


def _encrypted(key: bytes, block: bytes) -> bytes:
    return encrypt_cbc(key, bytes(_BLOCK), block)  # one block and a vector of zeros: the bare cipher
