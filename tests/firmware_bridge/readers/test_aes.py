"""The cipher of the readers' channel: the standard's examples, and OpenSSL on everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from firmware_bridge.readers.aes import decrypt_cbc, encrypt_cbc

ZERO = bytes(16)


@pytest.mark.parametrize(("key", "plain", "said"), [
    # FIPS 197, appendix B and appendix C.1.
    ("2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"),
    ("000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"),
])  # fmt: skip
def test_the_standards_examples_are_met(key: str, plain: str, said: str) -> None:
    """The two worked examples of the standard come out, and back."""
    made = encrypt_cbc(bytes.fromhex(key), ZERO, bytes.fromhex(plain))
    assert made.hex() == said
    assert decrypt_cbc(bytes.fromhex(key), ZERO, made).hex() == plain


@given(key=st.binary(min_size=16, max_size=16), vector=st.binary(min_size=16, max_size=16), blocks=st.integers(0, 4),
       data=st.data())  # fmt: skip
@hypothesis_settings(max_examples=50)
def test_openssl_makes_the_same(key: bytes, vector: bytes, blocks: int, data: st.DataObject) -> None:
    """Whatever key and data, OpenSSL encrypts to the same bytes, and we read them again."""
    ciphers = pytest.importorskip("cryptography.hazmat.primitives.ciphers", reason="cryptography is not installed")
    plain = data.draw(st.binary(min_size=16 * blocks, max_size=16 * blocks))
    theirs = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.CBC(vector)).encryptor()
    made = encrypt_cbc(key, vector, plain)
    assert made == theirs.update(plain) + theirs.finalize()
    assert decrypt_cbc(key, vector, made) == plain
