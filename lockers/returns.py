"""Marketplace returns (电商退货): what a return code stands for, behind a port.

The marketplaces' own interfaces were not read; each is an adapter of :class:`ReturnOrders`. The simulated one beside
it serves trials and demonstrations.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from lockers.compartments import CompartmentSize
from lockers.dropoffs import ItemClass


@dataclass(frozen=True)
class ReturnOrder:
    """One return a marketplace expects.

    Parameters
    ----------
    waybill
        Number the marketplace's carrier reserved for it, if it did.
    """

    platform: str
    company: str
    item_class: ItemClass
    quantity: int
    size: CompartmentSize
    stated_weight_g: int
    waybill: str | None = None


class ReturnOrders(Protocol):
    """Knows what return codes stand for."""

    def look_up(self, code: str) -> ReturnOrder | None:
        """Return the order, or None for a code that is unknown, used or withdrawn."""
        ...


class SimulatedReturns:
    """A marketplace of our own: any code ``XX-…`` of a known platform is a return of a size that follows from it."""

    _PLATFORMS = {"DY": "douyin", "PD": "pinduoduo", "TB": "taobao"}  # noqa: RUF012 - never changed

    def __init__(self, company: str) -> None:
        self._company = company
        self._used: set[str] = set()

    def look_up(self, code: str) -> ReturnOrder | None:
        """Return an invented order, the same for the same code, once."""
        platform = self._PLATFORMS.get(code.partition("-")[0])
        if platform is None or code in self._used:
            return None
        self._used.add(code)
        digest = hashlib.sha256(code.encode()).digest()
        size = list(CompartmentSize)[digest[0] % 2]
        return ReturnOrder(platform, self._company, ItemClass.CLOTHING, 1, size, 200 + digest[1] * 4)
