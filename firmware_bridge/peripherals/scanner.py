"""Barcode scanners: cutting codes out of what they send, and judging whether a code can be right.

A scanner on a serial line sends each code with a prefix and a suffix that its set-up sheet chose; an AIM identifier
(``]C1`` for GS1-128, ``]Q3`` for a QR code) tells the kind. Codes are what a person holds before it: never trusted.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Final

from firmware_bridge.bus.port import Port

_AIM: Final = re.compile(r"\](?P<kind>[A-Za-z][0-9A-Za-z])(?P<text>.*)", re.DOTALL)
_S10: Final = re.compile(r"[A-Z]{2}([0-9]{8})([0-9])[A-Z]{2}")
_S10_WEIGHTS: Final = (8, 6, 4, 2, 3, 5, 9, 7)
_GTIN_LENGTHS: Final = (8, 12, 13, 14)


@dataclass(frozen=True)
class ScannerSettings:
    """How a scanner was set up.

    Parameters
    ----------
    prefix, suffix
        What it sends before and after a code; the suffix ends a code.
    aim
        Whether it sends AIM identifiers.
    longest
        Longer codes are dropped: more than any waybill or our QR codes need.
    gap_s
        A pause inside a code that ends it as broken.
    repeat_s
        The same code again within this time is the same look.
    """

    prefix: bytes = b""
    suffix: bytes = b"\r\n"
    aim: bool = False
    longest: int = 512
    gap_s: float = 0.2
    repeat_s: float = 1.0


@dataclass(frozen=True)
class Scan:
    """A code; ``kind`` is the AIM identifier, empty where the scanner sends none."""

    text: str
    kind: str = ""


class ScanFramerState:
    """Cuts codes out of a stream; holds at most one code of bytes."""

    def __init__(self, settings: ScannerSettings) -> None:
        self._settings = settings
        self._buffer = bytearray()
        self._skipping = False
        self._heard_s = float("-inf")
        self._last: tuple[Scan | None, float] = (None, float("-inf"))
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes, now_s: float) -> list[Scan]:
        """Take bytes and return the codes they complete, without repeats of the same look."""
        if data and now_s - self._heard_s > self._settings.gap_s and (self._buffer or self._skipping):
            self._drop()
        if data:
            self._heard_s = now_s
        scans = []
        for byte in data:
            self._buffer.append(byte)
            if self._buffer.endswith(self._settings.suffix):
                scan = self._finish()
                if scan is not None and not self._repeated(scan, now_s):
                    scans.append(scan)
            elif len(self._buffer) > self._settings.longest:
                self._buffer.clear()
                self._skipping = True
        return scans

    def _finish(self) -> Scan | None:
        raw = bytes(self._buffer[: -len(self._settings.suffix)])
        broken = self._skipping or not raw.startswith(self._settings.prefix)
        self._buffer.clear()
        self._skipping = False
        scan = None if broken else read_code(raw[len(self._settings.prefix) :], aim=self._settings.aim)
        self.dropped += scan is None
        return scan

    def _drop(self) -> None:
        self._buffer.clear()
        self._skipping = False
        self.dropped += 1

    def _repeated(self, scan: Scan, now_s: float) -> bool:
        last, at_s = self._last
        self._last = (scan, now_s)
        return scan == last and now_s - at_s <= self._settings.repeat_s


class SerialScanner:
    """A scanner on a line."""

    def __init__(self, port: Port, settings: ScannerSettings | None = None) -> None:
        self._port = port
        self._frames = ScanFramerState(settings or ScannerSettings())

    def read(self, timeout_s: float) -> list[Scan]:
        """Return the codes scanned meanwhile; returns at the first one.

        Raises
        ------
        BusError
            If the line is gone.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            scans = self._frames.feed(self._port.read(max(0.0, until_s - time.monotonic())), time.monotonic())
            if scans or time.monotonic() >= until_s:
                return scans


def read_code(raw: bytes, *, aim: bool) -> Scan | None:
    """Read one code; None when it is empty, no text, holds control characters or lacks its identifier."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    kind = ""
    if aim:
        found = _AIM.fullmatch(text)
        if found is None:
            return None
        kind, text = found["kind"], found["text"]
    if not text or not text.isprintable():
        return None
    return Scan(text, kind)


def s10_fits(code: str) -> bool:
    """Tell whether a postal item number's check digit fits.

    Source: UPU standard S10: weights 8 6 4 2 3 5 9 7, 11 less the remainder; 10 becomes 0 and 11 becomes 5.
    """
    found = _S10.fullmatch(code)
    if found is None:
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(found[1], _S10_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(check, check) == int(found[2])


def gtin_fits(code: str) -> bool:
    """Tell whether a goods number's check digit fits.

    Source: GS1 general specifications, section 7.9: weights 3 and 1 from the right.
    """
    if len(code) not in _GTIN_LENGTHS or not code.isascii() or not code.isdigit():
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(code))) % 10 == 0
