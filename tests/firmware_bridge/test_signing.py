"""Signatures: nobody between device and server can write, edit or redirect a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.errors import PayloadError, PayloadTooLargeError, SignatureError
from firmware_bridge.payload import MAX_BODY_BYTES, MAX_WIRE_BYTES
from firmware_bridge.signing import DeviceKey, Direction, decode_bytes, derive_key, encode_bytes, seal, unseal

KEY = DeviceKey("qj-kiosk-017.1", bytes(range(32)))
TOPIC = "cunda/v1/qianjiang/qj-kiosk-017/evt/parcel"


def known(kid: str) -> DeviceKey | None:
    """Answer the one key there is."""
    return KEY if kid == KEY.kid else None


@given(st.binary(max_size=500))
@settings(max_examples=50, deadline=None)
def test_the_very_bytes_come_back(body: bytes) -> None:
    """What was signed is what is read, byte for byte."""
    assert unseal(known, Direction.EVENT, TOPIC, seal(KEY, Direction.EVENT, TOPIC, body)) == body


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=50, deadline=None)
def test_any_changed_byte_is_noticed(position: int, difference: int) -> None:
    """Changing any byte of a signed message makes it worthless."""
    wire = bytearray(seal(KEY, Direction.EVENT, TOPIC, b'{"weight_g":800}'))
    wire[position % len(wire)] ^= difference
    with pytest.raises((SignatureError, PayloadError)):
        unseal(known, Direction.EVENT, TOPIC, bytes(wire))


def test_a_message_counts_for_its_topic_and_purpose_only() -> None:
    """A signed event is no command, and not an event of another device."""
    wire = seal(KEY, Direction.EVENT, TOPIC, b"{}")
    with pytest.raises(SignatureError):
        unseal(known, Direction.COMMAND, TOPIC, wire)
    with pytest.raises(SignatureError):
        unseal(known, Direction.EVENT, TOPIC.replace("017", "018"), wire)


@pytest.mark.parametrize("missing", ["kid", "body", "sig"])
def test_an_unsigned_message_is_refused(missing: str) -> None:
    """Without key id, body or signature there is no message."""
    outer = json.loads(seal(KEY, Direction.EVENT, TOPIC, b"{}"))
    del outer[missing]
    with pytest.raises(SignatureError):
        unseal(known, Direction.EVENT, TOPIC, json.dumps(outer).encode())


def test_an_unknown_key_is_refused() -> None:
    """A revoked or invented key signs nothing."""
    wire = seal(DeviceKey("other.1", KEY.secret), Direction.EVENT, TOPIC, b"{}")
    with pytest.raises(SignatureError):
        unseal(known, Direction.EVENT, TOPIC, wire)


def test_every_device_has_a_key_of_its_own() -> None:
    """Device, generation and salt each give another key, and the same ones always the same."""
    master = bytes(32)
    keys = {
        derive_key(master, device, f"{device}.{generation}", salt).secret
        for device in ("kiosk-1", "kiosk-2")
        for generation in (1, 2)
        for salt in ("a", "b")
    }
    assert len(keys) == 8
    assert derive_key(master, "kiosk-1", "kiosk-1.1", "a") == derive_key(master, "kiosk-1", "kiosk-1.1", "a")


def test_a_secret_never_shows() -> None:
    """Printing a key shows its id, not its secret."""
    assert "secret" not in repr(KEY)
    assert str(KEY.secret) not in repr(KEY)


def test_the_largest_body_fits_on_the_wire() -> None:
    """The largest body that may be signed fits into a wire message; one byte more is refused."""
    wire = seal(KEY, Direction.EVENT, TOPIC, b"x" * MAX_BODY_BYTES)
    assert len(wire) <= MAX_WIRE_BYTES
    assert len(unseal(known, Direction.EVENT, TOPIC, wire)) == MAX_BODY_BYTES
    with pytest.raises(PayloadTooLargeError):
        seal(KEY, Direction.EVENT, TOPIC, b"x" * (MAX_BODY_BYTES + 1))


def test_base64_has_one_form() -> None:
    """Stray bits, padding and foreign characters are refused, so one content has one text."""
    assert decode_bytes(encode_bytes(b"\xff\xfe")) == b"\xff\xfe"
    for text in ("__5", "//4=", "_ _4", "_-4=", "é"):
        with pytest.raises(PayloadError):
            decode_bytes(text)
