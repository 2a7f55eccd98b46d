"""Passwords: argon2id digests, and a check that takes as long for an unknown user as for a known one."""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from api.errors import WeakPasswordError
from kernel.ids import new_secret

MIN_LENGTH = 10
MAX_LENGTH = 200  # hashing time grows with the input: a megabyte password would be an attack


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))  # parameters of RFC 9106, second recommendation


def hash_password(password: str) -> str:
    """Digest a password for storing.

    Raises
    ------
    WeakPasswordError
        If it is shorter than 10 or longer than 200 characters.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPasswordError(
            f"the password has {len(password)} characters", min_length=MIN_LENGTH, max_length=MAX_LENGTH
        )
    return _hasher().hash(password)


@cache
def _nobody() -> str:
    return _hasher().hash(new_secret())


def password_fits(password: str, digest: str | None) -> bool:
    """Tell whether a password belongs to a digest; without a digest it works as long and says no."""
    if len(password) > MAX_LENGTH:
        password = ""
    try:
        fits = _hasher().verify(password, digest if digest is not None else _nobody())
    except UnknownHashError:
        return False
    return fits and digest is not None
