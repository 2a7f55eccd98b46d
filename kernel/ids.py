"""Identifiers: UUIDv7 for events and rows, secrets for codes and keys.

UUIDv7 (RFC 9562) sorts by time of making, so indexes stay compact and lists come in order.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from random import Random
from typing import Protocol
from uuid import UUID

import uuid_utils


class Ids(Protocol):
    """Something that makes new identifiers."""

    def new(self) -> str:
        """Return an identifier never returned before."""
        ...


class SystemIds:
    """UUIDv7 from the machine's clock and its secure random source."""

    def new(self) -> str:
        """Return a new UUIDv7 in its 36-character form."""
        return str(uuid_utils.uuid7())


@dataclass
class SeededIds:
    """Identifiers that repeat with the seed, for tests and reproducible demos."""

    seed: int = 0
    _count: int = field(default=0, init=False)

    def new(self) -> str:
        """Return the next identifier of this seed; a UUID in form, rising in order."""
        self._count += 1
        tail = Random(f"{self.seed}/{self._count}").getrandbits(62)  # noqa: S311 - not a secret
        value = (self._count << 80) | (7 << 76) | (2 << 62) | tail
        return str(UUID(int=value))


def new_secret(n_bytes: int = 32) -> str:
    """Return a URL-safe random secret."""
    return secrets.token_urlsafe(n_bytes)


def new_digits(count: int) -> str:
    """Return a random decimal code of the given length."""
    return "".join(secrets.choice("0123456789") for _ in range(count))
