"""A cloned device is found, and nothing is opened from afar on either until a person has decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from firmware_bridge.errors import DeviceLockedError
from firmware_bridge.schemas import Birth
from firmware_bridge.server.alarms import FORK, open_alarms, settle_fork
from firmware_bridge.server.clones import CloneWatch
from firmware_bridge.server.commands import CommandDesk
from firmware_bridge.server.model import DeviceCommand
from firmware_bridge.server.presence import PresenceBook

KIOSK = "qj-kiosk-017"


@pytest.fixture
def birth(any_server: Any, enrolled: Callable[..., Any]) -> Callable[..., Birth]:
    """Make births of one enrolled kiosk."""
    enrolled(any_server)

    def make(boot: int, connection: int, start: str = "", store: str = "b41e", kind: str = "birth") -> Birth:
        now = any_server.clock.now()
        return Birth(
            kind=kind, dev=KIOSK, store=store, boot=boot, connection=connection, next_seq=1, nonce="n" * 24,
            start=start, ts=now,
        )  # fmt: skip

    return make


@pytest.fixture
def watch(any_server: Any) -> CloneWatch:
    """Give a fresh watch."""
    return CloneWatch(any_server.database, any_server.clock)


def test_one_device_is_never_taken_for_two(watch: CloneWatch, birth: Callable[..., Birth], any_server: Any) -> None:
    """Repeated births, reconnects, restarts, a new store and an older program's births raise nothing."""
    for heard in (
        birth(1, 1, "a"), birth(1, 1, "a"), birth(1, 4, "a"), birth(2, 1, "b"), birth(2, 1, "b", kind="disconnected"),
        birth(1, 4, "a", kind="death"), birth(1, 1, "c", store="ffff"), birth(1, 2, store="ffff"),
    ):  # fmt: skip
        assert not watch.look(heard)
    with any_server.database.read() as session:
        assert open_alarms(session) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [((5, 3, "a"), (4, 9, "b")), ((5, 3, "a"), (5, 2, "a")), ((5, 3, "a"), (5, 3, "b")), ((5, 3, ""), (5, 1, ""))],
)
def test_two_programs_on_one_store_are_a_clone(
    watch: CloneWatch, birth: Callable[..., Birth], any_server: Any, first: Any, second: Any
) -> None:
    """Numbers that go back, or two starts of one boot, are one alarm."""
    assert not watch.look(birth(*first))
    assert watch.look(birth(*second))
    watch.look(birth(*first))
    with any_server.database.read() as session:
        assert [(alarm.kind, alarm.device_id) for alarm in open_alarms(session)] == [(FORK, KIOSK)]


def test_a_locked_device_opens_nothing_from_afar(
    watch: CloneWatch, birth: Callable[..., Birth], any_server: Any, ids: Any
) -> None:
    """Waiting commands are void, new ones refused, until a person settles which device is real."""
    desk = CommandDesk(any_server.database, any_server.keyring, any_server.clock, ids)
    PresenceBook(any_server.database, any_server.clock).note(birth(5, 1, "a"))

    def ask() -> str:
        with any_server.database.begin() as session:
            return desk.issue(session, KIOSK, "c1-1", "courier:1", "collection")

    waiting = ask()
    watch.look(birth(5, 1, "a"))
    watch.look(birth(5, 1, "b"))
    assert desk.due() == []
    desk.expire()
    with any_server.database.read() as session:
        void = session.get(DeviceCommand, waiting)
        assert (void.state, void.code) == ("refused", "maintenance")
    with pytest.raises(DeviceLockedError):
        ask()
    with any_server.database.begin() as session:
        assert settle_fork(session, KIOSK, any_server.clock.now(), "user:ops") == 1
    ask()
    assert len(desk.due()) == 1
