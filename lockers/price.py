"""What sending a parcel costs at a kiosk: first weight and further steps, in whole fen."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.money import Fen


@dataclass(frozen=True)
class SendingTariff:
    """A company's price list at one kiosk, by version; figures are the company's data.

    Parameters
    ----------
    first_g, first_fen
        Price up to the first weight (首重).
    step_g, step_fen
        Price of each further begun step (续重).
    """

    company: str
    version: int
    first_g: int
    first_fen: Fen
    step_g: int
    step_fen: Fen

    def price(self, weight_g: int) -> Fen:
        """Return the price of a weight."""
        beyond_g = max(0, weight_g - self.first_g)
        return Fen(self.first_fen + -(-beyond_g // self.step_g) * self.step_fen)


@dataclass(frozen=True)
class Quote:
    """A price as it was shown.

    Parameters
    ----------
    provisional
        Said without scale or network; the bill follows the weight at collection.
    """

    amount_fen: Fen
    tariff_version: int
    provisional: bool = False


def quote(tariff: SendingTariff | None, weight_g: int, *, is_return: bool, certain: bool) -> Quote | None:
    """Return the price of a parcel: nothing for a marketplace return, None when it can only be told later.

    Parameters
    ----------
    certain
        Whether the price list is the present one and the weight a measured one.
    """
    if is_return:
        return Quote(Fen(0), 0)
    return None if tariff is None else Quote(tariff.price(weight_g), tariff.version, provisional=not certain)
