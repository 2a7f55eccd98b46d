"""Wiegand 26: what a card's bits say, and how little that proves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.readers.wiegand import WiegandCard, card_of, decode26, encode26

CARDS = st.builds(WiegandCard, st.integers(0, 255), st.integers(0, 65_535))


def test_the_published_card_is_read() -> None:
    """Facility 90, card 324 is the example everybody prints; with a wrong parity it is no card."""
    assert decode26(0x00B40288) == WiegandCard(90, 324)
    assert decode26(0x00B40289) is None
    assert encode26(WiegandCard(90, 324)) == 0x00B40288


@given(CARDS, st.integers(0, 25))
def test_every_card_makes_the_round_trip_and_no_flipped_bit(card: WiegandCard, bit: int) -> None:
    """Every card is read as it was written, and one flipped bit makes it unreadable."""
    assert decode26(encode26(card)) == card
    assert decode26(encode26(card) ^ 1 << bit) is None


@pytest.mark.parametrize(("bit_count", "data"), [(34, bytes(5)), (26, bytes(2)), (26, b"\xff\xff\xff\xff")])
def test_other_formats_are_no_cards(bit_count: int, data: bytes) -> None:
    """Other lengths, cut data and nonsense are no Wiegand 26 cards."""
    assert card_of(bit_count, data) is None


def test_a_legacy_card_alone_opens_nothing() -> None:
    """A card that can be copied counts only together with something else."""
    card = WiegandCard(90, 324)
    assert not card.opens_with([])
    assert card.opens_with(["pin"])
