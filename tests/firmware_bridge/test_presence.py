"""What births, deaths and silence tell of a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from firmware_bridge.schemas import Birth
from firmware_bridge.server.model import DevicePresence
from firmware_bridge.server.presence import PresenceBook
from kernel.clock import ManualClock


@pytest.fixture
def book(any_server: Any, enrolled: Callable[..., Any]) -> PresenceBook:
    """Give the presence book of a server with one kiosk."""
    enrolled(any_server)
    return PresenceBook(any_server.database, any_server.clock)


def word(clock: ManualClock, kind: str, boot: int = 1, connection: int = 1) -> Birth:
    """Make a birth, death or good-bye of the kiosk."""
    return Birth(
        kind=kind, dev="qj-kiosk-017", store="b41e", boot=boot, connection=connection, next_seq=1, nonce="n" * 24,
        ts=clock.now(),
    )  # fmt: skip


def state(server: Any) -> str:
    """Read the kiosk's present state."""
    with server.database.read() as session:
        return session.get(DevicePresence, "qj-kiosk-017").state


def test_dev_031_stale_death_ignored(book: PresenceBook, any_server: Any, clock: ManualClock) -> None:
    """The death of an earlier connection, told late, does not end the present one."""
    book.note(word(clock, "death"))  # before anything was heard
    book.note(word(clock, "birth", connection=1))
    book.note(word(clock, "birth", connection=2))
    book.note(word(clock, "death", connection=1))
    assert state(any_server) == "online"
    book.note(word(clock, "death", boot=0 + 1, connection=2))
    assert state(any_server) == "lost"


def test_dev_032_orderly_stop_is_not_lost(book: PresenceBook, any_server: Any, clock: ManualClock) -> None:
    """A kiosk that says good-bye is disconnected, not lost."""
    book.note(word(clock, "birth"))
    book.note(word(clock, "disconnected"))
    assert state(any_server) == "disconnected"


def test_silence_is_noticed(book: PresenceBook, any_server: Any, clock: ManualClock) -> None:
    """A kiosk that has not been heard for two births' time is marked as silent, once."""
    book.note(word(clock, "birth"))
    clock.advance(20 * 60)
    assert book.mark_silent() == 0
    clock.advance(2 * 60)
    assert book.mark_silent() == 1
    assert book.mark_silent() == 0
    assert state(any_server) == "silent"
    book.note(word(clock, "birth"))
    assert state(any_server) == "online"
