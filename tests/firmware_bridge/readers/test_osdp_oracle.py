"""Our OSDP against libosdp, written by other people from the standard: both ways round."""

from __future__ import annotations

import os
import pty
import time
import tty
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs.board import Line
from firmware_bridge.readers.reader import (
    CardRead,
    Lamp,
    OsdpReader,
    ReaderMoved,
    ReaderSettings,
    ReaderState,
    install_key,
)
from firmware_bridge.readers.wiegand import WiegandCard
from firmware_bridge.simulator.line import SimLine
from firmware_bridge.simulator.reader import SimReader

osdp = pytest.importorskip("osdp", reason="libosdp is not installed: our OSDP is only tried against itself")

KEY = bytes(range(1, 17))
CARD = WiegandCard(90, 324)
_WAIT_S = 60.0


class Wire(osdp.Channel):  # type: ignore[misc]
    """A line for libosdp."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.id = descriptor
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)

    def read(self, max_bytes: int) -> bytes:
        """Return what has arrived."""
        try:
            return os.read(self._descriptor, max_bytes)
        except BlockingIOError:
            return b""

    def write(self, buf: bytes) -> int:
        """Send what fits."""
        return os.write(self._descriptor, buf)

    def flush(self) -> None:
        """Nothing is held back."""


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """Give a line: our descriptor, and the name of its other end."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def their_reader(line: tuple[int, str]) -> Iterator[Callable[..., Any]]:
    """Start libosdp's reader."""
    started: list[Any] = []

    def start(key: bytes | None, *flags: int) -> Any:
        capabilities = osdp.PDCapabilities([
            (osdp.Capability.CommunicationSecurity, 1, 1), (osdp.Capability.LEDControl, 1, 1),
            (osdp.Capability.AudibleControl, 1, 1), (osdp.Capability.OutputControl, 1, 1),
        ])  # fmt: skip
        info = osdp.PDInfo(101, Wire(line[0]), scbk=key, flags=list(flags))
        device = osdp.PeripheralDevice(info, capabilities, log_level=osdp.LogLevel.Emergency)
        device.start()
        started.append(device)
        return device

    yield start
    for device in started:
        device.teardown()


def wait_for(what: Callable[[], bool], meanwhile: Callable[[], object] = lambda: time.sleep(0.02)) -> None:
    """Wait until something is so."""
    until_s = time.monotonic() + _WAIT_S
    while not what():
        assert time.monotonic() < until_s
        meanwhile()


def test_our_panel_drives_their_reader(line: tuple[int, str], their_reader: Callable[..., Any]) -> None:
    """Our driver opens the secure channel with libosdp's reader, hears its card and lights its lamp."""
    device = their_reader(KEY, osdp.LibFlag.EnforceSecure)
    port = TtyPort(line[1], Line(9600))
    reader = OsdpReader(port, ReaderSettings(101, KEY), Random(1).randbytes)
    events: list[object] = []
    wait_for(lambda: ReaderMoved(ReaderState.SECURE) in events, lambda: events.extend(reader.poll()))
    assert device.is_sc_active()
    device.submit_event({
        "event": osdp.Event.CardRead, "reader_no": 0, "format": osdp.CardFormat.Wiegand, "direction": 0,
        "length": 26, "data": bytes.fromhex("2D00A200"),
    })  # fmt: skip
    cards: list[CardRead] = []
    wait_for(lambda: bool(cards), lambda: cards.extend(e for e in reader.poll() if isinstance(e, CardRead)))
    assert cards[0].card == CARD
    reader.lamp(Lamp.GREEN)
    reader.beep(1)
    for _ in range(4):
        reader.poll()
    commands = [device.get_command(5), device.get_command(5)]
    assert [command["command"] for command in commands] == [osdp.Command.LED, osdp.Command.Buzzer]
    assert reader.stats.refused == 0
    port.close()


def test_our_panel_loads_a_key_into_their_reader(line: tuple[int, str], their_reader: Callable[..., Any]) -> None:
    """The other side's reader in installation mode takes the key that our installation command sends."""
    device = their_reader(None, osdp.LibFlag.InstallMode)
    port = TtyPort(line[1], Line(9600))
    install_key(port, 101, KEY, Random(2).randbytes)
    command = device.get_command(5)
    assert command["command"] == osdp.Command.Keyset
    assert bytes(command["data"]) == KEY
    port.close()


def test_their_panel_drives_our_reader() -> None:
    """The other side's panel opens the secure channel with our simulated reader and hears its card."""
    sim = SimReader(address=101, key=KEY)
    with SimLine([sim]) as simulated:
        descriptor = os.open(simulated.path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(descriptor)
        panel = osdp.ControlPanel(
            [osdp.PDInfo(101, Wire(descriptor), scbk=KEY, flags=[osdp.LibFlag.EnforceSecure])],
            log_level=osdp.LogLevel.Emergency,
        )
        panel.start()
        try:
            wait_for(lambda: panel.is_sc_active(101))
            sim.show_card(CARD)
            event = panel.get_event(101, 30)
            assert event["event"] == osdp.Event.CardRead
            assert event["length"] == 26
            assert bytes(event["data"])[:3] == bytes.fromhex("2D00A2")
        finally:
            panel.teardown()
            os.close(descriptor)
