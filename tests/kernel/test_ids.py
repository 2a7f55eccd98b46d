"""Identifiers and secrets."""

from __future__ import annotations

from uuid import UUID

from kernel.ids import SeededIds, SystemIds, new_digits, new_secret


def test_ids_are_version_seven_and_rise() -> None:
    """Ids made later sort later, so lists come in the order of making."""
    made = [SystemIds().new() for _ in range(200)]
    assert made == sorted(made)
    assert len(set(made)) == 200
    assert {UUID(value).version for value in made} == {7}


def test_seeded_ids_repeat() -> None:
    """Two runs of a demo with one seed name everything alike."""
    first, second = SeededIds(4), SeededIds(4)
    assert [first.new() for _ in range(5)] == [second.new() for _ in range(5)]
    assert SeededIds(5).new() != SeededIds(4).new()


def test_secrets_differ_and_codes_have_their_length() -> None:
    """A new secret is never the last one, and a code has as many digits as asked."""
    assert new_secret() != new_secret()
    assert len(new_digits(8)) == 8
    assert new_digits(8).isdecimal()
