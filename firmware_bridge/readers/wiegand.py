"""Wiegand 26 (H10301): even parity over twelve bits, 8 of facility, 16 of card, odd parity over twelve.

Clear text, the same every time, and readable with a wire at the reader: legacy input. A card read this way is never
the only factor that opens a door.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

BITS: Final = 26
_HALF: Final = 13


@dataclass(frozen=True)
class WiegandCard:
    """What a card says: who issued it and its number there; neither proves that it is no copy."""

    facility: int
    number: int

    def opens_with(self, other_factors: Collection[str]) -> bool:
        """Tell whether the card counts, given what else the person showed: alone it does not."""
        return bool(other_factors)


def encode26(card: WiegandCard) -> int:
    """Return the 26 bits of a card, the first one highest."""
    middle = (card.facility & 0xFF) << 16 | card.number & 0xFFFF
    even = (middle >> 12).bit_count() % 2
    odd = 1 - (middle & 0xFFF).bit_count() % 2
    return even << 25 | middle << 1 | odd


def decode26(bits: int) -> WiegandCard | None:
    """Read 26 bits; None when a parity or the number of bits does not fit."""
    if bits >> BITS:
        return None
    if (bits >> _HALF).bit_count() % 2 or not (bits & (1 << _HALF) - 1).bit_count() % 2:
        return None
    return WiegandCard(bits >> 17 & 0xFF, bits >> 1 & 0xFFFF)


def card_of(bit_count: int, data: bytes) -> WiegandCard | None:
    """Read a card from a reader's raw bits, first bit highest in the first byte; None for other formats."""
    if bit_count != BITS or len(data) < 4:
        return None
    return decode26(int.from_bytes(data[:4], "big") >> 32 - BITS)
