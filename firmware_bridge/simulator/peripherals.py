"""Simulated scale, printer and scanner: they take and say bytes, written from the sheets, apart from the drivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from firmware_bridge.simulator.line import SimLine

_TOLEDO_GAP_S: Final = 0.1
_CUT: Final = b"\x1dV\x01"
_REAL_TIME: Final = b"\x10\x04"
Trouble = Literal["ready", "paper_low", "paper_out", "jam", "cover_open"]
TROUBLES: Final[tuple[Trouble, ...]] = ("ready", "paper_low", "paper_out", "jam", "cover_open")


@dataclass
class SimScale:
    """A platform with a zero that can drift; it settles some readings after every change.

    Parameters
    ----------
    load_g, drift_g
        What lies on it, and by how much its zero is off.
    capacity_g
        Beyond it the scale says "overload".
    settles_in
        So many readings after a change are unstable.
    """

    load_g: int = 0
    drift_g: int = 0
    capacity_g: int = 60_000
    settles_in: int = 3
    _unsettled: int = 0

    def put(self, load_g: int) -> None:
        """Put something else on it."""
        self.load_g, self._unsettled = load_g, self.settles_in

    def look(self) -> tuple[int, bool]:
        """Return what it shows and whether that is stable."""
        stable = self._unsettled == 0
        self._unsettled = max(0, self._unsettled - 1)
        wobble = 0 if stable else 7 * self._unsettled + 3
        return self.load_g + self.drift_g + wobble, stable

    def set_zero(self) -> bool:
        """Take what lies on it for zero, if that is little."""
        shown, stable = self.look()
        if not stable or abs(shown) > self.capacity_g // 50:
            return False
        self.drift_g -= shown
        return True


@dataclass
class SimToledoScale(SimScale):
    """A scale with continuous output in grams, checked."""

    _next_s: float = 0.0

    def cut(self, buffer: bytes) -> int:
        """Requests are lines."""
        return buffer.find(b"\n") + 1 or -1

    def answer(self, frame: bytes) -> bytes | None:
        """Set zero without a word."""
        if frame.strip() == b"Z":
            self.set_zero()
        return b""

    def unasked(self, now_s: float) -> bytes:
        """Return a frame ten times a second."""
        if now_s < self._next_s:
            return b""
        self._next_s = now_s + _TOLEDO_GAP_S
        return self.frame()

    def frame(self) -> bytes:
        """Return what it shows as one frame."""
        shown, stable = self.look()
        status_b = 0x30 | (0x02 if shown < 0 else 0) | (0 if stable else 0x08) | (0x04 if self._over(shown) else 0)
        head = bytes((0x02, 0x2A, status_b, 0x21)) + f"{abs(shown):6d}000000\r".encode("ascii")
        return head + bytes((-sum(head) & 0x7F,))

    def _over(self, shown: int) -> bool:
        return shown > self.capacity_g


@dataclass
class SimSicsScale(SimScale):
    """A scale that answers MT-SICS."""

    def cut(self, buffer: bytes) -> int:
        """Requests are lines."""
        return buffer.find(b"\n") + 1 or -1

    def answer(self, frame: bytes) -> bytes | None:
        """Tell the weight, set zero, or say that the request is not known."""
        request = frame.strip()
        if request == b"Z":
            return b"Z A\r\n" if self.set_zero() else b"Z I\r\n"
        if request != b"SI":
            return b"ES\r\n"
        shown, stable = self.look()
        if shown > self.capacity_g:
            return b"S +\r\n"
        return f"S {'S' if stable else 'D'} {shown / 1000:10.3f} kg\r\n".encode("ascii")


SIM_SCALES: Final[dict[str, type[SimToledoScale] | type[SimSicsScale]]] = {
    "toledo": SimToledoScale,
    "sics": SimSicsScale,
}


@dataclass
class SimPrinter:
    """A printer, its paper and its troubles.

    Parameters
    ----------
    jams_next
        The next document jams: half of it comes out and the printer says so.
    """

    trouble: Trouble = "ready"
    jams_next: bool = False
    printed: list[bytes] = field(default_factory=list)
    lost: list[bytes] = field(default_factory=list)

    def take(self, document: bytes) -> None:
        """Print a document, or lose it."""
        if self.jams_next:
            self.jams_next, self.trouble = False, "jam"
        good = self.trouble in ("ready", "paper_low")
        (self.printed if good else self.lost).append(document)


@dataclass
class SimTsplPrinter(SimPrinter):
    """A label printer."""

    _lines: bytes = b""

    def cut(self, buffer: bytes) -> int:
        """Requests are lines, or the three bytes that ask for the status."""
        if buffer[:1] == b"\x1b":
            return 3 if len(buffer) >= 3 else -1
        return buffer.find(b"\n") + 1 or -1

    def answer(self, frame: bytes) -> bytes | None:
        """Tell the status; collect commands and print at PRINT."""
        if frame == b"\x1b!?":
            bits: dict[Trouble, int] = {"jam": 0x02, "paper_out": 0x04, "cover_open": 0x01}
            return bytes((bits.get(self.trouble, 0),))
        self._lines += frame
        if frame.startswith(b"PRINT "):
            self.take(self._lines)
            self._lines = b""
        return b""


@dataclass
class SimEscPosPrinter(SimPrinter):
    """A receipt printer; its status comes in real time, between the bytes of a document."""

    _document: bytes = b""

    def cut(self, buffer: bytes) -> int:
        """Requests are three bytes; all else belongs to a document."""
        if buffer[:2] == _REAL_TIME:
            return 3 if len(buffer) >= 3 else -1
        ends = [buffer.find(_CUT) + len(_CUT) if _CUT in buffer else 0, max(0, buffer.find(_REAL_TIME))]
        return min((end for end in ends if end), default=-1)

    def answer(self, frame: bytes) -> bytes | None:
        """Tell one status byte; print at the cut."""
        if frame[:2] == _REAL_TIME:
            return bytes((self._status(frame[2]),))
        self._document += frame
        if frame.endswith(_CUT):
            self.take(self._document)
            self._document = b""
        return b""

    def _status(self, which: int) -> int:
        bits: dict[tuple[int, Trouble], int] = {
            (2, "cover_open"): 0x04, (2, "paper_out"): 0x20, (2, "jam"): 0x40, (3, "jam"): 0x08,
            (4, "paper_low"): 0x0C, (4, "paper_out"): 0x6C,
        }  # fmt: skip
        return 0x12 | bits.get((which, self.trouble), 0)


SIM_PRINTERS: Final[dict[str, type[SimTsplPrinter] | type[SimEscPosPrinter]]] = {
    "tspl": SimTsplPrinter,
    "escpos": SimEscPosPrinter,
}


@dataclass
class SimScanner:
    """A scanner: it listens to nobody and sends what it sees."""

    prefix: bytes = b""
    suffix: bytes = b"\r\n"

    def cut(self, buffer: bytes) -> int:
        """Take whatever is said for one request."""
        return len(buffer)

    def answer(self, frame: bytes) -> bytes | None:
        """Say nothing."""
        return None

    def see(self, line: SimLine, code: str) -> None:
        """Read a code."""
        line.shout(self.prefix + code.encode("utf-8") + self.suffix)


def obey_scale(said: Sequence[str], scale: SimScale) -> str | None:
    """Act on a line typed by a person; None when it is not understood."""
    match said:
        case ["put", grams] if grams.isdigit():
            scale.put(int(grams))
        case ["drift", grams] if grams.lstrip("-").isdigit():
            scale.drift_g = int(grams)
        case ["show"]:
            pass
        case _:
            return None
    return f"{scale.load_g} g on it, zero off by {scale.drift_g} g"


def obey_printer(said: Sequence[str], printer: SimPrinter) -> str | None:
    """Act on a line typed by a person; None when it is not understood."""
    match said:
        case ["jam", "next"]:
            printer.jams_next = True
        case [trouble] if trouble in TROUBLES:
            printer.trouble = trouble
        case ["show"]:
            pass
        case ["last"] if printer.printed:
            return printer.printed[-1].decode("gb18030", "replace")
        case _:
            return None
    return f"{printer.trouble}, {len(printer.printed)} printed, {len(printer.lost)} lost"
