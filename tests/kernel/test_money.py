"""Money in fen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InputError
from kernel.money import Fen, InvalidAmountError, format_yuan, parse_yuan, share_out


@pytest.mark.parametrize(
    ("text", "fen"),
    [("12.50", 1250), ("12.5", 1250), ("¥3", 300), ("0.07元", 7), ("-1.20", -120), (" 8 ", 800)],
)
def test_yuan_is_read_to_the_fen(text: str, fen: int) -> None:
    """An amount as people write it becomes the exact number of fen."""
    assert parse_yuan(text) == fen


@pytest.mark.parametrize("text", ["", "1.234", "12,50", "=1+1", "1e3", "NaN", "½", "１２"[:0] + "abc"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """A text that is not an amount is refused, not guessed."""
    with pytest.raises(InvalidAmountError):
        parse_yuan(text)


@given(st.integers(-(10**12), 10**12))
def test_writing_and_reading_an_amount_gives_it_back(amount: int) -> None:
    """What a statement prints can be read back to the fen."""
    assert parse_yuan(format_yuan(Fen(amount))) == amount


@given(
    st.integers(-(10**9), 10**9),
    st.dictionaries(st.text("abcdefg", min_size=1, max_size=2), st.integers(0, 10**6), min_size=1).filter(
        lambda weights: any(weights.values())
    ),
)
def test_shr_20_shares_add_up_exactly(total: int, weights: dict[str, int]) -> None:
    """Parts of a bill sum to the bill, each within one fen of its exact share."""
    shares = share_out(Fen(total), weights)
    assert sum(shares.values()) == total
    whole = sum(weights.values())
    for party, share in shares.items():
        assert abs(share * whole - total * weights[party]) < whole


def test_shr_20_ties_go_to_the_first_name() -> None:
    """Every company recomputes the same shares, whatever the order of its list."""
    assert share_out(Fen(100), {"c": 1, "a": 1, "b": 1}) == {"a": 34, "b": 33, "c": 33}


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}])
def test_an_amount_cannot_be_divided_among_nobody(weights: dict[str, int]) -> None:
    """A division without anybody to pay is refused."""
    with pytest.raises(InputError):
        share_out(Fen(5), weights)
