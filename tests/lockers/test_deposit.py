"""What may be put into a compartment, and how long its door may stand open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockers.compartments import Box, CompartmentSize
from lockers.deposit import DepositAsked, DepositHindrance, DepositRules, hindrances
from lockers.left_open import LeftOpen, LeftOpenRules

SHIRT = DepositAsked(CompartmentSize.S, 500, weighed_g=510, consent_reference="C-1")


def test_law_01_no_deposit_without_consent() -> None:
    """Without the recipient's consent on record nothing is deposited, unless the region's rule says otherwise."""
    assert hindrances(SHIRT) == ()
    asked = replace(SHIRT, consent_reference=None)
    assert hindrances(asked) == (DepositHindrance.NO_CONSENT,)
    assert hindrances(asked, DepositRules(consent_needed=False)) == ()


@pytest.mark.parametrize(
    ("change", "reason", "agreement_helps"),
    [
        ({"damaged": True}, DepositHindrance.DAMAGED, False),
        ({"weighed_g": 700}, DepositHindrance.WEIGHT_OFF, False),
        ({"fresh": True}, DepositHindrance.FRESH, True),
        ({"declared_value_fen": 100_000}, DepositHindrance.VALUABLE, True),
        ({"box": Box(450, 340, 90)}, DepositHindrance.TOO_LARGE, False),
    ],
)
def test_law_03_not_damaged_mismatched_fresh_or_valuable(
    change: dict[str, object], reason: DepositHindrance, agreement_helps: bool
) -> None:
    """Damaged, off its weight, fresh, valuable, too large: not into a compartment; some of it by agreement."""
    asked = replace(SHIRT, **change)  # type: ignore[arg-type]
    assert hindrances(asked) == (reason,)
    assert (hindrances(replace(asked, agreement_reference="A-1")) == ()) is agreement_helps


def test_everything_in_the_way_is_told_at_once() -> None:
    """A courier hears all reasons at once, not one after the other."""
    asked = replace(SHIRT, consent_reference=None, damaged=True, fresh=True)
    assert hindrances(asked) == (DepositHindrance.NO_CONSENT, DepositHindrance.DAMAGED, DepositHindrance.FRESH)


def test_a_door_left_open_is_told_in_tiers() -> None:
    """A minute: a beep. Five: the keeper. Thirty: a ticket."""
    tiers = [LeftOpenRules().tier(seconds) for seconds in (0, 59, 60, 299, 300, 1799, 1800, 90_000)]
    assert tiers == [
        LeftOpen.NO, LeftOpen.NO, LeftOpen.BEEP, LeftOpen.BEEP, LeftOpen.KEEPER, LeftOpen.KEEPER, LeftOpen.TICKET,
        LeftOpen.TICKET,
    ]  # fmt: skip
