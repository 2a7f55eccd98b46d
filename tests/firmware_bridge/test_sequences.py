"""Numbers that have arrived and numbers that are missing."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.schemas import Ack
from firmware_bridge.server.sequences import SeqSet


def of(numbers: list[int]) -> SeqSet:
    """Build a set number by number."""
    seqs = SeqSet()
    for number in numbers:
        seqs = seqs.with_seq(number)
    return seqs


@given(st.lists(st.integers(1, 60)))
@settings(max_examples=50, deadline=None)
def test_runs_hold_what_a_plain_set_holds(numbers: list[int]) -> None:
    """However numbers arrive, the runs contain exactly those numbers and name exactly the gaps."""
    seqs, plain = of(numbers), set(numbers)
    assert {number for number in range(1, 70) if number in seqs} == plain
    assert seqs.highest == max(plain, default=0)
    missing = {number for first, last in seqs.gaps() for number in range(first, last + 1)}
    assert missing == set(range(1, seqs.highest)) - plain
    assert all(first <= last for first, last in seqs.ahead)


@given(st.permutations(range(1, 12)))
@settings(max_examples=50, deadline=None)
def test_order_of_arrival_leaves_no_trace(numbers: list[int]) -> None:
    """The same numbers in any order give the same set."""
    assert of(numbers) == SeqSet(11, ())


@given(st.lists(st.integers(1, 60)), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_an_acknowledgement_never_claims_too_much(numbers: list[int], limit: int) -> None:
    """Whatever fits into one message, it never says of a number that it arrived when it did not."""
    seqs = of(numbers)
    upto, missing = seqs.acknowledgement(limit)
    ack = Ack(store="b41e", upto=upto, missing=missing, server_time=datetime(2026, 3, 4, tzinfo=UTC))
    claimed = {number for number in range(1, 70) if ack.covers(number)}
    assert claimed <= set(numbers)
    if len(seqs.gaps()) <= limit:
        assert claimed == set(numbers)
