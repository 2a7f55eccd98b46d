"""What departing from habit costs, and how far a day may go: prices and bounds as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from dispatch.habit.errors import HabitBoundError

_DEAREST_FEN: Final = 100_000
_LONGEST_S: Final = 8 * 3600
_BOUND_OF: Final = {
    "territory_fen": "most_moved_percent",
    "order_fen": "most_reordered_percent",
    "arrival_fen": "most_shifted_percent",
}


@dataclass(frozen=True)
class HabitRule:
    """Prices and bounds of a daily plan's departure from the master routes.

    A price of 0 turns its term off, and with it the bound. Prices are for planning only: nobody pays them, and
    no plan's cost holds them.

    Attributes
    ----------
    territory_fen
        For each stop that another than its habitual courier serves.
    order_fen
        For each stop that leaves the order of its master route.
    arrival_fen
        For each place reached earlier or later than usual by more than the tolerance.
    most_moved_percent, most_reordered_percent, most_shifted_percent
        Of the stops (places) of one master route, at most so many; None is no bound.
    tolerance_s
        Arrivals that move by less count as usual.
    """

    territory_fen: int = 100
    order_fen: int = 100
    arrival_fen: int = 50
    most_moved_percent: int | None = 50
    most_reordered_percent: int | None = 50
    most_shifted_percent: int | None = 75
    tolerance_s: int = 1800

    def __post_init__(self) -> None:
        for price in _BOUND_OF:
            if not 0 <= getattr(self, price) <= _DEAREST_FEN:
                raise _wrong(price, f"must lie between 0 and {_DEAREST_FEN}")
        if not 0 <= self.tolerance_s <= _LONGEST_S:
            raise _wrong("tolerance_s", f"must lie between 0 and {_LONGEST_S}")
        for price, bound in _BOUND_OF.items():
            most = getattr(self, bound)
            if most is not None and not 0 <= most <= 100:
                raise _wrong(bound, "must lie between 0 and 100, or be left out")
            if most is not None and getattr(self, price) == 0:
                raise _wrong(bound, f"is {most} although {price} 0 turns the term off")

    def as_dict(self) -> dict[str, int | None]:
        """Return it as plain JSON."""
        return asdict(self)

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> HabitRule:
        """Make a rule from what somebody set; a price of 0 takes its bound away unless the bound is set too.

        Raises
        ------
        HabitBoundError
            If a name is unknown, a value is out of its range, or a bound is to hold although its price is 0.
        """
        unknown = values.keys() - {one.name for one in fields(cls)}
        if unknown:
            raise _wrong(min(unknown), "is no price or bound")
        off = {bound: None for price, bound in _BOUND_OF.items() if values.get(price) == 0}
        return cls(**(off | dict(values)))


OFF: Final = HabitRule(0, 0, 0, None, None, None)
"""Habit measured, but neither priced nor bounded."""


def _wrong(name: str, how: str) -> HabitBoundError:
    return HabitBoundError(f"habit rule: {name} {how}", field=name)
