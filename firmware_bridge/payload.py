"""JSON on the wire: what is accepted, checked before and while parsing.

A message is one JSON object in UTF-8, at most :data:`MAX_BODY_BYTES` long and :data:`MAX_DEPTH` deep,
with finite numbers within 64 bits and no key twice.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from firmware_bridge.errors import PayloadError, PayloadTooLargeError

MAX_BODY_BYTES: Final = 32 * 1024
#: A signed message is its body in base64 with key id and signature around it.
MAX_WIRE_BYTES: Final = 48 * 1024
MAX_DEPTH: Final = 16
_MAX_INTEGER: Final = 2**63 - 1
_MAX_NUMBER_CHARS: Final = 40
_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(r"[\[\]{}]")


def parse_object(raw: bytes, limit: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Read one JSON object from bytes that anybody may have sent.

    Raises
    ------
    PayloadTooLargeError
        If there are more than ``limit`` bytes.
    PayloadError
        With reason ``utf8``, ``json``, ``depth``, ``number``, ``key`` or ``object``.
    """
    if len(raw) > limit:
        raise PayloadTooLargeError(f"{len(raw)} bytes; {limit} are accepted", size=len(raw), limit=limit)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise PayloadError("utf8", "the message is not UTF-8") from problem
    _check_depth(text)
    try:
        value = json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded,
            object_pairs_hook=_unique_keys,
        )
    except (ValueError, RecursionError) as problem:
        raise PayloadError("json", "the message is not JSON") from problem
    if not isinstance(value, dict):
        raise PayloadError("object", "the message is JSON but not an object")
    return value


def write_object(value: dict[str, Any]) -> bytes:
    """Write one JSON object in the shortest form, keys in their given order.

    Raises
    ------
    PayloadError
        If it holds something JSON cannot carry, or a number that is not finite.
    PayloadTooLargeError
        If it is longer than a message may be.
    """
    try:
        raw = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (TypeError, ValueError) as problem:
        raise PayloadError("json", f"the message cannot be written as JSON: {problem}") from problem
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"{len(raw)} bytes; {MAX_BODY_BYTES} are accepted", size=len(raw))
    return raw


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return  # almost every message: no need to walk it
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise PayloadError("depth", f"nested deeper than {MAX_DEPTH}")


def _no_constant(name: str) -> None:
    raise PayloadError("number", f"{name} is not a number a message may carry")


def _finite(text: str) -> float:
    if len(text) > _MAX_NUMBER_CHARS or not math.isfinite(value := float(text)):
        raise PayloadError("number", "a number is not finite or has too many digits")
    return value


def _bounded(text: str) -> int:
    if len(text) > _MAX_NUMBER_CHARS or abs(value := int(text)) > _MAX_INTEGER:
        raise PayloadError("number", "a whole number does not fit into 64 bits")
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise PayloadError("key", "a key stands twice in one object")
    return value
