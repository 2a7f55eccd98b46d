"""The lights of a station's shelves: a colour for each visitor, as long as the visit lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from firmware_bridge.lights.strip import Colour, LightStrip, Segment, StripLayout
from firmware_bridge.peripherals.errors import LightsError
from kernel.log import get_logger

log = get_logger("firmware_bridge.lights")

#: After Okabe and Ito (2008), "Color Universal Design": the six of theirs, white included, that stay farthest apart for
#: people who see no red, no green or no blue (a test computes the distances).
VISITORS: Final = (
    Colour.of("0072B2"),  # blue
    Colour.of("F0E442"),  # yellow
    Colour.of("D55E00"),  # vermilion
    Colour.of("FFFFFF"),  # white
    Colour.of("56B4E9"),  # sky blue
    Colour.of("CC79A7"),  # reddish purple
)
#: Frames can be lost without a word, and a controller that was without power comes back dark.
RESEND_S: Final = 3.0
#: So long darkness is sent again where nobody confirms it.
_DARK_S: Final = 30.0
_BLINK_S: Final = 0.5


class Pattern(StrEnum):
    """How a cell shines; blinking also tells visitors of the same colour apart."""

    STEADY = "steady"
    BLINKING = "blinking"


@dataclass(frozen=True)
class LightOrder:
    """What one visit wants to shine.

    Parameters
    ----------
    visit
        Whose it is; the next order of the same visit replaces it.
    colour, pattern
        Chosen by :class:`ShelfLights` when omitted.
    ttl_s
        The cells go dark after so long, even if nobody says so.
    """

    visit: str
    cells: tuple[str, ...]
    ttl_s: float
    colour: Colour | None = None
    pattern: Pattern | None = None


@dataclass(frozen=True)
class Look:
    """How one visit's cells shine."""

    colour: Colour
    pattern: Pattern


@dataclass
class _LitState:
    cells: tuple[str, ...]
    look: Look
    until_s: float


@dataclass
class ShelfLights:
    """Keeps a strip as the visits want it.

    Parameters
    ----------
    on_trouble
        Told once when the strip cannot be reached, and once with None when it can again.

    Notes
    -----
    Call :meth:`tick` a few times a second, from one thread; it lasts as long as the strip takes. A cell wanted by two
    visits shows both colours, side by side in the order the visits began, so each finds its own.
    """

    strip: LightStrip
    layout: StripLayout
    on_trouble: Callable[[str | None], None] = lambda _: None
    _visits: dict[str, _LitState] = field(default_factory=dict)
    _sent: tuple[Segment, ...] | None = None
    _sent_s: float = float("-inf")
    _lit_s: float = float("-inf")
    _confirmed: bool = False
    _troubled: bool = False

    @property
    def confirmed(self) -> bool:
        """Tell whether the strip's controller confirmed what is wanted now."""
        return self._confirmed

    def light(self, order: LightOrder) -> Look:
        """Let a visit's cells shine and return how, so that a screen can say the same.

        Raises
        ------
        LightLayoutError
            If a cell has no lamps; nothing changes then.
        """
        for cell in order.cells:
            self.layout.span(cell)
        before = self._visits.get(order.visit)
        look = before.look if before is not None else self._free_look()
        look = Look(order.colour or look.colour, order.pattern or look.pattern)
        self._visits[order.visit] = _LitState(order.cells, look, time.monotonic() + order.ttl_s)
        self.tick()
        return look

    def reached(self, visit: str, cell: str) -> None:
        """Put out one cell of a visit, because its parcel was taken."""
        lit = self._visits.get(visit)
        if lit is not None:
            lit.cells = tuple(other for other in lit.cells if other != cell)
            self.tick()

    def end(self, visit: str) -> None:
        """Put out all cells of a visit."""
        if self._visits.pop(visit, None) is not None:
            self.tick()

    def tick(self) -> None:
        """Send what has changed, and all of it again every few seconds while a visit or a trouble lasts."""
        now_s = time.monotonic()
        self._visits = {visit: lit for visit, lit in self._visits.items() if lit.until_s > now_s}
        if self._visits:
            self._lit_s = now_s
        wanted = self._picture(now_s)
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
        return (bool(self._visits) or self._troubled or unsure) and now_s - self._sent_s >= RESEND_S

    def _picture(self, now_s: float) -> tuple[Segment, ...]:
        wanted: dict[str, list[Look]] = {}
        for lit in self._visits.values():
            for cell in lit.cells:
                wanted.setdefault(cell, []).append(lit.look)
        bright = int(now_s / _BLINK_S) % 2 == 0
        segments = [part for cell, looks in wanted.items() for part in _shared(self.layout.span(cell), looks, bright)]
        return tuple(sorted(segments, key=lambda part: part.first))

    def _free_look(self) -> Look:
        """Choose the look fewest visits have; steady ones before blinking ones."""
        looks = [Look(colour, pattern) for pattern in Pattern for colour in VISITORS]
        taken = [lit.look for lit in self._visits.values()]
        return min(looks, key=taken.count)

    def _trouble(self, why: str | None) -> None:
        if self._troubled != (why is not None):
            self._troubled = why is not None
            log.warning("lights", trouble=why or "over")
            self.on_trouble(why)


def _shared(span: tuple[int, int], looks: Sequence[Look], bright: bool) -> list[Segment]:
    """Share a cell's lamps between the visits that want it; with too few lamps the first ones win."""
    first, end = span
    count = min(len(looks), end - first)
    edges = [first + (end - first) * part // count for part in range(count + 1)]
    return [
        Segment(edges[part], edges[part + 1], look.colour)
        for part, look in enumerate(looks[:count])
        if bright or look.pattern is Pattern.STEADY
    ]
