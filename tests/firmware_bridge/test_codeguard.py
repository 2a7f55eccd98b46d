"""Codes at the device: used once and guessed seldom, whatever is switched off in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from firmware_bridge.device.codeguard import CodeGuard
from lockers.codes import CodeVerdict, OfflineWindow, WaitingParcel, offline_code

KEY = bytes(range(32))
HOURS = timedelta(hours=6)
PARCELS = [WaitingParcel("c1-1", "p-1"), WaitingParcel("c1-2", "p-2")]


@pytest.fixture
def guard(kiosk: Any, new_kiosk: Callable[..., Any]) -> Callable[[], CodeGuard]:
    """Start the guard, again and again, as after power has come back."""
    present = [kiosk]

    def start() -> CodeGuard:
        present[0].agent.store.close()
        present[0] = new_kiosk(kiosk.agent.config)
        agent = present[0].agent
        return CodeGuard(agent.store, kiosk.clock, agent.time, [KEY], HOURS)

    return start


def digits(kiosk: Any, parcel: WaitingParcel = PARCELS[0]) -> str:
    """Compute the code the server would have sent."""
    return offline_code(KEY, parcel.compartment, parcel.parcel_id, OfflineWindow.at(kiosk.clock.now(), HOURS))


def test_dev_092_limits_survive_reboot(guard: Callable[[], CodeGuard], kiosk: Any) -> None:
    """Used codes and wrong guesses are remembered over restarts: switching the cabinet off forgives nothing."""
    code = digits(kiosk)
    assert guard().try_code(code, PARCELS, "cab-1")[0] is CodeVerdict.OPEN
    assert guard().try_code(code, PARCELS, "cab-1")[0] is CodeVerdict.USED
    for _ in range(4):
        assert guard().try_code("00000000", PARCELS, "cab-1")[0] is CodeVerdict.WRONG
    assert guard().try_code(digits(kiosk, PARCELS[1]), PARCELS, "cab-1")[0] is CodeVerdict.LOCKED_OUT
    kiosk.clock.advance(601)
    assert guard().try_code(digits(kiosk, PARCELS[1]), PARCELS, "cab-1") == (CodeVerdict.OPEN, PARCELS[1])


def test_an_account_cannot_guess_at_many_cabinets(guard: Callable[[], CodeGuard], kiosk: Any) -> None:
    """Guesses count for the account too, wherever they are made."""
    watching = guard()
    for number in range(5):
        watching.try_code("00000000", PARCELS, f"cab-{number}", "7")
    assert watching.try_code(digits(kiosk), PARCELS, "cab-9", "7")[0] is CodeVerdict.LOCKED_OUT
    assert watching.try_code(digits(kiosk), PARCELS, "cab-9", "8")[0] is CodeVerdict.OPEN


def test_an_opening_by_code_is_an_event(guard: Callable[[], CodeGuard], kiosk: Any) -> None:
    """What was opened by code is reported when the network is back, without the code."""
    watching = guard()
    code = digits(kiosk)
    watching.try_code(code, PARCELS, "cab-1")
    [event] = watching._store.waiting(0, 9, backlog=True)
    assert (event.type, event.body) == ("access.granted", {"target": "c1-1", "parcel_id": "p-1"})
    assert code not in str(event)


def test_marks_of_parcels_that_are_gone_are_dropped(guard: Callable[[], CodeGuard], kiosk: Any) -> None:
    """The list of used codes does not grow for ever."""
    watching = guard()
    watching.try_code(digits(kiosk), PARCELS, "cab-1")
    watching.forget_parcel("c1-1", "p-1")
    assert watching._store.query("SELECT count(*) FROM used_code") == [(0,)]
