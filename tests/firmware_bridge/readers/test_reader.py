"""Door readers: only over the secure channel, only with a key of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

from firmware_bridge.bus.port import TtyPort
from firmware_bridge.codecs.board import Line
from firmware_bridge.peripherals.errors import ReaderInstallError, ReaderKeyError
from firmware_bridge.readers.osdp_secure import DEFAULT_KEY
from firmware_bridge.readers.reader import (
    CardRead,
    KeysPressed,
    Lamp,
    OsdpReader,
    ReaderEvent,
    ReaderMoved,
    ReaderSettings,
    ReaderState,
    install_key,
)
from firmware_bridge.readers.wiegand import WiegandCard
from firmware_bridge.simulator.line import Fault, FaultsState, SimLine
from firmware_bridge.simulator.reader import SimReader

KEY = bytes(range(1, 17))
CARD = WiegandCard(90, 324)
LINE = Line(9600)


@pytest.fixture
def wire() -> Iterator[Callable[..., tuple[OsdpReader, SimReader, TtyPort]]]:
    """Put a simulated reader on a line with its driver."""
    with ExitStack() as stack:

        def make(
            faults: FaultsState | None = None, key: bytes = KEY, **reader: Any
        ) -> tuple[OsdpReader, SimReader, TtyPort]:
            sim = SimReader(**{"key": KEY, **reader})
            line = stack.enter_context(SimLine([sim], faults))
            port = TtyPort(line.path, LINE)
            stack.callback(port.close)
            settings = ReaderSettings(0, key, reply_s=0.3, offline_s=1.0)
            return OsdpReader(port, settings, Random(5).randbytes), sim, port

        yield make


def polled(reader: OsdpReader, wanted: type[ReaderEvent], limit_s: float = 60.0) -> ReaderEvent:
    """Poll until an event of a kind is told."""
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        for event in reader.poll():
            if isinstance(event, wanted):
                return event
    raise AssertionError(f"no {wanted.__name__}")


def test_a_card_and_a_code_come_through_the_secure_channel(wire: Callable[..., Any]) -> None:
    """A card and typed keys are told, and lamp and buzzer obey, once both sides have shown the key."""
    reader, sim, _ = wire()
    assert polled(reader, ReaderMoved) == ReaderMoved(ReaderState.SECURE)
    sim.show_card(CARD)
    event = polled(reader, CardRead)
    assert isinstance(event, CardRead)
    assert event.card == CARD
    sim.press("1234#")
    assert polled(reader, KeysPressed) == KeysPressed("1234#")
    reader.lamp(Lamp.GREEN)
    reader.beep(2)
    for _ in range(3):
        reader.poll()
    assert (sim.lamp, sim.beeps) == (Lamp.GREEN.value, 2)
    sim.tamper()
    assert polled(reader, ReaderMoved) == ReaderMoved(ReaderState.TAMPERED)


@pytest.mark.parametrize("key", [DEFAULT_KEY, bytes(16), b"short"])
def test_a_key_that_everybody_knows_is_refused(key: bytes) -> None:
    """The default key of the standard, and keys that are none, never open a channel in service."""
    with pytest.raises(ReaderKeyError):
        ReaderSettings(0, key)


def test_a_reader_with_another_key_is_not_believed(wire: Callable[..., Any]) -> None:
    """A reader that cannot show our key, perhaps a swapped one, stays lost and its cards are not heard."""
    reader, sim, _ = wire(key=bytes(range(2, 18)))
    sim.show_card(CARD)
    assert polled_nothing(reader, 5) == []
    assert reader.stats.refused > 0
    assert not sim.secure


def test_a_card_in_clear_text_is_refused(wire: Callable[..., Any]) -> None:
    """A card told outside the channel, as an attacker on the wire would, opens nothing."""
    reader, sim, _ = wire(talks_plainly=True)
    polled(reader, ReaderMoved)
    sim.show_card(CARD)
    assert not [event for event in polled_nothing(reader, 5) if isinstance(event, CardRead)]
    assert reader.stats.refused == 1


@pytest.mark.parametrize("fault", list(Fault))
def test_a_spoilt_reply_loses_no_card(wire: Callable[..., Any], fault: Fault) -> None:
    """Whatever spoils the reply that carries a card, the card is told once: the reader repeats its answer."""
    faults = FaultsState(late_s=0.4)
    reader, sim, _ = wire(faults)
    polled(reader, ReaderMoved)
    sim.show_card(CARD)
    faults.script.append(fault)
    event = polled(reader, CardRead)
    assert isinstance(event, CardRead)
    assert event.card == CARD
    assert faults.done[fault] == 1
    assert not [event for event in polled_nothing(reader, 5) if isinstance(event, CardRead)]


def test_sixty_cards_on_a_bad_line_are_each_told_once(wire: Callable[..., Any]) -> None:
    """With every fifth answer spoilt in some way, every card is told, once, and in order."""
    faults = FaultsState(seed=3, late_s=0.4)
    reader, sim, _ = wire(faults)
    polled(reader, ReaderMoved)
    faults.share = 0.2
    told: list[WiegandCard | None] = []
    for number in range(60):
        sim.show_card(WiegandCard(1, number))
        event = polled(reader, CardRead)
        assert isinstance(event, CardRead)
        told.append(event.card)
    assert told == [WiegandCard(1, number) for number in range(60)]
    assert sum(faults.done.values()) > 5


def test_a_lost_reader_is_said_and_comes_back(wire: Callable[..., Any]) -> None:
    """A reader without power is lost after its time; with power it opens a new channel by itself."""
    faults = FaultsState(share=1.0, kinds=(Fault.SILENCE,))
    reader, sim, _ = wire(faults)
    faults.share = 0.0
    polled(reader, ReaderMoved)
    faults.share = 1.0
    assert polled(reader, ReaderMoved) == ReaderMoved(ReaderState.LOST)
    sim.lose_power()
    faults.share = 0.0
    assert polled(reader, ReaderMoved) == ReaderMoved(ReaderState.SECURE)
    assert reader.stats.sessions == 2


def test_a_readers_own_key_is_loaded_once(wire: Callable[..., Any]) -> None:
    """In installation mode a reader takes its own key; out of it nobody can load another."""
    reader, sim, port = wire(key=KEY, installing=True)
    sim.key = DEFAULT_KEY
    install_key(port, 0, KEY, Random(7).randbytes)
    assert polled(reader, ReaderMoved) == ReaderMoved(ReaderState.SECURE)
    with pytest.raises(ReaderInstallError, match="installation mode"):
        install_key(port, 0, bytes(range(16)), Random(8).randbytes)
    assert sim.key == KEY


def polled_nothing(reader: OsdpReader, times: int) -> list[ReaderEvent]:
    """Poll some times and return all events."""
    return [event for _ in range(times) for event in reader.poll()]
