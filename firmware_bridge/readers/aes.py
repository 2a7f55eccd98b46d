"""AES-128 in chained blocks (CBC), for the few blocks a second that a door reader's channel needs.

Written out here so that the device program installs alone; tests compare it with the standard's examples and with
OpenSSL. Its time depends on keys and data by microseconds on a line where one byte takes a millisecond.
Source: FIPS 197 (2001); NIST SP 800-38A for the chaining.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

BLOCK: Final = 16
_ROUNDS: Final = 10
_WORD: Final = 4
_FIELD: Final = 0x11B  # x^8 + x^4 + x^3 + x + 1
#: Where each byte of a block comes from when its rows are shifted, and back.
_SHIFTED: Final = tuple((place + 4 * (place % 4)) % BLOCK for place in range(BLOCK))
_UNSHIFTED: Final = tuple((place - 4 * (place % 4)) % BLOCK for place in range(BLOCK))


def encrypt_cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Encrypt whole blocks."""
    round_keys, said, last = _expanded(key), bytearray(), vector
    for start in range(0, len(data), BLOCK):
        last = _encrypted(round_keys, _mixed_with(data[start : start + BLOCK], last))
        said += last
    return bytes(said)


def decrypt_cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks."""
    round_keys, said, last = _expanded(key), bytearray(), vector
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        said += _mixed_with(_decrypted(round_keys, block), last)
        last = block
    return bytes(said)


def _times(one: int, other: int) -> int:
    """Multiply in the field of 256 elements."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 0x100:
            one ^= _FIELD
        other >>= 1
    return product


def _substitutions() -> bytes:
    """Return the S-box: the inverse in the field, then an affine map of its bits."""
    powers = [1]
    for _ in range(254):
        powers.append(_times(powers[-1], 3))  # 3 generates all elements but 0
    inverses = {power: powers[-place % 255] for place, power in enumerate(powers)}
    box = bytearray(256)
    for value in range(256):
        turned = inverse = inverses.get(value, 0)
        for _ in range(4):
            inverse = (inverse << 1 | inverse >> 7) & 0xFF
            turned ^= inverse
        box[value] = turned ^ 0x63
    return bytes(box)


_BOX: Final = _substitutions()
_UNBOX: Final = bytes(_BOX.index(value) for value in range(256))
_BY: Final = {factor: bytes(_times(value, factor) for value in range(256)) for factor in (2, 3, 9, 11, 13, 14)}
_WORDS: Final = struct.Struct(">4I")


def _table(place: int) -> tuple[int, ...]:
    """Return what a substituted byte in one row of a column adds to the multiplied column."""
    columns = (bytes((_BY[2][said], said, said, _BY[3][said])) for said in _BOX)
    return tuple(int.from_bytes(column[-place:] + column[:-place], "big") for column in columns)


_TABLES: Final = tuple(_table(place) for place in range(_WORD))


@lru_cache(maxsize=8)
def _expanded(key: bytes) -> tuple[bytes, ...]:
    """Derive the keys of all rounds."""
    words = [key[place : place + _WORD] for place in range(0, BLOCK, _WORD)]
    constant = 1
    for number in range(_WORD, _WORD * (_ROUNDS + 1)):
        word = words[-1]
        if number % _WORD == 0:
            word = (word[1:] + word[:1]).translate(_BOX)
            word = bytes((word[0] ^ constant,)) + word[1:]
            constant = _times(constant, 2)
        words.append(_mixed_with(words[number - _WORD], word))
    return tuple(b"".join(words[place : place + _WORD]) for place in range(0, len(words), _WORD))


def _encrypted(round_keys: Sequence[bytes], block: bytes) -> bytes:
    """Encrypt one block: substitution, shift and multiplication of a round are four look-ups a column."""
    first, second, third, fourth = _TABLES
    a, b, c, d = _WORDS.unpack(_mixed_with(block, round_keys[0]))
    for number in range(1, _ROUNDS):
        one, two, three, four = _WORDS.unpack(round_keys[number])
        a, b, c, d = (
            first[a >> 24] ^ second[b >> 16 & 255] ^ third[c >> 8 & 255] ^ fourth[d & 255] ^ one,
            first[b >> 24] ^ second[c >> 16 & 255] ^ third[d >> 8 & 255] ^ fourth[a & 255] ^ two,
            first[c >> 24] ^ second[d >> 16 & 255] ^ third[a >> 8 & 255] ^ fourth[b & 255] ^ three,
            first[d >> 24] ^ second[a >> 16 & 255] ^ third[b >> 8 & 255] ^ fourth[c & 255] ^ four,
        )
    state = _WORDS.pack(a, b, c, d).translate(_BOX)
    return _mixed_with(bytes(state[place] for place in _SHIFTED), round_keys[_ROUNDS])


def _decrypted(round_keys: Sequence[bytes], block: bytes) -> bytes:
    state = block
    for number in range(_ROUNDS, 0, -1):
        state = _mixed_with(state, round_keys[number])
        if number < _ROUNDS:
            state = _columns_undone(state)
        state = bytes(state[place] for place in _UNSHIFTED)
        state = state.translate(_UNBOX)
    return _mixed_with(state, round_keys[0])


def _columns_undone(state: bytes) -> bytes:
    """Multiply each column by the inverse of the cipher's matrix."""
    by_14, by_11, by_13, by_9 = (_BY[factor] for factor in (14, 11, 13, 9))
    mixed = bytearray()
    for start in range(0, BLOCK, _WORD):
        column = state[start : start + _WORD]
        for row in range(_WORD):
            a, b, c, d = (column[(row + step) % _WORD] for step in range(_WORD))
            mixed.append(by_14[a] ^ by_11[b] ^ by_13[c] ^ by_9[d])
    return bytes(mixed)


def _mixed_with(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
