"""Code 128 barcodes (ISO/IEC 15417), as bars on paper and as SVG on a page."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Final

from dispatch.sorting.errors import BarcodeError

QUIET: Final = 10
"""Empty modules a scanner needs on either side."""


@lru_cache(maxsize=20_000)
def bars(text: str) -> tuple[tuple[int, int], ...]:
    """Return the black bars of a code as (start, width), in modules from the first bar.

    Raises
    ------
    BarcodeError
        If the text holds a character that Code 128 has not.
    """
    if not text or not text.isascii() or not text.isprintable():
        raise BarcodeError(f"{text!r} cannot be printed as a barcode", text=text)
    from reportlab.graphics.barcode.code128 import Code128  # takes a moment to load, and few processes print

    code = Code128(text, barWidth=1)
    code.validate()
    code.encode()
    code.decompose()
    found, place = [], 0
    for letter in code.decomposed:  # capitals and small letters: bars and spaces of 1 to 4 modules
        width = ord(letter.upper()) - ord("A") + 1
        if letter.isupper():
            found.append((place, width))
        place += width
    return tuple(found)


def modules(text: str) -> int:
    """Return how wide a code is, in modules, without the empty space beside it."""
    start, width = bars(text)[-1]
    return start + width


def svg(text: str, *, module_px: float = 1.2, height_px: int = 34) -> str:
    """Return a code as an SVG element with the quiet zones it needs."""
    wide = modules(text) + 2 * QUIET
    path = "".join(f"M{QUIET + start} 0h{width}v1h-{width}z" for start, width in bars(text))
    return (
        f'<svg class="code" role="img" aria-label="{escape(text, quote=True)}" width="{wide * module_px:.0f}" '
        f'height="{height_px}" viewBox="0 0 {wide} 1" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f'<path d="{path}"/></svg>'
    )
