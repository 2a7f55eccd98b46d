"""The lights of a station's shelves: what the domain orders, kept shining as long as it is ordered."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from firmware_bridge.lights.strip import Colour, LightStrip, Segment, StripLayout
from firmware_bridge.peripherals.errors import LightsError
from kernel.log import get_logger
from lockers.lights import LightOrder

log = get_logger("firmware_bridge.lights")

#: Frames can be lost without a word, and a controller that was without power comes back dark.
RESEND_S: Final = 3.0
#: So long darkness is sent again where nobody confirms it.
_DARK_S: Final = 30.0
_BLINK_S: Final = 0.5
_STEADY: Final = "steady"


@dataclass(frozen=True)
class _Lit:
    order: LightOrder
    until_s: float


@dataclass
class ShelfLights:
    """Keeps one strip as it was ordered.

    Parameters
    ----------
    on_trouble
        Told once when the strip cannot be reached, and once with None when it can again.

    Notes
    -----
    Call :meth:`tick` a few times a second, from one thread; it lasts as long as the strip takes. Who shines in which
    colour, and what a cell of two visitors does, is decided by :mod:`lockers.lights`.
    """

    strip: LightStrip
    layout: StripLayout
    on_trouble: Callable[[str | None], None] = lambda _: None
    _lit: tuple[_Lit, ...] = ()
    _sent: tuple[Segment, ...] | None = None
    _sent_s: float = float("-inf")
    _lit_s: float = float("-inf")
    _confirmed: bool = False
    _troubled: bool = False

    @property
    def confirmed(self) -> bool:
        """Tell whether the strip's controller confirmed what is wanted now."""
        return self._confirmed

    def show(self, orders: Sequence[LightOrder]) -> None:
        """Show these orders and nothing else, each for its time; cells of other strips are left out."""
        now_s = time.monotonic()
        self._lit = tuple(_Lit(order, now_s + order.ttl_s) for order in orders)
        self.tick()

    def tick(self) -> None:
        """Send what has changed, and all of it again every few seconds while an order or a trouble lasts."""
        now_s = time.monotonic()
        self._lit = tuple(lit for lit in self._lit if lit.until_s > now_s)
        wanted = self._picture(now_s)
        if self._lit:
            self._lit_s = now_s
        if not self._due(wanted, now_s):
            return
        self._sent, self._sent_s = wanted, now_s
        try:
            self._confirmed = self.strip.show(wanted) if wanted else self.strip.off()
        except LightsError as problem:
            self._confirmed = False
            self._trouble(problem.message)
            return
        self._trouble(None)

    def _due(self, wanted: tuple[Segment, ...], now_s: float) -> bool:
        if wanted != self._sent and not self._troubled:  # a strip that cannot be reached is not asked at every turn
            return True
        unsure = not self._confirmed and now_s - self._lit_s < _DARK_S
        return (bool(self._lit) or self._troubled or unsure) and now_s - self._sent_s >= RESEND_S

    def _picture(self, now_s: float) -> tuple[Segment, ...]:
        bright = int(now_s / _BLINK_S) % 2 == 0
        shining = {
            cell: lit.order.colour
            for lit in self._lit
            for cell in lit.order.cells
            if cell in self.layout.cells and (bright or lit.order.pattern == _STEADY)
        }
        spans = ((self.layout.span(cell), Colour.of(colour)) for cell, colour in shining.items())
        return tuple(sorted((Segment(*span, colour) for span, colour in spans), key=lambda part: part.first))

    def _trouble(self, why: str | None) -> None:
        if self._troubled != (why is not None):
            self._troubled = why is not None
            log.warning("lights", trouble=why or "over")
            self.on_trouble(why)


def show_everywhere(strips: Collection[ShelfLights], orders: Sequence[LightOrder]) -> frozenset[str]:
    """Show orders on all strips of a station and return the cells that have no lamps on any of them."""
    for strip in strips:
        strip.show(orders)
    wanted = {cell for order in orders for cell in order.cells}
    return frozenset(wanted.difference(*(strip.layout.cells for strip in strips)))
