"""A cost that companies cause together, and what each coalition of them would cause alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from dispatch.sharing.errors import SharesError

Coalition = frozenset[str]
Price = Callable[[Coalition], int]


class CostGame:
    """Companies and the price of every coalition, in fen; each coalition is priced once.

    Parameters
    ----------
    price
        What a coalition would cost alone. It is never asked for nobody, nor for everybody.
    total_fen
        What everybody costs together.

    Raises
    ------
    SharesError
        If there is no company.
    """

    def __init__(self, companies: Sequence[str], price: Price, total_fen: int) -> None:
        if not companies:
            raise SharesError("there is no company to share the cost between")
        self.companies = tuple(sorted(companies))
        self.everybody: Coalition = frozenset(companies)
        self.total_fen = total_fen
        self._price = price
        self._known: dict[Coalition, int] = {frozenset(): 0, self.everybody: total_fen}

    def cost_fen(self, coalition: Coalition) -> int:
        """Return what a coalition would cost alone."""
        if coalition not in self._known:
            self._known[coalition] = self._price(coalition)
        return self._known[coalition]

    def coalitions(self, largest: int | None = None) -> Iterator[Coalition]:
        """Yield the coalitions of some but not all companies, the small ones first."""
        for size in range(1, min(len(self.companies), (largest or len(self.companies)) + 1)):
            for members in combinations(self.companies, size):
                yield frozenset(members)
