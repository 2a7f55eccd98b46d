"""What a message may look like before anybody reads it."""

from __future__ import annotations

import json
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.errors import PayloadError, PayloadTooLargeError
from firmware_bridge.payload import MAX_BODY_BYTES, MAX_DEPTH, parse_object, write_object

_BOMBS = {
    "thirty megabytes": b'{"a":"' + b"x" * 30_000_000 + b'"}',
    "a hundred thousand deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep within the size": b'{"a":' + b"[" * 15_000 + b"]" * 15_000 + b"}",
    "a million keys": b"{" + b",".join(b'"k%d":1' % n for n in range(1_000_000)) + b"}",
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "infinity by exponent": b'{"a":1e999}',
    "an integer of 20,000 digits": b'{"a":' + b"9" * 20_000 + b"}",
    "an integer beyond 64 bits": b'{"a":18446744073709551616}',
    "a number of 1,000 digits": b'{"a":0.' + b"3" * 1000 + b"}",
    "bad UTF-8": b'{"a":"\xff\xfe"}',
    "half a surrogate": b'{"a":"\xed\xa0\x80"}',
    "zip": zlib.compress(b'{"a":1}'),
    "a key twice": b'{"a":1,"a":2}',
    "a list": b"[1]",
    "nothing": b"",
    "cut off": b'{"a":',
    "a string that never ends": b'{"a":"' + b"[" * 20_000,
}


@pytest.mark.parametrize("bomb", _BOMBS.values(), ids=_BOMBS.keys())
def test_dev_019_payload_bombs_rejected(bomb: bytes) -> None:
    """A message made to fill or confuse the server is refused at once and takes no memory."""
    tracemalloc.start()
    try:
        started_s = time.perf_counter()
        with pytest.raises((PayloadError, PayloadTooLargeError)):
            parse_object(bomb)
        took_s = time.perf_counter() - started_s
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert took_s < 0.25  # measured under tracing, which slows parsing several times; 50 ms is required without


def test_depth_is_counted_outside_texts_only() -> None:
    """Brackets inside a text do not count as nesting; real nesting up to the limit is accepted."""
    assert parse_object(json.dumps({"a": "[" * 100 + '"{'}).encode())
    deepest: object = 1
    for _ in range(MAX_DEPTH - 1):
        deepest = [deepest]
    assert parse_object(json.dumps({"a": deepest}).encode())
    with pytest.raises(PayloadError, match="deeper"):
        parse_object(json.dumps({"a": [deepest]}).encode())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=8), _JSON, max_size=5))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read_back(value: dict[str, object]) -> None:
    """Every message we can write is one we accept, with the same content."""
    try:
        raw = write_object(value)
    except PayloadError:
        return  # half surrogates cannot be written
    if len(raw) <= MAX_BODY_BYTES:
        assert parse_object(raw) == value


def test_a_message_with_rubbish_inside_is_not_written() -> None:
    """What JSON cannot carry, or too much of it, is refused before it is sent."""
    with pytest.raises(PayloadError):
        write_object({"a": float("nan")})
    with pytest.raises(PayloadError):
        write_object({"a": object()})
    with pytest.raises(PayloadTooLargeError):
        write_object({"a": "x" * MAX_BODY_BYTES})
