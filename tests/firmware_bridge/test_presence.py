"""What births, deaths, heartbeats and silence tell of a device."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from firmware_bridge.schemas import Birth, Health
from firmware_bridge.server.model import DeviceAlarm, DevicePresence
from firmware_bridge.server.presence import PresenceBook
from kernel.clock import ManualClock

KIOSK = "qj-kiosk-017"


@pytest.fixture
def book(any_server: Any, enrolled: Callable[..., Any]) -> PresenceBook:
    """Give the presence book of a server with one kiosk."""
    enrolled(any_server)
    return PresenceBook(any_server.database, any_server.clock)


@pytest.fixture
def long_ago(clock: ManualClock) -> datetime:
    """Give a moment since which the server has heard without a break."""
    return clock.now() - timedelta(days=1)


def word(clock: ManualClock, kind: str, boot: int = 1, connection: int = 1) -> Birth:
    """Make a birth, death or good-bye of the kiosk."""
    return Birth(
        kind=kind, dev=KIOSK, store="b41e", boot=boot, connection=connection, next_seq=1, nonce="n" * 24,
        ts=clock.now(),
    )  # fmt: skip


def beat(book: PresenceBook, server: Any, connection: int = 1) -> None:
    """Let a heartbeat arrive."""
    health = Health(dev=KIOSK, store="b41e", boot=1, connection=connection, uptime_s=1, waiting=0, free_bytes=1)
    with server.database.begin() as session:
        book.hear(session, {KIOSK: health})


def state(server: Any) -> str:
    """Read the kiosk's present state."""
    with server.database.read() as session:
        return session.get(DevicePresence, KIOSK).state


def alarms(server: Any) -> list[tuple[str, int, bool]]:
    """Read kind, count and whether it is open of all alarms."""
    with server.database.read() as session:
        rows = session.scalars(select(DeviceAlarm).order_by(DeviceAlarm.id)).all()
        return [(row.kind, row.count, row.closed_at is None) for row in rows]


def test_dev_031_stale_death_ignored(
    book: PresenceBook, any_server: Any, clock: ManualClock, long_ago: datetime
) -> None:
    """The death of an earlier connection, told late, does not end the present one."""
    book.note(word(clock, "death"))  # before anything was heard
    book.note(word(clock, "birth", connection=1))
    book.note(word(clock, "birth", connection=2))
    book.note(word(clock, "death", connection=1))
    clock.advance(40)
    book.sweep(long_ago)
    assert state(any_server) == "online"
    book.note(word(clock, "death", connection=2))
    clock.advance(31)
    book.sweep(long_ago)
    assert state(any_server) == "offline"


def test_dev_032_orderly_stop_is_not_lost(
    book: PresenceBook, any_server: Any, clock: ManualClock, long_ago: datetime
) -> None:
    """A kiosk that says good-bye is disconnected, not lost, and nobody is alarmed at once."""
    book.note(word(clock, "birth"))
    book.note(word(clock, "disconnected"))
    book.note(word(clock, "death"))  # a broker that sends the will all the same
    clock.advance(600)
    book.sweep(long_ago)
    assert (state(any_server), alarms(any_server)) == ("disconnected", [])


def test_dev_033_presence_tiers_by_timer(
    book: PresenceBook, any_server: Any, clock: ManualClock, long_ago: datetime
) -> None:
    """A silent kiosk is suspect after two missed heartbeats, offline after five minutes, down after two hours."""
    book.note(word(clock, "birth"))
    seen = []
    for wait_s in (60, 15, 224, 1, 2 * 3600 - 301, 1):
        clock.advance(wait_s)
        book.sweep(long_ago)
        seen.append(state(any_server))
    assert seen == ["online", "suspect", "suspect", "offline", "offline", "outage"]
    assert alarms(any_server) == [("offline", 2, True)]  # one cause, one alarm
    beat(book, any_server)
    assert (state(any_server), alarms(any_server)) == ("online", [("offline", 2, False)])


def test_heartbeats_of_an_old_connection_prove_nothing(
    book: PresenceBook, any_server: Any, clock: ManualClock, long_ago: datetime
) -> None:
    """A heartbeat that a broker kept from an earlier connection does not bring a kiosk back."""
    book.note(word(clock, "birth", connection=2))
    clock.advance(400)
    beat(book, any_server, connection=1)
    book.sweep(long_ago)
    assert state(any_server) == "offline"


def test_silence_of_the_server_is_not_the_devices_fault(
    book: PresenceBook, any_server: Any, clock: ManualClock
) -> None:
    """After the broker was away for an hour, kiosks get their five minutes before anybody is alarmed."""
    book.note(word(clock, "birth"))
    clock.advance(3600)
    book.sweep(hearing_since=clock.now() - timedelta(seconds=20))
    assert (state(any_server), alarms(any_server)) == ("online", [])
    clock.advance(290)
    book.sweep(hearing_since=clock.now() - timedelta(seconds=310))
    assert state(any_server) == "offline"


def test_dev_034_flap_hidden_by_grace(
    book: PresenceBook, any_server: Any, clock: ManualClock, long_ago: datetime
) -> None:
    """A kiosk whose connection breaks and comes back within half a minute was never gone."""
    book.note(word(clock, "birth", connection=1))
    book.note(word(clock, "death", connection=1))
    clock.advance(25)
    book.sweep(long_ago)
    assert state(any_server) == "online"
    book.note(word(clock, "birth", connection=2))
    clock.advance(20)
    book.sweep(long_ago)
    assert (state(any_server), alarms(any_server)) == ("online", [])


def test_dev_037_flapping_is_one_alarm(
    book: PresenceBook, any_server: Any, clock: ManualClock, long_ago: datetime
) -> None:
    """A kiosk that connects again and again is one alarm with a count, closed when it stays for ten minutes."""
    for connection in range(1, 9):
        book.note(word(clock, "birth", connection=connection))
        book.note(word(clock, "birth", connection=connection))  # the ten-minute repetition is no new connection
        clock.advance(30)
    assert alarms(any_server) == [("flapping", 4, True)]
    for _ in range(22):
        clock.advance(30)
        beat(book, any_server, connection=8)
        book.sweep(long_ago)
    assert alarms(any_server) == [("flapping", 4, False)]


def test_nobody_waits_for_a_revoked_device(
    book: PresenceBook, any_server: Any, clock: ManualClock, long_ago: datetime
) -> None:
    """The alarm of a silent kiosk is closed when the kiosk is revoked."""
    book.note(word(clock, "birth"))
    clock.advance(400)
    book.sweep(long_ago)
    assert alarms(any_server) == [("offline", 1, True)]
    with any_server.database.begin() as session:
        any_server.registry.revoke(session, KIOSK)
    clock.advance(7200)
    book.sweep(long_ago)
    assert [(kind, is_open) for kind, _, is_open in alarms(any_server)] == [("offline", False)]
    book.sweep(long_ago)
