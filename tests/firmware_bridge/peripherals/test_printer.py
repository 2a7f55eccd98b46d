"""Printers: masked labels, asked before they are told, and never a third label for one waybill."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs.board import Line
from firmware_bridge.peripherals import escpos, tspl
from firmware_bridge.peripherals.errors import LabelError, PrinterError, ReprintError
from firmware_bridge.peripherals.label import Label, MaskedParty, Receipt, weight_text
from firmware_bridge.peripherals.printer import (
    EscPosPrinter,
    LabelDesk,
    MemoryJournal,
    Printer,
    SqliteJournal,
    TsplPrinter,
)
from firmware_bridge.peripherals.printer_state import PrinterState
from firmware_bridge.simulator.line import Fault, FaultsState, SimLine
from firmware_bridge.simulator.peripherals import SIM_PRINTERS, TROUBLES, SimPrinter, SimTsplPrinter, obey_printer

PARTY = MaskedParty.of("欧阳明", "13812345678", "河阳县青石镇柳树村3组12号")
LABEL = Label("ZT0012345", "中通", PARTY, PARTY, routing="青石-3", weight_g=1_250, printed_at="2026-03-04 11:52")
DRIVERS: dict[str, Callable[[TtyPort], Printer]] = {
    "tspl": lambda port: TsplPrinter(port, reply_s=0.5),
    "escpos": lambda port: EscPosPrinter(port, reply_s=0.5),
}
KINDS = sorted(DRIVERS)
Wired = tuple[Printer, SimPrinter, SimLine]


@pytest.fixture
def wire() -> Iterator[Callable[..., Wired]]:
    """Put a simulated printer on a line with its driver."""
    with ExitStack() as stack:

        def make(kind: str, faults: FaultsState | None = None) -> Wired:
            sim = SIM_PRINTERS[kind]()
            line = stack.enter_context(SimLine([sim], faults))
            port = TtyPort(line.path, Line(9600))
            stack.callback(port.close)
            return DRIVERS[kind](port), sim, line

        yield make


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_is_printed_and_shows_nobody_in_full(wire: Callable[..., Wired], kind: str) -> None:
    """The label comes out with waybill, section and weight; name, phone and house are masked."""
    printer, sim, _ = wire(kind)
    assert LabelDesk(printer, MemoryJournal()).print(LABEL) == 1
    assert printer.state() is PrinterState.READY  # answered after the label was taken
    paper = sim.printed[0].decode("gb18030", "replace")
    for shown in ("ZT0012345", "青石-3", "1.250 kg", "欧**", "河阳县青石镇柳树村****"):
        assert shown in paper
    for hidden in ("阳明", "12345678", "12号"):
        assert hidden not in paper


@given(
    name=st.text("赵钱孙李周吴郑王欧阳", min_size=2, max_size=4), phone=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
)
def test_law_09_no_label_shows_a_name_or_six_digits_of_a_phone(name: str, phone: str) -> None:
    """Whoever is on a label, neither language prints the whole name or more than five digits of the phone."""
    party = MaskedParty.of(name, phone, "河阳县城关镇人民路8号3单元502室")
    label = Label("ZT1", "中通", party, party)
    for paper in (tspl.label_bytes(label), escpos.label_bytes(label)):
        text = paper.decode("gb18030", "replace")
        assert name not in text
        assert phone not in text
        assert not re.search(re.escape(phone[:6]), text)
        assert "502" not in text


def test_a_party_cannot_be_printed_unmasked() -> None:
    """The only way to put a person on a label is the one that masks."""
    with pytest.raises(LabelError, match="masks"):
        MaskedParty("欧阳明", "13812345678", "柳树村12号")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trouble", [trouble for trouble in TROUBLES if trouble not in ("ready", "paper_low")])
def test_nothing_is_sent_to_a_printer_in_trouble(wire: Callable[..., Wired], kind: str, trouble: str) -> None:
    """With no paper, a jam or an open cover nothing is sent and nothing counts as printed."""
    printer, sim, _ = wire(kind)
    journal = MemoryJournal()
    sim.trouble = trouble
    with pytest.raises(PrinterError, match=trouble):
        LabelDesk(printer, journal).print(LABEL)
    assert (sim.printed, sim.lost, journal.count(LABEL.waybill)) == ([], [], 0)


def test_low_paper_is_said_and_prints(wire: Callable[..., Wired]) -> None:
    """Paper that will run out soon is told while labels still come out."""
    printer, sim, _ = wire("escpos")
    sim.trouble = "paper_low"
    assert printer.state() is PrinterState.PAPER_LOW
    assert LabelDesk(printer, MemoryJournal()).print(LABEL) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_lost_in_a_jam_is_printed_once_more_and_never_again(wire: Callable[..., Wired], kind: str) -> None:
    """After a jam the same waybill is printed once again; a third time is refused."""
    printer, sim, _ = wire(kind)
    desk = LabelDesk(printer, MemoryJournal())
    sim.jams_next = True
    assert desk.print(LABEL) == 1
    assert printer.state() is PrinterState.JAM
    with pytest.raises(PrinterError, match="jam"):
        desk.print(LABEL)
    sim.trouble = "ready"
    assert desk.print(LABEL) == 2
    with pytest.raises(ReprintError):
        desk.print(LABEL)
    assert printer.state() is PrinterState.READY
    assert (len(sim.printed), len(sim.lost)) == (1, 1)


def test_the_count_survives_a_power_cut(tmp_path: Path, wire: Callable[..., Wired]) -> None:
    """A kiosk that loses power after a reprint does not print a third label when it is back."""
    printer, _, _ = wire("tspl")
    for expected in (1, 2):
        journal = SqliteJournal(tmp_path / "printed.db")
        assert LabelDesk(printer, journal).print(LABEL) == expected
        journal.close()
    journal = SqliteJournal(tmp_path / "printed.db")
    with pytest.raises(ReprintError):
        LabelDesk(printer, journal).print(LABEL)
    journal.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_printer_is_no_ready_one(wire: Callable[..., Wired], kind: str) -> None:
    """A printer that is switched off is said to be silent."""
    printer, _, line = wire(kind)
    line.unanswered = True
    assert printer.state() is PrinterState.SILENT


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [Fault.NOISE, Fault.TRUNCATION, Fault.MERGE, Fault.BAD_CHECK, Fault.SILENCE])
def test_one_spoilt_answer_is_not_believed(wire: Callable[..., Wired], kind: str, fault: Fault) -> None:
    """A status is one byte without a check: one spoilt byte does not make a printer ready that has no paper."""
    printer, sim, _ = wire(kind, FaultsState(script=[fault]))
    sim.trouble = "paper_out"
    assert printer.state() is PrinterState.PAPER_OUT


def test_receipts_are_printed_by_receipt_printers_only(wire: Callable[..., Wired]) -> None:
    """A sender's receipt has title, lines and a code; a label printer refuses it."""
    receipt = Receipt("寄件凭证", ("运单 ZT0012345", "1.250 kg"), qr="https://example.test/t/ZT0012345")
    printer, sim, _ = wire("escpos")
    printer.send(receipt)
    assert printer.state() is PrinterState.READY
    assert "寄件凭证" in sim.printed[0].decode("gb18030", "replace")
    with pytest.raises(LabelError):
        wire("tspl")[0].send(receipt)


def test_the_qr_code_is_built_as_the_guide_says() -> None:
    """Module size, error correction, stored data with its length, then "print"."""
    said = escpos.qr_code("AB", 5)
    assert said == (
        b"\x1d(k\x03\x001C\x05" b"\x1d(k\x03\x001E1" b"\x1d(k\x05\x001P0AB" b"\x1d(k\x03\x001Q0"
    )  # fmt: skip
    assert escpos.code128("ZT1").endswith(b"\x1dkI\x05{BZT1")


@pytest.mark.parametrize("waybill", ["", "A" * 41, 'ZT"1', "ZT\n1", "运单"])
def test_a_waybill_cannot_smuggle_commands(waybill: str) -> None:
    """A waybill with quotation marks, line ends or other letters is refused before it reaches a printer."""
    with pytest.raises(LabelError):
        Label(waybill, "中通", PARTY, PARTY)


def test_texts_cannot_smuggle_commands() -> None:
    """A text with a line end is refused; a quotation mark is written as the language wants it."""
    with pytest.raises(LabelError):
        Label("ZT1", "中通\r\nPRINT 9,9", PARTY, PARTY)
    with pytest.raises(LabelError):
        Receipt("x\x1b@", ())
    said = tspl.label_bytes(Label("ZT1", 'A"B', PARTY, PARTY)).decode("gb18030")
    assert 'A\\["]B' in said
    assert said.count("PRINT ") == 1


@pytest.mark.parametrize(("byte", "state"), [
    (0x00, PrinterState.READY), (0x01, PrinterState.COVER_OPEN), (0x02, PrinterState.JAM),
    (0x04, PrinterState.PAPER_OUT), (0x05, PrinterState.PAPER_OUT), (0x08, PrinterState.PAPER_OUT),
    (0x10, PrinterState.STOPPED), (0x20, PrinterState.BUSY), (0x80, PrinterState.STOPPED),
])  # fmt: skip
def test_status_bytes_are_read_as_the_manual_says(byte: int, state: PrinterState) -> None:
    """Each status byte of the manual has its meaning; only "ready" and low paper let a label be sent."""
    assert tspl.read_status(bytes((byte,))) is state
    assert state.can_print == (byte == 0)


def test_weights_are_printed_in_kilograms() -> None:
    """Grams become kilograms with three places; an unknown weight is left out."""
    assert (weight_text(1_250), weight_text(5), weight_text(None)) == ("1.250 kg", "0.005 kg", "")


def test_the_simulated_printer_can_be_played_with_by_hand() -> None:
    """Words take its paper away, jam it and show what it printed."""
    printer = SimTsplPrinter()
    assert obey_printer(["paper_out"], printer) == "paper_out, 0 printed, 0 lost"
    assert obey_printer(["jam", "next"], printer) is not None
    assert obey_printer(["last"], printer) is None
    printer.printed.append(b"x")
    assert obey_printer(["last"], printer) == "x"
    assert obey_printer(["show"], printer) is not None
    assert obey_printer(["dance"], printer) is None
