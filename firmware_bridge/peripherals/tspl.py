"""Labels in TSPL, the language of TSC's and most Chinese label printers, and its status byte.

Sources: TSC's TSPL/TSPL2 programming manual (SIZE, GAP, TEXT, BARCODE, QRCODE, PRINT, ``ESC ! ?``).
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import MORE, Request
from firmware_bridge.peripherals.label import Label, MaskedParty, weight_text
from firmware_bridge.peripherals.printer_state import PrinterState

ENCODING: Final = "gb18030"
ASK_STATUS: Final = b"\x1b!?"
_LINE: Final = "\r\n"
_DOTS_PER_MM: Final = 8  # 203 dots per inch
_FONT: Final = "TSS24.BF2"  # simplified Chinese, 24 dots
_NEXT_LINE: Final = 32
_PAPER_JAM, _PAPER_OUT, _RIBBON_OUT, _HEAD_OPEN, _PAUSED, _PRINTING, _COVER, _TOO_HOT = (
    0x02, 0x04, 0x08, 0x01, 0x10, 0x20, 0x40, 0x80,
)  # fmt: skip


def label_bytes(label: Label, width_mm: int = 76, height_mm: int = 130) -> bytes:
    """Return the commands that print one label once."""
    left, line = 3 * _DOTS_PER_MM, 3 * _DOTS_PER_MM
    commands = [
        f"SIZE {width_mm} mm,{height_mm} mm", "GAP 2 mm,0 mm", "DIRECTION 1", "CLS",
        _text(left, line, label.routing or label.company, scale=2),
        _text(left, line + 2 * _NEXT_LINE, f"{label.company}  {weight_text(label.weight_g)}".rstrip()),
        f'BARCODE {left},{line + 4 * _NEXT_LINE},"128",{10 * _DOTS_PER_MM},1,0,2,4,{_quoted(label.waybill)}',
    ]  # fmt: skip
    place = line + 9 * _NEXT_LINE
    for heading, party in (("收", label.recipient), ("寄", label.sender)):
        for text in _party_lines(heading, party):
            commands.append(_text(left, place, text))
            place += _NEXT_LINE
    commands.append(f"QRCODE {left},{place + _NEXT_LINE},M,6,A,0,M2,{_quoted(label.qr or label.waybill)}")
    commands.append(_text(left + 24 * _DOTS_PER_MM, place + _NEXT_LINE, label.printed_at))
    return (_LINE.join([*(part for part in commands if part), "PRINT 1,1"]) + _LINE).encode(ENCODING)


class StatusFraming:
    """A status is one byte; which bytes are one is all there is to check."""

    longest = 1

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure: one."""
        return 1 if buffer else MORE

    def valid(self, frame: bytes) -> bool:
        """Tell whether a byte can be a status: its faults never come together with "printing"."""
        faults = _PAPER_JAM | _PAPER_OUT | _RIBBON_OUT | _HEAD_OPEN | _COVER
        return len(frame) == 1 and not (frame[0] & _PRINTING and frame[0] & faults)


def read_status(frame: bytes) -> PrinterState:
    """Read a status byte; the worst trouble wins."""
    troubles = (
        (_PAPER_OUT, PrinterState.PAPER_OUT), (_PAPER_JAM, PrinterState.JAM), (_RIBBON_OUT, PrinterState.PAPER_OUT),
        (_HEAD_OPEN | _COVER, PrinterState.COVER_OPEN), (_TOO_HOT | _PAUSED, PrinterState.STOPPED),
        (_PRINTING, PrinterState.BUSY),
    )  # fmt: skip
    for bits, state in troubles:
        if frame[0] & bits:
            return state
    return PrinterState.READY


def _party_lines(heading: str, party: MaskedParty) -> list[str]:
    return [f"{heading}  {party.name}  {party.phone}", f"    {party.address}"]


def _text(left: int, top: int, text: str, scale: int = 1) -> str:
    return f'TEXT {left},{top},"{_FONT}",0,{scale},{scale},{_quoted(text)}' if text else ""


def _quoted(text: str) -> str:
    r"""Quote a text: the language writes a quotation mark inside one as ``\["]``."""
    return '"' + text.replace('"', '\\["]') + '"'
