"""Printers on a line: asked first, told once, and never a third label for one waybill.

After a jam or a paper that ran out nobody knows whether a label came out; so it may be printed once more, with the
same waybill. What was printed is kept before it is sent, so that a power cut cannot make a third one.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, Protocol

from firmware_bridge.bus.deframer import hear
from firmware_bridge.bus.port import Port
from firmware_bridge.peripherals import escpos, tspl
from firmware_bridge.peripherals.errors import LabelError, PrinterError, ReprintError
from firmware_bridge.peripherals.label import Label, Receipt
from firmware_bridge.peripherals.printer_state import PrinterState

MOST_PRINTS: Final = 2
_STATUS_S: Final = 0.5


class Printer(Protocol):
    """A printer that can be asked how it is."""

    def state(self) -> PrinterState:
        """Ask how it is.

        Raises
        ------
        BusError
            If the line is gone.
        """
        ...

    def send(self, document: Label | Receipt) -> None:
        """Send a document's commands, whatever comes of them.

        Raises
        ------
        BusError
            If the line is gone.
        LabelError
            If it is no kind this printer prints.
        """
        ...


class PrintJournal(Protocol):
    """Remembers how often a waybill's label was sent, over power cuts."""

    def count(self, waybill: str) -> int:
        """Return how often it was sent."""
        ...

    def add(self, waybill: str) -> None:
        """Remember one more, durably, before it is sent."""
        ...


class MemoryJournal:
    """A journal that forgets at the end of the program: for tests and for simulators."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, waybill: str) -> int:
        """Return how often it was sent."""
        return self._counts.get(waybill, 0)

    def add(self, waybill: str) -> None:
        """Remember one more."""
        self._counts[waybill] = self.count(waybill) + 1


class SqliteJournal:
    """A journal in a file of its own, safe against power cuts."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma synchronous = full")
        self._database.execute("create table if not exists printed (waybill text primary key, times integer not null)")

    def count(self, waybill: str) -> int:
        """Return how often it was sent."""
        row = self._database.execute("select times from printed where waybill = ?", (waybill,)).fetchone()
        return 0 if row is None else int(row[0])

    def add(self, waybill: str) -> None:
        """Remember one more, on the disk when this returns."""
        self._database.execute(
            "insert into printed values (?, 1) on conflict (waybill) do update set times = times + 1", (waybill,)
        )

    def close(self) -> None:
        """Give the file back."""
        self._database.close()


class LabelDesk:
    """Prints labels by the rules."""

    def __init__(self, printer: Printer, journal: PrintJournal) -> None:
        self.printer = printer
        self._journal = journal

    def print(self, label: Label) -> int:
        """Print a label, the first time or once again, and return which time it is.

        Raises
        ------
        ReprintError
            If it was printed again already.
        PrinterError
            If the printer cannot print now; then nothing was sent and nothing counted.
        """
        done = self._journal.count(label.waybill)
        if done >= MOST_PRINTS:
            raise ReprintError(f"the label of {label.waybill} was printed {done} times", waybill=label.waybill)
        state = self.printer.state()
        if not state.can_print:
            raise PrinterError(f"the printer is {state.value}", state=state.value)
        self._journal.add(label.waybill)
        self.printer.send(label)
        return done + 1


class TsplPrinter:
    """A label printer that speaks TSPL."""

    def __init__(self, port: Port, *, width_mm: int = 76, height_mm: int = 130, reply_s: float = _STATUS_S) -> None:
        self._port = port
        self._size = (width_mm, height_mm)
        self._reply_s = reply_s

    def state(self) -> PrinterState:
        """Ask for the status byte."""
        said = _asked(self._port, tspl.StatusFraming(), tspl.ASK_STATUS, self._reply_s)
        return PrinterState.SILENT if said is None else tspl.read_status(said)

    def send(self, document: Label | Receipt) -> None:
        """Send a label; receipts are for the other kind of printer."""
        if not isinstance(document, Label):
            raise LabelError("a label printer prints no receipts", field="document")
        self._port.write(tspl.label_bytes(document, *self._size))


class EscPosPrinter:
    """A receipt printer that speaks ESC/POS."""

    def __init__(self, port: Port, *, reply_s: float = _STATUS_S) -> None:
        self._port = port
        self._reply_s = reply_s

    def state(self) -> PrinterState:
        """Ask for three status bytes; the first that is not "ready" tells, low paper last."""
        low = False
        for which in (escpos.OFFLINE, escpos.ERROR, escpos.PAPER):
            said = _asked(self._port, escpos.StatusFraming(), escpos.ask_status(which), self._reply_s)
            if said is None:
                return PrinterState.SILENT
            state = escpos.read_status(which, said)
            low = low or state is PrinterState.PAPER_LOW
            if not state.can_print:
                return state
        return PrinterState.PAPER_LOW if low else PrinterState.READY

    def send(self, document: Label | Receipt) -> None:
        """Send a receipt or a label."""
        if isinstance(document, Label):
            self._port.write(escpos.label_bytes(document))
        else:
            self._port.write(escpos.receipt_bytes(document))


def _asked(
    port: Port, framing: tspl.StatusFraming | escpos.StatusFraming, question: bytes, reply_s: float
) -> bytes | None:
    """Ask until two answers in a row are equal, because one byte has no check; None when that does not happen."""
    before: bytes | None = None
    for _ in range(4):
        port.flush_input()
        port.write(question)
        said = hear(port, framing, reply_s, bytes)
        if said is not None and said == before:
            return said
        before = said
    return None
