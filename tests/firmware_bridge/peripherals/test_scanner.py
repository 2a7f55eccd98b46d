"""Scanners: codes are cut out of what comes, once each, and can be judged by their check digits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs.board import Line
from firmware_bridge.peripherals.scanner import (
    Scan,
    ScanFramerState,
    ScannerSettings,
    SerialScanner,
    gtin_fits,
    s10_fits,
)
from firmware_bridge.simulator.line import SimLine
from firmware_bridge.simulator.peripherals import SimScanner


def test_a_code_is_heard_from_the_line() -> None:
    """What the scanner sees is heard, and silence ends by itself."""
    with SimLine([sim := SimScanner()]) as line:
        port = TtyPort(line.path, Line(9600))
        scanner = SerialScanner(port)
        sim.see(line, "ZT0012345")
        assert scanner.read(60) == [Scan("ZT0012345")]
        assert scanner.read(0.01) == []
        port.close()


@given(codes=st.lists(st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True), max_size=5, unique=True), data=st.data())
def test_codes_are_found_however_bytes_are_split(codes: Sequence[str], data: st.DataObject) -> None:
    """Codes are found in order however their bytes arrive, with one code of memory."""
    stream = b"".join(code.encode() + b"\r\n" for code in codes)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    frames, found = ScanFramerState(ScannerSettings()), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += frames.feed(stream[start:end], 0.0)
    assert [scan.text for scan in found] == list(codes)


def test_the_same_look_counts_once() -> None:
    """A code held before the scanner is sent again and again and counts once; later it counts again."""
    frames = ScanFramerState(ScannerSettings())
    assert frames.feed(b"A\r\nA\r\n", 0.0) == [Scan("A")]
    assert frames.feed(b"A\r\n", 0.8) == []
    assert frames.feed(b"B\r\nA\r\n", 0.9) == [Scan("B"), Scan("A")]
    assert frames.feed(b"A\r\n", 5.0) == [Scan("A")]


def test_prefixes_and_identifiers_are_taken_off() -> None:
    """A set-up prefix and the AIM identifier are taken off; codes without them are dropped."""
    frames = ScanFramerState(ScannerSettings(prefix=b"\x02", suffix=b"\x03", aim=True))
    assert frames.feed(b"\x02]Q3weixin\x03", 0.0) == [Scan("weixin", "Q3")]
    assert frames.feed(b"]C1X\x03" + b"\x02X\x03", 1.0) == []
    assert frames.dropped == 2


@pytest.mark.parametrize("said", [b"\xff\xfe\r\n", b"\r\n", b"a\x07b\r\n", b"x" * 600 + b"\r\n"])
def test_what_is_no_code_is_dropped(said: bytes) -> None:
    """Rubbish, empty and endless codes are dropped, and the next code is heard."""
    frames = ScanFramerState(ScannerSettings())
    assert frames.feed(said + b"GOOD\r\n", 0.0) == [Scan("GOOD")]
    assert frames.dropped == 1
    assert len(frames) == 0


def test_a_code_broken_by_a_pause_is_dropped() -> None:
    """Half a code and, a second later, another one are not glued together."""
    frames = ScanFramerState(ScannerSettings())
    assert frames.feed(b"HALF", 0.0) == []
    assert frames.feed(b"WHOLE\r\n", 1.0) == [Scan("WHOLE")]


@pytest.mark.parametrize(("code", "fits"), [
    ("RR473124829CN", True), ("RR473124828CN", False), ("rr473124829cn", False), ("RR47312482CN", False),
])  # fmt: skip
def test_postal_numbers_are_judged(code: str, fits: bool) -> None:
    """The postal union's example number fits; another check digit does not."""
    assert s10_fits(code) is fits


@pytest.mark.parametrize(("code", "fits"), [
    ("6901234567892", True), ("6901234567893", False), ("96385074", True), ("123", False), ("690123456789٢", False),
])  # fmt: skip
def test_goods_numbers_are_judged(code: str, fits: bool) -> None:
    """A goods number with its right check digit fits."""
    assert gtin_fits(code) is fits


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 11), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(body: str, place: int, change: int) -> None:
    """In every goods number one wrong digit is noticed."""
    whole = next(body + str(digit) for digit in range(10) if gtin_fits(body + str(digit)))
    wrong = whole[:place] + str((int(whole[place]) + change) % 10) + whole[place + 1 :]
    assert not gtin_fits(wrong)
