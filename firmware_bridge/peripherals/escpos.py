"""Receipts and labels in ESC/POS, the language of receipt printers, and its status bytes.

Sources: Epson's ESC/POS application programming guide (``ESC @``, ``ESC a``, ``GS !``, ``GS k`` 73, ``GS ( k``,
``GS V``, ``DLE EOT``); Chinese text goes as GB 18030 in the Kanji mode of ``FS &``.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.codecs.board import MORE, NO_FRAME, Request
from firmware_bridge.peripherals.label import Label, Receipt, weight_text
from firmware_bridge.peripherals.printer_state import PrinterState

ENCODING: Final = "gb18030"
_START: Final = b"\x1b@\x1c&"  # as after power on, Chinese characters
_LEFT, _CENTRE = b"\x1ba\x00", b"\x1ba\x01"
_LARGE, _NORMAL = b"\x1d!\x11", b"\x1d!\x00"
_CUT: Final = b"\x1bd\x04\x1dV\x01"
_BARCODE_SETTINGS: Final = b"\x1dh\x50\x1dw\x02\x1dH\x02"  # height, width, digits below
_FIXED_MASK, _FIXED = 0b1001_0011, 0b0001_0010
OFFLINE, ERROR, PAPER = 2, 3, 4
_COVER, _PAPER_STOP = 0x04, 0x20
_CUTTER, _FATAL, _RECOVERABLE = 0x08, 0x20, 0x40
_NEAR_END, _END = 0x0C, 0x60


def ask_status(which: int) -> bytes:
    """Return the request for one status byte; printers answer it also while they cannot print."""
    return bytes((0x10, 0x04, which))


def receipt_bytes(receipt: Receipt) -> bytes:
    """Return the commands that print a receipt once."""
    parts = [_START, _CENTRE, _LARGE, _line(receipt.title), _NORMAL, _LEFT, *map(_line, receipt.lines)]
    if receipt.qr:
        parts += [_CENTRE, qr_code(receipt.qr), _line("")]
    return b"".join([*parts, _CUT])


def label_bytes(label: Label) -> bytes:
    """Return the commands that print one label once, for kiosks whose only printer prints receipts."""
    parts = [_START, _CENTRE, _LARGE, _line(label.routing or label.company), _NORMAL]
    parts += [_line(f"{label.company}  {weight_text(label.weight_g)}".rstrip()), code128(label.waybill), _LEFT]
    for heading, party in (("收", label.recipient), ("寄", label.sender)):
        parts += [_line(f"{heading}  {party.name}  {party.phone}"), _line(f"    {party.address}")]
    parts += [_CENTRE, qr_code(label.qr or label.waybill), _line(label.printed_at)]
    return b"".join([*parts, _CUT])


def code128(text: str) -> bytes:
    """Return the commands for a Code 128 barcode in set B."""
    data = b"{B" + text.encode("ascii")
    return _BARCODE_SETTINGS + b"\x1dk\x49" + bytes((len(data),)) + data


def qr_code(text: str, module_dots: int = 6) -> bytes:
    """Return the commands for a QR code with error correction M."""
    data = text.encode("utf-8")
    stored = _qr_function(80, b"0" + data)
    return _qr_function(67, bytes((module_dots,))) + _qr_function(69, b"1") + stored + _qr_function(81, b"0")


class StatusFraming:
    """A status is one byte with four fixed bits."""

    longest = 1

    def measure(self, buffer: bytes, request: Request | None) -> int:
        """Measure: one byte, where the fixed bits fit."""
        if not buffer:
            return MORE
        return 1 if self.valid(buffer[:1]) else NO_FRAME

    def valid(self, frame: bytes) -> bool:
        """Compare the fixed bits."""
        return len(frame) == 1 and frame[0] & _FIXED_MASK == _FIXED


def read_status(which: int, frame: bytes) -> PrinterState:
    """Read one status byte by what was asked for."""
    said = frame[0]
    if which == PAPER:
        return _worst((said & _END, PrinterState.PAPER_OUT), (said & _NEAR_END, PrinterState.PAPER_LOW))
    if which == ERROR:
        return _worst((said & (_CUTTER | _RECOVERABLE), PrinterState.JAM), (said & _FATAL, PrinterState.STOPPED))
    return _worst((said & _COVER, PrinterState.COVER_OPEN), (said & _PAPER_STOP, PrinterState.PAPER_OUT))


def _worst(*found: tuple[int, PrinterState]) -> PrinterState:
    return next((state for bits, state in found if bits), PrinterState.READY)


def _line(text: str) -> bytes:
    return text.encode(ENCODING) + b"\n"


def _qr_function(function: int, data: bytes) -> bytes:
    return b"\x1d(k" + (len(data) + 2).to_bytes(2, "little") + bytes((49, function)) + data
