"""Money in integer fen (分): the type, its text forms and its fair division.

There is no float on the way: a house test refuses float literals, ``/`` and ``round`` beside :data:`Fen`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NewType

from kernel.errors import InputError

Fen = NewType("Fen", int)

_YUAN = re.compile(r"^\s*(?P<sign>-?)[¥￥]?\s*(?P<yuan>\d{1,12})(?:\.(?P<cents>\d{1,2}))?\s*(?:元)?\s*$")


class InvalidAmountError(InputError):
    """A text is not an amount of money."""

    code = "invalid_amount"
    remedy = "Write yuan with at most two decimals, for example 12.50."


def parse_yuan(text: str) -> Fen:
    """Read an amount written in yuan, such as ``12.5``, ``¥12.50`` or ``12元``.

    Raises
    ------
    InvalidAmountError
        If the text has more than two decimals or is not a number.
    """
    match = _YUAN.match(text)
    if match is None:
        raise InvalidAmountError(f"{text!r} is not an amount in yuan", value=text)
    cents = (match["cents"] or "").ljust(2, "0")
    fen = int(match["yuan"]) * 100 + int(cents or 0)
    return Fen(-fen if match["sign"] else fen)


def format_yuan(amount: Fen) -> str:
    """Write an amount in yuan with two decimals, without a currency sign."""
    yuan, cents = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{yuan}.{cents:02d}"


def share_out(total: Fen, weights: Mapping[str, int]) -> dict[str, Fen]:
    """Divide an amount by integer weights so that the parts add up to it exactly.

    Largest remainder (Hamilton's method); ties go to the key that sorts first, so that every party
    recomputes the same shares.

    Parameters
    ----------
    total
        Amount to divide; may be negative (a credit).
    weights
        Non-negative integer weight by party.

    Raises
    ------
    InputError
        If there is no party, a weight is negative or all weights are zero.
    """
    if not weights or any(weight < 0 for weight in weights.values()) or not any(weights.values()):
        raise InputError(
            "an amount can only be divided by weights that are not negative and not all zero",
            weights=dict(weights),
        )
    whole = sum(weights.values())
    sign, size = (-1, -total) if total < 0 else (1, int(total))
    floors = {key: size * weight // whole for key, weight in weights.items()}
    remainders = sorted(weights, key=lambda key: (-(size * weights[key] % whole), key))
    for key in remainders[: size - sum(floors.values())]:
        floors[key] += 1
    return {key: Fen(sign * floors[key]) for key in sorted(floors)}
